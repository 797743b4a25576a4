#include <gtest/gtest.h>

#include "tests/unit/mcast_wire_pim/pim_packets.h"

namespace hotpair::mcast::wire {
namespace {

using testing::ip;
using testing::parse_text;

PimGroupRange range(std::string_view address, std::uint8_t mask_length, std::uint8_t reserved = 0) {
  return {.address = ip(address), .mask_length = mask_length, .reserved = reserved};
}

TEST(PimEntries, Groups) {
  const std::pair<PimGroupRange, PimEntryFault> cases[] = {
      {range("225.1.2.3", 32), PimEntryFault::none},
      {range("225.1.2.3", 31), PimEntryFault::mask_length},
      {range("225.1.2.3", 33), PimEntryFault::mask_length},
      {range("225.1.2.3", 0), PimEntryFault::mask_length},
      {range("224.0.0.0", 4), PimEntryFault::star_star_rp},
      {range("224.0.0.0", 5), PimEntryFault::mask_length},
      {range("224.0.0.0", 32), PimEntryFault::none},
      {range("10.1.2.3", 32), PimEntryFault::not_multicast},
      {range("225.1.2.3", 32, 1), PimEntryFault::reserved_flags},
      {range("225.1.2.3", 24, 1), PimEntryFault::mask_length},
      {range("ff1e::1", 128), PimEntryFault::none},
      {range("ff1e::1", 32), PimEntryFault::mask_length},
      {range("ff00::", 8), PimEntryFault::star_star_rp},
      {range("2001:db8::1", 128), PimEntryFault::not_multicast},
  };
  for (const auto& [group, fault] : cases)
    EXPECT_EQ(fault_of_group(group), fault)
        << group.address.to_string() << "/" << unsigned{group.mask_length};
}

TEST(PimEntries, Ranges) {
  const std::pair<PimGroupRange, PimEntryFault> cases[] = {
      {range("224.0.0.0", 4), PimEntryFault::none},
      {range("224.0.0.0", 3), PimEntryFault::mask_length},
      {range("225.1.2.3", 32), PimEntryFault::none},
      {range("225.1.2.3", 33), PimEntryFault::mask_length},
      {range("ff00::", 8), PimEntryFault::none},
      {range("ff00::", 7), PimEntryFault::mask_length},
      {range("ff1e::1", 129), PimEntryFault::mask_length},
      {range("0.0.0.0", 0), PimEntryFault::not_multicast},
      {range("239.0.0.0", 8, 0x20), PimEntryFault::reserved_flags},
  };
  for (const auto& [group, fault] : cases)
    EXPECT_EQ(fault_of_range(group), fault)
        << group.address.to_string() << "/" << unsigned{group.mask_length};
}

TEST(PimEntries, Sources) {
  EXPECT_EQ(fault_of_source(PimSource::source(ip("10.1.0.5"))), PimEntryFault::none);
  EXPECT_EQ(fault_of_source(PimSource::source_rpt(ip("10.1.0.5"))), PimEntryFault::none);
  EXPECT_EQ(fault_of_source(PimSource::shared_tree(ip("2001:db8::9"))), PimEntryFault::none);
  EXPECT_EQ(fault_of_source(PimSource::source(ip("0.0.0.0"))), PimEntryFault::not_unicast);
  EXPECT_EQ(fault_of_source(PimSource::source(ip("225.1.2.3"))), PimEntryFault::not_unicast);
  EXPECT_EQ(fault_of_source(PimSource::source(ip("255.255.255.255"))), PimEntryFault::not_unicast);
  PimSource source = PimSource::source(ip("10.1.0.5"));
  source.sparse = false;
  EXPECT_EQ(fault_of_source(source), PimEntryFault::none) << "S is ignored on receipt";
  source.reserved = 1;
  EXPECT_EQ(fault_of_source(source), PimEntryFault::reserved_flags);
  source.wildcard = true;
  EXPECT_EQ(fault_of_source(source), PimEntryFault::wildcard_without_rpt);
  source.mask_length = 24;
  EXPECT_EQ(fault_of_source(source), PimEntryFault::mask_length);
}

// One odd entry leaves the others usable.
TEST(PimEntries, OddOnesDoNotSpoilTheMessage) {
  const auto parsed = parse_text(R"(23 00 0000 0100 0a000002 00 03 00d2
      0100 0004 e0000000 0001 0000 0100 0720 0a090909   # (*,*,RP)
      0100 0018 e1010200 0001 0000 0100 0420 0a010005   # 225.1.2.0/24
      0100 7e20 e1010203 0003 0000                      # reserved flags
        0100 0418 0a010000                              # 10.1.0.0/24
        0100 0620 0a090909                              # W without R
        0100 fc20 0a010005)");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  const auto& groups = std::get<PimJoinPrune>(parsed->message).groups;
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(fault_of_group(groups[0].group), PimEntryFault::star_star_rp);
  EXPECT_EQ(fault_of_group(groups[1].group), PimEntryFault::mask_length);
  EXPECT_EQ(fault_of_group(groups[2].group), PimEntryFault::reserved_flags);
  EXPECT_EQ(groups[2].group.reserved, 0x3f);
  ASSERT_EQ(groups[2].joined.size(), 3U);
  EXPECT_EQ(fault_of_source(groups[2].joined[0]), PimEntryFault::mask_length);
  EXPECT_EQ(fault_of_source(groups[2].joined[1]), PimEntryFault::wildcard_without_rpt);
  EXPECT_EQ(fault_of_source(groups[2].joined[2]), PimEntryFault::reserved_flags);
  EXPECT_EQ(groups[2].joined[2].reserved, 0x1f);
}

TEST(PimEntries, EveryFaultHasAName) {
  for (std::size_t i = 0; i < kPimEntryFaultCount; ++i)
    EXPECT_NE(to_string(static_cast<PimEntryFault>(i)), "unknown") << i;
  EXPECT_EQ(to_string(PimEntryFault::count_), "unknown");
}

// Values beyond their field are sent as the largest it can say.
TEST(PimFields, Boundaries) {
  const auto read_back = [](const PimMessage& message) {
    const Bytes pim = encode_pim(message, ip("10.0.0.1"), ip("224.0.0.13"));
    return parse_pim(pim, {ip("10.0.0.1"), ip("224.0.0.13"), 1})->message;
  };
  for (const auto& [given, wire] : {std::pair{0, 0}, {0x7fff, 0x7fff}, {0x8000, 0x7fff}}) {
    PimHello hello;
    hello.lan_prune_delay = PimLanPruneDelay{false, static_cast<std::uint16_t>(given), 0xffff};
    const auto delay = std::get<PimHello>(read_back(hello)).lan_prune_delay;
    EXPECT_EQ(delay, (PimLanPruneDelay{false, static_cast<std::uint16_t>(wire), 0xffff}));
  }
  const PimAssert infinite{
      testing::grp("225.1.2.3"), ip("10.1.0.5"), false, {0xffffffff, 0xffffffff}};
  const PimMetric metric = std::get<PimAssert>(read_back(infinite)).metric;
  EXPECT_EQ(metric, (PimMetric{kPimPreferenceMax, 0xffffffff}));
  PimHello many;
  many.addresses = std::vector<IpAddress>(20'000, ip("10.0.0.7"));
  EXPECT_EQ(std::get<PimHello>(read_back(many)).addresses->size(), 10'922U);
  PimJoinPrune groups{ip("10.0.0.2"), 210, {}};
  groups.groups.resize(300, {PimGroupRange::single(testing::grp("225.1.2.3")), {}, {}});
  EXPECT_EQ(std::get<PimJoinPrune>(read_back(groups)).groups.size(), 255U);
  PimBootstrap rps{.bsr = ip("10.9.9.1"), .ranges = {{range("224.0.0.0", 4), 0, {}}}};
  rps.ranges[0].rps.resize(300, {ip("10.9.9.9"), 150, 0});
  EXPECT_EQ(std::get<PimBootstrap>(read_back(rps)).ranges[0].rps.size(), 255U);
}

}  // namespace
}  // namespace hotpair::mcast::wire
