"""Planned switchover and back, 20 times in one stream: 0 lost, at most 2 duplicates per group."""

import time

from lib.config import FAST
from lib.report import Report
from lib.scenario import attempt
from lib.streams import merge
from lib.world import now_ns

EACH_S = 2.0
EVENTS = "switchover", "and back"


def switch(report, args, pairs):
    """One stream through `pairs` switchovers there and back."""
    with attempt(args, "both", {**FAST, "revert_s": 120}) as stage:
        stage.up()
        stage.flow()
        windows = []
        for number in range(2 * pairs):
            old, new = stage.pair.nodes if number % 2 == 0 else reversed(stage.pair.nodes)
            stage.random_phase()
            begin = now_ns()
            old.shell("switchover")
            new.wait("master", 5)
            old.wait("synced", 10)
            time.sleep(max(0.0, EACH_S - (now_ns() - begin) / 1e9))
            windows.append((EVENTS[number % 2], begin, now_ns()))
            moved = new.gate_open() and not old.gate_open()
            report.check(f"{old.name} handed over to {new.name}",
                         moved and new.switchovers()[0]["planned"])
        measured = stage.stop()
        for event, begin, end in windows:
            report.add_run(event, merge(one.window(begin, end) for one in measured))
        whole = stage.since_flow(report, measured)
        report.check("nothing was lost between them either", whole["lost"] == 0, whole["lost"])


def main(args):
    report = Report("planned", {"hello": "20 ms x 5", "revert delay": "120 s"})
    pairs = args.runs if args.quick else max(args.runs, 20)
    for _ in report.attempts(1, *EVENTS):
        switch(report, args, pairs)
    report.check_runs("0 lost", "lost", 0)
    report.check_runs("at most 2 duplicates per group", "duplicates_max", 2)
    return report.finish(args.json)
