"""The pair of seeds 003 and 004 behind an access switch: one LACP bond with a member to each node.

    src --- d (smcroute) --- a ---\\
             \\-------------- b --- c (Open vSwitch, bond0) --- lan (bridge) --- h1 h2 h3
                        a --- b

`Eth-Trunk1` is hotpair's own aggregate: A's member is 0/1/2, B's 0/1/3, as in the seeds. Timed labs
lay over the seeds' files: hello timers, LACP timeout, two paths that are bound to their interfaces
(the direct link, and by D) and one LACP system id, since the seeds' own differ and the partner then
keeps the system that it attached first.
"""

import contextlib
import re
import time
from datetime import datetime

from .config import DEVICE, VENDOR, both_families, overlay, seed_text, timers
from .faults import Fault, Link
from .ovs import OpenVswitch
from .scenario import Scene, attempt, scene
from .topology import ROUTERS, SharedLan
from .world import LabError, now_ns, poll, wait_until

BOND = "bond0"
MEMBERS = {"a": "ge0-1-2", "b": "ge0-1-3"}
PARTNER_PORT = {"a": "c-a", "b": "c-b"}
SYSTEM_ID = "00e0-fc12-3455"

X3_20 = {"hello_ms": 20, "multiplier": 3, "revert_s": 120, "grace_s": 10}
X3_50 = {**X3_20, "hello_ms": 50}
TIMERS = {"20 ms x 3": X3_20, "50 ms x 3": X3_50}
BFD_20 = {**VENDOR, "bfd_ms": 20, "bfd_multiplier": 3}
BFD_50 = {**VENDOR, "bfd_ms": 50, "bfd_multiplier": 3}
BFD_TIMERS = {"BFD 20 ms x 3": BFD_20, "BFD 50 ms x 3": BFD_50}  # beside the vendor's hellos

PATHS = {  # source and peer: over the direct link, and over D
    "ipv4": {"a": (("10.0.13.1", "10.0.13.3"), ("10.0.12.1", "10.0.23.3")),
             "b": (("10.0.13.3", "10.0.13.1"), ("10.0.23.3", "10.0.12.1"))},
    "ipv6": {"a": (("2001:DB8:10::1", "2001:DB8:10::2"), ("2001:DB8:20::1", "2001:DB8:30::1")),
             "b": (("2001:DB8:10::2", "2001:DB8:10::1"), ("2001:DB8:30::1", "2001:DB8:20::1"))},
}

# The E-Trunk's own path, between loopbacks, and the interface of the direct one.
OWN_PATH = {"ipv4": {"a": ("1.1.1.1", "3.3.3.3"), "b": ("3.3.3.3", "1.1.1.1")},
            "ipv6": {"a": ("2001:DB8:11::11", "2001:DB8:33::33"),
                     "b": ("2001:DB8:33::33", "2001:DB8:11::11")}}
DIRECT = "interface GigabitEthernet0/1/1"


def bfd_sections(family, node, values):
    """One authenticated session a path: with a path that has none, hellos keep their own pace."""
    ip = "ip" if family == "ipv4" else "ipv6"
    ends = {"direct": PATHS[family][node][0], "round": PATHS[family][node][1],
            "own": OWN_PATH[family][node]}
    sections = [("bfd",)]
    for name, (ours, theirs) in ends.items():
        place = f" {DIRECT}" if name == "direct" else ""
        sections.append((f"bfd {name} bind peer-{ip} {theirs}{place} source-{ip} {ours}",
                         f"min-tx-interval {values['bfd_ms']}",
                         f"min-rx-interval {values['bfd_ms']}",
                         f"detect-multiplier {values['bfd_multiplier']}",
                         "authentication-mode met-sha1 key-id 1 plain lab"))
    return sections


def etrunk_configs(family, values, lacp="fast", one_system=True, etrunk_lines=None, sections=(),
                   node_sections=None):
    """Both nodes' files. Without `values` (timers) the seed's own text, word for word.

    `etrunk_lines`: node -> more lines of the E-Trunk's view; `sections`: more of both files,
    `node_sections`: node -> more of its own. Family "both": IPv4 with the IPv6 of the other seed on
    top, paths over IPv4.
    """
    base = "ipv6" if family == "ipv6" else "ipv4"
    result = {}
    for node in DEVICE:
        text = seed_text(base, node)
        if family == "both":
            text = overlay(text, *both_families(node))
        if values:
            paths = [f"path source {ours} peer {theirs}" for ours, theirs in PATHS[base][node]]
            mine = [] if etrunk_lines is None else etrunk_lines.get(node, [])
            if "bfd_ms" in values:
                text = overlay(text, *bfd_sections(base, node, values))
                names = ("direct", "round")
                paths = [f"{path} bfd-session {name}" for path, name in zip(paths, names)]
                mine = ["e-trunk track bfd-session session-name own", *mine]
            system = [(f"lacp e-trunk system-id {SYSTEM_ID}",)] if one_system else []
            text = overlay(text, (*timers(values), *paths, *mine), *system,
                           ("interface Eth-Trunk1", f"lacp timeout {lacp}"), *sections,
                           *(node_sections or {}).get(node, ()))
        result[node] = text
    return result


