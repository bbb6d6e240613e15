# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of imdstrace's commands, options and values for fish. Commands, options and formats are what
# --help says, so that no list of them here grows old.

function __imdstrace_commands
	$argv[1] --help 2>/dev/null | string match -r -g '^  ([a-z]+) +([A-Z].*)' | paste -d \t - -
end

function __imdstrace_command
	set -l words (commandline -opc)
	if set -q words[2]; and contains -- $words[2] (__imdstrace_commands $words[1] | string split -f 1 \t)
		echo $words[2]
	else
		echo trace
	end
end

function __imdstrace_options
	$argv[1] $argv[2] --help 2>/dev/null | string match -r -g '^  (?:-., |    )(--[a-z0-9-]+)(?: [A-Z]+)?(?:  +(.*))?$' |
		paste -d \t - -
end

function __imdstrace_candidates
	set -l words (commandline -opc)
	switch $words[-1]
		case -f --format
			$words[1] report --help 2>/dev/null | string match -r -g '^ {6}([a-z]+)  +(.*)' | paste -d \t - -
		case -d --duration
			printf '%s\n' 30s 10m 1h 24h 7d
		case --list
			printf '%s\n' ready blocked inconclusive
		case --period
			printf '%s\n' 60s 5m 1h
		case --interval
			printf '%s\n' 10s 1m 10m
		case --since
			printf '%s\n' 1h 24h 7d
		case --min-window
			printf '%s\n' 0s 1h 24h 7d
		case --hooks
			printf '%s\n' fentry tracepoint kprobe
		case --user
			__fish_complete_users
		case -o --output --compare --cgroup
			__fish_complete_path (commandline -ct)
		case '*'
			set -q words[2]; or __imdstrace_commands $words[1]
			__imdstrace_options $words[1] (__imdstrace_command)
			contains -- (__imdstrace_command) report check reconcile; and __fish_complete_path (commandline -ct)
	end
end

complete -c imdstrace -f -a '(__imdstrace_candidates)'
