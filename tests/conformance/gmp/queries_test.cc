// RFC 3376 6.6 (querier's actions), 8 (timers); RFC 3810 7.6, 9. Both families.
#include "tests/unit/mcast_gmp/rig.h"

namespace hotpair::mcast::gmp::testing {
namespace {

using wire::RecordType;
constexpr auto IS_IN = RecordType::mode_is_include;
constexpr auto IS_EX = RecordType::mode_is_exclude;
constexpr auto TO_IN = RecordType::change_to_include;
constexpr auto TO_EX = RecordType::change_to_exclude;
constexpr auto ALLOW = RecordType::allow_new_sources;
constexpr auto BLOCK = RecordType::block_old_sources;

class Queries : public ::testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Rfc, Queries, ::testing::Values(Family::ipv4, Family::ipv6));

// 8.6, 8.7: startup query count (2) at startup query interval (31.25 s), then every 125 s.
TEST_P(Queries, Startup) {
  Rig rig(GetParam());
  ASSERT_EQ(rig.queries.size(), 1U);
  const wire::Query query = rig.queries[0].query;
  EXPECT_EQ(rig.queries[0].destination, wire::all_hosts(GetParam()));
  EXPECT_FALSE(query.group);
  EXPECT_EQ(query.version, rig.names.newest());
  EXPECT_EQ(query.max_response, Duration{10s});
  EXPECT_EQ(query.robustness, 2);
  EXPECT_EQ(query.query_interval, Duration{125s});
  EXPECT_EQ(rig.asked(), "general");
  rig.run(31250ms - 1ms);
  EXPECT_EQ(rig.asked(), "");
  rig.run(1ms);
  EXPECT_EQ(rig.asked(), "general");
  rig.run(124s);
  EXPECT_EQ(rig.asked(), "");
  rig.run(1s);
  EXPECT_EQ(rig.asked(), "general");
  rig.run(125s);
  EXPECT_EQ(rig.asked(), "general");
}

// 8.6, 8.7 when configured; 8.1 robustness as the default of the counts.
TEST_P(Queries, StartupConfigured) {
  InterfaceConfig config;
  config.robustness = 4;
  config.startup_query_interval = 3s;
  Rig rig(GetParam(), config);
  rig.run(9s);
  EXPECT_EQ(rig.asked(), "general general general general");
  rig.run(124s);
  EXPECT_EQ(rig.asked(), "");
  rig.run(1s);
  EXPECT_EQ(rig.asked(), "general");
}

// 6.6.3.1: a group-specific query, LMQC - 1 more at LMQI, group timer lowered to LMQT.
TEST_P(Queries, GroupSpecific) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.say(TO_IN, "");
  ASSERT_EQ(rig.queries.size(), 1U);
  EXPECT_EQ(rig.queries[0].destination, rig.names.group().address());
  EXPECT_EQ(rig.queries[0].query.max_response, Duration{1s});
  EXPECT_EQ(rig.asked(), "Q(G)");
  EXPECT_EQ(rig.group_timer(), 2);
  EXPECT_EQ(rig.row().query, (LastMemberQuery{1, 1s}));
  rig.run(1s);
  EXPECT_EQ(rig.asked(), "Q(G)");
  EXPECT_EQ(rig.row().query, (LastMemberQuery{0, 1s}));
  EXPECT_EQ(rig.snapshot(), rig.records);
  rig.run(1s);
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.state(), "");
}

// 6.6.3.1: a member answers: timer back to GMI, the retransmission carries the S flag.
TEST_P(Queries, GroupSpecificAnswered) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.say(TO_IN, "");
  EXPECT_EQ(rig.asked(), "Q(G)");
  rig.run(300ms);
  rig.say(IS_EX, "", 2);
  EXPECT_FALSE(rig.row().query);
  rig.run(700ms);
  EXPECT_EQ(rig.asked(), "S:Q(G)");
  rig.run(200s);
  EXPECT_EQ(rig.state(), "E(,)");
  EXPECT_EQ(rig.snapshot(), rig.records);
}

// A second leave while the check runs does not begin it anew.
TEST_P(Queries, LeaveDuringCheck) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  rig.run(40s);
  rig.say(TO_IN, "");
  static_cast<void>(rig.asked());
  rig.run(500ms);
  rig.say(TO_IN, "", 2);
  EXPECT_EQ(rig.asked(), "");
  rig.run(1500ms);
  EXPECT_EQ(rig.state(), "");
}

