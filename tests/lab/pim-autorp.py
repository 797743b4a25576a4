"""Auto-RP between three hotpair routers, and with a mapping agent of other make.

A candidate RP and a mapping agent that are no neighbours: their groups are flooded by the router
between them. Then a host writes discovery messages by the format, not by hotpair's codec: it is
believed while it speaks, and forgotten after its holdtime. Precedence against BSR and static RPs,
in the displays too; a daemon that restarts knows agent and mappings without a new message. The same
three routers in a VPN instance.
"""

import signal

from lib.auto_rp import ANNOUNCE, DISCOVERY, INSTANCE, LOOP, Agent, AutoRpChain
from lib.mroutes import mroutes
from lib.report import Report
from lib.world import World, now_ns, poll, wait_until

ALL = "224.0.0.0/4"
PERIOD_S, HOLDTIME_S = 2, 6
FOREIGN_RP, FOREIGN_RANGE = "10.9.9.9", ("239.7.0.0", 16, False)
FOREIGN = ("239.7.0.0/16", FOREIGN_RP)
GROUP, FOREIGN_GROUP = "239.1.1.1", "239.7.1.1"
LINES = {
    "a": ("auto-rp listening enable", f"auto-rp announce LoopBack0 scope 16 interval {PERIOD_S}",
          f"static-rp {LOOP['t']}"),
    "t": ("auto-rp listening enable", "c-bsr LoopBack0", "c-rp LoopBack0"),
    "b": ("auto-rp listening enable", f"auto-rp discovery LoopBack0 scope 16 interval {PERIOD_S}",
          f"static-rp {LOOP['t']} preferred"),
}


def own_routers(report, chain, where=""):
    """Announcement from a by t to b, discovery from b by t to a."""
    want = (ALL, LOOP["a"])
    for name in chain.routers:
        report.check(f"{where}{name} learns the RP by Auto-RP",
                     poll(lambda n=name: want in chain.learned(n), 20, 0.1), chain.learned(name))
    row = chain.learned("a").get(want, {})
    report.check(f"{where}told by the mapping agent two hops away",
                 row.get("told_by") == LOOP["b"], row)
    report.check(f"{where}its holdtime is three intervals",
                 0 < (row.get("expires_ms") or 0) <= HOLDTIME_S * 1000, row.get("expires_ms"))
    routes = mroutes(chain.nodes["t"], table=chain.table)
    for source, group, ways in ((LOOP["a"], ANNOUNCE, ("ge0-1-1", {"ge0-1-2"})),
                                (LOOP["b"], DISCOVERY, ("ge0-1-2", {"ge0-1-1"}))):
        report.check(f"{where}t floods ({source}, {group}) by {ways[0]} to {ways[1]}",
                     routes.get((source, group)) == ways, routes)


def displays(report, chain):
    text = chain.routers["a"].text("ip", "pim", "rp", "mapping")
    report.check("show ip pim rp mapping tells the source", "via Auto-RP" in text, text)
    text = chain.routers["a"].text("pim", "rp-info")
    report.check("display pim rp-info tells the source", "PIM-SM Auto-RP information" in text, text)


def precedence(report, chain):
    report.check("a BSR is known as well",
                 poll(lambda: any(row["source"] == "bootstrap" for row in chain.routers[
                     "t"].display("pim", "rp-info")["mappings"]), 40, 0.2))
    report.check("Auto-RP comes before BSR", chain.rp_of("t", GROUP) == (LOOP["a"], "auto_rp"),
                 chain.rp_of("t", GROUP))
    report.check("and before a static RP", chain.rp_of("a", GROUP) == (LOOP["a"], "auto_rp"),
                 chain.rp_of("a", GROUP))
    report.check("unless that is preferred",
                 chain.rp_of("b", GROUP) == (LOOP["t"], "configuration"), chain.rp_of("b", GROUP))
    alarms = [alarm["text"] for alarm in chain.routers["b"].display("alarm", "active")["alarms"]
              if alarm["id"] == "HA-RP-0004"]
    report.check("the conflict is an alarm", bool(alarms), alarms)


