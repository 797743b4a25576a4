#include "ha/config/config_model.h"

#include <fmt/core.h>

#include <algorithm>

namespace hotpair::ha::config {
namespace {

template <typename List, typename Matches>
auto* find_where(const List& list, Matches matches) {
  const auto found = std::find_if(list.begin(), list.end(), matches);
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

const EtrunkConfigModel* Config::find_etrunk(std::uint16_t id) const {
  return find_where(etrunks, [&](const auto& item) { return item.id == id; });
}

const SslPolicyModel* Config::find_ssl_policy(std::string_view name) const {
  return find_where(ssl_policies, [&](const auto& item) { return item.name == name; });
}

const RbsModel* Config::find_service(std::string_view name) const {
  return find_where(services, [&](const auto& item) { return item.name == name; });
}

const RbpModel* Config::find_profile(std::string_view name) const {
  return find_where(profiles, [&](const auto& item) { return item.name == name; });
}

const BfdSessionModel* Config::find_bfd_session(std::string_view name) const {
  return find_where(bfd_sessions, [&](const auto& item) { return item.name == name; });
}

const BfdSessionModel* Config::find_bfd_session(std::uint32_t discriminator) const {
  return find_where(bfd_sessions, [&](const auto& item) {
    return item.local_discriminator && *item.local_discriminator == discriminator;
  });
}

const VrfModel* Config::find_vrf(std::string_view name) const {
  return find_where(vrfs, [&](const VrfModel& item) { return item.name == name; });
}

const PimInstance& Config::instance_of(const InterfaceModel& interface) const {
  const VrfModel* vrf = interface.vrf ? find_vrf(*interface.vrf) : nullptr;
  return vrf == nullptr ? static_cast<const PimInstance&>(*this) : *vrf;
}

const InterfaceModel* Config::interface_with(const IpAddress& address, std::string_view vrf) const {
  return find_where(interfaces, [&](const InterfaceModel& item) {
    const auto& list = address.is_v4() ? item.ipv4_addresses : item.ipv6_addresses;
    return *item.vrf == vrf &&
           std::ranges::any_of(list, [&](const auto& each) { return each->address == address; });
  });
}

std::optional<IpAddress> Config::source_of(const BfdSessionModel& session) const {
  if (session.source) return *session.source;
  const InterfaceModel* interface =
      session.interface ? find_interface(session.interface->name) : nullptr;
  if (interface == nullptr) return std::nullopt;
  const auto& list = session.peer->is_v4() ? interface->ipv4_addresses : interface->ipv6_addresses;
  for (const auto& each : list)
    if (each->address.is_link_local_unicast() == session.peer->is_link_local_unicast())
      return each->address;
  return std::nullopt;
}

std::optional<IpAddress> Config::address_of(const OwnAddress& own, Family family) const {
  if (own.interface.empty()) return own.address;
  const InterfaceModel* interface = find_interface(own.interface);
  if (interface == nullptr) return std::nullopt;
  const auto& list = family == Family::ipv4 ? interface->ipv4_addresses : interface->ipv6_addresses;
  for (const auto& each : list)
    if (!each->address.is_link_local_unicast()) return each->address;
  return std::nullopt;
}

std::string BfdSessionModel::header() const {
  const std::string_view suffix = peer && peer->is_v6() ? "v6" : "";
  std::string text = "bfd " + name;
  if (peer) text += fmt::format(" bind peer-ip{} {}", suffix, peer->to_upper_string());
  if (interface) text += " interface " + interface->name;
  if (source) text += fmt::format(" source-ip{} {}", suffix, source->to_upper_string());
  return text;
}

const InterfaceModel* Config::find_interface(std::string_view canonical_name) const {
  return find_where(interfaces, [&](const auto& item) { return item.name.name == canonical_name; });
}

std::vector<const InterfaceModel*> Config::interfaces_of(const RbpModel& profile) const {
  std::vector<const InterfaceModel*> bound;
  for (const InterfaceModel& interface : interfaces)
    if (interface.remote_backup_profile && *interface.remote_backup_profile == profile.name)
      bound.push_back(&interface);
  return bound;
}

std::vector<const InterfaceModel*> Config::members_of(std::uint16_t eth_trunk) const {
  std::vector<const InterfaceModel*> members;
  for (const InterfaceModel& interface : interfaces)
    if (interface.eth_trunk && *interface.eth_trunk == eth_trunk) members.push_back(&interface);
  return members;
}

}  // namespace hotpair::ha::config
