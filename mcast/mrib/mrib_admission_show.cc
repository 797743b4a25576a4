#include <algorithm>
#include <map>
#include <utility>

#include "mcast/mrib/mrib_admission.h"

namespace hotpair::mcast::mrib {

bool Admission::admits(const StateKey& state, LinkId link, Direction direction,
                       bool connected) const {
  if (!limited_.contains({link, state.group.family()})) return true;
  const auto at = entries_.find({state, link, direction});
  if (at != entries_.end()) return at->second.admitted;
  return account_for(state, link, direction, connected) == kNoAccount;
}

bool Admission::covers(const StateKey& source, LinkId link) const {
  const auto at = entries_.find({{source.vrf, source.group, std::nullopt}, link, Direction::out});
  if (at == entries_.end() || !at->second.admitted || !at->second.claimed) return false;
  const std::uint32_t account = account_for(source, link, Direction::out, false);
  return account != kNoAccount && account == at->second.account;
}

bool Admission::denies(const StateKey& state) const {
  for (auto at = entries_.lower_bound({state, LinkId{0}, Direction{}});
       at != entries_.end() && at->first.state == state; ++at)
    if (!at->second.admitted) return true;
  return false;
}

Admission::Slice Admission::snapshot(const std::optional<ReservationKey>& after,
                                     std::size_t max) const {
  Slice slice;
  auto at = after ? entries_.upper_bound(*after) : entries_.begin();
  for (; at != entries_.end() && max > 0; ++at, --max) {
    if (at->second.admitted)
      slice.records.push_back({at->first, at->second.cost, at->second.order, at->second.connected});
    slice.next = at->first;
  }
  if (at == entries_.end()) slice.next.reset();
  return slice;
}

LimitedState Admission::model_of(Entries::const_iterator at) const {
  return {.state = at->first.state,
          .direction = at->first.direction,
          .cost = at->second.cost,
          .order = at->second.order,
          .admitted = at->second.admitted,
          .unclaimed = !at->second.claimed};
}

std::vector<LimitRow> Admission::show(Family family, bool with_states) const {
  std::vector<LimitRow> rows;
  std::map<std::uint32_t, std::size_t> row_of;
  for (const auto& [key, numbers] : limited_) {
    if (key.second != family) continue;
    for (const std::uint32_t number : numbers) {
      const Account& account = accounts_.at(number);
      row_of[number] = rows.size();
      rows.push_back({.link = account.link,
                      .family = family,
                      .limit = account.limit,
                      .in_use = account.in_use,
                      .admitted = account.admitted,
                      .denied = account.waiting.size(),
                      .denied_total = account.denied_total,
                      .by_records = follows(account.link),
                      .states = {}});
    }
  }
  if (!with_states) return rows;
  for (auto at = entries_.begin(); at != entries_.end(); ++at)
    if (const auto row = row_of.find(at->second.account); row != row_of.end())
      rows[row->second].states.push_back(model_of(at));
  for (LimitRow& row : rows)
    std::ranges::sort(row.states, [](const LimitedState& a, const LimitedState& b) {
      return std::pair(!a.admitted, a.order) < std::pair(!b.admitted, b.order);
    });
  return rows;
}

}  // namespace hotpair::mcast::mrib
