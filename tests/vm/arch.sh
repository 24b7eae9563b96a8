# For the scripts beside this one: what the architecture `arch` of the emulated machine is called elsewhere.
# shellcheck shell=bash disable=SC2034,SC2154
case $arch in
arm64) gnu=aarch64-linux-gnu linux=arm64 kernel=arm64 qemu=aarch64 class=02 machine=b7 ;;
armhf) gnu=arm-linux-gnueabihf linux=arm kernel=armmp qemu=arm class=01 machine=28 ;;
*) echo "vm: no machine of architecture '$arch' is emulated" >&2 && exit 1 ;;
esac
