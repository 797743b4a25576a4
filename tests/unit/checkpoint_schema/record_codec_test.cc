#include <random>

#include "tests/unit/checkpoint_schema/codec_fixture.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace gmp = mcast::gmp;
namespace mrib = mcast::mrib;

using Codec = CodecFixture;

gmp::MembershipRecord group_record(const char* g, LinkId link = kTrunk) {
  return gmp::GroupMembership{
      {link, group(g)},
      gmp::GroupValue{gmp::FilterMode::exclude, 2, false, true, std::nullopt,
                      address(group(g).family() == Family::ipv4 ? "10.1.2.3" : "fe80::7")}};
}
gmp::MembershipRecord source_record(const char* g, const char* s) {
  return gmp::SourceMembership{
      {kTrunk, group(g), address(s)},
      gmp::SourceValue{true, false, true,
                       gmp::LastMemberQuery{2, std::chrono::milliseconds(1000)}}};
}

// ---- golden bytes: they are on disks and at peers, and must never change ----

TEST_F(Codec, keys_golden) {
  const auto key = [this](ScopeId scope, const gmp::MembershipRecord& record) {
    return hex(codec.encode(scope, record).value().key.key);
  };
  //                                     tag backup-id Eth-Trunk group    kind
  EXPECT_EQ(key(kScope, group_record("225.1.1.1")), "01" "00000011" "00000001" "e1010101" "00");
  EXPECT_EQ(key(kScope, source_record("232.1.1.1", "10.0.0.9")),
            "01" "00000011" "00000001" "e8010101" "01" "0a000009");
  EXPECT_EQ(key(kScope, group_record("ff3e::1234")),
            "01" "00000011" "00000001" "ff3e0000000000000000000000001234" "00");
  EXPECT_EQ(key(kScope, source_record("ff3e::1234", "2001:db8::9")),
            "01" "00000011" "00000001" "ff3e0000000000000000000000001234" "01"
            "20010db8000000000000000000000009");
  //                                         tag size "Eth-Trunk1"
  EXPECT_EQ(key(kWholeNode, group_record("225.1.1.1")),
            "02" "0a" "4574682d5472756e6b31" "e1010101" "00");
  const mrib::DataDrivenEvent event{kScope, VrfId(0), group("225.1.1.1"), address("10.0.0.9"),
                                    mrib::DataDrivenKind::lhr_spt};
  EXPECT_EQ(hex(codec.encode(event).key.key), "e1010101" "0a000009");
}

TEST_F(Codec, databases_families_and_vrfs) {
  const auto igmp = codec.encode(kScope, group_record("225.1.1.1")).value().key;
  EXPECT_EQ(igmp.database, 16);
  EXPECT_EQ(igmp.family, Family::ipv4);
  const auto mld = codec.encode(kScope, group_record("ff3e::1")).value().key;
  EXPECT_EQ(mld.database, 17);
  EXPECT_EQ(mld.family, Family::ipv6);
  const auto event = codec.encode(mrib::DataDrivenKey{kScope, VrfId(4), group("ff3e::1"),
                                                      address("2001:db8::1")}).key;
  EXPECT_EQ(event.database, 6);
  EXPECT_EQ(event.family, Family::ipv6);
  EXPECT_EQ(event.vrf, VrfId(4));
}

TEST_F(Codec, values_golden) {
  const auto value = [this](const gmp::MembershipRecord& record) {
    const auto change = codec.encode(kScope, record).value();
    EXPECT_EQ(change.value->schema_version, 1);
    return hex(change.value->bytes);
  };
  // struct pointer (1 data word, 1 pointer) | exclude, dynamic | older 2 | left 0 | interval 0 |
  // list pointer to 4 bytes | 10.1.2.3
  EXPECT_EQ(value(group_record("225.1.1.1")),
            "0000000001000100" "0502000000000000" "0100000022000000" "0a01020300000000");
  // struct pointer (1 data word) | forwarding, dynamic, query | left 2 | 1 000 000 us
  EXPECT_EQ(value(source_record("232.1.1.1", "10.0.0.9")),
            "0000000001000000" "0d02000040420f00");
  const mrib::DataDrivenEvent event{kScope, VrfId(0), group("225.1.1.1"), address("10.0.0.9"),
                                    mrib::DataDrivenKind::lhr_spt};
  EXPECT_EQ(hex(codec.encode(event).value->bytes), "0000000001000000" "0200000000000000");
}

// ---- round trips ----

