"""An administrative scope (RFC 2365, RFC 5059 1.3) ends between two of three routers of hotpair.

    src -- r1 -- r2 --|-- r3 -- far        |: 239.1.0.0/16 ends here, on r2's interface
                 near

r1 is bootstrap router of the whole domain and of the scope on its side, r3 of the scope on the
other side; each is RP there. Nothing of the scope passes between them: no bootstrap message, no
join, no packet; everything else does. Then the boundary is taken away, the two become one, and it
is set again.
"""

import json
import signal

from lib.node import Node
from lib.report import Report
from lib.streams import PORT, Measurement
from lib.topology import QUIET, settle
from lib.world import World, now_ns, poll, wait_until

PATIENCE_S = 75  # a bootstrap period and a bit
RATE = 50
ZONE = "239.1.0.0/16"
INSIDE, OUTSIDE, BACK = "239.1.1.1", "239.2.1.1", "239.1.1.2"
# Each link: both ends, namespace and host part of the address.
LINKS = {1: (("src", 10), ("r1", 1)), 2: (("r1", 1), ("r2", 2)), 3: (("r2", 2), ("near", 10)),
         4: (("r2", 2), ("r3", 3)), 5: (("r3", 3), ("far", 10))}
GATEWAY = {"src": "10.5.1.1", "near": "10.5.3.2", "far": "10.5.5.3"}
ROUTES = {"r1": {3: "10.5.2.2", 4: "10.5.2.2", 5: "10.5.2.2"}, "r2": {1: "10.5.2.1", 5: "10.5.4.3"},
          "r3": {1: "10.5.4.2", 2: "10.5.4.2", 3: "10.5.4.2"}}
BORDER = "GigabitEthernet0/1/4"


class Net:
    """Builds it; `nodes` are namespaces, `routers` what runs there."""

    port_names = {}

    def __init__(self, world, args):
        self.world = world
        self.args = args
        self.all = {name: world.namespace(name)
                    for name in sorted({end for ends in LINKS.values() for end, _ in ends})}
        self.nodes = {name: self.all[name] for name in ROUTES}
        for namespace in self.all.values():
            namespace.sysctl(**QUIET)
        for link, ((one, first), (other, second)) in LINKS.items():
            here, there = (f"ge0-1-{link}" if name in ROUTES else "eth0" for name in (one, other))
            self.all[one].ip(f"link add {here} type veth peer name {there} "
                             f"netns {self.all[other].full_name}")
            for name, device, host in ((one, here, first), (other, there, second)):
                self.all[name].ip(f"addr add 10.5.{link}.{host}/24 dev {device}",
                                  f"link set {device} up")
        for host, gateway in GATEWAY.items():
            self.all[host].ip(f"route add default via {gateway}")
        for router, routes in ROUTES.items():
            for link, hop in routes.items():
                self.nodes[router].ip(f"route add 10.5.{link}.0/24 via {hop}")
        self.routers = {name: Node(self, name, args.bin, self._config(name)) for name in ROUTES}

    @staticmethod
    def _config(name):
        text = [f"sysname {name}", "#", "multicast routing-enable", "#"]
        for link, ends in LINKS.items():
            for end, host in ends:
                if end != name:
                    continue
                text += [f"interface GigabitEthernet0/1/{link}",
                         f" ip address 10.5.{link}.{host} 24", " pim sm", " pim timer hello 2"]
                text += [" igmp enable"] * (link in (3, 5))
                text += [f" multicast boundary {ZONE}"] * (name == "r2" and link == 4) + ["#"]
        if name == "r1":
            text += ["pim", " c-bsr GigabitEthernet0/1/2", " c-bsr admin-scope",
                     f" c-bsr group {ZONE} priority 9",
                     " c-rp GigabitEthernet0/1/2 advertisement-interval 5", "#"]
        if name == "r3":
            text += ["pim", " c-bsr GigabitEthernet0/1/4 priority 1", " c-bsr admin-scope",
                     f" c-bsr group {ZONE}",
                     f" c-rp GigabitEthernet0/1/4 group-policy {ZONE} advertisement-interval 5",
                     "#"]
        return "\n".join([*text, "return", ""])

    def start(self):
        for router in self.routers.values():
            router.start()
        for router in self.routers.values():
            router.wait("ready", 60)

    def ranges(self, router):
        rows = self.routers[router].display("pim", "rp-info")["mappings"]
        return sorted((row["range"], row["rp"]) for row in rows)

    def zones(self, router):
        rows = self.routers[router].display("pim", "bsr-info")["zones"]
        return sorted(row["zone"] or "all" for row in rows if row["bsr"])

    def set_boundary(self, undo):
        line = f"{'undo ' if undo else ''}multicast boundary {ZONE}"
        words = ["system-view", f"interface {BORDER}", line, "commit"]
        self.routers["r2"].shell(*[word for each in words for word in ("-c", each)])


