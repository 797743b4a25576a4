#include <algorithm>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {
namespace {

/// Between two looks while a hold or a plane that refuses keeps routes.
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

}  // namespace

// What the plane was told is what it has, except while a change is under way or was refused.
bool Mrib::names_leaving(const RouteState& state) const {
  if (state.failed || state.in_flight != InFlight::nothing) return true;
  if (state.kind == RouteKind::none) return false;
  if (state.incoming != kNone && leaving_.contains(state.incoming)) return true;
  return std::ranges::any_of(lists_[state.outgoing],
                             [this](const std::uint32_t link) { return leaving_.contains(link); });
}

bool Mrib::group_names_leaving(const GroupEntry& entry, std::size_t& budget) const {
  if (names_leaving(entry.star)) return true;
  for (std::uint32_t source = entry.first_source; source != kNone;
       source = sources_[source].next_in_group) {
    budget -= std::min<std::size_t>(budget, 1);
    if (names_leaving(sources_[source].route)) return true;
  }
  return false;
}

// After the sweep no wish names the links, so what is once found clean stays clean. What the sweep
// found is told first: the look is worth it in the next turn.
void Mrib::run_leaving(std::size_t& budget, TimePoint now) {
  const bool busy = sweep_.is_running() || !group_work_.empty() || !pending_.empty();
  if (leaving_.empty() || busy || now < leaving_at_) return;
  if (leaving_cursor_ == kNone) leaving_cursor_ = 0;
  while (budget > 0 && leaving_cursor_ < groups_.slots()) {
    const std::uint32_t slot = leaving_cursor_++;
    --budget;
    if (!groups_.contains(slot) || !group_names_leaving(groups_[slot], budget)) continue;
    leaving_cursor_ = kNone;
    leaving_at_ = now + kLookAgain;
    return;
  }
  if (leaving_cursor_ < groups_.slots()) return;
  leaving_cursor_ = kNone;
  for (const std::uint32_t link : leaving_) effects_.push(LinkReleased{LinkId{link}});
  leaving_.clear();
}

}  // namespace hotpair::mcast::mrib
