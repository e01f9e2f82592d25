"""Databases of earlier versions, from tests/golden/store-N-M, put back where the programs look for them."""

import contextlib
import gzip
import json
import sqlite3

from harness import GOLDEN, Agent, Hub

VERSIONS = sorted(GOLDEN.glob("store-*"))
FILES = {"hub": "hub.db", "agent": "agent.db"}
LOGS = {"hub": "log_run", "agent": "own"}  # what nothing else can give back


def said(version):
    """What the programs of then said about their databases."""
    return json.loads((version / "said.json").read_text())


def put(version, kind, directory):
    """The program on a directory that holds the database of then."""
    directory.mkdir()
    (directory / FILES[kind]).write_bytes(gzip.decompress((version / f"{kind}.db.gz").read_bytes()))
    return Hub(directory) if kind == "hub" else Agent(directory, None)


def ask(file, sql):
    """One row, from a copy of the database with its write-ahead log: asking changes nothing."""
    with contextlib.closing(sqlite3.connect(":memory:")) as memory:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            db.backup(memory)
        return memory.execute(sql).fetchone()


def schema_of(file):
    return ask(file, "PRAGMA user_version")[0]


def log_of(file, kind):
    """How many rows the log has, and their bytes."""
    return ask(file, f"SELECT count(*), sum(length(body)) FROM {LOGS[kind]}")
