#include <cstring>
#include <limits>

#include "checkpoint/schema/capnp.h"
// The shim comes before generated code.
#include "rbs/wire/frame.capnp.h"
#include "rbs/wire/frame_codec.h"

namespace hotpair::rbs::wire {

namespace {

/// Reads one frame. What is outside its limits is noted in `wrong`, the first wins, and the rest is
/// read as zero: the caller throws the frame away.
class Decoder {
 public:
  const std::string& wrong() const { return wrong_; }

  session::Frame read(schema::Frame::Reader frame) {
    using Which = schema::Frame::Which;
    switch (frame.which()) {
      case Which::OPEN:
        return open(frame.getOpen());
      case Which::ACCEPT:
        return session::Accept{frame.getAccept()};
      case Which::REFUSE:
        return refuse(frame.getRefuse());
      case Which::SCOPE_STATE:
        return scope_state(frame.getScopeState());
      case Which::BULK_BEGIN:
        return bulk_begin(frame.getBulkBegin());
      case Which::BULK_RECORDS:
        return slice<session::BulkRecords>(frame.getBulkRecords());
      case Which::LIVE_RECORDS:
        return live(frame.getLiveRecords());
      case Which::BULK_END:
        return bulk_end(frame.getBulkEnd());
      case Which::ACK:
        return ack(frame.getAck());
      case Which::FLOW:
        return session::Flow{frame.getFlow()};
      case Which::DIGESTS:
        return digests(frame.getDigests());
      case Which::RANGES:
        return ranges(frame.getRanges());
      case Which::RANGES_DIFFER:
        return differ(frame.getRangesDiffer());
      case Which::REPAIR:
        return slice<session::Repair>(frame.getRepair());
      case Which::HANDOVER:
        return with_counter<session::Handover>(frame.getHandover());
      case Which::HANDOVER_READY:
        return without<session::HandoverReady>(frame.getHandoverReady());
      case Which::HANDOVER_DONE:
        return with_counter<session::HandoverDone>(frame.getHandoverDone());
      case Which::HANDOVER_ABORT:
        return without<session::HandoverAbort>(frame.getHandoverAbort());
      case Which::KEEPALIVE:
        return session::Keepalive{};
      case Which::BYE:
        return bye(frame.getBye());
      case Which::DIVERGED:
        return diverged(frame.getDiverged());
      case Which::DIVERGED_TAKEN: {
        const auto taken = frame.getDivergedTaken();
        return session::DivergedTaken{ScopeId{taken.getScope()}, taken.getSync(), taken.getSlice()};
      }
      case Which::ROUTE_STANDING: {
        const auto standing = frame.getRouteStanding();
        return session::RouteStanding{ScopeId{standing.getScope()}, standing.getWithoutWay(),
                                      standing.getByPeer(), standing.getSilent()};
      }
      case Which::UNSET:
        break;
    }
    note("a frame number that this version does not know");
    return session::Keepalive{};
  }

 private:
  void note(const char* what) {
    if (wrong_.empty()) wrong_ = what;
  }

  /// How many elements of a list are to be read: all, or none if they are too many.
  template <typename List>
  std::uint32_t bounded(List list, std::size_t limit) {
    if (list.size() <= limit) return list.size();
    note("a list over its limit");
    return 0;
  }

  std::string text(capnp::Text::Reader from) {
    if (from.size() <= session::kTextMax) return {from.begin(), from.size()};
    note("a text over its limit");
    return {};
  }

  template <typename Enum>
  Enum number(std::uint8_t value, Enum last) {
    if (value <= static_cast<std::uint8_t>(last)) return static_cast<Enum>(value);
    note("an enumeration outside its range");
    return Enum{};
  }

  Bytes data(capnp::Data::Reader from, std::size_t limit) {
    if (from.size() > limit) {
      note("a key or value over its limit");
      return {};
    }
    Bytes bytes(from.size());
    if (!bytes.empty()) std::memcpy(bytes.data(), from.begin(), from.size());
    return bytes;
  }

