# For the scripts beside this one and in tests/setup: a scratch Debian of this machine's architecture, and checks in it. The caller
# has set `suite`, and `also` to further packages, if any; afterwards `root` is the system's folder, removed at the end. Takes root
# and mmdebstrap.
# shellcheck shell=bash

arch=$(dpkg --print-architecture)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/facelatch
root=$(mktemp -d -t facelatch-deb.XXXXXX)
words=$(mktemp)
trap 'rm -rf --one-file-system "$root"; rm -f "$words" "$words.last"' EXIT
passed=0
failed=0

# check WHAT COMMAND...: does it hold?
check() {
    local what=$1
    shift
    mv "$words" "$words.last"
    if "$@" >"$words" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %s\n' "$what"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$what"
        sed 's/^/        /' "$words"
    fi
}

# told WORDS: the command of the check before said so.
told() { grep -qi -- "$1" "$words.last"; }

# inside COMMAND...: runs it in the scratch system, with processes and mounts of its own.
inside() {
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child sh -c \
        'mount -t proc proc "$0/proc" && exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' \
        "$root" "$@"
}

# dpkg with its words in $root/said; they go to the screen when it fails.
packages() {
    inside dpkg "$@" >"$root/said" 2>&1 || { cat "$root/said"; return 1; }
}

said() { grep -q -- "$1" "$root/said"; }
not() { ! "$@"; }
there() { [ -e "$root$1" ]; }
owned() { [ "$(inside stat -c '%U:%G %a' "$2")" = "$1" ]; }

# waits_for COMMAND...: until it holds, or five minutes.
waits_for() {
    local left=3000
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# ends_with CODE COMMAND...
ends_with() {
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    [ "$code" -eq "$wanted" ]
}

# later DEB [TO]: the same package, one revision on, as an upgrade.
later() {
    local parts
    parts=$(mktemp -d)
    dpkg-deb --raw-extract "$1" "$parts"
    sed -i 's/^Version: .*/&+later/' "$parts/DEBIAN/control"
    dpkg-deb --root-owner-group -Znone --build "$parts" "${2:-$root/later.deb}" >/dev/null
    rm -rf "$parts"
}

scratch() {
    local recipe="--variant=minbase --include=systemd,udev,libpam-runtime,libpam-modules,pamtester${also:+,$also} --format=tar $suite"
    local system
    # Another recipe is another system.
    system=$cache/scratch-$suite-$arch-$(sha256sum <<<"$recipe" | cut -c1-8).tar
    if ! [ -e "$system" ]; then
        mkdir -p "$cache"
        # shellcheck disable=SC2086
        mmdebstrap --quiet $recipe "$system.new"
        mv "$system.new" "$system"
    fi
    tar -xf "$system" -C "$root" --exclude='./dev/*'
    mknod -m 666 "$root/dev/null" c 1 3
    mknod -m 666 "$root/dev/urandom" c 1 9
    ln -s /proc/self/fd "$root/dev/fd"
}

# The last line, and the script's status.
conclude() {
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}
