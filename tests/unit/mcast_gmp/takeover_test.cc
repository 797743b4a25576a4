// Every scenario runs with a takeover after each of its steps, the successor made from a snapshot
// or from the records as they were announced. The forwarding views agree at every step, and so does
// the end.
#include <functional>
#include <memory>
#include <set>

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

using Step = std::function<void(Rig&)>;
struct Scenario {
  const char* name;
  std::vector<Step> steps;
};

Step say(RecordType type, const char* digits, unsigned host = 1) {
  return [=](Rig& rig) { rig.say(type, digits, host); };
}
Step run(Duration span) {
  return [=](Rig& rig) { rig.run(span); };
}
Step old_report(unsigned host) {
  return [=](Rig& rig) {
    const auto older = static_cast<std::uint8_t>(rig.names.newest() - 1);
    rig.hear(wire::GroupReport{older, rig.names.group()}, rig.names.host(host));
  };
}
Step leave(unsigned host) {
  return [=](Rig& rig) { rig.hear(wire::Leave{rig.names.group()}, rig.names.host(host)); };
}

Step told_exclude() {
  return [](Rig& rig) {
    GroupValue value;
    value.mode = FilterMode::exclude;
    value.is_dynamic = true;
    static_cast<void>(
        rig.machine.on_tentative(GroupMembership{{kLink, rig.names.group()}, value}, rig.now));
    rig.drain();
  };
}
Step told_source(unsigned source) {
  return [=](Rig& rig) {
    SourceValue value;
    value.is_dynamic = true;
    static_cast<void>(rig.machine.on_tentative(
        SourceMembership{{kLink, rig.names.group(), rig.names.source(source)}, value}, rig.now));
    rig.drain();
  };
}

const Scenario kScenarios[] = {
    {"JoinAndLeave", {say(IS_EX, ""), run(40s), say(TO_IN, ""), run(1s), run(5s)}},
    {"LeaveAnswered",
     {say(IS_EX, ""), run(40s), say(TO_IN, ""), run(500ms), say(IS_EX, "", 2), run(5s)}},
    {"SourcesComeAndGo",
     {say(ALLOW, "123"), run(40s), say(BLOCK, "12"), run(500ms), say(IS_IN, "1", 2), run(1s),
      run(5s), say(ALLOW, "4"), run(5s)}},
    {"ModeChanges",
     {say(ALLOW, "12"), say(TO_EX, "23", 2), run(20s), say(IS_IN, "3"), say(TO_IN, "2", 2),
      run(500ms), say(IS_IN, "3"), run(5s), say(TO_EX, ""), say(BLOCK, "5"), run(3s)}},
    {"Replaced", {say(IS_EX, "12"), say(TO_EX, "34", 2), say(ALLOW, "12"), run(3s)}},
    {"BlockedSources",
     {say(IS_EX, "1234"), say(ALLOW, "1", 2), say(IS_EX, "234"), run(20s), say(TO_EX, "34"),
      run(5s)}},
    {"OlderHosts", {old_report(1), run(30s), say(BLOCK, "1", 2), leave(1), run(1s), run(5s)}},
    {"ToldAndUnanswered", {told_exclude(), run(1s), run(5s)}},
    {"ToldAndAnswered", {told_exclude(), run(500ms), say(IS_EX, "", 2), run(5s)}},
    {"ToldSources",
     {say(ALLOW, "1"), told_source(2), told_source(3), run(1s), say(IS_IN, "3", 2), run(5s)}},
    {"ToldBesideInclude", {say(ALLOW, "12"), told_exclude(), run(1s), run(5s)}},
    {"TwoGroups",
     {say(IS_EX, "1"),
      [](Rig& rig) {
        rig.hear(wire::SourceReport{{{ALLOW, rig.names.group(2), rig.names.sources("12")},
                                     {TO_EX, rig.names.group(3), {}}},
                                    0},
                 rig.names.host());
      },
      run(40s),
      [](Rig& rig) {
        rig.hear(wire::SourceReport{{{BLOCK, rig.names.group(2), rig.names.sources("12")},
                                     {TO_IN, rig.names.group(3), {}}},
                                    0},
                 rig.names.host());
      },
      run(1s), run(5s)}},
};

