"""The places of pim-roles for IPv6, among routers of FRR's pim6d (see lib/pim6d.py)."""

from lib.report import Report
from lib.roles_course import run


def main(args):
    return run(Report("pim6-roles"), args, "ipv6")
