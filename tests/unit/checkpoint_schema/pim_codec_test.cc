#include <algorithm>
#include <array>
#include <random>

#include "tests/unit/checkpoint_schema/codec_fixture.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;
using pim::JoinPruneState;
using pim::TreeKey;

using PimCodec = CodecFixture;

TreeKey shared(const char* g) { return {group(g), std::nullopt, false}; }
TreeKey own(const char* g, const char* s) { return {group(g), address(s), false}; }
TreeKey rpt(const char* g, const char* s) { return {group(g), address(s), true}; }

pim::JoinPruneRecord record(const TreeKey& tree, LinkId link = kTrunk,
                            std::uint16_t holdtime_s = 210) {
  return {{link, tree}, {tree.rpt ? JoinPruneState::pruned : JoinPruneState::joined, holdtime_s}};
}
pim::IdentityRecord identity(Family family, LinkId link = kUplink) {
  return {{link, family},
          pim::IdentityValue{0x01020304, 100,
                             address(family == Family::ipv4 ? "10.1.2.3" : "fe80::7")}};
}

// ---- golden bytes ----

TEST_F(PimCodec, join_prune_keys_golden) {
  const auto key = [this](ScopeId scope, const TreeKey& tree) {
    return hex(codec.encode(scope, record(tree)).value().key.key);
  };
  //                                       tag backup-id Eth-Trunk group (*,G)
  EXPECT_EQ(key(kScope, shared("225.1.1.1")), "01" "00000011" "00000001" "e1010101" "00");
  //                                                                       source     tree
  EXPECT_EQ(key(kScope, own("225.1.1.1", "10.0.0.9")),
            "01" "00000011" "00000001" "e1010101" "01" "0a000009" "00");
  EXPECT_EQ(key(kScope, rpt("225.1.1.1", "10.0.0.9")),
            "01" "00000011" "00000001" "e1010101" "01" "0a000009" "01");
  EXPECT_EQ(key(kScope, own("ff3e::1234", "2001:db8::9")),
            "01" "00000011" "00000001" "ff3e0000000000000000000000001234" "01"
            "20010db8000000000000000000000009" "00");
  EXPECT_EQ(key(kWholeNode, shared("225.1.1.1")),
            "02" "0a" "4574682d5472756e6b31" "e1010101" "00");
}

TEST_F(PimCodec, values_golden) {
  const auto change = codec.encode(kScope, record(rpt("225.1.1.1", "10.0.0.9"))).value();
  EXPECT_EQ(change.key.database, 18);
  EXPECT_EQ(change.key.family, Family::ipv4);
  EXPECT_EQ(change.value->schema_version, 1);
  // struct pointer (1 data word) | state 3 | holdtime 210
  EXPECT_EQ(hex(change.value->bytes), "0000000001000000" "0300d20000000000");
  const auto v6 = codec.encode(kScope, record(shared("ff3e:1::2"))).value();
  EXPECT_EQ(v6.key.database, 18);
  EXPECT_EQ(v6.key.family, Family::ipv6);

  const auto who = codec.encode(kWholeNode, identity(Family::ipv4)).value();
  EXPECT_EQ(who.key.database, 7);
  EXPECT_EQ(hex(who.key.key), "02" "14" "4769676162697445746865726e6574302f312f30");
  // struct pointer (1 data word, 1 pointer) | generation id | DR priority | list of 4 bytes
  EXPECT_EQ(hex(who.value->bytes),
            "0000000001000100" "0403020164000000" "0100000022000000" "0a01020300000000");
}

// ---- order and ranges ----

TEST_F(PimCodec, byte_order_is_the_order_of_trees) {
  std::vector<TreeKey> trees{shared("225.1.1.1"),          own("225.1.1.1", "10.0.0.1"),
                             rpt("225.1.1.1", "10.0.0.1"), own("225.1.1.1", "10.0.0.2"),
                             rpt("225.1.1.1", "10.0.0.3"), shared("225.1.1.2"),
                             own("226.0.0.0", "9.0.0.1")};
  ASSERT_TRUE(std::ranges::is_sorted(trees));
  for (std::size_t i = 0; i + 1 < trees.size(); ++i)
    EXPECT_LT(codec.encode(kScope, record(trees[i])).value().key,
              codec.encode(kScope, record(trees[i + 1])).value().key)
        << i;
}

