#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcast/gmp/gmp_show.h"
#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using testing::NodeStand;
using ::testing::SizeIs;

const StaticGroup kAny{*Group::parse("225.1.1.1"), std::nullopt};
const StaticGroup kOne{*Group::parse("225.1.1.2"), IpAddress::v4(0x0a000009)};

NodeConfig with(std::vector<StaticGroup> groups) {
  NodeConfig config = NodeStand::configuration();
  LinkSettings link;
  link.name = "Eth-Trunk1";
  link.device = "et1";
  link.ipv4 = true;
  link.scope = testing::kScope;
  link.eth_trunk = 1;
  link.igmp = mcast::gmp::InterfaceConfig{};
  link.static_groups = std::move(groups);
  config.links = {link};
  return config;
}

std::size_t groups_of(const NodeStand& stand) {
  return stand.node.gmp().group_count(stand.node.find_link("Eth-Trunk1")->id, Family::ipv4);
}

TEST(StaticGroups, FollowTheConfigurationLive) {
  NodeStand stand{NodeStand::Key::absent, with({kAny, kOne})};
  EXPECT_EQ(groups_of(stand), 2U);
  EXPECT_THAT(mcast::gmp::show_groups(stand.node.gmp(), {.family = Family::ipv4}, stand.now).rows,
              SizeIs(2));
  stand.apply(with({kOne}));
  EXPECT_EQ(groups_of(stand), 1U);
  stand.apply(with({kOne}));
  EXPECT_EQ(groups_of(stand), 1U);
  stand.apply(with({}));
  EXPECT_EQ(groups_of(stand), 0U);
}

// The engine forgets an interface whose family is switched off, or whose copy is filled anew.
TEST(StaticGroups, ComeBackWithTheirInterface) {
  NodeStand stand{NodeStand::Key::absent, with({kAny})};
  NodeConfig off = with({});
  off.links[0].igmp.reset();
  stand.apply(off);
  EXPECT_EQ(groups_of(stand), 0U);
  stand.apply(with({kAny}));
  EXPECT_EQ(groups_of(stand), 1U);
}

TEST(StaticGroups, AreNotJournalled) {
  NodeStand stand{NodeStand::Key::absent, with({kAny})};
  stand.connect_keeper();
  stand.hear(role::Role::backup, Term{}, 50);
  ASSERT_EQ(stand.scope().role.role(), role::Role::master);
  stand.apply(with({kAny, kOne}));
  stand.run(std::chrono::seconds(1));
  EXPECT_EQ(groups_of(stand), 2U);
  EXPECT_EQ(stand.store.records(), 0U);
}

}  // namespace
}  // namespace hotpair::ha::node
