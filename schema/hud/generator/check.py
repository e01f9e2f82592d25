"""What must hold of the catalogue before anything is generated from it."""
from .conditions import ConditionError, compile_condition

ID_MAX = 65535
COLUMN_TYPES = {"string", "integer", "date", "datetime", "money", "id", "data", "instant"}
ROLES = {"identity", "meta", "derived"}
VOCABULARY = {
    "merge": {"register", "lww", "immutable"},
    "severity": {"high", "normal", "low"},
    "privacy": {"pii", "health", "location", "plain"},
    "scope": {"index", "project", "reference", "hub", "entity"},
    "appliesTo": {"all", "hoh", "hohAndAdults", "adults", "none", "byKey"},
}
STAGES = ("recordCreation", "start", "update", "exit", "annual", "postExit", "occurrence", "setup")
ENTITY_KINDS = ("none", "reference", "client", "enrollment", "facet", "stageRow", "event", "eventPart", "link",
                "household", "workflow", "profile", "preference", "annotation")


def check(catalogue):
    check_ids(catalogue)
    check_lists(catalogue)
    for table in catalogue.all_tables():
        check_table(catalogue, table)
    check_subsets(catalogue)


def check_ids(catalogue):
    for what, numbered in (
        ("table", [(table, table) for table in catalogue.all_tables()]),
        ("group", [(table, group) for table in catalogue.all_tables() for group in table["groups"]]),
        ("column", [(table, column) for table in catalogue.all_tables() for column in table["columns"]]),
    ):
        seen = {}
        for table, entry in numbered:
            place = f"table {table['name']}, {what} {entry['name']}"
            number = entry["id"]
            if not isinstance(number, int) or not 0 < number <= ID_MAX:
                catalogue.problem(table["source"], place, f"id {number} is not in 1..{ID_MAX}")
            elif number in seen:
                catalogue.problem(table["source"], place, f"id {number} is taken by {seen[number]}")
            else:
                seen[number] = place
            if what == "column" and isinstance(number, int) and number // 1000 != table["id"] // 10:
                catalogue.problem(table["source"], place, f"id {number} is not one of table {table['id']}")


def check_lists(catalogue):
    for number, entry in catalogue.lists.items():
        codes = [value["code"] for value in entry["values"]]
        place = f"list {number}"
        if len(set(codes)) != len(codes):
            catalogue.problem(entry["source"], place, "a code is given twice")
        if len({type(code) for code in codes}) != 1:
            catalogue.problem(entry["source"], place, "codes are neither all numbers nor all text")
    for number, classes in catalogue.answer_maps.items():
        place = f"answerMaps {number}"
        if number not in catalogue.lists:
            catalogue.problem("groups.json", place, "there is no such list")
            continue
        codes = [value["code"] for value in catalogue.lists[number]["values"]]
        named = [code for some in classes.values() if some != "rest" for code in some]
        if list(classes.values()).count("rest") > 1 or not set(classes) <= {"0", "1", "2", "3"}:
            catalogue.problem("groups.json", place, "classes are 0..3 and only one may say rest")
        for code in codes:
            if named.count(code) > 1 or (named.count(code) == 0 and "rest" not in classes.values()):
                catalogue.problem("groups.json", place, f"code {code} is in {named.count(code)} classes")
        for code in sorted(set(named) - set(codes), key=str):
            catalogue.problem("groups.json", place, f"code {code} is not in the list")


def check_subsets(catalogue):
    for subset in catalogue.subsets:
        column = catalogue.column_by_path(subset["column"])
        if column is None or column.get("list") != subset["list"]:
            catalogue.problem("lists.json", f"subset {subset['column']}", f"is no column with list {subset['list']}")


