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
