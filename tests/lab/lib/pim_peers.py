"""Simulated PIM neighbours: as many as wanted on one link, by raw sockets of this process.

They say Hello, send Join/Prune messages that were encoded beforehand, and take in what the router
under test says (RFC 7761 4.9). IPv4 only.
"""

import ipaddress
import select
import socket
import struct
import time
from pathlib import Path

PIM = 103
ALL_PIM_ROUTERS = "224.0.0.13"
HELLO, JOIN_PRUNE = 0, 3
HOLDTIME_S = 210
SPARSE, WILDCARD, RPT = 4, 2, 1
RECEIVE_BYTES = 32 << 20
SO_RCVBUFFORCE = 33


def packed(address):
    return socket.inet_aton(str(address))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pim_message(kind, body):
    head = struct.pack("!BBH", 0x20 | kind, 0, 0)
    return struct.pack("!BBH", 0x20 | kind, 0, checksum(head + body)) + body


def ip_packet(source, message):
    """With its IPv4 header, to ALL-PIM-ROUTERS, TTL 1."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0xc0, 20 + len(message), 0, 0, 1, PIM, 0,
                       packed(source), packed(ALL_PIM_ROUTERS))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + message


def hello(source, generation, holdtime=HOLDTIME_S, priority=0):
    options = struct.pack("!HHH", 1, 2, holdtime)
    options += struct.pack("!HHHH", 2, 4, 500, 2500)  # LAN Prune Delay, milliseconds
    options += struct.pack("!HHI", 19, 4, priority)
    options += struct.pack("!HHI", 20, 4, generation)
    return ip_packet(source, pim_message(HELLO, options))


def encoded_source(address, flags=SPARSE):
    return struct.pack("!BBBB", 1, 0, flags, 32) + packed(address)


def group_set(group, joined, pruned=()):
    return (struct.pack("!BBBB4sHH", 1, 0, 0, 32, packed(group), len(joined), len(pruned))
            + b"".join((*joined, *pruned)))


def join_prunes(source, upstream, sets, holdtime=HOLDTIME_S, mtu=1500):
    """Group sets in as few packets as the MTU allows."""
    packets, body, count = [], b"", 0
    room = mtu - 20 - 4 - 10

    def close():
        head = struct.pack("!BB4sBBH", 1, 0, packed(upstream), 0, count, holdtime)
        packets.append(ip_packet(source, pim_message(JOIN_PRUNE, head + body)))

    for one in sets:
        if count and (len(body) + len(one) > room or count == 255):
            close()
            body, count = b"", 0
        body += one
        count += 1
    if count:
        close()
    return packets


def read_join_prune(message):
    """Keys joined and keys pruned: (group, source, flags) as integers; of a PIM message."""
    joined, pruned = [], []
    groups = message[11]
    at = 14
    for _ in range(groups):
        group, joins, prunes = struct.unpack_from("!4xIHH", message, at)
        at += 12
        for number in range(joins + prunes):
            flags, source = struct.unpack_from("!2xBxI", message, at)
            (joined if number < joins else pruned).append((group, source, flags))
            at += 8
    return joined, pruned


def number(address):
    return int(ipaddress.IPv4Address(address))


class Heard:
    """What the router under test sent on a link since the last clear()."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.packets = self.pruning = self.bytes = self.hellos = 0  # pruning: packets with Prunes
        self.joined, self.pruned = set(), set()
        self.joins = self.prunes = 0
        self.last_ns = 0

    def take(self, packet, at_ns):
        message = packet[(packet[0] & 15) * 4:]
        kind = message[0] & 15
        if kind == HELLO:
            self.hellos += 1
        if kind != JOIN_PRUNE:
            return
        self.packets += 1
        self.bytes += len(packet)
        joined, pruned = read_join_prune(message)
        self.joins += len(joined)
        self.prunes += len(pruned)
        self.pruning += bool(pruned)
        self.joined.update(joined)
        self.pruned.update(pruned)
        self.last_ns = at_ns


class PimLink:
    """The far end of a link of the router under test: raw socket in, raw socket out."""

    def __init__(self, namespace, device, own):
        """`own`: addresses of the simulated neighbours; what they send is not taken in."""
        self.own = {packed(address) for address in own}
        self.heard = Heard()
        with namespace:
            self._in = socket.socket(socket.AF_INET, socket.SOCK_RAW, PIM)
            self._out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            index = socket.if_nametoindex(device)
        for one in (self._in, self._out):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            one.setblocking(False)
        self._in.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
        everybody = struct.pack("=4s4si", packed(ALL_PIM_ROUTERS), bytes(4), index)
        self._in.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, everybody)
        self._out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        self._out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                             struct.pack("=4s4si", bytes(4), bytes(4), index))

    def fileno(self):
        return self._in.fileno()

    def send(self, packet):
        while True:
            try:
                return self._out.sendto(packet, (ALL_PIM_ROUTERS, 0))
            except BlockingIOError:
                select.select([], [self._out], [])

    def read(self, limit=256):
        """Takes in what has come; how many packets."""
        for count in range(limit):
            try:
                packet = self._in.recv(65535)
            except BlockingIOError:
                return count
            if packet[12:16] not in self.own:
                self.heard.take(packet, time.monotonic_ns())
        return limit

    def close(self):
        self._in.close()
        self._out.close()


def read_all(links, timeout):
    """Waits that long for packets of any of the links, and takes them in."""
    for link in select.select(links, [], [], timeout)[0]:
        link.read()


def backlog(pid):
    """(bytes waiting, packets dropped) in the PIM sockets of a process's namespace."""
    waiting = dropped = 0
    for row in Path(f"/proc/{pid}/net/raw").read_text().splitlines()[1:]:
        cells = row.split()
        if int(cells[1].split(":")[1], 16) == PIM:
            waiting += int(cells[4].split(":")[1], 16)
            dropped += int(cells[12])
    return waiting, dropped
