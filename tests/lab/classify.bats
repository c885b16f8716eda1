#!/usr/bin/env bats
# `teredoctl classify` on sockets, behind every NAT of RFC 4787's matrix in the lab; as an ordinary
# user too.

bats_require_minimum_version 1.5.0
load ../wait

setup() {
    TEREDOCTL=${TEREDOCTL:-teredoctl}
    export LC_ALL=C.UTF-8
}

# classify NAT [OPTION…]: sets output to the JSON
classify() {
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a "$1" -- \
        teredoctl classify --format=json "${@:2}"
    # shellcheck disable=SC2154 # stderr is bats'
    echo "$1: $status $output" "$stderr"
}

# found FILTER: what jq makes of the output
found() {
    jq -r "$1" <<<"$output"
}

# matrix PORTS: every mapping and filtering, with and without hairpinning, with the lab's server,
# which has an extra port
matrix() {
    local mapping filtering hairpin nat want again
    local -A word=([endpoint-independent]=endpoint_independent [address]=address_dependent
        [address-port]=address_and_port_dependent)
    local -A cone=([endpoint-independent]=cone [address]=address_restricted
        [address-port]=port_restricted)

    for mapping in endpoint-independent address address-port; do
        for filtering in endpoint-independent address address-port; do
            for hairpin in yes no; do
                nat=symmetric
                [ "$mapping" != endpoint-independent ] || nat=${cone[$filtering]}
                want="$nat ${word[$mapping]} ${word[$filtering]} $1"
                case $mapping,$filtering,$hairpin in
                endpoint-independent,*,yes | *,endpoint-independent,yes) want+=' true' ;;
                endpoint-independent,*,no | *,endpoint-independent,no) want+=' false' ;;
                *) want+=' null' ;;
                esac
                classify "mapping=$mapping,filtering=$filtering,ports=$1,hairpin=$hairpin"
                # Random ports that chance to lie side by side prove nothing, and classify says so:
                # such a draw is asked again. Any other word than `random` is wrong at once.
                for ((again = 0; again < 2; again++)); do
                    if [ "$1" != random ] || [ "$(found .port_allocation)" != unknown ]; then
                        break
                    fi
                    classify "mapping=$mapping,filtering=$filtering,ports=$1,hairpin=$hairpin"
                done
                [ "$status" -eq 0 ]
                [ "$(found '[.nat, .mapping, .filtering, .port_allocation, .hairpinning] | map(tostring) | join(" ")')" = "$want" ]
            done
        done
    done
}

@test "the matrix, with preserved ports" {
    matrix preserving
}

@test "the matrix, with sequential ports" {
    matrix sequential
}

@test "the matrix, with random ports" {
    matrix random
}

@test "a server with one port tells that a symmetric NAT depends on the destination, no more" {
    run timeout 120 "$TEREDOCTL" lab --nat-a symmetric -- \
        env -u TEREDO_EXTRA_PORT teredoctl classify --format=json
    [ "$status" -eq 0 ]
    [ "$(found '.mapping + " " + .filtering + " " + .netsh')" = \
        "endpoint_dependent endpoint_dependent symmetric" ]
}

@test "no NAT, a firewall, and UDP that is blocked" {
    classify none
    [ "$status" -eq 0 ]
    [ "$(found '.nat + " " + .rfc4380')" = "none none" ]
    classify firewall
    [ "$status" -eq 0 ]
    [ "$(found '.nat + " " + .filtering')" = "firewall address_and_port_dependent" ]
    classify firewall,filtering=address
    [ "$status" -eq 0 ]
    [ "$(found '.nat + " " + .filtering')" = "firewall address_dependent" ]
    classify blocked --timeout 1
    [ "$status" -eq 1 ]
    [ "$(found '.verdict + " " + .nat')" = "blocked blocked" ]
}

@test "a server that is not there, though UDP leaves: no NAT word, but the router that says so" {
    classify port-restricted --timeout 1 192.0.2.1:9
    [ "$status" -eq 2 ]
    [ "$(found '.nat + " " + .reachability')" = "unknown port_unreachable" ]
    run --separate-stderr timeout 120 "$TEREDOCTL" lab --loss s1=100% --nat-a port-restricted -- \
        teredoctl classify --timeout 1 --format=json 192.0.2.1
    [ "$status" -eq 2 ]
    [ "$(found '.nat + " " + .reachability')" = "unknown server_silent" ]
    [ "$(found '[.evidence[] | select(.test == "hops")] | length > 0')" = true ]
}

@test "a pool of addresses that are not paired" {
    classify port-restricted,pool=4,pooling=arbitrary
    [ "$status" -eq 0 ]
    [ "$(found .pooling)" = arbitrary ]
    classify port-restricted,pool=4
    [ "$status" -eq 0 ]
    [ "$(found .pooling)" = one_address ]
}

@test "sequential ports, four apart" {
    classify symmetric,ports=sequential,step=4
    [ "$status" -eq 0 ]
    [ "$(found '.port_allocation + " " + (.port_step | tostring)')" = "sequential 4" ]
}

@test "the lifetime of a mapping, and what keeps it alive" {
    classify port-restricted,timeout=3s --lifetime --max-idle 10 --resolution 0.5
    [ "$status" -eq 0 ]
    jq -e '.lifetime_s.at_least <= 3 and .lifetime_s.at_most >= 3 and
        .lifetime_s.at_most - .lifetime_s.at_least < 1.5' <<<"$output"
    jq -e '.refreshed_by_outbound == true and .refreshed_by_inbound == false' <<<"$output"
    jq -e '.elapsed_s < 60' <<<"$output"
    classify cone,timeout=2s,refresh=both --lifetime --max-idle 8 --resolution 0.5
    [ "$status" -eq 0 ]
    jq -e '.lifetime_s.at_least <= 2 and .lifetime_s.at_most >= 2' <<<"$output"
    jq -e '.refreshed_by_outbound == true and .refreshed_by_inbound == true' <<<"$output"
}

@test "with 20 % loss each way no word is wrong" {
    local seed
    for seed in 1 2 3 4 5; do
        run --separate-stderr timeout 120 "$TEREDOCTL" lab --nat-a address-restricted --loss a=20% \
            --delay 5ms --seed "$seed" -- teredoctl classify --format=json
        echo "$seed: $output"
        [[ $(found .nat) == address_restricted || $(found .nat) == unknown ]]
        [[ $(found .mapping) == endpoint_independent || $(found .mapping) == unknown ]]
    done
}

@test "an ordinary user classifies as well" {
    if [ "$(id -u)" -ne 0 ]; then
        skip "is an ordinary user already: every test here shows it"
    fi
    can_become nobody || skip "this root cannot become an ordinary user: $CANNOT"
    cp "$(command -v "${TEREDOCTL_PROGRAM:-$TEREDOCTL}")" "$BATS_TEST_TMPDIR/teredoctl"
    chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR/teredoctl"
    run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups env -C / timeout 60 \
        "$BATS_TEST_TMPDIR/teredoctl" lab --nat-a cone -- teredoctl classify --format=json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(found .nat)" = cone ]
}
