#include "platform/probe/receive_account.h"

#include <gtest/gtest.h>

#include "platform/probe/group_range.h"
#include "platform/probe/probe_packet.h"

namespace hotpair::platform::probe {
namespace {

using std::chrono::milliseconds;

class ReceiveAccountTest : public testing::Test {
 protected:
  ReceiveAccountTest() : account({.groups = parse_groups("239.1.1.1+3").value()}) {}

  void hear(std::uint32_t group, std::uint64_t run, std::uint64_t sequence,
            PacketType type = PacketType::data) {
    Bytes bytes;
    encode(Packet{.type = type,
                  .run = run,
                  .group_index = group,
                  .interval_us = 20000,
                  .sequence = sequence,
                  .sent_at = TimePoint(milliseconds(20 * static_cast<std::int64_t>(sequence)))},
           100, bytes);
    account.on_datagram(IpAddress::v4(0xef010101 + group), source, bytes,
                        TimePoint(milliseconds(20 * static_cast<std::int64_t>(sequence) + 1)));
  }

  IpAddress source = IpAddress::v4(0x0a00050a);
  ReceiveAccount account;
};

TEST_F(ReceiveAccountTest, OneEndBoundsAllGroupsOfItsSender) {
  hear(0, 1, 0);
  hear(1, 1, 0);
  EXPECT_FALSE(account.all_ended());
  hear(0, 1, 1);
  hear(0, 1, 2, PacketType::end);
  EXPECT_TRUE(account.all_ended());
  const ReceiveReport report = account.report();
  ASSERT_EQ(report.rows.size(), 3U);
  EXPECT_EQ(report.rows[0].flow.lost, 0U);
  EXPECT_EQ(report.rows[1].flow.lost, 1U) << "its own end never came";
  EXPECT_EQ(report.total.lost, 1U);
  EXPECT_EQ(report.total.stopped, 1U);
  EXPECT_EQ(report.total.unended, 0U);
  EXPECT_EQ(report.total.silent, 1U);
  EXPECT_FALSE(report.rows[2].source);
}

TEST_F(ReceiveAccountTest, TwoSendersAreTwoFlows) {
  hear(0, 1, 0);
  hear(0, 2, 0);
  hear(0, 2, 1, PacketType::end);
  EXPECT_FALSE(account.all_ended());
  const ReceiveReport report = account.report();
  EXPECT_EQ(report.total.flows, 2U);
  EXPECT_EQ(report.total.duplicates, 0U);
  EXPECT_EQ(report.total.unended, 1U);
}

TEST_F(ReceiveAccountTest, EndAloneIsASilentGroup) {
  hear(0, 1, 9, PacketType::end);
  EXPECT_EQ(account.report().total.silent, 3U);
  EXPECT_EQ(account.report().total.expected, 0U);
}

TEST_F(ReceiveAccountTest, ForeignDatagramsAreCounted) {
  account.on_datagram(IpAddress::v4(0xef010101), source, as_bytes("hello"), TimePoint());
  EXPECT_EQ(account.report().foreign, 1U);
  EXPECT_EQ(account.report().total.flows, 0U);
}

TEST_F(ReceiveAccountTest, ReportsNameWhatWasLostAndWhen) {
  hear(0, 1, 0);
  hear(0, 1, 5);
  hear(0, 1, 6, PacketType::end);
  ReceiveReport report = account.report();
  report.interface = "eth\"0";
  report.pauses.push_back({.begin = TimePoint(milliseconds(3)), .length = milliseconds(25)});
  const std::string json = to_json(report);
  EXPECT_NE(json.find(R"("interface":"eth\"0")"), std::string::npos);
  EXPECT_NE(json.find(R"("longest_loss_packets":4,"longest_loss_ms":100.000)"), std::string::npos);
  EXPECT_NE(json.find(R"("pauses":[{"begin_ns":3000000,"ms":25.000}])"), std::string::npos);
  const std::string text = to_text(report, false);
  EXPECT_NE(text.find("2 silent"), std::string::npos);
  EXPECT_NE(text.find("paused 1 times, 25.0 ms"), std::string::npos);
}

}  // namespace
}  // namespace hotpair::platform::probe
