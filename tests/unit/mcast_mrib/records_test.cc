#include <gtest/gtest.h>

#include "mrib_stand.h"

namespace hotpair::mcast::mrib {
namespace {

using std::chrono::seconds;

constexpr ScopeId kScope{1};

void furnish(Stand& stand, ScopeMode mode) {
  stand.add_link(1);
  stand.add_link(2, kScope);
  stand.add_link(4);
  stand.unicast("10.0.0.1", 1);
  stand.mrib.set_scope_mode(kScope, mode, stand.now);
  stand.run();
}
DataDrivenEvent event() {
  return {kScope, VrfId{0}, group("225.1.1.1"), ip("10.0.0.1"), DataDrivenKind::lhr_spt};
}

TEST(Records, AnActiveScopeRecordsWhatTrafficMade) {
  Stand stand;
  furnish(stand, ScopeMode::active);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  EXPECT_TRUE(stand.journal.empty()) << "nobody in the scope wants it";
  stand.member(4, "225.1.1.1", FilterMode::exclude);
  EXPECT_TRUE(stand.journal.empty()) << "only links of the scope count";
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  ASSERT_EQ(stand.journal.size(), 1U);
  EXPECT_EQ(stand.journal[0], event());
  const DataDrivenSlice slice = stand.mrib.snapshot(kScope, 0, 100);
  EXPECT_EQ(slice.records, stand.journal);
  EXPECT_FALSE(slice.next);
  stand.leave(2, "225.1.1.1");
  EXPECT_TRUE(stand.journal.empty());
}

TEST(Records, ANameMakesTheRecordNeedless) {
  Stand stand;
  furnish(stand, ScopeMode::active);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  ASSERT_EQ(stand.journal.size(), 1U);
  stand.member(4, "225.1.1.1", FilterMode::include, {"10.0.0.1"});
  EXPECT_TRUE(stand.journal.empty());
  stand.leave(4, "225.1.1.1");
  EXPECT_EQ(stand.journal.size(), 1U);
  stand.pass(seconds(300));
  EXPECT_TRUE(stand.journal.empty()) << "no traffic";
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
}

TEST(Records, AStandbyInstallsThemAndWritesNone) {
  Stand stand;
  furnish(stand, ScopeMode::standby);
  stand.mrib.on_record(event(), stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "") << "no member yet";
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  stand.pass(seconds(1000));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2") << "the master decides";
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  EXPECT_TRUE(stand.journal.empty());
  stand.mrib.on_record_removed({kScope, VrfId{0}, group("225.1.1.1"), ip("10.0.0.1")}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
}

TEST(Records, ActivationTakesThemOverAndExpiresThemLater) {
  Stand stand;
  furnish(stand, ScopeMode::standby);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.mrib.on_record(event(), stand.now);
  stand.run();
  stand.pass(seconds(500));
  stand.mrib.set_scope_mode(kScope, ScopeMode::active, stand.now);
  stand.run();
  EXPECT_TRUE(stand.journal.empty()) << "it is in the journal already";
  EXPECT_EQ(stand.mrib.snapshot(kScope, 0, 10).records.size(), 1U);
  stand.journal.push_back(event());  // what the standby's store holds
  stand.pass(seconds(200));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  stand.pass(seconds(60));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  EXPECT_TRUE(stand.journal.empty());
  EXPECT_EQ(stand.mrib.statistics().rpf_targets, 0U);
}

TEST(Records, ActivationRecordsWhatOwnTrafficMade) {
  Stand stand;
  furnish(stand, ScopeMode::standby);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  EXPECT_TRUE(stand.journal.empty());
  stand.mrib.set_scope_mode(kScope, ScopeMode::active, stand.now);
  stand.run();
  EXPECT_EQ(stand.journal.size(), 1U);
}

TEST(Records, StandbyThenActiveEqualsRestoredFromSnapshot) {
  Stand master;
  furnish(master, ScopeMode::active);
  Stand standby;
  furnish(standby, ScopeMode::standby);
  for (int i = 1; i <= 40; ++i) {
    const std::string to = "225.1.1." + std::to_string(i);
    for (Stand* stand : {&master, &standby}) stand->member(2, to, FilterMode::exclude);
    master.packet(1, "10.0.0.1", to);
  }
  std::size_t slices = 0;
  for (std::optional<std::uint32_t> cursor = 0; cursor; ++slices) {
    const DataDrivenSlice slice = master.mrib.snapshot(kScope, *cursor, 7);
    for (const DataDrivenEvent& record : slice.records)
      standby.mrib.on_record(record, standby.now);
    cursor = slice.next;
  }
  standby.run();
  EXPECT_GT(slices, 5U);
  EXPECT_EQ(standby.plane().routes(), master.plane().routes());
  standby.mrib.set_scope_mode(kScope, ScopeMode::active, standby.now);
  standby.run();
  EXPECT_EQ(standby.plane().routes(), master.plane().routes());
  EXPECT_TRUE(standby.journal.empty());
}

TEST(Records, OfNoScopeOrImpossibleAreIgnored) {
  Stand stand;
  furnish(stand, ScopeMode::standby);
  DataDrivenEvent record = event();
  record.scope = ScopeId{9};
  stand.mrib.on_record(record, stand.now);
  record = event();
  record.source = ip("2001:db8::1");
  stand.mrib.on_record(record, stand.now);
  record.source = ip("224.1.1.1");
  stand.mrib.on_record(record, stand.now);
  EXPECT_EQ(stand.counted(Count::record_ignored), 3U);
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST(Records, ARemovedScopeTakesItsRecordsAlong) {
  Stand stand;
  furnish(stand, ScopeMode::standby);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.mrib.on_record(event(), stand.now);
  stand.run();
  stand.mrib.remove_scope(kScope, stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  EXPECT_TRUE(stand.journal.empty());
}

}  // namespace
}  // namespace hotpair::mcast::mrib
