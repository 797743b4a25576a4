#include <algorithm>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

/// After a split brain: memberships that only the peer's line has come from the session, go to the
/// membership engine as tentative ones, and are told to the operator as one event.
namespace hotpair::ha::node {
namespace {

namespace gmp = mcast::gmp;
namespace session = rbs::session;
using checkpoint::DatabaseId;

constexpr std::size_t kFirst = 5;  // that are named

/// Nobody had said that the other may take over: both may have served hosts.
bool taken_in_silence(keeper::Cause cause) {
  return cause == keeper::Cause::paths_down || cause == keeper::Cause::alone ||
         cause == keeper::Cause::election;
}

std::uint64_t membership_records(const Scope& scope) {
  std::uint64_t records = 0;
  for (const checkpoint::DatabaseDigest& one : scope.journal.digests())
    if (one.database == static_cast<std::uint8_t>(DatabaseId::igmp_membership) ||
        one.database == static_cast<std::uint8_t>(DatabaseId::mld_membership))
      records += one.records;
  return records;
}

}  // namespace

void Node::hear_diverged(Scope& scope, const session::Diverged& frame, TimePoint now) {
  if (!scope.active) return;
  if (scope.divergence && scope.divergence->peer != frame.epoch) end_divergence(scope, now);
  if (!scope.divergence) {
    const gmp::Tentative before = tentative(scope);
    scope.divergence = Divergence{};
    scope.divergence->peer = frame.epoch;
    scope.divergence->began = now;
    scope.divergence->held_here = membership_records(scope);
    scope.divergence->confirmed_before = before.confirmed;
    scope.divergence->expired_before = before.expired;
  }
  Divergence& divergence = *scope.divergence;
  divergence.deposed = divergence.deposed || frame.deposed;
  divergence.told_at = now;
  divergence.held_there = std::max(divergence.held_there, frame.held);
  for (const checkpoint::Record& record : frame.records) unite(scope, record, now);
  if (frame.done) tell_divergence(scope, now);
}

void Node::unite(Scope& scope, const checkpoint::Record& record, TimePoint now) {
  Divergence& divergence = *scope.divergence;
  const auto membership = codec_.decode_membership(scope.id, {record.key, record.value});
  const gmp::Taken taken = membership ? gmp_.on_tentative(*membership, now) : gmp::Taken::refused;
  if (taken == gmp::Taken::known) return;
  if (taken == gmp::Taken::added) ++divergence.only_there;
  if (taken == gmp::Taken::widened) ++divergence.less_here;
  if (taken == gmp::Taken::refused) ++divergence.refused;
  if (!membership || divergence.first.size() >= kFirst) return;
  const auto [link, group] = std::visit(
      [](const auto& one) {
        return std::pair{one.key.link, one.key.group};
      },
      *membership);
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  const LinkSettings& settings = found->second.settings;
  std::string name = settings.name + " " + group.to_string() + in_vrf(settings.vrf);
  if (std::ranges::find(divergence.first, name) == divergence.first.end())
    divergence.first.push_back(std::move(name));
}

/// The one event, and its story.
void Node::tell_divergence(Scope& scope, TimePoint now) {
  Divergence& divergence = *scope.divergence;
  if (divergence.told) return;
  divergence.told = true;
  const std::uint64_t differ = divergence.only_there + divergence.less_here + divergence.refused;
  const bool split = divergence.deposed && taken_in_silence(scope.role.cause());
  if (differ == 0 && !split) return scope.divergence.reset();
  const std::uint64_t common =
      divergence.held_there - std::min(divergence.held_there, divergence.only_there);
  const std::uint64_t only_here = divergence.held_here - std::min(divergence.held_here, common);
  std::string what = "the peer had changes that were never acknowledged";
  if (divergence.peer.term.node == identity_.node)
    what = "the peer had more of this node's line than its own store";
  if (split)
    what = fmt::format("both nodes were master, for {:.3f} s",
                       std::chrono::duration<double>(divergence.began - scope.story_began).count());
  std::string first;
  for (const std::string& one : divergence.first) first += (first.empty() ? "" : ", ") + one;
  if (first.empty()) first = "none";
  log(kDiverged, scope.id.value(), what, to_string(scope.role.term()),
      to_string(divergence.peer.term), only_here, divergence.only_there, divergence.less_here,
      divergence.refused, first);
  switchover::Story story;
  story.scope = scope.id;
  story.at = divergence.began;
  story.from = story.to = role::Role::master;
  story.term = scope.role.term();
  story.cause = keeper::Cause::larger_term;
  story.memberships = divergence.only_there + divergence.less_here;
  story.remark = fmt::format(
      "{}; the peer's term {} ended; records only here {}, only there {}, with less here {}, "
      "refused {}; first: {}",
      what, to_string(divergence.peer.term), only_here, divergence.only_there, divergence.less_here,
      divergence.refused, first);
  divergence.story = history_.begin(std::move(story));
  history_.add_phase(divergence.story, "memberships of both united", now - divergence.began);
}

gmp::Tentative Node::tentative(const Scope& scope) const {
  gmp::Tentative sum;
  for (const auto& [id, link] : links_) {
    if (link.settings.scope != scope.id) continue;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      const gmp::Tentative one = gmp_.tentative(id, family);
      sum.waiting += one.waiting;
      sum.confirmed += one.confirmed;
      sum.expired += one.expired;
    }
  }
  return sum;
}

/// Ends it when no membership waits for an answer any more.
void Node::settle_divergence(Scope& scope, TimePoint now) {
  if (!scope.divergence) return;
  if (!scope.divergence->told) {
    if (now < scope.divergence->told_at + kTellingEnds) return;
    tell_divergence(scope, now);
    if (!scope.divergence) return;
  }
  if (tentative(scope).waiting == 0) end_divergence(scope, now);
}

void Node::end_divergence(Scope& scope, TimePoint now) {
  if (!scope.divergence->told) tell_divergence(scope, now);
  if (!scope.divergence) return;
  const Divergence divergence = *std::exchange(scope.divergence, std::nullopt);
  const gmp::Tentative counts = tentative(scope);
  const std::uint64_t confirmed =
      counts.confirmed - std::min(counts.confirmed, divergence.confirmed_before);
  const std::uint64_t expired =
      counts.expired - std::min(counts.expired, divergence.expired_before);
  if (confirmed + expired + counts.waiting == 0) return;
  log(kDivergedConfirmed, scope.id.value(), confirmed + expired + counts.waiting, confirmed,
      expired);
  history_.add_phase(divergence.story,
                     fmt::format("hosts confirmed {}, {} ended unanswered", confirmed, expired),
                     now - divergence.began);
}

/// This node's end of it.
void Node::handle_told(const session::DivergedTold& told) {
  Scope* scope = find(told.scope);
  if (scope == nullptr || told.records == 0) return;
  log(kDivergedTold, told.scope.value(), told.records, to_string(told.term));
  if (scope->story == 0 || scope->role.role() != role::Role::backup) return;
  history_.set_remark(scope->story,
                      fmt::format("{} records of memberships were told to the master of term {}",
                                  told.records, to_string(told.term)));
}

}  // namespace hotpair::ha::node
