#include <algorithm>
#include <limits>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

// Facts that lower the rank of this node in the election: a tracked interface that is down, a
// source or RP that the unicast routing lost. A master whose rank falls below its peer's hands over
// at once; the way back is an ordinary revert, with its delay.
namespace hotpair::ha::node {

std::uint8_t Node::worse_by(const EtrunkSettings& settings, unsigned reduced) {
  constexpr int kRankMin = 1;
  constexpr int kRankMax = 254;
  const int step = static_cast<int>(std::min(reduced, 253U));
  const int rank = settings.etrunk.order == etrunk::PriorityOrder::larger
                       ? settings.etrunk.priority - step
                       : settings.etrunk.priority + step;
  return static_cast<std::uint8_t>(std::clamp(rank, kRankMin, kRankMax));
}

bool Node::is_link_up(const std::string& name) const {
  const Link* link = find_link(name);
  return link != nullptr && link->facts.up;
}

void Node::refresh_ranks(TimePoint now) {
  for (auto& [id, state] : etrunks_) {
    unsigned reduced = 0;
    std::vector<std::string> reasons;
    for (const RankTrack& track : state.settings.tracks) {
      if (is_link_up(track.interface)) continue;
      reduced += track.reduced;
      reasons.push_back(track.interface + " is down");
    }
    if (state.settings.rpf_reduced != 0 && mrib_.unreachable() != 0) {
      reduced += state.settings.rpf_reduced;
      reasons.push_back("a source or RP has no unicast route");
    }
    const std::uint8_t rank = worse_by(state.settings, reduced);
    if (rank == state.rank && reasons == state.lowered_by) continue;
    state.rank = rank;
    state.lowered_by = std::move(reasons);
    const std::string subject = "e-trunk " + std::to_string(id.value());
    if (state.lowered_by.empty()) {
      clear(kRankLowered, subject);
    } else {
      std::string why;
      for (const std::string& each : state.lowered_by) why += (why.empty() ? "" : ", ") + each;
      raise(kRankLowered, subject, now, id.value(), static_cast<unsigned>(rank), why);
    }
    if (keeper_up_) effects_.push(SendToKeeper{keeper::SetRank{id, rank}});
    for (const auto& [scope_id, scope] : scopes_)
      if (scope->settings.etrunk == id && scope_id != kWholeNode)
        scope->role.configure(role_config(scope->settings), now);
  }
}

}  // namespace hotpair::ha::node
