#include <algorithm>
#include <array>
#include <random>

#include "checkpoint/record/floating_scope.h"
#include "tests/unit/checkpoint_schema/codec_fixture.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace rp = mcast::rp;
namespace wire = mcast::wire;

using RpCodec = CodecFixture;

const rp::ScopeZone kDomain;
const rp::ScopeZone kZone = prefix("239.1.0.0/16");

rp::RpMappingRecord mapping(const rp::ScopeZone& zone = kDomain, const char* range = "225.0.0.0/8",
                            const char* address_of_rp = "10.0.0.5") {
  const IpAddress who = address(address_of_rp);
  return {{VrfId(0), rp::RpSource::bootstrap, zone, prefix(range), who},
          rp::RpMappingValue{192, 150, false, IpAddress::any(who.family())}};
}
rp::RpMappingRecord announced() {
  return {{VrfId(2), rp::RpSource::auto_rp, kDomain, prefix("224.0.0.0/4"), address("10.0.0.5")},
          rp::RpMappingValue{0, 180, true, address("10.0.0.6")}};
}
rp::BsrZoneRecord zone_state(const rp::ScopeZone& zone = kDomain) {
  return {{VrfId(0), Family::ipv4, zone},
          rp::BsrZoneValue{rp::BsrState::accept_preferred, rp::BsrWeight{64, address("10.0.0.7")},
                           30}};
}
/// Two RPs of one range, the second in a later fragment.
wire::PimBootstrap message(const rp::ScopeZone& zone = kDomain) {
  wire::PimBootstrap result{.fragment_tag = 0x1234,
                            .hash_mask_length = 30,
                            .bsr_priority = 64,
                            .bsr = address("10.0.0.7"),
                            .ranges = {}};
  const IpPrefix range = zone.value_or(prefix("224.0.0.0/4"));
  result.ranges.push_back({.range = {.address = range.address,
                                     .mask_length = range.length,
                                     .scope_zone = zone.has_value()},
                           .rp_count = 2,
                           .rps = {{address("10.0.0.5"), 150, 192}}});
  return result;
}
rp::BsrFragmentRecord fragment(const rp::ScopeZone& zone = kDomain, std::uint16_t index = 0) {
  return {{{VrfId(0), Family::ipv4, zone}, index}, message(zone)};
}
rp::AutoRpAgentRecord agent(LinkId link = kUplink) {
  return {{VrfId(0), link, address("10.0.0.6")}, rp::AutoRpAgentValue{180}};
}

TEST_F(RpCodec, bidirectional_mapping) {
  rp::RpMappingRecord record = mapping();
  record.value->bidir = true;
  const auto change = codec.encode(rp::RpRecord{record});
  ASSERT_TRUE(change);
  EXPECT_EQ(std::get<rp::RpMappingRecord>(codec.decode_rp(kWholeNode, *change).value()), record);
  rp::RpMappingRecord six = mapping(kDomain, "ff3e::/16", "2001:db8::5");
  six.value->bidir = true;
  EXPECT_FALSE(codec.decode_rp(kWholeNode, codec.encode(rp::RpRecord{six}).value()))
      << "IPv4 only";
}

// ---- golden bytes ----

TEST_F(RpCodec, keys_golden) {
  const auto key = [this](const rp::RpRecord& record) {
    return hex(codec.encode(record).value().key.key);
  };
  //                          source domain  range      /8    RP
  EXPECT_EQ(key(mapping()), "02" "00" "e1000000" "08" "0a000005");
  //                                zone 239.1.0.0/16
  EXPECT_EQ(key(mapping(kZone, "239.1.2.0/24")),
            "02" "01" "ef010000" "10" "ef010200" "18" "0a000005");
  EXPECT_EQ(key(announced()), "03" "00" "e0000000" "04" "0a000005");
  EXPECT_EQ(key(mapping(kDomain, "ff00::/8", "2001:db8::5")),
            "02" "00" "ff000000000000000000000000000000" "08" "20010db8000000000000000000000005");
  //                             zone  state
  EXPECT_EQ(key(zone_state()), "00" "00");
  EXPECT_EQ(key(zone_state(kZone)), "01" "ef010000" "10" "00");
  //                                fragment index
  EXPECT_EQ(key(fragment(kDomain, 3)), "00" "01" "0003");
  EXPECT_EQ(key(fragment(kZone, 0x102)), "01" "ef010000" "10" "01" "0102");
  //                        tag size "GigabitEthernet0/1/0"           agent
  EXPECT_EQ(key(agent()), "02" "14" "4769676162697445746865726e6574302f312f30" "0a000006");
}

