"""Makes a library ask cpuid.c what the CPU can do, so that it runs as on a CPU without AVX512, at full speed.

    python without_avx512.py LIBRARY...

Replaces each CPUID instruction by UD2, of the same two bytes, in place: use it on a virtual environment of its own.
"""
import re
import subprocess
import sys
from pathlib import Path


def segments(library):
    """(address, offset in the file, size) of what is loaded."""
    text = subprocess.run(["readelf", "-lW", library], check=True, capture_output=True, text=True).stdout
    for offset, address, size in re.findall(r"LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)", text):
        yield int(address, 16), int(offset, 16), int(size, 16)


def cpuids(library):
    """Addresses of the CPUID instructions."""
    lines = subprocess.Popen(["objdump", "-d", library], stdout=subprocess.PIPE, text=True).stdout
    return [int(line.split(":")[0], 16) for line in lines if line.rstrip().endswith("cpuid")]


for library in sys.argv[1:]:
    loaded, code, found = list(segments(library)), bytearray(Path(library).read_bytes()), cpuids(library)
    for address in found:
        start, offset, _ = next(s for s in loaded if s[0] <= address < s[0] + s[2])
        at = address - start + offset
        assert code[at:at + 2] == b"\x0f\xa2", library
        code[at:at + 2] = b"\x0f\x0b"
    Path(library).write_bytes(code)
    print(f"{len(found)} in {library}")
