#include "pair.h"

#include <gtest/gtest.h>

#include "rbs/wire/frame_codec.h"

namespace hotpair::rbs::session::test {

RecordKey key_of(unsigned number, std::uint8_t database) {
  Bytes bytes;
  ByteWriter(bytes).u32(number);
  return {database, VrfId{0}, Family::ipv4, bytes};
}

RecordValue value_of(unsigned number) {
  Bytes bytes;
  ByteWriter(bytes).u32(number);
  bytes.resize(24);
  return {1, bytes};
}

End::End(std::uint64_t the_node, const SessionConfig& the_config,
         const checkpoint::journal::JournalConfig& the_journal_config)
    : node(the_node), config(the_config), journal_config(the_journal_config) {
  config.node = NodeId{node};
  restart();
}

void End::restart() {
  requests.clear();
  out.clear();
  session.reset();
  journal.reset();
  ids = std::make_unique<checkpoint::journal::RequestIds>();
  journal = std::make_unique<checkpoint::journal::Journal>(kScope, journal_config, *ids);
  session = std::make_unique<ReplicationSession>(config, *ids);
  journal->restore(stored_meta());
  engine = stored();
  reading = true;
  closing = false;
  complete = false;
  taken.reset();
}

void End::put(unsigned key, unsigned value, TimePoint now, std::uint8_t database) {
  engine[key_of(key, database)] = value_of(value);
  journal->append({key_of(key, database), value_of(value)}, now);
  session->on_journal(kScope, now);
  drain(now);
}

void End::erase(unsigned key, TimePoint now, std::uint8_t database) {
  engine.erase(key_of(key, database));
  journal->append({key_of(key, database), std::nullopt}, now);
  session->on_journal(kScope, now);
  drain(now);
}

void End::set_role(Role the_role, Term the_term, TimePoint now) {
  role = the_role;
  term = the_term;
  taken.reset();
  session->set_scope(kScope, {role, term}, *journal, now);
  drain(now);
}

void End::refill(TimePoint now) {
  journal->reset(now);
  for (const auto& [key, value] : engine) journal->append({key, value}, now);
  session->on_journal(kScope, now);
  drain(now);
}

void End::take(Effect effect) {
  if (auto* send = std::get_if<SendFrame>(&effect)) {
    out.push_back({std::move(send->frame), send->cost});
  } else if (auto* ask = std::get_if<AskStore>(&effect)) {
    requests.push_back(std::move(ask->request));
  } else if (auto* apply = std::get_if<Apply>(&effect)) {
    for (const RecordChange& change : apply->changes) {
      if (change.value)
        engine[change.key] = *change.value;
      else
        engine.erase(change.key);
    }
  } else if (std::holds_alternative<ScopeRefill>(effect)) {
    engine.clear();
  } else if (const auto* done = std::get_if<ScopeComplete>(&effect)) {
    complete = done->complete;
  } else if (const auto* take_over = std::get_if<ScopeTaken>(&effect)) {
    taken = *take_over;
  } else if (const auto* close = std::get_if<CloseSession>(&effect)) {
    closed = *close;
    closing = true;
  } else if (std::holds_alternative<SessionUp>(effect)) {
    ++ups;
  } else if (std::holds_alternative<DigestMismatch>(effect)) {
    ++mismatches;
  } else if (const auto* store_state = std::get_if<StoreDegraded>(&effect)) {
    ++(store_state->degraded ? degraded : healed);
  } else if (const auto* flow = std::get_if<FlowChanged>(&effect)) {
    peer_flow = flow->on;
  } else if (std::holds_alternative<PauseReading>(effect)) {
    reading = false;
  } else if (std::holds_alternative<ResumeReading>(effect)) {
    reading = true;
  } else if (!std::holds_alternative<PeerScope>(effect) &&
             !std::holds_alternative<ScopeProgress>(effect)) {
    others.push_back(std::move(effect));
  }
}

void End::drain(TimePoint now) {
  while (auto effect = session->poll_effect()) take(std::move(*effect));
  while (auto request = journal->poll_request()) requests.push_back(std::move(*request));
  const SessionModel model = session->show(now);
  out_bytes_max = std::max(out_bytes_max, model.output_bytes);
  store_requests_max = std::max(store_requests_max, model.store_requests);
}

bool End::step_store(TimePoint now) {
  if (requests.empty()) return false;
  const checkpoint::StoreRequest request = std::move(requests.front());
  requests.pop_front();
  const bool reads = std::holds_alternative<checkpoint::ScanRecords>(request.body) ||
                     std::holds_alternative<checkpoint::ScanChanges>(request.body) ||
                     std::holds_alternative<checkpoint::SumRanges>(request.body) ||
                     std::holds_alternative<checkpoint::ReadMeta>(request.body);
  checkpoint::StoreReply reply;
  if (store_fails && !reads)
    reply = {request.id, checkpoint::StoreFailed{kScope, {ErrorCode::exhausted, "no space"}}};
  else
    reply = store.execute_one(request);
  if (!session->on_store_reply(std::move(reply), now)) {
    EXPECT_TRUE(journal->on_store_reply(reply, now));
    drain(now);
    session->on_journal(kScope, now);
  }
  drain(now);
  if (journal->writing() && journal->torn() && !store_fails) refill(now);
  return true;
}

bool End::step_timer(TimePoint now) {
  const auto due = session->next_deadline();
  if (!due || *due > now) return false;
  session->on_timeout(now);
  drain(now);
  return true;
}

Table End::stored() const {
  checkpoint::store::MemoryStore copy = store;
  checkpoint::ScanRecords scan{kScope, std::nullopt, std::nullopt, 1U << 30U, 1U << 30U};
  const auto reply = copy.execute_one({1, scan});
  Table table;
  for (const Record& record : std::get<checkpoint::RecordSlice>(reply.body).records)
    table[record.key] = record.value;
  return table;
}

checkpoint::ScopeMeta End::stored_meta() const {
  checkpoint::store::MemoryStore copy = store;
  const auto reply = copy.execute_one({1, checkpoint::ReadMeta{kScope}});
  return std::get<checkpoint::MetaRead>(reply.body).meta;
}

Pair::Pair(const SessionConfig& config, const checkpoint::journal::JournalConfig& journal_config)
    : a(1, config, journal_config), b(2, config, journal_config) {}

void Pair::connect() {
  connected = true;
  for (End* end : {&a, &b}) {
    end->out.clear();
    end->closing = false;
    end->closed.reset();
    end->session->on_connected(now);
    end->drain(now);
  }
}

void Pair::cut() {
  connected = false;
  for (End* end : {&a, &b}) {
    end->session->on_closed(now);
    end->drain(now);
    end->out.clear();
    end->closing = false;
    end->reading = true;
  }
}

bool Pair::step_frame(End& from, End& to) {
  if (!connected || from.out.empty() || !to.reading) return false;
  const End::Outgoing next = std::move(from.out.front());
  from.out.pop_front();
  const auto encoded = wire::encode(next.frame);
  EXPECT_TRUE(encoded) << encoded.error().detail;
  const auto decoded = wire::decode(ByteSpan(*encoded).subspan(wire::kLengthBytes));
  EXPECT_TRUE(decoded) << decoded.error().detail;
  EXPECT_TRUE(*decoded == next.frame) << name_of(next.frame);
  ++frames;
  bytes += encoded->size();
  from.session->on_sent(next.cost, now);
  from.drain(now);
  to.session->on_frame(*decoded, now);
  to.drain(now);
  if ((from.closing && from.out.empty()) || to.closing) cut();
  return true;
}

bool Pair::step() {
  std::array<unsigned, 6> order{0, 1, 2, 3, 4, 5};
  if (random) std::shuffle(order.begin(), order.end(), *random);
  for (const unsigned which : order) {
    const bool did = which == 0   ? a.step_store(now)
                     : which == 1 ? b.step_store(now)
                     : which == 2 ? step_frame(a, b)
                     : which == 3 ? step_frame(b, a)
                     : which == 4 ? a.step_timer(now)
                                  : b.step_timer(now);
    if (did) return true;
  }
  return false;
}

void Pair::run() {
  unsigned steps = 0;
  while (step()) {
    if (++steps > 200'000) {
      ADD_FAILURE() << "does not come to rest";
      return;
    }
  }
}

void Pair::advance(Duration duration) {
  const TimePoint end = now + duration;
  run();
  for (unsigned i = 0; i < 100'000; ++i) {
    std::optional<TimePoint> due;
    for (End* one : {&a, &b}) {
      due = earliest(due, one->session->next_deadline());
      due = earliest(due, one->journal->next_deadline());
    }
    if (!due || *due > end) break;
    now = std::max(now, *due);
    for (End* one : {&a, &b}) {
      one->journal->on_timeout(now);
      one->session->on_timeout(now);
      one->drain(now);
    }
    if (a.closing || b.closing) cut();
    run();
  }
  now = end;
}

void Pair::be_master(End& master, End& backup, std::uint64_t counter) {
  const Term term{counter, NodeId{master.node}};
  backup.set_role(Role::backup, term, now);
  master.set_role(Role::master, term, now);
}

}  // namespace hotpair::rbs::session::test
