"""The seeds' topology upon PIM: D is the RP and the first-hop router, the nodes have their unicast
routes by OSPF (IPv6: IS-IS). Nothing is forwarded that nobody joined.

    src --- d (RP) --- a --- …
             \\--------- b --- …

IPv4: D is FRR, ospfd and pimd with itself as static RP. IPv6: Debian's FRR has no PIM, so D is
hotpair with FRR's isisd; with --all it is FRR with the pim6d that lib/pim6d.py builds.
"""

from .config import overlay, seed_text
from .etrunk import AccessSwitch, EtrunkScene
from .frr import ALL_GROUPS, ALL_GROUPS_6, Frr, pim_config
from .mroutes import mroutes
from .node import Node, render_frr
from .scenario import attempt
from .topology import ROUTERS, TRUNK, SharedLan
from .world import LabError, poll, wait_until

RP = "2.2.2.2"
RP_ROW = {"ipv4": f"ip pim rp {RP} {ALL_GROUPS}",
          "ipv6": f"ipv6 pim rp 2001:db8:22::22 {ALL_GROUPS_6}"}
PIM = {"ipv4": ("pimd", "ip pim"), "ipv6": ("pim6d", "ipv6 pim")}  # daemon, word of an interface
NETWORKS = {"d": (f"{RP}/32", "10.0.5.0/24", "10.0.12.0/24", "10.0.23.0/24"),
            "a": ("1.1.1.1/32", "10.0.12.0/24", "10.0.13.0/24", "10.0.15.0/24"),
            "b": ("3.3.3.3/32", "10.0.13.0/24", "10.0.23.0/24", "10.0.15.0/24")}
ROUTER_ID = {"d": RP, "a": "1.1.1.1", "b": "3.3.3.3"}
UPLINK = {"a": "ge0-1-3", "b": "ge0-1-2"}  # the same name at both ends
PORT = {device: "GigabitEthernet" + device.removeprefix("ge").replace("-", "/")
        for device in ("ge0-1-1", "ge0-1-2", "ge0-1-3")}
DAEMON = {"ipv4": "ospfd", "ipv6": "isisd"}
PROTOCOL = {"ipv4": "ospf", "ipv6": "isis"}
TIMERS = {"ipv4": ("ospf timer hello 1", "ospf timer dead 4"),  # else a DR is elected after 40 s
          "ipv6": ("isis timer hello 1", "isis timer holding-multiplier 4")}
LEARNED = {"ipv4": {"10.0.5.0/24", RP},  # what a node must know before a tree can be
           "ipv6": {"2001:db8:40::/64", "2001:db8:22::22"}}


def learned(namespace, family):
    """Prefixes that the kernel has from a routing daemon."""
    six = ["-6"] if family == "ipv6" else []
    text = namespace.run("ip", *six, "route", "show", "proto", PROTOCOL[family])
    return {line.split()[0] for line in text.splitlines() if line and not line.startswith("\t")}


def quick_isis(text):
    """FRR's isisd makes its LSP anew once in 30 s at most: a neighbour that comes up just after one
    was made is in no route for so long."""
    return text.replace("\nrouter isis 1\n", "\nrouter isis 1\n lsp-gen-interval 1\n")


class PimUpstream:
    """Mixed into a topology: D speaks PIM and routing protocols in place of forwarding all."""

    upstream_routes = ()

    def __init__(self, *args, **more):
        self.routing = {}  # router -> its FRR
        super().__init__(*args, **more)

    @property
    def frr(self):
        """D's."""
        return self.routing["d"]

    def _start_upstream(self):
        """Nothing: start_routing("d", ...) does it."""

    def _route(self, name):
        """Power comes back: so does the routing daemon."""
        if name in self.routing:
            self.routing[name].start()

    def start_routing(self, name, config, daemons):
        """FRR beside hotpair, or in its place, with this frr.conf."""
        namespace = self.upstream if name == "d" else self.nodes[name]
        self.routing[name] = Frr(self.world, namespace, config, daemons)
        self.routing[name].start()

    def routed(self, family="ipv4", timeout=60):
        """Returns when every node has the routes to source and RP from D."""
        for name, namespace in self.nodes.items():
            try:
                wait_until(lambda n=namespace: LEARNED[family] <= learned(n, family), timeout,
                           f"{name} learns {LEARNED[family]} by {PROTOCOL[family]}", step=0.1)
            except LabError as error:
                raise LabError(f"{error}\n{self.frr.tails()}") from error

    def late(self, family, keys, names=("a", "b"), timeout=20):
        """Those (source, group) that D's kernel does not forward to these nodes in that time."""
        wanted = {UPLINK[name] for name in names}

        def missing():
            routes = mroutes(self.upstream, family)
            return [key for key in keys if not wanted <= routes.get(key, ("", set()))[1]]

        poll(lambda: not missing(), timeout, 0.1)
        return missing()


