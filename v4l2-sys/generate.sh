#!/bin/sh
# Makes src/bindings_64.rs and src/bindings_32.rs anew. Nobody who builds facelatch needs this.
#
# Debian 12: apt-get install libclang-14-dev clang-14 libc6-dev-arm64-cross libc6-dev-armhf-cross
# then:      cargo install --locked bindgen-cli@0.65.1
# BINDGEN names another bindgen than the one in PATH. The result depends on the kernel headers only
# where a structure's reserved bytes got names; made with linux-libc-dev 6.1.
set -eu
cd "$(dirname "$0")"

# What v4l 0.14.0 and nokhwa-bindings-linux 0.1.4 name; bindgen adds what these are made of.
types='time_t|v4l2_(audio|audioout|buffer|capability|captureparm|control|crop|cropcap|edid|enc_idx|encoder_cmd'
types="$types|exportbuffer|ext_control|ext_controls|fmtdesc|format|fract|framebuffer|frequency|frmivalenum"
types="$types|frmsizeenum|input|jpegcompression|modulator|output|outputparm|pix_format|priority"
types="$types|query_ext_ctrl|queryctrl|querymenu|requestbuffers|sliced_vbi_cap|standard|std_id"
types="$types|streamparm|tuner|plane|frmsizetypes|frmivaltypes|ctrl_type|buf_type|memory|field)"
constants='V4L2_CID_(BACKLIGHT_COMPENSATION|BRIGHTNESS|CONTRAST|EXPOSURE|FOCUS_RELATIVE|GAIN|GAMMA|HUE'
constants="$constants|IRIS_RELATIVE|PAN_RELATIVE|SATURATION|SHARPNESS|TILT_RELATIVE"
constants="$constants|WHITE_BALANCE_TEMPERATURE|ZOOM_RELATIVE)|V4L2_CTRL_FLAG_NEXT_(CTRL|COMPOUND)"

header=$(mktemp --suffix=.h)
trap 'rm -f "$header"' EXIT
echo '#include <linux/videodev2.h>' >"$header"

generate() { # FILE CLANG-ARGUMENT...
    out=$1
    shift
    "${BINDGEN:-bindgen}" --no-include-path-detection --allowlist-type "$types" --allowlist-var "$constants" "$header" -- "$@" |
        sed -e '/^#!\[allow/d' >"$out"
}
generate src/bindings_64.rs --target=aarch64-unknown-linux-gnu -isystem /usr/aarch64-linux-gnu/include
generate src/bindings_32.rs --target=armv7-unknown-linux-gnueabihf -isystem /usr/arm-linux-gnueabihf/include
