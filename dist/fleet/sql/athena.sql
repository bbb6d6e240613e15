-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
--
-- The tables for Athena (engine version 3, which is Trino) over S3. Put your bucket and your accounts in.
-- The partitions are projected, so that nobody has to add them.

CREATE EXTERNAL TABLE IF NOT EXISTS imds_rows (
	host string, machine_id string, instance_id string, region string, caller string, parent string, workload string,
	client string, client_version string, pattern string, advice string, `class` string, method string, path string,
	`count` bigint, `first` string, `last` string, account_id string
)
PARTITIONED BY (account string, day string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://BUCKET/imdstrace/rows/'
TBLPROPERTIES (
	'projection.enabled' = 'true',
	'projection.account.type' = 'enum', 'projection.account.values' = '111122223333,444455556666',
	'projection.day.type' = 'date', 'projection.day.format' = 'yyyy-MM-dd', 'projection.day.range' = '2026-01-01,NOW',
	'storage.location.template' = 's3://BUCKET/imdstrace/rows/account=${account}/day=${day}'
);

-- This serde reads text alone.
CREATE EXTERNAL TABLE IF NOT EXISTS imds_hosts (
	instance_id string, hostname string, region string, verdict string, watched_seconds string, v1 string,
	hop_limit_needed string, callers string, reasons string, account_id string
)
PARTITIONED BY (account string, day string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"', 'escapeChar' = '"')
LOCATION 's3://BUCKET/imdstrace/hosts/'
TBLPROPERTIES (
	'skip.header.line.count' = '1',
	'projection.enabled' = 'true',
	'projection.account.type' = 'enum', 'projection.account.values' = '111122223333,444455556666',
	'projection.day.type' = 'date', 'projection.day.format' = 'yyyy-MM-dd', 'projection.day.range' = '2026-01-01,NOW',
	'storage.location.template' = 's3://BUCKET/imdstrace/hosts/account=${account}/day=${day}'
);
