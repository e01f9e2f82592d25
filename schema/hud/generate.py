#!/usr/bin/env python3
"""Checks the catalogue and compiles it: generate.py <folder of the JSON files> <folder to write hud_tables.cpp, hud_fields.hpp>

Every problem is printed as "file: place: what" and makes the exit code 1. Standard library only.
"""
import sys

sys.dont_write_bytecode = True  # the source tree stays clean

from pathlib import Path  # noqa: E402

from generator.catalogue import Catalogue  # noqa: E402
from generator.check import check  # noqa: E402
from generator.emit import TableWriter, fields_header  # noqa: E402


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    catalogue = Catalogue(arguments[0])
    if catalogue.read():
        check(catalogue)
    for file, place, what in catalogue.problems:
        print(f"{file}: {place}: {what}", file=sys.stderr)
    if catalogue.problems:
        return 1
    out = Path(arguments[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (("hud_tables.cpp", TableWriter(catalogue).write()), ("hud_fields.hpp", fields_header(catalogue))):
        # An unchanged header keeps its time, so that nothing that includes it is compiled again.
        target = out / name
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
