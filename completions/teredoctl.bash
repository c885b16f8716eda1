# bash completion for teredoctl(1)                                                -*- sh -*-
# shellcheck shell=bash
# One line a command in _teredoctl_options: an option that takes a value ends in "=".
# tests/cli/completions.bats compares all this with `teredoctl help` and each `--help`.

_teredoctl_commands='trace qualify classify check listen serve bubble lab addr decode help'

# _teredoctl_options COMMAND: its options; without COMMAND, those of teredoctl itself
_teredoctl_options() {
    local client='--secondary= --local-port= --timeout= --auth-id= --auth-secret-file=
        --allow-private --write= --no-capture --format= --header --color= --quiet --verbose'
    local rounds='--every= --on-change --output='

    case $1 in
    trace)
        echo "--server= --proof= --ttl= --bubbles= --from-port= --own-address= --control-ttl=
            --read= --passive --interface= --peer= --filter= --tunnels --count= --watch --attempts=
            --ascii --width= $rounds $client"
        ;;
    qualify) echo "--explain --from-file= --rate= --sort= --attempts= $rounds $client" ;;
    classify) echo "--explain --extra-port= --lifetime --max-idle= --resolution= $rounds $client" ;;
    check) echo "--hostname= --port= --warning= --critical= $rounds $client" ;;
    listen) echo "--count= --duration= --refresh= --watch --attempts= --ascii --width= $client" ;;
    serve)
        echo '--address= --secondary= --port= --extra-port= --mtu= --allow-private --auth-secret-file=
            --require-auth --user= --count= --duration= --format= --header --quiet --verbose'
        ;;
    bubble)
        echo '--direct --indirect --to= --rs --echo --from-file= --packet= --from-address= --from-port=
            --spoof --ttl= --tos= --df --no-df --ip-id= --checksum= --auth --no-auth --auth-id=
            --auth-value= --auth-nonce= --confirmation= --origin= --no-origin --source=
            --destination= --hop-limit= --traffic-class= --flow-label= --next-header= --payload=
            --payload-length= --nonce-trailer --alternate-address= --nd-option --random-port=
            --trailer= --no-trailers --count= --interval= --rate= --wait= --dry-run --write=
            --format= --header --quiet --verbose'
        ;;
    lab)
        echo '--nat-a= --nat-b= --delay= --jitter= --loss= --duplicate= --reorder= --seed= --on=
            --also= --pcap= --pcap-each= --format= --header --ascii --width= --color= --quiet --verbose'
        ;;
    decode)
        echo '--interface= --hex= --tunnels --count= --summary --format= --header --quiet --verbose'
        ;;
    addr) echo '--encode --server= --mapped= --flags= --random-flags --format= --header --quiet' ;;
    esac
    echo '--help --usage --version'
}

# _teredoctl_nat TEXT: a word, then properties, separated by commas
_teredoctl_nat() {
    local done='' item=$1 word

    if [[ $item == *,* ]]; then
        done=${item%,*},
        item=${item##*,}
    else
        for word in none cone address-restricted port-restricted symmetric firewall blocked; do
            echo "$word"
        done
    fi
    case $item in
    mapping=* | filtering=*) set -- endpoint-independent address address-port ;;
    ports=*) set -- preserving sequential random ;;
    parity=* | hairpin=*) set -- yes no ;;
    refresh=*) set -- outbound both ;;
    pooling=*) set -- paired arbitrary ;;
    pool=*) set -- 1 2 3 4 ;;
    *=*) set -- ;;
    *)
        for word in mapping filtering ports step range parity hairpin timeout refresh pooling pool; do
            echo "$done$word="
        done
        return
        ;;
    esac
    for word; do
        echo "$done${item%%=*}=$word"
    done
}

_teredoctl_interfaces() {
    echo any
    # Names that hold no blanks: the kernel forbids them.
    (cd /sys/class/net 2>/dev/null && printf '%s\n' *)
}

