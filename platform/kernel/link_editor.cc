#include "platform/kernel/link_editor.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace hotpair::platform::kernel {
namespace {

using AttributeTable = std::array<const nlattr*, 64>;

int keep_attribute(const nlattr* attribute, void* data) {
  auto& table = *static_cast<AttributeTable*>(data);
  const std::size_t type = mnl_attr_get_type(attribute);
  if (type < table.size()) table[type] = attribute;
  return MNL_CB_OK;
}

std::optional<std::uint32_t> u32_of(const nlattr* attribute) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(std::uint32_t))
    return std::nullopt;
  return mnl_attr_get_u32(attribute);
}

std::string text_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  const std::string_view bytes(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                               mnl_attr_get_payload_len(attribute));
  return std::string(bytes.substr(0, bytes.find('\0')));
}

std::optional<LinkDetails> read_details(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWLINK || message.nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg)))
    return std::nullopt;
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0) return std::nullopt;
  AttributeTable table{};
  static_cast<void>(mnl_attr_parse(&message, sizeof *info, keep_attribute, &table));
  LinkDetails details;
  details.index = Ifindex(static_cast<std::uint32_t>(info->ifi_index));
  details.name = text_of(table[IFLA_IFNAME]);
  details.ethernet = info->ifi_type == ARPHRD_ETHER;
  details.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
  details.admin_up = (info->ifi_flags & IFF_UP) != 0;
  details.promiscuous = (info->ifi_flags & IFF_PROMISC) != 0;
  details.mtu = u32_of(table[IFLA_MTU]).value_or(0);
  if (const auto master = u32_of(table[IFLA_MASTER])) details.master = Ifindex(*master);
  const nlattr* state = table[IFLA_OPERSTATE];
  details.dormant = state != nullptr && mnl_attr_get_payload_len(state) == 1 &&
                    mnl_attr_get_u8(state) == IF_OPER_DORMANT;
  const nlattr* mac = table[IFLA_ADDRESS];
  if (mac != nullptr && mnl_attr_get_payload_len(mac) == details.mac.octets.size())
    std::memcpy(details.mac.octets.data(), mnl_attr_get_payload(mac), details.mac.octets.size());
  if (table[IFLA_LINKINFO] != nullptr) {
    AttributeTable inner{};
    static_cast<void>(mnl_attr_parse_nested(table[IFLA_LINKINFO], keep_attribute, &inner));
    details.kind = text_of(inner[IFLA_INFO_KIND]);
  }
  // IFLA_LINK of a veth is its peer, in the namespace that IFLA_LINK_NETNSID names if in another.
  if (const auto peer = u32_of(table[IFLA_LINK]);
      peer && details.kind == "veth" && table[IFLA_LINK_NETNSID] == nullptr)
    details.peer = Ifindex(*peer);
  if (const auto lower = u32_of(table[IFLA_LINK]);
      lower && details.kind == "macvlan" && table[IFLA_LINK_NETNSID] == nullptr)
    details.lower = Ifindex(*lower);
  return details;
}

/// The IPv4 settings of the device, by their numbers in its configuration.
void put_ipv4_settings(nlmsghdr* message, const LinkChange& change) {
  constexpr std::uint32_t kThisDeviceOnly = 1;  // arp_ignore
  constexpr std::uint32_t kBestOfDevice = 2;    // arp_announce
  nlattr* ipv4 = mnl_attr_nest_start(message, AF_INET);
  nlattr* settings = mnl_attr_nest_start(message, IFLA_INET_CONF);
  if (change.own_arp_only) {
    mnl_attr_put_u32(message, IPV4_DEVCONF_ARP_IGNORE, kThisDeviceOnly);
    mnl_attr_put_u32(message, IPV4_DEVCONF_ARP_ANNOUNCE, kBestOfDevice);
  }
  if (change.source_check)
    mnl_attr_put_u32(message, IPV4_DEVCONF_RP_FILTER,
                     static_cast<std::uint32_t>(*change.source_check));
  mnl_attr_nest_end(message, settings);
  mnl_attr_nest_end(message, ipv4);
}

struct Request {
  alignas(nlmsghdr) std::array<char, 1024> bytes{};
  Request(std::uint16_t type, std::uint16_t flags, Ifindex index = Ifindex{}) {
    nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = flags;
    auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = static_cast<int>(index.value());
  }
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes.data()); }
  ifinfomsg& link() { return *static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(&header())); }
};

void ignore(const nlmsghdr& message) { static_cast<void>(message); }

}  // namespace

Result<LinkEditor> LinkEditor::open() {
  Result<NetlinkSocket> socket = NetlinkSocket::open();
  if (!socket) return std::unexpected(socket.error());
  return LinkEditor(std::move(*socket));
}

Result<LinkDetails> LinkEditor::find(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ)
    return fail(ErrorCode::refused, fmt::format("'{}' cannot be the name of a device: 1 to {} "
                                                "characters",
                                                name, IFNAMSIZ - 1));
  return find(Ifindex{}, name);
}

Result<LinkDetails> LinkEditor::find(Ifindex index) { return find(index, {}); }

