#include <set>
#include <utility>

#include "ha/node/node.h"

/// RP information of the floating pair: its master writes what it has learned into the scope of the
/// pair (databases 0, 2 and 3), the other node uses it where it knows nothing itself.
namespace hotpair::ha::node {
namespace {

namespace rp = mcast::rp;

/// The record that says that this one is gone.
rp::RpRecord gone(rp::RpRecord record) {
  std::visit([](auto& one) { one.value.reset(); }, record);
  return record;
}

}  // namespace

/// The shared knowledge, if this node is the backup of a floating pair.
const SharedRps* Node::shared_rps(const PimFamily& family) const {
  const auto pair = scopes_.find(kFloatingPair);
  return pair == scopes_.end() || pair->second->active ? nullptr : family.shared.get();
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
  for_each_record(family.auto_rp.engine, share);
}

/// pump_rp() looks at what becomes of it.
void Node::restore_shared_rp(const rp::RpRecord& record, TimePoint now) {
  for (const auto& family : pim_) {
    family->shared->bsr.on_record(record, now);
    if (family->family == Family::ipv4) family->shared->auto_rp.on_record(record, now);
  }
}

void Node::forget_shared_rps(TimePoint now) {
  for (const auto& family : pim_) {
    family->shared = std::make_unique<SharedRps>(family->vrf, family->family);
    refresh_rps(*family, now);
  }
}

/// This node is the pair's now: what it lacks it takes over, and the records become its own.
void Node::adopt_shared_rps(TimePoint now) {
  std::set<checkpoint::RecordKey> known;
  const auto note = [&](const rp::RpRecord& record) {
    if (const auto change = codec_.encode(kFloatingPair, record)) known.insert(change->key);
  };
  for (const auto& family : pim_) {
    family->bsr.adopt(family->shared->bsr, now);
    for_each_record(family->bsr, note);
    family->auto_rp.engine.adopt(family->shared->auto_rp, now);
    for_each_record(family->auto_rp.engine, note);
  }
  const auto withdraw = [&](const rp::RpRecord& record) {
    const auto change = codec_.encode(kFloatingPair, record);
    if (change && !known.contains(change->key)) share_rp(gone(record), now);
  };
  for (const auto& family : pim_) {
    for_each_record(family->shared->bsr, withdraw);
    for_each_record(family->shared->auto_rp, withdraw);
    share_rps(*family, now);
    family->shared = std::make_unique<SharedRps>(family->vrf, family->family);
    refresh_rps(*family, now);
  }
}

/// It is the pair's no more: what it wrote is what the next master goes on from.
void Node::leave_shared_rps(TimePoint now) {
  for (const auto& family : pim_) {
    const auto keep = [&](const rp::RpRecord& record) {
      if (!codec_.encode(kFloatingPair, record)) return;  // was not written either
      restore_shared_rp(record, now);
    };
    family->shared = std::make_unique<SharedRps>(family->vrf, family->family);
    for_each_record(family->bsr, keep);
    for_each_record(family->auto_rp.engine, keep);
  }
}

}  // namespace hotpair::ha::node
