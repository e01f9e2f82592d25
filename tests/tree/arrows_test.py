"""Holds the arrows between folders: who may include whom, who may see SQLite, Asio, Beast and Cap'n Proto, and that the
engine reads no clock, draws no random number and starts no thread. The rules are the tables below."""

import posixpath
import re
import sys
import unittest

sys.dont_write_bytecode = True
from source_tree import PROJECT_ROOT, Tree, TreeTest, Violation, line_of, without_comments  # noqa: E402

FOLDERS = ("schema", "sync", "agent", "hub", "tests")

# Zone -> the zones it may include. Tests may include everything.
ARROWS = {
    "schema": {"schema"},
    "sync core": {"schema", "sync core"},
    "sync/store": {"schema", "sync core", "sync/store"},
    "sync/net": {"schema", "sync core", "sync/net"},
    "agent": {"schema", "sync core", "sync/store", "sync/net", "agent"},
    "hub": {"schema", "sync core", "sync/store", "sync/net", "hub"},
}

# Rule, the included names it is about, the files that may include them, and how to say that.
HEADERS = (
    ("sqlite", re.compile(r"sqlite3(ext)?\.h$"),
     re.compile(r"sync/store/.*\.cpp$|tests/"), "only .cpp files of sync/store and tests see SQLite"),
    ("asio", re.compile(r"boost/asio\b"),
     re.compile(r"sync/net/|agent/|hub/|tests/"), "only sync/net, agent, hub and tests see Asio"),
    ("beast", re.compile(r"boost/beast\b"),
     re.compile(r"sync/net/beast_(\w+\.cpp|stream\.hpp)$|tests/support/|tests/bench/[^/]*floor"),
     "only sync/net/beast_*.cpp, tests/support and the floor of tests/bench see Beast"),
    ("capnp", re.compile(r"(capnp|kj)/|schema/wire/"),
     re.compile(r"sync/change/|sync/session/|schema/wire/|tests/"),
     "only sync/change, sync/session, schema/wire and tests see Cap'n Proto and its generated types"),
)

