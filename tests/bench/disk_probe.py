"""How the disk does while something else is measured: one small write and its sync, 50 times a second.

A row of the lag beside which the disk took 5 ms for a sync, where it takes 0.1, tells of the disk. Where the disk is
shared with other machines that comes and goes, and only what is measured at the same time shows it.
"""

import os
import threading
import time

BLOCK = b"\0" * 4096
EVERY_S = 0.02


class DiskProbe:
    """Between start and stop; the file is removed. `figures` then has p50, p99 and longest, in ms."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "probe")
        self.took = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        os.unlink(self.path)

    def run(self):
        file = os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600)
        while not self.ended.wait(EVERY_S):
            begin = time.monotonic()
            os.pwrite(file, BLOCK, 0)
            os.fdatasync(file)
            self.took.append((time.monotonic() - begin) * 1e3)
        os.close(file)

    def figures(self):
        took = sorted(self.took) or [0.0]
        return {"p50_ms": took[len(took) // 2], "p99_ms": took[len(took) * 99 // 100], "max_ms": took[-1]}
