#include <array>
#include <utility>

#include "ha/keeper/core/keeper.h"

// Who has the addresses that follow a scope is told to their links when its gate opens.
namespace hotpair::ha::keeper {
namespace {

using std::chrono::milliseconds;

/// After the opening. A switch whose table was full or a host that lost the first learns it from a
/// later one; the last come when a port of a rebooted switch forwards.
constexpr std::array<Duration, 6> kAnnouncedAfter{milliseconds(0),    milliseconds(20),
                                                  milliseconds(100),  milliseconds(400),
                                                  milliseconds(1500), milliseconds(5000)};

}  // namespace

void Keeper::begin_announcing(Scope& scope, TimePoint now) {
  scope.announcing_since = now;
  scope.announced_times = 0;
}

// The peer may have said that the addresses are its own while we did not hear it.
void Keeper::announce_again(EtrunkId etrunk, TimePoint now) {
  for (auto& [id, scope] : scopes_)
    if (scope.config.etrunk == etrunk && scope.was_open) begin_announcing(scope, now);
}

void Keeper::follow_announcements(TimePoint now) {
  for (auto& [id, scope] : scopes_) {
    const bool open = scope.gate == Gate::open || scope.gate == Gate::leased;
    if (std::exchange(scope.was_open, open) != open && open) {
      scope.opened_at = now;
      begin_announcing(scope, now);
    }
    if (!open) scope.announcing_since.reset();
    const auto due = announcement_due(scope);
    if (!due || now < *due) continue;
    // One time is enough for all that a pause made late.
    while (announcement_due(scope) && *announcement_due(scope) <= now) ++scope.announced_times;
    for (const Announcement& each : config_.announcements) {
      if (each.scope != id) continue;
      for (const std::string& frame : each.frames) effects_.push(Announce{each.device, frame});
      scope.announced += each.frames.size();
    }
  }
}

std::optional<TimePoint> Keeper::announcement_due(const Scope& scope) {
  if (!scope.announcing_since || scope.announced_times >= kAnnouncedAfter.size())
    return std::nullopt;
  return *scope.announcing_since + kAnnouncedAfter.at(scope.announced_times);
}

}  // namespace hotpair::ha::keeper
