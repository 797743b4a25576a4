"""Keys and certificates change every 10 s under load: the channel goes on, nothing is lost.

First by certificates (issued anew for A, for B, for both, and the CA itself), then by pair keys
(add, promote, retire). 30 s of each in the quick form, 5 minutes of each with --all.
"""

import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from lib.config import FAST, overlay
from lib.node import ALARM_RBS
from lib.report import Report
from lib.scenario import scene
from lib.world import poll

STORM = Path(__file__).resolve().parent / "lib" / "storm.py"
GROUPS, UPDATES = 20_000, 2_000
EVERY_S = 10
NAMES = {"a": "DeviceA", "b": "DeviceB"}
ALARM_RENEWAL, ALARM_POLICY = "HA-NODE-0045", "HA-NODE-0046"
BAD = {ALARM_RBS, ALARM_RENEWAL, ALARM_POLICY}


class Authority:
    """The pair's CA, in a folder of its own as it should be."""

    def __init__(self, stage):
        self.stage = stage
        self.number = 0
        self.old = None
        self.renew()

    def run(self, *words):
        subprocess.run([self.stage.pair.a.bin / "hotpair", "pair", *words, "--tls-dir", self.dir],
                       check=True, capture_output=True)

    def renew(self):
        """Another CA; the one before stays in the bundle."""
        self.old = (self.dir / "ca.pem").read_text() if self.number else None
        self.number += 1
        self.dir = self.stage.world.dir / f"ca-{self.number}"
        self.run("ca", "init", "--name", f"lab CA {self.number}")

    def bundle(self, with_old):
        text = (self.dir / "ca.pem").read_text()
        return text + self.old if with_old and self.old else text

    def trust(self, node, with_old=False):
        node.tls_dir.mkdir(exist_ok=True)
        (node.tls_dir / "ca.pem").write_text(self.bundle(with_old))

    def issue(self, node):
        name = NAMES[node.name]
        self.run("certificate", name)
        for suffix in ("pem", "key"):
            shutil.copy2(self.dir / f"{name}.{suffix}", node.tls_dir / f"{name}.{suffix}")


def use_certificates(stage, authority):
    for node, peer in zip(stage.pair.nodes, reversed(stage.pair.nodes)):
        authority.trust(node)
        authority.issue(node)
        own = NAMES[node.name]
        node.config.write_text(overlay(
            node.config.read_text(),
            ("ssl policy lab",
             f"certificate load pem-cert {own}.pem key-pair ecdsa key-file {own}.key",
             "trusted-ca load pem-ca ca.pem", f"peer-identity hotpair:node:{NAMES[peer.name]}"),
            ("remote-backup-service service1", "ssl-policy lab")))


def certificate_steps(stage, authority):
    """What changes, one step a turn; each leaves a pair that can connect afresh."""
    a, b = stage.pair.nodes

    def issue(*nodes):
        for node in nodes:
            authority.issue(node)
        return nodes

    def new_ca():
        authority.renew()
        for node in (a, b):
            authority.trust(node, with_old=True)
        return a, b

    def old_ca_goes():
        for node in (a, b):
            authority.trust(node)
        return a, b

    while True:
        yield "new certificate of A", lambda: issue(a)
        yield "new certificate of B", lambda: issue(b)
        yield "a new CA beside the old one", new_ca
        yield "both certificates from the new CA", lambda: issue(a, b)
        yield "the old CA goes", old_ca_goes


def key_steps(stage):
    a, b = stage.pair.nodes

    def rotate(step):
        subprocess.run([a.bin / "hotpair", "pair", "rotate", step, "--pair-key", a.pair_key],
                       check=True, capture_output=True)
        shutil.copy2(a.pair_key, b.pair_key)
        return a, b

    while True:
        for step in ("--add", "--promote", "--retire"):
            yield f"pair rotate {step}", lambda step=step: rotate(step)


