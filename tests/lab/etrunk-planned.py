"""Planned switchover and back behind an access switch, 20 times in one stream (3 in quick form).

Sync moves by LACP: the old side's link goes on for the moment that the switch needs. 0 lost, at
most 2 duplicates per group.
"""

import time

from lib.config import FAST
from lib.etrunk import etrunk_attempt
from lib.report import Report
from lib.streams import merge
from lib.world import now_ns

EACH_S = 1.5
EVENTS = "switchover", "and back"


def switch(report, args, family, pairs):
    with etrunk_attempt(args, family, {**FAST, "revert_s": 120}) as stage:
        stage.up()
        stage.flow()
        windows, moved = [], []
        for number in range(2 * pairs):
            old, new = stage.pair.nodes if number % 2 == 0 else reversed(stage.pair.nodes)
            stage.random_phase()
            begin = now_ns()
            old.shell("switchover")
            new.wait("master", 5)
            old.wait("synced", 10)
            took = stage.converged(new.name, 5)
            time.sleep(max(0.0, EACH_S - (now_ns() - begin) / 1e9))
            windows.append((EVENTS[number % 2], begin, now_ns()))
            moved.append(new.gate_open() and not old.gate_open()
                         and new.switchovers()[0]["planned"])
            report.say(f"{old.name} to {new.name}: both ends agree {took * 1000:.0f} ms after sync")
        measured = stage.stop()
        for event, begin, end in windows:
            report.add_run(event, merge(one.window(begin, end) for one in measured))
        whole = merge(one.window() for one in measured)
        report.check(f"{family}: nothing was lost in the whole stream", whole["lost"] == 0,
                     whole["lost"])
        report.check(f"{family}: each switchover moved gate and link, and is told as planned",
                     all(moved), f"{sum(moved)} of {len(moved)}")


def main(args):
    report = Report("etrunk-planned", {"hello": "20 ms x 5", "lacp": "fast"})
    pairs = 3 if args.quick else max(args.runs, 20)
    for family in ("ipv4",) if args.quick else ("ipv4", "ipv6"):
        switch(report, args, family, pairs)
    report.check_runs("0 lost", "lost", 0)
    report.check_runs("at most 2 duplicates per group", "duplicates_max", 2)
    report.figure("duplicates last", [run["duplicate_span_ms"] for run in report.clean_runs()])
    return report.finish(args.json)
