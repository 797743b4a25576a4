#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/journal/statistics.h"
#include "rbs/session/session_effects.h"
#include "rbs/session/session_frames.h"

/// Plain models for displays.
namespace hotpair::rbs::session {

enum class SessionState : std::uint8_t { down, opening, up };
[[nodiscard]] std::string_view name_of(SessionState state);

enum class DigestState : std::uint8_t { unknown, equal, different };
[[nodiscard]] std::string_view name_of(DigestState state);

struct DatabaseModel {
  std::uint8_t database = 0;
  std::uint64_t entries = 0;  ///< when the digest was last read here
  DigestState digest = DigestState::unknown;
};

struct ScopeModel {
  ScopeId scope;
  Role role = Role::init;
  Term term;
  Role peer_role = Role::init;
  Term peer_term;
  bool peer_has_scope = false;
  Direction direction = Direction::none;
  SyncState state = SyncState::none;
  bool complete = false;  ///< sending: the peer's copy; else ours
  bool store_degraded = false;
  Sequence last;  ///< newest here
  Sequence committed;
  Sequence sent;                  ///< sending
  Sequence acked;                 ///< sending: by the peer; receiving: by us
  std::uint64_t lag_records = 0;  ///< sending: changes after `acked`, an upper bound
  std::uint64_t lag_ms = 0;       ///< since when `acked` is behind
  std::uint64_t mismatches = 0;   ///< digests found different, ever
  std::uint64_t repairs = 0;
  std::uint64_t bulks = 0;
  /// Bulk or repair under way: records handed over so far, of how many; 0 of 0: nothing is.
  std::uint64_t moved = 0;
  std::uint64_t expected = 0;
  DigestState digest = DigestState::unknown;
  std::vector<DatabaseModel> databases;
  std::vector<checkpoint::journal::StatisticsRow> statistics;
};

/// How much of a bulk under way was handed over, 0 to 99: it is whole only when it is committed.
[[nodiscard]] unsigned bulk_percent(const ScopeModel& scope);

struct SessionModel {
  SessionState state = SessionState::down;
  Reason last_reason = Reason::none;  ///< why the last session ended
  std::string last_text;
  Open peer;  ///< of the present or last session
  bool config_differs = false;
  bool peer_flow = false;  ///< the peer told us to wait: CHKPT_STATUS_IPC_FLOW_ON
  bool reading_paused = false;
  std::size_t output_bytes = 0;  ///< handed out and not yet sent
  std::size_t store_bytes = 0;   ///< received and not yet answered by the store
  std::size_t store_requests = 0;
  std::uint64_t sessions = 0;  ///< times connected
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
  /// Frames dropped and sessions closed, by Reason.
  std::array<std::uint64_t, static_cast<std::size_t>(Reason::count_)> rejected{};
  std::vector<ScopeModel> scopes;  ///< ascending
};

}  // namespace hotpair::rbs::session
