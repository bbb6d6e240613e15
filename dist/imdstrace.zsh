#compdef imdstrace
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of imdstrace's commands, options and values for zsh. Commands, options and formats are what
# --help says, so that no list of them here grows old.

# The values of an option, in the form that _arguments takes as an action.
_imdstrace_action() {
	local formats
	case $1 in
	--format)
		formats=$($program report --help 2>/dev/null | sed -n -E '/--format/,/--output/s/^ {6}([a-z]+) .*/\1/p')
		REPLY="(${(f)formats})"
		;;
	--duration) REPLY='(30s 10m 1h 24h 7d)' ;;
	--list) REPLY='(ready blocked inconclusive)' ;;
	--period) REPLY='(60s 5m 1h)' ;;
	--interval) REPLY='(10s 1m 10m)' ;;
	--since) REPLY='(1h 24h 7d)' ;;
	--min-window) REPLY='(0s 1h 24h 7d)' ;;
	--hooks) REPLY='(fentry tracepoint kprobe)' ;;
	--user) REPLY=_users ;;
	--output | --compare | --cgroup) REPLY='_files' ;;
	*) REPLY=' ' ;;
	esac
}

# The options of a command as _arguments takes them, into $specs.
_imdstrace_specs() {
	local line letter name value text REPLY
	specs=()
	for line in ${(f)"$($program $1 --help 2>/dev/null)"}; do
		[[ $line =~ '^  (-(.), |    )(--[a-z0-9-]+)( ([A-Z]+))?(  +(.*))?$' ]] || continue
		letter=$match[2] name=$match[3] value=$match[5] text=${match[7]//[\[\]:]/}
		if [[ -n $value ]]; then
			_imdstrace_action $name
			value=":$value:$REPLY"
		fi
		if [[ -n $letter ]]; then
			specs+=("(-$letter $name)-${letter}[$text]$value" "(-$letter $name)${name}[$text]$value")
		else
			specs+=("${name}[$text]$value")
		fi
	done
}

_imdstrace() {
	local program=${(Q)words[1]/#\~/$HOME} command=trace
	local -a commands specs
	commands=(${(f)"$($program --help 2>/dev/null | sed -n -E '/^Commands:/,/^$/s/^  ([a-z]+) +(.*)/\1:\2/p')"})
	if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
		_describe command commands
		return
	fi
	if (( ${commands[(I)${words[2]}:*]} )); then
		command=$words[2]
		shift words
		(( CURRENT-- ))
	fi
	_imdstrace_specs $command
	case $command in
	report | check | reconcile) specs+=('*:report:_files') ;;
	esac
	_arguments -s $specs
}

_imdstrace "$@"
