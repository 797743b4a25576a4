"""The demonstration: two routers come up, sync, carry 402 streams; the master dies; streams go on.

Narrated and with the displays an operator would look at; the figures at the end are measured.
"""

from lib.etrunk import BFD_20, EtrunkScene
from lib.report import Report
from lib.scenario import kill_fault, scene
from lib.streams import merge
from lib.topology import settle
from lib.world import now_ns

STREAM_S = 3
TIMERS = {**BFD_20, "revert_s": 5}


def tell(text):
    print(f"\n>>> {text}", flush=True)


def show(node, *words):
    """A display as the operator sees it."""
    name = {"a": "DeviceA", "b": "DeviceB"}[node.name]
    print(f"<{name}> display {' '.join(words)}")
    for line in node.text(*words).rstrip("\n").splitlines():
        print(f"  {line}")
    print(flush=True)


def come_up(stage):
    tell("Two routers, DeviceA and DeviceB, in network namespaces of this machine, with addresses\n"
         "    and configuration files of the two hot-backup examples, IGMP and MLD together.\n"
         "    Upstream an independent router sends every stream to both; three hosts sit behind\n"
         "    an access switch (Open vSwitch), whose one LACP bond has a link to either router.")
    stage.up()
    a, b = stage.pair.nodes
    tell("Both are up: DeviceA is master, DeviceB its backup, and all state is mirrored over TLS.")
    show(a, "remote-backup-service", "service1")
    show(b, "remote-backup-profile", "profile1")
    show(a, "eth-trunk", "1")
    show(b, "eth-trunk", "1")
    show(b, "e-trunk")
    show(a, "bfd", "session")


def streams_flow(stage):
    tell("The hosts join 402 groups (IGMPv2, IGMPv3, source lists; MLDv1, MLDv2). 400 streams\n"
         "    of 50 packets a second and two of 1000 a second begin to flow.")
    stage.flow(warm_up=STREAM_S)
    entries, routes, opened = stage.backup_is_ready()
    tell(f"DeviceB serves no host, and knows it all: {entries} memberships, {routes} routes in\n"
         f"    its kernel, {opened} of them behind an open gate.")
    show(stage.pair.b, "multicast", "redundancy", "databases")


def master_dies(stage, report):
    b = stage.pair.b
    tell("Now DeviceA dies: every process killed, every link down at once. BFD gives it up\n"
         f"    after {stage.timeout_ms()} ms on every path; its peer's keeper asks nobody.")
    fault = kill_fault(stage, with_links=True)
    row, measured, window = stage.measure(fault.fire, after=STREAM_S)
    b.wait("master", 5)
    report.add_run("master dies", row, fast_gap_ms=stage.fast_gap(measured, window))
    tell(f"All {row['streams']} streams go on. Longest gap {row['longest_gap_ms']:.0f} ms, "
         f"{row['lost']} of {row['sent']} packets lost,\n    {row['duplicates']} doubled, "
         f"{row['stopped']} streams that did not come back.")
    show(b, "switchover", "history")
    show(b, "alarm", "active")
    report.check("every stream goes on", row["stopped"] == 0 and row["silent"] == 0)
    report.check_runs("longest gap within detection time + 50 ms", "longest_gap_ms",
                      stage.timeout_ms() + 50, "master dies")


def master_returns(stage, report):
    a, b = stage.pair.nodes
    tell("DeviceA comes back after its reboot, fetches all state from DeviceB, and takes its\n"
         f"    place again {TIMERS['revert_s']} s later: a planned switchover.")
    a.power_off_done()
    for streams in stage.streams:
        streams.join()
        streams.send()
    settle(1)
    begin = now_ns()
    a.reboot()
    a.wait("synced", 20)
    a.wait("master", TIMERS["revert_s"] + 20)
    settle(1)
    row = merge(one.window(begin) for one in stage.stop())
    report.add_run("master returns", row)
    tell(f"It is master again. {row['lost']} packets lost, at most {row['duplicates_max']} doubled "
         "in one stream.")
    show(a, "switchover", "history")
    report.check("nothing lost by the return", row["lost"] == 0, row["lost"])
    report.check("DeviceB is its backup again", b.role() == "backup")


def main(args):
    report = Report("demo", {"bfd": f"{TIMERS['bfd_ms']} ms x {TIMERS['bfd_multiplier']}",
                             "revert delay": f"{TIMERS['revert_s']} s"})
    with scene(args, "both", TIMERS, kind=EtrunkScene) as stage:
        come_up(stage)
        streams_flow(stage)
        master_dies(stage, report)
        master_returns(stage, report)
    print()
    return report.finish(args.json)
