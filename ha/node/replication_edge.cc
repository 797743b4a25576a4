#include <algorithm>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {

// What was lost with the way to the peer need not wait for the end of its back-off.
void Node::dial_again(etrunk::EtrunkId etrunk) {
  std::set<TransportId> told;
  for (const auto& [id, scope] : scopes_) {
    const Service* service = scope->settings.etrunk == etrunk ? service_of(*scope) : nullptr;
    if (service != nullptr && !service->stream_up && told.insert(service->transport).second)
      effects_.push(DialNow{service->transport});
  }
}
namespace {

namespace session = rbs::session;
using checkpoint::DatabaseId;

constexpr std::size_t kRefillSlice = 256;
/// After a restart in place nothing is deleted from the plane for this long: hosts are asked, RPF
/// answers come in, and the peer fills what the store did not have.
constexpr Duration kHoldOff = std::chrono::seconds(15);

}  // namespace

// ---- life of a scope's store ----

void Node::ask_meta(Scope& scope) {
  const checkpoint::RequestId id = ids_.next();
  own_requests_[id] = scope.id;
  effects_.push(AskStore{{id, checkpoint::ReadMeta{scope.id}}});
}

void Node::on_terms_lost(const std::string& detail, TimePoint now) {
  raise(kTermsLost, "store", now, detail);
}

void Node::on_store_age(Duration oldest, TimePoint now) {
  if (oldest < kStoreSlowAfter)
    clear(kStoreSlow, "store");
  else
    raise(kStoreSlow, "store", now,
          std::chrono::duration_cast<std::chrono::milliseconds>(oldest).count());
}

void Node::on_store(checkpoint::StoreReply reply, TimePoint now) {
  if (const auto own = own_requests_.find(reply.id); own != own_requests_.end()) {
    const ScopeId id = own->second;
    own_requests_.erase(own);
    Scope* scope = find(id);
    const auto reserved = reservations_.extract(reply.id);
    if (scope != nullptr) {
      if (const auto* meta = std::get_if<checkpoint::MetaRead>(&reply.body)) {
        on_meta(*scope, *meta, now);
      } else if (const auto* slice = std::get_if<checkpoint::RecordSlice>(&reply.body)) {
        on_restored_slice(*scope, *slice, now);
      } else if (const auto* failed = std::get_if<checkpoint::StoreFailed>(&reply.body)) {
        raise(kStoreDegraded, "scope " + std::to_string(id.value()), now, id.value(),
              failed->error.detail);
        // A node that cannot remember still serves: it goes on without its store.
        if (!reserved.empty())
          scope->role.on_reserved(reserved.mapped(), now);
        else if (scope->life == Scope::Life::asking)
          on_meta(*scope, {id, {}, 0}, now);
        else if (scope->life == Scope::Life::restoring)
          finish_restore(*scope, now);
      } else if (!reserved.empty()) {
        scope->role.on_reserved(reserved.mapped(), now);
      }
    }
    pump(now);
    return;
  }
  for (const auto& [id, scope] : scopes_) {
    if (!scope->journal.on_store_reply(reply, now)) continue;
    if (Service* service = service_of(*scope)) service->session->on_journal(id, now);
    const std::string subject = "scope " + std::to_string(id.value());
    if (scope->journal.degraded())
      raise(kStoreDegraded, subject, now, id.value(), scope->journal.store_failure());
    else
      clear(kStoreDegraded, subject);
    if (scope->journal.torn() && !scope->journal.degraded() && !scope->refill && scope->active) {
      scope->journal.reset(now);
      scope->refill = 0;
    }
    pump(now);
    return;
  }
  for (const auto& [name, service] : services_)
    if (service->session->on_store_reply(std::move(reply), now)) break;
  pump(now);
}

void Node::on_meta(Scope& scope, const checkpoint::MetaRead& meta, TimePoint now) {
  if (scope.life != Scope::Life::asking) return;
  scope.journal.restore(meta.meta);
  if (meta.meta.history.empty()) {
    finish_restore(scope, now);
  } else {
    scope.life = Scope::Life::restoring;
    const checkpoint::RequestId id = ids_.next();
    own_requests_[id] = scope.id;
    effects_.push(AskStore{{id, checkpoint::ScanRecords{scope.id, std::nullopt, std::nullopt}}});
  }
  scope.role.on_reserved(meta.reserved_term, now);
}

