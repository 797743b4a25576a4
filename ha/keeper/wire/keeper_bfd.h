#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ha/bfd/bfd_types.h"
#include "ha/etrunk/etrunk_types.h"
#include "platform/base/time.h"

/// What brain and reflexes say to each other about BFD: messages 40 to 49 of the daemon, 140 to 149
/// of the keeper.
namespace hotpair::ha::keeper {

/// A path of an E-Trunk that goes down with a BFD session.
struct BfdBinding {
  etrunk::EtrunkId etrunk;
  etrunk::PathId path;
  friend bool operator==(const BfdBinding&, const BfdBinding&) = default;
};

struct BfdSessionConfig {
  bfd::SessionConfig session;
  std::vector<BfdBinding> paths;
  friend bool operator==(const BfdSessionConfig&, const BfdSessionConfig&) = default;
};

/// Every BFD session; the keeper changes only what differs. Longer lists than one message holds
/// come in parts, which count together with the last one.
struct ConfigureBfd {
  bool first = true;
  bool last = true;
  std::vector<BfdSessionConfig> sessions;  ///< at most 256
  friend bool operator==(const ConfigureBfd&, const ConfigureBfd&) = default;
};
/// Asks for BfdStatus.
struct AskBfd {
  friend bool operator==(const AskBfd&, const AskBfd&) = default;
};

/// A session changed its state. On connection told for every session.
struct BfdChanged {
  std::string name;
  bfd::Discriminator discriminator;
  bfd::State from = bfd::State::down;
  bfd::State state = bfd::State::down;
  bfd::Reason reason = bfd::Reason::none;
  bool authenticated = false;  ///< the packet that caused it proved the key
  TimePoint at;
  friend bool operator==(const BfdChanged&, const BfdChanged&) = default;

  /// Up was lost for a reason that speaks of the path and that nobody can have forged.
  [[nodiscard]] bool is_loss() const {
    if (from != bfd::State::up) return false;
    return reason == bfd::Reason::detection_timeout ||
           (reason == bfd::Reason::remote_down && authenticated);
  }
};

/// One session, for displays; intervals in microseconds.
struct BfdSessionStatus {
  bfd::SessionConfig config;  ///< without secrets
  bfd::Discriminator local_discriminator;
  bfd::Discriminator remote_discriminator;
  bfd::State state = bfd::State::down;
  bfd::State remote_state = bfd::State::down;
  bfd::Diag diag = bfd::Diag::none;
  std::uint8_t remote_diag = 0;
  std::uint8_t remote_multiplier = 0;
  bool remote_demand = false;
  bool remote_control_plane_independent = false;
  bool authenticated = false;
  bool polling = false;
  std::uint32_t tx_us = 0;
  std::uint32_t rx_us = 0;
  std::uint64_t detection_us = 0;  ///< 0: nothing was received yet
  std::uint64_t sent = 0;
  std::uint64_t send_failures = 0;
  std::vector<std::uint64_t> verdicts;  ///< by bfd::Verdict
  std::uint64_t times_up = 0;
  std::uint64_t times_down = 0;
  std::uint64_t extensions = 0;
  bfd::Reason last_reason = bfd::Reason::none;
  std::uint64_t changed_ms = 0;  ///< ago; 0 with times_up 0: never
  std::uint64_t longest_gap_us = 0;
  std::vector<std::uint64_t> lateness;  ///< by bucket of bfd::LatenessHistogram
  std::uint64_t worst_late_us = 0;
  std::vector<BfdBinding> paths;
  friend bool operator==(const BfdSessionStatus&, const BfdSessionStatus&) = default;
};
/// Answer to AskBfd, in parts as ConfigureBfd.
struct BfdStatus {
  bool first = true;
  bool last = true;
  std::vector<BfdSessionStatus> sessions;
  std::uint64_t unknown_session = 0;   ///< packets for no session
  std::vector<std::uint64_t> rejects;  ///< by bfd::PacketReject
  friend bool operator==(const BfdStatus&, const BfdStatus&) = default;
};

/// Sessions in one message.
inline constexpr std::size_t kBfdSessionsPerMessage = 64;

}  // namespace hotpair::ha::keeper
