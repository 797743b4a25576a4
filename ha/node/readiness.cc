#include "ha/node/readiness.h"

#include <fmt/format.h>

#include <algorithm>

#include "ha/node/node.h"

namespace hotpair::ha::node {
namespace {

std::string in_words(const Finding& finding) {
  return finding.count == 0 ? finding.what : fmt::format("{} {}", finding.count, finding.what);
}

std::uint64_t unacknowledged(const Scope& scope) {
  std::uint64_t count = 0;
  for (const auto& row : scope.journal.statistics()) count += row.awaiting_send + row.awaiting_ack;
  return count;
}

}  // namespace

bool Readiness::ready() const {
  return std::ranges::none_of(findings, [](const Finding& each) { return each.blocks; });
}

std::string Readiness::blockers(bool force) const {
  std::string text;
  for (const Finding& each : findings) {
    if (!each.blocks || (force && each.forceable)) continue;
    text += (text.empty() ? "" : "; ") + in_words(each);
  }
  return text;
}

/// A partner keeps the system that it attached first, whatever its Sync says.
std::string Node::different_systems(const Scope& scope) const {
  const auto etrunk = etrunks_.find(scope.settings.etrunk);
  const bool behind_trunk = std::ranges::any_of(
      trunks_, [&](const auto& each) { return each.second.settings.scope == scope.id; });
  if (etrunk == etrunks_.end() || !behind_trunk || !scope.role.peer()) return {};
  const MacAddress& ours = etrunk->second.settings.etrunk.system_id;
  const MacAddress& theirs = scope.role.peer()->system_id;
  if (ours == theirs) return {};
  return fmt::format("the LACP system ids differ ({} here, {} at the peer)", ours.to_string(),
                     theirs.to_string());
}

/// Where the peer may be a next hop: the far ends of all paths, and the address from which whoever
/// has one of them says Hello (an IPv6 next hop is a link-local address).
std::vector<IpAddress> Node::peer_addresses() const {
  std::vector<IpAddress> all;
  for (const auto& [etrunk, state] : etrunks_)
    for (const etrunk::PathConfig& path : state.settings.etrunk.paths) {
      all.push_back(path.peer);
      const auto& neighbours = pim(path.peer.family()).neighbours();
      for (const auto& [link, known] : links_)
        if (const auto primary = neighbours.primary_of(link, path.peer)) all.push_back(*primary);
    }
  return all;
}

std::vector<Readiness> Node::readiness() const {
  std::vector<Readiness> all;
  for (const auto& [id, scope] : scopes_)
    if (id != kWholeNode) all.push_back(readiness(*scope));
  return all;
}

Readiness Node::readiness(const Scope& scope) const {
  Readiness found{.scope = scope.id,
                  .profile = scope.settings.name,
                  .role = scope.role.role(),
                  .peer = std::nullopt,
                  .findings = {}};
  const auto blocks = [&](std::string what) {
    found.findings.push_back({std::move(what), 0, true, true});
  };
  const auto forbids = [&](std::string what) {
    found.findings.push_back({std::move(what), 0, true, false});
  };
  const auto tells = [&](std::string what, std::uint64_t count = 0) {
    found.findings.push_back({std::move(what), count, false, true});
  };
  const bool master = found.role == role::Role::master;
  if (found.role == role::Role::init) forbids("this node has no role yet");
  const auto service = services_.find(scope.settings.service);
  if (service == services_.end() || !service->second->up)
    forbids("the channel to the peer is down");
  const etrunk::ScopeReport* report = scope.role.peer_heard() ? scope.role.peer_report() : nullptr;
  if (report == nullptr) {
    forbids("no hello of the peer tells of this profile");
  } else {
    found.peer = *report;
    found.peer_control = scope.role.peer()->control;
    if (found.peer_control != etrunk::ControlState::running)
      blocks("the peer's brain is not running");
    if (report->role == found.role) forbids("both nodes have the same role");
    if (master && !report->access_up) blocks("the peer's access link is down");
    if (std::string differ = different_systems(scope); !differ.empty()) blocks(std::move(differ));
  }
  if (!master && !scope.access_up) blocks("the access link is down");
  if (master && !scope.peer_complete)
    forbids("the peer's copy is not complete");
  else if (master && report != nullptr && !report->complete)
    forbids("the peer has not taken its copy in yet");
  if (!master && !scope.role.complete()) forbids("the copy is not complete");
  if (scope.handover.under_way() || scope.is_preparing() || scope.carrier_held)
    forbids("a switchover is under way");
  if (master)
    if (const std::uint64_t waiting = unacknowledged(scope); waiting != 0)
      tells("records wait for their acknowledgement", waiting);
  add_standing(scope, found);
  add_unrefreshing(scope, found.findings);
  if (const auto etrunk = etrunks_.find(scope.settings.etrunk); etrunk != etrunks_.end())
    if (etrunk->second.has_single_path()) tells("the peer is heard over a single path");
  return found;
}

}  // namespace hotpair::ha::node
