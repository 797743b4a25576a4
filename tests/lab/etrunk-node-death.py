"""The master dies behind an access switch with one LACP bond: all processes killed, all links down.

BFD of 20 ms x 3 and 50 ms x 3 beside the vendor's hellos, and hellos of the same times; where the
time goes: detect, decide, gate, partner.
"""

from lib.etrunk import BFD_TIMERS, TIMERS, alternate
from lib.etrunk_events import check_deaths, die
from lib.report import Report

# A bound on a median: with fewer runs it would be one on a single late wake-up of the machine.
MEDIANS = {"BFD 20 ms x 3": 3, "20 ms x 3": 3}


def main(args):
    report = Report("etrunk-node-death", {"lacp": "fast", "paths": "2 bound, 1 routed"})
    for first, (event, values) in enumerate((BFD_TIMERS | TIMERS).items()):
        runs = MEDIANS.get(event, 1) if args.quick else args.runs
        die(report, args, event, values, runs,
            lambda number, first=first: alternate(first + number))
    for event in MEDIANS:
        check_deaths(report, event)
    return report.finish(args.json)
