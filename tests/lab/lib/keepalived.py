"""The best that can be put together by hand: both routers pull the stream, keepalived opens one.

Static multicast routes on both nodes, an nftables rule that drops what goes to the hosts, and VRRP
of 10 ms that lifts it on the master. No membership protocol, no state, no proof of anything; but
fast. It is what the gap of an unplanned takeover is compared with.
"""

from .streams import Plan, Streams
from .topology import TRUNK, SharedLan, mroute_count, start_smcroute
from .world import wait_until

ADVERT_S = 0.01
PRIORITY = {"a": 254, "b": 253}  # RFC 5798 6.1: the skew is (256 - priority) / 256 of an interval
STATE = {"a": "MASTER", "b": "BACKUP"}
INCOMING = {"a": "ge0-1-3", "b": "ge0-1-2"}
TABLE = "inet gate"
CLOSE = f"""table {TABLE} {{
  chain forwarded {{
    type filter hook forward priority 0; policy accept;
    oifname "{TRUNK}" ip daddr 224.0.0.0/4 drop
  }}
}}
"""
VRRP = """global_defs {{
  script_user root
  vrrp_rt_priority 50
}}
vrrp_instance lan {{
  state {state}
  interface {device}
  virtual_router_id 7
  version 3
  priority {priority}
  advert_int {advert}
  virtual_ipaddress {{
    10.0.15.254/24
  }}
  notify_master "/usr/sbin/nft delete table {table}"
  notify_backup "/usr/sbin/nft -f {close}"
}}
"""


class KeepalivedPair:
    """IPv4, on the LAN of the node pair; ends with its world."""

    def __init__(self, world, probe):
        self.world = world
        self.topology = SharedLan(world, routers_own_addresses=False)
        self.streams = Streams(world, self.topology, probe, "ipv4")
        for name in self.topology.nodes:
            self._start(name)
        wait_until(lambda: not self.closed("a") and self.closed("b"), 10, "A is master, B backup")

    def _start(self, name):
        namespace = self.topology.nodes[name]
        source = self.topology.source_address("ipv4")
        groups = Plan("ipv4", source).groups()
        start_smcroute(self.world, namespace, [
            f"phyint {INCOMING[name]} enable", f"phyint {TRUNK} enable",
            *[f"mroute from {INCOMING[name]} source {source} group {group} to {TRUNK}"
              for group in groups]])
        wait_until(lambda: mroute_count(namespace) >= len(groups), 10, f"routes of {name}")
        run = self.world.dir / f"keepalived-{name}"
        close = run.with_suffix(".nft")
        close.write_text(CLOSE)
        config = run.with_suffix(".conf")
        config.write_text(VRRP.format(state=STATE[name], device=TRUNK, priority=PRIORITY[name],
                                      advert=ADVERT_S, table=TABLE, close=close))
        namespace.run("nft", "-f", str(close))
        self.world.start(namespace, "keepalived", "-n", "-l", "-P", "-f", config,
                         "-p", run.with_suffix(".pid"), "-r", run.with_suffix(".vrrp"),
                         log=f"keepalived-{name}")

    def closed(self, name):
        return "gate" in self.topology.nodes[name].run("nft", "list", "tables")

    def pids(self, name):
        return self.topology.nodes[name].pids()