  template <typename Reader>
  session::RecordKey key(Reader from) {
    session::RecordKey key;
    key.database = from.getDatabase();
    key.vrf = VrfId{from.getVrf()};
    const std::uint8_t family = from.getFamily();
    if (family == static_cast<std::uint8_t>(Family::ipv6))
      key.family = Family::ipv6;
    else if (family != static_cast<std::uint8_t>(Family::ipv4))
      note("an address family that is neither 4 nor 6");
    key.key = data(from.getKey(), checkpoint::kKeyBytesMax);
    return key;
  }

  static Term term(schema::Term::Reader from) {
    return {from.getCounter(), NodeId{from.getNode()}};
  }
  template <typename Reader>
  static Epoch epoch(Reader from) {
    return {{from.getCounter(), NodeId{from.getNode()}}, from.getRestarts()};
  }

  session::EpochHistory history(capnp::List<schema::EpochStart>::Reader from) {
    session::EpochHistory history;
    const std::uint32_t size = bounded(from, kEpochsMax);
    history.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i)
      history.push_back({epoch(from[i]), Sequence{from[i].getBeginsAfter()}});
    return history;
  }

  session::Open open(schema::Open::Reader from) {
    session::Open f{from.getProtocolMin(),
                    from.getProtocolMax(),
                    NodeId{from.getNode()},
                    text(from.getSoftware()),
                    {},
                    from.getConfigDigest(),
                    {}};
    const auto schemas = from.getSchemas();
    const std::uint32_t ranges = bounded(schemas, session::kDatabasesMax);
    f.schemas.reserve(ranges);
    for (std::uint32_t i = 0; i < ranges; ++i)
      f.schemas.push_back({schemas[i].getDatabase(), schemas[i].getMin(), schemas[i].getMax()});
    const auto scopes = from.getScopes();
    const std::uint32_t many = bounded(scopes, session::kScopesMax);
    f.scopes.reserve(many);
    for (std::uint32_t i = 0; i < many; ++i) f.scopes.push_back(ScopeId{scopes[i]});
    return f;
  }

  session::Refuse refuse(schema::Refuse::Reader from) {
    // A reason that only a newer build knows still has its text.
    const std::uint8_t reason = from.getReason();
    const bool known = reason <= static_cast<std::uint8_t>(session::RefuseReason::limit);
    return {known ? static_cast<session::RefuseReason>(reason) : session::RefuseReason::none,
            text(from.getText())};
  }

  session::ScopeState scope_state(schema::ScopeState::Reader from) {
    return {ScopeId{from.getScope()}, number(from.getRole(), session::Role::master),
            term(from.getTerm()),     history(from.getHistory()),
            Sequence{from.getLast()}, Sequence{from.getFloor()},
            from.getIncomplete(),     from.getGeneration()};
  }

  session::BulkBegin bulk_begin(schema::BulkBegin::Reader from) {
    return {ScopeId{from.getScope()},
            term(from.getTerm()),
            from.getSync(),
            number(from.getKind(), session::SyncKind::repair),
            history(from.getHistory()),
            Sequence{from.getBase()},
            from.getRecords()};
  }

  template <typename Frame>
  Frame slice(schema::Slice::Reader from) {
    Frame f;
    f.scope = ScopeId{from.getScope()};
    f.term = term(from.getTerm());
    f.sync = from.getSync();
    if (from.hasAfter()) f.after = key(from.getAfter());
    if (from.hasThrough()) f.through = key(from.getThrough());
    f.records = records(from.getRecords());
    return f;
  }

  std::vector<session::Record> records(capnp::List<schema::Record>::Reader from) {
    std::vector<session::Record> records;
    const std::uint32_t size = bounded(from, session::kRecordsMax);
    records.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto one = from[i];
      records.push_back(
          {key(one), {one.getSchemaVersion(), data(one.getValue(), checkpoint::kRecordBytesMax)}});
    }
    return records;
  }

  session::Diverged diverged(schema::Diverged::Reader from) {
    return {ScopeId{from.getScope()}, term(from.getTerm()),      from.getSync(),    from.getSlice(),
            epoch(from.getEpoch()),   Sequence{from.getLast()},  from.getDeposed(), from.getDone(),
            from.getHeld(),           records(from.getRecords())};
  }

