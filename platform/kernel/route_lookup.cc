#include "platform/kernel/route_lookup.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace hotpair::platform::kernel {
namespace {

/// The attributes of a route or of one of its next hops that matter here.
struct Hop {
  std::optional<Ifindex> interface;
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> prefix;
  const nlattr* multipath = nullptr;
  std::uint32_t priority = 0;
  std::uint32_t table = 0;
  bool by_object = false;  // its next hops are those of a nexthop object
};

ByteSpan payload(const nlattr* attribute) {
  return {static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

std::optional<IpAddress> address_in(ByteSpan bytes) {
  const Result<IpAddress> address = IpAddress::from_bytes(bytes);
  if (!address || address->is_unspecified()) return std::nullopt;
  return *address;
}

int keep(const nlattr* attribute, void* data) {
  auto& hop = *static_cast<Hop*>(data);
  const ByteSpan value = payload(attribute);
  switch (mnl_attr_get_type(attribute)) {
    case RTA_OIF:
      if (value.size() >= 4) hop.interface = Ifindex(mnl_attr_get_u32(attribute));
      break;
    case RTA_GATEWAY:
      hop.gateway = address_in(value);
      break;
    case RTA_VIA:  // an IPv4 route by an IPv6 neighbour: struct rtvia, family then address
      if (value.size() > 2) hop.gateway = address_in(value.subspan(2));
      break;
    case RTA_DST:
      hop.prefix = address_in(value);
      break;
    case RTA_TABLE:
      if (value.size() >= 4) hop.table = mnl_attr_get_u32(attribute);
      break;
    case RTA_MULTIPATH:
      hop.multipath = attribute;
      break;
    case RTA_NH_ID:
      hop.by_object = true;
      break;
    case RTA_PRIORITY:
      if (value.size() >= 4) hop.priority = mnl_attr_get_u32(attribute);
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

/// RFC 7761 leaves the choice among equal routes open; the largest neighbour address is the custom,
/// and both nodes of a pair and every later lookup choose alike.
bool better(const Hop& a, const Hop& b) {
  if (a.gateway != b.gateway) return a.gateway > b.gateway;
  return a.interface > b.interface;
}

std::vector<Hop> usable_hops(const nlattr* multipath) {
  ByteSpan rest = payload(multipath);
  std::vector<Hop> hops;
  while (rest.size() >= sizeof(rtnexthop)) {
    rtnexthop next{};
    std::memcpy(&next, rest.data(), sizeof next);
    if (next.rtnh_len < sizeof next || next.rtnh_len > rest.size()) break;
    Hop hop;
    static_cast<void>(
        mnl_attr_parse_payload(rest.data() + sizeof next, next.rtnh_len - sizeof next, keep, &hop));
    hop.interface = Ifindex(static_cast<std::uint32_t>(next.rtnh_ifindex));
    if ((next.rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0) hops.push_back(hop);
    rest = rest.subspan(std::min<std::size_t>(RTNH_ALIGN(next.rtnh_len), rest.size()));
  }
  return hops;
}

std::uint32_t preference_of(unsigned char protocol) {
  switch (protocol) {
    case RTPROT_KERNEL:
    case RTPROT_RA:
      return 0;
    case RTPROT_BOOT:
    case RTPROT_STATIC:
      return 1;
    case RTPROT_BGP:
      return 20;
    case RTPROT_EIGRP:
      return 90;
    case RTPROT_OSPF:
      return 110;
    case RTPROT_ISIS:
      return 115;
    case RTPROT_RIP:
      return 120;
    default:
      return 255;
  }
}

/// The route in a message that says one, whatever it does with packets.
std::optional<Hop> route_in(const nlmsghdr& message, const rtmsg*& route) {
  if (message.nlmsg_type != RTM_NEWROUTE || message.nlmsg_len < NLMSG_LENGTH(sizeof(rtmsg)))
    return std::nullopt;
  route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  Hop hop;
  static_cast<void>(mnl_attr_parse(&message, sizeof *route, keep, &hop));
  return hop;
}

/// Nothing for a route that forwards nowhere.
std::optional<UnicastRoute> to_unicast(const rtmsg& route, Hop hop) {
  if (route.rtm_type != RTN_UNICAST && route.rtm_type != RTN_LOCAL) return std::nullopt;
  if (hop.multipath != nullptr) {
    const std::vector<Hop> hops = usable_hops(hop.multipath);
    const auto chosen = std::ranges::min_element(hops, better);
    if (chosen == hops.end()) return std::nullopt;
    hop.interface = chosen->interface;
    hop.gateway = chosen->gateway;
  }
  if (!hop.interface) return std::nullopt;
  return UnicastRoute{*hop.interface,
                      hop.gateway,
                      hop.priority,
                      route.rtm_type == RTN_LOCAL,
                      preference_of(route.rtm_protocol),
                      route.rtm_dst_len};
}

std::uint32_t table_number(VrfId vrf) { return vrf == VrfId{} ? RT_TABLE_MAIN : vrf.value(); }

bool precedes(const UnicastRoute& route, const std::optional<UnicastRoute>& other) {
  return !other || route.next_hop > other->next_hop;
}

/// What the kernel answers about an address.
struct Matched {
  std::optional<UnicastRoute> best;
  bool in_doubt = false;  // an IPv6 route whose next hops are a nexthop object's
  IpPrefix prefix;
  std::vector<Hop> hops;
};

/// The IPv6 dump of some kernels answers one message per equal-cost hop.
void take_answer(const nlmsghdr& message, Matched& matched) {
  const rtmsg* route = nullptr;
  const std::optional<Hop> hop = route_in(message, route);
  if (!hop) return;
  const std::optional<UnicastRoute> found = to_unicast(*route, *hop);
  if (!found) return;
  if (precedes(*found, matched.best)) matched.best = found;
  const bool is_v6 = route->rtm_family == AF_INET6;
  matched.in_doubt |= is_v6 && hop->by_object;
  matched.prefix = {hop->prefix.value_or(IpAddress::any(is_v6 ? Family::ipv6 : Family::ipv4)),
                    route->rtm_dst_len};
  const std::vector<Hop> more =
      hop->multipath == nullptr ? std::vector{*hop} : usable_hops(hop->multipath);
  matched.hops.insert(matched.hops.end(), more.begin(), more.end());
}

/// `way`: of a packet to the address.
bool is_believable(const Matched& matched, const IpAddress& address, const Matched& way) {
  if (!matched.prefix.contains(address) || way.hops.size() != 1) return false;
  return std::ranges::any_of(matched.hops, [&](const Hop& hop) {
    return hop.interface == way.hops[0].interface && hop.gateway == way.hops[0].gateway;
  });
}

}  // namespace

Result<RouteLookup> RouteLookup::open() {
  constexpr std::array<unsigned, 2> kGroups{RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
  Result<NetlinkSocket> events = NetlinkSocket::open(kGroups);
  if (!events) return std::unexpected(events.error());
  Result<NetlinkSocket> requests = NetlinkSocket::open();
  if (!requests) return std::unexpected(requests.error());
  Result<NetlinkSocket> dumps = NetlinkSocket::open();
  if (!dumps) return std::unexpected(dumps.error());
  return RouteLookup(std::move(*events), std::move(*requests), std::move(*dumps));
}

template <typename Take>
Result<void> RouteLookup::ask(const IpAddress& address, std::uint32_t flags, Take take) {
  alignas(nlmsghdr) std::array<char, 256> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETROUTE;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  route->rtm_family = address.is_v4() ? AF_INET : AF_INET6;
  route->rtm_dst_len = static_cast<std::uint8_t>(address.bits());
  route->rtm_flags = flags;
  mnl_attr_put(message, RTA_DST, address.bytes().size(), address.bytes().data());
  return requests_.request(*message, take);
}

Result<UnicastRoute> RouteLookup::lookup(const IpAddress& address) {
  // The route itself: its metric and all of its next hops.
  Matched matched;
  const Result<void> done = ask(address, RTM_F_FIB_MATCH, [&matched](const nlmsghdr& answer) {
    take_answer(answer, matched);
  });
  if (!done && done.error().code != ErrorCode::not_found &&
      done.error().code != ErrorCode::refused && done.error().detail != std::strerror(EINVAL))
    return fail(done.error().code,
                fmt::format("route to {}: {}", address.to_string(), done.error().detail));
  const auto no_route = [&] {
    return fail(ErrorCode::not_found, fmt::format("there is no route to {}", address.to_string()));
  };
  if (!done || !matched.best) return no_route();
  if (matched.in_doubt) {
    Matched way;
    const Result<void> sent =
        ask(address, 0, [&way](const nlmsghdr& answer) { take_answer(answer, way); });
    if (!sent || !is_believable(matched, address, way)) return no_route();
  }
  return *matched.best;
}

void RouteLookup::search(VrfId vrf, const IpAddress& address) {
  waiting_[{vrf, address.family()}].try_emplace(address);
  if (searched_.empty()) start_search();
}

bool RouteLookup::start_dump(const Table& table) {
  alignas(nlmsghdr) std::array<char, 256> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETROUTE;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  route->rtm_family = table.second == Family::ipv4 ? AF_INET : AF_INET6;
  mnl_attr_put_u32(message, RTA_TABLE, table_number(table.first));
  return dumps_.start_dump(*message).has_value();
}

/// Of one table after the other.
void RouteLookup::start_search() {
  if (waiting_.empty() || !start_dump(waiting_.begin()->first)) return;
  auto next = waiting_.extract(waiting_.begin());
  table_ = next.key();
  searched_ = std::move(next.mapped());
}

/// Of the addresses in the route's prefix, which stand side by side, those that it suits best.
void RouteLookup::compare(const nlmsghdr& message) {
  const rtmsg* route = nullptr;
  const std::optional<Hop> hop = route_in(message, route);
  if (!hop || hop->table != table_number(table_.first) || (route->rtm_flags & RTM_F_CLONED) != 0 ||
      (route->rtm_flags & RTNH_F_DEAD) != 0 ||
      route->rtm_dst_len > (table_.second == Family::ipv4 ? 32 : 128))
    return;
  const int length = route->rtm_dst_len;
  const IpPrefix prefix{hop->prefix.value_or(IpAddress::any(table_.second)), route->rtm_dst_len};
  const std::optional<UnicastRoute> found = to_unicast(*route, *hop);
  for (auto place = searched_.lower_bound(prefix.network().address);
       place != searched_.end() && prefix.contains(place->first); ++place) {
    Best& best = place->second;
    if (length < best.length || (length == best.length && hop->priority > best.metric)) continue;
    const bool equal = length == best.length && hop->priority == best.metric;
    if (equal && (!found || !precedes(*found, best.route))) continue;
    best = {length, hop->priority, found};
  }
}

RouteLookup::Found RouteLookup::poll_searched(std::size_t max) {
  Found answers;
  for (std::size_t read = 0; read < max && !searched_.empty(); ++read) {
    const NetlinkSocket::Dump state =
        dumps_.receive_dump([this](const nlmsghdr& message) { compare(message); });
    if (state == NetlinkSocket::Dump::more) continue;
    if (state == NetlinkSocket::Dump::failed) {  // the table changed under it: once more
      for (const auto& [address, best] : searched_) waiting_[table_].try_emplace(address);
    } else {
      for (auto& [address, best] : searched_)
        answers.push_back({table_.first, address, std::move(best.route)});
    }
    searched_.clear();
    start_search();
  }
  return answers;
}

bool RouteLookup::poll_changed(std::size_t max) {
  bool changed = false;
  for (std::size_t read = 0; read < max; ++read) {
    const NetlinkSocket::Received received = events_.receive([&changed](const nlmsghdr& message) {
      changed = changed || message.nlmsg_type == RTM_NEWROUTE || message.nlmsg_type == RTM_DELROUTE;
    });
    if (received == NetlinkSocket::Received::none) break;
    if (received == NetlinkSocket::Received::overrun) changed = true;
  }
  return changed;
}

}  // namespace hotpair::platform::kernel
