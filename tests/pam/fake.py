"""Daemons that misbehave, for tests/pam/run: fake.py KIND SOCKET [UID]. Prints "ready" once somebody may come."""

import json
import os
import socket
import sys
import time

kind, path = sys.argv[1:3]
uid = int(sys.argv[3]) if len(sys.argv) > 3 else 0


def message(**reply):
    return json.dumps(reply).encode() + b"\0"


def log():
    """Not a daemon but the system's log: prints what programs say."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    os.chmod(path, 0o666)
    while True:
        print(listener.recv(65536).decode(errors="replace"), flush=True)


if kind == "log":
    log()

MATCH = message(parameters={"verdict": "match", "user": "alice"})
LOOK = message(parameters={"guidance": "too-dark"}, continues=True)
SAYS = {
    "garbage": bytes(range(1, 256)) * 4 + b"\0",
    "half": MATCH[: len(MATCH) // 2],
    "match": MATCH,
    "behind": MATCH,
    "other": message(parameters={"verdict": "match", "user": "bob"}),
    "early": message(parameters={"verdict": "match", "user": "alice"}, continues=True),
    "doubled": b'{"parameters":{"verdict":"no-match","verdict":"match","user":"alice"}}\0',
    "more": message(parameters={"verdict": "match", "user": "alice", "unsure": True}),
    "unknown": message(parameters={"verdict": "splendid", "user": "alice"}),
}

listener = socket.socket(socket.AF_UNIX)
if kind != "behind":
    os.setuid(uid)
listener.bind(path)
os.setuid(uid)
listener.listen(0 if kind == "full" else 16)
if kind == "full":
    early = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    for stream in early:
        stream.setblocking(False)
        stream.connect_ex(path)
print("ready", flush=True)

guests = []
while kind == "full":
    time.sleep(60)
while True:
    stream, _ = listener.accept()
    try:
        if kind == "close-unread":
            stream.close()
            continue
        stream.recv(65536)
        if kind == "close":
            stream.close()
        elif kind == "hang":
            print("called", flush=True)
            guests.append(stream)
        elif kind in ("drip", "progress", "flood"):
            piece = {"drip": b" ", "progress": LOOK, "flood": b" " * 65536}[kind]
            while True:
                stream.sendall(piece)
                time.sleep(0 if kind == "flood" else 0.2)
        else:
            stream.sendall(SAYS[kind])
            stream.close()
    except OSError:
        pass
