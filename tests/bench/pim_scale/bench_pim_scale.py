#!/usr/bin/python3
"""PIM at scale beside FRR's pimd: bench_pim_scale.py [--quick|--all] [--bin DIR].

Conditions: both are a router between one upstream and 64 downstream neighbours on four links, each
in namespaces of its own, and get the same Join/Prune packets (10 000 groups, (*,G) and (S,G) of
each, packed to the MTU) no faster than they read them; a packet lost in a socket fails the bench.
Routes go to the kernel of this machine. FRR is Debian's, pimd with zebra, `ip pim packets 255`
(default 3 a turn), otherwise its defaults, as hotpair's; all of a router's processes count. Several
routers of each kind take turns, and their median is told: `baseline` is FRR, `ratio` hotpair
divided by it.

joins_new, joins_again  entries of Joins that make a route and that refresh one; per second of the
                        processor and of the clock, until all are read (and routes are made)
new_upstream            from the first packet until the upstream neighbour heard the last Join
genid_upstream          from a Hello with a new generation id until it heard every Join again;
                        t_override (RFC 7761 4.11) is random up to 2.5 s. FRR 8.4 waits for its next
                        refresh
bytes_per_route         resident memory that the routes added
idle_cpu                processor time in one Join/Prune period without change
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/lab"))

from lib.pim_scale import KINDS, ScaleRouter, read_ups, usage  # noqa: E402
from lib.world import LabError, World, forget_files, now_ns, poll  # noqa: E402

ROUNDS = 5  # of Joins that change nothing
UNITS = {"joins_new_per_cpu_s": "joins/s", "joins_new_per_s": "joins/s",
         "joins_again_per_cpu_s": "joins/s", "joins_again_per_s": "joins/s",
         "new_upstream": "ms", "new_upstream_packets": "packets", "genid_upstream": "ms",
         "genid_upstream_packets": "packets", "bytes_per_route": "bytes", "idle_cpu": "ms/s"}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, world, args, groups, neighbours, runs, period):
        self.period = period
        self.routers = []
        for run in range(runs):  # hotpair first, then FRR first, and so on
            for kind in (KINDS if run % 2 == 0 else KINDS[::-1]):
                self.routers.append(ScaleRouter(world, args, kind, groups, neighbours,
                                                f"{run}{kind[0]}", period))
        self.values = {kind: {name: [] for name in UNITS} for kind in KINDS}

    def add(self, router, name, value):
        self.values[router.kind][name].append(value)

    def run(self):
        for router in self.routers:
            router.start()
        for router in self.routers:
            self.new_joins(router)
        for router in self.routers:
            self.joins_again(router)
        self.restart_upstream()
        self.idle()

    def new_joins(self, router):
        trees = router.trees
        router.up.heard.clear()
        before, begin = usage(router.pids()), now_ns()
        router.play(router.joins)
        read = now_ns()
        router.told(trees, "joined", 120)
        told = router.up.heard.last_ns
        if not poll(lambda: router.kernel_routes() == len(trees), 30, 0.2):
            raise LabError(f"{router.kind}: the kernel has {router.kernel_routes()} routes")
        router.quiet()
        after = usage(router.pids())
        self.add(router, "joins_new_per_cpu_s", len(trees) / (after[0] - before[0]))
        self.add(router, "joins_new_per_s", len(trees) / (read - begin) * 1e9)
        self.add(router, "new_upstream", (told - begin) / 1e6)
        self.add(router, "new_upstream_packets", router.up.heard.packets)
        self.add(router, "bytes_per_route", (after[1] - before[1]) / len(trees))
        say(f"{router.kind}: {len(trees)} Joins in {(told - begin) / 1e9:.2f} s")

    def joins_again(self, router):
        joins = ROUNDS * len(router.trees)
        before, begin = usage(router.pids()), now_ns()
        router.play(router.joins, ROUNDS)
        read = now_ns()
        router.settle(0.2)
        after = usage(router.pids())
        self.add(router, "joins_again_per_cpu_s", joins / (after[0] - before[0]))
        self.add(router, "joins_again_per_s", joins / (read - begin) * 1e9)

    def restart_upstream(self):
        trees, open_ = self.routers[0].trees, list(self.routers)
        begin = {}
        for router in self.routers:
            router.settle(0)
            router.up.heard.clear()
            begin[router] = now_ns()
            router.restart_upstream()

        def complete():
            read_ups(self.routers, 0.02)
            for router in [one for one in open_ if trees <= one.up.heard.joined]:
                open_.remove(router)
                heard = router.up.heard
                self.add(router, "genid_upstream", (heard.last_ns - begin[router]) / 1e6)
                self.add(router, "genid_upstream_packets", heard.packets)
                say(f"{router.kind}: all joined again after "
                    f"{(heard.last_ns - begin[router]) / 1e9:.2f} s")
            return not open_

        if not poll(complete, 2 * self.period + 30, 0):
            raise LabError(f"{len(open_)} routers did not join again")

    def idle(self):
        for router in self.routers:
            router.quiet()
        say(f"idle for {self.period} s")
        before = [usage(router.pids())[0] for router in self.routers]
        begin = now_ns()
        while (left := self.period - (now_ns() - begin) / 1e9) > 0:
            read_ups(self.routers, min(left, 0.5))
        seconds = (now_ns() - begin) / 1e9
        for router, used in zip(self.routers, before):
            self.add(router, "idle_cpu", (usage(router.pids())[0] - used) * 1000 / seconds)

    def metrics(self):
        rows = []
        for name, unit in UNITS.items():
            own, frr = (self.values[kind][name] for kind in KINDS)
            median, baseline = statistics.median(own), statistics.median(frr)
            rows.append({"name": name, "unit": unit, "median": median, "min": min(own),
                         "max": max(own), "n": len(own), "baseline": baseline,
                         "ratio": median / baseline})
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    args = parser.parse_args()
    groups, neighbours, runs, period = 10_000, 64, 3, 60
    if args.quick:
        groups, neighbours, runs, period = 1000, 16, 1, 10
    if args.all:
        runs = 5
    with World() as world:
        bench = Bench(world, args, groups, neighbours, runs, period)
        bench.run()
    forget_files()
    print(json.dumps({"bench": "pim_scale", "groups": groups, "neighbours": neighbours,
                      "join_prune_period_s": period, "baseline": "FRR pimd",
                      "metrics": bench.metrics()}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        say(f"bench pim_scale: {error}")
        sys.exit(1)
