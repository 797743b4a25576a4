#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "mcast/rp/rp_choice.h"
#include "mcast/wire/igmp.h"
#include "mcast/wire/pim_message.h"
#include "tests/unit/ha_node/node_stand.h"

/// Two VRFs with the same source, RP and groups in one node.
namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
namespace wire = mcast::wire;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

constexpr VrfId kRed{10};
constexpr VrfId kBlue{20};
const IpAddress kRp = ip("2.2.2.2");
const IpAddress kSource = ip("10.9.0.10");
const Group kGroup = Group::parse("239.1.1.1").value();
const IpAddress kHost = ip("10.0.3.7");  // a router beside the receivers

LinkSettings pim_link(const std::string& device, VrfId vrf) {
  LinkSettings link;
  link.name = link.device = device;
  link.vrf = vrf;
  link.ipv4 = true;
  link.pim_ipv4.emplace();
  return link;
}

VrfSettings vrf(VrfId number, const std::string& name) {
  VrfSettings settings{number, name, {}, {}, {}};
  settings.static_rps = {*mcast::rp::make_static_rp(kRp, *IpPrefix::parse("224.0.0.0/4"))};
  return settings;
}

fwd::RouteKey key_of(const fwd::SetRoute& set) { return set.route.key; }
fwd::RouteKey key_of(const fwd::RemoveRoute& remove) { return remove.key; }

