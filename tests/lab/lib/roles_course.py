"""The course of `pim-roles` and `pim6-roles`: hotpair in each place of lib.roles' chain.

ASM and SSM: joins arrive at FRR, streams at the host, the switch to the shortest path is in the
kernel, prunes follow when the host leaves. First the same with FRR alone, as a proof of the lab.
"""

from .report import Report
from .roles import Chain, device
from .streams import Streams
from .topology import settle
from .world import World, now_ns, poll

PATIENCE_S = 30
JOINS = {  # where the (*,G) of the host's groups must be seen: router, link it comes in by
    "lhr": (("mid", 4), ("rp", 3)), "mid": (("rp", 3),), "rp": (("mid", 4),),
    "fhr": (("mid", 4), ("rp", 3)), None: (("mid", 4), ("rp", 3))}
# With the shorter way beginning at lhr or at mid: where (S,G) joins come in by.
SOURCE_JOINS = {"lhr": (("fhr", 7),), "mid": (("mid", 4), ("fhr", 6))}
# router -> (incoming, outgoing) link of the source tree.
SOURCE_TREE = {"lhr": {"fhr": (1, 7), "lhr": (7, 5)},
               "mid": {"fhr": (1, 6), "mid": (6, 4), "lhr": (4, 5)}}
CASES = ((None, "lhr"), (None, "mid"), ("lhr", "lhr"), ("mid", "mid"), ("fhr", "lhr"),
         ("rp", "lhr"))


def seen(chain, where, source, groups):
    """Every FRR among `where` holds the joins; the ones that do not are named."""
    missing = poll(lambda: not absent(chain, where, source, groups), PATIENCE_S, 0.2)
    return missing, absent(chain, where, source, groups)


def absent(chain, where, source, groups):
    return [f"{router} ({source},{group}) by {device(link)}" for router, link in where
            if router != chain.ours for group in groups
            if not chain.joined(router, link, source, group)]


def shared_trees(report, chain, name, groups):
    good, missing = seen(chain, JOINS[chain.ours], "*", groups)
    report.check(f"{name}: (*,G) joins from the host towards the RP", good, "; ".join(missing[:3]))


def source_trees(report, chain, name, plan):
    where = SOURCE_JOINS[chain.shortcut]
    good, missing = seen(chain, where, chain.source_ip, plan.single_source())
    report.check(f"{name}: (S,G) joins of source-specific groups", good, "; ".join(missing[:3]))
    at_rp = [group for group in plan.single_source()
             if chain.ours != "rp" and chain.joined("rp", 3, "*", group)]
    report.check(f"{name}: and none of them at the RP", not at_rp, at_rp)


def switched(report, chain, name, groups, what):
    """The kernel of every router on the source's tree forwards by it."""
    for router, (incoming, outgoing) in SOURCE_TREE[chain.shortcut].items():
        good = poll(lambda r=router, i=incoming, o=outgoing: chain.forwards(r, i, o, groups),
                    PATIENCE_S, 0.2)
        report.check(f"{name}: {what} at {router}, in by {device(incoming)}, out by "
                     f"{device(outgoing)}", good,
                     {group: chain.kernel_route(router, group) for group in groups[:2]})


def registered(report, chain, name, groups):
    """The RP knows the source of every group."""
    if chain.ours == "rp":
        return
    trees = {(chain.source_ip, group) for group in groups}
    good = poll(lambda: trees <= chain.frr["rp"].upstreams().keys(), PATIENCE_S, 0.2)
    report.check(f"{name}: registers of {'hotpair' if chain.ours == 'fhr' else 'FRR'} arrive at "
                 "the RP", good, chain.rp)


def registers_end(report, chain, name, groups):
    """FRR's Register-Stop is understood: the tunnel is no outgoing interface any more."""
    if chain.ours != "fhr":
        return
    left = poll(lambda: not registering(chain, groups), PATIENCE_S, 0.2)
    report.check(f"{name}: Registers end when the RP says stop", left, registering(chain, groups))


def registering(chain, groups):
    routes = {group: chain.kernel_route("fhr", group) for group in groups}
    return [group for group, route in routes.items()
            if route is None or route[1] & {"pimreg", "pim6reg"}]


def pruned(report, chain, name, groups):
    """The host has left: no join towards the RP is left behind. FRR 8.4 as last-hop router forgets
    the group without a prune, and the join runs out after 210 s."""
    if chain.ours != "lhr":
        return
    gone = poll(lambda: not any(chain.joined(router, link, "*", group)
                                for router, link in JOINS[chain.ours] for group in groups),
                PATIENCE_S, 0.2)
    report.check(f"{name}: the trees are pruned when the host has left", gone)


def play(report, args, family, ours, shortcut):
    name = f"hotpair as {ours}" if ours else f"FRR alone, shorter at {shortcut}"
    with World(args.keep) as world:
        chain = Chain(world, args, ours, shortcut, family=family)
        chain.start()
        streams = Streams(world, chain, args.probe, family)
        streams.join()
        plan = streams.plan
        shared_trees(report, chain, name, plan.any_source())
        source_trees(report, chain, name, plan)
        streams.send()
        registered(report, chain, name, plan.any_source())
        switched(report, chain, name, plan.any_source(), "ASM switched to the source's tree")
        switched(report, chain, name, plan.single_source(), "SSM")
        registers_end(report, chain, name, plan.any_source())
        settle(1)
        begin = now_ns()
        settle(3)
        row = streams.stop().window(begin)
        report.add_run(name, row)
        report.check(f"{name}: every stream is heard", row["silent"] == 0, row["silent"])
        report.check(f"{name}: nothing lost, nothing doubled on the source's tree",
                     row["lost"] == 0 and row["duplicates"] == 0)
        pruned(report, chain, name, plan.any_source())


def run(report, args, family, cases=CASES):
    for ours, shortcut in cases:
        play(report, args, family, ours, shortcut)
    return report.finish(args.json)
