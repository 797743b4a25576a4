// RFC 3376 6.4.1, 6.4.2 and RFC 3810 7.4.1, 7.4.2, row by row, and the expiry rules of 6.2.2, 6.3,
// 6.5 (7.2.2, 7.2.3, 7.5). Every row runs for both families.
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

/// Timers after a row: source digits that have each value. The state was made 100 s before the
/// report, so an untouched timer reads 160 s; GMI is 260 s, LMQT 2 s.
struct Row {
  const char* name;
  const char* start;    // "", "I(12)", "E(12,34)"
  RecordType type;
  const char* sources;
  const char* state;
  const char* gmi;        // sources with timer GMI
  const char* kept;       // sources whose timer was not touched
  const char* lowered;    // sources with timer LMQT
  double group_timer;     // -1: none
  const char* asked;
};

constexpr double kGmi = 260;
constexpr double kKept = 160;
constexpr double kLmqt = 2;

const Row kRows[] = {
    // RFC 3376 6.4.1: INCLUDE (A), current-state records
    {"IncludeIsIn", "I(12)", IS_IN, "23", "I(123)", "23", "1", "", -1, ""},
    {"IncludeIsInNothing", "I(12)", IS_IN, "", "I(12)", "", "12", "", -1, ""},
    {"IncludeIsEx", "I(12)", IS_EX, "23", "E(2,3)", "", "2", "", kGmi, ""},
    {"IncludeIsExNothing", "I(12)", IS_EX, "", "E(,)", "", "", "", kGmi, ""},
    {"NewIsIn", "", IS_IN, "12", "I(12)", "12", "", "", -1, ""},
    {"NewIsEx", "", IS_EX, "12", "E(,12)", "", "", "", kGmi, ""},
    // EXCLUDE (X,Y)
    {"ExcludeIsIn", "E(12,34)", IS_IN, "235", "E(1235,4)", "235", "1", "", kKept, ""},
    {"ExcludeIsEx", "E(12,34)", IS_EX, "235", "E(25,3)", "5", "2", "", kGmi, ""},
    {"ExcludeIsExNothing", "E(12,34)", IS_EX, "", "E(,)", "", "", "", kGmi, ""},
    // RFC 3376 6.4.2: INCLUDE (A), filter-mode-change and source-list-change records
    {"IncludeAllow", "I(12)", ALLOW, "23", "I(123)", "23", "1", "", -1, ""},
    {"IncludeBlock", "I(12)", BLOCK, "23", "I(12)", "", "1", "2", -1, "Q(G,2)"},
    {"IncludeBlockOther", "I(12)", BLOCK, "3", "I(12)", "", "12", "", -1, ""},
    {"IncludeToEx", "I(12)", TO_EX, "23", "E(2,3)", "", "", "2", kGmi, "Q(G,2)"},
    {"IncludeToIn", "I(12)", TO_IN, "23", "I(123)", "23", "", "1", -1, "Q(G,1)"},
    {"IncludeToInNothing", "I(12)", TO_IN, "", "I(12)", "", "", "12", -1, "Q(G,12)"},
    {"NewAllow", "", ALLOW, "1", "I(1)", "1", "", "", -1, ""},
    {"NewBlock", "", BLOCK, "1", "", "", "", "", -1, ""},
    {"NewToEx", "", TO_EX, "1", "E(,1)", "", "", "", kGmi, ""},
    {"NewToIn", "", TO_IN, "1", "I(1)", "1", "", "", -1, ""},
    {"NewToInNothing", "", TO_IN, "", "", "", "", "", -1, ""},
    // EXCLUDE (X,Y)
    {"ExcludeAllow", "E(12,34)", ALLOW, "235", "E(1235,4)", "235", "1", "", kKept, ""},
    // (A-X-Y) = Group Timer, then lowered with the rest of A-Y because it is asked for
    {"ExcludeBlock", "E(12,34)", BLOCK, "235", "E(125,34)", "", "1", "25", kKept, "Q(G,25)"},
    {"ExcludeToEx", "E(12,34)", TO_EX, "235", "E(25,3)", "", "", "25", kGmi, "Q(G,25)"},
    {"ExcludeToIn", "E(12,34)", TO_IN, "235", "E(1235,4)", "235", "", "1", kLmqt, "Q(G) Q(G,1)"},
    {"ExcludeToInNothing", "E(,)", TO_IN, "", "E(,)", "", "", "", kLmqt, "Q(G)"},
};

unsigned number(char digit) { return static_cast<unsigned>(digit - '0'); }

/// Brings the group into a state: sources of X and A with timer GMI, those of Y blocked.
void make(Rig& rig, std::string_view start) {
  if (start.empty()) return;
  const std::string_view body = start.substr(2, start.size() - 3);
  if (start[0] == 'I') {
    rig.say(IS_IN, body);
    return;
  }
  const auto comma = body.find(',');
  rig.say(IS_EX, body.substr(comma + 1));
  rig.say(IS_IN, body.substr(0, comma));
}

class StateTable : public ::testing::TestWithParam<std::tuple<Family, Row>> {};

