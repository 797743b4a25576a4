"""The shared-LAN node pair of seeds 003 and 004, as namespaces.

    src --- d (smcroute, RP 2.2.2.2) --- a --- lan (bridge) --- h1 h2 h3
             \\------------------------- b ----/
                                   a --- b (GigabitEthernet0/1/1)

Addresses and port numbers are the seeds': A reaches D by 0/1/3, B by 0/1/2; hosts are numbered from
A's subnet. Unicast routes are static. `Eth-Trunk1` is an ordinary device on the LAN.
"""

import time
from pathlib import Path

from .faults import Link
from .streams import Plan
from .world import LabError, wait_until

QUIET = {  # no reverse-path filter, no DAD, addresses survive a link that goes down
    "ipv4__conf__all__rp_filter": 0, "ipv4__conf__default__rp_filter": 0,
    "ipv4__conf__default__ignore_routes_with_linkdown": 1,
    "ipv6__conf__default__ignore_routes_with_linkdown": 1,
    "ipv4__ip_forward": 1, "ipv6__conf__all__forwarding": 1,
    "ipv6__conf__all__accept_dad": 0, "ipv6__conf__default__accept_dad": 0,
    "ipv6__conf__all__keep_addr_on_down": 1, "ipv6__conf__default__keep_addr_on_down": 1,
    "ipv6__conf__default__router_solicitations": 0,
    "ipv4__igmp_max_memberships": 4096, "ipv4__igmp_max_msf": 256, "ipv6__mld_max_msf": 256,
    "core__optmem_max": 4 << 20,
}
TRUNK = "eth-trunk1"


class Router:
    """What the lab gives a node: ports, addresses on its uplinks, static routes."""

    def __init__(self, name, ports, routes, owned):
        self.name = name      # "a", "b"
        self.ports = ports    # device -> addresses that the operator set
        self.routes = routes  # arguments of `ip route replace`
        self.owned = owned    # device -> addresses that hotpaird adds from its configuration

    def address_commands(self, with_owned):
        lines = []
        for device, addresses in self.ports.items():
            lines += [f"addr replace {a} dev {device} nodad" for a in addresses]
        if with_owned:
            for device, addresses in self.owned.items():
                lines += [f"addr replace {a} dev {device} nodad" for a in addresses]
        return lines

    def route_commands(self):
        return [f"route replace {route}" for route in self.routes]


def _routes(peer, peer4, peer6, uplink6, link4, link6, up4, up6):
    """To the peer's loopback by the direct link, else by D; to its uplink, source and RP by D."""
    return [f"{peer}/32 via {link4} metric 10", f"{peer}/32 via {up4} metric 20",
            f"{peer4} via {up4}", f"10.0.5.0/24 via {up4}", f"2.2.2.2/32 via {up4}",
            f"{peer6}/128 via {link6} metric 10", f"{peer6}/128 via {up6} metric 20",
            f"{uplink6} via {up6}",
            f"2001:db8:40::/64 via {up6}", f"2001:db8:22::22/128 via {up6}"]


ROUTER_A = Router(
    "a", {"ge0-1-1": ["10.0.13.1/24", "2001:db8:10::1/64"],
          "ge0-1-3": ["10.0.12.1/24", "2001:db8:20::1/64"]},
    _routes("3.3.3.3", "10.0.23.0/24", "2001:db8:33::33", "2001:db8:30::/64", "10.0.13.3",
            "2001:db8:10::2", "10.0.12.2", "2001:db8:20::2"),
    {TRUNK: ["10.0.15.1/24", "2001:db8:15::1/64"], "lo": ["1.1.1.1/32", "2001:db8:11::11/64"]})
ROUTER_B = Router(
    "b", {"ge0-1-1": ["10.0.13.3/24", "2001:db8:10::2/64"],
          "ge0-1-2": ["10.0.23.3/24", "2001:db8:30::1/64"]},
    _routes("1.1.1.1", "10.0.12.0/24", "2001:db8:11::11", "2001:db8:20::/64", "10.0.13.1",
            "2001:db8:10::1", "10.0.23.2", "2001:db8:30::2"),
    {TRUNK: ["10.0.35.3/24", "2001:db8:35::3/64"], "lo": ["3.3.3.3/32", "2001:db8:33::33/64"]})
