#include "platform/kernel/link_monitor.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#ifndef IFA_PROTO
#define IFA_PROTO (IFA_FLAGS + 3)
#endif

namespace hotpair::platform::kernel {
namespace {

using LinkMap = std::map<Ifindex, Link>;
using AttributeTable = std::array<const nlattr*, 64>;

int keep_attribute(const nlattr* attribute, void* data) {
  auto& table = *static_cast<AttributeTable*>(data);
  const std::size_t type = mnl_attr_get_type(attribute);
  if (type < table.size()) table[type] = attribute;
  return MNL_CB_OK;
}

AttributeTable attributes_of(const nlmsghdr& message, std::size_t family_header) {
  AttributeTable table{};
  if (message.nlmsg_len >= NLMSG_LENGTH(family_header))
    static_cast<void>(
        mnl_attr_parse(&message, static_cast<unsigned>(family_header), keep_attribute, &table));
  return table;
}

ByteSpan payload(const nlattr* attribute) {
  return {static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

std::uint32_t u32_or(const nlattr* attribute, std::uint32_t fallback) {
  if (attribute == nullptr || payload(attribute).size() < sizeof fallback) return fallback;
  return mnl_attr_get_u32(attribute);
}

/// Reads RTM_NEWLINK or RTM_DELLINK; nullopt for other families (bridge ports) and short messages.
std::optional<Link> read_link(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) return std::nullopt;
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0) return std::nullopt;
  const AttributeTable table = attributes_of(message, sizeof *info);
  Link link;
  link.index = Ifindex(static_cast<std::uint32_t>(info->ifi_index));
  link.admin_up = (info->ifi_flags & IFF_UP) != 0;
  link.carrier = (info->ifi_flags & IFF_LOWER_UP) != 0;
  link.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
  link.mtu = u32_or(table[IFLA_MTU], 0);
  if (table[IFLA_IFNAME] != nullptr) {
    const std::string_view name = as_text(payload(table[IFLA_IFNAME]));
    link.name = name.substr(0, name.find('\0'));
  }
  if (table[IFLA_ADDRESS] != nullptr && payload(table[IFLA_ADDRESS]).size() == 6)
    std::memcpy(link.mac.octets.data(), payload(table[IFLA_ADDRESS]).data(), 6);
  return link;
}

struct ReadAddress {
  Ifindex interface;
  InterfaceAddress address;
};

/// Reads RTM_NEWADDR or RTM_DELADDR. IFA_LOCAL is the own address of a point-to-point pair.
std::optional<ReadAddress> read_address(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg))) return std::nullopt;
  const auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
  const AttributeTable table = attributes_of(message, sizeof *info);
  const nlattr* own = table[IFA_LOCAL] != nullptr ? table[IFA_LOCAL] : table[IFA_ADDRESS];
  if (own == nullptr) return std::nullopt;
  const Result<IpAddress> address = IpAddress::from_bytes(payload(own));
  if (!address || info->ifa_prefixlen > address->bits()) return std::nullopt;
  const std::uint32_t flags = u32_or(table[IFA_FLAGS], info->ifa_flags);
  ReadAddress read{Ifindex(info->ifa_index), {{*address, info->ifa_prefixlen}}};
  read.address.tentative = address->is_v6() && (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0 &&
                           (flags & IFA_F_OPTIMISTIC) == 0;
  const nlattr* protocol = table[IFA_PROTO];
  read.address.ours = protocol != nullptr && payload(protocol).size() == 1 &&
                      mnl_attr_get_u8(protocol) == kAddressProtocol;
  return read;
}

void put_address(Link& link, const InterfaceAddress& address) {
  const auto at =
      std::ranges::lower_bound(link.addresses, address.prefix, {}, &InterfaceAddress::prefix);
  if (at != link.addresses.end() && at->prefix == address.prefix) {
    *at = address;
  } else {
    link.addresses.insert(at, address);
  }
}

void drop_address(Link& link, const IpPrefix& prefix) {
  std::erase_if(link.addresses,
                [&](const InterfaceAddress& each) { return each.prefix == prefix; });
}

struct Request {
  alignas(nlmsghdr) std::array<char, 512> bytes{};
  nlmsghdr& header(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = flags;
    return *message;
  }
};

Result<void> dump_addresses(NetlinkSocket& socket,
                            const std::function<void(const ReadAddress&)>& on_address) {
  Request request;
  nlmsghdr& message = request.header(RTM_GETADDR, NLM_F_DUMP);
  mnl_nlmsg_put_extra_header(&message, sizeof(ifaddrmsg));
  return socket.request(message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWADDR) return;
    if (const std::optional<ReadAddress> read = read_address(answer)) on_address(*read);
  });
}