void Node::on_restored_slice(Scope& scope, const checkpoint::RecordSlice& slice, TimePoint now) {
  if (scope.life != Scope::Life::restoring) return;
  for (const checkpoint::Record& record : slice.records)
    deliver(scope, checkpoint::RecordChange{record.key, record.value}, now);
  scope.restored += slice.records.size();
  if (slice.done || slice.records.empty()) {
    finish_restore(scope, now);
    return;
  }
  const checkpoint::RequestId id = ids_.next();
  own_requests_[id] = scope.id;
  effects_.push(
      AskStore{{id, checkpoint::ScanRecords{scope.id, slice.records.back().key, std::nullopt}}});
}

void Node::finish_restore(Scope& scope, TimePoint now) {
  scope.life = Scope::Life::ready;
  if (scope.restored > 0) log(kNodeRestored, scope.id.value(), scope.restored);
  if (scope.id == kWholeNode) {
    // The whole node is its own master; its journal is not replicated on a node pair.
    scope.journal.begin(Term{1, identity_.node}, now);
    scope.active = true;
    for (const auto& family : pim_) {
      family->bsr.activate(now);
      family->auto_rp.engine.activate(now);
    }
    refill_pim(scope, now);  // what came before the journal was written
  } else {
    attach_session(scope, now);
  }
  bool all = true;
  for (const auto& [id, other] : scopes_) all &= other->life == Scope::Life::ready;
  if (all && !restore_done_) {
    restore_done_ = true;
    mrib_.end_hold(kHoldOff, now);
  }
}

/// Gives the scope to its session as whatever it is by now.
void Node::attach_session(Scope& scope, TimePoint now) {
  Service* service = service_of(scope);
  if (scope.role.role() == role::Role::master) {
    if (!scope.take_at) take(scope, now);
  } else if (service != nullptr) {
    const auto role =
        scope.role.role() == role::Role::backup ? session::Role::backup : session::Role::init;
    service->session->set_scope(scope.id, {role, scope.role.term()}, scope.journal, now);
  }
}

// ---- records out ----

void Node::append(Scope& scope, checkpoint::RecordChange change, TimePoint now) {
  if (!scope.journal.writing()) return;
  scope.journal.append(std::move(change), now);
  if (Service* service = service_of(scope)) service->session->on_journal(scope.id, now);
}

/// One slice of a snapshot into a journal that was reset.
void Node::refill(Scope& scope, TimePoint now) {
  const auto slice = gmp_.snapshot(*scope.refill, kRefillSlice);
  for (const mcast::gmp::MembershipRecord& record : slice.records) {
    const auto link = std::visit([](const auto& one) { return one.key.link; }, record);
    const auto family = std::visit([](const auto& one) { return one.key.group.family(); }, record);
    if (record_scope(link, family) != &scope) continue;
    if (auto change = codec_.encode(scope.id, record)) append(scope, std::move(*change), now);
  }
  scope.refill = slice.next;
  if (scope.refill) return;
  std::uint32_t cursor = 0;
  while (true) {
    const auto events = mrib_.snapshot(scope.id, cursor, 4096);
    for (const mcast::mrib::DataDrivenEvent& event : events.records)
      append(scope, codec_.encode(event), now);
    if (!events.next) break;
    cursor = *events.next;
  }
  refill_reservations(scope, now);
  refill_pim(scope, now);
}

bool Node::pump_journal(Scope& scope) {
  bool progress = false;
  while (auto request = scope.journal.poll_request()) {
    progress = true;
    effects_.push(AskStore{std::move(*request)});
  }
  return progress;
}

// ---- records in ----

void Node::deliver(Scope& scope, const std::vector<checkpoint::RecordChange>& changes,
                   TimePoint now) {
  for (const checkpoint::RecordChange& change : changes) deliver(scope, change, now);
}

