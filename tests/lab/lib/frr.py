"""FRR on a router of a lab: its daemons in the router's namespace, with files of this run.

The configuration is one text for all daemons, as in /etc/frr/frr.conf, read in by vtysh; so blocks
that a daemon does not know cannot end its parsing. What is asked comes from `show … json`.
"""

import json
import subprocess
from pathlib import Path

from .pim6d import pim6d
from .world import LabError, answers, wait_until

PROGRAMS = Path("/usr/lib/frr")
START_S = 20  # on a busy machine
ALL_GROUPS = "224.0.0.0/4"
ALL_GROUPS_6 = "ff00::/8"
# A designated router is elected after one dead interval: 40 s by default.
OSPF_FAST = ("ip ospf hello-interval 1", "ip ospf dead-interval 4")


class Frr:
    """FRR in a namespace. `daemons` besides zebra, in the order of their start; pim6d among them
    makes questions about PIM those of IPv6."""

    def __init__(self, world, namespace, config, daemons=("ospfd", "pimd")):
        self._programs = {name: pim6d() if name == "pim6d" else PROGRAMS / name
                          for name in ("zebra", *daemons)}
        for name, path in self._programs.items():
            if not path.exists():
                raise LabError(f"FRR's {name} is not installed: run scripts/setup")
        self._ip = "ipv6" if "pim6d" in daemons else "ip"
        self.world = world
        self.namespace = namespace
        self.dir = world.dir / f"frr-{namespace.name}"
        self.dir.mkdir()
        self.dir.chmod(0o777)  # the daemons run as FRR's own user
        self.config = self.dir / "frr.conf"
        self.config.write_text(config)
        (self.dir / "empty.conf").write_text("")
        (self.dir / "vtysh.conf").write_text("")
        self._names = ("zebra", *daemons)
        self._starts = 0
        self.processes = {}

    # ---- life ----

    def start(self):
        """Returns when every daemon answers and has its configuration."""
        self._starts += 1
        for name in self._names:
            self.start_daemon(name)
        self.load()
        return self

    def start_daemon(self, name):
        """Starts one daemon without configuration, and waits for its socket."""
        socket = self.dir / f"{name}.vty"
        socket.unlink(missing_ok=True)
        more = ["--bfdctl", self.dir / "bfdd.sock"] if name == "bfdd" else []
        process = self.world.start(
            self.namespace, self._programs[name], "-z", self.dir / "zapi", "--vty_socket", self.dir,
            "-i", self.dir / f"{name}.pid", "-f", self.dir / "empty.conf", "-A", "127.0.0.1",
            "-P", "0", "--log", "stdout", *more,
            log=f"frr-{self.namespace.name}-{name}-{self._starts}")
        self.processes[name] = process
        wait_until(lambda: answers(socket) or not process.alive(), START_S, f"socket of {name}")
        if not process.alive():
            raise LabError(f"{name} ended with {process.popen.returncode}:\n{process.tail()}")

    def load(self):
        """Reads the configuration into all daemons, as FRR's own start script does."""
        self._run("--config_dir", self.dir, "-b")

    def restart_daemon(self, name):
        """One daemon comes back after kill(), with the configuration of all."""
        self._starts += 1
        self.start_daemon(name)
        self.load()

    def kill(self, *names):
        """Ends daemons as a crash would; without names all of them."""
        for name in names or self._names:
            process = self.processes.pop(name)
            process.popen.kill()
            process.popen.wait()

    def pid(self, name):
        return self.processes[name].pid

    def tails(self):
        """The last lines of every daemon's log, for an error message."""
        return "\n".join(f"--- {name} of {self.namespace.name}\n{process.tail(8)}"
                         for name, process in self.processes.items())

    # ---- vtysh ----

    def _run(self, *words):
        argv = ["vtysh", "--vty_socket", str(self.dir), *map(str, words)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        if done.returncode != 0 or "% Unknown command" in done.stdout + done.stderr:
            raise LabError(f"vtysh {' '.join(map(str, words))} in {self.namespace.name}: "
                           f"{(done.stdout + done.stderr).strip()}")
        return done.stdout

    def vtysh(self, *commands):
        """Runs commands one after the other; returns what they print."""
        return self._run(*[word for command in commands for word in ("-c", command)])

    def configure(self, *lines):
        return self.vtysh("configure terminal", *lines)

    def show(self, what):
        """`show WHAT json`, parsed; an empty answer is an empty dict."""
        text = self.vtysh(f"show {what} json").strip()
        return json.loads(text) if text else {}

    # ---- PIM ----

    def neighbors(self):
        """Addresses of PIM neighbours by device."""
        shown = self.show(f"{self._ip} pim neighbor")
        return {device: sorted(rows) for device, rows in shown.items()
                if rows and isinstance(rows, dict)}

    def neighbor(self, device, address):
        """What FRR knows of one neighbour (holdtime, DR priority, GenID); None without it."""
        shown = self.vtysh(f"show {self._ip} pim neighbor {address} json").strip()
        return (json.loads(shown) if shown else {}).get(device, {}).get(address)

    def interfaces(self):
        return self.show(f"{self._ip} pim interface")

    def designated_router(self, device):
        return self.interfaces().get(device, {}).get("pimDesignatedRouter")

    def mroutes(self):
        """(source, group) -> FRR's row; source `*` for shared trees."""
        return {(source, group): row for group, sources in self.show(f"{self._ip} mroute").items()
                for source, row in sources.items()}

    def outgoing(self, source, group):
        """Devices that an entry forwards to; empty without the entry."""
        row = self.mroutes().get((source, group), {})
        return sorted(device for device in row.get("oil", {}) if device != "pimreg")

    def upstreams(self):
        """(source, group) -> row of `show ip pim upstream`."""
        shown = self.show(f"{self._ip} pim upstream")
        return {(source, group): row for group, sources in shown.items()
                for source, row in sources.items()}

    def joins(self):
        """(device, source, group) -> row of the joins in force that neighbours sent. FRR keeps the
        row of a pruned one, as NOINFO."""
        found = {}
        for device, rows in self.show(f"{self._ip} pim join").items():
            for group, sources in rows.items():
                if isinstance(sources, dict):
                    found.update({(device, source, group): row
                                  for source, row in sources.items()
                                  if row.get("channelJoinName") == "JOIN"})
        return found

    def rp_info(self):
        """RP address -> list of its ranges."""
        return self.show(f"{self._ip} pim rp-info")

    # ---- unicast ----

    def ospf_neighbors(self):
        """Router ids of neighbours that are Full."""
        shown = self.show("ip ospf neighbor").get("neighbors", {})
        return sorted(router for router, rows in shown.items()
                      if any(row.get("state", row.get("nbrState", "")).startswith("Full")
                             for row in rows))

    def isis_neighbors(self):
        """Devices with an IS-IS neighbour that is up."""
        return sorted({circuit["interface"]["name"] if isinstance(circuit["interface"], dict)
                       else circuit["interface"]
                       for area in self.show("isis neighbor").get("areas", [])
                       for circuit in area.get("circuits", []) if circuit.get("adj")})


def pim_config(hostname, devices, rp=None, igmp=(), ospf=(), router_id=None, silent=(), lines=None,
               register_source=None, family="ipv4"):
    """An frr.conf: PIM on `devices` (IGMP or MLD on those of `igmp`), OSPF on the networks of
    `ospf`.

    `rp`: static RP of every group; `silent`: devices that OSPF does not speak on; `lines`: device
    -> more lines of its block.
    """
    lines = lines or {}
    six = family == "ipv6"
    pim, member = ("ipv6 pim", "ipv6 mld") if six else ("ip pim", "ip igmp")
    text = ["frr defaults traditional", f"hostname {hostname}"]
    if rp:
        text.append(f"{pim} rp {rp} {ALL_GROUPS_6 if six else ALL_GROUPS}")
    for device in devices:
        text += ["!", f"interface {device}", f" {pim}"]
        # The response time first: FRR refuses an interval that is not above it.
        text += [f" {member} query-max-response-time {1000 if six else 10}",
                 f" {member} query-interval 5", f" {member}"] * (device in igmp)
        if ospf and device != "lo" and device not in silent:
            text += [f" {line}" for line in OSPF_FAST]
        text += [f" {line}" for line in lines.get(device, ())]
        if register_source and device == devices[0]:
            text.append(f" {pim} use-source {register_source}")
    if ospf:
        text += ["!", "router ospf"] + [f" ospf router-id {router_id}"] * bool(router_id)
        text += [f" network {network} area 0.0.0.0" for network in ospf]
        text += [f" passive-interface {device}" for device in silent]
    return "\n".join([*text, "!", ""])
