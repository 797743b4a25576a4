"""BFD with FRR's bfdd: IPv4 and IPv6, single hop and multihop, FRR active and passive.

Timer changes from either side, AdminDown from either side, a killed hotpaird (sessions stay up), a
killed peer (seen within the detection time, plus what a busy machine adds).
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from lib.node import Node
from lib.report import Report
from lib.world import LabError, World, answers, poll, wait_until

FRR = Path("/usr/lib/frr")
INTERVAL_MS, MULTIPLIER = 50, 5
SESSIONS = ("one4", "one6", "far4", "far6")
OURS = {"one4": "10.0.0.1", "one6": "2001:db8::1", "far4": "1.1.1.1", "far6": "2001:db8:11::1"}
THEIRS = {"one4": "10.0.0.2", "one6": "2001:db8::2", "far4": "2.2.2.2", "far6": "2001:db8:22::2"}
PORT = "GigabitEthernet0/1/1"


def our_config(min_tx=INTERVAL_MS, down=()):
    lines = ["sysname DeviceA", "#", "bfd", "#", f"interface {PORT}",
             " ip address 10.0.0.1 24", " ipv6 enable", " ipv6 address 2001:db8::1/64", "#",
             "interface LoopBack0", " ip address 1.1.1.1 32", " ipv6 enable",
             " ipv6 address 2001:db8:11::1/128", "#"]
    for number, name in enumerate(SESSIONS):
        six = "v6" if name.endswith("6") else ""
        through = f" interface {PORT}" if name.startswith("one") else ""
        lines += [f"bfd {name} bind peer-ip{six} {THEIRS[name]}{through}"
                  f" source-ip{six} {OURS[name]}",
                  f" discriminator local {number + 1}", f" min-tx-interval {min_tx}",
                  f" min-rx-interval {INTERVAL_MS}", f" detect-multiplier {MULTIPLIER}"]
        lines += [" shutdown"] * (name in down) + [" minimum-ttl 250"] * name.startswith("far")
        lines += ["#"]
    return "\n".join([*lines, "return", ""])


def frr_config(passive):
    lines = ["bfd"]
    for name in SESSIONS:
        how = " interface eth0" if name.startswith("one") else ""
        hops = " multihop" if name.startswith("far") else ""
        lines += [f" peer {OURS[name]}{hops} local-address {THEIRS[name]}{how}",
                  f"  receive-interval {INTERVAL_MS}", f"  transmit-interval {INTERVAL_MS}",
                  f"  detect-multiplier {MULTIPLIER}"]
        lines += ["  minimum-ttl 250"] * name.startswith("far")
        lines += ["  passive-mode"] * passive + [" !"]
    return "\n".join([*lines, "!", ""])


class Wire:
    """What lib.node.Node needs of a topology: our router `a` and FRR's, one link."""

    port_names = {}

    def __init__(self, world):
        self.world = world
        self.nodes = {"a": world.namespace("a"), "frr": world.namespace("frr")}
        ours, theirs = self.nodes["a"], self.nodes["frr"]
        ours.ip(f"link add ge0-1-1 type veth peer name eth0 netns {theirs.full_name}",
                "link set ge0-1-1 up")
        theirs.ip("addr add 10.0.0.2/24 dev eth0", "addr add 2001:db8::2/64 dev eth0 nodad",
                  "addr add 2.2.2.2/32 dev lo", "addr add 2001:db8:22::2/128 dev lo nodad",
                  "link set eth0 up", "route add 1.1.1.1/32 via 10.0.0.1",
                  "route add 2001:db8:11::1/128 via 2001:db8::1")
        ours.ip("addr add 10.0.0.1/24 dev ge0-1-1", "addr add 2001:db8::1/64 dev ge0-1-1 nodad",
                "addr add 1.1.1.1/32 dev lo", "addr add 2001:db8:11::1/128 dev lo nodad",
                "route add 2.2.2.2/32 via 10.0.0.2",
                "route add 2001:db8:22::2/128 via 2001:db8::2")


