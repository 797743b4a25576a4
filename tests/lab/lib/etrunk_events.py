"""What happens to a pair behind an access switch, as functions that several labs share.

`begin` makes the scene of one run: etrunk_attempt(), or that of another topology. `name` is how the
event is called in the report; bounds are those of design sections 7 and 8.
"""

import os
import signal
import time

from .etrunk import PARTNER_PORT, etrunk_attempt
from .scenario import check_backup_held, kill_fault, steady_checks
from .streams import merge
from .world import now_ns, poll

DEATH_MEDIAN_MS, DEATH_WORST_MS = 100, 250  # at 20 ms x 3
DEATH_PARTS = ("detect", "decide", "gate", "partner", "switch_enabled")
CUT_MEDIAN_MS, CUT_OURS_MS = 50, 5
SWITCH_EACH_S = 1.5
SWITCH_NAMES = "switchover", "and back"
CRASH_GONE_S = {"fast": 4, "slow": 1}  # fast: longer than the switch's own timeout of 3 s


def die(report, args, name, values, runs, family_of, begin=etrunk_attempt):
    """The master dies: all processes killed, all links down."""
    held, used = [], []
    for number in report.attempts(runs, name):
        with begin(args, family_of(number), values) as stage:
            stage.up()
            stage.flow()
            held.append(stage.backup_is_ready())
            fault = kill_fault(stage, with_links=True)
            row, measured, window = stage.measure(fault.fire, after=stage.timeout_ms() / 1000 + 1.5)
            report.add_run(name, row, fast_gap_ms=stage.fast_gap(measured, window),
                           **stage.breakdown("b", window[0], measured))
            stage.pair.b.wait("master", 5)
            used.append(stage.used())
    for part in DEATH_PARTS:
        report.figure(f"{name}: {part}",
                      [run[part] for run in report.clean_runs(name) if part in run])
    report.check(f"{name}: the switch uses the link to B alone", all(u == ["b"] for u in used))
    check_backup_held(report, name, held)
    steady_checks(report, name)


def check_deaths(report, name):
    report.check_median(f"{name}: longest gap", "longest_gap_ms", DEATH_MEDIAN_MS, name)
    report.check_runs(f"{name}: longest gap", "longest_gap_ms", DEATH_WORST_MS, name)


def cut_access(report, args, name, values, runs, family_of, begin=etrunk_attempt):
    """The link between the master and the access switch is cut: both ends lose carrier at once."""
    causes, used = set(), []
    for number in report.attempts(runs, name):
        with begin(args, family_of(number), values) as stage:
            stage.up()
            stage.flow()
            link = stage.topology.access_link("a")

            def cut():
                begun = now_ns()
                link.set_up(False)
                return begun

            row, measured, window = stage.measure(cut)
            parts = stage.breakdown("b", window[0], measured)
            causes.add(parts["cause"])
            parts["ours"] = round(parts["detect"] + parts["decide"] + parts["gate"], 1)
            report.add_run(name, row, fast_gap_ms=stage.fast_gap(measured, window), **parts)
            used.append(stage.used())
    for part in ("ours", "partner", "switch_enabled"):
        report.figure(part, [run[part] for run in report.clean_runs(name) if part in run])
    report.check_median(f"{name}: longest gap", "longest_gap_ms", CUT_MEDIAN_MS, name)
    report.check_median(f"{name}: of it ours", "ours", CUT_OURS_MS, name)
    report.check(f"{name}: the switch uses the link to B alone", all(u == ["b"] for u in used))
    report.check(f"{name}: the history names the cause", len(causes) == 1, "; ".join(causes))
    steady_checks(report, name)


