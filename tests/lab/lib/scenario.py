"""The course that most labs share: a pair, its streams, an event at a random moment, figures."""

import contextlib
import random
import time

from .config import FAST, configs
from .faults import Fault
from .node import Pair
from .streams import Streams, merge
from .topology import SharedLan
from .world import LabError, MachinePaused, World, now_ns, wait_until

SLOW_MS, FAST_MS = 20, 1  # intervals of the two kinds of stream


def families_of(family):
    return ("ipv4", "ipv6") if family == "both" else (family,)


class Scene:
    """A running pair with streams. Ask for fresh ones: state of one run must not reach the next."""

    slow_ms = SLOW_MS

    def __init__(self, world, args, family, timers=FAST, extra=()):
        self.world = world
        self.args = args
        self.family = family
        self.timers = timers
        self.topology = self.make_topology()
        self.pair = Pair(self.topology, args.bin, self.make_configs(extra))
        self.streams = [Streams(world, self.topology, args.probe, one)
                        for one in families_of(family)]
        self.random = random.Random()
        self.flowing_since = None

    def make_topology(self):
        return SharedLan(self.world)

    def make_configs(self, extra):
        return configs(self.family, self.timers, extra)

    def timeout_ms(self):
        """The hello timeout in force, configured."""
        return self.timers["hello_ms"] * self.timers["multiplier"]

    def up(self):
        self.pair.up(timeout=30 + 3 * self.timeout_ms() / 1000)

    def flow(self, warm_up=1.0):
        """Hosts join, senders start, both nodes have routes for every stream."""
        for streams in self.streams:
            streams.join()
        expected = {streams.plan.family: len(streams.plan.groups()) for streams in self.streams}
        wait_until(lambda: all(node.groups(family) >= count for node in self.pair.nodes
                               for family, count in expected.items()),
                   15, f"memberships of {expected} on both nodes")
        for streams in self.streams:
            streams.send()
        total = sum(expected.values())
        wait_until(lambda: all(node.installed_routes()[0] >= total for node in self.pair.nodes),
                   15, f"{total} routes on both nodes")
        self.trees_up()
        time.sleep(warm_up)
        self.expect_no_pause()
        # What is judged begins here. Of a route that is being made the kernel keeps 4 packets.
        self.flowing_since = now_ns()

    def trees_up(self):
        """Returns when the streams arrive at both nodes; a static upstream sends them always."""

    def expect_no_pause(self):
        """A node that stood still for its timeout has rightly lost its role: start over."""
        long_ones = [ms for ms in self.world.pauses.seen() if ms > self.timeout_ms() / 2]
        if long_ones:
            raise MachinePaused(f"the machine stood still for {max(long_ones)} ms")

    def backup_is_ready(self):
        """(entries, routes, routes behind an open gate) of the backup, before the fault."""
        b = self.pair.b
        entries = sum(b.groups(family) for family in families_of(self.family))
        routes, opened = b.installed_routes()
        if opened:
            late = {node.name: node.display("keeper")["status"]["worst_late_us"]
                    for node in self.pair.nodes}
            raise LabError(f"{b.name} forwards before the fault: {opened} routes behind an open "
                           f"gate; keepers were late by at most (us): {late}")
        return (entries, routes, opened)

    def random_phase(self):
        """Spreads the fault over the hello period, or every run gives the same number."""
        time.sleep(self.random.uniform(0.05, 0.05 + max(0.2, self.timers["hello_ms"] / 1000)))

    def stop(self):
        return [streams.stop() for streams in self.streams]

    def since_flow(self, report, measured):
        """The row since the streams flow. What was lost before is told: until a route is made the
        kernel keeps 4 packets of it, which are 4 ms of the fast stream."""
        row = merge(one.window(self.flowing_since) for one in measured)
        early = sum(one.window()["lost"] for one in measured) - row["lost"]
        report.say(f"lost at the start, while the kernel's routes were made: {early}")
        return row

    def measure(self, event, after=1.5):
        """Runs event() in the stream, waits, stops; returns row, measurements and window."""
        self.random_phase()
        begin = now_ns()
        happened = event() or begin
        time.sleep(after)
        end = now_ns()
        measured = self.stop()
        window = (happened, end)
        row = merge(one.window(*window) for one in measured)
        row["paused"] += self.world.pauses.seen(*window)
        # A loss counts from the packet before it.
        before_it = happened - int((2 * self.slow_ms + 10) * 1e6)
        steady = merge(one.window(self.flowing_since, before_it) for one in measured)
        row["dirty_before"] = steady["lost"] + steady["duplicates"]
        return row, measured, window

    def fast_gap(self, measured, window):
        """The same gap seen by the 1000/s stream: fine to 1 ms."""
        return max(one.window(*window, fast=True)["longest_gap_ms"] for one in measured)


@contextlib.contextmanager
def scene(args, family, timers=FAST, extra=(), kind=Scene):
    with World(args.keep) as world:
        yield kind(world, args, family, timers, extra)


@contextlib.contextmanager
def attempt(*what, **more):
    """A scene() inside Report.attempts(): a run in which the machine stood still is set aside."""
    try:
        with scene(*what, **more) as stage:
            try:
                yield stage
            except LabError:
                stage.expect_no_pause()
                raise
    except MachinePaused as pause:
        print(f"  run set aside: {pause}", flush=True)


def steady_checks(report, event):
    """What holds after every unplanned event: all streams were there and all came back."""
    runs = report.clean_runs(event)
    report.check(f"{event}: every group is heard and continues",
                 bool(runs) and all(not run["silent"] and not run["stopped"] for run in runs),
                 f"{sum(run['stopped'] for run in runs)} never came back, "
                 f"{sum(run['silent'] for run in runs)} were never heard")
    report.check(f"{event}: nothing was lost or doubled before it",
                 all(run["dirty_before"] == 0 for run in runs),
                 sum(run["dirty_before"] for run in runs))
    report.check(f"{event}: receivers dropped nothing themselves",
                 all(run["socket_dropped"] == 0 for run in runs))


def check_backup_held(report, event, held):
    """`held`: what backup_is_ready() gave before each fault."""
    entries, routes, opened = (min(each[0] for each in held), min(each[1] for each in held),
                               max(each[2] for each in held))
    report.check(f"{event}: the backup held entries and routes before, gate closed",
                 entries > 0 and routes > 0 and opened == 0,
                 f"at least {entries} entries, {routes} routes, {opened} open")


def kill_fault(scene_, with_links):
    """Every process of the master at once, its links too if asked."""
    links = scene_.topology.links_of("a") if with_links else []
    return Fault(pids=scene_.pair.a.pids(), links=links)


def deaths(report, args, family, timers, event, runs, with_links=True):
    """`runs` fresh pairs whose master dies; adds rows and checks."""
    held = []
    for _ in report.attempts(runs, event):
        with attempt(args, family, timers) as stage:
            stage.up()
            stage.flow()
            held.append(stage.backup_is_ready())
            fault = kill_fault(stage, with_links)
            row, measured, window = stage.measure(fault.fire, after=stage.timeout_ms() / 1000 + 1.5)
            report.add_run(event, row, fast_gap_ms=stage.fast_gap(measured, window),
                           backup_entries=held[-1][0], backup_routes=held[-1][1])
            stage.pair.b.wait("master", 5)
    bound = timers["hello_ms"] * timers["multiplier"] + 50
    report.check_runs(f"{event}: longest gap within hello timeout + 50 ms", "longest_gap_ms", bound,
                      event)
    check_backup_held(report, event, held)
    steady_checks(report, event)
