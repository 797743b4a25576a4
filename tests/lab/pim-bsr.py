"""Bootstrap routers and candidate RPs: hotpair between two of Debian's pimd and an FRR.

    host3 --6-- p2        p1, p2  pimd: candidate BSR (p1 the better) and candidate RP
                 |2       h       hotpair: both too, and in the middle of all messages
     p1 --1-- h --3-- f --5-- host2       f  FRR: learns
              |4
             host

RPs of 1000 groups, as hotpair chooses them and as FRR shows and joins them. FRR 8.4 chooses once
for a range of the RP set, so ranges are as long as the hash mask. pimd 2.3.2 takes no Bootstrap
message in fragments, so those come when it has done its part; and it hashes otherwise than RFC 7761
4.7.2 (the mask's bytes are turned, each RP gets the hash of the one before it), so what it joins is
checked where there is one RP. In full: BSRs withdraw and die, in the times of RFC 5059.
"""

import time

from lib.frr import Frr, pim_config
from lib.node import Node
from lib.pimd import Pimd
from lib.report import Report
from lib.streams import PORT, expand
from lib.topology import QUIET
from lib.world import World, poll

LINKS = {1: ("h", "p1"), 2: ("h", "p2"), 3: ("h", "f"), 4: ("h", "host"), 5: ("f", "host2"),
         6: ("p2", "host3")}
NUMBER = {"h": 1, "p1": 2, "p2": 3, "f": 4, "host": 10, "host2": 10, "host3": 10}
H, H2, P1, P2 = "10.255.3.1", "10.255.4.1", "10.3.1.2", "10.3.2.3"  # what they offer
GROUPS = [str(group) for group in expand("239.77.0.0+1000")]
HASH_LENGTH = 30
RANGES = [f"{group}/{HASH_LENGTH}" for group in GROUPS[::4]]
SHARED = RANGES[:12]  # with pimd: what fits one message
ALONE_RANGE = "238.1.0.0/16"  # of p1
ALONE_OURS, ALONE_PIMD = "238.1.1.1+4", "238.1.2.1+4"  # joined at hotpair, and at p2
RP_PRIORITY = 20
WORSE, BETTER = 10, 100  # as BSR: hotpair, before and after; p1 and p2 are between
PRIORITY = {"p1": 50, "p2": 30}
# pimd tells its candidacy every 25 s, so its holdtime (2.5 times that) outlives a Bootstrap period.
ADVERT_S = 25
LEARN_S = 2 * ADVERT_S + 15  # an advertisement that a not yet known BSR missed comes again
TIMEOUT_S, OVERRIDE_S = 130, 23 + 10  # BS_Timeout, BS_Rand_Override; pimd counts by 5 s
SHOWN_S = 6  # what pimd has elected stands in its log every 5 s
ALL = ("h", "p1", "p2", "f")


def device(link):
    return f"ge0-1-{link}"


def address(name, link):
    return f"10.3.{link}.{NUMBER[name]}"


def our_config(bsr=None, ranges=()):
    """`bsr`: priority as candidate BSR; `ranges`: what both addresses offer as candidate RPs."""
    lines = ["sysname h", "#", "multicast routing-enable", "#"]
    for link, ends in LINKS.items():
        if "h" in ends:
            lines += [f"interface GigabitEthernet0/1/{link}",
                      f" ip address {address('h', link)} 24", " pim sm"]
            lines += [" igmp enable"] * (link == 4) + ["#"]
    for number, own in enumerate((H, H2)):
        lines += [f"interface LoopBack{number}", f" ip address {own} 32", " pim sm", "#"]
    lines += ["pim"]
    lines += [f" c-bsr {H} hash-length {HASH_LENGTH} priority {bsr}"] * (bsr is not None)
    for own in (H, H2) if ranges else ():
        lines += [f" c-rp {own} group-policy {' '.join(ranges)} priority {RP_PRIORITY}"
                  f" advertisement-interval {ADVERT_S}"]
    return "\n".join([*lines, "#", "return", ""])


def offers(name, links, ranges):
    """pimd.conf: candidate BSR and RP by the first of the links."""
    return [f"bsr-candidate {device(links[0])} priority {PRIORITY[name]}",
            f"rp-candidate {device(links[0])} time {ADVERT_S} priority {RP_PRIORITY}",
            *[f"group-prefix {each.replace('/', ' masklen ')}" for each in ranges]]


