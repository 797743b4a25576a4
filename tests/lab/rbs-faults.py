"""Faults and attacks on the backup channel: each gives its state, reason and counter, and heals.

Cable cut, half-open TCP, wrong key, no key, impostor with a certificate, garbage from an
authenticated peer, slow peer, full disk, a main thread that hangs while its keeper lives. With
--all memory, files and descriptors stay flat within 5 % over 5 minutes.
"""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from lib.config import FAST
from lib.node import ALARM_RBS, ALARM_STORE, REASON
from lib.report import Report
from lib.scenario import scene
from lib.world import poll, wait_until

PORT = 1025
STORM = Path(__file__).resolve().parent / "lib" / "storm.py"
DETECT_S = 20
HEAL_S = 40


def drop_rules(hooks, *rules):
    """A table that drops at B; one statement a line, as nft wants it."""
    lines = ["table inet cut {"]
    for hook in hooks:
        lines += [f"chain at_{hook} {{", f"type filter hook {hook} priority 0; policy accept;",
                  *rules, "}"]
    return "\n".join([*lines, "}", ""])


def nft(stage, text):
    path = stage.world.dir / "cut.nft"
    path.write_text(text)
    stage.pair.b.namespace.run("nft", "-f", str(path))


def heal_nft(stage):
    stage.pair.b.namespace.run("nft", "delete", "table", "inet", "cut")


class Watch:
    """What must hold around every fault: A stays master in its term; the channel comes back."""

    def __init__(self, report, stage, name):
        self.report, self.stage, self.name = report, stage, name
        self.a, self.b = stage.pair.nodes
        self.term = self.a.term()
        self.refused = self.a.refused()[0] + self.b.refused()[0]

    def down(self, node, reason, counted=False):
        """The channel is down at `node`, says why, and counted it if it was refused."""
        went = poll(lambda: node.rbs()["tcp_state"] != "connected"
                    and re.search(REASON[reason], str(node.rbs()["last_error"]), re.I), DETECT_S)
        shown = node.rbs()
        self.report.check(f"{self.name}: state and reason", went,
                          f"{shown['tcp_state']}: {shown['last_error']}")
        alarm = poll(lambda: any(alarm["id"] == ALARM_RBS for alarm in node.alarms()), 5)
        self.report.check(f"{self.name}: alarm {ALARM_RBS}", alarm)
        if counted:
            now, names = node.refused()
            self.report.check(f"{self.name}: counted", now > 0, names)

    def healed(self):
        back = poll(lambda: self.a.rbs()["tcp_state"] == "connected"
                    and self.b.rbs()["tcp_state"] == "connected", HEAL_S)
        equal = back and self.stage.pair.digests_equal(HEAL_S)
        self.report.check(f"{self.name}: healed", equal)
        self.report.check(f"{self.name}: no switchover",
                          self.a.role() == "master" and self.a.term() == self.term,
                          f"A {self.a.role()}, term {self.term} -> {self.a.term()}")


def cable_cut(watch, stage):
    """Every way of the channel is cut, hellos (UDP) still pass."""
    rules = (f"tcp dport {PORT} drop", f"tcp sport {PORT} drop")
    nft(stage, drop_rules(("input", "output"), *rules))
    watch.down(stage.pair.a, "silent")
    heal_nft(stage)


def half_open(watch, stage):
    """B hears A and its answers are lost: the worst kind of half a connection."""
    nft(stage, drop_rules(("output",), f"tcp sport {PORT} drop"))
    watch.down(stage.pair.a, "silent")
    heal_nft(stage)


def with_daemon_of_b(stage, change, undo):
    """B's daemon restarts with something changed, then again as it was. Its keeper lives on."""
    b = stage.pair.b
    b.daemon.finish(signal.SIGTERM)
    change()
    b.start()
    b.wait("ready", 15)

    def back():
        b.daemon.finish(signal.SIGTERM)
        undo()
        b.start()
        b.wait("ready", 15)

    return back


def wrong_key(watch, stage):
    b = stage.pair.b
    good = b.pair_key.read_bytes()
    other = b.dir / "other.key"

    def change():
        subprocess.run([b.bin / "hotpair", "pair", "init", "--pair-key", other], check=True,
                       capture_output=True)
        b.pair_key.write_bytes(other.read_bytes())

    back = with_daemon_of_b(stage, change, lambda: b.pair_key.write_bytes(good))
    watch.down(stage.pair.a, "wrong key")
    watch.down(b, "foreign key")
    back()


def no_key(watch, stage):
    b = stage.pair.b
    good = b.pair_key.read_bytes()

    def undo():
        b.pair_key.write_bytes(good)
        b.pair_key.chmod(0o600)

    back = with_daemon_of_b(stage, b.pair_key.unlink, undo)
    watch.down(b, "no key")
    back()


def listen_as_b(stage, arguments, feed):
    """B's daemon is away and openssl listens in its place, where A dials."""
    b = stage.pair.b
    b.daemon.finish(signal.SIGTERM)
    server = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{b.namespace.full_name}", "openssl", "s_server", "-accept",
         f"3.3.3.3:{PORT}", "-tls1_3", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    stage.world.on_close(server.kill)
    if feed:
        os.write(server.stdin.fileno(), feed)
    return server


def b_comes_back(stage, server):
    server.kill()
    server.wait()
    stage.pair.b.start()
    stage.pair.b.wait("ready", 15)


