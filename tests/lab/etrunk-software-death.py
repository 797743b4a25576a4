"""All processes of the master are killed while its links stay up, behind an access switch.

The backup serves the hosts at once. The switch still sends a part of what hosts say into the dead
member until LACP times out there: 3 s with fast timers, 90 s with slow ones (full form).
"""

import time

from lib.config import FAST
from lib.etrunk import BOND, PARTNER_PORT, alternate, etrunk_attempt
from lib.report import Report
from lib.scenario import check_backup_held, kill_fault, steady_checks
from lib.world import now_ns, poll

BOUND_MS = FAST["hello_ms"] * FAST["multiplier"] + 50
LEAVES_S = {"fast": 4, "slow": 95}


def die(report, args, lacp, runs, wait_for_partner):
    event = f"software dies, lacp {lacp}"
    held, left = [], []
    for number in report.attempts(runs, event):
        with etrunk_attempt(args, alternate(number), {**FAST, "revert_s": 120}, lacp=lacp) as stage:
            stage.up()
            stage.flow()
            held.append(stage.backup_is_ready())
            fault = kill_fault(stage, with_links=False)
            row, measured, window = stage.measure(fault.fire, after=stage.timeout_ms() / 1000 + 1.5)
            report.add_run(event, row, fast_gap_ms=stage.fast_gap(measured, window),
                           **stage.breakdown("b", window[0], measured))
            if wait_for_partner:
                dead = PARTNER_PORT["a"]
                gone = poll(lambda: not stage.switch.lacp(BOND)[dead]["may_enable"],
                            LEAVES_S[lacp] + 5, step=0.05)
                left.append((now_ns() - window[0]) / 1e9 if gone else None)
                time.sleep(0.2)
                report.check(f"{event}: afterwards the switch uses the link to B alone",
                             stage.used() == ["b"])
    report.figure(f"{event}: partner", [run["partner"] for run in report.clean_runs(event)
                                        if "partner" in run])
    if wait_for_partner:
        report.figure(f"{event}: the switch leaves the dead member after",
                      [value for value in left if value is not None], "s")
        report.check(f"{event}: within its LACP timeout",
                     all(value is not None and value <= LEAVES_S[lacp] for value in left),
                     f"bound {LEAVES_S[lacp]} s")
    report.check_runs(f"{event}: longest gap within hello timeout + 50 ms", "longest_gap_ms",
                      BOUND_MS, event)
    report.check_runs(f"{event}: both gates open together no longer than 50 ms",
                      "duplicate_span_ms", 50, event)
    check_backup_held(report, event, held)
    steady_checks(report, event)


def main(args):
    report = Report("etrunk-software-death", {"hello": "20 ms x 5"})
    die(report, args, "fast", 1 if args.quick else args.runs, True)
    die(report, args, "slow", 1 if args.quick else args.runs, False)
    if args.all:
        die(report, args, "slow", 1, True)
    return report.finish(args.json)
