#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcast/wire/igmp.h"
#include "mcast/wire/pim_message.h"
#include "tests/unit/ha_node/node_stand.h"

/// `pim silent`: an interface of hosts, on which no PIM is spoken and none believed.
namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
namespace pim = mcast::pim;
namespace wire = mcast::wire;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const IpAddress kHost = ip("10.0.1.10");
const IpAddress kSource = ip("10.0.9.9");
const Group kGroup = Group::parse("239.1.1.1").value();

fwd::RouteKey key_of(const fwd::SetRoute& set) { return set.route.key; }
fwd::RouteKey key_of(const fwd::RemoveRoute& remove) { return remove.key; }

LinkSettings port(const std::string& device) {
  LinkSettings link;
  link.name = link.device = device;
  link.ipv4 = true;
  link.igmp = mcast::gmp::InterfaceConfig{};
  link.pim_ipv4.emplace();
  return link;
}

// Hosts on `hosts`, which is silent; an upstream router, and the way to all sources, on `uplink`.
class Silent : public ::testing::Test {
 protected:
  Silent() {
    config.links = {port("hosts"), port("uplink")};
    config.links[0].pim_ipv4->link.silent = true;
    config.links[0].pim_ipv4->bfd = PimBfd{};
    node.apply(config, now);
    node.on_device({"hosts", true, true, {*IpPrefix::parse("10.0.1.1/24")}, {}, 1500}, now);
    node.on_device({"uplink", true, true, {*IpPrefix::parse("10.0.2.1/24")}, {}, 1500}, now);
    settle();
    hear("uplink", ip("10.0.2.2"), wire::PimHello{.holdtime_s = 0xffff, .generation_id = 1});
  }
  void settle() {
    while (auto effect = node.poll_effect()) {
      if (const auto* ask = std::get_if<AskRpf>(&*effect)) {
        node.on_rpf(ask->vrf, ask->target, RpfFacts{.device = "uplink", .next_hop = ip("10.0.2.2")},
                    now);
      } else if (const auto* apply = std::get_if<ApplyRoutes>(&*effect)) {
        std::vector<fwd::AppliedChange> done;
        for (const fwd::RouteChange& change : apply->changes) {
          done.push_back({std::visit([](const auto& one) { return key_of(one); }, change), {}});
          if (const auto* set = std::get_if<fwd::SetRoute>(&change)) routes.push_back(set->route);
        }
        node.on_plane_applied(done, now);
      } else if (const auto* send = std::get_if<SendPim>(&*effect)) {
        sent.push_back(send->device);
      } else if (const auto* listen = std::get_if<ListenPim>(&*effect)) {
        listening.push_back(listen->device);
      }
    }
  }
  void hear(const std::string& device, const IpAddress& from, const wire::PimMessage& message) {
    const IpAddress all = wire::all_pim_routers(Family::ipv4);
    const Bytes body = wire::encode_pim(message, from, all);
    Bytes packet;
    ByteWriter writer(packet);
    writer.u32(0x45000000U + 20 + static_cast<std::uint32_t>(body.size()));
    writer.u32(0);
    writer.u32(0x01670000U);  // TTL 1, PIM
    writer.bytes(from.bytes());
    writer.bytes(all.bytes());
    writer.bytes(body);
    node.on_pim_packet({device, from, all, 1, packet}, now);
    settle();
  }
  void join() {
    wire::SourceReport report;
    report.records.push_back({wire::RecordType::allow_new_sources, kGroup, {kSource}});
    const Bytes bytes = wire::encode_igmp(report);
    node.on_group_message({"hosts", kHost, ip("224.0.0.22"), 1, true, bytes}, now);
    settle();
  }
  void pass(Duration time) {
    const TimePoint end = now + time;
    while (const auto due = node.next_deadline()) {
      if (*due > end) break;
      now = std::max(now, *due);
      node.on_timeout(now);
      settle();
    }
    now = end;
  }
  [[nodiscard]] LinkId id(const std::string& name) const { return node.find_link(name)->id; }
  [[nodiscard]] std::uint64_t counted() const {
    return node.pim(Family::ipv4)
        .message_counters(id("hosts"))
        .ignored[static_cast<std::size_t>(pim::PacketIgnored::silent)];
  }

  TimePoint now{1h};
  NodeConfig config;
  Node node{{testing::kSelf, "test", 1}, now};
  std::vector<std::string> sent;  ///< devices that PIM went out on
  std::vector<std::string> listening;
  std::vector<fwd::Route> routes;
};

TEST_F(Silent, NothingIsSaidThere) {
  pass(300s);
  EXPECT_THAT(sent, Contains("uplink"));
  EXPECT_THAT(sent, Not(Contains("hosts")));
}

TEST_F(Silent, WhatIsHeardThereIsCountedAndMakesNoNeighbour) {
  EXPECT_THAT(listening, Contains("hosts")) << "else nothing could be counted";
  hear("hosts", kHost, wire::PimHello{.holdtime_s = 105, .dr_priority = 99, .generation_id = 1});
  wire::PimJoinPrune join{.upstream_neighbor = ip("10.0.1.1"), .holdtime_s = 210, .groups = {}};
  join.groups.push_back(
      {wire::PimGroupRange::single(kGroup), {wire::PimSource::source(kSource)}, {}});
  hear("hosts", kHost, join);
  hear("hosts", kHost, wire::PimBootstrap{.bsr = kHost, .ranges = {}});
  EXPECT_EQ(counted(), 3U);
  EXPECT_EQ(node.pim(Family::ipv4).neighbours().neighbour_count(id("hosts")), 0U);
  EXPECT_EQ(node.pim(Family::ipv4).upstream_count(), 0U);
  EXPECT_THAT(routes, IsEmpty());
}

// A host's membership joins upstream and is forwarded, and no Hello of a host makes it its router.
TEST_F(Silent, HostsAreServed) {
  hear("hosts", kHost, wire::PimHello{.holdtime_s = 105, .dr_priority = 99, .generation_id = 1});
  join();
  EXPECT_EQ(node.pim(Family::ipv4).upstream_count(), 1U);
  ASSERT_FALSE(routes.empty());
  EXPECT_EQ(routes.back().key.source, kSource);
  EXPECT_EQ(routes.back().incoming, id("uplink"));
  EXPECT_THAT(routes.back().outgoing, ElementsAre(id("hosts")));
}

TEST_F(Silent, SpeaksAgainWhenItIsTakenBack) {
  config.links[0].pim_ipv4->link.silent = false;
  node.apply(config, now);
  settle();
  pass(6s);
  EXPECT_THAT(sent, Contains("hosts"));
  hear("hosts", kHost, wire::PimHello{.holdtime_s = 105, .generation_id = 1});
  EXPECT_EQ(node.pim(Family::ipv4).neighbours().neighbour_count(id("hosts")), 1U);
  config.links[0].pim_ipv4->link.silent = true;
  node.apply(config, now);
  settle();
  EXPECT_EQ(node.pim(Family::ipv4).neighbours().neighbour_count(id("hosts")), 0U);
}

}  // namespace
}  // namespace hotpair::ha::node
