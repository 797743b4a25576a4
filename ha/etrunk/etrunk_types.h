#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// E-Trunk: the hello between two nodes and what it says. Design section 7.
namespace hotpair::ha::etrunk {

/// Number of an `e-trunk N` view; the same on both nodes.
using EtrunkId = Strong<struct EtrunkIdTag, std::uint16_t>;
/// One liveness stream to the peer: 0 is the E-Trunk's own, others are bound to an interface.
using PathId = Strong<struct PathIdTag, std::uint8_t>;

/// What the owner's BFD sessions, bound to paths of one E-Trunk, say at present.
struct Detectors {
  std::uint64_t up = 0;  ///< bit n: path n has sessions, and all of them are Up
  Duration time{};       ///< longest detection time of those, in either direction
  friend bool operator==(const Detectors&, const Detectors&) = default;
};

/// Role of a scope on one node.
enum class Role : std::uint8_t { init = 0, backup = 1, master = 2 };

/// What the sender's brain does. `restarting`: silent, inside its restart grace; suppresses
/// takeover for loss of control only. `dead`: the grace is over. `leaving`: goodbye, planned.
enum class ControlState : std::uint8_t { running = 0, restarting = 1, dead = 2, leaving = 3 };

/// Which rank wins.
enum class PriorityOrder : std::uint8_t { larger = 0, smaller = 1 };

/// Tells an offered term from those offered shortly before and after it. A term whose mark is 0 has
/// none: the daemons' word has to do.
constexpr std::uint16_t offer_mark(const Term& term) {
  return static_cast<std::uint16_t>(term.counter & 0xffffU);
}

/// What a hello says of one scope of its sender.
struct ScopeReport {
  ScopeId scope;
  Role role = Role::init;
  Term term;                 ///< of the mastership that the sender holds or obeys
  bool complete = false;     ///< backup only: its copy is complete, it could take over
  bool access_up = true;     ///< the sender's member interface has carrier (LACP: a partner)
  bool handed_over = false;  ///< the sender gave the scope away in `term` (commit point passed)
  bool offering = false;     ///< a handover is under way: the new side may keep its gate open
  bool forwarding = false;   ///< master behind an Eth-Trunk: its LACP partner uses this link
  std::uint16_t opened = 0;  ///< new side of a handover, ready: offer_mark() of the term; 0 not
  friend bool operator==(const ScopeReport&, const ScopeReport&) = default;
};

/// One hello, already authenticated. `session` is a random number of one life of the sender's
/// keeper; `counter` rises by one with each hello of that life over all paths, so that a recording
/// is recognised; a hello whose `echo` is not our own session counts as not heard.
struct Hello {
  EtrunkId etrunk;
  PathId path;
  NodeId node;
  std::uint64_t session = 0;
  std::uint64_t counter = 0;
  std::uint64_t echo = 0;               ///< the receiver's session as the sender knows it; 0 none
  std::uint64_t echo_counter = 0;       ///< newest counter of ours that the sender has heard
  std::uint32_t interval_ms = 1000;     ///< what the receiver times out with: x multiplier
  std::uint16_t multiplier = 20;
  std::uint8_t rank = 100;              ///< priority less what tracking took off
  PriorityOrder order = PriorityOrder::larger;
  MacAddress system_id;
  IpAddress source;                     ///< of path 0, the last tie-breaker
  ControlState control = ControlState::running;
  std::uint64_t paths_up = 0;           ///< bit n: the sender hears us on path n
  std::vector<ScopeReport> scopes;      ///< at most kScopesPerHelloMax
  bool fast = false;            ///< the sender has a BFD session Up on every path that is up
  std::uint32_t detect_us = 0;  ///< not 0: the receiver may give the sender up after this already
  friend bool operator==(const Hello&, const Hello&) = default;

  [[nodiscard]] Duration timeout() const {
    return std::chrono::milliseconds(interval_ms) * multiplier;
  }
  /// What the receiver promises with the echo of this hello: it does not take over for silence
  /// sooner.
  [[nodiscard]] Duration patience() const {
    if (detect_us == 0) return timeout();
    return std::min<Duration>(timeout(), std::chrono::microseconds(detect_us));
  }
};

inline constexpr std::size_t kScopesPerHelloMax = 32;
inline constexpr std::size_t kPathsMax = 8;
inline constexpr std::uint32_t kHelloMsMin = 20;
inline constexpr std::uint32_t kHelloMsMax = 10'000;
inline constexpr std::uint16_t kMultiplierMin = 3;
inline constexpr std::uint16_t kMultiplierMax = 300;

struct PathConfig {
  PathId path;
  IpAddress local;
  IpAddress peer;
  std::string device;  ///< Linux device the socket is bound to; empty for routed path 0
  friend bool operator==(const PathConfig&, const PathConfig&) = default;
};

/// `e-trunk N` as configured, with what the hello carries.
struct EtrunkConfig {
  EtrunkId id;
  std::uint16_t port = 1025;
  std::vector<PathConfig> paths;     ///< path 0 first
  std::uint32_t hello_ms = 1000;     ///< 20 to 10 000
  std::uint16_t multiplier = 20;     ///< 3 to 300
  std::uint8_t priority = 100;       ///< 1 to 254
  PriorityOrder order = PriorityOrder::larger;
  MacAddress system_id;
  std::vector<std::string> keys;     ///< first signs, all are accepted; never logged
  friend bool operator==(const EtrunkConfig&, const EtrunkConfig&) = default;

  [[nodiscard]] Duration timeout() const {
    return std::chrono::milliseconds(hello_ms) * multiplier;
  }
};

}  // namespace hotpair::ha::etrunk
