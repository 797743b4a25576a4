"""Two VPN instances on one router: the same source, RP and groups in both, and nothing leaks.

FRR is RP and first-hop router of each instance. The router serves a host in each: shared trees,
the switch to the source's tree, source-specific groups. Its daemon is killed while the streams
flow and restarted in place. Then a pair in its place, a scope in each instance: the master dies.
Two routers with both instances speak PIM for IPv6 and carry bidirectional groups of IPv4 as well.
"""

import os
import signal
import time

from lib.faults import Fault
from lib.report import Report
from lib.topology import settle
from lib.vrf import DOWN, NET, SCOPES, SOURCE, TABLES, TIMERS, UP, Router, VrfPair, port
from lib.vrf_chain import BIDIR, Chain, between, lan, middle
from lib.world import World, now_ns, poll, wait_until

PATIENCE_S = 20
ROUND_MS = 1500  # beside the timeout, on a busy machine; labs of their own measure takeovers
DIALECTS = {"VRP": False, "IOS": True}


def foreign(measurement):
    """Flows that a receiver heard of another sender than its own."""
    own = {report["run"] for report in measurement.sent}
    return [row["group"] for report in measurement.received for row in report["groups"]
            if row["expected"] and row["run"] not in own]


def trees(report, what, lab):
    """Every group goes from the instance's uplink to its host, in the instance's own table."""
    for name in TABLES:
        wanted = {(SOURCE, str(group)) for group in lab.plans[name].groups()}

        def there(instance=name, all_of=wanted):
            routes = lab.kernel_routes(instance)
            return all(routes.get(key) == (UP[instance], {DOWN[instance]}) for key in all_of)

        good = poll(there, PATIENCE_S, 0.2)
        report.check(f"{what}: {name}: every (S,G) from {UP[name]} to {DOWN[name]} in table "
                     f"{TABLES[name]}", good, lab.kernel_routes(name))


def flow(lab, links=("ge0",)):
    lab.running = {name: lab.streams(name) for name in TABLES}
    lab.plans = {name: streams.plan for name, streams in lab.running.items()}
    for streams in lab.running.values():
        streams.join()
    for name in TABLES:
        wait_until(lambda n=name: all(
            (link, "*", str(group)) in lab.frr[n].joins() for link in links for group in
            [g for g in lab.plans[n].groups() if str(g).startswith("239.")]), PATIENCE_S,
            f"the RP of {name} is joined", step=0.2)
    for streams in lab.running.values():
        streams.send()


def end(report, what, lab, begin, lost=0):
    for name, streams in lab.running.items():
        measured = streams.stop()
        row = measured.window(begin)
        report.add_run(f"{what}: {name}", row)
        report.check(f"{what}: {name}: every stream is heard", row["silent"] == 0, row["silent"])
        report.check(f"{what}: {name}: {lost} lost, none twice",
                     row["lost"] <= lost and row["duplicates"] == 0,
                     f"{row['lost']} lost, {row['duplicates']} twice")
        strange = foreign(measured)
        report.check(f"{what}: {name}: nothing of the other instance arrives", not strange,
                     strange[:3])


def restart(node):
    """Killed, and back after a second: the kernel forwards on, nobody takes over."""
    os.kill(node.daemon.pid, signal.SIGKILL)
    node.daemon.popen.wait()
    time.sleep(1)
    node.start()
    node.wait("ready", PATIENCE_S)


def shown(report, what, lab):
    """Displays tell instances apart."""
    for name in TABLES:
        vrp = lab.node.display("pim", "vpn-instance", name, "interface")
        wanted = {port(UP[name]), port(DOWN[name])}
        report.check(f"{what}: display pim vpn-instance {name} interface",
                     {each["interface"] for each in vrp["interfaces"]} == wanted
                     and vrp["vrf"] == name, vrp)
        members = lab.node.display("igmp", "vpn-instance", name, "group")["groups"]
        report.check(f"{what}: display igmp vpn-instance {name} group",
                     members and {row["interface"] for row in members} == {port(DOWN[name])},
                     members[:1])
        ios = lab.node.display("ip", "mroute", "vrf", name)
        report.check(f"{what}: show ip mroute vrf {name}", ios["total"] > 0 and all(
            route["upstream_interface"] == port(UP[name]) for route in ios["routes"]),
            ios["routes"][:1])
        rpf = lab.node.display("ip", "rpf", "vrf", name, SOURCE)
        report.check(f"{what}: show ip rpf vrf {name} {SOURCE}",
                     rpf["interface"] == port(UP[name]), rpf)
    groups = lab.node.display("igmp", "group")["groups"]
    report.check(f"{what}: the public instance has no groups", not groups, groups[:1])
    public = lab.node.display("multicast", "forwarding-table")
    report.check(f"{what}: the public instance has no routes", not public["routes"],
                 public["routes"][:1])
    report.check(f"{what}: an unknown instance is refused", lab.node.shell(
        "display", "pim", "vpn-instance", "green", "neighbor", check=False).returncode == 1)
    rules = [alarm["text"] for alarm in lab.node.alarms()]
    report.check(f"{what}: no alarm", not rules, rules)


