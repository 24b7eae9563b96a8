#!/bin/sh
# Makes a card image that installs facelatch at its first boot, and the list by which the Raspberry Pi Imager offers it:
#
#     packaging/archive/image.sh RASPIOS.img.xz INSTALL.SH FOLDER URL
#
# RASPIOS is Raspberry Pi OS trixie or newer, INSTALL.SH the one of `cargo xtask release`. FOLDER gets facelatch.img.xz and
# os_list.json, to be served as URL; then `rpi-imager --repo URL/os_list.json`. Takes mtools, fdisk, jq and xz-utils.
#
# The image is theirs but for one file on the boot partition. It is `vendor-data`, which cloud-init runs in addition to the
# `user-data` that the Imager writes for a person's user and network.
set -eu

[ $# = 4 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
image=$3/facelatch.img
mkdir -p "$3"
case $1 in
*.xz) xz --decompress --stdout "$1" >"$image" ;;
*) cp "$1" "$image" ;;
esac

# The first partition is the boot partition, FAT.
start=$(sfdisk --json "$image" | jq '.partitiontable | .partitions[0].start * (.sectorsize // 512)')
# Its time would differ from one run to the next.
mcopy -o -m -i "$image@@$start" "$2" ::vendor-data

size=$(stat --format=%s "$image")
hash=$(sha256sum <"$image" | cut -d' ' -f1)
xz --force --threads=0 "$image"
jq --null-input --arg url "$4" --argjson size "$size" --arg hash "$hash" \
    --argjson download "$(stat --format=%s "$image.xz")" --arg download_hash "$(sha256sum <"$image.xz" | cut -d' ' -f1)" \
    --arg date "$(date --utc --reference="$2" +%F)" '{os_list: [{
        name: "Raspberry Pi OS with facelatch",
        description: "Raspberry Pi OS Lite (64-bit); installs facelatch at the first boot",
        icon: "",
        url: "\($url)/facelatch.img.xz",
        extract_size: $size, extract_sha256: $hash,
        image_download_size: $download, image_download_sha256: $download_hash,
        release_date: $date,
        init_format: "cloudinit-rpi",
        devices: ["pi5-64bit", "pi4-64bit", "pi3-64bit"]
    }]}' >"$3/os_list.json"
echo "$3/os_list.json"
