"""One router with two VPN instances, the same addresses and groups on both sides of it.

    red-src --- red-up (FRR, RP) --- r --- red-host        table 10
    blue-src -- blue-up (FRR, RP) -- r --- blue-host       table 20

Source 10.9.0.10, RP 2.2.2.2 and every group are the same in both; the streams are not. The links of
`r` have addresses of their own.

Or a pair in the place of `r`: each instance has an E-Trunk to its host's LAN, each a scope of its
own; the nodes speak with each other in the public instance.
"""

from .faults import Link
from .frr import Frr, pim_config
from .mroutes import mroutes
from .node import Node, Pair
from .streams import Streams, expand
from .topology import QUIET
from .world import wait_until

SOURCE, RP = "10.9.0.10", "2.2.2.2"
SOURCES = "10.9.0.0/24"
ASM, SSM = "239.20.1.1+4", "232.20.1.1+4"
TABLES = {"red": 10, "blue": 20}
NET = {"red": 1, "blue": 2}  # 10.1.x: towards the source, 10.1.1x: towards the host
UP = {"red": "ge0-1-1", "blue": "ge0-1-2"}
DOWN = {"red": "ge0-2-1", "blue": "ge0-2-2"}


def port(device):
    return "GigabitEthernet" + device.removeprefix("ge").replace("-", "/")


class Plan:
    """What one instance's host joins; for lib.streams."""

    def __init__(self, family, source, rate):
        self.family = family
        self.source = source
        self.slow_rate, self.fast_rate = rate, 10 * rate
        self.fast = "239.20.9.1"
        self.joins = [("host", f"{ASM},{self.fast}", None), ("host", SSM, source)]

    @property
    def slow(self):
        return f"{ASM},{SSM}"

    def groups(self):
        return [g for part in f"{self.slow},{self.fast}".split(",") for g in expand(part)]


class Side:
    """One instance as lib.streams knows a topology: its source and its host."""

    def __init__(self, world, name, rate):
        self.name = name
        self._rate = rate
        self.table = TABLES[name]
        self.source = world.namespace(f"{name}-src")
        self.up = world.namespace(f"{name}-up")
        self.host = world.namespace(f"{name}-host")
        self.hosts = {"host": self.host}

    def plan(self, family, source):
        return Plan(family, source, self._rate)

    @staticmethod
    def source_address(_family):
        return SOURCE


class Backwards:
    """The same instance with source and host changed about: the router is the first hop."""

    def __init__(self, side):
        self._side = side
        self.source = side.host
        self.hosts = {"host": side.source}

    def plan(self, family, source):
        return self._side.plan(family, source)

    def source_address(self, _family):
        return f"10.1.1{NET[self._side.name]}.10"


