// Addresses that move with a scope: what both nodes derive alike, and what the node does with them.
#include "ha/node/floating.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcast/wire/pim_message.h"
#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPeer;
using testing::kSelf;
using testing::kTransport;
using testing::kTrunk;
using testing::NodeStand;
using ::testing::Not;
namespace session = rbs::session;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
std::string hex(std::string_view bytes) {
  std::string text;
  for (const char each : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(each));
  return text;
}

// ---- what follows from the addresses alone ----

TEST(FloatingAddress, TheVirtualMacComesFromTheFirstIpv4Address) {
  const std::vector<IpPrefix> both{prefix("fe80::1/64"), prefix("10.0.50.254/24"),
                                   prefix("10.0.50.253/24")};
  EXPECT_EQ(floating_mac(both).to_string(), "0268-0a00-32fe");
  EXPECT_EQ(floating_number(both, VrfId{}), 0x0a0032feU);
  EXPECT_NE(floating_number(both, VrfId{10}), floating_number(both, VrfId{20}));
  EXPECT_NE(floating_number(both, VrfId{10}), floating_number(both, VrfId{}));
  const std::vector<IpPrefix> ipv6{prefix("fe80::1/64")};
  EXPECT_EQ(floating_mac(ipv6).octets[0], 0x02);
  EXPECT_EQ(floating_mac(ipv6).octets[1], 0x69);
  EXPECT_NE(floating_number(ipv6, VrfId{}),
            floating_number(std::vector<IpPrefix>{prefix("fe80::2/64")}, VrfId{}));
}

TEST(FloatingAddress, TheDeviceHasEachByItselfAndALinkLocalOne) {
  EXPECT_THAT(floating_addresses(std::vector{prefix("10.0.50.254/24")}),
              ElementsAre(prefix("10.0.50.254/32")));
  EXPECT_THAT(floating_addresses(std::vector{prefix("10.0.50.254/24"), prefix("2001:db8::fe/64")}),
              ElementsAre(prefix("10.0.50.254/32"), prefix("2001:db8::fe/128"),
                          prefix("fe80::68:aff:fe00:32fe/64")));
  EXPECT_THAT(floating_addresses(std::vector{prefix("fe80::1/64"), prefix("2001:db8::fe/64")}),
              ElementsAre(prefix("fe80::1/64"), prefix("2001:db8::fe/128")));
}

TEST(FloatingAddress, NamesOfDevicesFitTheKernel) {
  EXPECT_EQ(floating_device("ge0-1-5"), "hpf-ge0-1-5");
  EXPECT_EQ(floating_device("abcdefghijk"), "hpf-abcdefghijk");
  EXPECT_EQ(floating_device("a-long-device-name").size(), 12U);
  EXPECT_NE(floating_device("abcdefghijkl"), floating_device("abcdefghijkm"));
}

TEST(FloatingAddress, GratuitousArpOctetByOctet) {
  const auto frames = announcements(std::vector{prefix("10.0.50.254/24")});
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(hex(frames[0]),
            "ffffffffffff"
            "02680a0032fe"
            "0806"  // broadcast, the virtual MAC, ARP
            "0001"
            "0800"
            "06"
            "04"
            "0001"  // Ethernet, IPv4, request
            "02680a0032fe"
            "0a0032fe"  // sender
            "000000000000"
            "0a0032fe");  // target: the sender's address
}

TEST(FloatingAddress, UnsolicitedAdvertisementOctetByOctet) {
  const auto frames = announcements(std::vector{prefix("fe80::1/64")});
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(hex(frames[0]),
            "333300000001"
            "0269e08432e8"
            "86dd"
            "60000000"
            "0020"
            "3a"
            "ff"
            "fe800000000000000000000000000001"
            "ff020000000000000000000000000001"
            "88"
            "00"
            "c3c5"
            "a0000000"  // router and override, not solicited
            "fe800000000000000000000000000001"
            "02"
            "01"
            "0269e08432e8");
}

// ---- the node ----

constexpr const char* kDevice = "hpf-ge5";
const IpAddress kShared = IpAddress::v4(0x0a0032fe);

