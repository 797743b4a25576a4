#include "platform/kernel/routing_rules.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstring>

namespace hotpair::platform::kernel {
namespace {

struct RuleAttributes {
  std::string incoming;
  std::string outgoing;
  std::uint32_t table = 0;
  unsigned char protocol = 0;
};

int keep(const nlattr* attribute, void* data) {
  auto& rule = *static_cast<RuleAttributes*>(data);
  const std::size_t size = mnl_attr_get_payload_len(attribute);
  const auto text = [&] {
    const auto* from = static_cast<const char*>(mnl_attr_get_payload(attribute));
    return std::string(from, ::strnlen(from, size));
  };
  switch (mnl_attr_get_type(attribute)) {
    case FRA_IIFNAME:
      rule.incoming = text();
      break;
    case FRA_OIFNAME:
      rule.outgoing = text();
      break;
    case FRA_TABLE:
      if (size >= 4) rule.table = mnl_attr_get_u32(attribute);
      break;
    case FRA_PROTOCOL:
      if (size >= 1) rule.protocol = mnl_attr_get_u8(attribute);
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

unsigned char multicast_family(Family family) {
  return family == Family::ipv4 ? RTNL_FAMILY_IPMR : RTNL_FAMILY_IP6MR;
}
unsigned char unicast_family(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }

}  // namespace

Result<RoutingRules> RoutingRules::open() {
  Result<NetlinkSocket> netlink = NetlinkSocket::open();
  if (!netlink) return std::unexpected(netlink.error());
  RoutingRules rules(std::move(*netlink));
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const auto listed = rules.list(multicast_family(family));
    if (!listed) return std::unexpected(listed.error());
    for (const Found& each : *listed)
      if (each.own) rules.own_.insert({family, each.rule.device, VrfId(each.rule.table)});
  }
  rules.unclaimed_ = rules.own_;
  return rules;
}

Result<std::vector<RoutingRules::Found>> RoutingRules::list(unsigned char family) {
  alignas(nlmsghdr) std::array<char, 64> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_GETRULE;
  message->nlmsg_flags = NLM_F_DUMP;
  auto* header =
      static_cast<fib_rule_hdr*>(mnl_nlmsg_put_extra_header(message, sizeof(fib_rule_hdr)));
  header->family = family;
  std::vector<Found> found;
  const Result<void> done = netlink_.request(*message, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWRULE || answer.nlmsg_len < NLMSG_LENGTH(sizeof(fib_rule_hdr)))
      return;
    const auto* rule = static_cast<const fib_rule_hdr*>(mnl_nlmsg_get_payload(&answer));
    if (rule->family != family || rule->action != FR_ACT_TO_TBL) return;
    RuleAttributes attributes;
    static_cast<void>(mnl_attr_parse(&answer, sizeof *rule, keep, &attributes));
    const bool own = attributes.protocol == RTPROT_MROUTED;
    if (!attributes.incoming.empty())
      found.push_back({{attributes.incoming, attributes.table, false}, own});
    else if (!attributes.outgoing.empty())
      found.push_back({{attributes.outgoing, attributes.table, true}, own});
  });
  if (!done) return std::unexpected(done.error());
  return found;
}

Result<std::vector<InterfaceRule>> RoutingRules::unicast(Family family) {
  const auto listed = list(unicast_family(family));
  if (!listed) return std::unexpected(listed.error());
  std::vector<InterfaceRule> rules;
  for (const Found& each : *listed) rules.push_back(each.rule);
  return rules;
}

Result<void> RoutingRules::set_unicast(const std::string& device, VrfId vrf) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const unsigned char number = unicast_family(family);
    std::vector<InterfaceRule> wanted;
    if (vrf != VrfId{}) wanted = {{device, vrf.value(), false}, {device, vrf.value(), true}};
    const auto listed = list(number);
    if (!listed) return std::unexpected(listed.error());
    for (const Found& each : *listed) {
      if (each.rule.device != device) continue;
      if (std::erase(wanted, each.rule) > 0 || !each.own) continue;
      if (const Result<void> done = change(number, each.rule, false); !done) return done;
    }
    for (const InterfaceRule& rule : wanted)
      if (const Result<void> done = change(number, rule, true); !done) return done;
  }
  return {};
}

Result<void> RoutingRules::change(unsigned char family, const InterfaceRule& rule, bool add) {
  alignas(nlmsghdr) std::array<char, 128> bytes{};
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
  message->nlmsg_flags = static_cast<std::uint16_t>(add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  auto* header =
      static_cast<fib_rule_hdr*>(mnl_nlmsg_put_extra_header(message, sizeof(fib_rule_hdr)));
  header->family = family;
  header->action = FR_ACT_TO_TBL;
  mnl_attr_put_strz(message, rule.outgoing ? FRA_OIFNAME : FRA_IIFNAME, rule.device.c_str());
  mnl_attr_put_u32(message, FRA_TABLE, rule.table);
  mnl_attr_put_u8(message, FRA_PROTOCOL, RTPROT_MROUTED);
  const Result<void> done = netlink_.request(*message, [](const nlmsghdr&) {});
  if (done || (add && done.error().code == ErrorCode::exists) ||
      (!add && done.error().code == ErrorCode::not_found))
    return {};
  return fail(done.error().code,
              fmt::format("rule {} {} lookup {}: {}", rule.outgoing ? "oif" : "iif", rule.device,
                          rule.table, done.error().detail));
}

Result<void> RoutingRules::add(const std::string& device, VrfId vrf, Family family) {
  const Key key{family, device, vrf};
  unclaimed_.erase(key);
  if (own_.contains(key)) return {};
  if (const Result<void> done = change(multicast_family(family), {device, vrf.value()}, true);
      !done)
    return done;
  own_.insert(key);
  return {};
}

Result<void> RoutingRules::remove(const std::string& device, VrfId vrf, Family family) {
  const Key key{family, device, vrf};
  if (!own_.contains(key)) return {};
  if (const Result<void> done = change(multicast_family(family), {device, vrf.value()}, false);
      !done)
    return done;
  own_.erase(key);
  return {};
}

std::size_t RoutingRules::remove_unclaimed() {
  std::size_t removed = 0;
  for (const Key& key : std::exchange(unclaimed_, {}))
    if (remove(std::get<1>(key), std::get<2>(key), std::get<0>(key))) ++removed;
  return removed;
}

}  // namespace hotpair::platform::kernel
