# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of imdstrace's commands, options and values for bash. Commands, options and formats are what
# --help says, so that no list of them here grows old.

_imdstrace_commands() {
	"$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'
}

_imdstrace_options() {
	"$1" "$2" --help 2>/dev/null | sed -n -E 's/^ {2}(-., | {4})(--[a-z0-9-]+).*/\2/p'
}

_imdstrace_formats() {
	"$1" report --help 2>/dev/null | sed -n -E '/--format/,/--output/s/^ {6}([a-z]+) .*/\1/p'
}

_imdstrace() {
	local program=${COMP_WORDS[0]/#\~/$HOME} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands command values=

	commands=$(_imdstrace_commands "$program")
	command=${COMP_WORDS[1]}
	grep -qxF -- "$command" <<<"$commands" || command=trace

	case $previous in
	-f | --format) values=$(_imdstrace_formats "$program") ;;
	-d | --duration) values="30s 10m 1h 24h 7d" ;;
	--list) values="ready blocked inconclusive" ;;
	--period) values="60s 5m 1h" ;;
	--interval) values="10s 1m 10m" ;;
	--since) values="1h 24h 7d" ;;
	--min-window) values="0s 1h 24h 7d" ;;
	--hooks) values="fentry tracepoint kprobe" ;;
	--user) values=$(compgen -u) ;;
	--unit) values=$(systemctl list-units --plain --no-legend --type=service 2>/dev/null | cut -d ' ' -f 1) ;;
	-o | --output | --compare | --cgroup)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	if [[ -n $values ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_imdstrace_options "$program" "$command")" -- "$current")
	elif [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
	elif [[ $command == report || $command == check || $command == reconcile ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	fi
}

complete -o filenames -F _imdstrace imdstrace
