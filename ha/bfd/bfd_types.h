#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/strong.h"
#include "platform/base/time.h"

/// Bidirectional Forwarding Detection: RFC 5880, single hop 5881, multihop 5883.
namespace hotpair::ha::bfd {

/// Names a session on one system, unique there and never 0. RFC 5880 6.3.
using Discriminator = Strong<struct DiscriminatorTag, std::uint32_t>;

/// RFC 5880 4.1, Sta.
enum class State : std::uint8_t { admin_down = 0, down = 1, init = 2, up = 3 };

/// RFC 5880 4.1, Diag: why the sender last left Up. 9 to 31 are reserved and may come in.
enum class Diag : std::uint8_t {
  none = 0,
  detection_time_expired = 1,
  echo_failed = 2,
  neighbor_signaled_down = 3,
  forwarding_plane_reset = 4,
  path_down = 5,
  concatenated_path_down = 6,
  admin_down = 7,
  reverse_concatenated_path_down = 8,
};

/// Why a session left a state.
enum class Reason : std::uint8_t {
  none = 0,               ///< on its way up
  detection_timeout = 1,  ///< nothing came for the detection time
  remote_down = 2,        ///< a packet with state Down: the peer does not hear us, or started anew
  remote_admin_down = 3,  ///< a packet with state AdminDown: says nothing of the path
  local_admin_down = 4,   ///< shut down here, or removed
};

[[nodiscard]] const char* to_string(State state);
[[nodiscard]] const char* to_string(Diag diag);
[[nodiscard]] const char* to_string(Reason reason);

inline constexpr std::uint16_t kSingleHopPort = 3784;   ///< RFC 5881 4
inline constexpr std::uint16_t kMultihopPort = 4784;    ///< RFC 5883 5
inline constexpr std::uint16_t kSourcePortMin = 49152;  ///< RFC 5881 4
inline constexpr std::uint8_t kSingleHopTtl = 255;      ///< RFC 5881 5, GTSM
inline constexpr std::uint32_t kIntervalUsMin = 3'000;
inline constexpr std::uint32_t kIntervalUsMax = 20'000'000;
inline constexpr std::uint32_t kSlowIntervalUs = 1'000'000;  ///< RFC 5880 6.8.3: while not Up
inline constexpr std::size_t kSecretLengthMax = 20;          ///< RFC 5880 4.4
inline constexpr std::size_t kSessionsMax = 4'096;           ///< on one system

/// One shared secret for meticulous keyed SHA-1. Never logged.
struct AuthKey {
  std::uint8_t id = 1;
  std::string secret;  ///< 1 to 20 bytes, padded with zeros to 20
  friend bool operator==(const AuthKey&, const AuthKey&) = default;
};

struct SessionConfig {
  std::string name;
  IpAddress local;
  IpAddress peer;
  std::string device;  ///< Linux device of a single hop; empty: routed
  bool multihop = false;
  std::uint8_t ttl_min = 255;         ///< smallest TTL that is taken; a single hop always wants 255
  Discriminator local_discriminator;  ///< 0: chosen at random by whoever makes the session
  Discriminator remote_discriminator;   ///< 0: learned; else packets with another one are dropped
  std::uint32_t min_tx_us = 1'000'000;  ///< 3 000 to 20 000 000
  std::uint32_t min_rx_us = 1'000'000;
  std::uint8_t multiplier = 3;
  bool admin_down = false;
  std::vector<AuthKey> keys;  ///< the first signs, all are accepted; none: no authentication
  friend bool operator==(const SessionConfig&, const SessionConfig&) = default;
};

}  // namespace hotpair::ha::bfd