class Router:
    """Builds it. `start()` returns when both FRR see the router."""

    port_names = {}

    def __init__(self, world, args, rates=(50, 40), ios=False):
        self.world = world
        self.args = args
        self.router = world.namespace("r")
        self.nodes = {"r": self.router}
        self.sides = {name: Side(world, name, rate) for name, rate in zip(TABLES, rates)}
        for namespace in (self.router, *[each for side in self.sides.values()
                                         for each in (side.source, side.up, side.host)]):
            namespace.sysctl(**QUIET)
        self.frr = {}
        for side in self.sides.values():
            self._build(side)
        self.node = Node(self, "r", args.bin, self._ios() if ios else self._config())

    @staticmethod
    def _wire(one, here, mine, other, there, theirs):
        one.ip(f"link add {here} type veth peer name {there} netns {other.full_name}")
        for namespace, name, address in ((one, here, mine), (other, there, theirs)):
            namespace.ip(f"addr add {address}/24 dev {name}", f"link set {name} up")

    def _build(self, side):
        net, up, down = NET[side.name], UP[side.name], DOWN[side.name]
        self._wire(side.source, "eth0", SOURCE, side.up, "lan", "10.9.0.1")
        self._wire(side.up, "ge0", f"10.1.{net}.2", self.router, up, f"10.1.{net}.1")
        self._wire(self.router, down, f"10.1.1{net}.1", side.host, "eth0", f"10.1.1{net}.10")
        side.source.ip("route add default via 10.9.0.1")
        side.host.ip(f"route add default via 10.1.1{net}.1")
        side.up.ip(f"addr add {RP}/32 dev lo", f"route add 10.1.1{net}.0/24 via 10.1.{net}.1")
        table = f"table {side.table}"
        self.router.ip(f"route add {SOURCES} via 10.1.{net}.2 dev {up} {table}",
                       f"route add {RP}/32 via 10.1.{net}.2 dev {up} {table}")
        for device in (up, down):
            for way in ("iif", "oif"):
                self.router.ip(f"rule add {way} {device} lookup {side.table}")
        self.frr[side.name] = Frr(self.world, side.up,
                                  pim_config(f"{side.name}-up", ["ge0", "lan", "lo"], RP,
                                             igmp=("lan",)),
                                  ("pimd",))

    @staticmethod
    def _config():
        text = ["sysname r", "#"]
        for name, table in TABLES.items():
            text += [f"ip vpn-instance {name}", f" route-table {table}",
                     " multicast routing-enable", "#"]
        for name in TABLES:
            net = NET[name]
            text += [f"interface {port(UP[name])}", f" ip binding vpn-instance {name}",
                     f" ip address 10.1.{net}.1 24", " pim sm", "#",
                     f"interface {port(DOWN[name])}", f" ip binding vpn-instance {name}",
                     f" ip address 10.1.1{net}.1 24", " pim sm", " igmp enable", "#"]
            text += [f"pim vpn-instance {name}", f" static-rp {RP}", "#"]
        return "\n".join([*text, "return", ""])

    @staticmethod
    def _ios():
        text = ["hostname r", "!"]
        for name, table in TABLES.items():
            text += [f"vrf definition {name}", f" route-table {table}", "!",
                     f"ip multicast-routing vrf {name}", f"ip pim vrf {name} rp-address {RP}", "!"]
        for name in TABLES:
            net = NET[name]
            text += [f"interface {port(UP[name])}", f" vrf forwarding {name}",
                     f" ip address 10.1.{net}.1 24", " ip pim sparse-mode", "!",
                     f"interface {port(DOWN[name])}", f" vrf forwarding {name}",
                     f" ip address 10.1.1{net}.1 24", " ip pim sparse-mode", " igmp enable", "!"]
        return "\n".join([*text, "end", ""])

    def start(self, timeout=40):
        for frr in self.frr.values():
            frr.start()
        self.node.start()
        self.node.wait("ready", timeout)
        for name, frr in self.frr.items():
            wanted = f"10.1.{NET[name]}.1"
            wait_until(lambda f=frr, w=wanted: f.neighbors().get("ge0") == [w], timeout,
                       f"{name}-up sees the router", step=0.2)

    def streams(self, name):
        return Streams(self.world, self.sides[name], self.args.probe, "ipv4", f"{name}-")

    def back_streams(self, name):
        return Streams(self.world, Backwards(self.sides[name]), self.args.probe, "ipv4",
                       f"{name}-back-")

    def kernel_routes(self, name):
        """(source, group) -> (incoming, outgoing) of the instance's table."""
        return mroutes(self.router, table=self.sides[name].table)


NODES = {"a": 1, "b": 2}
ETRUNK_ROUTERS = {"a": "10.200.0.1", "b": "10.200.0.2"}
SCOPES = {"red": 10, "blue": 20}
TIMERS = {"hello_ms": 100, "multiplier": 5}  # other labs run beside


