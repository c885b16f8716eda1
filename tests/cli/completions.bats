#!/usr/bin/env bats
# The completions that the build makes, each loaded in its shell, which is started once for all lines.
# What they offer comes from the tables that --help comes from, so that a few lines of each kind show
# that the shells read the rows well.
# shellcheck disable=SC2016 # other shells expand what is in single quotes

bats_require_minimum_version 1.5.0

lines=(
    'teredoctl '
    'teredoctl help '
    'teredoctl --'
    'teredoctl check --'
    'teredoctl help --'
    'teredoctl qualify --format '
    'teredoctl trace --format '
    'teredoctl serve --format='
    'teredoctl listen -q --color=a'
    'teredoctl bubble --checksum '
    'teredoctl bubble --nd-option='
    'teredoctl trace --bubbles '
    'teredoctl lab --loss 5% --on '
    'teredoctl lab --nat-b=symmetric,ports='
    'teredoctl lab --nat-a s'
    'teredoctl lab --nat-a=cone,pool=1 --nat-b cone,filtering='
    'teredoctl lab --nat-a=cone,po'
    'teredoctl lab --nat-b cone,pool='
    'teredoctl lab --nat-a cone -- teredoctl qualify --expl'
    'teredoctl trace --write capt'
    'teredoctl trace -r capt'
    'teredoctl decode capt'
)

# What each shell offers at the end of each of `lines`: the line after a >, then the offers
bash_offers() {
    bash --norc -c '
        source "$1"
        for line in "${@:2}"; do
            COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
            _teredoctl
            printf "%s\n" "> $line" "${COMPREPLY[@]}"
        done' bash "$completions/bash/teredoctl" "${lines[@]}"
}

fish_offers() {
    fish --no-config -c '
        source $argv[1]
        for line in $argv[2..-1]
            echo "> $line"
            complete --do-complete=$line
        end' "$completions/fish/teredoctl.fish" "${lines[@]}" | cut -f1
}

# compadd is where every candidate goes through; -O, -A and -D are zsh's own bookkeeping.
zsh_offers() {
    cat >driver.zsh <<'EOF2'
zmodload zsh/zpty
zpty shell zsh -f -i
wait_for() { local line; while zpty -r shell line; do [[ $line == *$1* ]] && return; done }
zpty -w shell "PROMPT=; stty -echo; fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D; print LOAD''ED"
wait_for LOADED
zpty -w shell 'compadd() {
    if [[ " ${@[1,(i)(-|--)]} " == *" -"[OAD]" "* ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    builtin compadd -A hits "$@"
    print -rl -- $hits >>offers
    builtin compadd "$@"
}
zle -C offer complete-word _generic
zstyle ":completion:*" completer _complete
show() { zle offer; zle kill-whole-line; print DO""NE }
zle -N show
bindkey "^I" show
print LOAD""ED'
wait_for LOADED
for line in "${@[2,-1]}"; do
    print -r "> $line" >>offers
    zpty -w -n shell "$line"$'\t'
    wait_for DONE
done
zpty -d shell
EOF2
    timeout 60 zsh -f driver.zsh "$completions/zsh" "${lines[@]}"
    cat offers
}

setup_file() {
    local shell

    completions=${top_builddir:?}/completions
    export HOME=$BATS_FILE_TMPDIR
    cd "$BATS_FILE_TMPDIR" || return
    for shell in bash zsh fish; do
        mkdir "$shell"
        (
            cd "$shell" && touch capture.pcap && command -v "$shell" >/dev/null || exit 0
            "${shell}_offers" >all 2>errors
        ) &
    done
    wait
}

# same LINE WORD…: what the shell offers for the line, but for what was typed already and a = at the end
same() {
    diff <(printf '%s\n' "${@:2}" | sort) <(
        awk -v line="> $1" '/^> / { on = $0 == line; next } on && NF' "$BATS_FILE_TMPDIR/$shell/all" |
            sed 's/=$//; s/.*[=,]//' | sort -u
    )
}

check() { # SHELL
    local -a commands

    shell=$1
    command -v "$shell" >/dev/null || skip "$shell is not installed"
    cat "$BATS_FILE_TMPDIR/$shell/errors"
    [ ! -s "$BATS_FILE_TMPDIR/$shell/errors" ]
    mapfile -t commands < <("$TEREDOCTL" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
    [ "${#commands[@]}" -ge 11 ]
    same 'teredoctl ' "${commands[@]}"
    same 'teredoctl help ' "${commands[@]}"
    same 'teredoctl --' --help --usage --version
    same 'teredoctl help --' --help --usage --version
    mapfile -t options < <("$TEREDOCTL" check --help | sed -nE 's/^(      |  -., )(--[a-z0-9-]+).*/\2/p')
    same 'teredoctl check --' "${options[@]}"
    same 'teredoctl qualify --format ' json jsonl openmetrics text tsv
    same 'teredoctl trace --format ' json jsonl ladder mermaid svg text tsv
    same 'teredoctl serve --format=' json jsonl text tsv
    same 'teredoctl listen -q --color=a' always auto
    same 'teredoctl bubble --checksum ' right wrong zero
    same 'teredoctl bubble --nd-option=' advertisement solicitation
    same 'teredoctl trace --bubbles ' 1 2 3 4
    same 'teredoctl lab --loss 5% --on ' a b s1 s2
    same 'teredoctl lab --nat-b=symmetric,ports=' preserving random sequential
    same 'teredoctl lab --nat-a s' step symmetric
    same 'teredoctl lab --nat-a=cone,pool=1 --nat-b cone,filtering=' address address-port \
        endpoint-independent
    same 'teredoctl lab --nat-a=cone,po' pool pooling ports
    same 'teredoctl lab --nat-b cone,pool=' 1 2 3 4
    same 'teredoctl lab --nat-a cone -- teredoctl qualify --expl' --explain
    same 'teredoctl trace --write capt' capture.pcap
    same 'teredoctl trace -r capt' capture.pcap
    same 'teredoctl decode capt' capture.pcap
}

@test "bash offers commands, options, values, NATs and files" {
    check bash
}

@test "bash: a registered function completes teredoctl, with = as a word break or without" {
    run bash --norc -c 'source "$1"; complete -p teredoctl
        COMP_WORDBREAKS=" "; COMP_LINE="teredoctl trace --proof=n"; COMP_POINT=${#COMP_LINE}
        _teredoctl; echo "${COMPREPLY[@]}"' bash "$top_builddir/completions/bash/teredoctl"
    [ "${lines[0]}" = "complete -F _teredoctl teredoctl" ]
    [ "${lines[1]}" = "--proof=nonce" ]
}

@test "zsh offers commands, options, values, NATs and files" {
    check zsh
}

@test "fish offers commands, options, values, NATs and files" {
    check fish
}
