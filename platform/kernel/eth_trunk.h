#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"
#include "platform/kernel/link_editor.h"

namespace hotpair::platform::kernel {

/// Members of one trunk: bit n of a collecting or distributing mask is the member with index n.
inline constexpr std::size_t kTrunkMembersMax = 32;

/// Borrowed descriptors of the trunk maps, to be passed to the keeper by SCM_RIGHTS. The keeper
/// writes `words`; it holds the others only so that a new daemon can adopt them.
///
/// `words` is a mmapable array of u64: 8 header words (magic 0x68707472756e0001, number of trunks),
/// then one word a trunk: collecting mask in the low 32 bits, distributing mask in the high 32.
struct EthTrunkDescriptors {
  int words = -1;
  int ports = -1;     ///< hash: ifindex -> trunk and member
  int trunks = -1;    ///< array: devices, members and gate slot of each trunk
  int counters = -1;  ///< per-CPU array by trunk
};

struct EthTrunkMember {
  std::uint32_t index = 0;  ///< below kTrunkMembersMax: the bit in the trunk word
  Ifindex interface;
  friend auto operator<=>(const EthTrunkMember&, const EthTrunkMember&) = default;
};

struct EthTrunkConfig {
  std::uint32_t slot = 0;                  ///< number of the trunk word
  std::string device;                      ///< "Eth-Trunk1"
  std::optional<std::uint32_t> gate_slot;  ///< gate word of its scope; none: not gated
  std::vector<EthTrunkMember> members;
  /// Kept over everything once the device exists; none: derived from the member with the lowest
  /// index, locally administered, so that it differs from the members' own.
  std::optional<MacAddress> mac;
  std::optional<std::uint32_t> mtu;  ///< never more than the members allow; none: what they allow
  /// Collecting members below which the trunk is dormant (RFC 2863) while its gate is open; 0
  /// and 1: at least one.
  std::uint32_t least_active_links = 1;
};

/// What is there now.
struct EthTrunkDevice {
  std::uint32_t slot = 0;
  Ifindex device;
  Ifindex hidden;  ///< the other end of the pair; it gives the trunk its carrier
  std::optional<std::uint32_t> gate_slot;
  std::vector<EthTrunkMember> members;  ///< sorted by index; also those whose device is gone
  std::uint32_t least_active_links = 1;
};

/// Since the maps were made, per member index. A segmented packet counts its segments; its bytes
/// count the headers once.
struct EthTrunkMemberCounters {
  std::uint64_t rx_packets = 0;  ///< steered into the trunk
  std::uint64_t rx_bytes = 0;
  std::uint64_t rx_slow = 0;            ///< slow protocols (LACP), left on the member
  std::uint64_t rx_not_collecting = 0;  ///< dropped
  std::uint64_t rx_gate_closed = 0;     ///< dropped
  std::uint64_t tx_packets = 0;         ///< left the trunk through this member
  std::uint64_t tx_bytes = 0;
  std::uint64_t tx_slow = 0;     ///< slow protocols sent on the member itself
  std::uint64_t tx_foreign = 0;  ///< dropped: sent on the member and neither trunk nor slow
  friend bool operator==(const EthTrunkMemberCounters&, const EthTrunkMemberCounters&) = default;
};

struct EthTrunkCounters {
  std::uint64_t tx_gate_closed = 0;  ///< dropped
  std::uint64_t tx_no_member = 0;    ///< dropped: no member was distributing
  std::uint64_t tx_slow = 0;         ///< dropped: LACPDUs sent on the trunk instead of a member
  std::array<EthTrunkMemberCounters, kTrunkMembersMax> members{};
  friend bool operator==(const EthTrunkCounters&, const EthTrunkCounters&) = default;
};

class TrunkObject;

/// Eth-Trunk devices of this network namespace: aggregates of Ethernet members by clsact programs,
/// no bonding driver. Programs, maps and devices outlive this object and its process; the
/// destructor removes nothing. Call everything in the namespace of the devices.
class EthTrunks {
 public:
  /// Makes new maps, all words 0 (no member collects or distributes), and loads the programs.
  /// `gate_words_fd` is the words map of the GateTable.
  [[nodiscard]] static Result<std::unique_ptr<EthTrunks>> create(int gate_words_fd,
                                                                 std::uint32_t trunks);
  /// The maps that a keeper kept for an earlier process.
  struct KeptMaps {
    FileDescriptor words;
    FileDescriptor ports;
    FileDescriptor trunks;
    FileDescriptor counters;
  };
  /// Takes over the maps and loads this build's programs on them. Traffic goes on by the old
  /// programs until ensure() replaces them in place. `malformed` for another map layout.
  [[nodiscard]] static Result<std::unique_ptr<EthTrunks>> adopt(int gate_words_fd, KeptMaps maps);
  EthTrunks(const EthTrunks&) = delete;
  EthTrunks& operator=(const EthTrunks&) = delete;
  ~EthTrunks();