NodeConfig floating_config() {
  NodeConfig config = NodeStand::configuration();
  config.scopes = {{kFloatingPair, "floating", "rbs1", kTrunk, 0, true, true}};
  LinkSettings link;
  link.name = "GigabitEthernet0/1/5";
  link.device = "ge5";
  link.ipv4 = true;
  link.scope = kFloatingPair;
  link.addresses = {prefix("10.0.50.1/24")};
  link.floating = {prefix("10.0.50.254/24")};
  link.pim_floating = true;
  link.pim_ipv4 = PimLinkSettings{};
  config.links = {link};
  return config;
}

/// A node of a floating pair; what it sends and which devices it wants is on record.
class FloatingNode : public ::testing::Test {
 protected:
  FloatingNode() {
    stand.node.set_pair_key(true, stand.now);
    apply(floating_config());
    device("ge5", {prefix("10.0.50.1/24")});
  }
  void apply(const NodeConfig& config) {
    stand.node.apply(config, stand.now);
    drain();
  }
  void drain() {
    while (auto effect = stand.node.poll_effect()) {
      if (auto* set = std::get_if<SetFloating>(&*effect)) devices.push_back(*set);
      if (auto* gone = std::get_if<RemoveFloating>(&*effect)) removed.push_back(gone->device);
      if (auto* send = std::get_if<SendPim>(&*effect)) note(*send);
      if (auto* said = std::get_if<SendToKeeper>(&*effect))
        if (auto* configure = std::get_if<keeper::Configure>(&said->message))
          configured = *configure;
      if (auto* ask = std::get_if<AskStore>(&*effect))
        for (const auto& reply : stand.executor->execute({&ask->request, 1}))
          stand.node.on_store(reply, stand.now);
    }
  }
  void note(const SendPim& send) {
    const auto parsed = mcast::wire::parse_pim(send.message, {send.source, send.destination, 1});
    if (!parsed) return;
    if (const auto* hello = std::get_if<mcast::wire::PimHello>(&parsed->message)) {
      EXPECT_EQ(send.device, kDevice);
      EXPECT_EQ(send.source, kShared);
      hellos.push_back(*hello);
    }
  }
  void device(const std::string& name, std::vector<IpPrefix> addresses) {
    DeviceFacts facts{.device = name, .present = true, .up = true};
    facts.addresses = std::move(addresses);
    facts.mtu = 1500;
    stand.node.on_device(facts, stand.now);
    drain();
  }
  void keeper(const keeper::FromKeeper& message) {
    stand.node.on_keeper(message, stand.now);
    drain();
  }
  void become(role::Role role, Term term, keeper::Cause cause) {
    keeper::ScopeChanged changed;
    changed.state.scope = kFloatingPair;
    changed.state.role = role;
    changed.state.term = term;
    changed.state.gate_open = role == role::Role::master;
    changed.cause = cause;
    keeper(changed);
  }
  void connect() {
    stand.node.on_keeper_connected(stand.now);
    keeper(keeper::Welcome{});
  }

  NodeStand stand{NodeStand::Key::absent, NodeConfig{}};
  std::vector<SetFloating> devices;
  std::vector<std::string> removed;
  std::vector<mcast::wire::PimHello> hellos;
  keeper::Configure configured;
};

TEST_F(FloatingNode, WantsTheDeviceOnceItsInterfaceExists) {
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].device, kDevice);
  EXPECT_EQ(devices[0].parent, "ge5");
  EXPECT_EQ(devices[0].mac, floating_mac(floating_config().links[0].floating));
  EXPECT_THAT(devices[0].addresses, ElementsAre(prefix("10.0.50.254/32")));
  device("ge5", {prefix("10.0.50.1/24")});
  EXPECT_EQ(devices.size(), 1U) << "nothing new, nothing done";
}

TEST_F(FloatingNode, TheKeeperKnowsWhatToAnnounce) {
  connect();
  ASSERT_EQ(configured.announcements.size(), 1U);
  EXPECT_EQ(configured.announcements[0].scope, kFloatingPair);
  EXPECT_EQ(configured.announcements[0].device, kDevice);
  EXPECT_EQ(configured.announcements[0].frames, announcements(floating_config().links[0].floating));
}

