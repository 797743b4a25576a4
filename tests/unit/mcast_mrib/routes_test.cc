#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mrib_stand.h"

namespace hotpair::mcast::mrib {
namespace {

constexpr auto kInclude = FilterMode::include;
constexpr auto kExclude = FilterMode::exclude;

/// Uplink 1 and 3, access links 2 and 4; the source 10.0.0.1 and the RP 5.5.5.5 behind link 1.
class Routes : public testing::Test {
 protected:
  Routes() {
    for (const std::uint32_t link : {1U, 2U, 3U, 4U}) stand.add_link(link);
    stand.unicast("10.0.0.1", 1);
    stand.unicast("10.0.0.2", 1);
    stand.unicast("10.0.0.3", 3);
    stand.unicast("5.5.5.5", 1);
    stand.unicast("2001:db8::1", 1);
    stand.unicast("2001:db8::5", 3);
  }
  Stand stand;
};

TEST_F(Routes, IncludeInstallsSourceRouteBeforeTraffic) {
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1", "10.0.0.3"});
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.3"), "3>2");
  stand.member(4, "232.1.1.1", kInclude, {"10.0.0.1"});
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2,4");
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.3"});
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>4");
  stand.leave(4, "232.1.1.1");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
  stand.leave(2, "232.1.1.1");
  EXPECT_TRUE(stand.plane().routes().empty());
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
  EXPECT_EQ(stand.mrib.statistics().rpf_targets, 0U);
}

TEST_F(Routes, StarNeedsAnRpAndAnExcludeMember) {
  stand.member(2, "225.1.1.1", kExclude);
  EXPECT_TRUE(stand.plane().routes().empty());
  stand.rp("5.5.5.5", "225.0.0.0/8");
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2");
  stand.member(4, "226.1.1.1", kExclude);
  EXPECT_EQ(stand.route("226.1.1.1"), "");
  stand.member(4, "225.1.1.1", kInclude, {"10.0.0.1"});
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2,4");
  stand.leave(2, "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1"), "");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>4");
}

TEST_F(Routes, StarFollowsTheRpAndTheRpsUnicastRoute) {
  stand.unicast("6.6.6.6", 3);
  stand.rp("5.5.5.5");
  stand.member(2, "225.1.1.1", kExclude);
  stand.member(3, "225.1.1.1", kExclude);
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2,3");
  stand.rp("6.6.6.6", "225.1.0.0/16");
  EXPECT_EQ(stand.route("225.1.1.1"), "3>2");  // never out of its incoming link
  stand.unicast("6.6.6.6", std::nullopt);
  stand.unicast_changed();
  EXPECT_EQ(stand.route("225.1.1.1"), "");
  stand.unicast("6.6.6.6", 1);
  stand.unicast_changed();
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2,3");
}

TEST_F(Routes, SourceSpecificGroupsHaveNoStar) {
  stand.rp("5.5.5.5");
  stand.member(2, "232.1.1.1", kExclude);
  EXPECT_EQ(stand.route("232.1.1.1"), "");
}

TEST_F(Routes, BlockedSourceGetsItsOwnRouteBesideTheStar) {
  stand.rp("5.5.5.5");
  stand.member(2, "225.1.1.1", kExclude, {"10.0.0.1"});
  stand.member(4, "225.1.1.1", kExclude);
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2,4");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>4");
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "4");
  EXPECT_EQ(stand.packet(1, "10.0.0.2", "225.1.1.1"), "2 4");
  stand.leave(4, "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>");
  stand.pass(std::chrono::hours(1));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>") << "a block is not a timed negative";
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "");
  stand.member(2, "225.1.1.1", kExclude);
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "2");
}

TEST_F(Routes, ABlockNeedsNoRpf) {
  stand.rp("5.5.5.5");
  stand.member(2, "225.1.1.1", kExclude, {"10.9.9.9"});
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.9.9"), "?>");
  stand.leave(2, "225.1.1.1");
  EXPECT_TRUE(stand.plane().routes().empty());
}

