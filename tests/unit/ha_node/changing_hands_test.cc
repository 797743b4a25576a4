#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

// For some milliseconds of a planned handover both nodes forward to the scope's link, and each
// hears of the other's copies: of every group at once, when a word of the handover must not wait.
namespace hotpair::ha::node {
namespace {

using testing::kScope;
using testing::kSelf;
using testing::NodeStand;
using namespace std::chrono_literals;
namespace session = rbs::session;

const IpAddress kSource = IpAddress::parse("10.0.5.10").value();
const Group kGroup = Group::parse("232.1.1.1").value();

class ChangingHands : public ::testing::Test {
 protected:
  ChangingHands() : stand_(NodeStand::Key::present, configuration()) {
    stand_.other = [this](NodeEffect& effect) {
      if (const auto* ask = std::get_if<AskRpf>(&effect)) {
        ++asked_;
        stand_.node.on_rpf(ask->vrf, ask->target, RpfFacts{.device = "ge1", .connected = true},
                           stand_.now);
      }
    };
    stand_.node.on_device({"ge1", true, true, {*IpPrefix::parse("10.0.5.1/24")}, {}, 1500},
                          stand_.now);
    stand_.node.on_device({"et1", true, true, {*IpPrefix::parse("10.0.15.1/24")}, {}, 1500},
                          stand_.now);
    stand_.connect_keeper();
    stand_.hear(role::Role::backup, Term{}, 50);
    stand_.come_up();
    stand_.sync_as_master(stand_.scope().role.term());
    stand_.hear(role::Role::backup, stand_.scope().role.term(), 50);
    stand_.node.on_plane_event(fwd::NoRoute{VrfId{}, id("ge1"), kSource, kGroup}, stand_.now);
    stand_.settle();
  }
  static NodeConfig configuration() {
    NodeConfig config = NodeStand::configuration();
    config.links = {link("ge1"), link("et1")};
    config.links[1].scope = kScope;
    return config;
  }
  static LinkSettings link(const std::string& device) {
    LinkSettings link;
    link.name = link.device = device;
    link.ipv4 = true;
    link.pim_ipv4.emplace();
    return link;
  }
  LinkId id(const std::string& name) { return stand_.node.find_link(name)->id; }
  /// How often the source's route is asked for when packets of three routes come in.
  int asked_by_strays(const std::string& device) {
    asked_ = 0;
    const fwd::WrongInterface stray{VrfId{}, id(device), kSource, kGroup};
    stand_.node.on_plane_events(std::vector<fwd::PlaneEvent>(3, stray), stand_.now);
    stand_.settle();
    return asked_;
  }
  Term offer() {
    EXPECT_TRUE(stand_.node.switchover({.scope = kScope}, stand_.now).has_value());
    stand_.settle();
    stand_.answer_digests();
    for (const keeper::ToKeeper& message : stand_.to_keeper)
      if (const auto* offer = std::get_if<keeper::HandoverOffer>(&message)) return offer->term;
    ADD_FAILURE() << "nothing was offered";
    return {};
  }

  NodeStand stand_;
  int asked_ = 0;
};

TEST_F(ChangingHands, ThePeersCopiesChangeNothing) {
  EXPECT_EQ(asked_by_strays("et1"), 1);
  const Term next = offer();
  stand_.keeper(keeper::HandoverOffered{kScope, next, 5, true});
  EXPECT_EQ(asked_by_strays("et1"), 0);
  EXPECT_EQ(asked_by_strays("ge1"), 1);
  stand_.keeper(keeper::HandoverCommitted{kScope, next, 6});
  EXPECT_EQ(stand_.scope().role.role(), role::Role::backup);
  stand_.now += 299ms;
  EXPECT_EQ(asked_by_strays("et1"), 0);
  stand_.now += 1ms;
  EXPECT_EQ(asked_by_strays("et1"), 1);
}

TEST_F(ChangingHands, AfterAHandoverThatFailedTheyCountAgain) {
  const Term next = offer();
  stand_.keeper(keeper::HandoverOffered{kScope, next, 5, true});
  stand_.keeper(keeper::HandoverOffered{kScope, next, 5, false});
  EXPECT_EQ(stand_.scope().role.role(), role::Role::master);
  EXPECT_EQ(asked_by_strays("et1"), 1);
}

}  // namespace
}  // namespace hotpair::ha::node
