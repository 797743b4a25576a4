"""The seeds' four devices on PIM: A, B hotpair, D FRR's pimd as RP, routed by FRR.

Unicast routing is rendered from their files by `hotpair render frr`. Both nodes join, so that the
streams are at the backup's door; node death, access cut, planned switchover and the daemon's crash
with the bounds of the etrunk labs; and D sees the same GenID of B before and after. For IPv6 D is
hotpair; with --all FRR's pim6d.
"""

from functools import partial

from lib.config import FAST
from lib.etrunk import BFD_20, alternate
from lib.etrunk_events import check_deaths, check_switches, crash, cut_access, die, switch
from lib.pim import pim_attempt
from lib.report import Report

VALUES = {**FAST, "revert_s": 120}


def ipv4(_number):
    """With FRR upstream; quick form asks the other family for the node death only."""
    return "ipv4"


def same_identity(report, name, observed):
    """No new GenID on uplinks at takeover: nobody upstream has to send its joins again."""
    kept = [before is not None and before == after for before, after in observed]
    report.check(f"{name}: D knows B by the same GenID before and after", bool(kept) and all(kept),
                 f"{sum(kept)} of {len(kept)}")


def main(args):
    report = Report("pim-seeds", {"hello": "20 ms x 5", "bfd": "20 ms x 3", "lacp": "fast"})
    runs = 1 if args.quick else args.runs
    families = ipv4 if args.quick else alternate
    died, cut, crashed = [], [], []
    die(report, args, "node death", BFD_20, args.runs, alternate,
        partial(pim_attempt, observed=died))
    check_deaths(report, "node death")
    same_identity(report, "node death", died)
    cut_access(report, args, "access cut", VALUES, runs, families,
               partial(pim_attempt, observed=cut))
    same_identity(report, "access cut", cut)
    for family in ("ipv4",) if args.quick else ("ipv4", "ipv6"):
        switch(report, args, family, VALUES, 3 if args.quick else 20, pim_attempt)
    check_switches(report)
    crash(report, args, "daemon crash", VALUES, runs, families,
          begin=partial(pim_attempt, observed=crashed))
    same_identity(report, "daemon crash", crashed)
    return report.finish(args.json)
