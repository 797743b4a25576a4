"""Debian's pimd on a router of a lab: its process, its files, what it shows of itself.

Its package conflicts with those of FRR and smcroute, so it is unpacked and not installed. It has
fixed names under /run, so each has a mount namespace with a /run of its own. Routes are shown on
SIGUSR1; the RP set is in its log, every 5 s.
"""

import re
import shutil
import signal
from pathlib import Path

from .packages import unpacked
from .world import LabError, wait_until

PROGRAM = "usr/sbin/pimd"
END_OF_DUMP = "Number of Cache MIRRORs"
SHARED_TREE = re.compile(r"^INADDR_ANY\s+(\S+)\s+(\S+)", re.M)
RP_SET = "Candidate Rendezvous-Point Set"
RP_ROW = re.compile(r"^(?:(\d\S+)\s+\d+|\s+)\s+(\S+)\s+(\d+)\s+\d+\s*$", re.M)
BSR = re.compile(r"^Current BSR address: (\S+)", re.M)
SSM_ROW = "169.254.0.1"  # what pimd has in place of an RP for 232/8


def _whole(groups):
    """239.77/16 -> 239.77.0.0/16"""
    base, _, length = groups.partition("/")
    return ".".join([*base.split("."), "0", "0", "0"][:4]) + f"/{length or 32}"


class Pimd:
    """pimd in a namespace. `devices`: device -> words of its phyint line; `lines`: what follows."""

    def __init__(self, world, namespace, devices, lines=()):
        self._program = unpacked("pimd") / PROGRAM
        self.world = world
        self.namespace = namespace
        self.dir = world.dir / f"pimd-{namespace.name}"
        self._run = self.dir / "run"
        (self._run / "pimd").mkdir(parents=True)
        self.config = self.dir / "pimd.conf"
        self.config.write_text("\n".join([
            *[f"phyint {device} enable {words}".strip() for device, words in devices.items()],
            *lines, ""]))
        self.process = None

    def start(self):
        pid = self._run / "pimd.pid"
        pid.unlink(missing_ok=True)
        script = (f"mount --bind {self._run} /run && "
                  f"exec {self._program} -N -c {self.config} -dpim_bsr")
        self.process = self.world.start(
            self.namespace, shutil.which("unshare"), "--mount", "--propagation", "private", "sh",
            "-c", script, log=f"pimd-{self.namespace.name}")
        wait_until(lambda: pid.exists() or not self.process.alive(), 10, "pimd runs")
        if not self.process.alive():
            raise LabError(f"pimd ended at once: {self.process.tail()}")

    def kill(self):
        """As a crash would end it."""
        self.process.popen.kill()
        self.process.popen.wait()

    def dump(self):
        """Interfaces and routes, as of now."""
        path = self._run / "pimd" / "pimd.dump"
        path.unlink(missing_ok=True)
        self.process.send(signal.SIGUSR1)

        def whole():
            text = path.read_text(errors="replace") if path.exists() else ""
            return text if END_OF_DUMP in text else ""

        return wait_until(whole, 10, f"pimd of {self.namespace.name} shows itself")

    def shared_trees(self):
        """group -> RP of every (*,G) entry."""
        return dict(SHARED_TREE.findall(self.dump()))

    def _last_rp_set(self):
        text = Path(self.process.log).read_text(errors="replace")
        found = list(BSR.finditer(text))
        if not found:
            return "", None
        return text[text.rfind(RP_SET, 0, found[-1].start()):found[-1].start()], found[-1].group(1)

    def rp_set(self):
        """(RP, range) of what was learned. Further ranges of an RP stand in rows without it."""
        found, rp = set(), None
        for named, groups, _priority in RP_ROW.findall(self._last_rp_set()[0]):
            rp = named or rp
            found.add((rp, _whole(groups)))
        return {row for row in found if row[0] != SSM_ROW}

    def bsr(self):
        return self._last_rp_set()[1]

    def neighbors(self):
        """Addresses of its PIM neighbours."""
        table = self.dump().split("\n\n", 1)[0].splitlines()[3:]
        return {row.split()[-1] for row in table if " PIM " in row or row.startswith(" " * 20)}