class Flows:
    """Streams and who hears them: near and far listen to src, near to far."""

    STREAMS = {INSIDE: ("src", "10.5.1.10"), OUTSIDE: ("src", "10.5.1.10"),
               BACK: ("far", "10.5.5.10")}
    HEARD = (("near", INSIDE), ("near", OUTSIDE), ("near", BACK), ("far", INSIDE),
             ("far", OUTSIDE))
    rounds = 0

    def __init__(self, net):
        self.net = net
        Flows.rounds += 1

    def _file(self, what):
        return self.net.world.dir / f"scope-{Flows.rounds}-{what}.json"

    def start(self):
        probe, world = self.net.args.probe, self.net.world
        self.receivers, self.senders = {}, {}
        for host, group in self.HEARD:
            ready = self._file(f"ready-{host}-{group}")
            self.receivers[host, group] = world.start(
                self.net.all[host], probe, "receive", "--group", group, "--interface", "eth0",
                "--port", PORT, "--quiet", "--json", self._file(f"received-{host}-{group}"),
                "--ready-file", ready, *self._sources(host, group))
            wait_until(lambda r=ready: r.exists(), 10, f"{host} joined {group}")
        for group, (host, address) in self.STREAMS.items():
            self.senders[group] = world.start(
                self.net.all[host], probe, "send", "--group", group, "--interface", "eth0",
                "--port", PORT, "--rate", RATE, "--source", address, "--quiet",
                "--json", self._file(f"sent-{group}"))

    def _sources(self, host, group):
        """One asks for its source, so that r3 joins it towards r2."""
        return ("--source-list", self.STREAMS[group][1]) if (host, group) == ("far", INSIDE) else ()

    def stop(self):
        for process in (*self.senders.values(), *self.receivers.values()):
            process.finish(signal.SIGINT)
        read = lambda what: json.loads(self._file(what).read_text())
        return {(host, group): Measurement("ipv4", [read(f"sent-{group}")],
                                           [read(f"received-{host}-{group}")])
                for host, group in self.HEARD}


def course(report, net, name, bounded, beside=frozenset()):
    """All streams for some seconds; `bounded` are not heard, all others whole."""
    flows = Flows(net)
    flows.start()
    settle(4)
    begin = now_ns()
    settle(2)
    end = now_ns()
    for (host, group), measurement in flows.stop().items():
        if (host, group) in beside:
            continue
        crosses = (host, group) in bounded
        row = measurement.window() if crosses else measurement.window(begin, end)
        good = (row["streams"] == 0 if crosses
                else row["silent"] == 0 and row["lost"] == 0 and row["duplicates"] == 0)
        report.check(f"{name}: {host} hears {'nothing' if crosses else 'every packet once'} of "
                     f"{group}", good,
                     {key: row[key] for key in ("streams", "silent", "lost", "duplicates")})


WHOLE = ("224.0.0.0/4", "10.5.2.1")
NEAR, FAR = (ZONE, "10.5.2.1"), (ZONE, "10.5.4.3")


def learned(report, name, net, near, far):
    """`near` and `far`: RPs of the scope that r2 and r3 are to know."""
    wanted = {"r2": [WHOLE, *near], "r3": [WHOLE, *far]}
    seen = {}

    def agreed():
        seen.update({router: (net.zones(router), net.ranges(router)) for router in wanted})
        return all(seen[router] == ([ZONE, "all"], wanted[router]) for router in wanted)
    report.check(f"{name}: zones and their RPs", poll(agreed, PATIENCE_S, 0.2), seen)


def count(net, router, what):
    text = net.routers[router].text("pim", "control-message", "counters", "interface", BORDER)
    return sum(int(line.rsplit(None, 1)[-1]) for line in text.splitlines() if what in line)


def capture(net, name):
    pcap = net.world.dir / f"scope-{name}.pcap"
    return pcap, net.world.start(net.nodes["r3"], "tcpdump", "-i", "ge0-1-4", "-U", "-Z", "root",
                                 "-w", pcap, "ip", "proto", "103", "or", "udp")


def on_the_wire(report, net, pcap):
    def lines(what):
        return net.nodes["r3"].run("tshark", "-r", str(pcap), "-Y", what, timeout=60).splitlines()
    told = lines("pim.type == 4")
    report.check("bootstrap messages of the whole domain pass", told)
    scoped = lines("pim.type == 4 && pim.group == 239.1.0.0 && ip.src == 10.5.4.2")
    report.check("none of the scope comes from r2", not scoped, scoped[:2])
    packets = lines(f"udp && (ip.dst == {INSIDE} || (ip.dst == {BACK} && ip.src != 10.5.5.10))")
    report.check("no packet of it either", not packets, packets[:2])
    bad = lines("pim && (_ws.malformed || pim.cksum.status == 0)")
    report.check("tshark sees nothing malformed", not bad, bad[:2])


def displayed(report, net):
    text = net.routers["r2"].text("multicast", "boundary")
    report.check("display multicast boundary", "239.1.0.0/16" in text and BORDER in text, text)
    text = net.routers["r1"].text("pim", "bsr-info")
    report.check("display pim bsr-info has both zones", "239.1.0.0/16" in text and "Not scoped" in
                 text, text)


def main(args):
    report = Report("pim-scope")
    with World(args.keep) as world:
        net = Net(world, args)
        pcap, sniffer = capture(net, "bounded")
        net.start()
        learned(report, "bounded", net, [NEAR], [FAR])
        displayed(report, net)
        course(report, net, "bounded", {("far", INSIDE), ("near", BACK)})
        refused = count(net, "r2", "boundary of an administrative scope")
        report.check("r3's joins of the scope are counted, not taken", refused > 0, refused)
        sniffer.finish(signal.SIGINT)
        on_the_wire(report, net, pcap)
        net.set_boundary(undo=True)
        learned(report, "opened", net, [NEAR, FAR], [NEAR, FAR])
        course(report, net, "opened", set())
        net.set_boundary(undo=False)
        # r3 knows r1 as RP for the time of its holdtime, and registers there by unicast: what comes
        # back is no question of the boundary.
        course(report, net, "bounded again", {("far", INSIDE)}, {("near", BACK)})
    return report.finish(args.json)
