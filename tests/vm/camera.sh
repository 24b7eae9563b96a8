#!/usr/bin/env bash
# camera.sh ARCH WORK RELEASE: makes WORK/v4l2loopback.ko for the kernel RELEASE of ARCH, and WORK/feeder.
# image.sh calls it, with APT_CONFIG set to its own package state for ARCH. The module is GPL: it is built here
# from Debian's source for the test alone and is no part of what facelatch ships.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
arch=$1
work=$2
release=$3
# shellcheck source=tests/vm/arch.sh
. "$here/arch.sh"
debs=$work/camera-debs
tree=$work/camera
mkdir -p "$debs"
cd "$debs"
apt-get download -q "linux-headers-$release" "linux-headers-${release%-"$kernel"}-common" v4l2loopback-dkms
# The programs that build a module are of this machine.
env -u APT_CONFIG apt-get -o APT::Sandbox::User=root download -q "linux-kbuild-$(cut -d. -f1,2 <<<"$release")"
for deb in *.deb; do dpkg -x "$deb" "$tree"; done

# The headers name their other parts by full path: those below /usr/src and /usr/lib become those unpacked here.
headers=$tree/usr/src/linux-headers-$release
sed -i "s#/usr/src/#$tree/usr/src/#" "$headers/Makefile"
common=$tree/usr/src/linux-headers-${release%-"$kernel"}-common
for link in scripts tools; do
    if [ -L "$common/$link" ]; then ln -sfn "$(echo "$tree"/usr/lib/linux-kbuild-*)/$link" "$common/$link"; fi
    if [ -L "$headers/$link" ]; then ln -sfn "$(echo "$tree"/usr/lib/linux-kbuild-*)/$link" "$headers/$link"; fi
done
cp -r "$tree"/usr/src/v4l2loopback-* "$tree/module"
make -s -C "$headers" M="$tree/module" ARCH=$linux CROSS_COMPILE=$gnu- modules
"$gnu-strip" -g -o "$work/v4l2loopback.ko" "$tree/module/v4l2loopback.ko"
"$gnu-gcc" -O2 -Wall -Wextra -Werror -static -o "$work/feeder" "$here/feeder.c"
