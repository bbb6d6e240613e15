#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# A generated fleet of 5,000 instances over two weeks, whose truth is known: what each format says of
# it, and what the script does to an EC2 that writes down what it is asked.
# What stands in single quotes is for jq, or expanded where it runs; a shell may be two words.
# shellcheck disable=SC2016,SC2034,SC2086
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
HOSTS=${FLEET_HOSTS:-5000}

command -v cc >/dev/null || skip_all 'there is no cc'
cc -O1 -o "$work/make_fleet" "$here/../fleet/make_fleet.c" && "$work/make_fleet" "$work/fleet" "$HOSTS" || exit 1
truth=$work/fleet/truth.json

# rendered NAME COMMAND ARGUMENT...: over the whole fleet, in $work/NAME.
rendered() {
	local name=$1
	shift
	"$IMDSTRACE" "$@" "$work"/fleet/reports/*.json >"$work/$name" 2>"$work/$name.err"
}
same() {
	diff "$1" "$2" >"$work/difference" && return
	head -n 10 "$work/difference"
	return 1
}
# true_of FILTER: lines of the truth, sorted.
true_of() {
	jq -r "$1" "$truth" | sort
}

# --- Hosts ---------------------------------------------------------------------------------------

rendered hosts.csv report --format hosts
csv_hosts() {
	python3 - "$work/hosts.csv" <<-'PYTHON' | sort
		import csv, sys
		for row in csv.DictReader(open(sys.argv[1], newline="")):
		    print("\t".join(row[name] for name in ("instance_id", "hostname", "region", "verdict", "watched_seconds", "v1",
		        "hop_limit_needed", "account_id")), ",".join(sorted(row["callers"].split(" | "))) if row["callers"] else "", sep="\t")
	PYTHON
}
true_of '.hosts[] | [.instance_id, .hostname, .region, .verdict, .watched_seconds, .calls.v1, .hop_limit_needed // "", .account_id, (.callers | sort | join(","))] | @tsv' >"$work/hosts.true"
csv_hosts >"$work/hosts.said"
check 'hosts: verdict, watched time, calls, hop limit and callers of every host are the truth' same "$work/hosts.true" "$work/hosts.said"
check 'hosts: the columns are the contract' equal head 'instance_id,hostname,region,verdict,watched_seconds,v1,hop_limit_needed,callers,reasons,account_id' \
	"$(head -n 1 "$work/hosts.csv" | tr -d '\r')"
check 'hosts: a reason for each' not grep -qE ',"?"?\r?$' <(tail -n +2 "$work/hosts.csv")

for verdict in ready blocked inconclusive; do
	rendered "list.$verdict" check --list $verdict
	true_of ".hosts[] | select(.verdict == \"$verdict\") | .instance_id" >"$work/list.true"
	check "check --list $verdict names them all" same "$work/list.true" <(sort "$work/list.$verdict")
done
run list check --list ready "$work/fleet/reports/000010.json"
check 'check --list: its status is the verdict of the report' ended_with list \
	"$(jq -r '{ready: 0, blocked: 1, inconclusive: 4}[.hosts[10].verdict]' "$truth")"
run wrong check --list broken "$work/fleet/reports/000010.json"
check 'check --list: another word than a verdict is refused' all 'ended_with wrong 2' 'one_sentence "$work/wrong"'

# --- Rows ----------------------------------------------------------------------------------------

rendered rows.ndjson report --format rows
# A line for each host and caller of v1, and the calls.
row_sums() {
	jq -rn 'reduce (inputs | select(.class == "v1")) as $row ({}; .[$row.instance_id + "\t" + $row.caller] += $row.count)
		| to_entries[] | "\(.key)"' "$work/rows.ndjson" | sort
}
true_of '.hosts[] | .instance_id as $id | .callers | unique[] | "\($id)\t\(.)"' >"$work/rows.true"
row_sums >"$work/rows.said"
check 'rows: who calls v1 on which host is the truth' same "$work/rows.true" "$work/rows.said"
row_classes() {
	jq -rn 'reduce inputs as $row ({}; .[$row.class] += $row.count) | to_entries | sort_by(.key)[] | "\(.key) \(.value)"' "$work/rows.ndjson"
}
check 'rows: their sum by class is the truth' equal sums \
	"$(jq -r '[.hosts[].calls | to_entries[]] | group_by(.key) | map("\(.[0].key) \(map(.value) | add)") | .[]' "$truth")" "$(row_classes)"
check 'rows: each is one flat object with every field of the contract' equal rows 0 "$(jq -c 'select(
	([.[] | type] | any(. == "object" or . == "array")) or (["host", "instance_id", "region", "caller", "workload", "client", "client_version", "pattern",
	"advice", "class", "method", "path", "count", "first", "last"] - keys != []))' "$work/rows.ndjson" | wc -l)"

# --- Callers -------------------------------------------------------------------------------------

rendered report.json report --format json
check 'json: the totals are the truth' holds "$work/report.json" '. as $report
	| $truth[0] | reduce .hosts[].calls as $calls ({}; reduce ($calls | to_entries[]) as $one (.; .[$one.key] += $one.value))
	| to_entries | all(.value == $report.totals[.key])' --slurpfile truth "$truth"
check 'json: calls of every caller are the truth' holds "$work/report.json" '. as $report
	| $truth[0].callers | map(select(.name)) | all(. as $one | ($report.callers[] | select(.name == $one.name and .parent == $one.parent)).calls == $one.calls)' \
	--slurpfile truth "$truth"
check 'json: on how many hosts each calls v1, and where it alone does, are the truth' holds "$work/report.json" '. as $report
	| $truth[0].callers | map(select(.name)) | all(. as $one | $report.callers[] | select(.name == $one.name and .parent == $one.parent)
	| .hosts_v1 == $one.hosts_v1 and .only_blocker_on == $one.only_blocker_on)' --slurpfile truth "$truth"
check 'json: the caller whose fix frees the most hosts comes first' holds "$work/report.json" '.callers | map(.only_blocker_on) | . == (sort | reverse)'
json_hosts() {
	jq -r '.hosts[] | [.instance_id, .hostname, .region, .verdict, .watched_seconds, .calls.v1, .hop_limit_needed // "", .account_id,
		(.callers | sort | join(","))] | @tsv' "$work/report.json" | sort
}
check 'json: every host is the truth, clones of one machine id among them' same "$work/hosts.true" <(json_hosts)
run again report --format json "$work/report.json"
check 'json: it can be read again, with the same calls' all 'ended_with again 0' 'equal v1 "$(jq .totals "$work/report.json")" "$(jq .totals "$work/again.out")"'
rendered report.txt report
# without_separators FILE: "1,234,567" is 1234567.
without_separators() {
	sed -E ':again; s/([0-9]),([0-9]{3})/\1\2/; t again' "$1"
}
without_separators "$work/report.txt" >"$work/plain.txt"
check 'text: how many hosts have which verdict' grep -q "^$(wc -l <"$work/list.ready") ready, $(wc -l <"$work/list.blocked") blocked, $(wc -l <"$work/list.inconclusive") inconclusive, of $HOSTS$" "$work/plain.txt"
first_ten() {
	grep -oE '^  i-[0-9a-f]{17}' "$work/report.txt" | tr -d ' ' | sort >"$work/ten"
	equal named 10 "$(wc -l <"$work/ten")" && same "$work/ten" <(comm -12 "$work/ten" <(sort "$work/list.ready"))
}
check 'text: ten hosts that are ready, and how to list the others' all first_ten 'grep -q "check --list ready" "$work/report.txt"'
rendered report.csv report --format csv
csv_sums() {
	python3 - "$work/report.csv" <<-'PYTHON'
		import csv, sys
		rows = list(csv.DictReader(open(sys.argv[1], newline="")))
		print(sum(int(row["count"]) for row in rows if row["class"] == "v1"), sum(int(row["caller_v1"] or 0) for row in rows))
	PYTHON
}
v1=$(jq '[.hosts[].calls.v1] | add' "$truth")
check 'csv: each column that counts v1 calls sums up to them' equal sums "$v1 $v1" "$(csv_sums)"

# Of each named caller: name, parent, calls of v1.
true_of '.callers[] | select(.name and .calls.v1 > 0) | [.name, .parent, .calls.v1] | @tsv' >"$work/callers.true"
csv_callers() {
	python3 - "$work/report.csv" <<-'PYTHON' | sort
		import collections, csv, sys
		sums = collections.Counter()
		for row in csv.DictReader(open(sys.argv[1], newline="")):
		    if row["class"] == "v1" and not row["caller"].startswith("python3 /srv/"):
		        sums[row["caller"], row["parent"]] += int(row["count"])
		for (caller, parent), count in sums.items():
		    print(caller, parent, count, sep="\t")
	PYTHON
}
check 'csv: the v1 calls of every caller are the truth' same "$work/callers.true" <(csv_callers)

# --- Text, Markdown and HTML, in which numbers have separators -----------------------------------

by_class=$(jq -r '[.hosts[].calls] | [(map(.v1) | add), (map(.v2) | add), (map(.token) | add), (map(.foreign) | add), (map(.unknown) | add)] | @tsv' "$truth")
verdicts="$(wc -l <"$work/list.ready") ready, $(wc -l <"$work/list.blocked") blocked, $(wc -l <"$work/list.inconclusive") inconclusive"
lost=$(jq .totals.lost "$work/report.json")
# what_text_says: one line, so that no sentence ends with its line.
tr -s '\n ' '  ' <"$work/plain.txt" >"$work/line.txt"
text_totals() {
	equal totals "$by_class" "$(sed -nE 's/^Calls +v1 ([0-9]+), v2 ([0-9]+), token ([0-9]+), foreign ([0-9]+), unknown ([0-9]+), lost.*/\1\t\2\t\3\t\4\t\5/p' "$work/plain.txt")"
}
check 'text: the totals are the truth' text_totals
# text_caller NAME PARENT HOSTS HOSTS-V1 ONLY FIXED V1 V2 TOKEN
text_caller() {
	local fixed='' only=", $5 of them alone" calls
	[ "$6" = 0 ] || fixed=", fixed on $6"
	printf -v calls '%s %s %s %s ' "$7" "${8/#0/-}" "${9/#0/-}" "$1"
	grep -qF -- "$calls" "$work/line.txt" || { echo "not in the text: $calls" && return 1; }
	python3 - "$work/line.txt" "$calls" "started by $2, " ", on $3 hosts (" "blocks $4 hosts$only$fixed, last v1 call" <<-'PYTHON'
		import sys
		text, calls, *parts = [open(sys.argv[1]).read(), *sys.argv[2:]]
		places = [place for place in range(len(text)) if text.startswith(calls, place)]
		sys.exit(not any(all(part in text[place:place + 500] for part in parts) for place in places))
	PYTHON
}
text_callers() {
	local name parent hosts hosts_v1 only fixed v1 v2 token
	while IFS=$'\t' read -r name parent hosts hosts_v1 only fixed v1 v2 token; do
		text_caller "$name" "$parent" "$hosts" "$hosts_v1" "$only" "$fixed" "$v1" "$v2" "$token" || { echo "$name, by $parent" && return 1; }
	done < <(jq -r '.callers[] | select(.name and .calls.v1 > 0) | [.name, .parent, .hosts, .hosts_v1, .only_blocker_on, .hosts_fixed,
		.calls.v1, .calls.v2, .calls.token] | @tsv' "$truth")
}
check 'text: calls of each caller, on how many hosts it is, blocks and is fixed, are the truth' text_callers

