// Auto-RP of a node: where it is heard and sent, who is believed, what a new life knows.
#include "mcast/wire/auto_rp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "mcast/wire/pim_message.h"
#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NodeStand;
namespace rp = mcast::rp;
namespace wire = mcast::wire;

const IpAddress kOwn = IpAddress::v4(0x0a010101);
const IpAddress kNeighbour = IpAddress::v4(0x0a010102);
const IpAddress kAgent = IpAddress::v4(0x0a090909);
const IpAddress kRp = IpAddress::v4(0x05050505);
const IpAddress kStaticRp = IpAddress::v4(0x06060606);
constexpr VrfId kRed{10};

NodeConfig routers(bool listen) {
  NodeConfig config;
  for (const auto* device : {"eth1", "eth2"}) {
    LinkSettings link;
    link.name = device;
    link.device = device;
    link.ipv4 = true;
    link.pim_ipv4.emplace();
    config.links.push_back(link);
  }
  config.pim_ipv4.auto_rp.listen = listen;
  config.static_rps = {rp::make_static_rp(kStaticRp, std::nullopt).value()};
  return config;
}

/// eth1 is red; Auto-RP is heard in both instances.
NodeConfig red_and_public() {
  NodeConfig config = routers(true);
  VrfSettings red{kRed, "red", {}, {}, {}};
  red.pim_ipv4.auto_rp.listen = true;
  config.vrfs = {red};
  config.links[0].vrf = kRed;
  return config;
}

struct Stand : NodeStand {
  explicit Stand(const NodeConfig& config, checkpoint::store::StoreExecutor* other_store = nullptr)
      // What is restored needs to know the links; what speaks at once needs their devices.
      : NodeStand(Key::absent, other_store != nullptr ? config : NodeConfig{}, other_store) {
    other = [this](NodeEffect& effect) { note(effect); };
    for (std::uint32_t i = 1; i <= 2; ++i)
      node.on_device({"eth" + std::to_string(i),
                      true,
                      true,
                      {{IpAddress::v4(0x0a000001 + (i << 16U) + 0x100), 24}},
                      {},
                      1500},
                     now);
    apply(config);
    run(1s);
  }
  void note(NodeEffect& effect) {
    if (const auto* listen = std::get_if<ListenAutoRp>(&effect)) heard_on.insert(listen->device);
    if (const auto* silent = std::get_if<UnlistenAutoRp>(&effect)) heard_on.erase(silent->device);
    if (auto* send = std::get_if<SendAutoRp>(&effect)) messages.push_back(std::move(*send));
    if (const auto* routes = std::get_if<ApplyRoutes>(&effect)) carry_out(*routes);
    if (const auto* ask = std::get_if<AskRpf>(&effect))
      node.on_rpf(ask->vrf, ask->target, RpfFacts{.device = "eth1", .next_hop = kNeighbour}, now);
  }
  void carry_out(const ApplyRoutes& routes) {
    std::vector<fwd::AppliedChange> results;
    for (const fwd::RouteChange& change : routes.changes) {
      if (const auto* set = std::get_if<fwd::SetRoute>(&change)) {
        outgoing[set->route.key.group.to_string()] = set->route.outgoing.size();
        results.push_back({set->route.key, std::nullopt});
      } else {
        results.push_back({std::get<fwd::RemoveRoute>(change).key, std::nullopt});
      }
    }
    node.on_plane_applied(results, now);
  }
  void hello(const std::string& device, const IpAddress& from) {
    wire::PimHello hello;
    hello.holdtime_s = 105;
    hello.generation_id = 7;
    const IpAddress all = wire::all_pim_routers(Family::ipv4);
    const Bytes message = wire::encode_pim(hello, from, all);
    Bytes packet;
    ByteWriter out(packet);
    out.u32(0x45c00000U + static_cast<std::uint32_t>(20 + message.size()));
    out.u32(0);
    out.u32(0x01670000);
    out.bytes(from.bytes());
    out.bytes(all.bytes());
    out.bytes(message);
    node.on_pim_packet({device, from, all, 1, packet}, now);
    settle();
  }
  void discovery(std::uint16_t holdtime_s = 180,
                 const IpAddress& to = wire::auto_rp_destination(wire::AutoRpKind::discovery),
                 const std::string& device = "eth1") {
    const wire::AutoRpMessage message{wire::AutoRpKind::discovery,
                                      holdtime_s,
                                      {{kRp, 2, {{IpAddress::v4(0xe0000000), 4, false}}}}};
    for (const Bytes& payload : wire::encode_auto_rp(message, 1500))
      node.on_auto_rp({device, kAgent, to, payload}, now);
    settle();
  }
  /// Unspecified: none.
  [[nodiscard]] IpAddress rp_in_force(VrfId vrf = {}) const {
    const auto mapping = node.rp_set(Family::ipv4, vrf).rp_of(*Group::parse("239.1.1.1"));
    return mapping ? mapping->rp : IpAddress::any(Family::ipv4);
  }
  [[nodiscard]] std::optional<IpAddress> agent(VrfId vrf = {}) const {
    return node.auto_rp(vrf).engine.agent();
  }
  std::set<std::string> heard_on;
  std::vector<SendAutoRp> messages;
  std::map<std::string, std::size_t> outgoing;  ///< of the newest (S,G) of a group
};

