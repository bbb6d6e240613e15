// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// ask_duckdb.mjs SQL-DIRECTORY QUERY: the answer over the files of the working directory, as lines of
// tab-separated values.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [directory, query] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(process.env.DUCKDB_MODULES + '/')('@duckdb/node-api');
const connection = await (await DuckDBInstance.create(':memory:')).connect();
for (const name of ['duckdb.sql', 'questions.sql'])
	await connection.run(readFileSync(`${directory}/${name}`, 'utf8'));
for (const row of (await connection.runAndReadAll(query)).getRows())
	console.log(row.map((value) => (value === null ? '' : String(value))).join('\t'));
