"""Planned switchover and back behind an access switch, 20 times in one stream (3 in quick form).

Sync moves by LACP: the old side's link goes on for the moment that the switch needs. 0 lost, at
most 2 duplicates per group.
"""

from lib.config import FAST
from lib.etrunk_events import check_switches, switch
from lib.report import Report


def main(args):
    report = Report("etrunk-planned", {"hello": "20 ms x 5", "lacp": "fast"})
    pairs = 3 if args.quick else max(args.runs, 20)
    for family in ("ipv4",) if args.quick else ("ipv4", "ipv6"):
        switch(report, args, family, {**FAST, "revert_s": 120}, pairs)
    check_switches(report)
    return report.finish(args.json)
