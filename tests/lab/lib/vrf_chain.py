"""Two routers of hotpair in a row, with the same two VPN instances in both.

    red-near ---+      +=== red link ====+      +--- red-far
                r1 ----+                 +---- r2
    blue-near --+      +=== blue link ===+      +--- blue-far

Hosts, sources and LANs have the same addresses in both instances; the routers have addresses of
their own there. IPv6: sparse mode, the RP of each instance is r1. IPv4: bidirectional groups, the
RP is an address of the near LAN that nobody has.
"""

from .mroutes import mroutes
from .node import Node
from .streams import Streams, expand
from .topology import QUIET
from .vrf import TABLES, port

NUMBER = {"red": 1, "blue": 2}
PREFIX = {"ipv4": ("10.9.0.", "10.2.0.", 24), "ipv6": ("2001:db8:9::", "2001:db8:2::", 64)}
RP_4, BIDIR = "10.9.0.100", "239.0.0.0/8"
GROUPS = {("ipv6", "far"): ("ff1e::20:1:1+4", "ff3e::20:1:1+4", "ff1e::20:9:1"),
          ("ipv6", "near"): ("ff1e::21:1:1+4", "ff3e::21:1:1+4", "ff1e::21:9:1"),
          ("ipv4", "far"): ("239.30.1.1+2", None, "239.30.9.1"),
          ("ipv4", "near"): ("239.31.1.1+2", None, "239.31.9.1")}


def lan(name):
    """The device of a router to near and far hosts, r1 to the near ones."""
    return f"ge0-2-{NUMBER[name]}"


def middle(name):
    """The device of a router to the other one."""
    return f"ge0-1-{NUMBER[name]}"


def between(name, number, family="ipv6"):
    """Address of r1 or r2 on the link of an instance between them."""
    net = NUMBER[name]
    return f"2001:db8:1:{net}::{number}" if family == "ipv6" else f"10.1.{net}.{number}"


class Plan:
    """What the hosts of one side join; for lib.streams."""

    def __init__(self, family, source, side, rate):
        self.family = family
        self.source = source
        self.slow_rate, self.fast_rate = rate, 10 * rate
        self.asm, self.ssm, self.fast = GROUPS[family, side]
        self.joins = [("host", f"{self.asm},{self.fast}", None)]
        self.joins += [("host", self.ssm, source)] * bool(self.ssm)

    @property
    def slow(self):
        return ",".join(filter(None, (self.asm, self.ssm)))

    def groups(self):
        return [group for part in f"{self.slow},{self.fast}".split(",") for group in expand(part)]


class Way:
    """Traffic of an instance towards one side, as lib.streams knows a topology."""

    def __init__(self, near, far, side, rate):
        self.source, host = (near, far) if side == "far" else (far, near)
        self.hosts = {"host": host}
        self._side, self._rate = side, rate

    def plan(self, family, source):
        return Plan(family, source, self._side, self._rate)

    def source_address(self, family):
        near, far, _ = PREFIX[family]
        return f"{near if self._side == 'far' else far}10"