class Star:
    """Builds it and starts every router."""

    port_names = {}

    def __init__(self, world, args):
        self.world = world
        self.args = args
        self.nodes = {name: world.namespace(name) for name in NUMBER}
        for namespace in self.nodes.values():
            namespace.sysctl(**QUIET)
        for link, (near, far) in LINKS.items():
            self._wire(link, near, far)
        self._route()
        self.pimd = {name: Pimd(world, self.nodes[name], {device(link): "" for link in links},
                                offers(name, links, ranges))
                     for name, links, ranges in (("p1", [1], [*SHARED, ALONE_RANGE]),
                                                 ("p2", [2, 6], SHARED))}
        self.frr = Frr(world, self.nodes["f"], pim_config("f", [device(3), device(5)],
                                                          igmp=(device(5),)), ("pimd",))
        self.node = Node(self, "h", args.bin, our_config(WORSE))

    def _wire(self, link, near, far):
        ends = self.nodes[near], self.nodes[far]
        ends[0].ip(f"link add {device(link)} index {20 + link} type veth peer name {device(link)} "
                   f"netns {ends[1].full_name}")
        for namespace, name in zip(ends, (near, far)):
            namespace.ip(f"addr add {address(name, link)}/24 dev {device(link)}",
                         f"link set {device(link)} up")

    def _route(self):
        self.nodes["h"].ip(f"addr add {H}/32 dev lo", f"addr add {H2}/32 dev lo")
        for name, link in (("p1", 1), ("p2", 2)):
            self.nodes[name].ip(f"route add default via {address('h', link)}")
        # FRR takes no default route for an RP or BSR.
        self.nodes["f"].ip(*[f"route add {each} via {address('h', 3)}" for each in
                             (f"{H}/32", f"{H2}/32", "10.3.1.0/24", "10.3.2.0/24")])

    def start(self):
        self.node.start()
        self.node.wait("ready")
        for pimd in self.pimd.values():
            pimd.start()
        self.frr.start()
        for host, link, groups in (
                ("host", 4, f"239.77.0.0+1000,{ALONE_OURS}"), ("host2", 5, "239.77.0.0+1000"),
                ("host3", 6, ALONE_PIMD)):
            self.world.start(self.nodes[host], self.args.probe, "receive", "--group", groups,
                             "--interface", device(link), "--port", PORT, "--quiet")

    def reconfigure(self, **options):
        self.node.config.write_text(our_config(**options))
        self.node.shell("reload")

    # ---- what each of them says ----

    def bsr_of(self, name):
        if name == "h":
            return self.node.display("pim", "bsr-info")["zones"][0]["bsr"]
        if name == "f":
            return self.frr.show("ip pim bsr").get("bsr")
        return self.pimd[name].bsr()

    def rps_of(self, name):
        """(range, RP) of everything learned."""
        if name == "h":
            return {(row["range"], row["rp"])
                    for row in self.node.display("pim", "rp-info")["mappings"]}
        if name == "f":
            return {(groups, rp) for groups, rows in self.frr.show("ip pim bsrp-info").items()
                    if isinstance(rows, dict) for rp in rows if rp[0].isdigit()}
        return {(groups, rp) for rp, groups in self.pimd[name].rp_set()}

    def frr_choice(self):
        """range -> the RP that FRR would join."""
        return {row["group"]: rp for rp, rows in self.frr.rp_info().items() for row in rows}

    def agree(self, question, wanted, names, timeout):
        """Each of them answers `wanted`; returns those that do not, and the seconds it took."""
        begin = time.monotonic()
        apart = {}

        def agreed():
            apart.clear()
            apart.update({name: said for name in names if (said := question(name)) != wanted})
            return not apart

        poll(agreed, timeout, 0.5)
        return apart, time.monotonic() - begin

    def our_trees(self):
        """group -> row of every (*,G) here."""
        shown = self.node.display("pim", "routing-table")
        return {row["group"]: row for row in shown["routes"] if row["source"] is None}


def elected(report, star, name, bsr, who, timeout, least=0):
    apart, took = star.agree(star.bsr_of, bsr, who, timeout)
    return report.check(f"{name}: {bsr} is BSR of {', '.join(who)}", not apart and took >= least,
                        f"{apart or ''} {took:.1f} s")


def same_rps(report, star, name, wanted, who, timeout):
    apart, took = star.agree(star.rps_of, wanted, who, timeout)
    text = [f"{one}: {len(said - wanted)} too many {sorted(said - wanted)[:3]}, "
            f"{len(wanted - said)} too few {sorted(wanted - said)[:3]}"
            for one, said in apart.items()]
    report.check(f"{name}: {', '.join(who)} know the same {len(wanted)} RPs of ranges", not apart,
                 "; ".join(text) or f"{took:.1f} s")


