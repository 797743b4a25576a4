"""One PIM router, hotpair or FRR, between an upstream neighbour and many downstream ones, which are
simulated: what PIM costs at scale.

    peers --4 links-- router --ge0-1-1-- up (towards RP and source)

Every group is wanted by one downstream neighbour, as (*,G) and as (S,G): two trees and two routes
of the kernel each. Both kinds of router get the same packets, no faster than they read them.
"""

import ipaddress
import os
import time
from pathlib import Path

from .frr import ALL_GROUPS, Frr
from .node import Node
from .pim_peers import (RPT, SPARSE, WILDCARD, PimLink, backlog, encoded_source, group_set, hello,
                        join_prunes, number, read_all)
from .topology import QUIET
from .world import LabError, now_ns, poll, wait_until

RP, SOURCE = "10.255.0.2", "10.3.0.10"
UP, UPSTREAM, OWN_UP = "ge0-1-1", "10.1.1.1", "10.1.1.2"
DOWN_LINKS = 4
FIRST_GROUP = ipaddress.IPv4Address("239.100.0.0")
BACKLOG_BYTES = 100_000  # below what a socket of 208 KiB, the kernel's usual limit, holds
STAR, OWN_TREE = SPARSE | WILDCARD | RPT, SPARSE
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
KINDS = ("hotpair", "frr")


def down_device(link):
    return f"ge0-1-{link + 1}"


def down_address(link, host=1):
    return f"10.2.{link}.{host}"


def usage(pids):
    """Processor seconds used and resident bytes, of all these processes together."""
    seconds = resident = 0
    for pid in pids:
        seconds += time.clock_gettime(~pid << 3 | 2)  # its CPU clock, as clock_getcpuclockid() says
        resident += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    return seconds, resident


def read_ups(routers, timeout):
    """Waits that long for what any of the routers says upstream, and takes it in."""
    read_all([router.up for router in routers], timeout)


