"""The access device is Linux: a kernel bond (802.3ad) in a virtual machine, for Open vSwitch.

    a --- ge0-1-2 | c-a <-> vm-a | eth0 \\
                                         bond0 - br0 - eth2 | vm-lan <-> c-lan | lan
    b --- ge0-1-3 | c-b <-> vm-b | eth1 /

A bridge would keep LACPDUs, so each link's end and the machine's tap are redirected to each other
(tc). Carrier follows: what the kernel says of c-a and c-b is told to qemu, and by it to the guest.
"""

import re
import socket
import struct
import threading
import time

from .etrunk import PARTNER_PORT, AccessSwitch, EtrunkScene
from .microvm import MicroVm
from .scenario import attempt
from .streams import Plan
from .world import now_ns

MIIMON_MS = 100
TICK_MS = 100     # the bond's machines run ten times a second,
SEND_SLOT_MS = 300  # and it sends in every third of these ticks at most
SLAVE = {"a": "eth0", "b": "eth1"}
TAPS = {"c-a": "vm-a", "c-b": "vm-b", "c-lan": "vm-lan"}
NET = "drivers/net"
MODULES = dict.fromkeys((
    "drivers/virtio/virtio_ring", "drivers/virtio/virtio", "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev", "drivers/virtio/virtio_pci", "net/core/failover",
    f"{NET}/net_failover", f"{NET}/virtio_net", "net/llc/llc", "net/802/stp", "net/bridge/bridge",
    "net/tls/tls"), "")
MODULES[f"{NET}/bonding/bonding"] = (
    f"mode=802.3ad miimon={MIIMON_MS} lacp_rate=fast ad_select=stable")
SETUP = """
echo 'func ad_mux_machine +p' >/proc/dynamic_debug/control
bond=/sys/class/net/bond0/bonding
brctl addbr br0
echo 0 >/sys/class/net/br0/bridge/multicast_snooping
for one in all default bond0 br0 eth0 eth1 eth2; do
  echo 1 >/proc/sys/net/ipv6/conf/$one/disable_ipv6
done
ip link set bond0 up
echo +eth0 >$bond/slaves
echo +eth1 >$bond/slaves
brctl addif br0 bond0
brctl addif br0 eth2
ip link set eth2 up
ip link set br0 up
"""
RTMGRP_LINK, RTM_NEWLINK, RTM_GETLINK, NLM_F_REQUEST_DUMP = 1, 16, 18, 0x301
IFF_LOWER_UP = 0x10000
COLLECTING_AND_DISTRIBUTING = 0x30  # of PortState
COLLECTS = 4


class CarrierFollower(threading.Thread):
    """Tells qemu of every change of carrier of the links' ends."""

    def __init__(self, namespace, machine, links):
        super().__init__(daemon=True)
        self._machine = machine
        with namespace:
            self._links = {socket.if_nametoindex(name): tap for name, tap in links.items()}
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self._socket.bind((0, RTMGRP_LINK))
        self._socket.settimeout(0.2)
        self._up = dict.fromkeys(links.values(), True)  # as qemu begins
        self._socket.send(struct.pack("=IHHIIB15x", 32, RTM_GETLINK, NLM_F_REQUEST_DUMP, 1, 0, 0))
        self._stopping = False
        self.changes = []  # (ns, tap, up)

    def run(self):
        while not self._stopping:
            try:
                messages = self._socket.recv(65536)
            except TimeoutError:
                continue
            while len(messages) >= 16:
                length, kind = struct.unpack_from("=IH", messages)
                if kind == RTM_NEWLINK:
                    self._heard(*struct.unpack_from("=iI", messages, 20))
                messages = messages[(length + 3) & ~3:]

    def _heard(self, index, flags):
        tap, up = self._links.get(index), bool(flags & IFF_LOWER_UP)
        if tap is None or self._up[tap] == up:
            return
        self._up[tap] = up
        self._machine.qmp("set_link", name=tap, up=up)
        self.changes.append((now_ns(), tap, up))

    def stop(self):
        self._stopping = True
        self.join(2)
        self._socket.close()


def _state(text):
    """PortState; the kernel says N/A of a port that is in no aggregator yet."""
    return int(text) if text.isdigit() else 0


