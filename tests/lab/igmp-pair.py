"""The master dies (all processes killed, links down at once) under IGMPv2 and v3 receivers.

Longest gap at most the hello timeout in force + 50 ms; every group continues; the backup held
entries and routes beforehand. With hellos of 20 ms x 5, and with the vendor's default of 1 s x 20.
"""

from lib.config import FAST, VENDOR
from lib.report import Report
from lib.scenario import deaths


def main(args):
    report = Report("igmp-pair", {"hello": "20 ms x 5 and 1 s x 20", "restart-grace": "10 s"})
    deaths(report, args, "ipv4", FAST, "node dies", args.runs)
    deaths(report, args, "ipv4", VENDOR, "node dies, 1 s x 20", 1 if args.quick else args.runs)
    return report.finish(args.json)
