"""PIM on the wire: hostile messages at a running hotpaird, and its own read by tshark.

    src --1-- h --2-- f --3-- src2      f FRR: RP of some groups, first hop to those of hotpair
              |4  \5
              x    q    x a host, a neighbour made by hand, a BSR, and whoever it pretends to be;
                        q the same on a silent interface: a host, and nothing else

Wrong messages are counted by the reason that displays name and change nothing; nothing that is sent
ends the daemon. All that hotpair sent meanwhile is read by tshark: no malformed packet, every
checksum right.
"""

import json
import random
import re
import struct
import subprocess
import time
from pathlib import Path

from lib import pim_wire as w
from lib.frr import Frr, pim_config
from lib.node import Node
from lib.report import Report
from lib.streams import PORT
from lib.topology import QUIET
from lib.world import World, poll, wait_until

LINKS = {1: ("h", "src"), 2: ("h", "f"), 3: ("f", "src2"), 4: ("h", "x"), 5: ("h", "q")}
OURS_OF_H = (1, 2, 4, 5)
NUMBER = {"h": 1, "f": 2, "src": 10, "src2": 10, "x": 66, "q": 67}
H, F = "10.255.4.1", "10.255.4.2"
H6 = "2001:db8:ff::1"
SRC, SRC2, X, Q = "10.4.1.10", "10.4.3.10", "10.4.4.66", "10.4.5.67"
SRC6, X6 = "2001:db8:41::10", "2001:db8:44::66"
OURS = "10.4.4.1"  # of link 4
ALIEN = "172.16.9.9"
AT_F, AT_H, LEARNED, LEARNED_BY_X = "239.10.0.1", "239.20.0.1", "239.30.0.0", "239.40.0.0"
AT_X6, AT_H6 = "ff1e:10::1", "ff1e:20::1"
RANGE = {"ipv4": f"{LEARNED}/16", "ipv6": "ff1e:30::/32"}
COPIES = 5
OWN = "bootstrap own"
REJECTS = {  # mcast::wire::PimReject as the displays say it
    "truncated", "not_ip_version_4", "bad_ip_header_length", "bad_ip_total_length", "ip_fragment",
    "not_pim", "bad_source_address", "not_pim_version_2", "bad_checksum", "unknown_type",
    "dense_mode_message", "address_of_another_family", "unknown_address_encoding",
    "bad_hello_option_length", "number_of_groups_beyond_the_packet",
    "number_of_sources_beyond_the_packet", "bad_number_of_rps", "group_is_not_multicast",
    "bad_mask_length", "address_is_not_unicast", "bad_packet_in_register",
    "bad_checksum_in_null_register"}
KIND = {0: "Hello", 1: "Register", 2: "Register-Stop", 3: "Join/Prune", 4: "Bootstrap",
        5: "Assert", 8: "Candidate-RP"}


def device(link):
    return f"ge0-1-{link}"


def address(name, link):
    return f"10.4.{link}.{NUMBER[name]}"


def our_config():
    lines = ["sysname h", "#", "multicast routing-enable", "multicast ipv6 routing-enable", "#"]
    for link in OURS_OF_H:
        lines += [f"interface GigabitEthernet0/1/{link}",
                  f" ip address {address('h', link)} 24", " pim sm", " pim timer hello 5"]
        if link != 2:
            lines += [" igmp enable", " ipv6 enable", f" ipv6 address 2001:db8:4{link}::1/64",
                      " pim ipv6 sm", " mld enable"]
        lines += [" pim neighbor-policy 10.4.4.0/24"] * (link == 4)
        lines += [" ip pim passive", " pim ipv6 silent"] * (link == 5) + ["#"]
    lines += ["interface LoopBack0", f" ip address {H} 32", " pim sm", " ipv6 enable",
              f" ipv6 address {H6}/128", " pim ipv6 sm", "#",
              "pim", f" static-rp {F} 239.10.0.0/16", f" static-rp {H} 239.20.0.0/16",
              f" c-bsr {H} priority 10", f" c-rp {H} group-policy {LEARNED}/16", "#",
              "pim-ipv6", f" static-rp {X6} FF1E:10::/32", f" static-rp {H6} FF1E:20::/32",
              f" c-bsr {H6} priority 10", f" c-rp {H6} group-policy FF1E:30::/32",
              "#", "return", ""]
    return "\n".join(lines)