def impostor(watch, stage):
    key, certificate = stage.world.dir / "impostor.key", stage.world.dir / "impostor.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", "/CN=DeviceB", "-days", "1"], check=True, capture_output=True)
    server = listen_as_b(stage, ["-key", str(key), "-cert", str(certificate)], b"")
    watch.down(stage.pair.a, "impostor")
    b_comes_back(stage, server)


def babble(fd, done):
    """Nonsense on every connection that comes, until told to stop."""
    while not done.wait(0.05):
        try:
            os.write(fd, os.urandom(4096))
        except BrokenPipeError:
            return


def garbage(watch, stage):
    """Who holds the key and talks nonsense."""
    identity, secret = stage.pair.a.pair_secret()
    server = listen_as_b(stage, ["-nocert", "-psk", secret, "-psk_identity", identity, "-quiet",
                                 "-ciphersuites", "TLS_AES_128_GCM_SHA256"], b"")
    wait_until(lambda: stage.pair.a.rbs()["tcp_state"] != "connected", DETECT_S, "A noticed")
    done = threading.Event()
    talker = threading.Thread(target=babble, args=(server.stdin.fileno(), done))
    talker.start()
    try:
        watch.down(stage.pair.a, "garbage", counted=True)
    finally:
        done.set()
        talker.join()
    b_comes_back(stage, server)


def churn(stage, groups, seconds):
    return stage.world.start(stage.topology.hosts["h2"], "/usr/bin/python3", STORM, "--groups",
                             groups, "--updates", 2000, "--range", 4000, "--seconds", seconds)


def slow_peer(watch, stage):
    """B's daemon is stopped, its keeper lives, A has much to tell."""
    a, b = stage.pair.nodes
    os.kill(b.daemon.pid, signal.SIGSTOP)
    storm = churn(stage, 5000, 6)
    lag = poll(lambda: any(row["lag_records"] for row in a.databases()["databases"]), 10)
    watch.report.check(f"{watch.name}: the lag is shown", lag)
    storm.popen.wait(30)
    os.kill(b.daemon.pid, signal.SIGCONT)


def full_disk(watch, stage):
    """B's state directory is a small disk that fills up."""
    b = stage.pair.b
    filler = b.state_dir / "filler"
    with open(filler, "wb", buffering=0) as out:  # a buffer would fail again when it is closed
        try:
            while True:
                out.write(b"\0" * 65536)
        except OSError:
            pass
    storm = churn(stage, 20000, 4)
    alarm = poll(lambda: any(alarm["id"] == ALARM_STORE for alarm in b.alarms()), DETECT_S)
    watch.report.check(f"{watch.name}: alarm {ALARM_STORE}", alarm)
    watch.report.check(f"{watch.name}: nobody died",
                       b.daemon.alive() and stage.pair.a.daemon.alive())
    storm.popen.wait(30)
    filler.unlink()
    cleared = poll(lambda: all(alarm["id"] != ALARM_STORE for alarm in b.alarms()), HEAL_S)
    watch.report.check(f"{watch.name}: the alarm is gone again", cleared)


def hanging_main(watch, stage):
    """A's main thread hangs for 4 s, its keeper lives: restart-grace covers it."""
    a, b = stage.pair.nodes
    os.kill(a.daemon.pid, signal.SIGSTOP)
    time.sleep(4)
    watch.report.check(f"{watch.name}: B stays backup", b.role() == "backup" and not b.gate_open())
    os.kill(a.daemon.pid, signal.SIGCONT)


FAULTS = {"cable cut": cable_cut, "half-open TCP": half_open, "wrong key": wrong_key,
          "no key": no_key, "impostor": impostor, "garbage": garbage, "slow peer": slow_peer,
          "full disk": full_disk, "hanging main thread": hanging_main}


def mount_small_disk(stage):
    """32 MiB for B's state: the store's map is sparse and fits."""
    disk = stage.world.dir / "disk-b"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", f"lab{stage.world.run}", disk],
                   check=True)
    stage.world.on_close(lambda: subprocess.run(["umount", "-l", disk], check=True))
    stage.pair.b.state_dir = disk


def flat(report, stage, seconds):
    """After all of that: nothing grows over time."""
    before = {node.name: node.usage() for node in stage.pair.nodes}
    storm = churn(stage, 5000, seconds)
    time.sleep(seconds)
    storm.popen.wait(30)
    for node in stage.pair.nodes:
        after = node.usage()
        grown = {name: round(100 * (after[name] / max(1, value) - 1), 1)
                 for name, value in before[node.name].items()}
        report.check(f"{node.name}: flat within 5 % over {seconds} s",
                     all(percent <= 5 for percent in grown.values()), grown)


def main(args):
    report = Report("rbs-faults", {"hello": "20 ms x 5", "restart-grace": "10 s"})
    with scene(args, "ipv4", FAST) as stage:
        mount_small_disk(stage)
        stage.up()
        stage.flow()
        for name, fault in FAULTS.items():
            watch = Watch(report, stage, name)
            fault(watch, stage)
            watch.healed()
        row = stage.since_flow(report, stage.stop())
        report.add_run("all faults", row)
        report.check("the streams lost nothing through all faults", row["lost"] == 0, row["lost"])
        if args.all:
            churn(stage, 5000, 60).popen.wait(90)  # warm: pools have their size
            flat(report, stage, 300)
    return report.finish(args.json)
