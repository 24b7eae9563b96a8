#!/usr/bin/env bash
# camera.sh WORK RELEASE: makes WORK/v4l2loopback.ko for the arm64 kernel RELEASE, and WORK/feeder.
# image.sh calls it, with APT_CONFIG set to its own package state for arm64. The module is GPL: it is built here
# from Debian's source for the test alone and is no part of what facelatch ships.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$1
release=$2
debs=$work/camera-debs
tree=$work/camera
mkdir -p "$debs"
cd "$debs"
apt-get download -q "linux-headers-$release" "linux-headers-${release%-arm64}-common" v4l2loopback-dkms
# The programs that build a module are of this machine.
env -u APT_CONFIG apt-get -o APT::Sandbox::User=root download -q "linux-kbuild-$(cut -d. -f1,2 <<<"$release")"
for deb in *.deb; do dpkg -x "$deb" "$tree"; done

# The headers name their other parts by full path: those below /usr/src and /usr/lib become those unpacked here.
headers=$tree/usr/src/linux-headers-$release
sed -i "s#/usr/src/#$tree/usr/src/#" "$headers/Makefile"
common=$tree/usr/src/linux-headers-${release%-arm64}-common
for link in scripts tools; do
    if [ -L "$common/$link" ]; then ln -sfn "$(echo "$tree"/usr/lib/linux-kbuild-*)/$link" "$common/$link"; fi
    if [ -L "$headers/$link" ]; then ln -sfn "$(echo "$tree"/usr/lib/linux-kbuild-*)/$link" "$headers/$link"; fi
done
cp -r "$tree"/usr/src/v4l2loopback-* "$tree/module"
make -s -C "$headers" M="$tree/module" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- modules
aarch64-linux-gnu-strip -g -o "$work/v4l2loopback.ko" "$tree/module/v4l2loopback.ko"
aarch64-linux-gnu-gcc -O2 -Wall -Wextra -Werror -static -o "$work/feeder" "$here/feeder.c"
