"""Bidirectional PIM (RFC 5015) among four routers of hotpair; no other router here has it.

    host-a, host-x -- LAN a --+-- r1 --+
                              +-- r2 --+-- RP link (the RP is an address that nobody has)
                      host-b -- LAN b -- r3 --+
                                         r3 --- r4 -- LAN d -- host-d

Everybody sends and hears the others: every packet once. Then the designated forwarder of LAN a dies
and the other router takes over; a daemon is restarted in place and forwarding goes on.
"""

import json
import signal

from lib.node import Node
from lib.report import Report
from lib.streams import PORT, Measurement
from lib.topology import QUIET, settle
from lib.world import World, now_ns, poll, wait_until

RP, RANGE = "10.9.0.100", "239.0.0.0/8"
PATIENCE_S = 30
RATE = 100
# link -> router or host -> address; the names of links are those of bridges.
LINKS = {"a": {"r1": "10.1.0.1", "r2": "10.1.0.2", "host-a": "10.1.0.10", "host-x": "10.1.0.11"},
         "u": {"r1": "10.9.0.1", "r2": "10.9.0.2", "r3": "10.9.0.3"},
         "b": {"r3": "10.2.0.3", "host-b": "10.2.0.10"},
         "c": {"r3": "10.3.0.3", "r4": "10.3.0.4"},
         "d": {"r4": "10.4.0.4", "host-d": "10.4.0.10"}}
NUMBER = {"u": 1, "a": 2, "b": 3, "c": 4, "d": 5}
GATEWAY = {"host-a": "10.1.0.1", "host-x": "10.1.0.1", "host-b": "10.2.0.3", "host-d": "10.4.0.4"}
ROUTES = {"r1": (("10.2.0.0/24", "10.9.0.3"), ("10.3.0.0/24", "10.9.0.3"),
                 ("10.4.0.0/24", "10.9.0.3")),
          "r2": (("10.2.0.0/24", "10.9.0.3"), ("10.3.0.0/24", "10.9.0.3"),
                 ("10.4.0.0/24", "10.9.0.3")),
          "r3": (("10.1.0.0/24", "10.9.0.1"), ("10.4.0.0/24", "10.3.0.4")),
          "r4": (("10.9.0.0/24", "10.3.0.3"), ("10.1.0.0/24", "10.3.0.3"),
                 ("10.2.0.0/24", "10.3.0.3"))}
GROUPS = {"host-a": "239.1.1.1", "host-b": "239.1.1.2", "host-d": "239.1.1.4",
          "host-x": "239.1.1.5"}


def port(link):
    return f"GigabitEthernet0/1/{NUMBER[link]}"


# r3 tells everybody of bidirectional groups whose RP it is itself.
LEARNED = "238.0.0.0/8"
OFFER = [f" c-bsr {port('u')}",
         f" c-rp {port('u')} group-policy {LEARNED} advertisement-interval 5 bidir"]


class Net:
    """Builds it; `nodes` are namespaces, `routers` what runs there."""

    port_names = {}

    def __init__(self, world, args):
        self.world = world
        self.args = args
        names = sorted({name for ends in LINKS.values() for name in ends})
        self.all = {name: world.namespace(name) for name in names}
        self.nodes = {name: self.all[name] for name in names if name.startswith("r")}
        self.wires = world.namespace("wires")
        for namespace in (*self.all.values(), self.wires):
            namespace.sysctl(**QUIET)
        for link, ends in LINKS.items():
            self.wires.ip(f"link add br-{link} type bridge mcast_snooping 0",
                          f"link set br-{link} up")
            for name, address in ends.items():
                self._wire(link, name, address)
        for host, gateway in GATEWAY.items():
            self.all[host].ip(f"route add default via {gateway}")
        for router, routes in ROUTES.items():
            for prefix, hop in routes:
                self.nodes[router].ip(f"route add {prefix} via {hop}")
        self.routers = {name: Node(self, name, args.bin, self._config(name))
                        for name in self.nodes}

    def _wire(self, link, name, address):
        device = f"ge0-1-{NUMBER[link]}" if name in self.nodes else "eth0"
        far = f"p-{link}-{name}"
        self.all[name].ip(f"link add {device} type veth peer name {far} "
                          f"netns {self.wires.full_name}",
                          f"addr add {address}/24 dev {device}", f"link set {device} up")
        self.wires.ip(f"link set {far} master br-{link} up")

    @staticmethod
    def _config(name):
        text = [f"sysname {name}", "#", "multicast routing-enable", "#"]
        for link, ends in LINKS.items():
            if name not in ends:
                continue
            text += [f"interface {port(link)}", f" ip address {ends[name]} 24", " pim sm",
                     " pim timer hello 1", " pim hello-option holdtime 3"]
            text += [" igmp enable"] * (link in "abd") + ["#"]
        text += ["pim", " bidir-pim enable", f" static-rp {RP} {RANGE} bidir"]
        text += OFFER * (name == "r3") + ["#", "return", ""]
        return "\n".join(text)

    def start(self):
        for router in self.routers.values():
            router.start()
        for router in self.routers.values():
            router.wait("ready", 60)

    def forwarder(self, router, link):
        """(state, address) as a router has it."""
        for row in self.routers[router].display("pim", "df-info")["elections"]:
            if row["interface"] == port(link) and row["rp"] == RP:
                return row["state"], row["df"]
        return None

    def die(self, router):
        """Power off: nothing of it forwards or speaks."""
        for link, ends in LINKS.items():
            if router in ends:
                self.wires.ip(f"link set p-{link}-{router} down")
        self.routers[router].signal_all(signal.SIGKILL)