// up10 and down10 are red, up20 and down20 blue; the tables lead by up10 and up20.
class Vrfs : public ::testing::Test {
 protected:
  static NodeConfig two() {
    NodeConfig config;
    config.vrfs = {vrf(kRed, "red"), vrf(kBlue, "blue")};
    for (const auto& [name, number] : {std::pair("10", kRed), {"20", kBlue}}) {
      config.links.push_back(pim_link(std::string("up") + name, number));
      config.links.push_back(pim_link(std::string("down") + name, number));
    }
    return config;
  }
  explicit Vrfs(const NodeConfig& config = two()) {
    std::uint32_t net = 0x0a000001;
    for (const std::string device : {"up10", "down10", "up20", "down20"}) {
      node.on_device({device, true, true, {{IpAddress::v4(net), 24}}, {}, 1500}, now);
      net += 0x100;
    }
    node.apply(config, now);
    settle();
    for (const std::string device : {"up10", "down10", "up20", "down20"})
      hear(device, neighbour(device), wire::PimHello{.holdtime_s = 105});
  }
  static IpAddress own(const std::string& device) {
    const std::map<std::string, std::string> known{
        {"up10", "10.0.0.1"}, {"down10", "10.0.1.1"}, {"up20", "10.0.2.1"}, {"down20", "10.0.3.1"}};
    return ip(known.at(device));
  }
  static IpAddress neighbour(const std::string& device) {
    std::string text = own(device).to_string();
    text.back() = '2';
    return ip(text);
  }
  void hear(const std::string& device, const IpAddress& from, const wire::PimMessage& message,
            std::optional<IpAddress> to = std::nullopt) {
    const IpAddress destination = to.value_or(wire::all_pim_routers(Family::ipv4));
    node.on_pim_packet({device, from, destination, 1, datagram(message, from, destination)}, now);
    settle();
  }
  /// With its IPv4 header, as the socket hands it out.
  static Bytes datagram(const wire::PimMessage& message, const IpAddress& from,
                        const IpAddress& to) {
    const Bytes pim = wire::encode_pim(message, from, to);
    Bytes packet;
    ByteWriter writer(packet);
    writer.u8(0x45);
    writer.u8(0xc0);
    writer.u16(static_cast<std::uint16_t>(20 + pim.size()));
    writer.u32(0);
    writer.u8(1);
    writer.u8(103);
    writer.u16(0);
    writer.bytes(from.bytes());
    writer.bytes(to.bytes());
    writer.bytes(pim);
    return packet;
  }
  void join(const std::string& device) {
    wire::PimJoinPrune join{.upstream_neighbor = own(device), .holdtime_s = 210, .groups = {}};
    join.groups.push_back(
        {wire::PimGroupRange::single(kGroup), {wire::PimSource::shared_tree(kRp)}, {}});
    hear(device, neighbour(device), join);
  }
  void settle() {
    while (auto effect = node.poll_effect()) {
      if (const auto* ask = std::get_if<AskRpf>(&*effect)) {
        asked.emplace_back(ask->vrf, ask->target);
        if (answers)
          node.on_rpf(ask->vrf, ask->target,
                      RpfFacts{.device = "up" + std::to_string(ask->vrf.value()),
                               .next_hop = neighbour("up" + std::to_string(ask->vrf.value()))},
                      now);
      } else if (const auto* stored = std::get_if<AskStore>(&*effect)) {
        for (const auto& reply : executor->execute({&stored->request, 1}))
          node.on_store(reply, now);
      } else if (const auto* apply = std::get_if<ApplyRoutes>(&*effect)) {
        std::vector<fwd::AppliedChange> done;
        for (const fwd::RouteChange& change : apply->changes) {
          const fwd::RouteKey key = std::visit([](const auto& one) { return key_of(one); }, change);
          if (const auto* set = std::get_if<fwd::SetRoute>(&change))
            routes.insert_or_assign(key, set->route);
          else
            routes.erase(key);
          done.push_back({key, {}});
        }
        node.on_plane_applied(done, now);
      } else if (auto* send = std::get_if<SendPim>(&*effect)) {
        sent.push_back(std::move(*send));
      } else if (const auto* add = std::get_if<AddPlaneLink>(&*effect)) {
        plane.insert_or_assign(add->link.link, add->link);
      } else if (const auto* gone = std::get_if<RemovePlaneLink>(&*effect)) {
        plane.erase(gone->link);
      } else if (const auto* read = std::get_if<ReadBackRoutes>(&*effect)) {
        static_cast<void>(read);
        node.on_read_back({}, now);
      } else if (const auto* line = std::get_if<WriteLog>(&*effect)) {
        log.push_back(line->text);
      }
    }
  }
  void run(Duration by) {
    const TimePoint until = now + by;
    for (auto due = node.next_deadline(); due && *due <= until; due = node.next_deadline()) {
      now = std::max(now, *due);
      node.on_timeout(now);
      settle();
    }
    now = until;
  }
  /// Another life of the daemon, with the devices of some VRFs and what this one has stored.
  void start(Node& again, const NodeConfig& config, const std::set<VrfId>& present) {
    for (const std::string device : {"up10", "down10", "up20", "down20"})
      if (present.contains(device.ends_with("10") ? kRed : kBlue))
        again.on_device({device, true, true, {{own(device), 24}}, {}, 1500}, now);
    again.apply(config, now);
  }
  /// Runs it beside `kernel`; unicast routing knows ways in some VRFs only.
  void run(Node& again, std::map<fwd::RouteKey, fwd::Route>& kernel, Duration by,
           const std::set<VrfId>& routed) {
    const auto carry_out = [&](NodeEffect& effect) {
      if (const auto* request = std::get_if<AskStore>(&effect)) {
        for (const auto& reply : store.execute({&request->request, 1})) again.on_store(reply, now);
      } else if (std::holds_alternative<ReadBackRoutes>(effect)) {
        std::vector<fwd::Route> found;
        for (const auto& [key, route] : kernel) found.push_back(route);
        again.on_read_back(found, now);
      } else if (const auto* ask = std::get_if<AskRpf>(&effect); ask && routed.contains(ask->vrf)) {
        const std::string device = "up" + std::to_string(ask->vrf.value());
        again.on_rpf(ask->vrf, ask->target,
                     RpfFacts{.device = device, .next_hop = neighbour(device)}, now);
      } else if (const auto* apply = std::get_if<ApplyRoutes>(&effect)) {
        std::vector<fwd::AppliedChange> done;
        for (const fwd::RouteChange& change : apply->changes) {
          const fwd::RouteKey key = std::visit([](const auto& one) { return key_of(one); }, change);
          if (const auto* set = std::get_if<fwd::SetRoute>(&change))
            kernel.insert_or_assign(key, set->route);
          else
            kernel.erase(key);
          done.push_back({key, {}});
        }
        again.on_plane_applied(done, now);
      }
    };
    for (const TimePoint end = now + by; now <= end; now += 10ms) {
      again.on_timeout(now);
      while (auto effect = again.poll_effect()) carry_out(*effect);
    }
  }
  LinkId link(const std::string& name) const { return node.find_link(name)->id; }
  /// Devices by which joins of (*,G) went out.
  std::vector<std::string> joined() const {
    std::vector<std::string> devices;
    for (const SendPim& each : sent) {
      const auto packet = wire::parse_pim(each.message, {each.source, each.destination, 1});
      if (packet && std::holds_alternative<wire::PimJoinPrune>(packet->message))
        devices.push_back(each.device);
    }
    return devices;
  }

