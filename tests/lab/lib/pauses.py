"""Watches whether the machine itself stood still: one real-time process a processor.

A virtual machine's processor can stop for tens or hundreds of milliseconds, and with it whatever
waits for it, real-time or not. A run in which that happened says nothing about the product.
"""

import ctypes
import gc
import os
import subprocess
import sys
import time

TICK_NS = 5_000_000
PAUSE_NS = 20_000_000
MCL_CURRENT_AND_FUTURE = 3
PRIORITY = 60  # above the reflexes, so that only what stops them too is seen


class PauseWatch:
    """Runs from the start of a lab run to its end; `directory` gets one file a processor."""

    def __init__(self, directory):
        self.files = []
        self.processes = []
        for cpu in sorted(os.sched_getaffinity(0)):
            path = directory / f"pauses-{cpu}"
            self.files.append(path)
            self.processes.append(subprocess.Popen(
                [sys.executable, "-I", __file__, str(cpu), str(path), str(os.getpid())],
                start_new_session=True))

    def seen(self, begin_ns=0, end_ns=None):
        """Pauses in milliseconds that touch the window, on any processor."""
        found = []
        for path in self.files:
            for line in path.read_text().splitlines() if path.exists() else ():
                begin, length = map(int, line.split())
                if begin + length > begin_ns and (end_ns is None or begin < end_ns):
                    found.append(round(length / 1e6, 1))
        return found

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def watch(cpu, path, parent):
    gc.disable()
    os.sched_setaffinity(0, {cpu})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    ctypes.CDLL(None).mlockall(MCL_CURRENT_AND_FUTURE)
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    before = time.monotonic_ns()
    while os.getppid() == parent:
        time.sleep(TICK_NS / 1e9)
        now = time.monotonic_ns()
        late = now - before - TICK_NS
        if late > PAUSE_NS:
            os.write(out, f"{now - late} {late}\n".encode())
        before = now


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
