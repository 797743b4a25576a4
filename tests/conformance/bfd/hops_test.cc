// RFC 5881 5 (GTSM) and RFC 5883 (multihop), IPv4 and IPv6.
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

SessionConfig config_of(bool v6, bool multihop, std::uint8_t ttl_min) {
  SessionConfig config = session_config(1, 2);
  if (v6) {
    config.local = *IpAddress::parse("2001:db8::1");
    config.peer = *IpAddress::parse("2001:db8::2");
  }
  config.multihop = multihop;
  if (multihop) config.device.clear();
  config.ttl_min = ttl_min;
  return config;
}

TEST(Rfc5881_5, SingleHopTakesOnly255) {
  for (const bool v6 : {false, true}) {
    for (const int ttl : {0, 1, 64, 253, 254, 255}) {
      Single one(config_of(v6, false, 1));  // the minimum of multihop loosens nothing
      Arrival how = one.arrival();
      how.ttl = static_cast<std::uint8_t>(ttl);
      EXPECT_EQ(one.hear(one.packet(State::down, false), how),
                ttl == 255 ? Verdict::received : Verdict::ttl);
    }
  }
}

TEST(Rfc5883_4, MultihopTakesItsMinimum) {
  for (const bool v6 : {false, true}) {
    for (const int ttl : {0, 1, 249, 250, 255}) {
      Single one(config_of(v6, true, 250));
      Arrival how = one.arrival();
      how.ttl = static_cast<std::uint8_t>(ttl);
      EXPECT_EQ(one.hear(one.packet(State::down, false), how),
                ttl >= 250 ? Verdict::received : Verdict::ttl);
    }
  }
}

TEST(Rfc5883_5, AMultihopPacketIsNotForASingleHopSession) {
  Single one(config_of(false, false, 255));
  Arrival how = one.arrival();
  how.multihop = true;
  EXPECT_EQ(one.hear(one.packet(State::down, false), how), Verdict::wrong_hops);
}

TEST(Rfc5883_5, TwoMultihopSessionsComeUp) {
  SessionConfig a = config_of(true, true, 1);
  SessionConfig b = a;
  std::swap(b.local, b.peer);
  Link link(a, b);
  link.run(3s);
  EXPECT_EQ(link.a().state(), State::up);
  EXPECT_EQ(link.b().state(), State::up);
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