  checkpoint::store::MemoryStore store;
  checkpoint::store::StoreExecutor* executor = &store;
  bool answers = true;  ///< routing answers at once
  TimePoint now{1h};
  Node node{{testing::kSelf, "test", 1}, now};
  std::vector<std::pair<VrfId, IpAddress>> asked;
  std::map<fwd::RouteKey, fwd::Route> routes;
  std::map<LinkId, fwd::PlaneLink> plane;
  std::vector<SendPim> sent;
  std::vector<std::string> log;
};

TEST_F(Vrfs, EveryLinkIsInThePlaneOfItsVrf) {
  EXPECT_EQ(plane.at(link("up10")).vrf, kRed);
  EXPECT_EQ(plane.at(link("down20")).vrf, kBlue);
  ASSERT_TRUE(node.register_link(kRed) && node.register_link(kBlue));
  EXPECT_NE(node.register_link(kRed), node.register_link(kBlue));
  EXPECT_EQ(plane.at(*node.register_link(kBlue)).vrf, kBlue);
  EXPECT_FALSE(node.register_link()) << "there is no PIM in the default VRF";
}

TEST_F(Vrfs, AJoinOfOneVrfGoesUpInItAndNowhereElse) {
  sent.clear();
  join("down10");
  run(100ms);
  EXPECT_THAT(joined(), ElementsAre("up10"));
  for (const auto& [vrf, target] : asked) EXPECT_EQ(vrf, kRed);
  ASSERT_EQ(routes.size(), 1U);
  const fwd::Route& red = routes.begin()->second;
  EXPECT_EQ(red.key.vrf, kRed);
  EXPECT_EQ(red.incoming, link("up10"));
  EXPECT_THAT(red.outgoing, ElementsAre(link("down10")));
  sent.clear();
  join("down20");
  run(100ms);
  EXPECT_THAT(joined(), ElementsAre("up20"));
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_THAT(routes.at({kBlue, kGroup, std::nullopt}).outgoing, ElementsAre(link("down20")));
}

TEST_F(Vrfs, AWayByALinkOfAnotherVrfIsNone) {
  answers = false;
  join("down10");
  node.on_rpf(kRed, kRp, RpfFacts{.device = "up20", .next_hop = neighbour("up20")}, now);
  settle();
  EXPECT_THAT(routes, IsEmpty());
}

TEST_F(Vrfs, SubnetsOfAVrfsLinksAreConnectedInItOnly) {
  answers = false;
  node.on_plane_event(fwd::NoRoute{kRed, link("up10"), ip("10.0.0.7"), kGroup}, now);
  settle();
  node.on_rpf(kRed, ip("10.0.0.7"), std::nullopt, now);  // nothing in the table itself
  node.on_plane_event(fwd::NoRoute{kBlue, link("up20"), ip("10.0.0.7"), kGroup}, now);
  settle();
  node.on_rpf(kBlue, ip("10.0.0.7"), std::nullopt, now);
  settle();
  ASSERT_TRUE(routes.contains({kRed, kGroup, ip("10.0.0.7")}));
  EXPECT_EQ(routes.at({kRed, kGroup, ip("10.0.0.7")}).incoming, link("up10"));
  ASSERT_TRUE(routes.contains({kBlue, kGroup, ip("10.0.0.7")}));
  EXPECT_TRUE(routes.at({kBlue, kGroup, ip("10.0.0.7")}).outgoing.empty()) << "negative";
}

// A longer prefix of the table goes before the subnet (RFC 1812 5.2.4.3).
TEST_F(Vrfs, ALongerRouteOfTheTableBeatsTheSubnet) {
  answers = false;
  node.on_plane_event(fwd::NoRoute{kRed, link("down10"), ip("10.0.0.7"), kGroup}, now);
  settle();
  node.on_rpf(kRed, ip("10.0.0.7"),
              RpfFacts{.device = "down10", .next_hop = neighbour("down10"), .prefix_length = 32},
              now);
  settle();
  EXPECT_EQ(routes.at({kRed, kGroup, ip("10.0.0.7")}).incoming, link("down10"));
}

