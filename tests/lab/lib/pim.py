"""The seeds' topology upon PIM: D is FRR (pimd with itself as static RP, ospfd), the nodes have
their unicast routes by OSPF. Nothing is forwarded that nobody joined.

    src --- d (FRR, RP 2.2.2.2) --- a --- …
             \\---------------------- b --- …
"""

from .config import overlay, seed_text
from .etrunk import AccessSwitch, EtrunkScene
from .frr import ALL_GROUPS, Frr, pim_config
from .node import render_frr
from .scenario import attempt
from .topology import ROUTERS, TRUNK, SharedLan
from .world import LabError, poll, wait_until

RP = "2.2.2.2"
NETWORKS = {"d": (f"{RP}/32", "10.0.5.0/24", "10.0.12.0/24", "10.0.23.0/24"),
            "a": ("1.1.1.1/32", "10.0.12.0/24", "10.0.13.0/24", "10.0.15.0/24"),
            "b": ("3.3.3.3/32", "10.0.13.0/24", "10.0.23.0/24", "10.0.15.0/24")}
ROUTER_ID = {"d": RP, "a": "1.1.1.1", "b": "3.3.3.3"}
UPLINK = {"a": "ge0-1-3", "b": "ge0-1-2"}  # the same name at both ends
UPLINK_ADDRESS = {"a": "10.0.12.1", "b": "10.0.23.3"}
PORT = {device: "GigabitEthernet" + device.removeprefix("ge").replace("-", "/")
        for device in ("ge0-1-1", "ge0-1-2", "ge0-1-3")}
OSPF_TIMERS = ("ospf timer hello 1", "ospf timer dead 4")  # else a DR is elected after 40 s
LEARNED = ("10.0.5.0/24", f"{RP}/32")  # what a node must know before a tree can be


class PimUpstream:
    """Mixed into a topology: D speaks PIM and OSPF in place of forwarding everything."""

    upstream_routes = ()

    def __init__(self, *args, **more):
        self.routing = {}  # node -> its FRR
        super().__init__(*args, **more)

    def _start_upstream(self):
        self.frr = Frr(self.world, self.upstream, self.upstream_config()).start()

    def upstream_config(self):
        """D's frr.conf."""
        return pim_config("DeviceD", (*PORT, "lo"), RP, ospf=NETWORKS["d"], router_id=RP,
                          silent=("ge0-1-1",))

    def _route(self, name):
        """Power comes back: so does the routing daemon."""
        if name in self.routing:
            self.routing[name].start()

    def start_routing(self, name, config, daemons=("ospfd",)):
        """FRR beside hotpair, or in its place, with this frr.conf."""
        self.routing[name] = Frr(self.world, self.nodes[name], config, daemons)
        self.routing[name].start()

    def routed(self, timeout=60):
        """Returns when every node has the routes to source and RP from D."""
        for name, namespace in self.nodes.items():
            try:
                wait_until(lambda n=namespace: learned(n) >= set(LEARNED), timeout,
                           f"{name} learns {LEARNED} by OSPF", step=0.1)
            except LabError as error:
                raise LabError(f"{error}\n{self.frr.tails()}") from error

    def tree_is_up(self, keys, names=("a", "b"), timeout=20):
        """True when D forwards each (source, group) of `keys` to these nodes."""
        wanted = {UPLINK[name] for name in names}

        def forwarded():
            rows = self.frr.mroutes()
            return all(wanted <= set(rows.get(key, {}).get("oil", {})) for key in keys)

        return bool(poll(forwarded, timeout, 0.1))


