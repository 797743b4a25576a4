// Which member a frame leaves by.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>

#include "tests/unit/platform_kernel_trunk/trunk_lab.h"

namespace hotpair::platform::kernel {
namespace {

using lab::address;
using lab::numbered;
using lab::word_of;

class EthTrunkFlowTest : public lab::TrunkLab {
 protected:
  static constexpr int kFlows = 300;

  static std::vector<Bytes> flows(std::string_view source, std::string_view destination) {
    std::vector<Bytes> frames;
    for (int n = 0; n < kFlows; ++n)
      frames.push_back(numbered(address(source), address(destination), n));
    return frames;
  }
  /// A fair share is a third; less than half of that would be a broken hash.
  static void expect_spread(const std::vector<int>& exits, std::size_t over) {
    std::map<int, std::size_t> share;
    for (const int port : exits) ++share[port];
    EXPECT_EQ(share.size(), over);
    for (const auto& [port, count] : share)
      EXPECT_GT(count, exits.size() / over / 2) << "member " << port;
  }
  std::vector<int> exits_over(std::uint32_t distributing, const std::vector<Bytes>& frames) {
    end_->words->store(kSlot, word_of(distributing, distributing));
    return exits_of(frames);
  }
};

TEST_F(EthTrunkFlowTest, FlowsSpreadOverPortsAndKeepTheirMember) {
  for (const auto& [source, destination] :
       {std::pair("10.1.0.1", "10.1.0.2"), {"fd01::1", "fd01::2"}, {"10.1.0.1", "239.1.1.1"}}) {
    const std::vector<Bytes> frames = flows(source, destination);
    const std::vector<int> first = exits_of(frames);
    expect_spread(first, 3);
    EXPECT_EQ(exits_of(frames), first) << destination;
  }
}

TEST_F(EthTrunkFlowTest, AddressesAloneSpreadToo) {
  std::vector<Bytes> ipv4;
  std::vector<Bytes> ipv6;
  for (int n = 0; n < kFlows; ++n) {
    const Bytes text = to_bytes(as_bytes(fmt::format("<{}>", n)));
    ipv4.push_back(lab::ipv4_frame(
        address("10.1.0.1"), address(fmt::format("239.1.{}.{}", n / 100, n % 100)), 47, text));
    ipv6.push_back(
        lab::ipv6_frame(address("fd01::1"), address(fmt::format("ff1e::{:x}", n)), 47, text));
  }
  expect_spread(exits_of(ipv4), 3);
  expect_spread(exits_of(ipv6), 3);
}

TEST_F(EthTrunkFlowTest, OneVlanTagIsSkipped) {
  for (const auto& [source, destination] :
       {std::pair("10.1.0.1", "10.1.0.2"), {"fd01::1", "fd01::2"}}) {
    const std::vector<Bytes> frames = flows(source, destination);
    std::vector<Bytes> tagged;
    for (const Bytes& frame : frames) tagged.push_back(lab::tagged(frame, 100));
    EXPECT_EQ(exits_of(tagged), exits_of(frames)) << "the same flow, tagged or not";
  }
}

TEST_F(EthTrunkFlowTest, FragmentsOfADatagramStayTogether) {
  std::vector<Bytes> first4;
  std::vector<Bytes> later4;
  std::vector<Bytes> first6;
  std::vector<Bytes> later6;
  for (int n = 0; n < kFlows; ++n) {
    const std::string host = fmt::format("10.1.{}.{}", n / 100, n % 100 + 1);
    Bytes frame = numbered(address("10.1.0.1"), address(host), n);
    frame[14 + 6] = std::byte{0x20};  // more fragments: the ports are in this one
    first4.push_back(frame);
    frame = numbered(address("10.1.0.1"), address(host), n);
    frame[14 + 7] = std::byte{0x55};  // an offset: these bytes are no ports
    frame[14 + 20] = std::byte{0x77};
    later4.push_back(frame);
    const IpAddress host6 = address(fmt::format("fd01::{:x}", n + 2));
    const Bytes number = to_bytes(as_bytes(fmt::format("<{}>", n)));
    Bytes body = lab::hex("1100 0001 00000001 1111 2222 0100 0000");
    body.insert(body.end(), number.begin(), number.end());
    first6.push_back(lab::ipv6_frame(address("fd01::1"), host6, 44, body));
    body = lab::hex("1100 0550 00000001 99aa bbcc ddee ff00");
    body.insert(body.end(), number.begin(), number.end());
    later6.push_back(lab::ipv6_frame(address("fd01::1"), host6, 44, body));
  }
  const std::vector<int> exits4 = exits_of(first4);
  EXPECT_EQ(exits_of(later4), exits4);
  expect_spread(exits4, 3);
  const std::vector<int> exits6 = exits_of(first6);
  EXPECT_EQ(exits_of(later6), exits6);
  expect_spread(exits6, 3);
}

TEST_F(EthTrunkFlowTest, OtherProtocolsGoByMacAddress) {
  std::vector<Bytes> frames;
  for (int n = 0; n < kFlows; ++n)
    frames.push_back(lab::plain_frame(fmt::format("0200000{:05x} 020000000002 88b5", n), n));
  const std::vector<int> exits = exits_of(frames);
  expect_spread(exits, 3);
  EXPECT_EQ(exits_of(frames), exits);
}

TEST_F(EthTrunkFlowTest, HeadersCutShortLeaveSomewhere) {
  const EthTrunkCounters before = counters();
  std::vector<Bytes> frames;
  frames.push_back(lab::plain_frame("020000000001 020000000002 0800 45", 0));
  frames.push_back(lab::plain_frame("020000000001 020000000002 86dd 60", 1));
  frames.push_back(lab::plain_frame("020000000001 020000000002 8100 0064 0800 45", 2));
  for (Bytes& frame : frames) frame.resize(24);  // the number is within
  static_cast<void>(exits_of(frames));
  for (Bytes& frame : frames) frame.resize(16);  // not even a tag is whole
  for (const Bytes& frame : frames) trunk_->send(frame);
  EXPECT_EQ(counters().tx_no_member, before.tx_no_member);
}

TEST_F(EthTrunkFlowTest, AMemberThatLeavesTakesOnlyItsFlowsAlong) {
  const std::vector<Bytes> frames = flows("10.1.0.1", "10.1.0.2");
  const std::vector<int> three = exits_of(frames);
  for (int gone = 0; gone < 3; ++gone) {
    const std::vector<int> two = exits_over(kAll & ~(1U << static_cast<unsigned>(gone)), frames);
    for (std::size_t n = 0; n < frames.size(); ++n) {
      if (three[n] == gone) {
        EXPECT_NE(two[n], gone);
      } else {
        EXPECT_EQ(two[n], three[n]) << "flow " << n << " was disturbed";
      }
    }
    expect_spread(two, 2);
  }
  EXPECT_EQ(exits_over(kAll, frames), three) << "and they come back";
}

TEST_F(EthTrunkFlowTest, AMemberThatComesTakesOnlyWhatItGets) {
  const std::vector<Bytes> frames = flows("10.1.0.1", "10.1.0.2");
  const std::vector<int> three = exits_of(frames);
  {
    const lab::Inside inside(router_);
    const auto set = end_->trunks->set_members(kSlot, members({{0, 0}, {1, 1}, {2, 2}, {31, 3}}));
    ASSERT_TRUE(set) << set.error().detail;
  }
  EXPECT_EQ(exits_of(frames), three) << "a member without its bit carries nothing";
  const std::vector<int> four = exits_over(kAll | 1U << 31U, frames);
  for (std::size_t n = 0; n < frames.size(); ++n)
    EXPECT_TRUE(four[n] == three[n] || four[n] == 3) << "flow " << n;
  expect_spread(four, 4);
}

TEST_F(EthTrunkFlowTest, BitsWithoutAMemberAreIgnored) {
  const std::vector<Bytes> frames = flows("10.1.0.1", "10.1.0.2");
  const std::vector<int> three = exits_of(frames);
  EXPECT_EQ(exits_over(0xffffffff, frames), three);
}

}  // namespace
}  // namespace hotpair::platform::kernel
