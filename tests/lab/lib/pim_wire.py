"""PIM messages made by hand, right and wrong, and a station that puts them on a wire."""

import ipaddress
import json
import socket
import struct

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

HELLO, REGISTER, STOP, JOIN_PRUNE, BOOTSTRAP, ASSERT, CANDIDATE = 0, 1, 2, 3, 4, 5, 8
ALL_ROUTERS = {4: "224.0.0.13", 6: "ff02::d"}
PIM = 103
FOREVER = 0xffff


def total(data):
    """The checksum of RFC 1071."""
    data += b"\0" * (len(data) % 2)
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return value ^ 0xffff


def packed(address):
    return ipaddress.ip_address(address).packed


def version(address):
    return ipaddress.ip_address(address).version


def unicast(address):
    return bytes([1 if version(address) == 4 else 2, 0]) + packed(address)


def group(address, length=None, flags=0):
    bits = 8 * len(packed(address))
    return bytes([1 if bits == 32 else 2, 0, flags, bits if length is None else length]) \
        + packed(address)


def source(address, flags=4, length=None):
    """`flags`: S 4, W 2, R 1."""
    bits = 8 * len(packed(address))
    return bytes([1 if bits == 32 else 2, 0, flags, bits if length is None else length]) \
        + packed(address)


def option(kind, value):
    return struct.pack("!HH", kind, len(value)) + value


def hello(holdtime=FOREVER, generation=0x1234567, priority=1, more=b""):
    return option(1, struct.pack("!H", holdtime)) + option(19, struct.pack("!I", priority)) + \
        option(20, struct.pack("!I", generation)) + more


def join_prune(upstream, sets, holdtime=210, groups=None):
    """`sets`: of (group, joined, pruned), all encoded; `groups`: a count that lies."""
    body = unicast(upstream) + struct.pack("!BBH", 0, len(sets) if groups is None else groups,
                                           holdtime)
    for each, joined, pruned in sets:
        body += each + struct.pack("!HH", len(joined), len(pruned)) + b"".join(joined + pruned)
    return body


def bootstrap(bsr, ranges, tag=1, hash_length=30, priority=200):
    """`ranges`: of (encoded group, RPs in all, RPs here, [(address, holdtime, priority)])."""
    body = struct.pack("!HBB", tag, hash_length, priority) + unicast(bsr)
    for each, count, here, rps in ranges:
        body += each + struct.pack("!BBH", count, here, 0)
        for rp, holdtime, rank in rps:
            body += unicast(rp) + struct.pack("!HBB", holdtime, rank, 0)
    return body


def header(kind, body, source_, destination, checksum=None, vers=2):
    """The PIM message; the checksum of a Register covers 8 bytes."""
    message = struct.pack("!BBH", vers << 4 | kind, 0, 0) + body
    covered = min(8, len(message)) if kind == REGISTER else len(message)
    pseudo = b""
    if version(source_) == 6:
        pseudo = packed(source_) + packed(destination) + struct.pack("!II", covered, PIM)
    value = total(pseudo + message[:covered]) if checksum is None else checksum
    return message[:2] + struct.pack("!H", value) + message[4:]


def ip(source_, destination, payload, protocol=PIM, ttl=1):
    """The whole packet with a right IP header."""
    if version(destination) == 6:
        return bytes(IPv6(src=source_, dst=destination, nh=protocol, hlim=ttl) / Raw(payload))
    return bytes(IP(src=source_, dst=destination, proto=protocol, ttl=ttl) / Raw(payload))


def udp(source_, destination, port, payload, ttl=1):
    network = (IPv6(src=source_, dst=destination, hlim=ttl) if version(destination) == 6
               else IP(src=source_, dst=destination, ttl=ttl))
    return bytes(network / UDP(sport=port, dport=port) / Raw(payload))


class Station:
    """Sends whole IP packets as frames from a device of a namespace."""

    def __init__(self, namespace, device, gateway, gateway_device):
        with namespace:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind((device, 0))
        self._mac = self._address_of(namespace, device)
        self._gateway = self._address_of(gateway, gateway_device)

    @staticmethod
    def _address_of(namespace, device):
        shown = json.loads(namespace.run("ip", "-j", "link", "show", "dev", device))
        return bytes.fromhex(shown[0]["address"].replace(":", ""))

    def send(self, packet):
        six = packet[0] >> 4 == 6
        destination = packet[24:40] if six else packet[16:20]
        to = self._gateway
        if six and destination[0] == 0xff:
            to = b"\x33\x33" + destination[12:]
        elif not six and destination[0] >> 4 == 0xe:
            to = b"\x01\x00\x5e" + bytes([destination[1] & 0x7f]) + destination[2:]
        self._socket.send(to + self._mac + (b"\x86\xdd" if six else b"\x08\x00") + packet)
