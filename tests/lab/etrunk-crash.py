"""The master's daemon is killed and restarted behind an access switch, LACP slow and fast.

Its keeper speaks LACP on: the switch keeps the link, nothing is lost or doubled, nobody takes over.
Then its keeper is killed: the daemon starts another within the detection time, and that one goes on
where LACP was.
"""

import os
import signal
import time

from lib.config import FAST
from lib.etrunk import PARTNER_PORT, alternate, etrunk_attempt
from lib.report import Report
from lib.world import now_ns, poll

GONE_S = {"fast": 4, "slow": 1}  # fast: longer than the switch's own timeout of 3 s


def crash(stage, lacp, kept):
    a = stage.pair.a

    def event():
        begin = now_ns()
        os.kill(a.daemon.pid, signal.SIGKILL)
        a.daemon.popen.wait()
        back = time.monotonic() + GONE_S[lacp]
        while time.monotonic() < back:
            kept.append(stage.used() == ["a"])
            time.sleep(0.1)
        a.start()
        a.wait("master", 10)
        return begin

    return event


def crashes(report, args, lacp, runs):
    event = f"crash, lacp {lacp}"
    same, kept = [], []
    for number in report.attempts(runs, event):
        with etrunk_attempt(args, alternate(number), {**FAST, "revert_s": 120}, lacp=lacp) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            before = (a.term(), a.keeper_pid, a.entries(), stage.switch.log().count("abled"))
            row, _, _ = stage.measure(crash(stage, lacp, kept), after=2)
            report.add_run(event, row)
            kept.append(stage.used() == ["a"])
            in_sync = stage.pair.digests_equal()
            after = (a.term(), a.remember_keeper(), a.entries(), stage.switch.log().count("abled"))
            same.append(in_sync and before == after and b.role() == "backup")
            if not same[-1]:
                report.say(f"before {before}, after {after}, in sync {in_sync}, B {b.role()}")
    report.check(f"{event}: the switch kept {PARTNER_PORT['a']} all the time", all(kept),
                 f"{sum(kept)} of {len(kept)} looks")
    report.check(f"{event}: the same keeper, term and entries, no change of a member in the "
                 "switch's log", all(same), f"{sum(same)} of {len(same)} runs")
    report.check_runs(f"{event}: 0 lost", "lost", 0, event)
    report.check_runs(f"{event}: 0 duplicates", "duplicates", 0, event)


def keeper_killed(report, args, lacp, runs):
    event = f"keeper killed, lacp {lacp}"
    same = []
    for number in report.attempts(runs, event):
        values = {**FAST, "hello_ms": 50, "revert_s": 120}  # a process starts within 250 ms
        with etrunk_attempt(args, alternate(number), values, lacp=lacp) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            old = a.keeper_pid
            before = (a.term(), a.entries(), stage.switch.log().count("abled"))

            def event_():
                begin = now_ns()
                os.kill(old, signal.SIGKILL)
                return begin

            row, _, _ = stage.measure(event_, after=5)
            report.add_run(event, row)
            fresh = poll(lambda: a.keeper_now() not in (None, old), 10)
            after = (a.term(), a.entries(), stage.switch.log().count("abled"))
            same.append(fresh and before == after and b.role() == "backup"
                        and stage.used() == ["a"])
            if not same[-1]:
                report.say(f"before {before}, after {after}, B {b.role()}, {stage.told()}")
    report.check(f"{event}: another keeper, the same term and entries, no change of a member in "
                 "the switch's log", all(same), f"{sum(same)} of {len(same)} runs")
    report.check_runs(f"{event}: 0 lost", "lost", 0, event)
    report.check_runs(f"{event}: 0 duplicates", "duplicates", 0, event)


def main(args):
    report = Report("etrunk-crash", {"hello": "20 ms x 5", "away": GONE_S})
    for lacp in ("fast", "slow"):
        crashes(report, args, lacp, 1 if args.quick else args.runs)
        keeper_killed(report, args, lacp, 1 if args.quick else args.runs)
    return report.finish(args.json)
