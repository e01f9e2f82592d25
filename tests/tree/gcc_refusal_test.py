"""CMake must refuse GCC before 13, which destroys the temporaries of a coroutine twice without a warning. Configures the
project with such a compiler and expects the stated refusal. Exit code 77 (skipped) where there is no such compiler."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

PROJECT_ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
STATED = ("Streetlog cannot be built with GCC", "destroys the temporaries of a coroutine twice", "Use Clang 19")


def old_gcc():
    """(name, version) of a GCC below 13 on this machine, or None."""
    for name in ("g++-12", "g++", "g++-11", "g++-10", "c++"):
        if not shutil.which(name):
            continue
        about = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
        version = subprocess.run([name, "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
        major = version.split(".")[0]
        if "Free Software Foundation" in about and major.isdigit() and int(major) < 13:
            return name, version
    return None


def main():
    compiler = old_gcc()
    if not compiler:
        print("No GCC below 13 is installed here, so there was nothing to refuse.")
        return SKIPPED
    name, version = compiler
    with tempfile.TemporaryDirectory(prefix="streetlog-gcc-") as folder:
        command = ["cmake", "-S", str(PROJECT_ROOT), "-B", folder, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={name}",
                   "-DCMAKE_C_COMPILER=clang-19"]
        run = subprocess.run(command, capture_output=True, text=True)
        said = " ".join((run.stdout + run.stderr).split())  # CMake wraps its messages
        wrong = [f"CMake accepted {name} {version}."] if run.returncode == 0 else []
        wrong += [f'CMake did not say "{phrase}".' for phrase in STATED if phrase not in said]
        if wrong:
            print(*wrong, "What it said:", run.stdout, run.stderr, sep="\n")
            return 1
    print(f"CMake refused {name} {version} with the stated reason.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