class AccessSwitch(SharedLan):
    """The nodes' access links end at C instead of the LAN; the hosts' LAN is one port of C."""

    port_names = {}

    def __init__(self, world, fast):
        self._fast = fast
        self.switch = None
        super().__init__(world)

    def _stations(self):
        self.access = self.world.namespace("c")
        hosts = {name: (namespace, "eth0") for name, namespace in self.hosts.items()}
        return {"lan": (self.access, "c-lan"), **hosts}

    def _wire_lan(self):
        super()._wire_lan()
        self.access.sysctl(ipv6__conf__default__disable_ipv6=1, ipv6__conf__all__disable_ipv6=1)
        for number, (name, member) in enumerate(MEMBERS.items()):
            port = PARTNER_PORT[name]
            self.nodes[name].ip(f"link add {member} index {70 + number} type veth peer name {port} "
                                f"netns {self.access.full_name}")
            self.access.ip(f"link set {port} up")
        self.access.ip("link set c-lan up")
        self.switch = self._make_switch()

    def _make_switch(self):
        switch = OpenVswitch(self.world, self.access)
        switch.add_bond(BOND, PARTNER_PORT.values(), self._fast)
        switch.vsctl("add-port", "br0", "c-lan")
        switch.widen()
        return switch

    def _wire_uplinks(self):
        super()._wire_uplinks()
        # The switch takes frames as they are: checksums must be in them when they leave the source.
        for namespace in (self.source, *self.hosts.values()):
            namespace.run("ethtool", "-K", "eth0", "tx", "off")

    def devices(self, name):
        return [MEMBERS[name], *ROUTERS[name].ports]

    def scrub(self, name):
        super().scrub(name)
        self.nodes[name].ip("link del Eth-Trunk1", check=False)

    def access_link(self, name):
        """The switch's end of a node's member: taking it down takes the node's carrier."""
        return Link(self.access, PARTNER_PORT[name])


class CabledSwitch(AccessSwitch):
    """Each link between routers is a cable that can be pulled: a bridge in between, so that both
    ends lose carrier and neither is set down, which would take the operator's routes away."""

    def _wire_uplinks(self):
        self.wire = self.world.namespace("wire")
        self.wire.sysctl(ipv6__conf__default__disable_ipv6=1, ipv6__conf__all__disable_ipv6=1)
        self._cables = {}
        super()._wire_uplinks()

    def _join(self, near, near_device, far, far_device):
        number = len(self._cables)
        bridge = f"br{number}"
        self.wire.ip(f"link add {bridge} type bridge mcast_snooping 0 stp_state 0",
                     f"link set {bridge} up")
        ends = {f"w{number}-{each.name}": (each, device)
                for each, device in ((near, near_device), (far, far_device))}
        for place, (end, (namespace, device)) in enumerate(ends.items()):
            # Other indexes at the two ends: see SharedLan.
            namespace.ip(f"link add {device} index {80 + 2 * number + place} type veth "
                         f"peer name {end} netns {self.wire.full_name}")
            self.wire.ip(f"link set {end} master {bridge} up")
        self._cables[frozenset((near.name, far.name))] = list(ends)

    def pull(self, one, other):
        """Pulls the cable between two routers; returns when that began (ns)."""
        return Fault(links=self._ends(one, other)).fire()

    def plug(self, one, other):
        begin = now_ns()
        for link in self._ends(one, other):
            link.set_up(True)
        return begin

    def _ends(self, one, other):
        return [Link(self.wire, end) for end in self._cables[frozenset((one, other))]]


