"""Strangers for searches among people of LFW, and portraits of people of LFW with the years between, from the members of the
Congress of the United States since 1947.

    git clone https://github.com/voteview/member_photos                # portraits, up to 2022
    git clone https://github.com/ntustison/CongressionalFaceTemplates  # portraits, up to 2013, in grey
    python3 congress.py LFW UTK MEMBERS TEMPLATES OUT

LFW, UTK: folders of the sets. OUT gets lfw.tsv and strangers.tsv (lists of PATH and PERSON), and the folder years with years.tags:

    facelatch-rates search OUT/lfw.tsv --strangers OUT/strangers.tsv --central --gate --limits --frames 1
    facelatch-rates change OUT/years --tags OUT/years.tags --central

same.csv says who stands in these sets under two names, looked up by eye; a picture without a person shows somebody of LFW, and is
left out. congress.csv says whose portraits are those of somebody of LFW, and how many years from 2002 to 2003 they may be: by the
years in office, since no portrait is dated. Of TEMPLATES the pictures alone are used, which are arrays of floats behind a header
(NIfTI). Delete OUT afterwards.
"""

import csv
import gzip
import struct
import sys
from pathlib import Path

FIRST_CONGRESS, ADULT = 80, 18

here = Path(__file__).parent
lfw, utk, members, templates, out = (Path(folder).resolve() for folder in sys.argv[1:6])


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def grey(source, target):
    """The picture in a NIfTI file as PGM; its rows run upwards."""
    data = gzip.decompress(source.read_bytes())
    width, height = struct.unpack_from("<2h", data, 42)
    start = int(struct.unpack_from("<f", data, 108)[0])
    values = struct.unpack_from(f"<{width * height}f", data, start)
    rows = [values[y * width : (y + 1) * width] for y in reversed(range(height))]
    pixels = bytes(min(255, max(0, round(value))) for row in rows for value in row)
    target.write_bytes(b"P5 %d %d 255\n" % (width, height) + pixels)


names = {row["other"]: row["person"] for row in table(here / "same.csv")}
portraits = table(here / "congress.csv")
of_lfw = {row["icpsr"] for row in portraits} | {row["other"] for row in table(here / "same.csv")}
(out / "years").mkdir(parents=True)

with (out / "lfw.tsv").open("w") as to:
    for picture in sorted(lfw.glob("*/*.jpg")):
        person = picture.parent.name
        print(picture, names.get(person, person), sep="\t", file=to)

with (out / "strangers.tsv").open("w") as to:
    for row in table(members / "members.csv"):
        picture = members / row["image"]
        if int(row["congress"]) >= FIRST_CONGRESS and row["icpsr"] not in of_lfw and picture.exists():
            print(picture, row["icpsr"], sep="\t", file=to)
    for picture in sorted(utk.glob("*/*.jpg")):
        person = f"{picture.parent.name}-{picture.name}"
        if int(picture.name.split("_")[0]) >= ADULT and person not in of_lfw:
            print(picture, person, sep="\t", file=to)

with (out / "years.tags").open("w") as tags:
    for row in portraits:
        folder = out / "years" / row["name"]
        folder.mkdir()
        for picture in sorted((lfw / row["name"]).glob("*.jpg")):
            (folder / picture.name).write_bytes(picture.read_bytes())
            print(f"{row['name']}/{picture.name},2002 to 2003", file=tags)
        coloured = next(members.glob(f"images/*/{row['icpsr']}.jpg"))
        (folder / coloured.name).write_bytes(coloured.read_bytes())
        print(f"{row['name']}/{coloured.name},{row['portrait']}", file=tags)
        if row["bioguide"]:
            grey(templates / "Nifti" / f"{row['bioguide']}.nii.gz", folder / f"{row['bioguide']}.pgm")
            print(f"{row['name']}/{row['bioguide']}.pgm,{row['other portrait']}", file=tags)