Result<LinkDetails> LinkEditor::find(Ifindex index, std::string_view name) {
  Request request(RTM_GETLINK, 0, index);
  if (!name.empty()) mnl_attr_put_strz(&request.header(), IFLA_IFNAME, std::string(name).c_str());
  std::optional<LinkDetails> found;
  const Result<void> done = requests_.request(request.header(), [&](const nlmsghdr& answer) {
    if (auto details = read_details(answer)) found = std::move(details);
  });
  const std::string label = name.empty() ? fmt::format("{}", index.value()) : std::string(name);
  if (!done && done.error().code != ErrorCode::not_found)
    return fail(done.error().code,
                fmt::format("interface {} cannot be read: {}", label, done.error().detail));
  if (!done || !found)
    return fail(ErrorCode::not_found, fmt::format("interface {} does not exist", label));
  return *found;
}

Result<void> LinkEditor::create_veth(const std::string& name, const std::string& peer) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  nlmsghdr* message = &request.header();
  mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_str(message, IFLA_INFO_KIND, "veth");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  nlattr* end = mnl_attr_nest_start(message, VETH_INFO_PEER);
  static_cast<void>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  mnl_attr_put_strz(message, IFLA_IFNAME, peer.c_str());
  mnl_attr_nest_end(message, end);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
  const Result<void> done = requests_.request(*message, ignore);
  if (done) return {};
  const char* hint = done.error().code == ErrorCode::unsupported ? " (the kernel needs CONFIG_VETH)"
                     : done.error().code == ErrorCode::refused   ? " (CAP_NET_ADMIN is needed)"
                                                                 : "";
  return fail(done.error().code, fmt::format("device {} with {} cannot be made: {}{}", name, peer,
                                             done.error().detail, hint));
}

Result<void> LinkEditor::create_macvlan(const std::string& name, Ifindex lower,
                                        const MacAddress& mac) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  nlmsghdr* message = &request.header();
  mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  mnl_attr_put_u32(message, IFLA_LINK, lower.value());
  mnl_attr_put(message, IFLA_ADDRESS, mac.octets.size(), mac.octets.data());
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_str(message, IFLA_INFO_KIND, "macvlan");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  mnl_attr_put_u32(message, IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
  const Result<void> done = requests_.request(*message, ignore);
  if (done) return {};
  return fail(
      done.error().code,
      fmt::format(
          "device {} for floating addresses cannot be made: {}{}", name, done.error().detail,
          done.error().code == ErrorCode::unsupported ? " (the kernel needs CONFIG_MACVLAN)" : ""));
}

Result<void> LinkEditor::change(Ifindex index, const LinkChange& change) {
  Request request(RTM_NEWLINK, 0, index);
  nlmsghdr* message = &request.header();
  const auto flag = [&](const std::optional<bool>& wanted, unsigned bit, bool inverted) {
    if (!wanted) return;
    request.link().ifi_change |= bit;
    if (*wanted != inverted) request.link().ifi_flags |= bit;
  };
  flag(change.admin_up, IFF_UP, false);
  flag(change.promiscuous, IFF_PROMISC, false);
  flag(change.arp, IFF_NOARP, true);
  if (change.mtu) mnl_attr_put_u32(message, IFLA_MTU, *change.mtu);
  if (change.mac)
    mnl_attr_put(message, IFLA_ADDRESS, change.mac->octets.size(), change.mac->octets.data());
  if (change.alias) mnl_attr_put_str(message, IFLA_IFALIAS, change.alias->c_str());
  if (change.dormant)
    mnl_attr_put_u8(message, IFLA_OPERSTATE, *change.dormant ? IF_OPER_DORMANT : IF_OPER_UP);
  if (change.without_ipv6_address || change.own_arp_only || change.source_check) {
    nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
    if (change.without_ipv6_address) {
      nlattr* ipv6 = mnl_attr_nest_start(message, AF_INET6);
      mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
      mnl_attr_nest_end(message, ipv6);
    }
    if (change.own_arp_only || change.source_check) put_ipv4_settings(message, change);
    mnl_attr_nest_end(message, families);
  }
  const Result<void> done = requests_.request(*message, ignore);
  if (!done)
    return fail(done.error().code, fmt::format("interface {} cannot be changed: {}", index.value(),
                                               done.error().detail));
  return {};
}

Result<void> LinkEditor::remove(Ifindex index) {
  Request request(RTM_DELLINK, 0, index);
  const Result<void> done = requests_.request(request.header(), ignore);
  if (done || done.error().code == ErrorCode::not_found) return {};
  return fail(done.error().code, fmt::format("interface {} cannot be removed: {}", index.value(),
                                             done.error().detail));
}

void LinkEditor::disable_lro(const std::string& name) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_value value{ETHTOOL_GFLAGS, 0};
  ifreq request{};
  std::ranges::copy(name.substr(0, IFNAMSIZ - 1), request.ifr_name);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (!socket.valid() || ::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return;
  if ((value.data & ETH_FLAG_LRO) == 0) return;
  value.cmd = ETHTOOL_SFLAGS;
  value.data &= ~static_cast<std::uint32_t>(ETH_FLAG_LRO);
  static_cast<void>(::ioctl(socket.get(), SIOCETHTOOL, &request));
}

}  // namespace hotpair::platform::kernel
