#include <map>

#include "ha/bfd/bfd_table.h"
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

struct Table : ::testing::Test {
  TimePoint now{seconds(1000)};
  BfdTable table{42};
  std::map<Discriminator, std::vector<ControlPacket>> sent;

  void configure(const std::vector<SessionConfig>& configs) {
    table.configure(configs, now);
    drain();
  }
  void drain() {
    while (auto effect = table.poll_effect()) {
      if (const auto* send = std::get_if<SendPacket>(&effect->effect)) {
        sent[effect->session].push_back(send->packet);
        table.on_sent(effect->session);
      }
    }
  }
  ControlPacket packet(Discriminator your) {
    ControlPacket packet;
    packet.my_discriminator = Discriminator(99);
    packet.your_discriminator = your;
    packet.desired_min_tx_us = packet.required_min_rx_us = 10'000;
    return packet;
  }
  static Arrival from(const SessionConfig& config) {
    return {config.peer, config.local, 255, config.multihop, config.device, DigestCheck::none};
  }
};

TEST_F(Table, ChosenDiscriminatorsAreUniqueAndAboveTheConfigured) {
  std::vector<SessionConfig> configs;
  for (std::uint32_t i = 0; i < 500; ++i) configs.push_back(session_config(2 * i + 1, 2 * i + 2));
  configs[3].local_discriminator = Discriminator(16'384);
  configure(configs);
  EXPECT_EQ(table.size(), 500U);
  EXPECT_EQ(sent.size(), 500U);
  for (const auto& [id, packets] : sent) {
    EXPECT_TRUE(id == Discriminator(16'384) || id.value() > kConfiguredDiscriminatorMax);
    EXPECT_EQ(packets.front().my_discriminator, id);
  }
  EXPECT_EQ(table.find("s7")->discriminator(), Discriminator(16'384));
}

TEST_F(Table, AddressesDeviceAndHopsNameASessionWhileTheDiscriminatorIsUnknown) {
  SessionConfig single = session_config(1, 2);
  SessionConfig other_device = single;
  other_device.name = "dev";
  other_device.device = "eth1";
  SessionConfig multihop = single;
  multihop.name = "multi";
  multihop.device.clear();
  multihop.multihop = true;
  configure({single, other_device, multihop});
  for (const SessionConfig& config : {single, other_device, multihop}) {
    const BfdSession* found = table.route(packet(Discriminator()), from(config));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->config().name, config.name);
  }
  Arrival stranger = from(single);
  stranger.source = IpAddress::v4(0x0a000003);
  EXPECT_EQ(table.route(packet(Discriminator()), stranger), nullptr);
  table.on_packet(packet(Discriminator()), stranger, now);
  table.on_packet(packet(Discriminator(123'456)), from(single), now);
  EXPECT_EQ(table.unknown_session(), 2U);
}

// T: a stranger who guesses the discriminator is still not the peer.
TEST_F(Table, ADiscriminatorFromElsewhereChangesNothing) {
  const SessionConfig config = session_config(1, 2);
  configure({config});
  const Discriminator id = table.find("s1")->discriminator();
  Arrival stranger = from(config);
  stranger.source = IpAddress::v4(0x0a000063);
  table.on_packet(packet(id), stranger, now);
  const SessionView view = table.views().at(0);
  EXPECT_EQ(view.state, State::down);
  EXPECT_EQ(view.verdicts[static_cast<std::size_t>(Verdict::wrong_address)], 1U);
}

TEST_F(Table, TwiceTheSameIsTakenOnce) {
  SessionConfig first = session_config(1, 2);
  first.local_discriminator = Discriminator(5);
  SessionConfig same_name = session_config(3, 4);
  same_name.name = first.name;
  SessionConfig same_discriminator = session_config(5, 6);
  same_discriminator.local_discriminator = Discriminator(5);
  SessionConfig same_addresses = first;
  same_addresses.name = "else";
  same_addresses.local_discriminator = Discriminator(6);
  configure({first, same_name, same_discriminator, same_addresses});
  ASSERT_EQ(table.size(), 1U);
  EXPECT_EQ(table.views().at(0).config.peer, first.peer);
}

TEST_F(Table, WhatStaysKeepsItsStateWhatGoesSaysAdminDown) {
  const SessionConfig stays = session_config(1, 2);
  const SessionConfig goes = session_config(3, 4);
  configure({goes, stays});
  const Discriminator stays_id = table.find("s1")->discriminator();
  const Discriminator goes_id = table.find("s3")->discriminator();
  table.on_packet(packet(Discriminator()), from(stays), now);
  drain();
  ASSERT_EQ(table.find(stays_id)->state(), State::init);
  SessionConfig changed = stays;
  changed.multiplier = 5;
  configure({changed, session_config(5, 6)});
  EXPECT_EQ(table.find(stays_id)->state(), State::init);
  EXPECT_EQ(table.find(goes_id), nullptr);
  EXPECT_EQ(sent[goes_id].back().state, State::admin_down);
  EXPECT_EQ(sent[goes_id].back().diag, 7);
  EXPECT_EQ(table.views().at(0).config.multiplier, 5);
  EXPECT_EQ(table.size(), 2U);
}

TEST_F(Table, TheEarliestTimerOfAllIsNext) {
  configure({session_config(1, 2), session_config(3, 4), session_config(5, 6)});
  std::map<Discriminator, std::size_t> before;
  for (const auto& [id, packets] : sent) before[id] = packets.size();
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(table.next_deadline());
    ASSERT_GE(*table.next_deadline(), now);
    now = *table.next_deadline();
    table.on_timeout(now);
    drain();
  }
  for (const auto& [id, packets] : sent) EXPECT_EQ(packets.size() - before[id], 10U);
}

TEST_F(Table, ShutDownSaysSoOnEverySession) {
  configure({session_config(1, 2), session_config(3, 4)});
  table.shut_down(now);
  drain();
  for (const auto& [id, packets] : sent) EXPECT_EQ(packets.back().state, State::admin_down);
}

TEST_F(Table, SecretsAreInNoView) {
  SessionConfig config = session_config(1, 2);
  config.keys = {{1, "secret"}};
  configure({config});
  EXPECT_TRUE(table.views().at(0).config.keys.empty());
  EXPECT_TRUE(table.views().at(0).authenticated);
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
