#include <gtest/gtest.h>

#include "admission_stand.h"
#include "mrib_stand.h"

/// Admission control in the routes: what is denied a link is not forwarded there, and all else of
/// it stays as it is.
namespace hotpair::mcast::mrib {
namespace {

using std::chrono::seconds;

constexpr ScopeId kScope{1};
constexpr LinkId kAccess{2};

void furnish(Stand& stand, ScopeMode mode = ScopeMode::active) {
  stand.add_link(1);
  stand.add_link(2, kScope);
  stand.add_link(4);
  for (const char* source : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) stand.unicast(source, 1);
  stand.mrib.set_scope_mode(kScope, mode, stand.now);
  stand.run();
}
void limit(Stand& stand, LinkId link, const std::vector<Limit>& limits) {
  stand.mrib.set_limits(link, Family::ipv4, limits, stand.now);
  stand.run();
}
void join(Stand& stand, std::uint32_t link, std::string_view source,
          std::string_view to = "232.1.1.1") {
  stand.member(link, to, FilterMode::include, {std::string(source)});
}

TEST(Limits, ADeniedLinkIsLeftOutAndTakenInWhenAPlaceIsFree) {
  Stand stand;
  furnish(stand);
  limit(stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 1)});
  join(stand, 2, "10.0.0.1", "232.1.1.1");
  join(stand, 2, "10.0.0.2", "232.1.1.2");
  join(stand, 4, "10.0.0.2", "232.1.1.2");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.route("232.1.1.2", "10.0.0.2"), "1>4");
  EXPECT_EQ(stand.denials.size(), 1U);
  EXPECT_EQ(stand.reservations.size(), 1U);
  stand.leave(2, "232.1.1.1");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
  EXPECT_EQ(stand.route("232.1.1.2", "10.0.0.2"), "1>2,4");
}

TEST(Limits, DeniedAltogetherItIsANegativeRouteThatStays) {
  Stand stand;
  furnish(stand);
  limit(stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 0)});
  join(stand, 2, "10.0.0.1");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>");
  const std::uint64_t upcalls = stand.counted(Count::upcalls);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(stand.packet(1, "10.0.0.1", "232.1.1.1"), "");
    stand.pass(seconds(10));
  }
  EXPECT_EQ(stand.counted(Count::upcalls), upcalls) << "no packet is asked for again";
  stand.leave(2, "232.1.1.1");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
  EXPECT_TRUE(stand.mrib.admission().size() == 0);
}

TEST(Limits, ASourceOfTrafficThatIsDeniedEndsWithItsTraffic) {
  Stand stand;
  furnish(stand);
  limit(stand, kAccess, {limit_of(LimitKind::out, "225.0.0.0/8", 0)});
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "");
  for (int i = 0; i < 60; ++i) {
    stand.pass(seconds(10));
    stand.packet(1, "10.0.0.1", "225.1.1.1");
  }
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>") << "beyond the time of a timed negative";
  limit(stand, kAccess, {limit_of(LimitKind::out, "225.0.0.0/8", 1)});
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  limit(stand, kAccess, {limit_of(LimitKind::out, "225.0.0.0/8", 0)});
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2") << "a lower limit evicts nothing";
  stand.pass(seconds(400));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  EXPECT_TRUE(stand.reservations.empty());
}

TEST(Limits, TheIncomingLinkIsLimitedForTheWholeRoute) {
  Stand stand;
  furnish(stand);
  limit(stand, LinkId{1}, {limit_of(LimitKind::rpf, "232.0.0.0/8", 1)});
  join(stand, 2, "10.0.0.1", "232.1.1.1");
  join(stand, 2, "10.0.0.2", "232.1.1.2");
  join(stand, 4, "10.0.0.2", "232.1.1.2");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.route("232.1.1.2", "10.0.0.2"), "1>");
  stand.leave(2, "232.1.1.1");
  EXPECT_EQ(stand.route("232.1.1.2", "10.0.0.2"), "1>2,4");
}