TEST_F(FloatingNode, SpeaksFromTheSharedAddressAsMasterOnly) {
  device(kDevice, {prefix("10.0.50.254/32")});
  connect();
  EXPECT_THAT(hellos, IsEmpty()) << "nobody yet";
  become(role::Role::backup, {1, kPeer}, keeper::Cause::election);
  EXPECT_THAT(hellos, IsEmpty());
  become(role::Role::master, {2, kSelf}, keeper::Cause::paths_down);
  ASSERT_EQ(hellos.size(), 1U);
  EXPECT_TRUE(hellos[0].generation_id.has_value());
  EXPECT_FALSE(hellos[0].addresses.has_value()) << "own addresses would tell the nodes apart";
}

// The goodbye pitfall: neighbours would drop the state that the new master is about to need.
TEST_F(FloatingNode, SaysNoGoodbyeAndComesBackWithAnotherGenerationId) {
  device(kDevice, {prefix("10.0.50.254/32")});
  connect();
  become(role::Role::master, {2, kSelf}, keeper::Cause::election);
  ASSERT_EQ(hellos.size(), 1U);
  become(role::Role::backup, {3, kPeer}, keeper::Cause::handover);
  EXPECT_EQ(hellos.size(), 1U);
  become(role::Role::master, {4, kSelf}, keeper::Cause::paths_down);
  ASSERT_EQ(hellos.size(), 2U);
  EXPECT_NE(hellos[0].generation_id, hellos[1].generation_id);
  EXPECT_NE(hellos[1].holdtime_s, 0);
}

TEST_F(FloatingNode, WithoutTheAddressOnItsDeviceNothingIsSaid) {
  connect();
  become(role::Role::master, {2, kSelf}, keeper::Cause::election);
  EXPECT_THAT(hellos, IsEmpty());
  device(kDevice, {prefix("10.0.50.254/32")});
  stand.now += 6s;  // Triggered_Hello_Delay
  stand.node.on_timeout(stand.now);
  drain();
  EXPECT_EQ(hellos.size(), 1U);
}

TEST_F(FloatingNode, TheDeviceGoesWithTheLinesThatWantIt) {
  NodeConfig config = floating_config();
  config.links[0].floating.clear();
  config.links[0].pim_floating = false;
  config.links[0].scope.reset();
  config.scopes.clear();
  apply(config);
  EXPECT_THAT(removed, ElementsAre(kDevice));
}

TEST_F(FloatingNode, AnotherAddressMakesAnotherDeviceOfTheSameName) {
  NodeConfig config = floating_config();
  config.links[0].floating = {prefix("10.0.50.253/24")};
  apply(config);
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[1].device, kDevice);
  EXPECT_NE(devices[1].mac, devices[0].mac);
  EXPECT_THAT(removed, IsEmpty());
}

// RFC 7761 4.3.1: a neighbour without the option does not notice another control plane.
TEST_F(FloatingNode, ReadinessListsNeighboursWithoutGenerationId) {
  device(kDevice, {prefix("10.0.50.254/32")});
  connect();
  become(role::Role::master, {2, kSelf}, keeper::Cause::election);
  const auto hear = [&](std::uint32_t from, std::optional<std::uint32_t> generation) {
    mcast::wire::PimHello hello;
    hello.holdtime_s = 105;
    hello.generation_id = generation;
    const IpAddress source = IpAddress::v4(from);
    const IpAddress all = mcast::wire::all_pim_routers(Family::ipv4);
    const Bytes message = mcast::wire::encode_pim(hello, source, all);
    Bytes packet;
    ByteWriter writer(packet);
    writer.u32(0x45000000U + 20 + static_cast<std::uint32_t>(message.size()));
    writer.u32(0);
    writer.u32(0x01670000U);  // TTL 1, PIM
    writer.bytes(source.bytes());
    writer.bytes(all.bytes());
    writer.bytes(message);
    stand.node.on_pim_packet({"ge5", source, all, 1, packet}, stand.now);
    drain();
  };
  hear(0x0a003203, 7);
  hear(0x0a003204, std::nullopt);
  const auto all = stand.node.readiness();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0].findings,
              Contains(Field(&Finding::what, HasSubstr("10.0.50.4 on GigabitEthernet0/1/5"))));
  EXPECT_THAT(all[0].findings, Not(Contains(Field(&Finding::what, HasSubstr("10.0.50.3")))));
}

}  // namespace
}  // namespace hotpair::ha::node
