#include "ha/daemon/floating_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hotpair::ha::daemon {
namespace {

namespace kernel = platform::kernel;

/// Names and MAC addresses as the node makes them: nobody else's device is touched.
bool is_ours(const kernel::LinkDetails& details) {
  const auto& mac = details.mac.octets;
  return details.kind == "macvlan" && mac[0] == 0x02 && (mac[1] == 0x68 || mac[1] == 0x69);
}

}  // namespace

Result<FloatingLink> FloatingLink::open(kernel::GateTable& gates, kernel::AddressEditor& addresses,
                                        kernel::RoutingRules& rules) {
  auto editor = kernel::LinkEditor::open();
  if (!editor) return std::unexpected(editor.error());
  return FloatingLink(std::move(*editor), gates, addresses, rules);
}

void FloatingLink::want(const node::SetFloating& wanted) { made_[wanted.device].wanted = wanted; }

const FloatingLink::Made* FloatingLink::find(const std::string& device) const {
  const auto found = made_.find(device);
  return found == made_.end() ? nullptr : &found->second;
}

/// The device, down if it is new. One over another interface or with another MAC is made again.
Result<Ifindex> FloatingLink::ensure(const node::SetFloating& wanted, Ifindex parent) {
  auto found = editor_.find(wanted.device);
  if (!found && found.error().code != ErrorCode::not_found) return std::unexpected(found.error());
  if (found && found->lower == parent && found->mac == wanted.mac && is_ours(*found))
    return found->index;
  if (found) {
    if (!is_ours(*found))
      return fail(ErrorCode::exists, fmt::format("device {} is somebody else's", wanted.device));
    if (const auto removed = editor_.remove(found->index); !removed)
      return std::unexpected(removed.error());
  }
  if (const auto made = editor_.create_macvlan(wanted.device, parent, wanted.mac); !made)
    return std::unexpected(made.error());
  found = editor_.find(wanted.device);
  if (!found) return std::unexpected(found.error());
  return found->index;
}

/// The gate is on it before it is up, so it never speaks unasked.
Result<void> FloatingLink::set(const std::string& device, const kernel::LinkMonitor& links) {
  const auto found = made_.find(device);
  if (found == made_.end()) return {};
  Made& made = found->second;
  const kernel::Link* parent = links.find(made.wanted.parent);
  if (parent == nullptr) return {};
  const auto index = ensure(made.wanted, parent->index);
  if (!index) return std::unexpected(index.error());
  made.index = *index;
  made.parent = parent->index;
  if (auto gated = gates_->attach_owner(*index, made.wanted.slot); !gated) return gated;
  // Without it the interface would answer for the device's addresses with its own MAC.
  if (auto own = editor_.change(parent->index, {.own_arp_only = true}); !own) return own;
  // Linux would look for the way back to what comes from a VRF in the main table.
  const auto check =
      made.wanted.vrf == VrfId{} ? kernel::SourceCheck::loose : kernel::SourceCheck::none;
  if (auto quiet = editor_.change(
          *index, {.without_ipv6_address = true, .own_arp_only = true, .source_check = check});
      !quiet)
    return quiet;
  if (auto ruled = rules_->set_unicast(device, made.wanted.vrf); !ruled) return ruled;
  if (auto up = editor_.change(*index, {.admin_up = true}); !up) return up;
  return set_addresses(made, links);
}

Result<void> FloatingLink::set_addresses(const Made& made, const kernel::LinkMonitor& links) {
  const auto& wanted = made.wanted.addresses;
  if (const kernel::Link* known = links.find(*made.index))
    for (const kernel::InterfaceAddress& each : known->addresses)
      if (each.ours && std::ranges::find(wanted, each.prefix) == wanted.end())
        if (auto removed = addresses_->remove(*made.index, each.prefix);
            !removed && removed.error().code != ErrorCode::not_found)
          return removed;
  for (const IpPrefix& each : wanted)
    if (const auto added = addresses_->add_shared(*made.index, each); !added)
      return std::unexpected(added.error());
  return {};
}

Result<void> FloatingLink::remove(const std::string& device) {
  made_.erase(device);
  if (auto ruled = rules_->set_unicast(device, VrfId{}); !ruled) return ruled;
  const auto found = editor_.find(device);
  if (!found || !is_ours(*found)) return {};
  return editor_.remove(found->index);
}

std::vector<std::string> FloatingLink::missing(const kernel::LinkMonitor& links) const {
  std::vector<std::string> devices;
  for (const auto& [device, made] : made_)
    if (links.find(device) == nullptr && links.find(made.wanted.parent) != nullptr)
      devices.push_back(device);
  return devices;
}

std::vector<std::string> FloatingLink::remove_left_over(const kernel::LinkMonitor& links) {
  std::vector<std::string> removed;
  for (const auto& [index, link] : links.links()) {
    if (!link.name.starts_with("hpf-") || made_.contains(link.name)) continue;
    if (remove(link.name)) removed.push_back(link.name);
  }
  return removed;
}

}  // namespace hotpair::ha::daemon