ROUTERS = {"a": ROUTER_A, "b": ROUTER_B}
UPSTREAM_ROUTES = ("1.1.1.1/32 via 10.0.12.1", "10.0.15.0/24 via 10.0.12.1",
                   "3.3.3.3/32 via 10.0.23.3", "10.0.35.0/24 via 10.0.23.3",
                   "2001:db8:11::11/128 via 2001:db8:20::1",
                   "2001:db8:33::33/128 via 2001:db8:30::1")


class SharedLan:
    """Builds it all. `routers_own_addresses`: hotpaird adds those of loopback and trunk itself."""

    port_names = {"Eth-Trunk1": TRUNK}  # for ports.conf
    more_groups = {}  # family -> groups that D forwards besides those of the plans
    plan = Plan  # of the streams
    upstream_routes = UPSTREAM_ROUTES  # static ones of D

    def __init__(self, world, hosts=("h1", "h2", "h3"), routers_own_addresses=True):
        self.world = world
        self._own = routers_own_addresses
        self.source = world.namespace("src")
        self.upstream = world.namespace("d")
        self.nodes = {name: world.namespace(name) for name in ROUTERS}
        self.lan = world.namespace("lan")
        self.hosts = {name: world.namespace(name) for name in hosts}
        for namespace in (self.source, self.upstream, *self.nodes.values(), *self.hosts.values()):
            namespace.sysctl(**QUIET)
        self._wire_lan()
        self._wire_uplinks()
        for number, (name, namespace) in enumerate(self.hosts.items()):
            self._address_host(name, namespace, 101 + number)
        self.smcroute = self._start_upstream()

    @staticmethod
    def source_address(family):
        return "10.0.5.10" if family == "ipv4" else "2001:db8:40::10"

    def _stations(self):
        """Who is on the LAN: name -> namespace and the device in it."""
        return {**{name: (namespace, TRUNK) for name, namespace in self.nodes.items()},
                **{name: (namespace, "eth0") for name, namespace in self.hosts.items()}}

    def _wire_lan(self):
        lan = self.lan.full_name
        stations = self._stations()
        for number, (name, (namespace, device)) in enumerate(stations.items()):
            # Ends with different indexes: the kernel may hold a change of carrier back for a second
            # when the two are equal, which is an accident of namespaces.
            namespace.ip(f"link add {device} index {50 + number} type veth "
                         f"peer name p-{name} netns {lan}")
        ports = [f"p-{name}" for name in stations]
        self.lan.ip("link add br0 type bridge mcast_snooping 0 stp_state 0", "link set br0 up",
                    *[f"link set {port} master br0 up" for port in ports])
        self.lan.sysctl(**{f"ipv6__conf__{port}__disable_ipv6": 1 for port in (*ports, "br0")})

    def _wire_uplinks(self):
        self.source.ip(f"link add eth0 type veth peer name ge0-1-1 netns {self.upstream.full_name}",
                       "addr add 10.0.5.10/24 dev eth0",
                       "addr add 2001:db8:40::10/64 dev eth0 nodad", "link set eth0 up")
        a, b = self.nodes.values()
        self._join(self.upstream, "ge0-1-3", a, "ge0-1-3")
        self._join(self.upstream, "ge0-1-2", b, "ge0-1-2")
        self._join(a, "ge0-1-1", b, "ge0-1-1")
        self.upstream.ip(
            "addr add 10.0.5.2/24 dev ge0-1-1", "addr add 2001:db8:40::1/64 dev ge0-1-1 nodad",
            "addr add 10.0.12.2/24 dev ge0-1-3", "addr add 2001:db8:20::2/64 dev ge0-1-3 nodad",
            "addr add 10.0.23.2/24 dev ge0-1-2", "addr add 2001:db8:30::2/64 dev ge0-1-2 nodad",
            "addr add 2.2.2.2/32 dev lo", "addr add 2001:db8:22::22/128 dev lo nodad",
            *[f"link set ge0-1-{n} up" for n in (1, 2, 3)])
        for name in self.nodes:
            self.power_on(name)
        self.source.ip("route add default via 10.0.5.2", "route add ::/0 via 2001:db8:40::1")
        self.upstream.ip(*[f"route add {route}" for route in self.upstream_routes])

    def _join(self, near, near_device, far, far_device):
        """One link between routers."""
        near.ip(f"link add {near_device} type veth peer name {far_device} netns {far.full_name}")

    def power_on(self, name):
        """Links up, the operator's addresses and routes in place; also after a power cut."""
        router = ROUTERS[name]
        namespace = self.nodes[name]
        namespace.ip(*[f"link set {device} up" for device in self.devices(name)])
        namespace.ip(*router.address_commands(with_owned=not self._own))
        wait_until(lambda: self._carriers(namespace), 5, f"links of {name} are up")
        self._route(name)

    def _route(self, name):
        """Unicast routes of a node whose links are up."""
        self.nodes[name].ip(*ROUTERS[name].route_commands())

    def scrub(self, name):
        """What a killed process leaves and a reboot clears: gate programs, hotpaird's addresses."""
        router = ROUTERS[name]
        namespace = self.nodes[name]
        for device in self.devices(name):
            namespace.run("tc", "qdisc", "del", "dev", device, "clsact", check=False)
        if self._own:
            namespace.ip(*[f"addr del {address} dev {device}"
                           for device, addresses in router.owned.items()
                           for address in addresses], check=False)

    @staticmethod
    def _carriers(namespace):
        with namespace:
            text = Path("/proc/net/if_inet6").read_text()
        return "20010db8" in text

    @staticmethod
    def _address_host(name, namespace, number):
        old = name == "h1"  # speaks IGMPv2 and MLDv1
        namespace.sysctl(ipv4__conf__eth0__force_igmp_version=2 if old else 0,
                         ipv6__conf__eth0__force_mld_version=1 if old else 0)
        namespace.ip(f"addr add 10.0.15.{number}/24 dev eth0",
                     f"addr add 2001:db8:15::{number}/64 dev eth0 nodad", "link set eth0 up",
                     "route add default dev eth0", "route add ::/0 dev eth0")

    def _start_upstream(self):
        """D forwards every group of the plans to both nodes, always."""
        lines = ["phyint ge0-1-1 enable", "phyint ge0-1-2 enable", "phyint ge0-1-3 enable"]
        for family in ("ipv4", "ipv6"):
            source = self.source_address(family)
            groups = [*Plan(family, source).groups(), *self.more_groups.get(family, ())]
            lines += [f"mroute from ge0-1-1 source {source} group {group} to ge0-1-2 ge0-1-3"
                      for group in groups]
        return start_smcroute(self.world, self.upstream, lines)

    def lan_port(self, name):
        """The LAN's end of a node's access link: taking it down takes the node's carrier."""
        return Link(self.lan, f"p-{name}")

    def links_of(self, name):
        """All links of a node, the LAN first."""
        return [Link(self.nodes[name], device) for device in self.devices(name)]

    def devices(self, name):
        """Of a node: the one towards the hosts, then its other ports."""
        return [TRUNK, *ROUTERS[name].ports]


def start_smcroute(world, namespace, lines):
    """Starts smcrouted with static routes and returns when all are in the kernel."""
    config = world.dir / f"{namespace.name}-smcroute.conf"
    config.write_text("\n".join(lines) + "\n")
    process = world.start(namespace, "smcrouted", "-n", "-N", "-f", config, "-i", f"lab{world.run}",
                          "-P", world.dir / f"{namespace.name}-smcroute.pid",
                          "-u", world.dir / f"{namespace.name}-smcroute.sock")
    wanted = sum(line.startswith("mroute") for line in lines)
    try:
        wait_until(lambda: mroute_count(namespace) >= wanted, 10, f"{wanted} routes of smcroute")
    except LabError as error:
        raise LabError(f"{error}\n{process.tail()}") from error
    return process


def mroute_count(namespace):
    """Entries of the kernel's multicast forwarding tables, both families."""
    with namespace:
        counts = [len(Path(f"/proc/net/{name}").read_text().splitlines()) - 1
                  for name in ("ip_mr_cache", "ip6_mr_cache")]
    return sum(counts)


def settle(seconds):
    """Lets traffic run for a while: the measured window begins after it."""
    time.sleep(seconds)
