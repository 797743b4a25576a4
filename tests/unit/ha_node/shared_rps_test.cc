#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "mcast/wire/pim_message.h"
#include "tests/unit/ha_node/node_stand.h"

/// RP information of the floating pair: the BSR is reached only by the interface that floats, on
/// which the backup hears nothing.
namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
namespace rp = mcast::rp;
namespace wire = mcast::wire;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPeer;
using testing::kSelf;
using testing::kTransport;
using testing::kTrunk;
using ::testing::Not;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

const IpAddress kRouter = ip("10.0.50.3");  // the neighbour on the floating interface

/// The interface that floats is of this VRF.
NodeConfig configuration(bool first, VrfId vrf) {
  NodeConfig config = testing::NodeStand::configuration();
  auto& path = config.etrunks[0].etrunk.paths[0];
  auto& service = config.services[0];
  if (!first) {
    std::swap(path.local, path.peer);
    std::swap(service.local, service.peer);
  }
  config.scopes = {{kFloatingPair, "floating", "rbs1", kTrunk, 0, true, true}};
  LinkSettings link;
  link.name = "GigabitEthernet0/1/5";
  link.device = "ge5";
  link.ipv4 = true;
  link.vrf = vrf;
  link.scope = kFloatingPair;
  link.addresses = {prefix(first ? "10.0.50.1/24" : "10.0.50.2/24")};
  link.floating = {prefix("10.0.50.254/24")};
  link.pim_floating = true;
  link.pim_ipv4 = PimLinkSettings{};
  config.links = {link};
  if (vrf != VrfId{}) config.vrfs = {{vrf, "red", {}, {}, {}}};
  return config;
}