# Of a caller whose name is its own: each account of the hosts that it blocks is named where its hosts are.
text_owners() {
	local name accounts
	while IFS=$'\t' read -r name accounts; do
		grep -oF -- "$name " "$work/line.txt" >/dev/null || { echo "not in the text: $name" && return 1; }
		python3 - "$work/line.txt" "$name" >"$work/accounts" <<-'PYTHON'
			import re, sys
			text, name = open(sys.argv[1]).read(), sys.argv[2]
			owners = re.search(re.escape(f" {name} ") + r"\S.*? on \d+ hosts \([^)]*\) in accounts? (.*?), blocks ", text)
			print(*sorted(re.findall(r"\b\d{12}\b", owners[1] if owners else "")), sep=",")
		PYTHON
		equal "accounts of $name" "$accounts" "$(cat "$work/accounts")" || return 1
	done < <(jq -r '. as $truth | .callers[] | select(.name and .hosts_v1 > 1) | .name as $name
		| select([$truth.callers[] | select(.name == $name)] | length == 1)
		| [$name, ([$truth.hosts[] | select(.callers | index($name)) | .account_id] | unique | join(","))] | @tsv' "$truth")
}
check 'text: the accounts of the hosts that a caller blocks are the truth' text_owners

rendered report.md report --format markdown
rendered report.html report --format html
table() {
	python3 "$here/../fleet/read_tables.py" "$@"
}
check 'markdown: the totals and the verdicts are the truth' all 'equal totals "$by_class	$lost	0" "$(table "$work/report.md" v1 v2 token foreign unknown lost missed)"' \
	'without_separators "$work/report.md" | grep -q "^$verdicts, of $HOSTS\.$"'
page_callers() {
	same <(jq -r '.callers[] | select(.name and .calls.v1 > 0) | [.name, .pattern // "", .calls[]] | @tsv' "$truth" | cut -f 1,3- | sort) \
		<(table "$1" caller v1 v2 token foreign unknown | awk -F '\t' '$2 > 0 && $1 !~ /^python3 .srv.app-/' | sort)
}
check 'markdown: the calls of the callers are the truth' page_callers "$work/report.md"
md_ready() {
	table "$work/report.md" ready Region host >"$work/md.ready"
	equal rows 20 "$(wc -l <"$work/md.ready")" && same "$work/md.ready" <(grep -Fxf "$work/md.ready" <(jq -r '.hosts[] | select(.verdict == "ready")
		| [.instance_id, .region, .hostname] | @tsv' "$truth") | sort -t '	' -k 2,2 -k 1,1)
}
check 'markdown: the hosts that are ready are' md_ready
check 'html: the calls of the callers are the truth' page_callers "$work/report.html"
html_hosts() {
	table "$work/report.html" instance host Region verdict watched v1 'hop limit' 'what holds it up' | python3 -c '
import sys
for line in sys.stdin:
    *cells, why = line.rstrip("\n").split("\t")
    print(*cells, ",".join(sorted(why.split(", "))) if cells[3] == "blocked" else "", sep="\t")' | sort
}
check 'html: every host is the truth' same <(cut -f 1-7,9 "$work/hosts.true") <(html_hosts)
check 'html: the totals and the verdicts are the truth' all \
	'without_separators "$work/report.html" >"$work/plain.html"' 'grep -q "<p class=\"note\">$verdicts\." "$work/plain.html"' \
	'equal totals "$by_class" "$(for class in v1 v2 token foreign unknown; do sed -nE "s|.*<b>$class</b> ([0-9]+) calls?<.*|\1|p" "$work/plain.html"; done | paste -s)"'

# --- Monitors ------------------------------------------------------------------------------------

rendered metrics report --format prometheus
prometheus_totals() {
	equal totals "$by_class" "$(for class in v1 v2 token foreign unknown; do sed -n "s/^imdstrace_calls_total{class=\"$class\"} //p" "$work/metrics"; done | paste -s)" &&
		equal hosts "$HOSTS" "$(sed -n 's/^imdstrace_hosts //p' "$work/metrics")" &&
		equal lost "$lost" "$(sed -n 's/^imdstrace_lost_events_total //p' "$work/metrics")"
}
check 'prometheus: totals and hosts are the truth' prometheus_totals
prometheus_callers() {
	same <(jq -r '.callers[] | select(.name and .calls.v1 > 0) | .name as $name | .parent as $parent | .calls | to_entries[] | select(.value > 0)
		| [$name, $parent, .key, .value] | @tsv' "$truth" | sort) \
		<(sed -nE '/caller="(python3 .srv|amazon-ssm-agent|otelcol|legacy-probe|queued)/d
			s/^imdstrace_caller_calls_total\{caller="([^"]*)",.*parent="([^"]*)",class="([a-z0-9]*)"\} ([1-9][0-9]*)$/\1\t\2\t\3\t\4/p' "$work/metrics" | sort)
}
check 'prometheus: the calls of every caller, by class, are the truth' prometheus_callers
check 'prometheus: all callers together called v1 as often as all hosts' equal sum "$v1" \
	"$(awk '/^imdstrace_caller_calls_total.*class="v1"/ { sum += $NF } END { print sum }' "$work/metrics")"
rendered events report --format emf
emf_callers() {
	same "$work/callers.true" <(jq -r 'select(.Caller and (.Caller | startswith("python3 /srv/") | not)) | [.Caller, .parent, .CallerMetadataNoToken] | @tsv' "$work/events" | sort)
}
check 'emf: the sum is the truth' holds <(head -n 1 "$work/events") '[.MetadataNoToken, .v1, .hosts, .lost] == [$v1, $v1, $hosts, $lost]' \
	--argjson v1 "$v1" --argjson hosts "$HOSTS" --argjson lost "$lost"
check 'emf: the calls of every caller are the truth' emf_callers
check 'emf: no sum over the dimensions of a name counts a call twice' equal sums "$v1 $v1" \
	"$(jq -n -r '[inputs] | "\(map(.MetadataNoToken // 0) | add) \(map(.CallerMetadataNoToken // 0) | add)"' "$work/events")"

# --- CloudWatch's own count ----------------------------------------------------------------------

# metric HOST [MORE]: what EC2 counted of a host, by the truth, with so many calls more in the last hour.
metric() {
	jq --argjson host "$1" --argjson more "${2:-0}" '.hosts[$host].v1_hours | group_by(.start) | {Label: "MetadataNoToken", Datapoints: to_entries
		| map({Timestamp: .value[0].start, Unit: "Count", Sum: ((.value | map(.calls) | add) + (if .key == 0 then $more else 0 end))})}' "$truth" >"$work/metric.json"
}
reconciled() {
	local host
	for host in 0 1 2 6 13 21; do
		metric $host
		"$IMDSTRACE" reconcile --period 1h "$work/fleet/reports/$(printf %06d $host).json" "$work/metric.json" >"$work/reconciled" || { cat "$work/reconciled" && return 1; }
		grep -q "same $(jq ".hosts[$host].calls.v1" "$truth") calls in " "$work/reconciled" || { cat "$work/reconciled" && return 1; }
	done
}
check 'reconcile: a host whose metric is the truth is equal' reconciled
metric 1 2
run more reconcile --period 1h "$work/fleet/reports/000001.json" "$work/metric.json"
check 'reconcile: two calls more in an hour are found in that hour' all 'ended_with more 1' 'grep -q "2026-03-02 00:00:00 UTC .* more by 2" "$work/more.out"'

# --- The script ----------------------------------------------------------------------------------

mkdir "$work/bin"
# An EC2 of which the instances whose number ends in 7 may not be changed. It has hop limits of 1.
cat >"$work/bin/aws" <<-'AWS'
	#!/bin/sh
	for argument; do printf '%s ' "$argument"; done >>"$AWS_LOG"
	echo >>"$AWS_LOG"
	case "$*" in
	*describe-instances*) printf 'optional\t1\n' ;;
	*--instance-id\ i-*7\ *) echo 'An error occurred (UnauthorizedOperation)' >&2; exit 254 ;;
	*--dry-run*) echo 'An error occurred (DryRunOperation) when calling the ModifyInstanceMetadataOptions operation' >&2; exit 254 ;;
	esac
AWS
chmod +x "$work/bin/aws"

rendered script report --format script
check 'script: shellcheck has nothing to say' shellcheck -s sh "$work/script"
check 'script: it switches the hosts that are ready, each in its Region, with the hop limit that it needs' same \
	<(true_of '.hosts[] | select(.verdict == "ready") | "\(.region) host \(.instance_id)\(if .hop_limit_needed then " 2" else "" end)"') \
	<(awk -F "'" '/^region=/ { region = $2 } /^host i-/ { print region, $0 }' "$work/script" | sort)
# A part of it, so that each shell can have its turn.
"$IMDSTRACE" report --format script "$work"/fleet/reports/0000[0-3]*.json >"$work/part"
true_of '.hosts[:40][] | select(.verdict == "ready") | .instance_id' >"$work/part.ready"
ready=$(wc -l <"$work/part.ready")
denied=$(grep -c '7$' "$work/part.ready")
hops=$(jq '[.hosts[:40][] | select(.verdict == "ready" and .hop_limit_needed)] | length' "$truth")

# scripted NAME SHELL SCRIPT [ARGUMENT...]: what the shell said, and what EC2 was asked.
scripted() {
	local name=$1 shell=$2
	shift 2
	: >"$work/$name.log"
	env AWS_LOG="$work/$name.log" IMDSTRACE_STATE="$work/state" PATH="$work/bin:$PATH" $shell "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null
	echo $? >"$work/$name.status"
}
asked() {
	sed -n "s/^ec2 modify-instance-metadata-options --instance-id \(i-[0-9a-f]*\) .*/\1/p" "$work/$1.log" | sort
}
for shell in dash 'busybox sh' bash; do
	command -v ${shell%% *} >/dev/null || { skip "script: $shell" 'it is not here'; continue; }
	rm -f "$work/state"
	scripted dry "$shell" "$work/part"
	check "script ($shell): without an argument each ready host is asked for by --dry-run" all \
		'same "$work/part.ready" <(asked dry)' 'equal lines 0 "$(grep -vc -- --dry-run "$work/dry.log")"' 'test ! -e "$work/state"'
	check "script ($shell): it says that nothing was changed, and what would fail" all 'grep -q "nothing was changed" "$work/dry.out"' \
		'grep -q "^$denied failed:" "$work/dry.err"' 'ended_with dry 1'
	scripted apply "$shell" "$work/part" --apply
	check "script ($shell): --apply asks for each, and one failure stops nothing" all 'same "$work/part.ready" <(asked apply)' \
		'not grep -q -- --dry-run "$work/apply.log"' 'grep -q "^$((ready - denied)) of $ready hosts now require tokens$" "$work/apply.out"' \
		'ended_with apply 1' 'grep -q "^$denied failed: i-" "$work/apply.err"'
	check "script ($shell): tokens are required, in the host's Region, and nothing more" equal lines "$((ready - hops))" "$(grep -cE \
		'^ec2 modify-instance-metadata-options --instance-id i-[0-9a-f]{17} --http-tokens required --http-endpoint enabled --region [a-z]+-[a-z]+-[0-9] $' "$work/apply.log")"
	check "script ($shell): with the hop limit where the host needs it" same \
		<(true_of '.hosts[:40][] | select(.verdict == "ready" and .hop_limit_needed) | .instance_id') \
		<(sed -n 's/.*--instance-id \(i-[^ ]*\) --http-tokens required --http-endpoint enabled --http-put-response-hop-limit 2 --region .*/\1/p' "$work/apply.log" | sort)
	scripted undo "$shell" "$work/part" --undo
	check "script ($shell): --undo takes back what was there" equal lines "$ready" "$(grep -cE \
		'^ec2 modify-instance-metadata-options --instance-id i-[0-9a-f]{17} --http-tokens optional (--http-put-response-hop-limit 1 )?--region ' "$work/undo.log")"
	check "script ($shell): --undo takes the hop limit back only where it was changed" equal lines "$hops" \
		"$(grep -c -- '--http-put-response-hop-limit 1 ' "$work/undo.log")"
done
check 'script: each host is asked for in its own Region' same \
	<(true_of '.hosts[:40][] | select(.verdict == "ready") | "\(.instance_id) \(.region)"') \
	<(sed -n 's/.*--instance-id \(i-[^ ]*\) .*--region \([^ ]*\) $/\1 \2/p' "$work/apply.log" | sort)
scripted wrong sh "$work/part" --all
check 'script: another argument is refused' all 'ended_with wrong 2' 'test ! -s "$work/wrong.log"'

# What a report calls itself is nothing that a shell sees.
evil=0
for text in '$(touch '"$work"'/pwned)' '`touch '"$work"'/pwned`' "'; touch $work/pwned; '" $'\n'"touch $work/pwned" \
	$'i-00000000000000001\ntouch '"$work"'/pwned' 'i-00000000000000001;touch '"$work"'/pwned' '--region' 'i-123' $'\r'"touch $work/pwned" '*'; do
	for field in instance_id region hostname machine_id; do
		evil=$((evil + 1))
		id=$(printf 'i-%017x' $evil)
		case $field in hostname | machine_id) echo "$id" ;; esac >>"$work/evil.asked"
		jq --arg text "$text" --arg field "$field" --arg evil "evil-$evil" --arg id "$id" '
			.hosts[0] |= (.machine_id = $evil | .instance_id = $id | .[$field] = if $field == "machine_id" then $text + $evil else $text end)
			| .windows[] += {host: .hosts[0].machine_id, boot_id: $evil, instance_id: .hosts[0].instance_id}
			| .callers = [] | .totals = {v1: 0, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0} | .timeline = []' \
			"$work/fleet/reports/000008.json" >"$work/evil.$evil.json"
	done
done
"$IMDSTRACE" report --format script "$work"/evil.*.json >"$work/evil" 2>"$work/evil.err"
scripted evil sh "$work/evil" --apply
check 'script: no name in a report runs anything' all 'test ! -e "$work/pwned"' 'shellcheck -s sh "$work/evil"' \
	'same "$work/evil.asked" <(asked evil)'
check 'script: who is left out stands there' all 'grep -q "^# left out, because what it gives as its instance id is none: " "$work/evil"' \
	'grep -q "^# left out, because what it gives as its Region is none: " "$work/evil"'
cell() {
	"$IMDSTRACE" report --format hosts "$work"/evil.*.json | python3 -c '
import csv, sys
rows = list(csv.reader(sys.stdin.buffer.read().decode().splitlines()))
assert all(len(row) == 10 for row in rows), rows
assert not any(cell[:1] in "=+-@" and cell for row in rows for cell in row), rows'
}
check 'hosts: no name starts a formula or breaks a row' cell

# --- Merged reports ------------------------------------------------------------------------------

run merged report --format hosts "$work/report.json"
check 'a merged report keeps what each host is' all 'ended_with merged 0' 'same "$work/hosts.csv" "$work/merged.out"'
halves() {
	"$IMDSTRACE" report --format json "$work"/fleet/reports/*[02468].json >"$work/even.json" &&
		"$IMDSTRACE" report --format json "$work"/fleet/reports/*[13579].json >"$work/odd.json" &&
		"$IMDSTRACE" report --format hosts "$work/even.json" "$work/odd.json" | same "$work/hosts.csv" -
}
prepare 'a report merged of merged ones keeps what each host is' halves
merged_callers() {
	"$IMDSTRACE" report --format json "$work/even.json" "$work/odd.json" | jq -c '.callers | map([.name, .parent, .hosts, .hosts_v1, .only_blocker_on,
		.hosts_fixed, .pattern, .calls]) | sort' | same <(jq -c '.callers | map([.name, .parent, .hosts, .hosts_v1, .only_blocker_on, .hosts_fixed, .pattern, .calls])
		| sort' "$work/report.json") -
}
check 'a report merged of merged ones has each caller on as many hosts, blocking and fixed on as many' merged_callers
run since check --list ready --since 2026-03-09 "$work/report.json"
check 'a merged report knows of each host when it last called' same <(true_of '.hosts[] | select(.verdict_since == "ready") | .instance_id') <(sort "$work/since.out")

jq '.hosts |= map(del(.calls_by))' "$work/report.json" >"$work/old.json"
run merged report --format hosts "$work/old.json"
check 'a merged report of an older version is no list of hosts, which it says' all 'ended_with merged 0' \
	'grep -q "cannot be told apart" "$work/merged.err"' 'equal lines 1 "$(wc -l <"$work/merged.out")"'

# --- Since a time ---------------------------------------------------------------------------------

for verdict in ready blocked inconclusive; do
	rendered "since.$verdict" check --list $verdict --since 2026-03-09
	true_of ".hosts[] | select(.verdict_since == \"$verdict\") | .instance_id" >"$work/since.true"
	check "--since: check --list $verdict is the truth" same "$work/since.true" <(sort "$work/since.$verdict")
done
rendered since.json report --format json --since 2026-03-09T00:00:00Z
check '--since: on how many hosts each caller still calls v1 is the truth' holds "$work/since.json" '. as $report
	| $truth[0].callers | map(select(.name)) | all(. as $one | ([$report.callers[] | select(.name == $one.name and .parent == $one.parent)][0].hosts_v1 // 0) == $one.hosts_v1_since)' \
	--slurpfile truth "$truth"
check '--since: nothing before it is left' holds "$work/since.json" '.since == "2026-03-09T00:00:00.000000000Z" and (.windows | all(.start >= $report.since))
	and ([.callers[].paths[] | .last] | all(. >= $report.since)) and ([.callers[].paths[] | .first | select(.)] | all(. >= $report.since))
	and ([.timeline[] | (.start | sub("\\.[0-9]+"; "") | fromdate) + .seconds] | all(. > ("2026-03-09T00:00:00Z" | fromdate)))' --argjson report '{"since": "2026-03-09T00:00:00.000000000Z"}'
check '--since: a caller that was fixed on some hosts is what it is on the others' holds "$work/since.json" \
	'[.callers[] | select(.name == "python3 /opt/etl/load.py")][0] | .pattern == "v1-only" and .advice == "upgrade-client" and .hosts_fixed > 0'
check 'without --since, too, a caller that was fixed on some hosts is what it is on the others' holds "$work/report.json" \
	'[.callers[] | select(.name == "python3 /opt/etl/load.py")][0] | .pattern == "v1-only" and .advice == "upgrade-client" and .hosts_fixed == $fixed' \
	--argjson fixed "$(jq '[.callers[] | select(.key == "etl")][0] | .hosts_fixed' "$truth")"
rendered since.txt report --since 2026-03-09
check '--since: the text says since when, and that counts are no more than upper bounds' all 'grep -q "only what was called since 2026-03-09 00:00:00" "$work/since.txt"' \
	'tr -s "\n " "  " <"$work/since.txt" | grep -q "counts are upper bounds"' 'tr -s "\n " "  " <"$work/since.txt" | grep -qE "fixed on [0-9]+"'
for since in yesterday 2026-13-01 '' 9999-01-01 5y; do
	run wrong check --since "$since" "$work/fleet/reports/000010.json"
	check "--since '$since' is refused" all 'ended_with wrong 2' 'one_sentence "$work/wrong"'
done

places_are() {
	jq -r '[.hosts[]] | group_by([.account_id, .region])[] | [.[0].account_id, .[0].region, (["ready", "blocked", "inconclusive"][] as $verdict
		| [.[] | select(.verdict == $verdict)] | length)] | map(tostring) | join(" ")' "$work/fleet/truth.json" >"$work/places"
	"$IMDSTRACE" report "$work"/fleet/reports/*.json | awk '/^  account / { on = 1; next } /^Ready now/ { on = 0 } on { gsub(",", ""); $1 = $1; print }' |
		diff "$work/places" -
}
check 'text: hosts by account and Region are the truth' places_are

# --- Compared with an earlier state --------------------------------------------------------------

"$work/make_fleet" "$work/before" "$HOSTS" before || exit 1
before=$work/before/truth.json
rendered compare.json report --format json --since 2026-03-09 --compare "$work/before/reports"
check '--compare: how many hosts were and are ready, and how many calls there were, is the truth' holds "$work/compare.json" '.compare as $compare
	| ([$before[0].hosts[] | select(.verdict == "ready")] | length) == $compare.ready_before
	and ([$truth[0].hosts[] | select(.verdict_since == "ready")] | length) == $compare.ready_now
	and ([$before[0].hosts[].calls.v1] | add) == $compare.v1_before and .totals.v1 == $compare.v1_now
	and $compare.hosts_new == 0 and $compare.hosts_gone == 0' --slurpfile truth "$truth" --slurpfile before "$before"
check '--compare: on how many hosts each caller called v1, and does now, is the truth' holds "$work/compare.json" '.compare as $compare
	| $truth[0].callers | map(select(.name and .hosts_v1_since > 0)) | all(. as $one
		| ([$before[0].callers[] | select(.key == $one.key)][0].hosts_v1) as $was
		| [$compare.changed[] | select(.name == $one.name and .parent == $one.parent)]
		| if $was - $one.hosts_v1_unwatched_since == $one.hosts_v1_since then . == []
		else length == 1 and .[0].hosts_v1_before == $was and .[0].hosts_v1_now == $one.hosts_v1_since
			and .[0].hosts_not_watched == $one.hosts_v1_unwatched_since end)' \
	--slurpfile truth "$truth" --slurpfile before "$before"
check '--compare: a caller of hosts that nobody watches any more is not gone' holds "$work/compare.json" '.compare as $compare
	| [$truth[0].hosts[] | select(.watched_seconds < 86400) | .callers[] | select(startswith("python3 /srv/"))] as $unwatched
	| ($unwatched | length > 0) and ([$compare.not_watched[].name] | sort) == ($unwatched | sort)
	and ($compare.not_watched | all(.hosts_not_watched == .hosts_v1_before))' --slurpfile truth "$truth"
check '--compare: nobody is gone of whom a host was not watched' holds "$work/compare.json" '.compare.gone == []'
jq '(.callers[] | select(.name == "agentd").calls) as $calls | .totals |= with_entries(.value -= ($calls[.key] // 0))
	| .callers |= map(select(.name != "agentd"))' "$work/fleet/reports/000006.json" >"$work/less.json"
run gone report --format json --compare "$work/before/reports/000006.json" "$work/less.json"
check '--compare: who calls no more on a host that was watched is gone' all 'ended_with gone 0' \
	'holds "$work/gone.out" "[.compare.gone[].name] == [\"agentd\"] and .compare.not_watched == []"'
run other report --compare "$work/before/reports/000006.json" "$work/fleet/reports/000010.json"
check '--compare: hosts that are not given any more are not watched, which it says' all 'ended_with other 0' \
	'not grep -q "Callers gone" "$work/other.out"' 'grep -q "Callers not watched now" "$work/other.out"'
holds_newly() {
	holds "$work/newly.out" '([.callers[] | select(.calls.v1 > 0) | .name] | length) as $callers
		| .compare | .new == [] and .changed == [] and .hosts_new == 1
		and (.newly_watched | length > 0 and length <= $callers and all(.hosts_newly_watched == .hosts_v1_now - .hosts_v1_before))'
}
# A host that nobody watched then: what it calls is not new, and no caller is worse for it.
run newly report --format json --compare "$work/before/reports/000010.json" "$work/before/reports/000010.json" "$work/before/reports/000006.json"
check '--compare: who calls on hosts that nobody watched before is not new' all 'ended_with newly 0' holds_newly
run newly_text report --compare "$work/before/reports/000010.json" "$work/before/reports/000010.json" "$work/before/reports/000006.json"
check '--compare: text says that such hosts are newly watched' all 'ended_with newly_text 0' 'grep -q "Callers on newly watched hosts" "$work/newly_text.out"' \
	'not grep -q "Callers new" "$work/newly_text.out"'
"$IMDSTRACE" report --format json "$work"/before/reports/*.json >"$work/before.json"
run same_state report --format json --since 2026-03-09 --compare "$work/before.json" "$work/report.json"
check '--compare: merged reports of both say the same of hosts and callers' all 'ended_with same_state 0' 'equal compared \
	"$(jq -c ".compare | del(.v1_now, .new, .changed[].v1_now)" "$work/compare.json")" "$(jq -c ".compare | del(.v1_now, .new, .changed[].v1_now)" "$work/same_state.out")"'
# The other way round: what was ready goes back.
run back report --format json --compare "$work/since.json" "$work/report.json"
check '--compare: hosts that were ready and are blocked now are named, with who blocks them' holds "$work/back.out" '
	([.compare.went_back[].instance_id] | sort) == ([$truth[0].hosts[] | select(.verdict_since == "ready" and .verdict == "blocked").instance_id] | sort)
	and (.compare.went_back | all(.callers | length > 0))' --slurpfile truth "$truth"
for format in text markdown html; do
	run "changed.$format" report --format $format --since 2026-03-09 --compare "$work/before.json" "$work/report.json"
	changed_first() {
		python3 - "$work/changed.$format.out" "$(jq .compare.ready_now "$work/compare.json")" <<-'PYTHON'
			import re, sys
			text = open(sys.argv[1]).read()
			body = re.sub(r"(?s)^.*?<main>", "", text)
			number = f"{int(sys.argv[2]):,}"
			assert "Changed since 2026-03-06" in text and number in body, number
			verdict = re.search(r'BLOCKED|class="verdict|IMDSv2 readiness: blocked|## Hosts', body)
			assert body.index("Changed since") < verdict.start()
			assert "load.py" in body[:body.index("Changed since") + 6000]
		PYTHON
	}
	check "--compare: $format says first what changed" all "ended_with changed.$format 0" changed_first
done
run nothing report --compare "$work/report.json" "$work/report.json"
check '--compare: the same state is no change' all 'ended_with nothing 0' 'grep -q "No caller and no host is worse or better" "$work/nothing.out"'
for wrong in "$work/none" "$work/bin" "$truth"; do
	run wrong report --compare "$wrong" "$work/report.json"
	check "--compare: $(basename "$wrong") is refused" all 'ended_with wrong 2' 'one_sentence "$work/wrong"'
done
run wrong report --format csv --compare "$work/report.json" "$work/report.json"
check '--compare: a format that says nothing of it is refused' all 'ended_with wrong 2' 'one_sentence "$work/wrong"'

# --- Several reports of one host -----------------------------------------------------------------

jq '.windows[0].start = "2026-03-20T00:00:00Z" | .windows[0].end = "2026-03-20T12:00:00Z" | .windows |= .[:1]' "$work/fleet/reports/000010.json" >"$work/again.json"
run twice report --format hosts "$work/fleet/reports/000010.json" "$work/again.json"
check 'the reports of one host are one row, with what all of them saw' equal row \
	"$(jq -r '.hosts[10] | "\(.instance_id) \(.watched_seconds + 43200) \(.calls.v1 * 2)"' "$truth")" \
	"$(tail -n +2 "$work/twice.out" | awk -F, '{ print $1, $5, $6 }')"

finish