TEST(Limits, OnlyConnectedSourcesCountForConnected) {
  Stand stand;
  furnish(stand);
  stand.connect("10.0.0.9", 1);
  limit(stand, LinkId{1}, {limit_of(LimitKind::connected, "232.0.0.0/8", 0)});
  join(stand, 2, "10.0.0.1", "232.1.1.1");
  join(stand, 2, "10.0.0.9", "232.1.1.9");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.route("232.1.1.9", "10.0.0.9"), "1>");
}

TEST(Limits, ASharedTreeIsAStateAndCoversItsSources) {
  Stand stand;
  furnish(stand);
  stand.unicast("5.5.5.5", 1);
  stand.rp("5.5.5.5");
  limit(stand, kAccess, {limit_of(LimitKind::out, "225.0.0.0/8", 1)});
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.member(2, "225.1.1.2", FilterMode::exclude);
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2");
  EXPECT_EQ(stand.route("225.1.1.2"), "1>") << "it drops, nothing is punted";
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.2"), "");
  join(stand, 4, "10.0.0.1", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2,4") << "covered";
  EXPECT_EQ(stand.mrib.admission().show(Family::ipv4, false).at(0).in_use, 1U);
  stand.leave(2, "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.2"), "1>2");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>4");
}

TEST(Limits, JoinsGoUpstreamAllTheSame) {
  Stand stand;
  stand.add_pim_link(3);
  stand.add_link(2);
  stand.unicast("10.0.0.1", 3, "10.0.3.1");
  limit(stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 0)});
  join(stand, 2, "10.0.0.1");
  EXPECT_EQ(stand.wish("232.1.1.1", "10.0.0.1"), "join 3 10.0.3.1");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "3>");
}

TEST(Limits, ALimitOfARunningNodeEvictsNothing) {
  Stand stand;
  furnish(stand);
  for (const char* to : {"232.1.1.1", "232.1.1.2", "232.1.1.3"}) join(stand, 2, "10.0.0.1", to);
  limit(stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 1)});
  for (const char* to : {"232.1.1.1", "232.1.1.2", "232.1.1.3"})
    EXPECT_EQ(stand.route(to, "10.0.0.1"), "1>2");
  join(stand, 2, "10.0.0.1", "232.1.1.4");
  EXPECT_EQ(stand.route("232.1.1.4", "10.0.0.1"), "1>");
  limit(stand, kAccess, {});
  EXPECT_EQ(stand.route("232.1.1.4", "10.0.0.1"), "1>2");
  EXPECT_TRUE(stand.reservations.empty());
}

/// `to` has the reservations of `from`.
void mirror(const Stand& from, Stand& to) {
  for (const auto& [key, record] : from.reservations) to.mrib.on_reservation(record, to.now);
  to.run();
}

TEST(Limits, ATakeoverForwardsExactlyTheSameChannels) {
  Stand master;
  Stand standby;
  furnish(master);
  furnish(standby, ScopeMode::standby);
  const std::vector<std::string> groups{"232.1.1.1", "232.1.1.2", "232.1.1.3", "232.1.1.4"};
  for (Stand* stand : {&master, &standby})
    limit(*stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 2)});
  for (std::size_t i = 0; i < groups.size(); ++i) {
    join(master, 2, "10.0.0.1", groups[i]);
    join(standby, 2, "10.0.0.1", groups[groups.size() - 1 - i]);
    mirror(master, standby);
  }
  const auto same = [&] {
    for (const std::string& to : groups)
      EXPECT_EQ(standby.route(to, "10.0.0.1"), master.route(to, "10.0.0.1")) << to;
  };
  same();
  standby.reservations = master.reservations;
  standby.mrib.set_scope_mode(kScope, ScopeMode::active, standby.now);
  standby.run();
  same();
  standby.pass(seconds(60));
  same();
  standby.leave(2, groups[0]);
  EXPECT_EQ(standby.route(groups[3], "10.0.0.1"), "1>2") << "which it heard of first";
  EXPECT_EQ(standby.route(groups[2], "10.0.0.1"), "1>");
}

