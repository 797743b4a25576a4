"""One hotpair node in its namespace. Everything that labs assume of hotpaird and hotpair is here.

Command lines
    hotpaird --config F --ports F --state-dir D --control SOCK --keeper SOCK --pair-key F
             --tls-dir D [--boot-id ID] [--log-level L]
    hotpair pair init --pair-key F
    hotpair pair rotate --add|--promote|--retire --pair-key F
    hotpair pair ca init --tls-dir D; hotpair pair certificate NODE --tls-dir D
    hotpair --control SOCK reload
    hotpair --control SOCK wait ready|synced|master --timeout S    (whole seconds)
    hotpair --control SOCK switchover | leave
    hotpair --control SOCK --json display ...
    hotpair render frr CONFIG [--ports F] [--strict]
    hotpair-keeper is started by hotpaird and lives on; its pid is in `display keeper`.

Fields read from --json (nothing else is)
    display keeper                           connected, status.pid, status.scopes[].{scope,role,
                                             gate_open,term.counter}
    display remote-backup-service            remote_backup_services[].{tcp_state,last_error,
                                             ssl_state,pair_key_id,statistics.{refused{},
                                             connects,disconnects,renewals}}
    display igmp interface, mld interface    interfaces[].{interface,groups}
    display igmp group G, mld group G        total
    display multicast forwarding-table       routes[].{group,incoming,installed,negative,
                                             outgoing[].{interface,gate_open}}
    display multicast redundancy databases   scopes[].{scope,sync_state,databases[].
                                             {name,entries,digest,lag_records}}
    display switchover history               switchovers[].{number,planned,cause,detection,from,
                                             to,began,result,phases[].{name,at_us}}, newest first
    display alarm active                     alarms[].{id,text}
    display floating-address                 interfaces[].{interface,owner,announcements}

The pair key file has lines `key 64-HEX-DIGITS ...`; the TLS identity of a key is the first 8 bytes
of SHA-256("hotpair pair key id" and the secret) as hex digits.
"""

import hashlib
import json
import math
import re
import signal
import subprocess
from pathlib import Path

from .faults import signal_all
from .world import LabError, poll, wait_until

SCOPE = 10  # the seeds' backup-id
IN_SYNC = "in sync"  # sync_state of a scope whose peer holds everything
DIGEST_EQUAL = "equal"
ALARM_RBS, ALARM_STORE = "HA-NODE-0003", "HA-NODE-0006"
ALARM_SILENT, ALARM_RANK, ALARM_PATH = "HA-NODE-0002", "HA-NODE-0021", "HA-NODE-0024"
EVENT_DIVERGED = "HA-NODE-0050"
REASON = {  # patterns for `last_error` of the RBS, ignoring case
    "silent": r"silent|not answer|not reachable|lost",
    "wrong key": r"pair key is another one|wrong pair key",
    "no key": r"^no pair key: run hotpair pair init$",
    "impostor": r"showed a certificate instead of the pair key",
    "garbage": r"malformed|oversized|out-of-order",
    "foreign key": r"pair key that is not in this node's file",
}


def render_frr(binaries, config, ports=None):
    """The frr.conf of a configuration file; LabError if a line of it has no counterpart."""
    argv = [Path(binaries) / "hotpair", "render", "frr", config, "--strict"]
    argv += ["--ports", ports] if ports else []
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise LabError(f"render frr {config}: {done.stderr.strip()}")
    return done.stdout