class EtrunkScene(Scene):
    """As Scene, behind C. `lacp` is what both ends ask for; more keywords as etrunk_configs()."""

    def __init__(self, world, args, family, timers_, extra=(), *, lacp="fast",
                 topology=AccessSwitch, **config):
        self._lacp = lacp
        self._topology = topology
        self._config = config
        super().__init__(world, args, family, timers_, extra)
        self.switch = self.topology.switch

    def make_topology(self):
        return self._topology(self.world, self._lacp == "fast")

    def make_configs(self, extra):
        return etrunk_configs(self.family, self.timers, self._lacp, sections=extra, **self._config)

    def timeout_ms(self):
        """Until the peer is given up: by BFD where there is one."""
        if "bfd_ms" in self.timers:
            return self.timers["bfd_ms"] * self.timers["bfd_multiplier"]
        return super().timeout_ms()

    def up(self, converge=True):
        super().up()
        if "bfd_ms" in self.timers:
            wait_until(lambda: all(each["state"] == "Up" for node in self.pair.nodes
                                   for each in node.display("bfd", "session")["sessions"]),
                       20, "every BFD session is up")
        if converge:
            self.converged("a")

    def used(self):
        """Nodes whose member the switch sends on."""
        return [name for name, port in PARTNER_PORT.items() if port in self.switch.uses(BOND)]

    def trunk(self, name):
        return getattr(self.pair, name).display("eth-trunk", "1")["eth_trunks"][0]

    def distributes(self, name):
        return self.trunk(name)["distributing"] != 0

    def converged_on(self, names, timeout=40):
        """Returns when the switch uses the links to these nodes, and they say so too."""
        wait_until(lambda: self.used() == list(names)
                   and all(self.distributes(name) for name in names), timeout,
                   f"the switch uses the links to {names}: {self.told()}", step=0.05)

    def converged(self, name, timeout=40):
        """Seconds until node and switch use the link to this node and no other."""
        begin = time.monotonic()
        wait_until(lambda: self.used() == [name] and self.distributes(name), timeout,
                   f"the switch uses the link to {name} alone: {self.switch.lacp(BOND)}", step=0.05)
        return time.monotonic() - begin

    def told(self):
        """What both ends say of the bond, for a report."""
        theirs = {port: " ".join(one["status"]) + (" enabled" if one["may_enable"] else "")
                  for port, one in self.switch.lacp(BOND).items()}
        ours = {}
        for node in self.pair.nodes:
            if node.daemon:
                ours[node.name] = [f"{port['mux']} {port['actor']['state']}"
                                   for port in self.trunk(node.name)["ports"]]
        return f"{ours} {theirs}"

    def breakdown(self, name, fired, measured):
        """Where the time of an unplanned takeover by node `name` went, in ms.

        `detect`: from the fault until the hello timeout of the last hello heard; `decide`: until
        the keeper had decided; `gate`: until gate and trunk word were stored; `partner`: until
        the last lost packet was sent, since what the node forwards now is dropped by the switch
        alone. `switch_enabled` is what the switch's own log says, from the fault on.
        """
        node = getattr(self.pair, name)
        story = node.takeovers()[0]
        at = {phase["name"]: phase["at_us"] / 1000 for phase in story["phases"]}
        wall_offset = time.time() - now_ns() / 1e9
        began = datetime.fromisoformat(story["began"].replace("Z", "+00:00")).timestamp()
        began += 0.0005  # shown in whole milliseconds, rounded down
        told_ms = (began - wall_offset) * 1000 - fired / 1e6  # after the fault
        heard_ms = told_ms - at["daemon told"]
        decided, opened = heard_ms + at["detected, decided"], heard_ms + at["gate open"]
        by_timeout = story["cause"] == "all paths down"
        detected = min(decided, heard_ms + self.timeout_ms()) if by_timeout else decided
        lost = [at for one in measured if (at := one.last_lost_ns(fired)) is not None]
        enabled = self.switch.enabled_at(PARTNER_PORT[name], began - 5)
        result = {"cause": story["cause"], "detect": detected, "decide": decided - detected,
                  "gate": opened - decided}
        if lost:
            result["partner"] = max(0.0, max(lost) / 1e6 - fired / 1e6 - opened)
        if enabled:
            result["switch_enabled"] = (enabled - wall_offset) * 1000 - fired / 1e6
        return {key: round(value, 1) if isinstance(value, float) else value
                for key, value in result.items()}


def etrunk_attempt(args, family, values, **more):
    """One run that is set aside when the machine stood still; see scenario.attempt()."""
    return attempt(args, family, values, kind=_kind(more))


def etrunk_scene(args, family, values, **more):
    return scene(args, family, values, kind=_kind(more))


def _kind(more):
    return lambda *what: EtrunkScene(*what, **more)


def alternate(number):
    """Seed 003 and seed 004 in turn."""
    return ("ipv4", "ipv6")[number % 2]