class Bench:
    """h between its neighbours; everything it sends is captured."""

    port_names = {}

    def __init__(self, world, args):
        self.world = world
        self.args = args
        self.nodes = {name: world.namespace(name) for name in NUMBER}
        for namespace in self.nodes.values():
            namespace.sysctl(**QUIET)
        for link, (near, far) in LINKS.items():
            ends = self.nodes[near], self.nodes[far]
            ends[0].ip(f"link add {device(link)} index {20 + link} type veth "
                       f"peer name {device(link)} netns {ends[1].full_name}")
            for namespace, name in zip(ends, (near, far)):
                namespace.ip(f"addr add {address(name, link)}/24 dev {device(link)}",
                             f"link set {device(link)} up",
                             f"addr add 2001:db8:4{link}::{NUMBER[name]}/64 dev {device(link)} "
                             "nodad")
        self.nodes["h"].ip(f"addr add {H}/32 dev lo", f"addr add {H6}/128 dev lo",
                           f"route add {F}/32 via 10.4.2.2", "route add 10.4.3.0/24 via 10.4.2.2")
        self.nodes["f"].ip(f"addr add {F}/32 dev lo", f"route add {H}/32 via 10.4.2.1",
                           "route add 10.4.1.0/24 via 10.4.2.1",
                           "route add 10.4.4.0/24 via 10.4.2.1")
        for name in ("src", "x", "src2", "q"):
            link = {"src": 1, "x": 4, "src2": 3, "q": 5}[name]
            self.nodes[name].ip(f"route add default via {address('f' if link == 3 else 'h', link)}",
                                f"route add ::/0 via 2001:db8:4{link}::1")
        config = pim_config("f", [device(2), device(3), "lo"],
                            lines={device(2): ["ip pim hello 5"]})
        config = config.replace("hostname f", f"hostname f\nip pim rp {F} 239.10.0.0/16\n"
                                              f"ip pim rp {H} 239.20.0.0/16")
        self.frr = Frr(world, self.nodes["f"], config, ("pimd",))
        self.node = Node(self, "h", args.bin, our_config())
        self.capture = world.dir / "sent.pcap"

    def start(self):
        for link in OURS_OF_H:
            self.world.start(self.nodes["h"], "tcpdump", "-i", device(link), "-Q", "out", "-U",
                             "-w", f"{self.capture}.{link}", "proto 103 or ip6 proto 103",
                             log=f"tcpdump-{link}")
        wait_until(lambda: all(Path(f"{self.capture}.{link}").exists() for link in OURS_OF_H), 10,
                   "captures run")
        self.node.start()
        self.node.wait("ready")
        self.frr.start()
        self.station = w.Station(self.nodes["x"], device(4), self.nodes["h"], device(4))
        self.quiet = w.Station(self.nodes["q"], device(5), self.nodes["h"], device(5))
        self.link_local = self._link_local("x"), self._link_local("h")
        wait_until(lambda: "10.4.2.2" in self.neighbors(), 30, "hotpair sees FRR", step=0.1)
        wait_until(lambda: all((RANGE[family], own) in self.rps(family) for family, own in
                               (("ipv4", H), ("ipv6", H6))), 30, "hotpair is BSR of itself")
        self.pid, self.keeper = self.node.daemon.pid, self.node.keeper_now()

    def _link_local(self, name):
        text = self.nodes[name].run("ip", "-6", "addr", "show", "dev", device(4), "scope", "link")
        return re.search(r"inet6 (\S+)/", text).group(1)

    # ---- hostile and friendly packets ----

    def pim(self, kind, body, source=X, to=None, ttl=1, **more):
        to = to or w.ALL_ROUTERS[w.version(source)]
        station = self.quiet if source == Q else self.station
        station.send(w.ip(source, to, w.header(kind, body, source, to, **more), ttl=ttl))

    def greet(self):
        """x becomes a neighbour, of both families, for ever, and never the DR."""
        self.pim(w.HELLO, w.hello(priority=0))
        self.pim(w.HELLO, w.hello(priority=0, more=w.option(24, w.unicast(X6))),
                 source=self.link_local[0])
        wait_until(lambda: X in self.neighbors() and self.link_local[0] in self.neighbors("ipv6"),
                   10, "x is a neighbour")

    def probe(self, name, what, groups, link, *more):
        return self.world.start(self.nodes[name], self.args.probe, what, "--group", groups,
                                "--interface", device(link), "--port", PORT, "--quiet", *more)

    # ---- what hotpair shows ----

    def words(self, family):
        return ("pim", "ipv6") if family == "ipv6" else ("pim",)

    def neighbors(self, family="ipv4"):
        return {row["address"] for row in self.node.display(*self.words(family), "neighbor")
                ["neighbors"]}

    def rps(self, family="ipv4"):
        return {(row["range"], row["rp"]) for row in
                self.node.display(*self.words(family), "rp-info")["mappings"]}

    def counters(self, family="ipv4", link=4):
        """reason -> count: of a link, of the Bootstrap machine, of Registers."""
        shown = self.node.display(*self.words(family), "control-message", "counters")
        row = next(each for each in shown["interfaces"] if each["interface"].endswith(f"/{link}"))
        found = dict(row["ignored"])
        found.update({f"bootstrap {name}": count
                      for name, count in shown["bootstrap"]["ignored"].items()})
        found.update({f"register {name}": count
                      for name, count in shown.get("registers_ignored", {}).items()})
        found["received"] = sum(row["received"].values())
        found["rejected"] = sum(count for name, count in row["ignored"].items() if name in REJECTS)
        return found

    def state(self):
        """All that must not move."""
        found = {}
        for family in ("ipv4", "ipv6"):
            words = self.words(family)
            found[family] = {
                "neighbors": sorted(self.neighbors(family)),
                "rps": sorted(self.rps(family)),
                "bsr": self.node.display(*words, "bsr-info")["zones"][0]["bsr"],
                "routes": sorted((str(row["source"]), row["group"], row["upstream_state"],
                                  len(row["downstreams"])) for row in
                                 self.node.display(*words, "routing-table")["routes"])}
        return found

    def _read(self, *fields):
        """The fields of every packet that hotpair sent, by tshark."""
        rows = []
        for link in OURS_OF_H:
            argv = ["tshark", "-r", f"{self.capture}.{link}", "-o", "ip.check_checksum:TRUE",
                    "-T", "fields", "-E", "occurrence=f"]
            for field in fields:
                argv += ["-e", field]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
            rows += [[str(link), *line.split("\t")] for line in done.stdout.splitlines()]
        return rows

    def said(self):
        """kind of message -> how many."""
        found = {}
        for _link, six, kind, null in self._read("ipv6.src", "pim.type",
                                                 "pim.register_flag.null_register"):
            name = KIND.get(int(kind), kind) if kind else "none"
            if null in ("1", "True"):
                name = "Null-Register"
            name = f"v{6 if six else 4} {name}"
            found[name] = found.get(name, 0) + 1
        return found

    def faults(self):
        """Packets that tshark calls malformed, or of a wrong checksum."""
        return [row for row in self._read("frame.number", "pim.type", "pim.cksum.status",
                                          "ip.checksum.status", "_ws.malformed",
                                          "_ws.expert.message")
                if row[3] != "1" or row[4] not in ("", "1") or any(row[5:])]

    def alive(self):
        return self.node.daemon.alive() and self.node.keeper_now() == self.keeper


