"""LACP of one node against Open vSwitch: slow and fast, restart, cut, wrong key, one-way link.

Two veth members between the node and a switch in its own namespace. What is checked is what both
ends say: `display eth-trunk` here, `lacp/show` there; and that pings pass through the Eth-Trunk
that the node made of its members, also while its daemon is dead.
"""

import contextlib
import re
import signal
import subprocess
import time

from lib.node import Node
from lib.ovs import OpenVswitch
from lib.report import Report
from lib.world import LabError, World, now_ns, poll, wait_until

BOND = "bond0"
MEMBERS = {"ge0-1-2": "c-1", "ge0-1-3": "c-2"}  # ours -> the switch's
BOTH = sorted(MEMBERS)
CONFIG = """sysname DeviceA
lacp priority 100
interface Eth-Trunk1
 mode lacp-static
 lacp timeout {timeout}
 ip address 10.9.0.1 24
interface GigabitEthernet0/1/2
 undo shutdown
 eth-trunk 1
interface GigabitEthernet0/1/3
 undo shutdown
 eth-trunk 1
"""
DROP = r"""
#include <linux/bpf.h>
__attribute__((section("xdp"), used)) int drop(struct xdp_md *context) { return XDP_DROP; }
char terms[] __attribute__((section("license"), used)) = "GPL";
"""


class OneNode:
    """What lib.node asks of a topology."""

    port_names = {}  # the Eth-Trunk is hotpair's own

    def __init__(self, world):
        self.world = world
        self.nodes = {"a": world.namespace("a")}


