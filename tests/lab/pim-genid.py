"""The floating pair: after a restart and after a death a new generation id brings the joins back.

A neighbour of FRR has 1000 channels joined at the address that the pair shares. The active node's
control plane is killed and comes back; the node dies; it hands over as planned. A host pings its
gateway, which follows the scope of a profile, through death and handover. The node dies in a VPN
instance too.
"""

import re
import signal
import time

from lib.floating import (CHANNELS, GATEWAY, VIRTUAL_MAC, FloatingScene, PimTap,
                          VrfFloatingScene)
from lib.report import Report
from lib.scenario import FAST, attempt, kill_fault, steady_checks
from lib.world import now_ns, poll

RESTART, DEATH, PLANNED = "control plane restarts", "active node dies", "planned switchover"
VRF_DEATH = "active node dies, in a VPN instance"
DEATHS = {DEATH: FloatingScene, VRF_DEATH: VrfFloatingScene}
TIMERS = {**FAST, "revert_s": 120}  # who was handed over stays
PATIENCE_S = 10
REFRESH_MS = 2500 + 500  # t_override (RFC 7761 4.11), and what a busy machine adds
PING_MS = 5


class Ping:
    """A host asks its gateway every 5 ms; what matters is the longest time without an answer."""

    def __init__(self, scene):
        namespace = scene.topology.all["g"]
        self._log = scene.world.start(namespace, "ping", "-D", "-n", "-i", PING_MS / 1000,
                                      "-W", "1", GATEWAY, log="ping-gateway")

    def stop(self):
        self._log.finish(signal.SIGINT)
        times = [float(found) * 1000 for found in
                 re.findall(r"^\[([0-9.]+)\] .* bytes from", open(self._log.log).read(), re.M)]
        gaps = [after - before for before, after in zip(times, times[1:])]
        return len(times), max(gaps, default=float("inf"))


def owners(scene):
    return {node.name: [row["owner"] for row in node.floating().values()]
            for node in scene.pair.nodes if node.daemon}


def told(report, event, tap, begin, run):
    """What the wire showed: a Hello of the pair's MAC and a new generation id, then every join."""
    poll(lambda: tap.all_joined(begin), PATIENCE_S, 0.05)
    identity, joined = tap.new_identity(begin), tap.all_joined(begin)
    run["hello_ms"] = (identity[0] - begin) / 1e6 if identity else -1
    run["joined_ms"] = (joined - begin) / 1e6 if joined else -1
    report.check(f"{event}: a Hello with a new generation id, from the virtual MAC",
                 identity and identity[1] == VIRTUAL_MAC, f"after {run['hello_ms']:.0f} ms")
    report.check(f"{event}: {CHANNELS} joins are back on the wire within t_override of it",
                 joined and identity and joined - identity[0] <= REFRESH_MS * 1e6,
                 f"after {run['joined_ms']:.0f} ms")
    report.check(f"{event}: no goodbye from the shared address", tap.goodbyes(begin) == 0)


def figures(report, event):
    runs = [run for run in report.runs if run["event"] == event and run.get("joined_ms", -1) > 0]
    report.figure(f"{event}: until the new generation id", [run["hello_ms"] for run in runs])
    report.figure(f"{event}: from it until all {CHANNELS} joins",
                  [run["joined_ms"] - run["hello_ms"] for run in runs])


def restarts(report, args):
    with attempt(args, "ipv4", TIMERS, kind=FloatingScene) as stage:
        stage.up()
        stage.flow()
        tap = PimTap(stage.topology)
        time.sleep(0.3)
        a = stage.pair.a

        def crash():
            begin = now_ns()
            a.daemon.popen.kill()
            a.daemon.popen.wait()
            a.start()
            return begin

        begin = now_ns()
        row, _, _ = stage.measure(crash, after=6)
        run = report.add_run(RESTART, row)
        told(report, RESTART, tap, begin, run)
        tap.stop()
        a.wait("master", 10)
        report.check(f"{RESTART}: the same node stays the owner",
                     owners(stage) == {"a": ["self"] * 2, "b": ["peer"] * 2}, owners(stage))


def dies(report, args, event=DEATH):
    with attempt(args, "ipv4", TIMERS, kind=DEATHS[event]) as stage:
        stage.up()
        stage.flow()
        report.check(f"{event}: the gateway forwards", stage.reaches_source())
        tap = PimTap(stage.topology)
        time.sleep(0.3)
        ping = Ping(stage)
        time.sleep(0.5)
        fault = kill_fault(stage, with_links=True)
        row, measured, window = stage.measure(fault.fire, after=6)
        run = report.add_run(event, row, fast_gap_ms=stage.fast_gap(measured, window))
        answers, run["gateway_gap_ms"] = ping.stop()
        told(report, event, tap, window[0], run)
        tap.stop()
        stage.pair.a.daemon = None
        stage.pair.b.wait("master", 5)
        rows = stage.pair.b.floating()
        report.check(f"{event}: the other node owns both addresses and has announced them",
                     all(each["owner"] == "self" and each["announcements"] >= 3
                         for each in rows.values()), owners(stage))
        report.check(f"{event}: the gateway answered before and after", answers > 100, answers)


def dies_in_vrf(report, args):
    dies(report, args, VRF_DEATH)


def handed_over(report, args):
    with attempt(args, "ipv4", TIMERS, kind=FloatingScene) as stage:
        stage.up()
        stage.flow()
        tap = PimTap(stage.topology)
        time.sleep(0.3)
        ping = Ping(stage)
        time.sleep(0.5)
        begin = now_ns()
        row, _, _ = stage.measure(lambda: stage.pair.a.shell("switchover") and begin, after=6)
        run = report.add_run(PLANNED, row)
        _, run["gateway_gap_ms"] = ping.stop()
        told(report, PLANNED, tap, begin, run)
        tap.stop()
        report.check(f"{PLANNED}: the other node owns both addresses",
                     owners(stage) == {"a": ["peer"] * 2, "b": ["self"] * 2}, owners(stage))


def main(args):
    report = Report("pim-genid", TIMERS)
    runs = 1 if args.quick else args.runs
    for event, play in ((RESTART, restarts), (DEATH, dies), (VRF_DEATH, dies_in_vrf),
                        (PLANNED, handed_over)):
        for _ in report.attempts(runs, event):
            play(report, args)
        figures(report, event)
    bound = TIMERS["hello_ms"] * TIMERS["multiplier"] + 50
    report.check_runs(f"{RESTART}: nothing lost", "lost", 0, RESTART)
    report.check_runs(f"{PLANNED}: nothing lost", "lost", 0, PLANNED)
    for event in DEATHS:
        report.check_runs(f"{event}: longest gap within hello timeout + 50 ms", "fast_gap_ms",
                          bound, event)
        report.check_runs(f"{event}: the gateway answers again within hello timeout + 50 ms",
                          "gateway_gap_ms", bound + PING_MS, event)
    for event in (*DEATHS, PLANNED):
        report.figure(f"{event}: longest time without an answer of the gateway",
                      [run["gateway_gap_ms"] for run in report.clean_runs(event)])
    for event in (RESTART, *DEATHS, PLANNED):
        steady_checks(report, event)
    return report.finish(args.json)
