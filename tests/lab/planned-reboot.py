"""The master leaves, comes back with another boot id, gets a full bulk, reverts after its delay.

0 lost, at most 2 duplicates per group and event.
"""

from lib.config import FAST
from lib.report import Report
from lib.scenario import attempt
from lib.streams import merge
from lib.world import now_ns


def main(args):
    report = Report("planned-reboot", {"hello": "20 ms x 5",
                                       "revert delay": f"{FAST['revert_s']} s"})
    for _ in report.attempts(args.runs, "leave", "return and revert"):
        with attempt(args, "both", FAST) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            entries = a.entries()
            stage.random_phase()
            left = now_ns()
            a.leave()
            b.wait("master", 5)
            back = now_ns()
            a.reboot()
            a.wait("synced", 20)
            report.check("a full bulk: the same entries", a.entries() == entries,
                         f"{entries} -> {a.entries()}")
            a.wait("master", FAST["revert_s"] + 15)
            b.wait("synced", 10)
            measured = stage.stop()
            report.add_run("leave", merge(one.window(left, back) for one in measured))
            report.add_run("return and revert", merge(one.window(back) for one in measured))
            report.check("digests are equal afterwards", stage.pair.digests_equal())
    report.check_runs("0 lost", "lost", 0)
    report.check_runs("at most 2 duplicates per group", "duplicates_max", 2)
    return report.finish(args.json)
