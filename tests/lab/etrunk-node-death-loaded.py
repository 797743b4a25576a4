"""The machine compiles on every processor for 10 minutes (quick: 20 s) and nobody takes over.

Then the master dies behind an access switch, still under load. BFD of 50 ms x 3. A moment in which
the machine itself stood still longer than the detection time is told apart, as everywhere.
"""

import os
import time

from lib.etrunk import BFD_50, alternate, etrunk_attempt
from lib.report import Report
from lib.scenario import check_backup_held, kill_fault, steady_checks
from lib.world import LabError, MachinePaused, now_ns

EVENT = "node dies, loaded"
CALM_S, QUICK_CALM_S = 600, 20
BOUND_MS = 250  # the worst for 20 x 3; detection alone is 150 here
COMPILERS = 2 * (os.cpu_count() or 1)
SOURCE = """#include <algorithm>
#include <map>
#include <regex>
#include <string>
int main(int argc, char** argv) {
  std::map<std::string, std::regex> all;
  for (int i = 0; i < argc; ++i) all.emplace(argv[i], argv[i]);
  return static_cast<int>(std::ranges::count_if(all, [](const auto& each) {
    return std::regex_match(each.first, each.second);
  }));
}
"""
LOOP = 'while g++ -std=c++20 -O2 -c "$1" -o "$2"; do :; done'


class CompileLoad:
    """Compilers that start over for ever, at the priority of any other program."""

    def __init__(self, world):
        source = world.dir / "load.cc"
        source.write_text(SOURCE)
        space = world.namespace("load")
        self._loops = [world.start(space, "bash", "-c", LOOP, "load", source,
                                   world.dir / f"load-{number}.o", log=f"load-{number}")
                       for number in range(COMPILERS)]

    def expect_running(self):
        ended = [loop.tail() for loop in self._loops if not loop.alive()]
        if ended:
            raise LabError(f"the compiler ended: {ended[0]}")


def stay_calm(stage, load, seconds):
    """Streams flow and nothing changes hands; returns how often a role changed."""
    terms = [node.term() for node in stage.pair.nodes]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1)
        load.expect_running()
        if [node.role() for node in stage.pair.nodes] != ["master", "backup"]:
            break
    moved = [after - before for before, after in
             zip(terms, (node.term() for node in stage.pair.nodes))]
    if any(moved) and any(ms > stage.timeout_ms() / 2 for ms in stage.world.pauses.seen()):
        raise MachinePaused("while it was loaded")
    return sum(moved)


def worst_late_ms(stage):
    return [node.display("keeper")["status"]["worst_late_us"] / 1000 for node in stage.pair.nodes]


def main(args):
    report = Report("etrunk-node-death-loaded",
                    {"bfd": "50 ms x 3", "load": f"{COMPILERS} compilers at once"})
    seconds = QUICK_CALM_S if args.quick else CALM_S
    held, moved, late = [], [], []
    for number in report.attempts(1, EVENT):
        with etrunk_attempt(args, alternate(number), BFD_50) as stage:
            stage.up()
            stage.flow()
            load = CompileLoad(stage.world)
            begin = time.monotonic()
            moved.append(stay_calm(stage, load, seconds))
            report.say(f"{time.monotonic() - begin:.0f} s under load, {moved[-1]} takeovers")
            late += worst_late_ms(stage)
            held.append(stage.backup_is_ready())
            stage.flowing_since = now_ns()
            fault = kill_fault(stage, with_links=True)
            row, measured, window = stage.measure(fault.fire, after=2.0)
            report.add_run(EVENT, row, fast_gap_ms=stage.fast_gap(measured, window),
                           **stage.breakdown("b", window[0], measured))
            stage.pair.b.wait("master", 10)
    report.figure("keepers were late by at most", late)
    report.check(f"no false takeover in {seconds} s under load", moved and not any(moved), moved)
    report.check_runs(f"{EVENT}: longest gap", "longest_gap_ms", BOUND_MS, EVENT)
    check_backup_held(report, EVENT, held)
    steady_checks(report, EVENT)
    return report.finish(args.json)
