#pragma once

#include <optional>

#include "tests/sim/pair/sim_node.h"

namespace hotpair::sim {

/// Two gates of one scope open together, design sections 7 and 8.
///
/// The bound is 50 ms, and nothing is added to it: a lease counts from the newest own hello that
/// the peer has echoed, so neither a hello that was lost nor one that was slow makes it longer than
/// the peer's patience and the lease margin. 300 ms when a handover was under way.
///
/// When no path works in one direction the pair is divided: each may take the other for dead, and
/// both may forward. That ends when both live, run, and hear each other again; from then on the
/// bound counts. An end of lease that was written in a division is part of it: no longer renewed
/// (process frozen or dead) it may outlast the cut.
class OverlapWatch {
 public:
  OverlapWatch(World& world, const Network& network, const SimNode& a, const SimNode& b)
      : world_(world), network_(network), a_(a), b_(b) {}

  /// Nothing changes from now until then but that leases end.
  void look(TimePoint until);
  [[nodiscard]] Duration longest() const { return longest_; }

 private:
  [[nodiscard]] bool can_talk() const;

  World& world_;
  const Network& network_;
  const SimNode& a_;
  const SimNode& b_;
  std::optional<TimePoint> since_;
  std::optional<TimePoint> planned_at_;
  Duration longest_{};  // outside of divisions, unplanned
};

}  // namespace hotpair::sim