class Stage:
    """A node and a switch, two links between them."""

    def __init__(self, world, args, timeout, switch_fast):
        self.world = world
        self.topology = OneNode(world)
        self.router = self.topology.nodes["a"]
        self.access = world.namespace("c")
        for ours, theirs in MEMBERS.items():
            self.router.ip(f"link add {ours} type veth peer name {theirs} "
                           f"netns {self.access.full_name}", f"link set {ours} up")
            self.access.ip(f"link set {theirs} up")
        self.node = Node(self.topology, "a", args.bin, CONFIG.format(timeout=timeout))
        subprocess.run([self.node.bin / "hotpair", "pair", "init", "--pair-key",
                        self.node.pair_key], check=True, capture_output=True)
        self.node.start()
        self.node.wait("ready")
        self.ovs = OpenVswitch(world, self.access)
        self.ovs.add_bond(BOND, MEMBERS.values(), switch_fast)
        # A host of its own: the switch's kernel would answer for its address on the members too.
        host = world.namespace("h")
        host.ip(f"link add eth0 type veth peer name c-h netns {self.access.full_name}",
                "addr add 10.9.0.2/24 dev eth0", "link set eth0 up")
        self.access.ip("link set c-h up")
        self.ovs.vsctl("add-port", "br0", "c-h")

    def trunk(self):
        return self.node.display("eth-trunk", "1")["eth_trunks"][0]

    def port(self, device):
        return next(row for row in self.trunk()["ports"] if row["device"] == device)

    def distributing(self):
        """Devices of the members that the node sends on."""
        return sorted(row["device"] for row in self.trunk()["ports"]
                      if row["mux"] == "DISTRIBUTING")

    def agreed(self, devices):
        """Both ends use exactly these members."""
        wanted = sorted(MEMBERS[device] for device in devices)
        return self.distributing() == sorted(devices) and self.ovs.uses(BOND) == wanted

    def settled(self, devices, timeout):
        """Seconds until both ends agree."""
        begin = time.monotonic()
        wait_until(lambda: self.agreed(devices), timeout, f"both ends use {', '.join(devices)}",
                   step=0.05)
        return time.monotonic() - begin

    def detail(self):
        ours = {row["device"]: f"{row['receive']}/{row['mux']}/{row['actor']['state']}"
                for row in self.trunk()["ports"]}
        theirs = {name: " ".join(one["status"]) for name, one in self.ovs.lacp(BOND).items()}
        return f"{ours} {theirs}"


    def ping(self, count, interval_s):
        """Starts pings through the trunk to the host; .communicate() gives their result."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.router.full_name, "ping", "-q", "-n", "-c", str(count),
             "-i", str(interval_s), "-W", "1", "10.9.0.2"], stdout=subprocess.PIPE, text=True)


def unanswered(ping):
    """How many pings of a finished run had no answer, and the sentence that says so."""
    said = ping.communicate(timeout=30)[0]
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received",
                                        said).groups())
    return sent - received, f"{received} of {sent} answered"


@contextlib.contextmanager
def stage(args, timeout="fast", switch_fast=True):
    with World(args.keep) as world:
        yield Stage(world, args, timeout, switch_fast)


def comes_up(report, args, timeout):
    fast = timeout == "fast"
    with stage(args, timeout, fast) as one:
        seconds = one.settled(BOTH, 40)
        report.check(f"{timeout}: the bond comes up", True, f"{seconds:.1f} s")
        trunk = one.trunk()
        wanted = "11111100" if fast else "10111100"
        report.check(f"{timeout}: PortState {wanted} on both members",
                     poll(lambda: all(row["actor"]["state"] == wanted
                                      for row in one.trunk()["ports"]), 3),
                     [row["actor"]["state"] for row in trunk["ports"]])
        report.check(f"{timeout}: operate status up, 2 ports", trunk["up"]
                     and trunk["up_ports"] == 2)
        shown = one.node.text("eth-trunk", "1")
        report.check(f"{timeout}: the display says so",
                     "Operate status: up              Number Of Up Ports In Trunk: 2" in shown
                     and f"Timeout Period: {timeout.capitalize()}" in shown)
        poll(lambda: unanswered(one.ping(1, 1))[0] == 0, 5)  # neighbours are found
        lost, said = unanswered(one.ping(100, 0.01))
        report.check(f"{timeout}: frames pass through the trunk", lost == 0, said)
        if fast:
            crash(report, one)
        return seconds


def crash(report, one):
    """hotpaird is killed for longer than the partner's timeout: its keeper speaks on."""
    flaps = {name: one.port(name)["counters"]["mux_changes"] for name in BOTH}
    one.node.daemon.send(signal.SIGKILL)
    one.node.daemon.popen.wait()
    ping = one.ping(700, 0.01)
    deadline = time.monotonic() + 5
    kept = True
    while time.monotonic() < deadline:
        kept = kept and one.ovs.uses(BOND) == sorted(MEMBERS.values())
        time.sleep(0.1)
    report.check("crash: the partner keeps both members for 5 s without the daemon", kept)
    one.node.control.unlink(missing_ok=True)
    one.node.start()
    one.node.wait("ready")
    settled = poll(lambda: one.agreed(BOTH), 5)
    same = settled and all(one.port(name)["counters"]["mux_changes"] == flaps[name]
                           for name in BOTH)
    lost, said = unanswered(ping)
    report.check("crash: no frame is lost without the daemon and by its return", lost == 0, said)
    report.check("crash: no member moved while the daemon came back", same, one.detail())


def partner_restarts(report, args):
    with stage(args) as one:
        one.settled(BOTH, 40)
        one.ovs.kill()
        silent = poll(lambda: not one.trunk()["partner_heard"], 6)
        report.check("restart: silence of the partner is seen by the short timeout", silent)
        report.check("restart: no member forwards then", poll(lambda: one.distributing() == [], 1))
        alarmed = poll(lambda: any(each["id"] == "HA-NODE-0022" for each in one.node.alarms()), 2)
        report.check("restart: alarm HA-NODE-0022", alarmed)
        one.ovs.start()
        seconds = one.settled(BOTH, 40)
        report.check("restart: both members are back", True, f"{seconds:.1f} s after the start")
        report.check("restart: the alarm is over", poll(
            lambda: not any(each["id"] == "HA-NODE-0022" for each in one.node.alarms()), 2))