class PimLan(PimUpstream, SharedLan):
    """The shared LAN; FRR stands in the nodes' places, with one subnet so that its PIM agrees."""

    def __init__(self, world, hosts=("h1", "h2", "h3")):
        super().__init__(world, hosts, routers_own_addresses=False)
        self.nodes["b"].ip(f"addr del 10.0.35.3/24 dev {TRUNK}",
                           f"addr add 10.0.15.3/24 dev {TRUNK}")
        self.start_routing("d", pim_config(
            "DeviceD", (*PORT, "lo"), RP, ospf=NETWORKS["d"], router_id=RP, silent=("ge0-1-1",)),
            ("ospfd", "pimd"))
        for name in self.nodes:
            config = pim_config(f"Device{name.upper()}", (TRUNK, *ROUTERS[name].ports), RP,
                                igmp=(TRUNK,), ospf=NETWORKS[name], router_id=ROUTER_ID[name],
                                silent=(TRUNK,))
            self.start_routing(name, config, ("ospfd", "pimd"))


class PimAccess(PimUpstream, AccessSwitch):
    """Behind the access switch; the nodes are hotpair with FRR for their unicast routes."""


class Upstream:
    """What lib.node.Node needs of a topology, for D as hotpair. Seed 004 has the source at D's
    0/1/0, seed 003 at 0/1/1, where the lab's device is."""

    port_names = {"GigabitEthernet0/1/0": "ge0-1-1"}

    def __init__(self, topology):
        self.world = topology.world
        self.nodes = {"d": topology.upstream}


class PimScene(EtrunkScene):
    """The seeds' four devices: unicast routing of A, B and D is rendered from their files.

    `observed`: a list that takes, for each measured event, the GenID of B at D before and after
    (where D is FRR).
    """

    def __init__(self, world, args, family, timers_, extra=(), *, observed=None, **more):
        self._observed = observed
        self._frr_upstream = family == "ipv4" or args.all
        fast = {node: [(f"interface {PORT[device]}", *TIMERS[family])
                       for device in ("ge0-1-1", UPLINK[node])] for node in ROUTERS}
        super().__init__(world, args, family, timers_, extra, topology=PimAccess,
                         node_sections=fast, **more)
        self.upstream = Node(Upstream(self.topology), "d", args.bin, overlay(
            seed_text(family, "d"), *[(f"interface {PORT[device]}", *TIMERS[family])
                                      for device in UPLINK.values()]))

    def up(self, converge=True):
        self._start_d()
        for node in self.pair.nodes:
            text = quick_isis(render_frr(self.args.bin, node.config, node.ports))
            self.topology.start_routing(node.name, text, (DAEMON[self.family],))
        self.topology.routed(self.family)
        super().up(converge)
        if self._frr_upstream:
            both = poll(lambda: None not in map(self.generation, UPLINK), 30, 0.2)
            if not both:
                raise LabError(f"D has PIM neighbours {self.topology.frr.neighbors()} only")

    def _start_d(self):
        text = quick_isis(render_frr(self.args.bin, self.upstream.config, self.upstream.ports))
        daemons = [DAEMON[self.family]]
        if self._frr_upstream:
            daemon, pim = PIM[self.family]
            lines = [RP_ROW[self.family], "!"]
            for device in (*PORT, "lo"):
                lines += [f"interface {device}", f" {pim}", "!"]
            text += "\n".join([*lines, ""])
            daemons.append(daemon)
        self.topology.start_routing("d", text, daemons)
        if not self._frr_upstream:
            self.upstream.start()
            self.upstream.wait("ready")

    def trees_up(self):
        """The backup has joined too: the streams are at its door."""
        plan = self.streams[0].plan
        late = self.topology.late(self.family, [(plan.source, str(group))
                                                for group in plan.groups()], timeout=30)
        if late:
            raise LabError(f"D does not forward {len(late)} groups to both nodes: {late[:3]}")

    def generation(self, name):
        """The GenID that D knows of a node; None without the neighbour."""
        device = UPLINK[name]
        known = self.topology.frr.neighbors().get(device, ())  # one at most: a link of two
        row = known and self.topology.frr.neighbor(device, known[0])
        return row["generationId"] if row else None

    def measure(self, event, after=1.5):
        if self._observed is None or not self._frr_upstream:
            return super().measure(event, after)
        before = self.generation("b")
        measured = super().measure(event, after)
        self._observed.append((before, self.generation("b")))
        return measured


def pim_attempt(args, family, values, **more):
    """One run; see scenario.attempt()."""
    return attempt(args, family, values, kind=lambda *what: PimScene(*what, **more))
