#include <functional>

#include "rig.h"

// Every row of the state tables of RFC 5015 3.5.3. Our metric is 100/20; the peer's and the third
// router's are in the row.
namespace hotpair::mcast::pim::testing {
namespace {

constexpr auto kOffer = DfState::offer;
constexpr auto kLose = DfState::lose;
constexpr auto kWin = DfState::win;
constexpr auto kBackoff = DfState::backoff;

struct Row {
  std::string event;
  DfState from;
  std::function<void(Rig&)> feed;
  DfState to;
  Words words;            // at once
  std::string next = {};  // the first word of the next message, when time passes
};

void offer(Rig& rig, const wire::PimMetric& metric) { rig.hear(Action::offer, metric); }
void winner(Rig& rig, const wire::PimMetric& metric) { rig.hear(Action::winner, metric); }
void pass_to(Rig& rig, const IpAddress& to, const wire::PimMetric& metric) {
  rig.hear(Action::pass, kBetter, kThird, to, metric);
}
void backoff_for(Rig& rig, const IpAddress& to, const wire::PimMetric& metric,
                 const wire::PimMetric& sender = kWorse) {
  rig.hear(Action::backoff, sender, kThird, to, metric);
}
void lost(Rig& rig, const IpAddress& who) { rig.elections.on_neighbour_lost(kLink, who, rig.now); }

const Row kRows[] = {
    {"better winner", kOffer, [](Rig& r) { winner(r, kBetter); }, kLose, {"df 10.0.0.9"}},
    {"better winner", kLose, [](Rig& r) { winner(r, kBest); }, kLose, {}},
    {"better winner", kWin, [](Rig& r) { winner(r, kBetter); }, kLose, {"df 10.0.0.9"}},
    {"better winner", kBackoff, [](Rig& r) { winner(r, kBetter); }, kLose, {"df 10.0.0.9"}},

    {"better pass", kOffer, [](Rig& r) { pass_to(r, kPeer, kBest); }, kLose, {"df 10.0.0.9"}},
    {"better pass", kLose, [](Rig& r) { pass_to(r, kThird, kBest); }, kLose, {"df 10.0.0.2"}},
    {"better pass", kWin, [](Rig& r) { pass_to(r, kPeer, kBest); }, kLose, {"df 10.0.0.9"}},
    {"better pass", kBackoff, [](Rig& r) { pass_to(r, kPeer, kBest); }, kLose, {"df 10.0.0.9"}},

    {"better backoff",
     kOffer,
     [](Rig& r) { backoff_for(r, kPeer, kBetter); },
     kOffer,
     {"df 10.0.0.2"},
     "offer"},
    {"better backoff",
     kLose,
     [](Rig& r) { backoff_for(r, kPeer, kBetter); },
     kLose,
     {"df 10.0.0.2"}},
    {"better backoff",
     kWin,
     [](Rig& r) { backoff_for(r, kPeer, kBetter); },
     kLose,
     {"df 10.0.0.2"}},
    {"better backoff",
     kBackoff,
     [](Rig& r) { backoff_for(r, kPeer, kBetter); },
     kLose,
     {"df 10.0.0.2"}},

    {"better offer", kOffer, [](Rig& r) { offer(r, kBetter); }, kOffer, {}, "offer"},
    {"better offer", kLose, [](Rig& r) { offer(r, kBetter); }, kLose, {}},
    {"better offer",
     kWin,
     [](Rig& r) { offer(r, kBetter); },
     kBackoff,
     {"backoff 10.0.0.9 100/10 1000"},
     "pass"},
    {"better offer than the best",
     kBackoff,
     [](Rig& r) { r.hear(Action::offer, kBest, kThird); },
     kBackoff,
     {"backoff 10.0.0.2 100/5 1000"},
     "pass"},
    {"offer between the best and us",
     kBackoff,
     [](Rig& r) {
       r.hear(Action::offer, {100, 15}, kThird);
     },
     kBackoff,
     {"backoff 10.0.0.9 100/10 1000"},
     "pass"},

    {"backoff for us",
     kOffer,
     [](Rig& r) { backoff_for(r, kOwn, kMetric); },
     kOffer,
     {"df 10.0.0.2"},
     "offer"},
    {"backoff for us",
     kLose,
     [](Rig& r) { backoff_for(r, kOwn, kMetric); },
     kLose,
     {"df 10.0.0.2"}},
    {"backoff for us",
     kWin,
     [](Rig& r) { backoff_for(r, kOwn, kMetric); },
     kWin,
     {"winner 100/20"}},
    {"backoff for us",
     kBackoff,
     [](Rig& r) { backoff_for(r, kOwn, kMetric); },
     kWin,
     {"winner 100/20"}},

    {"pass for us",
     kOffer,
     [](Rig& r) { pass_to(r, kOwn, kMetric); },
     kWin,
     {"df self", "winner 100/20"},
     "winner"},
    {"pass for us",
     kLose,
     [](Rig& r) { pass_to(r, kOwn, kMetric); },
     kWin,
     {"df self", "winner 100/20"},
     "winner"},
    {"pass for us", kWin, [](Rig& r) { pass_to(r, kOwn, kMetric); }, kWin, {}},
    {"pass for us", kBackoff, [](Rig& r) { pass_to(r, kOwn, kMetric); }, kBackoff, {}, "pass"},

    {"worse winner", kOffer, [](Rig& r) { winner(r, kWorse); }, kOffer, {"df 10.0.0.9"}, "offer"},
    {"worse winner", kLose, [](Rig& r) { winner(r, kWorse); }, kOffer, {}, "offer"},
    {"worse winner", kWin, [](Rig& r) { winner(r, kWorse); }, kWin, {"winner 100/20"}},
    {"worse winner", kBackoff, [](Rig& r) { winner(r, kWorse); }, kWin, {"winner 100/20"}},
    {"worse pass",
     kOffer,
     [](Rig& r) { pass_to(r, kPeer, kWorse); },
     kOffer,
     {"df 10.0.0.9"},
     "offer"},
    {"worse pass", kLose, [](Rig& r) { pass_to(r, kPeer, kWorse); }, kOffer, {}, "offer"},
    {"worse pass", kWin, [](Rig& r) { pass_to(r, kPeer, kWorse); }, kWin, {"winner 100/20"}},
    {"worse pass", kBackoff, [](Rig& r) { pass_to(r, kPeer, kWorse); }, kWin, {"winner 100/20"}},
    {"worse backoff",
     kOffer,
     [](Rig& r) {
       backoff_for(r, kPeer, {100, 30});
     },
     kOffer,
     {"df 10.0.0.2"},
     "offer"},
    {"worse backoff",
     kLose,
     [](Rig& r) {
       backoff_for(r, kPeer, {100, 30});
     },
     kOffer,
     {"df 10.0.0.2"},
     "offer"},
    {"worse backoff",
     kWin,
     [](Rig& r) {
       backoff_for(r, kPeer, {100, 30});
     },
     kWin,
     {"winner 100/20"}},
    {"worse backoff",
     kBackoff,
     [](Rig& r) {
       backoff_for(r, kPeer, {100, 30});
     },
     kWin,
     {"winner 100/20"}},

    {"worse offer", kOffer, [](Rig& r) { offer(r, kWorse); }, kOffer, {}, "offer"},
    {"worse offer", kLose, [](Rig& r) { offer(r, kWorse); }, kOffer, {}, "offer"},
    {"worse offer", kWin, [](Rig& r) { offer(r, kWorse); }, kWin, {"winner 100/20"}},
    {"worse offer",
     kBackoff,
     [](Rig& r) { r.hear(Action::offer, kWorse, kThird); },
     kBackoff,
     {"backoff 10.0.0.9 100/10 1000"},
     "pass"},

    {"our metric gets worse", kOffer, [](Rig& r) { r.route(away(kWorse)); }, kOffer, {}, "offer"},
    {"our metric gets worse", kLose, [](Rig& r) { r.route(away(kWorse)); }, kLose, {}},
    {"our metric gets worse", kWin, [](Rig& r) { r.route(away(kWorse)); }, kWin, {}, "winner"},
    {"our metric gets worse",
     kBackoff,
     [](Rig& r) { r.route(away(kWorse)); },
     kBackoff,
     {},
     "pass"},
    {"our metric gets better than all",
     kLose,
     [](Rig& r) { r.route(away(kBest)); },
     kOffer,
     {},
     "offer"},
    {"our metric gets better than all",
     kWin,
     [](Rig& r) { r.route(away(kBest)); },
     kWin,
     {},
     "winner"},
    {"our metric gets better than all",
     kBackoff,
     [](Rig& r) { r.route(away(kBest)); },
     kWin,
     {},
     "winner"},

    {"the way turns to the link", kOffer, [](Rig& r) { r.route(through()); }, kOffer, {}, "offer"},
    {"the way turns to the link",
     kWin,
     [](Rig& r) { r.route(through()); },
     kOffer,
     {"df none"},
     "offer"},
    {"the way turns to the link",
     kBackoff,
     [](Rig& r) { r.route(through()); },
     kLose,
     {"pass 10.0.0.9 100/10", "df 10.0.0.9"}},
    {"no way any more", kLose, [](Rig& r) { r.route({}); }, kLose, {}},
    {"no way any more", kWin, [](Rig& r) { r.route({}); }, kOffer, {"df none"}, "offer"},

    {"the acting router is lost",
     kLose,
     [](Rig& r) { lost(r, kPeer); },
     kOffer,
     {"df none"},
     "offer"},
    {"another router is lost", kLose, [](Rig& r) { lost(r, kThird); }, kLose, {}},
    {"the best offer is lost", kBackoff, [](Rig& r) { lost(r, kPeer); }, kWin, {"winner 100/20"}},
    {"a router is lost", kWin, [](Rig& r) { lost(r, kPeer); }, kWin, {}},
};

TEST(StateTable353, EveryRow) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.event + " in " + std::string(to_string(row.from)));
    Rig rig;
    ASSERT_NO_FATAL_FAILURE(rig.enter(row.from));
    row.feed(rig);
    EXPECT_EQ(rig.told(), row.words);
    EXPECT_EQ(rig.state(), row.to);
    rig.advance(3s);
    Words later = rig.told();
    std::erase_if(later, [](const std::string& word) { return word.starts_with("df"); });
    if (row.next.empty())
      EXPECT_THAT(later, IsEmpty());
    else
      EXPECT_TRUE(!later.empty() && later.front().starts_with(row.next)) << later.size();
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
