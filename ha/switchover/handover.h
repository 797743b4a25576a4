#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/effect_queue.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

namespace hotpair::ha::switchover {

// Frames to the peer, as this engine knows them.
struct SendHandover {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
};
struct SendReady {
  ScopeId scope;
  Term term;
};
struct SendDone {
  ScopeId scope;
  Term term;
};
struct SendAbort {
  ScopeId scope;
  Term term;
};
using ToKeeper =
    std::variant<keeper::HandoverOffer, keeper::HandoverOpen, keeper::HandoverConfirm,
                 keeper::HandoverRevoke, keeper::HandoverCommit, keeper::HandoverAbort>;
/// The term was offered to or by the peer; it is not used again, whatever the outcome.
struct TermBurnt {
  ScopeId scope;
  Term term;
};
/// The handover ended. `failure` empty: the scope changed hands.
struct HandoverEnded {
  ScopeId scope;
  Term term;
  bool old_side = false;
  std::string failure;
  TimePoint began;
  std::optional<TimePoint> ready;      ///< peer's gate open (old side); own gate open (new side)
  std::optional<TimePoint> committed;  ///< own gate closed (old side); Done received (new side)
};
using HandoverEffect =
    std::variant<SendHandover, SendReady, SendDone, SendAbort, ToKeeper, TermBurnt, HandoverEnded>;

inline constexpr Duration kReadyTimeout = std::chrono::milliseconds(200);

/// One scope's planned change of hands, both sides. At most one at a time.
class Handover {
 public:
  explicit Handover(ScopeId scope) : scope_(scope) {}

  // ---- old side ----
  /// Begins. `term` is the peer's next (it names the peer's node). False if one is under way.
  [[nodiscard]] bool begin(const Term& term, TimePoint now);
  /// The keeper took the offer (its hellos say so), or ended it without a commit. From here on it
  /// commits by itself when the peer's keeper says that it has opened, so an abort is asked for.
  void on_offered(const keeper::HandoverOffered& offered, TimePoint now);
  void on_ready(const Term& term, TimePoint now);
  void on_committed(const Term& term, TimePoint now);
  /// The peer refused.
  void on_peer_abort(const Term& term, TimePoint now);

  // ---- new side ----
  /// The peer offers. `acceptable` says why not, empty: it is.
  void on_handover(const Term& term, std::uint64_t hello_counter, const std::string& unacceptable,
                   TimePoint now);
  void on_opened(const Term& term, TimePoint now);
  void on_done(const Term& term, TimePoint now);

  // ---- both ----
  /// The keeper's word on the scope: on the new side it ends a handover either way.
  void on_scope_changed(const keeper::ScopeChanged& change, TimePoint now);
  void on_session_lost(TimePoint now);
  /// Own keeper. The next one knows of no offer, and its hellos are numbered anew.
  void on_keeper_lost(TimePoint now);
  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<HandoverEffect> poll_effect() { return effects_.poll(); }
  [[nodiscard]] bool under_way() const { return state_ != State::idle; }
  [[nodiscard]] bool offering() const;

 private:
  enum class State : std::uint8_t { idle, asking, offered, aborting, committing, opening, open };
  void end(const std::string& failure);
  void abort_old(const std::string& failure, TimePoint now);
  void end_old(const std::string& failure);

  ScopeId scope_;
  State state_ = State::idle;
  Term term_;
  TimePoint began_;
  std::optional<TimePoint> ready_;
  std::optional<TimePoint> committed_;
  std::optional<TimePoint> deadline_;
  std::string failure_;  ///< aborting: why
  EffectQueue<HandoverEffect> effects_;
};

}  // namespace hotpair::ha::switchover
