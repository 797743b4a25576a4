#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/result.h"
#include "platform/base/time.h"

/// Which rendezvous point serves a group (RFC 7761 4.7). See DESIGN.md.
namespace hotpair::mcast::rp {

/// How an RP became known.
enum class RpSource : std::uint8_t {
  configured = 1,  ///< `static-rp`
  bootstrap = 2,   ///< RFC 5059
  auto_rp = 3,
  embedded = 4,  ///< in the group address itself (RFC 3956); never stored
};
[[nodiscard]] std::string_view to_string(RpSource source);

/// "The groups in `range` meet at `rp`": one line `static-rp ADDR [GROUP-PREFIX]`, or learned.
struct RpMapping {
  IpPrefix range;  ///< multicast prefix, host bits zero
  IpAddress rp;    ///< unicast, same family as the range
  RpSource source = RpSource::configured;
  std::uint8_t priority = 0;                     ///< smaller is better; only BSR has it
  std::optional<std::uint8_t> hash_mask_length;  ///< of the BSR; absent: the hash does not count
  Duration holdtime{};                           ///< as announced; zero: without end
  bool negative = false;                         ///< Auto-RP: groups of the range run without an RP
  bool bidir = false;                            ///< its groups are bidirectional (RFC 5015); IPv4
  friend auto operator<=>(const RpMapping&, const RpMapping&) = default;
};

/// 224.0.0.0/4 or ff00::/8, the range of a static RP without a group prefix.
[[nodiscard]] IpPrefix all_groups(Family family);
/// The range is within the administrative scope. Flags of an IPv6 group are no part of its scope
/// (RFC 7346 2): zone ff05::/16 has ff35::/16 too.
[[nodiscard]] bool lies_in(const IpPrefix& zone, const IpPrefix& range);

/// A range of multicast groups of one family with an RP of the same, host bits zero.
[[nodiscard]] bool is_valid(const RpMapping& mapping);

/// Makes a mapping out of a configured line. Refuses an RP that is not a routable unicast address,
/// a range that is not multicast and a family that differs, each with the operator's sentence.
[[nodiscard]] Result<RpMapping> make_static_rp(const IpAddress& rp,
                                               const std::optional<IpPrefix>& range);

/// Settings of the choice (RFC 6226 6 with what vendors let one change).
struct RpRules {
  /// A static RP beats a learned one of an equally long range. Off in the field unless the line
  /// says so (`preferred`, `override`) or the router is FRR, where it is always on.
  bool static_preferred = false;
  bool embedded = true;  ///< groups of ff70::/12 name their RP
  friend bool operator==(const RpRules&, const RpRules&) = default;
};

/// The group-to-RP mappings in force; a value without timers. The longest range wins; among equal
/// ranges first the source (Auto-RP, bootstrap, static, as routers that speak both have it; RFC
/// 6226 6 has bootstrap first), then the lowest priority value, then the highest hash, then the
/// highest address (RFC 7761 4.7.1). Static RPs have neither priority nor hash.
class RpSet {
 public:
  RpSet() = default;
  /// Mappings whose family or range does not fit are dropped; duplicates collapse.
  explicit RpSet(std::vector<RpMapping> mappings, const RpRules& rules = {});

  /// The stored mapping that covers the group, or nullptr. Link-local and source-specific groups
  /// (RFC 4607) have no RP, nor has a group whose best mapping is negative.
  [[nodiscard]] const RpMapping* find(const Group& group) const;
  /// As find(), but a group that names its RP itself (RFC 3956) meets there before all else.
  [[nodiscard]] std::optional<RpMapping> rp_of(const Group& group) const;
  /// Longest range first, then by range and preference; for displays.
  [[nodiscard]] std::span<const RpMapping> mappings() const { return mappings_; }
  [[nodiscard]] const RpRules& rules() const { return rules_; }
  friend bool operator==(const RpSet&, const RpSet&) = default;

 private:
  [[nodiscard]] int rank(RpSource source) const;
  [[nodiscard]] bool better(const RpMapping& a, const RpMapping& b, const Group& group) const;

  RpRules rules_;
  std::vector<RpMapping> mappings_;
  std::vector<std::size_t> lengths_;  // where in mappings_ each range length begins
};

}  // namespace hotpair::mcast::rp
