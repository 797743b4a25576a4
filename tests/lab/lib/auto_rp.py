"""Auto-RP for labs: three hotpair routers in a chain, and a mapping agent that is none of them.

    agent --9-- a --1-- t --2-- b

`a` announces itself as RP, `t` is transit and listens, `b` is mapping agent; `agent` is a host that
writes the messages of a mapping agent by the format of pim-autorp-spec01 (UDP port 496, IPv4):

    version 1 and type (1 announcement, 2 mapping), number of RPs, holdtime in s, 32 bits reserved;
    of each RP: address, PIM versions, number of prefixes, and of each of these: flags (bit 0:
    negative), mask length, address.

All of it may be of a VPN instance.
"""

import socket
import struct

from .node import Node
from .topology import QUIET
from .world import wait_until

ANNOUNCE, DISCOVERY = "224.0.1.39", "224.0.1.40"
PORT = 496
ROUTERS = {"a": 1, "t": 2, "b": 3}
LINKS = {1: ("a", "t"), 2: ("t", "b"), 9: ("agent", "a")}
AGENT = "10.255.9.10"  # higher than b's: of two mapping agents this one is believed
INSTANCE, TABLE = "red", 10
LOOP = {name: f"10.255.0.{number}" for name, number in ROUTERS.items()}


def address(name, link):
    return AGENT if name == "agent" else f"10.255.9.{ROUTERS[name]}" if link == 9 else (
        f"10.1.{link}.{ROUTERS[name]}")


def mapping_message(holdtime_s, mappings):
    """`mappings`: RP -> list of (prefix, mask length, negative)."""
    data = struct.pack("!BBHI", 0x12, len(mappings), holdtime_s, 0)
    for rp, ranges in mappings.items():
        data += socket.inet_aton(rp) + struct.pack("!BB", 0b10, len(ranges))
        for prefix, length, negative in ranges:
            data += struct.pack("!BB", 1 if negative else 0, length) + socket.inet_aton(prefix)
    return data


def read_message(data):
    """(type, holdtime, RP -> [(prefix, length, negative)])."""
    kind, count, holdtime_s, _ = struct.unpack_from("!BBHI", data)
    at, found = 8, {}
    for _ in range(count):
        rp, _versions, prefixes = struct.unpack_from("!4sBB", data, at)
        at += 6
        ranges = found.setdefault(socket.inet_ntoa(rp), [])
        for _ in range(prefixes):
            flags, length, prefix = struct.unpack_from("!BB4s", data, at)
            ranges.append((socket.inet_ntoa(prefix), length, bool(flags & 1)))
            at += 6
    return kind & 0x0f, holdtime_s, found


class Agent:
    """The host's end: sends as a mapping agent, hears what is flooded to it."""

    def __init__(self, namespace):
        with namespace:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", PORT))
        here = socket.inet_aton(AGENT)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        for group in (ANNOUNCE, DISCOVERY):
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                   socket.inet_aton(group) + here)

    def say(self, holdtime_s, mappings):
        self.socket.sendto(mapping_message(holdtime_s, mappings), (DISCOVERY, PORT))

    def hear(self, seconds):
        """(sender, type, holdtime, mappings) of the next message; None if none comes in time."""
        self.socket.settimeout(seconds)
        try:
            data, (sender, _) = self.socket.recvfrom(65535)
        except TimeoutError:
            return None
        return sender, *read_message(data)

    def close(self):
        self.socket.close()


