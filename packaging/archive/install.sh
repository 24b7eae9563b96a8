#!/bin/sh
# Installs facelatch on Raspberry Pi OS or Debian, bookworm or newer: adds its package archive with the key that signs it,
# installs three packages, and hands on to `facelatch setup`. Until that is told to, no door and no login uses the face.
#
#     sudo sh install.sh [WORD...]       WORDs go to `facelatch setup`
#     sudo sh install.sh --no-setup      asks nothing
#
# To take it back: sudo apt purge facelatch libpam-facelatch facelatch-door
#                  sudo rm /etc/apt/sources.list.d/facelatch.sources
set -eu

sources=/etc/apt/sources.list.d/facelatch.sources
added=
packages="facelatch libpam-facelatch facelatch-door"

say() { echo "facelatch: $*"; }
stop() { say "$*" >&2 && exit 1; }

# Ends unless the packages can run here.
look() {
    system=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME") || system="this system"
    arch=$(dpkg --print-architecture 2>/dev/null) || stop "$system has no dpkg: this takes Raspberry Pi OS or Debian"
    board=$({ tr -d '\0' </proc/device-tree/model; } 2>/dev/null) || board=$(uname -m)
    say "$board, $system, $arch"
    # 32-bit Raspberry Pi OS says armhf on ARMv6, too.
    case $arch,$(uname -m) in
    armhf,armv6*) stop "this processor (ARMv6, of a Pi 1, Zero or Zero W) is too old: take a Pi Zero 2, 3 or newer" ;;
    arm64,* | armhf,* | amd64,*) ;;
    *) stop "there are packages for arm64, armhf and amd64, and none for $arch" ;;
    esac
    libc=$(dpkg-query --show --showformat='${Version}' "libc6:$arch")
    dpkg --compare-versions "$libc" ge 2.36 ||
        stop "$system is too old: this takes Raspberry Pi OS bookworm or Debian 12, or newer"
}

# What is there stays, such as a mirror or `Enabled: no`.
add_archive() {
    [ ! -e "$sources" ] || { say "$sources stays as it is" && return; }
    added=yes
    cat >"$sources" <<'END'
@SOURCES@
END
    chmod 644 "$sources"
}

# In a function and called by the last line, so that half a download does nothing.
main() {
    [ "$(id -u)" = 0 ] || stop "this takes root: sudo sh install.sh"
    look
    add_archive
    apt-get update || { sleep 30 && apt-get update; } || say "not all of this machine's archives could be read; going on"
    # Another apt may end first; and settings that somebody changed stay as they are.
    options="-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold"
    # shellcheck disable=SC2086
    if ! DEBIAN_FRONTEND=noninteractive apt-get $options install --yes $packages </dev/null; then
        [ -z "$added" ] || rm -f "$sources"
        stop "the packages could not be installed; apt says above why"
    fi
    if facelatch doctor 2>/dev/null | grep -q '^FAIL *camera'; then
        say "there is no camera yet; plug one in when you like (or a CSI camera: the set-up finds it)"
    fi
    [ "${1-}" != --no-setup ] || exit 0
    if [ $# -gt 0 ] || [ -t 0 ]; then exec facelatch setup "$@"; fi
    say "installed. Next: sudo facelatch setup"
}

main "$@"
