#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# dist/fleet/imdstrace-ssm.yaml: its steps, with parameters put in as Systems Manager does, run for real
# where /usr/local, /etc, /var/lib and /run are the test's own, beside an aws, a curl and a systemctl
# that write down what they are asked.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
top=$(realpath "$here/../..")
need_private_mounts
document=$work/document.json
python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)' \
	"$top/dist/fleet/imdstrace-ssm.yaml" >"$document"

# --- The document --------------------------------------------------------------------------------------

is_a_command_document() {
	holds "$document" '.schemaVersion == "2.2" and (.mainSteps | map(.name)) == .parameters.Action.allowedValues
		and (.mainSteps | all(.action == "aws:runShellScript" and .precondition.StringEquals == ["platformType", "Linux"]
			and (.inputs.runCommand | all(type == "string")) and (.inputs.timeoutSeconds | test("^[0-9]+$"))))
		and (.parameters | all(.type == "String" and (.description | length > 0)))
		and ([.mainSteps[].inputs.runCommand[] | scan("{{ ?([A-Za-z]+) ?}}")[]] - (.parameters | keys)) == []'
}

# allows PARAMETER VALUE: by its pattern, or its list.
allows() {
	jq -e --arg name "$1" --arg value "$2" '.parameters[$name]
		| if .allowedPattern then .allowedPattern as $pattern | $value | test($pattern) else .allowedValues | index($value) != null end' \
		"$document" >/dev/null
}

# Whatever the steps are given stands in single quotes, or, as options, in a file in double ones.
keeps_out_the_shell() {
	local name value
	for name in Action Url Sum Options Destination; do
		for value in "'; id; '" '$(id)' '`id`' 'a"b' 'a\b' $'a\nb' 'https://host/"$(id)"' "s3://bucket/'" 'a;b' 'a|b' 'a&b'; do
			allows $name "$value" && echo "$name may be $value" && return 1
		done
	done
	true
}

takes_what_it_should() {
	all 'allows Url https://example.com:8443/imdstrace/v0.1.0' 'allows Url s3://my.bucket-1/imdstrace/release/' 'allows Url ""' \
		'not allows Url http://example.com/imdstrace' "allows Sum $(sha256sum /dev/null | cut -d' ' -f1)" 'not allows Sum abc' \
		'allows Options "--interval 10s --no-responses"' 'allows Destination s3://bucket' 'allows Destination s3://bucket/imdstrace' \
		'not allows Destination s3://bucket/' 'allows Action remove' 'not allows Action purge'
}

# --- The instance --------------------------------------------------------------------------------------

# What make release has for this machine, as far as the document takes it.
case $(uname -m) in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
published=$work/release
make_release() {
	local name=imdstrace-1.2.3-linux-$arch
	mkdir -p "$published" "$work/unpacked"
	make --no-print-directory -s -C "$top" install-carried PREFIX= DESTDIR="$work/unpacked/$name" >/dev/null &&
		install -D -m 755 "$IMDSTRACE" "$work/unpacked/$name/bin/imdstrace" && cp "$top/dist/install.sh" "$published/" &&
		tar -C "$work/unpacked" -czf "$published/$name.tar.gz" "$name" && : >"$published/$name-debug.tar.gz" &&
		(cd "$published" && sha256sum -- *.sh *.gz >SHA256SUMS)
}

