// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// ask_clickhouse.mjs SQL-DIRECTORY QUERY...: the answers of ClickHouse's engine over the files of the
// working directory, as lines of tab-separated values with an empty line behind each.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [directory, ...queries] = process.argv.slice(2);
const { Session } = createRequire(process.env.CHDB_MODULES + '/')('chdb');
const session = new Session();

// The statements as they are, but that what lies in S3 lies here; comments may hold semicolons.
const statements = (name) => readFileSync(`${directory}/${name}`, 'utf8')
	.replace(/^\s*--.*$/gm, '')
	.replaceAll("s3('https://BUCKET.s3.amazonaws.com/imdstrace/", `file('${process.cwd()}/`)
	.split(';').map((text) => text.trim()).filter(Boolean);
try {
	for (const name of ['clickhouse.sql', 'questions.sql'])
		for (const statement of statements(name))
			session.query(statement);
	for (const query of queries)
		console.log(session.query(query, 'TSV').replaceAll('\\N', ''));
} finally {
	session.cleanup();
}