# _teredoctl_values COMMAND OPTION TEXT: the values that OPTION takes, one a line
_teredoctl_values() {
    case $2 in
    --format)
        printf '%s\n' text json jsonl tsv
        case $1 in
        trace | listen | lab) printf '%s\n' ladder mermaid svg ;;
        qualify | classify | check) echo openmetrics ;;
        esac
        ;;
    --sort) printf '%s\n' arrival given rtt ;;
    --color) printf '%s\n' auto always never ;;
    --checksum) printf '%s\n' right zero wrong ;;
    --nd-option) printf '%s\n' solicitation advertisement ;;
    --proof) printf '%s\n' auto nonce link-local endpoint ;;
    --bubbles) printf '%s\n' 1 2 3 4 ;;
    --attempts) printf '%s\n' 1 2 3 4 5 6 7 8 ;;
    --on) printf '%s\n' a b s1 s2 ;;
    --nat-a | --nat-b) _teredoctl_nat "$3" ;;
    --write | --from-file | --read | --pcap | --pcap-each | --auth-secret-file | --output)
        compgen -f -- "$3"
        ;;
    --interface) _teredoctl_interfaces ;;
    --user) compgen -u -- "$3" ;;
    --to | --hostname) compgen -A hostname -- "$3" ;;
    --server | --secondary) [[ $1 == addr ]] || compgen -A hostname -- "$3" ;;
    esac
}

# _teredoctl_words TEREDOCTL ARGUMENT…: the last argument is being written; prints what it may be
_teredoctl_words() {
    local command='' option='' word i
    local cur=${*: -1}

    # Which command is it, and does an option still want its value?
    for ((i = 2; i < $#; i++)); do
        word=${!i}
        if [[ -n $option ]]; then
            option=
        elif [[ $command == lab && ($word == -- || $word != -*) ]]; then
            # What runs in the lab is a command line of its own.
            [[ $word != -- ]] || i=$((i + 1))
            _teredoctl_in_lab "${@:i}"
            return
        elif [[ -z $command && $word != -* ]]; then
            command=$word
        elif [[ $word == --*=* ]]; then
            continue
        elif [[ $word == --* && " $(_teredoctl_options "$command" | tr '\n' ' ') " == *" $word= "* ]]; then
            option=$word
        fi
    done
    if [[ -n $option ]]; then
        _teredoctl_values "$command" "$option" "$cur"
    elif [[ $cur == --*=* ]]; then
        option=${cur%%=*}
        _teredoctl_values "$command" "$option" "${cur#*=}" | sed "s|^|$option=|"
    elif [[ $cur == -* ]]; then
        _teredoctl_options "$command"
    elif [[ -z $command || $command == help ]]; then
        echo "$_teredoctl_commands"
    elif [[ $command == qualify || $command == classify || $command == check || $command == listen ]]; then
        compgen -A hostname -- "$cur"
    elif [[ $command == lab ]]; then
        compgen -c -- "$cur"
    elif [[ $command == decode || ($command == trace && " $* " == *' '@(-r|--read)[\ =]*) ]]; then
        compgen -f -- "$cur"
    fi
}

_teredoctl_in_lab() {
    if [[ $# -le 1 ]]; then
        compgen -c -- "${1-}"
    elif [[ $1 == teredoctl || $1 == */teredoctl ]]; then
        _teredoctl_words "$@"
    else
        compgen -f -- "${*: -1}"
    fi
}

_teredoctl() {
    local line=${COMP_LINE:0:COMP_POINT} cur handled
    local -a words

    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=('')
    cur=${words[-1]}
    mapfile -t COMPREPLY < <(compgen -W "$(_teredoctl_words "${words[@]}")" -- "$cur")
    # What ends in = or , wants more.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    # readline replaces only what follows the last = or : of the word.
    handled=${cur##*[=:]}
    if [[ $COMP_WORDBREAKS == *=* && $handled != "$cur" ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${cur%"$handled"}"}")
    fi
}

complete -F _teredoctl teredoctl
