#!/usr/bin/env bats
# `make install` puts everything where the directory variables say, and `make uninstall` takes all of
# it away again. The examples of systemd units are good ones.

# bats sets status, output and lines
# shellcheck disable=SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    odd=(prefix=/p bindir=/b/programs mandir=/m/pages datadir=/d datarootdir=/r docdir=/o/docs)
}

# quiet_make ARGUMENT…: in the build directory, as if by hand
quiet_make() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "${top_builddir:?}" "$@" >make.log 2>&1 || {
        cat make.log
        return 1
    }
}

files() { # DIRECTORY
    (cd "$1" && find . ! -type d | sed 's/^\.//' | sort)
}

@test "DESTDIR and every directory variable are honoured" {
    quiet_make install DESTDIR="$PWD/root" "${odd[@]}"
    files root >got
    {
        echo /b/programs/teredoctl
        for page in "$top_srcdir"/man/*.[0-9]; do
            echo "/m/pages/man${page##*.}/${page##*/}"
        done
        echo /d/bash-completion/completions/teredoctl
        echo /d/zsh/site-functions/_teredoctl
        echo /d/fish/vendor_completions.d/teredoctl.fish
        for unit in "$top_srcdir"/packaging/systemd/*.in; do
            unit=${unit##*/}
            echo "/o/docs/examples/systemd/${unit%.in}"
        done
    } | sort >want
    # The schemas, if there are any, have a directory of their own.
    diff <(grep -v '^/d/teredoctl/' got) want
    grep -q '^ExecStart=/b/programs/teredoctl serve ' root/o/docs/examples/systemd/teredoctl-serve@.service
    run ! grep -r '@[a-z]*@$' root/o
}

@test "the directories of completions can be chosen" {
    quiet_make install DESTDIR="$PWD/root" bashcompletiondir=/c/bash zshcompletiondir=/c/zsh fishcompletiondir=/c/fish
    [ "$(files root/c | tr '\n' ' ')" = '/bash/teredoctl /fish/teredoctl.fish /zsh/_teredoctl ' ]
    quiet_make uninstall DESTDIR="$PWD/root" bashcompletiondir=/c/bash zshcompletiondir=/c/zsh fishcompletiondir=/c/fish
    [ -z "$(files root)" ]
}

@test "make uninstall leaves nothing, neither file nor directory of its own" {
    quiet_make install DESTDIR="$PWD/root" "${odd[@]}"
    [ -n "$(files root)" ]
    quiet_make uninstall DESTDIR="$PWD/root" "${odd[@]}"
    [ -z "$(files root)" ]
    [ -z "$(find root -name 'teredoctl*')" ]
    [ ! -e root/o/docs ]
}

@test "make uninstall leaves what is not ours" {
    quiet_make install DESTDIR="$PWD/root" "${odd[@]}"
    touch root/o/docs/examples/mine root/b/programs/other
    quiet_make uninstall DESTDIR="$PWD/root" "${odd[@]}"
    [ "$(files root | tr '\n' ' ')" = '/b/programs/other /o/docs/examples/mine ' ]
}

@test "what is installed works" {
    quiet_make install prefix="$PWD/here"
    [[ $(here/bin/teredoctl --version) == 'teredoctl '* ]]
    run here/bin/teredoctl addr -q 2001:0:c000:281:c77:6771:39cc:9beb
    [ "$status" -eq 0 ]
}

# The units, installed so that the program that they name is there.
units() {
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    quiet_make install prefix="$PWD/here" docdir="$PWD/here"
    units=here/examples/systemd
    [ "$(find "$units" -type f | wc -l)" -ge 4 ]
}

@test "systemd finds nothing to complain about in the units" {
    units
    run systemd-analyze verify --man=no "$units"/*
    echo "$output"
    [ "$status" -eq 0 ]
    # It may complain about units of this machine.
    [[ $output != *teredoctl* ]]
}

@test "the services are locked down: systemd calls their exposure OK, at most 2.0 of 10" {
    units
    for unit in "$units"/*.service; do
        run systemd-analyze security --offline=true --threshold=20 --no-pager "$unit"
        echo "$output"
        [ "$status" -eq 0 ]
        grep -qx 'DynamicUser=yes' "$unit"
        grep -qx 'CapabilityBoundingSet=CAP_NET_RAW' "$unit"
        grep -q '^SystemCallFilter=@system-service' "$unit"
    done
}

@test "what the units start are commands, with options that there are" {
    seen=0
    for unit in "$top_srcdir"/packaging/systemd/*.service.in; do
        read -r command arguments < <(sed -n 's|^ExecStart=@bindir@/teredoctl ||p' "$unit")
        "$TEREDOCTL" help | grep -q "^  $command " || continue
        mapfile -t options < <(grep -oE -- '--[a-z-]+' <<<"$arguments")
        for option in "${options[@]}"; do
            "$TEREDOCTL" "$command" --help | grep -qE -- " $option\b" || {
                echo "$command has no $option"
                false
            }
        done
        seen=$((seen + 1))
    done
    [ "$seen" -ge 2 ]
}
