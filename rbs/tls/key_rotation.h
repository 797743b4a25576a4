#pragma once

#include <filesystem>
#include <string>

#include "platform/base/result.h"
#include "rbs/tls/pair_key.h"

namespace hotpair::rbs::tls {

/// Where a pair key file stands in its rotation: by the times behind the keys.
enum class RotationStage : std::uint8_t {
  settled,   ///< one key
  added,     ///< a newer key stands behind the first: it is accepted and not dialled yet
  promoted,  ///< the newest key is first; older ones are still accepted
};
[[nodiscard]] std::string_view name_of(RotationStage stage);
[[nodiscard]] RotationStage stage_of(const PairKeys& keys);

/// The steps, in order. Each is to be done on one node, copied to the other and taken up by both
/// (`hotpair reload`) before the next; until then both nodes have a key in common, so nothing
/// drops.
enum class RotationStep : std::uint8_t {
  add,      ///< a new key at the end of the list
  promote,  ///< the newest key to the front
  retire,   ///< all but the first go
};

/// Carries out one step on the file; `stamp` is behind a new key, "2026-11-21T08:00:00Z". A step
/// out of order is refused.
[[nodiscard]] Result<PairKeys> rotate(const std::filesystem::path& path, RotationStep step,
                                      std::string_view stamp);

}  // namespace hotpair::rbs::tls
