"""The master dies behind an access switch with one LACP bond: all processes killed, all links down.

BFD of 20 ms x 3 and 50 ms x 3 beside the vendor's hellos, and hellos of the same times; where the
time goes: detect, decide, gate, partner.
"""

from lib.etrunk import BFD_TIMERS, TIMERS, alternate
from lib.etrunk_events import check_deaths, die
from lib.report import Report


def main(args):
    report = Report("etrunk-node-death", {"lacp": "fast", "paths": "2 bound, 1 routed"})
    for first, (event, values) in enumerate((BFD_TIMERS | TIMERS).items()):
        die(report, args, event, values, args.runs if not args.quick else 1,
            lambda number, first=first: alternate(first + number))
    for event in ("BFD 20 ms x 3", "20 ms x 3"):
        check_deaths(report, event)
    return report.finish(args.json)
