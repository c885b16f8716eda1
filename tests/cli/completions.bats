#!/usr/bin/env bats
# The completions of bash, zsh and fish, each loaded in its shell, say what `teredoctl help` and each
# `--help` say.
# shellcheck disable=SC2016 # other shells expand what is in single quotes

bats_require_minimum_version 1.5.0

setup() {
    completions=${top_srcdir:?}/completions
    export HOME=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

commands() {
    "$TEREDOCTL" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# long_options COMMAND: those in its --help
long_options() {
    "$TEREDOCTL" "$@" --help | sed -nE 's/^(      |  -., )(--[a-z0-9-]+).*/\2/p' | sort
}

need() {
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

# What each shell offers at the end of a command line, one a line
bash_offers() {
    bash --norc -c '
        source "$1"
        COMP_LINE=$2 COMP_POINT=${#2} COMPREPLY=()
        _teredoctl
        printf "%s\n" "${COMPREPLY[@]}"' bash "$completions/teredoctl.bash" "$1"
}

fish_offers() {
    fish --no-config -c 'source $argv[1]; complete --do-complete=$argv[2]' \
        "$completions/teredoctl.fish" "$1" | cut -f1
}

# compadd is where every candidate goes through; -O, -A and -D are zsh's own bookkeeping.
zsh_offers() {
    cat >driver.zsh <<'EOF'
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
zpty -w -n shell "$2"$'\t'
wait_for DONE
zpty -d shell
EOF
    rm -f offers
    timeout 30 zsh -f driver.zsh "$completions" "$1"
    grep . offers | sort -u
}

# check_shell SHELL: its offers are the program's commands and long options
check_shell() {
    local offers=$1_offers command

    need "$1"
    diff <(commands | sort) <("$offers" 'teredoctl ' | sort)
    diff <(commands | sort) <("$offers" 'teredoctl help ' | sort)
    diff <(long_options) <("$offers" 'teredoctl --' | sed 's/=$//' | sort)
    for command in $(commands); do
        echo "$command:"
        diff <(long_options "$command") <("$offers" "teredoctl $command --" | sed 's/=$//' | sort)
    done
}

# check_values SHELL: the values of options, alone and after =; what follows them; NAT lists
check_values() {
    local offers=$1_offers

    need "$1"
    same "$("$offers" 'teredoctl qualify --format ')" json jsonl openmetrics text tsv
    same "$("$offers" 'teredoctl trace --format ')" json jsonl ladder mermaid svg text tsv
    same "$("$offers" 'teredoctl listen --format=')" json jsonl ladder mermaid svg text tsv
    same "$("$offers" 'teredoctl serve --format=')" json jsonl text tsv
    same "$("$offers" 'teredoctl listen -q --color=a')" always auto
    same "$("$offers" 'teredoctl trace --proof=')" auto endpoint link-local nonce
    same "$("$offers" 'teredoctl bubble --checksum ')" right wrong zero
    same "$("$offers" 'teredoctl bubble --nd-option=')" advertisement solicitation
    same "$("$offers" 'teredoctl qualify --sort ')" arrival given rtt
    same "$("$offers" 'teredoctl check --format ')" json jsonl openmetrics text tsv
    same "$("$offers" 'teredoctl lab --loss 5% --on ')" a b s1 s2
    same "$("$offers" 'teredoctl lab --nat-b=symmetric,ports=')" preserving random sequential
    same "$("$offers" 'teredoctl lab --nat-a s')" step symmetric
    same "$("$offers" 'teredoctl lab --nat-a=cone,pool=1 --nat-b cone,filtering=')" \
        address address-port endpoint-independent
    same "$("$offers" 'teredoctl lab --nat-a cone -- teredoctl qualify --expl')" --explain
}

# same TEXT WORD…: the lines of TEXT, but for what was typed already and a = at the end, are these words
same() {
    diff <(printf '%s\n' "${@:2}" | sort) <(printf '%s\n' "$1" | sed 's/=$//; s/.*[=,]//' | sort)
}

@test "bash offers every command and every long option, and no other" {
    check_shell bash
}

@test "bash offers the values of options" {
    check_values bash
}

@test "bash: a registered function completes teredoctl, with = as a word break or without" {
    run bash --norc -c 'source "$1"; complete -p teredoctl' bash "$completions/teredoctl.bash"
    [ "$output" = "complete -F _teredoctl teredoctl" ]
    run bash --norc -c 'source "$1"; COMP_WORDBREAKS=" "; COMP_LINE="teredoctl trace --proof=n"
        COMP_POINT=${#COMP_LINE}; _teredoctl; echo "${COMPREPLY[@]}"' bash "$completions/teredoctl.bash"
    [ "$output" = "--proof=nonce" ]
}

@test "zsh offers every command and every long option, and no other" {
    need zsh
    zsh -n "$completions/_teredoctl"
    check_shell zsh
}

@test "zsh offers the values of options" {
    check_values zsh
}

@test "fish offers every command and every long option, and no other" {
    need fish
    fish -n "$completions/teredoctl.fish"
    check_shell fish
}

@test "fish offers the values of options" {
    check_values fish
}

@test "files are offered where an option takes one" {
    touch capture.pcap
    for shell in bash zsh fish; do
        command -v "$shell" >/dev/null || continue
        same "$("${shell}_offers" 'teredoctl trace --write capt')" capture.pcap
        same "$("${shell}_offers" 'teredoctl bubble --from-file capt')" capture.pcap
    done
}
