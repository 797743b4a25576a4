"""BFD with FRR's bfdd: IPv4 and IPv6, single hop and multihop, FRR active and passive.

Timer changes from either side, AdminDown from either side, a killed hotpaird (sessions stay up), a
killed peer (seen within the detection time, plus what a busy machine adds).
"""

import os
import signal
import time

from lib.frr import Frr
from lib.node import Node
from lib.report import Report
from lib.wire import Wire
from lib.world import World, poll

INTERVAL_MS, MULTIPLIER = 50, 5
SESSIONS = ("one4", "one6", "far4", "far6")
OURS = {"one4": "10.0.0.1", "one6": "2001:db8::1", "far4": "1.1.1.1", "far6": "2001:db8:11::1"}
THEIRS = {"one4": "10.0.0.2", "one6": "2001:db8::2", "far4": "2.2.2.2", "far6": "2001:db8:22::2"}
PORT = "GigabitEthernet0/1/1"
ADDRESSES = ({"ge0-1-1": ["10.0.0.1/24", "2001:db8::1/64"],
              "lo": ["1.1.1.1/32", "2001:db8:11::1/128"]},
             {"eth0": ["10.0.0.2/24", "2001:db8::2/64"],
              "lo": ["2.2.2.2/32", "2001:db8:22::2/128"]})
ROUTES = (("2.2.2.2/32 via 10.0.0.2", "2001:db8:22::2/128 via 2001:db8::2"),
          ("1.1.1.1/32 via 10.0.0.1", "2001:db8:11::1/128 via 2001:db8::1"))


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


class Bfdd(Frr):
    """FRR's bfdd at the other end, with questions about BFD."""

    def peers(self):
        names = {address: name for name, address in OURS.items()}
        return {names[peer["peer"]]: peer for peer in self.show("bfd peers")
                if peer["peer"] in names}

    def downs(self):
        return sum(int(peer.get("session-down", 0)) for peer in self.show("bfd peers counters"))

    def change(self, name, *lines):
        how = " interface eth0" if name.startswith("one") else ""
        hops = " multihop" if name.startswith("far") else ""
        peer = f"peer {OURS[name]}{hops} local-address {THEIRS[name]}{how}"
        self.configure("bfd", peer, *lines)


class Bench:
    def __init__(self, world, args, passive):
        wire = Wire(world, *ADDRESSES, routes=ROUTES)
        self.node = Node(wire, "a", args.bin, our_config())
        self.frr = Bfdd(world, wire.nodes["frr"], frr_config(passive), ("bfdd",)).start()

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
        bench.frr.change(name, "transmit-interval 150")
    theirs = poll(lambda: all(row["rx_interval_us"] == 150_000
                              for row in bench.ours().values()), 20, 0.1)
    report.check(f"{role}: FRR's slower interval arrives here", theirs)
    for name in SESSIONS:
        bench.frr.change(name, f"transmit-interval {INTERVAL_MS}")
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
    bench.frr.change("far6", "shutdown")
    seen = poll(lambda: bench.ours()["far6"]["last_reason"] == "peer is shut down", 10, 0.1)
    report.check(f"{role}: we see FRR's AdminDown", seen, bench.ours()["far6"]["last_reason"])
    bench.frr.change("far6", "no shutdown")
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
    bench.frr.kill("bfdd")
    killed = time.monotonic()
    gone = poll(lambda: all(row["state"] == "Down" for row in bench.ours().values()), 10, 0.05)
    took = time.monotonic() - killed
    rows = bench.ours()
    report.check(f"{role}: a killed bfdd is seen by its silence", gone and all(
        row["last_reason"] == "detection time expired" for row in rows.values()), f"{took:.2f} s")
    bench.frr.restart_daemon("bfdd")
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
