"""Every path between the nodes is cut, both serve and both take joins; then the paths heal.

A new member behind each node while they are apart. After the heal: one master, the union of the
memberships on both nodes, one event that names what diverged, equal digests. Then all processes of
the master are stopped for 5 s and go on, behind the switch: no second switchover when it wakes.
Both nodes have a link in sync with one LACP partner while they are apart, so hosts hear each packet
twice: that is the price of a split, and told.
"""

import ipaddress
import re
import signal
import time

from lib.config import FAST
from lib.etrunk import BOND, PARTNER_PORT, CabledSwitch, alternate, etrunk_attempt
from lib.node import ALARM_SILENT, EVENT_DIVERGED
from lib.report import Report
from lib.scenario import SLOW_MS, steady_checks
from lib.streams import Guest, expand, merge
from lib.world import now_ns, poll, wait_until

TIMERS = {**FAST, "revert_s": 120}
TIMEOUT_MS = FAST["hello_ms"] * FAST["multiplier"]
FROZEN_S, LONG_S = 5, 60
SERVED_MS = 10_000  # the channel reconnects with back-off, 5 s at most, then tells
GUESTS = {"ipv4": {"a": "239.1.7.1+5", "b": "239.1.8.1+5"},
          "ipv6": {"a": "ff1e::7:1+5", "b": "ff1e::8:1+5"}}
HOST = {"a": "h3", "b": "h2"}  # whose reports the switch sends to this node
WITNESSED = {"ipv4": "239.1.1.1+20", "ipv6": "ff1e::1:1+20"}  # by h1
# Answers to the queries of a new master come before the heal, so that what only one node knows is
# told by the node, not by the host.
ANSWERS = {family: [("interface Eth-Trunk1", f"{protocol} max-response-time 1")]
           for family, protocol in (("ipv4", "igmp"), ("ipv6", "mld"))}
APART = """table inet apart {
chain at_forward {
type filter hook forward priority 0; policy accept;
iifname "ge0-1-2" oifname "ge0-1-3" drop
iifname "ge0-1-3" oifname "ge0-1-2" drop
}
}
"""


class PartedSwitch(CabledSwitch):
    """The nodes can be parted: their own cable is pulled, and D forwards nothing between them."""

    more_groups = {family: [group for text in guests.values() for group in expand(text)]
                   for family, guests in GUESTS.items()}

    def part(self):
        rules = self.world.dir / "apart.nft"
        rules.write_text(APART)
        self.upstream.run("nft", "-f", str(rules))
        return self.pull("a", "b")

    def unite(self):
        begin = self.plug("a", "b")
        self.upstream.run("nft", "delete", "table", "inet", "apart")
        return begin


def mac(namespace):
    return re.search(r"link/ether (\S+)", namespace.run("ip", "link", "show", "eth0")).group(1)


