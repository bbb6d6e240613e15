#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""validate.py FILE-or-DIRECTORY...: holds what imdstrace wrote there against dist/schema.

A report is told by the layout in which imdstrace writes one, because tests also make reports of their own,
damaged ones among them. A field that the schema does not have is an error here, though readers may ignore
it. Prints what is wrong; the last line counts the documents.
"""
import json
import pathlib
import sys

import fastjsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "dist" / "schema"

# How each document begins. What tells none of them is not imdstrace's.
BEGINNINGS = {
    "report": '{"schema": "imdstrace.report/1",\n"version": ',
    "software": '{\n  "schema": "imdstrace.software/1"',
    "reconcile": '{\n "schema": "imdstrace.reconcile/1"',
    "doctor": '{\n  "version": ',
}
LINE_BEGINNINGS = {
    "event": ('{"type":"request","time":', '{"type":"lost","count":'),
    "row": ('{"host":', ),
}


def close(schema):
    """Lets objects have no other fields than those that the schema names."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            close(value)
    elif isinstance(schema, list):
        for value in schema:
            close(value)
    return schema


def compiled(name, known={}):
    if name not in known:
        schema = json.loads((SCHEMAS / f"{name}.json").read_text())
        known[name] = fastjsonschema.compile(close(schema))
    return known[name]


def documents(text):
    """The name of the schema and the text of each document in a file."""
    for name, beginning in BEGINNINGS.items():
        if text.startswith(beginning):
            yield name, text
            return
    for line in text.splitlines():
        for name, beginnings in LINE_BEGINNINGS.items():
            if line.startswith(beginnings):
                yield name, line


def files(paths):
    for path in map(pathlib.Path, paths):
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and not file.is_symlink())


def main(paths):
    seen = wrong = 0
    for file in files(paths):
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError):
            continue
        for name, document in documents(text):
            seen += 1
            try:
                compiled(name)(json.loads(document))
            except (ValueError, fastjsonschema.JsonSchemaException) as error:
                wrong += 1
                print(f"{file.name}: dist/schema/{name}.json: {error}\n  {document[:300]}")
    print(f"{seen} documents, {wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