/// One node of the pair; the test plays the keepers and carries what the nodes say to each other.
struct Half {
  explicit Half(bool first, VrfId in = {})
      : vrf(in),
        node({first ? kSelf : kPeer, "test", 1}, TimePoint{1h}),
        config(configuration(first, in)) {
    node.set_pair_key(true, now);
    node.apply(config, now);
    drain();
    device("ge5", config.links[0].addresses);
    device("hpf-ge5", {prefix("10.0.50.254/32")});
    node.on_keeper_connected(now);
    keeper(keeper::Welcome{});
  }
  void drain() {
    while (auto effect = node.poll_effect()) {
      if (const auto* ask = std::get_if<AskStore>(&*effect)) {
        for (const auto& reply : store.execute({&ask->request, 1})) node.on_store(reply, now);
      } else if (auto* bytes = std::get_if<SendBytes>(&*effect)) {
        node.on_transport_sent(bytes->transport, bytes->bytes.size(), now);
        out.push_back(std::move(bytes->bytes));
      } else if (std::holds_alternative<DropConnection>(*effect)) {
        dropped = true;
      } else if (const auto* question = std::get_if<AskRpf>(&*effect)) {
        node.on_rpf(question->vrf, question->target, RpfFacts{.device = "ge5", .next_hop = kRouter},
                    now);
      }
    }
  }
  void device(const std::string& name, std::vector<IpPrefix> addresses) {
    DeviceFacts facts{.device = name, .present = true, .up = true};
    facts.addresses = std::move(addresses);
    facts.mtu = 1500;
    node.on_device(facts, now);
    drain();
  }
  void keeper(const keeper::FromKeeper& message) {
    node.on_keeper(message, now);
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
  void hear(const wire::PimMessage& message) {
    const IpAddress all = wire::all_pim_routers(Family::ipv4);
    const Bytes body = wire::encode_pim(message, kRouter, all);
    Bytes packet;
    ByteWriter writer(packet);
    writer.u32(0x45000000U + 20 + static_cast<std::uint32_t>(body.size()));
    writer.u32(0);
    writer.u32(0x01670000U);  // TTL 1, PIM
    writer.bytes(kRouter.bytes());
    writer.bytes(all.bytes());
    writer.bytes(body);
    node.on_pim_packet({"ge5", kRouter, all, 1, packet}, now);
    drain();
  }
  void run_until(TimePoint then) {
    while (const auto due = node.next_deadline()) {
      if (*due > then) break;
      now = std::max(now, *due);
      node.on_timeout(now);
      drain();
    }
    now = then;
  }
  /// "239.0.0.0/8 10.9.9.1" of each mapping in force.
  [[nodiscard]] std::vector<std::string> rps() const {
    std::vector<std::string> all;
    for (const rp::RpMapping& each : node.rp_set(Family::ipv4, vrf).mappings())
      all.push_back(each.range.to_string() + " " + each.rp.to_string());
    return all;
  }
  [[nodiscard]] std::optional<IpAddress> bsr() const {
    for (const auto& zone : node.bsr(Family::ipv4, vrf).show(now).zones)
      if (!zone.zone && zone.bsr) return zone.bsr->address;
    return std::nullopt;
  }

  VrfId vrf;
  TimePoint now{1h};
  checkpoint::store::MemoryStore store;
  Node node;
  NodeConfig config;
  std::deque<Bytes> out;
  bool dropped = false;
};

struct PairOfNodes {
  explicit PairOfNodes(VrfId vrf = {}) : a{true, vrf}, b{false, vrf} {
    a.become(role::Role::master, {1, kSelf}, keeper::Cause::election);
    b.become(role::Role::backup, {1, kSelf}, keeper::Cause::election);
    for (Half* half : {&a, &b}) {
      half->node.on_transport_up(kTransport, half->now);
      half->drain();
    }
    carry();
    hello();
  }
  /// Bytes in flight, until there are none.
  void carry() {
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
        while (!from->out.empty()) {
          const Bytes bytes = std::move(from->out.front());
          from->out.pop_front();
          to->node.on_transport_bytes(kTransport, bytes, to->now);
          to->drain();
          moved = true;
        }
      }
    }
    EXPECT_FALSE(a.dropped || b.dropped);
  }
  void pass(Duration time) {
    for (const TimePoint end = a.now + time; a.now < end;) {
      const TimePoint then = std::min(end, a.now + 100ms);
      a.run_until(then);
      b.run_until(then);
      carry();
    }
  }
  void say(const wire::PimMessage& message) {
    a.hear(message);
    b.hear(message);
    carry();
  }
  void hello() { say(wire::PimHello{.holdtime_s = 0xffff, .dr_priority = 1, .generation_id = 5}); }
  void bootstrap(std::string_view bsr, std::uint8_t priority,
                 std::vector<std::pair<std::string_view, std::string_view>> rps) {
    wire::PimBootstrap message{.no_forward = false,
                               .fragment_tag = ++tag,
                               .hash_mask_length = 30,
                               .bsr_priority = priority,
                               .bsr = ip(bsr),
                               .ranges = {}};
    for (const auto& [groups, rp] : rps) {
      wire::PimBootstrapRange range;
      range.range = {.address = prefix(groups).address, .mask_length = prefix(groups).length};
      range.rp_count = rp.empty() ? 0 : 1;
      if (!rp.empty()) range.rps.push_back({ip(rp), 150, 10});
      message.ranges.push_back(std::move(range));
    }
    say(message);
    pass(100ms);  // until it is committed here and there
  }

  Half a;
  Half b;
  std::uint16_t tag = 0;
};

using Step = std::function<void(PairOfNodes&)>;

const std::vector<Step>& story() {
  static const std::vector<Step> steps = {
      [](PairOfNodes& pair) {
        pair.bootstrap("10.9.0.1", 10, {{"239.0.0.0/8", "10.9.9.1"}, {"238.0.0.0/8", "10.9.9.2"}});
      },
      [](PairOfNodes& pair) { pair.pass(60s); },
      [](PairOfNodes& pair) {
        pair.bootstrap("10.9.0.1", 10, {{"238.0.0.0/8", ""}});
      },
      [](PairOfNodes& pair) {
        pair.bootstrap("10.9.0.2", 20, {{"239.0.0.0/8", "10.9.9.3"}, {"237.0.0.0/8", "10.9.9.1"}});
      },
      [](PairOfNodes& pair) { pair.pass(100s); },
  };
  return steps;
}

class SharedRpsTest : public ::testing::TestWithParam<VrfId> {};

INSTANTIATE_TEST_SUITE_P(Vrf, SharedRpsTest, ::testing::Values(VrfId{0}, VrfId{10}),
                         [](const auto& each) { return each.param == VrfId{} ? "Public" : "Red"; });

