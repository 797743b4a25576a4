#include "mcast/rp/bsr_types.h"

#include <algorithm>
#include <cmath>

#include "platform/base/bytes.h"

namespace hotpair::mcast::rp {
namespace {

/// As a real number: 53 bits are plenty for a delay.
double number(const IpAddress& address) {
  double value = 0;
  for (const std::byte byte : address.bytes()) value = value * 256 + std::to_integer<int>(byte);
  return value;
}

/// `larger` minus `smaller` by bytes, so that the low bits of IPv6 addresses count.
double difference(const IpAddress& larger, const IpAddress& smaller) {
  double value = 0;
  for (std::size_t i = 0; i < larger.bytes().size(); ++i)
    value = value * 256 + std::to_integer<int>(larger.bytes()[i]) -
            std::to_integer<int>(smaller.bytes()[i]);
  return value;
}

}  // namespace

bool passes(const std::vector<IpPrefix>& filter, const IpAddress& address) {
  return filter.empty() || std::ranges::any_of(filter, [&](const IpPrefix& prefix) {
           return prefix.contains(address);
         });
}

Duration override_delay(const BsrWeight& own, const std::optional<BsrWeight>& best) {
  const bool v4 = own.address.is_v4();
  const std::uint8_t best_priority = best ? std::max(best->priority, own.priority) : own.priority;
  double delay = 5.0 + 2.0 * std::log2(1.0 + best_priority - own.priority);
  if (best_priority == own.priority) {
    const IpAddress best_address = best ? std::max(best->address, own.address) : own.address;
    delay += std::log2(1.0 + difference(best_address, own.address)) / (v4 ? 16.0 : 64.0);
  } else {
    delay += 2.0 - number(own.address) / std::exp2(v4 ? 31.0 : 127.0);
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(delay));
}

std::string_view to_string(BsrState state) {
  switch (state) {
    case BsrState::no_info:
      return "No Info";
    case BsrState::accept_any:
      return "Accept Any";
    case BsrState::accept_preferred:
      return "Accept Preferred";
    case BsrState::candidate:
      return "Candidate";
    case BsrState::pending:
      return "Pending";
    case BsrState::elected:
      return "Elected";
  }
  return "unknown";
}

std::string_view to_string(BsrIgnored reason) {
  constexpr std::array<std::string_view, kBsrIgnoredCount> kTexts{
      "standby",
      "no PIM on the link",
      "border",
      "other address family",
      "own message",
      "filtered",
      "not from the RPF neighbour",
      "no RPF answer",
      "not starting",
      "not preferred",
      "bad zone",
      "zone limit",
      "bad group range",
      "bidirectional range",
      "mapping limit",
      "not the BSR",
      "fragment not kept",
  };
  const auto index = static_cast<std::size_t>(reason);
  return index < kTexts.size() ? kTexts[index] : "unknown";
}

}  // namespace hotpair::mcast::rp