using Stream = std::pair<unsigned, unsigned>;  // group, source

std::set<Stream> forwarded(const Rig& rig) {
  std::set<Stream> streams;
  for (unsigned group = 1; group <= 3; ++group)
    for (unsigned source = 1; source <= 9; ++source)
      if (rig.forwards(rig.names.group(group), rig.names.source(source)))
        streams.emplace(group, source);
  return streams;
}

enum class From { snapshot, records };

/// A rig and its standby, which gets every record at once.
class Pair {
 public:
  explicit Pair(Family family) : family_(family) {
    master = std::make_unique<Rig>(family, scoped());
    master->activate();
    standby_ = std::make_unique<Rig>(family, scoped());
  }
  void step(const Step& step) {
    const Rig& peer = *standby_;
    const std::set<Stream> before = forwarded(peer);
    step(*master);
    std::set<Stream> through;  // what goes out before and after goes out between any two records
    for (const Stream& stream : forwarded(*master))
      if (before.contains(stream)) through.insert(stream);
    for (const MembershipRecord& record : std::exchange(master->emitted, {})) {
      standby_->restore({record});
      const std::set<Stream> between = forwarded(peer);
      EXPECT_TRUE(std::includes(between.begin(), between.end(), through.begin(), through.end()));
    }
    standby_->now = master->now;
    EXPECT_EQ(standby_->views, master->views);
    EXPECT_EQ(master->snapshot(), all_);
  }
  void observe() {
    for (const MembershipRecord& record : master->emitted) all_.apply(record);
  }
  void take_over(From from) {
    std::unique_ptr<Rig> successor = std::move(standby_);
    if (from == From::snapshot) {
      successor = std::make_unique<Rig>(family_, scoped(), master->now);
      successor->restore(master->snapshot().all());
    }
    EXPECT_EQ(successor->views, master->views);
    EXPECT_EQ(successor->snapshot(), master->snapshot());
    successor->activate();
    EXPECT_EQ(successor->views, master->views);
    successor->run(0s);
    EXPECT_EQ(successor->views, master->views);
    EXPECT_FALSE(successor->asked().empty());
    standby_ = std::make_unique<Rig>(family_, scoped(), master->now);
    standby_->restore(successor->snapshot().all());
    successor->emitted.clear();
    all_ = successor->snapshot();
    master = std::move(successor);
  }
  std::unique_ptr<Rig> master;

  void play(const Step& step_to_play) {
    step([&](Rig& rig) {
      step_to_play(rig);
      observe();
    });
  }

 private:
  Family family_;
  std::unique_ptr<Rig> standby_;
  Records all_;
};

class Takeover : public ::testing::TestWithParam<std::tuple<Family, Scenario, From>> {};

TEST_P(Takeover, BetweenAnyTwoSteps) {
  const auto& [family, scenario, from] = GetParam();
  Pair reference(family);
  std::vector<Views> views;
  for (const Step& step : scenario.steps) {
    reference.play(step);
    views.push_back(reference.master->views);
  }
  for (std::size_t cut = 0; cut < scenario.steps.size(); ++cut) {
    SCOPED_TRACE("takeover after step " + std::to_string(cut));
    Pair pair(family);
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
      pair.play(scenario.steps[i]);
      if (i == cut) pair.take_over(from);
    }
    // An interrupted check is asked again, so it ends up to one LMQT later.
    pair.play(run(2s));
    EXPECT_EQ(pair.master->views, views.back());
  }
}

std::string test_name(const ::testing::TestParamInfo<std::tuple<Family, Scenario, From>>& param) {
  const auto& [family, scenario, from] = param.param;
  return std::string(family == Family::ipv4 ? "Igmp" : "Mld") + scenario.name +
         (from == From::snapshot ? "Snapshot" : "Records");
}

INSTANTIATE_TEST_SUITE_P(Gmp, Takeover,
                         ::testing::Combine(::testing::Values(Family::ipv4, Family::ipv6),
                                            ::testing::ValuesIn(kScenarios),
                                            ::testing::Values(From::snapshot, From::records)),
                         test_name);

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
