#include "mcast/pim/pim_df.h"

#include <algorithm>

namespace hotpair::mcast::pim {
namespace {

/// Timers that one on_timeout() runs.
constexpr std::size_t kSliceMax = 1000;

}  // namespace

std::string_view to_string(DfState state) {
  switch (state) {
    case DfState::offer:
      return "Offer";
    case DfState::lose:
      return "Lose";
    case DfState::win:
      return "Win";
    case DfState::backoff:
      return "Backoff";
  }
  return "unknown";
}

// ---- links and modes ----

bool DfElections::is_live(const Link& link) const {
  if (link.config.address.is_unspecified()) return false;
  if (!link.config.scope) return true;
  const auto mode = modes_.find(*link.config.scope);
  return mode != modes_.end() && mode->second == LinkMode::live;
}

bool DfElections::elects(const Link& link, const DfRp& rp, const DfRoute& route) const {
  const bool is_rp_link = route.on_link && route.link == link.config.link;
  return is_live(link) && link.config.bidir && link.usable && link.config.vrf == rp.vrf &&
         !is_rp_link;
}

void DfElections::set_link(const LinkConfig& config, TimePoint now) {
  Link& link = links_[config.link];
  const bool moved = link.config.address != config.address || link.config.vrf != config.vrf;
  if (moved)
    for (const auto& [rp, route] : rps_) end({rp, config.link});
  link.config = config;
  refresh_link(link, now);
}

void DfElections::remove_link(LinkId id, TimePoint /*now*/) {
  if (!links_.contains(id)) return;
  for (const auto& [rp, route] : rps_) end({rp, id});
  links_.erase(id);
}

void DfElections::set_usable(LinkId id, bool usable, TimePoint now) {
  const auto found = links_.find(id);
  if (found == links_.end() || found->second.usable == usable) return;
  found->second.usable = usable;
  refresh_link(found->second, now);
}

void DfElections::set_mode(ScopeId scope, LinkMode mode, TimePoint now) {
  modes_[scope] = mode;
  for (auto& [id, link] : links_)
    if (link.config.scope == scope) refresh_link(link, now);
}

void DfElections::refresh_link(Link& link, TimePoint now) {
  for (const auto& [rp, route] : rps_) refresh(rp, link, now);
}

void DfElections::refresh(const DfRp& rp, Link& link, TimePoint now) {
  const Key key{rp, link.config.link};
  const bool wanted = elects(link, rp, rps_.at(rp));
  if (wanted && !elections_.contains(key)) begin(key, now);
  if (!wanted) end(key);
}

void DfElections::begin(const Key& key, TimePoint now) {
  elections_.try_emplace(key);
  const Place place = *find(key.first, key.second);
  const bool acted = acted_.erase(key) > 0;
  if (acted && !own_bid(place).is_infinite())
    win(place, now);
  else
    begin_offer(place, offer_low(), now);
}

void DfElections::end(const Key& key) {
  const auto place = find(key.first, key.second);
  if (!place) return;
  set_timer(*place, std::nullopt);
  if (place->election.told) effects_.push(DfChanged{key.second, key.first, std::nullopt, false});
  elections_.erase(key);
}

std::optional<DfElections::Place> DfElections::find(const DfRp& rp, LinkId id) {
  const auto found = elections_.find({rp, id});
  if (found == elections_.end()) return std::nullopt;
  return Place{found->first, links_.at(id), rps_.at(rp), found->second};
}

// ---- RPs ----

bool DfElections::set_rp(const DfRp& rp, const DfRoute& route, TimePoint now) {
  const auto found = rps_.find(rp);
  if (found == rps_.end() && rps_.size() >= kBidirRpsMax) {
    for (auto& [id, link] : links_) link.ignore(DfIgnored::rps_max);
    return false;
  }
  const bool is_new = found == rps_.end();
  DfRoute& current = rps_[rp];
  if (!is_new && current == route) return true;
  const DfRoute before = std::exchange(current, route);
  for (auto& [id, link] : links_) {
    const bool ran = elections_.contains({rp, id});
    refresh(rp, link, now);
    if (!ran) continue;
    if (const auto place = find(rp, id)) on_route(*place, before, now);
  }
  return true;
}

void DfElections::remove_rp(const DfRp& rp, TimePoint /*now*/) {
  if (!rps_.contains(rp)) return;
  for (const auto& [id, link] : links_) end({rp, id});
  rps_.erase(rp);
}

void DfElections::note_acting(const DfRp& rp, LinkId link, TimePoint now) {
  if (const auto place = find(rp, link)) {
    const Election& election = place->election;
    if (election.state == DfState::offer && !election.df && !own_bid(*place).is_infinite())
      win(*place, now);
    return;
  }
  if (acted_.size() < kBidirRpsMax * kBidirRpsMax) acted_.insert({rp, link});
}

// ---- neighbours ----

void DfElections::on_neighbour_up(LinkId id, TimePoint now) {
  for (const auto& [rp, route] : rps_) {
    const auto place = find(rp, id);
    if (!place || place->election.state != DfState::win) continue;
    place->election.count = 0;
    set_timer(*place, now + offer_low());
  }
}

void DfElections::on_neighbour_lost(LinkId id, const IpAddress& address, TimePoint now) {
  for (const auto& [rp, route] : rps_)
    if (const auto place = find(rp, id)) on_lost(*place, address, true, now);
}

void DfElections::on_neighbour_restarted(LinkId id, const IpAddress& address, TimePoint now) {
  for (const auto& [rp, route] : rps_)
    if (const auto place = find(rp, id)) on_lost(*place, address, false, now);
}

// ---- timers ----

void DfElections::set_timer(const Place& place, std::optional<TimePoint> due) {
  if (place.election.due) timers_.erase({*place.election.due, place.key.first, place.key.second});
  place.election.due = due;
  if (due) timers_.insert({*due, place.key.first, place.key.second});
}

void DfElections::on_timeout(TimePoint now) {
  for (std::size_t i = 0; i < kSliceMax && !timers_.empty(); ++i) {
    const auto [due, rp, id] = *timers_.begin();
    if (due > now) return;
    const Place place = *find(rp, id);
    set_timer(place, std::nullopt);
    expire(place, now);
  }
}

std::optional<TimePoint> DfElections::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  return std::get<0>(*timers_.begin());
}

// ---- queries ----

std::vector<DfRow> DfElections::show(TimePoint now) const {
  std::vector<DfRow> rows;
  for (const auto& [rp, route] : rps_) {
    for (const auto& [id, link] : links_) {
      if (link.config.vrf != rp.vrf || !link.config.bidir || !is_live(link)) continue;
      DfRow row{.link = id, .rp = rp, .address = link.config.address, .state = {}, .df = {}};
      if (const auto found = elections_.find({rp, id}); found != elections_.end()) {
        const Election& election = found->second;
        row.state = election.state;
        if (election.df) {
          row.df = election.df->address;
          row.self = election.df->address == link.config.address;
          row.metric = election.df->route;
          row.uptime = now - election.since;
        }
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

DfCounters DfElections::counters(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? DfCounters{} : found->second.counters;
}

void DfElections::reset_counters(LinkId link) {
  if (const auto found = links_.find(link); found != links_.end()) found->second.counters = {};
}

}  // namespace hotpair::mcast::pim