TEST_F(RpCodec, values_golden) {
  const auto value = [this](const rp::RpRecord& record) {
    const auto change = codec.encode(record).value();
    EXPECT_EQ(change.value->schema_version, 1);
    return hex(change.value->bytes);
  };
  // struct pointer (1 data word, 1 pointer) | priority 192 | holdtime 150 | told by nobody
  EXPECT_EQ(value(mapping()), "0000000001000100" "c000960000000000" "0000000000000000");
  // priority 0, negative | holdtime 180 | list of 4 bytes | 10.0.0.6
  EXPECT_EQ(value(announced()),
            "0000000001000100" "0001b40000000000" "0100000022000000" "0a00000600000000");
  // state 3, mask 30, priority 64 | list of 4 bytes | 10.0.0.7
  EXPECT_EQ(value(zone_state()),
            "0000000001000100" "031e400000000000" "0100000022000000" "0a00000700000000");
  // struct pointer (0 data words, 1 pointer) | list of 36 bytes | RFC 5059 4.1:
  // version and type, flags, checksum | tag | mask 30 | priority 64 | BSR | 224.0.0.0/4 | 2 RPs,
  // 1 here | RP | holdtime 150 | priority 192
  EXPECT_EQ(value(fragment()),
            "0000000000000100" "0100000022010000"
            "24000000" "1234" "1e" "40" "01000a000007" "01000004e0000000" "02010000"
            "01000a000005" "0096" "c000" "00000000");
  // struct pointer (1 data word) | holdtime 180
  EXPECT_EQ(value(agent()), "0000000001000000" "b400000000000000");
}

TEST_F(RpCodec, databases_families_and_vrfs) {
  const auto key = [this](const rp::RpRecord& record) { return codec.encode(record).value().key; };
  EXPECT_EQ(key(mapping()).database, 0);
  EXPECT_EQ(key(announced()).vrf, VrfId(2));
  EXPECT_EQ(key(mapping(kDomain, "ff00::/8", "2001:db8::5")).family, Family::ipv6);
  EXPECT_EQ(key(zone_state()).database, 2);
  EXPECT_EQ(key(fragment()).database, 2);
  EXPECT_EQ(key(agent()).database, 3);
  EXPECT_EQ(key(agent()).family, Family::ipv4);
}

TEST_F(RpCodec, byte_order_is_the_order_of_keys) {
  const auto key = [this](const rp::RpRecord& record) { return codec.encode(record).value().key; };
  // The domain before zones, the state of a zone before its fragments, these by index.
  const std::vector<RecordKey> keys{key(zone_state()),        key(fragment()),
                                    key(fragment(kDomain, 1)), key(fragment(kDomain, 256)),
                                    key(zone_state(kZone)),   key(fragment(kZone))};
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  std::vector<rp::RpMappingKey> mappings;
  for (const rp::ScopeZone& zone : {kDomain, kZone, rp::ScopeZone(prefix("239.1.0.0/17"))})
    for (const char* range : {"239.1.0.0/24", "239.1.0.0/25", "239.1.1.0/24"})
      for (const char* who : {"9.255.0.1", "10.0.0.5"})
        mappings.push_back(mapping(zone, range, who).key);
  ASSERT_TRUE(std::ranges::is_sorted(mappings));
  for (std::size_t i = 0; i + 1 < mappings.size(); ++i)
    EXPECT_LT(key(rp::RpMappingRecord{mappings[i], std::nullopt}),
              key(rp::RpMappingRecord{mappings[i + 1], std::nullopt}));
}

