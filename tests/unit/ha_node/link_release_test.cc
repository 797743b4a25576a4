#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NodeStand;

NodeConfig with(const std::string& name, const std::string& device) {
  NodeConfig config = NodeStand::configuration();
  LinkSettings link;
  link.name = name;
  link.device = device;
  link.ipv4 = true;
  link.scope = testing::kScope;
  link.eth_trunk = name == "Eth-Trunk2" ? 2 : 1;
  config.links = {link};
  return config;
}

// What is asked of plane and gate, in order: "+1 et1" adds a link, "-1" removes it.
struct Stand : NodeStand {
  explicit Stand(const NodeConfig& config) : NodeStand(Key::absent, config) {
    node.on_device({"et1", true, true, {}, {}}, now);
    node.on_device({"et2", true, true, {}, {}}, now);
    settle();
    run(20s);  // the hold after a start is over
    plane.clear();
  }
};

TEST(LinkRelease, ThePlaneForgetsALinkAndItsGateAfterTheLastRoute) {
  Stand stand{with("Eth-Trunk1", "et1")};
  NodeConfig none = NodeStand::configuration();
  stand.node.apply(none, stand.now);
  stand.settle();
  EXPECT_THAT(stand.plane, IsEmpty());
  stand.run(1s);
  EXPECT_THAT(stand.plane, ElementsAre("-1", "gate -et1"));
}

TEST(LinkRelease, ALinkThatMovesToAnotherDeviceLeavesItsGate) {
  Stand stand{with("Eth-Trunk1", "et1")};
  stand.apply(with("Eth-Trunk1", "et2"));
  stand.run(1s);
  EXPECT_THAT(stand.plane, ElementsAre("gate +et2", "gate -et1", "+1 et2"));
}

// The new link is refused while the old one holds the device; it is tried again by itself.
TEST(LinkRelease, AnotherLinkTakesTheDeviceOver) {
  Stand stand{with("Eth-Trunk1", "et1")};
  stand.apply(with("Eth-Trunk2", "et1"));
  stand.node.on_plane_refused("et1", Error{ErrorCode::exists, "another link uses this device"},
                              stand.now);
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0010"));
  stand.run(1s);
  EXPECT_THAT(stand.plane, ElementsAre("gate +et1", "+2 et1", "-1", "+2 et1"));
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0010"));
}

TEST(LinkRelease, ADeviceThatIsMadeAnewIsTakenUpAgain) {
  Stand stand{with("Eth-Trunk1", "et1")};
  stand.node.on_device({"et1", false, false, {}, {}}, stand.now);
  stand.run(1s);
  EXPECT_THAT(stand.plane, ElementsAre("-1"));
  stand.node.on_device({"et1", true, true, {}, {}}, stand.now);
  stand.run(1s);
  EXPECT_THAT(stand.plane, ElementsAre("-1", "gate +et1", "+1 et1"));
}

}  // namespace
}  // namespace hotpair::ha::node
