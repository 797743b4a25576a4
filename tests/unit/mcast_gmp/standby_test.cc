#include "tests/unit/mcast_gmp/rig.h"

namespace hotpair::mcast::gmp::testing {
namespace {

using wire::RecordType;
constexpr auto IS_IN = RecordType::mode_is_include;
constexpr auto IS_EX = RecordType::mode_is_exclude;
constexpr auto TO_IN = RecordType::change_to_include;
constexpr auto ALLOW = RecordType::allow_new_sources;
constexpr auto BLOCK = RecordType::block_old_sources;

class Standby : public ::testing::TestWithParam<Family> {
 protected:
  [[nodiscard]] MembershipRecord group(FilterMode mode, unsigned n = 1) const {
    return GroupMembership{{kLink, names.group(n)}, GroupValue{.mode = mode, .is_dynamic = true}};
  }
  [[nodiscard]] MembershipRecord source(unsigned n, bool forwarding) const {
    return SourceMembership{{kLink, names.group(), names.source(n)},
                            SourceValue{.forwarding = forwarding, .is_dynamic = true}};
  }
  [[nodiscard]] MembershipRecord no_group() const {
    return GroupMembership{{kLink, names.group()}, std::nullopt};
  }
  [[nodiscard]] MembershipRecord no_source(unsigned n) const {
    return SourceMembership{{kLink, names.group(), names.source(n)}, std::nullopt};
  }
  Names names{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Gmp, Standby, ::testing::Values(Family::ipv4, Family::ipv6));

// A standby sends nothing, hears without acting, and keeps what the master told.
TEST_P(Standby, SilentAndDeaf) {
  Rig rig(GetParam(), scoped());
  EXPECT_EQ(rig.interface().role, QuerierRole::standby);
  rig.restore({group(FilterMode::exclude), source(1, true), source(2, false)});
  EXPECT_EQ(rig.state(), "E(1,2)");
  rig.say(IS_EX, "9");
  rig.say(TO_IN, "");
  rig.query(rig.names.router(1));
  rig.run(3600s);
  EXPECT_EQ(rig.state(), "E(1,2)");
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.record_changes, 0);
  EXPECT_EQ(rig.ignored(Ignored::standby), 3U);
  EXPECT_EQ(rig.interface().role, QuerierRole::standby);
  EXPECT_FALSE(rig.row().expires);
  EXPECT_TRUE(rig.row().synced);
}

// Records may come in any order; the view at the end is the same.
TEST_P(Standby, AnyOrder) {
  std::vector<MembershipRecord> list = {group(FilterMode::exclude), source(1, true),
                                        source(2, false), source(3, false)};
  std::vector<std::size_t> order = {0, 1, 2, 3};
  do {
    Rig rig(GetParam(), scoped());
    for (const std::size_t i : order) rig.restore({list[i]});
    EXPECT_EQ((rig.views[{kLink, names.group()}]),
              (ForwardingView{FilterMode::exclude, names.sources("23")}));
    EXPECT_EQ(rig.snapshot().groups.size(), 1U);
    const std::vector<MembershipRecord> gone = {no_group(), no_source(1), no_source(2),
                                                no_source(3)};
    for (const std::size_t i : order) rig.restore({gone[i]});
    EXPECT_TRUE(rig.views.empty());
    EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_P(Standby, RemovalOfUnknownRecords) {
  Rig rig(GetParam(), scoped());
  rig.restore({no_group(), no_source(1)});
  rig.machine.on_record(GroupMembership{{LinkId{99}, names.group()}, GroupValue{}}, rig.now);
  rig.drain();
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
  EXPECT_EQ(rig.view_changes, 0);
}

// Activation: querier and startup queries at once; nobody is pruned before he was asked.
TEST_P(Standby, ActivateRaisesTimers) {
  Rig rig(GetParam(), scoped());
  rig.restore({group(FilterMode::exclude), source(1, true), source(2, false),
               group(FilterMode::exclude, 3)});
  rig.run(10'000s);
  const int views = rig.view_changes;
  rig.activate();
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  EXPECT_EQ(rig.group_timer(), 72.5);  // 2 * 31.25 + 10
  EXPECT_EQ(rig.source_timer(1), 72.5);
  rig.run(31250ms);
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.record_changes, 0) << "what the master knew is in the store already";
  EXPECT_EQ(rig.view_changes, views);
  rig.say(IS_EX, "12");
  rig.run(72500ms - 31250ms - 10ms);
  EXPECT_EQ(rig.state(), "E(1,2)");
  EXPECT_EQ(rig.state(names.group(3)), "E(,)");
  rig.run(10ms);
  EXPECT_EQ(rig.state(), "E(,12)");
  EXPECT_EQ(rig.state(names.group(3)), "");
}

// The raise does not touch the entries: a million groups cost the activation nothing.
TEST_P(Standby, ActivateIsLazy) {
  Rig rig(GetParam(), scoped());
  for (unsigned n = 1; n <= 3000; ++n) {
    const Group each = GetParam() == Family::ipv4 ? *Group::from(IpAddress::v4(0xe1000000U + n))
                                                  : grp("ff1e::" + std::to_string(n));
    rig.restore({GroupMembership{{kLink, each}, GroupValue{FilterMode::exclude, 0, false, true}}});
  }
  const int views = rig.view_changes;
  rig.activate();
  EXPECT_EQ(rig.view_changes, views);
  EXPECT_EQ(rig.now, *rig.machine.next_deadline()) << "the sweep runs in slices";
  rig.run(72s);
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 3000U);
  rig.run(500ms);
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
}

// A last-member query that the master could not finish is asked again.
TEST_P(Standby, ActivateAsksAgain) {
  Rig rig(GetParam(), scoped());
  GroupValue asked{FilterMode::exclude, 0, false, true, LastMemberQuery{1, 1s}, {}};
  SourceValue source_asked{true, false, true, LastMemberQuery{0, 1s}};
  rig.restore({GroupMembership{{kLink, names.group()}, asked},
               SourceMembership{{kLink, names.group(), names.source(1)}, source_asked},
               source(2, true)});
  rig.activate();
  rig.run(0s);
  EXPECT_EQ(rig.asked(), "general Q(G) Q(G,1)");
  EXPECT_EQ(rig.group_timer(), 2);
  EXPECT_EQ(rig.source_timer(1), 2);
  EXPECT_EQ(rig.source_timer(2), 72.5);
  rig.run(2s);
  EXPECT_EQ(rig.state(), "I(2)");
  EXPECT_EQ(rig.snapshot().sources.size(), 1U);
}

// Records that are not yet whole when the master dies become a state that can live.
TEST_P(Standby, ActivateCompletes) {
  Rig rig(GetParam(), scoped());
  rig.restore({source(1, true), source(2, false), group(FilterMode::include, 3)});
  EXPECT_EQ((rig.views[{kLink, names.group()}]),
            (ForwardingView{FilterMode::include, names.sources("1")}));
  rig.activate();
  rig.run(0s);
  rig.run(1s);
  EXPECT_EQ(rig.state(names.group(3)), "");
  rig.say(IS_IN, "1");
  EXPECT_EQ(rig.state(), "I(1)");
  ASSERT_EQ(rig.records.groups.size(), 1U) << "the missing group record is announced";
  EXPECT_EQ(rig.records.groups.begin()->second.mode, FilterMode::include);
}

// The role decides who asks: a lower address wins nothing, it is only shown.
TEST_P(Standby, OtherQuerierNeverWins) {
  Rig rig(GetParam(), scoped());
  rig.activate();
  static_cast<void>(rig.asked());
  rig.say(IS_EX, "");
  wire::Query query;
  query.robustness = 7;
  query.query_interval = 5s;
  rig.query(rig.names.router(1), query);
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  EXPECT_EQ(rig.interface().other_querier, rig.names.router(1));
  EXPECT_EQ(rig.interface().robustness, 2);
  EXPECT_EQ(rig.interface().counters.queries[rig.names.newest() - 1U], 2U);
  EXPECT_EQ(rig.take<OtherQuerierHeard>().size(), 1U);
  query.group = rig.names.group();
  rig.query(rig.names.router(1), query);
  EXPECT_EQ(rig.group_timer(), 260);
  rig.run(31250ms);
  EXPECT_EQ(rig.asked(), "general");
}

// Deactivation keeps the state as the replicated state and ends everything that sends.
TEST_P(Standby, Deactivate) {
  Rig rig(GetParam(), scoped());
  rig.activate();
  rig.say(ALLOW, "12");
  rig.run(40s);
  rig.say(BLOCK, "1");
  static_cast<void>(rig.asked());
  rig.machine.deactivate(kScope, rig.now);
  rig.drain();
  EXPECT_EQ(rig.machine.mode(kScope), Mode::standby);
  const Records before = rig.snapshot();
  rig.run(3600s);
  EXPECT_EQ(rig.asked(), "");
  EXPECT_EQ(rig.state(), "I(12)");
  EXPECT_EQ(rig.snapshot(), before);
  rig.restore({no_source(1)});
  EXPECT_EQ(rig.state(), "I(2)");
  rig.activate();
  rig.run(0s);
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.source_timer(2), 72.5);
  rig.machine.activate(kScope, rig.now);
  rig.drain();
  EXPECT_EQ(rig.asked(), "") << "a scope that is active stays as it is";
}

// An interface of another scope or of none keeps its role.
TEST_P(Standby, ScopesAreApart) {
  Rig rig(GetParam(), scoped());
  rig.machine.activate(ScopeId{2}, rig.now);
  rig.drain();
  EXPECT_EQ(rig.interface().role, QuerierRole::standby);
  rig.settings.scope.reset();
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.drain();
  EXPECT_EQ(rig.interface().role, QuerierRole::querier);
  rig.settings.scope = kScope;
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.drain();
  EXPECT_EQ(rig.interface().role, QuerierRole::standby);
}

// Restoring the own store on an interface that is active: a daemon restarted in place.
TEST_P(Standby, RestoreWhileActive) {
  Rig rig(GetParam());
  static_cast<void>(rig.asked());
  rig.restore({source(1, true), group(FilterMode::exclude), source(2, false)});
  EXPECT_EQ(rig.state(), "E(1,2)");
  EXPECT_EQ(rig.group_timer(), 72.5);
  EXPECT_EQ(rig.record_changes, 0);
  rig.restore({group(FilterMode::include, 4), no_group()});
  rig.run(73s);
  EXPECT_EQ(rig.state(), "");
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
}

// What hosts said since the start wins over the store where it says more.
TEST_P(Standby, HostsWinOverTheStore) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  rig.restore({group(FilterMode::include), source(1, false), source(2, true)});
  EXPECT_EQ(rig.state(), "E(2,)");
  EXPECT_EQ(rig.group_timer(), 260);
  EXPECT_EQ(rig.emitted.back(), no_source(1)) << "the store is told what it got wrong";