class AutoRpChain:
    """`lines`: name -> more lines of its view pim; that of the VPN instance if `in_vrf`."""

    port_names = {}

    def __init__(self, world, args, lines, in_vrf=False):
        self.in_vrf = in_vrf
        self.table = TABLE if in_vrf else None
        self.world = world
        self.nodes = {name: world.namespace(name) for name in ROUTERS}
        self.agent_host = world.namespace("agent")
        ends = {**self.nodes, "agent": self.agent_host}
        for namespace in ends.values():
            namespace.sysctl(**QUIET)
        for link, (near, far) in LINKS.items():
            here, there = (f"ge0-1-{link}" if name in ROUTERS else "eth0" for name in (near, far))
            ends[near].ip(f"link add {here} type veth peer name {there} "
                          f"netns {ends[far].full_name}")
            for name, name_of_device in ((near, here), (far, there)):
                ends[name].ip(f"addr add {address(name, link)}/24 dev {name_of_device}",
                              f"link set {name_of_device} up")
        for name in ROUTERS:
            self.nodes[name].ip(f"addr add {LOOP[name]}/32 dev lo")
        self._route()
        self.routers = {name: Node(self, name, args.bin, self._config(name, lines.get(name, ())))
                        for name in ROUTERS}

    def _route(self):
        table = f" table {self.table}" if self.in_vrf else ""
        for name, to, next_hop, link in (("a", "default", "t", 1), ("t", LOOP["a"], "a", 1),
                                         ("t", "10.255.9.0/24", "a", 1), ("t", LOOP["b"], "b", 2),
                                         ("b", "default", "t", 2)):
            self.nodes[name].ip(f"route add {to} via {address(next_hop, link)} "
                                f"dev ge0-1-{link}{table}")
        if self.in_vrf:
            for link, ends in LINKS.items():
                for name in set(ends) & set(ROUTERS):
                    self.nodes[name].ip(*[f"rule add {way} ge0-1-{link} lookup {self.table}"
                                          for way in ("iif", "oif")])
        self.agent_host.ip(f"route add default via {address('a', 9)}")

    def _config(self, name, lines):
        enable, bound, view = ["multicast routing-enable"], [], "pim"
        if self.in_vrf:
            enable = [f"ip vpn-instance {INSTANCE}", f" route-table {self.table}", " " + enable[0]]
            bound, view = [f" ip binding vpn-instance {INSTANCE}"], f"pim vpn-instance {INSTANCE}"
        text = [f"sysname {name}", "#", *enable, "#"]
        for link in (link for link, ends in LINKS.items() if name in ends):
            text += [f"interface GigabitEthernet0/1/{link}", *bound,
                     f" ip address {address(name, link)} 24", " pim sm", " pim timer hello 1", "#"]
        text += ["interface LoopBack0", *bound, f" ip address {LOOP[name]} 32", " pim sm", "#",
                 view, *[f" {line}" for line in lines], "#", "return", ""]
        return "\n".join(text)

    def start(self, timeout=30):
        for node in self.routers.values():
            node.start()
        for node in self.routers.values():
            node.wait("ready", timeout)
        wanted = {"a": 1, "t": 2, "b": 1}
        for name, count in wanted.items():
            wait_until(lambda n=name, c=count: len(self.neighbours(n)) == c, timeout,
                       f"{name} has {count} PIM neighbours", step=0.1)

    # ---- questions ----

    def pim(self, name, *words):
        """display pim …, of the instance."""
        of = ["vpn-instance", INSTANCE] if self.in_vrf else []
        return self.routers[name].display("pim", *of, *words)

    def neighbours(self, name):
        return self.pim(name, "neighbor")["neighbors"]

    def learned(self, name):
        """(range, RP) -> row, of what Auto-RP told."""
        rows = self.pim(name, "rp-info")["mappings"]
        return {(row["range"], row["rp"]): row for row in rows if row["source"] == "auto_rp"}

    def rp_of(self, name, group):
        """(RP, where it is from) of a group; (None, None) without one."""
        shown = self.pim(name, "rp-info", group)
        return shown["rp"], shown["source"]

    def entries(self, name, database):
        """Records of a database in the scope of the whole node."""
        for scope in self.routers[name].display("multicast", "redundancy", "databases")["scopes"]:
            if scope["scope"] == 0:
                return {row["name"]: row["entries"] for row in scope["databases"]}.get(database)
        return None