def hostile():
    """(name, what raises it, PIM type, body, more) of IPv4; `more` is for Bench.pim()."""
    rpt = w.source(F, 7)
    joined = [(w.group(AT_F), [rpt], [])]
    good = w.bootstrap(X, [(w.group(LEARNED, 16), 1, 1, [(X, 150, 10)])])
    null = w.ip(SRC2, AT_H, b"")
    return [
        ("three octets", "truncated", None, b"\x20\x00\xdf", {}),
        ("version 1", "not_pim_version_2", 0, w.hello(), {"vers": 1}),
        ("checksum", "bad_checksum", 0, w.hello(), {"checksum": 0x1234}),
        ("type 14", "unknown_type", 14, b"\0" * 20, {}),
        ("Graft", "dense_mode_message", 6, w.join_prune(OURS, joined), {}),
        ("Hello option longer than the packet", "truncated", 0, struct.pack("!HH", 1, 900), {}),
        ("holdtime of three octets", "bad_hello_option_length", 0, w.option(1, b"abc"), {}),
        ("address list of 5 octets", "bad_hello_option_length", 0,
         w.hello(more=w.option(24, b"\1\0\1\2\3")), {}),
        ("Hello by unicast", "wrong_destination_address", 0, w.hello(), {"to": OURS}),
        ("Hello of a source not on the link", "hello_not_in_the_neighbor_policy", 0, w.hello(),
         {"source": ALIEN}),
        ("goodbye of a stranger", "hello_goodbye_of_a_stranger", 0, w.hello(holdtime=0),
         {"source": "10.4.4.77"}),
        ("Join without a Hello", "not_from_a_neighbor", 3, w.join_prune(OURS, joined),
         {"source": "10.4.4.77"}),
        ("Assert without a Hello", "not_from_a_neighbor", 5,
         w.group(AT_F) + w.unicast(SRC) + struct.pack("!II", 0, 0), {"source": "10.4.4.77"}),
        ("Bootstrap without a Hello", "not_from_a_neighbor", 4, good, {"source": "10.4.4.77"}),
        ("Join to TTL 255 from off the link", "not_from_a_neighbor", 3,
         w.join_prune(OURS, joined), {"source": ALIEN, "ttl": 255}),
        ("255 groups in room for one", "number_of_groups_beyond_the_packet", 3,
         w.join_prune(OURS, joined, groups=255), {}),
        ("65535 sources", "number_of_sources_beyond_the_packet", 3,
         w.join_prune(OURS, [])[:-3] + b"\1\0\xd2" + w.group(AT_F) + b"\xff\xff\xff\xff", {}),
        ("upstream neighbour of IPv6", "address_of_another_family", 3,
         w.join_prune("fe80::1", joined), {}),
        ("encoding 1", "unknown_address_encoding", 3,
         b"\1\1" + w.join_prune(OURS, joined)[2:], {}),
        ("Join of another RP", "join_prune_join_for_another_rp", 3,
         w.join_prune(OURS, [(w.group(AT_F), [w.source(X, 7)], [])]), {}),
        ("Join(*,G) of a source-specific group",
         "join_prune_shared_tree_of_a_source_specific_group", 3,
         w.join_prune(OURS, [(w.group("232.1.1.1"), [rpt], [])]), {}),
        ("Join of a unicast group", "join_prune_group_is_not_multicast", 3,
         w.join_prune(OURS, [(w.group("10.1.1.1"), [rpt], [])]), {}),
        ("Assert of a tree nobody knows", "assert_changes_nothing", 5,
         w.group("239.99.9.9") + w.unicast(SRC) + struct.pack("!II", 0, 0), {}),
        ("more RPs here than in all", "bad_number_of_rps", 4,
         w.bootstrap(X, [(w.group(LEARNED, 16), 1, 2, [(X, 150, 1), (F, 150, 1)])]), {}),
        ("200 RPs in room for one", "bad_number_of_rps", 4,
         w.bootstrap(X, [(w.group(LEARNED, 16), 255, 200, [(X, 150, 1)])]), {}),
        ("BSR that is a group", "address_is_not_unicast", 4,
         w.bootstrap("239.1.1.1", []), {}),
        ("Bootstrap cut in a range", None, 4, good[:20], {}),
        ("Bootstrap of our own address", "bootstrap own", 4, w.bootstrap(H, []), {}),
        ("BSR that routing knows elsewhere", "bootstrap not_from_the_rpf_neighbor", 4,
         w.bootstrap(SRC2, []), {}),
        ("candidate RP at a group", "wrong_destination_address", 8,
         b"\1\1\0\x96" + w.unicast(X) + w.group(LEARNED, 16), {}),
        ("Register without a packet", "bad_packet_in_register", 1, struct.pack("!I", 0),
         {"to": H, "ttl": 64}),
        ("Register of a packet that lies", "bad_packet_in_register", 1,
         struct.pack("!I", 0) + w.ip(SRC2, AT_H, b"a" * 40)[:30], {"to": H, "ttl": 64}),
        ("Register of a group of another RP", "register refused_not_the_rp_of_the_group", 1,
         struct.pack("!I", 0) + w.ip(X, AT_F, b"data", protocol=17, ttl=9), {"to": H, "ttl": 64}),
        ("Null-Register with a wrong inner checksum", "bad_checksum_in_null_register", 1,
         struct.pack("!I", 0x40000000) + null[:10] + b"\x11\x11" + null[12:], {"to": H, "ttl": 64}),
        ("Register-Stop of a stranger",
         "register register_stop_of_a_source_that_is_not_registered", 2,
         w.group("239.55.5.5") + w.unicast(SRC), {"to": OURS, "ttl": 64}),
    ]


