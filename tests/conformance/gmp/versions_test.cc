// RFC 3376 7 and RFC 3810 8 (older versions), RFC 2236, RFC 2710, RFC 4604 (source-specific).
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

InterfaceConfig version(std::uint8_t number) {
  InterfaceConfig config;
  config.version = number;
  return config;
}

struct Old : Rig {
  using Rig::Rig;
  void report(std::uint8_t of, unsigned host = 1) {
    hear(wire::GroupReport{of, names.group()}, names.host(host));
  }
  void leave(unsigned host = 1) { hear(wire::Leave{names.group()}, names.host(host)); }
};

// 7.3.2: a version 2 report is IS_EX({}), a leave is TO_IN({}).
TEST(Igmp, Version2HostOnVersion3Router) {
  Old rig(Family::ipv4);
  rig.report(2);
  EXPECT_EQ(rig.state(), "E(,)");
  EXPECT_EQ(rig.group_timer(), 260);
  EXPECT_EQ(rig.row().older_host_version, 2);
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.leave();
  EXPECT_EQ(rig.asked(), "Q(G)");
  EXPECT_EQ(rig.group_timer(), 2);
  rig.run(2s);
  EXPECT_EQ(rig.state(), "");
}

// 7.3.2, compatibility mode IGMPv2: BLOCK is ignored, TO_EX loses its sources, TO_IN counts.
TEST(Igmp, CompatibilityModeVersion2) {
  Old rig(Family::ipv4);
  rig.report(2);
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.say(BLOCK, "1", 2);
  EXPECT_EQ(rig.state(), "E(,)");
  rig.say(TO_EX, "1", 2);
  EXPECT_EQ(rig.state(), "E(,)");
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.ignored(Ignored::older_host), 2U);
  rig.say(ALLOW, "1", 2);
  EXPECT_EQ(rig.state(), "E(1,)");
  rig.say(TO_IN, "1", 2);
  EXPECT_EQ(rig.asked(), "Q(G)");
}

// 7.3.2, compatibility mode IGMPv1: BLOCK, leave and TO_IN are ignored.
TEST(Igmp, CompatibilityModeVersion1) {
  Old rig(Family::ipv4);
  rig.report(1);
  rig.report(2, 2);
  EXPECT_EQ(rig.row().older_host_version, 1);
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.leave();
  rig.say(TO_IN, "", 2);
  rig.say(BLOCK, "1", 2);
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.state(), "E(,)");
  EXPECT_EQ(rig.ignored(Ignored::older_host), 3U);
}

// 8.13: older host present interval; the group falls back one version after the other.
TEST(Igmp, OlderHostsExpire) {
  Old rig(Family::ipv4);
  rig.report(1);
  rig.run(100s);
  rig.report(2);
  rig.run(100s);
  rig.say(IS_EX, "");
  EXPECT_EQ(rig.row().older_host_version, 1);
  rig.run(60s);
  EXPECT_EQ(rig.row().older_host_version, 2);
  EXPECT_EQ(rig.snapshot(), rig.records);
  rig.run(100s);
  EXPECT_EQ(rig.row().older_host_version, 0);
  EXPECT_EQ(rig.state(), "E(,)");
  EXPECT_EQ(rig.snapshot(), rig.records);
}

// RFC 2236: a version 2 router asks in version 2 and does not know version 3 reports.
TEST(Igmp, Version2Router) {
  Old rig(Family::ipv4, version(2));
  ASSERT_EQ(rig.queries.size(), 1U);
  EXPECT_EQ(rig.queries[0].query.version, 2);
  rig.say(IS_EX, "");
  EXPECT_EQ(rig.state(), "");
  EXPECT_EQ(rig.ignored(Ignored::newer_version), 1U);
  rig.report(2);
  EXPECT_EQ(rig.row().older_host_version, 0);
  rig.run(40s);
  rig.queries.clear();
  rig.leave();
  ASSERT_EQ(rig.queries.size(), 1U);
  EXPECT_EQ(rig.queries[0].query.version, 2);
  EXPECT_FALSE(rig.queries[0].query.suppress);
  rig.run(2s);
  EXPECT_EQ(rig.state(), "");
  rig.report(1);  // 2236 4: a version 1 host cannot leave, and hides the leaves of others
  rig.leave();
  EXPECT_EQ(rig.ignored(Ignored::older_host), 1U);
}

