"""100 000 memberships; the standby restarts while 5 000 updates a second go on.

Ends in digest equality without a false takeover. With --all the standby is killed at a sweep of
positions in its bulk.
"""

import signal
import time
from pathlib import Path

from lib.config import FAST
from lib.faults import signal_all
from lib.report import Report
from lib.scenario import scene
from lib.world import LabError, now_ns, poll, wait_until

GROUPS, UPDATES = 100_000, 5_000
STORM = Path(__file__).resolve().parent / "lib" / "storm.py"
SWEEP_S = [0.05 * step for step in range(1, 21)]
MEASURED = {"family": "ipv4", "longest_gap_ms": 0.0}  # no streams here


def start_storm(stage, seconds):
    process = stage.world.start(stage.topology.hosts["h2"], "/usr/bin/python3", STORM, "--groups",
                                GROUPS, "--updates", UPDATES, "--seconds", seconds)
    a = stage.pair.a
    wait_until(lambda: a.groups("ipv4") >= GROUPS or not process.alive(), 60,
               f"{GROUPS} memberships at A")
    if not process.alive():
        raise LabError(f"the storm ended: {process.tail()}")
    return process


def kill_standby(stage):
    b = stage.pair.b
    signal_all(b.namespace.pids(), signal.SIGKILL)
    b.power_off_done()


def restart_standby(stage):
    """A full bulk: another boot id. Returns how long it took to be in sync."""
    begin = now_ns()
    stage.pair.b.reboot()
    stage.pair.b.wait("synced", 120)
    return (now_ns() - begin) / 1e9


def no_false_takeover(report, stage, term, event):
    a, b = stage.pair.nodes
    report.check(f"{event}: no false takeover",
                 a.role() == "master" and b.role() == "backup" and a.term() == term,
                 f"A {a.role()} in term {a.term()} (was {term}), B {b.role()}")


def restarts(report, args):
    with scene(args, "ipv4", FAST) as stage:
        stage.up()
        storm = start_storm(stage, 600)
        term = stage.pair.a.term()
        for _ in range(args.runs):
            kill_standby(stage)
            time.sleep(1)
            took = restart_standby(stage)
            report.add_run("standby restart", MEASURED, synced_s=round(took, 2))
            no_false_takeover(report, stage, term, "standby restart")
        if args.all:
            sweep(report, stage, term)
        storm.finish(signal.SIGTERM)
        finish(report, stage)


def sweep(report, stage, term):
    for position in SWEEP_S:
        kill_standby(stage)
        stage.pair.b.reboot()
        time.sleep(position)
    kill_standby(stage)
    took = restart_standby(stage)
    no_false_takeover(report, stage, term, f"killed at {len(SWEEP_S)} positions of the bulk")
    report.say(f"after the sweep in sync within {took:.2f} s")


def finish(report, stage):
    """When the updates end the leaves run out; then both hold the same."""
    equal = stage.pair.digests_equal(timeout=30)
    a, b = stage.pair.nodes
    report.check("digests are equal in the end", equal, f"A {a.entries()}, B {b.entries()}")
    same = poll(lambda: b.groups("ipv4") == a.groups("ipv4"), 10)
    report.check("nothing was forgotten", same and a.groups("ipv4") >= GROUPS,
                 f"{a.groups('ipv4')} at A, {b.groups('ipv4')} at B")


def main(args):
    report = Report("bulk-under-load", {"hello": "20 ms x 5", "memberships": GROUPS,
                                        "updates per second": UPDATES})
    restarts(report, args)
    return report.finish(args.json)
