#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "checkpoint/journal/request_ids.h"
#include "platform/base/effect_queue.h"
#include "rbs/session/replication_session.h"

namespace hotpair::rbs::session {

/// What the parts of one session share: the way out, credit, request numbers, counters. A part that
/// finds the peer at fault sets `fault`; the session closes when the part returns.
struct SessionCore {
  struct Fault {
    Reason reason = Reason::none;
    std::string text;
  };

  SessionCore(const SessionConfig& the_config, checkpoint::journal::RequestIds& the_ids)
      : config(the_config), ids(the_ids) {}

  void send(Frame frame, TimePoint now) {
    const std::size_t cost = cost_of(frame);
    if (output_bytes == 0) output_moved_at = now;
    output_bytes += cost;
    sent_at = now;
    ++frames_sent;
    effects.push(SendFrame{std::move(frame), cost});
  }
  /// True while more records may be handed out.
  [[nodiscard]] bool may_send() const {
    return up && !peer_flow && output_bytes < config.output_bytes;
  }
  [[nodiscard]] checkpoint::RequestId ask(ScopeId scope,
                                          decltype(checkpoint::StoreRequest::body) body) {
    const checkpoint::RequestId id = ids.next();
    requests.emplace(id, scope);
    effects.push(AskStore{{id, std::move(body)}});
    return id;
  }
  void count(Reason reason) { ++rejected[static_cast<std::size_t>(reason)]; }
  void fail(Reason reason, std::string text) {
    if (!fault) fault = Fault{reason, std::move(text)};
  }

  SessionConfig config;
  checkpoint::journal::RequestIds& ids;
  EffectQueue<Effect> effects;
  std::map<checkpoint::RequestId, ScopeId> requests;  // asked and not answered
  std::optional<Fault> fault;
  bool up = false;
  bool peer_flow = false;
  std::size_t output_bytes = 0;  // handed out, not yet sent
  TimePoint output_moved_at;     // when output last became non-empty or shrank
  TimePoint sent_at;
  std::size_t store_bytes = 0;  // received, not yet in store and engines
  std::size_t store_requests = 0;
  std::uint64_t unfed_records = 0;  // of bulks: in the store, not yet in the engines
  std::size_t apply_budget = 0;     // records for the engines left to this turn
  std::uint64_t frames_sent = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Reason::count_)> rejected{};
};

}  // namespace hotpair::rbs::session
