#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"

/// Addresses that move with a scope: the device that holds them on both nodes, and what tells the
/// link that they moved. Pure.
namespace hotpair::ha::node {

/// The device over `parent` that holds its floating addresses; 15 characters at most.
[[nodiscard]] std::string floating_device(std::string_view parent);

/// The virtual MAC, the same on both nodes: locally administered, 02:68 and the first IPv4 address,
/// without one 02:69 and a hash of the first IPv6 address.
[[nodiscard]] MacAddress floating_mac(std::span<const IpPrefix> addresses);

/// The number of the link in records of the floating pair, as interface names differ between the
/// nodes: the last four octets of the virtual MAC, but another number in each VRF.
[[nodiscard]] std::uint32_t floating_number(std::span<const IpPrefix> addresses, VrfId vrf);

/// What the device has: each address by itself (the subnet stays with the parent), and for IPv6 a
/// link-local one, made of the MAC (RFC 4291 appendix A) unless one is among `addresses`.
[[nodiscard]] std::vector<IpPrefix> floating_addresses(std::span<const IpPrefix> addresses);

/// Whole Ethernet frames that tell the link who has each address: a gratuitous ARP request (RFC
/// 5227 3) or an unsolicited Neighbor Advertisement with override (RFC 4861 7.2.6).
[[nodiscard]] std::vector<std::string> announcements(std::span<const IpPrefix> addresses);

}  // namespace hotpair::ha::node
