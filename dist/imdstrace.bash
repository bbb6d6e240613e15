# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of imdstrace's commands, options and values for bash.

_imdstrace() {
	local commands="trace report check reconcile software doctor demo"
	local formats="text json csv markdown html prometheus emf hosts rows script"
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} options values=

	case " $commands " in
	*" $command "*) ;;
	*) command=trace ;;
	esac
	case $command in
	trace) options="--all --json --top --quiet --output --duration --interval --min-window --no-responses --hooks --help" ;;
	report) options="--format --output --min-window --strict --help" ;;
	check) options="--min-window --strict --list --quiet --help" ;;
	reconcile) options="--period --json --help" ;;
	software | doctor | demo) options="--json --help" ;;
	esac
	[[ $command != trace ]] || options+=" --version"

	case $previous in
	-f | --format) values=$formats ;;
	-d | --duration) values="30s 10m 1h 24h 7d" ;;
	--list) values="ready blocked inconclusive" ;;
	--period) values="60s 5m 1h" ;;
	--interval) values="10s 1m 10m" ;;
	--min-window) values="0s 1h 24h 7d" ;;
	--hooks) values="fentry tracepoint kprobe" ;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	if [[ -n $values ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
	elif [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
	elif [[ $command == report || $command == check || $command == reconcile ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	fi
}

complete -o filenames -F _imdstrace imdstrace
