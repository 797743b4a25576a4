"""The master's daemon is killed and restarted behind an access switch, LACP slow and fast.

Its keeper speaks LACP on: the switch keeps the link, nothing is lost or doubled, nobody takes over.
Then its keeper is killed: the daemon starts another within the detection time, and that one goes on
where LACP was.
"""

from lib.config import FAST
from lib.etrunk import alternate
from lib.etrunk_events import CRASH_GONE_S, crash, kill_keeper
from lib.report import Report


def main(args):
    report = Report("etrunk-crash", {"hello": "20 ms x 5", "away": CRASH_GONE_S})
    values = {**FAST, "revert_s": 120}
    runs = 1 if args.quick else args.runs
    for lacp in ("fast", "slow"):
        crash(report, args, f"crash, lacp {lacp}", values, runs, alternate, lacp)
        kill_keeper(report, args, f"keeper killed, lacp {lacp}",
                    {**values, "hello_ms": 50},  # a process starts within 250 ms
                    runs, alternate, lacp)
    return report.finish(args.json)
