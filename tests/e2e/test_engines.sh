#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# The five questions of dist/fleet/sql, asked of a real DuckDB and a real ClickHouse over 10,000
# generated reports of two weeks, and held against the truth and against `report`; what Athena gets is
# parsed by the grammars of Trino and, for its tables, Hive.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
sql=$(realpath "$here/../../dist/fleet/sql")
HOSTS=${FLEET_HOSTS:-5000} # each with a report of the first week and one of the second

for command in node npm cc; do
	command -v $command >/dev/null && continue
	skip_all "there is no $command"
done
export DUCKDB_MODULES=${DUCKDB_MODULES:-$PWD/build/duckdb/node_modules}
if [ ! -d "$DUCKDB_MODULES/@duckdb/node-api" ]; then
	npm install --silent --no-audit --no-fund --prefix "${DUCKDB_MODULES%/node_modules}" @duckdb/node-api@1.5.6-r.1 >"$work/npm" 2>&1
fi
if [ ! -d "$DUCKDB_MODULES/@duckdb/node-api" ]; then
	skip_all 'npm could not install @duckdb/node-api'
fi

cc -O1 -o "$work/make_fleet" "$here/../fleet/make_fleet.c" || exit 1
"$work/make_fleet" "$work/now" "$HOSTS" && "$work/make_fleet" "$work/before" "$HOSTS" before || exit 1

# stored STATE DAY: the state's rows and hosts, where an account's uploads of a day lie.
accounts=(111122223333 444455556666 777788889999)
stored() {
	local number files
	for number in 0 1 2; do
		mkdir -p "$work/lake/rows/account=${accounts[number]}/day=$2" "$work/lake/hosts/account=${accounts[number]}/day=$2"
		mapfile -t files < <(find "$work/$1/reports" -name '*.json' | sort | awk -v number=$number 'NR % 3 == (number + 1) % 3')
		"$IMDSTRACE" report --format rows -o "$work/lake/rows/account=${accounts[number]}/day=$2/all.ndjson" "${files[@]}" &&
			"$IMDSTRACE" report --format hosts -o "$work/lake/hosts/account=${accounts[number]}/day=$2/all.csv" "${files[@]}" || return
	done
}
prepare 'rows and hosts of 10,000 reports are written' all 'stored before 2026-03-06' 'stored now 2026-03-15'

ask() {
	(cd "$work/lake" && node "$here/../fleet/ask_duckdb.mjs" "$sql" "$1")
}
truth() {
	jq -r "$2" "$work/$1/truth.json" | sort
}
same() {
	diff "$1" "$2" >"$work/difference" && return
	head -n 10 "$work/difference"
	return 1
}