class Chain:
    """Builds it."""

    port_names = {}

    def __init__(self, world, args, rates=(50, 40)):
        self.world = world
        self.args = args
        self.nodes = {name: world.namespace(name) for name in ("r1", "r2")}
        self.rates = dict(zip(TABLES, rates))
        self.hosts = {(name, side): world.namespace(f"{name}-{side}")
                      for name in TABLES for side in ("near", "far")}
        for namespace in (*self.nodes.values(), *self.hosts.values()):
            namespace.sysctl(**QUIET)
        for name in TABLES:
            self._build(name)
        self.routers = {name: Node(self, name, args.bin, self._config(name)) for name in self.nodes}

    @staticmethod
    def _wire(one, here, mine, other, there, theirs):
        one.ip(f"link add {here} type veth peer name {there} netns {other.full_name}")
        for namespace, device, addresses in ((one, here, mine), (other, there, theirs)):
            namespace.ip(f"link set {device} up", *[f"addr add {address} dev {device}" + " nodad" *
                                                    (":" in address) for address in addresses])

    def _build(self, name):
        r1, r2 = self.nodes.values()
        self._wire(r1, middle(name), [f"{between(name, 1, 'ipv4')}/24", f"{between(name, 1)}/64"],
                   r2, middle(name), [f"{between(name, 2, 'ipv4')}/24", f"{between(name, 2)}/64"])
        for index, (side, router) in enumerate((("near", r1), ("far", r2))):
            nets = [(family[index], family[2]) for family in PREFIX.values()]
            own = NUMBER[name]
            self._wire(router, lan(name), [f"{net}{own}/{length}" for net, length in nets],
                       self.hosts[name, side], "eth0", [f"{net}10/{length}"
                                                        for net, length in nets])
            self.hosts[name, side].ip(*[f"route add default via {net}{own}" for net, _ in nets])
        for router, there, index in ((r1, 2, 1), (r2, 1, 0)):
            router.ip(*[f"route add {nets[index]}{'0' * (family == 'ipv4')}/{nets[2]} "
                        f"via {between(name, there, family)} dev {middle(name)} "
                        f"table {TABLES[name]}" for family, nets in PREFIX.items()])
            for family in ("-4", "-6"):
                for way in ("iif", "oif"):
                    for device in (middle(name), lan(name)):
                        router.run("ip", family, "rule", "add", way, device, "lookup",
                                   str(TABLES[name]))

    @staticmethod
    def _config(router):
        number = 1 if router == "r1" else 2
        hello = [" pim timer hello 1", " pim hello-option holdtime 10", " pim ipv6 timer hello 1",
                 " pim ipv6 hello-option holdtime 10"]
        text = [f"sysname {router}", "#"]
        for name, table in TABLES.items():
            text += [f"ip vpn-instance {name}", f" route-table {table}",
                     " multicast routing-enable", " multicast ipv6 routing-enable", "#",
                     f"pim vpn-instance {name}", " bidir-pim enable",
                     f" static-rp {RP_4} {BIDIR} bidir", "#",
                     f"pim-ipv6 vpn-instance {name}",
                     f" static-rp {PREFIX['ipv6'][0]}{NUMBER[name]}", "#"]
            on_lan = [f"{nets[number - 1]}{NUMBER[name]}" for nets in PREFIX.values()]
            for device, ipv4, ipv6 in (
                    (middle(name), between(name, number, "ipv4"), between(name, number)),
                    (lan(name), *on_lan)):
                text += [f"interface {port(device)}", f" ip binding vpn-instance {name}",
                         f" ip address {ipv4} 24", " ipv6 enable", f" ipv6 address {ipv6} 64",
                         " pim sm", " pim ipv6 sm", *hello, " igmp enable", " mld enable", "#"]
        return "\n".join([*text, "return", ""])

    def start(self, timeout=40):
        for node in self.routers.values():
            node.start()
        for node in self.routers.values():
            node.wait("ready", timeout)

    def streams(self, name, side, family="ipv6"):
        """Towards the near or the far hosts of an instance."""
        way = Way(self.hosts[name, "near"], self.hosts[name, "far"], side, self.rates[name])
        return Streams(self.world, way, self.args.probe, family, f"{name}-{side}-")

    def kernel_routes(self, router, name, family="ipv6"):
        """(source, group) -> (incoming, outgoing) of the instance's table."""
        return mroutes(self.nodes[router], family, TABLES[name])

    def neighbours(self, router, name, family="ipv6"):
        """Interfaces with PIM neighbours, of an instance."""
        six = ["ipv6"] if family == "ipv6" else []
        rows = self.routers[router].display("pim", *six, "vpn-instance", name, "neighbor")
        return {row["interface"] for row in rows["neighbors"]}

    def forwarders(self, router, name):
        """Interface -> state and address of the designated forwarder, of an instance."""
        rows = self.routers[router].display("pim", "vpn-instance", name, "df-info")["elections"]
        return {row["interface"]: (row["state"], row["df"]) for row in rows}
