"""hotpair as last-hop router, transit, first-hop DR and RP, each among three routers of FRR."""

from lib.report import Report
from lib.roles_course import run


def main(args):
    return run(Report("pim-roles"), args, "ipv4")
