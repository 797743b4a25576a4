"""The master loses its uplink, then its routes: its rank drops and it hands over at once.

`track interface` and `track rpf` on both nodes. What is lost is what was sent between the fault and
the move: told in parts. When the uplink is back nothing moves before the revert delay is over, then
the better node takes back without loss.
"""

import time
from datetime import datetime

from lib.config import FAST
from lib.etrunk import CabledSwitch, alternate, etrunk_attempt
from lib.node import ALARM_RANK
from lib.report import Report
from lib.streams import merge
from lib.topology import ROUTERS
from lib.world import now_ns, poll, wait_until

REVERT_S = 3
UPLINK = {"a": "GigabitEthernet0/1/3", "b": "GigabitEthernet0/1/2"}
TRACKS = {node: [f"track interface {name} reduced 15", "track rpf reduced 15"]
          for node, name in UPLINK.items()}
NO_ROUTE = "a source or RP has no unicast route"
BOUND_MS = FAST["hello_ms"] * FAST["multiplier"] + 50  # no worse than its death
CABLE, ROUTES = "uplink lost", "routes lost"
BACK = {CABLE: "uplink back", ROUTES: "routes back"}


def pull(stage):
    return stage.topology.pull("a", "d")


def plug(stage):
    return stage.topology.plug("a", "d")


def to_source(stage):
    """A's routes to source and RP."""
    wanted = ("10.0.5.0/24", "2.2.2.2/32") if stage.family == "ipv4" else ("2001:db8:40::/64",
                                                                           "2001:db8:22::22/128")
    return [route for route in ROUTERS["a"].routes if route.startswith(wanted)]


def forget(stage):
    commands = [f"route del {route}" for route in to_source(stage)]
    begin = now_ns()
    stage.topology.nodes["a"].ip(*commands)
    return begin


def remember(stage):
    begin = now_ns()
    stage.topology.nodes["a"].ip(*[f"route replace {route}" for route in to_source(stage)])
    return begin


FAULTS = {CABLE: (pull, plug), ROUTES: (forget, remember)}


class Loss:
    """One loss and return in a running stream; figures follow when the streams have ended."""

    def __init__(self, report, stage, event):
        self.report, self.stage, self.event = report, stage, event
        self.a, self.b = stage.pair.nodes
        self.parts = {}

    def check(self, name, ok, detail=""):
        self.report.check(f"{self.event}: {name}", ok, detail)

    def lose(self):
        stage, a, b = self.stage, self.a, self.b
        stage.random_phase()
        self.lost = FAULTS[self.event][0](stage)
        b.wait("master", 10)
        texts = poll(lambda: a.alarm_texts(ALARM_RANK), 3)
        reasons = [text.split(": ")[-1] for text in texts]
        named = f"{UPLINK['a']} is down" in reasons[0] if self.event == CABLE else (
            reasons == [NO_ROUTE])
        self.check("the alarm names why the rank dropped", len(texts) == 1 and named, texts)
        stage.converged("b", 5)
        self._tell(a.switchovers()[0])
        time.sleep(0.5)

    def _tell(self, story):
        """The old master's story: from the fault until it asked, until its gate was closed."""
        at = {phase["name"]: phase["at_us"] / 1000 for phase in story["phases"]}
        wall_offset = time.time() - now_ns() / 1e9
        began = datetime.fromisoformat(story["began"].replace("Z", "+00:00")).timestamp()
        began += 0.0005  # shown in whole milliseconds, rounded down
        asked = (began - wall_offset) * 1000 - self.lost / 1e6
        self.check("a planned switchover", story["planned"] and story["cause"] == "handover",
                   f"{story['cause']}, planned {story['planned']}")
        self.parts = {"noticed": round(asked, 1), "offered": round(at.get("term offered", -1), 1),
                      "handed_over": round(at.get("gate closed, committed", -1), 1)}

    def come_back(self):
        stage, a, b = self.stage, self.a, self.b
        self.back = FAULTS[self.event][1](stage)
        before = b.term()
        cleared = poll(lambda: not a.alarm_texts(ALARM_RANK), 5)
        self.check("the alarm is gone again", cleared)
        steady = poll(lambda: b.role() != "master" or b.term() != before,
                      REVERT_S - 0.5 - (now_ns() - self.back) / 1e9)
        self.check("nothing moves before the revert delay", not steady)
        a.wait("master", REVERT_S + 10)
        self.reverted = (now_ns() - self.back) / 1e9
        b.wait("synced", 10)
        stage.converged("a", 5)
        time.sleep(0.5)
        self.check("then the better node takes back, planned",
                   self.reverted >= REVERT_S and a.switchovers()[0]["planned"],
                   f"{self.reverted:.2f} s after the return")
        self.ended = now_ns()

    def tell(self, measured):
        for event, begin, end, more in ((self.event, self.lost, self.back, self.parts),
                                        (BACK[self.event], self.back, self.ended,
                                         {"reverted_s": round(self.reverted, 2)})):
            row = merge(one.window(begin, end) for one in measured)
            row["paused"] += self.stage.world.pauses.seen(begin, end)
            if event == self.event:
                more = {**more, "fast_gap_ms": self.stage.fast_gap(measured, (begin, end))}
            self.report.add_run(event, row, **more)


def run(report, args, family):
    with etrunk_attempt(args, family, {**FAST, "revert_s": REVERT_S}, topology=CabledSwitch,
                        etrunk_lines=TRACKS) as stage:
        stage.up()
        stage.flow()
        done = []
        for event in FAULTS:
            loss = Loss(report, stage, event)
            loss.lose()
            loss.come_back()
            done.append(loss)
            wait_until(lambda: stage.pair.digests_equal(0), 10, "equal digests after the revert")
        taken = [len(node.takeovers()) for node in stage.pair.nodes]
        report.check(f"{family}: two switchovers for each loss, none besides", taken == [3, 2],
                     f"A became master {taken[0]} times, B {taken[1]}")
        measured = stage.stop()
        for loss in done:
            loss.tell(measured)


def main(args):
    report = Report("etrunk-uplinks-lost", {"hello": "20 ms x 5", "lacp": "fast",
                                            "revert delay": f"{REVERT_S} s"})
    for number in report.attempts(1 if args.quick else args.runs, *FAULTS, *BACK.values()):
        run(report, args, alternate(number))
    for event in FAULTS:
        runs = report.clean_runs(event)
        for part in ("noticed", "offered", "handed_over", "fast_gap_ms"):
            report.figure(f"{event}: {part}", [each[part] for each in runs])
        report.check_runs(f"{event}: longest gap", "longest_gap_ms", BOUND_MS, event)
        report.check(f"{event}: every stream goes on", bool(runs)
                     and all(not each["stopped"] and not each["silent"] for each in runs))
        report.check_runs(f"{BACK[event]}: 0 lost", "lost", 0, BACK[event])
        report.check_runs(f"{BACK[event]}: at most 2 duplicates per group", "duplicates_max", 2,
                          BACK[event])
    return report.finish(args.json)
