#include <gtest/gtest.h>

#include <functional>

#include "pair.h"
#include "rbs/session/rbs_messages.h"

/// What a peer may not do: each is counted by reason, closes the session, and leaves the store
/// alone.
namespace hotpair::rbs::session::test {
namespace {

using std::chrono::seconds;

const Term kPeerTerm{4, NodeId{2}};
const Epoch kEpoch{kPeerTerm, 0};
const EpochHistory kHistory{{kEpoch, Sequence{0}}};

/// One node against scripted frames; it is backup in term 3.
class ProtocolTest : public testing::Test {
 public:
  ProtocolTest() : end(1, SessionConfig{}, {}) {}

  void up(Role role = Role::backup) {
    end.set_role(role, Term{3, NodeId{1}}, now);
    end.session->on_connected(now);
    feed(Open{1, 1, NodeId{2}, "peer", {}, 0, {kScope}});
    feed(Accept{1});
    ASSERT_TRUE(end.session->up());
  }
  void feed(const Frame& frame) {
    end.session->on_frame(frame, now);
    end.drain(now);
    while (end.step_store(now) || end.step_timer(now)) {
    }
  }
  /// The generation of our newest ScopeState, which a master has to answer.
  std::uint32_t generation() const {
    std::uint32_t newest = 0;
    for (const auto& out : end.out)
      if (const auto* state = std::get_if<ScopeState>(&out.frame)) newest = state->generation;
    return newest;
  }
  void peer_is_master() {
    feed(ScopeState{kScope, Role::master, kPeerTerm, kHistory, Sequence{9}, {}, false, 1});
    sync = generation();
  }
  void begin(SyncKind kind = SyncKind::bulk) {
    peer_is_master();
    feed(BulkBegin{kScope, kPeerTerm, sync, kind, kHistory,
                   kind == SyncKind::delta ? Sequence{} : Sequence{9}});
  }
  std::uint64_t rejected(Reason reason) const {
    return end.session->show(now).rejected[static_cast<std::size_t>(reason)];
  }

