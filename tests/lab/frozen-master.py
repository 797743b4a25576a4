"""SIGSTOP of all processes of the master for 5 s, then SIGCONT.

The lease closes its gate, the backup takes over, both are open together no longer than 50 ms, and
nothing switches a second time when it wakes.
"""

import signal
import time

from lib.config import FAST
from lib.report import Report
from lib.scenario import attempt, steady_checks

FROZEN_S = 5


def main(args):
    # A long revert delay: what is looked for after waking is a second, unwanted switchover.
    timers = {**FAST, "revert_s": 120}
    report = Report("frozen-master", {"hello": "20 ms x 5", "frozen": f"{FROZEN_S} s"})
    for _ in report.attempts(args.runs, "frozen"):
        with attempt(args, "both", timers) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes

            def freeze():
                begin = a.signal_all(signal.SIGSTOP)
                time.sleep(FROZEN_S)
                a.signal_all(signal.SIGCONT)
                return begin

            row, measured, window = stage.measure(freeze, after=3)
            report.add_run("frozen", row, fast_gap_ms=stage.fast_gap(measured, window))
            b.wait("master", 5)
            a.wait("ready", 10)
            taken = b.takeovers()
            report.check("one switchover, and the frozen node is backup with its gate closed",
                         len(taken) == 1 and a.role() == "backup" and not a.gate_open(),
                         f"{len(taken)} takeovers, A is {a.role()}")
    report.check_runs("longest gap within hello timeout + 50 ms", "longest_gap_ms",
                      timers["hello_ms"] * timers["multiplier"] + 50)
    report.check_runs("both gates open together no longer than 50 ms", "duplicate_span_ms", 50)
    steady_checks(report, "frozen")
    return report.finish(args.json)