// RFC 7761 4.4.2: the RP of red is not asked about Registers that come in blue.
TEST_F(Vrfs, ARegisterIsThatOfTheLinkItComesInBy) {
  NodeConfig config = two();
  config.vrfs[0].static_rps = {
      *mcast::rp::make_static_rp(own("up10"), *IpPrefix::parse("224.0.0.0/4"))};
  node.apply(config, now);
  settle();
  answers = false;
  sent.clear();
  asked.clear();
  wire::PimRegister data{
      .border = false, .null_register = true, .source = kSource, .group = kGroup, .packet = {}};
  hear("up10", neighbour("up10"), data, own("up10"));
  EXPECT_THAT(sent, IsEmpty()) << "the answer waits for its way";
  ASSERT_TRUE(std::ranges::count(asked, std::pair(kRed, neighbour("up10"))));
  node.on_rpf(kRed, neighbour("up10"), std::nullopt, now);  // connected
  settle();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].via, "up10");
  EXPECT_EQ(sent[0].source, own("up10"));
  hear("up20", neighbour("up20"), data, own("up20"));
  node.on_rpf(kBlue, neighbour("up20"), std::nullopt, now);
  settle();
  ASSERT_EQ(sent.size(), 2U) << "not the RP there: stopped at once";
  EXPECT_EQ(sent[1].via, "up20");
}

TEST_F(Vrfs, ALinkThatMovesIsAnotherLink) {
  join("down10");
  run(100ms);
  const LinkId before = link("down10");
  NodeConfig config = two();
  config.links[1].vrf = kBlue;
  node.apply(config, now);
  settle();
  run(60s);  // longer than routes are held after a start
  EXPECT_NE(link("down10"), before);
  EXPECT_EQ(plane.at(link("down10")).vrf, kBlue);
  EXPECT_FALSE(plane.contains(before)) << "released when no route names it any more";
  EXPECT_FALSE(routes.contains({kRed, kGroup, std::nullopt}));
}

TEST_F(Vrfs, AVrfThatIsRemovedLeavesNothing) {
  join("down10");
  join("down20");
  run(100ms);
  NodeConfig config = two();
  config.vrfs.erase(config.vrfs.begin());
  config.links.erase(config.links.begin(), config.links.begin() + 2);
  node.apply(config, now);
  settle();
  run(60s);  // longer than routes are held after a start
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_EQ(routes.begin()->first.vrf, kBlue);
  for (const auto& [id, each] : plane) EXPECT_EQ(each.vrf, kBlue);
}

// The journal of the whole node: what was joined comes back in its own VRF.
TEST_F(Vrfs, RecordsComeBackToTheirVrf) {
  join("down10");
  run(1s);
  Node again({testing::kSelf, "test", 2}, now);
  std::map<fwd::RouteKey, fwd::Route> restored;
  start(again, two(), {kRed, kBlue});
  run(again, restored, 1s, {kRed, kBlue});
  ASSERT_EQ(restored.size(), 1U);
  EXPECT_EQ(restored.begin()->first, (fwd::RouteKey{kRed, kGroup, std::nullopt}));
}

// The hold after a start ends for all VRFs at once. One that is not there yet, or has no unicast
// routes, loses its own routes then, and nobody else any.
TEST_F(Vrfs, OneThatIsNotRestoredTakesNothingFromAnother) {
  join("down10");
  join("down20");
  run(1s);
  const std::map<fwd::RouteKey, fwd::Route> before = routes;
  ASSERT_EQ(before.size(), 2U);
  const fwd::RouteKey blue{kBlue, kGroup, std::nullopt};
  const std::set<VrfId> both{kRed, kBlue};
  for (const auto& [present, routed] : {std::pair(std::set{kBlue}, both), {both, {kBlue}}}) {
    Node again({testing::kSelf, "test", 2}, now);
    std::map<fwd::RouteKey, fwd::Route> kernel = before;
    start(again, two(), present);
    run(again, kernel, 10s, routed);
    EXPECT_TRUE(again.mrib().is_held());
    EXPECT_EQ(kernel.at(blue), before.at(blue));
    run(again, kernel, 10s, routed);
    EXPECT_FALSE(again.mrib().is_held());
    ASSERT_TRUE(kernel.contains(blue));
    EXPECT_EQ(kernel.at(blue), before.at(blue));
    EXPECT_EQ(kernel.size(), 1U);
  }
}

