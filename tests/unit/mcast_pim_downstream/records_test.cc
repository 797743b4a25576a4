#include <random>

#include "downstream_stand.h"

/// Database 18: what a backup is told, and that it can go on from there.
namespace hotpair::mcast::pim::testing {
namespace {

JoinPruneRecord record(const std::string& word, JoinPruneState state,
                       std::uint16_t holdtime_s = 210) {
  return {{kLink, Stand::key(word)}, {state, holdtime_s}};
}

std::vector<JoinPruneRecord> all_of(const Downstream& engine, std::size_t max) {
  std::vector<JoinPruneRecord> records;
  std::optional<JoinPruneKey> after;
  do {
    const JoinPruneSlice slice = engine.snapshot(after, max);
    EXPECT_LE(slice.records.size(), max);
    records.insert(records.end(), slice.records.begin(), slice.records.end());
    after = slice.next;
  } while (after);
  return records;
}

struct Active : Stand {
  Active() : Stand(kScope) { engine.activate(kScope, now); }
};

class Records : public ::testing::Test {
 protected:
  Records() : master(kScope), backup(kScope) { master.engine.activate(kScope, master.now); }
  void replicate() {
    for (const auto& [key, value] : master.records) backup.engine.on_record({key, value}, now());
    backup.drain();
  }
  [[nodiscard]] TimePoint now() const { return backup.now; }
  Stand master;
  Stand backup;
};

TEST_F(Records, SayTheState) {
  master.hear("+* +1");
  master.hear("-2r", 100);
  EXPECT_EQ(master.records.at({kLink, Stand::key("*")}),
            (JoinPruneValue{JoinPruneState::joined, 210}));
  EXPECT_EQ(master.records.at({kLink, Stand::key("2r")}),
            (JoinPruneValue{JoinPruneState::prune_pending, 100}));
  master.pass(3s);
  EXPECT_EQ(master.records.at({kLink, Stand::key("2r")}),
            (JoinPruneValue{JoinPruneState::pruned, 100}));
  master.hear("-1");
  EXPECT_EQ(master.records.at({kLink, Stand::key("1")}).state, JoinPruneState::prune_pending);
  master.pass(3s);
  EXPECT_FALSE(master.records.contains({kLink, Stand::key("1")}));
}

TEST_F(Records, ARefreshIsNoChange) {
  master.hear("+* +1 -2r");
  master.pass(3s);
  const std::size_t told = master.records_told;
  for (int i = 0; i < 5; ++i) {
    master.pass(60s);
    master.hear("+* +1 -2r");
    master.hear("+*", 100);  // of another router with another holdtime; gives source 2 back
    master.hear("+* -2r");
  }
  const auto changes = master.records_told - told;
  EXPECT_LE(changes, 15U);  // source 2 only
  EXPECT_EQ(master.records.at({kLink, Stand::key("*")}).holdtime_s, 210);
}

// For a daemon that is restarted in place: an uplink's routers say it again within a minute only.
TEST(RecordsOfLinks, WithoutAScopeTheyAreOfTheWholeNode) {
  Stand stand;
  stand.hear("+* +1");
  EXPECT_EQ(stand.records.size(), 2U);
  EXPECT_EQ(all_of(stand.engine, 10).size(), 2U);
  Stand next;
  for (const JoinPruneRecord& record : all_of(stand.engine, 10))
    next.engine.on_record(record, next.now);
  next.pass(0s);
  EXPECT_EQ(next.view(), stand.view());
  next.pass(211s);
  EXPECT_EQ(next.engine.entry_count(kLink), 0U) << "nobody said it again";
}

TEST(RecordsOfLinks, AScopeGivenLaterTellsAll) {
  Stand stand;
  stand.hear("+* +1 +2");
  stand.engine.activate(kScope, stand.now);
  stand.config.scope = kScope;
  stand.engine.configure(stand.config, stand.now);
  stand.pass(0s);
  EXPECT_EQ(stand.records.size(), 3U);
  EXPECT_EQ(stand.records_told, 6U);
  stand.config.scope.reset();
  stand.engine.configure(stand.config, stand.now);
  stand.pass(0s);
  EXPECT_EQ(stand.records_told, 9U);
  EXPECT_EQ(stand.view(), "E{}+{1,2}");
}

TEST_F(Records, ABackupHearsButDoesNotAct) {
  backup.hear("+* +1");
  EXPECT_EQ(backup.engine.entry_count(kLink), 0U);
  EXPECT_EQ(backup.engine.counters(kLink)->muted, 1U);
  EXPECT_EQ(backup.engine.counters(kLink)->messages, 1U);
}

TEST_F(Records, MakeTheSameViewsOnTheBackup) {
  master.hear("+* +1 -2r -3r");
  master.pass(3s);
  replicate();
  EXPECT_EQ(backup.view(), master.view());
  EXPECT_EQ(backup.records_told, 0U);
  EXPECT_EQ(backup.engine.next_deadline(), std::nullopt);
  backup.engine.on_record_removed({kLink, Stand::key("3r")}, now());
  backup.engine.on_record_removed({kLink, Stand::key("1")}, now());
  backup.drain();
  EXPECT_EQ(backup.view(), "E{2}");
  backup.pass(1000s);
  EXPECT_EQ(backup.view(), "E{2}");
}

TEST_F(Records, ATakeoverGivesEverythingItsHoldtimeAgain) {
  master.hear("+*");
  master.hear("+1", 100);
  master.hear("+2", 0xffff);
  replicate();
  backup.pass(500s);
  backup.engine.activate(kScope, backup.now);
  backup.pass(0s);
  EXPECT_EQ(backup.state("*"), "Join 210");
  EXPECT_EQ(backup.state("1"), "Join 100");
  EXPECT_EQ(backup.state("2"), "Join never");
  EXPECT_EQ(backup.records_told, 0U);
  backup.pass(100s);
  EXPECT_EQ(backup.view(), "E{}+{2}");
  backup.pass(110s);
  EXPECT_EQ(backup.view(), "I{2}");
  EXPECT_EQ(backup.records_told, 2U);
}

TEST_F(Records, APendingPruneWaitsAgainAfterATakeover) {
  master.hear("+* +1");
  master.hear("-1 -* -2r");
  replicate();
  EXPECT_EQ(backup.view(), "E{}+{1}");
  backup.engine.activate(kScope, backup.now);
  backup.pass(2s);
  EXPECT_EQ(backup.view(), "E{}+{1}");
  backup.hear("+*");
  backup.pass(1s);
  EXPECT_EQ(backup.view(), "E{}");
  EXPECT_EQ(backup.echoes(), "-1");
}

TEST_F(Records, ATouchedEntryIsTakenOverBeforeTheSweepComes) {
  master.hear("+*", 300);
  replicate();
  backup.pass(1000s);
  backup.engine.activate(kScope, backup.now);
  backup.hear("+*", 30);
  EXPECT_EQ(backup.state("*"), "Join 300");
}

TEST_F(Records, ATakeoverIsSweptInSlices) {
  for (unsigned i = 0; i < 5000; ++i)
    backup.engine.on_record(
        {{kLink, {kGroup, IpAddress::v4(0x0a010000U + i), false}}, {JoinPruneState::joined, 210}},
        now());
  backup.drain();
  backup.engine.activate(kScope, backup.now);
  int slices = 0;
  while (backup.engine.next_deadline() <= backup.now && slices < 100) {
    backup.engine.on_timeout(backup.now);
    ++slices;
  }
  EXPECT_EQ(slices, 5);
  EXPECT_EQ(backup.engine.next_deadline(), backup.now + 210s);
}

TEST_F(Records, StateStaysWhenTheLinkBecomesABackup) {
  master.hear("+* +1");
  master.engine.deactivate(kScope, master.now);
  master.pass(1000s);
  EXPECT_EQ(master.view(), "E{}+{1}");
  EXPECT_EQ(master.records.size(), 2U);
  master.engine.activate(kScope, master.now);
  master.pass(0s);
  EXPECT_EQ(master.state("*"), "Join 210");
}

TEST_F(Records, OfTheOwnStoreYieldToWhatWasHeard) {
  Active stand;
  stand.hear("+1", 100);
  stand.engine.on_record(record("1", JoinPruneState::prune_pending, 300), stand.now);
  stand.engine.on_record(record("2", JoinPruneState::joined, 300), stand.now);
  stand.engine.on_record(record("3r", JoinPruneState::pruned, 300), stand.now);
  stand.drain();
  EXPECT_EQ(stand.state("1"), "Join 100");
  EXPECT_EQ(stand.state("2"), "Join 300");
  EXPECT_EQ(stand.state("3r"), "Prune 300");
  EXPECT_EQ(stand.view(), "I{1,2}");
  stand.engine.on_record_removed({kLink, Stand::key("1")}, stand.now);
  stand.drain();
  EXPECT_EQ(stand.state("1"), "Join 100");
}

TEST_F(Records, ThatDoNotFitAreCounted) {
  const Group ssm = grp("232.1.1.1");
  const std::vector<JoinPruneRecord> wrong{
      record("*", JoinPruneState::pruned),
      record("1", JoinPruneState::pruned),
      record("1r", JoinPruneState::joined),
      record("1", JoinPruneState::joined, 0),
      record("1", static_cast<JoinPruneState>(9)),
      {{kLink, {kGroup, std::nullopt, true}}, {JoinPruneState::pruned, 210}},
      {{kLink, {kGroup, ip("2001:db8::1"), false}}, {JoinPruneState::joined, 210}},
      {{kLink, {kGroup, ip("225.1.1.1"), false}}, {JoinPruneState::joined, 210}},
      {{kLink, {ssm, std::nullopt, false}}, {JoinPruneState::joined, 210}},
      {{kLink, {grp("224.0.0.5"), source(1), false}}, {JoinPruneState::joined, 210}},
  };
  for (const JoinPruneRecord& one : wrong) backup.engine.on_record(one, now());
  EXPECT_EQ(backup.engine.entry_count(kLink), 0U);
  EXPECT_EQ(backup.ignored(DownstreamIgnored::bad_record), wrong.size());
  backup.config.entries_max = 1;
  backup.engine.configure(backup.config, now());
  backup.engine.on_record(record("1", JoinPruneState::joined), now());
  backup.engine.on_record(record("2", JoinPruneState::joined), now());
  EXPECT_EQ(backup.engine.entry_count(kLink), 1U);
}

TEST_F(Records, AMessageMayEndMoreThanAQueueHolds) {
  master.lan.neighbours = 1;
  master.hear("+*");
  for (unsigned block = 0; block < 100; ++block) {
    wire::PimGroupSet set{.group = wire::PimGroupRange::single(kGroup), .joined = {}, .pruned = {}};
    for (unsigned i = 0; i < 800; ++i)
      set.pruned.push_back(
          wire::PimSource::source_rpt(IpAddress::v4(0x0a010000U + block * 800 + i)));
    master.hear({set});
  }
  EXPECT_EQ(master.records.size(), 80'001U);
  master.hear("+*");
  EXPECT_EQ(master.records.size(), 1U);
  EXPECT_EQ(master.view(), "E{}");
}

// Random scripts: the backup by records has the master's views after every step, and taking over at
// any of them it is where one is that was restored from the master's snapshot.
TEST(RecordsProperty, ABackupFollowsAndGoesOn) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    Active master;
    Stand backup(kScope);
    std::map<JoinPruneKey, JoinPruneValue> told;
    for (int step = 0; step < 60; ++step) {
      master.lan.neighbours = 1 + pick(3);
      std::string words;
      for (unsigned n = pick(5); n > 0; --n) {
        static const std::vector<std::string> kWords{"*", "1", "2", "3", "1r", "2r", "3r"};
        words += (pick(2) == 0 ? "+" : "-") + kWords[pick(7)] + " ";
      }
      master.hear(words, static_cast<std::uint16_t>(1 + pick(20)));
      master.pass(std::chrono::milliseconds(pick(4000)));
      for (const auto& [key, value] : master.records)
        if (!told.contains(key) || told.at(key) != value)
          backup.engine.on_record({key, value}, master.now);
      for (const auto& [key, value] : told)
        if (!master.records.contains(key)) backup.engine.on_record_removed(key, master.now);
      told = master.records;
      backup.now = master.now;
      backup.drain();
      ASSERT_EQ(backup.view(), master.view()) << "seed " << seed << " step " << step;
      ASSERT_EQ(all_of(backup.engine, 2), all_of(master.engine, 3));
    }
    Stand restored(kScope);
    restored.now = backup.now;
    for (const auto& one : all_of(master.engine, 4)) restored.engine.on_record(one, restored.now);
    for (Stand* stand : {&backup, &restored}) {
      stand->engine.activate(kScope, stand->now);
      stand->pass(0s);
    }
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(backup.view(), restored.view()) << "seed " << seed;
      ASSERT_EQ(all_of(backup.engine, 9), all_of(restored.engine, 9));
      backup.pass(2500ms);
      restored.pass(2500ms);
    }
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