def wrong_messages(report, bench):
    before_all = bench.state()
    for name, reason, kind, body, more in hostile():
        before = bench.counters()
        for _ in range(COPIES):
            if kind is None:
                bench.station.send(w.ip(X, w.ALL_ROUTERS[4], body))
            else:
                bench.pim(kind, body, **more)

        def raised(before=before):
            now = bench.counters()
            return {key: count - before.get(key, 0) for key, count in now.items()
                    if count != before.get(key, 0) and key not in ("received", "rejected")}

        poll(lambda: sum(raised().values()) >= COPIES, 3, 0.05)
        found = raised()
        if reason != OWN:
            found.pop(OWN, None)  # FRR sends Bootstrap messages back where they came from
        good = found == {reason: COPIES} if reason else found and set(found) <= REJECTS
        report.check(f"{name}: counted as {reason or 'a reject'}", good, found)
    now = bench.state()
    report.check("and nothing of all that has changed the state", now == before_all,
                 {key: (before_all[key], now[key]) for key in now if now[key] != before_all[key]})
    report.check("the daemon lives", bench.alive())


def fragments(report, bench):
    """x is BSR. A range counts when all its RPs of one message are there, in whatever order."""
    def send(tag, groups, count, rps, **more):
        bench.pim(w.BOOTSTRAP, w.bootstrap(X, [(w.group(groups, 16, **more), count, len(rps), [
            (f"10.4.4.{rp}", 150, 10) for rp in rps])], tag=tag))
        time.sleep(0.1)

    def of(groups):
        return {rp for each, rp in bench.rps() if each == f"{groups}/16"}

    send(100, LEARNED_BY_X, 3, [71, 72])
    early = of(LEARNED_BY_X)
    send(100, LEARNED_BY_X, 3, [70])
    good = poll(lambda: len(of(LEARNED_BY_X)) == 3, 3, 0.05)
    report.check("fragments out of order: nothing after one, all after both", good and not early,
                 (early, of(LEARNED_BY_X)))
    for name, groups, parts in (
            ("of two messages", "239.41.0.0", ((101, 3, [70]), (102, 3, [71, 72]))),
            ("with a count that grows", "239.42.0.0", ((103, 2, [70]), (103, 5, [71]))),
            ("the same twice", "239.43.0.0", ((104, 2, [70]), (104, 2, [70])))):
        for tag, count, rps in parts:
            send(tag, groups, count, rps)
        report.check(f"fragments {name} make no range", not of(groups), of(groups))
    report.check("and leave the one before alone", len(of(LEARNED_BY_X)) == 3, of(LEARNED_BY_X))
    before = bench.counters()
    send(105, "10.1.0.0", 1, [70])
    send(106, "239.44.0.0", 1, [70], flags=0x80)
    now = bench.counters()
    bad = now["bootstrap bad_range"] - before["bootstrap bad_range"]
    report.check("a unicast range is counted and left out", bad == 1, bad)
    kinds = [row["bidir"] for row in bench.node.display("pim", "rp-info")["mappings"]
             if row["range"].startswith("239.44.0.0")]
    report.check("a range with the B bit is learned as bidirectional", kinds == [True], kinds)


