#include "mcast/mrib/mrib_admission.h"

#include <algorithm>

#include "mcast/mrib/mrib_tables.h"
#include "platform/base/assert.h"

namespace hotpair::mcast::mrib {
namespace {

bool accounts(LimitKind kind, Direction direction, bool connected) {
  switch (kind) {
    case LimitKind::both:
      return true;
    case LimitKind::connected:
      return direction == Direction::in && connected;
    case LimitKind::rpf:
      return direction == Direction::in;
    case LimitKind::out:
      return direction == Direction::out;
  }
  return false;
}

bool fits(const Limit& limit, std::uint64_t in_use, std::uint32_t cost) {
  return cost == 0 || in_use + cost <= limit.max;
}

}  // namespace

bool ChannelRange::matches(const StateKey& state) const {
  if (!groups.contains(state.group.address())) return false;
  if (!sources || sources->length == 0) return true;
  return state.source && sources->contains(*state.source);
}

// ---- configuration ----

void Admission::set_limits(LinkId link, Family family, const std::vector<Limit>& limits) {
  const LinkFamily key{link, family};
  const auto found = limited_.find(key);
  std::vector<std::uint32_t> old =
      found == limited_.end() ? std::vector<std::uint32_t>{} : found->second;
  const std::vector<std::uint32_t> before = old;
  std::vector<std::uint32_t> now;
  for (const Limit& limit : limits) {
    const auto same = std::ranges::find_if(old, [&](const std::uint32_t number) {
      const Limit& each = accounts_.at(number).limit;
      return each.kind == limit.kind && each.channels == limit.channels;
    });
    if (same == old.end()) {
      now.push_back(next_account_++);
      accounts_.emplace(now.back(),
                        Account{.link = link, .family = family, .limit = limit, .waiting = {}});
      continue;
    }
    now.push_back(*same);
    old.erase(same);
    Account& account = accounts_.at(now.back());
    account.limit = limit;
    freed(now.back());
    check_threshold(account);
  }
  changing_ |= now != before;
  for (const std::uint32_t number : old) {
    Account& account = accounts_.at(number);
    account.configured = false;
    if (account.admitted == 0 && account.waiting.empty()) accounts_.erase(number);
  }
  if (now.empty())
    limited_.erase(key);
  else
    limited_[key] = std::move(now);
}

void Admission::set_costs(Family family, const std::vector<ChannelCost>& costs) {
  std::vector<ChannelCost>& current = costs_[family_index(family)];
  if (current == costs) return;
  current = costs;
  changing_ |= !is_idle();
}

void Admission::end_change() {
  if (!changing_) return;
  changing_ = false;
  for (const ReservationKey& key : std::set<ReservationKey>(unclaimed_)) {
    const auto at = entries_.find(key);
    rematch(at, account_for(key.state, key.link, key.direction, at->second.connected));
  }
  look_again(std::nullopt);
}

void Admission::set_following(LinkId link, bool following) {
  if (following) {
    following_.insert(link);
    return;
  }
  if (following_.erase(link) > 0) look_again(link);
}

void Admission::set_restoring(bool restoring) {
  if (restoring_ == restoring) return;
  restoring_ = restoring;
  if (!restoring) look_again(std::nullopt);
}

void Admission::forget(LinkId link) {
  const bool follows_records = following_.contains(link);
  following_.insert(link);  // nothing is told of what goes with its link
  for (auto at = entries_.begin(); at != entries_.end();)
    at = at->first.link == link ? erase(at) : std::next(at);
  if (!follows_records) following_.erase(link);
}

void Admission::drop_records(LinkId link) {
  if (!follows(link)) return;
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto one = at++;
    if (one->first.link == link && one->second.admitted)
      on_record_removed(ReservationKey(one->first));
  }
}

// ---- inputs ----

void Admission::update(const StateKey& state, std::span<const Ask> asks) {
  bool comes_in = true;
  for (const Ask& each : asks) {
    if (each.direction != Direction::in) continue;
    ask(state, each);
    comes_in &= admits(state, each.link, each.direction, each.connected);
  }
  for (auto at = entries_.lower_bound({state, LinkId{0}, Direction{}});
       at != entries_.end() && at->first.state == state;) {
    const auto one = at++;
    const ReservationKey& key = one->first;
    const bool counts = comes_in || key.direction == Direction::in;
    const bool wanted = counts && std::ranges::any_of(asks, [&](const Ask& each) {
                          return each.link == key.link && each.direction == key.direction;
                        });
    if (!wanted && (one->second.claimed || !one->second.admitted)) leave(one);
  }
  for (const Ask& each : asks)
    if (comes_in && each.direction == Direction::out) ask(state, each);
}