def switch(report, args, family, values, pairs, begin=etrunk_attempt):
    """Planned, there and back, `pairs` times in one stream."""
    with begin(args, family, values) as stage:
        stage.up()
        stage.flow()
        windows, moved = [], []
        for number in range(2 * pairs):
            old, new = stage.pair.nodes if number % 2 == 0 else reversed(stage.pair.nodes)
            stage.random_phase()
            began = now_ns()
            old.shell("switchover")
            new.wait("master", 5)
            old.wait("synced", 10)
            took = stage.converged(new.name, 5)
            time.sleep(max(0.0, SWITCH_EACH_S - (now_ns() - began) / 1e9))
            windows.append((SWITCH_NAMES[number % 2], began, now_ns()))
            moved.append(new.gate_open() and not old.gate_open()
                         and new.switchovers()[0]["planned"])
            report.say(f"{old.name} to {new.name}: both ends agree {took * 1000:.0f} ms after sync")
        measured = stage.stop()
        for name, began, end in windows:
            report.add_run(name, merge(one.window(began, end) for one in measured))
        whole = stage.since_flow(report, measured)
        report.check(f"{family}: nothing was lost in the whole stream", whole["lost"] == 0,
                     whole["lost"])
        report.check(f"{family}: each switchover moved gate and link, and is told as planned",
                     all(moved), f"{sum(moved)} of {len(moved)}")


def check_switches(report):
    for name in SWITCH_NAMES:
        report.check_runs(f"{name}: 0 lost", "lost", 0, name)
        report.check_runs(f"{name}: at most 2 duplicates per group", "duplicates_max", 2, name)
        report.figure(f"{name}: duplicates last",
                      [run["duplicate_span_ms"] for run in report.clean_runs(name)])


def _crash(stage, lacp, kept):
    a = stage.pair.a

    def event():
        begun = now_ns()
        os.kill(a.daemon.pid, signal.SIGKILL)
        a.daemon.popen.wait()
        back = time.monotonic() + CRASH_GONE_S[lacp]
        while time.monotonic() < back:
            kept.append(stage.used() == ["a"])
            time.sleep(0.1)
        a.start()
        a.wait("master", 10)
        return begun

    return event


def crash(report, args, name, values, runs, family_of, lacp="fast", begin=etrunk_attempt):
    """The master's daemon is killed and comes back: its keeper goes on, nobody takes over."""
    same, kept = [], []
    for number in report.attempts(runs, name):
        with begin(args, family_of(number), values, lacp=lacp) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            before = (a.term(), a.keeper_pid, a.entries(), stage.switch.log().count("abled"))
            row, _, _ = stage.measure(_crash(stage, lacp, kept), after=2)
            report.add_run(name, row)
            kept.append(stage.used() == ["a"])
            in_sync = stage.pair.digests_equal()
            after = (a.term(), a.remember_keeper(), a.entries(), stage.switch.log().count("abled"))
            same.append(in_sync and before == after and b.role() == "backup")
            if not same[-1]:
                report.say(f"before {before}, after {after}, in sync {in_sync}, B {b.role()}")
    report.check(f"{name}: the switch kept {PARTNER_PORT['a']} all the time", all(kept),
                 f"{sum(kept)} of {len(kept)} looks")
    report.check(f"{name}: the same keeper, term and entries, no change of a member in the "
                 "switch's log", all(same), f"{sum(same)} of {len(same)} runs")
    report.check_runs(f"{name}: 0 lost", "lost", 0, name)
    report.check_runs(f"{name}: 0 duplicates", "duplicates", 0, name)


def kill_keeper(report, args, name, values, runs, family_of, lacp="fast", begin=etrunk_attempt):
    """The master's keeper is killed: the daemon starts another, which goes on where LACP was."""
    same = []
    for number in report.attempts(runs, name):
        with begin(args, family_of(number), values, lacp=lacp) as stage:
            stage.up()
            stage.flow()
            a, b = stage.pair.nodes
            old = a.keeper_pid
            before = (a.term(), a.entries(), stage.switch.log().count("abled"))

            def event():
                begun = now_ns()
                os.kill(old, signal.SIGKILL)
                return begun

            row, _, _ = stage.measure(event, after=5)
            report.add_run(name, row)
            fresh = poll(lambda: a.keeper_now() not in (None, old), 10)
            after = (a.term(), a.entries(), stage.switch.log().count("abled"))
            same.append(fresh and before == after and b.role() == "backup"
                        and stage.used() == ["a"])
            if not same[-1]:
                report.say(f"before {before}, after {after}, B {b.role()}, {stage.told()}")
    report.check(f"{name}: another keeper, the same term and entries, no change of a member in "
                 "the switch's log", all(same), f"{sum(same)} of {len(same)} runs")
    report.check_runs(f"{name}: 0 lost", "lost", 0, name)
    report.check_runs(f"{name}: 0 duplicates", "duplicates", 0, name)