TEST_P(SharedRpsTest, TheBackupHasTheMastersRpSet) {
  PairOfNodes pair(GetParam());
  for (const Step& step : story()) {
    step(pair);
    EXPECT_EQ(pair.b.rps(), pair.a.rps());
    EXPECT_EQ(pair.b.bsr(), std::nullopt) << "it hears nothing itself";
  }
  EXPECT_THAT(pair.a.rps(), ElementsAre("237.0.0.0/8 10.9.9.1", "239.0.0.0/8 10.9.9.3"));
}

TEST_P(SharedRpsTest, ATakeoverBetweenAnyTwoStepsFindsIt) {
  for (std::size_t cut = 0; cut <= story().size(); ++cut) {
    SCOPED_TRACE(cut);
    PairOfNodes pair(GetParam());
    for (std::size_t i = 0; i < cut; ++i) story()[i](pair);
    const auto before = pair.a.rps();
    const auto bsr = pair.a.bsr();
    pair.b.node.on_transport_down(kTransport, "the peer died", pair.b.now);
    pair.b.drain();
    pair.b.become(role::Role::master, {2, kPeer}, keeper::Cause::paths_down);
    EXPECT_EQ(pair.b.rps(), before);
    EXPECT_EQ(pair.b.bsr(), bsr);
    // Without another message the BSR is given up after its timeout, the RPs after their holdtime.
    pair.b.run_until(pair.b.now + 125s);
    EXPECT_EQ(pair.b.rps(), before);
    EXPECT_EQ(pair.b.bsr(), bsr);
    pair.b.run_until(pair.b.now + 20s);
    EXPECT_EQ(pair.b.bsr(), std::nullopt);
    pair.b.run_until(pair.b.now + 300s);
    EXPECT_THAT(pair.b.rps(), IsEmpty());
  }
}

// The new master's knowledge goes on from the old one's, and back again.
TEST_P(SharedRpsTest, MovesThereAndBack) {
  PairOfNodes pair(GetParam());
  story()[0](pair);
  pair.b.become(role::Role::master, {2, kPeer}, keeper::Cause::handover);
  pair.a.become(role::Role::backup, {2, kPeer}, keeper::Cause::handover);
  pair.carry();
  pair.pass(2s);
  EXPECT_EQ(pair.b.rps().size(), 2U);
  EXPECT_EQ(pair.a.rps(), pair.b.rps());
  pair.bootstrap("10.9.0.1", 10, {{"238.0.0.0/8", ""}, {"236.0.0.0/8", "10.9.9.4"}});
  EXPECT_THAT(pair.b.rps(), ElementsAre("236.0.0.0/8 10.9.9.4", "239.0.0.0/8 10.9.9.1"));
  // The former master knows its own BSR until that times out there; then the pair's counts.
  for (int i = 0; i < 3; ++i) {
    pair.pass(60s);
    pair.bootstrap("10.9.0.1", 10, {{"239.0.0.0/8", "10.9.9.1"}, {"236.0.0.0/8", "10.9.9.4"}});
  }
  EXPECT_EQ(pair.a.rps(), pair.b.rps());
  pair.a.become(role::Role::master, {3, kSelf}, keeper::Cause::paths_down);
  EXPECT_EQ(pair.a.rps(), pair.b.rps());
  EXPECT_EQ(pair.a.bsr(), ip("10.9.0.1"));
}

// A daemon that starts beside a running master gets it with the bulk.
TEST_P(SharedRpsTest, ComesWithABulkToo) {
  PairOfNodes pair(GetParam());
  story()[0](pair);
  Half fresh{false, GetParam()};
  fresh.become(role::Role::backup, {1, kSelf}, keeper::Cause::election);
  fresh.now = std::max(fresh.now, pair.a.now);
  EXPECT_THAT(fresh.rps(), IsEmpty());
  pair.a.node.on_transport_down(kTransport, "the peer restarts", pair.a.now);
  pair.a.drain();
  pair.a.out.clear();
  for (Half* half : {&pair.a, &fresh}) {
    half->node.on_transport_up(kTransport, half->now);
    half->drain();
  }
  for (int round = 0; round < 100 && !(pair.a.out.empty() && fresh.out.empty()); ++round) {
    for (const auto& [from, to] : {std::pair{&pair.a, &fresh}, std::pair{&fresh, &pair.a}})
      for (auto bytes = std::exchange(from->out, {}); const Bytes& each : bytes) {
        to->node.on_transport_bytes(kTransport, each, to->now);
        to->drain();
      }
    pair.a.run_until(pair.a.now + 10ms);
    fresh.run_until(fresh.now + 10ms);
  }
  EXPECT_EQ(fresh.rps(), pair.a.rps());
  EXPECT_EQ(fresh.rps().size(), 2U);
}