def shared(*rps):
    return {(each, rp) for each in SHARED for rp in rps}


def same_choice(report, star, name, timeout=30):
    """FRR shows its RP of each range, and joins each group there; a join for another RP than our
    choice is no state at hotpair (RFC 7761 4.5.1)."""
    def state():
        theirs, ours = star.frr_choice(), star.our_trees()
        apart = [group for each, group in zip((r for r in RANGES for _ in range(4)), GROUPS)
                 if group not in ours or theirs.get(each) != ours[group]["rp"]]
        unjoined = [group for group in GROUPS if not any(
            leg["interface"].endswith("/3") and leg["by"] == "routers"
            for leg in ours.get(group, {"downstreams": ()})["downstreams"])]
        return apart, unjoined, ours, theirs

    poll(lambda: not any(state()[:2]), timeout, 1)
    apart, unjoined, ours, theirs = state()
    shares = {rp: sum(ours.get(group, {}).get("rp") == rp for group in GROUPS)
              for rp in (H, H2, P1, P2)}
    report.check(f"{name}: FRR shows the same RP for {len(GROUPS)} groups", not apart,
                 f"{len(apart)} differ: {[(g, ours.get(g, {}).get('rp')) for g in apart[:3]]}"
                 if apart else shares)
    report.check(f"{name}: every RP has a part of them", all(shares.values()), shares)
    report.check(f"{name}: and joins them there", not unjoined,
                 f"{len(unjoined)} without a join: {unjoined[:3]}")


def joined_at_pimd(report, star, name, timeout=30):
    """The groups that only p1 serves, whose address is of a link of hotpair's own."""
    wanted = {str(group) for groups in (ALONE_OURS, ALONE_PIMD) for group in expand(groups)}

    def missing():
        trees = star.pimd["p1"].shared_trees()
        return sorted(group for group in wanted if trees.get(group) != P1)

    poll(lambda: not missing(), timeout, 1)
    late = missing()
    for what, groups in (("p1 is joined by hotpair, the next hop to it", ALONE_OURS),
                         ("joins of pimd go through hotpair to pimd", ALONE_PIMD)):
        without = [str(group) for group in expand(groups) if str(group) in late]
        report.check(f"{name}: {what}", not without, without)


def elections(report, star):
    """Candidates of three priorities; then hotpair's becomes the best."""
    elected(report, star, "p1 the best", P1, ALL, OVERRIDE_S)
    star.reconfigure(bsr=BETTER, ranges=SHARED)
    name = "hotpair the best"
    elected(report, star, name, H, ALL, OVERRIDE_S)
    same_rps(report, star, name, shared(H, H2, P1, P2) | {(ALONE_RANGE, P1)}, ALL, LEARN_S)
    joined_at_pimd(report, star, name)


def hashes(report, star):
    """Four RPs of a few ranges, two of many; in fragments."""
    star.reconfigure(bsr=BETTER, ranges=RANGES)
    wanted = shared(P1, P2) | {(each, rp) for each in RANGES for rp in (H, H2)}
    name = f"{len(RANGES)} ranges"
    same_rps(report, star, name, wanted | {(ALONE_RANGE, P1)}, ("h", "f"), 30)
    same_choice(report, star, name)


def withdrawal(report, star):
    """hotpair ends its candidacies. pimd does not elect at once, but when the BSR is silent."""
    star.reconfigure()
    name = "hotpair withdraws"
    elected(report, star, name, P1, ALL, TIMEOUT_S + OVERRIDE_S + SHOWN_S)
    same_rps(report, star, name, shared(P1, P2) | {(ALONE_RANGE, P1)}, ALL, 60 + LEARN_S)


def death(report, star):
    """The BSR says nothing any more."""
    star.pimd["p1"].kill()
    name = "p1 dies"
    elected(report, star, name, P2, ("h", "p2", "f"),
            TIMEOUT_S + OVERRIDE_S + SHOWN_S, least=50)
    same_rps(report, star, name, shared(P2), ("h", "p2", "f"), 60 + LEARN_S)


def main(args):
    report = Report("pim-bsr")
    with World(args.keep) as world:
        star = Star(world, args)
        star.start()
        elections(report, star)
        hashes(report, star)
        if not args.quick:
            withdrawal(report, star)
            death(report, star)
    return report.finish(args.json)
