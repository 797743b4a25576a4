#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mcast/pim/pim_register_rp.h"
#include "tests/unit/mcast_pim_register/rig.h"

// packet_arrives_on_rp_tunnel() of RFC 7761 4.4.2.
namespace hotpair::mcast::pim {
namespace {

const std::string kStop = "stop 5.5.5.5>10.9.9.9 (10.0.0.2, 225.1.1.1)";
const std::string kActive = "active (10.0.0.2, 225.1.1.1) 210 s";

class Directory final : public RpDirectory {
 public:
  std::map<std::pair<VrfId, Group>, IpAddress> rps;
  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId vrf, const Group& group) const override {
    const auto found = rps.find({vrf, group});
    return found == rps.end() ? std::nullopt : std::optional(found->second);
  }
};

class Trees final : public TreeFacts {
 public:
  bool spt = false;
  bool receivers = false;
  [[nodiscard]] bool spt_bit(VrfId vrf, const Group& to, const IpAddress& source) const override {
    return spt && RegisterKey{vrf, to, source} == key();
  }
  [[nodiscard]] bool has_receivers(VrfId vrf, const Group& to,
                                   const IpAddress& source) const override {
    return receivers && RegisterKey{vrf, to, source} == key();
  }
};

class RegisterAtRp : public testing::Test {
 protected:
  RegisterAtRp() { directory.rps[{kVrf, group("225.1.1.1")}] = ip("5.5.5.5"); }
  static RegisterArrival from_dr(std::string_view to = "5.5.5.5",
                                 std::string_view dr = "10.9.9.9") {
    return {kVrf, ip(dr), ip(to)};
  }
  std::vector<std::string> hear(const wire::PimRegister& message,
                                const RegisterArrival& arrival = from_dr()) {
    receiver.on_register(arrival, message, directory, trees, now);
    std::vector<std::string> texts;
    while (const auto effect = receiver.poll_effect()) {
      if (const auto* active = std::get_if<RegisterSource>(&*effect)) {
        texts.push_back(fmt::format("active ({}, {}) {} s", active->source.to_string(),
                                    active->group.to_string(),
                                    active->keepalive / std::chrono::seconds(1)));
        continue;
      }
      const auto& send = std::get<SendUnicast>(*effect);
      const auto& stop = std::get<wire::PimRegisterStop>(send.message);
      texts.push_back(fmt::format("stop {}>{} ({}, {})", send.source.to_string(),
                                  send.destination.to_string(), stop.source.to_string(),
                                  stop.group.to_string()));
    }
    return texts;
  }
  static wire::PimRegister data(const RegisterKey& of = key()) {
    return {.source = of.source, .group = of.group, .packet = as_bytes("packet")};
  }
  static wire::PimRegister probe() {
    return {.null_register = true, .source = key().source, .group = key().group, .packet = {}};
  }
  std::uint64_t refused(RegisterRefused reason) const {
    return receiver.counters().refused[static_cast<std::size_t>(reason)];
  }

