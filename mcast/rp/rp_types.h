#pragma once

#include <optional>
#include <span>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/result.h"

namespace hotpair::mcast::rp {

/// How an RP became known; only `configured` exists until BSR and Auto-RP do.
enum class RpSource : std::uint8_t { configured };

/// "The groups in `range` meet at `rp`": one line `static-rp ADDR [GROUP-PREFIX]`.
struct RpMapping {
  IpPrefix range;  ///< multicast prefix, host bits zero
  IpAddress rp;    ///< unicast, same family as the range
  RpSource source = RpSource::configured;
  friend auto operator<=>(const RpMapping&, const RpMapping&) = default;
};

/// 224.0.0.0/4 or ff00::/8, the range of a static RP without a group prefix.
[[nodiscard]] IpPrefix all_groups(Family family);

/// Makes a mapping out of a configured line. Refuses an RP that is not a routable unicast address,
/// a range that is not multicast and a family that differs, each with the operator's sentence.
[[nodiscard]] Result<RpMapping> make_static_rp(const IpAddress& rp,
                                               const std::optional<IpPrefix>& range);

/// The group-to-RP mappings in force; a value without timers. Longest match wins; among equal
/// ranges the highest RP address (RFC 7761 4.7.1 without hash and priority, which static RPs lack).
class RpSet {
 public:
  RpSet() = default;
  /// Mappings whose family or range does not fit are dropped; duplicates collapse.
  explicit RpSet(std::vector<RpMapping> mappings);

  /// The mapping that covers the group, or nullptr. Link-local and source-specific groups
  /// (RFC 4607) have no RP.
  [[nodiscard]] const RpMapping* find(const Group& group) const;
  /// Longest range first, then by range and RP; for displays.
  [[nodiscard]] std::span<const RpMapping> mappings() const { return mappings_; }
  friend bool operator==(const RpSet&, const RpSet&) = default;

 private:
  std::vector<RpMapping> mappings_;  // longest range first: the first hit is the answer
};

}  // namespace hotpair::mcast::rp