mkdir -p "$work/bin" "$work/bucket"
cat >"$work/bin/aws" <<'AWS'
#!/bin/sh
echo "aws $*" >>"$work/asked"
case $1:$2 in
sts:get-caller-identity) echo 111122223333 ;;
s3:cp)
	shift 3
	case $1 in
	s3://release/*) cp "$published/${1#s3://release/}" "$2" ;;
	*) mkdir -p "$work/bucket/$(dirname "${2#s3://}")" && cp "$1" "$work/bucket/${2#s3://}" ;;
	esac
	;;
*) exit 9 ;;
esac
AWS
cat >"$work/bin/curl" <<'CURL'
#!/bin/sh
echo "curl $*" >>"$work/asked"
while [ $# -gt 1 ]; do
	[ "$1" != -o ] || to=$2
	shift
done
cp "$published/${1##*/}" "$to"
CURL
cat >"$work/bin/systemctl" <<'SYSTEMCTL'
#!/bin/sh
echo "systemctl $*" >>"$work/asked"
case $*:$([ -e "$work/active" ] && echo active) in
'show --property FragmentPath imdstrace.service':*) echo FragmentPath=/usr/local/lib/systemd/system/imdstrace.service ;;
'is-active imdstrace.service':active) echo active ;;
'is-active imdstrace.service':) echo inactive && exit 3 ;;
'is-active --quiet imdstrace.service':) exit 3 ;;
'cat imdstrace.service':*) [ -e /usr/local/lib/systemd/system/imdstrace.service ] ;;
'start imdstrace.service':* | 'restart imdstrace.service':*) touch "$work/active" ;;
'stop imdstrace.service':* | 'disable --now imdstrace.service':*) rm -f "$work/active" ;;
'reload imdstrace.service':*) cp /var/lib/imdstrace/report.json /var/lib/imdstrace/new && mv /var/lib/imdstrace/new /var/lib/imdstrace/report.json ;;
esac
SYSTEMCTL
chmod 755 "$work/bin"/*
export published

# as_on_the_instance COMMAND...: with the directories of an instance that last from one to the next.
as_on_the_instance() {
	unshare --mount --propagation private bash -c '
		for directory in usr/local etc/default etc/systemd/system var/lib; do
			mkdir -p "$work/instance/$directory" && mount --bind "$work/instance/$directory" "/$directory" || exit
		done
		mkdir -p /run/systemd/system && PATH=$work/bin:/usr/sbin:/usr/bin:/sbin:/bin && export PATH && exec "$@"' bash "$@"
}

# sends ACTION [NAME=VALUE...]: all steps, as the agent runs them: one after the other, whatever they end with.
# The first status that is not 0.
sends() {
	local action=$1 step parameters failed=
	shift
	parameters=$(jq -n '$ARGS.positional | map(capture("(?<key>[^=]+)=(?<value>.*)")) | from_entries' --args "Action=$action" "$@")
	: >"$work/asked"
	for step in $(jq -r '.mainSteps[].name' "$document"); do
		jq -r --arg step "$step" --argjson given "$parameters" '
			((.parameters | map_values(.default // "")) + $given) as $values
			| .mainSteps[] | select(.name == $step) | .inputs.runCommand | join("\n")
			| reduce ($values | to_entries[]) as $value (.; split("{{ \($value.key) }}") | join($value.value))' "$document" >"$work/step.sh" || return
		as_on_the_instance sh "$work/step.sh" >>"$work/sent" 2>&1 || failed=${failed:-$?}
	done
	return "${failed:-0}"
}

# ends_with STATUS PATTERN ACTION...: and says so.
ends_with() {
	local wanted=$1 pattern=$2 status
	shift 2
	: >"$work/sent"
	sends "$@"
	status=$?
	equal status "$wanted" $status && grep -qE "$pattern" "$work/sent" && return
	cat "$work/sent"
	return 1
}

asked() {
	grep -qxF -- "$1" "$work/asked" && return
	cat "$work/asked"
	return 1
}

installed() {
	[ -x "$work/instance/usr/local/bin/imdstrace" ] && [ -f "$work/instance/usr/local/lib/systemd/system/imdstrace.service" ]
}

nothing_left() {
	equal files '' "$(find "$work/instance" -type f -o -type l)" && [ ! -e "$work/active" ]
}

# As the service leaves it.
traced() {
	mkdir -p "$work/instance/var/lib/imdstrace" && cp "$here/../unit/golden/report.json" "$work/instance/var/lib/imdstrace/"
}

collected() {
	local part
	part=account=111122223333/day=$(date -u +%Y-%m-%d)
	find "$work/bucket" -type f | sort
	[ "$(find "$work/bucket" -type f | wc -l)" = 3 ] && holds "$(echo "$work"/bucket/reports/imdstrace/reports/*.json)" '.schema == "imdstrace.report/1"' &&
		[ -f "$(echo "$work/bucket/reports/imdstrace/rows/$part"/*.ndjson)" ] && head -n 1 "$work/bucket/reports/imdstrace/hosts/$part"/*.csv | grep -q '^instance_id,'
}

# --- All of it -------------------------------------------------------------------------------------------

# Five commands, and what each of them sends the document takes.
runbook() {
	local page=$top/dist/fleet/RUNBOOK.md action
	equal 'numbered commands' 5 "$(grep -cE '^ {7}[a-z]' "$page")" && equal 'steps' 5 "$(grep -cE '^[0-9]\. ' "$page")" || return
	while read -r action; do
		allows Action "$action" || { echo "no action $action" && return 1; }
	done < <(grep -oE 'Action=[a-z]+' "$page" | sed 's/.*=//')
	holds "$document" '.parameters | keys == ["Action", "Destination", "Options", "Sum", "Url"]'
}

check 'the document is a Command document of schema 2.2' is_a_command_document
check 'no parameter can break out of its quotes' keeps_out_the_shell
check 'parameters are what they should be' takes_what_it_should
check 'the page has five commands, which the document takes' runbook

check 'a release' make_release
sum=$(sha256sum <"$published/SHA256SUMS" | cut -d' ' -f1)
check 'stop and remove where nothing is installed change nothing' all 'sends stop' 'sends remove' nothing_left
check 'install without parameters is refused' ends_with 2 'needs Url and Sum' install
check 'install with another sum is refused' ends_with 1 'nothing was changed' install Url=s3://release "Sum=$(sha256sum </dev/null | cut -d' ' -f1)"
check 'and changes nothing' nothing_left
check 'install from a bucket' all "ends_with 0 'is installed' install Url=s3://release Sum=$sum" installed 'asked "systemctl daemon-reload"'
check 'install starts nothing' not grep -qE 'start|enable' "$work/asked"
check 'install again, from a server' all "ends_with 0 'is installed' install Url=https://example.com/v1/ Sum=$sum" installed
check 'a damaged archive is refused' all 'cp "$published/imdstrace-1.2.3-linux-$arch.tar.gz" "$work/kept"' \
	'echo >>"$published/imdstrace-1.2.3-linux-$arch.tar.gz"' "ends_with 1 'is damaged; nothing was changed' install Url=s3://release Sum=$sum" \
	'cp "$work/kept" "$published/imdstrace-1.2.3-linux-$arch.tar.gz"' installed

check 'collect without a report is refused' ends_with 1 'no report' collect Destination=s3://reports/imdstrace
check 'start' all 'sends start "Options=--interval 10s"' 'asked "systemctl enable imdstrace.service"' 'asked "systemctl restart imdstrace.service"' \
	'equal options "IMDSTRACE_OPTIONS=\"--interval 10s\"" "$(cat "$work/instance/etc/default/imdstrace")"'
check 'start again does not restart it' all 'sends start "Options=--interval 10s"' 'asked "systemctl start imdstrace.service"' 'not grep -q restart "$work/asked"'
check 'a trace' traced
check 'collect' all 'sends collect Destination=s3://reports/imdstrace' 'asked "systemctl reload imdstrace.service"' collected
check 'collect again has one object of each' all 'sends collect Destination=s3://reports/imdstrace' collected
check 'collect without a destination is refused' ends_with 2 'needs Destination' collect
check 'stop' all 'sends stop' 'asked "systemctl disable --now imdstrace.service"' 'not test -e "$work/active"' installed
check 'stop again' sends stop
check 'remove leaves nothing' all 'sends remove' nothing_left
check 'remove again' all 'sends remove' nothing_left
finish