ask "SELECT caller, parent, hosts, only_blocker_on, calls FROM imds_blockers WHERE caller NOT LIKE 'python3 /srv/%'" >"$work/blockers"
check 'who blocks the most hosts: the truth' same <(truth now '.callers[] | select(.name and .calls.v1 > 0)
	| [.name, .parent, .hosts_v1, .only_blocker_on, .calls.v1] | @tsv') <(sort "$work/blockers")
"$IMDSTRACE" report --format json "$work"/now/reports/*.json >"$work/report.json"
check 'who blocks the most hosts: what report says of their calls' same <(jq -r '.callers[] | select(.calls.v1 > 0 and (.name | startswith("python3 /srv/") | not))
	| [.name, .parent, .calls.v1] | @tsv' "$work/report.json" | sort) <(cut -f 1,2,5 "$work/blockers" | sort)
check 'who blocks the most hosts: the one whose fix frees the most comes first' equal first \
	"$(jq -r '[.callers[] | select(.name)] | max_by(.only_blocker_on) | [.name, .parent] | @tsv' "$work/now/truth.json")" \
	"$(head -n 1 "$work/blockers" | cut -f 1,2)"

check 'hosts ready by Region and account: the truth' same \
	<(truth now '[.hosts[]] | group_by([.account_id, .region])[] | [.[0].account_id, .[0].region,
		([.[] | select(.verdict == "ready")] | length), ([.[] | select(.verdict == "blocked")] | length), length] | @tsv') \
	<(ask 'SELECT account, region, ready, blocked, hosts FROM imds_ready' | sort)
check 'first and last v1 call of a caller: what report says' same <(jq -r '.callers[] | select(.calls.v1 > 0)
	| [.name, .parent, ([.paths[] | select(.class == "v1") | .first] | min), ([.paths[] | select(.class == "v1") | .last] | max)] | @tsv' "$work/report.json" | sort) \
	<(ask 'SELECT caller, parent, first_call, last_call FROM imds_v1_span' | sort)
check 'SDK versions in use: the truth' equal boto3 "$(truth now '.callers[] | select(.key == "etl") | "boto3\t1.9.42\t\(.hosts)\t\(.hosts_v1)"')" \
	"$(ask "SELECT client, client_version, hosts, hosts_v1 FROM imds_clients WHERE client = 'boto3'")"
progress() {
	local state
	for state in before now; do
		truth $state '[.hosts[].verdict] | [(map(select(. == "ready")) | length), (map(select(. == "blocked")) | length),
			(map(select(. == "inconclusive")) | length)] | @tsv'
	done
}
check 'progress per week: the truth' same <(progress) <(ask 'SELECT ready, blocked, inconclusive FROM imds_progress ORDER BY week')

# --- ClickHouse ----------------------------------------------------------------------------------

export CHDB_MODULES=${CHDB_MODULES:-$PWD/build/clickhouse/node_modules}
[ -d "$CHDB_MODULES/chdb" ] || npm install --silent --no-audit --no-fund --prefix "${CHDB_MODULES%/node_modules}" chdb@3.4.0 >"$work/npm" 2>&1
questions=(
	'SELECT caller, parent, workload, hosts, only_blocker_on, calls FROM imds_blockers'
	'SELECT account, region, ready, blocked, inconclusive, hosts FROM imds_ready'
	'SELECT caller, parent, workload, first_call, last_call, hosts, calls FROM imds_v1_span'
	'SELECT client, client_version, hosts, hosts_v1, calls FROM imds_clients'
	'SELECT ready, blocked, inconclusive FROM imds_progress'
)
names=('who blocks the most hosts' 'hosts ready by Region and account' 'first and last v1 call' 'SDK versions in use' 'progress per week')
if (cd "$work/lake" && node "$here/../fleet/ask_clickhouse.mjs" "$sql" 'SELECT 1') >"$work/clickhouse" 2>&1 || [ -d "$CHDB_MODULES/@chdb" ]; then
	for number in "${!questions[@]}"; do
		(cd "$work/lake" && node "$here/../fleet/ask_clickhouse.mjs" "$sql" "${questions[number]}") | sed '/^$/d' | sort >"$work/clickhouse.$number" 2>&1
		check "ClickHouse: ${names[number]}: what DuckDB says" same <(ask "${questions[number]}" | sort) "$work/clickhouse.$number"
	done
else
	skip 'ClickHouse answers the five questions' 'npm could not install chdb, or it does not run here'
fi

# --- Athena --------------------------------------------------------------------------------------

parser=${SQL_PARSER:-$PWD/build/sql-parser}
[ -d "$parser/node_modules/dt-sql-parser" ] ||
	npm install --silent --no-audit --no-fund --prefix "$parser" dt-sql-parser@4.5.1 esbuild@0.28.2 >"$work/npm" 2>&1
parses() {
	node "$work/parse.cjs" "$1" "$2" >"$work/refused" && [ ! -s "$work/refused" ] && return
	head -n 5 "$work/refused"
	return 1
}
if NODE_PATH=$parser/node_modules "$parser/node_modules/.bin/esbuild" "$here/../fleet/parse_sql.mjs" --bundle --platform=node \
	--log-level=error --outfile="$work/parse.cjs" >/dev/null 2>&1; then
	check "Athena's tables: Hive's grammar takes them" parses hive "$sql/athena.sql"
	check "Athena's views: Trino's grammar takes them" parses trino "$sql/questions.sql"
	sed 's/GROUP BY/GROUP/' "$sql/questions.sql" >"$work/broken.sql"
	check 'the grammar refuses what is broken' not parses trino "$work/broken.sql"
else
	skip "Athena's statements are parsed" 'npm could not install dt-sql-parser and esbuild'
fi

finish
