#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

// Dense groups. A link that is flooded to wants the group as one with routers on it does, whoever
// is DR there; without an RP the routes are those of each source's own tree.
namespace hotpair::mcast::mrib {

bool Mrib::is_flooded(const GroupEntry& entry) const {
  return !flooded_.empty() && flooded_.contains({entry.vrf, entry.group});
}

void Mrib::set_flooding(VrfId vrf, const std::vector<Group>& groups,
                        const std::vector<LinkId>& links, TimePoint now) {
  last_now_ = now;
  const Membership nothing;
  const Membership everything{FilterMode::exclude, {}};
  const std::set<LinkId> wanted(links.begin(), links.end());
  // One that has moved to another VRF is that one's.
  const auto is_here = [&](LinkId link, const Group& group) {
    const LinkState* state = known_link(link, group.family());
    return state != nullptr && state->config.vrf == vrf;
  };
  bool turned = false;
  for (auto at = flooded_.begin(); at != flooded_.end();) {
    const auto& [key, before] = *at;
    const bool stays = key.first != vrf || std::ranges::count(groups, key.second) > 0;
    if (stays) {
      ++at;
      continue;
    }
    for (const LinkId link : before)
      if (is_here(link, key.second))
        on_membership(link, key.second, nothing, now, Origin::flooding);
    at = flooded_.erase(at);
    turned = true;
  }
  for (const Group& group : groups) {
    const auto [place, fresh] = flooded_.try_emplace({vrf, group});
    turned |= fresh;
    const std::set<LinkId> before = std::exchange(place->second, wanted);
    for (const LinkId link : before)
      if (!wanted.contains(link) && is_here(link, group))
        on_membership(link, group, nothing, now, Origin::flooding);
    for (const LinkId link : wanted)
      if (is_here(link, group)) on_membership(link, group, everything, now, Origin::flooding);
  }
  if (turned) sweep_.start();  // whether it has an RP
}

}  // namespace hotpair::mcast::mrib