class Watch:
    """Looks all the time for what must not happen: an alarm of the channel, a change of role."""

    def __init__(self, stage):
        self.stage = stage
        self.term = stage.pair.a.term()
        self.seen = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        a, b = self.stage.pair.nodes
        while not self.done.wait(0.2):
            for node in (a, b):
                self.seen += [f"{node.name}: {alarm['id']} {alarm['text']}"
                              for alarm in node.alarms() if alarm["id"] in BAD]
                if node.rbs()["tcp_state"] != "connected":
                    self.seen.append(f"{node.name}: {node.rbs()['tcp_state']}")
            if a.role() != "master" or b.role() != "backup" or a.term() != self.term:
                self.seen.append(f"A {a.role()}, B {b.role()}, term {self.term} -> {a.term()}")

    def stop(self):
        self.done.set()
        self.thread.join()
        return self.seen


def counts(stage):
    shown = [node.rbs()["statistics"] for node in stage.pair.nodes]
    return {key: [each[key] for each in shown] for key in ("connects", "disconnects", "renewals")}


def rotate_under_load(report, stage, name, steps, seconds):
    """One step every EVERY_S seconds; the nodes of a step reload, the last one named first."""
    stage.up()
    stage.flow()
    storm = stage.world.start(stage.topology.hosts["h2"], "/usr/bin/python3", STORM, "--groups",
                              GROUPS, "--updates", UPDATES, "--range", 4000, "--seconds",
                              seconds + 60)
    poll(lambda: stage.pair.a.groups("ipv4") >= GROUPS, 30)
    before = counts(stage)
    watch = Watch(stage)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        next_at = time.monotonic() + EVERY_S
        what, change = next(steps)
        renewals = counts(stage)["renewals"]
        nodes = change()
        for node in reversed(nodes) if number % 2 else nodes:
            node.shell("reload")
        number += 1
        if what != "pair rotate --add" and what != "pair rotate --retire":
            renewed = poll(lambda: min(now - then for now, then in
                                       zip(counts(stage)["renewals"], renewals)) > 0, 5)
            report.check(f"{name}, {number}: {what}: a new connection", renewed)
        time.sleep(max(0.0, next_at - time.monotonic()))
    seen = watch.stop()
    after = counts(stage)
    storm.finish(signal.SIGTERM)
    row = stage.since_flow(report, stage.stop())
    report.add_run(name, row, rotations=number, renewals=after["renewals"])
    report.check(f"{name}: the channel never went down",
                 all(after[key] == before[key] for key in ("connects", "disconnects")),
                 f"{before} -> {after}")
    report.check(f"{name}: no alarm, no takeover in between", not seen, seen[:5])
    report.check(f"{name}: the streams lost nothing", row["lost"] == 0, row["lost"])
    equal = stage.pair.digests_equal(timeout=60)
    report.check(f"{name}: digests are equal in the end", equal,
                 f"A {stage.pair.a.entries()}, B {stage.pair.b.entries()}")


def main(args):
    seconds = 300 if args.all else 30
    report = Report("tls-rotation", {"hello": "20 ms x 5", "memberships": GROUPS,
                                     "updates per second": UPDATES,
                                     "rotation": f"every {EVERY_S} s"})
    with scene(args, "ipv4", FAST) as stage:
        authority = Authority(stage)
        use_certificates(stage, authority)
        rotate_under_load(report, stage, "certificates", certificate_steps(stage, authority),
                          seconds)
        shown = [node.rbs()["ssl_state"] for node in stage.pair.nodes]
        report.check("the channel is authenticated by certificates",
                     shown == ["authenticated"] * 2, shown)
    with scene(args, "ipv4", FAST) as stage:
        rotate_under_load(report, stage, "pair keys", key_steps(stage), seconds)
        used = {node.rbs()["pair_key_id"] for node in stage.pair.nodes}
        report.check("both nodes use the newest key",
                     used == {stage.pair.a.pair_secret()[0]}, sorted(map(str, used)))
    return report.finish(args.json)
