#include <gtest/gtest.h>

#include <cstdio>

#include "rbs/wire/frame_codec.h"

namespace hotpair::rbs::wire {
namespace {

using namespace session;

const Term kTerm{7, NodeId{0x1122334455667788ULL}};
const Epoch kEpoch{kTerm, 3};
const EpochHistory kHistory{{{{5, NodeId{1}}, 0}, Sequence{0}}, {kEpoch, Sequence{41}}};

RecordKey key(unsigned number, std::size_t size = 4) {
  Bytes bytes(size, std::byte{0xab});
  if (size > 0) bytes[0] = static_cast<std::byte>(number);
  return {17, VrfId{9}, Family::ipv6, bytes};
}
checkpoint::RecordValue value(std::size_t size) { return {2, Bytes(size, std::byte{0x5c})}; }

std::vector<Frame> one_of_each() {
  return {
      Open{1,
           3,
           NodeId{42},
           "hotpair 0.1.0",
           {{16, 1, 2}, {17, 1, 1}},
           0xfeedULL,
           {ScopeId{0}, ScopeId{10}}},
      Accept{1},
      Refuse{RefuseReason::version, "upgrade the older node"},
      ScopeState{ScopeId{10}, Role::backup, kTerm, kHistory, Sequence{50}, Sequence{4}, true, 6},
      BulkBegin{ScopeId{10}, kTerm, 6, SyncKind::repair, kHistory, Sequence{50}, 1'000},
      BulkRecords{
          ScopeId{10}, kTerm, 6, std::nullopt, key(2), {{key(1), value(24)}, {key(2), value(0)}}},
      BulkRecords{ScopeId{10}, kTerm, 6, key(2), std::nullopt, {}},
      LiveRecords{ScopeId{10},
                  kTerm,
                  6,
                  kEpoch,
                  {{Sequence{51}, {key(3), value(9)}}, {Sequence{53}, {key(4), std::nullopt}}}},
      BulkEnd{ScopeId{10}, kTerm, 6, Sequence{53}},
      Ack{ScopeId{10}, 6, kEpoch, Sequence{53}},
      Flow{true},
      Flow{false},
      Digests{ScopeId{10}, 6, Sequence{53}, true, false, {{16, 2, {3, 4}}, {17, 1, {~0ULL, 1}}}},
      Ranges{ScopeId{10}, kTerm, 6, {{key(1), 7, {1, 2}}, {std::nullopt, 0, {}}}},
      RangesDiffer{ScopeId{10}, 6, {0, 1, 255}},
      Repair{ScopeId{10}, kTerm, 6, key(1), key(9, 0), {{key(1, 256), value(100)}}},
      Handover{ScopeId{10}, kTerm, 99},
      HandoverReady{ScopeId{10}, kTerm},
      HandoverDone{ScopeId{10}, kTerm, 100},
      HandoverAbort{ScopeId{10}, kTerm},
      Keepalive{},
      Bye{Reason::leaving, "planned"},
      Diverged{ScopeId{10},
               kTerm,
               7,
               2,
               kEpoch,
               Sequence{53},
               true,
               false,
               900,
               {{key(1), value(24)}, {key(2), value(0)}}},
      Diverged{ScopeId{10}, kTerm, 7, 3, kEpoch, Sequence{53}, false, true, 0, {}},
      DivergedTaken{ScopeId{10}, 7, 3},
      RouteStanding{ScopeId{10}, 4, 5, ~0ULL},
  };
}

ByteSpan payload_of(const Bytes& encoded) { return ByteSpan(encoded).subspan(kLengthBytes); }

TEST(Frame, EveryFrameComesBackAsItWas) {
  std::vector<bool> seen(std::variant_size_v<Frame>);
  for (const Frame& frame : one_of_each()) {
    seen[frame.index()] = true;
    const auto encoded = encode(frame);
    ASSERT_TRUE(encoded) << name_of(frame);
    ByteReader reader(*encoded);
    EXPECT_EQ(reader.u32(), encoded->size() - kLengthBytes);
    const auto decoded = decode(payload_of(*encoded));
    ASSERT_TRUE(decoded) << name_of(frame) << ": " << decoded.error().detail;
    EXPECT_TRUE(*decoded == frame) << name_of(frame);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_TRUE(seen[i]) << "frame " << i;
}

TEST(Frame, CostIsAboutTheEncodedSize) {
  for (const Frame& frame : one_of_each())
    EXPECT_LE(encode(frame)->size(), 2 * cost_of(frame) + 128) << name_of(frame);
  BulkRecords bulk{ScopeId{1}, kTerm, 1, std::nullopt, std::nullopt, {}};
  for (unsigned i = 0; i < 512; ++i) bulk.records.push_back({key(i, 28), value(104)});
  const auto size = static_cast<double>(encode(bulk)->size());
  EXPECT_NEAR(size / static_cast<double>(cost_of(bulk)), 1.0, 0.2);
}

TEST(Frame, GoldenRouteStanding) {
  const auto encoded = encode(RouteStanding{ScopeId{10}, 4, 5, 6});
  ASSERT_TRUE(encoded);
  std::string hex;
  for (const std::byte byte : *encoded) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", std::to_integer<unsigned>(byte));
    hex += two.data();
  }
  EXPECT_EQ(hex,
            "00000038"          // length 56
            "0000000001000100"  // root: one data word, one pointer
            "1700000000000000"  // frame 23: routeStanding
            "0000000004000000"  // four data words
            "0a00000000000000"  // scope 10
            "0400000000000000"  // without a way
            "0500000000000000"  // by the peer
            "0600000000000000"  // silent
  );
}

/// Open is read before a version is agreed: its bytes never change.
TEST(Frame, GoldenOpen) {
  const Open open{1,
                  1,
                  NodeId{0x0102030405060708ULL},
                  "hp",
                  {{16, 1, 2}},
                  0x1112131415161718ULL,
                  {ScopeId{10}}};
  const auto encoded = encode(open);
  ASSERT_TRUE(encoded);
  std::string hex;
  for (const std::byte byte : *encoded) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", std::to_integer<unsigned>(byte));
    hex += two.data();
  }
  EXPECT_EQ(hex,
            "00000068"            // length 104
            "0000000001000100"    // root: one data word, one pointer
            "0100000000000000"    // frame 1: open
            "0000000003000300"    // Open: three data words, three pointers
            "0100010000000000"    // protocolMin 1, protocolMax 1
            "0807060504030201"    // node
            "1817161514131211"    // configDigest
            "090000001a000000"    // software: 3 bytes with its NUL
            "090000000f000000"    // schemas: one word, composite
            "0d0000000c000000"    // scopes: one 32-bit element
            "6870000000000000"    // "hp"
            "0400000001000000"    // tag: one element of one data word
            "1000010002000000"    // database 16, min 1, max 2
            "0a00000000000000");  // scope 10
  EXPECT_TRUE(*decode(payload_of(*encoded)) == Frame(open));
}

TEST(Frame, ListsAndTextsAreBounded) {
  RangesDiffer many{ScopeId{1}, 1, std::vector<std::uint32_t>(kRangesMax)};
  EXPECT_TRUE(encode(many));
  many.differing.push_back(1);
  EXPECT_FALSE(encode(many));
  BulkRecords bulk{ScopeId{1}, kTerm, 1, std::nullopt, std::nullopt, {}};
  bulk.records.assign(kRecordsMax, {key(1), value(8)});
  EXPECT_TRUE(encode(bulk));
  bulk.records.push_back({key(1), value(8)});
  EXPECT_FALSE(encode(bulk));
  bulk.records.assign(40, {key(1), value(32'000)});
  EXPECT_FALSE(encode(bulk)) << "over 1 MiB";
  const auto cut = encode(Bye{Reason::leaving, std::string(5000, 'x')});
  ASSERT_TRUE(cut);
  EXPECT_EQ(std::get<Bye>(*decode(payload_of(*cut))).text.size(), kTextMax);
}

TEST(Frame, KeysAndValuesOverTheirLimitAreMalformed) {
  const auto try_record = [](std::size_t key_size, std::size_t value_size) {
    const auto encoded = encode(BulkRecords{
        ScopeId{1}, kTerm, 1, std::nullopt, std::nullopt, {{key(1, key_size), value(value_size)}}});
    return decode(payload_of(*encoded)).has_value();
  };
  EXPECT_TRUE(try_record(checkpoint::kKeyBytesMax, 0));
  EXPECT_FALSE(try_record(checkpoint::kKeyBytesMax + 1, 0));
  EXPECT_TRUE(try_record(0, checkpoint::kRecordBytesMax));
  EXPECT_FALSE(try_record(0, checkpoint::kRecordBytesMax + 1));
}

TEST(Frame, EveryTruncationAndEveryFlippedByteIsRefusedOrDecodes) {
  for (const Frame& frame : one_of_each()) {
    const auto encoded = encode(frame);
    const Bytes whole = to_bytes(payload_of(*encoded));
    for (std::size_t size = 0; size < whole.size(); ++size)
      static_cast<void>(decode(ByteSpan(whole).first(size)));
    EXPECT_FALSE(decode({}));
    EXPECT_FALSE(decode(ByteSpan(whole).first(whole.size() - 1)));
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        Bytes bad = whole;
        bad[i] ^= static_cast<std::byte>(flip);
        const auto decoded = decode(bad);
        // What decodes is within every limit, so it can be encoded again.
        if (decoded) {
          EXPECT_TRUE(encode(*decoded)) << name_of(*decoded);
        }
      }
    }
  }
}

TEST(Frame, UnalignedInputIsFine) {
  const auto encoded = encode(one_of_each()[5]);
  Bytes shifted(1);
  const auto payload = payload_of(*encoded);
  shifted.insert(shifted.end(), payload.begin(), payload.end());
  EXPECT_TRUE(decode(ByteSpan(shifted).subspan(1)));
}

TEST(FrameReader, CutsAStreamByteByByte) {
  Bytes stream;
  for (const Frame& frame : one_of_each()) {
    const auto encoded = encode(frame);
    stream.insert(stream.end(), encoded->begin(), encoded->end());
  }
  FrameReader reader;
  std::vector<Frame> frames;
  for (const std::byte byte : stream) {
    reader.feed({&byte, 1});
    auto next = reader.next();
    ASSERT_TRUE(next);
    if (*next) frames.push_back(*decode(**next));
  }
  EXPECT_TRUE(frames == one_of_each());
  EXPECT_EQ(reader.buffered(), 0U);
  // All at once.
  FrameReader again;
  again.feed(stream);
  std::size_t count = 0;
  while (*again.next()) ++count;
  EXPECT_EQ(count, frames.size());
}

TEST(FrameReader, RefusesLengthsOutsideTheLimit) {
  for (const std::uint32_t length : {0U, static_cast<std::uint32_t>(kFrameBytesMax) + 1, ~0U}) {
    Bytes bytes;
    ByteWriter(bytes).u32(length);
    FrameReader reader;
    reader.feed(bytes);
    EXPECT_FALSE(reader.next()) << length;
    reader.feed(bytes);
    EXPECT_FALSE(reader.next()) << "final";
    reader.clear();
    EXPECT_TRUE(reader.next());
  }
  Bytes most;
  ByteWriter(most).u32(static_cast<std::uint32_t>(kFrameBytesMax));
  FrameReader reader;
  reader.feed(most);
  const auto next = reader.next();
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->has_value());
}

}  // namespace
}  // namespace hotpair::rbs::wire