Result<LinkMap> dump_once(NetlinkSocket& socket) {
  LinkMap links;
  Request request;
  nlmsghdr& message = request.header(RTM_GETLINK, NLM_F_DUMP);
  mnl_nlmsg_put_extra_header(&message, sizeof(ifinfomsg));
  Result<void> done = socket.request(message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWLINK) return;
    if (std::optional<Link> link = read_link(answer)) links.insert_or_assign(link->index, *link);
  });
  if (!done) return std::unexpected(done.error());
  done = dump_addresses(socket, [&](const ReadAddress& read) {
    if (const auto found = links.find(read.interface); found != links.end())
      put_address(found->second, read.address);
  });
  if (!done) return std::unexpected(done.error());
  return links;
}

/// A dump that was interrupted by a change is made again, a few times.
Result<LinkMap> dump_all(NetlinkSocket& socket) {
  Result<LinkMap> links = dump_once(socket);
  for (int more = 4; more > 0 && !links && links.error().code == ErrorCode::unavailable; --more)
    links = dump_once(socket);
  return links;
}

/// True when something of the link other than its addresses differs.
bool link_differs(const Link& a, const Link& b) {
  return a.name != b.name || a.admin_up != b.admin_up || a.carrier != b.carrier ||
         a.loopback != b.loopback || a.mtu != b.mtu || a.mac != b.mac;
}

std::vector<LinkEvent> differences(const LinkMap& before, const LinkMap& after) {
  std::vector<LinkEvent> events;
  for (const auto& [index, link] : before) {
    if (!after.contains(index)) events.emplace_back(LinkGone{index, link.name});
  }
  for (const auto& [index, link] : after) {
    const auto old = before.find(index);
    if (old == before.end() || link_differs(old->second, link))
      events.emplace_back(LinkChanged{link});
    if (old == before.end() ? !link.addresses.empty() : old->second.addresses != link.addresses)
      events.emplace_back(AddressesChanged{link});
  }
  return events;
}

/// Applies one notification to the map and answers what it changed.
std::optional<LinkEvent> on_notification(LinkMap& links, const nlmsghdr& message) {
  if (message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK) {
    std::optional<Link> link = read_link(message);
    if (!link) return std::nullopt;
    const auto found = links.find(link->index);
    if (message.nlmsg_type == RTM_DELLINK) {
      if (found == links.end()) return std::nullopt;
      const LinkGone gone{link->index, found->second.name};
      links.erase(found);
      return gone;
    }
    if (found == links.end()) {
      links.emplace(link->index, *link);
      return LinkChanged{*link};
    }
    link->addresses = found->second.addresses;
    if (!link_differs(found->second, *link)) return std::nullopt;
    found->second = *link;
    return LinkChanged{*link};
  }
  if (message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR) return std::nullopt;
  const std::optional<ReadAddress> read = read_address(message);
  const auto found = read ? links.find(read->interface) : links.end();
  if (found == links.end()) return std::nullopt;
  Link& link = found->second;
  const std::vector<InterfaceAddress> before = link.addresses;
  if (message.nlmsg_type == RTM_NEWADDR) {
    put_address(link, read->address);
  } else {
    drop_address(link, read->address.prefix);
  }
  if (before == link.addresses) return std::nullopt;
  return AddressesChanged{link};
}

}  // namespace

std::optional<IpAddress> Link::link_local() const {
  for (const InterfaceAddress& each : addresses) {
    if (each.prefix.address.is_v6() && each.prefix.address.is_link_local_unicast() &&
        !each.tentative)
      return each.prefix.address;
  }
  return std::nullopt;
}

Result<LinkMonitor> LinkMonitor::open() {
  constexpr std::array<unsigned, 3> kGroups{RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
  Result<NetlinkSocket> events = NetlinkSocket::open(kGroups);
  if (!events) return std::unexpected(events.error());
  Result<NetlinkSocket> requests = NetlinkSocket::open();
  if (!requests) return std::unexpected(requests.error());
  LinkMonitor monitor(std::move(*events), std::move(*requests));
  const Result<std::vector<LinkEvent>> first = monitor.refresh();
  if (!first) return std::unexpected(first.error());
  return monitor;
}

Result<std::vector<LinkEvent>> LinkMonitor::refresh() {
  Result<LinkMap> links = dump_all(requests_);
  if (!links) return std::unexpected(links.error());
  std::vector<LinkEvent> events = differences(links_, *links);
  links_ = std::move(*links);
  resync_needed_ = false;
  return events;
}

Result<std::vector<LinkEvent>> LinkMonitor::poll(std::size_t max) {
  std::vector<LinkEvent> events;
  for (std::size_t read = 0; read < max && !resync_needed_; ++read) {
    const NetlinkSocket::Received received = events_.receive([&](const nlmsghdr& message) {
      if (std::optional<LinkEvent> event = on_notification(links_, message))
        events.push_back(std::move(*event));
    });
    if (received == NetlinkSocket::Received::none) break;
    if (received == NetlinkSocket::Received::overrun) {
      ++overruns_;
      resync_needed_ = true;
    }
  }
  if (!resync_needed_) return events;
  Result<std::vector<LinkEvent>> missed = refresh();
  if (missed) {
    std::ranges::move(*missed, std::back_inserter(events));
  } else if (events.empty()) {
    return missed;  // resync_needed_ stays set: the next poll() tries again
  }
  return events;
}

const Link* LinkMonitor::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(links_, [&](const auto& entry) { return entry.second.name == name; });
  return found == links_.end() ? nullptr : &found->second;
}

