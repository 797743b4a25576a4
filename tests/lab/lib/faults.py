"""Killing, stopping and cutting within a millisecond: everything is opened beforehand."""

import os
import signal
import socket
import struct
import threading

from .world import LabError, now_ns

RTM_NEWLINK = 16
NLM_F_REQUEST, NLM_F_ACK = 1, 4
IFF_UP = 1
NLMSG_ERROR = 2


class Link:
    """One device of a namespace that can be taken down or up with one send()."""

    def __init__(self, namespace, device):
        self.name = f"{namespace.name}/{device}"
        with namespace:
            self._index = socket.if_nametoindex(device)
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)

    def set_up(self, up):
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, self._index, IFF_UP if up else 0, IFF_UP)
        head = struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
        self._socket.send(head + body)
        reply = self._socket.recv(4096)
        kind, error = struct.unpack_from("=H", reply, 4)[0], struct.unpack_from("=i", reply, 16)[0]
        if kind == NLMSG_ERROR and error != 0:
            raise LabError(f"link {self.name}: {os.strerror(-error)}")

    def close(self):
        self._socket.close()


class Fault:
    """What happens to a node: processes first, then links. fire() returns when it began (ns)."""

    def __init__(self, pids=(), links=(), number=signal.SIGKILL):
        self._pids = [os.pidfd_open(pid) for pid in pids]
        self._links = list(links)
        self._number = number
        self.links_down_ns = None

    def fire(self):
        """All signals go out first; then all links go down, each from its own thread."""
        ready = threading.Barrier(len(self._links) + 1)
        threads = [threading.Thread(target=self._cut, args=(link, ready)) for link in self._links]
        for thread in threads:
            thread.start()
        begin = now_ns()
        for pid in self._pids:
            try:
                signal.pidfd_send_signal(pid, self._number)
            except ProcessLookupError:
                pass
        ready.wait()
        for thread in threads:
            thread.join()
        self.links_down_ns = now_ns()
        for pid in self._pids:
            os.close(pid)
        return begin

    @staticmethod
    def _cut(link, ready):
        ready.wait()
        link.set_up(False)


def signal_all(pids, number):
    """A signal to many processes at once; returns when it began (ns)."""
    return Fault(pids=pids, number=number).fire()
