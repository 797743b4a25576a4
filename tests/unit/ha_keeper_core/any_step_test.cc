#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/ha_keeper_core/pair.h"

// A fault between any two steps of a scenario: the pair ends with exactly one open gate, and two
// are never open together for longer than design section 8 states.
namespace hotpair::ha::keeper::test {
namespace {

using Fault = std::function<void(Pair&)>;
using Scenario = std::vector<std::function<void(Pair&)>>;

struct Case {
  const char* name;
  Scenario scenario;
};

Scenario handover() {
  return {
      [](Pair& p) {
        p.tell(p.a, HandoverOffer{kScope, Pair::term(2, p.b)});
      },
      [](Pair& p) {
        const auto offered = p.a.last<HandoverOffered>();
        if (p.b.keeper && offered)
          p.tell(p.b, HandoverOpen{kScope, Pair::term(2, p.b), offered->hello_counter});
      },
      [](Pair& p) { p.run_for(milliseconds(3)); },
      [](Pair& p) {
        if (p.a.keeper && p.b.keeper && p.b.last<HandoverOpened>())
          p.tell(p.a, HandoverCommit{kScope, Pair::term(2, p.b)});
      },
      [](Pair& p) { p.run_for(std::chrono::microseconds(50)); },
      [](Pair& p) { p.run_for(std::chrono::microseconds(100)); },
      [](Pair& p) { p.run_for(milliseconds(21)); },
  };
}

Scenario daemon_restart() {
  return {
      [](Pair& p) { p.kill_daemon(p.a); },
      [](Pair& p) { p.run_for(milliseconds(1)); },
      [](Pair& p) { p.run_for(milliseconds(40)); },
      [](Pair& p) {
        if (p.a.keeper) p.connect(p.a);
      },
      [](Pair& p) { p.run_for(milliseconds(30)); },
  };
}

Scenario access_flap() {
  return {
      [](Pair& p) { p.carrier(p.a, false); },
      [](Pair& p) { p.run_for(std::chrono::microseconds(50)); },
      [](Pair& p) { p.run_for(std::chrono::microseconds(100)); },
      [](Pair& p) {
        if (p.a.keeper) p.carrier(p.a, true);
      },
      [](Pair& p) { p.run_for(milliseconds(30)); },
  };
}

// Ends A for good at each point; B must serve.
TEST(AnyStep, OldNodeDies) {
  for (const Scenario& scenario : {handover(), daemon_restart(), access_flap()}) {
    for (std::size_t at = 0; at <= scenario.size(); ++at) {
      Pair pair;
      pair.bring_up();
      for (std::size_t i = 0; i < at; ++i) scenario[i](pair);
      pair.kill_daemon(pair.a);
      pair.kill_keeper(pair.a);
      pair.run_for(milliseconds(160));
      EXPECT_TRUE(pair.open(pair.b)) << "step " << at;
      pair.run_for(seconds(2));
      EXPECT_TRUE(pair.open(pair.b)) << "step " << at;
      EXPECT_FALSE(pair.open(pair.a)) << "step " << at;
      EXPECT_LE(pair.overlap, milliseconds(300)) << "step " << at;
    }
  }
}

// Stops A for a second at each point and lets it go on: one gate, within the bounds.
TEST(AnyStep, OldNodeFreezes) {
  for (const Scenario& scenario : {handover(), daemon_restart(), access_flap()}) {
    for (std::size_t at = 0; at <= scenario.size(); ++at) {
      Pair pair;
      pair.bring_up();
      for (std::size_t i = 0; i < at; ++i) scenario[i](pair);
      const Duration before = pair.overlap;
      pair.freeze(pair.a);
      pair.run_for(seconds(1));
      EXPECT_TRUE(pair.open(pair.b)) << "step " << at;
      EXPECT_FALSE(pair.open(pair.a)) << "step " << at;
      pair.thaw(pair.a);
      pair.run_for(seconds(3));
      EXPECT_TRUE(pair.open(pair.b)) << "step " << at;
      EXPECT_FALSE(pair.open(pair.a)) << "step " << at;
      EXPECT_LE(pair.overlap, std::max(Duration(milliseconds(300)), before)) << "step " << at;
    }
  }
}

// The new node dies at each point: A serves (after a handover that was committed nobody can).
TEST(AnyStep, NewNodeDiesBeforeTheCommit) {
  const Scenario scenario = handover();
  for (std::size_t at = 0; at <= 3; ++at) {
    Pair pair;
    pair.marks = at < 2;  // else the hello that says "opened" has gone out, and commits
    pair.bring_up();
    for (std::size_t i = 0; i < at; ++i) scenario[i](pair);
    pair.kill_daemon(pair.b);
    pair.kill_keeper(pair.b);
    pair.run_for(seconds(2));
    EXPECT_TRUE(pair.open(pair.a)) << "step " << at;
    EXPECT_FALSE(pair.open(pair.b)) << "step " << at;
    EXPECT_LE(pair.overlap, milliseconds(300)) << "step " << at;
  }
}

// Death of A at every single effect and packet of two seconds of operation with a handover in it.
TEST(AnyStep, DeathAtEveryEffect) {
  const auto life = [](Pair& pair, std::size_t limit) {
    const Scenario scenario = handover();
    std::size_t next = 0;
    while (pair.steps < limit && next < scenario.size()) scenario[next++](pair);
    for (int i = 0; i < 40 && pair.steps < limit; ++i) pair.run_for(std::chrono::microseconds(700));
  };
  for (const bool marks : {false, true}) {
    Pair whole;
    whole.marks = marks;
    whole.bring_up();
    const std::size_t from = whole.steps;
    life(whole, SIZE_MAX);
    for (std::size_t limit = from; limit <= whole.steps; ++limit) {
      Pair pair;
      pair.marks = marks;
      pair.bring_up();
      life(pair, limit);
      pair.kill_keeper(pair.a);
      pair.run_for(seconds(1));
      EXPECT_TRUE(pair.open(pair.b)) << "step " << limit;
      EXPECT_FALSE(pair.open(pair.a)) << "step " << limit;
      EXPECT_LE(pair.overlap, milliseconds(300)) << "step " << limit;
    }
  }
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
