#pragma once

#include "ha/node/node.h"

namespace hotpair::ha::node {

/// What this node speaks from on a link: the first configured IPv4 address that the device has,
/// else the first that it has; of IPv6 the link-local one. Unspecified: none.
[[nodiscard]] inline IpAddress link_address(const Link& link, Family family) {
  if (family == Family::ipv6) return link.facts.link_local.value_or(IpAddress::any(family));
  for (const IpPrefix& wanted : link.settings.addresses)
    for (const IpPrefix& present : link.facts.addresses)
      if (wanted.address.is_v4() && wanted.address == present.address) return present.address;
  for (const IpPrefix& present : link.facts.addresses)
    if (present.address.is_v4() && !present.address.is_loopback()) return present.address;
  return IpAddress::any(family);
}

/// The same where the identity floats: the first configured IPv4 address that its device has; of
/// IPv6 its link-local one.
[[nodiscard]] inline IpAddress floating_address(const Link& link, Family family) {
  const DeviceFacts& facts = link.floating_facts;
  if (!facts.up) return IpAddress::any(family);
  if (family == Family::ipv6) return facts.link_local.value_or(IpAddress::any(family));
  for (const IpPrefix& wanted : link.settings.floating)
    for (const IpPrefix& present : facts.addresses)
      if (wanted.address.is_v4() && wanted.address == present.address) return present.address;
  return IpAddress::any(family);
}

}  // namespace hotpair::ha::node