def six(report, bench):
    """The same checks of IPv6, as far as they are other code."""
    near, far = bench.link_local
    rpt = w.source(X6, 7)
    joined_by_x = [(w.group(AT_H6), [rpt], [])]
    joined = w.join_prune(far, joined_by_x)
    for name, reason, kind, body, more in (
            ("checksum without the pseudo header", "bad_checksum", 0, w.hello(), {"checksum": (
                w.total(b"\x20\0\0\0" + w.hello()))}),
            ("three octets", "truncated", None, b"\x20\0\xdf", {}),
            ("Hello of a global address", "wrong_source_address", 0, w.hello(), {"source": X6}),
            ("Join without a Hello", "not_from_a_neighbor", 3, joined, {"source": "fe80::77"}),
            ("upstream neighbour of IPv4", "address_of_another_family", 3,
             w.join_prune(OURS, joined_by_x), {}),
            ("Bootstrap without a Hello", "not_from_a_neighbor", 4, w.bootstrap(X6, []),
             {"source": "fe80::77"}),
            ("Register without a packet", "bad_packet_in_register", 1, struct.pack("!I", 0),
             {"source": X6, "to": H6, "ttl": 64})):
        before = bench.counters("ipv6")
        for _ in range(COPIES):
            if kind is None:
                bench.station.send(w.ip(near, w.ALL_ROUTERS[6], body))
            else:
                bench.pim(kind, body, **{"source": near, **more})
        poll(lambda at=before, key=reason: bench.counters("ipv6").get(key, 0) - at.get(key, 0)
             >= COPIES, 3, 0.05)
        now = bench.counters("ipv6")
        found = {each: count - before.get(each, 0) for each, count in now.items()
                 if count != before.get(each, 0) and each not in ("received", "rejected", OWN)}
        report.check(f"IPv6, {name}: counted as {reason}", found == {reason: COPIES}, found)


