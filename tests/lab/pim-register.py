"""Registers between hotpair and FRR: a register-policy of the RP, and a restart of the first hop.

The kernel takes the packets out of every Register that reaches an address of the RP. What the
policy refuses must not be forwarded all the same: its routes are negative. A daemon of the first
hop that is killed finds its register tunnels in the store.
"""

import signal

from lib.report import Report
from lib.roles import Chain
from lib.streams import Streams
from lib.topology import settle
from lib.world import World, now_ns, poll

PATIENCE_S = 30
OTHERS = "register-policy 10.99.0.0/16"
TUNNELS = "PIM register tunnel"


def entries(node):
    """Records of register tunnels in the scope of the whole node."""
    for scope in node.display("multicast", "redundancy", "databases")["scopes"]:
        if scope["scope"] == 0:
            return {row["name"]: row["entries"] for row in scope["databases"]}.get(TUNNELS)
    return None


def heard(streams, seconds=2):
    settle(1)
    begin = now_ns()
    settle(seconds)
    return streams.stop().window(begin)


def policy(report, args, lines, name, refused):
    """hotpair as RP: FRR registers, the policy decides."""
    with World(args.keep) as world:
        chain = Chain(world, args, "rp", lines=lines)
        chain.start()
        streams = Streams(world, chain, args.probe, "ipv4")
        streams.join()
        plan = streams.plan
        groups = plan.any_source()
        at_mid = poll(lambda: all(chain.joined("mid", 4, "*", group) for group in groups),
                      PATIENCE_S, 0.2)
        report.check(f"{name}: (*,G) joins are on their way to the RP", at_mid)
        streams.send()
        if refused:
            good = poll(lambda: all((chain.kernel_route("rp", group) or ("", {"?"}))[1] == set()
                                    for group in groups), PATIENCE_S, 0.2)
            report.check(f"{name}: the kernel's routes lead nowhere", good,
                         {group: chain.kernel_route("rp", group) for group in groups[:2]})
        else:
            good = poll(lambda: chain.forwards("lhr", 7, 5, groups), PATIENCE_S, 0.2)
            report.check(f"{name}: the last hop has switched to the source's tree", good)
        row = heard(streams)
        report.add_run(name, row)
        silent = len(groups) if refused else 0
        report.check(f"{name}: {silent} streams are silent", row["silent"] == silent,
                     row["silent"])


def restart(report, args):
    """hotpair as first hop: its daemon is killed while sources are registered."""
    with World(args.keep) as world:
        chain = Chain(world, args, "fhr")
        chain.start()
        streams = Streams(world, chain, args.probe, "ipv4")
        streams.join()
        groups = streams.plan.any_source()
        streams.send()
        good = poll(lambda: chain.forwards("lhr", 7, 5, groups), PATIENCE_S, 0.2)
        report.check("restart: streams come by the source's tree", good)
        report.check("restart: every tunnel is journalled", poll(
            lambda: (entries(chain.node) or 0) >= len(groups), 10, 0.2), entries(chain.node))
        before = entries(chain.node)
        begin = now_ns()
        chain.node.daemon.popen.send_signal(signal.SIGKILL)
        chain.node.daemon.popen.wait(5)
        chain.node.start()
        chain.node.wait("ready", 20)
        report.check("restart: the new daemon has them", entries(chain.node) == before,
                     f"{entries(chain.node)} of {before}")
        settle(20)  # beyond the hold: what MRIB does not confirm would go
        report.check("restart: and keeps them", entries(chain.node) == before,
                     f"{entries(chain.node)} of {before}")
        row = streams.stop().window(begin)
        report.add_run("restart", row)
        report.check("restart: nothing is lost, nothing doubled",
                     row["lost"] == 0 and row["duplicates"] == 0 and row["silent"] == 0)


def main(args):
    report = Report("pim-register")
    policy(report, args, (OTHERS,), "refused", True)
    policy(report, args, (OTHERS, "register-policy 10.1.1.0/24"), "permitted", False)
    restart(report, args)
    return report.finish(args.json)
