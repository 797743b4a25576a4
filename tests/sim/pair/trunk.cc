#include "tests/sim/pair/trunk.h"

#include <algorithm>

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
namespace lacp = ha::lacp;

// What closing a device and the thread that does it take.
constexpr Duration kHoldSlack = 10ms;

}  // namespace

TrunkCase trunk_case(std::uint64_t number) {
  TrunkCase trunk;
  trunk.one_id = number % 2 == 1;
  trunk.access.period = number % 4 >= 2 ? 100ms : 0ms;
  trunk.fast = number % 3 != 0;
  // A partner of two ids keeps the one that fell silent for its timeout: 90 s if it is long.
  trunk.access.fast = !trunk.one_id || number % 5 != 0;
  return trunk;
}

void put_behind_trunk(ha::node::NodeConfig& config, int index, const TrunkCase& trunk) {
  const bool a = index == 0;
  const MacAddress one{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x55}};
  const MacAddress other{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x56}};
  config.etrunks.front().etrunk.system_id = a || trunk.one_id ? one : other;
  ha::node::TrunkSettings settings;
  settings.name = "Eth-Trunk1";
  settings.device = a ? "tr1" : "tr9";
  settings.scope = config.scopes.front().scope;
  settings.lacp.id = lacp::TrunkId(1);
  settings.lacp.system = config.etrunks.front().etrunk.system_id;
  settings.lacp.key = 305;
  settings.lacp.fast = trunk.fast;
  settings.lacp.members = {{0, kMemberDevice, static_cast<std::uint16_t>(a ? 1 : 0x8001), 32768}};
  settings.member_names = {"GigabitEthernet0/1/2"};
  config.trunks = {settings};
}

bool TrunkWatch::attached_to(const SimNode& node) const {
  const int other = 1 - node.index();
  return node.collects() && node.distributes() && access_.collects(node.index()) &&
         access_.distributes(node.index()) && !access_.collects(other) &&
         !access_.distributes(other);
}

void TrunkWatch::look(TimePoint until) {
  TimePoint from = world_.now();
  for (std::size_t node = 0; node < 2; ++node) look_at_hold(node, until);
  // A lease may end before anybody acts again.
  std::array<TimePoint, 2> ends{nodes_[0]->open_until(), nodes_[1]->open_until()};
  std::ranges::sort(ends);
  for (const TimePoint end : ends) {
    if (end <= from || end >= until) continue;
    add(from, end);
    from = end;
  }
  add(from, until);
}

void TrunkWatch::add(TimePoint from, TimePoint until) {
  if (until <= from) return;
  unsigned ways = 0;
  bool any = false;
  bool hole = false;
  for (const SimNode* node : nodes_) {
    const bool open = node->open_until() > from;
    if (open && node->distributes() && access_.collects(node->index())) ++ways;
    if (!access_.distributes(node->index())) continue;
    any = true;
    hole = hole || !open || !node->collects();
  }
  const Duration span = until - from;
  if (ways == 0) times_.dark += span;
  if (ways == 2) times_.doubled += span;
  if (!any || hole) times_.lost += span;
  if (ways != 1 || !any || hole) wrong_at_ = until;
}

// Time in which nobody could give it back does not count.
void TrunkWatch::look_at_hold(std::size_t node, TimePoint until) {
  auto& latest = held_until_.at(node);
  if (!access_.held(static_cast<int>(node))) {
    latest.reset();
    return;
  }
  if (!latest) latest = world_.now() + ha::keeper::kCarrierHoldMax + kHoldSlack;
  if (nodes_.at(node)->frozen() || !nodes_.at(node)->keeper_alive())
    *latest += until - world_.now();
  if (*latest < world_.now())
    world_.fail("{} holds the carrier of its member link for more than {} s", node,
                ha::keeper::kCarrierHoldMax / 1s);
}

}  // namespace hotpair::sim
