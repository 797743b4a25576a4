"""The configuration files of seeds 003 and 004, unchanged; displays as the seeds print them.

With changed inputs the right cells change; no route of the backup names a wrong interface although
the two nodes number their ports differently.
"""

import re

from lib.config import DEVICE, GOLDEN, SEED
from lib.report import Report
from lib.scenario import attempt, scene
from lib.world import poll, wait_until

UPLINK = {"a": "GigabitEthernet0/1/3", "b": "GigabitEthernet0/1/2"}
VENDOR_DEFAULT = {"hello_ms": 1000, "multiplier": 20, "revert_s": 120, "grace_s": 10}


def masked(text):
    """Without the date, which is live, and blanks at line ends."""
    text = re.sub(r"(Last up time +: ).*", r"\1DATE", text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def cell(text, name):
    found = re.search(rf"^ *{re.escape(name)} *: *(.*?) *$", text, re.M)
    return found.group(1) if found else None


def compare_displays(report, stage, family):
    for node in stage.pair.nodes:
        for words in (("remote-backup-profile", "profile1"), ("remote-backup-service", "service1")):
            golden = GOLDEN / SEED[family] / f"{DEVICE[node.name]}.display-{words[0]}.txt"
            wanted, shown = masked(golden.read_text()), masked(node.text(*words))
            different = [f"'{s}' for '{w}'" for w, s in zip(wanted, shown) if w != s]
            report.check(f"{SEED[family]} {DEVICE[node.name]}: display {words[0]}",
                         wanted == shown, "; ".join(different[:3]))


def check_routes(report, stage):
    for node in stage.pair.nodes:
        routes = [route for route in node.routes() if not route["negative"]]
        incoming = sorted({str(route["incoming"]) for route in routes})
        outgoing = sorted({leg["interface"] for route in routes for leg in route["outgoing"]})
        report.check(f"{DEVICE[node.name]}: every route comes in by its own uplink",
                     incoming == [UPLINK[node.name]] and outgoing == ["Eth-Trunk1"],
                     f"{len(routes)} routes, in {incoming}, out {outgoing}")


def check_inactive(report, stage):
    for node in stage.pair.nodes:
        text = node.text("current-configuration", "inactive")
        report.check(f"{DEVICE[node.name]}: what has no engine is listed as inactive",
                     ("ospf" in text or "isis" in text) and "pim" not in text
                     and "lacp" not in text and "eth-trunk" not in text, text)


def changed_cells(report, args, family):
    """Other numbers in the files: exactly these cells differ."""
    with scene(args, family, timers=None) as stage:
        for node in stage.pair.nodes:
            text = node.config.read_text()
            node.config.write_text(text.replace("backup-id 10 ", "backup-id 20 ")
                                   .replace("port 1025", "port 2025"))
        for node in stage.pair.nodes:
            node.start()
        stage.pair.a.wait("master", 40)
        a, b = stage.pair.nodes
        wait_until(lambda: a.rbs()["tcp_state"] == "connected", 20, "RBS on port 2025")
        profile = a.text("remote-backup-profile", "profile1")
        service = a.text("remote-backup-service", "service1")
        for text, name, value in ((profile, "Backup-ID", "20"), (service, "TCP-Port", "2025")):
            report.check(f"changed: {name}", cell(text, name) == value, cell(text, name))
        b.daemon.finish()
        down = poll(lambda: cell(a.text("remote-backup-service", "service1"), "TCP-State")
                    != "connected", 15)
        report.check("changed: TCP-State when the peer is gone", down)


def main(args):
    report = Report("seeds-003-004", {"hello": "1 s x 20, the seeds' own"})
    for family in ("ipv4", "ipv6"):
        for _ in report.attempts(1, SEED[family]):
            with attempt(args, family, None) as stage:
                stage.timers = VENDOR_DEFAULT
                stage.up()
                stage.flow()
                compare_displays(report, stage, family)
                check_routes(report, stage)
                check_inactive(report, stage)
                report.add_run(SEED[family], stage.since_flow(report, stage.stop()))
        for field in ("lost", "duplicates"):
            report.check_runs(f"{SEED[family]}: {field}", field, 0, SEED[family])
        changed_cells(report, args, family)
    return report.finish(args.json)
