#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/gate/gate_words.h"
#include "platform/kernel/eth_trunk.h"
#include "platform/kernel/gate.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::lab {

/// The trunk words, mapped writable as the keeper does.
class TrunkWordsMapping {
 public:
  explicit TrunkWordsMapping(int words_fd);
  ~TrunkWordsMapping();
  TrunkWordsMapping(const TrunkWordsMapping&) = delete;
  TrunkWordsMapping& operator=(const TrunkWordsMapping&) = delete;
  void store(std::uint32_t slot, std::uint64_t word);
  [[nodiscard]] std::uint64_t header(std::size_t index) const { return base_[index]; }

 private:
  std::uint64_t* base_ = nullptr;
};

/// Both masks of a trunk word.
[[nodiscard]] constexpr std::uint64_t word_of(std::uint32_t collecting,
                                              std::uint32_t distributing) {
  return std::uint64_t{distributing} << 32U | collecting;
}

/// One end of the aggregate: a namespace with a gate table and trunks.
struct TrunkEnd {
  explicit TrunkEnd(const Namespace& space);
  /// Every member collects and distributes, the gate is open.
  void open(std::uint32_t members);

  std::unique_ptr<platform::kernel::GateTable> gates;
  std::optional<platform::gate::GateWords> gate_words;
  std::unique_ptr<platform::kernel::EthTrunks> trunks;
  std::unique_ptr<TrunkWordsMapping> words;
};

/// A router with Eth-Trunk1 (10.1.0.1/24, fd01::1/64) over m0, m1, m2; m3 is spare. The other ends
/// p0 to p3 are in the namespace of the access device, which has raw sockets on them.
class TrunkLab : public testing::Test {
 public:
  static constexpr std::uint32_t kSlot = 1;
  static constexpr std::uint32_t kGateSlot = 3;
  static constexpr std::uint32_t kMembers = 3;
  static constexpr std::uint32_t kAll = 7;

 protected:
  void SetUp() override;
  [[nodiscard]] platform::kernel::EthTrunkConfig config() const;
  [[nodiscard]] Ifindex index_of(const std::string& device) const;
  /// Numbers as member interfaces: {{0, 2}} is index 0 = m2.
  [[nodiscard]] std::vector<platform::kernel::EthTrunkMember> members(
      const std::vector<std::pair<std::uint32_t, int>>& list) const;
  [[nodiscard]] platform::kernel::EthTrunkCounters counters() const;
  /// Gives the access device an aggregate too (10.1.0.2/24, fd01::2/64 on the other Eth-Trunk1),
  /// for whole conversations.
  void answer_with_a_trunk();
  /// Sends the frames through the trunk and tells where each came out, by the number that
  /// frame_with() put into it; fails if one was lost or came twice.
  [[nodiscard]] std::vector<int> exits_of(const std::vector<Bytes>& frames) const;

  /// Sends on the trunk a frame that may be dropped; the kernel tells the sender if it was.
  [[nodiscard]] bool offer(const Bytes& frame) const;

  Namespace router_;
  Namespace access_;
  std::optional<TrunkEnd> end_;
  std::optional<TrunkEnd> far_end_;
  std::vector<std::unique_ptr<Wire>> ports_;    // p0 to p3
  std::vector<std::unique_ptr<Wire>> members_;  // m0 to m3
  std::unique_ptr<Wire> trunk_;                 // Eth-Trunk1
};

/// A frame whose payload names it: "<number>" in angle brackets, source port 1000 + number.
[[nodiscard]] Bytes numbered(const IpAddress& source, const IpAddress& destination, int number);
/// The number in a frame; nullopt for the kernel's own chatter.
[[nodiscard]] std::optional<int> number_of(ByteSpan frame);
/// A frame of any ethertype with its number in it.
[[nodiscard]] Bytes plain_frame(std::string_view header_hex, int number);
[[nodiscard]] IpAddress address(std::string_view text);
/// An LACPDU of the right length to the slow protocols address, with its number in it.
[[nodiscard]] Bytes lacpdu(int number);

}  // namespace hotpair::lab
