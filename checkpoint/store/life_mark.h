#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::checkpoint::store {

/// Whose store it is and when it was last alive: a small file beside the environment, written in
/// place once a second, so that the decision whether to open the environment needs no look into it.
struct LifeMark {
  /// /proc/sys/kernel/random/boot_id, or what the operator set; at most 64 bytes.
  std::string boot_id;
  NodeId node;
  Duration alive{};  ///< CLOCK_BOOTTIME
  bool clean = false;    ///< closed in order
  bool damaged = false;  ///< LMDB found the environment damaged, or writing it failed for good
  /// Starts in a row that neither ended clean nor lived a minute.
  std::uint32_t unclean_starts = 0;
  friend bool operator==(const LifeMark&, const LifeMark&) = default;
};

/// Always kLifeMarkBytes long, with a checksum.
inline constexpr std::size_t kLifeMarkBytes = 128;
[[nodiscard]] Bytes encode(const LifeMark& mark);
[[nodiscard]] Result<LifeMark> decode_life_mark(ByteSpan bytes);

/// Whether the records on disk may be restored. Anything but `usable` sets the file aside.
enum class RestoreVerdict {
  usable,
  damaged,      ///< found damaged in its last life
  no_mark,      ///< the mark is missing or damaged: nobody knows whose and how old the records are
  other_boot,   ///< the machine has booted since: hosts and trees have moved on
  other_node,   ///< copied from elsewhere
  too_old,      ///< dead for longer than the membership interval
  clock_behind, ///< the mark lies in the future
};
[[nodiscard]] std::string_view to_string(RestoreVerdict verdict);

/// Decides by the mark alone. `membership_interval` is the oldest age that may be restored.
[[nodiscard]] RestoreVerdict decide_restore(const std::optional<LifeMark>& mark,
                                            const std::string& boot_id, NodeId node,
                                            Duration since_boot, Duration membership_interval);

}  // namespace hotpair::checkpoint::store