def foreign_agent(report, chain):
    """It is believed in place of b, whose address is lower, and dies."""
    agent = Agent(chain.agent_host)
    try:
        agent.say(HOLDTIME_S, {FOREIGN_RP: [FOREIGN_RANGE], LOOP["a"]: [("224.0.0.0", 4, False)]})
        said = now_ns()
        for name in chain.routers:
            report.check(f"{name} believes the agent of other make", poll(
                lambda n=name: FOREIGN in chain.learned(n), 5, 0.05), chain.learned(name))
        report.check("the longer range counts",
                     chain.rp_of("t", FOREIGN_GROUP) == (FOREIGN_RP, "auto_rp"),
                     chain.rp_of("t", FOREIGN_GROUP))
        gone = poll(lambda: FOREIGN not in chain.learned("t"), HOLDTIME_S + 3, 0.05)
        took = (now_ns() - said) / 1e9
        report.check("it is forgotten after its holdtime",
                     gone and HOLDTIME_S - 0.5 <= took <= HOLDTIME_S + 1.5, f"{took:.2f} s")
        report.check("and everywhere", poll(
            lambda: all(FOREIGN not in chain.learned(name) for name in chain.routers), 3, 0.1))
        report.check("b speaks again", poll(
            lambda: chain.learned("a").get((ALL, LOOP["a"]), {}).get("told_by") == LOOP["b"], 10,
            0.1), chain.learned("a"))
    finally:
        agent.close()


def restart(report, chain, where=""):
    """One message with a long holdtime; the daemon that follows knows it."""
    agent = Agent(chain.agent_host)
    try:
        agent.say(60, {FOREIGN_RP: [FOREIGN_RANGE]})
    finally:
        agent.close()
    report.check(f"{where}t knows the mapping",
                 poll(lambda: FOREIGN in chain.learned("t"), 5, 0.05))
    stored = {name: chain.entries("t", name) for name in ("Autorp discovery IDB", "RP mapping")}
    report.check(f"{where}agent and mapping are journalled",
                 (stored["Autorp discovery IDB"] or 0) >= 1 and (stored["RP mapping"] or 0) >= 1,
                 stored)
    node = chain.routers["t"]
    node.daemon.popen.send_signal(signal.SIGKILL)
    node.daemon.popen.wait(5)
    node.start()
    node.wait("ready", 20)
    row = chain.learned("t").get(FOREIGN, {})
    report.check(f"{where}a new daemon has it from its store",
                 row.get("told_by") == "10.255.9.10", row)


def in_vrf(report, args):
    """The candidate's announcement and the agent's answer cross t; the public instance of each
    router knows nothing; a restarted daemon knows what it knew."""
    with World(args.keep) as world:
        chain = AutoRpChain(world, args, {
            "a": ("auto-rp listening enable",
                  f"auto-rp announce LoopBack0 scope 16 interval {PERIOD_S}"),
            "t": ("auto-rp listening enable",),
            "b": ("auto-rp listening enable",
                  f"auto-rp discovery LoopBack0 scope 16 interval {PERIOD_S}")}, in_vrf=True)
        chain.start()
        own_routers(report, chain, f"VPN instance {INSTANCE}: ")
        for name, node in chain.routers.items():
            public = node.display("pim", "rp-info")["mappings"]
            report.check(f"VPN instance {INSTANCE}: the public instance of {name} has no RP",
                         not public, public)
        shown = chain.pim("b", "auto-rp")
        report.check(f"VPN instance {INSTANCE}: display pim vpn-instance {INSTANCE} auto-rp",
                     shown["vrf"] == INSTANCE and shown["own_mapping_agent"] == LOOP["b"]
                     and shown["announcements_heard"] > 0, shown)
        restart(report, chain, f"VPN instance {INSTANCE}: ")


def dead_candidate(report, chain):
    """The RP falls silent: mapping agent, then everybody, forget it; BSR and static RPs serve."""
    chain.routers["a"].signal_all(signal.SIGKILL)
    report.check("the BSR's RP serves when Auto-RP's has gone", poll(
        lambda: chain.rp_of("t", GROUP) == (LOOP["t"], "bootstrap"), 4 * HOLDTIME_S, 0.1),
        chain.rp_of("t", GROUP))
    chain.routers["a"].start()
    chain.routers["a"].wait("ready", 20)
    # What comes before the first Hello is flooded to nobody.
    wait_until(lambda: len(chain.neighbours("a")) == 1, 10, "a hears t again", step=0.1)
    report.check("it comes back", poll(
        lambda: chain.rp_of("t", GROUP) == (LOOP["a"], "auto_rp"), 20, 0.1),
        chain.rp_of("t", GROUP))


def main(args):
    report = Report("pim-autorp")
    with World(args.keep) as world:
        chain = AutoRpChain(world, args, LINES)
        chain.start()
        own_routers(report, chain)
        displays(report, chain)
        foreign_agent(report, chain)
        precedence(report, chain)
        dead_candidate(report, chain)
        restart(report, chain)
    in_vrf(report, args)
    return report.finish(args.json)