class Bfdd:
    """zebra and bfdd in the other namespace, with sockets and files of this run."""

    def __init__(self, world, namespace, passive):
        self.world = world
        self.namespace = namespace
        self.dir = world.dir / f"frr-{time.monotonic_ns()}"
        self.dir.mkdir(mode=0o777)
        self.dir.chmod(0o777)
        if not (FRR / "bfdd").exists():
            raise LabError("FRR is not installed: run scripts/setup")
        (self.dir / "zebra.conf").write_text("")
        (self.dir / "bfdd.conf").write_text(frr_config(passive))
        self.zebra = self._start("zebra")
        wait_until((self.dir / "zapi").exists, 20, "zebra's socket")
        self.start()

    def _start(self, name, *more):
        return self.world.start(
            self.namespace, FRR / name, "-z", self.dir / "zapi", "--vty_socket", self.dir,
            "-i", self.dir / f"{name}.pid", "-f", self.dir / f"{name}.conf", "-A", "127.0.0.1",
            "-P", "0", *more, log=f"{name}-{time.monotonic_ns()}")

    def start(self):
        (self.dir / "bfdd.vty").unlink(missing_ok=True)
        self.bfdd = self._start("bfdd", "--bfdctl", self.dir / "bfdd.sock")
        wait_until(lambda: self.bfdd.alive() and answers(self.dir / "bfdd.vty"), 20,
                   "bfdd's socket")

    def vtysh(self, *commands):
        argv = ["vtysh", "--vty_socket", str(self.dir), "-d", "bfdd"]
        for command in commands:
            argv += ["-c", command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise LabError(f"vtysh {commands}: {done.stdout}{done.stderr}")
        return done.stdout

    def peers(self):
        shown = json.loads(self.vtysh("show bfd peers json") or "[]")
        names = {address: name for name, address in OURS.items()}
        return {names[peer["peer"]]: peer for peer in shown if peer["peer"] in names}

    def downs(self):
        shown = json.loads(self.vtysh("show bfd peers counters json") or "[]")
        return sum(int(peer.get("session-down", 0)) for peer in shown)

    def configure(self, name, *lines):
        how = " interface eth0" if name.startswith("one") else ""
        hops = " multihop" if name.startswith("far") else ""
        peer = f"peer {OURS[name]}{hops} local-address {THEIRS[name]}{how}"
        self.vtysh("configure terminal", "bfd", peer, *lines)


class Bench:
    def __init__(self, world, args, passive):
        wire = Wire(world)
        self.node = Node(wire, "a", args.bin, our_config())
        self.frr = Bfdd(world, wire.nodes["frr"], passive)

    def ours(self):
        shown = self.node.display("bfd", "session", "all")
        return {row["name"]: row for row in shown["sessions"]}

    def all_up(self):
        ours, theirs = self.ours(), self.frr.peers()
        return (len(ours) == len(theirs) == len(SESSIONS)
                and all(row["state"] == "Up" and not row["polling"] for row in ours.values())
                and all(peer["status"] == "up" for peer in theirs.values()))

    def downs(self):
        return sum(row["times_down"] for row in self.ours().values())

    def reconfigure(self, **options):
        self.node.config.write_text(our_config(**options))
        os.kill(self.node.daemon.pid, signal.SIGHUP)


def come_up(report, bench, role):
    bench.node.start()
    bench.node.wait("ready")
    good = poll(bench.all_up, 40, 0.1)
    report.check(f"{role}: four sessions come up", good,
                 {name: row["state"] for name, row in bench.ours().items()})
    for name, row in bench.ours().items():
        wanted = row["tx_interval_us"] == INTERVAL_MS * 1000
        wanted = wanted and row["detection_us"] == INTERVAL_MS * 1000 * MULTIPLIER
        report.check(f"{role}: {name} has the timers of both", wanted,
                     (row["tx_interval_us"], row["detection_us"]))


def timers_change(report, bench, role):
    before = bench.downs(), bench.frr.downs()
    bench.reconfigure(min_tx=200)
    slower = poll(lambda: all(peer["remote-transmit-interval"] == 200
                              for peer in bench.frr.peers().values()), 20, 0.1)
    report.check(f"{role}: our slower interval arrives at FRR", slower)
    settled = poll(lambda: all(row["tx_interval_us"] == 200_000 and not row["polling"]
                               for row in bench.ours().values()), 20, 0.1)
    report.check(f"{role}: and is used after the poll", settled)
    bench.reconfigure()
    for name in SESSIONS:
        bench.frr.configure(name, "transmit-interval 150")
    theirs = poll(lambda: all(row["rx_interval_us"] == 150_000
                              for row in bench.ours().values()), 20, 0.1)
    report.check(f"{role}: FRR's slower interval arrives here", theirs)
    for name in SESSIONS:
        bench.frr.configure(name, f"transmit-interval {INTERVAL_MS}")
    poll(lambda: all(row["rx_interval_us"] == INTERVAL_MS * 1000
                     for row in bench.ours().values()), 20, 0.1)
    after = bench.downs(), bench.frr.downs()
    report.check(f"{role}: no session went down meanwhile", before == after, f"{before} {after}")


def admin_down(report, bench, role):
    bench.reconfigure(down=("one4",))
    seen = poll(lambda: bench.frr.peers()["one4"]["status"] == "down", 10, 0.1)
    report.check(f"{role}: FRR sees our AdminDown", seen, bench.frr.peers()["one4"]["status"])
    bench.reconfigure()
    report.check(f"{role}: and comes back", poll(bench.all_up, 20, 0.1))
    bench.frr.configure("far6", "shutdown")
    seen = poll(lambda: bench.ours()["far6"]["last_reason"] == "peer is shut down", 10, 0.1)
    report.check(f"{role}: we see FRR's AdminDown", seen, bench.ours()["far6"]["last_reason"])
    bench.frr.configure("far6", "no shutdown")
    report.check(f"{role}: and come back", poll(bench.all_up, 20, 0.1))


def daemon_killed(report, bench, role):
    keeper = bench.node.keeper_now()
    before = bench.frr.downs()
    os.kill(bench.node.daemon.pid, signal.SIGKILL)
    bench.node.daemon.popen.wait()
    time.sleep(3)
    peers = bench.frr.peers()
    report.check(f"{role}: hotpaird is dead, FRR still sees every session up",
                 all(peer["status"] == "up" for peer in peers.values())
                 and bench.frr.downs() == before)
    bench.node.start()
    bench.node.wait("ready")
    same = poll(lambda: bench.node.keeper_now() == keeper, 10, 0.1)
    report.check(f"{role}: it is back with the same keeper, nothing went down",
                 same and poll(bench.all_up, 10, 0.1) and bench.frr.downs() == before)


def peer_killed(report, bench, role):
    os.kill(bench.frr.bfdd.pid, signal.SIGKILL)
    killed = time.monotonic()
    gone = poll(lambda: all(row["state"] == "Down" for row in bench.ours().values()), 10, 0.05)
    took = time.monotonic() - killed
    rows = bench.ours()
    report.check(f"{role}: a killed bfdd is seen by its silence", gone and all(
        row["last_reason"] == "detection time expired" for row in rows.values()), f"{took:.2f} s")
    bench.frr.start()
    report.check(f"{role}: and its return", poll(bench.all_up, 40, 0.1))


def main(args):
    report = Report("bfd-frr", {"interval": f"{INTERVAL_MS} ms x {MULTIPLIER}"})
    for role, passive in (("FRR active", False), ("FRR passive", True)):
        with World(args.keep) as world:
            bench = Bench(world, args, passive)
            come_up(report, bench, role)
            timers_change(report, bench, role)
            admin_down(report, bench, role)
            daemon_killed(report, bench, role)
            peer_killed(report, bench, role)
    return report.finish(args.json)
