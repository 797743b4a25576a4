// What only a peer knew that was master as well: united with what is here, asked for, and ordinary
// only when a host answers.
#include "tests/unit/mcast_gmp/rig.h"

namespace hotpair::mcast::gmp::testing {
namespace {

using wire::RecordType;

struct Told {
  FilterMode mode;
  const char* forwarding;
  const char* blocked;
};
constexpr Told kInclude(const char* sources) { return {FilterMode::include, sources, ""}; }
constexpr Told kExclude(const char* blocked = "") { return {FilterMode::exclude, "", blocked}; }

/// In key order, as the peer tells it. The best of what became of the records.
Taken tell(Rig& rig, const Told& told, unsigned group = 1, unsigned host = 9) {
  Taken taken = Taken::known;
  const auto unite = [&](const MembershipRecord& record) {
    const Taken one = rig.machine.on_tentative(record, rig.now);
    if (taken == Taken::known) taken = one;
    rig.drain();
  };
  GroupValue value;
  value.mode = told.mode;
  value.is_dynamic = true;
  value.last_reporter = rig.names.host(host);
  unite(GroupMembership{{kLink, rig.names.group(group)}, value});
  const auto sources = [&](const char* digits, bool forwarding) {
    for (const IpAddress& source : rig.names.sources(digits)) {
      SourceValue one;
      one.forwarding = forwarding;
      one.is_dynamic = true;
      unite(SourceMembership{{kLink, rig.names.group(group), source}, one});
    }
  };
  sources(told.forwarding, true);
  sources(told.blocked, false);
  return taken;
}

struct Row {
  const char* name;
  RecordType said;  // by a host here, before
  const char* sources;
  Told told;
  Taken taken;
  const char* state;       // at once
  const char* asked;       // at once
  const char* unanswered;  // the state when nobody answers
  RecordType answer;       // of a host
  const char* answered;    // by it
};
constexpr auto IS_IN = RecordType::mode_is_include;
constexpr auto IS_EX = RecordType::mode_is_exclude;

const Row kRows[] = {
    {"NothingHereExclude", IS_IN, "", kExclude(), Taken::added, "E(,)", "Q(G)", "", IS_EX, ""},
    {"NothingHereInclude", IS_IN, "", kInclude("12"), Taken::added, "I(12)", "Q(G,12)", "", IS_IN,
     "12"},
    {"NothingHereBlocked", IS_IN, "", kExclude("3"), Taken::added, "E(,3)", "Q(G)", "", IS_EX, "3"},
    {"IncludeHereExclude", IS_IN, "1", kExclude(), Taken::widened, "E(1,)", "Q(G)", "I(1)", IS_EX,
     ""},
    {"IncludeHereBlocked", IS_IN, "1", kExclude("1"), Taken::widened, "E(1,)", "Q(G)", "I(1)",
     IS_EX, ""},
    {"IncludeHereMoreSources", IS_IN, "1", kInclude("12"), Taken::added, "I(12)", "Q(G,2)", "I(1)",
     IS_IN, "2"},
    {"IncludeHereSame", IS_IN, "12", kInclude("12"), Taken::known, "I(12)", "", "I(12)", IS_IN,
     "12"},
    {"ExcludeHereInclude", IS_EX, "", kInclude("1"), Taken::known, "E(,)", "", "E(,)", IS_EX, ""},
    {"ExcludeHereSame", IS_EX, "", kExclude(), Taken::known, "E(,)", "", "E(,)", IS_EX, ""},
    {"ExcludeHereMoreBlocked", IS_EX, "", kExclude("4"), Taken::known, "E(,)", "", "E(,)", IS_EX,
     ""},
    {"BlockedHereWanted", IS_EX, "1", kInclude("1"), Taken::widened, "E(1,)", "Q(G,1)", "E(,1)",
     IS_IN, "1"},
};

class TentativeTable : public ::testing::TestWithParam<std::tuple<Family, Row>> {
 public:
  Rig rig{std::get<0>(GetParam())};
  const Row& row = std::get<1>(GetParam());
  void SetUp() override {
    rig.run(40s);
    if (row.sources[0] != '\0' || row.said == IS_EX) rig.say(row.said, row.sources);
    static_cast<void>(rig.asked());
    EXPECT_EQ(tell(rig, row.told), row.taken);
    EXPECT_EQ(rig.state(), row.state);
    rig.run(10ms);
    EXPECT_EQ(rig.asked(), row.asked);
  }
  [[nodiscard]] Tentative counts() const { return rig.machine.tentative(kLink, rig.names.family); }
  [[nodiscard]] unsigned waits() const {
    const std::string_view asked(row.asked);
    const auto sources = std::ranges::count_if(asked, [](char c) { return c >= '1' && c <= '9'; });
    return asked.empty() ? 0 : std::max(1U, static_cast<unsigned>(sources));
  }
};

TEST_P(TentativeTable, EndsWithinTheLastMemberQueryTimeWithoutAnAnswer) {
  EXPECT_EQ(counts().waiting, waits());
  rig.run(1900ms);
  EXPECT_EQ(rig.state(), row.state) << "a host has all the time of the queries";
  rig.run(200ms);
  EXPECT_EQ(rig.state(), row.unanswered);
  EXPECT_EQ(counts(), (Tentative{0, 0, waits()}));
  EXPECT_EQ(rig.snapshot(), rig.records) << "every change was announced";
}

TEST_P(TentativeTable, AnAnswerMakesItOrdinary) {
  rig.run(500ms);
  rig.say(row.answer, row.answered, 2);
  if (waits() > 0) {
    EXPECT_EQ(counts().confirmed, waits());
    EXPECT_EQ(counts().waiting, 0U);
  }
  const std::string state = rig.state();
  rig.run(100s);
  EXPECT_EQ(rig.state(), state) << "its timers are those of a report";
  EXPECT_EQ(rig.snapshot(), rig.records);
}

TEST_P(TentativeTable, ToldTwiceIsToldOnce) {
  const Tentative before = counts();
  EXPECT_EQ(tell(rig, row.told), Taken::known);
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(counts(), before);
  rig.run(2100ms);
  EXPECT_EQ(rig.state(), row.unanswered);
}

INSTANTIATE_TEST_SUITE_P(Rows, TentativeTable,
                         ::testing::Combine(::testing::Values(Family::ipv4, Family::ipv6),
                                            ::testing::ValuesIn(kRows)),
                         [](const auto& param) {
                           const bool v4 = std::get<0>(param.param) == Family::ipv4;
                           return std::string(std::get<1>(param.param).name) + (v4 ? "v4" : "v6");
                         });

class Tentatives : public ::testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Families, Tentatives, ::testing::Values(Family::ipv4, Family::ipv6));

TEST_P(Tentatives, BeyondABoundAllHostsAreAskedAtOnce) {
  Rig rig(GetParam());
  rig.run(100s);
  static_cast<void>(rig.asked());
  for (unsigned group = 1; group <= 200; ++group)
    ASSERT_EQ(tell(rig, kExclude(), group), Taken::added);
  EXPECT_EQ(rig.views.size(), 200U);
  EXPECT_EQ(rig.queries.size(), 64U);
  const std::uint64_t general = rig.interface().counters.sent_general;
  // The first of two general queries is due at once: all were asked long ago.
  rig.run(0s);
  EXPECT_EQ(rig.interface().counters.sent_general, general + 1);
  rig.run(5s);
  EXPECT_EQ(rig.views.size(), 136U) << "those asked one by one have ended";
  rig.hear(wire::SourceReport{{{IS_EX, rig.names.group(150), {}}}, 0}, rig.names.host());
  rig.run(14s);
  EXPECT_EQ(rig.interface().counters.sent_general, general + 2) << "one response interval apart";
  EXPECT_EQ(rig.views.size(), 136U);
  rig.run(2s);
  EXPECT_EQ(rig.views.size(), 1U);
  EXPECT_EQ(rig.machine.tentative(kLink, GetParam()), (Tentative{0, 1, 199}));
  EXPECT_EQ(rig.snapshot(), rig.records);
}

TEST_P(Tentatives, AStreamOfThemAsksAllNoMoreThanOnceInAResponseInterval) {
  Rig rig(GetParam());
  rig.run(40s);
  for (unsigned group = 1; group <= 64; ++group) tell(rig, kExclude(), group);
  const std::uint64_t general = rig.interface().counters.sent_general;
  const std::uint64_t each = rig.interface().counters.sent_group;
  for (unsigned group = 100; group < 600; ++group) {
    tell(rig, kExclude(), group);
    rig.run(100ms);
  }
  EXPECT_LE(rig.interface().counters.sent_general - general, 7U) << "in 50 s";
  EXPECT_LE(rig.interface().counters.sent_group - each, 64U * 2 * 27);
  rig.run(30s);
  EXPECT_TRUE(rig.views.empty()) << "nothing lives longer than its confirmation";
}

/// Its hosts were on the other side of the split when it was asked for last.
TEST_P(Tentatives, WhatIsKnownLivesUntilAllHostsWereAsked) {
  Rig rig(GetParam());
  rig.hear(
      wire::SourceReport{{{IS_EX, rig.names.group(1), {}}, {IS_EX, rig.names.group(2), {}}}, 0},
      rig.names.host());
  rig.run(259s);
  const std::uint64_t general = rig.interface().counters.sent_general;
  EXPECT_EQ(tell(rig, kExclude(), 1), Taken::known);
  rig.run(2s);
  EXPECT_EQ(rig.state(rig.names.group(1)), "E(,)");
  EXPECT_EQ(rig.state(rig.names.group(2)), "") << "nobody told of it";
  rig.run(30s);
  EXPECT_EQ(rig.state(rig.names.group(1)), "");
  EXPECT_GE(rig.interface().counters.sent_general, general + 2);
}

TEST_P(Tentatives, LimitsHold) {
  InterfaceConfig config;
  config.max_groups = 3;
  config.max_groups_per_host = 2;
  config.max_sources_per_group = 2;
  Rig rig(GetParam(), config);
  EXPECT_EQ(tell(rig, kExclude(), 1), Taken::added);
  EXPECT_EQ(tell(rig, kInclude("123"), 2), Taken::added);
  EXPECT_EQ(rig.state(rig.names.group(2)), "I(12)");
  EXPECT_EQ(tell(rig, kExclude(), 3), Taken::refused);  // the host has two
  EXPECT_EQ(tell(rig, kExclude(), 3, 8), Taken::added);
  EXPECT_EQ(tell(rig, kExclude(), 4, 7), Taken::refused);
  std::vector<Limit> limits;
  for (const LimitReached& one : rig.take<LimitReached>()) limits.push_back(one.limit);
  EXPECT_EQ(limits, (std::vector{Limit::sources_per_group, Limit::groups_per_host,
                                 Limit::groups_per_interface}));
}

TEST_P(Tentatives, FastLeaveDoesNotEndThem) {
  InterfaceConfig config;
  config.fast_leave = true;
  Rig rig(GetParam(), config);
  EXPECT_EQ(tell(rig, kExclude()), Taken::added);
  rig.run(1900ms);
  EXPECT_EQ(rig.state(), "E(,)");
}

TEST_P(Tentatives, NothingThatMayNotBeHereIsTaken) {
  Rig rig(GetParam());
  GroupValue exclude;
  exclude.mode = FilterMode::exclude;
  exclude.is_dynamic = true;
  const auto unite = [&](const Group& group) {
    return rig.machine.on_tentative(GroupMembership{{kLink, group}, exclude}, rig.now);
  };
  EXPECT_EQ(unite(rig.names.ssm_group()), Taken::refused);
  EXPECT_EQ(unite(grp(GetParam() == Family::ipv4 ? "224.0.0.5" : "ff02::5")), Taken::refused);
  EXPECT_EQ(
      rig.machine.on_tentative(GroupMembership{{LinkId{99}, rig.names.group()}, exclude}, rig.now),
      Taken::refused);
  EXPECT_TRUE(rig.snapshot().groups.empty());
}

TEST_P(Tentatives, AStandbyTakesNone) {
  Rig rig(GetParam(), scoped());
  EXPECT_EQ(tell(rig, kExclude()), Taken::refused);
  EXPECT_EQ(rig.state(), "");
}

/// Deposed in the middle: nothing is counted twice, and whoever is master next asks again.
TEST_P(Tentatives, ARoleThatEndsTakesThemAlong) {
  Rig rig(GetParam(), scoped());
  rig.activate();
  tell(rig, kExclude());
  rig.run(500ms);
  rig.machine.deactivate(kScope, rig.now);
  EXPECT_EQ(rig.machine.tentative(kLink, GetParam()), Tentative{});
  rig.run(10s);
  EXPECT_EQ(rig.state(), "E(,)");
  rig.activate();
  tell(rig, kExclude(), 2);
  EXPECT_EQ(rig.machine.tentative(kLink, GetParam()).waiting, 1U);
  rig.run(3s);
  EXPECT_EQ(rig.state(), "") << "asked for once more, in full";
  EXPECT_EQ(rig.machine.tentative(kLink, GetParam()), (Tentative{0, 0, 1}));
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
