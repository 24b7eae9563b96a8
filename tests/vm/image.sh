#!/usr/bin/env bash
# image.sh CACHE ARCH: makes the machine for `cargo xtask vm`, once for each state of its recipe (this file, arch.sh, ns.sh,
# camera.sh, lines.sh, feeder.c, agent.sh), and prints the folder that holds it:
#   root.img    ext4, Debian of ARCH with systemd, sudo, pamtester, and the agent that does what the host asks
#   vmlinuz     its kernel;  initrd.img  busybox and the modules that find the disk
# Older images are removed. Progress goes to standard error, details to CACHE/image.log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1
arch=$2
# shellcheck source=tests/vm/arch.sh
. "$here/arch.sh"
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

suite=bookworm
size=2G
packages=systemd,systemd-sysv,udev,dbus,kmod,login,passwd,mount,util-linux,procps,sudo,pamtester
packages+=,libpam-modules,libpam-runtime,libpam-systemd,libgcc-s1,adduser,gpiod
modules=(ext4 virtio_blk virtio_mmio virtio_rng virtio_console videodev configfs uinput evdev)

key=$(cat "$here"/{image,arch,ns,camera,lines}.sh "$here/feeder.c" "$here/agent.sh" | sha256sum | cut -c1-16)
image=$cache/image-$arch-$key
if [ -e "$image/root.img" ]; then
    echo "$image"
    exit
fi

say() { printf 'vm: %4d s  %s\n' $SECONDS "$*" >&2; }
work=$cache/image.tmp
rm -rf "$work"
mkdir -p "$work"
exec 8>"$cache/image.log"
trap 'say "failed; the end of $cache/image.log:"; tail -15 "$cache/image.log" >&2' ERR

mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | grep -E '/debian/?$' | head -1)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" && $2 ~ /\/debian\/?$/ { print $2; exit }' /etc/apt/sources.list)

