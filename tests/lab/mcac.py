"""An access link has room for 3 of 7 channels: who forwards changes, the 3 stay the same.

Planned switchover (0 lost), daemon restart in place (0 lost), node death: exactly the admitted
channels are forwarded after each, no packet of another one leaks. One leaves, and the channel that
was denied longest takes its place.
"""

from lib.config import FAST
from lib.faults import Fault
from lib.report import Report
from lib.scenario import Scene, attempt
from lib.streams import Guest, expand
from lib.topology import SharedLan, settle
from lib.world import now_ns, poll, wait_until

ROOM = 3
CHANNELS = {"ipv4": "232.9.1.1+6", "ipv6": "ff3e::9:1:1+6"}
GUEST = {"ipv4": "232.9.1.101", "ipv6": "ff3e::9:1:101"}
UNLIMITED = {"ipv4": "232.9.2.1", "ipv6": "ff3e::9:2:1"}
LIMIT = {"ipv4": f"multicast limit out 232.9.1.0/24 {ROOM} threshold 60",
         "ipv6": f"ipv6 multicast limit out ff3e::9:1:0/112 {ROOM}"}
SHOW = {"ipv4": ("multicast", "limit"), "ipv6": ("multicast", "ipv6", "limit")}


class Channels:
    """Six source-specific channels of the limited range, and one fast one beside it."""

    slow_rate, fast_rate = 50, 500

    def __init__(self, family, source):
        self.family = family
        self.source = source
        self.slow = CHANNELS[family]
        self.fast = UNLIMITED[family]
        self.joins = [("h2", f"{self.slow},{self.fast}", source)]

    def groups(self):
        return [group for part in (self.slow, self.fast) for group in expand(part)]


class Lan(SharedLan):
    plan = Channels
    more_groups = {family: [*expand(CHANNELS[family]), *expand(UNLIMITED[family]),
                            *expand(GUEST[family])] for family in CHANNELS}


class Limited(Scene):
    def make_topology(self):
        return Lan(self.world)

    def flow(self, warm_up=1.0):
        """A guest comes first, then the others; the limit is used up."""
        self.guest = Guest(self, self.family, "h3", GUEST[self.family],
                           self.topology.source_address(self.family))
        self.guest.join()
        wait_until(lambda: len(self.states(self.pair.a)[0]) == 1, 10, "the guest is admitted")
        self.guest.send()
        streams = self.streams[0]
        streams.join()
        wait_until(lambda: all(tuple(map(len, self.states(node))) == (ROOM, 7 - ROOM)
                               for node in self.pair.nodes), 15, "3 of 7 on both nodes")
        streams.send()
        settle(warm_up)
        self.expect_no_pause()
        self.flowing_since = now_ns()

    def limit(self, node):
        return node.display(*SHOW[self.family])["limits"][0]

    def states(self, node):
        """Groups that are admitted, and those that are denied, longest first."""
        states = self.limit(node)["states"]
        return ({each["group"] for each in states if each["standing"] == "admitted"},
                [each["group"] for each in states if each["standing"] == "denied"])


def heard(measured):
    return {row["group"] for row in measured.rows() if row["expected"]}


def same_channels(report, stage, event, admitted, nodes=None):
    for node in nodes or stage.pair.nodes:
        found = poll(lambda n=node: stage.states(n)[0] == admitted, 10, 0.1)
        report.check(f"{event}: {node.name} admits the same channels", found,
                     f"{sorted(admitted)}, {sorted(stage.states(node)[0])}")


def settle_streams(report, stage, event, window, admitted, lost_allowed):
    """Ends the streams: exactly the admitted channels and the unlimited one were ever heard."""
    measured = stage.stop()[0]
    guest = stage.guest.leave()
    expected = (admitted | {str(*expand(UNLIMITED[stage.family]))})
    found = heard(measured) | heard(guest)
    report.check(f"{event}: exactly the admitted channels are heard, no packet of another",
                 found == expected, f"{sorted(found ^ expected)}")
    row = measured.window(*window)
    report.add_run(event, row)
    of_guest = guest.window(*window)
    if not lost_allowed:
        lost = row["lost"] + of_guest["lost"]
        report.check(f"{event}: nothing of them is lost", lost == 0 or row["paused"], lost)
    report.check(f"{event}: all of them continue", row["stopped"] + of_guest["stopped"] == 0)


def restart(stage):
    a = stage.pair.a
    a.daemon.finish(9)
    settle(1)
    a.start()
    a.wait("master", 10)


def planned(stage):
    a, b = stage.pair.nodes
    a.shell("switchover")
    b.wait("master", 5)
    a.wait("synced", 10)


def die(stage):
    Fault(pids=stage.pair.a.pids(), links=stage.topology.links_of("a")).fire()
    stage.pair.b.wait("master", 10)


EVENTS = {"switchover": planned, "daemon restart": restart, "node death": die}


def play(report, args, family, event):
    name = f"{event}, {family}"
    with attempt(args, family, {**FAST, "revert_s": 120},
                 [("interface Eth-Trunk1", LIMIT[family])], kind=Limited) as stage:
        stage.up()
        stage.flow()
        a, b = stage.pair.nodes
        admitted, denied = stage.states(a)
        same_channels(report, stage, f"{name}, before", admitted)
        report.check(f"{name}: the standby holds {ROOM} reservations",
                     b.entries().get("MCAC Reservation") == ROOM, b.entries())
        begin = now_ns()
        EVENTS[event](stage)
        settle(1.5)
        left = [b] if event == "node death" else None
        same_channels(report, stage, name, admitted, left)
        window = (begin, now_ns())
        settle_streams(report, stage, name, window, admitted, event == "node death")


def succession(report, args, family):
    """After a switchover one leaves: the longest denied one is forwarded, the others are not."""
    name = f"one leaves, {family}"
    with attempt(args, family, {**FAST, "revert_s": 120},
                 [("interface Eth-Trunk1", LIMIT[family])], kind=Limited) as stage:
        stage.up()
        stage.flow()
        planned(stage)
        b = stage.pair.b
        admitted, denied = stage.states(b)
        stage.guest.leave()
        guest = str(*expand(GUEST[family]))
        expected = (admitted - {guest}) | {denied[0]}
        report.check(f"{name}: the longest denied takes the place",
                     poll(lambda: stage.states(b) == (expected, denied[1:]), 15, 0.1),
                     f"{denied}, {stage.states(b)}")
        settle(2)
        found = heard(stage.stop()[0])
        expected |= {str(*expand(UNLIMITED[family]))}
        report.check(f"{name}: it is heard, those still denied are not", found == expected,
                     sorted(found ^ expected))
        row = stage.limit(b)
        report.check(f"{name}: the account is right", (row["in_use"], row["denied"]) == (3, 3), row)


def main(args):
    report = Report("mcac", {"hello": "20 ms x 5"})
    for family in ("ipv4",) if args.quick else ("ipv4", "ipv6"):
        for event in EVENTS:
            play(report, args, family, event)
        succession(report, args, family)
    return report.finish(args.json)
