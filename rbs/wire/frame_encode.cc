#include <algorithm>
#include <cstring>

#include "checkpoint/schema/capnp.h"
// The shim comes before generated code.
#include "rbs/wire/frame.capnp.h"
#include "rbs/wire/frame_codec.h"

namespace hotpair::rbs::wire {

namespace {

kj::ArrayPtr<const kj::byte> data(const Bytes& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

std::uint32_t count(std::size_t size) { return static_cast<std::uint32_t>(size); }

/// Text without NUL bytes, cut to its limit: what capnp reads back.
kj::String text(const std::string& from) {
  std::string copy = from.substr(0, session::kTextMax);
  std::erase(copy, '\0');
  return kj::heapString(copy.data(), copy.size());
}

void put(schema::Term::Builder to, const Term& term) {
  to.setCounter(term.counter);
  to.setNode(term.node.value());
}

void put(schema::Epoch::Builder to, const Epoch& epoch) {
  to.setCounter(epoch.term.counter);
  to.setNode(epoch.term.node.value());
  to.setRestarts(epoch.restarts);
}

void put(capnp::List<schema::EpochStart>::Builder to, const session::EpochHistory& history) {
  for (std::size_t i = 0; i < history.size(); ++i) {
    auto one = to[count(i)];
    one.setCounter(history[i].epoch.term.counter);
    one.setNode(history[i].epoch.term.node.value());
    one.setRestarts(history[i].epoch.restarts);
    one.setBeginsAfter(history[i].begins_after.value());
  }
}

template <typename Builder>
void put_key(Builder to, const session::RecordKey& key) {
  to.setDatabase(key.database);
  to.setFamily(static_cast<std::uint8_t>(key.family));
  to.setVrf(key.vrf.value());
  to.setKey(data(key.key));
}

class Encoder {
 public:
  explicit Encoder(schema::Frame::Builder frame) : frame_(frame) {}

  void operator()(const session::Open& f) {
    auto to = frame_.initOpen();
    to.setProtocolMin(f.protocol_min);
    to.setProtocolMax(f.protocol_max);
    to.setNode(f.node.value());
    to.setConfigDigest(f.config_digest);
    to.setSoftware(text(f.software));
    auto schemas = to.initSchemas(count(f.schemas.size()));
    for (std::size_t i = 0; i < f.schemas.size(); ++i) {
      schemas[count(i)].setDatabase(f.schemas[i].database);
      schemas[count(i)].setMin(f.schemas[i].min);
      schemas[count(i)].setMax(f.schemas[i].max);
    }
    auto scopes = to.initScopes(count(f.scopes.size()));
    for (std::size_t i = 0; i < f.scopes.size(); ++i) scopes.set(count(i), f.scopes[i].value());
  }
  void operator()(const session::Accept& f) { frame_.setAccept(f.protocol); }
  void operator()(const session::Refuse& f) {
    auto to = frame_.initRefuse();
    to.setReason(static_cast<std::uint8_t>(f.reason));
    to.setText(text(f.text));
  }
  void operator()(const session::ScopeState& f) {
    auto to = frame_.initScopeState();
    to.setScope(f.scope.value());
    to.setRole(static_cast<std::uint8_t>(f.role));
    to.setIncomplete(f.incomplete);
    to.setGeneration(f.generation);
    to.setLast(f.last.value());
    to.setFloor(f.floor.value());
    put(to.initTerm(), f.term);
    put(to.initHistory(count(f.history.size())), f.history);
  }
  void operator()(const session::BulkBegin& f) {
    auto to = frame_.initBulkBegin();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    to.setKind(static_cast<std::uint8_t>(f.kind));
    to.setBase(f.base.value());
    put(to.initTerm(), f.term);
    put(to.initHistory(count(f.history.size())), f.history);
    to.setRecords(f.records);
  }
  void operator()(const session::BulkRecords& f) { slice(frame_.initBulkRecords(), f); }
  void operator()(const session::Repair& f) { slice(frame_.initRepair(), f); }
  void operator()(const session::LiveRecords& f) {
    auto to = frame_.initLiveRecords();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    put(to.initTerm(), f.term);
    put(to.initEpoch(), f.epoch);
    auto changes = to.initChanges(count(f.changes.size()));
    for (std::size_t i = 0; i < f.changes.size(); ++i) {
      const session::SequencedChange& from = f.changes[i];
      auto one = changes[count(i)];
      put_key(one, from.change.key);
      one.setSequence(from.sequence.value());
      one.setDeleted(!from.change.value);
      if (!from.change.value) continue;
      one.setSchemaVersion(from.change.value->schema_version);
      one.setValue(data(from.change.value->bytes));
    }
  }
  void operator()(const session::BulkEnd& f) {
    auto to = frame_.initBulkEnd();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    to.setTarget(f.target.value());
    put(to.initTerm(), f.term);
  }
  void operator()(const session::Ack& f) {
    auto to = frame_.initAck();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    to.setSequence(f.sequence.value());
    put(to.initEpoch(), f.epoch);
  }
  void operator()(const session::Flow& f) { frame_.setFlow(f.on); }
  void operator()(const session::Digests& f) {
    auto to = frame_.initDigests();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    to.setAt(f.at.value());
    to.setAnswer(f.answer);
    to.setConclusive(f.conclusive);
    auto digests = to.initDigests(count(f.digests.size()));
    for (std::size_t i = 0; i < f.digests.size(); ++i) {
      auto one = digests[count(i)];
      one.setDatabase(f.digests[i].database);
      one.setRecords(f.digests[i].records);
      one.setLow(f.digests[i].digest.low);
      one.setHigh(f.digests[i].digest.high);
    }
  }
  void operator()(const session::Ranges& f) {
    auto to = frame_.initRanges();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    put(to.initTerm(), f.term);
    auto sums = to.initSums(count(f.sums.size()));
    for (std::size_t i = 0; i < f.sums.size(); ++i) {
      auto one = sums[count(i)];
      one.setRecords(f.sums[i].records);
      one.setLow(f.sums[i].digest.low);
      one.setHigh(f.sums[i].digest.high);
      if (f.sums[i].through) put_key(one.initThrough(), *f.sums[i].through);
    }
  }
  void operator()(const session::RangesDiffer& f) {
    auto to = frame_.initRangesDiffer();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    auto differing = to.initDiffering(count(f.differing.size()));
    for (std::size_t i = 0; i < f.differing.size(); ++i) differing.set(count(i), f.differing[i]);
  }
  void operator()(const session::Handover& f) {
    handover(frame_.initHandover(), f.scope, f.term, f.hello_counter);
  }
  void operator()(const session::HandoverReady& f) {
    handover(frame_.initHandoverReady(), f.scope, f.term, 0);
  }
  void operator()(const session::HandoverDone& f) {
    handover(frame_.initHandoverDone(), f.scope, f.term, f.hello_counter);
  }
  void operator()(const session::HandoverAbort& f) {
    handover(frame_.initHandoverAbort(), f.scope, f.term, 0);
  }
  void operator()(const session::Diverged& f) {
    auto to = frame_.initDiverged();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    to.setSlice(f.slice);
    to.setDeposed(f.deposed);
    to.setDone(f.done);
    to.setLast(f.last.value());
    to.setHeld(f.held);
    put(to.initTerm(), f.term);
    put(to.initEpoch(), f.epoch);
    put_records(to.initRecords(count(f.records.size())), f.records);
  }
  void operator()(const session::DivergedTaken& f) {
    auto to = frame_.initDivergedTaken();
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    to.setSlice(f.slice);
  }
  void operator()(const session::RouteStanding& f) {
    auto to = frame_.initRouteStanding();
    to.setScope(f.scope.value());
    to.setWithoutWay(f.without_way);
    to.setByPeer(f.by_peer);
    to.setSilent(f.silent);
  }
  void operator()(const session::Keepalive&) { frame_.setKeepalive(); }
  void operator()(const session::Bye& f) {
    auto to = frame_.initBye();
    to.setReason(static_cast<std::uint8_t>(f.reason));
    to.setText(text(f.text));
  }

 private:
  template <typename From>
  void slice(schema::Slice::Builder to, const From& f) {
    to.setScope(f.scope.value());
    to.setSync(f.sync);
    put(to.initTerm(), f.term);
    if (f.after) put_key(to.initAfter(), *f.after);
    if (f.through) put_key(to.initThrough(), *f.through);
    put_records(to.initRecords(count(f.records.size())), f.records);
  }
  static void put_records(capnp::List<schema::Record>::Builder to,
                          const std::vector<session::Record>& records) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      auto one = to[count(i)];
      put_key(one, records[i].key);
      one.setSchemaVersion(records[i].value.schema_version);
      one.setValue(data(records[i].value.bytes));
    }
  }
  static void handover(schema::Handover::Builder to, ScopeId scope, const Term& term,
                       std::uint64_t hello_counter) {
    to.setScope(scope.value());
    to.setHelloCounter(hello_counter);
    put(to.initTerm(), term);
  }