TEST_P(StateTable, Row) {
  const auto& [family, row] = GetParam();
  Rig rig(family);
  make(rig, row.start);
  ASSERT_EQ(rig.state(), row.start);
  rig.run(100s);
  static_cast<void>(rig.asked());

  rig.say(row.type, row.sources, 2);

  EXPECT_EQ(rig.state(), row.state);
  EXPECT_EQ(rig.asked(), row.asked);
  EXPECT_EQ(rig.snapshot(), rig.records);
  if (*row.state == '\0') return;
  for (const char c : std::string_view(row.gmi)) EXPECT_EQ(rig.source_timer(number(c)), kGmi) << c;
  for (const char c : std::string_view(row.kept))
    EXPECT_EQ(rig.source_timer(number(c)), kKept) << c;
  for (const char c : std::string_view(row.lowered))
    EXPECT_EQ(rig.source_timer(number(c)), kLmqt) << c;
  EXPECT_EQ(rig.group_timer(), row.group_timer);
  // Who has a running query is told in the records, and nobody else.
  for (const auto& [key, value] : rig.records.sources)
    EXPECT_EQ(value.query.has_value(),
              std::string_view(row.lowered).contains(rig.digit(key.source)));
}

std::string row_name(const ::testing::TestParamInfo<std::tuple<Family, Row>>& param) {
  const auto& [family, row] = param.param;
  return std::string(family == Family::ipv4 ? "Igmp" : "Mld") + row.name;
}

INSTANTIATE_TEST_SUITE_P(Rfc, StateTable,
                         ::testing::Combine(::testing::Values(Family::ipv4, Family::ipv6),
                                            ::testing::ValuesIn(kRows)),
                         row_name);

class Expiry : public ::testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Rfc, Expiry, ::testing::Values(Family::ipv4, Family::ipv6));

// 6.3: INCLUDE, a source timer ends: the source goes; the last one takes the record with it.
TEST_P(Expiry, IncludeSource) {
  Rig rig(GetParam());
  rig.say(ALLOW, "1");
  rig.run(10s);
  rig.say(ALLOW, "2");
  rig.run(250s - 1ms);
  EXPECT_EQ(rig.state(), "I(12)");
  rig.run(1ms);
  EXPECT_EQ(rig.state(), "I(2)");
  EXPECT_EQ((rig.views[{kLink, rig.names.group()}]),
            (ForwardingView{FilterMode::include, rig.names.sources("2")}));
  rig.run(10s);
  EXPECT_EQ(rig.state(), "");
  EXPECT_TRUE(rig.views.empty());
  EXPECT_EQ(rig.records, Records{});
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
}

// 6.3: EXCLUDE, a source timer ends: the source is blocked, not deleted.
TEST_P(Expiry, ExcludeSource) {
  Rig rig(GetParam());
  rig.say(ALLOW, "12");
  rig.run(10s);
  rig.say(IS_EX, "13");
  EXPECT_EQ(rig.state(), "E(1,3)");
  rig.run(250s);
  EXPECT_EQ(rig.state(), "E(,13)");
  EXPECT_EQ((rig.views[{kLink, rig.names.group()}]),
            (ForwardingView{FilterMode::exclude, rig.names.sources("13")}));
}

// 6.5: the group timer ends with sources running: INCLUDE, without the blocked ones.
TEST_P(Expiry, ExcludeGroupToInclude) {
  Rig rig(GetParam());
  rig.say(IS_EX, "3");
  rig.run(50s);
  rig.say(IS_IN, "12");
  rig.run(210s);
  EXPECT_EQ(rig.state(), "I(12)");
  EXPECT_EQ((rig.views[{kLink, rig.names.group()}]),
            (ForwardingView{FilterMode::include, rig.names.sources("12")}));
  EXPECT_EQ(rig.snapshot(), rig.records);
}

// 6.5: the group timer ends without sources running: the record is deleted.
TEST_P(Expiry, ExcludeGroupGone) {
  Rig rig(GetParam());
  rig.say(IS_EX, "3");
  rig.run(260s - 10ms);
  EXPECT_EQ(rig.state(), "E(,3)");
  rig.run(10ms);
  EXPECT_EQ(rig.state(), "");
  EXPECT_EQ(rig.records, Records{});
}

// 6.2.3 and 6.3: what is forwarded in each state.
TEST_P(Expiry, ForwardingView) {
  Rig rig(GetParam());
  const auto view = [&rig] { return rig.views[{kLink, rig.names.group()}]; };
  rig.say(ALLOW, "12");
  EXPECT_EQ(view(), (ForwardingView{FilterMode::include, rig.names.sources("12")}));
  rig.say(TO_EX, "23");
  EXPECT_EQ(view(), (ForwardingView{FilterMode::exclude, rig.names.sources("3")}));
  rig.say(ALLOW, "3");
  EXPECT_EQ(view(), (ForwardingView{FilterMode::exclude, {}}));
}

// A report that only refreshes timers changes neither views nor records.
TEST_P(Expiry, RefreshIsSilent) {
  Rig rig(GetParam());
  rig.say(IS_EX, "3");
  rig.say(IS_IN, "1");
  const int views = rig.view_changes;
  const int records = rig.record_changes;
  for (unsigned i = 0; i < 20; ++i) {
    rig.run(125s);
    rig.say(IS_EX, "13", 1 + i % 2);
    rig.say(IS_IN, "1", 3);
  }
  EXPECT_EQ(rig.view_changes, views);
  EXPECT_EQ(rig.record_changes, records);
  EXPECT_EQ(rig.state(), "E(1,3)");
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