# The engine takes time and randomness through schema/ports.hpp and leaves threads to its callers.
ENGINE = {"schema", "sync core", "sync/store"}
ENGINE_NEVER = (
    ("clock", re.compile(r"\b(system|steady|high_resolution)_clock\s*::\s*now\b")),
    ("clock", re.compile(r"=\s*(::)?(std\s*::\s*)?(chrono\s*::\s*)?(system|steady|high_resolution)_clock\s*;")),
    ("clock", re.compile(r"\btime\s*\(\s*(nullptr|NULL|0)\s*\)")),
    ("clock", re.compile(r"\b(gettimeofday|clock_gettime)\b")),
    ("randomness", re.compile(r"\brandom_device\b")),
    ("thread", re.compile(r"\bstd\s*::\s*j?thread\b(?!\s*::\s*id)")),
)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<open>[<"])(?P<name>[^">\n]+)[>"]', re.MULTILINE)


def zone_of(path):
    parts = path.split("/")
    if parts[0] == "sync":
        return "/".join(parts[:2]) if parts[1] in ("store", "net") else "sync core"
    return parts[0]


def target_of(tree, path, name):
    """The project path an include names, or None for a header from elsewhere. Generated headers count by their name."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    if (tree.root / beside).is_file() and not (tree.root / name).is_file():
        return beside
    name = posixpath.normpath(name)
    return name if name.split("/")[0] in FOLDERS and "/" in name else None


def check_include(tree, path, name):
    """(rule, message) of what is wrong with `path` including `name`; nothing if it is allowed."""
    target = target_of(tree, path, name)
    zone = zone_of(path)
    if target and zone != "tests" and zone_of(target) not in ARROWS[zone]:
        yield "arrow", f"{zone} must not include {zone_of(target)} ({target})"
    for rule, header, allowed, message in HEADERS:
        if header.match(target or name) and not allowed.match(path):
            yield rule, f"{target or name}: {message}"


def check_arrows(tree: Tree):
    found = []
    for path in tree.sources(*FOLDERS):
        text = tree.text(path)
        if text is None:
            found.append(Violation(path, 1, "text", "not UTF-8 text"))
            continue
        code = without_comments(text)
        for include in INCLUDE.finditer(code):
            for rule, message in check_include(tree, path, include["name"]):
                found.append(Violation(path, line_of(code, include.start("name")), rule, message))
        if zone_of(path) in ENGINE:
            code = without_comments(text, keep_strings=False)
            for rule, pattern in ENGINE_NEVER:
                for use in pattern.finditer(code):
                    message = f"the engine never names {' '.join(use[0].split())}; use schema/ports.hpp"
                    found.append(Violation(path, line_of(code, use.start()), rule, message))
    return sorted(found)


class ArrowsTest(TreeTest):
    check = check_arrows

    def includes(self, path, *lines):
        """Violations of one planted file, without its name: ["line: rule", ...]."""
        found = self.violations_of({path: "\n".join(lines) + "\n"})
        return [one.removeprefix(path + ":") for one in found]

    def test_allows_every_arrow_that_is_drawn(self):
        drawn = {
            "schema/id.cpp": ["schema/id.hpp", "schema/hud/fields.hpp"],
            "sync/merge/merge.cpp": ["schema/id.hpp", "sync/change/record.hpp"],
            "sync/store/log.cpp": ["schema/id.hpp", "sync/merge/merge.hpp", "sync/store/sqlite.hpp"],
            "sync/net/beast_server.cpp": ["schema/id.hpp", "sync/session/peer.hpp", "sync/net/channel.hpp"],
            "agent/app.cpp": ["schema/id.hpp", "sync/merge/merge.hpp", "sync/store/log.hpp", "sync/net/channel.hpp",
                              "agent/api/routes.hpp"],
            "hub/app.cpp": ["schema/id.hpp", "sync/store/log.hpp", "sync/net/channel.hpp", "hub/feed/feed.hpp"],
            "tests/e2e/sync_test.cpp": ["agent/app.hpp", "hub/app.hpp", "tests/support/client.hpp"],
        }
        for path, names in drawn.items():
            with self.subTest(path):
                self.assertEqual(self.includes(path, *(f'#include "{name}"' for name in names)), [])

    def test_names_every_arrow_that_is_not_drawn(self):
        forbidden = {
            "schema/id.cpp": ["sync/change/record.hpp", "agent/app.hpp", "hub/app.hpp", "tests/support/client.hpp"],
            "sync/merge/merge.cpp": ["sync/store/log.hpp", "sync/net/channel.hpp", "agent/app.hpp", "hub/app.hpp"],
            "sync/ports.hpp": ["sync/store/log.hpp"],
            "sync/store/log.cpp": ["sync/net/channel.hpp", "agent/app.hpp", "hub/app.hpp"],
            "sync/net/channel.cpp": ["sync/store/log.hpp", "agent/app.hpp", "hub/app.hpp"],
            "agent/app.cpp": ["hub/app.hpp", "tests/support/client.hpp"],
            "hub/app.cpp": ["agent/app.hpp", "tests/support/client.hpp"],
        }
        for path, names in forbidden.items():
            with self.subTest(path):
                lines = ["#pragma once", *(f'#include "{name}"' for name in names)]
                self.assertEqual(self.includes(path, *lines),
                                 [f"{number}: arrow" for number in range(2, len(names) + 2)])

    def test_sees_angle_brackets_odd_spacing_and_relative_paths(self):
        found = self.violations_of({
            "sync/store/log.hpp": "",
            "sync/merge/merge.cpp": "#include <sync/store/log.hpp>\n  #  include \"../store/log.hpp\"\n",
        })
        self.assertEqual(found, ["sync/merge/merge.cpp:1: arrow", "sync/merge/merge.cpp:2: arrow"])

    def test_ignores_what_is_commented_out(self):
        self.assertEqual(self.includes("schema/id.cpp", '// #include "hub/app.hpp"', "/*", '#include "hub/app.hpp"', "*/",
                                       "// steady_clock::now() is not ours to call"), [])

    def test_keeps_sqlite_in_the_cpp_files_of_the_store(self):
        line = "#include <sqlite3.h>"
        for path in ("sync/store/sqlite.hpp", "sync/merge/merge.cpp", "sync/net/a.cpp", "agent/app.cpp", "hub/app.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, line), ["1: sqlite"])
        for path in ("sync/store/sqlite.cpp", "tests/unit/sync/store/sqlite_test.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, line), [])

    def test_keeps_asio_out_of_the_engine(self):
        for path in ("schema/id.hpp", "sync/session/peer.cpp", "sync/store/log.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, "#include <boost/asio/awaitable.hpp>", "#include <boost/asio.hpp>"),
                                 ["1: asio", "2: asio"])
        for path in ("sync/net/channel.hpp", "agent/app.cpp", "hub/app.cpp", "tests/support/client.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, "#include <boost/asio/awaitable.hpp>"), [])

    def test_keeps_beast_in_the_files_named_after_it(self):
        line = "#include <boost/beast/http.hpp>"
        for path in ("sync/net/channel.hpp", "sync/net/beast_server.hpp", "sync/net/tls.cpp", "sync/session/peer.cpp",
                     "agent/app.cpp", "hub/app.cpp", "tests/unit/http_test.cpp", "tests/bench/sync_bench.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, line), ["1: beast"])
        for path in ("sync/net/beast_server.cpp", "tests/support/http_client.cpp", "tests/bench/floor.cpp",
                     "tests/bench/websocket_floor.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, line), [])

    def test_keeps_capnp_where_bytes_become_records(self):
        lines = ("#include <capnp/message.h>", "#include <kj/array.h>", '#include "schema/wire/record.capnp.h"')
        for path in ("schema/id.cpp", "sync/merge/merge.cpp", "sync/store/log.cpp", "sync/net/a.cpp", "agent/app.cpp",
                     "hub/app.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, *lines), ["1: capnp", "2: capnp", "3: capnp"])
        for path in ("sync/change/codec.cpp", "sync/session/frames.cpp", "schema/wire/capnp_fix.hpp",
                     "tests/fuzz/codec_fuzz.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, *lines), [])

    def test_keeps_clocks_randomness_and_threads_out_of_the_engine(self):
        lines = {
            "auto t = std::chrono::system_clock::now();": "clock",
            "auto t = steady_clock :: now();": "clock",
            "using Wall = std::chrono::system_clock;": "clock",
            "long t = time(nullptr);": "clock",
            "gettimeofday(&tv, 0);": "clock",
            "clock_gettime(CLOCK_BOOTTIME, &ts);": "clock",
            "std::random_device seed;": "randomness",
            "std::thread worker([] {});": "thread",
            "std::jthread worker([] {});": "thread",
        }
        expected = [f"{number}: {rule}" for number, rule in enumerate(lines.values(), 1)]
        for path in ("schema/time.cpp", "sync/timeliness/verdict.cpp", "sync/store/log.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, *lines), expected)
        for path in ("sync/net/system_clock.cpp", "agent/main.cpp", "hub/main.cpp", "tests/unit/clock_test.cpp"):
            with self.subTest(path):
                self.assertEqual(self.includes(path, *lines), [])

    def test_lets_the_engine_speak_of_time_without_reading_it(self):
        self.assertEqual(self.includes("schema/time.cpp", 'fail("system_clock::now() is forbidden");',
                                       "std::chrono::system_clock::time_point t; char quote = '\"'; int n = 1'000;",
                                       "std::thread::id owner; auto s = start_time(0);"), [])

    def test_this_tree_follows_its_arrows(self):
        self.assert_clean(PROJECT_ROOT)


if __name__ == "__main__":
    unittest.main()
