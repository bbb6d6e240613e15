// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// parse_sql DIALECT FILE: what the grammar of trino or hive does not take, one line each. Bundled before
// it runs, because the parser's modules import directories.
import { readFileSync } from 'node:fs';
import { HiveSQL, TrinoSQL } from 'dt-sql-parser';

const [dialect, file] = process.argv.slice(2);
const parser = new { hive: HiveSQL, trino: TrinoSQL }[dialect]();
for (const { startLine, message } of parser.validate(readFileSync(file, 'utf8')))
	console.log(`${file}:${startLine}: ${message}`);