// ---- round trips ----

std::vector<rp::RpRecord> many_records() {
  std::vector<rp::RpRecord> records{announced(), zone_state(), zone_state(kZone), fragment(),
                                    fragment(kZone, 63), agent(), agent(kTrunk)};
  for (const std::uint8_t priority : std::array<std::uint8_t, 2>{0, 255})
    for (const std::uint16_t holdtime_s : std::array<std::uint16_t, 2>{0, 0xffff})
      for (const bool negative : {false, true}) {
        auto v4 = mapping(kZone, "239.1.2.0/24");
        auto v6 = mapping(rp::ScopeZone(prefix("ff05::/16")), "ff05::/16", "2001:db8::5");
        v4.value = {priority, holdtime_s, negative, IpAddress::any(Family::ipv4)};
        v6.value = {priority, holdtime_s, negative, IpAddress::any(Family::ipv6)};
        records.emplace_back(v4);
        records.emplace_back(v6);
      }
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (int state = 1; state <= 6; ++state) {
      const rp::BsrWeight bsr{255, address(family == Family::ipv4 ? "10.0.0.7" : "2001:db8::7")};
      const auto mask = static_cast<std::uint8_t>(bsr.address.bits());
      for (const auto& weight : {std::optional<rp::BsrWeight>(), std::optional(bsr)})
        records.emplace_back(
            rp::BsrZoneRecord{{VrfId(9), family, kDomain},
                              rp::BsrZoneValue{static_cast<rp::BsrState>(state), weight, mask}});
    }
  auto empty = fragment();
  empty.value->ranges.clear();
  records.emplace_back(empty);
  auto refresh = fragment(kDomain, 0xffff);
  refresh.value->no_forward = true;
  refresh.value->ranges.front().range.bidirectional = true;
  refresh.value->ranges.front().range.reserved = 0x2a;
  records.emplace_back(refresh);
  return records;
}

TEST_F(RpCodec, round_trip_over_all_fields) {
  for (const rp::RpRecord& record : many_records()) {
    const auto change = codec.encode(record).value();
    const auto back = codec.decode_rp(kWholeNode, change);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(*back, record);
    rp::RpRecord gone = record;
    std::visit([](auto& one) { one.value.reset(); }, gone);
    const auto removal = codec.encode(gone).value();
    EXPECT_EQ(removal.key, change.key);
    EXPECT_FALSE(removal.value);
    EXPECT_EQ(codec.decode_rp(kWholeNode, removal).value(), gone);
  }
  EXPECT_EQ(all_rejects(), 0U);
}

/// A fragment with as many RPs as asked for.
wire::PimBootstrap large(std::size_t ranges, std::size_t rps) {
  wire::PimBootstrap result = message();
  result.ranges.clear();
  for (std::size_t i = 0; i < ranges; ++i) {
    const auto low = static_cast<std::uint32_t>(i);
    wire::PimBootstrapRange range{
        .range = {.address = IpAddress::v4(0xe1000000U + (low << 8U)), .mask_length = 24},
        .rp_count = static_cast<std::uint8_t>(std::min<std::size_t>(rps, 255)),
        .rps = {}};
    for (std::size_t n = 0; n < rps; ++n)
      range.rps.push_back({IpAddress::v4(0x0a000001U + static_cast<std::uint32_t>(n)), 150, 1});
    result.ranges.push_back(std::move(range));
  }
  return result;
}