  TimePoint now{seconds(50)};
  End end;
  std::uint32_t sync = 0;
};

TEST_F(ProtocolTest, VersionsThatDoNotMeetAreRefusedWithAdvice) {
  end.session->on_connected(now);
  feed(Open{kProtocolMax + 1, kProtocolMax + 7, NodeId{2}, "hotpair 9", {}, 0, {}});
  ASSERT_TRUE(end.closed);
  EXPECT_EQ(end.closed->reason, Reason::refused);
  ASSERT_EQ(end.out.size(), 2U);
  const auto& refuse = std::get<Refuse>(end.out[1].frame);
  EXPECT_EQ(refuse.reason, RefuseReason::version);
  EXPECT_NE(refuse.text.find("upgrade"), std::string::npos);
}

TEST_F(ProtocolTest, OwnNodeIdIsRefused) {
  end.session->on_connected(now);
  feed(Open{1, 1, NodeId{1}, "me", {}, 0, {}});
  EXPECT_EQ(std::get<Refuse>(end.out.back().frame).reason, RefuseReason::same_node);
}

TEST_F(ProtocolTest, AnotherNodeThanExpectedIsRefused) {
  end.config.peer_node = NodeId{77};
  end.restart();
  end.session->on_connected(now);
  feed(Open{1, 1, NodeId{2}, "x", {}, 0, {}});
  EXPECT_EQ(std::get<Refuse>(end.out.back().frame).reason, RefuseReason::wrong_node);
}

TEST_F(ProtocolTest, RefusalOfThePeerIsKeptForTheOperator) {
  end.session->on_connected(now);
  feed(Refuse{RefuseReason::version, "upgrade the older node"});
  EXPECT_EQ(end.session->show(now).last_reason, Reason::refused_by_peer);
  EXPECT_EQ(end.session->show(now).last_text, "upgrade the older node");
}

TEST_F(ProtocolTest, HandshakeThatStallsEnds) {
  end.session->on_connected(now);
  end.drain(now);
  now += seconds(10);
  end.session->on_timeout(now);
  end.drain(now);
  ASSERT_TRUE(end.closed);
  EXPECT_EQ(end.closed->reason, Reason::handshake_timeout);
}

struct Row {
  const char* what;
  Reason reason;
  std::function<void(ProtocolTest&)> act;
};
using T = ProtocolTest;

LiveRecords live(T& t, std::uint64_t sequence) {
  return {kScope, kPeerTerm, t.sync, kEpoch, {{Sequence{sequence}, {key_of(1), value_of(1)}}}};
}

BulkRecords slice(T& t, std::optional<RecordKey> after, std::optional<RecordKey> through,
                  const std::vector<unsigned>& keys) {
  BulkRecords frame{kScope, kPeerTerm, t.sync, std::move(after), std::move(through), {}};
  for (const unsigned key : keys) frame.records.push_back({key_of(key), value_of(key)});
  return frame;
}

/// Plays each row on a fresh session: it closes for the row's reason and the store is untouched.
void play(T& t, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    t.end.restart();
    t.end.closed.reset();
    t.end.out.clear();
    t.end.store = {};
    t.up();
    row.act(t);
    ASSERT_TRUE(t.end.closed) << row.what;
    EXPECT_EQ(t.end.closed->reason, row.reason) << row.what << ": " << t.end.closed->text;
    EXPECT_EQ(t.rejected(row.reason), 1U) << row.what;
    EXPECT_FALSE(t.end.session->up()) << row.what;
    EXPECT_TRUE(std::holds_alternative<Bye>(t.end.out.back().frame)) << row.what;
    EXPECT_LE(t.end.stored().size(), 1U) << row.what;
  }
}

TEST_F(ProtocolTest, ViolationsCloseBeforeAndAroundTheHandshake) {
  play(*this,
       {
           {"second Open", Reason::out_of_order, [](T& t) { t.feed(Open{}); }},
           {"second Accept", Reason::out_of_order, [](T& t) { t.feed(Accept{1}); }},
           {"records before a scope state", Reason::out_of_order, [](T& t) { t.feed(live(t, 1)); }},
           {"records from a backup", Reason::wrong_direction,
            [](T& t) {
              t.feed(ScopeState{kScope, Role::backup, kPeerTerm, {}, {}, {}, false, 1});
              t.feed(live(t, 1));
            }},
           {"records before BulkBegin", Reason::out_of_order,
            [](T& t) {
              t.peer_is_master();
              t.feed(live(t, 1));
            }},
           {"another term than announced", Reason::out_of_order,
            [](T& t) {
              t.peer_is_master();
              t.feed(BulkBegin{kScope, Term{9, NodeId{2}}, t.sync, SyncKind::bulk, kHistory, {}});
            }},
           {"unknown scope", Reason::unknown_scope,
            [](T& t) {
              t.feed(BulkBegin{ScopeId{99}, kPeerTerm, 1, SyncKind::bulk, kHistory, {}});
            }},
           {"old generation of a scope state", Reason::out_of_order,
            [](T& t) {
              t.peer_is_master();
              t.feed(ScopeState{kScope, Role::master, kPeerTerm, kHistory, {}, {}, false, 1});
            }},
           {"history that goes back", Reason::limit,
            [](T& t) {
              t.feed(ScopeState{kScope,
                                Role::master,
                                kPeerTerm,
                                {{kEpoch, Sequence{5}}, {kEpoch, Sequence{4}}},
                                {},
                                {},
                                false,
                                1});
            }},
           {"sequence beyond any", Reason::limit,
            [](T& t) {
              t.begin();
              t.feed(live(t, ~0ULL));
            }},
       });
}

TEST_F(ProtocolTest, ViolationsCloseRecords) {
  play(*this,
       {
           {"sequence twice", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(live(t, 10));
              t.feed(live(t, 10));
            }},
           {"slice with a gap", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(slice(t, key_of(4), key_of(9), {5}));
            }},
           {"slice out of order", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(slice(t, std::nullopt, key_of(9), {5, 4}));
            }},
           {"slice beyond its end", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(slice(t, std::nullopt, key_of(9), {10}));
            }},
           {"slice after the last", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(slice(t, std::nullopt, std::nullopt, {1}));
              t.feed(slice(t, std::nullopt, std::nullopt, {2}));
            }},
           {"end before the last slice", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(BulkEnd{kScope, kPeerTerm, t.sync, Sequence{9}});
            }},
           {"delta from elsewhere", Reason::out_of_order,
            [](T& t) {
              t.peer_is_master();
              t.feed(BulkBegin{kScope, kPeerTerm, t.sync, SyncKind::delta, kHistory, Sequence{8}});
            }},
           {"ranges in a bulk", Reason::out_of_order,
            [](T& t) {
              t.begin();
              t.feed(Ranges{kScope, kPeerTerm, t.sync, {{}}});
            }},
       });
}

