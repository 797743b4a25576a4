#include "mcast/rp/rp_types.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "mcast/rp/rp_choice.h"

namespace hotpair::mcast::rp {

std::string_view to_string(RpSource source) {
  switch (source) {
    case RpSource::configured:
      return "static";
    case RpSource::bootstrap:
      return "BSR";
    case RpSource::auto_rp:
      return "Auto-RP";
    case RpSource::embedded:
      return "embedded";
  }
  return "unknown";
}

bool lies_in(const IpPrefix& zone, const IpPrefix& range) {
  if (range.length < zone.length) return false;
  if (range.address.is_v4()) return zone.contains(range.address);
  std::array<std::byte, 16> bytes{};
  std::ranges::copy(range.address.bytes(), bytes.begin());
  bytes[1] &= std::byte{0x0f};
  const auto plain = IpAddress::from_bytes(bytes);
  return zone.contains(range.address) || (plain && zone.contains(*plain));
}

IpPrefix all_groups(Family family) {
  if (family == Family::ipv4) return {IpAddress::v4(0xe0000000U), 4};
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xff};
  return {IpAddress::from_bytes(bytes).value(), 8};
}

bool is_valid(const RpMapping& mapping) {
  return mapping.range.address.family() == mapping.rp.family() &&
         mapping.range.address.is_multicast() &&
         mapping.range.length >= all_groups(mapping.rp.family()).length &&
         mapping.range.length <= mapping.rp.bits() && mapping.range == mapping.range.network();
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

RpSet::RpSet(std::vector<RpMapping> mappings, const RpRules& rules)
    : rules_(rules), mappings_(std::move(mappings)) {
  for (RpMapping& mapping : mappings_)
    if (mapping.range.length <= mapping.range.address.bits())
      mapping.range = mapping.range.network();
  std::erase_if(mappings_, [](const RpMapping& mapping) { return !is_valid(mapping); });
  std::ranges::sort(mappings_, [this](const RpMapping& a, const RpMapping& b) {
    const int rank_a = rank(a.source);
    const int rank_b = rank(b.source);
    return std::tie(b.range.length, a.range.address, rank_a, a.priority, b.rp, a) <
           std::tie(a.range.length, b.range.address, rank_b, b.priority, a.rp, b);
  });
  mappings_.erase(std::ranges::unique(mappings_).begin(), mappings_.end());
  for (std::size_t i = 0; i < mappings_.size(); ++i)
    if (i == 0 || mappings_[i].range.length != mappings_[i - 1].range.length) lengths_.push_back(i);
}

int RpSet::rank(RpSource source) const {
  switch (source) {
    case RpSource::embedded:
      return 0;
    case RpSource::configured:
      return rules_.static_preferred ? 1 : 4;
    case RpSource::auto_rp:
      return 2;
    case RpSource::bootstrap:
      return 3;
  }
  return 5;
}

bool RpSet::better(const RpMapping& a, const RpMapping& b, const Group& group) const {
  if (const int ra = rank(a.source), rb = rank(b.source); ra != rb) return ra < rb;
  if (a.negative != b.negative) return a.negative;
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.hash_mask_length && b.hash_mask_length) {
    const std::uint32_t hash_a = rp_hash(group, *a.hash_mask_length, a.rp);
    const std::uint32_t hash_b = rp_hash(group, *b.hash_mask_length, b.rp);
    if (hash_a != hash_b) return hash_a > hash_b;
  }
  return a.rp > b.rp;
}

const RpMapping* RpSet::find(const Group& group) const {
  if (group.is_default_ssm() || group.address().is_link_local_multicast()) return nullptr;
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    const std::size_t begin = lengths_[i];
    const std::size_t end = i + 1 < lengths_.size() ? lengths_[i + 1] : mappings_.size();
    const std::uint8_t length = mappings_[begin].range.length;
    if (length > group.address().bits()) continue;
    const IpAddress wanted = IpPrefix{group.address(), length}.network().address;
    const auto equal =
        std::ranges::equal_range(std::span(mappings_).subspan(begin, end - begin), wanted, {},
                                 [](const RpMapping& mapping) { return mapping.range.address; });
    if (equal.empty()) continue;
    const auto best = std::ranges::min_element(
        equal, [&](const RpMapping& a, const RpMapping& b) { return better(a, b, group); });
    return best->negative ? nullptr : &*best;
  }
  return nullptr;
}

std::optional<RpMapping> RpSet::rp_of(const Group& group) const {
  if (rules_.embedded)
    if (const auto rp = embedded_rp(group))
      return RpMapping{.range = {group.address(), static_cast<std::uint8_t>(rp->bits())},
                       .rp = *rp,
                       .source = RpSource::embedded};
  const RpMapping* mapping = find(group);
  return mapping == nullptr ? std::nullopt : std::optional(*mapping);
}

}  // namespace hotpair::mcast::rp