TEST_F(RpCodec, a_large_fragment_is_one_record_up_to_its_limit) {
  auto record = fragment();
  // 14 bytes and 12 for each range, 10 for each RP.
  record.value = large(3, 255);
  EXPECT_EQ(codec.decode_rp(kWholeNode, codec.encode(record).value()).value(),
            rp::RpRecord(record));
  record.value = large(12, 255);
  const auto change = codec.encode(record).value();
  EXPECT_GT(change.value->bytes.size(), 30'000U);
  EXPECT_LE(change.key.key.size() + change.value->bytes.size(), kRecordBytesMax);
  EXPECT_EQ(codec.decode_rp(kWholeNode, change).value(), rp::RpRecord(record));
  record.value = large(13, 255);
  EXPECT_EQ(codec.encode(record).error().code, ErrorCode::refused);
}

TEST_F(RpCodec, random_fragments_survive) {
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    auto record = fragment(kDomain, static_cast<std::uint16_t>(random()));
    record.value = large(random() % 20, random() % 20);
    record.value->fragment_tag = static_cast<std::uint16_t>(random());
    record.value->hash_mask_length = static_cast<std::uint8_t>(random() % 33);
    record.value->bsr_priority = static_cast<std::uint8_t>(random());
    for (auto& range : record.value->ranges) {
      range.rp_count = static_cast<std::uint8_t>(range.rps.size() + random() % 100);
      for (auto& one : range.rps) one.holdtime_s = static_cast<std::uint16_t>(random());
    }
    ASSERT_EQ(codec.decode_rp(kWholeNode, codec.encode(record).value()).value(),
              rp::RpRecord(record));
  }
}

// ---- what is not written ----

TEST_F(RpCodec, records_that_would_not_read_back_are_not_written) {
  const auto refused = [this](const rp::RpRecord& record) {
    const auto change = codec.encode(record);
    return !change && change.error().code == ErrorCode::refused;
  };
  auto one = mapping();
  one.key.source = rp::RpSource::configured;
  EXPECT_TRUE(refused(one));
  EXPECT_TRUE(refused(mapping(kDomain, "225.0.0.0/8", "2001:db8::5")));
  EXPECT_TRUE(refused(mapping(kDomain, "225.0.0.1/8")));
  EXPECT_TRUE(refused(mapping(kDomain, "10.0.0.0/8")));
  EXPECT_TRUE(refused(mapping(kDomain, "224.0.0.0/3")));
  EXPECT_TRUE(refused(mapping(kDomain, "225.0.0.0/8", "225.0.0.1")));
  EXPECT_TRUE(refused(mapping(rp::ScopeZone(prefix("239.1.0.1/16")))));
  one = announced();
  one.key.zone = kZone;
  EXPECT_TRUE(refused(one));
  one = announced();
  one.value->told_by = IpAddress();
  EXPECT_TRUE(refused(one));
  auto zone = zone_state();
  zone.value->hash_mask_length = 33;
  EXPECT_TRUE(refused(zone));
  zone = zone_state();
  zone.value->bsr->address = address("2001:db8::7");
  EXPECT_TRUE(refused(zone));
  auto who = agent();
  who.key.vrf = VrfId(4);
  EXPECT_TRUE(refused(who));
  who = agent();
  who.key.agent = address("2001:db8::6");
  EXPECT_TRUE(refused(who));
  EXPECT_EQ(codec.encode(agent(LinkId(9))).error().code, ErrorCode::not_found);
}

TEST_F(RpCodec, a_fragment_is_of_the_zone_of_its_key) {
  auto other = fragment();
  other.value = message(kZone);
  EXPECT_EQ(codec.encode(other).error().code, ErrorCode::refused);
  other = fragment(kZone);
  other.value = message();
  EXPECT_EQ(codec.encode(other).error().code, ErrorCode::refused);
  other.value = large(1, 256);  // would be cut
  other.key.zone.zone.reset();
  EXPECT_EQ(codec.encode(other).error().code, ErrorCode::refused);
  auto change = codec.encode(fragment(kZone)).value();
  change.key = codec.encode(fragment()).value().key;
  EXPECT_EQ(codec.decode_rp(kWholeNode, change).error().code, ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::bad_value), 1U);
}

// ---- bad input ----