// RFC 1112: version 1 knows neither leaves nor group-specific queries.
TEST(Igmp, Version1Router) {
  Old rig(Family::ipv4, version(1));
  EXPECT_EQ(rig.queries.at(0).query.version, 1);
  rig.report(2);
  EXPECT_EQ(rig.state(), "");
  rig.report(1);
  static_cast<void>(rig.asked());
  rig.leave();
  EXPECT_EQ(rig.asked(), "");
  rig.run(259s);
  EXPECT_EQ(rig.state(), "E(,)");
  rig.run(1s);
  EXPECT_EQ(rig.state(), "");
}

// 7.3.1: a query of another version is told, and still counts in the election.
TEST(Igmp, OlderQuerier) {
  Old rig(Family::ipv4);
  wire::Query query;
  query.version = 2;
  query.max_response = 10s;
  rig.hear(query, rig.names.router(1));
  const auto told = rig.take<QueryVersionMismatch>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].heard, 2);
  EXPECT_EQ(told[0].configured, 3);
  EXPECT_EQ(rig.interface().role, QuerierRole::non_querier);
  EXPECT_EQ(rig.interface().counters.queries[1], 1U);
}

// RFC 3810 8.3.2: an MLDv1 report is IS_EX({}), done is TO_IN({}), which stays valid.
TEST(Mld, Version1HostOnVersion2Router) {
  Old rig(Family::ipv6);
  rig.report(1);
  EXPECT_EQ(rig.row().older_host_version, 1);
  rig.run(40s);
  static_cast<void>(rig.asked());
  rig.say(BLOCK, "1", 2);
  rig.say(TO_EX, "1", 2);
  EXPECT_EQ(rig.state(), "E(,)");
  EXPECT_EQ(rig.ignored(Ignored::older_host), 2U);
  rig.leave();
  EXPECT_EQ(rig.asked(), "Q(G)");
  rig.run(2s);
  EXPECT_EQ(rig.state(), "");
}

TEST(Mld, Version1Router) {
  Old rig(Family::ipv6, version(1));
  EXPECT_EQ(rig.queries.at(0).query.version, 1);
  rig.say(IS_EX, "");
  EXPECT_EQ(rig.ignored(Ignored::newer_version), 1U);
  rig.report(1);
  EXPECT_EQ(rig.row().older_host_version, 0);
  rig.run(40s);
  rig.queries.clear();
  rig.leave();
  ASSERT_EQ(rig.queries.size(), 1U);
  EXPECT_EQ(rig.queries[0].query.version, 1);
}

class Ssm : public ::testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Rfc4604, Ssm, ::testing::Values(Family::ipv4, Family::ipv6));

// RFC 4604 2.2.3, 2.2.4: no older reports and no EXCLUDE for source-specific groups.
TEST_P(Ssm, OnlyInclude) {
  Rig rig(GetParam());
  const Group group = rig.names.ssm_group();
  const auto say = [&](RecordType type, std::string_view digits) {
    rig.hear(wire::SourceReport{{{type, group, rig.names.sources(digits)}}, 0}, rig.names.host());
  };
  const auto older = static_cast<std::uint8_t>(rig.names.newest() - 1);
  rig.hear(wire::GroupReport{older, group}, rig.names.host());
  rig.hear(wire::Leave{group}, rig.names.host());
  say(IS_EX, "");
  say(TO_EX, "1");
  EXPECT_EQ(rig.state(group), "");
  EXPECT_EQ(rig.ignored(Ignored::ssm_range), 4U);
  say(ALLOW, "12");
  EXPECT_EQ(rig.state(group), "I(12)");
  rig.run(40s);
  static_cast<void>(rig.asked());
  say(BLOCK, "1");
  EXPECT_EQ(rig.asked(), "Q(G,1)");
  say(IS_IN, "3");
  say(TO_IN, "3");
  EXPECT_EQ(rig.asked(), "Q(G,12)");
}

TEST_P(Ssm, ConfiguredRange) {
  InterfaceConfig config;
  config.ssm_ranges = {*IpPrefix::parse(GetParam() == Family::ipv4 ? "225.0.0.0/24" : "ff1e::/64")};
  Rig rig(GetParam(), config);
  rig.say(IS_EX, "");
  EXPECT_EQ(rig.state(), "");
  const Group group = rig.names.ssm_group();
  rig.hear(wire::SourceReport{{{IS_EX, group, {}}}, 0}, rig.names.host());
  EXPECT_EQ(rig.state(group), "E(,)");
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
