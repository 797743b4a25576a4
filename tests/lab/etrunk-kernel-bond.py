"""A kernel bond (802.3ad) as the access device, in a virtual machine with Debian's own kernel.

Planned switchover and back, death of the master, its access link cut and joined again, with fewer
streams than elsewhere: the guest is emulated. This bond runs its machines every 100 ms, and that is
what an unplanned change costs beyond our own time.
"""

import time

from lib.config import FAST
from lib.etrunk import alternate
from lib.kernel_bond import TICK_MS, kernel_bond_attempt
from lib.report import Report
from lib.scenario import check_backup_held, kill_fault, steady_checks
from lib.streams import merge
from lib.world import now_ns, wait_until

TIMERS = {**FAST, "revert_s": 120}
EACH_S = 1.5
QUIET_S = 5
PLANNED = "switchover", "and back"
DEATH, CUT, JOIN = "node death", "access cut", "link joins again"
MARGIN_MS = 70  # the interval of the streams (20 ms) and what the emulated guest needs itself
OURS_MS = 5     # median of our part of a cut access link
SYNC = 0x08     # of PortState


def one_lag(stage):
    """Both links are in the bond's active aggregator, as one LACP system is."""
    links = stage.switch.slaves()
    return links["a"]["aggregator"] == links["b"]["aggregator"]


def switch(report, args, family, pairs):
    with kernel_bond_attempt(args, family, TIMERS) as stage:
        stage.up()
        stage.flow()
        links = stage.switch.slaves()
        report.check(f"{family}: both links in one aggregator, Sync = 1 on A's and 0 on B's",
                     one_lag(stage) and links["a"]["partner"] & SYNC
                     and not links["b"]["partner"] & SYNC, stage.switch.lacp(None))
        time.sleep(QUIET_S)
        windows, moved = [("quiet", stage.flowing_since, now_ns())], []
        for number in range(2 * pairs):
            old, new = stage.pair.nodes if number % 2 == 0 else reversed(stage.pair.nodes)
            stage.random_phase()
            begin = now_ns()
            old.shell("switchover")
            new.wait("master", 5)
            old.wait("synced", 10)
            took = stage.converged(new.name, 5)
            time.sleep(max(0.0, EACH_S - (now_ns() - begin) / 1e9))
            windows.append((PLANNED[number % 2], begin, now_ns()))
            moved.append(new.gate_open() and not old.gate_open() and one_lag(stage)
                         and new.switchovers()[0]["planned"])
            report.say(f"{old.name} to {new.name}: the bond uses the new link alone "
                       f"{took * 1000:.0f} ms after sync")
        measured = stage.stop()
        for event, begin, end in windows:
            report.add_run(event, merge(one.window(begin, end) for one in measured))
        whole = stage.since_flow(report, measured)
        report.check(f"{family}: nothing was lost in the whole stream", whole["lost"] == 0,
                     f"{whole['lost']} of {whole['sent']}")
        report.check(f"{family}: each switchover moved gate and link within one aggregator, and is "
                     "told as planned", all(moved), f"{sum(moved)} of {len(moved)}")


def unplanned(report, stage, event, fire, after):
    """Measures one fault; the row says where the time went."""
    row, measured, window = stage.measure(fire, after)
    parts = stage.breakdown("b", window[0], measured)
    parts["ours"] = round(parts["detect"] + parts["decide"] + parts["gate"], 1)
    report.add_run(event, row, fast_gap_ms=stage.fast_gap(measured, window), **parts)
    return measured, window


def die(report, args, runs):
    held, used = [], []
    for number in report.attempts(runs, DEATH):
        with kernel_bond_attempt(args, alternate(number), TIMERS) as stage:
            stage.up()
            stage.flow()
            held.append(stage.backup_is_ready())
            unplanned(report, stage, DEATH, kill_fault(stage, with_links=True).fire, 2)
            stage.pair.b.wait("master", 5)
            used.append(stage.used())
    report.check(f"{DEATH}: the bond uses the link to B alone", all(u == ["b"] for u in used))
    check_backup_held(report, DEATH, held)


def cut(report, args, runs):
    used = []
    for number in report.attempts(runs, CUT):
        with kernel_bond_attempt(args, alternate(number), TIMERS) as stage:
            stage.up()
            stage.flow()
            link = stage.topology.access_link("a")
            joined = []

            def fault():
                begin = now_ns()
                link.set_up(False)
                time.sleep(EACH_S)
                joined.append(now_ns())
                link.set_up(True)
                wait_until(lambda: stage.switch.slaves()["a"]["mii"] == "up", 5, "A's link is back")
                return begin

            measured, window = unplanned(report, stage, CUT, fault, 2 * EACH_S)
            report.add_run(JOIN, merge(one.window(joined[0], window[1]) for one in measured))
            used.append(stage.used() if one_lag(stage) else ["two aggregators"])
    report.check(f"{CUT}: the bond uses the link to B alone, also when A's is back",
                 all(u == ["b"] for u in used), used)
    report.check_runs(f"{JOIN}: 0 lost", "lost", 0, JOIN)
    report.check_median(f"{CUT}: of it ours", "ours", OURS_MS, CUT)


def main(args):
    report = Report("etrunk-kernel-bond", {"hello": "20 ms x 5", "lacp": "fast",
                                           "the bond's machines": f"every {TICK_MS} ms"})
    for family in ("ipv4",) if args.quick else ("ipv4", "ipv6"):
        switch(report, args, family, 2 if args.quick else 5)
    for event in ("quiet", *PLANNED):
        report.check_runs(f"{event}: 0 lost", "lost", 0, event)
        report.check_runs(f"{event}: at most 2 duplicates per group", "duplicates_max", 2, event)
    runs = 2 if args.quick else 5
    die(report, args, runs)
    cut(report, args, runs)
    timeout = TIMERS["hello_ms"] * TIMERS["multiplier"]
    for event, bound in ((DEATH, timeout + TICK_MS + MARGIN_MS), (CUT, TICK_MS + MARGIN_MS)):
        report.check_runs(f"{event}: longest gap", "longest_gap_ms", bound, event)
        for part in ("ours", "partner", "switch_enabled"):
            report.figure(f"{event}: {part}",
                          [run[part] for run in report.clean_runs(event) if part in run])
        steady_checks(report, event)
    return report.finish(args.json)