def rules_of(lab):
    text = lab.router.run("ip", "mrule", "show")
    return sorted(line.split("iif ")[1].split()[0] for line in text.splitlines() if "iif" in line)


def play(report, args, dialect):
    with World(args.keep) as world:
        lab = Router(world, args, ios=DIALECTS[dialect])
        lab.start()
        flow(lab)
        trees(report, dialect, lab)
        settle(1)
        shown(report, dialect, lab)
        begin = now_ns()
        settle(3)
        end(report, dialect, lab, begin)
        if dialect != "VRP":
            return
        flow(lab)
        trees(report, "before the restart", lab)
        rules = rules_of(lab)
        begin = now_ns()
        restart(lab.node)
        trees(report, "restarted", lab)
        report.check("restarted: the rules are those of before", rules_of(lab) == rules,
                     f"{rules} -> {rules_of(lab)}")
        settle(4)
        shown(report, "restarted", lab)
        end(report, "restarted", lab, begin)


def first_hop(report, args):
    """Hosts of the router send: it registers them, each with the RP of its own instance."""
    with World(args.keep) as world:
        lab = Router(world, args)
        lab.start()
        lab.running = {name: lab.back_streams(name) for name in TABLES}
        for streams in lab.running.values():
            streams.join()
        settle(1)
        for streams in lab.running.values():
            streams.send()
        for name, streams in lab.running.items():
            groups = [str(group) for group in streams.plan.groups()
                      if str(group).startswith("239.")]
            wanted = {(streams.plan.source, group) for group in groups}
            good = poll(lambda n=name, w=wanted: w <= set(lab.frr[n].upstreams()), PATIENCE_S, 0.2)
            report.check(f"first hop: the RP of {name} knows every source", good,
                         lab.frr[name].upstreams())
        settle(2)
        begin = now_ns()
        settle(3)
        for name in TABLES:
            theirs = next(each.plan.source for other, each in lab.running.items() if other != name)
            strange = [key for key in lab.frr[name].upstreams() if key[0] == theirs]
            report.check(f"first hop: the RP of {name} knows no source of the other instance",
                         not strange, strange)
        end(report, "first hop", lab, begin)


def death(report, args):
    """The master of both scopes dies; the backup has the trees of both instances already."""
    timeout_ms = TIMERS["hello_ms"] * TIMERS["multiplier"]
    with World(args.keep) as world:
        lab = VrfPair(world, args)
        lab.start()
        flow(lab, ("ge1", "ge2"))
        for name in TABLES:
            out = lab.port_names[f"Eth-Trunk{NET[name]}"]
            for node in lab.nodes:
                def there(instance=name, where=node, device=out):
                    routes = lab.kernel_routes(instance, where)
                    return all(routes.get((SOURCE, str(group))) == (UP[instance], {device})
                               for group in lab.plans[instance].groups())

                report.check(f"pair: {name}: every (S,G) on {node}, from {UP[name]} to {out}",
                             poll(there, PATIENCE_S, 0.2), lab.kernel_routes(name, node))
        a, b = lab.pair.nodes
        for name, scope in SCOPES.items():
            shown_rows = next(each for each in b.display(
                "multicast", "redundancy", "databases")["scopes"] if each["scope"] == scope)
            report.check(f"pair: {name}: the backup holds the records of scope {scope}",
                         any(row["entries"] for row in shown_rows["databases"]), shown_rows)
        settle(1)
        begin = Fault(pids=a.pids(), links=lab.links_of("a")).fire()
        b.wait("master", PATIENCE_S)
        settle(4)
        for name, streams in lab.running.items():
            measured = streams.stop()
            row = measured.window(begin)
            report.add_run(f"death: {name}", row)
            report.check(f"death: {name}: every stream is back",
                         row["silent"] == 0 and row["stopped"] == 0
                         and row["longest_gap_ms"] < timeout_ms + ROUND_MS, row["longest_gap_ms"])
            strange = foreign(measured)
            report.check(f"death: {name}: nothing of the other instance arrives", not strange,
                         strange[:3])


def of_chain(lab, family):
    """Streams both ways in both instances, on the way; (instance, side) -> streams."""
    running = {(name, side): lab.streams(name, side, family)
               for name in TABLES for side in ("far", "near")}
    for streams in running.values():
        streams.join()
    settle(1)
    for streams in running.values():
        streams.send()
    return running


def way_through(lab, name, side, router):
    """(incoming, outgoing) of the streams towards one side."""
    devices = (lan(name), middle(name))
    towards_far = devices if router == "r1" else devices[::-1]
    return towards_far if side == "far" else towards_far[::-1]


def chain_trees(report, what, lab, running, family):
    for (name, side), streams in running.items():
        for router in lab.routers:
            came, goes = way_through(lab, name, side, router)
            wanted = {(streams.plan.source, str(group)) for group in streams.plan.groups()}

            def missing(instance=name, where=router, want=wanted, route=(came, {goes})):
                routes = lab.kernel_routes(where, instance, family)
                return {key: routes.get(key) for key in want if routes.get(key) != route}

            good = poll(lambda absent=missing: not absent(), PATIENCE_S, 0.2)
            report.check(f"{what}: {name}: every (S,G) from {came} to {goes} on {router}", good,
                         missing())