TEST(Limits, ReservationsThatNobodyClaimsEndAfterTheTakeover) {
  Stand standby;
  furnish(standby, ScopeMode::standby);
  limit(standby, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 1)});
  const Reservation record{{state("232.1.1.9", "10.0.0.1"), kAccess, Direction::out}, 1, 3};
  standby.mrib.on_reservation(record, standby.now);
  join(standby, 2, "10.0.0.1", "232.1.1.1");
  standby.reservations.emplace(record.key, record);
  standby.mrib.set_scope_mode(kScope, ScopeMode::active, standby.now);
  standby.pass(seconds(10));
  EXPECT_EQ(standby.route("232.1.1.1", "10.0.0.1"), "1>");
  standby.pass(seconds(10));
  EXPECT_EQ(standby.route("232.1.1.1", "10.0.0.1"), "1>2");
}

TEST(Limits, ADaemonRestartedInPlaceForwardsTheSame) {
  Stand first;
  furnish(first);
  limit(first, LinkId{4}, {limit_of(LimitKind::out, "232.0.0.0/8", 1)});
  join(first, 4, "10.0.0.1", "232.1.1.2");
  join(first, 4, "10.0.0.1", "232.1.1.1");
  ASSERT_EQ(first.route("232.1.1.2", "10.0.0.1"), "1>4");

  Stand second({}, &first.plane());
  second.mrib.begin_hold(second.now);
  furnish(second);
  limit(second, LinkId{4}, {limit_of(LimitKind::out, "232.0.0.0/8", 1)});
  std::vector<fwd::Route> routes;
  for (const auto& [key, route] : first.plane().routes()) routes.push_back(route);
  second.mrib.on_read_back(routes, second.now);
  join(second, 4, "10.0.0.1", "232.1.1.1");
  mirror(first, second);
  second.reservations = first.reservations;
  second.mrib.end_hold(seconds(15), second.now);
  second.run();
  join(second, 4, "10.0.0.1", "232.1.1.2");
  second.pass(seconds(60));
  EXPECT_EQ(second.route("232.1.1.2", "10.0.0.1"), "1>4");
  EXPECT_EQ(second.route("232.1.1.1", "10.0.0.1"), "1>");
  EXPECT_EQ(second.reservations, first.reservations);
}

TEST(Limits, DenialsAreToldAtARate) {
  Stand stand;
  furnish(stand);
  limit(stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 0)});
  for (int i = 1; i <= 5; ++i) join(stand, 2, "10.0.0.1", "232.1.1." + std::to_string(i));
  EXPECT_EQ(stand.denials.size(), 1U);
  stand.pass(seconds(2));
  join(stand, 2, "10.0.0.1", "232.1.1.9");
  ASSERT_EQ(stand.denials.size(), 2U);
  EXPECT_EQ(stand.denials[1].suppressed, 4U);
  EXPECT_EQ(stand.mrib.admission().show(Family::ipv4, false).at(0).denied_total, 6U);
}

TEST(Limits, RecordsOfLinksThatAreOursAreIgnoredAndCounted) {
  Stand stand;
  furnish(stand);
  limit(stand, kAccess, {limit_of(LimitKind::out, "232.0.0.0/8", 1)});
  const ReservationKey key{state("232.1.1.9", "10.0.0.1"), kAccess, Direction::out};
  stand.mrib.on_reservation({key, 1, 3}, stand.now);
  stand.mrib.on_reservation({{key.state, LinkId{77}, key.direction}, 1, 3}, stand.now);
  EXPECT_EQ(stand.counted(Count::reservation_ignored), 2U);
  stand.mrib.on_reservation_removed(key, stand.now);
  EXPECT_EQ(stand.mrib.admission().size(), 0U);
}

}  // namespace
}  // namespace hotpair::mcast::mrib