TEST_F(Routes, WithoutAStarABlockNeedsNoRoute) {
  stand.member(2, "225.1.1.1", kExclude, {"10.0.0.1"});
  EXPECT_TRUE(stand.plane().routes().empty());
}

TEST_F(Routes, Ipv6IsTheSame) {
  stand.rp("2001:db8::5", "ff00::/8");
  stand.member(2, "ff1e::1", kExclude, {"2001:db8::1"});
  stand.member(4, "ff1e::1", kExclude);
  stand.member(2, "ff3e::8000:1", kInclude, {"2001:db8::1"});
  EXPECT_EQ(stand.route("ff1e::1"), "3>2,4");
  EXPECT_EQ(stand.route("ff1e::1", "2001:db8::1"), "1>4");
  EXPECT_EQ(stand.route("ff3e::8000:1", "2001:db8::1"), "1>2");
}

TEST_F(Routes, LinkLocalGroupsAndForeignSourcesNeverMakeRoutes) {
  stand.rp("5.5.5.5");
  stand.member(2, "224.0.0.251", kExclude);
  stand.member(2, "ff02::fb", kExclude);
  stand.member(2, "225.1.1.1", kInclude, {"2001:db8::1", "224.1.1.1", "0.0.0.0", "127.0.0.1"});
  EXPECT_TRUE(stand.plane().routes().empty());
  EXPECT_EQ(stand.asked, 0U);
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(Routes, LinksAbsentInAFamilyAreIgnored) {
  stand.mrib.set_link({LinkId{4}, VrfId{0}, true, false, std::nullopt}, stand.now);
  stand.member(4, "ff3e::1", kInclude, {"2001:db8::1"});
  stand.member(9, "232.1.1.1", kInclude, {"10.0.0.1"});
  EXPECT_TRUE(stand.plane().routes().empty());
  EXPECT_EQ(stand.counted(Count::membership_ignored), 2U);
}

TEST_F(Routes, AnRpfThroughAnUnconfiguredLinkIsNone) {
  stand.unicast("10.0.0.1", 77);
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1"});
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
  stand.add_link(77);
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "77>2");
}

TEST_F(Routes, FlushTakesOneFamilyOfOneLinkInSlices) {
  for (int i = 0; i < 3000; ++i) {
    const std::string to = "232.1." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    stand.member(2, to, kInclude, {"10.0.0.1"});
    if (i % 2 == 0) stand.member(4, to, kInclude, {"10.0.0.1"});
  }
  stand.member(2, "ff3e::1", kInclude, {"2001:db8::1"});
  EXPECT_EQ(stand.plane().routes().size(), 3001U);
  const std::size_t before = stand.slices;
  stand.mrib.on_flush(LinkId{2}, Family::ipv4, stand.now);
  EXPECT_EQ(stand.mrib.next_deadline(), stand.now);
  // A membership that comes while the flush runs is a new one.
  stand.mrib.on_membership(LinkId{2}, group("232.1.11.249"), {kInclude, {ip("10.0.0.1")}},
                           stand.now);
  stand.run();
  EXPECT_GE(stand.slices - before, 3U);
  EXPECT_EQ(stand.plane().routes().size(), 1502U);
  EXPECT_EQ(stand.route("232.1.0.0", "10.0.0.1"), "1>4");
  EXPECT_EQ(stand.route("232.1.11.249", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.route("ff3e::1", "2001:db8::1"), "1>2");
  EXPECT_TRUE(stand.mrib.is_settled());
}

TEST_F(Routes, ARemovedLinkLeavesEveryRoute) {
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1", "10.0.0.3"});
  stand.member(4, "232.1.1.1", kInclude, {"10.0.0.1"});
  stand.mrib.remove_link(LinkId{2}, stand.now);
  stand.mrib.remove_link(LinkId{3}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>4");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.3"), "");
  EXPECT_EQ(stand.released, (std::vector<LinkId>{LinkId{2}, LinkId{3}}));
  stand.add_link(2);
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>4") << "its memberships are gone";
}