  schema::Frame::Builder frame_;
};

/// Lists within the limits that the decoder keeps; a frame beyond them would end the session there.
struct WithinLimits {
  bool operator()(const session::Open& f) const {
    return f.schemas.size() <= session::kDatabasesMax && f.scopes.size() <= session::kScopesMax;
  }
  bool operator()(const session::ScopeState& f) const { return f.history.size() <= kEpochsMax; }
  bool operator()(const session::BulkBegin& f) const { return f.history.size() <= kEpochsMax; }
  bool operator()(const session::BulkRecords& f) const {
    return f.records.size() <= session::kRecordsMax;
  }
  bool operator()(const session::Repair& f) const {
    return f.records.size() <= session::kRecordsMax;
  }
  bool operator()(const session::Diverged& f) const {
    return f.records.size() <= session::kRecordsMax;
  }
  bool operator()(const session::LiveRecords& f) const {
    return f.changes.size() <= session::kRecordsMax;
  }
  bool operator()(const session::Digests& f) const {
    return f.digests.size() <= session::kDatabasesMax;
  }
  bool operator()(const session::Ranges& f) const { return f.sums.size() <= session::kRangesMax; }
  bool operator()(const session::RangesDiffer& f) const {
    return f.differing.size() <= session::kRangesMax;
  }
  template <typename Other>
  bool operator()(const Other&) const {
    return true;
  }
};

}  // namespace

