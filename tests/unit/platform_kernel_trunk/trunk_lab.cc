#include "tests/unit/platform_kernel_trunk/trunk_lab.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>

namespace hotpair::lab {

using platform::kernel::EthTrunkConfig;
using platform::kernel::EthTrunkMember;
using platform::kernel::EthTrunks;
using platform::kernel::GateTable;

namespace {

constexpr std::size_t kHeaderWords = 8;

}  // namespace

TrunkWordsMapping::TrunkWordsMapping(int words_fd) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* base = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, words_fd, 0);
  EXPECT_NE(base, MAP_FAILED);
  base_ = static_cast<std::uint64_t*>(base);
}

TrunkWordsMapping::~TrunkWordsMapping() {
  static_cast<void>(::munmap(base_, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))));
}

void TrunkWordsMapping::store(std::uint32_t slot, std::uint64_t word) {
  std::atomic_ref<std::uint64_t>(base_[kHeaderWords + slot]).store(word);
}

TrunkEnd::TrunkEnd(const Namespace& space) {
  const Inside inside(space);
  auto table = GateTable::create(8);
  EXPECT_TRUE(table) << table.error().detail;
  gates = std::move(*table);
  auto mapped = platform::gate::GateWords::map_writable(gates->descriptors().words);
  EXPECT_TRUE(mapped) << mapped.error().detail;
  gate_words.emplace(std::move(*mapped));
  auto made = EthTrunks::create(gates->descriptors().words, 4);
  EXPECT_TRUE(made) << made.error().detail;
  trunks = std::move(*made);
  words = std::make_unique<TrunkWordsMapping>(trunks->descriptors().words);
}

void TrunkEnd::open(std::uint32_t members) {
  gate_words->store(TrunkLab::kGateSlot, platform::gate::kGateOpen);
  words->store(TrunkLab::kSlot, word_of(members, members));
}

void TrunkLab::SetUp() {
  ASSERT_TRUE(privileged()) << "root tests need root";
  const std::string quiet =
      "for d in all default; do echo 0 > /proc/sys/net/ipv4/conf/$d/rp_filter; "
      "echo 0 > /proc/sys/net/ipv6/conf/$d/accept_dad; done";
  router_.run(quiet);
  access_.run(quiet);
  const std::string peer = fmt::format("/proc/{}/fd/{}", ::getpid(), access_.descriptor());
  for (int n = 0; n < 4; ++n) {
    router_.run(
        fmt::format("ip link add m{0} type veth peer name p{0} netns {1} && "
                    "ip link set m{0} up",
                    n, peer));
    access_.run(fmt::format("ip link set p{} up", n));
    ports_.push_back(std::make_unique<Wire>(access_, fmt::format("p{}", n)));
    members_.push_back(std::make_unique<Wire>(router_, fmt::format("m{}", n)));
  }
  router_.settle();
  access_.settle();
  end_.emplace(router_);
  {
    const Inside inside(router_);
    const auto made = end_->trunks->ensure(config());
    ASSERT_TRUE(made) << made.error().detail;
  }
  router_.run(
      "ip addr add 10.1.0.1/24 dev Eth-Trunk1 && ip addr add fd01::1/64 dev Eth-Trunk1 nodad");
  trunk_ = std::make_unique<Wire>(router_, "Eth-Trunk1");
  end_->open(kAll);
}

EthTrunkConfig TrunkLab::config() const {
  EthTrunkConfig wanted;
  wanted.slot = kSlot;
  wanted.device = "Eth-Trunk1";
  wanted.gate_slot = kGateSlot;
  wanted.members = members({{0, 0}, {1, 1}, {2, 2}});
  return wanted;
}

Ifindex TrunkLab::index_of(const std::string& device) const {
  const Inside inside(router_);
  return Ifindex(::if_nametoindex(device.c_str()));
}

std::vector<EthTrunkMember> TrunkLab::members(
    const std::vector<std::pair<std::uint32_t, int>>& list) const {
  std::vector<EthTrunkMember> found;
  for (const auto& [index, device] : list)
    found.push_back({index, index_of(fmt::format("m{}", device))});
  return found;
}