class Node:
    """`boot` counts power cycles; each has a boot id of its own."""

    def __init__(self, topology, name, binaries, config):
        self.name = name
        self.namespace = topology.nodes[name]
        self.topology = topology
        self.world = topology.world
        self.bin = Path(binaries)
        self.dir = self.world.dir / f"node-{name}"
        self.dir.mkdir()
        self.boot = 1
        self.daemon = None
        self.keeper_pid = None
        self.state_dir = self.dir / "state"
        self.state_dir.mkdir()
        self.control = self.dir / "control.sock"
        self.keeper = self.dir / "keeper.sock"
        self.pair_key = self.dir / "pair.key"
        self.tls_dir = self.dir / "tls"
        self.config = self.dir / "hotpair.conf"
        self.ports = self.dir / "ports.conf"
        self.config.write_text(config)
        self.ports.write_text("".join(f"{name} {dev}\n"
                                      for name, dev in topology.port_names.items()))

    # ---- life ----

    def start(self):
        """Starts the daemon, which starts its keeper when none runs."""
        self.daemon = self.world.start(
            self.namespace, self.bin / "hotpaird", "--config", self.config, "--ports", self.ports,
            "--state-dir", self.state_dir, "--control", self.control, "--keeper", self.keeper,
            "--pair-key", self.pair_key, "--tls-dir", self.tls_dir,
            "--boot-id", f"{self.world.run}-{self.name}-{self.boot}",
            log=f"hotpaird-{self.name}")

    def wait(self, state, timeout=20):
        """`hotpair wait ready|synced|master`; the control socket may not be there yet."""
        wait_until(lambda: self.control.exists() or not self.daemon.alive(), timeout,
                   f"control socket of {self.name}")
        self._require_alive()
        answer = self.shell("wait", state, "--timeout", math.ceil(timeout), check=False,
                            timeout=timeout + 5)
        if answer.returncode != 0:
            raise LabError(f"{self.name} is not {state} after {timeout} s: "
                           f"{answer.stderr.strip()}\n{self.daemon.tail()}")

    def keeper_now(self):
        """The pid of the keeper that the daemon is connected to; None without one."""
        shown = self.display("keeper")
        return int(shown["status"]["pid"]) if shown["connected"] and shown["status"] else None

    def remember_keeper(self):
        """Labs that kill want the pid beforehand: afterwards nobody can be asked."""
        self.keeper_pid = self.keeper_now()
        return self.keeper_pid

    def pids(self):
        """Daemon, keeper, and whatever else they may have started."""
        return self.namespace.pids()

    def signal_all(self, number):
        return signal_all(self.pids(), number)

    def power_off_done(self):
        """After a fault that killed it: nothing of it may still run."""
        if self.daemon:
            self.daemon.popen.wait(5)
        wait_until(lambda: not self.namespace.pids(), 5, f"all processes of {self.name} are gone")
        self.daemon = None

    def reboot(self):
        """Power comes back: links, the operator's addresses and routes, another boot id."""
        self.boot += 1
        for path in (self.control, self.keeper):
            path.unlink(missing_ok=True)
        self.topology.scrub(self.name)
        self.topology.power_on(self.name)
        self.start()

    def leave(self, timeout=15):
        """Planned: hands every scope over and ends daemon and keeper."""
        self.shell("leave", timeout=timeout)
        wait_until(lambda: not self.namespace.pids(), timeout, f"{self.name} has left")
        self.daemon = None

    def _require_alive(self):
        if not self.daemon.alive():
            raise LabError(f"hotpaird of {self.name} ended with {self.daemon.popen.returncode}:\n"
                           f"{self.daemon.tail()}")

    # ---- the shell ----

    def shell(self, *words, check=True, json_wanted=False, timeout=20):
        argv = [str(self.bin / "hotpair"), "--control", str(self.control)]
        argv += (["--json"] if json_wanted else []) + [str(word) for word in words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise LabError(f"{self.name}: hotpair {' '.join(map(str, words))}: "
                           f"{(done.stderr or done.stdout).strip()}")
        return done

    def text(self, *words):
        return self.shell("display", *words).stdout

    def display(self, *words):
        return json.loads(self.shell("display", *words, json_wanted=True).stdout)

    # ---- questions ----

    def scope(self):
        """What the keeper holds of the seeds' scope."""
        for scope in self.display("keeper")["status"]["scopes"]:
            if scope["scope"] == SCOPE:
                return scope
        raise LabError(f"keeper of {self.name} knows no scope {SCOPE}")

    def role(self):
        return self.scope()["role"]

    def gate_open(self):
        return bool(self.scope()["gate_open"])

    def term(self):
        return int(self.scope()["term"]["counter"])

    def groups(self, family):
        """Memberships on the trunk, own or mirrored; a count, so that 100 000 cost nothing."""
        shown = self.display("igmp" if family == "ipv4" else "mld", "interface")
        return sum(int(each["groups"]) for each in shown["interfaces"]
                   if each["interface"] == "Eth-Trunk1")

    def holds(self, groups):
        """Which of these groups have a member here, own or mirrored."""
        return {str(group) for group in groups if self.display(
            "igmp" if group.version == 4 else "mld", "group", group)["total"]}

    def routes(self, instance=None):
        of = ["vpn-instance", instance] if instance else []
        return self.display("multicast", *of, "forwarding-table")["routes"]

    def installed_routes(self):
        """Installed routes to the trunk, and how many of them stand behind an open gate."""
        legs = [leg for route in self.routes() if route["installed"] and not route["negative"]
                for leg in route["outgoing"] if leg["interface"] == "Eth-Trunk1"]
        return len(legs), sum(bool(leg["gate_open"]) for leg in legs)

    def databases(self):
        for scope in self.display("multicast", "redundancy", "databases")["scopes"]:
            if scope["scope"] == SCOPE:
                return scope
        raise LabError(f"{self.name} shows no databases of scope {SCOPE}")

    def in_sync(self):
        """Everything is at the peer, and every database with entries has the same digest there."""
        scope = self.databases()
        return scope["sync_state"] == IN_SYNC and all(
            row["digest"] == DIGEST_EQUAL and row["lag_records"] == 0
            for row in scope["databases"] if row["entries"])

    def entries(self):
        rows = self.databases()["databases"]
        return {row["name"]: row["entries"] for row in rows if row["entries"]}

    def switchovers(self):
        return self.display("switchover", "history")["switchovers"]

    def takeovers(self):
        """Stories of becoming master; a master that stays one tells of a healed split."""
        return [story for story in self.switchovers()
                if story["to"] == "master" and story["from"] != "master"]

    def healed(self):
        """Stories of a master that stayed one when a split ended."""
        return [story for story in self.switchovers() if story["from"] == story["to"] == "master"]

    def floating(self):
        """Interface -> row of its floating addresses."""
        rows = self.display("floating-address")["interfaces"]
        return {row["interface"]: row for row in rows}

    def alarms(self):
        return self.display("alarm", "active")["alarms"]

    def alarm_texts(self, number):
        return [alarm["text"] for alarm in self.alarms() if alarm["id"] == number]

    def log_lines(self, number):
        """Lines of the daemon's log with this id."""
        text = Path(self.daemon.log).read_text(errors="replace")
        return [line for line in text.splitlines() if number in line]

    def rbs(self):
        return self.display("remote-backup-service")["remote_backup_services"][0]

    def refused(self):
        """Sum of all counted refusals of the RBS, and the names of those above zero."""
        counts = self.rbs()["statistics"]["refused"]
        return sum(counts.values()), sorted(name for name, count in counts.items() if count)

    def pair_secret(self):
        """(identity, secret in hex) of the first key of the pair key file, for openssl's tools."""
        found = re.search(r"^key ([0-9a-fA-F]{64})\b", self.pair_key.read_text(), re.M)
        if not found:
            raise LabError(f"no 'key' line in {self.pair_key}")
        secret = found.group(1)
        digest = hashlib.sha256(b"hotpair pair key id" + bytes.fromhex(secret)).hexdigest()
        return digest[:16], secret

    def usage(self):
        """RSS (kB), descriptors and bytes of files of the node: what must stay flat."""
        rss = descriptors = 0
        for pid in self.namespace.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                rss += int(line.split()[1]) if line.startswith("VmRSS:") else 0
            descriptors += len(list(Path(f"/proc/{pid}/fd").iterdir()))
        files = [path for path in self.state_dir.rglob("*") if path.is_file()]
        used = sum(path.stat().st_blocks * 512 for path in files)
        return {"rss_kb": rss, "descriptors": descriptors, "file_bytes": used}


class Pair:
    """Two nodes with one pair key."""

    def __init__(self, topology, binaries, configs):
        self.a = Node(topology, "a", binaries, configs["a"])
        self.b = Node(topology, "b", binaries, configs["b"])
        self.nodes = (self.a, self.b)
        self.make_key()

    def make_key(self):
        tool = self.a.bin / "hotpair"
        if not tool.exists():
            raise LabError(f"{tool} is not built")
        subprocess.run([tool, "pair", "init", "--pair-key", self.a.pair_key], check=True,
                       capture_output=True)
        self.b.pair_key.write_bytes(self.a.pair_key.read_bytes())
        self.b.pair_key.chmod(0o600)

    def up(self, timeout=30):
        """Both start; returns when A is master, B its backup, and B holds everything."""
        for node in self.nodes:
            node.start()
        self.settled(timeout)

    def settled(self, timeout=30):
        self.a.wait("master", timeout)
        for node in self.nodes:
            node.wait("synced", timeout)
        wait_until(lambda: self.b.role() == "backup" and not self.b.gate_open(), timeout,
                   "B is backup, its gate closed")
        for node in self.nodes:
            node.remember_keeper()

    def digests_equal(self, timeout=10):
        return poll(lambda: self.a.in_sync() and self.b.in_sync(), timeout)

    def masters(self):
        return [node.name for node in self.nodes if node.daemon and node.role() == "master"]

    def kill_everything(self):
        """Between runs: no node may have anything left over."""
        for node in self.nodes:
            pids = node.namespace.pids()
            if pids:
                signal_all(pids, signal.SIGKILL)
            node.power_off_done()
