#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "mcast/pim/pim_types.h"

/// What a router must know to go on with another's register tunnels (checkpoint database 10, scope
/// 0). A value changes only when state changes, and holds no ticking time.
namespace hotpair::mcast::pim {

/// One source that this router registers as its DR.
struct RegisterKey {
  VrfId vrf;
  Group group;
  IpAddress source;
  friend auto operator<=>(const RegisterKey&, const RegisterKey&) = default;
};

/// RFC 7761 4.4.1. NoInfo has neither state nor record.
enum class RegisterState : std::uint8_t {
  join = 1,          ///< the register tunnel is in the outgoing list
  join_pending = 2,  ///< pruned, a Null-Register asks whether it may come back
  prune = 3,         ///< pruned by a Register-Stop
};

inline constexpr std::uint16_t kSuppressionBucket_s = 5;

struct RegisterValue {
  RegisterState state = RegisterState::join;
  IpAddress rp;  ///< RP(G), the far end
  /// prune: the Register-Stop timer as it was set, in whole buckets of kSuppressionBucket_s.
  std::uint16_t suppression_s = 0;
  friend bool operator==(const RegisterValue&, const RegisterValue&) = default;
};

struct RegisterRecord {
  RegisterKey key;
  RegisterValue value;
  friend bool operator==(const RegisterRecord&, const RegisterRecord&) = default;
};

/// One slice of a snapshot: go on after `next`; none: that was all.
struct RegisterSlice {
  std::vector<RegisterRecord> records;
  std::optional<RegisterKey> next;
};

}  // namespace hotpair::mcast::pim
