"""The floating pair: one PIM router of two nodes on a LAN, and one gateway for hosts on another.

    src --- d (FRR) --- a --- core (bridge) --- c (FRR) --- host
                \\------ b ----/
                a --- b (GigabitEthernet0/1/1)
            a, b --- access (bridge) --- g

On the core LAN the address 10.0.50.254 floats with PIM's identity, and c's way to the source goes
by it; the uplinks have identities of their own. On the access LAN 10.0.15.254 is g's gateway and
follows the profile of Eth-Trunk1, an ordinary device here. The host joins 1000 channels of SSM.

Or all of it in a VPN instance: core, access and uplinks; the nodes speak with each other by
GigabitEthernet0/1/1 in the public one.
"""

import ipaddress
import socket
import struct
import threading

from .faults import Link
from .frr import Frr, pim_config
from .node import Pair
from .scenario import Scene
from .streams import expand
from .topology import QUIET, settle
from .world import now_ns, wait_until

CORE, ACCESS, UPLINK = "ge0-1-5", "eth-trunk1", "ge0-1-3"
INSTANCE, TABLE = "red", 10
SHARED, GATEWAY = "10.0.50.254", "10.0.15.254"
VIRTUAL_MAC = bytes([0x02, 0x68, 10, 0, 50, 254])
SOURCE = "10.0.5.10"
SLOW, FAST_GROUP, CHANNELS = "232.1.0.1+999", "232.1.9.1", 1000
NODES = {"a": ("1.1.1.1", "10.0.12", 1, 150), "b": ("3.3.3.3", "10.0.23", 2, 100)}
ETH_P_ALL, PIM, HELLO, JOIN_PRUNE = 3, 103, 0, 3
OPTION_GENID, OPTION_HOLDTIME = 20, 1


class Plan:
    """One host and 1000 channels, for lib.streams."""

    slow_rate, fast_rate = 5, 1000

    def __init__(self, family, source):
        self.family = family
        self.source = source
        self.slow, self.fast = SLOW, FAST_GROUP
        self.joins = [("host", f"{SLOW},{FAST_GROUP}", source)]

    def groups(self):
        return [g for part in (self.slow, self.fast) for g in expand(part)]


class FloatingLan:
    """Namespaces, links, addresses and routes of the operator, and FRR at c and d."""

    port_names = {"Eth-Trunk1": ACCESS}
    plan = Plan

    def __init__(self, world, in_vrf=False):
        self.world = world
        self.in_vrf = in_vrf
        names = ("src", "d", "a", "b", "core", "access", "c", "host", "g")
        self.all = {name: world.namespace(name) for name in names}
        self.source, self.nodes = self.all["src"], {name: self.all[name] for name in NODES}
        self.hosts = {"host": self.all["host"]}
        for namespace in self.all.values():
            namespace.sysctl(**QUIET)
        self._bridge("core", CORE, ("a", "b", "c"))
        self._bridge("access", ACCESS, ("a", "b", "g"))
        for number, ends in enumerate((("src", "eth0", "d", "ge0-1-1"),
                                       ("d", "ge0-1-3", "a", UPLINK),
                                       ("d", "ge0-1-2", "b", UPLINK),
                                       ("a", "ge0-1-1", "b", "ge0-1-1"),
                                       ("c", "ge0-1-6", "host", "eth0"))):
            near, device, far, other = ends
            self.all[near].ip(f"link add {device} index {30 + number} type veth peer name {other} "
                              f"netns {self.all[far].full_name}")
        self._address()
        self.frr = {"c": Frr(world, self.all["c"], pim_config("c", [CORE, "ge0-1-6"],
                                                              igmp=("ge0-1-6",)), ("pimd",)),
                    "d": Frr(world, self.all["d"], pim_config("d", ["ge0-1-1", "ge0-1-2",
                                                                    "ge0-1-3"]), ("pimd",))}

    @staticmethod
    def source_address(_family):
        return SOURCE

    def _bridge(self, name, device, stations):
        bridge = self.all[name]
        for number, station in enumerate(stations):
            self.all[station].ip(f"link add {device} index {50 + 10 * len(name) + number} "
                                 f"type veth peer name p-{station} netns {bridge.full_name}")
        bridge.ip("link add br0 type bridge mcast_snooping 0 stp_state 0", "link set br0 up",
                  *[f"link set p-{station} master br0 up" for station in stations])

    def _up(self, name, addresses, routes=()):
        self.all[name].ip(*[f"link set {device} up" for device, _ in addresses],
                          *[f"addr add {address} dev {device}" for device, address in addresses],
                          *[f"route add {route}" for route in routes])

    def _address(self):
        for name, (own, uplink, number, _) in NODES.items():
            peer, away, _, _ = next(values for other, values in NODES.items() if other != name)
            self._up(name, [("lo", f"{own}/32"), (UPLINK, f"{uplink}.1/24"),
                            ("ge0-1-1", f"10.0.13.{number}/24"), (CORE, f"10.0.50.{number}/24"),
                            (ACCESS, f"10.0.15.{number}/24")])
            self._peer_routes(name, peer, away, uplink)
        self._up("src", [("eth0", f"{SOURCE}/24")], ["default via 10.0.5.2"])
        self._up("d", [("ge0-1-1", "10.0.5.2/24"), ("ge0-1-3", "10.0.12.2/24"),
                       ("ge0-1-2", "10.0.23.2/24")],
                 ["1.1.1.1/32 via 10.0.12.1", "3.3.3.3/32 via 10.0.23.1",
                  "10.0.15.0/24 via 10.0.12.1"])
        self._up("c", [(CORE, "10.0.50.3/24"), ("ge0-1-6", "10.0.60.1/24")],
                 [f"10.0.5.0/24 via {SHARED}"])
        self._up("host", [("eth0", "10.0.60.10/24")], ["default via 10.0.60.1"])
        self._up("g", [(ACCESS, "10.0.15.101/24")], [f"default via {GATEWAY}"])

    def _peer_routes(self, name, peer, away, uplink):
        near = {"a": "10.0.13.2", "b": "10.0.13.1"}[name]
        way = f"via {uplink}.2 dev {UPLINK}"
        table = f" table {TABLE}" if self.in_vrf else ""
        self.nodes[name].ip(f"route add {peer}/32 via {near} metric 10",
                            f"route add {away}.0/24 {way}{table}",
                            f"route add 10.0.5.0/24 {way}{table}")
        if not self.in_vrf:
            self.nodes[name].ip(f"route add {peer}/32 {way} metric 20")
            return
        # Devices of floating addresses are the daemon's, and so are their rules.
        self.nodes[name].ip(*[f"rule add {end} {device} lookup {TABLE}"
                              for device in (CORE, ACCESS, UPLINK) for end in ("iif", "oif")])

    def links_of(self, name):
        return [Link(self.nodes[name], device) for device in (CORE, ACCESS, UPLINK, "ge0-1-1")]


