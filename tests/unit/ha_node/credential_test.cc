#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ha/node/expiry.h"
#include "ha/node/node.h"

namespace hotpair::ha::node {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

const WallTime kEnd = WallTime(seconds(1'800'000'000));  // 2027-01-15 08:00 UTC
constexpr const char* kOwn = "ssl policy p: own certificate hotpair:node:A";

class Credentials : public ::testing::Test {
 protected:
  Credentials() : node({NodeId{7}, "test", 1}, at) {}
  /// The ids of the alarms once the certificate has that long to live.
  std::vector<std::string> alarms_with(Duration left) {
    at += seconds(1);
    node.on_credentials({{kOwn, kEnd}}, kEnd - left, at);
    std::vector<std::string> ids;
    for (const ActiveAlarm& alarm : node.alarms().active()) ids.emplace_back(alarm.message->id);
    return ids;
  }
  std::vector<std::string> logged() {
    std::vector<std::string> lines;
    while (auto effect = node.poll_effect())
      if (const auto* log = std::get_if<WriteLog>(&*effect)) lines.push_back(log->text);
    return lines;
  }
  using Ids = std::vector<std::string>;
  TimePoint at{};
  Node node;
};

TEST_F(Credentials, StagesBeginAtTheirDay) {
  EXPECT_EQ(expiry_stage(kEnd, kEnd - days(30) - seconds(1)), ExpiryStage::good);
  EXPECT_EQ(expiry_stage(kEnd, kEnd - days(30)), ExpiryStage::month);
  EXPECT_EQ(expiry_stage(kEnd, kEnd - days(7) - seconds(1)), ExpiryStage::month);
  EXPECT_EQ(expiry_stage(kEnd, kEnd - days(7)), ExpiryStage::week);
  EXPECT_EQ(expiry_stage(kEnd, kEnd - days(1) - seconds(1)), ExpiryStage::week);
  EXPECT_EQ(expiry_stage(kEnd, kEnd - days(1)), ExpiryStage::day);
  EXPECT_EQ(expiry_stage(kEnd, kEnd), ExpiryStage::day);
  EXPECT_EQ(expiry_stage(kEnd, kEnd + seconds(1)), ExpiryStage::expired);
}

TEST_F(Credentials, OneAlarmThatGetsWorse) {
  EXPECT_EQ(alarms_with(days(31)), Ids{});
  EXPECT_EQ(alarms_with(days(30)), Ids{"HA-NODE-0041"});
  EXPECT_EQ(node.alarms().active().front().text,
            std::string(kOwn) + " expires on 2027-01-15 08:00 UTC, in 30 days");
  EXPECT_EQ(alarms_with(days(6)), Ids{"HA-NODE-0042"});
  EXPECT_EQ(alarms_with(hours(5)), Ids{"HA-NODE-0043"});
  EXPECT_EQ(node.alarms().active().front().text,
            std::string(kOwn) + " expires on 2027-01-15 08:00 UTC, in 5 hours");
  EXPECT_EQ(alarms_with(-hours(1)), Ids{"HA-NODE-0044"});
  EXPECT_EQ(logged().size(), 7U) << "four alarms, three of them cleared by the next";
}

TEST_F(Credentials, SinceAndTextWithinAStage) {
  EXPECT_EQ(alarms_with(days(20)), Ids{"HA-NODE-0041"});
  const TimePoint since = node.alarms().active().front().since;
  static_cast<void>(logged());
  EXPECT_EQ(alarms_with(days(19)), Ids{"HA-NODE-0041"});
  EXPECT_EQ(node.alarms().active().front().since, since);
  EXPECT_NE(node.alarms().active().front().text.find("in 19 days"), std::string::npos);
  EXPECT_TRUE(logged().empty()) << "a stage is logged once";
}

TEST_F(Credentials, ARenewedOrForgottenCertificateEndsItsAlarm) {
  EXPECT_EQ(alarms_with(days(2)), Ids{"HA-NODE-0042"});
  EXPECT_EQ(alarms_with(days(365)), Ids{});
  EXPECT_EQ(alarms_with(days(2)), Ids{"HA-NODE-0042"});
  node.on_credentials({}, kEnd, at);
  EXPECT_TRUE(node.alarms().active().empty());
}

TEST_F(Credentials, TheFilesOfAPolicy) {
  node.on_policy("p", "key file a.key: mode 0644 lets others read it", at);
  ASSERT_EQ(node.alarms().active().size(), 1U);
  EXPECT_EQ(node.alarms().active().front().subject, "ssl policy p");
  EXPECT_EQ(node.alarms().active().front().message->id, "HA-NODE-0046");
  node.on_policy("p", "", at);
  EXPECT_TRUE(node.alarms().active().empty());
}

/// A channel with certificates opens without a pair key, and tells what fails.
TEST_F(Credentials, AChannelByCertificates) {
  NodeConfig config;
  config.services.push_back(
      {"s1", IpAddress::parse("1.1.1.1").value(), IpAddress::parse("3.3.3.3").value(), 1025, "p"});
  node.apply(config, at);
  std::optional<OpenTransport> opened;
  while (auto effect = node.poll_effect())
    if (const auto* open = std::get_if<OpenTransport>(&*effect)) opened = *open;
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->ssl_policy, "p");
  const Service& service = *node.services().at("s1");
  node.on_transport_down(opened->transport, "peer certificate expired on 2026-01-01", at,
                         "certificate-expired");
  EXPECT_EQ(service.last_error, "peer certificate expired on 2026-01-01");
  EXPECT_EQ(service.failures.at("certificate-expired"), 1U);
  node.on_transport_up(opened->transport, at);
  node.on_renewal_failed(opened->transport, "no", at, "certificate-wrong-ca");
  EXPECT_TRUE(service.stream_up) << "the stream goes on over the connection in use";
  EXPECT_EQ(service.failures.at("certificate-wrong-ca"), 1U);
  const auto has = [&](const char* id) {
    for (const ActiveAlarm& alarm : node.alarms().active())
      if (alarm.message->id == id) return true;
    return false;
  };
  EXPECT_TRUE(has("HA-NODE-0045"));
  node.on_transport_renewed(opened->transport, at);
  EXPECT_FALSE(has("HA-NODE-0045"));
  EXPECT_EQ(service.renewals, 1U);
  EXPECT_EQ(service.connects + service.disconnects, 0U);
}

}  // namespace
}  // namespace hotpair::ha::node
