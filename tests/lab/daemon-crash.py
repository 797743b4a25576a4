"""hotpaird is killed while streaming and restarted 1 s later: no takeover, 0 lost, 0 duplicates.

Then the keeper alone is killed, then a daemon that never returns: takeover after the grace.
"""

import os
import signal
import time

from lib.config import FAST
from lib.report import Report
from lib.scenario import attempt, steady_checks
from lib.world import now_ns, poll

GRACE_S = FAST["grace_s"]


def restart_daemon(stage):
    a = stage.pair.a

    def event():
        begin = now_ns()
        os.kill(a.daemon.pid, signal.SIGKILL)
        a.daemon.popen.wait()
        time.sleep(1)
        a.start()
        a.wait("master", 10)
        return begin

    return event


def crash_and_restart(report, args):
    for _ in report.attempts(args.runs, "daemon crash"):
        with attempt(args, "both", FAST) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            term, entries, keeper = a.term(), a.entries(), a.keeper_pid
            row, _, _ = stage.measure(restart_daemon(stage), after=3)
            report.add_run("daemon crash", row)
            report.check("no takeover: the same keeper, role and term",
                         a.role() == "master" and b.role() == "backup" and a.term() == term
                         and a.remember_keeper() == keeper, f"term {term} -> {a.term()}")
            equal = stage.pair.digests_equal()
            report.check("the state is the same afterwards", equal and a.entries() == entries,
                         f"{entries} -> {a.entries()}")
    report.check_runs("daemon crash: 0 lost", "lost", 0, "daemon crash")
    report.check_runs("daemon crash: 0 duplicates", "duplicates", 0, "daemon crash")


def keeper_killed(report, args):
    for _ in report.attempts(args.runs, "keeper killed"):
        with attempt(args, "both", FAST) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            old = a.keeper_pid

            def event():
                begin = now_ns()
                os.kill(old, signal.SIGKILL)
                return begin

            row, _, _ = stage.measure(event, after=3)
            report.add_run("keeper killed", row)
            fresh = poll(lambda: a.keeper_now() not in (None, old), 10)
            masters = stage.pair.masters()
            report.check("hotpaird has started another keeper", fresh, f"master is {masters}")
            report.check("one master", len(masters) == 1, masters)
    report.check_runs("keeper killed: gap within hello timeout + 50 ms", "longest_gap_ms",
                      FAST["hello_ms"] * FAST["multiplier"] + 50, "keeper killed")
    steady_checks(report, "keeper killed")


def daemon_never_returns(report, args):
    for _ in report.attempts(1 if args.quick else args.runs, "daemon gone"):
        with attempt(args, "both", FAST) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            pid = a.daemon.pid

            def event():
                begin = now_ns()
                os.kill(pid, signal.SIGKILL)
                b.wait("master", GRACE_S + 10)
                stage.took_s = (now_ns() - begin) / 1e9
                return begin

            row, _, _ = stage.measure(event, after=2)
            report.add_run("daemon gone", row, takeover_s=round(stage.took_s, 2))
            report.check("takeover after the grace, not before",
                         GRACE_S <= stage.took_s <= GRACE_S + 2, f"{stage.took_s:.2f} s")
    report.check_runs("daemon gone: duplicates no longer than 50 ms", "duplicate_span_ms", 50,
                      "daemon gone")
    report.check_runs("daemon gone: gap within 50 ms", "longest_gap_ms", 50, "daemon gone")
    steady_checks(report, "daemon gone")


def main(args):
    report = Report("daemon-crash", {"hello": "20 ms x 5", "restart-grace": f"{GRACE_S} s",
                                     "restarted after": "1 s"})
    crash_and_restart(report, args)
    keeper_killed(report, args)
    daemon_never_returns(report, args)
    return report.finish(args.json)