// A device that is made anew, or that comes late: what its hosts want is known from before.
TEST_F(Routes, ALinkThatIsAwayKeepsItsMembershipsForItsReturn) {
  const auto leave = [this] {
    stand.mrib.set_link(
        {.link = LinkId{2}, .vrf = VrfId{0}, .ipv4 = true, .ipv6 = true, .away = true}, stand.now);
    stand.run();
  };
  stand.rp("5.5.5.5");
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1"});
  stand.member(2, "225.1.1.1", kExclude);
  stand.member(4, "232.1.1.1", kInclude, {"10.0.0.1"});
  leave();
  EXPECT_EQ(stand.released, std::vector<LinkId>{LinkId{2}});
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>4");
  EXPECT_EQ(stand.route("225.1.1.1"), "");
  stand.member(2, "232.1.1.2", kInclude, {"10.0.0.1"});  // of a record, say
  stand.leave(2, "225.1.1.1");
  EXPECT_EQ(stand.route("232.1.1.2", "10.0.0.1"), "");
  stand.add_link(2);
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2,4");
  EXPECT_EQ(stand.route("232.1.1.2", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.route("225.1.1.1"), "") << "it was left meanwhile";
  leave();
  stand.mrib.on_flush(LinkId{2}, Family::ipv4, stand.now);
  stand.add_link(2);
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>4");
  leave();
  stand.mrib.remove_link(LinkId{2}, stand.now);
  stand.leave(4, "232.1.1.1");
  stand.run();
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(Routes, ATurnTellsEachRouteOnce) {
  const std::size_t before = stand.plane().changes();
  for (int i = 0; i < 50; ++i) {
    stand.mrib.on_membership(LinkId{2}, group("232.1.1.1"), {kInclude, {ip("10.0.0.1")}},
                             stand.now);
    stand.mrib.on_membership(LinkId{2}, group("232.1.1.1"), {kInclude, {}}, stand.now);
  }
  stand.run();
  EXPECT_EQ(stand.plane().changes(), before);
  for (int i = 0; i < 600; ++i)
    stand.mrib.on_membership(
        LinkId{2}, group("232.1." + std::to_string(i / 250) + "." + std::to_string(i % 250)),
        {kInclude, {ip("10.0.0.1")}}, stand.now);
  const std::size_t calls = stand.plane().apply_calls();
  stand.run();
  EXPECT_EQ(stand.plane().changes(), before + 600);
  EXPECT_EQ(stand.plane().apply_calls() - calls, 3U);
}

TEST_F(Routes, UnicastChangeMovesManyRoutesInSlices) {
  for (int i = 0; i < 2500; ++i)
    stand.member(2, "232.1." + std::to_string(i / 250) + "." + std::to_string(i % 250), kInclude,
                 {"10.0.0.1"});
  const std::size_t before = stand.slices;
  stand.unicast("10.0.0.1", 3);
  stand.unicast_changed();
  EXPECT_GE(stand.slices - before, 3U);
  EXPECT_EQ(stand.route("232.1.9.249", "10.0.0.1"), "3>2");
  EXPECT_EQ(stand.route("232.1.0.0", "10.0.0.1"), "3>2");
}

TEST_F(Routes, AGroupWithManySourcesIsWorkedOnInSlices) {
  stand.rp("5.5.5.5");
  std::vector<std::string> sources;
  for (int i = 0; i < 2000; ++i) {
    sources.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250));
    stand.unicast(sources.back(), 1);
  }
  stand.member(2, "225.1.1.1", kInclude, sources);
  EXPECT_EQ(stand.plane().routes().size(), 2000U);
  const std::size_t before = stand.slices;
  stand.member(4, "225.1.1.1", kExclude);
  EXPECT_GE(stand.slices - before, 2U);
  EXPECT_EQ(stand.route("225.1.1.1", sources.front()), "1>2,4");
  EXPECT_EQ(stand.route("225.1.1.1", sources.back()), "1>2,4");
  stand.leave(2, "225.1.1.1");
  stand.leave(4, "225.1.1.1");
  EXPECT_TRUE(stand.plane().routes().empty());
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(Routes, ARefusedChangeIsTriedAgainWithBackOff) {
  const fwd::RouteKey key{VrfId{0}, group("232.1.1.1"), ip("10.0.0.1")};
  stand.plane().fail_route(key, {ErrorCode::exhausted, "full"}, 3);
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1"});
  const RouteTableModel table = stand.mrib.show({}, {}, stand.now);
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_TRUE(table.rows[0].not_installed);
  stand.pass(std::chrono::milliseconds(2900));
  EXPECT_EQ(stand.counted(Count::plane_failed), 2U);  // at 0 and 1 s; the next at 3 s
  stand.pass(std::chrono::milliseconds(3900));
  EXPECT_EQ(stand.counted(Count::plane_failed), 3U);
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
  stand.pass(std::chrono::seconds(1));
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.mrib.statistics().not_installed, 0U);
}

