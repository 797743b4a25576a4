"""BFD with PIM neighbours: FRR's pimd and bfdd on one link with hotpair.

A dead FRR is gone here within the detection time, a dead hotpair there; a daemon that starts again
says AdminDown, so that FRR does not take it for dead. Hello holdtimes (105 s) play no part.
"""

import re
import signal
import time
from datetime import datetime

from lib.frr import Frr
from lib.node import Node
from lib.report import Report
from lib.wire import Wire
from lib.world import World, poll, wait_until

PORT, OURS, THEIRS = "GigabitEthernet0/1/1", "10.0.0.1", "10.0.0.2"
INTERVAL_MS, MULTIPLIER = 50, 3
DETECTION_MS = INTERVAL_MS * MULTIPLIER
BUSY_MS = 50  # what a loaded machine adds to a timer and a message
FORGOTTEN_S = 5  # far below any Hello's holdtime

OUR_CONFIG = f"""sysname DeviceA
#
multicast routing-enable
#
interface {PORT}
 ip address {OURS} 24
 pim sm
 pim bfd enable
 pim bfd min-tx-interval {INTERVAL_MS}
 pim bfd min-rx-interval {INTERVAL_MS}
 pim bfd detect-multiplier {MULTIPLIER}
#
return
"""

FRR_CONFIG = f"""bfd
 profile fast
  transmit-interval {INTERVAL_MS}
  receive-interval {INTERVAL_MS}
  detect-multiplier {MULTIPLIER}
 exit
exit
!
interface eth0
 ip pim
 ip pim bfd profile fast
exit
!
"""


def session(node):
    """Our BFD session with FRR; None without one."""
    rows = [row for row in node.display("bfd", "session", "all")["sessions"]
            if row["name"] == f"pim-{PORT}-{THEIRS}"]
    return rows[0] if rows else None


def is_up(node):
    row = session(node)
    return row is not None and row["state"] == "Up"


def gone_at(node, since):
    """When the log says that the neighbour is gone (seconds, wall clock), and why."""
    log = (node.world.dir / f"hotpaird-{node.name}.log").read_text(encoding="utf-8")
    for line in log.splitlines():
        found = re.match(rf"(\S+) .*HA-PIM-0002 PIM neighbor {re.escape(THEIRS)} .* is gone: (.*)",
                         line)
        if found and datetime.fromisoformat(found[1]).timestamp() >= since:
            return datetime.fromisoformat(found[1]).timestamp(), found[2]
    return None


def is_known(frr):
    """FRR has us as a PIM neighbour."""
    return OURS in frr.neighbors().get("eth0", [])


def come_up(report, node, frr, what):
    up = poll(lambda: is_up(node) and is_known(frr), 60, 0.1)
    report.check(f"{what}: neighbour and BFD session are up", up, session(node))


def frr_dies(report, node, frr):
    since = time.time()
    frr.kill("bfdd", "pimd")
    dead = time.time()
    wait_until(lambda: gone_at(node, since) is not None, FORGOTTEN_S, "the neighbour's end")
    at, why = gone_at(node, since)
    gap_ms = (at - since) * 1000
    bound = DETECTION_MS + BUSY_MS + (dead - since) * 1000
    report.check("FRR dies: it is gone here within the detection time", gap_ms <= bound,
                 f"{gap_ms:.0f} ms of {bound:.0f}")
    report.check("FRR dies: the reason is BFD", "BFD" in why, why)
    report.check("FRR dies: its session ends with it",
                 poll(lambda: session(node) is None, FORGOTTEN_S, 0.1))
    frr.restart_daemon("bfdd")
    frr.restart_daemon("pimd")


def daemon_restarts(report, node, frr):
    downs = frr.vtysh("show bfd peers counters")
    node.daemon.popen.kill()
    node.daemon.popen.wait()
    time.sleep(4 * DETECTION_MS / 1000)
    report.check("our daemon dies: the keeper holds the session",
                 is_known(frr), downs)
    node.start()
    node.wait("ready")
    come_up(report, node, frr, "our daemon is back")


def node_dies(report, node, frr):
    begin = time.monotonic()
    node.signal_all(signal.SIGKILL)
    gone = poll(lambda: not is_known(frr), FORGOTTEN_S, 0.02)
    report.check("we die: FRR forgets us long before the holdtime", gone,
                 f"{(time.monotonic() - begin) * 1000:.0f} ms")


def main(args):
    report = Report("pim-bfd", {"bfd": f"{INTERVAL_MS} ms x {MULTIPLIER}"})
    with World(args.keep) as world:
        wire = Wire(world, theirs={"eth0": [f"{THEIRS}/24"]})
        node = Node(wire, "a", args.bin, OUR_CONFIG)
        frr = Frr(world, wire.nodes["frr"], FRR_CONFIG, ("bfdd", "pimd")).start()
        node.start()
        node.wait("ready")
        come_up(report, node, frr, "start")
        for _ in range(1 if args.quick else args.runs):
            frr_dies(report, node, frr)
            come_up(report, node, frr, "FRR is back")
        daemon_restarts(report, node, frr)
        node.remember_keeper()
        node_dies(report, node, frr)
    return report.finish(args.json)
