"""All processes of the master are killed while its links stay up: the backup takes over.

Gap as in igmp-pair; both gates are open together no longer than 50 ms, seen as duplicates.
"""

from lib.config import FAST
from lib.report import Report
from lib.scenario import deaths


def main(args):
    report = Report("software-death", {"hello": "20 ms x 5"})
    deaths(report, args, "both", FAST, "software dies", args.runs, with_links=False)
    report.check_runs("both gates open together no longer than 50 ms", "duplicate_span_ms", 50)
    return report.finish(args.json)
