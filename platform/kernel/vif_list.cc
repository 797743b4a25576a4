#include "platform/kernel/vif_list.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

#include "platform/kernel/mroute.h"

namespace hotpair::platform::kernel {
namespace {

static_assert(MAXVIFS == kVifsMax && MAXMIFS == kVifsMax);

int keep_vif(const nlattr* attribute, void* data) {
  auto& vif = *static_cast<ListedVif*>(data);
  if (mnl_attr_get_payload_len(attribute) < 4) return MNL_CB_OK;
  if (mnl_attr_get_type(attribute) == IPMRA_VIFA_VIF_ID) vif.number = mnl_attr_get_u32(attribute);
  if (mnl_attr_get_type(attribute) == IPMRA_VIFA_IFINDEX)
    vif.interface = Ifindex(mnl_attr_get_u32(attribute));
  return MNL_CB_OK;
}

int keep_listed(const nlattr* attribute, void* data) {
  ListedVif vif{kVifsMax, {}};
  static_cast<void>(mnl_attr_parse_nested(attribute, keep_vif, &vif));
  if (vif.number < kVifsMax) static_cast<std::vector<ListedVif>*>(data)->push_back(vif);
  return MNL_CB_OK;
}

/// One message of the dump: [ IFLA_AF_SPEC ] [ IPMRA_TABLE_ID ] [ IPMRA_TABLE_VIFS ] [ IPMRA_VIF ].
struct TableOfMessage {
  std::uint32_t id = 0;
  std::vector<ListedVif> vifs;
};

int keep_table(const nlattr* attribute, void* data) {
  auto& table = *static_cast<TableOfMessage*>(data);
  if (mnl_attr_get_type(attribute) == IPMRA_TABLE_ID && mnl_attr_get_payload_len(attribute) >= 4)
    table.id = mnl_attr_get_u32(attribute);
  if (mnl_attr_get_type(attribute) != IPMRA_TABLE_VIFS) return MNL_CB_OK;
  return mnl_attr_parse_nested(attribute, keep_listed, &table.vifs);
}

int keep_spec(const nlattr* attribute, void* data) {
  if (mnl_attr_get_type(attribute) == IFLA_AF_SPEC)
    static_cast<void>(mnl_attr_parse_nested(attribute, keep_table, data));
  return MNL_CB_OK;
}

int keep_hops(const nlattr* attribute, void* data) {
  if (mnl_attr_get_type(attribute) != RTA_MULTIPATH) return MNL_CB_OK;
  auto& devices = *static_cast<std::vector<Ifindex>*>(data);
  ByteSpan rest(static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
                mnl_attr_get_payload_len(attribute));
  while (rest.size() >= sizeof(rtnexthop)) {
    rtnexthop hop{};
    std::memcpy(&hop, rest.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop) break;
    devices.emplace_back(static_cast<std::uint32_t>(hop.rtnh_ifindex));
    rest = rest.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), rest.size()));
  }
  return MNL_CB_OK;
}

/// (::1, ff01::1): a loopback source and a group that never leaves its host.
mf6cctl probe_of(std::span<const std::size_t> numbers) {
  mf6cctl probe{};
  probe.mf6cc_origin.sin6_family = probe.mf6cc_mcastgrp.sin6_family = AF_INET6;
  probe.mf6cc_origin.sin6_addr = in6addr_loopback;
  probe.mf6cc_mcastgrp.sin6_addr = in6addr_loopback;
  probe.mf6cc_mcastgrp.sin6_addr.s6_addr[0] = 0xff;
  probe.mf6cc_mcastgrp.sin6_addr.s6_addr[1] = 0x01;
  probe.mf6cc_parent = static_cast<mifi_t>(numbers.front());
  for (const std::size_t number : numbers) probe.mf6cc_ifset.ifs_bits[0] |= 1U << number;
  return probe;
}

}  // namespace

