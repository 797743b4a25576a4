#include "tests/unit/mcast_pim_machine/lan_stand.h"

namespace hotpair::mcast::pim::testing {
namespace {

struct PimPackets : ::testing::Test {
  PimPackets() {
    lan.add(1, {1});
    lan.add(2, {1});
    lan.pass(35s);
  }
  /// True if it goes on to whom it concerns.
  bool hear(const IpAddress& source, const IpAddress& destination, wire::PimMessage message) {
    return lan.at(1).pim.on_packet(LinkId{1}, {source, destination, 1, std::move(message)},
                                   lan.now);
  }
  std::uint64_t ignored(PacketIgnored reason) {
    return lan.at(1).pim.message_counters(LinkId{1}).ignored[static_cast<std::size_t>(reason)];
  }
  LanStand lan;
  const IpAddress all = wire::all_pim_routers(Family::ipv4);
  const IpAddress stranger = *IpAddress::parse("10.0.1.77");
  wire::PimJoinPrune join() const {
    return {
        .upstream_neighbor = lan.address(1, 1),
        .holdtime_s = 210,
        .groups = {{wire::PimGroupRange::single(kGroup), {wire::PimSource::shared_tree(kRp)}, {}}}};
  }
};

TEST_F(PimPackets, AStrangersJoinChangesNothing) {
  EXPECT_FALSE(hear(stranger, all, join()));
  lan.deliver();
  EXPECT_FALSE(lan.joined(1, 1));
  EXPECT_EQ(ignored(PacketIgnored::not_neighbour), 1U);
  EXPECT_FALSE(hear(lan.address(2, 1), all, join()));
  lan.deliver();
  EXPECT_TRUE(lan.joined(1, 1));
}

TEST_F(PimPackets, MessagesComeByTheirKindOfDestination) {
  EXPECT_FALSE(hear(lan.address(2, 1), lan.address(1, 1), join()));
  EXPECT_EQ(ignored(PacketIgnored::wrong_destination), 1U);
  EXPECT_FALSE(hear(lan.address(2, 1), all, wire::PimRegisterStop{kGroup, kSource}));
  EXPECT_EQ(ignored(PacketIgnored::wrong_destination), 2U);
  EXPECT_TRUE(hear(stranger, lan.address(1, 1), wire::PimRegisterStop{kGroup, kSource}));
  EXPECT_TRUE(hear(lan.address(2, 1), all, wire::PimBootstrap{.bsr = kRp, .ranges = {}}));
  EXPECT_FALSE(hear(stranger, all, wire::PimBootstrap{.bsr = kRp, .ranges = {}}));
  EXPECT_EQ(ignored(PacketIgnored::not_neighbour), 1U);
}

TEST_F(PimPackets, OwnMessagesAndForeignLinksAreNot) {
  EXPECT_FALSE(hear(lan.address(1, 1), all, join()));
  EXPECT_EQ(ignored(PacketIgnored::own_address), 1U);
  EXPECT_FALSE(lan.at(1).pim.on_packet(LinkId{7}, {stranger, all, 1, join()}, lan.now));
  EXPECT_FALSE(hear(lan.address(2, 1), all, wire::PimDfElection{.rp = kRp, .target = kRp}));
  EXPECT_EQ(ignored(PacketIgnored::bidirectional), 1U);
}

TEST_F(PimPackets, RejectedPacketsAreCountedByReason) {
  lan.at(1).pim.on_reject(LinkId{1}, wire::PimReject::bad_checksum);
  lan.at(1).pim.on_reject(LinkId{9}, wire::PimReject::bad_checksum);
  const auto counters = lan.at(1).pim.message_counters(LinkId{1});
  EXPECT_EQ(counters.rejected[static_cast<std::size_t>(wire::PimReject::bad_checksum)], 1U);
  EXPECT_GE(counters.sent[0], 2U);
  EXPECT_GE(counters.received[0], 2U);
  lan.at(1).pim.reset_counters();
  EXPECT_EQ(lan.at(1).pim.message_counters(LinkId{1}).received[0], 0U);
}

// `pim silent`: nothing is said, nothing is believed, what comes is counted by type and reason.
TEST_F(PimPackets, ASilentLinkSpeaksToNobodyAndBelievesNobody) {
  LinkConfig config = lan.link(1, 1);
  ASSERT_FALSE(hear(lan.address(2, 1), all, join()));
  lan.deliver();
  ASSERT_TRUE(lan.joined(1, 1));
  ASSERT_EQ(lan.at(2).pim.neighbours().neighbour_count(LinkId{1}), 1U);
  config.silent = true;
  lan.at(1).pim.set_link(config, lan.now);
  lan.deliver();
  EXPECT_FALSE(lan.joined(1, 1)) << "its routers are gone, and what they joined";
  EXPECT_EQ(lan.at(2).pim.neighbours().neighbour_count(LinkId{1}), 0U) << "it said goodbye";
  lan.at(1).sent.clear();
  EXPECT_FALSE(hear(lan.address(2, 1), all, wire::PimHello{.holdtime_s = 105}));
  EXPECT_FALSE(hear(lan.address(2, 1), all, join()));
  EXPECT_FALSE(hear(stranger, lan.address(1, 1), wire::PimRegisterStop{kGroup, kSource}));
  lan.pass(300s);
  EXPECT_TRUE(lan.at(1).sent.empty());
  EXPECT_FALSE(lan.joined(1, 1));
  EXPECT_EQ(lan.at(1).pim.neighbours().neighbour_count(LinkId{1}), 0U);
  EXPECT_TRUE(lan.at(1).pim.neighbours().dr(LinkId{1}).is_unspecified());
  EXPECT_GE(ignored(PacketIgnored::silent), 3U);
  EXPECT_EQ(lan.at(1).pim.message_counters(LinkId{1}).received[3], 1U);
  ASSERT_EQ(lan.at(1).pim.show_interfaces(lan.now).size(), 1U);
  EXPECT_TRUE(lan.at(1).pim.show_interfaces(lan.now)[0].silent);
  config.silent = false;
  lan.at(1).pim.set_link(config, lan.now);
  lan.pass(35s);
  EXPECT_EQ(lan.at(1).pim.neighbours().neighbour_count(LinkId{1}), 1U);
  EXPECT_EQ(lan.at(2).pim.neighbours().neighbour_count(LinkId{1}), 1U);
}

TEST_F(PimPackets, ASilentLinkOfAScopeStaysSilentWhenTheScopeIsActivated) {
  LinkConfig config = lan.link(1, 1, ScopeId{2});
  config.silent = true;
  lan.at(1).pim.set_link(config, lan.now);
  lan.deliver();
  lan.at(1).sent.clear();
  lan.at(1).pim.activate(ScopeId{2}, lan.now);
  lan.pass(100s);
  lan.at(1).pim.deactivate(ScopeId{2}, Leaving::goodbye, lan.now);
  lan.pass(100s);
  EXPECT_TRUE(lan.at(1).sent.empty());
}

TEST(PimPacketsIpv6, LinkMessagesComeFromLinkLocalAddresses) {
  OneRp rps;
  Pim pim(Family::ipv6, 1, rps);
  LinkConfig config{.link = LinkId{1}, .vrf = VrfId{0}, .address = *IpAddress::parse("fe80::1")};
  const TimePoint now{1000s};
  pim.set_link(config, now);
  const IpAddress all = wire::all_pim_routers(Family::ipv6);
  const wire::PimHello hello{.holdtime_s = 105};
  EXPECT_FALSE(pim.on_packet(LinkId{1}, {*IpAddress::parse("2001:db8::2"), all, 1, hello}, now));
  EXPECT_EQ(pim.neighbours().neighbour_count(LinkId{1}), 0U);
  EXPECT_FALSE(pim.on_packet(LinkId{1}, {*IpAddress::parse("fe80::2"), all, 1, hello}, now));
  EXPECT_EQ(pim.neighbours().neighbour_count(LinkId{1}), 1U);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
