"""The real stores against the executable model (merge_model.py): see store_oracle.cpp.

  store_oracle_test.py ORACLE HISTORIES [TEST..]     ORACLE is the program built from store_oracle.cpp; HISTORIES is how many new
                                                     ones it gets, unless STREETLOG_HISTORIES says another number
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SEED = int(os.environ.get("STREETLOG_SEED", "20261124"))
ORACLE = ""
HISTORIES = 0


def memory_folder():
    """Where files cost no disk, if there is room for a few stores."""
    shared = pathlib.Path("/dev/shm")
    try:
        room = os.statvfs(shared)
    except OSError:
        return None
    enough = room.f_bavail * room.f_frsize > 64 * 1024 * 1024
    return shared if enough and os.access(shared, os.W_OK) else None


class StoreOracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.committed = pathlib.Path(cls.folder.name, "committed.jsonl")
        cls.committed.write_bytes(gzip.decompress((HERE / "corpus.jsonl.gz").read_bytes()))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def start(self, path, seed=0):
        environment = dict(os.environ)
        if memory := memory_folder():
            environment["TMPDIR"] = str(memory)
        return subprocess.Popen([ORACLE, path, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment)

    def assert_agrees(self, path, histories):
        self.assert_ended_well(self.start(path), histories)

    def assert_ended_well(self, running, histories):
        said, _ = running.communicate()
        self.assertEqual(running.returncode, 0, said)
        self.assertTrue(said.startswith(f"{histories} histories "), said)
        print(said.strip())

    def test_stores_agree_with_the_model_on_some_of_the_committed_histories(self):
        """Few enough for a build with sanitizers."""
        some = pathlib.Path(self.folder.name, "some.jsonl")
        some.write_text("".join(self.committed.read_text().splitlines(keepends=True)[:40]))
        self.assert_agrees(some, 40)

    def test_stores_agree_with_the_model_on_the_committed_histories(self):
        self.assert_agrees(self.committed, len(self.committed.read_text().splitlines()))

    def test_stores_agree_with_the_model_on_new_histories(self):
        """Several at a time, each with a seed of its own: a process makes histories, another lets them happen."""
        parts = os.cpu_count() or 1
        counts = [HISTORIES // parts + (part < HISTORIES % parts) for part in range(parts)]
        paths = [pathlib.Path(self.folder.name, f"new-{part}.jsonl") for part in range(parts)]
        makers = [subprocess.Popen([sys.executable, HERE / "merge_model.py", "--corpus", str(count), path, str(SEED + part)],
                                   stdout=subprocess.DEVNULL)
                  for part, (count, path) in enumerate(zip(counts, paths))]
        for maker in makers:
            self.assertEqual(maker.wait(), 0)
        worlds = [self.start(path, 1000 * (part + 1)) for part, path in enumerate(paths)]
        for count, world in zip(counts, worlds):
            self.assert_ended_well(world, count)

    def test_a_wrong_expectation_is_noticed(self):
        """Each kind of thing that is compared, made wrong in one history."""
        lines = self.committed.read_text().splitlines()[:100]
        histories = [json.loads(line) for line in lines]

        def spoilt(change):
            for history in histories:
                copy = json.loads(json.dumps(history))
                if change(copy):
                    return copy
            self.fail("no history to spoil")

        def drop_sibling(h):
            views = [v for v in h["expect"]["own"].values() if len(v["siblings"]) > 1]
            return views and views[0]["siblings"].pop(0)

        def other_review(h):
            view = next(iter(h["expect"]["merged"].values()), None)
            return view and view.update(review=not view["review"]) is None

        def other_winner(h):
            for view in h["expect"]["own"].values():
                if len(view["siblings"]) > 1:
                    view["winner"] = next(d for d in view["siblings"] if d != view["winner"])
                    return True

        def other_canon(h):
            for entity, canon in h["expect"]["canon"].items():
                if int(entity) != canon:
                    h["expect"]["canon"][entity] = int(entity)
                    return True

        def hide(h):
            for record in h["records"]:
                dots = [[*record["replica"], record["seq"], op["op"]] for op in record["ops"]]
                shown = [d for v in h["expect"]["own"].values() for d in v["siblings"]]
                if not record["hidden"] and any(d in shown for d in dots):
                    record["hidden"] = True
                    return True

        for change in (drop_sibling, other_review, other_winner, other_canon, hide):
            with self.subTest(change.__name__):
                history = spoilt(change)
                history["id"] = 1  # its records carry the model's receipts
                path = pathlib.Path(self.folder.name, "spoilt.jsonl")
                path.write_text(json.dumps(history) + "\n")
                world = self.start(path)
                said, _ = world.communicate()
                self.assertEqual(world.returncode, 1, said)
                self.assertIn("history", said)


if __name__ == "__main__":
    ORACLE = sys.argv.pop(1)
    wanted = sys.argv.pop(1)
    HISTORIES = int(os.environ.get("STREETLOG_HISTORIES") or wanted)
    unittest.main()
