"""Reads what a hub and its devices left on disk: the plain tables with SQL, the contents of the records through the canonical
text that `verify --dump` writes (sync/merge/canonical.cpp). Nothing is written, and nothing here knows the story."""

import collections
import json
import pathlib
import sqlite3
import subprocess


class Catalogue:
    """Names of tables and columns to their numbers in the records, from schema/hud."""

    def __init__(self, folder):
        tables = [t for file in ("groups.json", "own-tables.json")
                  for t in json.loads((folder / file).read_text())["tables"]]
        self.table = {t["name"]: t["id"] for t in tables}
        self.column = {(t["name"], c["name"]): c["id"] for t in tables for c in t["columns"]}
        self.group_of = {c["id"]: c.get("group") or 0 for t in tables for c in t["columns"]}
        self.group_key = {g["id"]: g["key"] for t in tables for g in t.get("groups", [])}


Write = collections.namedtuple("Write", "entity table group device seq user cells")
Gone = collections.namedtuple("Gone", "entity table group device seq by_device by_seq")


def _dot(text):
    """"<device>.<incarnation>:<seq>/<op>" to (device, seq)."""
    device, rest = text.split(".", 1)
    return device, int(rest.split(":")[1].split("/")[0])


class Dump:
    """The canonical text of a store: every value that counts, who wrote it in which record, and who is one person."""

    def __init__(self, file):
        self.bytes = pathlib.Path(file).read_bytes()
        self.writes, self.gone, self.canon = [], [], {}
        self.by_record = collections.defaultdict(list)
        self._at, entity, register = 0, None, None
        while self._at < len(self.bytes):
            word = self._word()
            if word == "entity":
                entity = self._word()
            elif word == "register":
                register = int(self._word()), int(self._word())
            elif word == "sib":
                self._sibling(entity, *register)
            elif word == "gone":
                target, by = self._word(), (self._word(), self._word())[1]
                self.gone.append(Gone(entity, *register, *_dot(target), *_dot(by)))
            elif word == "canon":
                member = self._word()
                self.canon[member] = self._word()
            self._end_line()

    def _word(self):
        end = self._at
        while self.bytes[end] not in b" \n":
            end += 1
        word = self.bytes[self._at:end].decode()
        self._at = end + (self.bytes[end:end + 1] == b" ")
        return word

    def _end_line(self):
        self._at = self.bytes.index(b"\n", self._at) + 1

    def _sibling(self, entity, table, group):
        device, seq = _dot(self._word())
        user, cells = 0, {}
        while self.bytes[self._at:self._at + 1] != b"\n":
            mark = self._at
            word = self._word()
            if word == "user":
                user = int(self._word())
            column = word.split("=", 1)[0]
            if "=" not in word or not column.isdigit():
                continue
            start = mark + len(column) + 1
            if self.bytes[start:start + 1] == b"t":  # the one value that may hold blanks and line ends
                colon = self.bytes.index(b":", start)
                self._at = colon + 1 + int(self.bytes[start + 1:colon])
                value = self.bytes[colon + 1:self._at].decode()
                self._at += self.bytes[self._at:self._at + 1] == b" "
            else:
                value = word.split("=", 1)[1]
                value = int(value[1:]) if value[0] == "i" else value[1:]
            cells[int(column)] = value
        write = Write(entity, table, group, device, seq, user, cells)
        self.writes.append(write)
        self.by_record[device, seq].append(write)


def rows(file, query):
    """Every row as a dict; blobs as hexadecimal."""
    db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return [{key: value.hex() if isinstance(value, bytes) else value for key, value in dict(row).items()}
                for row in db.execute(query)]
    finally:
        db.close()


class Store:
    """What hub and device have in common: the tables made from the log (sync/store/state_schema.hpp)."""

    def __init__(self, program, data, tables):
        self.program, self.data, self.tables = program, data, tables
        self.links = {frozenset((r["a"], r["b"])): r["verdict"] for r in rows(tables, "SELECT a, b, verdict FROM link")}
        self.canon = {r["member"]: r["root"] for r in rows(
            tables, "SELECT m.id AS member, r.id AS root FROM canon c JOIN entity m ON m.eno = c.eno "
                    "JOIN entity r ON r.eno = c.root WHERE c.eno <> c.root")}
        self.conflicts = {(r["id"], r["tbl"], r["grp"]) for r in rows(
            tables, "SELECT e.id, c.tbl, c.grp FROM conflict c JOIN entity e ON e.eno = c.eno")}
        self.clients = {r["id"]: r for r in rows(
            tables, "SELECT e.id, first_name, last_name, dob, ssn FROM client_read r JOIN entity e ON e.eno = r.eno")}

    def verify(self, folder, name):
        """The program checks its own log; returns its answer and the dump, or what it said and nothing."""
        file = pathlib.Path(folder) / f"{name}.dump"
        done = subprocess.run([self.program, "--data", self.data, "--json", "verify", "--dump-hash", "--dump", file],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            try:
                return json.loads(done.stderr or done.stdout)["error"]["message"], None
            except (ValueError, KeyError):
                return f"ended with {done.returncode}", None
        return json.loads(done.stdout), Dump(file)


class Hub(Store):
    def __init__(self, program, data):
        super().__init__(program, data, data / "projection.db")
        log = data / "hub.db"
        self.settings = {r["name"]: r["value"] for r in rows(log, "SELECT name, value FROM setting")}
        self.devices = {r["name"]: r["id"] for r in rows(log, "SELECT name, id FROM device")}
        self.users = {r["name"]: r["number"] for r in rows(log, "SELECT name, number FROM hub_user")}
        self.runs = rows(log, "SELECT l.first_hub, l.n, r.device, l.first_seq, l.head FROM log_run l "
                              "JOIN replica r ON r.no = l.replica ORDER BY l.first_hub")
        self.exceptions = rows(log, "SELECT hub_seq, status, code FROM exception_")
        self.verdicts = {(r["device"], r["seq"]): r for r in rows(
            self.tables, "SELECT v.*, r.device FROM verdict v JOIN replica r ON r.no = v.replica_no")}

    def place_of(self, device, seq):
        """The hub's number of a device's record; None when the hub has none."""
        for run in self.runs:
            if run["device"] == device and run["first_seq"] <= seq < run["first_seq"] + run["n"]:
                return run["first_hub"] + seq - run["first_seq"]
        return None


class Device(Store):
    def __init__(self, program, data):
        super().__init__(program, data, data / "agent.db")
        self.me = rows(self.tables, "SELECT device, hub_address, simulated, acked FROM me")[0]
        self.own = {r["seq"]: r for r in rows(self.tables, "SELECT seq, hash, occurred_ms, recorded_ms FROM own")}
        self.receipts = rows(self.tables, "SELECT first_seq, last_seq, received_ms, hub_seq FROM receipt ORDER BY first_seq")
        self.refused = rows(self.tables, "SELECT seq FROM own_exception")

    def receipt_of(self, seq):
        return next((r for r in self.receipts if r["first_seq"] <= seq <= r["last_seq"]), None)


def hub_log(file):
    """The events of the hub's log, in order."""
    return [json.loads(line) for line in pathlib.Path(file).read_text().splitlines() if line.startswith("{")]
