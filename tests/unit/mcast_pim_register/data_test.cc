#include "mcast/wire/checksum.h"
#include "mcast/wire/pim_message.h"
#include "tests/unit/mcast_pim_register/rig.h"

// Packets into the register tunnel (RFC 7761 4.4.1).
namespace hotpair::mcast::pim {
namespace {

const RegisterKey kKey6{kVrf, group("ff1e::1"), ip("2001:db8::2")};

/// A packet as the plane tells it, with options of `options` bytes (IPv4).
Bytes packet_of(const RegisterKey& key, std::uint8_t ttl, std::size_t payload,
                std::size_t options = 0) {
  Bytes packet;
  ByteWriter out(packet);
  if (key.group.family() == Family::ipv6) {
    out.u32(0x6ba00000);  // DSCP 46, ECN 2
    out.u16(static_cast<std::uint16_t>(payload));
    out.u8(17);
    out.u8(ttl);
    out.bytes(key.source.bytes());
    out.bytes(key.group.address().bytes());
    out.zeros(payload);
    return packet;
  }
  const std::size_t header = 20 + options;
  out.u8(static_cast<std::uint8_t>(0x40 + header / 4));
  out.u8(0xba);
  out.u16(static_cast<std::uint16_t>(header + payload));
  out.u32(0x12340000);
  out.u8(ttl);
  out.u8(17);
  out.u16(0);
  out.bytes(key.source.bytes());
  out.bytes(key.group.address().bytes());
  out.zeros(options);
  out.patch_u16(10, wire::internet_checksum(packet));
  out.zeros(payload);
  return packet;
}

class RegisterData : public testing::Test {
 protected:
  RegisterData() { rig.could(key(), "5.5.5.5"), static_cast<void>(rig.said()); }
  void data(const RegisterKey& key, Bytes packet) {
    rig.tunnels.on_data(key.vrf, key.source, key.group, std::move(packet), rig.now);
  }
  Rig rig;
};

TEST_F(RegisterData, GoesToTheRpWithLoweredTtl) {
  rig.tunnels.set_source_address(kVrf, ip("1.1.1.1"));
  for (const std::size_t options : {0U, 4U}) {
    const Bytes packet = packet_of(key(), 16, 100, options);
    Bytes expected = packet_of(key(), 15, 100, options);
    Bytes longer = packet;
    longer.resize(packet.size() + 7);  // padding of a short frame
    data(key(), longer);
    EXPECT_THAT(rig.said(),
                ElementsAre(fmt::format("register 1.1.1.1>5.5.5.5 {} bytes", packet.size())));
    EXPECT_EQ(rig.sent.back().packet, expected) << "checksum and length too";
    EXPECT_EQ(rig.sent.back().traffic_class, 0xba);
  }
  EXPECT_EQ(rig.tunnels.counters().registers_sent, 2U);
}

TEST_F(RegisterData, OfIpv6HasNoChecksumToMend) {
  rig.could(kKey6, "2001:db8::5");
  static_cast<void>(rig.said());
  Bytes longer = packet_of(kKey6, 64, 100);
  longer.resize(longer.size() + 3);
  data(kKey6, longer);
  EXPECT_THAT(rig.said(), ElementsAre("register ::>2001:db8::5 140 bytes"));
  EXPECT_EQ(rig.sent.back().packet, packet_of(kKey6, 63, 100));
  EXPECT_EQ(rig.sent.back().traffic_class, 0xba);
}

TEST_F(RegisterData, IsARegisterOnTheWire) {
  data(key(), packet_of(key(), 16, 100));
  static_cast<void>(rig.said());
  const SendRegister& effect = rig.sent.back();
  const IpAddress from = ip("1.1.1.1");
  const Bytes bytes = wire::encode_pim(effect.message(), from, effect.destination);
  const auto parsed = wire::parse_pim(bytes, {from, effect.destination, 64});
  ASSERT_TRUE(parsed);
  const auto& message = std::get<wire::PimRegister>(parsed->message);
  EXPECT_FALSE(message.border || message.null_register);
  EXPECT_EQ(message.source, key().source);
  EXPECT_EQ(message.group, key().group);
  EXPECT_EQ(to_bytes(message.packet), effect.packet);
}

TEST_F(RegisterData, IsForTheStateJoinAlone) {
  data(key("10.0.0.3"), packet_of(key("10.0.0.3"), 16, 10));
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_no_state), 1U);
  rig.stop(key());
  data(key(), packet_of(key(), 16, 10));
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_not_joined), 1U);
  rig.to_deadline();
  data(key(), packet_of(key(), 16, 10));
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_not_joined), 2U);
  static_cast<void>(rig.said());
  EXPECT_THAT(rig.sent, IsEmpty());
}