TEST_F(Vrfs, AMissingRuleIsAnAlarmUntilItIsThere) {
  node.on_vrf_rules("up10", "ip rule add oif up10 lookup 10", now);
  settle();
  ASSERT_EQ(node.alarms().active().size(), 1U);
  EXPECT_THAT(node.alarms().active()[0].text, HasSubstr("oif up10 lookup 10"));
  node.on_vrf_rules("up10", {}, now);
  settle();
  EXPECT_THAT(node.alarms().active(), IsEmpty());
}

// ---- bidirectional groups ----

class BidirVrfs : public Vrfs {
 protected:
  static NodeConfig bidir() {
    NodeConfig config = two();
    for (VrfSettings& each : config.vrfs) each.static_rps[0].bidir = true;
    for (LinkSettings& each : config.links) each.pim_ipv4->link.bidir = true;
    return config;
  }
  BidirVrfs() : Vrfs(bidir()) {
    for (const std::string device : {"up10", "down10", "up20", "down20"})
      hear(device, neighbour(device), wire::PimHello{.holdtime_s = 105, .bidirectional = true});
  }
  /// The neighbour says that it is the designated forwarder.
  void acts(const std::string& device) {
    hear(device, neighbour(device),
         wire::PimDfElection{.action = wire::PimDfAction::winner,
                             .rp = kRp,
                             .sender = {.preference = 0, .metric = 0},
                             .target = {},
                             .target_metric = {}});
  }
  /// Links of a VRF where `who` acts.
  std::vector<LinkId> acting(const Node& who, VrfId vrf) const {
    std::vector<LinkId> links;
    for (const mcast::pim::DfRow& row : who.pim(Family::ipv4, vrf).show_df(now))
      if (row.self) links.push_back(row.link);
    return links;
  }
};

TEST_F(BidirVrfs, EachHasForwardersOfItsOwn) {
  acts("up10");
  acts("down20");
  run(5s);
  EXPECT_THAT(acting(node, kRed), ElementsAre(link("down10")));
  EXPECT_THAT(acting(node, kBlue), IsEmpty());
  sent.clear();
  join("down10");
  join("down20");
  run(100ms);
  EXPECT_THAT(joined(), ElementsAre("up10")) << "of blue nobody acts upstream, nor here";
}

TEST_F(BidirVrfs, PacketsOfTheSameSourceAndGroupStayInTheirVrf) {
  acts("up10");
  acts("up20");
  run(5s);
  join("down10");
  join("down20");
  node.on_plane_event(fwd::NoRoute{kRed, link("down10"), kHost, kGroup}, now);
  node.on_plane_event(fwd::NoRoute{kBlue, link("up20"), kHost, kGroup}, now);
  settle();
  run(100ms);
  ASSERT_EQ(routes.size(), 2U) << "no (*,G)";
  const fwd::Route& red = routes.at({kRed, kGroup, kHost});
  EXPECT_EQ(red.incoming, link("down10"));
  EXPECT_THAT(red.outgoing, ElementsAre(link("up10")));
  const fwd::Route& blue = routes.at({kBlue, kGroup, kHost});
  EXPECT_EQ(blue.incoming, link("up20"));
  EXPECT_THAT(blue.outgoing, ElementsAre(link("down20")));
  // Another router comes to act in red.
  acts("down10");
  run(20s);  // a route shrinks when the hold after the start is over
  EXPECT_THAT(acting(node, kRed), IsEmpty());
  EXPECT_THAT(acting(node, kBlue), ElementsAre(link("down20")));
  EXPECT_EQ(routes.at({kBlue, kGroup, kHost}), blue);
}

// Databases 1 and 9 name the VRF: the elections of each go on as they were.
TEST_F(BidirVrfs, ARestartActsWhereItActed) {
  acts("down20");
  run(5s);
  Node again({testing::kSelf, "test", 2}, now);
  start(again, bidir(), {kRed, kBlue});
  run(again, routes, 100ms, {kRed, kBlue});  // no election is won so soon
  EXPECT_THAT(acting(again, kRed), ElementsAre(link("down10")));
  EXPECT_THAT(acting(again, kBlue), IsEmpty());
}

// ---- messages ----

TEST_F(Vrfs, MessagesOfNeighboursNameTheVrf) {
  EXPECT_THAT(log, Contains("PIM neighbor 10.0.1.2 on down10 in VPN instance red"));
  EXPECT_THAT(log, Contains("PIM neighbor 10.0.3.2 on down20 in VPN instance blue"));
  EXPECT_THAT(log, Contains("designated router on down10 in VPN instance red is now 10.0.1.2 (was "
                            "10.0.1.1)"));
  hear("down10", neighbour("down10"), wire::PimHello{.holdtime_s = 0});
  EXPECT_THAT(log, Contains(HasSubstr("10.0.1.2 on down10 in VPN instance red is gone: ")));
}