// ---- how the backup's routes stand, for the master ----

constexpr char kUnknown[] = "how the peer's routes stand is unknown";

TEST(Standing, TheMasterShowsTheBackupsCounts) {
  PairOfNodes pair;
  const auto of = [](const Half& half) { return half.node.readiness().at(0); };
  pair.pass(2s);
  ASSERT_TRUE(of(pair.a).peer_routes.has_value());
  EXPECT_EQ(*of(pair.a).peer_routes, (rbs::session::RouteStanding{kFloatingPair, 0, 0, 0}));
  EXPECT_THAT(of(pair.a).findings, Not(Contains(Field(&Finding::what, HasSubstr("routes")))));
  EXPECT_FALSE(of(pair.b).peer_routes.has_value()) << "a backup tells of itself";

  // A route without a way at the backup: its master knows within a second.
  NodeConfig config = pair.b.config;
  config.links[0].igmp = mcast::gmp::InterfaceConfig{};
  config.links[0].static_groups = {{Group::parse("232.1.1.1").value(), ip("10.77.0.1")}};
  pair.b.node.apply(config, pair.b.now);
  while (auto effect = pair.b.node.poll_effect())
    if (const auto* ask = std::get_if<AskRpf>(&*effect))
      pair.b.node.on_rpf(ask->vrf, ask->target, std::nullopt, pair.b.now);
  pair.pass(1500ms);
  ASSERT_TRUE(of(pair.a).peer_routes.has_value());
  EXPECT_EQ(of(pair.a).peer_routes->without_way, 1U);
  EXPECT_THAT(of(pair.a).findings,
              Contains(Field(&Finding::what, "routes have no RPF at the peer")));
  EXPECT_THAT(of(pair.b).findings, Contains(Field(&Finding::what, "routes have no RPF here")));

  // Without the channel nothing is known, and it is told anew when it is back.
  for (Half* half : {&pair.a, &pair.b}) {
    half->node.on_transport_down(kTransport, "cut", half->now);
    half->drain();
    half->out.clear();
  }
  EXPECT_FALSE(of(pair.a).peer_routes.has_value());
  EXPECT_THAT(of(pair.a).findings, Contains(Field(&Finding::what, kUnknown)));
  for (Half* half : {&pair.a, &pair.b}) {
    half->node.on_transport_up(kTransport, half->now);
    half->drain();
  }
  pair.carry();
  pair.pass(2s);
  EXPECT_EQ(of(pair.a).peer_routes.value_or(rbs::session::RouteStanding{}).without_way, 1U);
}

// An older peer never says it.
TEST(Standing, OfAnOlderPeerIsUnknown) {
  testing::NodeStand stand{testing::NodeStand::Key::present};
  stand.connect_keeper();
  stand.hear(role::Role::backup, Term{});
  stand.keeper([] {
    keeper::ScopeChanged changed;
    changed.state.scope = testing::kScope;
    changed.state.role = role::Role::master;
    changed.state.term = {3, kSelf};
    changed.cause = keeper::Cause::election;
    return changed;
  }());
  stand.node.on_transport_up(kTransport, stand.now);
  stand.settle();
  rbs::session::Open open;
  open.node = kPeer;
  open.protocol_max = rbs::session::kProtocolStanding - 1;
  open.scopes = {testing::kScope};
  stand.say(open);
  stand.say(rbs::session::Accept{rbs::session::kProtocolStanding - 1});
  ASSERT_TRUE(stand.dropped.empty());
  EXPECT_THAT(stand.node.readiness().at(0).findings, Contains(Field(&Finding::what, kUnknown)));
  stand.say(rbs::session::RouteStanding{testing::kScope, 1, 2, 3});
  EXPECT_FALSE(stand.dropped.empty()) << "what was not agreed upon ends the session";
}

}  // namespace
}  // namespace hotpair::ha::node