class ScaleRouter:
    """The router under test with its links and simulated neighbours."""

    port_names = {}

    def __init__(self, world, args, kind, groups, neighbours, name="", period=60):
        self.world = world
        self.kind = kind
        self.period = period  # of Joins towards upstream, seconds
        self.groups = [FIRST_GROUP + index for index in range(groups)]
        self.namespace = world.namespace(f"dut{name}")
        self.nodes = {f"dut{name}": self.namespace}
        self.up_space = world.namespace(f"up{name}")
        self.down_space = world.namespace(f"down{name}")
        for namespace in (self.namespace, self.up_space, self.down_space):
            namespace.sysctl(**QUIET)
        self._wire()
        self.generation = 1000
        per_link = neighbours // DOWN_LINKS
        self.neighbours = [(link, down_address(link, 10 + index))
                           for link in range(1, DOWN_LINKS + 1) for index in range(per_link)]
        self.up = PimLink(self.up_space, UP, [UPSTREAM])
        self.down = {link: PimLink(self.down_space, down_device(link),
                                   [own for at, own in self.neighbours if at == link])
                     for link in range(1, DOWN_LINKS + 1)}
        for each in (self.up, *self.down.values()):
            world.on_close(each.close)
        self.joins, self.prunes = self._messages(True), self._messages(False)
        self._start = self._prepare(args, kind)

    def _wire(self):
        space = self.namespace
        space.ip(f"link add {UP} type veth peer name {UP} netns {self.up_space.full_name}",
                 *[f"link add {down_device(link)} type veth peer name {down_device(link)} "
                   f"netns {self.down_space.full_name}" for link in range(1, DOWN_LINKS + 1)])
        space.ip(f"addr add {OWN_UP}/24 dev {UP}", f"link set {UP} up",
                 *[line for link in range(1, DOWN_LINKS + 1) for line in (
                     f"addr add {down_address(link)}/24 dev {down_device(link)}",
                     f"link set {down_device(link)} up")],
                 "addr add 10.255.0.9/32 dev lo",
                 f"route add {RP}/32 via {UPSTREAM}", f"route add 10.3.0.0/24 via {UPSTREAM}")
        self.up_space.ip(f"addr add {UPSTREAM}/24 dev {UP}", f"link set {UP} up")
        self.down_space.ip(*[line for link in range(1, DOWN_LINKS + 1) for line in (
            f"addr add {down_address(link, 2)}/24 dev {down_device(link)}",
            f"link set {down_device(link)} up")])

    def _prepare(self, args, kind):
        devices = [UP, *map(down_device, range(1, DOWN_LINKS + 1))]
        if kind == "frr":
            lines = ["frr defaults traditional", "hostname dut", f"ip pim rp {RP} {ALL_GROUPS}",
                     f"ip pim join-prune-interval {self.period}",
                     "ip pim packets 255"]  # read in one turn; default 3
            for device in (*devices, "lo"):
                lines += ["!", f"interface {device}", " ip pim"]
            self.frr = Frr(self.world, self.namespace, "\n".join([*lines, "!", ""]), ("pimd",))
            return self.frr.start
        lines = ["sysname dut", "#", "multicast routing-enable", "#"]
        for link, device in enumerate(devices):
            address = down_address(link) if link else OWN_UP
            lines += [f"interface GigabitEthernet0/1/{device[-1]}", f" ip address {address} 24",
                      " pim sm", "#"]
        lines += ["pim", f" static-rp {RP}", f" timer join-prune {self.period}", "#",
                  "return", ""]
        self.node = Node(self, self.namespace.name, args.bin, "\n".join(lines))
        return self._start_node

    def _start_node(self):
        self.node.start()
        self.node.wait("ready", 30)

    def _messages(self, join):
        """Per neighbour its packets: it wants an even share of the groups."""
        messages = []
        star, own_tree = encoded_source(RP, STAR), encoded_source(SOURCE, OWN_TREE)
        for index, (link, own) in enumerate(self.neighbours):
            share = self.groups[index::len(self.neighbours)]
            sets = [group_set(group, *(((star, own_tree), ()) if join else ((), (star, own_tree))))
                    for group in share]
            messages += [(link, packet)
                         for packet in join_prunes(own, down_address(link), sets)]
        return messages

    # ---- life ----

    def start(self):
        """Returns when the router has said Hello everywhere and knows every neighbour."""
        self._start()
        links = (self.up, *self.down.values())

        def heard():
            read_all(links, 0.05)
            return all(link.heard.hellos for link in links)

        wait_until(heard, 40, f"Hello of {self.kind} on every link")
        self.say_hello()
        wanted = len(self.neighbours) + 1
        wait_until(lambda: self.neighbour_count() == wanted, 20,
                   f"{self.kind} knows {wanted} neighbours", step=0.2)

    def neighbour_count(self):
        if self.kind == "frr":
            return sum(map(len, self.frr.neighbors().values()))
        return len(self.node.display("pim", "neighbor")["neighbors"])

    def say_hello(self):
        for index, (link, own) in enumerate(self.neighbours):
            self.down[link].send(hello(own, 1 + index))
        self.up.send(hello(UPSTREAM, self.generation))

    def pids(self):
        return self.namespace.pids()

    def main_pid(self):
        return self.frr.pid("pimd") if self.kind == "frr" else self.node.daemon.pid

    # ---- load ----

    @property
    def trees(self):
        return {(number(group), number(root), flags) for group in self.groups
                for root, flags in ((RP, STAR), (SOURCE, OWN_TREE))}

    def play(self, messages, rounds=1):
        """Sends as fast as the router reads. Returns when it has read all, and raises LabError if
        it lost any."""
        pid = self.main_pid()
        before = backlog(pid)[1]
        for _ in range(rounds):
            for index, (link, packet) in enumerate(messages):
                if index % 16 == 0:
                    self._until_below(pid, BACKLOG_BYTES)
                self.down[link].send(packet)
        self._until_below(pid, 1)
        lost = backlog(pid)[1] - before
        if lost:
            raise LabError(f"{self.kind} lost {lost} packets in its sockets")

    @staticmethod
    def _until_below(pid, bytes_max):
        while backlog(pid)[0] >= bytes_max:
            time.sleep(0.0005)

    def told(self, trees, what, timeout=60):
        """Nanoseconds until the upstream neighbour has been told of all these; counting from now.
        `what`: joined or pruned."""
        begin = now_ns()

        def complete():
            read_all((self.up,), 0.02)
            return trees <= getattr(self.up.heard, what)

        if not poll(complete, timeout, 0):
            missing = trees - getattr(self.up.heard, what)
            raise LabError(f"{self.kind}: {len(missing)} of {len(trees)} trees were not {what} "
                           f"upstream in {timeout} s: {sorted(missing)[:2]}")
        return self.up.heard.last_ns - begin

    def restart_upstream(self):
        """The upstream neighbour says Hello with a new generation id: it has lost everything."""
        self.generation += 1
        self.up.send(hello(UPSTREAM, self.generation))

    def settle(self, seconds):
        """Time passes; what the router says is taken in."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            read_all((self.up,), min(left, 0.2))

    def quiet(self, timeout=30):
        """Until the router's processes use next to nothing over a second."""
        def resting():
            before = usage(self.pids())[0]
            self.settle(1)
            return usage(self.pids())[0] - before < 0.03
        return poll(resting, timeout, 0)

    def kernel_routes(self):
        """Resolved entries of the router's kernel that forward to some link."""
        return sum("Oifs:" in line for line in
                   self.namespace.run("ip", "mroute", "show", timeout=60).splitlines())
