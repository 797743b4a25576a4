#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/mroute.h"
#include "platform/kernel/vif_list.h"

namespace hotpair::platform::kernel {

/// One change in the kernel's terms.
struct KernelPlane::Planned {
  std::size_t position = 0;  // in the delta
  bool set = false;
  fwd::RouteKey key;
  unsigned parent = 0;         // VIF or MIF number
  Ifindex incoming;            // device of the parent; zero in a removal
  std::uint32_t outgoing = 0;  // bit per VIF or MIF number
};

namespace {

static_assert(MAXVIFS == KernelPlane::kLinksMax && MAXMIFS == KernelPlane::kLinksMax);
constexpr std::size_t kRouteBytesMax = 512;
constexpr std::size_t kBatchMessages = 256;  // in one send; well below the send buffer

std::string describe(const fwd::RouteKey& key) {
  return fmt::format("({}, {})", key.source ? key.source->to_string() : "*", key.group.to_string());
}

Error route_error(const fwd::RouteKey& key, int error) {
  ErrorCode code = ErrorCode::unavailable;
  if (error == ENOENT) code = ErrorCode::not_found;
  if (error == ENOMEM || error == ENOBUFS) code = ErrorCode::exhausted;
  if (error == EPERM || error == EACCES || error == EINVAL || error == ENFILE)
    code = ErrorCode::refused;
  if (error == ENODEV) code = ErrorCode::not_found;
  return {code, fmt::format("route {}: {}", describe(key), std::strerror(error))};
}

/// Appends one rtnexthop per VIF number up to the last outgoing one; rtnh_hops 0 is "not outgoing".
void put_ttls(nlmsghdr* message, std::uint32_t outgoing) {
  nlattr* nest = mnl_attr_nest_start(message, RTA_MULTIPATH);
  for (; outgoing != 0; outgoing >>= 1U) {
    rtnexthop hop{};
    hop.rtnh_len = sizeof hop;
    hop.rtnh_hops = (outgoing & 1U) != 0 ? 1 : 0;
    std::memcpy(mnl_nlmsg_get_payload_tail(message), &hop, sizeof hop);
    message->nlmsg_len += static_cast<std::uint32_t>(sizeof hop);
  }
  mnl_attr_nest_end(message, nest);
}

sockaddr_in6 socket_address(const IpAddress& address) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  std::memcpy(&result.sin6_addr, address.bytes().data(), 16);
  return result;
}

in_addr ipv4_address(const IpAddress& address) {
  in_addr result{};
  std::memcpy(&result, address.bytes().data(), sizeof result);
  return result;
}

/// What a dumped route says, in interface indexes.
struct DumpedRoute {
  ByteSpan source;
  ByteSpan group;
  Ifindex incoming;
  std::vector<Ifindex> outgoing;
};

int keep_route_attribute(const nlattr* attribute, void* data) {
  auto& dumped = *static_cast<DumpedRoute*>(data);
  const ByteSpan value(static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
                       mnl_attr_get_payload_len(attribute));
  switch (mnl_attr_get_type(attribute)) {
    case RTA_SRC:
      dumped.source = value;
      break;
    case RTA_DST:
      dumped.group = value;
      break;
    case RTA_IIF:
      if (value.size() >= 4) dumped.incoming = Ifindex(mnl_attr_get_u32(attribute));
      break;
    case RTA_MULTIPATH:
      for (ByteSpan rest = value; rest.size() >= sizeof(rtnexthop);) {
        rtnexthop hop{};
        std::memcpy(&hop, rest.data(), sizeof hop);
        if (hop.rtnh_len < sizeof hop) break;
        dumped.outgoing.emplace_back(static_cast<std::uint32_t>(hop.rtnh_ifindex));
        rest = rest.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), rest.size()));
      }
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

}  // namespace

Result<KernelPlane::Planned> KernelPlane::plan(const fwd::RouteChange& change) const {
  const auto* set = std::get_if<fwd::SetRoute>(&change);
  const fwd::RouteKey& key =
      set != nullptr ? set->route.key : std::get<fwd::RemoveRoute>(change).key;
  const auto refuse = [&key](std::string_view why) {
    return fail(ErrorCode::refused, fmt::format("route {}: {}", describe(key), why));
  };
  if (key.vrf != vrf()) return refuse("this plane serves another VRF");
  if (key.source && key.source->family() != key.group.family())
    return refuse("source and group are of different families");
  Planned planned{0, set != nullptr, key, 0, {}, 0};
  if (set == nullptr) return planned;
  const fwd::Route& route = set->route;
  if (route.incoming) {
    const std::optional<unsigned> parent = vif_number(*route.incoming, key.group.family());
    if (!parent) return refuse("the incoming link is not in the plane");
    planned.parent = *parent;
    planned.incoming = table(key.group.family())[*parent].interface;
  } else if (!route.outgoing.empty()) {
    return refuse("a route with outgoing links needs an incoming one");
  } else {
    // The kernel wants some VIF; without outgoing links it does not matter which.
    const VifTable& vifs = table(key.group.family());
    const auto any = std::ranges::find_if(vifs, [](const Vif& vif) { return vif.used; });
    if (any == vifs.end()) return refuse("the plane has no link yet");
    planned.parent = static_cast<unsigned>(any - vifs.begin());
    planned.incoming = any->interface;
  }
  for (const LinkId link : route.outgoing) {
    const std::optional<unsigned> number = vif_number(link, key.group.family());
    if (!number) return refuse("an outgoing link is not in the plane");
    planned.outgoing |= 1U << *number;
  }
  // The kernel finds a (*,G) entry only for packets from a link that is among its outgoing ones.
  if (!key.source && route.incoming) planned.outgoing |= 1U << planned.parent;
  return planned;
}

