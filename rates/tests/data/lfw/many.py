"""A set as large as all of LFW that shows nobody, to time `facelatch-rates measure`: files of random bytes, and a cache that
holds a made-up embedding for each.

    python3 many.py CACHE DIR [PICTURES PEOPLE]

CACHE is a cache file that facelatch-rates wrote for SFace (of any set: its header says how embeddings are made). DIR gets the
folders `people` and `cache`; then

    /usr/bin/time -v facelatch-rates measure DIR/people --cache DIR/cache
"""

import hashlib
import random
import struct
import sys
from pathlib import Path

HEADER, LENGTH = 40, 128

made_by, folder = map(Path, sys.argv[1:3])
pictures, people = map(int, sys.argv[3:5] or (13_233, 5_749))
random.seed(5)
# As in LFW: most people have one picture, few have many.
weights = [random.paretovariate(1.0) for _ in range(people)]
counts = [1] * people
for person in random.choices(range(people), weights, k=pictures - people):
    counts[person] += 1

(folder / "cache").mkdir(parents=True)
with open(folder / "cache" / made_by.name, "wb") as cache, made_by.open("rb") as header:
    cache.write(header.read(HEADER))
    for person, count in enumerate(counts):
        home = folder / "people" / f"p{person:05}"
        home.mkdir(parents=True)
        centre = [random.gauss(0, 1) for _ in range(LENGTH)]
        for number in range(count):
            content = random.randbytes(64)
            (home / f"{number:04}.jpg").write_bytes(content)
            # A cosine of about 0.65 between two pictures of one person, about 0 between two people.
            values = [c + random.gauss(0, 0.73) for c in centre]
            length = sum(v * v for v in values) ** 0.5
            record = struct.pack(f"<4B2f{LENGTH}f", 1, 0, 0, 0, 12.0, 0.9, *(v / length for v in values))
            cache.write(hashlib.sha256(content).digest() + record)