void Admission::ask(const StateKey& state, const Ask& ask) {
  const ReservationKey key{state, ask.link, ask.direction};
  const std::uint32_t account = account_for(state, ask.link, ask.direction, ask.connected);
  auto at = entries_.find(key);
  if (at == entries_.end()) {
    if (account == kNoAccount || entries_.size() >= kEntriesMax) return;
    at = entries_.emplace(key, Entry{}).first;
    at->second = {
        .account = account, .cost = cost_of(state), .connected = ask.connected, .claimed = true};
    decide(at, ask.forwarding);
    return;
  }
  Entry& entry = at->second;
  entry.connected = ask.connected;
  if (!entry.claimed) unclaimed_.erase(key);
  entry.claimed = true;
  if (entry.account != account) {
    rematch(at, account);
    at = entries_.find(key);
  }
  if (at != entries_.end() && !follows(ask.link)) recost(at);
}

bool Admission::on_record(const Reservation& record) {
  if (!follows(record.key.link)) return false;
  auto at = entries_.find(record.key);
  const bool is_new = at == entries_.end();
  if (is_new && entries_.size() >= kEntriesMax) return false;
  if (is_new) {
    at = entries_.emplace(record.key, Entry{}).first;
    at->second.connected = record.connected;
    at->second.account =
        account_for(record.key.state, record.key.link, record.key.direction, record.connected);
    unclaimed_.insert(record.key);
  } else {
    release(at);
  }
  const bool was_admitted = std::exchange(at->second.admitted, true);
  at->second.cost = record.cost;
  at->second.order = record.order;
  at->second.told = false;
  next_order_ = std::max(next_order_, record.order + 1);
  debit(at);
  if (!was_admitted && at->second.claimed) changed_.push_back(record.key.state);
  return true;
}

void Admission::on_record_removed(const ReservationKey& key) {
  const auto at = entries_.find(key);
  if (at == entries_.end() || !follows(key.link) || !at->second.admitted) return;
  if (!at->second.claimed || at->second.account == kNoAccount) {
    erase(at);
    return;
  }
  release(at);
  at->second.admitted = false;
  wait(at);
  changed_.push_back(key.state);
}

void Admission::release_unclaimed(std::size_t& budget) {
  for (auto key = unclaimed_.begin(); key != unclaimed_.end() && budget > 0;) {
    const auto at = entries_.find(*key++);
    if (follows(at->first.link)) continue;
    erase(at);
    --budget;
  }
}

// ---- accounts ----

std::uint32_t Admission::account_for(const StateKey& state, LinkId link, Direction direction,
                                     bool connected) const {
  const auto found = limited_.find({link, state.group.family()});
  if (found == limited_.end()) return kNoAccount;
  for (const std::uint32_t number : found->second) {
    const Limit& limit = accounts_.at(number).limit;
    if (accounts(limit.kind, direction, connected) && limit.channels.matches(state)) return number;
  }
  return kNoAccount;
}

std::uint32_t Admission::cost_of(const StateKey& state) const {
  for (const ChannelCost& each : costs_[family_index(state.group.family())])
    if (each.channels.matches(state)) return each.cost;
  return 1;
}

void Admission::decide(Entries::iterator at, bool keeps) {
  const Entry& entry = at->second;
  const bool follows_records = follows(at->first.link);
  if (!follows_records && changing_ && keeps) return take_place(at);
  const bool later = follows_records || changing_ || dirty_.contains(entry.account);
  const Account& account = accounts_.at(entry.account);
  if (!later && fits(account.limit, account.in_use, entry.cost)) return take_place(at);
  wait(at);
  if (!later) deny(at);
}

/// What the entry holds is accounted where it belongs.
void Admission::debit(Entries::iterator at) {
  const Entry& entry = at->second;
  if (entry.account == kNoAccount || !entry.admitted) return;
  Account& account = accounts_.at(entry.account);
  account.in_use += entry.cost;
  ++account.admitted;
  check_threshold(account);
}

/// The entry leaves its account, as one admitted or one that waits.
void Admission::release(Entries::iterator at) {
  const Entry& entry = at->second;
  if (entry.account == kNoAccount) return;
  Account& account = accounts_.at(entry.account);
  if (entry.admitted) {
    HA_ASSERT(account.in_use >= entry.cost && account.admitted > 0);
    account.in_use -= entry.cost;
    --account.admitted;
    check_threshold(account);
    freed(entry.account);
  } else {
    account.waiting.erase(entry.order);
  }
}

void Admission::take_place(Entries::iterator at) {
  at->second.admitted = true;
  at->second.told = false;
  at->second.order = next_order_++;
  debit(at);
  tell(at);
}

void Admission::wait(Entries::iterator at) {
  at->second.order = next_place_++;
  at->second.told = false;
  accounts_.at(at->second.account).waiting.emplace(at->second.order, at);
}