TEST_F(RpCodec, keys_that_cannot_be_are_refused) {
  for (const rp::RpRecord& record :
       {rp::RpRecord(mapping(kZone, "239.1.2.0/24")), rp::RpRecord(zone_state(kZone)),
        rp::RpRecord(fragment(kZone)), rp::RpRecord(agent())}) {
    const auto good = codec.encode(record).value();
    for (std::size_t size = 0; size < good.key.key.size() + 4; ++size) {
      if (size == good.key.key.size()) continue;
      RecordChange bad = good;
      bad.key.key.resize(size);
      EXPECT_FALSE(codec.decode_rp(kWholeNode, bad)) << record.index() << ": " << size;
    }
  }
  codec.reset_counters();
  const auto with = [&](const rp::RpRecord& record, std::size_t at, unsigned value) {
    RecordChange bad = codec.encode(record).value();
    bad.key.key[at] = static_cast<std::byte>(value);
    return codec.decode_rp(kWholeNode, bad).error().code;
  };
  EXPECT_EQ(with(mapping(), 0, 1), ErrorCode::malformed);    // configured
  EXPECT_EQ(with(mapping(), 0, 4), ErrorCode::malformed);    // embedded
  EXPECT_EQ(with(mapping(), 1, 2), ErrorCode::malformed);    // neither domain nor zone
  EXPECT_EQ(with(mapping(), 2, 10), ErrorCode::malformed);   // 10.0.0.0/8
  EXPECT_EQ(with(mapping(), 6, 7), ErrorCode::malformed);    // 225.0.0.0/7 has host bits
  EXPECT_EQ(with(mapping(), 6, 33), ErrorCode::malformed);   // longer than the address
  EXPECT_EQ(with(mapping(), 7, 224), ErrorCode::malformed);  // a group as RP
  EXPECT_EQ(with(mapping(kZone, "239.1.2.0/24"), 0, 3), ErrorCode::malformed);  // Auto-RP zone
  EXPECT_EQ(with(fragment(), 1, 2), ErrorCode::malformed);
  EXPECT_EQ(with(agent(), 22, 127), ErrorCode::malformed);
  EXPECT_EQ(rejects(DecodeReject::bad_key), 10U);
  RecordChange six = codec.encode(agent()).value();
  six.key.family = Family::ipv6;
  EXPECT_EQ(codec.decode_rp(kWholeNode, six).error().code, ErrorCode::malformed);
}

TEST_F(RpCodec, values_that_cannot_be_are_refused) {
  const auto with = [&](const rp::RpRecord& record, std::size_t at, unsigned value) {
    RecordChange bad = codec.encode(record).value();
    bad.value->bytes[at] = static_cast<std::byte>(value);
    return codec.decode_rp(kWholeNode, bad).has_value();
  };
  for (const unsigned state : {0U, 7U, 255U}) EXPECT_FALSE(with(zone_state(), 8, state)) << state;
  EXPECT_TRUE(with(zone_state(), 9, 32));
  EXPECT_FALSE(with(zone_state(), 9, 33));
  EXPECT_FALSE(with(zone_state(), 24, 224));  // a group as BSR
  EXPECT_FALSE(with(announced(), 24, 127));   // told by 127.0.0.6
  EXPECT_FALSE(with(announced(), 20, 0x1a));  // an address of 3 bytes
  EXPECT_FALSE(with(fragment(), 16, 0x25));   // an Assert
  EXPECT_FALSE(with(fragment(), 16, 0x14));   // PIM version 1
  EXPECT_FALSE(with(fragment(), 22, 33));     // hash mask
  EXPECT_FALSE(with(fragment(), 26, 224));    // a group as BSR
  EXPECT_FALSE(with(fragment(), 39, 3));      // three RPs of two
  EXPECT_TRUE(with(fragment(), 18, 0xff));    // checksum
  EXPECT_EQ(rejects(DecodeReject::bad_value), 12U);
  EXPECT_EQ(all_rejects(), 12U);
}

