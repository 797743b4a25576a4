@0xc5a1f06d3be28a47;

# Frames of the RBS channel, protocols 1, 2 (Diverged, DivergedTaken) and 3 (RouteStanding). Numbers
# are never reused; Open, Accept and Refuse keep their layout for ever, since they are read before a
# version is agreed.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("hotpair::rbs::wire::schema");

struct Term {
  counter @0 :UInt64;
  node @1 :UInt64;
}

struct Epoch {
  counter @0 :UInt64;
  node @1 :UInt64;
  restarts @2 :UInt32;
}

struct EpochStart {
  counter @0 :UInt64;
  node @1 :UInt64;
  restarts @2 :UInt32;
  beginsAfter @3 :UInt64;
}

struct Key {
  database @0 :UInt8;
  family @1 :UInt8;
  vrf @2 :UInt32;
  key @3 :Data;
}

struct Record {
  database @0 :UInt8;
  family @1 :UInt8;
  schemaVersion @2 :UInt16;
  vrf @3 :UInt32;
  key @4 :Data;
  value @5 :Data;
}

struct Change {
  database @0 :UInt8;
  family @1 :UInt8;
  schemaVersion @2 :UInt16;
  vrf @3 :UInt32;
  sequence @4 :UInt64;
  deleted @5 :Bool;
  key @6 :Data;
  value @7 :Data;
}

struct DatabaseDigest {
  database @0 :UInt8;
  records @1 :UInt64;
  low @2 :UInt64;
  high @3 :UInt64;
}

struct RangeSum {
  records @0 :UInt64;
  low @1 :UInt64;
  high @2 :UInt64;
  through @3 :Key;
}

struct SchemaRange {
  database @0 :UInt8;
  min @1 :UInt16;
  max @2 :UInt16;
}

struct Open {
  protocolMin @0 :UInt16;
  protocolMax @1 :UInt16;
  node @2 :UInt64;
  configDigest @3 :UInt64;
  software @4 :Text;
  schemas @5 :List(SchemaRange);
  scopes @6 :List(UInt32);
}

struct Refuse {
  reason @0 :UInt8;
  text @1 :Text;
}

struct ScopeState {
  scope @0 :UInt32;
  role @1 :UInt8;
  incomplete @2 :Bool;
  generation @3 :UInt32;
  term @4 :Term;
  last @5 :UInt64;
  floor @6 :UInt64;
  history @7 :List(EpochStart);
}

struct BulkBegin {
  scope @0 :UInt32;
  sync @1 :UInt32;
  kind @2 :UInt8;
  base @3 :UInt64;
  term @4 :Term;
  history @5 :List(EpochStart);
  records @6 :UInt64;
}

struct Slice {
  scope @0 :UInt32;
  sync @1 :UInt32;
  term @2 :Term;
  after @3 :Key;
  through @4 :Key;
  records @5 :List(Record);
}

struct LiveRecords {
  scope @0 :UInt32;
  sync @1 :UInt32;
  term @2 :Term;
  epoch @3 :Epoch;
  changes @4 :List(Change);
}

struct BulkEnd {
  scope @0 :UInt32;
  sync @1 :UInt32;
  target @2 :UInt64;
  term @3 :Term;
}

struct Ack {
  scope @0 :UInt32;
  sync @1 :UInt32;
  sequence @2 :UInt64;
  epoch @3 :Epoch;
}

struct Digests {
  scope @0 :UInt32;
  sync @1 :UInt32;
  at @2 :UInt64;
  answer @3 :Bool;
  conclusive @4 :Bool;
  digests @5 :List(DatabaseDigest);
}

struct Ranges {
  scope @0 :UInt32;
  sync @1 :UInt32;
  term @2 :Term;
  sums @3 :List(RangeSum);
}

struct RangesDiffer {
  scope @0 :UInt32;
  sync @1 :UInt32;
  differing @2 :List(UInt32);
}

struct Handover {
  scope @0 :UInt32;
  helloCounter @1 :UInt64;
  term @2 :Term;
}

struct Diverged {
  scope @0 :UInt32;
  sync @1 :UInt32;
  slice @2 :UInt32;
  deposed @3 :Bool;
  done @4 :Bool;
  last @5 :UInt64;
  held @6 :UInt64;
  term @7 :Term;
  epoch @8 :Epoch;
  records @9 :List(Record);
}

struct DivergedTaken {
  scope @0 :UInt32;
  sync @1 :UInt32;
  slice @2 :UInt32;
}

struct RouteStanding {
  scope @0 :UInt32;
  withoutWay @1 :UInt64;
  byPeer @2 :UInt64;
  silent @3 :UInt64;
}

struct Bye {
  reason @0 :UInt8;
  text @1 :Text;
}

struct Frame {
  union {
    unset @0 :Void;
    open @1 :Open;
    accept @2 :UInt16;
    refuse @3 :Refuse;
    scopeState @4 :ScopeState;
    bulkBegin @5 :BulkBegin;
    bulkRecords @6 :Slice;
    liveRecords @7 :LiveRecords;
    bulkEnd @8 :BulkEnd;
    ack @9 :Ack;
    flow @10 :Bool;
    digests @11 :Digests;
    ranges @12 :Ranges;
    rangesDiffer @13 :RangesDiffer;
    repair @14 :Slice;
    handover @15 :Handover;
    handoverReady @16 :Handover;
    handoverDone @17 :Handover;
    handoverAbort @18 :Handover;
    keepalive @19 :Void;
    bye @20 :Bye;
    diverged @21 :Diverged;
    divergedTaken @22 :DivergedTaken;
    routeStanding @23 :RouteStanding;
  }
}