TEST_F(Routes, ARefusedRemovalIsTriedAgainToo) {
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1"});
  const fwd::RouteKey key{VrfId{0}, group("232.1.1.1"), ip("10.0.0.1")};
  stand.plane().fail_route(key, {ErrorCode::unavailable, "busy"}, 1);
  stand.leave(2, "232.1.1.1");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  stand.pass(std::chrono::seconds(1));
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(Routes, ShowTellsWhatTheOperatorNeeds) {
  stand.mrib.set_link({LinkId{2}, VrfId{0}, true, true, ScopeId{1}}, stand.now);
  stand.rp("5.5.5.5");
  stand.member(2, "225.1.1.1", kExclude);
  stand.member(4, "225.1.1.1", kInclude, {"10.0.0.1"});
  stand.packet(1, "10.0.0.3", "225.9.9.9");
  stand.pass(std::chrono::seconds(5));
  const std::vector<ScopeId> closed{ScopeId{1}};
  const RouteTableModel table = stand.mrib.show({}, closed, stand.now);
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_FALSE(table.rows[0].source);
  EXPECT_EQ(table.rows[0].rp, ip("5.5.5.5"));
  EXPECT_TRUE(table.rows[0].closed_gate_only);
  EXPECT_EQ(table.rows[0].uptime, std::chrono::seconds(5));
  EXPECT_EQ(table.rows[1].source, ip("10.0.0.1"));
  ASSERT_EQ(table.rows[1].outgoing.size(), 2U);
  EXPECT_TRUE(table.rows[1].outgoing[0].closed_gate);
  EXPECT_FALSE(table.rows[1].outgoing[1].closed_gate);
  EXPECT_FALSE(table.rows[1].closed_gate_only);
  EXPECT_TRUE(table.rows[2].negative);
  EXPECT_TRUE(table.rows[2].data_driven);
  RouteFilter filter;
  filter.group = group("225.1.1.1");
  filter.rows_max = 1;
  const RouteTableModel filtered = stand.mrib.show(filter, {}, stand.now);
  EXPECT_EQ(filtered.rows.size(), 1U);
  EXPECT_EQ(filtered.rows_total, 2U);
  filter.source = ip("10.0.0.3");
  EXPECT_EQ(stand.mrib.show(filter, {}, stand.now).rows_total, 0U);
}

// What a planned switchover looks at before: `display switchover readiness`.
TEST_F(Routes, StandingTellsWhatWouldBeAmissIfTheGateOpened) {
  stand.mrib.set_scope_mode(ScopeId{1}, ScopeMode::standby, stand.now);
  stand.mrib.set_link({LinkId{2}, VrfId{0}, true, true, ScopeId{1}}, stand.now);
  stand.unicast("10.0.0.1", 1, "10.9.9.2");
  stand.unicast("10.0.0.3", 1, "10.9.9.3");
  stand.unicast_changed();
  stand.rp("5.5.5.5");
  stand.member(2, "232.1.1.1", kInclude, {"10.0.0.1"});
  stand.member(2, "232.1.1.2", kInclude, {"10.0.0.3"});
  stand.member(2, "232.1.1.3", kInclude, {"10.77.0.1"});  // no way there
  stand.member(4, "232.1.1.4", kInclude, {"10.0.0.3"});   // not behind the gate
  const std::vector<IpAddress> peer{ip("10.9.9.2")};
  EXPECT_EQ(stand.mrib.standing(peer).without_way, 1U);
  EXPECT_EQ(stand.mrib.standing(peer).by_peer, 1U);
  EXPECT_THAT(stand.mrib.standing(peer).silent, testing::IsEmpty());
  for (int round = 0; round < 4; ++round) {
    static_cast<void>(stand.packet(1, "10.0.0.3", "232.1.1.2"));
    stand.pass(std::chrono::seconds(30));
  }
  EXPECT_THAT(stand.mrib.standing(peer).silent,
              testing::ElementsAre(testing::Pair(ScopeId{1}, 1U)));
  stand.mrib.set_scope_mode(ScopeId{1}, ScopeMode::active, stand.now);
  stand.pass(std::chrono::seconds(60));
  EXPECT_THAT(stand.mrib.standing(peer).silent, testing::IsEmpty());
}

TEST_F(Routes, CountersHaveNames) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Count::kCount); ++i)
    EXPECT_STRNE(to_string(static_cast<Count>(i)), "unknown") << i;
}

