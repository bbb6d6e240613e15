#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a person sees on a terminal while a trace runs, 80 and 200 columns wide: the table of --top
# and the lines of a call each. tmux is the terminal, and says what stands on it.
# What stands in single quotes is expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

mux() {
	env -u TMUX TMUX_TMPDIR="$work" tmux -L top -f /dev/null "$@"
}

# on_terminal NAME COLUMNS COMMAND: a window of its own, 24 lines high; what it said first, and how
# it left the terminal, in $work/NAME.err and $work/NAME.stty.
on_terminal() {
	mux new-session -d -s "$1" -x "$2" -y 24 "exec bash -c 'env -u NO_COLOR TERM=screen $3; stty -a >$work/$1.stty; exec sleep 60'"
}
screen() {
	mux capture-pane -p -t "$1"
}
says() {
	screen "$1" | grep -qE -- "$2"
}
press() {
	local name=$1
	shift
	mux send-keys -t "$name" "$@"
}
shut_down() {
	mux kill-server 2>/dev/null
	clean_up
}
trap shut_down EXIT

# The service has no user data, of which clients complain.
many() {
	local i
	for i in 1 2 3; do
		client "long$i" curl -sS "$endpoint/latest/meta-data/iam/security-credentials/a-role-with-a-name-that-is-long?$tag-$i"
	done
	client wget wget -qO- "$endpoint/latest/user-data?$tag-wget"
	client token curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$endpoint/latest/api/token"
	client v2 python3 -c 'import urllib.request as r; r.urlopen(r.Request("'"$endpoint"'/latest/meta-data/mac", headers={"X-aws-ec2-metadata-token": "x"})).read()'
	return 0
}
more() {
	client again wget -qO- "$endpoint/latest/user-data?$tag-again"
	return 0
}
export -f many more

run piped trace --top
check '--top refuses what is no terminal, with one sentence' all 'ended_with piped 2' 'one_sentence "$work/piped"' 'grep -q terminal "$work/piped.err"'
run dumb trace --top --json
check '--top refuses --json beside it, with one sentence' all 'ended_with dumb 2' 'one_sentence "$work/dumb"'

on_terminal dumb 80 'TERM=dumb "$IMDSTRACE" trace --top 2>&1'
check '--top refuses a terminal that cannot be redrawn' until_so says dumb 'TERM says'

on_terminal top80 80 '"$IMDSTRACE" trace --top --duration 10m'
on_terminal top200 200 '"$IMDSTRACE" trace --top --all'
on_terminal lines80 80 '"$IMDSTRACE" trace --duration 10m'
on_terminal lines200 200 '"$IMDSTRACE" trace --all'
trace json --json
trace everything --json --all
need_traces json everything
begun() {
	says top80 'q quit' && says top200 'q quit' && says lines80 'v1 0' && says lines200 'v1 0'
}
prepare 'a status line is there before the first call' until_so begun

serve optional many || exit 1
until_so says top80 '^v1 4 .*v2 1'
until_so says top200 'python3'
until_so says lines80 'v1 4'
sleep 1.2

check '--top: the table has a row for each caller of v1' all 'says top80 "^. +3 +3 +[0-9:]{8}  curl "' 'says top80 "^. +1 +1 +[0-9:]{8}  wget "'
check '--top: a row says what to do' says top80 'wget .*send-token'
check '--top: without --all no caller but of v1 has a row' not says top80 'python3'
check '--top --all has a row for every caller' says top200 '^ +0 +0 +[0-9:]{8}  python3 '
check '--top: a wide terminal gets the sentence of the advice' says top200 'wget .* Make wget.* ask for a token'
check '--top: the totals stand above the table, with elapsed and remaining' all 'says top80 "imdstrace +[0-9]+s, 9m .*left +2 callers"' \
	'says top80 "^v1 4  v2 1  token 1  foreign 0  unknown 0  lost 0"'
check '--top: who calls most comes first' equal 'first row' curl "$(screen top80 | awk '/ V1 / { getline; print $(NF - 2) }' | head -n 1)"
check '--top: the first row is selected, and told of below' says top80 '^curl, by bash'

press top80 Down
check '--top: down selects the next row' until_so says top80 '^wget, by bash'
press top80 Up
check '--top: up selects the row before' until_so says top80 '^curl, by bash'
press top80 Left
check '--top: left chooses another order' until_so says top80 'by workload'
press top80 Right Right Right Right
check '--top: right goes through all orders' until_so says top80 'by caller'
press top80 p
until_so says top80 PAUSED
serve optional more || exit 1
until_so says top200 '^v1 5'
sleep 1.2
check '--top: p freezes the table' all 'says top80 PAUSED' 'says top80 "^v1 4 "' 'says top80 " 1 +1 +[0-9:]{8}  wget "'
press top80 p
check '--top: p lets a frozen table go on' until_so says top80 ' 2 +2 +[0-9:]{8}  wget '

# A line of 80 columns that wrapped would stand in two.
one_line() {
	local name
	for name in 1 2 3 wget again; do
		equal "lines about $name" 1 "$(screen "$1" | grep -cE "[?]$tag-$name$2")" || return
	done
	equal 'lines that hold no whole call' 0 "$(screen "$1" | sed '/ are not seen: /,/^imdstrace: tracing/{/^imdstrace: tracing/!d}' |
		grep -E '^.' | grep -cvE '^[0-9]{2}:|^TIME|^imdstrace: tracing|left \||^[0-9]+s \|')"
}
check 'at 80 columns each call is one line, and the end of its path is there' one_line lines80 '$'
check 'at 200 columns each call is one line, with its whole path and who started it' all 'one_line lines200 "  by bash"' \
	'says lines200 "GET /latest/meta-data/iam/security-credentials/a-role-with-a-name-that-is-long"'
check 'the status line stays the last line of the terminal' all \
	'screen lines80 | grep . | tail -n 1 | grep -q "left | v1 5"' 'screen lines200 | grep . | tail -n 1 | grep -q "s | v1 5"'

mux resize-window -t top80 -x 60 -y 12
check '--top: a terminal of another size is drawn anew' until_so says top80 '^q quit .*'
narrow() {
	screen top80 | sed $'s/\xe2\x80\xa6/./g' | awk 'length > 60 { exit 1 }' && says top80 'curl'
}
check '--top: the table fits a narrow terminal' until_so narrow

press top80 q
until_so test -s "$work/top80.stty"
press top200 C-c
until_so test -s "$work/top200.stty"
restored() {
	grep -q ' icanon' "$work/$1.stty" && grep -q ' echo ' "$work/$1.stty"
}
check '--top: q and Ctrl-C end it, with the terminal as it was' all 'restored top80' 'restored top200'
check '--top: the summary follows at the end' all 'until_so says top200 "Next steps|Watched"' 'not says top200 "q quit"'

stop json
stop everything
classes() {
	jq -rs '[.[] | select(.type == "request") | .class] | unique | join(" ")' "$work/$1.out"
}
check '--json shows v1 alone' equal classes v1 "$(classes json)"
check '--json --all shows every class' equal classes 'token v1 v2' "$(classes everything)"

finish
