"""What the tree checks share: which files there are, how to read them, and how a violation is told.

A check is a function from a Tree to a list of Violations. Its tests plant a small tree in a temporary folder and expect
every violation to be named; then the check runs over the real tree.
"""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
from typing import Callable, NamedTuple

SOURCE_SUFFIXES = {".cpp", ".hpp", ".cc", ".c", ".h"}
SKIPPED_FOLDERS = {".git", "build", "node_modules", ".cache", "__pycache__"}


class Violation(NamedTuple):
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Tree:
    """The files of a source tree, by their path relative to its root, with forward slashes."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = self._from_git() or self._from_folders()

    def _from_git(self):
        """What git tracks or would add. None where git does not know this folder as the top of a work tree."""
        if not (self.root / ".git").exists():
            return None
        command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            listed = subprocess.run(command, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
        return sorted(name for name in set(listed.decode().split("\0")) if name and (self.root / name).is_file())

    def _from_folders(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            base = pathlib.Path(folder).relative_to(self.root)
            found += [(base / name).as_posix() for name in names]
        return sorted(found)

    def text(self, path):
        """The text of a file; None if it is not text."""
        try:
            text = (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text

    def sources(self, *folders):
        """C and C++ files below the named top-level folders."""
        return [path for path in self.files
                if path.split("/")[0] in folders and pathlib.PurePosixPath(path).suffix in SOURCE_SUFFIXES]


_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<fence>[^(\s"\\]*)\(.*?\)(?P=fence)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<character>(?<![0-9A-Za-z_])(?:u8|u|U|L)?'(?:\\.|[^'\\\n])*')""",
    re.VERBOSE | re.DOTALL)


def without_comments(text, keep_strings=True):
    """C++ text with comments, and if asked string and character literals, blanked; every line keeps its number."""
    def blank(match):
        if keep_strings and match["comment"] is None:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])
    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class TreeTest(unittest.TestCase):
    """Base of the checks' tests. A subclass sets `check` and plants files with `violations_of`."""

    check: Callable[[Tree], list]

    def violations_of(self, files, executable=()):
        """Plants `files` (path -> text) and returns "path:line: rule" of every violation found in them."""
        with tempfile.TemporaryDirectory(prefix="streetlog-tree-") as folder:
            for path, text in files.items():
                place = pathlib.Path(folder) / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8")
                place.chmod(0o755 if path in executable else 0o644)
            with contextlib.redirect_stderr(io.StringIO()):  # notes about planted files would only confuse
                found = type(self).check(Tree(folder))
            return [f"{one.path}:{one.line}: {one.rule}" for one in found]

    def assert_clean(self, root):
        found = type(self).check(Tree(root))
        if found:
            listing = "\n".join(f"  {one}" for one in found)
            self.fail(f"{len(found)} violation(s) in {root}:\n{listing}")


PROJECT_ROOT = pathlib.Path(__file__).resolve().parents[2]