// A VIF number that is given to another link while a route names it would send packets there.
TEST_F(Routes, ARemovedLinkIsReleasedAfterItsLastRoute) {
  for (unsigned n = 0; n < 2500; ++n)
    stand.member(2, "225." + std::to_string(n / 250) + ".1." + std::to_string(n % 250), kInclude,
                 {"10.0.0.1"});
  stand.member(4, "225.0.1.0", kInclude, {"10.0.0.1"});
  ASSERT_EQ(stand.route("225.0.1.0", "10.0.0.1"), "1>2,4");
  stand.mrib.remove_link(LinkId{2}, stand.now);
  stand.drain();
  EXPECT_TRUE(stand.released.empty());  // its routes leave in slices
  stand.run();
  EXPECT_EQ(stand.released, std::vector<LinkId>{LinkId{2}});
  EXPECT_EQ(stand.route("225.0.1.0", "10.0.0.1"), "1>4");
  // The incoming link likewise.
  stand.mrib.remove_link(LinkId{1}, stand.now);
  stand.run();
  EXPECT_EQ(stand.released.size(), 2U);
}

TEST_F(Routes, AHoldAndARefusingPlaneKeepALinkUnreleased) {
  stand.member(2, "225.1.1.1", kInclude, {"10.0.0.1"});
  stand.mrib.begin_hold(stand.now);
  stand.mrib.remove_link(LinkId{1}, stand.now);
  stand.pass(std::chrono::seconds(5));
  EXPECT_TRUE(stand.released.empty());
  stand.plane().fail_all(Error{ErrorCode::unavailable, "no"});
  stand.mrib.end_hold({}, stand.now);
  stand.pass(std::chrono::seconds(5));
  EXPECT_TRUE(stand.released.empty());
  stand.plane().fail_all(std::nullopt);
  stand.pass(std::chrono::seconds(70));
  EXPECT_EQ(stand.released, std::vector<LinkId>{LinkId{1}});
}

TEST_F(Routes, ALinkThatComesBackIsNotReleased) {
  stand.member(2, "225.1.1.1", kInclude, {"10.0.0.1"});
  stand.mrib.remove_link(LinkId{2}, stand.now);
  stand.mrib.set_link({LinkId{2}, VrfId{0}, true, true, std::nullopt}, stand.now);
  stand.pass(std::chrono::seconds(5));
  EXPECT_TRUE(stand.released.empty());
}

}  // namespace
}  // namespace hotpair::mcast::mrib