def config(name, timers, in_vrf=False):
    own, uplink, number, priority = NODES[name]
    peer = next(values[0] for other, values in NODES.items() if other != name)
    enable = ["multicast routing-enable"]
    bound = []
    if in_vrf:
        enable = [f"ip vpn-instance {INSTANCE}", f" route-table {TABLE}", " " + enable[0]]
        bound = [f" ip binding vpn-instance {INSTANCE}"]
    return "\n".join([
        f"sysname {name.upper()}", "#", *enable, "#", "e-trunk 1",
        f" priority {priority}", f" peer-address {peer} source-address {own}",
        " security-key cipher floating",
        f" timer hello-ms {timers['hello_ms']}",
        f" timer hold-on-failure multiplier {timers['multiplier']}",
        f" timer revert delay {timers['revert_s']}",
        f" timer restart-grace {timers['grace_s']}", "#",
        "remote-backup-service service1", f" peer {peer} source {own} port 1025", "#",
        "remote-backup-profile profile1", " service-type igmp",
        " backup-id 10 remote-backup-service service1", " peer-backup hot",
        " e-trunk 1 eth-trunk 1", "#",
        "interface Eth-Trunk1", *bound, f" ip address 10.0.15.{number} 24",
        f" ip address {GATEWAY} 24 floating", " igmp enable", " mode lacp-static", " e-trunk 1",
        " remote-backup-profile profile1",
        "#", "interface GigabitEthernet0/1/1", f" ip address 10.0.13.{number} 24", "#",
        "interface GigabitEthernet0/1/3", *bound, f" ip address {uplink}.1 24", " pim sm", "#",
        "interface GigabitEthernet0/1/5", *bound, f" ip address 10.0.50.{number} 24",
        f" ip address {SHARED} 255.255.255.0 floating", " pim identity floating", " pim sm", "#",
        "interface LoopBack0", f" ip address {own} 32", "#", "return", ""])