  session::LiveRecords live(schema::LiveRecords::Reader from) {
    session::LiveRecords f{
        ScopeId{from.getScope()}, term(from.getTerm()), from.getSync(), epoch(from.getEpoch()), {}};
    const auto changes = from.getChanges();
    const std::uint32_t size = bounded(changes, session::kRecordsMax);
    f.changes.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto one = changes[i];
      checkpoint::RecordChange change{key(one), std::nullopt};
      if (!one.getDeleted())
        change.value = checkpoint::RecordValue{one.getSchemaVersion(),
                                               data(one.getValue(), checkpoint::kRecordBytesMax)};
      f.changes.push_back({Sequence{one.getSequence()}, std::move(change)});
    }
    return f;
  }

  static session::BulkEnd bulk_end(schema::BulkEnd::Reader from) {
    return {ScopeId{from.getScope()}, term(from.getTerm()), from.getSync(),
            Sequence{from.getTarget()}};
  }
  static session::Ack ack(schema::Ack::Reader from) {
    return {ScopeId{from.getScope()}, from.getSync(), epoch(from.getEpoch()),
            Sequence{from.getSequence()}};
  }

  session::Digests digests(schema::Digests::Reader from) {
    session::Digests f{ScopeId{from.getScope()}, from.getSync(),       Sequence{from.getAt()},
                       from.getAnswer(),         from.getConclusive(), {}};
    const auto list = from.getDigests();
    const std::uint32_t size = bounded(list, session::kDatabasesMax);
    f.digests.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i)
      f.digests.push_back(
          {list[i].getDatabase(), list[i].getRecords(), {list[i].getLow(), list[i].getHigh()}});
    return f;
  }

  session::Ranges ranges(schema::Ranges::Reader from) {
    session::Ranges f{ScopeId{from.getScope()}, term(from.getTerm()), from.getSync(), {}};
    const auto sums = from.getSums();
    const std::uint32_t size = bounded(sums, session::kRangesMax);
    f.sums.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      session::RangeSum sum{
          std::nullopt, sums[i].getRecords(), {sums[i].getLow(), sums[i].getHigh()}};
      if (sums[i].hasThrough()) sum.through = key(sums[i].getThrough());
      f.sums.push_back(std::move(sum));
    }
    return f;
  }

  session::RangesDiffer differ(schema::RangesDiffer::Reader from) {
    session::RangesDiffer f{ScopeId{from.getScope()}, from.getSync(), {}};
    const auto differing = from.getDiffering();
    const std::uint32_t size = bounded(differing, session::kRangesMax);
    f.differing.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i) f.differing.push_back(differing[i]);
    return f;
  }

  template <typename Frame>
  static Frame with_counter(schema::Handover::Reader from) {
    return {ScopeId{from.getScope()}, term(from.getTerm()), from.getHelloCounter()};
  }
  template <typename Frame>
  static Frame without(schema::Handover::Reader from) {
    return {ScopeId{from.getScope()}, term(from.getTerm())};
  }

  session::Bye bye(schema::Bye::Reader from) {
    const std::uint8_t reason = from.getReason();
    const bool known = reason < static_cast<std::uint8_t>(session::Reason::count_);
    return {known ? static_cast<session::Reason>(reason) : session::Reason::none,
            text(from.getText())};
  }

  std::string wrong_;
};

}  // namespace

Result<session::Frame> decode(ByteSpan payload) {
  constexpr std::size_t kWord = sizeof(capnp::word);
  if (payload.empty() || payload.size() > session::kFrameBytesMax || payload.size() % kWord != 0)
    return fail(ErrorCode::malformed, "a frame of " + std::to_string(payload.size()) +
                                          " bytes; expected whole words, at most 1 MiB");
  std::vector<capnp::word> aligned(payload.size() / kWord);
  std::memcpy(static_cast<void*>(aligned.data()), payload.data(), payload.size());
  try {
    const kj::ArrayPtr<const capnp::word> segment(aligned.data(), aligned.size());
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * aligned.size();
    options.nestingLimit = 8;
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(&segment, 1), options);
    Decoder decoder;
    session::Frame frame = decoder.read(message.getRoot<schema::Frame>());
    if (!decoder.wrong().empty()) return fail(ErrorCode::malformed, decoder.wrong());
    return frame;
  } catch (const kj::Exception& wrong) {
    return fail(ErrorCode::malformed, wrong.getDescription().cStr());
  }
}

}  // namespace hotpair::rbs::wire