platform::kernel::EthTrunkCounters TrunkLab::counters() const {
  return end_->trunks->counters(kSlot).value();
}

void TrunkLab::answer_with_a_trunk() {
  far_end_.emplace(access_);
  const Inside inside(access_);
  EthTrunkConfig wanted = config();
  wanted.members.clear();
  for (std::uint32_t n = 0; n < kMembers; ++n)
    wanted.members.push_back({n, Ifindex(::if_nametoindex(fmt::format("p{}", n).c_str()))});
  const auto made = far_end_->trunks->ensure(wanted);
  ASSERT_TRUE(made) << made.error().detail;
  access_.run(
      "ip addr add 10.1.0.2/24 dev Eth-Trunk1 && ip addr add fd01::2/64 dev Eth-Trunk1 nodad");
  far_end_->open(kAll);
}

std::vector<int> TrunkLab::exits_of(const std::vector<Bytes>& frames) const {
  std::vector<int> exits(frames.size(), -1);
  for (const Bytes& frame : frames) trunk_->send(frame);
  const auto take = [&](int port) {
    static_cast<void>(ports_[static_cast<std::size_t>(port)]->wait_for(
        [&](ByteSpan frame) {
          const std::optional<int> number = number_of(frame);
          if (!number || static_cast<std::size_t>(*number) >= exits.size()) return false;
          int& exit = exits[static_cast<std::size_t>(*number)];
          EXPECT_EQ(exit, -1) << "came twice: " << *number;
          exit = port;
          return false;
        },
        std::chrono::milliseconds(0)));
  };
  const auto complete = [&] {
    for (int port = 0; port < static_cast<int>(ports_.size()); ++port) take(port);
    return std::ranges::find(exits, -1) == exits.end();
  };
  EXPECT_TRUE(eventually(complete));
  static_cast<void>(complete());  // a second copy would be behind the first
  for (std::size_t n = 0; n < exits.size(); ++n) EXPECT_NE(exits[n], -1) << "lost: " << n;
  return exits;
}

bool TrunkLab::offer(const Bytes& frame) const {
  const Inside inside(router_);
  const FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_ifindex = static_cast<int>(::if_nametoindex("Eth-Trunk1"));
  return ::sendto(socket.get(), frame.data(), frame.size(), 0,
                  reinterpret_cast<const sockaddr*>(&at),
                  sizeof at) == static_cast<ssize_t>(frame.size());
}

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

Bytes numbered(const IpAddress& source, const IpAddress& destination, int number) {
  Bytes frame = udp_frame(source, destination, fmt::format("<{}>", number));
  const std::size_t port = source.is_v4() ? 14 + 20 : 14 + 40;
  const int value = 1000 + number;
  frame[port] = static_cast<std::byte>(value >> 8);
  frame[port + 1] = static_cast<std::byte>(value & 0xff);
  return frame;
}

std::optional<int> number_of(ByteSpan frame) {
  const std::string_view text = as_text(frame);
  const std::size_t begin = text.rfind('<');
  const std::size_t end = text.rfind('>');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
    return std::nullopt;
  int number = 0;
  const auto [rest, error] = std::from_chars(text.data() + begin + 1, text.data() + end, number);
  if (error != std::errc{} || rest != text.data() + end) return std::nullopt;
  return number;
}

Bytes plain_frame(std::string_view header_hex, int number) {
  Bytes frame = hex(header_hex);
  const std::string text = fmt::format("<{}>", number);
  for (const char c : text) frame.push_back(static_cast<std::byte>(c));
  frame.resize(std::max<std::size_t>(frame.size(), 60));
  return frame;
}

Bytes lacpdu(int number) {
  Bytes frame = plain_frame("0180c2000002 020000000002 8809 0101", number);
  frame.resize(14 + 110);
  return frame;
}

}  // namespace hotpair::lab
