#!/usr/bin/python3
"""A host that reports many IGMPv3 memberships, and then joins and leaves others at a steady rate.

Run inside a host's namespace. Groups 225.0.0.0 upward stay; of 226.0.0.0 upward half the updates
join one, half leave one. Prints one line for each phase that is over.
"""

import argparse
import socket
import struct
import time

ALL_ROUTERS = "224.0.0.22"
TO_INCLUDE, TO_EXCLUDE, IS_EXCLUDE = 3, 4, 2
RECORDS_MAX = 180  # 1448 bytes: below the MTU with a router alert
REFRESH_S = 60


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def report(records):
    """records: (type, group as a number)."""
    body = b"".join(struct.pack("!BBHI", kind, 0, 0, group) for kind, group in records)
    head = struct.pack("!BBHHH", 0x22, 0, 0, 0, len(records))
    return struct.pack("!BBHHH", 0x22, 0, checksum(head + body), 0, len(records)) + body


class Host:
    def __init__(self, device):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        index = socket.if_nametoindex(device)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                struct.pack("=4s4si", b"", b"", index))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x94\x04\x00\x00")

    def send(self, records):
        for first in range(0, len(records), RECORDS_MAX):
            self._socket.sendto(report(records[first:first + RECORDS_MAX]), (ALL_ROUTERS, 0))

    def report_all(self, kind, count, rate):
        """`count` groups at `rate` records a second."""
        base = struct.unpack("!I", socket.inet_aton("225.0.0.0"))[0]
        begin = time.monotonic()
        for first in range(0, count, RECORDS_MAX):
            due = begin + first / rate
            time.sleep(max(0.0, due - time.monotonic()))
            self.send([(kind, base + i) for i in range(first, min(count, first + RECORDS_MAX))])


def churn(host, args):
    """Joins run ahead of leaves by half the range, so that all kinds of change are always there."""
    base = struct.unpack("!I", socket.inet_aton("226.0.0.0"))[0]
    batch = max(2, args.updates // 100)
    sent, joined, left = 0, 0, 0
    begin = refreshed = time.monotonic()
    while time.monotonic() - begin < args.seconds:
        records = []
        for _ in range(batch // 2):
            records.append((TO_EXCLUDE, base + joined % args.range))
            joined += 1
            if joined - left > args.range // 2:
                records.append((TO_INCLUDE, base + left % args.range))
                left += 1
        host.send(records)
        sent += len(records)
        if time.monotonic() - refreshed > REFRESH_S:
            refreshed = time.monotonic()
            host.report_all(IS_EXCLUDE, args.groups, 100_000)
        time.sleep(max(0.0, begin + sent / args.updates - time.monotonic()))
    print(f"sent {sent} updates", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="eth0")
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--join-rate", type=int, default=50_000)
    parser.add_argument("--updates", type=int, default=5_000, help="a second")
    parser.add_argument("--range", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    host = Host(args.device)
    for _ in range(2):  # robustness: a lost report must not spoil the lab
        host.report_all(IS_EXCLUDE, args.groups, args.join_rate)
    print("joined", flush=True)
    churn(host, args)


if __name__ == "__main__":
    main()
