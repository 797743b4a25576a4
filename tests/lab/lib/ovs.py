"""Open vSwitch as the LACP partner: userspace datapath, own database and control sockets."""

import ctypes
import os
import re
import socket
import subprocess
from datetime import datetime
from pathlib import Path

from .world import LIBC, LabError, answers, wait_until

REALTIME = 30  # it stands for a switch's hardware: above the streams, below the keepers
RECEIVE_BYTES = 8 << 20  # of each port; the default holds 200 frames, a burst of the labs is 600
SO_RCVBUFFORCE = 33
SYS_PIDFD_GETFD = 438
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OpenVswitch:
    """One switch in a namespace; nothing of it is shared with another one on this machine."""

    def __init__(self, world, namespace):
        self.world, self.namespace = world, namespace
        self.dir = world.dir / f"ovs-{namespace.name}"
        self.dir.mkdir()
        self.db = f"unix:{self.dir}/db.sock"
        self.control = self.dir / "switch.ctl"
        self.switch = None
        self._run("ovsdb-tool", "create", str(self.dir / "conf.db"), SCHEMA)
        world.start(namespace, "ovsdb-server", f"--remote=p{self.db}",
                    f"--unixctl={self.dir}/db.ctl", self.dir / "conf.db",
                    log=f"ovsdb-{namespace.name}")
        wait_until(lambda: answers(self.dir / "db.sock"), 5, "the switch's database")
        self.vsctl("--no-wait", "init")
        self.start()
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                   "fail-mode=standalone")

    @staticmethod
    def _run(*argv):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
        if done.returncode != 0:
            raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        """Starts the switch; its configuration is in the database."""
        self.control.unlink(missing_ok=True)
        self.switch = self.world.start(
            self.namespace, "chrt", "-f", str(REALTIME), "ovs-vswitchd", "--disable-system",
            f"--unixctl={self.control}", f"--log-file={self.dir}/switch.log", "-vconsole:off",
            self.db, log=f"ovs-{self.namespace.name}")
        wait_until(lambda: answers(self.control), 10, "the switch's control socket")

    def widen(self):
        """Gives its ports' packet sockets room for a burst, as a switch's hardware has."""
        process = os.pidfd_open(self.switch.pid)
        for entry in Path(f"/proc/{self.switch.pid}/fd").iterdir():
            try:
                if not os.readlink(entry).startswith("socket:"):
                    continue
            except FileNotFoundError:
                continue
            copy = LIBC.syscall(SYS_PIDFD_GETFD, process, int(entry.name), 0)
            if copy < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=copy) as one:
                if one.family == socket.AF_PACKET:
                    one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
        os.close(process)

    def kill(self):
        """The switch ends without a word; its database stays."""
        self.switch.popen.kill()
        self.switch.popen.wait()

    def vsctl(self, *words):
        return self._run("ovs-vsctl", f"--db={self.db}", "--timeout=10", *map(str, words))

    def add_bond(self, name, ports, fast=False):
        timing = "fast" if fast else "slow"
        self.vsctl("add-bond", "br0", name, *ports, "bond_mode=balance-slb", "lacp=active", "--",
                   "set", "port", name, f"other_config:lacp-time={timing}")

    def lacp(self, bond):
        """Member -> {status words, may_enable, actor and partner state words}."""
        done = subprocess.run(["ovs-appctl", "-t", str(self.control), "lacp/show", bond],
                              capture_output=True, text=True, timeout=10)
        members = {}
        name = None
        for line in done.stdout.splitlines():
            if found := re.match(r"(?:member|slave): (\S+): (.*)", line):
                name = found.group(1)
                members[name] = {"status": found.group(2).split(), "may_enable": False,
                                 "actor": [], "partner": []}
            elif found := re.match(r"\s+may_enable: (\w+)", line):
                members[name]["may_enable"] = found.group(1) == "true"
            elif found := re.match(r"\s+(actor|partner) state: ?(.*)", line):
                members[name][found.group(1)] = found.group(2).split()
        return members

    def uses(self, bond):
        """The members that it sends on."""
        return sorted(name for name, one in self.lacp(bond).items()
                      if one["may_enable"] and "current" in one["status"]
                      and "attached" in one["status"])

    def steer(self, bond, mac, member):
        """What comes from this address to the bond leaves by this member, until it goes."""
        appctl = ("ovs-appctl", "-t", str(self.control))
        place = self._run(*appctl, "bond/hash", mac).strip()
        self._run(*appctl, "bond/migrate", bond, place, member)

    def log(self):
        return (self.dir / "switch.log").read_text(errors="replace")

    def enabled_at(self, member, begin):
        """When it first used a member after `begin`, by its own log; wall time in seconds."""
        for line in self.log().splitlines():
            found = re.match(r"(\S+)Z\|.*member " + re.escape(member) + ": enabled", line)
            if found:
                at = datetime.fromisoformat(found.group(1) + "+00:00").timestamp()
                if at >= begin:
                    return at
        return None
