"""A dead node returns, syncs and reverts to master after its delay: 0 lost from its return on."""

from time import sleep

from lib.config import FAST
from lib.report import Report
from lib.scenario import attempt, kill_fault
from lib.streams import merge
from lib.world import now_ns


def main(args):
    report = Report("rejoin", {"hello": "20 ms x 5", "revert delay": f"{FAST['revert_s']} s"})
    for _ in report.attempts(args.runs, "rejoin"):
        with attempt(args, "both", FAST) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            stage.random_phase()
            kill_fault(stage, with_links=True).fire()
            a.power_off_done()
            b.wait("master", 5)
            sleep(0.1)  # the next packet of each stream ends the gap of the death itself
            returns = now_ns()
            a.reboot()
            a.wait("synced", 20)
            report.check("synced and still backup before the delay is over", a.role() == "backup")
            a.wait("master", FAST["revert_s"] + 15)
            b.wait("synced", 10)
            reverted = now_ns()
            measured = stage.stop()
            report.add_run("rejoin", merge(one.window(returns, reverted) for one in measured))
            report.check("digests are equal afterwards", stage.pair.digests_equal())
            report.check("the revert is told as planned", a.switchovers()[0]["planned"],
                         a.switchovers()[0]["cause"])
    report.check_runs("0 lost", "lost", 0)
    report.check_runs("at most 2 duplicates per group", "duplicates_max", 2)
    return report.finish(args.json)
