-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
--
-- The tables for ClickHouse, filled from S3: put your bucket in. With the day in the order, what was
-- loaded twice is folded into one.

CREATE TABLE IF NOT EXISTS imds_rows (
	account LowCardinality(String), day String,
	host Nullable(String), machine_id Nullable(String), instance_id Nullable(String), region Nullable(String),
	caller String, parent Nullable(String), workload Nullable(String), client Nullable(String), client_version Nullable(String),
	pattern LowCardinality(String), advice LowCardinality(String), class LowCardinality(String),
	method Nullable(String), path Nullable(String), count UInt64, first Nullable(String), last Nullable(String),
	account_id Nullable(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (account, day, instance_id, machine_id, caller, parent, workload, class, method, path)
SETTINGS allow_nullable_key = 1;

CREATE TABLE IF NOT EXISTS imds_hosts (
	account LowCardinality(String), day String,
	instance_id String, hostname String, region String, verdict LowCardinality(String), watched_seconds UInt64, v1 UInt64,
	hop_limit_needed Nullable(UInt8), callers String, reasons String, account_id String
)
ENGINE = ReplacingMergeTree
ORDER BY (account, day, instance_id, hostname);

INSERT INTO imds_rows
SELECT extract(_path, 'account=([^/]*)') AS account, extract(_path, 'day=([^/]*)') AS day, *
FROM s3('https://BUCKET.s3.amazonaws.com/imdstrace/rows/account=*/day=*/*.ndjson', 'JSONEachRow',
	'host Nullable(String), machine_id Nullable(String), instance_id Nullable(String), region Nullable(String), caller String, parent Nullable(String), workload Nullable(String), client Nullable(String), client_version Nullable(String), pattern String, advice String, class String, method Nullable(String), path Nullable(String), count UInt64, first Nullable(String), last Nullable(String), account_id Nullable(String)');

INSERT INTO imds_hosts
SELECT extract(_path, 'account=([^/]*)') AS account, extract(_path, 'day=([^/]*)') AS day, *
FROM s3('https://BUCKET.s3.amazonaws.com/imdstrace/hosts/account=*/day=*/*.csv', 'CSVWithNames',
	'instance_id String, hostname String, region String, verdict String, watched_seconds UInt64, v1 UInt64, hop_limit_needed Nullable(UInt8), callers String, reasons String, account_id String');

-- The views of questions.sql join on what may be missing.
SET join_use_nulls = 1;