class PimLan(PimUpstream, SharedLan):
    """The shared LAN; FRR stands in the nodes' places, with one subnet so that its PIM agrees."""

    def __init__(self, world, hosts=("h1", "h2", "h3")):
        super().__init__(world, hosts, routers_own_addresses=False)
        self.nodes["b"].ip(f"addr del 10.0.35.3/24 dev {TRUNK}",
                           f"addr add 10.0.15.3/24 dev {TRUNK}")
        for name in self.nodes:
            config = pim_config(f"Device{name.upper()}", (TRUNK, *ROUTERS[name].ports), RP,
                                igmp=(TRUNK,), ospf=NETWORKS[name], router_id=ROUTER_ID[name],
                                silent=(TRUNK,))
            self.start_routing(name, config, ("ospfd", "pimd"))


class PimAccess(PimUpstream, AccessSwitch):
    """Behind the access switch; the nodes are hotpair with FRR for their unicast routes. D's
    frr.conf is given, since it is made of D's file by a program of the build."""

    def __init__(self, world, fast, upstream_config):
        self._upstream_config = upstream_config
        super().__init__(world, fast)

    def upstream_config(self):
        return self._upstream_config


class PimScene(EtrunkScene):
    """The seeds' four devices: unicast routing of A, B and D is rendered from their files.

    `observed`: a list that takes, for each measured event, the GenID of B at D before and after.
    """

    def __init__(self, world, args, family, timers_, extra=(), *, observed=None, **more):
        if family != "ipv4":
            raise LabError("FRR of Debian has no PIM for IPv6")
        self._observed = observed
        fast = {node: [(f"interface {PORT[device]}", *OSPF_TIMERS)
                       for device in ("ge0-1-1", UPLINK[node])] for node in ROUTERS}
        super().__init__(world, args, family, timers_, extra, node_sections=fast, **more)

    def make_topology(self):
        file = self.world.dir / "DeviceD.conf"
        file.write_text(overlay(seed_text("ipv4", "d"),
                                *[(f"interface {PORT[device]}", *OSPF_TIMERS)
                                  for device in UPLINK.values()]))
        lines = [f"ip pim rp {RP} {ALL_GROUPS}", "!"]
        for device in (*PORT, "lo"):
            lines += [f"interface {device}", " ip pim", "!"]
        text = render_frr(self.args.bin, file) + "\n".join([*lines, ""])
        return PimAccess(self.world, self._lacp == "fast", text)

    def up(self, converge=True):
        for node in self.pair.nodes:
            self.topology.start_routing(
                node.name, render_frr(self.args.bin, node.config, node.ports))
        self.topology.routed()
        super().up(converge)
        wait_until(self.neighbours_up, 30, f"D's PIM neighbours: {self.topology.frr.neighbors()}")

    def neighbours_up(self):
        return self.topology.frr.neighbors() == {
            UPLINK[name]: [address] for name, address in UPLINK_ADDRESS.items()}

    def trees_up(self):
        """The backup has joined too: the streams are at its door."""
        plan = self.streams[0].plan
        keys = [(plan.source, str(group)) for group in plan.groups()]
        if not self.topology.tree_is_up(keys, timeout=30):
            rows = self.topology.frr.mroutes()
            late = [key for key in keys if len(rows.get(key, {}).get("oil", {})) < 2]
            raise LabError(f"D does not forward {len(late)} groups to both nodes: {late[:3]}")

    def generation(self, name):
        """The GenID that D knows of a node."""
        row = self.topology.frr.neighbor(UPLINK[name], UPLINK_ADDRESS[name])
        return row and row["generationId"]

    def measure(self, event, after=1.5):
        before = self.generation("b")
        measured = super().measure(event, after)
        if self._observed is not None:
            self._observed.append((before, self.generation("b")))
        return measured


def pim_attempt(args, family, values, **more):
    """One run; see scenario.attempt()."""
    return attempt(args, family, values, kind=lambda *what: PimScene(*what, **more))


def learned(namespace):
    """Prefixes that the kernel has from a routing daemon."""
    found = set()
    for line in namespace.run("ip", "route", "show", "proto", "ospf").splitlines():
        prefix = line.split()[0]
        if not line.startswith((" ", "\t", "nexthop")):
            found.add(prefix if "/" in prefix else f"{prefix}/32")
    return found