// 6.6.3.2: sources asked for, LMQC times; answered ones go into the message with the S flag.
TEST_P(Queries, SourceSpecific) {
  Rig rig(GetParam());
  rig.say(ALLOW, "123");
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.say(BLOCK, "12");
  EXPECT_EQ(rig.asked(), "Q(G,12)");
  rig.run(500ms);
  rig.say(IS_IN, "1", 2);
  rig.run(500ms);
  EXPECT_EQ(rig.asked(), "S:Q(G,1) Q(G,2)");
  rig.run(1s);
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.state(), "I(13)");
  EXPECT_EQ(rig.snapshot(), rig.records);
}

// 6.6.3.2: a source whose timer is at or below LMQT already is not asked for again.
TEST_P(Queries, SourceSpecificOnlyAboveLmqt) {
  Rig rig(GetParam());
  rig.say(ALLOW, "12");
  rig.run(259s);
  static_cast<void>(rig.asked());
  rig.say(BLOCK, "12");
  EXPECT_EQ(rig.asked(), "");
}

// Configured last member query count and interval.
TEST_P(Queries, LastMemberConfigured) {
  InterfaceConfig config;
  config.last_member_query_count = 3;
  config.last_member_query_interval = 200ms;
  Rig rig(GetParam(), config);
  rig.say(IS_EX, "");
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.say(TO_IN, "");
  rig.run(599ms);
  EXPECT_EQ(rig.asked(), "Q(G) Q(G) Q(G)");
  EXPECT_EQ(rig.state(), "E(,)");
  rig.run(1ms);
  EXPECT_EQ(rig.state(), "");
}

// 4.1.10: a query fits a packet; more sources make more queries.
TEST_P(Queries, ManySources) {
  Rig rig(GetParam());
  std::vector<IpAddress> sources;
  for (unsigned i = 0; i < 500; ++i)
    sources.push_back(GetParam() == Family::ipv4 ? IpAddress::v4(0x0a000001U + i)
                                                 : ip("2001:db8:1::" + std::to_string(1000 + i)));
  rig.hear(wire::SourceReport{{{ALLOW, rig.names.group(), sources}}, 0}, rig.names.host());
  rig.run(40s);
  rig.queries.clear();
  rig.hear(wire::SourceReport{{{BLOCK, rig.names.group(), sources}}, 0}, rig.names.host());
  std::size_t asked = 0;
  for (const SendQuery& sent : rig.queries) {
    asked += sent.query.sources.size();
    EXPECT_LE(sent.query.sources.size(), GetParam() == Family::ipv4 ? 366U : 89U);
  }
  EXPECT_EQ(asked, 500U);
  EXPECT_EQ(rig.queries.size(), GetParam() == Family::ipv4 ? 2U : 6U);
}

// 6.6.2: the lower address asks; the other falls silent for the other querier present interval.
TEST_P(Queries, Election) {
  Rig rig(GetParam());
  static_cast<void>(rig.take<QuerierChanged>());
  static_cast<void>(rig.asked());
  rig.query(rig.names.router(6));
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  rig.query(rig.names.router(4));
  EXPECT_EQ(rig.interface().role, QuerierRole::non_querier);
  EXPECT_EQ(rig.interface().querier, rig.names.router(4));
  const auto changes = rig.take<QuerierChanged>();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].address, rig.names.router(4));
  rig.run(254s);
  EXPECT_EQ(rig.asked(), "");
  rig.query(rig.names.router(4));  // refreshes
  rig.run(255s - 1ms);
  EXPECT_EQ(rig.interface().role, QuerierRole::non_querier);
  EXPECT_EQ(rig.asked(), "");
  rig.run(1ms);
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  EXPECT_EQ(rig.asked(), "general");
  rig.run(125s);
  EXPECT_EQ(rig.asked(), "general");
}

// 6.6.2: 0.0.0.0 and :: win nothing; our own query is not another querier.
TEST_P(Queries, ElectionIgnores) {
  Rig rig(GetParam());
  rig.query(IpAddress::any(GetParam()));
  rig.query(rig.names.router(5));
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  EXPECT_EQ(rig.ignored(Ignored::unspecified_querier), 1U);
  EXPECT_EQ(rig.ignored(Ignored::own_query), 1U);
}

