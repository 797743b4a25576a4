"""Real streams to real receivers, by hotpair-probe, and what they lost."""

import ipaddress
import json
import signal

from .world import LabError, now_ns, wait_until

PORT = 5000


def expand(text):
    """239.1.1.1+3 -> three addresses."""
    first, _, count = text.partition("+")
    base = ipaddress.ip_address(first)
    return [base + i for i in range(int(count or 1))]


class Plan:
    """Which host joins which groups, how, and who sends what. 200 slow groups and one fast one."""

    def __init__(self, family, source, slow_rate=50, fast_rate=1000):
        v4 = family == "ipv4"
        self.family = family
        self.source = source
        self.slow_rate = slow_rate
        self.fast_rate = fast_rate
        self.old = "239.1.1.1+67" if v4 else "ff1e::1:1+67"        # IGMPv2, MLDv1
        self.any = "239.1.2.1+67" if v4 else "ff1e::2:1+67"        # IGMPv3, MLDv2, any source
        self.listed = "232.1.1.1+66" if v4 else "ff3e::3:1+66"     # with source lists
        self.fast = "239.1.9.1" if v4 else "ff1e::9:1"
        other = "10.0.5.99" if v4 else "2001:db8:40::99"
        self.joins = [("h1", self.old, None), ("h2", f"{self.any},{self.fast}", None),
                      ("h3", self.listed, f"{source},{other}")]

    @property
    def slow(self):
        return f"{self.old},{self.any},{self.listed}"

    def groups(self):
        return [g for part in (self.slow + "," + self.fast).split(",") for g in expand(part)]


class Streams:
    """One family's senders at `src` and receivers at the hosts."""

    def __init__(self, world, topology, probe, family, label=""):
        self.plan = topology.plan(family, topology.source_address(family))
        self._world = world
        self._topology = topology
        self._probe = probe
        self._round = 0
        self._label = label  # where several stand beside each other
        self._receivers = []
        self._senders = []

    def _file(self, name):
        family = self.plan.family
        return self._world.dir / f"probe-{self._label}{family}-{self._round}-{name}.json"

    def join(self, timeout=10):
        """Hosts join; returns when every receiver has joined all its groups."""
        self._round += 1
        self._receivers = []
        ready = []
        for host, groups, sources in self.plan.joins:
            ready.append(self._file(f"{host}-ready"))
            argv = [self._probe, "receive", "--group", groups, "--interface", "eth0", "--port",
                    PORT, "--quiet", "--json", self._file(host), "--ready-file", ready[-1]]
            if sources:
                argv += ["--source-list", sources]
            self._receivers.append((self._file(host), self._world.start(
                self._topology.hosts[host], *argv)))
        for path, (_, process) in zip(ready, self._receivers):
            wait_until(lambda p=path, r=process: p.exists() or not r.alive(), timeout,
                       "receivers joined")
            if not process.alive():
                raise LabError(f"a receiver ended at once: {process.tail()}")

    def send(self):
        """Senders start and go on until stop()."""
        self._senders = []
        for name, groups, rate in (("slow", self.plan.slow, self.plan.slow_rate),
                                   ("fast", self.plan.fast, self.plan.fast_rate)):
            argv = [self._probe, "send", "--group", groups, "--interface", "eth0", "--port", PORT,
                    "--rate", rate, "--source", self.plan.source, "--quiet",
                    "--json", self._file(name)]
            process = self._world.start(self._topology.source, *argv)
            self._senders.append((self._file(name), process))

    def stop(self):
        """Ends senders, then receivers; returns the Measurement."""
        sent = [self._collect(path, process) for path, process in self._senders]
        received = [self._collect(path, process) for path, process in self._receivers]
        self._senders, self._receivers = [], []
        return Measurement(self.plan.family, sent, received)

    @staticmethod
    def _collect(path, process):
        if process.finish(signal.SIGINT) != 0:
            raise LabError(f"probe failed: {process.tail()}")
        return json.loads(path.read_text())


class Guest:
    """One more receiver at a host, and if wanted a sender for its groups, beside the plan."""

    def __init__(self, stage, family, host, groups, sources=None):
        self.family = family
        self.groups = expand(groups)
        self._stage, self._host, self._text, self._sources = stage, host, groups, sources
        self._receiver = self._sender = None
        self._file = stage.world.dir / f"guest-{family}-{host}-{self.groups[0]}"

    def _report(self, what):
        return self._file.with_name(f"{self._file.name}-{what}.json")

    def join(self, timeout=10):
        ready = self._report("ready")
        ready.unlink(missing_ok=True)
        argv = [self._stage.args.probe, "receive", "--group", self._text, "--interface", "eth0",
                "--port", PORT, "--quiet", "--json", self._report("received"),
                "--ready-file", ready]
        if self._sources:
            argv += ["--source-list", self._sources]
        self._receiver = self._stage.world.start(self._stage.topology.hosts[self._host], *argv)
        wait_until(lambda: ready.exists() or not self._receiver.alive(), timeout, "a guest joined")
        if not self._receiver.alive():
            raise LabError(f"a receiver ended at once: {self._receiver.tail()}")

    def send(self, rate=50):
        source = self._stage.topology.source_address(self.family)
        self._sender = self._stage.world.start(
            self._stage.topology.source, self._stage.args.probe, "send", "--group", self._text,
            "--interface", "eth0", "--port", PORT, "--rate", rate, "--source", source, "--quiet",
            "--json", self._report("sent"))

    def leave(self):
        """Ends the sender, then the membership; returns the Measurement."""
        sent = []
        if self._sender:
            sent.append(Streams._collect(self._report("sent"), self._sender))
        received = Streams._collect(self._report("received"), self._receiver)
        return Measurement(self.family, sent, [received])