TEST(AutoRpNode, IsOffUnlessConfigured) {
  Stand stand(routers(false));
  EXPECT_THAT(stand.heard_on, IsEmpty());
  stand.discovery();
  EXPECT_EQ(stand.rp_in_force(), kStaticRp);
  EXPECT_THAT(stand.messages, IsEmpty());
}

TEST(AutoRpNode, WhatAnAgentTellsComesBeforeAStaticRp) {
  Stand stand(routers(true));
  EXPECT_THAT(stand.heard_on, ElementsAre("eth1", "eth2"));
  stand.discovery();
  EXPECT_EQ(stand.rp_in_force(), kRp);
  EXPECT_TRUE(stand.has_alarm("HA-RP-0004"));
  EXPECT_EQ(stand.agent(), kAgent);
  stand.run(181s);
  EXPECT_EQ(stand.rp_in_force(), kStaticRp);
  EXPECT_FALSE(stand.has_alarm("HA-RP-0004"));
}

TEST(AutoRpNode, APreferredStaticRpStays) {
  NodeConfig config = routers(true);
  config.pim_ipv4.rp_rules.static_preferred = true;
  Stand stand(config);
  stand.discovery();
  EXPECT_EQ(stand.rp_in_force(), kStaticRp);
}

TEST(AutoRpNode, WhatCannotBeIsCounted) {
  Stand stand(routers(true));
  stand.discovery(180, wire::auto_rp_destination(wire::AutoRpKind::announcement));
  EXPECT_EQ(stand.node.auto_rp().wrong_group, 1U);
  const Bytes rubbish(3);
  stand.node.on_auto_rp(
      {"eth1", kAgent, wire::auto_rp_destination(wire::AutoRpKind::discovery), rubbish}, stand.now);
  EXPECT_EQ(stand.node.auto_rp().rejected[0], 1U);
  EXPECT_EQ(stand.rp_in_force(), kStaticRp);
}

TEST(AutoRpNode, ItsGroupsAreFloodedToNeighboursAlone) {
  Stand stand(routers(true));
  const Group group = *Group::parse("224.0.1.40");
  stand.run(20s);  // the hold after the start is over
  const LinkId link = stand.node.find_link("eth1")->id;
  stand.node.on_plane_event(fwd::NoRoute{VrfId{0}, link, kAgent, group}, stand.now);
  stand.settle();
  EXPECT_EQ(stand.outgoing.at("224.0.1.40"), 0U);
  stand.hello("eth2", IpAddress::v4(0x0a020102));
  stand.run(10ms);
  EXPECT_EQ(stand.outgoing.at("224.0.1.40"), 1U);
  NodeConfig off = routers(false);
  stand.apply(off);
  stand.run(1s);
  EXPECT_EQ(stand.outgoing.at("224.0.1.40"), 0U);
  EXPECT_THAT(stand.heard_on, IsEmpty());
}