def auto_rp(report, bench):
    """Not listened to here: it must not disturb."""
    before = bench.state()
    bodies = [b"", b"\x11\x01\0\xb4", b"\x12\xff\0\0" + b"\xff" * 40, bytes(range(256)) * 5]
    for path in sorted((bench.args.root / "tests/golden/pim").glob("auto-rp-*.hex")):
        text = re.sub("#.*", "", path.read_text())
        bodies.append(bytes.fromhex("".join(text.split()))[28:])
    for body in bodies:
        for to in ("224.0.1.39", "224.0.1.40"):
            bench.station.send(w.udp(X, to, 496, body))
    time.sleep(0.5)
    now = bench.state()
    report.check("Auto-RP messages disturb nothing", now == before and bench.alive(),
                 {key: (before[key], now[key]) for key in now if now[key] != before[key]})


def mutated(random_, bench):
    """(type, body) of a message that was right, or nearly."""
    _name, _reason, kind, body, _more = random_.choice(
        [case for case in hostile() if case[2] is not None])
    body = bytearray(body)
    for _ in range(random_.randint(0, 6)):
        how = random_.random()
        if how < 0.7 and body:
            body[random_.randrange(len(body))] = random_.choice((0, 1, 0x7f, 0x80, 0xff,
                                                                 random_.randrange(256)))
        elif how < 0.85:
            del body[random_.randint(0, len(body)):]
        else:
            body += random_.randbytes(random_.randint(1, 60))
    return kind if random_.random() < 0.8 else random_.randrange(16), bytes(body)