std::uint32_t multicast_table(VrfId vrf, Family family) {
  if (vrf != VrfId{}) return vrf.value();
  return family == Family::ipv4 ? RT_TABLE_DEFAULT : RT_TABLE_MAIN;
}

std::string register_device(VrfId vrf, Family family) {
  const char* name = family == Family::ipv4 ? "pimreg" : "pim6reg";
  return vrf == VrfId{} ? std::string(name) : fmt::format("{}{}", name, vrf.value());
}

/// "Interface BytesIn PktsIn BytesOut PktsOut Flags …", one line per VIF: number, device, counters.
/// There is no netlink dump of IPv6 MIFs, so both families are read here.
std::vector<ListedVif> list_default_vifs(Family family) {
  std::ifstream file(family == Family::ipv4 ? "/proc/thread-self/net/ip_mr_vif"
                                            : "/proc/thread-self/net/ip6_mr_vif");
  std::vector<ListedVif> listed;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    ListedVif vif;
    std::string device;
    if (!(words >> vif.number >> device) || vif.number >= kVifsMax) continue;
    vif.interface = Ifindex(::if_nametoindex(device.c_str()));
    listed.push_back(vif);
  }
  return listed;
}

std::vector<ListedVif> list_vifs_of_vrf(NetlinkSocket& netlink, VrfId vrf) {
  alignas(nlmsghdr) std::array<char, 64> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETLINK;
  message->nlmsg_flags = NLM_F_DUMP;
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_family = RTNL_FAMILY_IPMR;
  std::vector<ListedVif> listed;
  static_cast<void>(netlink.request(*message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWLINK || answer.nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg)))
      return;
    TableOfMessage table;
    static_cast<void>(mnl_attr_parse(&answer, sizeof(ifinfomsg), keep_spec, &table));
    if (table.id == vrf.value()) listed.insert(listed.end(), table.vifs.begin(), table.vifs.end());
  }));
  return listed;
}

std::vector<std::size_t> used_mifs(int owner) {
  std::vector<std::size_t> used;
  for (std::size_t number = 0; number < kVifsMax; ++number) {
    sioc_mif_req6 request{};
    request.mifi = static_cast<mifi_t>(number);
    if (::ioctl(owner, SIOCGETMIFCNT_IN6, &request) == 0) used.push_back(number);
  }
  return used;
}

std::vector<ListedVif> list_mifs_of_vrf(NetlinkSocket& netlink, int owner, VrfId vrf,
                                        std::span<const std::size_t> numbers) {
  std::vector<ListedVif> listed;
  if (numbers.empty()) return listed;
  mf6cctl probe = probe_of(numbers);
  if (::setsockopt(owner, IPPROTO_IPV6, MRT6_ADD_MFC, &probe, sizeof probe) != 0) return listed;
  alignas(nlmsghdr) std::array<char, 128> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETROUTE;
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  header->rtm_family = RTNL_FAMILY_IP6MR;
  header->rtm_src_len = header->rtm_dst_len = 128;
  mnl_attr_put(message, RTA_SRC, 16, &probe.mf6cc_origin.sin6_addr);
  mnl_attr_put(message, RTA_DST, 16, &probe.mf6cc_mcastgrp.sin6_addr);
  mnl_attr_put_u32(message, RTA_TABLE, vrf.value());
  std::vector<Ifindex> devices;  // of the outgoing MIFs, by ascending number
  static_cast<void>(netlink.request(*message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type == RTM_NEWROUTE && answer.nlmsg_len >= NLMSG_LENGTH(sizeof(rtmsg)))
      static_cast<void>(mnl_attr_parse(&answer, sizeof(rtmsg), keep_hops, &devices));
  }));
  static_cast<void>(::setsockopt(owner, IPPROTO_IPV6, MRT6_DEL_MFC, &probe, sizeof probe));
  if (devices.size() != numbers.size()) return listed;
  for (std::size_t i = 0; i < numbers.size(); ++i) listed.push_back({numbers[i], devices[i]});
  return listed;
}

}  // namespace hotpair::platform::kernel
