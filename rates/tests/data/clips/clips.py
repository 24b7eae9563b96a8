"""Clips of live faces and of presentation attacks, from films in public repositories, for `facelatch-rates attack`, `live` and
`turns`.

    git clone --bare https://github.com/OWNER/NAME GIT/OWNER/NAME   # for each repository of clips.tsv
    python3 clips.py GIT OUT [SOURCE...]                            # OUT is new, or has no clip of these sources

clips.tsv says which file of which repository, at which commit, is which clip: its source (camera and place), species and name;
`who`, where a source shows several people; `from` and `to` in seconds, where only a part shows that person alone. Nobody in
these films was asked: measure with them, ship and train nothing, and delete OUT afterwards.

Of films with more than 20 frames a second every second frame is kept, of each clip 300 frames at most, up to 640 pixels wide. Needs
git and ffmpeg; a film that cannot be had is named at the end, and the others are written.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FASTEST, MOST, WIDEST = 20, 300, 640

if len(sys.argv) < 3 or not all(map(shutil.which, ("git", "ffmpeg", "ffprobe"))):
    sys.exit(__doc__)
git, out = (Path(folder) for folder in sys.argv[1:3])
sources = sys.argv[3:]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def times(film):
    """When each frame is shown, in seconds: films of phones keep no even rate."""
    shown = ("-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0")
    lines = output("ffprobe", "-v", "error", "-select_streams", "v:0", *shown, film).decode().split()
    return [float(line.strip(",")) for line in lines if line.strip(",") != "N/A"]


def cut(film, row, clip):
    """Writes the frames of a clip and their rate."""
    begin, end = float(row["from"] or 0), float(row["to"] or "inf")
    within = [time for time in times(film) if begin <= time < end]
    if len(within) < 2 or within[0] == within[-1]:
        raise ValueError("fewer than two frames")
    rate = (len(within) - 1) / (within[-1] - within[0])
    step = 2 if rate > FASTEST else 1
    part = f"gte(t,{within[0] - 1e-4})*lte(t,{within[-1] + 1e-4})"
    kept = f"select='{part}',select='not(mod(n,{step}))',scale='min({WIDEST},iw)':-2"
    # A clip that fails leaves nothing that looks like one.
    unfinished = clip.with_name(clip.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    written = ("-vsync", "passthrough", "-frames:v", str(MOST), "-q:v", "2", "-start_number", "0")
    output("ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", film, "-vf", kept, *written, unfinished / "%04d.jpg")
    wanted, got = min(MOST, len(range(0, len(within), step))), len(list(unfinished.iterdir()))
    if got != wanted:
        raise ValueError(f"{got} frames, not {wanted}")
    (unfinished / "fps").write_text(f"{rate / step:.3f}\n")
    if row["who"]:
        (unfinished / "who").write_text(row["who"] + "\n")
    unfinished.rename(clip)


missing = []
with (Path(__file__).parent / "clips.tsv").open(newline="") as manifest:
    rows = list(csv.DictReader(manifest, delimiter="\t"))
for row in rows:
    if sources and row["source"] not in sources:
        continue
    repository = git / row["repository"]
    with tempfile.NamedTemporaryFile(suffix=Path(row["path"]).suffix) as film:
        try:
            film.write(output("git", "-C", repository, "cat-file", "blob", f"{row['commit']}:{row['path']}"))
            film.flush()
            cut(film.name, row, out / row["source"] / row["species"] / row["clip"])
        except (subprocess.CalledProcessError, ValueError) as error:
            why = getattr(error, "stderr", b"").decode().strip() or error
            missing.append(f"{row['repository']} {row['path']}: {why}")
if missing:
    sys.exit("\n".join(missing))
