"""Holds the shape of the tree: what stands at the top, that nothing is compiled or tested by accident, how long a file
may be, and what may not be left in one. The rules are the constants below."""

import pathlib
import posixpath
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from source_tree import PROJECT_ROOT, Tree, TreeTest, Violation, line_of  # noqa: E402

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE",
             "agent", "hub", "sync", "schema", "tests", "deploy"}  # and names that begin with a dot
CODE_FOLDERS = ("schema", "sync", "agent", "hub", "tests")

# What must stand in a CMakeLists.txt: without it the file would silently not be built, or not be run.
LISTED = re.compile(r"(schema|sync|agent|hub|tests)/.*(\.(cpp|cc|c|capnp)|_test\.py)$")

LINES_WARN = 400  # the length we aim to stay under; above it the file is only named
LINES_MAX = 600

# Data may say anything; these are the files people write.
WRITTEN = re.compile(r".*\.(cpp|hpp|cc|c|h|py|sh|cmake|capnp|sql|js|mjs|ts|css|html|md|txt|ya?ml|service)$|[^.]*$|\.[^./]+$")

# The letters are split so that this file does not find itself.
LEFTOVER = re.compile(r"\b(TO" r"DO\(now\)|FIX" r"ME\b|XX" r"X\b(?!-XX))")
MACHINE_PATH = re.compile(r"(?<![\w.}/$-])/(home|work|root|Users)/[\w.-]+")


def check_top_level(tree):
    for path in sorted({path.split("/")[0] for path in tree.files}):
        if path not in TOP_LEVEL and not path.startswith("."):
            yield Violation(path, 1, "top-level", "does not belong at the top of the tree")


def listed_in_cmake(tree):
    """Every path a CMakeLists.txt names, resolved against its folder, a leading ${..._SOURCE_DIR} included."""
    listed = set()
    for path in tree.files:
        if posixpath.basename(path) != "CMakeLists.txt":
            continue
        folder = posixpath.dirname(path)
        for word in re.split(r'[\s()"]+', re.sub(r"#[^\n]*", "", tree.text(path) or "")):
            if word.startswith(("${PROJECT_SOURCE_DIR}/", "${CMAKE_SOURCE_DIR}/")):
                listed.add(posixpath.normpath(word.split("/", 1)[1]))
            else:
                word = word.removeprefix("${CMAKE_CURRENT_SOURCE_DIR}/")
                listed.add(posixpath.normpath(posixpath.join(folder, word)))
    return listed


def check_listed(tree):
    listed = listed_in_cmake(tree)
    for path in tree.files:
        if LISTED.match(path) and path not in listed:
            yield Violation(path, 1, "unlisted", "no CMakeLists.txt names this file, so it is never built or run")


def check_length(tree, warn=lambda message: print(message, file=sys.stderr)):
    for path in tree.sources(*CODE_FOLDERS):
        lines = (tree.text(path) or "").count("\n")
        if lines > LINES_MAX:
            yield Violation(path, lines, "length", f"{lines} lines; at most {LINES_MAX}, split it by topic")
        elif lines > LINES_WARN:
            warn(f"note: {path} has {lines} lines; above {LINES_WARN} think of splitting it")


def check_contents(tree):
    for path in tree.files:
        if not WRITTEN.match(posixpath.basename(path)):
            continue
        text = tree.text(path)
        if text is None:
            continue
        for left in LEFTOVER.finditer(text):
            yield Violation(path, line_of(text, left.start()), "leftover", f"{left[0]} does not stay in the tree")
        for absolute in MACHINE_PATH.finditer(text):
            message = f"{absolute[0]} is a path of one machine"
            yield Violation(path, line_of(text, absolute.start()), "machine-path", message)
        if text.startswith("#!") and not (tree.root / path).stat().st_mode & 0o100:
            yield Violation(path, 1, "not-executable", "a script whose executable bit is not set")


def check_planted(tree):
    """A bug planted where the simulator does not compile the file for itself is in no program at all."""
    with_bugs = (tree.text("tests/sim/CMakeLists.txt") if "tests/sim/CMakeLists.txt" in tree.files else None) or ""
    for path in tree.sources("sync", "agent", "hub"):
        text = tree.text(path) or ""
        at = text.find("planted(Bug::")
        if at >= 0 and path not in with_bugs.replace(")", " ").split():
            yield Violation(path, line_of(text, at), "planted", "is not among with_bugs of tests/sim/CMakeLists.txt")


def check_layout(tree: Tree):
    return sorted([*check_top_level(tree), *check_listed(tree), *check_length(tree), *check_contents(tree),
                   *check_planted(tree)])


