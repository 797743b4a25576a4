#include <gtest/gtest.h>

#include <map>

#include "mcast/wire/pim_bootstrap.h"
#include "mcast/wire/pim_join_prune.h"
#include "tests/unit/mcast_wire_pim/pim_packets.h"

namespace hotpair::mcast::wire {
namespace {

using testing::grp;
using testing::ip;

IpAddress source_at(std::uint32_t index) { return IpAddress::v4(0x0a010000U + index); }

std::size_t wire_size(const PimMessage& message, Family family = Family::ipv4) {
  const IpAddress any = IpAddress::any(family);
  return encode_pim(message, any, any).size() + (family == Family::ipv4 ? 20 : 40);
}

PimJoinPrune to_upstream(std::vector<PimGroupSet> groups) {
  return {ip("10.0.0.2"), 210, std::move(groups)};
}

PimGroupSet shared_tree_set(std::string_view group, std::uint32_t prunes) {
  PimGroupSet set{PimGroupRange::single(grp(group)), {PimSource::shared_tree(ip("10.9.9.9"))}, {}};
  for (std::uint32_t i = prunes; i > 0; --i)
    set.pruned.push_back(PimSource::source_rpt(source_at(i)));
  return set;
}

TEST(PackJoinPrune, WhatFitsStaysInOneMessage) {
  const PimJoinPrune wanted = to_upstream({shared_tree_set("225.1.2.3", 1),
                                           {PimGroupRange::single(grp("232.1.1.1")),
                                            {PimSource::source(source_at(1))},
                                            {PimSource::source(source_at(2))}}});
  const PimJoinPrunePack pack = pack_join_prune(wanted, 1500);
  ASSERT_EQ(pack.messages.size(), 1U);
  EXPECT_EQ(pack.messages[0], wanted);
  EXPECT_EQ(pack.rpt_prunes_cut, 0U);
}

TEST(PackJoinPrune, NothingMakesNothing) {
  EXPECT_TRUE(pack_join_prune(to_upstream({}), 1500).messages.empty());
  const PimGroupSet hollow{PimGroupRange::single(grp("225.1.2.3")), {}, {}};
  EXPECT_TRUE(pack_join_prune(to_upstream({hollow}), 1500).messages.empty());
}

// 20 octets of IP, 4 + 10 fixed, 12 a group set, 8 a source: the boundary to the octet.
TEST(PackJoinPrune, BoundaryOfTheMtu) {
  const PimGroupSet set{PimGroupRange::single(grp("232.1.1.1")),
                        {PimSource::source(source_at(1)), PimSource::source(source_at(2)),
                         PimSource::source(source_at(3)), PimSource::source(source_at(4))},
                        {}};
  const std::size_t exact = 20 + 14 + 12 + 4 * 8;
  EXPECT_EQ(pack_join_prune(to_upstream({set}), exact).messages.size(), 1U);
  const auto split = pack_join_prune(to_upstream({set}), exact - 1).messages;
  ASSERT_EQ(split.size(), 2U);
  EXPECT_EQ(split[0].groups[0].joined.size(), 3U);
  EXPECT_EQ(split[1].groups[0].joined.size(), 1U);
  EXPECT_EQ(split[1].groups[0].group, set.group);
}

// RFC 7761 4.9.5.2: the Prunes stay with their (*,G) Join, which moves to a message of its own.
TEST(PackJoinPrune, SharedTreeIsNotParted) {
  const std::size_t mtu = 20 + 14 + 12 + 11 * 8;
  const auto pack = pack_join_prune(
      to_upstream({shared_tree_set("225.1.1.1", 5), shared_tree_set("225.1.1.2", 10)}), mtu);
  ASSERT_EQ(pack.messages.size(), 2U);
  EXPECT_EQ(pack.rpt_prunes_cut, 0U);
  EXPECT_EQ(pack.messages[0].groups[0].pruned.size(), 5U);
  EXPECT_EQ(pack.messages[1].groups[0].pruned.size(), 10U);
  EXPECT_EQ(wire_size(pack.messages[1]), mtu);
}

// "the first N (numerically smallest in network byte order)": the list came in descending order.
TEST(PackJoinPrune, PrunesBeyondAMessageAreCut) {
  const std::size_t mtu = 20 + 14 + 12 + 11 * 8;
  PimGroupSet set = shared_tree_set("225.1.1.1", 30);
  set.joined.push_back(PimSource::source(source_at(99)));
  const auto pack = pack_join_prune(to_upstream({set}), mtu);
  EXPECT_EQ(pack.rpt_prunes_cut, 20U);
  ASSERT_EQ(pack.messages.size(), 2U);
  const auto& pruned = pack.messages[0].groups[0].pruned;
  ASSERT_EQ(pruned.size(), 10U);
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(pruned[i].address, source_at(i + 1));
  ASSERT_EQ(pack.messages[1].groups.size(), 1U);
  EXPECT_EQ(pack.messages[1].groups[0].joined, std::vector{PimSource::source(source_at(99))});
}

// Without a (*,G) Join nothing needs to stay together.
TEST(PackJoinPrune, PrunesAloneMaySplit) {
  PimGroupSet set = shared_tree_set("225.1.1.1", 30);
  set.joined.clear();
  const auto pack = pack_join_prune(to_upstream({set}), 20 + 14 + 12 + 11 * 8);
  EXPECT_EQ(pack.rpt_prunes_cut, 0U);
  ASSERT_EQ(pack.messages.size(), 3U);
  EXPECT_EQ(pack.messages[2].groups[0].pruned.size(), 8U);
}

TEST(PackJoinPrune, NoMoreThan255Groups) {
  std::vector<PimGroupSet> groups;
  for (std::uint32_t i = 0; i < 600; ++i)
    groups.push_back({PimGroupRange::single(*Group::from(IpAddress::v4(0xe1000000U + i))),
                      {PimSource::source(source_at(i))},
                      {}});
  const auto pack = pack_join_prune(to_upstream(groups), 65'535);
  ASSERT_EQ(pack.messages.size(), 3U);
  EXPECT_EQ(pack.messages[0].groups.size(), 255U);
  EXPECT_EQ(pack.messages[2].groups.size(), 90U);
}

// Any MTU, down to nonsense: every message fits and every entry arrives once.
TEST(PackJoinPrune, EveryMtuKeepsEveryEntry) {
  std::vector<PimGroupSet> groups;
  for (std::uint32_t i = 0; i < 20; ++i) {
    PimGroupSet set{PimGroupRange::single(*Group::from(IpAddress::v4(0xe1000000U + i))), {}, {}};
    for (std::uint32_t s = 0; s < i; ++s) set.joined.push_back(PimSource::source(source_at(s)));
    for (std::uint32_t s = 0; s < 7; ++s) set.pruned.push_back(PimSource::source(source_at(s)));
    groups.push_back(std::move(set));
  }
  for (std::size_t mtu = 0; mtu < 700; ++mtu) {
    std::map<IpAddress, std::pair<std::size_t, std::size_t>> seen;
    for (const PimJoinPrune& message : pack_join_prune(to_upstream(groups), mtu).messages) {
      EXPECT_LE(wire_size(message), std::max<std::size_t>(mtu, 68));
      for (const PimGroupSet& set : message.groups) {
        EXPECT_GT(set.joined.size() + set.pruned.size(), 0U);
        seen[set.group.address].first += set.joined.size();
        seen[set.group.address].second += set.pruned.size();
      }
    }
    for (const PimGroupSet& set : groups)
      EXPECT_EQ(seen[set.group.address], (std::pair{set.joined.size(), set.pruned.size()})) << mtu;
  }
}

TEST(PackJoinPrune, Ipv6) {
  PimGroupSet set{PimGroupRange::single(grp("ff1e::1")), {}, {}};
  set.joined.resize(200, PimSource::source(ip("2001:db8::5")));
  const auto pack = pack_join_prune({ip("fe80::2"), 210, {set}}, 1280);
  // 1280 - 40 - 4 - 22 octets, 24 a group set, 20 a source
  ASSERT_EQ(pack.messages.size(), 4U);
  EXPECT_EQ(pack.messages[0].groups[0].joined.size(), 59U);
  for (const auto& message : pack.messages) EXPECT_LE(wire_size(message, Family::ipv6), 1280U);
}

PimBootstrap bootstrap(std::vector<PimBootstrapRange> ranges) {
  return {.fragment_tag = 7,
          .hash_mask_length = 30,
          .bsr = ip("10.9.9.1"),
          .ranges = std::move(ranges)};
}

PimBootstrapRange range_of(std::uint32_t address, std::size_t rps) {
  PimBootstrapRange range{{.address = IpAddress::v4(address), .mask_length = 24}, 0, {}};
  for (std::uint32_t i = 0; i < rps; ++i) range.rps.push_back({source_at(i + 1), 150, 0});
  return range;
}

TEST(FragmentBootstrap, OneFragmentIfItFits) {
  const auto result = fragment_bootstrap(bootstrap({range_of(0xe1000000U, 2)}), 1500);
  ASSERT_EQ(result.fragments.size(), 1U);
  EXPECT_EQ(result.fragments[0].ranges[0].rp_count, 2);
  EXPECT_EQ(fragment_bootstrap(bootstrap({}), 1500).fragments.size(), 1U);
}

// 20 octets of IP, 4 + 10 fixed, 12 a range, 10 an RP.
TEST(FragmentBootstrap, RangesStayWholeIfTheyCan) {
  const std::size_t mtu = 20 + 14 + 2 * (12 + 3 * 10) + 41;
  const auto result = fragment_bootstrap(
      bootstrap({range_of(0xe1000000U, 3), range_of(0xe1000100U, 3), range_of(0xe1000200U, 3)}),
      mtu);
  ASSERT_EQ(result.fragments.size(), 2U);
  EXPECT_EQ(result.fragments[0].ranges.size(), 2U);
  EXPECT_EQ(result.fragments[1].ranges.size(), 1U);
  EXPECT_EQ(result.fragments[1].fragment_tag, 7);
}

TEST(FragmentBootstrap, ALargeRangeIsSplitUnderOneCount) {
  const std::size_t mtu = 20 + 14 + 12 + 4 * 10;
  const auto result = fragment_bootstrap(bootstrap({range_of(0xe1000000U, 10)}), mtu);
  ASSERT_EQ(result.fragments.size(), 3U);
  for (const PimBootstrap& fragment : result.fragments)
    EXPECT_EQ(fragment.ranges.at(0).rp_count, 10);
  EXPECT_EQ(result.fragments[0].ranges[0].rps.size(), 4U);
  EXPECT_EQ(result.fragments[2].ranges[0].rps.size(), 2U);
  const auto cut = fragment_bootstrap(bootstrap({range_of(0xe1000000U, 300)}), 1500);
  EXPECT_EQ(cut.rps_cut, 45U);
  EXPECT_EQ(cut.fragments[0].ranges[0].rp_count, 255);
}

TEST(FragmentBootstrap, EveryFragmentOfAZoneNamesIt) {
  PimBootstrapRange zone = range_of(0xef000000U, 6);
  zone.range.scope_zone = true;
  std::vector<PimBootstrapRange> ranges{zone};
  for (std::uint32_t i = 0; i < 9; ++i) ranges.push_back(range_of(0xef000100U + 256 * i, i % 4));
  for (std::size_t mtu = 0; mtu < 400; ++mtu) {
    std::map<IpAddress, std::size_t> rps;
    for (const PimBootstrap& fragment : fragment_bootstrap(bootstrap(ranges), mtu).fragments) {
      EXPECT_LE(wire_size(fragment), std::max<std::size_t>(mtu, 68));
      ASSERT_FALSE(fragment.ranges.empty());
      EXPECT_EQ(fragment.ranges[0].range, zone.range);
      EXPECT_EQ(fragment.ranges[0].rp_count, 6);
      std::map<IpAddress, int> here;
      for (const PimBootstrapRange& range : fragment.ranges) {
        rps[range.range.address] += range.rps.size();
        EXPECT_EQ(++here[range.range.address], 1) << "twice in one fragment";
      }
    }
    for (const PimBootstrapRange& range : ranges) {
      ASSERT_TRUE(rps.contains(range.range.address)) << mtu;
      EXPECT_EQ(rps[range.range.address], range.rps.size()) << mtu;
    }
  }
}

TEST(PackCandidateRp, EveryRangeOnce) {
  PimCandidateRp whole{192, 150, ip("10.9.9.9"), {}};
  ASSERT_EQ(pack_candidate_rp(whole, 1500).size(), 1U);
  whole.ranges.resize(600, {.address = ip("225.0.0.0"), .mask_length = 8});
  for (const std::size_t mtu : {std::size_t{0}, std::size_t{100}, std::size_t{1500}}) {
    std::size_t count = 0;
    for (const PimCandidateRp& message : pack_candidate_rp(whole, mtu)) {
      EXPECT_LE(wire_size(message), std::max<std::size_t>(mtu, 68));
      EXPECT_EQ(message.priority, 192);
      count += message.ranges.size();
    }
    EXPECT_EQ(count, 600U);
  }
  EXPECT_EQ(pack_candidate_rp(whole, 65'535).front().ranges.size(), 255U);
}

}  // namespace
}  // namespace hotpair::mcast::wire
