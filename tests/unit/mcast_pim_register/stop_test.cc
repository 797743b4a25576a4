#include "tests/unit/mcast_pim_register/rig.h"

// Register-Stops (RFC 7761 4.4.1, 4.9.4).
namespace hotpair::mcast::pim {
namespace {

RegisterKey numbered(std::uint32_t n, std::string_view to = "225.1.1.1") {
  return {kVrf, group(to), IpAddress::v4(0x0a000002U + n)};
}
RegisterKey all_of(std::string_view to) { return {kVrf, group(to), ip("0.0.0.0")}; }

TEST(RegisterStop, CountsFromTheRpOnly) {
  Rig rig;
  rig.could(key(), "5.5.5.5");
  rig.stop(key(), "6.6.6.6");
  EXPECT_EQ(rig.tunnels.state(key()), RegisterState::join);
  EXPECT_EQ(rig.ignored(RegisterIgnored::stop_wrong_sender), 1U);
  rig.could(key(), "6.6.6.6");
  rig.stop(key(), "5.5.5.5");
  EXPECT_EQ(rig.tunnels.state(key()), RegisterState::join) << "the RP of before";
  rig.stop(key(), "6.6.6.6");
  EXPECT_EQ(rig.tunnels.state(key()), RegisterState::prune);
  rig.stop(key(), "6.6.6.6");
  EXPECT_EQ(rig.ignored(RegisterIgnored::stop_no_row), 1U);
  rig.stop(key("10.0.0.3"), "6.6.6.6");
  rig.stop({VrfId{1}, group("225.1.1.1"), ip("10.0.0.2")}, "6.6.6.6");
  EXPECT_EQ(rig.ignored(RegisterIgnored::stop_no_state), 2U);
  EXPECT_EQ(rig.tunnels.counters().stops_received, 6U);
}

TEST(RegisterStop, TheTimerIsUniformWithinItsBounds) {
  Rig rig;
  Duration sum{};
  Duration least{1h};
  Duration most{};
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    rig.could(key(), "5.5.5.5");
    rig.stop(key());
    const Duration timer = *rig.timer(key());
    sum += timer;
    least = std::min(least, timer);
    most = std::max(most, timer);
    rig.could(key(), std::nullopt);
  }
  EXPECT_GE(least, 25s);
  EXPECT_LT(least, 26s);
  EXPECT_LE(most, 85s);
  EXPECT_GT(most, 84s);
  EXPECT_NEAR(std::chrono::duration<double>(sum).count() / kRounds, 55, 2);
}

TEST(RegisterStop, WithoutSourceItIsForAllThatIsRegisteredByThen) {
  Rig rig;
  rig.could(numbered(1), "5.5.5.5");
  rig.could(numbered(2), "5.5.5.5");
  rig.could(numbered(3), "6.6.6.6");
  rig.could(numbered(1, "225.1.1.2"), "5.5.5.5");
  const RegisterKey other_vrf{VrfId{1}, group("225.1.1.1"), ip("10.0.0.2")};
  rig.could(other_vrf, "5.5.5.5");
  const wire::PimRegisterStop message{.group = group("225.1.1.1"), .source = ip("0.0.0.0")};
  rig.tunnels.on_register_stop(kVrf, ip("5.5.5.5"), message, rig.now);
  rig.could(numbered(4), "5.5.5.5");  // after it, though it is not carried out yet
  rig.work();
  EXPECT_EQ(rig.tunnels.state(numbered(1)), RegisterState::prune);
  EXPECT_EQ(rig.tunnels.state(numbered(2)), RegisterState::prune);
  EXPECT_EQ(rig.tunnels.state(numbered(3)), RegisterState::join) << "another RP's";
  EXPECT_EQ(rig.tunnels.state(numbered(4)), RegisterState::join);
  EXPECT_EQ(rig.tunnels.state(numbered(1, "225.1.1.2")), RegisterState::join);
  EXPECT_EQ(rig.tunnels.state(other_vrf), RegisterState::join);
  rig.stop(all_of("225.9.9.9"));
  EXPECT_EQ(rig.ignored(RegisterIgnored::stop_no_state), 1U);
}

TEST(RegisterStop, ManySourcesAreStoppedInSlices) {
  Rig rig;
  for (std::uint32_t n = 0; n < 2500; ++n) rig.could(numbered(n), "5.5.5.5");
  static_cast<void>(rig.said());
  const wire::PimRegisterStop message{.group = group("225.1.1.1"), .source = ip("0.0.0.0")};
  rig.tunnels.on_register_stop(kVrf, ip("5.5.5.5"), message, rig.now);
  EXPECT_THAT(rig.said(), IsEmpty());
  std::vector<std::size_t> slices;
  while (rig.tunnels.next_deadline() && *rig.tunnels.next_deadline() <= rig.now) {
    rig.tunnels.on_timeout(rig.now);
    slices.push_back(rig.said().size() / 2);  // tunnel and record
  }
  EXPECT_THAT(slices, ElementsAre(1000, 1000, 500));
  EXPECT_THAT(rig.on, IsEmpty());
}

TEST(RegisterStop, ManyTimersRunInSlices) {
  Rig rig;
  for (std::uint32_t n = 0; n < 1500; ++n) {
    rig.could(numbered(n), "5.5.5.5");
    rig.stop(numbered(n));
  }
  static_cast<void>(rig.said());
  rig.now += 100s;
  rig.tunnels.on_timeout(rig.now);
  EXPECT_EQ(rig.tunnels.counters().null_registers_sent, 1000U);
  EXPECT_LE(*rig.tunnels.next_deadline(), rig.now);
  rig.work();
  EXPECT_EQ(rig.tunnels.counters().null_registers_sent, 1500U);
  EXPECT_GT(*rig.tunnels.next_deadline(), rig.now);
}

}  // namespace
}  // namespace hotpair::mcast::pim
