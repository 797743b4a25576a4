#include "mcast/rp/rp_types.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace hotpair::mcast::rp {

namespace {

bool is_valid(const RpMapping& mapping) {
  return mapping.range.address.family() == mapping.rp.family() &&
         mapping.range.address.is_multicast() &&
         mapping.range.length >= all_groups(mapping.rp.family()).length &&
         mapping.range.length <= mapping.rp.bits();
}

}  // namespace

IpPrefix all_groups(Family family) {
  if (family == Family::ipv4) return {IpAddress::v4(0xe0000000U), 4};
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xff};
  return {IpAddress::from_bytes(bytes).value(), 8};
}

Result<RpMapping> make_static_rp(const IpAddress& rp, const std::optional<IpPrefix>& range) {
  if (rp.is_unspecified() || rp.is_multicast() || rp.is_loopback() || rp.is_link_local_unicast())
    return fail(ErrorCode::refused,
                "static-rp " + rp.to_string() + ": expected a routable unicast address");
  if (!range) return RpMapping{all_groups(rp.family()), rp};
  if (range->address.family() != rp.family())
    return fail(ErrorCode::refused, "static-rp " + rp.to_string() + ": group range " +
                                        range->to_string() + " is of the other family");
  const RpMapping mapping{range->network(), rp};
  if (!is_valid(mapping))
    return fail(ErrorCode::refused, "static-rp " + rp.to_string() + ": " + range->to_string() +
                                        " is not a range of multicast groups");
  return mapping;
}

RpSet::RpSet(std::vector<RpMapping> mappings) : mappings_(std::move(mappings)) {
  for (RpMapping& mapping : mappings_)
    if (mapping.range.length <= mapping.range.address.bits())
      mapping.range = mapping.range.network();
  std::erase_if(mappings_, [](const RpMapping& mapping) { return !is_valid(mapping); });
  std::ranges::sort(mappings_, [](const RpMapping& a, const RpMapping& b) {
    return std::tie(b.range.length, a.range.address, b.rp) <
           std::tie(a.range.length, b.range.address, a.rp);
  });
  mappings_.erase(std::ranges::unique(mappings_).begin(), mappings_.end());
}

const RpMapping* RpSet::find(const Group& group) const {
  if (group.is_default_ssm() || group.address().is_link_local_multicast()) return nullptr;
  const auto hit = std::ranges::find_if(mappings_, [&](const RpMapping& mapping) {
    return mapping.range.contains(group.address());
  });
  return hit == mappings_.end() ? nullptr : &*hit;
}

}  // namespace hotpair::mcast::rp