void Admission::deny(Entries::iterator at) {
  if (std::exchange(at->second.told, true)) return;
  Account& account = accounts_.at(at->second.account);
  ++account.denied_total;
  effects_.push(LimitDenied{at->first, at->second.cost, account.in_use, account.limit.max, 0});
}

// What was admitted keeps its place under the rule that it comes under.
void Admission::rematch(Entries::iterator at, std::uint32_t account) {
  const std::uint32_t old = at->second.account;
  if (old == account) return;
  if (account == kNoAccount && (!at->second.admitted || !follows(at->first.link))) {
    erase(at);
    return;
  }
  release(at);
  at->second.account = account;
  if (at->second.admitted)
    debit(at);
  else
    decide(at, false);
  const auto left = accounts_.find(old);
  if (left != accounts_.end() && !left->second.configured && left->second.admitted == 0 &&
      left->second.waiting.empty())
    accounts_.erase(left);
}

void Admission::recost(Entries::iterator at) {
  const std::uint32_t cost = cost_of(at->first.state);
  Entry& entry = at->second;
  if (entry.cost == cost) return;
  if (!entry.admitted) {
    entry.cost = cost;
    freed(entry.account);
    return;
  }
  release(at);
  entry.cost = cost;
  debit(at);
  tell(at);
}

/// The state no longer wants it. What a record reserved is the record's.
void Admission::leave(Entries::iterator at) {
  if (!at->second.admitted || !follows(at->first.link)) {
    erase(at);
    return;
  }
  at->second.claimed = false;
  unclaimed_.insert(at->first);
}

Admission::Entries::iterator Admission::erase(Entries::iterator at) {
  const std::uint32_t number = at->second.account;
  release(at);
  if (at->second.admitted && !follows(at->first.link)) effects_.push(ReservationRemoved{at->first});
  unclaimed_.erase(at->first);
  const auto next = entries_.erase(at);
  const auto account = accounts_.find(number);
  if (account != accounts_.end() && !account->second.configured && account->second.admitted == 0 &&
      account->second.waiting.empty())
    accounts_.erase(account);
  return next;
}

void Admission::freed(std::uint32_t number) {
  Account& account = accounts_.at(number);
  if (account.waiting.empty()) return;
  account.look_from = 0;
  dirty_.insert(number);
}

void Admission::look_again(std::optional<LinkId> link) {
  for (const auto& [number, account] : accounts_)
    if (!link || account.link == *link) freed(number);
}

void Admission::check_threshold(Account& account) {
  const Limit& limit = account.limit;
  const bool reached = limit.threshold_percent != 0 &&
                       account.in_use * 100 >= std::uint64_t{limit.max} * limit.threshold_percent;
  if (reached && !account.warned && !follows(account.link))
    effects_.push(LimitThreshold{account.link, account.family, limit, account.in_use});
  account.warned = reached;
}

void Admission::tell(Entries::iterator at) {
  if (follows(at->first.link)) return;
  const Entry& entry = at->second;
  effects_.push(ReservationChanged{{at->first, entry.cost, entry.order, entry.connected}});
}

// ---- driving ----

bool Admission::has_work() const {
  return !changed_.empty() || !effects_.empty() || (!dirty_.empty() && !changing_);
}

void Admission::admit(std::size_t& budget) {
  // What waits on links that follow records, or for the end of a change, is looked at thereafter.
  if (changing_) return;
  while (budget > 0 && !dirty_.empty()) admit_some(*dirty_.begin(), budget);
}

void Admission::admit_some(std::uint32_t number, std::size_t& budget) {
  const auto found = accounts_.find(number);
  if (found == accounts_.end() || follows(found->second.link)) {
    dirty_.erase(number);
    return;
  }
  Account& account = found->second;
  auto next = account.waiting.lower_bound(account.look_from);
  while (next != account.waiting.end() && budget > 0) {
    // Places are looked at in order: if the last one was, and nothing is left, all were.
    if (account.in_use >= account.limit.max && account.waiting.rbegin()->second->second.told) {
      next = account.waiting.end();
      break;
    }
    const auto at = next->second;
    --budget;
    if (!fits(account.limit, account.in_use, at->second.cost)) {
      deny(at);
      ++next;
      continue;
    }
    next = account.waiting.erase(next);
    changed_.push_back(at->first.state);
    take_place(at);
  }
  if (next != account.waiting.end()) {
    account.look_from = next->first;
    return;
  }
  account.look_from = 0;
  dirty_.erase(number);
}

std::optional<StateKey> Admission::poll_changed() {
  if (changed_.empty()) return std::nullopt;
  StateKey state = std::move(changed_.front());
  changed_.pop_front();
  return state;
}

}  // namespace hotpair::mcast::mrib
