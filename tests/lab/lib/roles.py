"""Four PIM routers and a choice of which of them is hotpair; the others are FRR.

    src --1-- fhr --2-- rp --3-- mid --4-- lhr --5-- host
               |\\_________6_______/         |
                \\__________7_______________/

Link N is 10.1.N.0/24 or 2001:db8:N::/64, its device `ge0-1-N` (`eth0` at the ends); a router's
last octet is its number. The shared tree goes by 2, 3 and 4. The way to the source is shorter: by 7
at lhr, or with `shortcut="mid"` by 6 at mid, so that the switch to it is seen in the incoming
interface there. IPv6 next hops are link-local, fe80::NUMBER, as a routing protocol has them; FRR's
pim6d comes from lib/pim6d.py.
"""

from .frr import Frr, pim_config
from .mroutes import mroutes
from .node import Node
from .streams import expand
from .topology import QUIET
from .world import wait_until

ROUTERS = {"fhr": 1, "rp": 2, "mid": 3, "lhr": 4}
LINKS = {1: ("src", "fhr"), 2: ("fhr", "rp"), 3: ("rp", "mid"), 4: ("mid", "lhr"),
         5: ("lhr", "host"), 6: ("fhr", "mid"), 7: ("fhr", "lhr")}
END = {"src": 10, "host": 10}
SHARED = {"fhr": 2, "mid": 3, "lhr": 4}  # router -> link towards the RP
RATE = 50


class Ipv4:
    """Addresses and words of one family."""

    name, pimd, length, host_length = "ipv4", "pimd", 24, 32
    rp, rps, sources = "10.255.0.2", "10.255.0.2/32", "10.1.1.0/24"
    everything = "0.0.0.0/0"
    asm, ssm, fast = "239.7.1.1+4", "232.7.1.1+4", "239.7.9.1"
    routing, interface, view = "multicast routing-enable", (), "pim"
    address_words, sm, membership = "ip address", "pim sm", "igmp enable"

    @staticmethod
    def on_link(link, number):
        return f"10.1.{link}.{number}"

    @staticmethod
    def loopback(number):
        return f"10.255.0.{number}"

    @classmethod
    def neighbor(cls, link, number):
        """How a PIM router knows the other end."""
        return cls.on_link(link, number)

    @classmethod
    def next_hop(cls, link, number):
        return cls.on_link(link, number)

    @classmethod
    def configure(cls, namespace, name, link, number):
        namespace.ip(f"addr add {cls.on_link(link, number)}/24 dev {name}", f"link set {name} up")


class Ipv6(Ipv4):
    name, pimd, length, host_length = "ipv6", "pim6d", 64, 128
    rp, rps, sources = "2001:db8:ff::2", "2001:db8:ff::2/128", "2001:db8:1::/64"
    everything = "::/0"
    asm, ssm, fast = "ff1e::7:1+4", "ff3e::7:1+4", "ff1e::7:9:1"
    routing, interface, view = "multicast ipv6 routing-enable", ("ipv6 enable",), "pim-ipv6"
    address_words, sm, membership = "ipv6 address", "pim ipv6 sm", "mld enable"

    @staticmethod
    def on_link(link, number):
        return f"2001:db8:{link}::{number}"

    @staticmethod
    def loopback(number):
        return f"2001:db8:ff::{number}"

    @staticmethod
    def neighbor(_link, number):
        return f"fe80::{number}"

    @classmethod
    def next_hop(cls, link, number):
        return f"{cls.neighbor(link, number)} dev {device(link)}"

    @classmethod
    def configure(cls, namespace, name, link, number):
        namespace.ip(f"link set {name} addrgenmode none", f"link set {name} up",
                     f"addr add {cls.neighbor(link, number)}/64 dev {name} nodad",
                     f"addr add {cls.on_link(link, number)}/64 dev {name} nodad")


FAMILY = {each.name: each for each in (Ipv4, Ipv6)}


class Plan:
    """One host, groups of any source and of a single one; for lib.streams."""

    slow_rate, fast_rate = RATE, 10 * RATE

    def __init__(self, family, source):
        self.family = family
        self.source = source
        self._words = FAMILY[family]
        self.fast = self._words.fast
        self.joins = [("host", f"{self._words.asm},{self.fast}", None),
                      ("host", self._words.ssm, source)]

    @property
    def slow(self):
        return f"{self._words.asm},{self._words.ssm}"

    def groups(self):
        return [g for part in f"{self.slow},{self.fast}".split(",") for g in expand(part)]

    def any_source(self):
        return [str(g) for part in (self._words.asm, self.fast) for g in expand(part)]

    def single_source(self):
        return [str(g) for g in expand(self._words.ssm)]


def device(link):
    return f"ge0-1-{link}"


def links_of(router):
    return [link for link, ends in LINKS.items() if router in ends]


def number(name):
    return ROUTERS.get(name) or END[name]


def other_end(link, name):
    near, far = LINKS[link]
    return far if near == name else near


