#pragma once

#include <cstdint>
#include <optional>

#include "ha/config/setting.h"
#include "platform/base/address.h"

/// Multicast call admission control as configured. Ranges stand in place of access lists; where
/// several match, the most specific decides, of equal ones that which names a direction.
namespace hotpair::ha::config {

/// Which states of an interface a limit counts; `both` is what a line without the word says.
enum class LimitDirection : std::uint8_t { connected, rpf, out, both };

/// Groups, host bits zero, and of their channels those of some sources.
struct ChannelRangeModel {
  IpPrefix groups;
  std::optional<IpPrefix> sources;  ///< absent: all
  friend bool operator==(const ChannelRangeModel&, const ChannelRangeModel&) = default;
};
/// IPv4 first; of a family the longer ranges before those that hold them.
[[nodiscard]] bool is_before(const ChannelRangeModel& a, const ChannelRangeModel& b);

/// `multicast limit [ connected|rpf|out ] GROUPS [ source SOURCES ] MAX [ threshold PERCENT ]`.
struct MulticastLimitModel {
  LimitDirection direction = LimitDirection::both;
  ChannelRangeModel channels;
  std::uint32_t max = 0;  ///< sum of costs
  std::optional<std::uint8_t> threshold_percent;
  friend bool operator==(const MulticastLimitModel&, const MulticastLimitModel&) = default;
};

/// `multicast limit cost GROUPS [ source SOURCES ] COST`.
struct MulticastCostModel {
  ChannelRangeModel channels;
  std::uint32_t cost = 1;
  friend bool operator==(const MulticastCostModel&, const MulticastCostModel&) = default;
};

}  // namespace hotpair::ha::config
