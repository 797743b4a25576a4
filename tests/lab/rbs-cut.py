"""The direct link between the nodes is cut while hosts join and leave, and healed again.

One path stays, over D. With the channel between the link's addresses it is lost and the backup's
copy stands still until the link is back; between loopbacks it finds the way over D. No switchover,
nothing lost, alarms that name what is down, equal digests afterwards.
"""

from lib.config import FAST
from lib.etrunk import PATHS, CabledSwitch, etrunk_attempt
from lib.node import ALARM_PATH, ALARM_RBS
from lib.report import Report
from lib.streams import Guest, merge
from lib.world import now_ns, poll, wait_until

TIMERS = {**FAST, "revert_s": 120}
ALARM_S, HEAL_S = 20, 30
# The kernel may keep an IPv6 connection on the dead link until the channel gives it up after 10 s.
FOLLOW_S = 25
GROUPS = {"ipv4": ("239.1.7.1+5", "239.1.8.1+5"), "ipv6": ("ff1e::7:1+5", "ff1e::8:1+5")}
LINK, LOOPBACK = "channel on the link", "channel between loopbacks"


def link_sections(family):
    """The channel between the addresses of the direct link."""
    suffix = "" if family == "ipv4" else "-ipv6"
    return {node: [("remote-backup-service service1",
                    f"peer{suffix} {paths[0][1]} source{suffix} {paths[0][0]} port 1025")]
            for node, paths in PATHS[family].items()}


def roles(stage):
    """Of both nodes, and every change that the switch saw of its members."""
    return [(node.role(), node.term()) for node in stage.pair.nodes] + [
        stage.switch.log().count("abled")]


def connected(stage):
    return all(node.rbs()["tcp_state"] == "connected" for node in stage.pair.nodes)


class Cut:
    """One cut and what is looked at around it."""

    def __init__(self, report, stage, family, event):
        self.report, self.stage, self.event = report, stage, event
        self.a, self.b = stage.pair.nodes
        old, new = GROUPS[family]
        self.old, self.new = Guest(stage, family, "h2", old), Guest(stage, family, "h3", new)

    def check(self, name, ok, detail=""):
        self.report.check(f"{self.event}: {name}", ok, detail)

    def is_moved(self, node):
        """The members that came are there, those that went are not."""
        return len(node.holds(self.new.groups)) == 5 and not node.holds(self.old.groups)

    def alarms(self, with_channel):
        """Both nodes name the path, and the channel if it ran there."""
        source, peer = PATHS[self.stage.family]["a"][0]
        ends = {source.lower(), peer.lower()}

        def told(node):
            named = any(all(end in text for end in ends) and text.endswith("is down")
                        for text in node.alarm_texts(ALARM_PATH))
            return named and bool(node.alarm_texts(ALARM_RBS)) == with_channel

        ok = poll(lambda: told(self.a) and told(self.b), ALARM_S, step=0.1)
        self.check("the alarms name the path" + (" and the channel" if with_channel else " alone"),
                   ok, " | ".join(f"{node.name}: {alarm['text']}" for node in self.stage.pair.nodes
                                  for alarm in node.alarms()))

    def cut(self, with_channel):
        """Returns when it began (ns)."""
        began = self.stage.topology.pull("a", "b")
        self.new.join()
        self.old.leave()
        wait_until(lambda: self.is_moved(self.a), 15, "the master's memberships changed")
        self.alarms(with_channel)
        if with_channel:
            self.check("the channel is lost", not connected(self.stage),
                       [node.rbs()["last_error"] for node in self.stage.pair.nodes])
            here, there = self.b.holds(self.old.groups), self.b.holds(self.new.groups)
            self.check("the copy stands still", len(here) == 5 and not there, f"{here}, {there}")
        else:
            followed = poll(lambda: self.is_moved(self.b), FOLLOW_S)
            self.check("the copy follows over D", followed and connected(self.stage),
                       f"{(now_ns() - began) / 1e9:.1f} s after the cut")
        return began

    def heal(self):
        """Returns seconds until all is as before."""
        began = self.stage.topology.plug("a", "b")
        back = poll(lambda: connected(self.stage), HEAL_S)
        reconnected = (now_ns() - began) / 1e9
        equal = back and self.stage.pair.digests_equal(HEAL_S)
        took = (now_ns() - began) / 1e9
        self.check("healed, digests are equal", equal, f"{reconnected:.2f} s to the channel, "
                   f"{took:.2f} s to equality")
        self.check("what changed meanwhile is on the backup", self.is_moved(self.b))
        self.check("no alarm is left", poll(lambda: not self.a.alarms() and not self.b.alarms(), 5),
                   self.a.alarms() + self.b.alarms())
        return took


def run(report, args, family, event, healed):
    sections = link_sections(family) if event == LINK else None
    with etrunk_attempt(args, family, TIMERS, topology=CabledSwitch,
                        node_sections=sections) as stage:
        stage.up()
        cut = Cut(report, stage, family, event)
        cut.old.join()
        stage.flow()
        wait_until(lambda: len(cut.b.holds(cut.old.groups)) == 5, 10, "the guests are mirrored")
        wait_until(lambda: stage.pair.digests_equal(0), 10, "equal digests before")
        before = roles(stage)
        stage.random_phase()
        began = cut.cut(with_channel=event == LINK)
        healed.setdefault(event, []).append(cut.heal())
        after = roles(stage)
        ended = now_ns()
        cut.new.leave()
        measured = stage.stop()
        row = merge(one.window(began, ended) for one in measured)
        row["paused"] += stage.world.pauses.seen(began, ended)
        report.add_run(event, row, healed_s=round(healed[event][-1], 2))
        cut.check("no switchover, no link moved", before == after, f"{before} -> {after}")


def main(args):
    report = Report("rbs-cut", {"hello": "20 ms x 5", "lacp": "fast"})
    healed = {}
    events = (LINK,) if args.quick else (LINK, LOOPBACK)
    for event in events:
        for number in report.attempts(1 if args.quick else max(2, args.runs // 2), event):
            run(report, args, ("ipv4", "ipv6")[number % 2], event, healed)
    for event, values in healed.items():
        report.figure(f"{event}: equal again after", values, "s")
    report.check_runs("0 lost", "lost", 0)
    report.check_runs("0 duplicates", "duplicates", 0)
    return report.finish(args.json)