class KernelBond:
    """The guest's bond; answers what lib.etrunk asks of the switch."""

    def __init__(self, world, namespace):
        self.namespace = namespace
        namespace.ip(*[f"tuntap add dev {tap} mode tap vnet_hdr" for tap in TAPS.values()],
                     *[f"link set {tap} up" for tap in TAPS.values()])
        namespace.sysctl(**{f"ipv6__conf__{name}__disable_ipv6": 1
                            for pair in TAPS.items() for name in pair})
        self.machine = MicroVm(world, namespace, TAPS.values(), MODULES, SETUP)
        for one, other in TAPS.items():
            self._redirect(one, other)
            self._redirect(other, one)
        self._follower = CarrierFollower(namespace, self.machine,
                                         {link: TAPS[link] for link in PARTNER_PORT.values()})
        self._follower.start()
        world.on_close(self._follower.stop)

    def _redirect(self, from_, to):
        self.namespace.run("tc", "qdisc", "add", "dev", from_, "clsact")
        self.namespace.run("tc", "filter", "add", "dev", from_, "ingress", "bpf", "bytecode",
                           "1,6 0 0 4294967295,", "action", "mirred", "egress", "redirect", "dev",
                           to)

    def slaves(self):
        """Node -> what the bond shows of the link to it: active (it sends and receives there),
        mii, aggregator, and both ends' PortState as numbers."""
        words = ("state", "mii_status", "ad_aggregator_id", "ad_actor_oper_port_state",
                 "ad_partner_oper_port_state")
        script = (f"for d in {' '.join(SLAVE.values())}; do for f in {' '.join(words)}; do "
                  "read -r x </sys/class/net/$d/bonding_slave/$f; echo $x; done; done")
        said = self.machine.run(script).split("\n")
        rows = [said[at:at + len(words)] for at in range(0, len(said), len(words))]
        return {node: {"active": row[0] == "active", "mii": row[1], "aggregator": row[2],
                       "actor": _state(row[3]), "partner": _state(row[4])}
                for node, row in zip(SLAVE, rows)}

    def uses(self, _bond):
        """The links that it sends on, by the names of etrunk.PARTNER_PORT."""
        return sorted(PARTNER_PORT[node] for node, one in self.slaves().items()
                      if one["active"] and one["mii"] == "up"
                      and one["actor"] & COLLECTING_AND_DISTRIBUTING)

    def lacp(self, _bond):
        """In the words of the switch's display."""
        return {PARTNER_PORT[node]: {"status": [f"mii {one['mii']}", f"LAG {one['aggregator']}",
                                                f"actor {one['actor']:08b}",
                                                f"partner {one['partner']:08b}"],
                                     "may_enable": one["active"]}
                for node, one in self.slaves().items()}

    def moves(self, node):
        """(ns, mux state) of the port to a node, by the guest's console, in the kernel's numbers
        (mux_states_t): 3 is ATTACHED, from 4 on it collects and distributes."""
        number = list(SLAVE).index(node) + 1
        found = [(at, re.search(rf"Port={number}, Last State=\d, Curr State=(\d)", line))
                 for at, line in list(self.machine.console.lines)]
        return [(at, int(match.group(1))) for at, match in found if match]

    def enabled_at(self, member, begin):
        """When its port first collected and distributed after `begin`; wall time in seconds."""
        node = next(name for name, port in PARTNER_PORT.items() if port == member)
        offset = time.time() - now_ns() / 1e9
        return next((at / 1e9 + offset for at, state in self.moves(node)
                     if state >= COLLECTS and at / 1e9 + offset >= begin), None)


class SmallPlan(Plan):
    """20 groups at 50/s: what the emulated guest carries without loss, with room to spare."""

    def __init__(self, family, source):
        super().__init__(family, source)
        self.old, self.any = self.old.replace("+67", "+7"), self.any.replace("+67", "+7")
        self.listed = self.listed.replace("+66", "+5")
        self.fast_rate = self.slow_rate
        other = "10.0.5.99" if family == "ipv4" else "2001:db8:40::99"
        self.joins = [("h1", self.old, None), ("h2", f"{self.any},{self.fast}", None),
                      ("h3", self.listed, f"{source},{other}")]


class KernelBondAccess(AccessSwitch):
    """C is the guest with its bond."""

    plan = SmallPlan

    def _make_switch(self):
        return KernelBond(self.world, self.access)


class KernelBondScene(EtrunkScene):
    def make_topology(self):
        return KernelBondAccess(self.world, fast=True)

    def up(self, converge=True):
        self.switch.machine.booted()
        super().up(converge)


def kernel_bond_attempt(args, family, values):
    """One run that is set aside when the machine stood still; see scenario.attempt()."""
    return attempt(args, family, values, kind=KernelBondScene)
