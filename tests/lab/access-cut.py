"""The master's access link loses carrier; its keeper says so and the backup opens within 20 ms."""

from lib.config import FAST
from lib.report import Report
from lib.scenario import FAST_MS, attempt, steady_checks
from lib.world import now_ns

OPEN_MS = 20


def main(args):
    report = Report("access-cut", {"hello": "20 ms x 5", "open within": f"{OPEN_MS} ms"})
    told = []
    for _ in report.attempts(args.runs, "access cut"):
        with attempt(args, "both", FAST) as stage:
            stage.up()
            stage.flow()
            port = stage.topology.lan_port("a")

            def cut():
                begin = now_ns()
                port.set_up(False)
                return begin

            row, measured, window = stage.measure(cut)
            report.add_run("access cut", row, fast_gap_ms=stage.fast_gap(measured, window))
            stage.pair.b.wait("master", 5)
            story = stage.pair.b.switchovers()[0]
            told.append(f"{story['cause']} by {story['detection']}")
    # The 1000/s stream resolves it: the gap is outage plus the interval at either end.
    report.check_runs("the backup opens within 20 ms", "fast_gap_ms", OPEN_MS + 2 * FAST_MS)
    report.check("the history names the cause", all(told), "; ".join(sorted(set(told))))
    steady_checks(report, "access cut")
    return report.finish(args.json)