  Directory directory;
  Trees trees;
  RegisterReceiver receiver;
  TimePoint now{1000s};
};

// I_am_RP, SPTbit, SwitchToSptDesired, receivers: what is answered and what MRIB hears.
TEST_F(RegisterAtRp, EveryCaseOfThePseudocode) {
  struct Case {
    bool spt;
    bool switch_to_spt;
    bool receivers;
    std::vector<std::string> said;
  };
  const std::vector<Case> cases{
      {true, true, true, {kStop, kActive}},
      {true, true, false, {kStop, kActive}},
      {true, false, true, {kStop, kActive}},
      {true, false, false, {kStop, kActive}},
      {false, true, true, {kActive}},
      {false, true, false, {kStop, kActive}},
      {false, false, true, {}},
      {false, false, false, {}},
  };
  for (std::size_t n = 0; n < cases.size(); ++n) {
    for (const wire::PimRegister& message : {data(), probe()}) {
      SCOPED_TRACE(n);
      now += 10s;
      trees.spt = cases[n].spt;
      trees.receivers = cases[n].receivers;
      receiver.configure({.switch_to_spt = cases[n].switch_to_spt});
      EXPECT_EQ(hear(message), cases[n].said);
    }
  }
  EXPECT_EQ(receiver.counters().registers, cases.size());
  EXPECT_EQ(receiver.counters().null_registers, cases.size());
}

TEST_F(RegisterAtRp, OneThatIsNotTheRpStopsTheDr) {
  trees.receivers = true;
  EXPECT_THAT(hear(data(), from_dr("5.5.5.6")),
              ElementsAre("stop 5.5.5.6>10.9.9.9 (10.0.0.2, 225.1.1.1)"));
  EXPECT_EQ(refused(RegisterRefused::not_rp), 1U);
  EXPECT_THAT(hear(data(key("10.0.0.2", "225.1.1.2"))), SizeIs(1));
  EXPECT_EQ(refused(RegisterRefused::rp_unknown), 1U);
  EXPECT_THAT(hear(data(), {VrfId{4}, ip("10.9.9.9"), ip("5.5.5.5")}), ElementsAre(kStop));
  EXPECT_EQ(refused(RegisterRefused::rp_unknown), 2U);
  for (const char* to : {"232.1.1.1", "224.0.0.9"}) {
    directory.rps[{kVrf, group(to)}] = ip("5.5.5.5");
    EXPECT_THAT(hear(data(key("10.0.0.2", to))),
                ElementsAre(fmt::format("stop 5.5.5.5>10.9.9.9 (10.0.0.2, {})", to)));
  }
  EXPECT_EQ(refused(RegisterRefused::not_routable), 2U);
}

TEST_F(RegisterAtRp, TheFilterSaysWhoMayBeASource) {
  trees.receivers = true;
  receiver.configure({.sources = {IpPrefix::parse("10.1.0.0/16").value(),
                                  IpPrefix::parse("10.2.0.0/16").value()}});
  EXPECT_THAT(hear(data()), ElementsAre(kStop));
  EXPECT_EQ(refused(RegisterRefused::filtered), 1U);
  EXPECT_THAT(hear(data(key("10.2.0.2"))),
              ElementsAre("stop 5.5.5.5>10.9.9.9 (10.2.0.2, 225.1.1.1)",
                          "active (10.2.0.2, 225.1.1.1) 210 s"));
  EXPECT_EQ(refused(RegisterRefused::filtered), 1U);
  EXPECT_TRUE(receiver.permits(ip("10.1.255.1")));
  EXPECT_FALSE(receiver.permits(ip("10.3.0.1")));
}

TEST_F(RegisterAtRp, NobodyIsAnsweredAtAnAddressThatIsNone) {
  EXPECT_THAT(hear(data(), from_dr("5.5.5.5", "0.0.0.0")), IsEmpty());
  EXPECT_THAT(hear(data(), from_dr("5.5.5.5", "225.0.0.1")), IsEmpty());
  EXPECT_THAT(hear(data(), from_dr("5.5.5.5", "2001:db8::1")), IsEmpty());
  EXPECT_THAT(hear(data(), from_dr("224.0.0.13")), IsEmpty());
  EXPECT_THAT(hear(data(key("255.255.255.255"))), IsEmpty());
  EXPECT_EQ(refused(RegisterRefused::bad_address), 5U);
  EXPECT_EQ(receiver.entry_count(), 0U);
}

TEST_F(RegisterAtRp, AnswersKeepAPacePerSourceAndDr) {
  EXPECT_THAT(hear(data()), ElementsAre(kStop, kActive));
  for (int n = 0; n < 100; ++n) EXPECT_THAT(hear(data()), IsEmpty());
  EXPECT_EQ(receiver.counters().stops_held_back, 100U);
  EXPECT_THAT(hear(data(), from_dr("5.5.5.5", "10.9.9.8")), SizeIs(2)) << "another DR";
  now += 999ms;
  EXPECT_THAT(hear(probe()), IsEmpty());
  now += 1ms;
  EXPECT_THAT(hear(probe()), ElementsAre(kStop, kActive));
  EXPECT_EQ(receiver.counters().stops_sent, 3U);
}

// 4.11: after a Register-Stop the state must last until the DR asks again.
TEST_F(RegisterAtRp, ALongerKeepaliveIsToldAtOnce) {
  receiver.configure({.rp_keepalive_period = 365s});
  trees.receivers = true;
  EXPECT_THAT(hear(data()), ElementsAre(kActive));
  trees.spt = true;
  EXPECT_THAT(hear(data()), ElementsAre(kStop, "active (10.0.0.2, 225.1.1.1) 365 s"));
  EXPECT_THAT(hear(data()), IsEmpty());
}

TEST_F(RegisterAtRp, SilentEntriesGoAndTheLongestSilentMakesRoom) {
  receiver.configure({.rp_keepalive_period = 185s, .entries_max = 2});
  static_cast<void>(hear(data(), from_dr("5.5.5.5", "10.9.9.1")));
  now += 1s;
  static_cast<void>(hear(data(), from_dr("5.5.5.5", "10.9.9.2")));
  now += 1s;
  static_cast<void>(hear(data(), from_dr("5.5.5.5", "10.9.9.3")));
  EXPECT_EQ(receiver.counters().evicted, 1U);
  const auto rows = receiver.show({}, now).rows;
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].dr, ip("10.9.9.2"));
  EXPECT_EQ(rows[0].since, 1s);
  EXPECT_EQ(rows[1].stops, 1U);
  now += 100s;
  static_cast<void>(hear(probe(), from_dr("5.5.5.5", "10.9.9.3")));
  now += 84s;
  receiver.on_timeout(now);
  EXPECT_EQ(receiver.entry_count(), 1U);
  const auto last = receiver.show({.vrf = kVrf, .group = group("225.1.1.1")}, now).rows.front();
  EXPECT_EQ(last.dr, ip("10.9.9.3"));
  EXPECT_EQ(last.registers, 1U);
  EXPECT_EQ(last.null_registers, 1U);
  EXPECT_THAT(receiver.show({.vrf = VrfId{1}}, now).rows, IsEmpty());
  receiver.on_timeout(now + 1s);
  EXPECT_EQ(receiver.entry_count(), 1U) << "heard since";
  ASSERT_TRUE(receiver.next_deadline());
  EXPECT_EQ(*receiver.next_deadline(), now + 101s);
  receiver.on_timeout(*receiver.next_deadline());
  EXPECT_EQ(receiver.entry_count(), 0U);
  EXPECT_FALSE(receiver.next_deadline());
}

TEST_F(RegisterAtRp, ManyEntriesGoInSlices) {
  for (std::uint32_t n = 0; n < 2200; ++n)
    static_cast<void>(hear(data({kVrf, group("225.1.1.1"), IpAddress::v4(0x0a000002U + n)})));
  now += 1h;
  std::vector<std::size_t> left;
  while (receiver.next_deadline()) {
    receiver.on_timeout(now);
    left.push_back(receiver.entry_count());
  }
  EXPECT_THAT(left, ElementsAre(1200, 200, 0));
}

TEST_F(RegisterAtRp, ABorderBitIsCountedAndMeansNothing) {
  trees.receivers = true;
  wire::PimRegister message = data();
  message.border = true;
  EXPECT_THAT(hear(message), ElementsAre(kActive));
  EXPECT_EQ(receiver.counters().borders, 1U);
}

}  // namespace
}  // namespace hotpair::mcast::pim
