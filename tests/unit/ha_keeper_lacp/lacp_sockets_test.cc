#include "ha/keeper/main/lacp_sockets.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>

#include "ha/lacp/lacp_packet.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::ha::keeper {
namespace {

/// Two veth pairs in a namespace of their own: m0-m1 and n0-n1.
class LacpSockets : public ::testing::Test {
 protected:
  LacpSockets() {
    space.run("ip link add m0 type veth peer name m1; ip link add n0 type veth peer name n1");
    space.run("for d in m0 m1 n0 n1; do ip link set $d up; done");
    space.settle();
  }
  [[nodiscard]] LacpSocket open(const std::string& device) const {
    const lab::Inside inside(space);
    auto socket = LacpSocket::open(device);
    EXPECT_TRUE(socket.has_value()) << device;
    return std::move(*socket);
  }
  static std::optional<Bytes> next(const LacpSocket& socket) {
    pollfd wait{socket.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 5000) != 1) return std::nullopt;
    std::array<std::byte, 2000> buffer;
    ByteSpan payload;
    if (!socket.receive(buffer, payload)) return std::nullopt;
    return to_bytes(payload);
  }
  static Bytes pdu() {
    lacp::Lacpdu pdu;
    pdu.actor.port = 7;
    return lacp::encode_pdu(pdu);
  }
  lab::Namespace space;
};

TEST_F(LacpSockets, PduArrivesWithoutItsHeader) {
  const LacpSocket from = open("m0");
  const LacpSocket to = open("m1");
  const LacpSocket other = open("n1");
  ASSERT_TRUE(from.send(pdu()));
  const auto got = next(to);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(*got, pdu());
  std::array<std::byte, 2000> buffer;
  ByteSpan payload;
  EXPECT_FALSE(other.receive(buffer, payload));
  EXPECT_FALSE(from.receive(buffer, payload)) << "our own frames do not come back";
}

TEST_F(LacpSockets, FrameHasTheSlowProtocolsAddressAndType) {
  const lab::Wire wire(space, "m1");
  const LacpSocket from = open("m0");
  ASSERT_TRUE(from.send(pdu()));
  const auto frame = wire.wait_for([](ByteSpan bytes) {
    return bytes.size() > 14 && bytes[12] == std::byte{0x88} && bytes[13] == std::byte{0x09};
  });
  ASSERT_TRUE(frame.has_value());
  const std::array<std::uint8_t, 6> address{0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};
  for (std::size_t i = 0; i < address.size(); ++i)
    EXPECT_EQ(std::to_integer<std::uint8_t>((*frame)[i]), address[i]);
  EXPECT_EQ(frame->size(), 14 + lacp::kPduLength);
}

TEST_F(LacpSockets, ALinkThatWentDownIsToldAndComesBack) {
  const LacpSocket from = open("m0");
  const LacpSocket to = open("m1");
  space.run("ip link set m0 down");
  const auto sent = from.send(pdu());
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::unavailable);
  space.run("ip link set m0 up");
  ASSERT_TRUE(from.send(pdu()));
  const auto got = next(to);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(*got, pdu());
}

TEST_F(LacpSockets, NoDeviceIsAnError) {
  const lab::Inside inside(space);
  const auto socket = LacpSocket::open("nothing0");
  ASSERT_FALSE(socket.has_value());
  EXPECT_EQ(socket.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace hotpair::ha::keeper
