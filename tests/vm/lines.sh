#!/usr/bin/env bash
# lines.sh ARCH WORK RELEASE: makes WORK/gpio-sim.ko, Linux's own simulated GPIO chip, for the kernel RELEASE of ARCH.
# image.sh calls it after camera.sh, whose unpacked headers it uses, with APT_CONFIG set to its own package state for
# ARCH. Debian's kernels have everything that the module needs, but not the module; so it is built from Debian's
# source of the same kernel. It is GPL, for the test alone, and no part of what facelatch ships.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
arch=$1
work=$2
release=$3
# shellcheck source=tests/vm/arch.sh
. "$here/arch.sh"
tree=$work/lines
mkdir -p "$tree/debs"
version=$(dpkg-deb -f "$work"/debs/linux-image-*.deb Version)
source=linux-source-$(cut -d. -f1,2 <<<"$release")
(cd "$tree/debs" && apt-get download -q "$source=$version")
dpkg-deb --fsys-tarfile "$tree"/debs/"$source"_*.deb | tar -xO "./usr/src/$source.tar.xz" | xz -dc |
    tar -x -C "$tree" --strip-components=1 \
        "$source"/{drivers/gpio/gpio-sim.c,drivers/gpio/gpiolib.h,kernel/irq/irq_sim.c}
rm -r "$tree/debs"

module=$tree/module
mkdir "$module"
# Without its table for device trees, whose size Debian's modpost for 32-bit kernels gets wrong where it runs on 64 bits.
sed '/^MODULE_DEVICE_TABLE(of,/d' "$tree/drivers/gpio/gpio-sim.c" >"$module/chip.c"
mv "$tree/drivers/gpio/gpiolib.h" "$module/"
# The one function of it that modules may not call, by another that does the same.
sed 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq(irqnum)/' "$tree/kernel/irq/irq_sim.c" >"$module/irq_sim.c"
printf 'obj-m := gpio-sim.o\ngpio-sim-y := chip.o irq_sim.o\n' >"$module/Makefile"
headers=$work/camera/usr/src/linux-headers-$release
make -s -C "$headers" M="$module" ARCH=$linux CROSS_COMPILE=$gnu- modules
"$gnu-strip" -g -o "$work/gpio-sim.ko" "$module/gpio-sim.ko"