class Measurement:
    """The reports of one set of streams, and questions to them."""

    def __init__(self, family, sent, received):
        self.family = family
        self.sent = sent
        self.received = received
        self._rows = [row for report in received for row in report["groups"]]
        fastest = min((report["interval_ms"] for report in sent), default=0.0)
        runs = {report["run"]: report["interval_ms"] for report in sent}
        self._intervals = {id(row): runs.get(row["run"], fastest) for row in self._rows}
        counts = {(report["run"], group["group"]): (group["sent"], report["ended_ns"])
                  for report in sent for group in report["groups"]}
        for row in self._rows:
            if not row["ended"] and (row["run"], row["group"]) in counts:
                self._add_tail(row, *counts[row["run"], row["group"]])

    @staticmethod
    def _add_tail(row, sent, ended_ns):
        """No end was heard: what was lost at the end follows from the sender's own count."""
        tail = sent - row["next_sequence"]
        row["ended"] = True
        if tail > 0:
            row["lost"] += tail
            row["expected"] += tail
            begin = row["highest_sent_ns"]
            row["losses"].append({
                "first": row["next_sequence"], "packets": tail, "begin_ns": begin,
                "end_ns": ended_ns, "gap_ms": (ended_ns - begin) / 1e6, "open": True})

    def rows(self, fast=None):
        """All flows, or only the fast one (True), or only the slow ones (False)."""
        limit = 5.0
        return [row for row in self._rows
                if fast is None or (self._intervals[id(row)] < limit) == fast]

    def last_lost_ns(self, begin):
        """When the last packet was sent of those losses that ended and touch the time from `begin`
        on; None without any."""
        return max((loss["end_ns"] - int(self._intervals[id(row)] * 1e6) for row in self._rows
                    for loss in row["losses"] if loss["end_ns"] > begin and not loss["open"]),
                   default=None)

    def pauses(self, begin, end):
        """Pauses of senders and receivers that touch the window, in ms."""
        return [round(pause["ms"], 1) for report in self.sent + self.received
                for pause in report["pauses"]
                if pause["begin_ns"] < end and pause["begin_ns"] + pause["ms"] * 1e6 > begin]

    @staticmethod
    def _doubled_later(row, end):
        """Duplicates without a time: the probe keeps those of the first ones. They may have come
        before `end`, so they did."""
        times = row["duplicate_times_ns"]
        rest = row["duplicates"] - len(times)
        return rest if rest and times[-1] < end else 0

    @staticmethod
    def _lost_earlier(row, begin):
        """Packets lost without a time: the probe keeps the newest losses."""
        rest = row["lost"] - sum(loss["packets"] for loss in row["losses"])
        return rest if rest > 0 and row["losses"][0]["begin_ns"] > begin else 0

    def window(self, begin=0, end=None, fast=None):
        """One row of a lab's table for what happened between two times (ns)."""
        whole = begin == 0 and end is None
        end = now_ns() if end is None else end
        rows = self.rows(fast)
        heard = [row for row in rows if row["expected"]]
        losses = [(row, loss) for row in heard for loss in row["losses"]
                  if loss["begin_ns"] < end and loss["end_ns"] > begin]
        gaps = [gap["ms"] for row in heard for gap in row["gaps"] + [row["longest_gap"]]
                if gap and gap["begin_ns"] < end and gap["begin_ns"] + gap["ms"] * 1e6 > begin]
        doubled = [[at for at in row["duplicate_times_ns"] if begin <= at < end] for row in heard]
        counts = [row["duplicates"] if whole else len(times) + self._doubled_later(row, end)
                  for row, times in zip(heard, doubled)]
        times = [at for each in doubled for at in each]
        nominal = max((self._intervals[id(row)] for row in heard), default=0.0)
        plain = max([nominal, *gaps])  # shorter gaps than two intervals are not on record
        return {
            "family": self.family, "streams": len(heard), "silent": len(rows) - len(heard),
            "sent": sum(row["expected"] for row in heard),
            "lost": (sum(row["lost"] for row in heard) if whole
                     else sum(loss["packets"] for _, loss in losses)
                     + sum(self._lost_earlier(row, begin) for row in heard)),
            "longest_gap_ms": max((loss["gap_ms"] for _, loss in losses), default=plain),
            "plain_gap_ms": plain,
            "longest_loss_packets": max((loss["packets"] for _, loss in losses), default=0),
            "stopped": sum(loss["open"] for _, loss in losses),
            "duplicates": sum(counts), "duplicates_max": max(counts, default=0),
            "duplicate_span_ms": (max(times) - min(times)) / 1e6 if times else 0.0,
            "reordered": sum(row["reordered"] for row in heard),
            "socket_dropped": sum(report["socket_dropped"] for report in self.received),
            "paused": self.pauses(begin, end)}


def merge(rows):
    """One row for several families of the same event."""
    rows = list(rows)
    if len(rows) == 1:
        return rows[0]
    merged = {"family": "both"}
    for name in rows[0]:
        if name in ("family", "paused"):
            continue
        worst = name in ("longest_gap_ms", "plain_gap_ms", "longest_loss_packets", "duplicates_max",
                         "duplicate_span_ms")
        merged[name] = (max if worst else sum)(row[name] for row in rows)
    merged["paused"] = [pause for row in rows for pause in row["paused"]]
    return merged
