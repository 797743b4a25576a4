"""Self-test of the lab itself: streams through plain kernel routers, no hotpair. About 10 s.

A forwards by smcroute to the hosts, B does not; the streams are the labs' own in both
families. Then A is killed and cut, which must show as a loss that never ends.
"""

from lib.faults import Fault
from lib.report import Report
from lib.streams import Plan, Streams, merge
from lib.topology import TRUNK, SharedLan, mroute_count, settle, start_smcroute
from lib.world import World, now_ns, poll


def forward_by_smcroute(world, topology, name, uplink):
    lines = [f"phyint {uplink} enable", f"phyint {TRUNK} enable"]
    for family in ("ipv4", "ipv6"):
        source = topology.source_address(family)
        lines += [f"mroute from {uplink} source {source} group {group} to {TRUNK}"
                  for group in Plan(family, source).groups()]
    return start_smcroute(world, topology.nodes[name], lines)


def memberships(namespace):
    """Groups joined at a host's interface, by version, as its kernel says."""
    with namespace:
        with open("/proc/net/igmp", encoding="ascii") as text:
            header = [line for line in text if "eth0" in line][0].split()
    return int(header[3]), header[-1]


def main(args):
    report = Report("topology-check")
    with World(args.keep) as world:
        topology = SharedLan(world, routers_own_addresses=False)
        router = forward_by_smcroute(world, topology, "a", "ge0-1-3")
        report.check("routes at D and A", mroute_count(topology.upstream) == 402,
                     f"{mroute_count(topology.upstream)} at D")
        streams = [Streams(world, topology, args.probe, family) for family in ("ipv4", "ipv6")]
        for each in streams:
            each.join()
        for name, version in (("h1", "V2"), ("h2", "V3"), ("h3", "V3")):
            count, spoken = memberships(topology.hosts[name])
            report.check(f"{name} joins with {version}", spoken == version and count > 60,
                         f"{count} groups, {spoken}")
        for each in streams:
            each.send()
        settle(3)
        begin = now_ns()
        settle(0.2)
        fault = Fault(pids=[router.pid], links=topology.links_of("a"))
        died = fault.fire()
        settle(1)
        measured = [each.stop() for each in streams]
        steady = merge(m.window(0, begin) for m in measured)
        report.add_run("steady", steady)
        report.add_run("killed", merge(m.window(begin) for m in measured))
        report.check("every stream is heard", steady["streams"] == 402 and steady["silent"] == 0,
                     f"{steady['streams']} of 402")
        report.check("nothing lost while steady", steady["lost"] == 0 and steady["duplicates"] == 0)
        report.check("no packet lost in the receivers' sockets", steady["socket_dropped"] == 0)
        stopped = sum(m.window()["stopped"] for m in measured)
        report.check("a killed router is seen as 402 streams that never come back", stopped == 402,
                     f"{stopped}")
        took = (fault.links_down_ns - died) / 1e6
        report.check("processes killed and links down together", took < 60, f"{took:.1f} ms")
        check_paths(report, topology)
    return report.finish(args.json)


def check_paths(report, topology):
    """Unicast between the loopbacks goes by the direct link, and by D without it."""
    topology.power_on("a")
    a = topology.nodes["a"]
    for source, peer in (("1.1.1.1", "3.3.3.3"), ("2001:db8:11::11", "2001:db8:33::33")):
        ping = ["ping", "-c", "1", "-W", "1", "-I", source, peer]
        for link in ("up", "down"):
            if link == "up":
                topology.power_on("a")
            else:
                a.ip("link set ge0-1-1 down")
            answered = poll(lambda: "1 received" in a.run(*ping, check=False), 5)
            report.check(f"{source} reaches {peer}, direct link {link}", answered)
