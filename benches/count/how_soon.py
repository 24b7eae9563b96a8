"""How soon a door opens, in ms from the first frame with a face that can be judged to the verdict of three: by the instructions
of benches/README.md, and the time that SFace's are estimated to take there. Prints the table of docs/door.md.

A frame is one that reached the daemon after it asked; the first is there. `python3 benches/count/how_soon.py [DECODING [FRAMES]]`,
where DECODING is what decoding a picture takes, in million instructions, and FRAMES how many are judged, three unless told.
"""

import math
import sys

FRAMES = int(sys.argv[2]) if len(sys.argv) > 2 else 3
RATES = (10, 15, 30)  # Frames a second.
# ms for a million instructions (the time that SFace is estimated to take, by its count), then millions a frame by
# `attack_frames` on 2026-11-27: found, embedded, judged live by the network and by two cues (counted on the A72 alone).
BOARDS = {
    "Pi 4": (62 / 150.5, {"detect": 36.8, "embed": 152.4, "network": 27.0, "scene": 1.2, "surroundings": 7.6}),
    "Pi 5": (12 / 63.8, {"detect": 26.9, "embed": 65.6, "network": 16.6, "scene": 1.2, "surroundings": 7.6}),
}
# What another thread does beside the embedder; "3": two threads do these two.
WAYS = {"1": (), "2": ("network", "next"), "3": ("network", "next"), "network beside": ("network",), "next beside": ("next",)}


def how_soon(board, rate, way, decoding):
    scale, millions = BOARDS[board]
    part = {name: count * scale for name, count in millions.items()}
    find = part["detect"] + decoding * scale
    interval = 1000 / rate
    taken = lambda asked: interval * (math.floor(asked / interval + 1e-9) + 1)
    now = find
    for frame in range(FRAMES):
        last = frame == FRAMES - 1
        now += part["scene"]
        embedded = now + part["embed"]
        # When the helpers are done with the network, and with the next frame.
        judged = now + part["network"] if "network" in WAYS[way] else now
        found = now
        if "next" in WAYS[way] and not last:
            found = taken(now if way == "3" else judged) + find
        now = max(embedded, judged, found) + part["surroundings"]
        now += 0 if "network" in WAYS[way] else part["network"]
        if "next" not in WAYS[way] and not last:
            now = taken(now) + find
    return now


def main():
    decoding = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    columns = [(board, way) for board in BOARDS for way in WAYS]
    print(f"| frames a second | {FRAMES} frames + 150 ms |", " | ".join(f"{board}, {way}" for board, way in columns), "|")
    print("| ---: " * (len(columns) + 2) + "|")
    for rate in RATES:
        times = (f"{how_soon(board, rate, way, decoding):.0f}" for board, way in columns)
        print(f"| {rate} | {FRAMES * 1000 / rate + 150:.0f} |", " | ".join(times), "|")


if __name__ == "__main__":
    main()