const Link* LinkMonitor::find(Ifindex index) const {
  const auto found = links_.find(index);
  return found == links_.end() ? nullptr : &found->second;
}

Result<AddressEditor> AddressEditor::open() {
  Result<NetlinkSocket> requests = NetlinkSocket::open();
  if (!requests) return std::unexpected(requests.error());
  return AddressEditor(std::move(*requests));
}

namespace {

nlmsghdr& address_request(Request& request, std::uint16_t type, std::uint16_t flags,
                          Ifindex interface, const IpPrefix& prefix, std::uint8_t address_flags) {
  nlmsghdr& message = request.header(type, flags);
  auto* info = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(&message, sizeof(ifaddrmsg)));
  info->ifa_family = prefix.address.is_v4() ? AF_INET : AF_INET6;
  info->ifa_prefixlen = prefix.length;
  info->ifa_flags = address_flags;
  info->ifa_index = interface.value();
  const ByteSpan bytes = prefix.address.bytes();
  mnl_attr_put(&message, IFA_LOCAL, bytes.size(), bytes.data());
  mnl_attr_put(&message, IFA_ADDRESS, bytes.size(), bytes.data());
  return message;
}

Error about_address(Error error, Ifindex interface, const IpPrefix& prefix, const char* what) {
  const char* hint = error.code == ErrorCode::refused ? " (CAP_NET_ADMIN is needed)" : "";
  error.detail = fmt::format("interface {}: {} address {}: {}{}", interface.value(), what,
                             prefix.to_string(), error.detail, hint);
  return error;
}

}  // namespace

Result<AddressAdded> AddressEditor::add(Ifindex interface, const IpPrefix& prefix) {
  // On a loopback nobody can hold the same address, and a tentative one cannot be used.
  Result<Link> link = interface_of(interface);
  if (!link) return std::unexpected(about_address(link.error(), interface, prefix, "add"));
  return add(*link, prefix, prefix.address.is_v6() && link->loopback);
}

Result<AddressAdded> AddressEditor::add_shared(Ifindex interface, const IpPrefix& prefix) {
  Result<Link> link = interface_of(interface);
  if (!link) return std::unexpected(about_address(link.error(), interface, prefix, "add"));
  return add(*link, prefix, prefix.address.is_v6());
}

Result<AddressAdded> AddressEditor::add(const Link& link, const IpPrefix& prefix, bool skip_dad) {
  const Ifindex interface = link.index;
  Request request;
  nlmsghdr& message = address_request(request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, interface,
                                      prefix, skip_dad ? IFA_F_NODAD : 0);
  mnl_attr_put_u8(&message, IFA_PROTO, kAddressProtocol);
  if (prefix.address.is_v4() && prefix.length < 31 && !link.loopback) {
    const std::uint32_t host_bits = 0xffffffffU >> prefix.length;
    mnl_attr_put_u32(&message, IFA_BROADCAST,
                     __builtin_bswap32(prefix.address.v4_value() | host_bits));
  }
  const Result<void> done = requests_.request(message, [](const nlmsghdr&) {});
  if (done) return AddressAdded::added;
  if (done.error().code == ErrorCode::exists) return AddressAdded::present;
  return std::unexpected(about_address(done.error(), interface, prefix, "add"));
}

Result<Link> AddressEditor::interface_of(Ifindex interface) {
  Request request;
  nlmsghdr& message = request.header(RTM_GETLINK, 0);
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(&message, sizeof(ifinfomsg)));
  info->ifi_index = static_cast<int>(interface.value());
  std::optional<Link> link;
  const Result<void> done = requests_.request(message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type == RTM_NEWLINK) link = read_link(answer);
  });
  if (!done) return std::unexpected(done.error());
  if (!link) return fail(ErrorCode::not_found, "no such interface");
  return *link;
}

Result<void> AddressEditor::remove(Ifindex interface, const IpPrefix& prefix) {
  std::optional<bool> ours;
  const Result<void> listed = dump_addresses(requests_, [&](const ReadAddress& read) {
    if (read.interface == interface && read.address.prefix == prefix) ours = read.address.ours;
  });
  if (!listed) return std::unexpected(about_address(listed.error(), interface, prefix, "remove"));
  if (!ours)
    return std::unexpected(about_address({ErrorCode::not_found, "the interface does not have it"},
                                         interface, prefix, "remove"));
  if (!*ours)
    return std::unexpected(about_address({ErrorCode::refused, "another program added it"},
                                         interface, prefix, "remove"));
  Request request;
  nlmsghdr& message = address_request(request, RTM_DELADDR, 0, interface, prefix, 0);
  const Result<void> done = requests_.request(message, [](const nlmsghdr&) {});
  if (!done) return std::unexpected(about_address(done.error(), interface, prefix, "remove"));
  return {};
}

}  // namespace hotpair::platform::kernel
