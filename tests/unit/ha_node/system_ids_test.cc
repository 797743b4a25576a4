// Two LACP system ids on one access device: readiness, and what a forced switchover tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using switchover::Phase;
using testing::kPeer;
using testing::kScope;
using testing::kTrunk;
using testing::NodeStand;
namespace session = rbs::session;

constexpr MacAddress kOurs{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x55}};
constexpr MacAddress kTheirs{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x56}};
constexpr const char* kReason =
    "the LACP system ids differ (00e0-fc12-3455 here, 00e0-fc12-3456 at the peer)";

NodeConfig behind_a_trunk() {
  NodeConfig config = NodeStand::configuration();
  config.etrunks[0].etrunk.system_id = kOurs;
  TrunkSettings trunk;
  trunk.name = "Eth-Trunk1";
  trunk.lacp.id = lacp::TrunkId(1);
  trunk.lacp.system = kOurs;
  trunk.scope = kScope;
  config.trunks = {trunk};
  return config;
}

class SystemIds : public ::testing::Test {
 protected:
  NodeStand stand{NodeStand::Key::present, behind_a_trunk()};

  void hear(role::Role role, Term term, const MacAddress& system) {
    etrunk::Hello hello = stand.hello(role, term);
    hello.system_id = system;
    stand.keeper(keeper::PeerHello{hello});
  }
  Term become_master(const MacAddress& peers) {
    stand.connect_keeper();
    hear(role::Role::backup, Term{}, peers);
    const Term own = stand.scope().role.term();
    stand.come_up();
    stand.sync_as_master(own);
    hear(role::Role::backup, own, peers);
    return own;
  }
  /// As the keeper of the old side tells it, up to the commit.
  Term hand_over() {
    EXPECT_TRUE(stand.node.switchover({.scope = kScope, .force = true}, stand.now).has_value());
    stand.settle();
    Term next;
    for (const keeper::ToKeeper& message : stand.to_keeper)
      if (const auto* offer = std::get_if<keeper::HandoverOffer>(&message)) next = offer->term;
    stand.keeper(keeper::HandoverOffered{kScope, next, 5, true});
    stand.now += 3ms;
    stand.say(session::HandoverReady{kScope, next});
    stand.keeper(keeper::CarrierChanged{kScope, true, {}, {"ge0-1-2"}});
    stand.keeper(keeper::HandoverCommitted{kScope, next, 6});
    return next;
  }
  void partner(bool heard, std::uint32_t distributing) {
    stand.keeper(keeper::TrunkChanged{lacp::TrunkId(1), true, heard, distributing, distributing});
  }
};

TEST_F(SystemIds, DifferentOnesBlockAPlannedSwitchoverAndForceGoesOn) {
  become_master(kTheirs);
  const Readiness ready = stand.node.readiness().at(0);
  EXPECT_EQ(ready.blockers(), kReason);
  EXPECT_EQ(ready.blockers(true), "");
  const auto refused = stand.node.switchover({.scope = kScope}, stand.now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().detail, HasSubstr(kReason));
  EXPECT_TRUE(stand.node.switchover({.scope = kScope, .force = true}, stand.now).has_value());
}

TEST_F(SystemIds, EqualOnesDoNotBlock) {
  become_master(kOurs);
  EXPECT_TRUE(stand.node.readiness().at(0).ready());
}

TEST_F(SystemIds, WithoutATrunkTheyDoNotMatter) {
  NodeConfig config = behind_a_trunk();
  config.trunks.clear();
  stand.apply(config);
  become_master(kTheirs);
  EXPECT_TRUE(stand.node.readiness().at(0).ready());
}

TEST_F(SystemIds, AForcedSwitchoverEndsWhenTheAccessDeviceHasMoved) {
  become_master(kTheirs);
  const Term next = hand_over();
  EXPECT_EQ(stand.scope().role.role(), role::Role::backup);
  EXPECT_THAT(stand.ended, IsEmpty());
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0026"));
  EXPECT_THAT(stand.node.readiness().at(0).blockers(true),
              HasSubstr("a switchover is under way"));
  stand.now += 3012ms;
  stand.keeper(keeper::CarrierChanged{kScope, false, keeper::CarrierEnd::partner_moved, {"ge0"}});
  ASSERT_EQ(stand.ended.size(), 1U);
  EXPECT_FALSE(stand.ended[0].error.has_value());
  EXPECT_EQ(stand.ended[0].text, "backup-id 2 was handed over in term " + to_string(next) +
                                     "; the access device moved after 3012 ms");
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0026"));
  const switchover::Story& story = stand.node.history().stories().back();
  EXPECT_TRUE(story.planned);
  EXPECT_EQ(story.remark, "the LACP system ids differ: the access device moved after 3012 ms");
  EXPECT_THAT(
      story.phases,
      ElementsAre(Phase{"term offered", 0ms}, Phase{"peer's gate open", 3ms},
                  Phase{"gate closed, carrier dropped", 3ms}, Phase{"gate closed, committed", 3ms},
                  Phase{"engines in standby", 3ms}, Phase{"carrier given back", 3015ms}));
}

TEST_F(SystemIds, AnAccessDeviceThatStaysIsAnError) {
  become_master(kTheirs);
  hand_over();
  stand.now += 10s;
  stand.keeper(keeper::CarrierChanged{kScope, false, keeper::CarrierEnd::timed_out, {"ge0"}});
  ASSERT_EQ(stand.ended.size(), 1U);
  ASSERT_TRUE(stand.ended[0].error.has_value());
  EXPECT_THAT(stand.ended[0].error->detail,
              HasSubstr("the access device did not move within 10 s after 10000 ms"));
}

TEST_F(SystemIds, ALostKeeperEndsTheWait) {
  become_master(kTheirs);
  hand_over();
  stand.node.on_keeper_lost(stand.now);
  stand.settle();
  ASSERT_EQ(stand.ended.size(), 1U);
  EXPECT_TRUE(stand.ended[0].error.has_value());
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0026"));
}

TEST_F(SystemIds, TheNewMasterTellsWhenItsPartnerCame) {
  stand.connect_keeper();
  const Term theirs{7, kPeer};
  hear(role::Role::master, theirs, kTheirs);
  ASSERT_EQ(stand.scope().role.role(), role::Role::backup);
  keeper::ScopeChanged taken;
  taken.state = {kScope, role::Role::master, Term{8, testing::kSelf}};
  taken.cause = keeper::Cause::handover;
  taken.decided = taken.gate_stored = taken.last_heard = stand.now;
  stand.keeper(taken);
  ASSERT_EQ(stand.scope().role.role(), role::Role::master);
  partner(true, 0);
  stand.now += 2990ms;
  partner(true, 1);
  const switchover::Story& story = stand.node.history().stories().back();
  EXPECT_THAT(story.phases, Contains(Field(&Phase::name, "access device moved")));
  EXPECT_EQ(story.remark, "the LACP system ids differ: the access device moved after 2990 ms");
}

// It sends no LACPDU, and a partner that hears nobody is rarely heard: no alarm.
TEST_F(SystemIds, ASilentBackupMissesNoPartner) {
  stand.connect_keeper();
  hear(role::Role::master, Term{7, kPeer}, kTheirs);
  partner(false, 0);
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0022"));
  hear(role::Role::master, Term{7, kPeer}, kOurs);
  partner(false, 0);
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0022"));
}

}  // namespace
}  // namespace hotpair::ha::node
