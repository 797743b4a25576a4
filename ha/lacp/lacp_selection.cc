#include <algorithm>
#include <tuple>

#include "ha/lacp/lacp_machine.h"

// Selection Logic, 6.4.14, for one aggregator with configured members. Choices that the standard
// leaves open: a member without a partner is never selected; a selected member is not pushed out by
// a better one (no preemption); below `least_active` nobody is.
namespace hotpair::ha::lacp {
namespace {

// The partner's half of the LAG ID (6.4.14.1); ours is the same for all members. Port numbers count
// for links that cannot be aggregated.
using LagId = std::tuple<std::uint16_t, MacAddress, std::uint16_t, std::uint16_t, std::uint16_t>;

LagId lag_of(const Port& port) {
  const PortInfo& partner = port.partner;
  const bool individual = !partner.has(kStateAggregation);
  return {partner.system_priority, partner.system, partner.key,
          individual ? partner.port_priority : std::uint16_t{0},
          individual ? partner.port : std::uint16_t{0}};
}

bool is_usable(const Port& port) {
  return port.enabled && !port.actor.has(kStateDefaulted) &&
         (port.receive == ReceiveState::current || port.receive == ReceiveState::expired);
}

// The system with the better identifier decides the order of ports (6.4.14.2 f).
std::tuple<std::uint16_t, std::uint16_t, MemberIndex> rank_of(const Port& port) {
  const bool ours = std::tie(port.actor.system_priority, port.actor.system) <=
                    std::tie(port.partner.system_priority, port.partner.system);
  const PortInfo& decides = ours ? port.actor : port.partner;
  return {decides.port_priority, decides.port, port.config.index};
}

}  // namespace

// The LAG that most members see; the present one if it is as good, else that of the best member.
std::optional<MemberIndex> LacpTrunk::choose_reference() const {
  std::map<LagId, std::vector<const Port*>> lags;
  for (const auto& [index, port] : ports_)
    if (is_usable(port)) lags[lag_of(port)].push_back(&port);
  const auto worth = [&](const std::vector<const Port*>& members) {
    const bool present = std::any_of(members.begin(), members.end(), [](const Port* port) {
      return port->selected != Selected::unselected;
    });
    return std::tuple(members.size(), present);
  };
  const std::vector<const Port*>* best = nullptr;
  const auto by_rank = [](const Port* a, const Port* b) { return rank_of(*a) < rank_of(*b); };
  for (const auto& [id, members] : lags) {
    if (best == nullptr || worth(members) > worth(*best) ||
        (worth(members) == worth(*best) &&
         by_rank(*std::min_element(members.begin(), members.end(), by_rank),
                 *std::min_element(best->begin(), best->end(), by_rank)))) {
      best = &members;
    }
  }
  if (best == nullptr) return std::nullopt;
  return (*std::min_element(best->begin(), best->end(), by_rank))->config.index;
}

void LacpTrunk::select() {
  reference_ = choose_reference();
  std::vector<Port*> members;
  for (auto& [index, port] : ports_) {
    const bool belongs =
        reference_ && is_usable(port) && lag_of(port) == lag_of(ports_.at(*reference_));
    if (!belongs) port.selected = Selected::unselected;
    // A partner that changed is let go of before it is taken again.
    const bool leaving = port.selected == Selected::unselected && port.mux != MuxState::detached;
    if (belongs && !leaving) members.push_back(&port);
  }
  std::sort(members.begin(), members.end(), [](const Port* a, const Port* b) {
    const bool a_in = a->selected == Selected::selected;
    const bool b_in = b->selected == Selected::selected;
    return a_in != b_in ? a_in : rank_of(*a) < rank_of(*b);
  });
  const bool enough = members.size() >= config_.least_active;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const bool used = sync_allowed_ && enough && i < config_.max_active;
    members[i]->selected = used ? Selected::selected : Selected::standby;
  }
}

}  // namespace hotpair::ha::lacp