  /// Makes the trunk what the configuration says: device, programs, members, MTU, MAC address. What
  /// is so already is left alone; nothing is lost by a repetition. `exists` when the device name
  /// belongs to something else.
  [[nodiscard]] Result<EthTrunkDevice> ensure(const EthTrunkConfig& config);
  /// Replaces the members only. Members that stay are not disturbed; a new one is set up (frames
  /// for any address, no LRO, administratively up). All are judged before anything is changed.
  [[nodiscard]] Result<void> set_members(std::uint32_t slot, std::vector<EthTrunkMember> members);
  /// Releases the members and deletes the device. Fine if there is none. The word stays the
  /// keeper's.
  [[nodiscard]] Result<void> remove(std::uint32_t slot);
  /// The trunks of the maps, by slot; after an adoption those of the earlier process.
  [[nodiscard]] std::vector<EthTrunkDevice> devices() const;

  /// Compares the trunk word with least-active-links and makes the device dormant or up. A closed
  /// gate (a backup) leaves it up: routes, neighbours and carrier stay in either case. Call it when
  /// the word has changed; answers whether the device is up.
  [[nodiscard]] Result<bool> update_operational(std::uint32_t slot);

  /// The word as the programs see it; 0 for a slot that does not exist.
  [[nodiscard]] std::uint64_t word(std::uint32_t slot) const;
  [[nodiscard]] Result<EthTrunkCounters> counters(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t slots() const;
  [[nodiscard]] EthTrunkDescriptors descriptors() const;

 private:
  EthTrunks(std::unique_ptr<TrunkObject> object, LinkEditor links);
  /// The two ends of the veth pair.
  struct Pair {
    LinkDetails device;
    LinkDetails hidden;
    bool created = false;
  };
  [[nodiscard]] Result<Pair> pair_of(const std::string& device);
  [[nodiscard]] Result<void> join_ends(std::uint32_t slot, const Pair& pair);
  [[nodiscard]] Result<void> dress(const Pair& pair, const EthTrunkConfig& config,
                                   const std::vector<EthTrunkMember>& members);
  [[nodiscard]] Result<void> judge(std::uint32_t slot, const std::vector<EthTrunkMember>& members);
  [[nodiscard]] Result<void> apply_members(std::uint32_t slot,
                                           const std::vector<EthTrunkMember>& members,
                                           bool replace_programs);
  [[nodiscard]] Result<void> set_mtu(const EthTrunkDevice& trunk, std::uint32_t mtu,
                                     bool only_lower);
  [[nodiscard]] Result<void> join(std::uint32_t slot, const EthTrunkMember& member,
                                  const LinkDetails& link, bool present_already);
  [[nodiscard]] Result<void> release(std::uint32_t slot, const EthTrunkMember& member);
  std::unique_ptr<TrunkObject> object_;
  LinkEditor links_;
};

}  // namespace hotpair::platform::kernel