def fuzz(report, bench, count, seed):
    """From a neighbour, with right checksums. Each one is told from every other."""
    random_ = random.Random(seed)
    before = bench.counters()
    greetings = 0
    for number in range(count):
        if number % 100 == 0:
            bench.pim(w.HELLO, w.hello(priority=0))
            greetings += 1
        kind, body = mutated(random_, bench)
        to = H if kind in (w.REGISTER, w.STOP, w.CANDIDATE) else None
        bench.pim(kind, body, to=to, ttl=random_.choice((1, 1, 1, 64, 255)))
        if number % 20 == 0:
            time.sleep(0.002)

    def counted():
        now = bench.counters()
        return sum(now[key] - before[key] for key in ("received", "rejected"))

    sent = count + greetings
    poll(lambda: counted() >= sent, 10, 0.1)
    report.check(f"fuzz, seed {seed}: all of {sent} messages are counted", counted() == sent,
                 counted())
    report.check("fuzz: daemon and keeper live", bench.alive())
    report.check("fuzz: FRR is a neighbour still, static RPs are as they were",
                 "10.4.2.2" in bench.neighbors()
                 and {("239.10.0.0/16", F), ("239.20.0.0/16", H)} <= bench.rps()
                 and bench.frr.neighbors() == {device(2): ["10.4.2.1"]}, bench.frr.neighbors())


def silent(report, bench, count, seed):
    """A router on an interface of hosts: nobody answers it, nothing that it says is believed."""
    random_ = random.Random(seed)
    before, state = bench.counters(link=5), bench.state()
    joined = [(w.group(AT_H), [w.source(H, 7)], [])]
    for kind, body in ((w.HELLO, w.hello(priority=99)),
                       (w.JOIN_PRUNE, w.join_prune("10.4.5.1", joined))):
        bench.pim(kind, body, source=Q)
    for number in range(count):
        kind, body = mutated(random_, bench)
        bench.pim(kind, body, source=Q, ttl=random_.choice((1, 1, 64)))
        if number % 20 == 0:
            time.sleep(0.002)

    def raised():
        now = bench.counters(link=5)
        return {key: now[key] - before.get(key, 0) for key in now
                if now[key] != before.get(key, 0) and key != OWN}

    def counted():
        return sum(value for key, value in raised().items()
                   if key in REJECTS or key == "interface_is_silent")

    sent = count + 2
    poll(lambda: counted() >= sent, 10, 0.1)
    found = raised()
    report.check(f"silent interface, seed {seed}: all of {sent} messages are counted as such",
                 counted() == sent and found.get("interface_is_silent", 0) >= 2, found)
    strange = set(found) - REJECTS - {"interface_is_silent", "received", "rejected"}
    report.check("and for no other reason", not strange, found)
    now = bench.state()
    report.check("they make no neighbour and no state", now == state and bench.alive(),
                 {key: (state[key], now[key]) for key in now if now[key] != state[key]})


def silent_host(report, bench):
    """A host there has what it joins, and no PIM came out of the interface all along."""
    bench.probe("q", "receive", AT_F, 5)
    heard = bench.nodes["q"].run("timeout", "15", "tcpdump", "-i", device(5), "-c", "5", "-n",
                                 "udp", "port", str(PORT), check=False, timeout=20)
    report.check("a host on the silent interface has the stream", heard.count(AT_F) >= 5, heard)
    said = [row for row in bench._read("pim.type") if row[0] == "5" and row[-1]]
    report.check("no PIM was said on it", not said, said[:3])


