"""Faults of an E-Trunk and of its partner: each gives its state, reason and counter, and heals.

The switch restarts, a member link that carries one way only, a partner that changes its LACP key,
priority conventions and E-Trunk keys that differ, hellos of a dead master played back.
"""

import contextlib
import re
import socket
import threading
import time

from lib.config import FAST
from lib.etrunk import BOND, MEMBERS, OWN_PATH, PARTNER_PORT, PATHS, etrunk_attempt
from lib.report import Report
from lib.scenario import kill_fault
from lib.world import now_ns, poll, wait_until

PORT = 1025
NO_PEER, NO_PARTNER, CONVENTION = "HA-NODE-0002", "HA-NODE-0022", "HA-NODE-0007"
LACP_S = 3.0     # the short timeout of both ends
SWITCH_AWAY_S = 4.5
ONE_WAY_S = 12.0
SEED_KEY = r"^ security-key cipher (.*)$"


class Watch:
    """One fault: what is shown while it is there, and that it heals."""

    def __init__(self, report, stage, name):
        self.report, self.stage, self.name = report, stage, name
        self.a, self.b = stage.pair.nodes
        self.begin = now_ns()

    def check(self, what, ok, detail=""):
        return self.report.check(f"{self.name}: {what}", ok, detail)

    def alarm(self, node, wanted, timeout=6):
        there = poll(lambda: wanted in [each["id"] for each in node.alarms()], timeout)
        self.check(f"alarm {wanted} at {node.name.upper()}", there)

    def alarm_ends(self, node, gone, timeout=10):
        ended = poll(lambda: gone not in [each["id"] for each in node.alarms()], timeout)
        self.check(f"alarm {gone} at {node.name.upper()} ends by itself", ended)

    def roles(self, a, b, timeout=5):
        reached = poll(lambda: (self.a.role(), self.b.role()) == (a, b), timeout)
        self.check(f"A is {a}, B {b}", reached, f"{self.a.role()}, {self.b.role()}")

    def one_link(self, name, timeout=15):
        """Both ends agree on one link, and every record is on both nodes."""
        agreed = poll(lambda: self.stage.used() == [name] and self.stage.distributes(name),
                      timeout, step=0.05)
        equal = agreed and self.stage.pair.digests_equal(timeout)
        self.check("healed: one link is used, both nodes hold the same", equal,
                   self.stage.told() if not equal else "")
        return (now_ns() - self.begin) / 1e9

    def hand_back(self):
        """The planned way back, so that each fault meets A as master."""
        wait_until(lambda: self.b.shell("switchover", check=False).returncode == 0, 10,
                   "B is ready to hand back", step=0.2)
        self.a.wait("master", 5)
        self.b.wait("synced", 10)
        self.one_link("a")


def member(node):
    return node.display("eth-trunk", "1")["eth_trunks"][0]["ports"][0]


def rejected(node, reason):
    return sum(path[reason] for path in node.display("e-trunk", "1")["e_trunks"][0]["paths"])


def commands(node, *lines):
    """Lines of a configuration session, with its commit."""
    words = [word for line in ("system-view", *lines, "commit") for word in ("-c", line)]
    node.shell(*words)


def switch_restarts(watch, stage):
    """Longer than LACP's timeout, so both lose their access. Whose timer ends later may take over
    for a moment, and so may who hears the switch first; while both are without, nobody does."""
    term = watch.a.term()
    stage.switch.kill()
    watch.alarm(watch.a, NO_PARTNER)
    time.sleep(max(0.0, SWITCH_AWAY_S - (now_ns() - watch.begin) / 1e9))
    without = watch.a.term(), watch.b.term()
    watch.check("one master; at most one took over", len(stage.pair.masters()) == 1
                and max(without) <= term + 1, f"{stage.pair.masters()}, term {term} -> {without}")
    time.sleep(0.5)
    watch.check("nobody takes over while both are without",
                (watch.a.term(), watch.b.term()) == without)
    stage.switch.start()
    stage.switch.widen()
    watch.alarm_ends(watch.a, NO_PARTNER)
    watch.alarm_ends(watch.b, NO_PARTNER)
    time.sleep(1.0)  # who heard it first has taken over
    serves = stage.pair.masters()
    watch.check("one master", len(serves) == 1, serves)
    watch.one_link(serves[0])
    if serves == ["b"]:
        watch.hand_back()


