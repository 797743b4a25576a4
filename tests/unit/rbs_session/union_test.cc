#include <gtest/gtest.h>

#include <set>

#include "pair.h"

/// After a split: what only the ended line has is told to the master before it is overwritten.
namespace hotpair::rbs::session::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kOther = 6;

SessionConfig united() {
  SessionConfig config;
  config.united_databases = {16, 17};
  return config;
}

std::set<unsigned> keys_of(const Diverged& slice) {
  std::set<unsigned> keys;
  for (const Record& record : slice.records) keys.insert(ByteReader(record.key.key).u32());
  return keys;
}

std::set<unsigned> heard(const End& end) {
  std::set<unsigned> keys;
  for (const Effect& effect : end.others)
    if (const auto* slice = std::get_if<DivergedHeard>(&effect)) keys.merge(keys_of(slice->frame));
  return keys;
}

std::vector<Diverged> slices(const End& end) {
  std::vector<Diverged> all;
  for (const Effect& effect : end.others)
    if (const auto* slice = std::get_if<DivergedHeard>(&effect)) all.push_back(slice->frame);
  return all;
}

/// A and B share keys 1 to 3; then B becomes master in term 2 while A goes on in term 1: A writes
/// 10 to 12, deletes 3, and B writes 20. Keys 1x of another database are not to be told.
struct Split : Pair {
  explicit Split(const SessionConfig& config = united()) : Pair(config) {
    be_master(a, b, 1);
    connect();
    for (unsigned key = 1; key <= 3; ++key) a.put(key, key, now);
    run();
    cut();
    b.set_role(Role::master, Term{2, NodeId{2}}, now);
    for (unsigned key = 10; key <= 12; ++key) a.put(key, key, now);
    a.put(13, 13, now, kOther);
    a.erase(3, now);
    b.put(20, 20, now);
    run();
  }
  void heal() {
    connect();
    a.set_role(Role::backup, Term{2, NodeId{2}}, now);
  }
};