TEST_F(RegisterData, WhatIsNotThePacketToldIsRefused) {
  rig.could(kKey6, "2001:db8::5");
  const Bytes good = packet_of(key(), 16, 100);
  const Bytes good6 = packet_of(kKey6, 16, 100);
  std::vector<std::pair<RegisterKey, Bytes>> bad{
      {key(), {}},
      {key(), good6},
      {kKey6, good},
      {kKey6, {}},
      {key(), packet_of(key("10.0.0.3"), 16, 10)},
      {key(), packet_of(key("10.0.0.2", "225.1.1.2"), 16, 10)},
      {key(), to_bytes(ByteSpan(good).first(19))},
      {key(), to_bytes(ByteSpan(good).first(119))},
      {kKey6, to_bytes(ByteSpan(good6).first(39))},
      {kKey6, to_bytes(ByteSpan(good6).first(139))},
  };
  for (auto& [to, packet] : bad) data(to, packet);
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_malformed), bad.size());
  for (const std::uint8_t ttl : {std::uint8_t{0}, std::uint8_t{1}}) {
    data(key(), packet_of(key(), ttl, 10));
    data(kKey6, packet_of(kKey6, ttl, 10));
  }
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_ttl), 4U);
  static_cast<void>(rig.said());
  EXPECT_THAT(rig.sent, IsEmpty());
  EXPECT_EQ(rig.tunnels.show({}, rig.now).rows.front().dropped, 8U);
}

// An IPv6 packet that fits into no Register is told to its source: see RegisterMtu.
TEST_F(RegisterData, WhatIsLargerThanThePathIsSentAndCounted) {
  rig.could(kKey6, "2001:db8::5");
  data(key(), packet_of(key(), 16, 1500 - 28 - 20));
  data(kKey6, packet_of(kKey6, 16, 1500 - 48 - 40));
  EXPECT_EQ(rig.tunnels.counters().fragmented, 0U);
  data(key(), packet_of(key(), 16, 1500 - 28 - 19));
  EXPECT_EQ(rig.tunnels.counters().fragmented, 1U);
  rig.tunnels.set_path_mtu(ip("2001:db8::5"), 1280);
  data(kKey6, packet_of(kKey6, 16, 1280 - 40));
  EXPECT_EQ(rig.tunnels.counters().fragmented, 2U)
      << "every link carries so much: sent all the same";
  data(key(), packet_of(key(), 16, 65535 - 28 - 20));
  EXPECT_EQ(rig.tunnels.counters().registers_sent, 5U);
  data(key(), packet_of(key(), 16, 65535 - 28 - 19));
  data(kKey6, packet_of(kKey6, 16, 65535 - 8 - 39));
  EXPECT_EQ(rig.tunnels.counters().registers_sent, 5U);
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_too_large), 2U);
}

TEST(RegisterRate, IsBoundedPerSource) {
  Rig rig({.packets_per_s = 100, .burst = 10});
  const auto other = key("10.0.0.3");
  rig.could(key(), "5.5.5.5");
  rig.could(other, "5.5.5.5");
  const auto burst = [&](const RegisterKey& of, int packets) {
    const auto before = rig.tunnels.counters().registers_sent;
    for (int n = 0; n < packets; ++n)
      rig.tunnels.on_data(of.vrf, of.source, of.group, packet_of(of, 16, 10), rig.now);
    return rig.tunnels.counters().registers_sent - before;
  };
  EXPECT_EQ(burst(key(), 50), 11U);
  EXPECT_EQ(rig.ignored(RegisterIgnored::data_rate), 39U);
  EXPECT_EQ(burst(other, 50), 11U) << "a source of its own";
  rig.advance(10ms);
  EXPECT_EQ(burst(key(), 50), 1U);
  rig.advance(1h);
  EXPECT_EQ(burst(key(), 50), 11U) << "no credit beyond the burst";
  std::uint64_t sent = 0;
  for (int n = 0; n < 1000; ++n) {
    rig.advance(1ms);
    sent += burst(key(), 1);
  }
  EXPECT_EQ(sent, 100U);
  rig.tunnels.configure({.packets_per_s = 0});
  EXPECT_EQ(burst(key(), 500), 500U) << "no limit";
}

