#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Completion in bash, zsh and fish: each shell completes the same lines.
# What stands in single quotes is expanded in the shell that it is for.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
dist=$(realpath "$here/../../dist")

mkdir -p "$work/bin" "$work/functions" "$work/home"
ln -s "$IMDSTRACE" "$work/bin/imdstrace"
ln -s "$dist/imdstrace.zsh" "$work/functions/_imdstrace"
export PATH=$work/bin:$PATH HOME=$work/home
cd "$work/home" && touch report-1.json || exit 1

# in_bash LINE: the candidates for its last word, one a line.
in_bash() {
	bash --norc -c '
		. "$1"
		read -ra COMP_WORDS <<<"$2"
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_imdstrace && printf "%s\n" "${COMPREPLY[@]}"' bash "$dist/imdstrace.bash" "$1"
}

in_fish() {
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$dist/imdstrace.fish" "$1" | cut -f 1
}

# in_zsh LINE: the line's last word as the tab key leaves it, as a real terminal has it.
in_zsh() {
	timeout -k 5 "$PATIENCE" zsh -f -c '
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1= fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u; unsetopt beep"
		zpty -w shell "kept() { print -r -- \$BUFFER >$3; exit }; zle -N kept; bindkey \"^I\" complete-word \"^X\" kept; : >$3.ready"
		until [[ -e $3.ready ]]; do sleep 0.05; done
		zpty -w -n shell "$2"$'"'\t\x18'"'
		until [[ -s $3 ]] || ! zpty -t shell; do zpty -r -t shell ignored; sleep 0.05; done
	' zsh "$work/functions" "$1" "$work/zsh.line" >/dev/null 2>&1
	sed 's/ *$//; s/.* //' "$work/zsh.line"
	rm -f "$work"/zsh.line*
}

# completes SHELL LINE WORD: the word is the only candidate.
completes() {
	equal "after \"$2\"" "$3" "$("in_$1" "$2")"
}

# offers SHELL LINE WORD...: each word is a candidate.
offers() {
	local got word
	got=$("in_$1" "$2")
	shift 2
	for word; do
		grep -qxF -- "$word" <<<"$got" || { printf 'no %s among:\n%s\n' "$word" "$got" && return 1; }
	done
}

for shell in bash fish zsh; do
	check "$shell completes a command" completes $shell 'imdstrace reco' reconcile
	check "$shell completes an option of trace" completes $shell 'imdstrace --dur' --duration
	check "$shell completes an option of a command" completes $shell 'imdstrace check --li' --list
	check "$shell completes a format" completes $shell 'imdstrace report --format promet' prometheus
	check "$shell completes a value" completes $shell 'imdstrace check --list inc' inconclusive
	check "$shell completes a file" completes $shell 'imdstrace report rep' report-1.json
done
commands=$("$IMDSTRACE" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p')
for shell in bash fish; do
	# One word each.
	# shellcheck disable=SC2086
	check "$shell offers every command" offers $shell 'imdstrace ' $commands
	for command in $commands; do
		# shellcheck disable=SC2046
		check "$shell offers every option of $command" offers $shell "imdstrace $command --" \
			$("$IMDSTRACE" "$command" --help | sed -nE 's/^ {2}(-., | {4})(--[a-z-]+)( [A-Z]+)?(  .*|$)/\2/p')
	done
done

finish
