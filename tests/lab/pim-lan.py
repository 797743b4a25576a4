"""One LAN of hotpair, three FRR and a station: DR changes, asserts, prune override.

    src --1-- u --2-- a --9--+-- d1 --4-- host1      u FRR: the source's router
              \\---3-- b --9--+-- d2 --5-- host2      d1 reaches the source by a, d2 by b
                             +-- x                   x by hand, as a router that prunes

hotpair is `a`, one of two forwarders onto the LAN, then `d2`, one of its receivers. Streams are of
single sources, so trees begin at the hosts and need no RP. Duplicates are what the hosts count.

FRR 8.4 as loser of an assert forwards until its joins are pruned. FRR as receiver does not follow
the winner of an assert, nor does it repeat its join, until its next hops are looked up again; a new
neighbour makes it do so: x says Hello. It prunes at once then, and the prune waits 3 s for an
override. FRR's displays and the kernel's entries do not tell when b's packets end; the LAN does.
"""

import json
import re
import subprocess
import time
from pathlib import Path

from lib import pim_wire as w
from lib.frr import Frr, pim_config
from lib.mroutes import mroutes
from lib.node import Node
from lib.report import Report
from lib.streams import PORT, Measurement, Streams, expand
from lib.topology import QUIET
from lib.world import World, now_ns, poll, wait_until

LINKS = {1: ("src", "u"), 2: ("u", "a"), 3: ("u", "b"), 4: ("d1", "host1"), 5: ("d2", "host2")}
NUMBER = {"u": 1, "a": 11, "b": 12, "d1": 13, "d2": 14, "src": 10, "host1": 10, "host2": 10,
          "x": 66}
LAN = 9
ON_LAN = ("a", "b", "d1", "d2")
ROUTERS = ("u", *ON_LAN)
SRC = "10.5.1.10"
GROUPS = "232.9.1.1+4"
RATE = 25  # the probe has the times of 256 duplicates of a stream
HELLO_S = 1
LOST = re.compile(rf"\S+\s+\S+\s+{re.escape(SRC)}\s+(\S+)\s+LOSER\s+(\S+)")
PATIENCE_S = 15
PCAP_HEADER = 24
SILENT_S = 1  # of a router that sent 4 groups of RATE onto the LAN
# Of a stream: the kernel tells of packets on an outgoing link every 3 s, b's prune waits 3 s for an
# override, and 4 s for a busy machine.
DUPLICATES_MAX = (3 + 3 + 4) * RATE


def device(link):
    return f"ge0-1-{link}"


def address(name, link):
    return f"10.5.{link}.{NUMBER[name]}"


def lan(name):
    return address(name, LAN)


def links_of(name):
    return [link for link, ends in LINKS.items() if name in ends] + [LAN] * (name in ON_LAN)