void Node::deliver(Scope& scope, const checkpoint::RecordChange& change, TimePoint now) {
  const auto unknown = [&](const Error& error) {
    raise(kUnknownRecord, "scope " + std::to_string(scope.id.value()), now, scope.id.value(),
          change.key.database, error.detail);
  };
  switch (static_cast<DatabaseId>(change.key.database)) {
    case DatabaseId::igmp_membership:
    case DatabaseId::mld_membership:
      if (const auto record = codec_.decode_membership(scope.id, change))
        gmp_.on_record(*record, now);
      else
        unknown(record.error());
      break;
    case DatabaseId::data_driven_event:
      if (const auto event = codec_.decode_data_driven(scope.id, change)) {
        if (find_pim(change.key.vrf, change.key.family) == nullptr)
          unknown(no_such_vrf(change.key.vrf).error());
        else if (const auto* put = std::get_if<mcast::mrib::DataDrivenEvent>(&*event))
          mrib_.on_record(*put, now);
        else
          mrib_.on_record_removed(std::get<mcast::mrib::DataDrivenKey>(*event), now);
      } else {
        unknown(event.error());
      }
      break;
    case DatabaseId::rp_mapping:
    case DatabaseId::bootstrap_cache:
    case DatabaseId::autorp_discovery:
      if (const auto done = deliver_rp(scope, change, now); !done) unknown(done.error());
      break;
    case DatabaseId::pim_register_tunnel:
      if (const auto done = deliver_register(scope, change, now); !done) unknown(done.error());
      break;
    case DatabaseId::bidir_rp_route:
    case DatabaseId::rpdf:
      if (const auto done = deliver_bidir(scope, change, now); !done) unknown(done.error());
      break;
    case DatabaseId::mcac_reservation:
      if (const auto done = deliver_reservation(scope, change, now); !done) unknown(done.error());
      break;
    case DatabaseId::interface_identity:
      if (const auto done = deliver_identity(scope, change); !done) unknown(done.error());
      break;
    case DatabaseId::join_prune:
      if (const auto done = deliver_join_prune(scope, change, now); !done) unknown(done.error());
      break;
    default:
      break;  // kept by the store for a build that knows it
  }
}

/// The store no longer knows what the engines hold: they forget it, and a bulk brings all of it.
/// Routes may only grow meanwhile.
void Node::drop_standby(Scope& scope, TimePoint now) {
  if (scope.active) return;
  mrib_.begin_hold(now);
  if (scope.id == kFloatingPair) forget_shared_rps(now);
  for (auto& [id, link] : links_) {
    if (link.settings.scope != scope.id) continue;
    gmp_.remove(id, Family::ipv4, now);
    gmp_.remove(id, Family::ipv6, now);
    mrib_.drop_reservations(id, now);
    for (const auto& family : pim_) family->pim.remove_link(id, now);
    refresh_gmp(link, now);
    refresh_pim(link, now);
  }
  if (restore_done_) mrib_.end_hold(kHoldOff, now);  // else the last scope that is restored does
}

// ---- the session ----

bool Node::pump_session(Service& service, TimePoint now) {
  bool progress = false;
  while (auto effect = service.session->poll_effect()) {
    progress = true;
    handle(service, *effect, now);
  }
  return progress;
}