// RFC 7761 4.4.1: what does not fit into the tunnel is told to its source, in IPv6 alone.
TEST(RegisterMtu, AnIpv6PacketThatDoesNotFitIsToldToItsSource) {
  Rig rig;
  rig.could(kKey6, "2001:db8:5::5");
  static_cast<void>(rig.said());
  const auto data = [&](std::size_t size) {
    rig.tunnels.on_data(kVrf, kKey6.source, kKey6.group, packet_of(kKey6, 16, size - 40), rig.now);
    return rig.said();
  };
  EXPECT_THAT(data(1452), ElementsAre("register ::>2001:db8:5::5 1452 bytes"));
  EXPECT_THAT(data(1453), ElementsAre("too big to 2001:db8::2"));
  ASSERT_THAT(rig.errors, SizeIs(1));
  const Bytes& message = rig.errors[0].message;
  ASSERT_EQ(message.size(), 1280U - 40U) << "as much of it as fits";
  ByteReader in(message);
  EXPECT_EQ(in.u32(), 0x02000000U) << "type, code, no checksum yet";
  EXPECT_EQ(in.u32(), 1452U) << "the MTU of the tunnel";
  const Bytes quoted = packet_of(kKey6, 16, 1413);
  EXPECT_TRUE(std::ranges::equal(in.take(1232), ByteSpan(quoted).first(1232))) << "as it came";
  EXPECT_EQ(rig.tunnels.counters().too_bigs_sent, 1U);
}

TEST(RegisterMtu, TheWayToTheRpCountsAndTheLeastOfIpv6) {
  Rig rig;
  rig.could(kKey6, "2001:db8:5::5");
  static_cast<void>(rig.said());
  const auto data = [&](std::size_t size) {
    rig.tunnels.on_data(kVrf, kKey6.source, kKey6.group, packet_of(kKey6, 16, size - 40), rig.now);
    return rig.said().at(0).substr(0, 8);
  };
  rig.tunnels.set_path_mtu(ip("2001:db8:5::5"), 9000);
  EXPECT_EQ(data(8952), "register");
  EXPECT_EQ(data(8953), "too big ");
  rig.tunnels.set_path_mtu(ip("2001:db8:5::5"), 1300);
  EXPECT_EQ(data(1280), "register") << "in fragments";
  EXPECT_EQ(rig.tunnels.counters().fragmented, 1U);
  EXPECT_EQ(data(1281), "too big ");
}

TEST(RegisterMtu, ErrorsAreLimited) {
  Rig rig;
  rig.could(kKey6, "2001:db8:5::5");
  static_cast<void>(rig.said());
  for (int i = 0; i < 100; ++i)
    rig.tunnels.on_data(kVrf, kKey6.source, kKey6.group, packet_of(kKey6, 16, 1500), rig.now);
  EXPECT_THAT(rig.said(), SizeIs(10));
  EXPECT_EQ(rig.tunnels.counters().too_bigs_held_back, 90U);
  rig.advance(1s);
  for (int i = 0; i < 100; ++i)
    rig.tunnels.on_data(kVrf, kKey6.source, kKey6.group, packet_of(kKey6, 16, 1500), rig.now);
  EXPECT_THAT(rig.said(), SizeIs(10));
}

TEST_F(RegisterData, AnIpv4PacketGoesInFragments) {
  data(key(), packet_of(key(), 16, 1480));
  EXPECT_THAT(rig.said(), ElementsAre("register 0.0.0.0>5.5.5.5 1500 bytes"));
  EXPECT_EQ(rig.tunnels.counters().fragmented, 1U);
}

}  // namespace
}  // namespace hotpair::mcast::pim
