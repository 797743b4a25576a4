#include <set>
#include <utility>

#include "ha/node/node.h"

/// RP information of the floating pair: its master writes what it has learned into the scope of the
/// pair (databases 0, 2 and 3), the other node uses it where it knows nothing itself.
namespace hotpair::ha::node {
namespace {

namespace rp = mcast::rp;

constexpr std::size_t kSlice = 4096;

template <typename Engine, typename Take>
void for_each_record(const Engine& engine, Take take) {
  for (std::optional<std::size_t> cursor = 0; cursor;) {
    const rp::RpRecordSlice slice = engine.snapshot(*cursor, kSlice);
    for (const rp::RpRecord& record : slice.records) take(record);
    cursor = slice.next;
  }
}

/// The record that says that this one is gone.
rp::RpRecord gone(rp::RpRecord record) {
  std::visit([](auto& one) { one.value.reset(); }, record);
  return record;
}

}  // namespace

/// The shared knowledge, if this node is the backup of a floating pair.
const SharedRps* Node::shared_rps(const PimFamily& family) const {
  const auto pair = scopes_.find(kFloatingPair);
  const bool shares = family.vrf == VrfId{};  // identities float in the default VRF
  return !shares || pair == scopes_.end() || pair->second->active ? nullptr : family.shared.get();
}

void Node::share_rp(const rp::RpRecord& record, TimePoint now) {
  Scope* pair = find(kFloatingPair);
  if (pair == nullptr || !pair->active) return;
  if (auto change = codec_.encode(pair->id, record)) append(*pair, std::move(*change), now);
}

/// Everything of it that this node knows.
void Node::share_rps(const PimFamily& family, TimePoint now) {
  const auto share = [&](const rp::RpRecord& record) { share_rp(record, now); };
  for_each_record(family.bsr, share);
  if (family.family == Family::ipv4) for_each_record(auto_rp_.engine, share);
}

/// pump_rp() looks at what becomes of it.
void Node::restore_shared_rp(const rp::RpRecord& record, TimePoint now) {
  for (const auto& family : public_pim()) {
    family->shared->bsr.on_record(record, now);
    if (family->family == Family::ipv4) family->shared->auto_rp.on_record(record, now);
  }
}

void Node::forget_shared_rps(TimePoint now) {
  for (const auto& family : public_pim()) {
    family->shared = std::make_unique<SharedRps>(family->family);
    refresh_rps(*family, now);
  }
}

/// This node is the pair's now: what it lacks it takes over, and the records become its own.
void Node::adopt_shared_rps(TimePoint now) {
  std::set<checkpoint::RecordKey> known;
  const auto note = [&](const rp::RpRecord& record) {
    if (const auto change = codec_.encode(kFloatingPair, record)) known.insert(change->key);
  };
  for (const auto& family : public_pim()) {
    family->bsr.adopt(family->shared->bsr, now);
    for_each_record(family->bsr, note);
    if (family->family != Family::ipv4) continue;
    auto_rp_.engine.adopt(family->shared->auto_rp, now);
    for_each_record(auto_rp_.engine, note);
  }
  const auto withdraw = [&](const rp::RpRecord& record) {
    const auto change = codec_.encode(kFloatingPair, record);
    if (change && !known.contains(change->key)) share_rp(gone(record), now);
  };
  for (const auto& family : public_pim()) {
    for_each_record(family->shared->bsr, withdraw);
    for_each_record(family->shared->auto_rp, withdraw);
    share_rps(*family, now);
    family->shared = std::make_unique<SharedRps>(family->family);
    refresh_rps(*family, now);
  }
}

/// It is the pair's no more: what it wrote is what the next master goes on from.
void Node::leave_shared_rps(TimePoint now) {
  for (const auto& family : public_pim()) {
    const auto keep = [&](const rp::RpRecord& record) {
      if (!codec_.encode(kFloatingPair, record)) return;  // was not written either
      restore_shared_rp(record, now);
    };
    family->shared = std::make_unique<SharedRps>(family->family);
    for_each_record(family->bsr, keep);
    if (family->family == Family::ipv4) for_each_record(auto_rp_.engine, keep);
  }
}

}  // namespace hotpair::ha::node
