#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the manual pages say of fields and options, in a form that can be compared.

manual.py fields SCHEMA          prints the fields of dist/schema/SCHEMA.json as mdoc
manual.py write FILE             puts that into FILE, between '.\\" fields: SCHEMA' and '.\\" end of fields'
manual.py kernels FILE TABLE     puts the rows of TABLE, which tests/kernels/test_kernels.sh wrote, into FILE
manual.py table NAME FILE TABLE  puts TABLE, one of Markdown, into FILE, between '.\\" NAME: ...' and '.\\" end of NAME'
manual.py bench FILE TABLE       puts what tests/bench/run printed into FILE, but for the merging of reports
manual.py options FILE COMMAND   prints the options that the page FILE has for a command, one a line
manual.py help                   prints the options that a --help on standard input has
"""
import json
import pathlib
import re
import sys

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "dist" / "schema"


def quoted(text):
    return re.sub(r"(?m)^([.'])", r"\\&\1", text.replace("\\", "\\e")).replace("-", "\\-")


def values(schema):
    names = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    shown = ", ".join("null" if name is None else str(name) for name in names)
    return f"One of {shown}." if len(names) > 1 else f"Always {shown}." if names else ""


def kinds(schema):
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def sentence(schema, optional):
    """A field's text. What may be null or absent says so, where its description does not."""
    text = schema["description"]
    text = text[0].upper() + text[1:]
    if optional and "absent" not in text:
        text += " May be absent."
    if "null" in kinds(schema) and "null" not in text:
        text += " May be null."
    return text


def rows(schema, prefix=""):
    """Each field below a schema: its path, and what is said of it."""
    for branch in schema.get("oneOf", []):
        yield from rows(branch, prefix)
    for name, field in schema.get("properties", {}).items():
        inner = field
        path = prefix + name
        while "array" in kinds(inner):
            inner, path = inner["items"], path + "[]"
        yield path, sentence(field, name not in schema.get("required", [])), values(inner)
        yield from rows(inner, path + ".")


def fields(name):
    lines = [".Bl -tag -width Ds"]
    for path, text, allowed in rows(json.loads((SCHEMAS / f"{name}.json").read_text())):
        lines.append(f".It Va {quoted(path)}")
        # A new line for each sentence, as the language of manual pages wants it.
        lines += re.split(r"(?<=[.;]) (?=[A-Z])", quoted(f"{text} {allowed}".strip()))
    return lines + [".El"]


def replace(file, kind, text):
    """Writes text(words) between each line '.\\" KIND: WORDS' of a page and its '.\\" end of KIND'."""
    page = pathlib.Path(file)
    out, inside = [], False
    for line in page.read_text().splitlines():
        if line == f'.\\" end of {kind}':
            inside = False
        if not inside:
            out.append(line)
        begun = re.fullmatch(rf'\.\\" {kind}: (.+)', line)
        if begun:
            inside = True
            out += text(begun.group(1))
    page.write_text("\n".join(out) + "\n")


def markdown(table):
    """The rows of a table of Markdown, its names first."""
    names, _, *rows = [line.strip("| \n").split(" | ") for line in pathlib.Path(table).read_text().splitlines()]
    return [names, *rows]


def columns(names, *rows):
    """A list of columns, each as wide as its longest cell."""
    cells = [[quoted(cell.strip("`")) for cell in row] for row in rows]
    widths = [max(column, key=len) for column in zip(*cells)]
    return [
        ".Bl -column " + " ".join(f'"{width}"' for width in widths),
        ".It " + " Ta ".join(f"Em {name}" for name in names),
        *(".It " + " Ta ".join(row) for row in cells),
        ".El",
    ]


def kernels(table):
    """The machine stands in the kernel's name, and the boot's time is the testers'."""
    header, *rows = markdown(table)
    kept = [header.index(name) for name in ("kernel", "attach mode", "wire cases right")]
    kept.append(next(i for i, name in enumerate(header) if "instructions" in name))
    return columns(("kernel", "attach mode", "right", "instructions"), *([row[i] for i in kept] for row in rows))


def bench(table):
    """As it was printed: its columns are made of blanks."""
    printed = pathlib.Path(table).read_text().split("\nMerging reports\n")[0]
    return [".Bd -literal -compact", *quoted(printed.rstrip()).splitlines(), ".Ed"]


def options_of_page(file, command):
    """The options of a command's synopsis."""
    text = pathlib.Path(file).read_text()
    synopsis = text[text.index(".Sh SYNOPSIS"):text.index(".Sh DESCRIPTION")]
    for usage in re.split(r"(?m)^\.Nm\n", synopsis):
        if re.search(rf"(?m)^\.(Op )?Cm {command}$", usage):
            flags = re.findall(r"Fl (\\?-?[\w\\-]+)", usage)
            # Each has a letter, or else is long.
            return sorted("-" + flag.replace("\\", "") for flag in flags)
    raise SystemExit(f"{file} has no synopsis of {command}")


def options_of_help(text):
    """The letter of each option that has one, else its name; help and version are every command's."""
    found = []
    for line in text.splitlines():
        begun = re.match(r" {2}(?:(-\w), | {4})?(--[\w-]+)(?: [A-Z]+)?(?:  |$)", line)
        if begun and begun.group(2) not in ("--help", "--version"):
            found.append(begun.group(1) or begun.group(2))
    return sorted(found)


def main(verb, *arguments):
    if verb == "fields":
        print("\n".join(fields(*arguments)))
    elif verb == "write":
        replace(*arguments, "fields", fields)
    elif verb == "kernels":
        replace(arguments[0], "kernels", lambda _: kernels(arguments[1]))
    elif verb == "table":
        replace(arguments[1], arguments[0], lambda _: columns(*markdown(arguments[2])))
    elif verb == "bench":
        replace(arguments[0], "bench", lambda _: bench(arguments[1]))
    elif verb == "options":
        print("\n".join(options_of_page(*arguments)))
    elif verb == "help":
        print("\n".join(options_of_help(sys.stdin.read())))


if __name__ == "__main__":
    main(*sys.argv[1:])
