#!/usr/bin/env bats
# The Debian package: built from the release tarball as Debian would, looked at by lintian, installed,
# tested, and purged. It is installed in an overlay on this machine's root directory, which goes when
# the tests end; the machine itself stays as it is. `make check-deb` runs this.

# bats sets status, output and lines
# shellcheck disable=SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load ../wait

# Why the package cannot be built here; empty if it can.
no_build() {
    local tool

    for tool in dpkg-buildpackage dh lintian; do
        command -v "$tool" >/dev/null || { echo "$tool is not installed" && return; }
    done
}

# Why it cannot be installed.
no_install() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "needs root"
    elif ! command -v setcap >/dev/null; then
        echo "setcap is not installed"
    elif ! unshare -m true 2>/dev/null; then
        echo "may not make a mount namespace"
    fi
}

setup_file() {
    local build=$BATS_FILE_TMPDIR/build

    NO_BUILD=$(no_build)
    NO_INSTALL=${NO_BUILD:-$(no_install)}
    VERSION=$("$TEREDOCTL" --version)
    VERSION=${VERSION##* }
    SOURCE=$build/teredoctl-$VERSION
    export NO_BUILD NO_INSTALL VERSION SOURCE
    [ -z "$NO_BUILD" ] || return 0
    unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS CPPFLAGS LDFLAGS TEREDOCTL
    mkdir "$build"
    make -C "$top_builddir" dist >"$build/dist.log" 2>&1 || fail_with "$build/dist.log"
    cp "$top_builddir/teredoctl-$VERSION.tar.gz" "$build/teredoctl_$VERSION.orig.tar.gz"
    tar -C "$build" -xzf "$build/teredoctl_$VERSION.orig.tar.gz"
    cp -r "$SOURCE/packaging/debian" "$SOURCE/debian"
    # One more that is not built, for the tests of the package.
    mkdir "$build/clean"
    cp -r "$SOURCE" "$build/clean/"
    # The tests of the program are run on what is installed, further below.
    (cd "$SOURCE" && DEB_BUILD_PROFILES=nocheck DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
        dpkg-buildpackage -us -uc) >"$build/build.log" 2>&1 3>&- || fail_with "$build/build.log"
    DEB=$(echo "$build"/teredoctl_"$VERSION"-*.deb)
    export DEB
    [ -n "$NO_INSTALL" ] || throw_away_root
}

fail_with() { # LOG
    tail -n 40 "$1" | sed 's/^/# /' >&3
    return 1
}

# A root directory in a mount namespace of its own, which the process KEEPER holds.
throw_away_root() {
    local root=$BATS_FILE_TMPDIR/root

    mkdir "$root"
    # shellcheck disable=SC2016
    unshare -m bash -euc '
        mount -t tmpfs -o mode=755 tmpfs "$0"
        mkdir "$0/upper" "$0/work" "$0/top"
        mount -t overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" overlay "$0/top"
        for dir in proc sys dev; do mount --rbind "/$dir" "$0/top/$dir"; done
        mkdir "$0/top/package" "$0/top/old"
        mount --bind "$1" "$0/top/package"
        # A program in a chroot may not make a user namespace; after this it is none.
        cd "$0/top"
        pivot_root . old
        umount -l /old
        touch /package/mounted
        exec sleep infinity' "$root" "$BATS_FILE_TMPDIR/build" >"$BATS_FILE_TMPDIR/root.log" 2>&1 3>&- &
    KEEPER=$!
    export KEEPER
    wait_for test -e "$BATS_FILE_TMPDIR/build/mounted" || fail_with "$BATS_FILE_TMPDIR/root.log"
}

teardown_file() {
    [ -z "${KEEPER-}" ] || kill "$KEEPER"
}

setup() {
    case $BATS_TEST_DESCRIPTION in
    'the changelog'* | lintian*) [ -z "$NO_BUILD" ] || skip "$NO_BUILD" ;;
    *) [ -z "$NO_INSTALL" ] || skip "$NO_INSTALL" ;;
    esac
}

# inside COMMAND…: in the throw-away root
inside() {
    nsenter -t "$KEEPER" -m env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive CI="${CI-}" "$@" 3>&-
}

# as_user COMMAND…: the same, as one without any privileges
as_user() {
    # env, since setpriv itself still has capabilities when it starts a program.
    inside setpriv --reuid nobody --regid nogroup --clear-groups env "$@"
}

# The files of that name in the directories that a package may use.
named_so() {
    inside find /bin /etc /lib /opt /run /sbin /srv /usr /var -path /usr/local -prune -o -name '*teredo*' -print | sort
}

