#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

namespace hotpair::ha::switchover {

/// One step of a switchover, timed from its begin.
struct Phase {
  std::string name;
  Duration at{};
  friend bool operator==(const Phase&, const Phase&) = default;
};

/// One change of role of one scope, as it is told to the operator.
struct Story {
  std::uint64_t number = 0;
  ScopeId scope;
  TimePoint at;  ///< the first sign of it; displays turn it into wall time
  keeper::Role from = keeper::Role::init;
  keeper::Role to = keeper::Role::init;
  Term term;
  keeper::Cause cause = keeper::Cause::none;
  bool planned = false;
  std::vector<Phase> phases;      ///< in order; the first is at 0
  std::uint64_t memberships = 0;  ///< entries of the scope at the change
  std::string remark;             ///< e.g. why a handover failed
  friend bool operator==(const Story&, const Story&) = default;
};

/// The last 64 stories, newest last.
class History {
 public:
  /// Begins a story and returns its number; phases are added while it is kept.
  std::uint64_t begin(Story story);
  void add_phase(std::uint64_t number, const std::string& name, Duration at);
  void set_remark(std::uint64_t number, const std::string& remark);
  [[nodiscard]] const std::deque<Story>& stories() const { return stories_; }

 private:
  std::uint64_t next_ = 1;
  std::deque<Story> stories_;
};

/// "paths down", "handover", …, as displays and logs print it.
[[nodiscard]] std::string to_string(keeper::Cause cause);
[[nodiscard]] std::string to_string(keeper::Role role);
/// "the access device moved", …
[[nodiscard]] std::string to_string(keeper::CarrierEnd end);

}  // namespace hotpair::ha::switchover
