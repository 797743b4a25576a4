#include <random>

#include "downstream_stand.h"

namespace hotpair::mcast::pim::testing {
namespace {

std::uint64_t faults(const Stand& stand, wire::PimEntryFault fault) {
  return stand.engine.counters(kLink)->faults[static_cast<std::size_t>(fault)];
}

// RFC 7761 4.5.1: the Join(*,G) is dropped, other entries of the set are not.
TEST(Messages, JoinForAnotherRp) {
  Stand stand;
  stand.hear({set_of(kGroup, "+* +1", ip("8.8.8.8"))});
  EXPECT_EQ(stand.view(), "I{1}");
  EXPECT_EQ(stand.ignored(DownstreamIgnored::rp_mismatch), 1U);
}

TEST(Messages, PruneCountsWhateverItsRp) {
  Stand stand;
  stand.lan.neighbours = 1;
  stand.hear("+*");
  stand.hear({set_of(kGroup, "-*", ip("8.8.8.8"))});
  EXPECT_EQ(stand.view(), "-");
}

TEST(Messages, JoinWithoutAnyRp) {
  Stand stand;
  stand.rps.rp.reset();
  stand.hear("+* +1");
  EXPECT_EQ(stand.view(), "I{1}");
  EXPECT_EQ(stand.ignored(DownstreamIgnored::rp_unknown), 1U);
}

TEST(Messages, SharedTreesOfSourceSpecificGroupsAreRefused) {
  Stand stand;
  const Group ssm = grp("232.1.1.1");
  stand.hear({set_of(ssm, "+* +1 +2r -3r")});
  EXPECT_EQ(stand.view(ssm), "I{1}");
  EXPECT_EQ(stand.engine.entry_count(kLink), 1U);
  EXPECT_EQ(stand.ignored(DownstreamIgnored::ssm_range), 3U);
}

TEST(Messages, LinkLocalGroupsAreRefused) {
  Stand stand;
  stand.hear({set_of(grp("224.0.0.18"), "+*")});
  EXPECT_EQ(stand.engine.entry_count(kLink), 0U);
  EXPECT_EQ(stand.ignored(DownstreamIgnored::link_local_group), 1U);
}

TEST(Messages, TheJoinPolicySaysWhichTreesAreTaken) {
  Stand stand;
  const Group other = grp("239.1.1.1");
  stand.config.join_policy = {{*IpPrefix::parse("225.0.0.0/8"), *IpPrefix::parse("10.1.1.0/30")},
                              {*IpPrefix::parse("239.0.0.0/8"), std::nullopt}};
  stand.engine.configure(stand.config, stand.now);
  stand.hear({set_of(kGroup, "+* +1 +7 -2r -8r"), set_of(other, "+* +7 -8r"),
              set_of(grp("226.1.1.1"), "+1")});
  EXPECT_EQ(stand.view(), "I{1}");
  EXPECT_EQ(stand.view(other), "E{}+{7}");
  EXPECT_EQ(stand.state("2r"), "Prune-Pending 210 3") << "of a source that is allowed";
  EXPECT_EQ(stand.engine.entry_count(kLink), 5U);
  EXPECT_EQ(stand.ignored(DownstreamIgnored::policy), 4U) << "(*,G), 7, 8r, and the third group";
}

TEST(Messages, NothingIsTakenOfAScopeThatEndsHere) {
  Stand stand;
  stand.config.boundary.ranges = {*IpPrefix::parse("239.0.0.0/8")};
  stand.engine.configure(stand.config, stand.now);
  stand.hear({set_of(kGroup, "+1"), set_of(grp("239.1.1.1"), "+* +1 -2r")});
  EXPECT_EQ(stand.view(), "I{1}");
  EXPECT_EQ(stand.view(grp("239.1.1.1")), "-");
  EXPECT_EQ(stand.ignored(DownstreamIgnored::boundary), 1U);
}

// What was taken before a policy came ends with its holdtime, or with a Prune.
TEST(Messages, ANewJoinPolicyLetsPrunesEndWhatWasTaken) {
  Stand stand;
  stand.lan.neighbours = 1;
  stand.hear("+* +1");
  stand.config.join_policy = {{*IpPrefix::parse("239.0.0.0/8"), std::nullopt}};
  stand.engine.configure(stand.config, stand.now);
  EXPECT_EQ(stand.view(), "E{}+{1}");
  stand.hear("-1");
  EXPECT_EQ(stand.view(), "E{}");
  stand.pass(100s);
  stand.hear("+*");
  EXPECT_EQ(stand.ignored(DownstreamIgnored::policy), 1U);
  stand.pass(111s);
  EXPECT_EQ(stand.view(), "-") << "a refused Join refreshes nothing";
}

TEST(Messages, FaultyEntriesAreSkippedAndCounted) {
  Stand stand;
  auto set = set_of(kGroup, "+1 +2 +3 +4");
  set.joined[0].mask_length = 24;
  set.joined[1].address = ip("225.1.1.1");
  set.joined[2].reserved = 1;  // to be ignored
  auto all = set_of(kGroup, "+5");
  all.group = {.address = ip("224.0.0.0"), .mask_length = 4};
  auto range = set_of(kGroup, "+6");
  range.group.mask_length = 24;
  auto bits = set_of(kGroup, "+7");
  bits.group.reserved = 3;
  stand.hear({all, range, set, bits});
  EXPECT_EQ(stand.view(), "I{3,4,7}");
  EXPECT_EQ(faults(stand, wire::PimEntryFault::mask_length), 2U);
  EXPECT_EQ(faults(stand, wire::PimEntryFault::not_unicast), 1U);
  EXPECT_EQ(faults(stand, wire::PimEntryFault::star_star_rp), 1U);
  EXPECT_EQ(faults(stand, wire::PimEntryFault::reserved_flags), 2U);
}

TEST(Messages, ToAnotherUpstreamNeighbour) {
  Stand stand;
  stand.hear("+1");
  const wire::PimJoinPrune other{ip("192.168.0.2"), 210, {set_of(kGroup, "+* -1")}};
  stand.engine.on_join_prune({kLink, kPeer, false, stand.lan}, other, stand.rps, stand.now);
  stand.drain();
  EXPECT_EQ(stand.state("1"), "Join 210");
  EXPECT_EQ(stand.engine.counters(kLink)->not_for_us, 1U);
}

TEST(Messages, OfAnUnknownLink) {
  Stand stand;
  const wire::PimJoinPrune message{kOwn, 210, {set_of(kGroup, "+*")}};
  stand.engine.on_join_prune({LinkId{99}, kPeer, true, stand.lan}, message, stand.rps, stand.now);
  stand.drain();
  EXPECT_EQ(stand.views_told, 0U);
  EXPECT_EQ(stand.engine.counters(LinkId{99}), nullptr);
}

TEST(Messages, EntriesBeyondTheLimit) {
  Stand stand;
  stand.config.entries_max = 3;
  stand.engine.configure(stand.config, stand.now);
  stand.hear("+* +1 +2 +3 +4");
  EXPECT_EQ(stand.view(), "E{}+{1,2}");
  EXPECT_EQ(stand.ignored(DownstreamIgnored::entries_limit), 2U);
  ASSERT_EQ(stand.limits.size(), 1U);
  EXPECT_EQ(stand.limits[0].from, kPeer);
  EXPECT_EQ(stand.limits[0].limit, Limit::entries);
  stand.hear("+1");  // what is there goes on
  EXPECT_EQ(stand.limits.size(), 1U);
  stand.lan.neighbours = 1;
  stand.hear("-1");
  stand.hear("+3");
  EXPECT_EQ(stand.view(), "E{}+{2,3}");
}

TEST(Messages, Ipv6) {
  Stand stand;
  const Group group = grp("ff1e::1");
  stand.rps.rp = ip("2001:db8::9");
  wire::PimGroupSet set{.group = wire::PimGroupRange::single(group), .joined = {}, .pruned = {}};
  set.joined.push_back(wire::PimSource::shared_tree(ip("2001:db8::9")));
  set.pruned.push_back(wire::PimSource::source_rpt(ip("2001:db8:1::1")));
  stand.lan.neighbours = 1;
  stand.hear({set});
  ASSERT_TRUE(stand.views.contains(group));
  const DownstreamView view = stand.views.at(group);
  EXPECT_TRUE(view.shared_tree);
  EXPECT_EQ(view.sources, std::vector{ip("2001:db8:1::1")});
}

// What was told adds up to what is there, whatever comes.
TEST(Messages, AnyMessage) {
  std::mt19937 random(7);
  Stand stand(kScope);
  stand.config.entries_max = 20;
  stand.engine.configure(stand.config, stand.now);
  stand.engine.activate(kScope, stand.now);
  for (int i = 0; i < 20'000; ++i) {
    const wire::PimJoinPrune message = any_message(random);
    stand.lan.neighbours = random() % 4;
    stand.engine.on_join_prune({kLink, kPeer, random() % 8 != 0, stand.lan}, message, stand.rps,
                               stand.now);
    stand.drain();
    if (random() % 4 == 0) stand.pass(std::chrono::milliseconds(random() % 5000));
    ASSERT_LE(stand.engine.entry_count(kLink), 20U);
    ASSERT_EQ(stand.records.size(), stand.engine.entry_count(kLink));
  }
  EXPECT_GT(stand.views_told, 1000U);
  for (const auto& [key, value] : stand.records)
    EXPECT_FALSE(key.tree.group.address().is_link_local_multicast());
  stand.pass(20h);  // but for what never ends
  for (const auto& [key, value] : stand.records) EXPECT_EQ(value.holdtime_s, 0xffff);
}

TEST(Links, RemovalIsOneEffectAndFreesInSlices) {
  Stand stand;
  for (unsigned group = 0; group < 50; ++group) {
    std::string words;
    for (unsigned n = 1; n <= 100; ++n) words += "+" + std::to_string(n) + " ";
    stand.hear({set_of(*Group::from(IpAddress::v4(0xe1000000U + group)), words)});
  }
  EXPECT_EQ(stand.engine.entry_count(kLink), 5000U);
  stand.engine.remove_link(kLink, stand.now);
  const std::size_t told = stand.views_told;
  stand.drain();
  EXPECT_EQ(stand.flushed, 1U);
  EXPECT_EQ(stand.views_told, told);
  int slices = 0;
  while (stand.engine.next_deadline() && slices < 1000) {
    stand.engine.on_timeout(stand.now);
    ++slices;
  }
  EXPECT_GE(slices, 10);  // timers and entries, 1000 at a time
  EXPECT_LE(slices, 12);
  stand.engine.configure(stand.config, stand.now);
  stand.hear("+1");
  EXPECT_EQ(stand.view(), "I{1}");
}

TEST(Links, ATimerSliceIsBounded) {
  Stand stand;
  for (unsigned group = 0; group < 50; ++group) {
    std::string words;
    for (unsigned n = 1; n <= 100; ++n) words += "+" + std::to_string(n) + " ";
    stand.hear({set_of(*Group::from(IpAddress::v4(0xe1000000U + group)), words)});
  }
  stand.now += 210s;
  stand.engine.on_timeout(stand.now);
  stand.drain();
  EXPECT_EQ(stand.engine.entry_count(kLink), 4000U);
  EXPECT_LE(stand.engine.next_deadline(), stand.now);
  stand.pass(0s);
  EXPECT_EQ(stand.engine.entry_count(kLink), 0U);
  EXPECT_TRUE(stand.views.empty());
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
