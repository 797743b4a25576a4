"""The seeds' files word for word: the two nodes have different LACP system ids.

The switch keeps the system that it attached first. A planned switchover is refused with that
reason. Hellos are the seeds' own there, 1 s x 20, LACP is slow. A death, with fast timers, costs
the switch's LACP timeout, lost carrier or not: Open vSwitch prefers the better system (priority,
then smaller id) for the 3 s in which its member is EXPIRED and not yet DEFAULTED. So does a forced
switchover from the better system (A); the way back to it takes the switch at once. With one system
id it always does (etrunk-node-death).

"""

import time

from lib.config import VENDOR
from lib.etrunk import BOND, MEMBERS, X3_20, alternate, etrunk_attempt
from lib.report import Report
from lib.scenario import kill_fault
from lib.streams import merge
from lib.world import now_ns, poll

REASON = "the LACP system ids differ (00e0-fc12-3455 here, 00e0-fc12-3456 at the peer)"


def verbatim(report, args, family):
    """No line of the lab in the files; switchover is refused, and nothing moved."""
    with etrunk_attempt(args, family, None, lacp="slow") as stage:
        stage.timers = VENDOR
        stage.up()
        stage.flow()
        a, b = stage.pair.nodes
        asked = a.shell("switchover", check=False)
        report.check(f"{family}: a planned switchover is refused with the reason",
                     asked.returncode == 1 and REASON in asked.stderr, asked.stderr.strip())
        shown = a.text("switchover", "readiness")
        report.check(f"{family}: display switchover readiness says so", REASON in shown)
        time.sleep(0.5)
        row, _, _ = stage.measure(lambda: None, after=0.5)
        report.add_run("refused", row)
        report.check(f"{family}: nothing moved", a.role() == "master" and b.role() == "backup"
                     and stage.used() == ["a"])


def die(report, args, event, runs, with_links):
    """Fast hellos and LACP, so that what is measured is the switch."""
    for number in report.attempts(runs, event):
        with etrunk_attempt(args, alternate(number), X3_20, one_system=False) as stage:
            stage.up()
            stage.flow()
            fault = kill_fault(stage, with_links=with_links)
            began = []

            def event_():
                began.append(fault.fire())
                poll(lambda: stage.used() == ["b"], 30, step=0.05)
                began.append(now_ns())
                return began[0]

            row, measured, window = stage.measure(event_, after=1)
            moved = stage.used() == ["b"]
            report.add_run(event, row, moved_s=round((began[1] - began[0]) / 1e9, 2),
                           **stage.breakdown("b", window[0], measured))
            if not moved:
                report.say(str(stage.switch.lacp(BOND)))
            report.check(f"{event}: the switch takes the other system in the end", moved)
    runs = report.clean_runs(event)
    report.figure(f"{event}: longest gap", [run["longest_gap_ms"] / 1000 for run in runs], "s")
    report.figure(f"{event}: of it the switch", [run["partner"] / 1000 for run in runs
                                                 if "partner" in run], "s")
    report.check(f"{event}: no stream stays away", all(not run["stopped"] for run in runs))


def carrier(stage, name):
    shown = getattr(stage.pair, name).namespace.run("ip", "link", "show", MEMBERS[name])
    return "LOWER_UP" in shown


def forced(report, args, event, runs):
    """`switchover e-trunk 1 force` and back: done when the switch has moved, and the link is up."""
    for number in report.attempts(runs, f"{event} to b", f"{event} to a"):
        with etrunk_attempt(args, alternate(number), X3_20, one_system=False) as stage:
            stage.up()
            stage.flow()
            windows = []
            for old, new in (stage.pair.nodes, stage.pair.nodes[::-1]):
                stage.random_phase()
                begin = now_ns()
                told = old.shell("switchover", "e-trunk", "1", "force", timeout=30).stdout.strip()
                done = stage.used() == [new.name] and stage.distributes(new.name)
                took = (now_ns() - begin) / 1e9
                report.check(f"{event} to {new.name}: done when the switch uses the link", done,
                             f"{took:.2f} s, {told}")
                report.check(f"{event} to {new.name}: {old.name}'s link comes back",
                             poll(lambda old=old: carrier(stage, old.name), 2))
                silent = lacpdus(stage, old.name)
                old.wait("synced", 10)
                time.sleep(1.5)
                report.check(f"{event} to {new.name}: {old.name} stays silent",
                             lacpdus(stage, old.name) == silent)
                for node in (old, new):
                    story = node.switchovers()[0]
                    report.check(f"{event} to {new.name}: {node.name} tells the outage",
                                 "the access device moved after" in story["result"],
                                 story["result"])
                windows.append((f"{event} to {new.name}", begin, now_ns()))
            measured = stage.stop()
            for name, begin, end in windows:
                row = merge(one.window(begin, end) for one in measured)
                row["paused"] += stage.world.pauses.seen(begin, end)
                report.add_run(name, row)
    for to in "ba":
        report.figure(f"{event} to {to}: longest gap",
                      [run["longest_gap_ms"] / 1000
                       for run in report.clean_runs(f"{event} to {to}")], "s")
        report.check_runs(f"{event} to {to}: no stream stays away", "stopped", 0,
                          f"{event} to {to}")
    # IPv6: the kernel's link watch tells routing up to 1 s late that the trunk is not dormant.
    report.check_runs(f"{event} to a: without the switch's timeout", "longest_gap_ms", 1500,
                      f"{event} to a")
    report.check_runs(f"{event} to b: the switch's 3 s and 1 s at most", "longest_gap_ms", 4200,
                      f"{event} to b")


def lacpdus(stage, name):
    return stage.trunk(name)["ports"][0]["counters"]["lacpdus_sent"]


def main(args):
    report = Report("etrunk-seed-ids", {"death": "hello 20 ms x 3, lacp fast",
                                        "refusal": "the seeds' own"})
    for family in ("ipv4",) if args.quick else ("ipv4", "ipv6"):
        verbatim(report, args, family)
    report.check_runs("refused: 0 lost", "lost", 0, "refused")
    forced(report, args, "forced", 1 if args.quick else args.runs)
    die(report, args, "node dies", 1 if args.quick else args.runs, True)
    die(report, args, "software dies", 1 if args.quick else args.runs, False)
    return report.finish(args.json)