class Split:
    """A split and its heal in running streams."""

    def __init__(self, report, stage, event):
        self.report, self.stage, self.event = report, stage, event
        self.a, self.b = stage.pair.nodes
        self.guests = {name: Guest(stage, stage.family, HOST[name], groups)
                       for name, groups in GUESTS[stage.family].items()}
        self.names = {name: {str(each) for each in guest.groups}
                      for name, guest in self.guests.items()}
        self.all = [each for guest in self.guests.values() for each in guest.groups]
        self.witness = Guest(stage, stage.family, "h1", WITNESSED[stage.family])

    def check(self, name, ok, detail=""):
        return self.report.check(f"{self.event}: {name}", ok, detail)

    def part(self, seconds):
        stage, a, b = self.stage, self.a, self.b
        self.event_lines = len(b.log_lines(EVENT_DIVERGED)) + len(a.log_lines(EVENT_DIVERGED))
        stage.random_phase()
        self.parted = stage.topology.part()
        b.wait("master", 10)
        stage.converged_on(("a", "b"), 10)
        for name, guest in self.guests.items():
            stage.switch.steer(BOND, mac(stage.topology.hosts[HOST[name]]), PARTNER_PORT[name])
            guest.join()
            guest.send()
        apart = poll(lambda: all(node.holds(self.all) == self.names[node.name] for node in (a, b)),
                     5)
        self.check("each node has the member behind it, and not the other's", apart,
                   {node.name: sorted(node.holds(self.all)) for node in (a, b)})
        self.check("both are master, both gates open",
                   all(node.role() == "master" and node.gate_open() for node in (a, b)))
        alarmed = poll(lambda: a.alarm_texts(ALARM_SILENT) and b.alarm_texts(ALARM_SILENT), 3)
        self.check("both raise the alarm of a silent peer", alarmed)
        time.sleep(max(0.0, seconds - 1 - (now_ns() - self.parted) / 1e9))
        self.witness.join()
        time.sleep(max(0.0, seconds - (now_ns() - self.parted) / 1e9))

    def heal(self):
        stage, a, b = self.stage, self.a, self.b
        self.term = b.term()
        self.healed = stage.topology.unite()
        one = poll(lambda: a.role() == "backup" and not a.gate_open() and b.gate_open(), 10)
        self.check("one master: the larger term stays", one and b.role() == "master"
                   and b.term() == self.term, f"A {a.role()}, B {b.role()}, term {b.term()}")
        everyone = {str(each) for each in self.all}
        whole = poll(lambda: all(node.holds(self.all) == everyone for node in (a, b)), 30)
        self.united = (now_ns() - self.healed) / 1e9
        self.check("the union of the memberships is on both nodes", whole,
                   f"{self.united:.2f} s after the heal")
        equal = stage.pair.digests_equal(30)
        self.check("digests are equal", equal, "" if equal else
                   [(node.name, scope["sync_state"], [
                       (row["name"], row["entries"], row["digest"], row["lag_records"])
                       for row in scope["databases"] if row["entries"]])
                    for node in (a, b) for scope in (node.databases(),)])
        self.equal = (now_ns() - self.healed) / 1e9
        stage.converged("b", 10)
        self.check_event()
        time.sleep(0.5)
        self.ended = now_ns()

    def check_event(self):
        """One event on both nodes together; what it names is what diverged."""
        lines = self.a.log_lines(EVENT_DIVERGED) + self.b.log_lines(EVENT_DIVERGED)
        fresh = lines[self.event_lines:]
        text = fresh[0] if fresh else ""
        there = re.search(r"only there (\d+)", text)
        here = re.search(r"only here (\d+)", text)
        first = {str(ipaddress.ip_address(word)) for word in re.findall(
            r"Eth-Trunk1 ([0-9a-fA-F:.]*[0-9a-fA-F])", text)}
        self.check("one event names what diverged", len(fresh) == 1
                   and "both nodes were master" in text and here and int(here.group(1)) == 5
                   and there and int(there.group(1)) == 5 and first == self.names["a"],
                   text.partition(EVENT_DIVERGED)[2] or fresh)
        stories = self.b.healed()
        self.check("the history tells of it as healed", len(stories) == 1
                   and " healed scope" in self.b.text("switchover", "history"),
                   [story["result"] for story in stories])

    def tell(self):
        """Streams and guests end; adds the rows."""
        stage = self.stage
        witnessed = self.witness.leave()
        late = [at for row in witnessed.rows() for at in row["duplicate_times_ns"]
                if at > self.healed]
        doubled_ms = (max(late, default=self.healed) - self.healed) / 1e6
        parts = {name: guest.leave().window(self.healed) for name, guest in self.guests.items()}
        measured = stage.stop()
        before_it = self.parted - int((2 * SLOW_MS + 10) * 1e6)
        steady = merge(one.window(stage.flowing_since, before_it) for one in measured)
        apart = merge(one.window(self.parted, self.healed) for one in measured)
        whole = merge(one.window() for one in measured)
        healed = merge(one.window(self.healed, self.ended) for one in measured)
        # Receivers put the first times on record only: what came twice after the heal was seen by
        # the witness, who came late, in its 20 streams.
        apart["duplicates"] = whole["duplicates"] - len(late)
        apart["duplicates_max"] = whole["duplicates_max"]
        healed["duplicates"] = len(late)
        for event, row, begin, end, more in (
                (self.event, apart, self.parted, self.healed, {}),
                (f"{self.event}, healed", healed, self.healed, self.ended,
                 {"doubled_ms": round(doubled_ms, 1), "united_s": round(self.united, 2),
                  "equal_s": round(self.equal, 2),
                  "guest_of_loser_gap_ms": parts["a"]["longest_gap_ms"],
                  "guest_of_loser_lost": parts["a"]["lost"],
                  "guest_of_winner_gap_ms": parts["b"]["longest_gap_ms"],
                  "guests_stopped": parts["a"]["stopped"] + parts["b"]["stopped"]})):
            row["paused"] += stage.world.pauses.seen(begin, end)
            row["dirty_before"] = steady["lost"] + steady["duplicates"]
            self.report.add_run(event, row, **more)