def member_cut(report, args):
    with stage(args) as one:
        one.settled(BOTH, 40)
        begin = now_ns()
        one.access.ip("link set c-2 down")
        left = poll(lambda: one.distributing() == ["ge0-1-2"], 2, step=0.005)
        took = (now_ns() - begin) / 1e6
        report.check("cut: the member leaves at once", left, f"{took:.0f} ms with the display")
        report.check("cut: the partner goes on with the other",
                     poll(lambda: one.ovs.uses(BOND) == ["c-1"], 5))
        report.check("cut: the trunk stays up", one.trunk()["up"])
        one.access.ip("link set c-2 up")
        seconds = one.settled(BOTH, 20)
        report.check("cut: the member comes back", True, f"{seconds:.1f} s")


def wrong_key(report, args):
    """The switch has the two links in two aggregates: same system, different keys."""
    with stage(args) as one:
        one.settled(BOTH, 40)
        one.ovs.vsctl("del-port", "br0", BOND)
        for port in MEMBERS.values():
            one.ovs.vsctl("add-port", "br0", port, "--", "set", "port", port, "lacp=active",
                          "other_config:lacp-time=fast")
        rows = {}

        def apart():
            rows.update({row["device"]: row for row in one.trunk()["ports"]})
            return (len(one.distributing()) == 1
                    and len({row["partner"]["key"] for row in rows.values()}) == 2
                    and all(row["receive"] == "CURRENT" for row in rows.values()))

        out = poll(apart, 10)
        shown = {device: (row["selected"], row["receive"], row["mux"], row["partner"]["key"])
                 for device, row in rows.items()}
        report.check("wrong key: one member forwards, the other is heard and stays out", out
                     and sorted(row["selected"] for row in rows.values())
                     == ["SELECTED", "UNSELECTED"], shown)
        report.check("wrong key: the trunk is up", one.trunk()["up"])
        for port in MEMBERS.values():
            one.ovs.vsctl("del-port", "br0", port)
        one.ovs.add_bond(BOND, MEMBERS.values(), True)
        seconds = one.settled(BOTH, 20)
        report.check("wrong key: healed", True, f"{seconds:.1f} s")


def one_way(report, args):
    with stage(args) as one:
        one.settled(BOTH, 40)
        source = one.world.dir / "drop.c"
        source.write_text(DROP)
        program = source.with_suffix(".o")
        built = subprocess.run(["clang-19", "-O2", "-target", "bpf", "-I",
                                "/usr/include/x86_64-linux-gnu", "-c", source, "-o", program],
                               capture_output=True, text=True)
        if built.returncode != 0:
            raise LabError(built.stderr)
        begin = time.monotonic()
        one.router.ip(f"link set ge0-1-3 xdpgeneric obj {program} sec xdp")  # deaf, not dumb
        left = poll(lambda: one.distributing() == ["ge0-1-2"], 6)
        took = time.monotonic() - begin
        report.check("one way: the deaf member is out within the short timeout", left
                     and took < 4.5, f"{took:.1f} s")
        told = poll(lambda: one.ovs.uses(BOND) == ["c-1"], 8)
        report.check("one way: the partner is told", told,
                     f"{time.monotonic() - begin:.1f} s; {one.detail()}")
        report.check("one way: the trunk stays up on the other", one.trunk()["up"])
        one.router.ip("link set ge0-1-3 xdpgeneric off")
        seconds = one.settled(BOTH, 20)
        report.check("one way: healed", True, f"{seconds:.1f} s")


def main(args):
    report = Report("lacp-ovs", {"fast": "1 s x 3", "slow": "30 s x 3", "aggregate wait": "2 s"})
    for timeout in ("fast", "slow"):
        comes_up(report, args, timeout)
    for case in (partner_restarts, member_cut, wrong_key, one_way):
        case(report, args)
    return report.finish(args.json)
