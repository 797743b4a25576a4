"""Open vSwitch as the LACP partner: userspace datapath, own database and control sockets."""

import re
import subprocess
from pathlib import Path

from .world import LabError, wait_until

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
        wait_until(lambda: (self.dir / "db.sock").exists(), 5, "the switch's database")
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
            self.namespace, "ovs-vswitchd", "--disable-system", f"--unixctl={self.control}",
            self.db, log=f"ovs-{self.namespace.name}")
        wait_until(self.control.exists, 10, "the switch's control socket")

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

    def log(self):
        return Path(self.switch.log).read_text(errors="replace")
