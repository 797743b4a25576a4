#include <fmt/format.h>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

/// Multicast call admission control: limits into MRIB, reservations into the journal and out of it.
namespace hotpair::ha::node {
namespace {

namespace mrib = mcast::mrib;

constexpr std::size_t kSlice = 4096;

std::string text_of(const mrib::StateKey& state) {
  return fmt::format("({}, {})", state.source ? state.source->to_string() : "*",
                     state.group.to_string());
}

}  // namespace

void Node::apply_admission(const NodeConfig& config, TimePoint now) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const mrib::AdmissionSettings& settings =
        family == Family::ipv4 ? config.admission_ipv4 : config.admission_ipv6;
    mrib_.set_costs(family, settings.costs, now);
    mrib_.set_limit_rate(family, settings.denials_per_s);
  }
}

void Node::refresh_limits(const Link& link, TimePoint now) {
  mrib_.set_limits(link.id, Family::ipv4, link.settings.limits_ipv4, now);
  mrib_.set_limits(link.id, Family::ipv6, link.settings.limits_ipv6, now);
}

// ---- out ----

void Node::handle(mrib::ReservationChanged& change, TimePoint now) {
  const mrib::ReservationKey& key = change.record.key;
  Scope* scope = record_scope(key.link, key.state.group.family());
  if (scope == nullptr) return;
  if (auto record = codec_.encode(scope->id, change.record))
    append(*scope, std::move(*record), now);
}

void Node::handle(mrib::ReservationRemoved& removal, TimePoint now) {
  Scope* scope = record_scope(removal.key.link, removal.key.state.group.family());
  if (scope == nullptr) return;
  if (auto record = codec_.encode(scope->id, removal.key)) append(*scope, std::move(*record), now);
}

void Node::handle(mrib::LimitDenied& denied, TimePoint now) {
  static_cast<void>(now);
  const bool in = denied.key.direction == mrib::Direction::in;
  log(kLimitDenied, link_name(denied.key.link), in ? "the incoming link" : "the outgoing link",
      text_of(denied.key.state), denied.in_use, denied.max, denied.cost, denied.suppressed);
}

void Node::handle(mrib::LimitThreshold& reached, TimePoint now) {
  static_cast<void>(now);
  log(kLimitThreshold, link_name(reached.link), reached.in_use, reached.limit.max,
      reached.limit.channels.groups.to_string());
}

/// Into a journal that was reset: what is admitted on links whose records it has.
void Node::refill_reservations(Scope& scope, TimePoint now) {
  std::optional<mrib::ReservationKey> after;
  do {
    const mrib::Admission::Slice slice = mrib_.admission().snapshot(after, kSlice);
    for (const mrib::Reservation& record : slice.records) {
      if (record_scope(record.key.link, record.key.state.group.family()) != &scope) continue;
      if (auto encoded = codec_.encode(scope.id, record)) append(scope, std::move(*encoded), now);
    }
    after = slice.next;
  } while (after);
}

// ---- in ----

Result<void> Node::deliver_reservation(Scope& scope, const checkpoint::RecordChange& change,
                                       TimePoint now) {
  const auto record = codec_.decode_reservation(scope.id, change);
  if (!record) return std::unexpected(record.error());
  if (const auto* put = std::get_if<mrib::Reservation>(&*record))
    mrib_.on_reservation(*put, now);
  else
    mrib_.on_reservation_removed(std::get<mrib::ReservationKey>(*record), now);
  return {};
}

}  // namespace hotpair::ha::node
