#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mcast/rp/bsr_types.h"
#include "mcast/rp/rp_types.h"
#include "platform/base/time.h"

namespace hotpair::mcast::rp {

/// A learned mapping with its times.
struct LearnedRpModel {
  RpMapping mapping;
  ScopeZone zone;
  std::optional<IpAddress> told_by;  ///< BSR or mapping agent
  Duration uptime{};
  std::optional<Duration> expires;  ///< absent: without end
};

/// One row of `display pim rp-info` and `show ip pim rp mapping`.
struct RpInfoRow {
  RpMapping mapping;
  ScopeZone zone;
  std::optional<IpAddress> told_by;
  std::optional<Duration> uptime;   ///< learned only
  std::optional<Duration> expires;  ///< learned only; absent: without end
  bool local = false;               ///< the RP is this router
};

/// Rows by range (longest first), then in the order of preference.
struct RpInfoModel {
  RpRules rules;
  std::vector<RpInfoRow> rows;
};
[[nodiscard]] RpInfoModel rp_info(const RpSet& set, std::span<const LearnedRpModel> learned,
                                  std::span<const IpAddress> own_addresses);

/// `display pim rp-info GROUP`: the RP of one group and why.
struct GroupRpModel {
  IpAddress group;
  std::optional<RpMapping> mapping;
};
[[nodiscard]] GroupRpModel group_rp(const RpSet& set, const Group& group);

/// Groups for which static configuration and what was learned name different RPs.
struct RpConflict {
  IpPrefix range;                  ///< the groups that both cover
  IpAddress configured;            ///< static RP of them
  std::vector<IpAddress> learned;  ///< RPs of the best learned priority, sorted
  RpSource learned_from = RpSource::bootstrap;
  RpSource in_force = RpSource::bootstrap;  ///< whose RP the groups use
  friend bool operator==(const RpConflict&, const RpConflict&) = default;
};
/// Sorted by range. A longer range of either side hides a shorter one, as find() does.
[[nodiscard]] std::vector<RpConflict> rp_conflicts(const RpSet& set);

/// One zone of `display pim bsr-info`.
struct BsrZoneModel {
  ScopeZone zone;
  BsrState state = BsrState::no_info;
  std::optional<BsrWeight> bsr;
  std::uint8_t hash_mask_length = 0;
  Duration uptime{};                       ///< of the BSR
  std::optional<Duration> next_bootstrap;  ///< elected: the next message
  std::optional<Duration> expires;         ///< else: when the BSR is given up
  std::optional<CandidateBsr> candidate;   ///< this router as candidate
  std::size_t mappings = 0;
  std::size_t offers = 0;  ///< elected: mappings that candidate RPs offer
};

struct BsrInfoModel {
  VrfId vrf;
  Family family = Family::ipv4;
  std::vector<BsrZoneModel> zones;  ///< the whole domain first
  BsrCounters counters;
};

}  // namespace hotpair::mcast::rp
