"""What `hotpair render frr` makes of the seeds' files runs in FRR: OSPF of 003, IS-IS of 004.

A, B and D take the rendered text as it is; every router learns the loopbacks of the others and the
source's network, and packets get there.
"""

from lib.config import seed_text
from lib.frr import Frr
from lib.node import render_frr
from lib.report import Report
from lib.topology import SharedLan
from lib.world import World, poll

DAEMON = {"ipv4": "ospfd", "ipv6": "isisd"}
PROTOCOL = {"ipv4": "ospf", "ipv6": "isis"}
LOOPBACK = {"ipv4": {"a": "1.1.1.1", "b": "3.3.3.3", "d": "2.2.2.2"},
            "ipv6": {"a": "2001:db8:11::11", "b": "2001:db8:33::33", "d": "2001:db8:22::22"}}
SOURCE_NET = {"ipv4": "10.0.5.0/24", "ipv6": "2001:db8:40::/64"}
PATIENCE_S = 90  # OSPF elects a DR after 40 s


class RoutedLan(SharedLan):
    """The seeds' routers without a route of the operator's and without anything upstream."""

    upstream_routes = ()

    def _start_upstream(self):
        """Nothing: FRR comes once its text is rendered."""

    def _route(self, name):
        """Nothing: FRR does it."""


def wanted(family, name):
    """Prefixes that a router must learn; loopbacks of IPv6 as the files and the lab have them."""
    networks = dict(LOOPBACK[family])
    if family == "ipv6":
        networks.update({"a": "2001:db8:11::/64", "b": "2001:db8:33::/64"})
    found = {network for other, network in networks.items() if other != name}
    return found | ({SOURCE_NET[family]} if name != "d" else set())


def learned(family, namespace):
    six = ["-6"] if family == "ipv6" else []
    text = namespace.run("ip", *six, "route", "show", "proto", PROTOCOL[family])
    return {line.split()[0] for line in text.splitlines() if line and not line.startswith("\t")}


def reached(namespace, source, to):
    done = namespace.run("ping", "-n", "-c", "1", "-W", "2", "-I", source, to, check=False)
    return " 0% packet loss" in done


def routed(report, args, family):
    with World(args.keep) as world:
        topology = RoutedLan(world, routers_own_addresses=False)
        routers = {**topology.nodes, "d": topology.upstream}
        ports = world.dir / "ports.conf"
        # Seed 004 has the source at 0/1/0 of D, seed 003 at 0/1/1.
        ports.write_text("GigabitEthernet0/1/0 ge0-1-1\n" if family == "ipv6" else "")
        for name, namespace in routers.items():
            file = world.dir / f"{family}-{name}.conf"
            file.write_text(seed_text(family, name))
            text = render_frr(args.bin, file, ports)
            Frr(world, namespace, text, (DAEMON[family],)).start()
        for name, namespace in routers.items():
            good = poll(lambda n=name, s=namespace: wanted(family, n) <= learned(family, s),
                        PATIENCE_S, 0.2)
            report.check(f"{family}: {name} learns what the others have by {PROTOCOL[family]}",
                         good, sorted(wanted(family, name) - learned(family, namespace)))
        addresses = LOOPBACK[family]
        for one, other in (("a", "b"), ("a", "d"), ("b", "d")):
            report.check(f"{family}: {one} reaches {other}, loopback to loopback", poll(
                lambda o=one, p=other: reached(routers[o], addresses[o], addresses[p]), 10, 0.2))


def main(args):
    report = Report("frr-render")
    for family in ("ipv4", "ipv6"):
        routed(report, args, family)
    return report.finish(args.json)