// 4.1.6, 4.1.7: a non-querier follows QRV and QQI; zero means its own values.
TEST_P(Queries, AdoptsQuerierValues) {
  Rig rig(GetParam());
  wire::Query query;
  query.robustness = 3;
  query.query_interval = 20s;
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.interface().robustness, 3);
  EXPECT_EQ(rig.interface().membership_interval, Duration{70s});
  rig.say(IS_EX, "");
  EXPECT_EQ(rig.group_timer(), 70);
  rig.query(rig.names.router(1));
  EXPECT_EQ(rig.interface().robustness, 2);
  EXPECT_EQ(rig.interface().query_interval, Duration{125s});
  rig.query(rig.names.router(1), query);
  rig.run(65s);  // 3 * 20 + 5
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  EXPECT_EQ(rig.interface().query_interval, Duration{125s});
}

// 6.4.2: only the querier asks; a non-querier changes state and timers by the tables otherwise.
TEST_P(Queries, NonQuerierDoesNotAsk) {
  Rig rig(GetParam());
  rig.say(ALLOW, "12");
  rig.query(rig.names.router(1));
  static_cast<void>(rig.asked());
  rig.say(BLOCK, "1");
  rig.say(TO_EX, "2");
  rig.say(TO_IN, "");
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.state(), "E(2,)");
  EXPECT_EQ(rig.group_timer(), 260);
  EXPECT_EQ(rig.source_timer(2), 260);
}

// 6.6.1: a clear S flag lowers the timers of the routers that hear it, a set one does not.
TEST_P(Queries, HeardQueriesLowerTimers) {
  Rig rig(GetParam());
  rig.query(rig.names.router(1));
  rig.say(ALLOW, "12");
  rig.say(IS_EX, "12");
  EXPECT_EQ(rig.state(), "E(12,)");
  wire::Query query;
  query.group = rig.names.group();
  query.max_response = 1s;
  query.suppress = true;
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.group_timer(), 260);
  query.sources = rig.names.sources("1");
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.source_timer(1), 260);
  query.suppress = false;
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.source_timer(1), 2);
  EXPECT_EQ(rig.source_timer(2), 260);
  EXPECT_EQ(rig.group_timer(), 260);
  query.sources = {};
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.group_timer(), 2);
  EXPECT_EQ(rig.snapshot(), rig.records);
  rig.run(2s);
  EXPECT_EQ(rig.state(), "I(2)");
  EXPECT_EQ(rig.asked(), "general");
}

// A query with response time zero is a wire value that becomes a timer: it has a floor.
TEST_P(Queries, ResponseTimeFloor) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  wire::Query query;
  query.version = rig.settings.version;
  query.group = rig.names.group();
  rig.hear(query, rig.names.router(1));
  EXPECT_EQ(rig.group_timer(), 0.2);
}

// The loser of an election sends no retransmission that was due.
TEST_P(Queries, RetransmissionStopsWithTheRole) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  rig.run(40s);
  rig.say(TO_IN, "");
  static_cast<void>(rig.asked());
  rig.query(rig.names.router(1));
  rig.run(1s);
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.snapshot(), rig.records);
}

// 6.6.2 with fast leave: nobody is asked, the leave is believed.
TEST_P(Queries, FastLeave) {
  InterfaceConfig config;
  config.fast_leave = true;
  Rig rig(GetParam(), config);
  static_cast<void>(rig.asked());
  rig.say(IS_EX, "");
  rig.say(TO_IN, "");
  EXPECT_EQ(rig.state(), "");
  rig.say(ALLOW, "123");
  rig.say(BLOCK, "2");
  EXPECT_EQ(rig.state(), "I(13)");
  rig.say(TO_EX, "3");
  EXPECT_EQ(rig.state(), "E(,3)");
  rig.say(BLOCK, "4");
  EXPECT_EQ(rig.state(), "E(,34)");
  rig.say(TO_IN, "5");
  EXPECT_EQ(rig.state(), "I(5)");
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.snapshot(), rig.records);
}

// No own address: silent, and a querier when the address comes.
TEST_P(Queries, AddressComesLater) {
  Machine machine;
  InterfaceConfig config;
  machine.configure(kLink, GetParam(), config, TimePoint{1s});
  while (auto effect = machine.poll_effect())
    EXPECT_FALSE(std::holds_alternative<SendQuery>(*effect));
  EXPECT_EQ(show_interfaces(machine, GetParam(), TimePoint{1s}).at(0).role,
            QuerierRole::no_address);
  config.address = Names{GetParam()}.router(5);
  machine.configure(kLink, GetParam(), config, TimePoint{2s});
  int sent = 0;
  while (auto effect = machine.poll_effect()) sent += std::holds_alternative<SendQuery>(*effect);
  EXPECT_EQ(sent, 1);
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