def freeze(report, stage):
    """The split's winner is master: it stops for a while and wakes."""
    a, b = stage.pair.nodes
    stage.flow()
    taken = len(a.takeovers())

    def frozen():
        begin = b.signal_all(signal.SIGSTOP)
        time.sleep(FROZEN_S)
        b.signal_all(signal.SIGCONT)
        return begin

    row, measured, window = stage.measure(frozen, after=3)
    a.wait("master", 5)
    b.wait("ready", 10)
    report.add_run("frozen", row, fast_gap_ms=stage.fast_gap(measured, window))
    report.check("frozen: one switchover, none when it wakes, its gate is closed",
                 len(a.takeovers()) == taken + 1 and a.role() == "master" and a.gate_open()
                 and b.role() == "backup" and not b.gate_open() and stage.used() == ["a"],
                 f"A became master {len(a.takeovers()) - taken} times, B is {b.role()}, "
                 f"the switch uses {stage.used()}")
    report.check("frozen: digests are equal afterwards", stage.pair.digests_equal(15))


def run(report, args, family, seconds, event, with_freeze):
    with etrunk_attempt(args, family, TIMERS, topology=PartedSwitch,
                        node_sections=dict.fromkeys("ab", ANSWERS[family])) as stage:
        stage.up()
        stage.flow()
        split = Split(report, stage, event)
        split.part(seconds)
        split.heal()
        split.tell()
        if with_freeze:
            freeze(report, stage)


def tell(report, event):
    healed = f"{event}, healed"
    runs = report.clean_runs(healed)
    for name, unit in (("doubled_ms", "ms"), ("united_s", "s"), ("equal_s", "s"),
                       ("guest_of_loser_gap_ms", "ms"), ("guest_of_winner_gap_ms", "ms")):
        report.figure(f"{event}: {name}", [each[name] for each in runs], unit)
    report.check_runs(f"{event}: longest gap within hello timeout + 50 ms", "longest_gap_ms",
                      TIMEOUT_MS + 50, event)
    report.check_runs(f"{healed}: longest gap within hello timeout + 50 ms", "longest_gap_ms",
                      TIMEOUT_MS + 50, healed)
    # From the plug on: the links come up, then each keeper must hear an echo of its own hello.
    report.check_runs(f"{healed}: hosts hear it once again within the hello timeout", "doubled_ms",
                      TIMEOUT_MS, healed)
    report.check_runs(f"{healed}: no stream of a guest ends", "guests_stopped", 0, healed)
    report.check_runs(f"{healed}: the winner's guest within hello timeout + 50 ms",
                      "guest_of_winner_gap_ms", TIMEOUT_MS + 50, healed)
    report.check_runs(f"{healed}: the loser's guest is served again by the winner within 10 s",
                      "guest_of_loser_gap_ms", SERVED_MS, healed)
    steady_checks(report, healed)


def main(args):
    report = Report("etrunk-split", {"hello": "20 ms x 5", "lacp": "fast",
                                     "frozen": f"{FROZEN_S} s"})
    short_s = 5 if args.quick else 10
    short = f"split {short_s} s"
    for number in report.attempts(1 if args.quick else args.runs, short, "frozen"):
        run(report, args, alternate(number), short_s, short, True)
    events = [short]
    if not args.quick:  # a minute each: one run of each family
        long = f"split {LONG_S} s"
        events.append(long)
        for number in report.attempts(2, long, extra=1):
            run(report, args, alternate(number), LONG_S, long, False)
    for event in events:
        tell(report, event)
    report.check_runs("frozen: longest gap within hello timeout + 50 ms", "longest_gap_ms",
                      TIMEOUT_MS + 50, "frozen")
    report.check_runs("frozen: both gates open together no longer than 50 ms", "duplicate_span_ms",
                      50, "frozen")
    steady_checks(report, "frozen")
    return report.finish(args.json)
