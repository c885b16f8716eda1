#!/usr/bin/env bats
# What a server's name leads to: every address is tried, and what is wrong is said as it is.

bats_require_minimum_version 1.5.0

load lib

setup() {
    common_setup
}

teardown() {
    common_teardown
}

@test "every address of a name is asked, and the first that answers serves; the dead ones are named" {
    server
    resolver "multi.example=$SILENT" "multi.example=$PRIMARY"
    for command in qualify 'check -v' classify; do
        # shellcheck disable=SC2086 # words
        t $command multi.example --allow-private
        [ "$status" -eq 0 ]
        [[ $stderr == *"'multi.example' has 2 addresses; $SILENT does not answer; $PRIMARY answered first"* ]]
    done
    t qualify -q multi.example --allow-private
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
}

@test "an address that no server can have is named as such, and nothing is sent there" {
    resolver black.example=0.0.0.0 loop.example=127.0.0.1 some.example=224.0.0.1 some.example=240.0.0.1
    for name in black.example loop.example some.example 0.0.0.0 255.255.255.255; do
        t qualify "$name" --verbose
        [ "$status" -eq 68 ]
        [[ $stderr == *"that no server can have"* ]]
        [[ $stderr != *" rs"* ]]
        t check "$name"
        [ "$status" -eq 3 ]
        [[ $output == "TEREDO UNKNOWN - "*"that no server can have"* ]]
    done
    t qualify black.example --format=json
    json '.verdict == "not_qualified" and .reason == "address_unusable"'
    t classify black.example --format=json
    json '.verdict == "partial" and .reachability == "address_unusable"'
}

@test "a name without an IPv4 address, a resolver that fails and a name that is not there are told apart" {
    resolver v6only.example=2001:db8::1 broken.example=servfail
    t qualify v6only.example --format=json
    [ "$status" -eq 68 ]
    json '.reason == "name_no_ipv4_address"'
    t classify v6only.example --format=json
    json '.reachability == "name_no_ipv4_address"'
    t check v6only.example
    [ "$status" -eq 3 ]
    t check v6only.example --format=json
    json '.status == "unknown" and .qualification.reason == "name_no_ipv4_address"'
    t qualify broken.example --format=json
    [ "$status" -eq 68 ]
    json '.verdict == "inconclusive" and .reason == "resolver_failed"'
    t classify broken.example --format=json
    json '.reachability == "resolver_failed"'
    t check broken.example
    [ "$status" -eq 3 ]
    t check no-such-name.example
    [ "$status" -eq 2 ]
    [[ $output == *"name was not found"* ]]
}

@test "a check of a host that may not send, or has no route, is UNKNOWN and no word about the server" {
    t check 192.0.2.1
    [ "$status" -eq 3 ]
    [[ $output == *"no route to the server"* ]]
    t qualify 192.0.2.1 --format=json
    json '.reason == "no_route"'
    t qualify 192.0.2.1
    [[ $output == *"0 solicitations sent"* ]]
}

@test "thresholds are the guidelines' ranges, and what is outside of them is told in their unit" {
    server
    t check "$PRIMARY" --allow-private -w @0:0.5
    [ "$status" -eq 1 ]
    [[ $output == *" answers in 0."*" s, inside of 0:0.5 s"* ]]
    t check "$PRIMARY" --allow-private -c 5:
    [ "$status" -eq 2 ]
    [[ $output == *" answers in 0."*" s, outside of 5: s"* ]]
    t check "$PRIMARY" --allow-private -w '~:' -c '@10:20'
    [ "$status" -eq 0 ]
}