void Node::handle(Service& service, session::Effect& effect, TimePoint now) {
  const auto scope_of = [&](const auto& one) { return find(one.scope); };
  if (const auto* send = std::get_if<session::SendFrame>(&effect)) {
    auto bytes = rbs::wire::encode(send->frame);
    HA_ASSERT(bytes.has_value());
    service.bytes_sent += bytes->size();
    frames_[service.transport].push_back({bytes->size(), send->cost});
    effects_.push(SendBytes{service.transport, std::move(*bytes)});
  } else if (auto* ask = std::get_if<session::AskStore>(&effect)) {
    effects_.push(AskStore{std::move(ask->request)});
  } else if (const auto* apply = std::get_if<session::Apply>(&effect)) {
    if (Scope* scope = scope_of(*apply)) deliver(*scope, apply->changes, now);
  } else if (const auto* drop = std::get_if<session::ScopeRefill>(&effect)) {
    if (Scope* scope = scope_of(*drop)) drop_standby(*scope, now);
  } else if (const auto* complete = std::get_if<session::ScopeComplete>(&effect)) {
    if (Scope* scope = scope_of(*complete)) on_complete(*scope, *complete, now);
  } else if (const auto* taken = std::get_if<session::ScopeTaken>(&effect)) {
    if (Scope* scope = scope_of(*taken)) {
      activate(*scope, now);
      if (taken->torn) {
        scope->journal.reset(now);
        scope->refill = 0;
      }
    }
  } else if (const auto* degraded = std::get_if<session::StoreDegraded>(&effect)) {
    const std::string subject = "scope " + std::to_string(degraded->scope.value());
    if (degraded->degraded)
      raise(kStoreDegraded, subject, now, degraded->scope.value(), degraded->detail);
    else
      clear(kStoreDegraded, subject);
  } else if (const auto* mismatch = std::get_if<session::DigestMismatch>(&effect)) {
    for (const std::uint8_t database : mismatch->databases)
      log(kDigestDiffers, mismatch->scope.value(), database);
    raise(kDigestDiffers, "scope " + std::to_string(mismatch->scope.value()), now,
          mismatch->scope.value(), mismatch->databases.empty() ? 0 : mismatch->databases.front());
  } else if (const auto* checked = std::get_if<session::DigestChecked>(&effect)) {
    Scope* scope = scope_of(*checked);
    if (scope == nullptr) return;
    if (checked->equal) clear(kDigestDiffers, "scope " + std::to_string(scope->id.value()));
    if (checked->equal && scope->check_until) offer(*scope, now);
  } else {
    handle_stream(service, effect, now);
  }
}

void Node::handle_stream(Service& service, const session::Effect& effect, TimePoint now) {
  if (const auto* wanted = std::get_if<session::HandoverRequested>(&effect)) {
    if (Scope* scope = find(wanted->scope))
      scope->handover.on_handover(wanted->term, wanted->hello_counter,
                                  unacceptable(*scope, wanted->term), now);
  } else if (const auto* ready = std::get_if<session::HandoverIsReady>(&effect)) {
    if (Scope* scope = find(ready->scope)) scope->handover.on_ready(ready->term, now);
  } else if (const auto* done = std::get_if<session::HandoverIsDone>(&effect)) {
    if (Scope* scope = find(done->scope)) {
      scope->handover.on_done(done->term, now);
      scope->tail_in = true;
      if (scope->take_at) take(*scope, now);
    }
  } else if (const auto* aborted = std::get_if<session::HandoverAborted>(&effect)) {
    if (Scope* scope = find(aborted->scope)) scope->handover.on_peer_abort(aborted->term, now);
  } else if (std::holds_alternative<session::SessionUp>(effect)) {
    service.up = true;
    service.protocol = std::get<session::SessionUp>(effect).protocol;
    forget_standings(service);
    service.last_up = now;
    ++service.connects;
    service.last_error.clear();
    service.peer_left = false;
    clear(kServiceDown, service.settings.name);
    clear(kRenewalFailed, service.settings.name);
    log(kChannelEvent, service.settings.name, "connected");
  } else if (const auto* close = std::get_if<session::CloseSession>(&effect)) {
    service.peer_left = close->reason == session::Reason::peer_left;
    std::string why(service.peer_left ? "peer left" : session::name_of(close->reason));
    if (!close->text.empty()) why += ": " + close->text;
    effects_.push(DropConnection{service.transport, why});
    stream_ended(service, why, now);
    service.dropped = true;
  } else if (const auto* heard = std::get_if<session::DivergedHeard>(&effect)) {
    if (Scope* scope = find(heard->frame.scope)) hear_diverged(*scope, heard->frame, now);
  } else if (const auto* standing = std::get_if<session::StandingHeard>(&effect)) {
    if (Scope* scope = find(standing->frame.scope)) scope->peer_standing = standing->frame;
  } else if (const auto* told = std::get_if<session::DivergedTold>(&effect)) {
    handle_told(*told);
  } else if (std::holds_alternative<session::PauseReading>(effect)) {
    effects_.push(PauseReading{service.transport, true});
  } else if (std::holds_alternative<session::ResumeReading>(effect)) {
    effects_.push(PauseReading{service.transport, false});
  }
}

/// Why an offered term cannot be taken; empty: it can.
std::string Node::unacceptable(const Scope& scope, const Term& term) const {
  if (!keeper_up_) return "no keeper";
  if (leaving_) return "leaving";
  if (scope.role.role() != role::Role::backup) return "not backup";
  if (!scope.role.complete()) return "incomplete";
  if (term.node != identity_.node || term <= scope.role.term()) return "the term is not for us";
  return {};
}

