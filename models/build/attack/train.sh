#!/bin/sh
# Faces to weights.npz and ranges-attack.json. SOURCES_DIR/NAME: a checkout of each repository of sources.py.
# Python is $PYTHON, with requirements.txt; a GPU makes the difference between minutes and days.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$1 work=$2 python=${PYTHON:-python3}
mkdir -p "$work"
"$python" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest "$work" mediapipe==0.10.21
unzip -o -q -j "$work"/mediapipe-*.whl 'mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite' -d "$work"
"$python" "$here/crops.py" "$sources" "$work/selfie_segmentation.tflite" "$work/faces.npz"
"$python" "$here/train.py" "$work/faces.npz" "$work/first" --minutes 3.8 --batch 256 --seed 17
"$python" "$here/train.py" "$work/faces.npz" "$work/second" --start "$work/first" --rate 3e-3 --minutes 3.9 --batch 256 --seed 18
"$python" "$here/quantise.py" "$work/second"
