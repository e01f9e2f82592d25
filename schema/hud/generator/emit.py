"""Writes the model as C++: hud_tables.cpp (constant arrays) and hud_fields.hpp (named numbers)."""
import re

from .check import STAGES
from .conditions import compile_condition

ENUM_WORDS = {"datetime": "DateTime"}


def quote(text):
    """A C++ string literal of the UTF-8 bytes of `text`; octal escapes end after three digits, so nothing runs into them."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def enum(type_name, word):
    return f"{type_name}::k{ENUM_WORDS.get(word, word[:1].upper() + word[1:])}"


def struct(fields):
    """Designated initialisers of the fields that are given."""
    return "{" + ", ".join(f".{name} = {value}" for name, value in fields if value is not None) + "}"


class TableWriter:
    def __init__(self, catalogue):
        self.catalogue = catalogue
        self.pools = {}   # (type, text of the elements) -> name of the array
        self.lines = []   # the pools' definitions, in order
        self.lists = dict(sorted(catalogue.lists.items()))
        self.list_index = {number: index for index, number in enumerate(self.lists)}

    def pool(self, element_type, elements):
        """The name of a constant array of `elements`, shared by equal ones; None when there are none."""
        if not elements:
            return None
        key = (element_type, ", ".join(str(element) for element in elements))
        if key not in self.pools:
            self.pools[key] = f"kPool{len(self.pools)}"
            self.lines.append(f"constexpr {key[0]} {self.pools[key]}[] = {{{key[1]}}};")
        return self.pools[key]

    def numbers(self, numbers, element_type="std::int32_t"):
        return self.pool(element_type, list(numbers or []))

    def text(self, text):
        return quote(text) if text else None

    def list_pointer(self, number):
        return f"&kListData[{self.list_index[number]}]" if number else None

    def condition(self, text, table):
        if not text:
            return None
        steps = []
        for operation, name, numbers in compile_condition(text):
            steps.append(struct([
                ("op", f"ConditionStep::Op::k{operation}"),
                ("column", self.catalogue.find_column(name, table)["id"] if name else None),
                ("numbers", self.numbers(numbers)),
            ]))
        return f"{{{self.pool('ConditionStep', steps)}}}"

    def column_id(self, name, table):
        return self.catalogue.find_column(name, table)["id"] if name else None

    def code_lists(self):
        codes, lists = [], []
        for number, entry in self.lists.items():
            values = entry["values"]
            textual = isinstance(values[0]["code"], str)
            order = sorted(range(len(values)), key=lambda position: values[position]["code"])
            lists.append(struct([
                ("number", quote(number)), ("name", quote(entry["name"])), ("textual", "true" if textual else None),
                ("deciding", "true" if number in self.catalogue.answer_maps else None),
                ("codes", f"{{kCodeData + {len(codes)}, {len(values)}}}"),
                ("index", self.numbers(order, "std::uint16_t")),
            ]))
            for value in values:
                answer = self.catalogue.answer_class(number, value["code"])
                codes.append(struct([
                    ("code", None if textual else value["code"]), ("text", quote(value["code"]) if textual else None),
                    ("label", quote(value["label"])), ("answer", f"AnswerClass{{{answer}}}" if answer else None),
                    ("retired", "true" if value.get("retired") else None),
                ]))
        return codes, lists

    def keyed_lists(self, column):
        by = column.get("listBy")
        if not by:
            return None
        entries = [struct([("keys", self.numbers([int(key)] if key != "*" else [])), ("list", self.list_pointer(number))])
                   for key, number in by["lists"].items()]
        return self.pool("Column::KeyedList", entries)

    def column(self, table, column):
        carried = column.get("carried", "none").split(" ")
        excluded = [subset["exclude"] for subset in self.catalogue.subsets
                    if subset["column"] == f"{table['name']}.{column['name']}"]
        compiled = not column.get("prose")
        return struct([
            ("id", column["id"]), ("name", quote(column["name"])), ("type", enum("ColumnType", column["type"])),
            ("max_length", column.get("max")), ("nullable", None if column.get("nullable", True) else "false"),
            ("table", table["id"]), ("group", column.get("group")),
            ("role", enum("Role", column["role"]) if "role" in column else None),
            ("carried", enum("Carried", carried[0]) if carried[0] != "none" else None),
            ("via", quote(carried[1]) if len(carried) > 1 else None),
            ("list", self.text(column.get("list"))), ("code_list", self.list_pointer(column.get("list"))),
            ("list_key", self.column_id(column.get("listBy", {}).get("key"), table)),
            ("keyed_lists", self.keyed_lists(column)), ("excluded", self.numbers(excluded[0] if excluded else [])),
            ("references", self.text(column.get("references"))), ("element", self.text(column.get("element"))),
            ("required_if", self.text(column.get("requiredIf"))), ("null_unless", self.text(column.get("nullUnless"))),
            ("check", self.text(column.get("check"))),
            ("required_rule", self.condition(column.get("requiredIf"), table) if compiled else None),
            ("null_unless_rule", self.condition(column.get("nullUnless"), table) if compiled else None),
            ("export_rule", self.text(column.get("exportRule"))),
            ("aliases", self.pool("std::string_view", [quote(name) for name in column.get("aliases", [])])),
        ])

    def part(self, table, name, number=None, keys=()):
        return struct([("column", self.column_id(name, table)), ("list", self.list_pointer(number)),
                       ("keys", self.numbers(keys))])

    def answer(self, table, rule):
        kind = rule["kind"]
        parts = []
        if kind == "present":
            parts = [self.part(table, name) for name in rule["columns"]]
        elif kind == "blend":
            parts = [self.part(table, part["column"], part.get("list")) for part in rule["parts"]]
        elif kind == "boxes":
            parts = [self.part(table, name) for name in rule["boxes"]]
        elif kind == "codeBy":
            # The case for any other key must come last: the first that fits is taken.
            cases = sorted(rule["lists"].items(), key=lambda case: case[0] == "*")
            parts = [self.part(table, rule["column"], number, [int(key)] if key != "*" else []) for key, number in cases]
        elif kind == "columnBy":
            parts = [self.part(table, case["column"], case["list"], case["keys"]) for case in rule["cases"]]
        partial = [struct([
            ("column", self.column_id(follow["column"], table)), ("when_empty", "true" if follow.get("empty") else None),
            ("codes", self.numbers(follow.get("codes"))), ("only_if", self.condition(follow.get("if"), table)),
        ]) for follow in rule.get("partialWhen", [])]
        return struct([
            ("kind", enum("AnswerKind", kind)), ("key_column", self.column_id(rule.get("key"), table)),
            ("text_column", self.column_id(rule.get("text"), table)),
            ("decider", self.part(table, rule["column"], rule["list"]) if kind in ("code", "boxes") else None),
            ("parts", self.pool("AnswerPart", parts)), ("partial", self.pool("PartialRule", partial)),
        ])

    def by_key(self, group):
        privacy, applies = group.get("privacyBy", {}), group.get("appliesBy", {})
        entries = [struct([
            ("key", key), ("privacy", enum("Privacy", privacy.get(key, group["privacy"]))),
            ("applies_to", enum("AppliesTo", applies.get(key, group["appliesTo"] if not applies else "none"))),
        ]) for key in sorted({*privacy, *applies}, key=int)]
        return self.pool("Group::ByKey", entries)

    def group(self, table, group):
        keys = {other["key"]: other["id"] for some in self.catalogue.tables for other in some["groups"]}
        return struct([
            ("id", group["id"]), ("key", quote(group["key"])), ("name", quote(group["name"])),
            ("element", quote(group["element"])), ("table", table["id"] if table is not self.catalogue.system else None),
            ("merge", enum("Merge", group["merge"])), ("severity", enum("Severity", group["severity"])),
            ("privacy", enum("Privacy", group["privacy"])), ("scope", enum("Scope", group["scope"])),
            ("writer", enum("Writer", group["writer"]) if "writer" in group else None),
            ("applies_to", enum("AppliesTo", group["appliesTo"])),
            ("stages", sum(1 << STAGES.index(stage) for stage in group["stages"])),
            ("columns", self.numbers([self.column_id(name, table) for name in group["columns"]], "std::uint16_t")),
            ("answer", self.answer(table, group["answer"])), ("restricted", "true" if group.get("restricted") else None),
            ("restricted_when", self.condition(group.get("restrictedWhen"), table)),
            ("only_if", self.condition(group.get("onlyIf"), table)),
            ("depends_on", self.numbers([keys[key] for key in group.get("dependsOn", [])], "std::uint16_t")),
            ("project_types", self.numbers(group.get("projectTypes"), "std::uint16_t")),
            ("funders", self.numbers(group.get("funders"), "std::uint16_t")), ("program", self.text(group.get("program"))),
            ("by_column", self.column_id(group.get("by"), table)), ("by_key", self.by_key(group)),
            ("export_rule", self.text(group.get("exportRule"))),
        ])

    def write(self):
        catalogue = self.catalogue
        ids = {table["name"]: table["id"] for table in catalogue.tables}
        codes, lists = self.code_lists()
        columns, groups, tables, names, column_names = [], [], [], [], []
        groups += [self.group(catalogue.system, group) for group in catalogue.system["groups"]]
        # By number, as they are looked up.
        for index, table in enumerate(sorted(catalogue.tables, key=lambda table: table["id"])):
            column_names += [(table["id"], spelling, len(columns) + place) for place, column in enumerate(table["columns"])
                             for spelling in [column["name"], *column.get("aliases", [])]]
            names += [(name, index) for name in (table["name"], table["file"]) if name]
            keys = [column["name"] for column in table["columns"] if column.get("carried") == "entity"]
            tables.append(struct([
                ("id", table["id"]), ("name", quote(table["name"])), ("file", self.text(table["file"])),
                ("primary_key", self.text(table.get("primaryKey", keys[0] if keys else ""))),
                ("kind", enum("EntityKind", table["entity"]["kind"])), ("facet_of", ids.get(table["entity"].get("of"))),
                ("columns", f"{{kColumnData + {len(columns)}, {len(table['columns'])}}}"),
                ("groups", f"{{kGroupData + {len(groups)}, {len(table['groups'])}}}" if table["groups"] else None),
            ]))
            columns += [self.column(table, column) for column in table["columns"]]
            groups += [self.group(table, group) for group in table["groups"]]
        columns += [self.column(catalogue.system, column) for column in catalogue.system["columns"]]
        arrays = [
            ("Code", "Code", None, codes), ("CodeList", "List", "lists", lists), ("Column", "Column", "columns", columns),
            ("Group", "Group", "groups", groups), ("Table", "Table", "tables", tables),
            ("TableName", "TableName", "table_names",
             [f"{{{quote(name)}, &kTableData[{index}]}}" for name, index in sorted(names)]),
            ("ColumnName", "ColumnName", "column_names",
             [f"{{{table}, {quote(name)}, &kColumnData[{index}]}}" for table, name, index in sorted(column_names)]),
            ("CocCode", "CocCode", "coc_codes",
             [f"{{{quote(code)}, {quote(name)}}}" for code, name in sorted(catalogue.coc_codes.items())]),
        ]
        return self.source(arrays)

    def source(self, arrays):
        # Other pools point at lists, and lists point at pools of plain numbers: so the numbers, the lists, then the rest.
        numbers = [line for line in self.lines if line.startswith(("constexpr std::int32_t", "constexpr std::uint16_t"))]
        rest = [line for line in self.lines if not line.startswith(("constexpr std::int32_t", "constexpr std::uint16_t"))]
        out = ["// Written by schema/hud/generate.py from schema/hud/*.json; never edited.", '#include "schema/hud/tables.hpp"',
               "", "namespace streetlog::hud::generated {", "namespace {", "", *numbers, ""]
        for type_name, name, _, elements in arrays[:2]:
            out += [f"constexpr {type_name} k{name}Data[] = {{", *(f"    {element}," for element in elements), "};", ""]
        out += [*rest, ""]
        for type_name, name, _, elements in arrays[2:]:
            out += [f"constexpr {type_name} k{name}Data[] = {{", *(f"    {element}," for element in elements), "};", ""]
        out += ["}  // namespace", ""]
        out += [f"constinit const std::span<const {type_name}> {public}{{k{name}Data}};"
                for type_name, name, public, _ in arrays if public]
        return "\n".join([*out, "", "}  // namespace streetlog::hud::generated", ""])


def snake(name):
    """HUD's word in lower case: "CEParticipation" is ce_participation, "ProjectCoC" is project_coc."""
    name = name.replace("CoC", "Coc")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name + "_" if name == "export" else name  # a word of the language


def camel(key):
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[._]", key))


def fields_header(catalogue):
    def constants(entries):
        return [f"inline constexpr std::uint16_t k{name} = {number};" for name, number in entries]

    out = ["// Written by schema/hud/generate.py from schema/hud/*.json; never edited.", "#pragma once", "", "#include <cstdint>",
           "", "namespace streetlog::hud {", "", "namespace tbl {",
           *constants((table["name"], table["id"]) for table in catalogue.tables), "}  // namespace tbl", "", "namespace grp {",
           *constants((camel(group["key"]), group["id"]) for table in catalogue.all_tables() for group in table["groups"]),
           "}  // namespace grp", ""]
    for table in catalogue.all_tables():
        space = "life" if table is catalogue.system else snake(table["name"])
        out += [f"namespace col::{space} {{", *constants((column["name"], column["id"]) for column in table["columns"]),
                f"}}  // namespace col::{space}", ""]
    return "\n".join([*out, "}  // namespace streetlog::hud", ""])