void Node::on_complete(Scope& scope, const session::ScopeComplete& complete, TimePoint now) {
  const std::string subject = "scope " + std::to_string(scope.id.value());
  if (complete.direction == session::Direction::sending) {
    scope.peer_complete = complete.complete;
    scope.role.on_peer_complete(complete.complete, now);
    return;
  }
  if (scope.role.role() == role::Role::master) return;
  scope.role.on_complete(complete.complete, now);
  if (complete.complete)
    clear(kIncomplete, subject);
  else
    raise_if_it_lasts(kIncomplete, subject, now, scope.id.value());
}

// ---- the stream ----

void Node::on_transport_up(TransportId transport, TimePoint now, const std::string& key_id) {
  Service* service = find(transport);
  if (service == nullptr) return;
  service->stream_up = true;
  service->key_id = key_id;
  service->dropped = false;
  service->reader.clear();
  frames_[transport].clear();
  service->session->on_connected(now);
  pump(now);
}

void Node::on_transport_bytes(TransportId transport, ByteSpan bytes, TimePoint now) {
  Service* service = find(transport);
  if (service == nullptr || !service->stream_up) return;
  service->bytes_received += bytes.size();
  service->reader.feed(bytes);
  while (service->stream_up) {
    auto payload = service->reader.next();
    if (!payload) {
      service->session->on_reject(session::Reason::oversized, payload.error().detail, now);
      pump(now);
      return;
    }
    if (!*payload) break;
    if (auto frame = rbs::wire::decode(**payload)) {
      service->session->on_frame(std::move(*frame), now);
    } else {
      service->session->on_reject(session::Reason::malformed, frame.error().detail, now);
    }
    pump(now);
    service = find(transport);
    if (service == nullptr) return;
  }
}

void Node::on_transport_sent(TransportId transport, std::size_t bytes, TimePoint now) {
  Service* service = find(transport);
  if (service == nullptr) return;
  auto& frames = frames_[transport];
  std::size_t cost = 0;
  while (!frames.empty() && bytes > 0) {
    QueuedFrame& front = frames.front();
    const std::size_t part = std::min(bytes, front.bytes);
    front.bytes -= part;
    bytes -= part;
    if (front.bytes > 0) break;
    cost += front.cost;
    frames.pop_front();
  }
  if (cost > 0) service->session->on_sent(cost, now);
  pump(now);
}

void Node::on_transport_down(TransportId transport, const std::string& reason, TimePoint now,
                             const std::string& counter) {
  Service* service = find(transport);
  if (service == nullptr) return;
  if (!counter.empty()) ++service->failures[counter];
  if (service->stream_up) service->session->on_closed(now);
  // The end of a stream that we dropped says nothing new; why we did is what counts.
  if (!std::exchange(service->dropped, false)) stream_ended(*service, reason, now);
  pump(now);
}

void Node::stream_ended(Service& service, const std::string& reason, TimePoint now) {
  const bool was_up = service.up;
  if (was_up) forget_standings(service);
  service.stream_up = false;
  service.up = false;
  // While it is away it cannot be reached; that it left says more.
  const std::string why = !was_up && service.peer_left ? "peer left, now " + reason : reason;
  // The alarm is raised once; why it lasts may change.
  if (!was_up && why != service.last_error)
    log(kChannelEvent, service.settings.name, "not connected: " + why);
  service.last_error = why;
  if (was_up) {
    ++service.disconnects;
    log(kChannelEvent, service.settings.name, "lost: " + reason);
  }
  raise_if_it_lasts(kServiceDown, service.settings.name, now, service.settings.name,
                    service.last_error);
  for (const auto& [id, scope] : scopes_) {
    if (scope->settings.service != service.settings.name || id == kWholeNode) continue;
    scope->peer_complete = false;
    scope->role.on_peer_complete(false, now);
    scope->handover.on_session_lost(now);
    if (scope->is_preparing()) fail_handover(*scope, "the channel to the peer was lost", now);
  }
}

}  // namespace hotpair::ha::node