class Chain:
    """Builds it; `start()` brings every router up. `ours`: the place of hotpair, or None."""

    port_names = {}

    def __init__(self, world, args, ours, shortcut="lhr", lines=(), family="ipv4"):
        self.world = world
        self.family = FAMILY[family]
        self.rp = self.family.rp
        self.source_ip = self.family.on_link(1, END["src"])
        self.ours = ours
        self.shortcut = shortcut
        self.nodes = {name: world.namespace(name) for name in ROUTERS}
        self.source = world.namespace("src")
        self.hosts = {"host": world.namespace("host")}
        self._all = {**self.nodes, "src": self.source, **self.hosts}
        for namespace in self._all.values():
            namespace.sysctl(**QUIET)
        for link, ends in LINKS.items():
            self._wire(link, *ends)
        self._route()
        self.frr = {name: Frr(world, self.nodes[name], self._frr_config(name),
                              (self.family.pimd,))
                    for name in ROUTERS if name != ours}
        self.node = Node(self, ours, args.bin, self._config(ours, lines)) if ours else None

    plan = Plan

    def source_address(self, _family):
        return self.source_ip

    def _wire(self, link, near, far):
        ends = [(self._all[name], "eth0" if name in END else device(link), name)
                for name in (near, far)]
        (one, here, _), (other, there, _) = ends
        one.ip(f"link add {here} index {20 + link} type veth peer name {there} "
               f"netns {other.full_name}")
        for namespace, name, who in ends:
            self.family.configure(namespace, name, link, number(who))

    def upstream_link(self, router, to_source):
        """The link by which a router reaches the source, or the RP."""
        if not to_source:
            return SHARED[router]
        if router == "lhr":
            return 7 if self.shortcut == "lhr" else 4
        return {"rp": 2, "mid": 6}[router]

    def _towards(self, link, router):
        return self.family.next_hop(link, number(other_end(link, router)))

    def _route(self):
        family = self.family
        for name, of_it in ROUTERS.items():
            namespace = self.nodes[name]
            namespace.ip(f"addr add {family.loopback(of_it)}/{family.host_length} dev lo")
            if name != "rp":
                link = self.upstream_link(name, False)
                namespace.ip(f"route add {family.rps} via {self._towards(link, name)}")
            if name != "fhr":
                link = self.upstream_link(name, True)
                namespace.ip(f"route add {family.sources} via {self._towards(link, name)}")
        # Register-Stops go to where Registers come from, which may be the loopback.
        first = f"{family.loopback(ROUTERS['fhr'])}/{family.host_length}"
        self.nodes["rp"].ip(f"route add {first} via {self._towards(2, 'rp')}")
        for namespace, link, router in ((self.source, 1, "fhr"), (self.hosts["host"], 5, "lhr")):
            gateway = family.on_link(link, number(router))
            namespace.ip(f"route add {family.everything} via {gateway}")

    def _frr_config(self, name):
        devices = [*map(device, links_of(name)), "lo"]
        return pim_config(name, devices, self.rp, igmp=(device(5),), family=self.family.name)

    def _config(self, name, lines):
        family = self.family
        text = [f"sysname {name}", "#", family.routing, "#"]
        for link in links_of(name):
            text += [f"interface GigabitEthernet0/1/{link}", *[f" {word}" for word in
                                                              family.interface],
                     f" {family.address_words} {family.on_link(link, number(name))} "
                     f"{family.length}", f" {family.sm}"]
            text += [f" {family.membership}"] * (link == 5) + ["#"]
        text += ["interface LoopBack0", *[f" {word}" for word in family.interface],
                 f" {family.address_words} {family.loopback(number(name))} {family.host_length}",
                 f" {family.sm}", "#", family.view, f" static-rp {self.rp}",
                 *[f" {line}" for line in lines], "#", "return", ""]
        return "\n".join(text)

    def start(self, timeout=40):
        """Returns when every FRR sees its neighbours, hotpair among them."""
        for frr in self.frr.values():
            frr.start()
        if self.node:
            self.node.start()
            self.node.wait("ready", timeout)
        for name, frr in self.frr.items():
            wanted = {device(link): [self.family.neighbor(link, number(other_end(link, name)))]
                      for link in links_of(name)
                      if not set(LINKS[link]) & set(END)}
            wait_until(lambda f=frr, w=wanted: f.neighbors() == w, timeout,
                       f"{name} sees {wanted} but has {frr.neighbors()}", step=0.2)

    # ---- questions ----

    def joined(self, router, link, source, group):
        """An FRR router holds a join that came in by this link; None where hotpair stands."""
        if router == self.ours:
            return None
        return (device(link), source, group) in self.frr[router].joins()

    def kernel_route(self, router, group):
        """(incoming device, outgoing devices) of the kernel's entry at a router; None without."""
        return mroutes(self.nodes[router], self.family.name).get((self.source_ip, group))

    def forwards(self, router, incoming, outgoing, groups):
        """Every group of the source comes in by this link and goes out by (at least) that one."""
        routes = mroutes(self.nodes[router], self.family.name)
        found = [routes.get((self.source_ip, group), (None, ())) for group in groups]
        return all(each[0] == device(incoming) and device(outgoing) in each[1] for each in found)
