"""FRR in every place of pim-seeds' topology: the machinery of the PIM labs without hotpair.

Hosts join by IGMP, FRR's A and B are PIM routers on the hosts' LAN and the DR of it joins upstream;
D is RP and first-hop router. Unicast routes come by OSPF.
"""

from lib.pim import RP, UPLINK, PimLan
from lib.report import Report
from lib.streams import Streams, expand
from lib.topology import TRUNK, settle
from lib.world import World, now_ns, poll

SOURCE = "10.0.5.10"


def neighbours_up(topology):
    """Everybody sees everybody: D both nodes, the nodes D, and each other on the LAN."""
    wanted = {"ge0-1-3": ["10.0.12.1"], "ge0-1-2": ["10.0.23.3"]}
    frr = topology.routing
    return (topology.frr.neighbors() == wanted
            and frr["a"].neighbors().get(TRUNK) == ["10.0.15.3"]
            and frr["b"].neighbors().get(TRUNK) == ["10.0.15.1"])


def designated(topology):
    """The node that both call DR of the LAN; None while they differ."""
    said = {topology.routing[name].designated_router(TRUNK) for name in topology.nodes}
    return {"10.0.15.1": "a", "10.0.15.3": "b"}.get(said.pop()) if len(said) == 1 else None


def shared_tree(report, topology, plan, dr):
    device = UPLINK[dr]
    groups = [str(group) for group in expand(plan.any)]
    report.check("D holds the (*,G) joins of the DR", poll(
        lambda: all((device, "*", group) in topology.frr.joins() for group in groups), 20, 0.2),
        f"{len(groups)} groups by {device}")
    listed = [str(group) for group in expand(plan.listed)]
    report.check("D holds its (S,G) joins of source-specific groups", poll(
        lambda: all((device, SOURCE, group) in topology.frr.joins() for group in listed), 20, 0.2),
        f"{len(listed)} groups")
    info = topology.frr.rp_info()
    report.check("D is the RP itself", list(info) == [RP] and info[RP][0]["iAmRP"], info)


def main(args):
    report = Report("pim-frr")
    with World(args.keep) as world:
        topology = PimLan(world)
        topology.routed()
        report.check("PIM neighbours", poll(lambda: neighbours_up(topology), 60, 0.2),
                     topology.frr.neighbors())
        dr = poll(lambda: designated(topology), 20, 0.2)
        if not report.check("both name the same DR of the LAN", dr is not None, dr):
            return report.finish(args.json)
        streams = Streams(world, topology, args.probe, "ipv4")
        streams.join()
        shared_tree(report, topology, streams.plan, dr)
        streams.send()
        keys = [(SOURCE, str(group)) for group in streams.plan.groups()]
        report.check("D forwards every (S,G) to the DR", not topology.late("ipv4", keys, (dr,)),
                     f"{len(keys)} groups")
        settle(1)
        begin = now_ns()
        settle(2)
        row = streams.stop().window(begin)
        report.add_run("steady", row)
        report.check("every stream is heard", row["silent"] == 0, f"{row['silent']} are not")
        report.check("nothing is lost while steady", row["lost"] == 0, row["lost"])
    return report.finish(args.json)