@contextlib.contextmanager
def one_way(namespace, device):
    """What is sent on the device is lost; what comes in is not."""
    namespace.run("nft", f"table netdev cut {{ chain out {{ type filter hook egress device "
                         f"\"{device}\" priority 0; policy drop; }}; }}")
    try:
        yield
    finally:
        namespace.run("nft", "delete", "table", "netdev", "cut")


def deaf_master(watch, stage):
    """The master does not hear the switch: its LACP timeout makes it an access loss."""
    with one_way(stage.topology.access, PARTNER_PORT["a"]):
        watch.roles("backup", "master", ONE_WAY_S)
        watch.check("the reason is the access", watch.b.takeovers()[0]["cause"]
                    == "peer access lost", watch.b.takeovers()[0]["cause"])
        watch.alarm(watch.a, NO_PARTNER)
    watch.alarm_ends(watch.a, NO_PARTNER)
    watch.one_link("b")
    watch.hand_back()


def mute_master(watch, stage):
    """The switch does not hear the master, which still hears it."""
    with one_way(watch.a.namespace, MEMBERS["a"]):
        watch.roles("backup", "master", ONE_WAY_S)
        watch.alarm(watch.a, NO_PARTNER)
        watch.check("the reason is the access", watch.b.takeovers()
                    and watch.b.takeovers()[0]["cause"] == "peer access lost", stage.told())
    watch.alarm_ends(watch.a, NO_PARTNER)
    watch.one_link("b")
    watch.hand_back()


def wrong_key(watch, stage):
    """The partner's key changes under way: another aggregate, taken after the old one was left."""
    before = member(watch.a)["counters"]["partner_changes"]
    key = "other_config:lacp-aggregation-key"
    for port in PARTNER_PORT.values():
        stage.switch.vsctl("set", "interface", port, f"{key}=777")
    counted = poll(lambda: member(watch.a)["counters"]["partner_changes"] > before, 5)
    watch.check("counted as a change of the partner", counted)
    watch.check("display eth-trunk shows the key",
                poll(lambda: member(watch.a)["partner"]["key"] == 777, 5),
                member(watch.a)["partner"])
    watch.one_link("a")
    for port in PARTNER_PORT.values():
        stage.switch.vsctl("remove", "interface", port, "other_config", "lacp-aggregation-key")
    watch.one_link("a")


def conventions(watch, stage):
    commands(watch.b, "e-trunk 1", "priority-order smaller")
    for node in (watch.a, watch.b):
        watch.alarm(node, CONVENTION)
    watch.roles("master", "backup")
    commands(watch.b, "e-trunk 1", "undo priority-order")
    for node in (watch.a, watch.b):
        watch.alarm_ends(node, CONVENTION)
    watch.one_link("a")


def other_key(watch, stage):
    """Nobody is heard: two masters with one LACP id until the keys are equal again."""
    good = re.search(SEED_KEY, watch.b.config.read_text(), re.M).group(1)
    commands(watch.b, "e-trunk 1", "security-key simple not-the-key-of-a")
    watch.roles("master", "master")
    for node in (watch.a, watch.b):
        watch.alarm(node, NO_PEER)
        watch.check(f"counted at {node.name.upper()} as rejected_auth",
                    poll(lambda one=node: rejected(one, "rejected_auth") > 10, 5),
                    rejected(node, "rejected_auth"))
    commands(watch.b, "e-trunk 1", f"security-key cipher {good}")
    watch.roles("backup", "master")
    for node in (watch.a, watch.b):
        watch.alarm_ends(node, NO_PEER)
    watch.one_link("b")
    watch.hand_back()


FAULTS = {"switch restarts": switch_restarts, "deaf master": deaf_master,
          "mute master": mute_master, "partner's key changes": wrong_key,
          "conventions differ": conventions, "security keys differ": other_key}
LOSES_NOTHING = ("conventions differ",)
LONGEST_MS = {"deaf master": 150, "security keys differ": 1000, "played back": 250}


