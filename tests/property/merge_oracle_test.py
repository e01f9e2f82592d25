"""The C++ merge core against the executable model (merge_model.py), on the committed histories and on as many new ones as
STREETLOG_HISTORIES says. Each of the four rules that a plainer design would do without is then switched off in turn: the core must
part from the model on some history, or this test could not see the rule missing.

  merge_oracle_test.py ORACLE [TEST..]     ORACLE is the program built from merge_oracle.cpp
"""
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
HISTORIES = int(os.environ.get("STREETLOG_HISTORIES", "500"))
SEED = int(os.environ.get("STREETLOG_SEED", "20261123"))
ORACLE = ""


def oracle(path, *rule):
    return subprocess.run([ORACLE, path, *rule], capture_output=True, text=True)


class MergeOracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.committed = pathlib.Path(cls.folder.name, "committed.jsonl")
        cls.committed.write_bytes(gzip.decompress((HERE / "corpus.jsonl.gz").read_bytes()))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def assert_agrees(self, path, *how):
        done = oracle(path, *how)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_core_agrees_with_the_model_on_the_committed_histories(self):
        self.assert_agrees(self.committed)

    def test_core_agrees_with_the_model_on_records_that_were_encoded(self):
        self.assert_agrees(self.committed, "through_codec")

    def test_core_agrees_with_the_model_on_new_histories(self):
        path = pathlib.Path(self.folder.name, "new.jsonl")
        subprocess.run([sys.executable, HERE / "merge_model.py", "--corpus", str(HISTORIES), path, str(SEED)],
                       check=True, stdout=subprocess.DEVNULL)
        self.assert_agrees(path)

    def test_every_naive_rule_is_noticed(self):
        for rule in ("receipt_order", "own_view", "ship_gone", "ship_hidden_edges"):
            with self.subTest(rule):
                done = oracle(self.committed, rule)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn("history", done.stdout)


if __name__ == "__main__":
    ORACLE = sys.argv.pop(1)
    unittest.main()