TEST_F(PimCodec, a_range_holds_all_trees_of_one_interface) {
  ASSERT_TRUE(codec.links().bind(LinkId(3), {VrfId(0), "Eth-Trunk2", TrunkRef{17, 2}}));
  const KeyRange range = codec.join_prune_range(kScope, kTrunk, Family::ipv4).value();
  const auto inside = [&](const pim::JoinPruneRecord& one) {
    const RecordKey key = codec.encode(kScope, one).value().key;
    return range.after < key && key <= range.through;
  };
  EXPECT_TRUE(inside(record(shared("224.0.1.0"))));
  EXPECT_TRUE(inside(record(rpt("239.255.255.255", "223.255.255.255"))));
  EXPECT_FALSE(inside(record(shared("225.1.1.1"), LinkId(3))));
  EXPECT_FALSE(inside(record(shared("ff3e::1"))));
  EXPECT_FALSE(codec.join_prune_range(kScope, kUplink, Family::ipv4));
}

// ---- round trips ----

TEST_F(PimCodec, join_prune_round_trip_over_all_states) {
  for (const TreeKey& tree : {shared("225.1.1.1"), own("232.1.1.1", "10.0.0.9"),
                              rpt("225.1.1.1", "10.0.0.9"), shared("ff3e:1::2"),
                              own("ff3e:1::2", "2001:db8::9"), rpt("ff0e::2", "2001:db8::9")})
    for (const auto state : {tree.rpt ? JoinPruneState::pruned : JoinPruneState::joined,
                             JoinPruneState::prune_pending})
      for (const std::uint16_t holdtime_s : std::array<std::uint16_t, 3>{1, 210, 0xffff})
        for (const ScopeId scope : {kScope, kWholeNode}) {
          const pim::JoinPruneRecord one{{kTrunk, tree}, {state, holdtime_s}};
          const auto change = codec.encode(scope, one).value();
          EXPECT_EQ(codec.decode_join_prune(scope, change).value(), JoinPruneChange(one));
          const auto gone = codec.encode(scope, one.key).value();
          EXPECT_FALSE(gone.value);
          EXPECT_EQ(gone.key, change.key);
          EXPECT_EQ(codec.decode_join_prune(scope, gone).value(), JoinPruneChange(one.key));
        }
  EXPECT_EQ(all_rejects(), 0U);
}

TEST_F(PimCodec, identity_round_trip) {
  const auto restored = [&](const pim::IdentityRecord& one) {
    return codec.decode_identity(kWholeNode, codec.encode(kWholeNode, one).value()).value();
  };
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const LinkId link : {kUplink, kTrunk}) {
      pim::IdentityRecord one = identity(family, link);
      EXPECT_EQ(restored(one), one);
      one.value = pim::IdentityValue{0, 0xffffffff, IpAddress::any(family)};
      EXPECT_EQ(restored(one), one);
      one.value.reset();
      EXPECT_EQ(restored(one), one);
    }
  EXPECT_EQ(all_rejects(), 0U);
}

TEST_F(PimCodec, the_peer_calls_the_same_trunk_by_another_number) {
  RecordCodec peer;
  ASSERT_TRUE(peer.links().bind(LinkId(44), {VrfId(0), "Eth-Trunk9", TrunkRef{17, 1}}));
  const auto change = codec.encode(kScope, record(shared("225.1.1.1"))).value();
  const auto there = peer.decode_join_prune(kScope, change).value();
  EXPECT_EQ(std::get<pim::JoinPruneRecord>(there), record(shared("225.1.1.1"), LinkId(44)));
}

TEST_F(PimCodec, random_records_survive_and_keep_their_order) {
  std::mt19937 random(18);
  const auto byte = [&] { return static_cast<unsigned>(random() % 256); };
  std::vector<std::pair<RecordKey, pim::JoinPruneKey>> seen;
  for (int i = 0; i < 2000; ++i) {
    const Group g =
        Group::from(IpAddress::v4(0xe1000000U + (static_cast<std::uint32_t>(random()) & 0xffffffU)))
            .value();
    const std::uint32_t source = ((1U + byte() % 100U) << 24U) | (byte() << 8U) | byte();
    TreeKey tree{g, std::nullopt, false};
    if (random() % 3 != 0) {
      tree.source = IpAddress::v4(source);
      tree.rpt = random() % 2 == 0;
    }
    const auto one = record(tree, kTrunk, static_cast<std::uint16_t>(1 + random() % 0xffff));
    const auto change = codec.encode(kScope, one).value();
    ASSERT_EQ(codec.decode_join_prune(kScope, change).value(), JoinPruneChange(one));
    seen.emplace_back(change.key, one.key);
  }
  std::ranges::sort(seen, {}, &decltype(seen)::value_type::first);
  EXPECT_TRUE(std::ranges::is_sorted(seen, {}, &decltype(seen)::value_type::second));
}

