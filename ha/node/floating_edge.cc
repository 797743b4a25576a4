#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ha/node/floating.h"
#include "ha/node/node.h"

/// Floating addresses: their devices, who announces them, and what the planner says of them.
namespace hotpair::ha::node {
namespace {

constexpr std::size_t kNamedMax = 4;

}  // namespace

void Node::refresh_floating(Link& link) {
  const LinkSettings& settings = link.settings;
  std::optional<SetFloating> wanted;
  if (link.facts.present && settings.scope && !settings.floating.empty())
    wanted = SetFloating{.device = floating_device(settings.device),
                         .parent = settings.device,
                         .mac = floating_mac(settings.floating),
                         .slot = slots_.at(*settings.scope),
                         .addresses = floating_addresses(settings.floating),
                         .vrf = settings.vrf};
  if (wanted == link.floating) return;
  // A new parent has no such device; one that lost its addresses must not keep them.
  if (!wanted) return remove_floating(link);
  link.floating = wanted;
  if (const auto facts = devices_.find(wanted->device); facts != devices_.end())
    link.floating_facts = facts->second;
  effects_.push(std::move(*wanted));
}

void Node::remove_floating(Link& link) {
  if (const auto gone = std::exchange(link.floating, std::nullopt))
    effects_.push(RemoveFloating{gone->device});
  link.floating_facts = {};
}

void Node::note_floating_device(const DeviceFacts& facts, TimePoint now) {
  for (auto& [id, link] : links_) {
    if (!link.floating || link.floating->device != facts.device) continue;
    link.floating_facts = facts;
    refresh_pim(link, now);
  }
}

std::vector<keeper::Announcement> Node::announcements_of_links() const {
  std::vector<keeper::Announcement> all;
  for (const auto& [id, link] : links_)
    if (link.settings.scope && !link.settings.floating.empty())
      all.push_back({*link.settings.scope, floating_device(link.settings.device),
                     announcements(link.settings.floating)});
  return all;
}

/// Who tells no generation id does not notice that another control plane speaks with the address:
/// its next periodic Join comes within a minute (RFC 7761 4.3.1, 4.11).
void Node::add_unrefreshing(const Scope& scope, std::vector<Finding>& findings) const {
  if (scope.id != kFloatingPair) return;
  std::string names;
  std::uint64_t count = 0;
  for (const auto& family : pim_) {
    for (const auto& row : family->pim.neighbours().show_neighbours(TimePoint{})) {
      const auto link = links_.find(row.link);
      if (row.generation_id || link == links_.end() || !link->second.settings.pim_floating)
        continue;
      if (++count <= kNamedMax)
        names += fmt::format("{}{} on {}", names.empty() ? "" : ", ", row.address.to_string(),
                             link->second.settings.name);
    }
  }
  if (count == 0) return;
  if (count > kNamedMax) names += ", …";
  findings.push_back(
      {fmt::format("neighbors without generation id refresh their joins only by timer: {}", names),
       count, false, true});
}

}  // namespace hotpair::ha::node