@test "the changelog is about this version" {
    run dpkg-parsechangelog -l "$SOURCE/debian/changelog" -S Version
    [ "${output%-*}" = "$VERSION" ]
}

@test "lintian has no errors and no warnings" {
    # It is not in Debian, so there is no bug that its upload would close.
    run lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "${DEB%.deb}.changes"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "it installs: the program, its pages, completions, examples" {
    named_so >"$BATS_FILE_TMPDIR/before"
    run inside sh -c 'dpkg -i /package/teredoctl_*.deb'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(inside /usr/bin/teredoctl --version)" = "teredoctl $VERSION" ]
    for page in "$SOURCE"/man/*.[0-9]; do
        page=${page##*/}
        inside gzip -t "/usr/share/man/man${page##*.}/$page.gz"
    done
    for file in bash-completion/completions/teredoctl zsh/site-functions/_teredoctl \
        fish/vendor_completions.d/teredoctl.fish doc/teredoctl/README.Debian \
        doc/teredoctl/examples/systemd/teredoctl-serve@.service; do
        inside test -s "/usr/share/$file" || inside test -s "/usr/share/$file.gz"
    done
    inside grep -qx 'ExecStart=/usr/bin/teredoctl serve .*' \
        /usr/share/doc/teredoctl/examples/systemd/teredoctl-serve@.service
}

@test "it has CAP_NET_RAW, and an ordinary user may capture" {
    [ "$(inside getcap /usr/bin/teredoctl)" = '/usr/bin/teredoctl cap_net_raw=ep' ]
    run as_user timeout 1 teredoctl decode -i lo
    echo "$output"
    [ "$status" -ne 77 ]
    [[ $output != *permission* ]]
}

@test "the lab works for an ordinary user, with the capability on the file" {
    run as_user teredoctl lab -q
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == punched:* ]]
}

@test "it starts under what the units allow: no new privileges, and no other capability" {
    as_service() {
        inside setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --bounding-set=-all,+net_raw "$@"
    }
    as_service timeout 120 teredoctl serve --address 127.77.0.1 --allow-private >"$BATS_TEST_TMPDIR/serve" 2>&1 &
    wait_for grep -q ready "$BATS_TEST_TMPDIR/serve"
    run as_service --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw \
        timeout 60 teredoctl listen 127.77.0.1 --allow-private --duration 5
    echo "$output"
    [[ $output == 2001:*'times from libpcap'* ]]
}

@test "the tests of the package: the command line, on the installed program" {
    [ "$(sed -n 's/^Tests: //p' "$SOURCE/debian/tests/control")" = cli ]
    # shellcheck disable=SC2086 # a list
    run inside env -C "/package/clean/teredoctl-$VERSION" debian/tests/cli ${DEB_CLI-}
    grep -vE '^ok ' <<<"$output" || true
    [ "$status" -eq 0 ]
    grep -q '^ok ' <<<"$output"
    run ! grep '^not ok ' <<<"$output"
}

@test "without setcap it installs too, says so, and does not fall back to setuid" {
    run inside sh -c 'mv /sbin/setcap /sbin/setcap.away && dpkg -i /package/teredoctl_*.deb; status=$?
        mv /sbin/setcap.away /sbin/setcap; exit $status'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'setcap (libcap2-bin) is not installed'* ]]
    [ -z "$(inside getcap /usr/bin/teredoctl)" ]
    [ "$(inside stat -c %a /usr/bin/teredoctl)" = 755 ]
    as_user teredoctl lab -q
}

@test "setcap that fails is said, and no error" {
    run inside sh -c 'mv /sbin/setcap /sbin/setcap.away && ln -s /bin/false /sbin/setcap && dpkg -i /package/teredoctl_*.deb
        status=$?; mv /sbin/setcap.away /sbin/setcap; exit $status'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'setcap failed on /usr/bin/teredoctl'* ]]
}

@test "an administrator's dpkg-statoverride holds, with the capability" {
    inside sh -c 'groupadd --system teredo && dpkg-statoverride --update --add root teredo 0750 /usr/bin/teredoctl'
    inside dpkg-reconfigure teredoctl
    [ "$(inside stat -c '%a %G' /usr/bin/teredoctl)" = '750 teredo' ]
    [ -n "$(inside getcap /usr/bin/teredoctl)" ]
    run ! as_user teredoctl --version
    inside dpkg-statoverride --remove /usr/bin/teredoctl
}

@test "purge leaves nothing" {
    run inside dpkg --purge teredoctl
    echo "$output"
    [ "$status" -eq 0 ]
    named_so | diff "$BATS_FILE_TMPDIR/before" -
    run -1 inside dpkg-query -W teredoctl
}