class VrfPair:
    """Two nodes, two instances. Link N of an instance leads from `up` to node number N."""

    port_names = {"Eth-Trunk1": "trunk1", "Eth-Trunk2": "trunk2"}

    def __init__(self, world, args, rates=(50, 40)):
        self.world = world
        self.args = args
        self.nodes = {name: world.namespace(name) for name in NODES}
        self.sides = {name: Side(world, name, rate) for name, rate in zip(TABLES, rates)}
        self.lans = {name: world.namespace(f"{name}-lan") for name in TABLES}
        for namespace in (*self.nodes.values(), *[each for side in self.sides.values()
                                                  for each in (side.source, side.up, side.host)]):
            namespace.sysctl(**QUIET)
        Router._wire(self.nodes["a"], "ge0-1-9", ETRUNK_ROUTERS["a"],
                     self.nodes["b"], "ge0-1-9", ETRUNK_ROUTERS["b"])
        self.frr = {name: self._build(side) for name, side in self.sides.items()}
        self.pair = Pair(self, args.bin, {name: self._config(name) for name in NODES})

    def _build(self, side):
        net = NET[side.name]
        lan, full = self.lans[side.name], self.lans[side.name].full_name
        Router._wire(side.source, "eth0", SOURCE, side.up, "lan", "10.9.0.1")
        side.source.ip("route add default via 10.9.0.1")
        side.up.ip(f"addr add {RP}/32 dev lo")
        lan.ip("link add br0 type bridge mcast_snooping 0 stp_state 0", "link set br0 up")
        ends = {**{name: (namespace, f"trunk{net}", number)
                   for (name, number), namespace in zip(NODES.items(), self.nodes.values())},
                "host": (side.host, "eth0", 10)}
        for index, (name, (namespace, device, number)) in enumerate(ends.items()):
            namespace.ip(f"link add {device} index {50 + 10 * net + index} type veth "
                         f"peer name p-{name} netns {full}",
                         f"addr add 10.1.1{net}.{number}/24 dev {device}", f"link set {device} up")
            lan.ip(f"link set p-{name} master br0 up")
        side.host.ip("route add default dev eth0")
        for name, number in NODES.items():
            here, there = self.nodes[name], f"10.{net}.{number}.2"
            Router._wire(side.up, f"ge{number}", there, here, UP[side.name],
                         f"10.{net}.{number}.1")
            here.ip(f"route add {SOURCES} via {there} dev {UP[side.name]} table {side.table}",
                    f"route add {RP}/32 via {there} dev {UP[side.name]} table {side.table}",
                    *[f"rule add {way} {device} lookup {side.table}"
                      for device in (UP[side.name], f"trunk{net}") for way in ("iif", "oif")])
        return Frr(self.world, side.up, pim_config(f"{side.name}-up", ["ge1", "ge2", "lan", "lo"],
                                                   RP), ("pimd",))

    @staticmethod
    def _config(name):
        own, peer = ETRUNK_ROUTERS[name], ETRUNK_ROUTERS["b" if name == "a" else "a"]
        number = NODES[name]
        text = [f"sysname {name}", "#", "e-trunk 1", f" peer-address {peer} source-address {own}",
                f" priority {120 - number}", f" timer hello-ms {TIMERS['hello_ms']}",
                f" timer hold-on-failure multiplier {TIMERS['multiplier']}", "#",
                "lacp e-trunk system-id 00e0-fc12-3455", "#", "remote-backup-service service1",
                f" peer {peer} source {own} port 1025", "#"]
        for side, table in TABLES.items():
            net = NET[side]
            text += [f"ip vpn-instance {side}", f" route-table {table}",
                     " multicast routing-enable", "#",
                     f"pim vpn-instance {side}", f" static-rp {RP}", "#",
                     f"remote-backup-profile {side}", " service-type igmp",
                     f" backup-id {SCOPES[side]} remote-backup-service service1",
                     " peer-backup hot", f" e-trunk 1 eth-trunk {net}", "#",
                     f"interface Eth-Trunk{net}", f" ip binding vpn-instance {side}",
                     f" ip address 10.1.1{net}.{number} 24", " pim sm", " igmp enable",
                     " mode lacp-static", " e-trunk 1", f" remote-backup-profile {side}", "#",
                     f"interface {port(UP[side])}", f" ip binding vpn-instance {side}",
                     f" ip address 10.{net}.{number}.1 24", " pim sm", "#"]
        return "\n".join([*text, f"interface {port('ge0-1-9')}", f" ip address {own} 24", "#",
                          "return", ""])

    def start(self, timeout=40):
        for frr in self.frr.values():
            frr.start()
        self.pair.up(timeout)
        for name, frr in self.frr.items():
            wanted = {f"ge{number}": [f"10.{NET[name]}.{number}.1"] for number in NODES.values()}
            wait_until(lambda f=frr, w=wanted: w.items() <= f.neighbors().items(), timeout,
                       f"{name}-up sees both nodes", step=0.2)

    def links_of(self, name):
        """Every link of a node, as what a power cut takes down."""
        return [Link(self.nodes[name], device) for device in
                ("ge0-1-9", *UP.values(), *self.port_names.values())]

    def streams(self, name):
        return Streams(self.world, self.sides[name], self.args.probe, "ipv4", f"{name}-")

    def kernel_routes(self, name, node="a"):
        return mroutes(self.nodes[node], table=self.sides[name].table)
