#include "tests/sim/pair/acked_watch.h"

#include <algorithm>
#include <utility>

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
using checkpoint::DatabaseId;
using ha::etrunk::Role;

constexpr ScopeId kScope{10};
// Everything is looked at so often, and the peer's store so soon after an acknowledgement.
constexpr Duration kEvery = 200ms;
constexpr Duration kAckedEvery = 5ms;

/// A master that has written down all it did: nothing is on its way to the store.
bool settled(const ha::node::Scope& scope) {
  const checkpoint::journal::Journal& journal = scope.journal;
  return journal.writing() && !journal.degraded() && !journal.torn() && !scope.refill &&
         journal.committed() == journal.last();
}

AckedRecords::Held held_by_store(SimNode& node) {
  auto reply = node.store().execute_one(
      {0, checkpoint::ScanRecords{kScope, std::nullopt, std::nullopt, 1U << 20U, 1U << 30U}});
  return std::move(std::get<checkpoint::RecordSlice>(reply.body).records);
}

AckedRecords::Held held_by_engine(const ha::node::Node& node) {
  checkpoint::schema::RecordCodec codec;
  for (const auto& [id, link] : node.links())
    if (link.settings.scope == kScope)
      static_cast<void>(codec.links().bind(
          id, {VrfId{0}, link.settings.name,
               checkpoint::schema::TrunkRef{kScope.value(), link.settings.eth_trunk}}));
  AckedRecords::Held held;
  std::optional<std::uint32_t> cursor = 0;
  while (cursor) {
    const auto slice = node.gmp().snapshot(*cursor, 4096);
    for (const auto& record : slice.records)
      if (auto change = codec.encode(kScope, record)) held.push_back({change->key, *change->value});
    cursor = slice.next;
  }
  std::ranges::sort(held, {}, &checkpoint::Record::key);
  return held;
}

}  // namespace

void AckedWatch::look() {
  for (SimNode* node : nodes_) follow(*node);
  look_for_acks(*nodes_[0], *nodes_[1]);
  look_for_acks(*nodes_[1], *nodes_[0]);
  if (world_.now() - last_ < kEvery) return;
  last_ = world_.now();
  for (SimNode* node : nodes_) check(*node, "now");
}

void AckedWatch::look_at_all() {
  for (SimNode* node : nodes_) check(*node, "when it is quiet");
}

void AckedWatch::follow(SimNode& node) {
  const auto index = static_cast<std::size_t>(node.index());
  const ha::node::Scope* scope = node.scope();
  const bool active = scope != nullptr && scope->active;
  const bool was = std::exchange(active_[index], active);
  if (was && !active && behind_[index]) node.set_store_lost(true);
  if (scope == nullptr) return;
  behind_[index] = active && (scope->journal.degraded() || scope->journal.torn() || scope->refill);
  if (node.store_lost() && !active && scope->role.role() == Role::backup &&
      scope->role.complete()) {
    node.set_store_lost(false);
  }
  if (!active || was) return;
  acked_[index] = Sequence{};
  if (node.store_lost()) {
    network_.records.forget();
    ++forgotten_;
    node.set_store_lost(false);
  }
  check(node, "on its takeover");
}

void AckedWatch::look_for_acks(SimNode& from, SimNode& to) {
  if (!from.take_stream_heard()) return;
  const ha::node::Scope* scope = from.scope();
  if (scope == nullptr || !scope->active) return;
  const auto service = from.node()->services().find("service1");
  if (service == from.node()->services().end() || !service->second->up) return;
  const auto model = service->second->session->show(kScope, world_.now());
  if (!model || model->direction != rbs::session::Direction::sending) return;
  Sequence& seen = acked_[static_cast<std::size_t>(from.index())];
  if (model->acked == seen) return;
  seen = model->acked;
  network_.records.acked(scope->journal.history(), seen);
  if (world_.now() - acked_at_ < kAckedEvery) return;
  acked_at_ = world_.now();
  check_store(to, "when it was acknowledged");
}

void AckedWatch::check(SimNode& node, const char* when) {
  check_store(node, when);
  check_engine(node, when);
}

void AckedWatch::check_store(SimNode& node, const char* when) {
  if (node.store_lost() || !world_.failures().empty()) return;
  const ha::node::Scope* scope = node.scope();
  // A new master's line is being written: what it holds is in its engines.
  if (scope != nullptr && scope->active && !settled(*scope)) return;
  if (const auto text = network_.records.missing(held_by_store(node)))
    world_.fail("{}: store, {}: {}", node.index(), when, *text);
}

void AckedWatch::check_engine(SimNode& node, const char* when) {
  const ha::node::Scope* scope = node.scope();
  if (node.store_lost() || !world_.failures().empty()) return;
  if (scope == nullptr || scope->life != ha::node::Scope::Life::ready) return;
  const bool whole = scope->active ? settled(*scope)
                                   : scope->role.role() == Role::backup && scope->role.complete();
  if (!whole) return;
  if (const auto text =
          network_.records.missing(held_by_engine(*node.node()), DatabaseId::igmp_membership))
    world_.fail("{}: engine, {}: {}", node.index(), when, *text);
}

}  // namespace hotpair::sim
