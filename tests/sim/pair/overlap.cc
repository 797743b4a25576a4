#include "tests/sim/pair/overlap.h"

#include <algorithm>

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kUnplanned = 50ms;
constexpr Duration kPlanned = 300ms;

bool handover_under_way(const SimNode& node) {
  const ha::node::Scope* scope = node.scope();
  return scope != nullptr && scope->handover.under_way();
}

}  // namespace

// The newest hello of each has arrived.
bool OverlapWatch::can_talk() const {
  for (const SimNode* node : {&a_, &b_})
    if (!node->keeper_alive() || node->frozen()) return false;
  return !network_.all_cut() && network_.unheard() == Duration{};
}

void OverlapWatch::look(TimePoint until) {
  const TimePoint now = world_.now();
  if (handover_under_way(a_) || handover_under_way(b_)) planned_at_ = now;
  if (!a_.gate_open() || !b_.gate_open()) {
    since_.reset();
    return;
  }
  if (!since_) since_ = now;
  const bool divided = network_.all_cut() || a_.gate_stored_divided() || b_.gate_stored_divided();
  if (divided && !can_talk()) {
    since_ = until;
    return;
  }
  const TimePoint end = std::min({until, a_.open_until(), b_.open_until()});
  const Duration span = end - *since_;
  const bool planned = planned_at_ && now - *planned_at_ < kPlanned;
  if (!planned) longest_ = std::max(longest_, span);
  if (span > (planned ? kPlanned : kUnplanned))
    world_.fail("both gates open for {:.3f} ms", static_cast<double>(span.count()) / 1e6);
}

}  // namespace hotpair::sim