TEST(AutoRpNode, ACandidateSpeaksOnEveryLinkAndToWhoComesUp) {
  NodeConfig config = routers(false);
  config.pim_ipv4.auto_rp.announced = {
      {.address = kOwn, .ranges = {}, .negative_ranges = {}, .ttl = 9}};
  Stand stand(config);
  ASSERT_EQ(stand.messages.size(), 2U);
  EXPECT_EQ(stand.messages[0].device, "eth1");
  EXPECT_EQ(stand.messages[1].device, "eth2");
  EXPECT_EQ(stand.messages[0].ttl, 9);
  EXPECT_EQ(stand.messages[0].destination.to_string(), "224.0.1.39");
  EXPECT_EQ(wire::parse_auto_rp(stand.messages[0].payload)->mappings.at(0).rp, kOwn);
  EXPECT_THAT(stand.heard_on, IsEmpty()) << "it believes nobody";
  stand.hello("eth1", kNeighbour);
  stand.run(2s);
  EXPECT_EQ(stand.messages.size(), 4U);
  stand.run(60s);
  EXPECT_EQ(stand.messages.size(), 6U);
}

TEST(AutoRpNode, ANewLifeKnowsAgentAndMappings) {
  Stand before(routers(true));
  before.discovery(600);
  ASSERT_EQ(before.rp_in_force(), kRp);
  Stand after(routers(true), &before.store);
  EXPECT_EQ(after.rp_in_force(), kRp);
  EXPECT_EQ(after.agent(), kAgent);
  after.run(601s);
  EXPECT_EQ(after.rp_in_force(), kStaticRp) << "a whole holdtime from then";
}

TEST(AutoRpNode, WhatAnInstanceHearsIsItsOwn) {
  Stand stand(red_and_public());
  EXPECT_THAT(stand.heard_on, ElementsAre("eth1", "eth2"));
  stand.discovery();
  EXPECT_EQ(stand.rp_in_force(kRed), kRp);
  EXPECT_EQ(stand.agent(kRed), kAgent);
  EXPECT_EQ(stand.rp_in_force(), kStaticRp);
  EXPECT_EQ(stand.agent(), std::nullopt);
  stand.discovery(0, wire::auto_rp_destination(wire::AutoRpKind::discovery), "eth2");
  EXPECT_EQ(stand.rp_in_force(), kRp);
  stand.run(181s);
  EXPECT_EQ(stand.rp_in_force(kRed), IpAddress::any(Family::ipv4));
  EXPECT_EQ(stand.rp_in_force(), kRp) << "without end";
}

TEST(AutoRpNode, AnInstanceIsFloodedByItsOwnLinks) {
  Stand stand(red_and_public());
  const Group group = *Group::parse("224.0.1.40");
  stand.run(20s);
  stand.node.on_plane_event(fwd::NoRoute{VrfId{0}, stand.node.find_link("eth2")->id, kAgent, group},
                            stand.now);
  stand.settle();
  stand.hello("eth1", kNeighbour);
  stand.run(10ms);
  EXPECT_EQ(stand.outgoing.at("224.0.1.40"), 0U) << "the neighbour is a red one";
}

TEST(AutoRpNode, ANewLifeKnowsWhatEachInstanceKnew) {
  Stand before(red_and_public());
  before.discovery(600);
  Stand after(red_and_public(), &before.store);
  EXPECT_EQ(after.rp_in_force(kRed), kRp);
  EXPECT_EQ(after.agent(kRed), kAgent);
  EXPECT_EQ(after.rp_in_force(), kStaticRp);
  EXPECT_EQ(after.agent(), std::nullopt);
}

TEST(AutoRpNode, AnInstanceThatGoesTakesItsKnowledgeAlong) {
  Stand stand(red_and_public());
  stand.discovery();
  NodeConfig without = red_and_public();
  without.vrfs.clear();
  without.links.erase(without.links.begin());
  stand.apply(without);
  stand.run(1s);
  EXPECT_THAT(stand.heard_on, ElementsAre("eth2"));
  stand.apply(red_and_public());
  stand.run(1s);
  EXPECT_THAT(stand.heard_on, ElementsAre("eth1", "eth2"));
  EXPECT_EQ(stand.rp_in_force(kRed), IpAddress::any(Family::ipv4));
}

}  // namespace
}  // namespace hotpair::ha::node