class Lan:
    """Builds it. `ours`: the place of hotpair."""

    port_names = {}

    def __init__(self, world, args, ours):
        self.world, self.args, self.ours = world, args, ours
        self.nodes = {name: world.namespace(name) for name in NUMBER}
        self.bridge = world.namespace("lan")
        for namespace in self.nodes.values():
            namespace.sysctl(**QUIET)
        for link, ends in LINKS.items():
            self._wire(link, *ends)
        self.bridge.ip("link add br0 type bridge mcast_snooping 0 stp_state 0", "link set br0 up")
        for name in (*ON_LAN, "x"):
            self._attach(name)
        self._route()
        self.frr = {name: Frr(world, self.nodes[name], self._frr_config(name), ("pimd",))
                    for name in ROUTERS if name != ours}
        self.node = Node(self, ours, args.bin, self._config())

    def _wire(self, link, near, far):
        ends = self.nodes[near], self.nodes[far]
        ends[0].ip(f"link add {device(link)} index {20 + link} type veth peer name {device(link)} "
                   f"netns {ends[1].full_name}")
        for namespace, name in zip(ends, (near, far)):
            namespace.ip(f"addr add {address(name, link)}/24 dev {device(link)}",
                         f"link set {device(link)} up")

    def _attach(self, name):
        namespace = self.nodes[name]
        namespace.ip(f"link add {device(LAN)} index 40 type veth peer name p-{name} "
                     f"netns {self.bridge.full_name}",
                     f"addr add {lan(name)}/24 dev {device(LAN)}", f"link set {device(LAN)} up")
        self.bridge.ip(f"link set p-{name} master br0 up")

    def _route(self):
        sources = "10.5.1.0/24"
        for name, by in (("a", address("u", 2)), ("b", address("u", 3)), ("d1", lan("a")),
                         ("d2", lan("b"))):
            self.nodes[name].ip(f"route add {sources} via {by}")
        self.nodes["src"].ip(f"route add default via {address('u', 1)}")
        for host, link, router in (("host1", 4, "d1"), ("host2", 5, "d2")):
            self.nodes[host].ip(f"route add default via {address(router, link)}")

    @staticmethod
    def _frr_config(name):
        devices = [device(link) for link in links_of(name)]
        return pim_config(name, devices, igmp=(device(4), device(5)),
                          lines={each: [f"ip pim hello {HELLO_S}"] for each in devices})

    def _config(self, priority=None):
        lines = [f"sysname {self.ours}", "#", "multicast routing-enable", "#"]
        for link in links_of(self.ours):
            lines += [f"interface GigabitEthernet0/1/{link}",
                      f" ip address {address(self.ours, link)} 24", " pim sm",
                      f" pim timer hello {HELLO_S}"]
            lines += [f" pim hello-option dr-priority {priority}"] * (link == LAN
                                                                      and priority is not None)
            lines += [" igmp enable", " igmp version 3"] * (link in (4, 5)) + ["#"]
        return "\n".join([*lines, "pim", "#", "return", ""])

    def start(self):
        for frr in self.frr.values():
            frr.start()
        self.node.start()
        self.node.wait("ready")
        self.capture = self.world.dir / "lan.pcap"
        self.world.start(self.nodes["x"], "tcpdump", "-i", device(LAN), "-U", "-w", self.capture,
                         "proto 103", log="tcpdump")
        self._tap_data("b")
        self.station = w.Station(self.nodes["x"], device(LAN), self.nodes["a"], device(LAN))
        wanted = len(ON_LAN) - 1
        wait_until(lambda: all(len(frr.neighbors().get(device(LAN), ())) == wanted
                               for name, frr in self.frr.items() if name != "u"), 40,
                   "everybody sees everybody on the LAN", step=0.2)

    def _tap_data(self, name):
        """What a router forwards onto the LAN, told from the others' by its MAC address."""
        shown = json.loads(self.nodes[name].run("ip", "-json", "link", "show", device(LAN)))
        self._data = self.world.dir / f"data-{name}.pcap"
        self.world.start(self.nodes["x"], "tcpdump", "-i", device(LAN), "-U", "-s", "64", "-w",
                         self._data, f"ether src {shown[0]['address']} and udp port {PORT}",
                         log=f"tcpdump-{name}")
        wait_until(lambda: self._heard() > 0, 10, f"the capture of {name}'s packets begins")

    def _heard(self):
        """Size of the capture: a header, then 16 octets and 64 of a packet each."""
        return self._data.stat().st_size if self._data.exists() else 0

    def fell_silent(self, timeout):
        """b has forwarded onto the LAN, and then nothing for SILENT_S."""
        last, since = self._heard(), now_ns()

        def silent():
            nonlocal last, since
            size = self._heard()
            if size != last:
                last, since = size, now_ns()
            return size > PCAP_HEADER and now_ns() - since > SILENT_S * 1e9

        return poll(silent, timeout)

    def appear(self):
        """x says Hello, so that it is somebody's neighbour and may prune."""
        self.station.send(w.ip(lan("x"), w.ALL_ROUTERS[4], w.header(
            w.HELLO, w.hello(holdtime=60, priority=0), lan("x"), w.ALL_ROUTERS[4])))
        wait_until(lambda: all(lan("x") in frr.neighbors().get(device(LAN), ())
                               for name, frr in self.frr.items() if name != "u"), PATIENCE_S,
                   "everybody sees x", step=0.1)

    def set_priority(self, priority):
        self.node.config.write_text(self._config(priority))
        self.node.shell("reload")

    # ---- questions ----

    def drs(self, but=()):
        """Whom each router of the LAN calls DR."""
        found = {name: self.frr[name].designated_router(device(LAN))
                 for name in ON_LAN if name != self.ours and name not in but}
        rows = self.node.display("pim", "interface")["interfaces"]
        found[self.ours] = next(row["dr"] for row in rows
                                if row["interface"].endswith(f"/{LAN}"))
        return found

    def onto_lan(self, name):
        """Groups that a router's kernel forwards to the LAN."""
        return {group for (source, group), (_iif, oifs) in mroutes(self.nodes[name]).items()
                if source == SRC and device(LAN) in oifs}

    def lost_to(self, name):
        """group -> winner, of the asserts that an FRR lost on the LAN."""
        return dict(LOST.findall(self.frr[name].vtysh("show ip pim assert")))

    def asserts(self):
        """group -> {sender: (preference, metric)} of the asserts on the LAN, cancels left out."""
        argv = ["tshark", "-r", str(self.capture), "-Y", "pim.type == 5", "-T", "fields", "-e",
                "ip.src", "-e", "pim.group", "-e", "pim.metric_pref", "-e", "pim.metric"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        found = {}
        for line in done.stdout.splitlines():
            sender, group, preference, metric = (line.split("\t") + [""] * 4)[:4]
            if preference and int(preference) != 0x7fffffff:
                found.setdefault(group.split(",")[0], {})[sender] = (int(preference),
                                                                     int(metric or 0))
        return found


class Flow:
    """The source's stream and what a host receives, by the probe."""

    def __init__(self, bench):
        self.bench = bench
        self.running = {}
        self.sent = None

    def join(self, host, link):
        ready = self.bench.world.dir / f"{host}-ready"
        path = self.bench.world.dir / f"{host}.json"
        process = self.bench.world.start(
            self.bench.nodes[host], self.bench.args.probe, "receive", "--group", GROUPS,
            "--interface", device(link), "--port", PORT, "--quiet", "--json", path,
            "--ready-file", ready, "--source-list", SRC)
        wait_until(lambda: ready.exists() or not process.alive(), 10, f"{host} has joined")
        self.running[host] = (path, process)

    def send(self):
        path = self.bench.world.dir / "sent.json"
        self.sent = (path, self.bench.world.start(
            self.bench.nodes["src"], self.bench.args.probe, "send", "--group", GROUPS,
            "--interface", device(1), "--port", PORT, "--rate", RATE, "--source", SRC, "--quiet",
            "--json", path))

    def stop(self):
        """host -> Measurement."""
        sent = [Streams._collect(*self.sent)]
        return {host: Measurement("ipv4", sent, [Streams._collect(*each)])
                for host, each in self.running.items()}


def same_dr(report, bench, name, wanted, but=()):
    """Every router of the LAN names this one."""
    good = poll(lambda: set(bench.drs(but).values()) == {lan(wanted)}, PATIENCE_S, 0.2)
    report.check(f"hotpair as {bench.ours}: DR by {name} is {wanted}, for everybody", good,
                 bench.drs(but))


def dr_changes(report, bench):
    """By address, by hotpair's priority, by another's, by its death (RFC 7761 4.3.2)."""
    same_dr(report, bench, "address", "d2")
    bench.set_priority(100)
    same_dr(report, bench, "its priority", bench.ours)
    bench.frr["d1"].configure(f"interface {device(LAN)}", "ip pim drpriority 200")
    same_dr(report, bench, "a better priority", "d1")
    bench.frr["d1"].kill("pimd")
    same_dr(report, bench, "the death of the better one", bench.ours, but=("d1",))
    bench.frr["d1"].restart_daemon("pimd")
    bench.set_priority(0)
    same_dr(report, bench, "giving up itself", "d2" if bench.ours != "d2" else "d1")


def winner_of(offers):
    """RFC 7761 4.6.3: the lower preference, then metric, then the higher address."""
    return min(offers, key=lambda each: (*offers[each], [-int(p) for p in each.split(".")]))


def assert_(report, bench, flow):
    """d1 joins at a, d2 at b; both forward, one stays."""
    name = f"hotpair as {bench.ours}"
    groups = {str(group) for group in expand(GROUPS)}
    flow.join("host1", 4)
    flow.send()
    good = poll(lambda: bench.onto_lan("a") == groups, PATIENCE_S, 0.1)
    report.check(f"{name}: a forwards onto the LAN", good, bench.onto_lan("a"))
    time.sleep(1)
    began = now_ns()
    flow.join("host2", 5)
    good = poll(lambda: set(bench.lost_to("b")) == groups, PATIENCE_S, 0.2)
    lost = bench.lost_to("b")
    report.check(f"{name}: b knows that it lost every tree", good, lost)
    bench.appear()
    report.check(f"{name}: b, which lost, forwards no more", bench.fell_silent(PATIENCE_S))
    asserts = bench.asserts()
    winners = {group: winner_of(offers) for group, offers in asserts.items()}
    report.check(f"{name}: every tree has the winner that RFC 7761 4.6.3 names, and FRR knows it",
                 set(winners) == groups and lost == winners, asserts.get("232.9.1.1"))
    report.check(f"{name}: the winner is a, which forwards", set(winners.values()) == {lan("a")}
                 and bench.onto_lan("a") == groups, winners)
    return began


def prune_override(bench, upstream):
    """x was a receiver and prunes, d1 and d2 want the streams still: nobody loses a packet."""
    began = now_ns()
    body = w.join_prune(upstream, [(w.group(str(group)), [], [w.source(SRC)])
                                   for group in expand(GROUPS)])
    bench.station.send(w.ip(lan("x"), w.ALL_ROUTERS[4], w.header(
        w.JOIN_PRUNE, body, lan("x"), w.ALL_ROUTERS[4])))
    time.sleep(5)
    return began


def receive(report, bench, flow):
    """hotpair as d2: b serves both, as FRR 8.4 sends no Assert of a source-specific tree."""
    bench.nodes["d1"].ip(f"route replace 10.5.1.0/24 via {lan('b')}")
    for host, link in (("host1", 4), ("host2", 5)):
        flow.join(host, link)
    flow.send()
    groups = {str(group) for group in expand(GROUPS)}
    good = poll(lambda: bench.onto_lan("b") == groups, PATIENCE_S, 0.1)
    report.check(f"hotpair as {bench.ours}: b forwards onto the LAN", good, bench.onto_lan("b"))
    bench.appear()
    time.sleep(3)
    return now_ns()


def play(report, args, ours):
    name = f"hotpair as {ours}"
    with World(args.keep) as world:
        bench = Lan(world, args, ours)
        bench.start()
        dr_changes(report, bench)
        flow = Flow(bench)
        began = assert_(report, bench, flow) if ours == "a" else receive(report, bench, flow)
        settled = now_ns()
        pruned = prune_override(bench, lan("a" if ours == "a" else "b"))
        end = now_ns()
        for host, measured in flow.stop().items():
            during = measured.window(began, settled)
            if ours == "a":
                report.check(
                    f"{name}: {host}: duplicates of the assert are bounded, nothing is lost",
                    during["duplicates_max"] <= DUPLICATES_MAX and during["lost"] == 0,
                    f"{during['duplicates_max']} of a stream, {during['lost']} lost")
            after = measured.window(pruned, end)
            report.check(f"{name}: {host}: nothing lost, nothing doubled when another prunes",
                         after["lost"] == 0 and after["duplicates"] == 0
                         and after["silent"] == 0,
                         f"{after['sent']} sent, {after['lost']} lost, "
                         f"{after['duplicates']} doubled, {after['silent']} silent")


def main(args):
    report = Report("pim-lan")
    for ours in ("a", "d2"):
        play(report, args, ours)
    return report.finish(args.json)
