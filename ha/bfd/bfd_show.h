#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "ha/bfd/bfd_lateness.h"
#include "ha/bfd/bfd_types.h"

namespace hotpair::ha::bfd {

/// What was done with a packet that was for this session (RFC 5880 6.7, 6.8.6; 5881 5; 5883 4).
enum class Verdict : std::uint8_t {
  received,                    ///< counts for the detection time
  ttl,                         ///< single hop: not 255; multihop: below the minimum
  wrong_address,               ///< not from the configured peer, or to another address of ours
  wrong_hops,                  ///< single-hop packet for a multihop session, or the reverse
  wrong_remote_discriminator,  ///< not the one that is configured
  admin_down,                  ///< the session is shut down here
  auth_missing,
  auth_unexpected,
  auth_key,  ///< a key that is not configured
  auth_digest,
  auth_sequence,  ///< outside the window: replayed, or far ahead
  count
};
[[nodiscard]] const char* to_string(Verdict verdict);

/// One session as it is now, for displays.
struct SessionView {
  SessionConfig config;  ///< without secrets
  Discriminator local_discriminator;
  Discriminator remote_discriminator;
  State state = State::down;
  State remote_state = State::down;
  Diag diag = Diag::none;
  std::uint8_t remote_diag = 0;
  std::uint8_t remote_multiplier = 0;
  bool remote_demand = false;
  bool remote_control_plane_independent = false;
  bool authenticated = false;  ///< authentication is configured
  bool polling = false;
  Duration tx_interval{};     ///< in force, before jitter
  Duration rx_interval{};     ///< at which the peer is expected to send
  Duration detection_time{};  ///< here; 0: nothing was received yet
  std::uint64_t sent = 0;
  std::uint64_t send_failures = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Verdict::count)> verdicts{};
  std::uint64_t times_up = 0;
  std::uint64_t times_down = 0;
  std::uint64_t extensions = 0;  ///< own pauses that were not blamed on the peer
  Reason last_reason = Reason::none;
  std::optional<TimePoint> changed_at;
  std::optional<TimePoint> last_received;
  Duration longest_gap{};  ///< between two received packets while Up
  LatenessHistogram lateness;
};

}  // namespace hotpair::ha::bfd