class LayoutTest(TreeTest):
    check = check_layout

    def test_allows_a_tree_of_the_right_shape(self):
        self.assertEqual(self.violations_of({
            "CMakeLists.txt": "add_subdirectory(sync)\n",
            ".gitignore": "/build/\n",
            ".ci/run": "#!/bin/bash\n",
            "README.md": "# Streetlog\n",
            "deploy/build": "#!/bin/bash\n",
            "sync/CMakeLists.txt": "add_library(sync change/hash.cpp\n    ${CMAKE_CURRENT_SOURCE_DIR}/peer.cpp)\n",
            "sync/change/hash.cpp": "", "sync/change/hash.hpp": "", "sync/peer.cpp": "",
            "tests/CMakeLists.txt": "add_test(NAME x COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/x_test.py)\n"
                                    "add_executable(bench ${PROJECT_SOURCE_DIR}/tests/bench/floor.cpp)\n",
            "tests/x_test.py": "", "tests/bench/floor.cpp": "",
        }, executable={".ci/run", "deploy/build"}), [])

    def test_names_what_does_not_belong_at_the_top(self):
        self.assertEqual(self.violations_of({"notes.txt": "", "common/x.md": "", "README.md": ""}),
                         ["common:1: top-level", "notes.txt:1: top-level"])

    def test_names_sources_and_tests_that_no_cmake_file_lists(self):
        self.assertEqual(self.violations_of({
            "sync/CMakeLists.txt": "add_library(sync\n    a.cpp  # b.cpp\n)\n",
            "sync/a.cpp": "", "sync/b.cpp": "", "sync/merge/a.cpp": "",
            "schema/wire/record.capnp": "",
            "tests/tree/shape_test.py": "", "tests/tree/helper.py": "",
        }), ["schema/wire/record.capnp:1: unlisted", "sync/b.cpp:1: unlisted", "sync/merge/a.cpp:1: unlisted",
             "tests/tree/shape_test.py:1: unlisted"])

    def test_fails_a_file_that_is_too_long_and_only_notes_one_that_is_long(self):
        files = {"sync/CMakeLists.txt": "long.cpp longer.cpp longest.cpp", "sync/long.cpp": "\n" * LINES_WARN,
                 "sync/longer.cpp": "\n" * LINES_MAX, "sync/longest.cpp": "\n" * (LINES_MAX + 1)}
        self.assertEqual(self.violations_of(files), [f"sync/longest.cpp:{LINES_MAX + 1}: length"])

    def test_notes_a_long_file(self):
        notes = []
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "sync").mkdir()
            (pathlib.Path(folder) / "sync/long.hpp").write_text("\n" * (LINES_WARN + 1))
            self.assertEqual(list(check_length(Tree(folder), notes.append)), [])
        self.assertEqual(len(notes), 1)
        self.assertIn("sync/long.hpp", notes[0])

    def test_names_what_was_left_for_later(self):
        found = self.violations_of({
            "sync/a.hpp": "// TO" "DO(perf): batch these\n// TO" "DO(now): this\n",
            "deploy/build": "#!/bin/bash\n\n# FIX" "ME\n",
            "agent/README.md": "XX" "X check\n",
            "agent/form.html": "XX" "X-XX-1234\n",
            "CMakeLists.txt": "# XX" "X\n",
            "schema/lists.json": '{"FIX' 'ME": 1}\n',
        }, executable={"deploy/build"})
        self.assertEqual(found, ["CMakeLists.txt:1: leftover", "agent/README.md:1: leftover", "deploy/build:3: leftover",
                                 "sync/a.hpp:2: leftover"])

    def test_names_paths_of_one_machine(self):
        found = self.violations_of({
            "deploy/build": "#!/bin/bash\ncd /" "home/ana/streetlog\nhttps://example.org/" "work/x\n$DIR/" "work/x\n",
            "sync/a.hpp": 'auto p = "/' 'work/wt/x";\nauto q = "/' 'Users/ana";\n// the /' 'root/x folder\n',
        }, executable={"deploy/build"})
        self.assertEqual(found, ["deploy/build:2: machine-path", "sync/a.hpp:1: machine-path",
                                 "sync/a.hpp:2: machine-path", "sync/a.hpp:3: machine-path"])

    def test_names_scripts_that_cannot_be_run(self):
        self.assertEqual(self.violations_of({"deploy/demo": "#!/bin/bash\n", "deploy/build": "#!/bin/bash\n"},
                                            executable={"deploy/build"}), ["deploy/demo:1: not-executable"])

    def test_names_bugs_that_the_simulator_would_not_see(self):
        self.assertEqual(self.violations_of({
            "sync/CMakeLists.txt": "a.cpp b.cpp", "tests/CMakeLists.txt": "", "tests/sim/CMakeLists.txt": "set(with_bugs\n    sync/a.cpp)",
            "sync/a.cpp": "if (planted(Bug::kX)) return;\n", "sync/b.cpp": "\nif (planted(Bug::kX)) return;\n",
        }), ["sync/b.cpp:2: planted"])

    def test_this_tree_has_its_shape(self):
        self.assert_clean(PROJECT_ROOT)


if __name__ == "__main__":
    unittest.main()
