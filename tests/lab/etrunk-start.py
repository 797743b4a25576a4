"""Both nodes start at once behind an access switch, 100 times (5 quick): one master each time.

Gates are watched by the streams: a packet that arrives twice is two open gates.
"""

import random
import time

from lib.config import FAST
from lib.etrunk import etrunk_attempt
from lib.report import Report
from lib.streams import merge
from lib.world import now_ns, wait_until

TOGETHER_MS = 50


def start_once(stage, number):
    """Both fresh, their daemons within 50 ms of each other; returns seconds until both agree."""
    begin = time.monotonic()
    order = list(stage.pair.nodes)
    if number % 2:
        order.reverse()
    order[0].start()
    time.sleep(random.uniform(0, 0.05))
    order[1].start()
    wait_until(lambda: all(node.control.exists() for node in order), 10, "control sockets")
    for node in order:
        node.wait("synced", 30)
    wait_until(lambda: sorted(node.role() for node in order) == ["backup", "master"], 20,
               "one master, one backup")
    return time.monotonic() - begin


def restart_all(stage):
    stage.pair.kill_everything()
    for node in stage.pair.nodes:
        for path in (node.control, node.keeper):
            path.unlink(missing_ok=True)
        node.boot += 1
        stage.topology.scrub(node.name)
        stage.topology.power_on(node.name)


def main(args):
    report = Report("etrunk-start", {"hello": "20 ms x 5", "starts apart": "0 to 50 ms"})
    starts = 5 if args.quick else max(args.runs, 100)
    took, masters = [], []
    for _ in report.attempts(1, "starts"):
        took, masters = [], []
        with etrunk_attempt(args, "ipv4", {**FAST, "revert_s": 120}) as stage:
            stage.streams[0].join()
            stage.streams[0].send()
            begin = now_ns()
            for number in range(starts):
                took.append(start_once(stage, number))
                masters.append(stage.pair.masters())
                stage.converged(masters[-1][0], 40)
                time.sleep(0.3)  # streams flow; two in-sync links would double them
                opened = [node.name for node in stage.pair.nodes if node.gate_open()]
                if opened != masters[-1]:
                    report.check(f"start {number}: the master's gate alone is open", False, opened)
                if number + 1 < starts:
                    restart_all(stage)
            row = merge(one.window(begin, now_ns()) for one in stage.stop())
            row["paused"] += stage.world.pauses.seen(begin)
            report.add_run("starts", row)
    report.check("one master each time", len(masters) == starts
                 and all(len(each) == 1 for each in masters), f"{len(masters)} starts")
    report.figure("one master and in sync after", took, "s")
    doubled = sum(run["duplicates"] for run in report.runs[-1:])
    report.check("no packet came twice: never two open gates", doubled == 0, doubled)
    return report.finish(args.json)