TEST(Union, TheEndedLineTellsWhatItAloneHas) {
  Split pair;
  pair.heal();
  pair.run();
  const auto all = slices(pair.b);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(keys_of(all[0]), (std::set<unsigned>{10, 11, 12})) << "what is new goes first";
  EXPECT_EQ(keys_of(all[1]), (std::set<unsigned>{1, 2, 10, 11, 12}));
  EXPECT_TRUE(all[0].deposed);
  EXPECT_FALSE(all[0].done);
  EXPECT_TRUE(all[1].done);
  EXPECT_EQ(all[0].epoch.term, (Term{1, NodeId{1}}));
  EXPECT_TRUE(pair.a.complete);
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
  EXPECT_EQ(pair.a.engine, pair.b.engine);
  // What the master makes of it flows back, and nothing is told again.
  for (const Record& record : all[0].records)
    pair.b.put(ByteReader(record.key.key).u32(), 7, pair.now);
  pair.run();
  pair.cut();
  pair.connect();
  pair.advance(5s);
  EXPECT_EQ(slices(pair.b).size(), 2U);
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

TEST(Union, ItIsToldBeforeTheMasterIsAskedForAnything) {
  Split pair;
  pair.connect();
  pair.run();  // A still takes itself for the master
  EXPECT_TRUE(slices(pair.b).empty());
  const std::uint64_t before = pair.frames;
  pair.a.set_role(Role::backup, Term{2, NodeId{2}}, pair.now);
  while (slices(pair.b).empty()) ASSERT_TRUE(pair.step());
  EXPECT_EQ(pair.frames - before, 1U) << "the first frame after it was deposed";
  pair.run();
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

TEST(Union, WhatWasHandedOverIsNotTold) {
  Pair pair(united());
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  for (unsigned key = 1; key <= 3; ++key) pair.a.put(key, key, pair.now);
  pair.run();
  ASSERT_TRUE(pair.a.session->send_handover(Handover{kScope, Term{2, NodeId{2}}, 1}, pair.now));
  pair.be_master(pair.b, pair.a, 2);
  pair.run();
  pair.cut();
  pair.b.put(4, 4, pair.now);
  pair.connect();
  pair.run();
  EXPECT_TRUE(slices(pair.b).empty());
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

/// It wrote nothing in the split; but it served what the other removed meanwhile.
TEST(Union, AMasterThatWroteNothingIsHeardAsWell) {
  Pair pair(united());
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.a.put(1, 1, pair.now);
  pair.run();
  pair.cut();
  pair.b.set_role(Role::master, Term{2, NodeId{2}}, pair.now);
  pair.b.erase(1, pair.now);
  pair.run();
  pair.connect();
  pair.a.set_role(Role::backup, Term{2, NodeId{2}}, pair.now);
  pair.run();
  EXPECT_EQ(heard(pair.b), (std::set<unsigned>{1}));
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

TEST(Union, NothingIsSentToAPeerThatDoesNotKnowIt) {
  Split pair;
  pair.a.session->on_connected(pair.now);
  pair.a.set_role(Role::backup, Term{2, NodeId{2}}, pair.now);
  const auto feed = [&](const Frame& frame) {
    pair.a.session->on_frame(frame, pair.now);
    pair.a.drain(pair.now);
    while (pair.a.step_store(pair.now) || pair.a.step_timer(pair.now)) {
    }
  };
  feed(Open{1, 1, NodeId{2}, "old", {}, 0, {kScope}});
  feed(Accept{1});
  feed(ScopeState{kScope,
                  Role::master,
                  Term{2, NodeId{2}},
                  pair.b.stored_meta().history,
                  pair.b.stored_meta().last,
                  {},
                  false,
                  1});
  bool announced = false;
  for (const auto& out : pair.a.out) {
    EXPECT_FALSE(std::holds_alternative<Diverged>(out.frame));
    announced |= std::holds_alternative<ScopeState>(out.frame);
  }
  EXPECT_TRUE(announced);
  // And from such a peer it is none of the protocol.
  feed(Diverged{kScope, Term{2, NodeId{2}}, 1, 0, {}, {}, false, true, 0, {}});
  ASSERT_TRUE(pair.a.closed);
  EXPECT_EQ(pair.a.closed->reason, Reason::out_of_order);
}

TEST(Union, AMasterThatLostItsStoreHearsAllThatItsBackupHas) {
  Pair pair(united());
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  for (unsigned key = 1; key <= 5; ++key) pair.a.put(key, key, pair.now);
  pair.run();
  pair.cut();
  pair.a.store = {};
  pair.a.restart();
  pair.a.set_role(Role::master, Term{1, NodeId{1}}, pair.now);
  pair.a.put(9, 9, pair.now);
  pair.run();
  pair.connect();
  pair.run();
  EXPECT_EQ(heard(pair.a), (std::set<unsigned>{1, 2, 3, 4, 5}));
  EXPECT_FALSE(slices(pair.a).front().deposed);
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

TEST(Union, ManySlicesKeepTheMastersPace) {
  SessionConfig config = united();
  config.slice_records = 8;
  Split pair(config);
  pair.connect();
  for (unsigned key = 100; key < 400; ++key) pair.a.put(key, key, pair.now);
  while (pair.a.step_store(pair.now)) {
  }
  pair.a.set_role(Role::backup, Term{2, NodeId{2}}, pair.now);
  std::size_t ahead = 0;
  while (pair.step()) {
    std::size_t waiting = 0;
    for (const auto& out : pair.a.out) waiting += std::holds_alternative<Diverged>(out.frame);
    ahead = std::max(ahead, waiting);
  }
  EXPECT_EQ(heard(pair.b).size(), 305U);
  EXPECT_LE(ahead, 4U);
  std::uint32_t next = 0;
  for (const Diverged& slice : slices(pair.b)) {
    EXPECT_EQ(slice.slice, next++);
    EXPECT_LE(slice.records.size(), 8U);
    EXPECT_EQ(slice.done, next == slices(pair.b).size());
  }
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

TEST(Union, ALineThatWasToldToTheEndIsNotTakenAgain) {
  Split pair;
  pair.heal();
  while (slices(pair.b).size() < 2) ASSERT_TRUE(pair.step());
  pair.cut();
  pair.run();
  const std::size_t told = slices(pair.b).size();
  pair.connect();  // A's line still ends where it ended: it tells again
  pair.run();
  EXPECT_EQ(slices(pair.b).size(), told);
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

/// A master that does not answer holds nothing up.
TEST(Union, ATellingWithoutAnswersIsGivenUp) {
  SessionConfig config = united();
  config.slice_records = 1;
  Split pair(config);
  pair.connect();
  for (unsigned key = 100; key < 120; ++key) pair.a.put(key, key, pair.now);
  pair.run();
  pair.a.set_role(Role::backup, Term{2, NodeId{2}}, pair.now);
  const auto alone = [&] {
    while (pair.a.step_store(pair.now) || pair.a.step_timer(pair.now)) {
    }
  };
  alone();
  const auto announced = [&] {
    return !pair.a.out.empty() && std::holds_alternative<ScopeState>(pair.a.out.back().frame);
  };
  EXPECT_FALSE(announced());
  pair.now += pair.a.config.tell_wait;
  alone();
  EXPECT_TRUE(announced());
  pair.run();
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
}

/// The stream breaks, or one of the nodes begins anew, between any two steps: the copies become
/// equal all the same, and what is told is never more than what A had.
TEST(Union, BreaksBetweenAnyTwoStepsLeaveNothingWrong) {
  for (unsigned kind = 0; kind < 3; ++kind) {
    for (unsigned at = 0; at < 80; ++at) {
      SCOPED_TRACE(testing::Message() << "kind " << kind << ", step " << at);
      Split pair;
      pair.random.emplace(at);
      pair.heal();
      for (unsigned step = 0; step < at && pair.step(); ++step) {
      }
      pair.cut();
      if (kind == 1) {
        pair.a.restart();
        pair.a.set_role(Role::backup, Term{2, NodeId{2}}, pair.now);
      } else if (kind == 2) {
        pair.b.restart();
        pair.b.set_role(Role::master, Term{2, NodeId{2}}, pair.now);
      }
      pair.run();
      pair.connect();
      pair.run();
      pair.advance(3s);
      EXPECT_TRUE(pair.a.complete);
      EXPECT_EQ(pair.a.stored(), pair.b.stored());
      for (const unsigned key : heard(pair.b))
        EXPECT_TRUE(key <= 3 || (key >= 10 && key <= 12)) << key;
      if (kind == 0) {
        EXPECT_EQ(heard(pair.b).size(), 5U) << "a stream that breaks loses nothing";
      }
    }
  }
}

/// The pair changes roles once more between any two steps.
TEST(Union, ATakeoverBetweenAnyTwoSteps) {
  for (unsigned at = 0; at < 60; ++at) {
    SCOPED_TRACE(at);
    Split pair;
    pair.random.emplace(at);
    pair.heal();
    for (unsigned step = 0; step < at && pair.step(); ++step) {
    }
    pair.be_master(pair.a, pair.b, 3);
    pair.run();
    pair.advance(3s);
    ASSERT_TRUE(pair.a.taken);
    EXPECT_TRUE(pair.b.complete);
    EXPECT_EQ(pair.a.stored(), pair.b.stored());
  }
}

}  // namespace
}  // namespace hotpair::rbs::session::test