TEST_F(Vrfs, MessagesOfThePublicInstanceNameNone) {
  NodeConfig config = two();
  config.links.push_back(pim_link("public", VrfId{}));
  node.on_device({"public", true, true, {{ip("10.0.9.1"), 24}}, {}, 1500}, now);
  node.apply(config, now);
  settle();
  log.clear();
  hear("public", ip("10.0.9.2"), wire::PimHello{.holdtime_s = 105});
  EXPECT_THAT(log,
              UnorderedElementsAre("PIM neighbor 10.0.9.2 on public",
                                   "designated router on public is now 10.0.9.2 (was 10.0.9.1)"));
}

// The name that the operator knows, not the number of the table.
TEST_F(Vrfs, AVrfThatGoesIsNamedToTheEnd) {
  NodeConfig config = two();
  config.vrfs.erase(config.vrfs.begin());
  config.links.erase(config.links.begin(), config.links.begin() + 2);
  node.apply(config, now);
  settle();
  EXPECT_THAT(log, Contains(HasSubstr("10.0.1.2 on down10 in VPN instance red is gone: ")));
  EXPECT_THAT(log, Not(Contains(HasSubstr("routing table"))));
}

TEST_F(Vrfs, MessagesOfRpsAndTheBsrNameTheVrf) {
  hear("up10", neighbour("up10"),
       wire::PimBootstrap{
           .bsr = ip("3.3.3.3"),
           .ranges = {
               {{.address = ip("224.0.0.0"), .mask_length = 4}, 1, {{ip("4.4.4.4"), 150, 0}}}}});
  EXPECT_THAT(log, Contains("bootstrap router of the domain in VPN instance red is now 3.3.3.3 "
                            "(was none)"));
  ASSERT_EQ(node.alarms().active().size(), 1U);
  EXPECT_THAT(node.alarms().active()[0].text,
              StartsWith("groups 224.0.0.0/4 in VPN instance red: static RP 2.2.2.2, learned RP "
                         "4.4.4.4; "));
}

TEST_F(Vrfs, MessagesOfGroupLimitsNameTheVrf) {
  NodeConfig config = two();
  config.links[1].igmp = mcast::gmp::InterfaceConfig{.max_groups = 1};
  node.apply(config, now);
  settle();
  wire::SourceReport report;
  for (const char* group : {"239.1.1.1", "239.1.1.2"})
    report.records.push_back({wire::RecordType::change_to_exclude, *Group::parse(group), {}});
  node.on_group_message(
      {"down10", ip("10.0.1.7"), ip("224.0.0.22"), 1, true, wire::encode_igmp(report)}, now);
  settle();
  EXPECT_THAT(log, Contains(StartsWith("limit reached on down10 in VPN instance red: group "
                                       "239.1.1.2 of host 10.0.1.7 refused")));
}

TEST_F(Vrfs, MessagesOfThePlanesCapacityNameTheVrf) {
  node.on_plane_event(fwd::CapacityReached{"vif", 32, kBlue}, now);
  settle();
  EXPECT_THAT(log, Contains("the forwarding plane refused vif in VPN instance blue: its limit of "
                            "32 is reached"));
}

TEST_F(BidirVrfs, MessagesOfElectionsNameTheVrf) {
  run(5s);
  EXPECT_THAT(log, Contains("designated forwarder on down10 in VPN instance red for bidirectional "
                            "RP 2.2.2.2 is now 10.0.1.1 (was nobody)"));
  hear("down20", neighbour("down20"), wire::PimHello{.holdtime_s = 105});
  ASSERT_EQ(node.alarms().active().size(), 1U);
  EXPECT_EQ(node.alarms().active()[0].text,
            "down20 in VPN instance blue serves no bidirectional groups: PIM neighbor 10.0.3.2 "
            "does not know them");
  // Also under another name of the VRF the alarm ends.
  NodeConfig config = bidir();
  config.vrfs[1].name = "azure";
  node.apply(config, now);
  settle();
  hear("down20", neighbour("down20"), wire::PimHello{.holdtime_s = 105, .bidirectional = true});
  EXPECT_THAT(node.alarms().active(), IsEmpty());
}

}  // namespace
}  // namespace hotpair::ha::node
