#!/bin/sh
# Regenerates src/bindings.rs. Nobody who builds facelatch needs this; who changes v4l or nokhwa may.
#
# Debian 12: apt-get install libclang-14-dev libc6-dev-arm64-cross libc6-dev-armhf-cross
# then:      cargo install --locked bindgen-cli@0.65.1
# BINDGEN names another bindgen than the one in PATH. The result depends on the kernel headers only
# where reserved bytes of a structure got names; made with linux-libc-dev 6.1.
set -eu
cd "$(dirname "$0")"

# Structures whose fields v4l 0.14.0 or nokhwa-bindings-linux 0.1.4 reads or writes. bindgen adds what they contain.
used='time_t|v4l2_(buffer|capability|captureparm|control|ext_control|ext_controls|fmtdesc|format|fract|frmivalenum'
used="$used|frmivaltypes|frmsizeenum|frmsizetypes|outputparm|pix_format|query_ext_ctrl|querymenu|requestbuffers|streamparm)"
# Structures that v4l only takes the size of, for the numbers of requests that nobody makes. Those with pointers or
# 64-bit fields keep their fields, so that one text is right for every width and alignment.
sized='v4l2_(audio|audioout|crop|cropcap|encoder_cmd|exportbuffer|frequency|jpegcompression|modulator|queryctrl'
sized="$sized|sliced_vbi_cap|tuner)"
whole='v4l2_(edid|enc_idx|framebuffer|input|output|standard|std_id)'
# Parameters of codecs, to which v4l2_ext_control holds pointers. All its pointers are one union, so these can go.
codecs='v4l2_(area|ctrl_.*|h264_.*|hevc_.*|vp8_.*|vp9_.*)'
# Members of unions that nobody names.
opaque='v4l2_(timecode|vbi_format|sliced_vbi_format|sdr_format|meta_format)'
constants='V4L2_CID_(BACKLIGHT_COMPENSATION|BRIGHTNESS|CONTRAST|EXPOSURE|FOCUS_RELATIVE|GAIN|GAMMA|HUE'
constants="$constants|IRIS_RELATIVE|PAN_RELATIVE|SATURATION|SHARPNESS|TILT_RELATIVE"
constants="$constants|WHITE_BALANCE_TEMPERATURE|ZOOM_RELATIVE)|V4L2_CTRL_FLAG_NEXT_(CTRL|COMPOUND)"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo '#include <linux/videodev2.h>' >"$scratch/v4l2.h"

generate() { # FILE CLANG-ARGUMENT...
    out=$1
    shift
    "${BINDGEN:-bindgen}" --no-include-path-detection --no-layout-tests --no-derive-debug \
        --rustfmt-configuration-file "$PWD/../rustfmt.toml" \
        --allowlist-type "$used|$sized|$whole" --opaque-type "$sized|$opaque" --allowlist-var "$constants" \
        --blocklist-type "$codecs|v4l2_encoder_cmd__bindgen_.*" "$scratch/v4l2.h" -- "$@" >"$scratch/all.rs"
    sed -e '/^ *pub p_[a-z0-9_]*: \*mut v4l2_/d' "$scratch/all.rs" >"$out"
}
generate "$scratch/64.rs" --target=aarch64-unknown-linux-gnu -isystem /usr/aarch64-linux-gnu/include
generate "$scratch/32.rs" --target=armv7-unknown-linux-gnueabihf -isystem /usr/arm-linux-gnueabihf/include
# C's own types carry the difference in width, so one file serves both.
cmp "$scratch/64.rs" "$scratch/32.rs"
cp "$scratch/64.rs" src/bindings.rs