def check_table(catalogue, table):
    def problem(place, what):
        catalogue.problem(table["source"], f"table {table['name']}" + (f", {place}" if place else ""), what)

    kind = table["entity"]["kind"]
    if kind not in ENTITY_KINDS:
        problem("", f"entity kind '{kind}' is unknown")
    of = table["entity"].get("of")
    if of and of not in [other["name"] for other in catalogue.tables]:
        problem("", f"is part of '{of}', which does not exist")
    names = [spelling for column in table["columns"] for spelling in [column["name"], *column.get("aliases", [])]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problem(f"column {name}", "name or alias given twice")
    for column in table["columns"]:
        check_column(catalogue, table, column, problem)
    for group in table["groups"]:
        check_group(catalogue, table, group, problem)


def check_column(catalogue, table, column, problem):
    place = f"column {column['name']}"
    listed_in = [group["id"] for group in table["groups"] if column["name"] in group["columns"]]
    group, role = column.get("group"), column.get("role")
    if (group is None) == (role is None):
        problem(place, "has neither group nor role" if group is None else "has both a group and a role")
    if listed_in != ([] if group is None else [group]):
        problem(place, f"says group {group}, but groups {listed_in} list it")
    if role is not None and role not in ROLES:
        problem(place, f"role '{role}' is unknown")
    if role == "identity" and column.get("carried", "").split(" ")[0] not in ("entity", "create", "via"):
        problem(place, "a key must say how it is carried")
    if column.get("type") not in COLUMN_TYPES:
        problem(place, f"type '{column.get('type')}' is unknown")
    if column.get("type") == "string" and not 0 < column.get("max", 0) <= ID_MAX:
        problem(place, "text needs a maximum length")
    by = column.get("listBy", {})
    for number in [*([column["list"]] if "list" in column else []), *by.get("lists", {}).values()]:
        if number not in catalogue.lists:
            problem(place, f"list {number} does not exist")
    if by and catalogue.find_column(by["key"], table) is None:
        problem(place, f"key column {by['key']} does not exist")
    if "references" in column and catalogue.column_by_path(column["references"]) is None:
        problem(place, f"references {column['references']}, which does not exist")
    if not column.get("prose"):
        for key in ("requiredIf", "nullUnless"):
            check_condition(catalogue, table, column.get(key), f"{place}, {key}", problem)


def check_condition(catalogue, table, text, place, problem):
    if text is None:
        return
    try:
        steps = compile_condition(text)
    except ConditionError as error:
        problem(place, str(error))
        return
    for _, name, _ in steps:
        if name is not None and catalogue.find_column(name, table) is None:
            problem(place, f"column {name} does not exist or is not unique")


def check_group(catalogue, table, group, problem):
    place = f"group {group['key']}"
    for key, words in VOCABULARY.items():
        if group[key] not in words:
            problem(place, f"{key} '{group[key]}' is unknown")
    if not group["columns"]:
        problem(place, "has no column")
    for name in group["columns"]:
        if name not in [column["name"] for column in table["columns"]]:
            problem(place, f"column {name} does not exist")
    for stage in group["stages"]:
        if stage not in STAGES:
            problem(place, f"stage '{stage}' is unknown")
    for other in group.get("dependsOn", []):
        if other not in [some["key"] for some_table in catalogue.tables for some in some_table["groups"]]:
            problem(place, f"depends on {other}, which does not exist")
    for key in ("onlyIf", "restrictedWhen"):
        check_condition(catalogue, table, group.get(key), f"{place}, {key}", problem)
    if "by" in group and catalogue.find_column(group["by"], table) is None:
        problem(place, f"key column {group['by']} does not exist")
    check_answer(catalogue, table, group, problem)


def deciding(answer):
    """(column, list) pairs of an answer rule; list None where only being filled counts."""
    kind = answer["kind"]
    if kind == "present":
        return [(name, None) for name in answer["columns"]]
    if kind == "blend":
        return [(part["column"], part.get("list")) for part in answer["parts"]]
    if kind == "codeBy":
        return [(answer["column"], number) for number in answer["lists"].values()]
    if kind == "columnBy":
        return [(case["column"], case["list"]) for case in answer["cases"]]
    pairs = [(answer["column"], answer["list"])]
    if kind == "boxes":
        pairs += [(name, None) for name in [*answer["boxes"], answer["text"]]]
    return pairs


def check_answer(catalogue, table, group, problem):
    place = f"group {group['key']}, answer"
    answer = group["answer"]
    if answer["kind"] not in ("code", "codeBy", "columnBy", "present", "blend", "boxes"):
        problem(place, f"kind '{answer['kind']}' is unknown")
        return
    for name, number in deciding(answer):
        if name not in group["columns"]:
            problem(place, f"column {name} is not in the group")
        if number is not None and number not in catalogue.answer_maps:
            problem(place, f"list {number} has no answer classes")
    if "key" in answer and catalogue.find_column(answer["key"], table) is None:
        problem(place, f"key column {answer['key']} does not exist")
    for rule in answer.get("partialWhen", []):
        if rule["column"] not in group["columns"]:
            problem(place, f"follow-up {rule['column']} is not in the group")
        if not rule.get("empty") and not rule.get("codes"):
            problem(place, f"follow-up {rule['column']} never lowers anything")
        check_condition(catalogue, table, rule.get("if"), f"{place}, follow-up {rule['column']}", problem)
