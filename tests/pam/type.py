"""Somebody at a terminal, for tests/pam/run: type.py KEYS COMMAND... runs a command on a terminal of its own and types KEYS
(with Python's escapes) once the terminal hands over single keys. Prints what was shown, and how it ended."""

import fcntl
import os
import select
import signal
import sys
import termios
import time

MINUTE = 60

keys = sys.argv[1].encode().decode("unicode_escape").encode()
person, terminal = os.openpty()
before = termios.tcgetattr(terminal)
child = os.fork()
if child == 0:
    os.setsid()
    # Ignored by whatever a shell starts in the background.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)
    os.execvp(sys.argv[2], sys.argv[2:])

shown, typed, status = b"", False, None
end = time.monotonic() + MINUTE
while time.monotonic() < end:
    if not typed and not termios.tcgetattr(terminal)[3] & termios.ICANON:
        os.write(person, keys)
        typed = True
    if select.select([person], [], [], 0.01)[0]:
        shown += os.read(person, 4096)
    elif status is not None:
        break
    else:
        ended, how = os.waitpid(child, os.WNOHANG)
        status = how if ended else None

print(shown.decode(errors="replace").replace("\r", ""))
same = "as it was" if termios.tcgetattr(terminal) == before else "another"
how = "still running" if status is None else f"ended by {os.waitstatus_to_exitcode(status)}"
print(f"the terminal is {same}; {how}")