def chain_end(report, what, running, begin):
    for (name, side), streams in running.items():
        each = streams.stop()
        where = f"{what}: {name}, to the {side} host"
        row = each.window(begin)
        report.add_run(where, row)
        report.check(f"{where}: every stream is heard, each packet once",
                     row["silent"] == 0 and row["lost"] == 0 and row["duplicates"] == 0, row)
        strange = foreign(each)
        report.check(f"{where}: nothing of the other instance arrives", not strange, strange[:3])


def shown_ipv6(report, what, lab):
    """Displays of IPv6 tell instances apart."""
    r2 = lab.routers["r2"]
    for name in TABLES:
        members = r2.display("mld", "vpn-instance", name, "group")["groups"]
        report.check(f"{what}: display mld vpn-instance {name} group", members and
                     {row["interface"] for row in members} == {port(lan(name))}, members[:1])
        rows = r2.display("pim", "ipv6", "vpn-instance", name, "interface")["interfaces"]
        report.check(f"{what}: display pim ipv6 vpn-instance {name} interface",
                     {row["interface"] for row in rows} == {port(lan(name)), port(middle(name))},
                     rows)
    public = r2.display("mld", "group")["groups"]
    report.check(f"{what}: the public instance has no groups", not public, public[:1])


def neighbour_messages(report, lab):
    """The log says in which instance a neighbor came up."""
    lines = lab.routers["r2"].log_lines("HA-PIM-0001")
    for name in TABLES:
        wanted = f"on {port(middle(name))} in VPN instance {name}"
        report.check(f"the log names the instance of neighbors: {name}", 2 <= sum(
            wanted in line for line in lines), lines)


def bidirectional(report, lab):
    """The same groups and RP in both instances, each with forwarders and trees of its own."""
    for name in TABLES:
        wanted = {("r1", middle(name)): ("Win", between(name, 1, "ipv4")),
                  ("r2", middle(name)): ("Lose", between(name, 1, "ipv4")),
                  ("r2", lan(name)): ("Win", f"10.2.0.{NET[name]}")}
        report.check(f"bidirectional {BIDIR}: {name}: forwarders of its own", poll(
            lambda n=name, w=wanted: all(
                lab.forwarders(router, n).get(port(device)) == row
                for (router, device), row in w.items()), PATIENCE_S, 0.2),
            {router: lab.forwarders(router, name) for router in lab.routers})
    running = of_chain(lab, "ipv4")
    chain_trees(report, "bidirectional", lab, running, "ipv4")
    settle(1)
    begin = now_ns()
    settle(2)
    chain_end(report, "bidirectional", running, begin)


def chain(report, args):
    """Two routers with both instances, hosts of the same addresses in both: sparse mode for IPv6,
    where r2 registers what the far hosts send, and bidirectional groups of IPv4."""
    with World(args.keep) as world:
        lab = Chain(world, args)
        lab.start()
        for name in TABLES:
            for router in lab.routers:
                for family in ("ipv4", "ipv6"):
                    report.check(f"{family}: {name}: {router} has the other one as neighbor", poll(
                        lambda r=router, n=name, f=family:
                        lab.neighbours(r, n, f) == {port(middle(n))}, PATIENCE_S, 0.2),
                        lab.neighbours(router, name, family))
        running = of_chain(lab, "ipv6")
        chain_trees(report, "IPv6", lab, running, "ipv6")
        shown_ipv6(report, "IPv6", lab)
        settle(1)
        begin = now_ns()
        restart(lab.routers["r2"])
        chain_trees(report, "IPv6, restarted", lab, running, "ipv6")
        settle(2)
        shown_ipv6(report, "IPv6, restarted", lab)
        chain_end(report, "IPv6", running, begin)
        neighbour_messages(report, lab)
        bidirectional(report, lab)


def missing_rule(report, args):
    """An operator forgot a rule: an alarm says which one."""
    with World(args.keep) as world:
        lab = Router(world, args)
        lab.start()
        lab.router.ip(f"rule del oif {UP['red']} lookup {TABLES['red']}")
        wanted = f"ip rule add oif {UP['red']} lookup {TABLES['red']}"
        good = poll(lambda: any(wanted in text for text in lab.node.alarm_texts("HA-NODE-0053")),
                    PATIENCE_S, 0.5)
        report.check("a missing rule of unicast routing is an alarm", good, lab.node.alarms())
        lab.router.ip(f"rule add oif {UP['red']} lookup {TABLES['red']}")
        report.check("and no longer when it is there", poll(
            lambda: not lab.node.alarm_texts("HA-NODE-0053"), PATIENCE_S, 0.5))


def main(args):
    report = Report("pim-vrf")
    for dialect in DIALECTS:
        play(report, args, dialect)
    first_hop(report, args)
    death(report, args)
    chain(report, args)
    missing_rule(report, args)
    return report.finish(args.json)