Result<Bytes> encode(const session::Frame& frame) {
  const std::string name(session::name_of(frame));
  if (!std::visit(WithinLimits{}, frame))
    return fail(ErrorCode::refused, name + ": a list is over its limit");
  const std::size_t about = session::cost_of(frame);
  if (about > session::kFrameBytesMax)
    return fail(ErrorCode::refused, name + " of about " + std::to_string(about) + " bytes");
  // One segment: the first is larger than anything that passed the checks above.
  const std::size_t words = about / 4 + 512;
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words),
                                      capnp::AllocationStrategy::FIXED_SIZE);
  Encoder encoder(message.initRoot<schema::Frame>());
  std::visit(encoder, frame);
  const auto segments = message.getSegmentsForOutput();
  if (segments.size() != 1) return fail(ErrorCode::refused, name + " does not fit one segment");
  const auto payload = segments[0].asBytes();
  if (payload.size() > session::kFrameBytesMax)
    return fail(ErrorCode::refused, name + " of " + std::to_string(payload.size()) + " bytes");
  Bytes out;
  out.reserve(kLengthBytes + payload.size());
  ByteWriter writer(out);
  writer.u32(count(payload.size()));
  writer.bytes({reinterpret_cast<const std::byte*>(payload.begin()), payload.size()});
  return out;
}

}  // namespace hotpair::rbs::wire
