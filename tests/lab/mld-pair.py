"""The same as igmp-pair for MLDv1, MLDv2 and MLDv2 source-list receivers (seed 004)."""

from lib.config import FAST, VENDOR
from lib.report import Report
from lib.scenario import deaths


def main(args):
    report = Report("mld-pair", {"hello": "20 ms x 5 and 1 s x 20", "restart-grace": "10 s"})
    deaths(report, args, "ipv6", FAST, "node dies", args.runs)
    deaths(report, args, "ipv6", VENDOR, "node dies, 1 s x 20", 1 if args.quick else args.runs)
    return report.finish(args.json)
