#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# read_tables.py PAGE COLUMN...: the rows of each table of a report in HTML or Markdown whose head has
# these columns, in this order, with tabs between them; a number without its separators.
import html.parser
import re
import sys


class Tables(html.parser.HTMLParser):
    """Tables with a head, as lists of rows; of a cell its text, of a caller its name."""

    def __init__(self):
        super().__init__()
        self.tables, self.open, self.cell = [], [], None
        self.skipped = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "table":
            self.tables.append([])
            self.cell = None
            self.open.append(self.tables[-1])
        elif tag == "tr":
            self.open[-1].append([])
        elif tag in ("td", "th"):
            self.cell = attributes.get("data-sort", "")
            self.open[-1][-1].append("")
            self.is_number = self.cell.isdigit()
            if self.is_number:
                self.open[-1][-1][-1] = self.cell
        elif tag == "span" and attributes.get("class") in ("where", "why"):
            self.skipped = tag

    def handle_endtag(self, tag):
        if tag == "table":
            self.open.pop()
        elif tag == "span":
            self.skipped = None
        elif tag in ("td", "th"):
            self.cell = None

    def handle_data(self, text):
        if self.cell is not None and not self.is_number and not self.skipped and self.open:
            self.open[-1][-1][-1] += text


def tables_of_markdown(text):
    for block in re.findall(r"(?m)(?:^\|.*\|\n)+", text):
        rows = [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        yield rows[:1] + rows[2:]


def main():
    text, columns = open(sys.argv[1], encoding="utf-8").read(), sys.argv[2:]
    if text.startswith("#"):
        tables = tables_of_markdown(text)
    else:
        parser = Tables()
        parser.feed(text)
        tables = parser.tables
    for head, *rows in (table for table in tables if table):
        if not set(columns) <= set(head):
            continue
        places = [head.index(column) for column in columns]
        for row in rows:
            if len(row) == len(head):
                print(*(re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", row[place]) for place in places), sep="\t")


main()
