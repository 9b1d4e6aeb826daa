"""Run a program until it ends by itself or our standard input does.

``python supervise.py SIGNAL PROGRAM ARGUMENT...``; it is stopped with the signal of that name.

The test process holds the other end of the pipe. The kernel closes it however the test process
ends, ``kill -9`` included, so no server outlives the tests. (A parent-death signal would not do:
it is dropped when a server changes its user, as memcached does.)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

_GRACE = 5.0


def _stop_at_end_of_input(program: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    # Not by sys.stdin: its lock, held here, would stop the interpreter from ending.
    while os.read(0, 4096):
        pass
    program.send_signal(stop)
    try:
        program.wait(_GRACE)
    except subprocess.TimeoutExpired:
        program.kill()


def main(argv: list[str]) -> int:
    """Start the program, and return its exit status when it has ended."""
    stop = signal.Signals[argv[0]]
    program = subprocess.Popen(argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_stop_at_end_of_input, args=(program, stop), daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