class Flows:
    """Every host sends one group and hears those of the others."""

    def __init__(self, net):
        self.net = net
        self.probe = net.args.probe
        self.senders, self.receivers = {}, {}

    def _file(self, what):
        return self.net.world.dir / f"bidir-{what}.json"

    def join(self):
        for host in GROUPS:
            groups = ",".join(group for name, group in GROUPS.items() if name != host)
            ready = self._file(f"ready-{host}")
            self.receivers[host] = self.net.world.start(
                self.net.all[host], self.probe, "receive", "--group", groups, "--interface", "eth0",
                "--port", PORT, "--quiet", "--json", self._file(f"received-{host}"),
                "--ready-file", ready)
            wait_until(lambda r=ready: r.exists(), 10, f"{host} joined")

    def send(self):
        for host, group in GROUPS.items():
            address = next(ends[host] for ends in LINKS.values() if host in ends)
            self.senders[host] = self.net.world.start(
                self.net.all[host], self.probe, "send", "--group", group, "--interface", "eth0",
                "--port", PORT, "--rate", RATE, "--source", address, "--quiet",
                "--json", self._file(f"sent-{host}"))

    def stop(self):
        """What each host heard, by host."""
        sent = [self._collect("sent", host, each) for host, each in self.senders.items()]
        return {host: Measurement("ipv4", sent, [self._collect("received", host, each)])
                for host, each in self.receivers.items()}

    def _collect(self, what, host, process):
        process.finish(signal.SIGINT)
        return json.loads(self._file(f"{what}-{host}").read_text())


def elections(report, net):
    """One forwarder per link, and all of the link name it."""
    wanted = {("r1", "a"): ("Lose", "10.1.0.2"), ("r2", "a"): ("Win", "10.1.0.2"),
              ("r3", "b"): ("Win", "10.2.0.3"), ("r3", "c"): ("Win", "10.3.0.3"),
              ("r4", "c"): ("Lose", "10.3.0.3"), ("r4", "d"): ("Win", "10.4.0.4"),
              ("r1", "u"): (None, None), ("r3", "u"): (None, None)}
    seen = {}

    def agreed():
        seen.update({place: net.forwarder(*place) for place in wanted})
        return seen == wanted
    report.check("one forwarder on each link, none on the RP link", poll(agreed, PATIENCE_S, 0.2),
                 {place: seen[place] for place in wanted if seen.get(place) != wanted[place]})


def steady(report, name, measured, begin, end=None):
    for host, measurement in measured.items():
        row = measurement.window(begin, end)
        report.add_run(f"{name}, {host}", row)
        report.check(f"{name}: {host} hears every packet once",
                     row["silent"] == 0 and row["lost"] == 0 and row["duplicates"] == 0,
                     {key: row[key] for key in ("silent", "lost", "duplicates")})


def displayed(report, net):
    """What operators read, in both dialects."""
    r3 = net.routers["r3"]
    table = r3.text("ip", "pim", "interface", "df")
    report.check("show ip pim interface df marks our own links", "*10.2.0.3" in table
                 and "*10.3.0.3" in table, table)
    info = r3.text("pim", "df-info")
    report.check("display pim df-info", "10.2.0.3 (local)" in info and ": Win" in info, info)
    def flagged():
        lines = r3.text("ip", "pim", "neighbor").splitlines()
        return sum(line.startswith("10.") and " B " in line for line in lines) == 3
    report.check("every neighbor has flag B", poll(flagged, PATIENCE_S, 0.2))
    report.check("rp-info says bidir", "bidir" in r3.text("pim", "rp-info"))


