"""The seeds' topology upon PIM: D is FRR (pimd with itself as static RP, ospfd), the nodes have
their unicast routes by OSPF. Nothing is forwarded that nobody joined.

    src --- d (FRR, RP 2.2.2.2) --- a --- …
             \\---------------------- b --- …
"""

from .etrunk import AccessSwitch
from .frr import Frr, pim_config
from .topology import ROUTERS, TRUNK, SharedLan
from .world import LabError, poll, wait_until

RP = "2.2.2.2"
NETWORKS = {"d": (f"{RP}/32", "10.0.5.0/24", "10.0.12.0/24", "10.0.23.0/24"),
            "a": ("1.1.1.1/32", "10.0.12.0/24", "10.0.13.0/24", "10.0.15.0/24"),
            "b": ("3.3.3.3/32", "10.0.13.0/24", "10.0.23.0/24", "10.0.15.0/24")}
ROUTER_ID = {"d": RP, "a": "1.1.1.1", "b": "3.3.3.3"}
UPLINK = {"a": "ge0-1-3", "b": "ge0-1-2"}  # the same name at both ends
LEARNED = ("10.0.5.0/24", f"{RP}/32")  # what a node must know before a tree can be


class PimUpstream:
    """Mixed into a topology: D speaks PIM and OSPF in place of forwarding everything."""

    upstream_routes = ()

    def __init__(self, *args, **more):
        self.routing = {}  # node -> its FRR
        super().__init__(*args, **more)

    def _start_upstream(self):
        devices = ("ge0-1-1", "ge0-1-2", "ge0-1-3", "lo")
        config = pim_config("DeviceD", devices, RP, ospf=NETWORKS["d"], router_id=RP,
                            silent=("ge0-1-1",))
        self.frr = Frr(self.world, self.upstream, config).start()
        return None

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
    """Behind the access switch; the nodes are hotpair with FRR for their unicast routes."""


def learned(namespace):
    """Prefixes that the kernel has from a routing daemon."""
    found = set()
    for line in namespace.run("ip", "route", "show", "proto", "ospf").splitlines():
        prefix = line.split()[0]
        if not line.startswith((" ", "\t", "nexthop")):
            found.add(prefix if "/" in prefix else f"{prefix}/32")
    return found