TEST_F(RpCodec, every_length_of_every_value_is_judged) {
  for (const rp::RpRecord& record : many_records()) {
    const auto good = codec.encode(record).value();
    for (std::size_t size = 0; size < good.value->bytes.size(); ++size) {
      RecordChange bad = good;
      bad.value->bytes.resize(size);
      const auto read = codec.decode_rp(kWholeNode, bad);
      if (size == 0 || size % 8 != 0) EXPECT_FALSE(read) << size;
    }
  }
}

TEST_F(RpCodec, scopes_databases_and_versions_are_checked) {
  for (const rp::RpRecord& record : many_records()) {
    const auto good = codec.encode(record).value();
    EXPECT_EQ(codec.decode_rp(kScope, good).error().code, ErrorCode::malformed);
    RecordChange bad = good;
    bad.key.database = 4;
    EXPECT_EQ(codec.decode_rp(kWholeNode, bad).error().code, ErrorCode::malformed);
    bad = good;
    bad.value->schema_version = 2;
    EXPECT_EQ(codec.decode_rp(kWholeNode, bad).error().code, ErrorCode::unsupported);
  }
  EXPECT_EQ(rejects(DecodeReject::wrong_scope), many_records().size());
  EXPECT_EQ(rejects(DecodeReject::wrong_database), many_records().size());
  EXPECT_EQ(rejects(DecodeReject::unknown_version), many_records().size());
  const auto known = codec.encode(agent()).value();
  EXPECT_EQ(RecordCodec().decode_rp(kWholeNode, known).error().code, ErrorCode::not_found);
}

TEST_F(RpCodec, the_floating_pair_has_them_too) {
  ASSERT_TRUE(codec.links().bind(
      LinkId{3}, {VrfId(0), "GigabitEthernet0/1/5", TrunkRef{kFloatingPair.value(), 9}}));
  for (const rp::RpRecord& record : many_records()) {
    const auto change = codec.encode(kFloatingPair, record);
    if (std::holds_alternative<rp::AutoRpAgentRecord>(record)) {
      EXPECT_EQ(change.error().code, ErrorCode::refused) << "heard on an interface of one node";
      continue;
    }
    ASSERT_TRUE(change);
    EXPECT_EQ(change->key, codec.encode(record)->key);
    EXPECT_EQ(codec.decode_rp(kFloatingPair, *change).value(), record);
    EXPECT_EQ(codec.encode(kScope, record).error().code, ErrorCode::refused);
  }
  rp::AutoRpAgentRecord shared = agent();
  shared.key.link = LinkId{3};
  const auto change = codec.encode(kFloatingPair, shared);
  ASSERT_TRUE(change);
  EXPECT_EQ(codec.decode_rp(kFloatingPair, *change).value(), rp::RpRecord(shared));
}

TEST_F(RpCodec, newer_values_with_more_fields_still_read) {
  auto change = codec.encode(agent()).value();
  change.value->bytes[4] = std::byte{2};  // two data words
  change.value->bytes.resize(change.value->bytes.size() + 8, std::byte{0xee});
  EXPECT_EQ(codec.decode_rp(kWholeNode, change).value(), rp::RpRecord(agent()));
}

TEST_F(RpCodec, random_bytes_never_do_harm) {
  std::mt19937 random(7);
  const auto records = many_records();
  std::size_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    RecordChange bad = codec.encode(records[random() % records.size()]).value();
    Bytes& part = random() % 3 == 0 ? bad.key.key : bad.value->bytes;
    for (auto n = 1 + random() % 3; n > 0; --n)
      part[random() % part.size()] = static_cast<std::byte>(random());
    const auto record = codec.decode_rp(kWholeNode, bad);
    if (!record) continue;
    ++read;
    const auto again = codec.encode(*record).value();
    ASSERT_EQ(again.key, bad.key);
    ASSERT_EQ(codec.decode_rp(kWholeNode, again).value(), *record);
  }
  EXPECT_EQ(read + all_rejects(), 20'000U);
  EXPECT_GT(read, 1000U);
  EXPECT_GT(all_rejects(), 1000U);
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