// ---- who may name what ----

TEST_F(PimCodec, interfaces_must_be_known_and_of_the_scope) {
  EXPECT_EQ(codec.encode(kScope, record(shared("225.1.1.1"), kUplink)).error().code,
            ErrorCode::refused);
  EXPECT_EQ(codec.encode(kScope, record(shared("225.1.1.1"), LinkId(9))).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(codec.encode(kWholeNode, identity(Family::ipv4, LinkId(9))).error().code,
            ErrorCode::not_found);
  const auto change = codec.encode(kScope, record(shared("225.1.1.1"))).value();
  EXPECT_EQ(RecordCodec().decode_join_prune(kScope, change).error().code, ErrorCode::not_found);
  EXPECT_EQ(codec.decode_join_prune(ScopeId(18), change).error().code, ErrorCode::not_found);
  EXPECT_EQ(codec.decode_join_prune(kWholeNode, change).error().code, ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::unknown_link), 1U);
  EXPECT_EQ(rejects(DecodeReject::bad_key), 1U);
}

TEST_F(PimCodec, an_identity_is_of_the_whole_node_or_of_the_scope_of_its_link) {
  const auto change = codec.encode(kWholeNode, identity(Family::ipv4)).value();
  EXPECT_EQ(codec.decode_identity(kScope, change).error().code, ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::bad_key), 1U);
  const auto shared = codec.encode(kScope, identity(Family::ipv4, kTrunk)).value();
  EXPECT_EQ(codec.decode_identity(kScope, shared).value(), identity(Family::ipv4, kTrunk));
  EXPECT_EQ(codec.decode_identity(kWholeNode, shared).error().code, ErrorCode::malformed);
  EXPECT_EQ(codec.encode(kScope, identity(Family::ipv4)).error().code, ErrorCode::refused);
  EXPECT_EQ(RecordCodec().decode_identity(kWholeNode, change).error().code, ErrorCode::not_found);
}

TEST_F(PimCodec, trees_that_cannot_be_are_not_written) {
  const auto code = [this](const TreeKey& tree) {
    return codec.encode(kScope, record(tree)).error().code;
  };
  EXPECT_EQ(code(shared("224.0.0.5")), ErrorCode::refused);
  EXPECT_EQ(code(shared("ff02::1:3")), ErrorCode::refused);
  EXPECT_EQ(code({group("225.1.1.1"), std::nullopt, true}), ErrorCode::refused);
  EXPECT_EQ(code(own("225.1.1.1", "2001:db8::1")), ErrorCode::refused);
  EXPECT_EQ(code(own("225.1.1.1", "225.1.1.2")), ErrorCode::refused);
  EXPECT_EQ(code(own("225.1.1.1", "127.0.0.1")), ErrorCode::refused);
  auto who = identity(Family::ipv6);
  who.value->address = address("2001:db8::1");  // PIM speaks from link-local addresses
  EXPECT_EQ(codec.encode(kWholeNode, who).error().code, ErrorCode::refused);
  who.value->address = address("10.1.2.3");
  EXPECT_EQ(codec.encode(kWholeNode, who).error().code, ErrorCode::refused);
}

// ---- bad input ----

