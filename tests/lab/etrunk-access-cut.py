"""The link between the master and the access switch is cut: both ends lose carrier at once.

Ours is from the cut until the backup's gate is open; the rest is the switch's.
"""

from lib.config import FAST
from lib.etrunk import alternate, etrunk_attempt
from lib.report import Report
from lib.scenario import steady_checks
from lib.world import now_ns

MEDIAN_MS, OURS_MS = 50, 5
EVENT = "access cut"


def main(args):
    report = Report("etrunk-access-cut", {"hello": "20 ms x 5", "lacp": "fast"})
    causes, used = set(), []
    for number in report.attempts(args.runs, EVENT):
        with etrunk_attempt(args, alternate(number), {**FAST, "revert_s": 120}) as stage:
            stage.up()
            stage.flow()
            link = stage.topology.access_link("a")

            def cut():
                begin = now_ns()
                link.set_up(False)
                return begin

            row, measured, window = stage.measure(cut)
            parts = stage.breakdown("b", window[0], measured)
            causes.add(parts["cause"])
            parts["ours"] = round(parts["detect"] + parts["decide"] + parts["gate"], 1)
            report.add_run(EVENT, row, fast_gap_ms=stage.fast_gap(measured, window), **parts)
            used.append(stage.used())
    for part in ("ours", "partner", "switch_enabled"):
        report.figure(part, [run[part] for run in report.clean_runs(EVENT) if part in run])
    report.check_median("longest gap", "longest_gap_ms", MEDIAN_MS, EVENT)
    report.check_median("of it ours", "ours", OURS_MS, EVENT)
    report.check("the switch uses the link to B alone", all(u == ["b"] for u in used))
    report.check("the history names the cause", len(causes) == 1, "; ".join(causes))
    steady_checks(report, EVENT)
    return report.finish(args.json)
