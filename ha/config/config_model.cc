#include "ha/config/config_model.h"

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

const InterfaceModel* Config::find_interface(std::string_view canonical_name) const {
  return find_where(interfaces, [&](const auto& item) { return item.name.name == canonical_name; });
}

const InterfaceModel* Config::interface_with(const IpAddress& address) const {
  return find_where(interfaces, [&](const auto& item) {
    const auto& list = address.is_v4() ? item.ipv4_addresses : item.ipv6_addresses;
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& each) { return each->address == address; });
  });
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
