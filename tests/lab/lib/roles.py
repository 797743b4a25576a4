"""Four PIM routers and a choice of which of them is hotpair; the others are FRR.

    src --1-- fhr --2-- rp --3-- mid --4-- lhr --5-- host
               |\\_________6_______/         |
                \\__________7_______________/

Link N is 10.1.N.0/24, its device `ge0-1-N` (`eth0` at the ends); a router's last octet is its
number. The shared tree goes by 2, 3 and 4. The way to the source is shorter: by 7 at lhr, or with
`shortcut="mid"` by 6 at mid, so that the switch to it is seen in the incoming interface there.
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
RP = "10.255.0.2"
SOURCE = "10.1.1.10"
SOURCES, RPS = "10.1.1.0/24", f"{RP}/32"
SHARED = {"fhr": 2, "mid": 3, "lhr": 4}  # router -> link towards the RP
ASM, SSM = "239.7.1.1+4", "232.7.1.1+4"
RATE = 50


class Plan:
    """One host, groups of any source and of a single one; for lib.streams."""

    slow_rate, fast_rate = RATE, 10 * RATE

    def __init__(self, family, source):
        self.family = family
        self.source = source
        self.fast = "239.7.9.1"
        self.joins = [("host", f"{ASM},{self.fast}", None), ("host", SSM, source)]

    @property
    def slow(self):
        return f"{ASM},{SSM}"

    def groups(self):
        return [g for part in f"{self.slow},{self.fast}".split(",") for g in expand(part)]

    def any_source(self):
        return [str(g) for part in (ASM, self.fast) for g in expand(part)]

    @staticmethod
    def single_source():
        return [str(g) for g in expand(SSM)]


def device(link):
    return f"ge0-1-{link}"


def links_of(router):
    return [link for link, ends in LINKS.items() if router in ends]


def address(name, link):
    return f"10.1.{link}.{ROUTERS.get(name) or END[name]}"


def towards(link, router):
    """The address of the other end of a router's link."""
    near, far = LINKS[link]
    return address(far if near == router else near, link)


class Chain:
    """Builds it; `start()` brings every router up. `ours`: the place of hotpair, or None."""

    port_names = {}

    def __init__(self, world, args, ours, shortcut="lhr", lines=()):
        self.world = world
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
        self.frr = {name: Frr(world, self.nodes[name], self._frr_config(name), ("pimd",))
                    for name in ROUTERS if name != ours}
        self.node = Node(self, ours, args.bin, self._config(ours, lines)) if ours else None

    plan = Plan

    @staticmethod
    def source_address(_family):
        return SOURCE

    def _wire(self, link, near, far):
        ends = [(self._all[name], "eth0" if name in END else device(link), name)
                for name in (near, far)]
        (one, here, _), (other, there, _) = ends
        one.ip(f"link add {here} index {20 + link} type veth peer name {there} "
               f"netns {other.full_name}")
        for namespace, name, who in ends:
            namespace.ip(f"addr add {address(who, link)}/24 dev {name}", f"link set {name} up")

    def upstream_link(self, router, to_source):
        """The link by which a router reaches the source, or the RP."""
        if not to_source:
            return SHARED[router]
        if router == "lhr":
            return 7 if self.shortcut == "lhr" else 4
        return {"rp": 2, "mid": 6}[router]

    def _route(self):
        for name, number in ROUTERS.items():
            namespace = self.nodes[name]
            namespace.ip(f"addr add 10.255.0.{number}/32 dev lo")
            if name != "rp":
                link = self.upstream_link(name, False)
                namespace.ip(f"route add {RPS} via {towards(link, name)}")
            if name != "fhr":
                link = self.upstream_link(name, True)
                namespace.ip(f"route add {SOURCES} via {towards(link, name)}")
        self.source.ip(f"route add default via {address('fhr', 1)}")
        self.hosts["host"].ip(f"route add default via {address('lhr', 5)}")

    @staticmethod
    def _frr_config(name):
        devices = [*map(device, links_of(name)), "lo"]
        return pim_config(name, devices, RP, igmp=(device(5),))

    @staticmethod
    def _config(name, lines):
        text = [f"sysname {name}", "#", "multicast routing-enable", "#"]
        for link in links_of(name):
            text += [f"interface GigabitEthernet0/1/{link}",
                     f" ip address {address(name, link)} 24", " pim sm"]
            text += [" igmp enable"] * (link == 5) + ["#"]
        text += ["interface LoopBack0", f" ip address 10.255.0.{ROUTERS[name]} 32", " pim sm", "#",
                 "pim", f" static-rp {RP}", *[f" {line}" for line in lines], "#", "return", ""]
        return "\n".join(text)

    def start(self, timeout=40):
        """Returns when every FRR sees its neighbours, hotpair among them."""
        for frr in self.frr.values():
            frr.start()
        if self.node:
            self.node.start()
            self.node.wait("ready", timeout)
        for name, frr in self.frr.items():
            wanted = {device(link): [towards(link, name)] for link in links_of(name)
                      if not set(LINKS[link]) & set(END)}
            wait_until(lambda f=frr, w=wanted: f.neighbors() == w, timeout,
                       f"{name} sees {wanted} but has {frr.neighbors()}", step=0.2)

    # ---- questions ----

    def joined(self, router, link, source, group):
        """An FRR router holds a join that came in by this link; None where hotpair stands."""
        if router == self.ours:
            return None
        return (device(link), source, group) in self.frr[router].joins()

    def kernel_route(self, router, group, source=SOURCE):
        """(incoming device, outgoing devices) of the kernel's entry at a router; None without."""
        return mroutes(self.nodes[router]).get((source, group))

    def forwards(self, router, incoming, outgoing, groups):
        """Every group of the source comes in by this link and goes out by (at least) that one."""
        routes = mroutes(self.nodes[router])
        found = [routes.get((SOURCE, group), (None, ())) for group in groups]
        return all(each[0] == device(incoming) and device(outgoing) in each[1] for each in found)