def learned(report, net):
    """A range of the bootstrap router, with its kind, wherever it is told."""
    def known(router):
        rows = net.routers[router].display("pim", "rp-info")["mappings"]
        return any(row["range"] == LEARNED and row["bidir"] for row in rows)
    report.check("a bidirectional range is learned from the bootstrap router",
                 poll(lambda: known("r1") and known("r4"), PATIENCE_S, 0.2))


def recorded(report, net):
    """Who acts, and the ways to the RP, are records of the whole node."""
    def entries():
        scopes = net.routers["r3"].display("multicast", "redundancy", "databases")["scopes"]
        return {row["name"]: row["entries"] for scope in scopes for row in scope["databases"]}
    good = poll(lambda: entries().get("RPDF") == 2 and entries().get("Bidir. RP route info") == 2,
                PATIENCE_S, 0.2)
    report.check("RPDF and the routes to both RPs are recorded", good, entries())


def all_in_place(net):
    """Joined trees and sources as every router's routing table has them."""
    text = net.routers["r3"].text("pim", "routing-table")
    return all(group in text for group in GROUPS.values())


def capture(net):
    pcap = net.world.dir / "bidir.pcap"
    return pcap, net.world.start(net.wires, "tcpdump", "-i", "any", "-U", "-Z", "root", "-w", pcap,
                                 "ip", "proto", "103")


def dissect(report, net, pcap):
    def lines(what):
        return net.wires.run("tshark", "-r", str(pcap), "-Y", what, timeout=60).splitlines()
    elected = lines("pim.type == 10")
    report.check("tshark sees the messages of elections", len(elected) > 0, len(elected))
    bad = lines("pim && (_ws.malformed || pim.cksum.status == 0)")
    report.check("tshark sees nothing malformed", not bad, bad[:3])
    report.check("no Register, no Assert", not lines("pim.type == 1 || pim.type == 5"))


def takeover(report, net):
    flows = Flows(net)
    flows.join()
    flows.send()
    settle(4)
    begin = now_ns()
    settle(2)
    died = now_ns()
    net.die("r2")
    took = poll(lambda: net.forwarder("r1", "a") == ("Win", "10.1.0.1"), PATIENCE_S, 0.05)
    report.check("the other router of LAN a takes over", took, net.forwarder("r1", "a"))
    settle(3)
    healed = now_ns()
    settle(3)
    measured = flows.stop()
    for host, measurement in measured.items():
        row = measurement.window(died, healed)
        report.add_run(f"forwarder dies, {host}", row)
    gap = max(measured[host].window(died, healed)["longest_gap_ms"]
              for host in ("host-a", "host-b"))
    report.figure("forwarder dies", [gap])
    report.check("what passes LAN a is back", gap < 6000, gap)
    steady(report, "after it", measured, healed)
    # A loss counts from the packet before; what was sent last may still have been on its way.
    row = measured["host-d"].window(begin, died - int(50e6))
    report.check("before it every packet once", row["lost"] == 0 and row["duplicates"] == 0)


def restart(report, net):
    """The daemon of r3 is killed and started: its elections go on as won."""
    flows = Flows(net)
    flows.join()
    flows.send()
    settle(4)
    begin = now_ns()
    net.routers["r3"].daemon.send(signal.SIGKILL)
    settle(1)
    net.routers["r3"].start()
    net.routers["r3"].wait("ready", 60)
    on_b = poll(lambda: net.forwarder("r3", "b") == ("Win", "10.2.0.3"), PATIENCE_S, 0.1)
    report.check("the restarted router acts on its links", on_b, net.forwarder("r3", "b"))
    settle(3)
    steady(report, "daemon restarted in place", flows.stop(), begin)


def main(args):
    report = Report("pim-bidir")
    with World(args.keep) as world:
        net = Net(world, args)
        pcap, sniffer = capture(net)
        net.start()
        elections(report, net)
        displayed(report, net)
        flows = Flows(net)
        flows.join()
        flows.send()
        good = poll(lambda: all_in_place(net), PATIENCE_S, 0.2)
        report.check("every group is in r3's table", good)
        settle(2)
        begin = now_ns()
        settle(3)
        steady(report, "steady", flows.stop(), begin)
        restart(report, net)
        takeover(report, net)
        learned(report, net)
        recorded(report, net)
        sniffer.finish(signal.SIGINT)
        dissect(report, net, pcap)
    return report.finish(args.json)