class FloatingScene(Scene):
    """The pair upon it, with the host's streams."""

    slow_ms = 1000 / Plan.slow_rate
    in_vrf = False

    def make_topology(self):
        return FloatingLan(self.world, self.in_vrf)

    def make_configs(self, extra):
        return {name: config(name, self.timers, self.in_vrf) for name in NODES}

    def up(self):
        for frr in self.topology.frr.values():
            frr.start()
        super().up()
        c = self.topology.frr["c"]
        wait_until(lambda: c.neighbors().get(CORE) == [SHARED], 40,
                   f"c has the shared address as its one neighbour: {c.neighbors()}", step=0.2)

    def reaches_source(self):
        """g does, by its gateway: a forwards what comes to the virtual MAC."""
        said = self.topology.all["g"].run("ping", "-n", "-c", "1", "-W", "1", SOURCE, check=False)
        return f"bytes from {SOURCE}" in said

    def flow(self, warm_up=1.0):
        self.streams[0].join()
        wait_until(lambda: all(self.channels(node) >= CHANNELS for node in self.pair.nodes), 60,
                   f"{CHANNELS} channels at both nodes: "
                   f"{[self.channels(node) for node in self.pair.nodes]}", step=0.3)
        wait_until(lambda: len(self.topology.frr["d"].joins()) >= 2 * CHANNELS, 60,
                   "d has the joins of both nodes", step=0.5)
        self._unbundle()
        self.streams[0].send()
        settle(warm_up)
        self.expect_no_pause()
        self.flowing_since = now_ns()

    def _unbundle(self):
        """FRR 8.4 takes a new generation id up (its log: join timers go to t_override), then frees
        the neighbour's bundle of joins, which sets them to 60 s again. A second new one within
        those 60 s works, for they are in no bundle then; so there is a first one here."""
        a = self.pair.a
        a.daemon.popen.kill()
        a.daemon.popen.wait()
        a.start()
        self.pair.settled()

    def channels(self, node):
        """Installed routes to the core LAN."""
        routes = node.routes(INSTANCE if self.in_vrf else None)
        return sum(route["installed"] and any(leg["interface"] == "GigabitEthernet0/1/5"
                                              for leg in route["outgoing"]) for route in routes)


class VrfFloatingScene(FloatingScene):
    """The same in a VPN instance."""

    in_vrf = True


class PimTap(threading.Thread):
    """Hears PIM on the core LAN: Hellos of the shared address and the channels that joins name."""

    def __init__(self, topology):
        super().__init__(daemon=True)
        with topology.all["core"]:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self._socket.bind(("br0", 0))
        self._socket.settimeout(0.2)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.hellos = []  # (ns, MAC, generation id, holdtime)
        self.joins = []   # (ns, source of the message, group)
        self._ended = False
        self.start()

    def run(self):
        while not self._ended:
            try:
                frame = self._socket.recv(65535)
            except TimeoutError:
                continue
            if len(frame) > 38 and frame[12:14] == b"\x08\x00" and frame[23] == PIM:
                self._hear(now_ns(), frame)

    def _hear(self, at, frame):
        packet = frame[14 + 4 * (frame[14] & 15):]
        sender = str(ipaddress.ip_address(frame[26:30]))
        kind = packet[0] & 15
        if kind == HELLO and sender == SHARED:
            options = dict(self._options(packet[4:]))
            self.hellos.append((at, frame[6:12], options.get(OPTION_GENID),
                                options.get(OPTION_HOLDTIME)))
        elif kind == JOIN_PRUNE:
            upstream = str(ipaddress.ip_address(packet[6:10]))
            if upstream == SHARED:
                self.joins += [(at, sender, group) for group in self._joined(packet)]

    @staticmethod
    def _options(data):
        while len(data) >= 4:
            kind, length = struct.unpack_from("!HH", data)
            yield kind, data[4:4 + length]
            data = data[4 + length:]

    @staticmethod
    def _joined(packet):
        at, count = 14, packet[11]
        for _ in range(count):
            group = str(ipaddress.ip_address(packet[at + 4:at + 8]))
            joined, pruned = struct.unpack_from("!HH", packet, at + 8)
            at += 12 + 8 * (joined + pruned)
            if joined:
                yield group

    def stop(self):
        self._ended = True
        self.join()
        self._socket.close()

    def new_identity(self, begin):
        """(ns, MAC) of the first Hello of another generation id than the last before `begin`."""
        before = [hello for hello in self.hellos if hello[0] < begin]
        for at, mac, generation, _ in self.hellos:
            if at >= begin and (not before or generation != before[-1][2]):
                return at, mac
        return None

    def goodbyes(self, begin):
        return sum(at >= begin and holdtime == b"\0\0" for at, _, _, holdtime in self.hellos)

    def all_joined(self, begin):
        """ns when every channel had been joined anew since `begin`; None if not all were."""
        seen = set()
        for at, _, group in list(self.joins):
            if at >= begin:
                seen.add(group)
                if len(seen) >= CHANNELS:
                    return at
        return None
