#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

/// Records of PIM and RP information: into the journal and out of it.
namespace hotpair::ha::node {
namespace {

namespace pim = mcast::pim;
namespace rp = mcast::rp;

constexpr std::size_t kSlice = 4096;

}  // namespace

// ---- out ----

void Node::handle(PimFamily& family, pim::RecordChanged& change, TimePoint now) {
  Scope* scope = record_scope(change.record.key.link, family.family);
  if (scope == nullptr) return;
  if (auto record = codec_.encode(scope->id, change.record))
    append(*scope, std::move(*record), now);
}

void Node::handle(PimFamily& family, pim::RecordRemoved& change, TimePoint now) {
  Scope* scope = record_scope(change.key.link, family.family);
  if (scope == nullptr) return;
  if (auto record = codec_.encode(scope->id, change.key)) append(*scope, std::move(*record), now);
}

void Node::handle(PimFamily& family, rp::RecordChanged& change, TimePoint now) {
  static_cast<void>(family);
  if (auto record = codec_.encode(change.record))
    append(*find(kWholeNode), std::move(*record), now);
  share_rp(change.record, now);
}

/// Who this node is on a link, for the control plane that comes after it: database 7.
void Node::note_identity(const PimFamily& family, const Link& link, const IpAddress& source,
                         const mcast::wire::PimHello& hello, TimePoint now) {
  if (!hello.generation_id) return;
  const pim::IdentityRecord record{
      {link.id, family.family},
      pim::IdentityValue{*hello.generation_id, hello.dr_priority.value_or(1), source}};
  auto& told = identities_[record.key];
  if (told == record.value) return;
  told = record.value;
  Scope& scope = identity_scope(link);
  if (auto encoded = codec_.encode(scope.id, record)) append(scope, std::move(*encoded), now);
}

/// A floating one is that of both nodes; others say nothing to the peer.
Scope& Node::identity_scope(const Link& link) {
  Scope* floating = link.settings.pim_floating ? find(kFloatingPair) : nullptr;
  return floating != nullptr ? *floating : *find(kWholeNode);
}

/// Into a journal that was reset: all that the engines have for it.
void Node::refill_pim(Scope& scope, TimePoint now) {
  for (const auto& family : pim_) {
    std::optional<pim::JoinPruneKey> after;
    do {
      const pim::JoinPruneSlice slice = family->pim.snapshot(after, kSlice);
      for (const pim::JoinPruneRecord& record : slice.records)
        if (record_scope(record.key.link, family->family) == &scope)
          if (auto encoded = codec_.encode(scope.id, record))
            append(scope, std::move(*encoded), now);
      after = slice.next;
    } while (after);
    if (scope.id == kFloatingPair) share_rps(*family, now);
    if (scope.id != kWholeNode) continue;
    const auto write = [&](const rp::RpRecord& record) {
      if (auto encoded = codec_.encode(record)) append(scope, std::move(*encoded), now);
    };
    for_each_record(family->bsr, write);
    for_each_record(family->auto_rp.engine, write);
    refill_registers(scope, *family, now);
  }
  if (scope.id == kWholeNode) refill_bidir(scope, now);
  for (const auto& [key, value] : identities_) {
    const auto link = links_.find(key.link);
    if (link == links_.end() || &identity_scope(link->second) != &scope) continue;
    if (auto encoded = codec_.encode(scope.id, pim::IdentityRecord{key, value}))
      append(scope, std::move(*encoded), now);
  }
}

void Node::refill_registers(Scope& scope, const PimFamily& family, TimePoint now) {
  std::optional<pim::RegisterKey> after;
  do {
    const pim::RegisterSlice slice = family.tunnels.snapshot(after, kSlice);
    for (const pim::RegisterRecord& record : slice.records)
      if (auto encoded = codec_.encode(record)) append(scope, std::move(*encoded), now);
    after = slice.next;
  } while (after);
}

void Node::handle(PimFamily& family, pim::RegisterRecordChanged& change, TimePoint now) {
  static_cast<void>(family);
  if (auto record = codec_.encode(change.record))
    append(*find(kWholeNode), std::move(*record), now);
}

void Node::handle(PimFamily& family, pim::RegisterRecordRemoved& change, TimePoint now) {
  static_cast<void>(family);
  if (auto record = codec_.encode(change.key)) append(*find(kWholeNode), std::move(*record), now);
}

// ---- in ----

Result<void> Node::deliver_join_prune(Scope& scope, const checkpoint::RecordChange& change,
                                      TimePoint now) {
  const auto record = codec_.decode_join_prune(scope.id, change);
  if (!record) return std::unexpected(record.error());
  PimFamily* const family = find_pim(change.key.vrf, change.key.family);
  if (family == nullptr) return no_such_vrf(change.key.vrf);
  pim::Pim& engine = family->pim;
  if (const auto* put = std::get_if<pim::JoinPruneRecord>(&*record))
    engine.on_record(*put, now);
  else
    engine.on_record_removed(std::get<pim::JoinPruneKey>(*record), now);
  return {};
}

Result<void> Node::deliver_rp(Scope& scope, const checkpoint::RecordChange& change, TimePoint now) {
  const auto record = codec_.decode_rp(scope.id, change);
  if (!record) return std::unexpected(record.error());
  if (find_pim(change.key.vrf, change.key.family) == nullptr) return no_such_vrf(change.key.vrf);
  if (scope.id == kFloatingPair) {
    if (!scope.active) restore_shared_rp(*record, now);
    return {};
  }
  for (const auto& family : pim_) {
    family->bsr.on_record(*record, now);
    if (family->family == Family::ipv4) family->auto_rp.engine.on_record(*record, now);
  }
  return {};
}

Result<void> Node::deliver_register(Scope& scope, const checkpoint::RecordChange& change,
                                    TimePoint now) {
  const auto record = codec_.decode_register(scope.id, change);
  if (!record) return std::unexpected(record.error());
  PimFamily* const family = find_pim(change.key.vrf, change.key.family);
  if (family == nullptr) return no_such_vrf(change.key.vrf);
  pim::RegisterTunnels& tunnels = family->tunnels;
  registers_restored_ = true;
  if (const auto* put = std::get_if<pim::RegisterRecord>(&*record))
    tunnels.on_record(*put, now);
  else
    tunnels.on_record_removed(std::get<pim::RegisterKey>(*record), now);
  return {};
}

/// The next generation id differs from the one that an earlier control plane used.
Result<void> Node::deliver_identity(Scope& scope, const checkpoint::RecordChange& change) {
  const auto record = codec_.decode_identity(scope.id, change);
  if (!record) return std::unexpected(record.error());
  const auto link = links_.find(record->key.link);
  if (record->value && link != links_.end())
    pim_of(link->second, record->key.family)
        .pim.note_generation(record->key.link, record->value->generation_id);
  return {};
}

}  // namespace hotpair::ha::node