TEST_F(Codec, membership_round_trip_over_all_fields) {
  std::vector<gmp::MembershipRecord> records;
  for (const char* g : {"239.255.255.255", "ff3e:1::2"}) {
    const IpAddress none = IpAddress::any(group(g).family());
    const IpAddress host = address(group(g).family() == Family::ipv4 ? "10.1.2.3" : "fe80::7");
    for (const auto mode : {gmp::FilterMode::include, gmp::FilterMode::exclude})
      for (std::uint8_t older = 0; older < 3; ++older)
        for (const bool flag : {false, true})
          for (const IpAddress& reporter : {none, host})
            for (const auto& query :
                 {std::optional<gmp::LastMemberQuery>(),
                  std::optional(gmp::LastMemberQuery{7, std::chrono::milliseconds(25'500)})}) {
              records.push_back(gmp::GroupMembership{
                  {kTrunk, group(g)}, gmp::GroupValue{mode, older, flag, !flag, query, reporter}});
              records.push_back(gmp::SourceMembership{{kTrunk, group(g), host},
                                                      gmp::SourceValue{flag, !flag, flag, query}});
            }
    records.push_back(gmp::GroupMembership{{kTrunk, group(g)}, std::nullopt});
    records.push_back(gmp::SourceMembership{{kTrunk, group(g), host}, std::nullopt});
  }
  for (const auto& record : records)
    for (const ScopeId scope : {kScope, kWholeNode}) {
      const RecordChange change = codec.encode(scope, record).value();
      const auto back = codec.decode_membership(scope, change);
      ASSERT_TRUE(back) << back.error().detail;
      EXPECT_EQ(*back, record);
    }
  for (const std::uint64_t count : codec.rejects()) EXPECT_EQ(count, 0U);
}

TEST_F(Codec, data_driven_round_trip) {
  for (const char* g : {"225.1.1.1", "ff3e::1"})
    for (const auto kind : {mrib::DataDrivenKind::fhr, mrib::DataDrivenKind::lhr_spt}) {
      const IpAddress source =
          address(group(g).family() == Family::ipv4 ? "10.0.0.9" : "2001:db8::9");
      const mrib::DataDrivenEvent event{kScope, VrfId(2), group(g), source, kind};
      EXPECT_EQ(codec.decode_data_driven(kScope, codec.encode(event)).value(),
                DataDrivenChange(event));
      const mrib::DataDrivenKey key{kScope, VrfId(2), group(g), source};
      EXPECT_EQ(codec.encode(key).key, codec.encode(event).key);
      EXPECT_EQ(codec.decode_data_driven(kScope, codec.encode(key)).value(), DataDrivenChange(key));
    }
}

TEST_F(Codec, long_intervals_are_bounded) {
  auto record = source_record("232.1.1.1", "10.0.0.9");
  std::get<gmp::SourceMembership>(record).value->query->interval = std::chrono::hours(100);
  const auto back = codec.decode_membership(kScope, codec.encode(kScope, record).value()).value();
  EXPECT_EQ(std::get<gmp::SourceMembership>(back).value->query->interval,
            std::chrono::microseconds(0xffffffff));
}

// ---- who may name what ----

TEST_F(Codec, the_peer_calls_the_same_trunk_by_another_number) {
  RecordCodec peer;
  ASSERT_TRUE(peer.links().bind(LinkId(44), {VrfId(0), "Eth-Trunk9", TrunkRef{17, 1}}));
  const auto change = codec.encode(kScope, group_record("225.1.1.1")).value();
  const auto there = peer.decode_membership(kScope, change).value();
  EXPECT_EQ(std::get<gmp::GroupMembership>(there).key.link, LinkId(44));
  EXPECT_EQ(peer.encode(kScope, there).value(), change);
}

TEST_F(Codec, only_bound_interfaces_appear_in_a_scope) {
  EXPECT_EQ(codec.encode(kScope, group_record("225.1.1.1", kUplink)).error().code,
            ErrorCode::refused);
  EXPECT_EQ(codec.encode(ScopeId(18), group_record("225.1.1.1")).error().code, ErrorCode::refused);
  EXPECT_EQ(codec.encode(kScope, group_record("225.1.1.1", LinkId(9))).error().code,
            ErrorCode::not_found);
  EXPECT_TRUE(codec.encode(kWholeNode, group_record("225.1.1.1", kUplink)));
}

TEST_F(Codec, unknown_names_are_counted) {
  const auto change = codec.encode(kScope, group_record("225.1.1.1")).value();
  EXPECT_EQ(RecordCodec().decode_membership(kScope, change).error().code, ErrorCode::not_found);
  EXPECT_EQ(codec.decode_membership(ScopeId(18), change).error().code, ErrorCode::not_found);
  RecordChange other_vrf = change;
  other_vrf.key.vrf = VrfId(5);
  EXPECT_EQ(codec.decode_membership(kScope, other_vrf).error().code, ErrorCode::not_found);
  EXPECT_EQ(rejects(DecodeReject::unknown_link), 2U);
  // A name where the scope asks for a trunk, and the other way round, is no key at all.
  EXPECT_EQ(codec.decode_membership(kWholeNode, change).error().code, ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::bad_key), 1U);
  codec.reset_counters();
  EXPECT_EQ(rejects(DecodeReject::bad_key), 0U);
}

TEST_F(Codec, a_range_holds_all_of_one_interface_and_nothing_else) {
  ASSERT_TRUE(codec.links().bind(LinkId(3), {VrfId(0), "Eth-Trunk2", TrunkRef{17, 2}}));
  const KeyRange range = codec.membership_range(kScope, kTrunk, Family::ipv4).value();
  const auto inside = [&range](const RecordKey& key) {
    return range.after < key && key <= range.through;
  };
  EXPECT_TRUE(inside(codec.encode(kScope, group_record("224.0.0.0")).value().key));
  EXPECT_TRUE(inside(codec.encode(kScope, group_record("239.255.255.255")).value().key));
  EXPECT_TRUE(inside(
      codec.encode(kScope, source_record("239.255.255.255", "223.255.255.255")).value().key));
  EXPECT_FALSE(inside(codec.encode(kScope, group_record("225.1.1.1", LinkId(3))).value().key));
  EXPECT_FALSE(inside(codec.encode(kScope, group_record("ff3e::1")).value().key));
  const KeyRange six = codec.membership_range(kScope, kTrunk, Family::ipv6).value();
  const auto high = codec.encode(
      kScope, source_record("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::1")).value().key;
  EXPECT_TRUE(six.after < high && high <= six.through);
  EXPECT_FALSE(codec.membership_range(ScopeId(3), kTrunk, Family::ipv4));
}

// ---- bad input ----

TEST_F(Codec, versions_databases_and_values_are_checked) {
  const auto good = codec.encode(kScope, group_record("225.1.1.1")).value();
  RecordChange bad = good;
  bad.value->schema_version = 2;
  EXPECT_EQ(codec.decode_membership(kScope, bad).error().code, ErrorCode::unsupported);
  bad = good;
  bad.key.database = 17;
  EXPECT_FALSE(codec.decode_membership(kScope, bad));
  EXPECT_FALSE(codec.decode_data_driven(kScope, good));
  EXPECT_EQ(rejects(DecodeReject::wrong_database), 2U);
  for (const std::size_t size : {0U, 7U, 8U, 12U, 24U}) {
    bad = good;
    bad.value->bytes.resize(size);
    static_cast<void>(codec.decode_membership(kScope, bad));
  }
  bad = good;
  bad.value->bytes.clear();
  EXPECT_EQ(codec.decode_membership(kScope, bad).error().code, ErrorCode::malformed);
  bad = good;
  bad.value->bytes[16] = std::byte{0x7d};  // the reporter's pointer leads out of the segment
  EXPECT_EQ(codec.decode_membership(kScope, bad).error().code, ErrorCode::malformed);
  bad = good;
  bad.value->bytes[9] = std::byte{9};  // host version
  EXPECT_EQ(codec.decode_membership(kScope, bad).error().code, ErrorCode::malformed);
  auto event = codec.encode(mrib::DataDrivenEvent{kScope, VrfId(0), group("225.1.1.1"),
                                                  address("10.0.0.9"), mrib::DataDrivenKind::fhr});
  event.value->bytes[8] = std::byte{3};
  EXPECT_EQ(codec.decode_data_driven(kScope, event).error().code, ErrorCode::malformed);
}

TEST_F(Codec, keys_of_every_other_length_are_refused) {
  for (const auto& record : {group_record("225.1.1.1"), source_record("ff3e::1", "2001:db8::9")}) {
    const auto good = codec.encode(kScope, record).value();
    for (std::size_t size = 0; size < good.key.key.size() + 3; ++size) {
      if (size == good.key.key.size()) continue;
      RecordChange bad = good;
      bad.key.key.resize(size);
      EXPECT_FALSE(codec.decode_membership(kScope, bad)) << size;
    }
  }
}

TEST_F(Codec, addresses_that_cannot_be_are_refused) {
  auto change = codec.encode(kScope, group_record("225.1.1.1")).value();
  change.key.key[9] = std::byte{10};  // 10.1.1.1 is no group
  EXPECT_EQ(codec.decode_membership(kScope, change).error().code, ErrorCode::malformed);
  auto source = codec.encode(kScope, source_record("232.1.1.1", "10.0.0.9")).value();
  source.key.key[14] = std::byte{0xe0};  // 224.0.0.9 is no source
  EXPECT_EQ(codec.decode_membership(kScope, source).error().code, ErrorCode::malformed);
}

TEST_F(Codec, a_newer_value_with_more_fields_still_reads) {
  auto change = codec.encode(kScope, source_record("232.1.1.1", "10.0.0.9")).value();
  Bytes& bytes = change.value->bytes;
  bytes[4] = std::byte{2};  // two data words
  bytes.resize(bytes.size() + 8, std::byte{0xee});
  EXPECT_TRUE(codec.decode_membership(kScope, change));
}

TEST_F(Codec, random_bytes_never_do_harm) {
  std::mt19937 random(7);
  const auto good = codec.encode(kScope, group_record("225.1.1.1")).value();
  const auto event = codec.encode(mrib::DataDrivenEvent{
      kScope, VrfId(0), group("225.1.1.1"), address("10.0.0.9"), mrib::DataDrivenKind::fhr});
  for (int i = 0; i < 5000; ++i) {
    RecordChange bad = i % 2 == 0 ? good : event;
    Bytes& part = random() % 3 == 0 ? bad.key.key : bad.value->bytes;
    for (auto n = 1 + random() % 3; n > 0; --n)
      part[random() % part.size()] = static_cast<std::byte>(random());
    static_cast<void>(codec.decode_membership(kScope, bad));
    static_cast<void>(codec.decode_data_driven(kScope, bad));
  }
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