  Rig other(GetParam());
  other.say(ALLOW, "1");
  other.restore({group(FilterMode::exclude), source(1, false), source(2, false)});
  EXPECT_EQ(other.state(), "E(1,2)");
  EXPECT_EQ(other.source_timer(1), 260);
  EXPECT_EQ(other.records.groups.begin()->second.mode, FilterMode::exclude);
}

// A process that slept through its queries asks before it deletes.
TEST_P(Standby, PausedProcessAsksFirst) {
  Rig rig(GetParam());
  rig.say(IS_EX, "");
  rig.run(200s);
  static_cast<void>(rig.asked());
  rig.now += 400s;
  rig.run(0s);
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.state(), "E(,)");
  rig.run(31250ms);
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.group_timer(), 41.25);
  rig.run(42s);
  EXPECT_EQ(rig.state(), "");
}

// The address comes after the role: the time to be asked begins then.
TEST_P(Standby, AddressComesAfterActivation) {
  InterfaceConfig config = scoped();
  config.version = names.newest();
  Rig rig(GetParam(), config);
  rig.restore({group(FilterMode::exclude)});
  rig.settings.address = IpAddress::any(GetParam());
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.activate();
  EXPECT_EQ(rig.asked(), "");
  rig.run(60s);
  rig.settings.address = names.router(5);
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.drain();
  EXPECT_EQ(rig.asked(), "general");
  rig.run(72s);
  EXPECT_EQ(rig.state(), "E(,)");
}

