#include <gtest/gtest.h>

#include "mcast/wire/pim_message.h"
#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
namespace wire = mcast::wire;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const IpAddress kSource = ip("2001:db8:1::10");
const IpAddress kOwn = ip("fe80::2");       // of ge2
const IpAddress kReceiver = ip("fe80::7");  // a router there
const Group kGroup = Group::parse("ff3e::1:1").value();

fwd::RouteKey key_of(const fwd::SetRoute& set) { return set.route.key; }
fwd::RouteKey key_of(const fwd::RemoveRoute& remove) { return remove.key; }

LinkSettings pim_link(const std::string& device) {
  LinkSettings link;
  link.name = link.device = device;
  link.ipv6 = true;
  link.pim_ipv6.emplace();
  return link;
}

// ge1 leads to the source, on ge2 a router has joined; the plane is played by the test.
class Assert : public ::testing::Test {
 protected:
  Assert() {
    NodeConfig config;
    config.links = {pim_link("ge1"), pim_link("ge2")};
    node.apply(config, now);
    node.on_device({"ge1", true, true, {}, ip("fe80::1"), 1500}, now);
    node.on_device({"ge2", true, true, {}, kOwn, 1500}, now);
    settle();
    hear("ge1", ip("fe80::9"), wire::PimHello{.holdtime_s = 105});
    hear("ge2", kReceiver, wire::PimHello{.holdtime_s = 105});
    wire::PimJoinPrune join{.upstream_neighbor = kOwn, .holdtime_s = 210, .groups = {}};
    join.groups.push_back(
        {wire::PimGroupRange::single(kGroup), {wire::PimSource::source(kSource)}, {}});
    hear("ge2", kReceiver, join);
  }

  void hear(const std::string& device, const IpAddress& from, const wire::PimMessage& message) {
    const IpAddress all = wire::all_pim_routers(Family::ipv6);
    const Bytes packet = wire::encode_pim(message, from, all);
    node.on_pim_packet({device, from, all, 1, packet}, now);
    settle();
  }
  void settle() {
    while (auto effect = node.poll_effect()) {
      if (const auto* ask = std::get_if<AskRpf>(&*effect)) {
        node.on_rpf(ask->vrf, ask->target, RpfFacts{.device = "ge1", .next_hop = ip("fe80::9")},
                    now);
      } else if (const auto* apply = std::get_if<ApplyRoutes>(&*effect)) {
        std::vector<fwd::AppliedChange> done;
        for (const fwd::RouteChange& change : apply->changes)
          done.push_back({std::visit([](const auto& one) { return key_of(one); }, change), {}});
        node.on_plane_applied(done, now);
      } else if (const auto* read = std::get_if<AskRouteCounters>(&*effect)) {
        std::vector<std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> answer;
        for (const fwd::RouteKey& key : read->keys) answer.emplace_back(key, counters);
        node.on_route_counters(answer, now);
      } else if (const auto* send = std::get_if<SendPim>(&*effect)) {
        const auto packet = wire::parse_pim(send->message, {send->source, send->destination, 1});
        if (packet && std::holds_alternative<wire::PimAssert>(packet->message))
          asserts.push_back(send->device);
      }
    }
  }
  void stray(const std::string& device) {
    for (const auto& [id, link] : node.links())
      if (link.settings.device == device)
        node.on_plane_event(fwd::WrongInterface{VrfId{0}, id, kSource, kGroup}, now);
    settle();
  }

  void advance(Duration by) {
    const TimePoint until = now + by;
    for (auto due = node.next_deadline(); due && *due <= until; due = node.next_deadline()) {
      now = std::max(now, *due);
      node.on_timeout(now);
      settle();
    }
    now = until;
  }

  fwd::RouteCounters counters{100, 10'000, 1};  ///< of every route
  TimePoint now{1h};
  Node node{{testing::kSelf, "test", 1}, now};
  std::vector<std::string> asserts;  ///< devices they went out on
};

// RFC 7761 4.6.1: data on an interface that its tree goes out on. The plane tells of such data
// every few seconds; whether packets of the tree itself came before is read at the first time.
TEST_F(Assert, APacketOnAnOutgoingLinkIsAnsweredThere) {
  stray("ge2");
  stray("ge2");
  EXPECT_EQ(asserts, std::vector<std::string>{"ge2"});
}

// The copy of another router comes before the first packet of the own tree, and the plane does not
// tell of those after it.
TEST_F(Assert, APacketBeforeTheOwnOnesIsAnsweredWhenTheseCome) {
  counters = {0, 0, 1};
  stray("ge2");
  advance(500ms);
  EXPECT_TRUE(asserts.empty()) << "it may be the only way";
  counters = {10, 1000, 3};
  advance(100ms);
  EXPECT_EQ(asserts, std::vector<std::string>{"ge2"});
  counters = {200, 20'000, 40};
  advance(1s);
  EXPECT_EQ(asserts.size(), 1U);
}

TEST_F(Assert, APacketThatHadNoOthersAfterItIsForgotten) {
  counters = {0, 0, 1};
  stray("ge2");
  advance(500ms);
  counters = {100, 10'000, 1};
  advance(3s);
  EXPECT_TRUE(asserts.empty()) << "the other router has stopped";
  counters = {200, 20'000, 5};
  advance(5s);
  EXPECT_TRUE(asserts.empty()) << "the plane tells the next one";
}

TEST_F(Assert, APacketOnTheIncomingLinkIsNot) {
  stray("ge1");
  stray("ge1");
  EXPECT_TRUE(asserts.empty());
}

}  // namespace
}  // namespace hotpair::ha::node