def session(report, bench):
    """Everything that hotpair can say: trees at FRR and x, sources, a second forwarder, a BSR."""
    near, far = bench.link_local
    bench.greet()
    for each, groups, link in (("x", AT_F, 4), ("src", AT_X6, 1)):
        bench.probe(each, "receive", groups, link)
    good = poll(lambda: (device(2), "*", AT_F) in bench.frr.joins(), 10, 0.1)
    report.check("FRR is joined by hotpair", good, bench.frr.joins())
    for each, groups, link, source in (("src", AT_F, 1, SRC), ("src", AT_X6, 1, SRC6),
                                       ("src2", AT_H, 3, SRC2)):
        bench.probe(each, "send", groups, link, "--rate", 20, "--source", source)
    good = poll(lambda: (SRC, AT_F) in bench.frr.upstreams(), 10, 0.1)
    report.check("FRR takes Registers of hotpair", good)
    poll(lambda: "v6 Register" in bench.said(), 5, 0.5)
    bench.pim(w.JOIN_PRUNE, w.join_prune(far, [(w.group(AT_X6), [w.source(SRC6)], [])]),
              source=near)
    time.sleep(2)
    for _ in range(20):  # another forwarder on hotpair's outgoing link; the kernel tells every 3 s
        bench.station.send(w.udp(SRC, AT_F, PORT, b"another", ttl=9))
        bench.station.send(w.udp(SRC6, AT_X6, PORT, b"another", ttl=9))
        time.sleep(0.2)
    inner = w.udp("2001:db8:44::99", AT_H6, PORT, b"data", ttl=9)
    bench.pim(w.REGISTER, struct.pack("!I", 0) + inner, source=X6, to=H6, ttl=64)
    bench.pim(w.BOOTSTRAP, w.bootstrap(X, [], tag=200))
    bench.pim(w.BOOTSTRAP, w.bootstrap(X6, [], tag=200, hash_length=126), source=near)
    bench.pim(w.STOP, w.group(AT_X6) + w.unicast(SRC6), source=X6, to="2001:db8:41::1", ttl=64)
    poll(lambda: not {f"v{v} {kind}" for v in (4, 6) for kind in KIND.values()}
         - set(bench.said()), 12, 1)


def dissected(report, bench, null_registers):
    """tshark's word on all of it."""
    said = bench.said()
    wanted = {f"v{v} {kind}" for v in (4, 6) for kind in KIND.values()}
    if null_registers:
        wanted |= {"v4 Null-Register", "v6 Null-Register"}
    report.check("hotpair sent every kind of message, IPv4 and IPv6", wanted <= set(said),
                 f"{dict(sorted(said.items()))}, missing {sorted(wanted - set(said))}")
    bad = bench.faults()
    report.check("tshark finds nothing malformed, no checksum wrong", not bad, bad[:5])


def main(args):
    report = Report("pim-wire")
    with World(args.keep) as world:
        bench = Bench(world, args)
        bench.start()
        bench.greet()
        wrong_messages(report, bench)
        six(report, bench)
        auto_rp(report, bench)
        silent(report, bench, 300 if args.quick else 3000, 7761 if args.quick else
               random.randrange(1 << 30))
        session(report, bench)
        silent_host(report, bench)
        fragments(report, bench)
        if not args.quick:
            poll(lambda: {"v4 Null-Register", "v6 Null-Register"} <= set(bench.said()), 110, 2)
        seed = 7761 if args.quick else random.randrange(1 << 30)
        fuzz(report, bench, 2000 if args.quick else 40000, seed)
        dissected(report, bench, not args.quick)
    return report.finish(args.json)
