"""The link between the master and the access switch is cut: both ends lose carrier at once.

Ours is from the cut until the backup's gate is open; the rest is the switch's.
"""

from lib.config import FAST
from lib.etrunk import alternate
from lib.etrunk_events import cut_access
from lib.report import Report


def main(args):
    report = Report("etrunk-access-cut", {"hello": "20 ms x 5", "lacp": "fast"})
    # The median of two runs is their mean, which one late wake-up of the machine decides.
    runs = max(args.runs, 3)
    cut_access(report, args, "access cut", {**FAST, "revert_s": 120}, runs, alternate)
    return report.finish(args.json)
