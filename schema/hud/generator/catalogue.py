"""Reads the catalogue's JSON files and joins them into one model.

Every table of the model is a dict: id, name, file ("" for ours), entity, groups, columns. Every column carries the facts of
csv-spec.json (HUD's own) and of groups.json or own-tables.json (ours: number, group or role). Problems are collected as
(file, place, what) so that one run shows them all.
"""
import json
from pathlib import Path

FILES = ("csv-spec.json", "lists.json", "own-lists.json", "coc-codes.json", "groups.json", "own-tables.json")


class Catalogue:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.problems = []
        self.tables = []
        self.lists = {}

    def problem(self, file, place, what):
        self.problems.append((file, place, what))

    def read(self):
        data = {}
        for name in FILES:
            try:
                data[name] = json.loads((self.folder / name).read_text(encoding="utf-8"))
            except json.JSONDecodeError as error:
                self.problem(name, f"line {error.lineno}", error.msg)
            except OSError as error:
                self.problem(name, "file", error.strerror)
        if self.problems:
            return False
        self.spec = data["csv-spec.json"]
        self.coc_codes = data["coc-codes.json"]["codes"]
        self.answer_maps = data["groups.json"]["answerMaps"]
        self.system = data["groups.json"]["systemTable"]
        self.subsets = data["lists.json"]["subsets"]
        self.read_lists(data)
        self.tables = data["groups.json"]["tables"] + data["own-tables.json"]["tables"]
        for index, table in enumerate(self.tables):
            table["source"] = "groups.json" if index < len(data["groups.json"]["tables"]) else "own-tables.json"
            table.setdefault("file", "")
        self.system.update(name="_system", file="", source="groups.json", entity={"kind": "none"})
        self.join_spec()
        return True

    def read_lists(self, data):
        for name in ("lists.json", "own-lists.json"):
            for entry in data[name]["lists"]:
                if entry["number"] in self.lists:
                    self.problem(name, f"list {entry['number']}", "number given twice")
                entry["source"] = name
                self.lists[entry["number"]] = entry

    def join_spec(self):
        """Gives each HUD column its facts from csv-spec.json; both must list the same columns in the same order."""
        files = {entry["file"]: entry for entry in self.spec["files"]}
        for table in self.tables:
            if not table["file"]:
                continue
            entry = files.pop(table["file"], None)
            if entry is None:
                self.problem(table["source"], f"table {table['name']}", f"{table['file']} is not in csv-spec.json")
                continue
            table["primaryKey"] = entry["primaryKey"]
            facts = {column["name"]: column for column in entry["columns"]}
            ours = [column["name"] for column in table["columns"]]
            theirs = [column["name"] for column in entry["columns"]]
            if ours != theirs:
                odd = sorted(set(ours) ^ set(theirs)) or ["order"]
                self.problem(table["source"], f"table {table['name']}", f"columns differ from csv-spec.json: {', '.join(odd)}")
            for column in table["columns"]:
                for key, value in facts.get(column["name"], {}).items():
                    column.setdefault(key, value)
        for left in files:
            self.problem("csv-spec.json", left, "has no table in groups.json")

    def all_tables(self):
        """The tables and, last, the one that holds the columns of the system groups."""
        return self.tables + [self.system]

    def find_column(self, name, table):
        """The column a condition of `table` means: its own, else the one identically named column of all other tables."""
        for column in table["columns"]:
            if column["name"] == name:
                return column
        others = [column for other in self.tables for column in other["columns"] if column["name"] == name]
        return others[0] if len(others) == 1 else None

    def column_by_path(self, path):
        name, _, column_name = path.partition(".")
        for table in self.tables:
            if table["name"] == name:
                for column in table["columns"]:
                    if column["name"] == column_name:
                        return column
        return None

    def answer_class(self, number, code):
        """Class of `code` by answerMaps, or None when the list decides nothing. "rest" takes every code named nowhere else."""
        classes = self.answer_maps.get(number)
        if classes is None:
            return None
        found = [int(name) for name, codes in classes.items() if codes != "rest" and code in codes]
        if not found and "rest" in classes.values():
            found = [int(name) for name, codes in classes.items() if codes == "rest"]
        return found[0] if len(found) == 1 else None