std::vector<fwd::AppliedChange> KernelPlane::apply(std::span<const fwd::RouteChange> delta) {
  std::vector<fwd::AppliedChange> applied;
  applied.reserve(delta.size());
  std::vector<Planned> ipv4;
  std::vector<Planned> ipv6;
  for (std::size_t position = 0; position < delta.size(); ++position) {
    const auto* set = std::get_if<fwd::SetRoute>(&delta[position]);
    applied.push_back(
        {set != nullptr ? set->route.key : std::get<fwd::RemoveRoute>(delta[position]).key, {}});
    Result<Planned> planned = plan(delta[position]);
    if (!planned) {
      applied.back().error = planned.error();
      continue;
    }
    planned->position = position;
    (planned->key.group.family() == Family::ipv4 ? ipv4 : ipv6).push_back(std::move(*planned));
  }
  for (std::span<const Planned> rest(ipv4); !rest.empty();) {
    const std::size_t count = std::min(rest.size(), kBatchMessages);
    apply_ipv4(rest.first(count), applied);
    rest = rest.subspan(count);
  }
  for (const Planned& each : ipv6) applied[each.position].error = apply_ipv6(each);
  bool full = false;
  for (std::size_t position = 0; position < applied.size(); ++position) {
    const std::optional<Error>& error = applied[position].error;
    full = full || (error && error->code == ErrorCode::exhausted);
    if (error) {
      ++statistics_.route_errors;
    } else if (std::holds_alternative<fwd::SetRoute>(delta[position])) {
      ++statistics_.routes_set;
    } else {
      ++statistics_.routes_removed;
    }
  }
  if (full) pending_.emplace_back(fwd::CapacityReached{"mfc", 0, vrf()});
  return applied;
}

void KernelPlane::apply_ipv4(std::span<const Planned> planned,
                             std::vector<fwd::AppliedChange>& applied) {
  Bytes buffer(planned.size() * kRouteBytesMax);
  std::size_t used = 0;
  const std::uint32_t first = netlink_.next_sequence(static_cast<std::uint32_t>(planned.size()));
  for (std::size_t index = 0; index < planned.size(); ++index) {
    const Planned& each = planned[index];
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data() + used);
    message->nlmsg_type = each.set ? RTM_NEWROUTE : RTM_DELROUTE;
    message->nlmsg_flags = NLM_F_REQUEST;
    if (each.set) message->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
    if (index + 1 == planned.size()) message->nlmsg_flags |= NLM_F_ACK;
    message->nlmsg_seq = first + static_cast<std::uint32_t>(index);
    auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
    route->rtm_family = RTNL_FAMILY_IPMR;
    route->rtm_dst_len = 32;
    route->rtm_src_len = each.key.source ? 32 : 0;
    route->rtm_type = RTN_MULTICAST;
    route->rtm_scope = RT_SCOPE_UNIVERSE;
    route->rtm_protocol = RTPROT_MROUTED;  // an entry of the owner, gone with its last descriptor
    if (each.key.source) mnl_attr_put(message, RTA_SRC, 4, each.key.source->bytes().data());
    mnl_attr_put(message, RTA_DST, 4, each.key.group.address().bytes().data());
    mnl_attr_put_u32(message, RTA_TABLE, multicast_table(vrf(), Family::ipv4));
    if (each.incoming.value() != 0) mnl_attr_put_u32(message, RTA_IIF, each.incoming.value());
    if (each.outgoing != 0) put_ttls(message, each.outgoing);  // an empty list is refused
    used += NLMSG_ALIGN(message->nlmsg_len);
  }
  const Result<void> sent = netlink_.batch(
      ByteSpan(buffer).first(used), first, static_cast<std::uint32_t>(planned.size()),
      [&](std::uint32_t index, int error) {
        applied[planned[index].position].error = route_error(planned[index].key, error);
      });
  if (sent) return;
  for (const Planned& each : planned) {
    if (!applied[each.position].error) applied[each.position].error = sent.error();
  }
}