TEST_P(Standby, StaticIsEachNodesOwn) {
  Rig rig(GetParam(), scoped());
  GroupValue value{FilterMode::exclude, 0, true, false, std::nullopt, {}};
  rig.restore({GroupMembership{{kLink, names.group()}, value}});
  EXPECT_EQ(rig.state(), "");
  rig.machine.set_static(kLink, names.group(), std::nullopt, true, rig.now);
  rig.drain();
  EXPECT_EQ((rig.views[{kLink, names.group()}]), (ForwardingView{FilterMode::exclude, {}}));
  EXPECT_EQ(rig.record_changes, 0);
}

TEST_P(Standby, SnapshotSlices) {
  Rig rig(GetParam());
  for (unsigned n = 1; n <= 50; ++n)
    rig.hear(wire::SourceReport{{{ALLOW, rig.names.group(n), rig.names.sources("123")}}, 0},
             rig.names.host());
  for (const std::size_t max : {1U, 7U, 1000U}) {
    EXPECT_EQ(rig.snapshot(max), rig.records);
    EXPECT_EQ(rig.records.sources.size(), 150U);
  }
  const SnapshotSlice slice = rig.machine.snapshot(0, 10);
  EXPECT_TRUE(slice.next);
  EXPECT_LE(slice.records.size(), 16U);
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
