-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
--
-- The tables for DuckDB, over files in the working directory. For S3 put 's3://BUCKET/imdstrace/' in
-- front of the paths, behind INSTALL httpfs; LOAD httpfs; CREATE SECRET (TYPE s3, PROVIDER credential_chain);

CREATE OR REPLACE VIEW imds_rows AS
SELECT *
FROM read_json('rows/account=*/day=*/*.ndjson', format = 'newline_delimited', hive_partitioning = true,
	hive_types = {'account': VARCHAR, 'day': VARCHAR},
	columns = {
		host: 'VARCHAR', machine_id: 'VARCHAR', instance_id: 'VARCHAR', region: 'VARCHAR', caller: 'VARCHAR', parent: 'VARCHAR',
		workload: 'VARCHAR', client: 'VARCHAR', client_version: 'VARCHAR', pattern: 'VARCHAR', advice: 'VARCHAR',
		"class": 'VARCHAR', method: 'VARCHAR', path: 'VARCHAR', "count": 'BIGINT', "first": 'VARCHAR', "last": 'VARCHAR',
		account_id: 'VARCHAR'
	});

CREATE OR REPLACE VIEW imds_hosts AS
SELECT *
FROM read_csv('hosts/account=*/day=*/*.csv', header = true, quote = '"', escape = '"', hive_partitioning = true,
	hive_types = {'account': VARCHAR, 'day': VARCHAR},
	columns = {
		instance_id: 'VARCHAR', hostname: 'VARCHAR', region: 'VARCHAR', verdict: 'VARCHAR', watched_seconds: 'BIGINT', v1: 'BIGINT',
		hop_limit_needed: 'INTEGER', callers: 'VARCHAR', reasons: 'VARCHAR', account_id: 'VARCHAR'
	});
