@0x8e99c1f4a9f9fe85;
# Values of checkpoint databases, schema version 1. A value is the one raw segment of a message.
# Fields are only ever added at the end; a number in use is never given another meaning.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("hotpair::checkpoint::schema::values");

struct GroupMembership {
  # Databases 16 and 17, key (link, group).
  exclude @0 :Bool;
  isStatic @1 :Bool;
  isDynamic @2 :Bool;
  queryRunning @3 :Bool;
  # A last-member query runs; the next two are its own.
  olderHostVersion @4 :UInt8;
  queriesLeft @5 :UInt8;
  queryIntervalUs @6 :UInt32;
  lastReporter @7 :Data;
  # 4 or 16 bytes; absent: unspecified.
}

struct SourceMembership {
  # Databases 16 and 17, key (link, group, source).
  forwarding @0 :Bool;
  isStatic @1 :Bool;
  isDynamic @2 :Bool;
  queryRunning @3 :Bool;
  queriesLeft @4 :UInt8;
  queryIntervalUs @5 :UInt32;
}

struct DataDrivenEvent {
  # Database 6, key (group, source).
  kind @0 :UInt8;
  # 1 first hop, 2 last hop on the source's tree.
}

struct RpMapping {
  # Database 0, key (source, zone, range, RP).
  priority @0 :UInt8;
  negative @1 :Bool;
  holdtimeS @2 :UInt16;
  toldBy @3 :Data;
  # 4 or 16 bytes; absent: unspecified.
  bidir @4 :Bool;
  # RFC 5015, IPv4.
}

struct BootstrapZone {
  # Database 2, key (zone).
  state @0 :UInt8;
  # 1 no info, 2 accept any, 3 accept preferred, 4 candidate, 5 pending, 6 elected.
  hashMaskLength @1 :UInt8;
  bsrPriority @2 :UInt8;
  bsr @3 :Data;
  # 4 or 16 bytes; absent: none is known.
}

struct BootstrapFragment {
  # Database 2, key (zone, index).
  message @0 :Data;
  # PIM message of type 4 (RFC 5059 4.1) from the common header, its checksum zero.
}

struct MappingAgent {
  # Database 3, key (link, agent).
  holdtimeS @0 :UInt16;
  # 0: without end.
}

struct InterfaceIdentity {
  # Database 7, key (link).
  generationId @0 :UInt32;
  drPriority @1 :UInt32;
  address @2 :Data;
  # 4 or 16 bytes; absent: PIM was silent there.
}

struct RegisterTunnel {
  # Database 10, key (group, source).
  state @0 :UInt8;
  # 1 join, 2 join pending, 3 prune.
  suppressionS @1 :UInt16;
  # prune: the Register-Stop timer as it was set, in whole buckets of 5 s.
  rp @2 :Data;
  # 4 or 16 bytes.
}

struct JoinPrune {
  # Database 18, key (link, tree).
  state @0 :UInt8;
  # 1 joined, 2 prune pending, 3 pruned.
  holdtimeS @1 :UInt16;
  # 0xffff: never ends.
}

struct BidirRoute {
  # Database 1, key (RP).
  link @0 :Data;
  # Interface as in keys; absent: a loopback of this router.
  onLink @1 :Bool;
  neighbour @2 :Data;
  # 4 bytes; absent: none.
  preference @3 :UInt32;
  metric @4 :UInt32;
}

struct Rpdf {
  # Database 9, key (RP).
  links @0 :List(Data);
  # Interfaces as in keys.
}

struct MdtDataGroup {
  # Database 5, key (customer's group, customer's source) in its VRF.
  dataGroup @0 :Data;
  # 4 bytes: the group of the backbone that the source was moved to.
}

struct MdtTunnel {
  # Database 8, key (default group of the MDT) in its VRF.
  source @0 :Data;
  # 4 bytes: from which this router sends into the tunnel.
  dataRange @1 :Data;
  # 5 bytes, address and length of the data groups; absent: none.
  thresholdKbps @2 :UInt32;
  # Above which a source is moved to a data group; 0: at once.
}

struct McacReservation {
  # Database 4, key (link, group, source or none, direction).
  cost @0 :UInt32;
  order @1 :UInt64;
  # Counts the admissions of its master, from 1.
  connected @2 :Bool;
  # Of an incoming link: the source is directly connected.
}