TEST_F(ProtocolTest, ViolationsCloseBoundsAndHandovers) {
  play(*this, {
                  {"repair without ranges", Reason::out_of_order,
                   [](T& t) {
                     t.begin(SyncKind::repair);
                     t.feed(Repair{kScope, kPeerTerm, t.sync, std::nullopt, std::nullopt, {}});
                   }},
                  {"repair that ends without ranges", Reason::out_of_order,
                   [](T& t) {
                     t.begin(SyncKind::repair);
                     t.feed(BulkEnd{kScope, kPeerTerm, t.sync, Sequence{9}});
                   }},
                  {"digests too early", Reason::out_of_order,
                   [](T& t) {
                     t.begin();
                     t.feed(Digests{kScope, t.sync, Sequence{9}, false, true, {}});
                   }},
                  {"record over its limit", Reason::limit,
                   [](T& t) {
                     t.begin();
                     t.feed(LiveRecords{
                         kScope,
                         kPeerTerm,
                         t.sync,
                         kEpoch,
                         {{Sequence{10}, {key_of(1), checkpoint::RecordValue{1, Bytes(40'000)}}}}});
                   }},
                  {"ack to nobody", Reason::wrong_direction,
                   [](T& t) {
                     t.feed(Ack{kScope, 1, kEpoch, Sequence{1}});
                   }},
                  {"Ready without Handover", Reason::out_of_order,
                   [](T& t) {
                     t.feed(HandoverReady{kScope, kPeerTerm});
                   }},
                  {"Handover from no master", Reason::wrong_direction,
                   [](T& t) {
                     t.feed(Handover{kScope, kPeerTerm, 1});
                   }},
              });
}

TEST_F(ProtocolTest, StandingOfABackupIsTold) {
  end.set_role(Role::master, Term{3, NodeId{1}}, now);
  end.session->on_connected(now);
  feed(Open{1, kProtocolMax, NodeId{2}, "peer", {}, 0, {kScope}});
  feed(Accept{kProtocolMax});
  end.others.clear();
  feed(RouteStanding{kScope, 1, 2, 3});
  ASSERT_EQ(end.others.size(), 1U);
  EXPECT_EQ(std::get<StandingHeard>(end.others[0]).frame, (RouteStanding{kScope, 1, 2, 3}));
  EXPECT_FALSE(end.session->send_standing({kScope}, now)) << "it is the master itself";
  end.set_role(Role::backup, Term{4, NodeId{2}}, now);
  feed(RouteStanding{kScope, 4, 5, 6});
  EXPECT_EQ(end.others.size(), 1U);
  EXPECT_EQ(rejected(Reason::stale_sync), 1U) << "the roles changed under way";
  EXPECT_FALSE(end.session->send_standing({kScope}, now)) << "nobody said to be master";
  peer_is_master();
  end.out.clear();
  EXPECT_TRUE(end.session->send_standing({kScope, 7, 8, 9}, now));
  end.drain(now);
  ASSERT_EQ(end.out.size(), 1U);
  EXPECT_EQ(std::get<RouteStanding>(end.out[0].frame), (RouteStanding{kScope, 7, 8, 9}));
  feed(RouteStanding{kScope, ~0ULL, 0, 0});
  EXPECT_EQ(rejected(Reason::limit), 1U);
  EXPECT_FALSE(end.session->up());
}

TEST_F(ProtocolTest, StandingIsNotSaidToAnOlderPeerNorTakenFromOne) {
  up();
  peer_is_master();
  EXPECT_FALSE(end.session->send_standing({kScope}, now));
  feed(RouteStanding{kScope});
  EXPECT_EQ(rejected(Reason::out_of_order), 1U);
  EXPECT_FALSE(end.session->up());
}

TEST_F(ProtocolTest, AckOfWhatWasNeverSentCloses) {
  up(Role::master);
  feed(ScopeState{kScope, Role::backup, Term{3, NodeId{1}}, {}, {}, {}, true, 1});
  feed(Ack{kScope, 1, kEpoch, Sequence{1000}});
  ASSERT_TRUE(end.closed);
  EXPECT_EQ(end.closed->reason, Reason::out_of_order);
}

TEST_F(ProtocolTest, FramesOfASynchronisationSinceLeftAreDropped) {
  up();
  begin();
  const std::uint32_t old = sync;
  end.set_role(Role::init, Term{3, NodeId{1}}, now);  // announces a new generation
  feed(LiveRecords{kScope, kPeerTerm, old, kEpoch, {{Sequence{10}, {key_of(1), value_of(1)}}}});
  EXPECT_TRUE(end.session->up());
  EXPECT_EQ(rejected(Reason::stale_sync), 1U);
  EXPECT_TRUE(end.stored().empty());
}

TEST_F(ProtocolTest, MasterWithANewerTermIsNotOverwritten) {
  up(Role::master);
  feed(ScopeState{kScope, Role::backup, Term{8, NodeId{2}}, {}, {}, {}, true, 1});
  for (const auto& out : end.out) EXPECT_FALSE(std::holds_alternative<BulkBegin>(out.frame));
  EXPECT_EQ(end.show(now).state, SyncState::none);
}

TEST_F(ProtocolTest, GarbageIsCountedAndClosed) {
  up();
  end.session->on_reject(Reason::malformed, "a list over its limit", now);
  end.drain(now);
  ASSERT_TRUE(end.closed);
  EXPECT_EQ(rejected(Reason::malformed), 1U);
  end.session->reset_counters();
  EXPECT_EQ(rejected(Reason::malformed), 0U);
}

TEST(SessionScopes, AddedAndRemovedWhileTheSessionLives) {
  Pair pair;
  pair.connect();
  pair.run();
  pair.be_master(pair.a, pair.b, 1);
  pair.a.put(1, 1, pair.now);
  pair.run();
  EXPECT_EQ(pair.b.engine.size(), 1U);
  pair.b.session->remove_scope(kScope, pair.now);
  pair.b.drain(pair.now);
  pair.a.put(2, 2, pair.now);
  pair.run();
  EXPECT_TRUE(pair.b.session->up()) << "records under way for a scope just removed are dropped";
  pair.b.set_role(Role::backup, Term{1, NodeId{1}}, pair.now);
  pair.run();
  EXPECT_TRUE(pair.b.session->up()) << pair.b.session->show(pair.now).last_text;
  EXPECT_EQ(pair.b.engine, pair.a.engine);
}

TEST(Messages, IdsAreUniqueAndEachSaysWhatToDo) {
  std::map<std::string_view, int> seen;
  for (const Message& message : kMessages) {
    EXPECT_EQ(++seen[message.id], 1) << message.id;
    EXPECT_FALSE(message.action.empty());
    EXPECT_TRUE(message.id.starts_with("HA-RBS-"));
  }
}

}  // namespace
}  // namespace hotpair::rbs::session::test
