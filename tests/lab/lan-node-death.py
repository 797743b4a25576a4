"""The master dies on a shared LAN with BFD 10 ms x 3, beside keepalived at 10 ms in the same run.

Not slower than the fastest pair that can be put together by hand: VRRP of 10 ms that lifts an
nftables rule. A claim about the gap alone; 10 ms x 3 is not safe against pauses of this machine.
"""

import math
import random
import statistics
import time

from lib.config import VENDOR, overlay, seed_text, timers
from lib.etrunk import OWN_PATH
from lib.faults import Fault
from lib.keepalived import KeepalivedPair
from lib.report import Report
from lib.scenario import Scene, attempt, check_backup_held, kill_fault, steady_checks
from lib.world import MachinePaused, World, now_ns, wait_until

OURS, BY_HAND = "hotpair, BFD 10 x 3", "keepalived 10 ms"
INTERVAL_MS, MULTIPLIER = 10, 3
FULL_RUNS = 20


class BfdScene(Scene):
    """Seed 003 on the shared LAN; the E-Trunk's own path is watched by BFD."""

    def make_configs(self, extra):
        result = {}
        for node, (ours, theirs) in OWN_PATH["ipv4"].items():
            session = (f"bfd own bind peer-ip {theirs} source-ip {ours}",
                       f"min-tx-interval {INTERVAL_MS}", f"min-rx-interval {INTERVAL_MS}",
                       f"detect-multiplier {MULTIPLIER}",
                       "authentication-mode met-sha1 key-id 1 plain lab")
            trunk = (*timers(VENDOR), "e-trunk track bfd-session session-name own")
            result[node] = overlay(seed_text("ipv4", node), ("bfd",), session, trunk, *extra)
        return result

    def timeout_ms(self):
        return INTERVAL_MS * MULTIPLIER

    def up(self):
        super().up()
        wait_until(lambda: all(each["state"] == "Up" for node in self.pair.nodes
                               for each in node.display("bfd", "session")["sessions"]),
                   20, "both BFD sessions are up")


def ours_dies(report, args, held):
    with attempt(args, "ipv4", VENDOR, kind=BfdScene) as stage:
        stage.up()
        stage.flow()
        held.append(stage.backup_is_ready())
        fault = kill_fault(stage, with_links=True)
        row, measured, window = stage.measure(fault.fire)
        report.add_run(OURS, row, fast_gap_ms=stage.fast_gap(measured, window))


def by_hand_dies(report, args):
    with World(args.keep) as world:
        rival = KeepalivedPair(world, args.probe)
        rival.streams.join()
        rival.streams.send()
        time.sleep(1.0)
        flowing = now_ns()
        if world.pauses.seen(flowing - 1_000_000_000):
            raise MachinePaused("before the fault")
        time.sleep(random.uniform(0.05, 0.25))
        fault = Fault(pids=rival.pids("a"), links=rival.topology.links_of("a"))
        began = fault.fire()
        time.sleep(1.5)
        end = now_ns()
        measured = rival.streams.stop()
        row = measured.window(began, end)
        row["paused"] += world.pauses.seen(began, end)
        report.add_run(BY_HAND, row,
                       fast_gap_ms=measured.window(began, end, fast=True)["longest_gap_ms"])


def noise_ms(runs):
    """Two standard errors of the difference of two medians: the fault falls anywhere in an interval
    of either side, so gaps are spread evenly over 10 ms."""
    return 2 * math.sqrt(2) * INTERVAL_MS / (2 * math.sqrt(runs))


def main(args):
    report = Report("lan-node-death", {"bfd": "10 ms x 3", "vrrp": "10 ms, version 3"})
    held = []
    wanted = 3 if args.quick else max(args.runs, FULL_RUNS)
    for _ in report.attempts(wanted, OURS, BY_HAND):
        ours_dies(report, args, held)  # in turn: both see the same machine
        try:
            by_hand_dies(report, args)
        except MachinePaused as pause:
            report.say(f"run set aside: {pause}")
    gaps = {event: [run["fast_gap_ms"] for run in report.clean_runs(event)]
            for event in (OURS, BY_HAND)}
    for event, values in gaps.items():
        report.figure(f"{event}: gap seen by the stream of 1000/s", values)
    enough = all(len(values) >= wanted for values in gaps.values())
    ours, theirs = (statistics.median(values) if values else 0 for values in gaps.values())
    noise = noise_ms(wanted)
    report.check("not slower than keepalived", enough and ours <= theirs + noise,
                 f"medians {ours:.1f} and {theirs:.1f} ms, noise of {wanted} runs {noise:.1f} ms")
    check_backup_held(report, OURS, held)
    steady_checks(report, OURS)
    return report.finish(args.json)
