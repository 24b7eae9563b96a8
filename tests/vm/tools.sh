#!/usr/bin/env bash
# tools.sh CACHE ARCH: installs what image.sh and `cargo xtask vm` need of this machine (Debian, root), and prints
# the qemu-system-aarch64 to use, which emulates 32-bit processors as well. What cannot be installed is named, and the exit status is 1.
set -euo pipefail
cache=$1
arch=$2
# shellcheck source=tests/vm/arch.sh
. "$(dirname "$0")/arch.sh"
mkdir -p "$cache"
log=$cache/tools.log

packages=(mmdebstrap arch-test qemu-user-static e2fsprogs cpio kmod make "gcc-$gnu" "libc6-dev-$arch-cross"
    libfdt1 debian-archive-keyring apt-utils gpg gpg-agent gpgconf)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

# install PACKAGE...
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1 && return
    apt-get update -q >>"$log" 2>&1 || true # A list that fails may be one that is not needed.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1
}

if [ ${#missing[@]} -gt 0 ] && ! install "${missing[@]}"; then
    echo "vm: these packages are missing and could not be installed: ${missing[*]} (see $log)" >&2
    exit 1
fi

# Where a newer qemu-utils is installed, bookworm's qemu-system-common breaks it. So the emulator is unpacked
# beside the system, and only the libraries that it is linked with are installed.
unpack_emulator() {
    local libraries
    apt-get update -q >>"$log" 2>&1 || true
    libraries=$(apt-get install -s --no-install-recommends qemu-system-arm qemu-utils- 2>>"$log" |
        awk '$1 == "Inst" && $2 !~ /^qemu-/ { print $2 }')
    # shellcheck disable=SC2086 # One word a package.
    [ -z "$libraries" ] || install $libraries
    rm -rf "$cache/qemu.tmp"
    mkdir -p "$cache/qemu.tmp/debs"
    (cd "$cache/qemu.tmp/debs" &&
        apt-get -o APT::Sandbox::User=root download -q qemu-system-arm qemu-system-common qemu-system-data >>"$log" 2>&1)
    for deb in "$cache"/qemu.tmp/debs/*.deb; do dpkg -x "$deb" "$cache/qemu.tmp"; done
    rm -rf "$cache/qemu.tmp/debs" "$cache/qemu"
    mv "$cache/qemu.tmp" "$cache/qemu"
}

if command -v qemu-system-aarch64; then
    exit
fi
emulator=$cache/qemu/usr/bin/qemu-system-aarch64
if ! "$emulator" --version >/dev/null 2>&1; then
    unpack_emulator || { echo "vm: qemu-system-arm is missing and could not be unpacked (see $log)" >&2; exit 1; }
fi
"$emulator" --version >/dev/null
echo "$emulator"
