"""The master dies behind an access switch with one LACP bond: all processes killed, all links down.

BFD of 20 ms x 3 and 50 ms x 3 beside the vendor's hellos, and hellos of the same times; where the
time goes: detect, decide, gate, partner.
"""

from lib.etrunk import BFD_TIMERS, TIMERS, alternate, etrunk_attempt
from lib.report import Report
from lib.scenario import check_backup_held, kill_fault, steady_checks

MEDIAN_MS, WORST_MS = 100, 250  # at 20 ms x 3
PARTS = ("detect", "decide", "gate", "partner", "switch_enabled")


def die(report, args, event, values, runs, first):
    held, used = [], []
    for number in report.attempts(runs, event):
        with etrunk_attempt(args, alternate(first + number), values) as stage:
            stage.up()
            stage.flow()
            held.append(stage.backup_is_ready())
            fault = kill_fault(stage, with_links=True)
            row, measured, window = stage.measure(fault.fire, after=stage.timeout_ms() / 1000 + 1.5)
            report.add_run(event, row, fast_gap_ms=stage.fast_gap(measured, window),
                           **stage.breakdown("b", window[0], measured))
            stage.pair.b.wait("master", 5)
            used.append(stage.used())
    for part in PARTS:
        report.figure(f"{event}: {part}",
                      [run[part] for run in report.clean_runs(event) if part in run])
    report.check(f"{event}: the switch uses the link to B alone", all(u == ["b"] for u in used))
    check_backup_held(report, event, held)
    steady_checks(report, event)


def main(args):
    report = Report("etrunk-node-death", {"lacp": "fast", "paths": "2 bound, 1 routed"})
    for first, (event, values) in enumerate((BFD_TIMERS | TIMERS).items()):
        die(report, args, event, values, args.runs if not args.quick else 1, first)
    for event in ("BFD 20 ms x 3", "20 ms x 3"):
        report.check_median(f"{event}: longest gap", "longest_gap_ms", MEDIAN_MS, event)
        report.check_runs(f"{event}: longest gap", "longest_gap_ms", WORST_MS, event)
    return report.finish(args.json)
