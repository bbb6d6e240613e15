-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
--
-- Five questions to the reports of a fleet, for DuckDB, Athena (Trino) and ClickHouse alike, on top of
-- the tables imds_rows and imds_hosts (duckdb.sql, athena.sql, clickhouse.sql). A report goes on where
-- it was, so that a later day's holds the earlier one's calls: a host counts with its latest day.

CREATE OR REPLACE VIEW imds_rows_now AS
SELECT r.*, coalesce(r.instance_id, r.host) AS host_key
FROM imds_rows r
JOIN (
	SELECT coalesce(instance_id, host) AS latest_host, max(day) AS latest_day
	FROM imds_rows
	GROUP BY coalesce(instance_id, host)
) latest ON coalesce(r.instance_id, r.host) = latest.latest_host AND r.day = latest.latest_day;

CREATE OR REPLACE VIEW imds_hosts_now AS
SELECT h.*, coalesce(nullif(h.instance_id, ''), h.hostname) AS host_key
FROM imds_hosts h
JOIN (
	SELECT coalesce(nullif(instance_id, ''), hostname) AS latest_host, max(day) AS latest_day
	FROM imds_hosts
	GROUP BY coalesce(nullif(instance_id, ''), hostname)
) latest ON coalesce(nullif(h.instance_id, ''), h.hostname) = latest.latest_host AND h.day = latest.latest_day;

-- 1. Who blocks the most hosts, and how many would be free without it alone?
CREATE OR REPLACE VIEW imds_blockers AS
SELECT b.caller, b.parent, b.workload, min(b.advice) AS advice,
	count(*) AS hosts, sum(CASE WHEN n.blockers = 1 THEN 1 ELSE 0 END) AS only_blocker_on, sum(b.calls) AS calls
FROM (
	SELECT host_key, caller, parent, workload, min(advice) AS advice, sum("count") AS calls
	FROM imds_rows_now
	WHERE class = 'v1'
	GROUP BY host_key, caller, parent, workload
) b
JOIN (
	SELECT host_key, count(*) AS blockers
	FROM (SELECT DISTINCT host_key, caller, parent, workload FROM imds_rows_now WHERE class = 'v1') each_blocker
	GROUP BY host_key
) n ON b.host_key = n.host_key
GROUP BY b.caller, b.parent, b.workload
ORDER BY only_blocker_on DESC, hosts DESC, calls DESC;

-- 2. How many hosts are ready, by Region and account?
CREATE OR REPLACE VIEW imds_ready AS
SELECT account, region,
	sum(CASE WHEN verdict = 'ready' THEN 1 ELSE 0 END) AS ready,
	sum(CASE WHEN verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
	sum(CASE WHEN verdict = 'inconclusive' THEN 1 ELSE 0 END) AS inconclusive,
	count(*) AS hosts
FROM imds_hosts_now
GROUP BY account, region
ORDER BY account, region;

-- 3. When did a caller first and last call without a token?
CREATE OR REPLACE VIEW imds_v1_span AS
SELECT caller, parent, workload, min("first") AS first_call, max("last") AS last_call,
	count(DISTINCT host_key) AS hosts, sum("count") AS calls
FROM imds_rows_now
WHERE class = 'v1'
GROUP BY caller, parent, workload
ORDER BY last_call DESC;

-- 4. Which SDKs are in use, in which versions, and which of them still call without a token?
CREATE OR REPLACE VIEW imds_clients AS
SELECT client, client_version, count(DISTINCT host_key) AS hosts,
	count(DISTINCT CASE WHEN class = 'v1' THEN host_key END) AS hosts_v1, sum("count") AS calls
FROM imds_rows_now
WHERE client IS NOT NULL
GROUP BY client, client_version
ORDER BY hosts_v1 DESC, hosts DESC;

-- 5. How far was the fleet, week by week? Of each week the latest day of each host counts.
CREATE OR REPLACE VIEW imds_progress AS
SELECT w.week,
	sum(CASE WHEN h.verdict = 'ready' THEN 1 ELSE 0 END) AS ready,
	sum(CASE WHEN h.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
	sum(CASE WHEN h.verdict = 'inconclusive' THEN 1 ELSE 0 END) AS inconclusive
FROM (
	SELECT coalesce(nullif(instance_id, ''), hostname) AS week_host,
		date_trunc('week', CAST(day AS date)) AS week, max(day) AS week_day
	FROM imds_hosts
	GROUP BY coalesce(nullif(instance_id, ''), hostname), date_trunc('week', CAST(day AS date))
) w
JOIN imds_hosts h ON coalesce(nullif(h.instance_id, ''), h.hostname) = w.week_host AND h.day = w.week_day
GROUP BY w.week
ORDER BY w.week;