TEST_F(PimCodec, keys_that_cannot_be_are_refused) {
  const auto good = codec.encode(kScope, record(rpt("225.1.1.1", "10.0.0.9"))).value();
  for (std::size_t size = 0; size < good.key.key.size() + 3; ++size) {
    if (size == good.key.key.size()) continue;
    RecordChange bad = good;
    bad.key.key.resize(size);
    EXPECT_FALSE(codec.decode_join_prune(kScope, bad)) << size;
  }
  codec.reset_counters();
  const auto with = [&](std::size_t at, unsigned value) {
    RecordChange bad = good;
    bad.key.key[at] = static_cast<std::byte>(value);
    return codec.decode_join_prune(kScope, bad).error().code;
  };
  EXPECT_EQ(with(9, 10), ErrorCode::malformed);    // 10.1.1.1 is no group
  EXPECT_EQ(with(13, 2), ErrorCode::malformed);    // neither shared tree nor source
  EXPECT_EQ(with(14, 224), ErrorCode::malformed);  // 224.0.0.9 is no source
  EXPECT_EQ(with(14, 127), ErrorCode::malformed);
  EXPECT_EQ(with(18, 2), ErrorCode::malformed);  // neither own nor shared tree
  EXPECT_EQ(rejects(DecodeReject::bad_key), 5U);
  auto who = codec.encode(kWholeNode, identity(Family::ipv4)).value();
  who.key.key.push_back(std::byte{0});
  EXPECT_EQ(codec.decode_identity(kWholeNode, who).error().code, ErrorCode::malformed);
}

TEST_F(PimCodec, values_that_do_not_fit_are_refused) {
  const auto with = [&](const TreeKey& tree, unsigned state, unsigned holdtime) {
    auto bad = codec.encode(kScope, record(tree)).value();
    bad.value->bytes[8] = static_cast<std::byte>(state);
    bad.value->bytes[10] = static_cast<std::byte>(holdtime);
    return codec.decode_join_prune(kScope, bad).has_value();
  };
  for (const TreeKey& tree : {shared("225.1.1.1"), own("225.1.1.1", "10.0.0.9")}) {
    EXPECT_TRUE(with(tree, 1, 210) && with(tree, 2, 1));
    for (const unsigned state : {0U, 3U, 4U, 255U}) EXPECT_FALSE(with(tree, state, 210)) << state;
    EXPECT_FALSE(with(tree, 1, 0));
  }
  const TreeKey pruned = rpt("225.1.1.1", "10.0.0.9");
  EXPECT_TRUE(with(pruned, 3, 210) && with(pruned, 2, 210));
  EXPECT_FALSE(with(pruned, 1, 210));
  EXPECT_EQ(rejects(DecodeReject::bad_value), 11U);
  auto who = codec.encode(kWholeNode, identity(Family::ipv4)).value();
  who.value->bytes[24] = std::byte{224};  // 224.1.2.3
  EXPECT_EQ(codec.decode_identity(kWholeNode, who).error().code, ErrorCode::malformed);
  who.value->bytes[20] = std::byte{0x1a};  // an address of 3 bytes
  EXPECT_EQ(codec.decode_identity(kWholeNode, who).error().code, ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::bad_value), 13U);
}

TEST_F(PimCodec, databases_and_versions_are_checked) {
  const auto good = codec.encode(kScope, record(shared("225.1.1.1"))).value();
  const auto who = codec.encode(kWholeNode, identity(Family::ipv4)).value();
  EXPECT_EQ(codec.decode_identity(kScope, good).error().code, ErrorCode::malformed);
  EXPECT_EQ(codec.decode_join_prune(kWholeNode, who).error().code, ErrorCode::malformed);
  EXPECT_EQ(codec.decode_membership(kScope, good).error().code, ErrorCode::malformed);
  RecordChange bad = good;
  bad.key.family = static_cast<Family>(5);
  EXPECT_EQ(codec.decode_join_prune(kScope, bad).error().code, ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::wrong_database), 4U);
  bad = good;
  bad.value->schema_version = 2;
  EXPECT_EQ(codec.decode_join_prune(kScope, bad).error().code, ErrorCode::unsupported);
  bad = who;
  bad.value->schema_version = 0;
  EXPECT_EQ(codec.decode_identity(kWholeNode, bad).error().code, ErrorCode::unsupported);
  EXPECT_EQ(rejects(DecodeReject::unknown_version), 2U);
}

TEST_F(PimCodec, a_newer_value_with_more_fields_still_reads) {
  auto change = codec.encode(kScope, record(shared("225.1.1.1"))).value();
  change.value->bytes[4] = std::byte{2};  // two data words
  change.value->bytes.resize(change.value->bytes.size() + 8, std::byte{0xee});
  EXPECT_EQ(codec.decode_join_prune(kScope, change).value(),
            JoinPruneChange(record(shared("225.1.1.1"))));
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