keys=/usr/share/keyrings/debian-archive-keyring.gpg
debootstrap=(mmdebstrap --mode=root --format=tar --arch="$arch" --variant=minbase --include="$packages"
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$suite")
# What takes minutes is kept by itself, for those who work on the rest.
tar=$cache/root-$arch-$(sha256sum <<<"${debootstrap[*]}" | cut -c1-16).tar
if ! [ -e "$tar" ]; then
    say "Debian $suite for $arch"
    rm -f "$cache/root-$arch"-*.tar
    "$here/ns.sh" "$arch" "${debootstrap[@]}" "$tar.tmp" "deb [signed-by=$keys] $mirror $suite main" >&8 2>&1
    mv "$tar.tmp" "$tar"
fi

say "its kernel"
# A package state of its own: this machine learns of no foreign architecture.
state=$work/apt
mkdir -p "$state"/{lists/partial,cache/archives/partial} "$work/debs"
: >"$state/status"
echo "deb [arch=$arch signed-by=$keys] $mirror $suite main" >"$state/sources.list"
cat >"$state/apt.conf" <<C
Dir::State "$state"; Dir::State::lists "$state/lists"; Dir::State::status "$state/status"; Dir::Cache "$state/cache";
Dir::Etc::sourcelist "$state/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "$arch"; APT::Architectures "$arch"; Acquire::Languages "none"; APT::Sandbox::User "root";
C
foreign() { APT_CONFIG=$state/apt.conf "$@"; }
foreign apt-get update -q >&8 2>&1
image_package=$(foreign apt-cache depends "linux-image-$kernel" | awk '/Depends: linux-image/ { print $2; exit }')
release=${image_package#linux-image-}
(cd "$work/debs" && foreign apt-get download -q "$image_package" busybox-static >&8 2>&1)
dpkg -x "$work"/debs/linux-image-*.deb "$work/kernel"
dpkg -x "$work"/debs/busybox-static_*.deb "$work/busybox"
mv "$work"/kernel/boot/vmlinuz-* "$work/vmlinuz"
depmod -b "$work/kernel" "$release"

say "the camera's module and its feeder"
foreign "$here/camera.sh" "$arch" "$work" "$release" >&8 2>&1

say "the simulated GPIO chip"
foreign "$here/lines.sh" "$arch" "$work" "$release" >&8 2>&1

# modfiles NAME...: the files of modules and of all that they need, in the order of loading.
modfiles() {
    for module in "$@"; do
        modprobe -d "$work/kernel" -S "$release" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++'
}

say "the initial file system"
first=$work/first
mkdir -p "$first"/{bin,modules,proc,sys,dev,new}
cp "$work/busybox/bin/busybox" "$first/bin/"
ln -s busybox "$first/bin/sh"
for file in $(modfiles virtio_mmio virtio_blk ext4 crc32c_generic); do
    cp "$file" "$first/modules/"
    basename "$file" >>"$first/modules/order"
done
cat >"$first/init" <<'I'
#!/bin/sh
PATH=/bin
busybox mount -t proc proc /proc; busybox mount -t sysfs sys /sys; busybox mount -t devtmpfs dev /dev
while read -r file; do busybox insmod "/modules/$file"; done </modules/order
tries=0
until disk=$(busybox findfs LABEL=root 2>/dev/null) || [ $tries -gt 100 ]; do busybox sleep 0.1; tries=$((tries + 1)); done
busybox mount -t ext4 "$disk" /new || exit 1
busybox mount -o move /dev /new/dev; busybox umount /sys /proc
exec busybox switch_root /new /sbin/init
I
chmod +x "$first/init"
(cd "$first" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd.img"

say "the disk"
modfiles "${modules[@]}" >"$work/modules"
export TAR=$tar WORK=$work RELEASE=$release SIZE=$size HERE=$here
"$here/ns.sh" "$arch" bash -euo pipefail >&8 2>&1 <<'N'
root=$WORK/root
mkdir "$root"
tar -xf "$TAR" -C "$root" --numeric-owner --exclude='./dev/*'
lib=lib/modules/$RELEASE
while read -r file; do install -D -m644 "$file" "$root/usr/$lib/${file#*"$lib/"}"; done <"$WORK/modules"
install -m644 "$WORK/v4l2loopback.ko" "$WORK/gpio-sim.ko" -t "$root/usr/$lib/extra" -D
cp "$WORK/kernel/$lib"/modules.{order,builtin,builtin.modinfo} "$root/usr/$lib/"
depmod -b "$root" "$RELEASE"
install -m755 "$WORK/feeder" -T "$root/usr/local/bin/vm-feeder"
install -m755 "$HERE/agent.sh" -T "$root/usr/local/sbin/vm-agent"
echo door >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 door\n' >"$root/etc/hosts"
printf 'LABEL=root / ext4 defaults 0 1\nLABEL=payload /payload ext4 ro,nofail 0 0\n' >"$root/etc/fstab"
mkdir "$root/payload"
: >"$root/etc/machine-id"
cat >"$root/etc/systemd/system/vm-agent.service" <<'U'
[Unit]
Description=Does what the host asks
After=multi-user.target payload.mount
RequiresMountsFor=/payload
[Service]
Type=exec
ExecStart=/usr/local/sbin/vm-agent
[Install]
WantedBy=multi-user.target
U
cat >"$root/etc/systemd/system/vm-camera.service" <<'U'
[Unit]
Description=Plays pictures into a loopback camera
[Service]
ExecStartPre=/sbin/modprobe v4l2loopback exclusive_caps=1 video_nr=9 card_label=door
ExecStart=/usr/local/bin/vm-feeder /dev/video9 /payload/pictures /run/show
U
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../vm-agent.service "$root/etc/systemd/system/multi-user.target.wants/"
# Housekeeping that would disturb the times.
for unit in e2scrub_reap.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    fstrim.timer systemd-timesyncd.service; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
truncate -s "$SIZE" "$WORK/root.img"
mkfs.ext4 -q -F -L root -d "$root" "$WORK/root.img"
rm -rf "$root"
N

find "$work" -mindepth 1 -maxdepth 1 ! -name root.img ! -name vmlinuz ! -name initrd.img -exec rm -rf {} +
rm -rf "$cache/image-$arch"-*
# Those of before, which name no architecture.
find "$cache" -maxdepth 1 -regextype egrep -regex '.*/(image-[0-9a-f]{16}|root-[0-9a-f]{16}\.tar)' -exec rm -rf {} +
mv "$work" "$image"
say "done: $(du -h "$image/root.img" | cut -f1), Linux $release"
echo "$image"
