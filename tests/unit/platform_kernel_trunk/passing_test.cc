// What passes: collecting and distributing, the gate, slow protocols.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "platform/kernel/link_editor.h"
#include "tests/unit/platform_kernel_trunk/trunk_lab.h"

namespace hotpair::platform::kernel {
namespace {

using gate::kGateClosed;
using gate::kGateOpen;
using lab::address;
using lab::number_of;
using lab::numbered;
using lab::word_of;

class EthTrunkPassingTest : public lab::TrunkLab {
 protected:
  MacAddress trunk_mac() const {
    const lab::Inside inside(router_);
    auto editor = LinkEditor::open();
    EXPECT_TRUE(editor);
    const auto found = editor->find("Eth-Trunk1");
    EXPECT_TRUE(found) << found.error().detail;
    return found ? found->mac : MacAddress{};
  }
};

TimePoint monotonic_now() {
  timespec time{};
  EXPECT_EQ(::clock_gettime(CLOCK_MONOTONIC, &time), 0);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

Bytes inbound(int number) { return numbered(address("10.1.0.2"), address("10.1.0.1"), number); }
Bytes outbound(int number) { return numbered(address("10.1.0.1"), address("10.1.0.2"), number); }

bool arrives(const lab::Wire& wire, int number) {
  return wire.wait_for([&](ByteSpan frame) { return number_of(frame) == number; }).has_value();
}
/// True if `number` comes before `marker`, which is known to come.
bool comes_before(const lab::Wire& wire, int number, int marker) {
  bool came = false;
  EXPECT_TRUE(wire.wait_for([&](ByteSpan frame) {
    came = came || number_of(frame) == number;
    return number_of(frame) == marker;
  })) << "the marker is lost";
  return came;
}

TEST_F(EthTrunkPassingTest, OnlyCollectingMembersAreHeard) {
  end_->words->store(kSlot, word_of(0b101, kAll));
  ports_[1]->send(inbound(1));
  ports_[0]->send(inbound(2));
  EXPECT_FALSE(comes_before(*trunk_, 1, 2));
  ports_[2]->send(inbound(3));
  EXPECT_TRUE(arrives(*trunk_, 3));
  const EthTrunkCounters count = counters();
  EXPECT_EQ(count.members[1].rx_packets, 0U);
  EXPECT_GE(count.members[1].rx_not_collecting, 1U);
  EXPECT_GE(count.members[0].rx_packets, 1U);
  EXPECT_EQ(count.members[0].rx_not_collecting, 0U);
  end_->words->store(kSlot, word_of(kAll, 0));
  ports_[1]->send(inbound(4));
  EXPECT_TRUE(arrives(*trunk_, 4)) << "collecting without distributing";
  EXPECT_FALSE(offer(outbound(5)));
  EXPECT_GT(counters().tx_no_member, count.tx_no_member) << "nobody distributes";
}

/// What has come out of a port and entered the aggregate by its trunk device: the kernel speaks MLD
/// there whenever it likes, so counters are compared with the wire and not with what was sent.
class LeftByTrunk {
 public:
  LeftByTrunk(const lab::Wire& port, const MacAddress& trunk) : port_(port), trunk_(trunk) {}
  void take() {
    static_cast<void>(port_.wait_for(
        [this](ByteSpan frame) {
          const ByteSpan source = frame.subspan(6, 6);
          const bool ours = std::ranges::equal(source, std::as_bytes(std::span(trunk_.octets)));
          if (!ours && !number_of(frame)) return false;  // of m1 or p1 itself
          ++frames;
          bytes += frame.size();
          if (number_of(frame)) ++numbered;
          return false;
        },
        std::chrono::milliseconds(0)));
  }
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t numbered = 0;

 private:
  const lab::Wire& port_;
  MacAddress trunk_;
};

TEST_F(EthTrunkPassingTest, CountersCountFramesAndBytes) {
  end_->words->store(kSlot, word_of(kAll, 0b010));
  const EthTrunkCounters before = counters();
  LeftByTrunk left(*ports_[1], trunk_mac());
  for (int n = 0; n < 5; ++n) trunk_->send(outbound(1));
  EXPECT_TRUE(lab::eventually([&] {
    const EthTrunkCounters now = counters();
    left.take();
    return now.members[1].tx_packets == left.frames && now.members[1].tx_bytes == left.bytes;
  })) << counters().members[1].tx_packets
      << " counted, " << left.frames << " seen";
  EXPECT_EQ(left.numbered, 5U);
  EXPECT_EQ(counters().members[0].tx_packets, before.members[0].tx_packets);
  const Bytes in = inbound(2);
  ports_[2]->send(in);
  ASSERT_TRUE(arrives(*trunk_, 2));
  EXPECT_GE(counters().members[2].rx_bytes, before.members[2].rx_bytes + in.size());
}

/// A socket as the keeper has it: slow protocols of one member.
class SlowSocket {
 public:
  SlowSocket(const lab::Namespace& space, Ifindex interface) {
    const lab::Inside inside(space);
    fd_ = FileDescriptor(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x8809)));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(0x8809);
    at.sll_ifindex = static_cast<int>(interface.value());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    const timeval patience{10, 0};
    EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  }
  std::optional<int> receive() const {
    std::array<std::byte, 2000> buffer;
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return std::nullopt;
    return number_of(ByteSpan(buffer.data(), static_cast<std::size_t>(size)));
  }
  [[nodiscard]] bool send(ByteSpan frame) const {
    return ::send(fd_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
  }

 private:
  FileDescriptor fd_;
};

TEST_F(EthTrunkPassingTest, LacpdusStayOnTheirMemberWhateverTheWordsSay) {
  const SlowSocket member(router_, index_of("m1"));
  int number = 100;
  for (const auto& [gate, word] : {std::pair(kGateOpen, word_of(kAll, kAll)),
                                   {kGateOpen, word_of(0, 0)},
                                   {kGateClosed, word_of(kAll, kAll)},
                                   {gate::GateWord{1}, word_of(kAll, kAll)}}) {
    end_->gate_words->store(kGateSlot, gate);
    end_->words->store(kSlot, word);
    ports_[1]->send(lab::lacpdu(++number));
    EXPECT_EQ(member.receive(), number);
    EXPECT_TRUE(member.send(lab::lacpdu(++number)));
    EXPECT_TRUE(arrives(*ports_[1], number));
  }
  EXPECT_EQ(counters().members[1].rx_slow, 4U);
  EXPECT_EQ(counters().members[1].tx_slow, 4U);
  end_->open(kAll);
  ports_[1]->send(inbound(200));
  EXPECT_FALSE(comes_before(*trunk_, 107, 200)) << "an LACPDU came out of the trunk";
  EXPECT_EQ(trunk_->count("<1"), 0U);
}

TEST_F(EthTrunkPassingTest, LacpdusDoNotLeaveByTheTrunkItself) {
  EXPECT_FALSE(offer(lab::lacpdu(1)));
  EXPECT_EQ(counters().tx_slow, 1U);
  trunk_->send(outbound(2));
  EXPECT_EQ(counters().members[0].tx_slow + counters().members[1].tx_slow, 0U);
  for (const auto& port : ports_) EXPECT_EQ(port->count("<1>"), 0U);
}

TEST_F(EthTrunkPassingTest, ATaggedFrameIsNoLacpdu) {
  ports_[0]->send(lab::tagged(lab::lacpdu(1), 5));
  ports_[0]->send(inbound(2));
  EXPECT_TRUE(comes_before(*trunk_, 1, 2)) << "it is data of that VLAN";
}

TEST_F(EthTrunkPassingTest, NothingElseLeavesByAMember) {
  const Bytes frame = outbound(1);
  const SlowSocket member(router_, index_of("m0"));
  EXPECT_FALSE(member.send(frame));
  EXPECT_TRUE(member.send(lab::lacpdu(2)));
  EXPECT_FALSE(comes_before(*ports_[0], 1, 2));
  EXPECT_GE(counters().members[0].tx_foreign, 1U);
}

TEST_F(EthTrunkPassingTest, AClosedGateStopsUnicastInBothDirections) {
  end_->gate_words->store(kGateSlot, kGateClosed);
  ports_[0]->send(inbound(1));
  EXPECT_FALSE(offer(outbound(2)));
  EXPECT_GE(counters().tx_gate_closed, 1U);
  EXPECT_TRUE(lab::eventually([&] { return counters().members[0].rx_gate_closed >= 1; }));
  end_->gate_words->store(kGateSlot, kGateOpen);
  ports_[0]->send(inbound(3));
  EXPECT_FALSE(comes_before(*trunk_, 1, 3));
  trunk_->send(outbound(4));
  std::size_t came = 0;
  for (const auto& port : ports_) {
    std::size_t second = 0;
    static_cast<void>(port->wait_for(
        [&](ByteSpan frame) {
          if (number_of(frame) == 2) ++second;
          if (number_of(frame) == 4) ++came;
          return false;
        },
        std::chrono::milliseconds(20)));
    EXPECT_EQ(second, 0U);
  }
  EXPECT_EQ(came, 1U);
}

TEST_F(EthTrunkPassingTest, AnExpiredLeaseIsClosed) {
  end_->gate_words->store(kGateSlot, gate::lease_until(monotonic_now() + std::chrono::hours(1)));
  ports_[0]->send(inbound(1));
  EXPECT_TRUE(arrives(*trunk_, 1)) << "within the lease";
  const TimePoint end = monotonic_now() + std::chrono::milliseconds(20);
  end_->gate_words->store(kGateSlot, gate::lease_until(end));
  ASSERT_TRUE(lab::eventually([&] { return monotonic_now() > end; }));
  const std::uint64_t before = counters().members[0].rx_gate_closed;
  ports_[0]->send(inbound(2));
  EXPECT_TRUE(lab::eventually([&] { return counters().members[0].rx_gate_closed > before; }));
  const std::uint64_t dropped = counters().tx_gate_closed;
  EXPECT_FALSE(offer(outbound(3)));
  EXPECT_GT(counters().tx_gate_closed, dropped);
}

TEST_F(EthTrunkPassingTest, ATrunkWithoutAScopeHasNoGate) {
  EthTrunkConfig wanted = config();
  wanted.gate_slot.reset();
  const lab::Inside inside(router_);
  ASSERT_TRUE(end_->trunks->ensure(wanted));
  for (std::size_t slot = 0; slot < 8; ++slot) end_->gate_words->store(slot, kGateClosed);
  static_cast<void>(exits_of({outbound(0)}));
  wanted.gate_slot = 100;  // beyond the table: closed, not open
  ASSERT_TRUE(end_->trunks->ensure(wanted));
  const std::uint64_t before = counters().tx_gate_closed;
  EXPECT_FALSE(offer(outbound(1)));
  EXPECT_GT(counters().tx_gate_closed, before);
}

TEST_F(EthTrunkPassingTest, FlippingTwoMembersInOneStoreLosesNothing) {
  std::atomic<std::uint64_t> flips = 0;
  end_->words->store(kSlot, word_of(kAll, 0b010));
  std::jthread flipper([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      end_->words->store(kSlot, word_of(kAll, flips % 2 == 0 ? 0b001 : 0b010));
      ++flips;
    }
  });
  const EthTrunkCounters before = counters();
  std::array<std::size_t, 2> by_port{};
  constexpr std::size_t kRounds = 40;
  constexpr std::size_t kEach = 200;
  // Until both have carried frames: the flipper shares its processor with others.
  const auto seen_both = [&] { return by_port[0] > 0 && by_port[1] > 0 && flips > 100; };
  std::size_t rounds = 0;
  for (; rounds < kRounds || (!seen_both() && rounds < 50 * kRounds); ++rounds) {
    std::vector<Bytes> frames;
    for (std::size_t n = 0; n < kEach; ++n) frames.push_back(outbound(static_cast<int>(n)));
    for (const int exit : exits_of(frames)) {
      ASSERT_TRUE(exit == 0 || exit == 1);
      ++by_port[static_cast<std::size_t>(exit)];
    }
  }
  flipper.request_stop();
  flipper.join();
  EXPECT_EQ(by_port[0] + by_port[1], rounds * kEach);
  EXPECT_GT(by_port[0], 0U);
  EXPECT_GT(by_port[1], 0U);
  EXPECT_GT(flips, 100U);
  EXPECT_EQ(counters().tx_no_member, before.tx_no_member);
}

TEST_F(EthTrunkPassingTest, FramesSentPastTheQueueingLayerTakeTheSameWay) {
  const lab::Inside inside(router_);
  const FileDescriptor direct(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  const int on = 1;
  ASSERT_EQ(::setsockopt(direct.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on), 0);
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_ifindex = static_cast<int>(index_of("Eth-Trunk1").value());
  const std::vector<int> usual = exits_of({outbound(0)});
  const Bytes frame = outbound(0);
  ASSERT_EQ(::sendto(direct.get(), frame.data(), frame.size(), 0,
                     reinterpret_cast<const sockaddr*>(&at), sizeof at),
            static_cast<ssize_t>(frame.size()));
  EXPECT_TRUE(arrives(*ports_[static_cast<std::size_t>(usual[0])], 0));
  end_->gate_words->store(kGateSlot, kGateClosed);
  const std::uint64_t before = counters().tx_gate_closed;
  ASSERT_GT(::sendto(direct.get(), frame.data(), frame.size(), 0,
                     reinterpret_cast<const sockaddr*>(&at), sizeof at),
            0);
  EXPECT_TRUE(lab::eventually([&] { return counters().tx_gate_closed > before; }));
}

}  // namespace
}  // namespace hotpair::platform::kernel