class Tape:
    """Hellos of A as they came to B, and the same bytes from A's addresses again."""

    def __init__(self, stage):
        self.stage = stage
        self.frames = []
        with stage.pair.b.namespace:
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.tap.setblocking(False)

    def record(self, seconds):
        end = time.monotonic() + seconds
        mine = {ours for ours, _ in (*PATHS["ipv4"]["a"], OWN_PATH["ipv4"]["a"])}
        while time.monotonic() < end:
            try:
                packet, where = self.tap.recvfrom(2048)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            head = 4 * (packet[0] & 15)
            source, to = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
            if packet[9] == socket.IPPROTO_UDP and source in mine \
                    and int.from_bytes(packet[head + 2:head + 4], "big") == PORT \
                    and where[2] != socket.PACKET_OUTGOING:
                self.frames.append((source, to, packet[head + 8:]))

    @staticmethod
    def _bound(one, source):
        try:
            one.bind((source, PORT))
        except OSError:
            return False
        return True

    def play(self, done):
        """Again and again, at the hellos' own pace, until told to stop; returns how many."""
        sockets = {}
        with self.stage.pair.a.namespace:
            for source in {frame[0] for frame in self.frames}:
                sockets[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sockets[source].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                wait_until(lambda one=source: self._bound(sockets[one], one), 2,
                           "A's sockets are closed", step=0.002)
        played = 0
        while not done.is_set():
            for source, to, payload in self.frames:
                if done.is_set():
                    break
                sockets[source].sendto(payload, (to, PORT))
                played += 1
                time.sleep(FAST["hello_ms"] / 3000)
        return played


def played_back(report, stage):
    """The master dies, its hellos go on: B takes over as ever, and its gate stays open."""
    watch = Watch(report, stage, "hellos played back")
    a, b = watch.a, watch.b
    tape = Tape(stage)
    tape.record(1.0)
    before = rejected(b, "rejected_other")
    fault = kill_fault(stage, with_links=False)
    done, played = threading.Event(), []
    stage.random_phase()
    began = fault.fire()
    player = threading.Thread(target=lambda: played.append(tape.play(done)))
    player.start()
    took = poll(lambda: b.role() == "master", 5, step=0.005)
    ms = (now_ns() - began) / 1e6
    watch.check("B takes over all the same", took, f"asked for and seen after {ms:.0f} ms")
    time.sleep(2.0)
    watch.check("it stays master, its gate open", b.role() == "master" and b.gate_open())
    watch.alarm(b, NO_PEER)
    done.set()
    player.join()
    sent = sum(played)
    counted = poll(lambda: rejected(b, "rejected_other") - before >= sent > 0, 3)
    watch.check("every one is counted as rejected_other", counted,
                f"{rejected(b, 'rejected_other') - before} of {sent}, {len(tape.frames)} recorded")
    paths = b.display("e-trunk", "1")["e_trunks"][0]["paths"]
    watch.check("no path is up", not any(path["up"] for path in paths))
    a.power_off_done()
    a.reboot()
    a.wait("synced", 30)
    watch.roles("backup", "master")
    watch.alarm_ends(b, NO_PEER)
    return began


def main(args):
    report = Report("etrunk-faults", {"hello": "20 ms x 5", "lacp": "fast"})
    for _ in report.attempts(1, *FAULTS, "played back"):
        with etrunk_attempt(args, "ipv4", {**FAST, "revert_s": 120}) as stage:
            stage.up()
            stage.flow()
            windows = {}
            for name, fault in FAULTS.items():
                time.sleep(0.2)  # the last packets of the fault before
                begin = now_ns()
                fault(Watch(report, stage, name), stage)
                windows[name] = (begin, now_ns())
            begin = now_ns()
            windows["played back"] = (played_back(report, stage), now_ns())
            measured = stage.stop()
            for name, window in windows.items():
                row = measured[0].window(*window)
                row["paused"] += stage.world.pauses.seen(*window)
                report.add_run(name, row)
    for name in LOSES_NOTHING:
        report.check_runs(f"{name}: 0 lost", "lost", 0, name)
    for name, bound in LONGEST_MS.items():
        report.check_runs(f"{name}: longest gap", "longest_gap_ms", bound, name)
    for name in windows:
        report.check_runs(f"{name}: every stream goes on", "stopped", 0, name)
    return report.finish(args.json)