std::optional<Error> KernelPlane::apply_ipv6(const Planned& planned) {
  mf6cctl request{};
  request.mf6cc_origin =
      socket_address(planned.key.source ? *planned.key.source : IpAddress::any(Family::ipv6));
  request.mf6cc_mcastgrp = socket_address(planned.key.group.address());
  request.mf6cc_parent = static_cast<mifi_t>(planned.parent);
  static_assert(NIFBITS == 8 * sizeof planned.outgoing);
  request.mf6cc_ifset.ifs_bits[0] = planned.outgoing;
  const int option = planned.set ? MRT6_ADD_MFC : MRT6_DEL_MFC;
  if (::setsockopt(sockets_.descriptors().ipv6, IPPROTO_IPV6, option, &request, sizeof request) ==
      0)
    return std::nullopt;
  return route_error(planned.key, errno);
}

Result<std::vector<fwd::Route>> KernelPlane::read_back() {
  std::vector<fwd::Route> routes;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::size_t before = routes.size();
    Result<void> done;
    for (int attempt = 0; attempt < 5;
         ++attempt) {  // a dump that a change interrupted is made again
      routes.erase(routes.begin() + static_cast<std::ptrdiff_t>(before), routes.end());
      statistics_.foreign_routes = family == Family::ipv4 ? 0 : statistics_.foreign_routes;
      done = dump(family, routes);
      if (done || done.error().code != ErrorCode::unavailable) break;
    }
    if (!done) return std::unexpected(done.error());
  }
  return routes;
}

Result<void> KernelPlane::dump(Family family, std::vector<fwd::Route>& routes) {
  alignas(nlmsghdr) std::array<char, 64> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETROUTE;
  message->nlmsg_flags = NLM_F_DUMP;
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  header->rtm_family = family == Family::ipv4 ? RTNL_FAMILY_IPMR : RTNL_FAMILY_IP6MR;
  mnl_attr_put_u32(message, RTA_TABLE, multicast_table(vrf(), family));
  return netlink_.request(*message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWROUTE || answer.nlmsg_len < NLMSG_LENGTH(sizeof(rtmsg))) return;
    const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&answer));
    if ((route->rtm_flags & RTNH_F_UNRESOLVED) != 0) return;
    if (route->rtm_protocol != RTPROT_MROUTED) {
      ++statistics_.foreign_routes;
      return;
    }
    DumpedRoute dumped;
    static_cast<void>(mnl_attr_parse(&answer, sizeof(rtmsg), keep_route_attribute, &dumped));
    const Result<IpAddress> group_address = IpAddress::from_bytes(dumped.group);
    const Result<Group> group = group_address
                                    ? Group::from(*group_address)
                                    : Result<Group>(std::unexpected(group_address.error()));
    const Result<IpAddress> source = IpAddress::from_bytes(dumped.source);
    if (!group || group->family() != family) return;
    fwd::Route read{{vrf(), *group, {}}, {}, {}};
    if (source && !source->is_unspecified()) read.key.source = *source;
    read.incoming = link_of(dumped.incoming, family);
    for (const Ifindex interface : dumped.outgoing) {
      const std::optional<LinkId> link = link_of(interface, family);
      if (link && link != read.incoming) read.outgoing.push_back(*link);
    }
    std::ranges::sort(read.outgoing);
    routes.push_back(std::move(read));
  });
}

std::vector<std::optional<fwd::RouteCounters>> KernelPlane::counters(
    std::span<const fwd::RouteKey> keys) {
  std::vector<std::optional<fwd::RouteCounters>> answers;
  answers.reserve(keys.size());
  const RoutingDescriptors owner = sockets_.descriptors();
  for (const fwd::RouteKey& key : keys) {
    answers.emplace_back();
    const IpAddress source = key.source ? *key.source : IpAddress::any(key.group.family());
    if (key.vrf != vrf() || source.family() != key.group.family()) continue;
    if (key.group.family() == Family::ipv4) {
      sioc_sg_req request{};
      request.src = ipv4_address(source);
      request.grp = ipv4_address(key.group.address());
      if (::ioctl(owner.ipv4, SIOCGETSGCNT, &request) == 0)
        answers.back() = {request.pktcnt, request.bytecnt, request.wrong_if};
    } else {
      sioc_sg_req6 request{};
      request.src = socket_address(source);
      request.grp = socket_address(key.group.address());
      if (::ioctl(owner.ipv6, SIOCGETSGCNT_IN6, &request) == 0)
        answers.back() = {request.pktcnt, request.bytecnt, request.wrong_if};
    }
  }
  return answers;
}

}  // namespace hotpair::platform::kernel
