#include "tests/sim/pair/owner.h"

#include <algorithm>

#include "ha/node/floating_pair.h"

namespace hotpair::sim {

void make_floating(ha::node::NodeConfig& config) {
  config.scopes.front() = {ha::node::kFloatingPair,
                           "floating",
                           config.scopes.front().service,
                           config.scopes.front().etrunk,
                           0,
                           true,
                           false};
  for (ha::node::LinkSettings& link : config.links) {
    if (!link.scope) continue;
    link.scope = ha::node::kFloatingPair;
    link.eth_trunk = 0;
    link.floating = {*IpPrefix::parse("10.0.15.254/24")};
    link.pim_floating = true;
    link.pim_ipv4.emplace();
  }
}

void OwnerWatch::look(TimePoint until) {
  const TimePoint now = world_.now();
  std::array<TimePoint, 2> end{};
  for (std::size_t i = 0; i < end.size(); ++i)
    end.at(i) = nodes_.at(i)->gate_open() ? std::min(until, nodes_.at(i)->open_until()) : now;
  const auto [first, last] = std::minmax(end[0], end[1]);
  if (first > now) {
    times_.doubled += first - now;
    wrong_at_ = first;
  }
  if (last < until) {
    times_.dark += until - last;
    wrong_at_ = until;
  }
}

bool OwnerWatch::owned_by(const SimNode& node) const {
  const SimNode& other = *nodes_.at(nodes_[0] == &node ? 1 : 0);
  return node.gate_open() && !other.gate_open() && node.announced_at() > other.announced_at();
}

}  // namespace hotpair::sim
