#include <algorithm>
#include <utility>

#include "mcast/pim/pim_df.h"

/// The state tables of RFC 5015 3.5.3.
namespace hotpair::mcast::pim {
namespace {

constexpr Duration kOfferHigh = kOfferPeriod * kElectionRobustness;

std::uint16_t to_ms(Duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(ms, 0, 0xffff));
}

}  // namespace

bool DfBid::is_infinite() const {
  // A preference of 31 bits is what a router says that sends it as in Asserts.
  return route.preference >= wire::kPimPreferenceMax && route.metric == 0xffffffff;
}

bool DfBid::is_better_than(const DfBid& other) const {
  if (is_infinite() != other.is_infinite()) return other.is_infinite();
  if (!is_infinite()) {
    if (route.preference != other.route.preference)
      return route.preference < other.route.preference;
    if (route.metric != other.route.metric) return route.metric < other.route.metric;
  }
  return address > other.address;
}

// OPlow
Duration DfElections::offer_low() { return kOfferPeriod / 2 + entropy_.up_to(kOfferPeriod / 2); }

DfBid DfElections::own_bid(const Place& place) const {
  DfBid own{.route = {}, .address = place.link.config.address};
  const bool through_here = place.route.link == place.key.second;
  own.route = place.route.reachable && !through_here ? place.route.metric : DfBid{}.route;
  return own;
}

// ---- messages ----

void DfElections::on_message(LinkId id, const IpAddress& from, const wire::PimDfElection& message,
                             TimePoint now) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  Link& link = found->second;
  ++link.counters.received;
  if (!is_live(link)) return link.ignore(DfIgnored::muted);
  if (!link.config.bidir || !link.usable) return link.ignore(DfIgnored::not_enabled);
  if (from == link.config.address) return link.ignore(DfIgnored::own_address);
  const auto place = find({link.config.vrf, message.rp}, id);
  if (!place) return link.ignore(DfIgnored::unknown_rp);
  const DfBid sender{message.sender, from};
  const DfBid target{message.target_metric, message.target};
  Took took = Took::nothing;
  switch (message.action) {
    case wire::PimDfAction::offer:
      took = on_offer(*place, sender, now);
      break;
    case wire::PimDfAction::winner:
      took = on_winner(*place, sender, now);
      break;
    case wire::PimDfAction::backoff:
      took =
          on_backoff(*place, sender, target, std::chrono::milliseconds(message.interval_ms), now);
      break;
    case wire::PimDfAction::pass:
      took = on_pass(*place, target, now);
      break;
  }
  if (took == Took::nothing) link.ignore(DfIgnored::no_row);
}

DfElections::Took DfElections::on_offer(const Place& place, const DfBid& bid, TimePoint now) {
  Election& election = place.election;
  const DfBid own = own_bid(place);
  // Among routers without a path there is nothing to win, and no end to trying.
  if (own.is_infinite() && bid.is_infinite()) return Took::nothing;
  const bool better = bid.is_better_than(own);
  switch (election.state) {
    case DfState::offer: {
      // Many worse offers do not put ours off.
      const TimePoint due = election.due.value_or(TimePoint::max());
      begin_offer(place, better ? kOfferHigh : offer_low(), now);
      if (!better && due < *election.due) set_timer(place, due);
      return Took::action;
    }
    case DfState::lose:
      if (better && election.df) return Took::nothing;  // the acting one answers
      begin_offer(place, better ? kOfferHigh : offer_low(), now);
      return Took::action;
    case DfState::win:
      if (better) {
        election.state = DfState::backoff;
        election.best = bid;
        set_timer(place, now + kBackoffPeriod);
      }
      send(place, better ? wire::PimDfAction::backoff : wire::PimDfAction::winner, now);
      return Took::action;
    case DfState::backoff:
      if (better && (bid.is_better_than(election.best) || bid.address == election.best.address)) {
        if (bid.address != election.best.address) set_timer(place, now + kBackoffPeriod);
        election.best = bid;
      }
      send(place, wire::PimDfAction::backoff, now);
      return Took::action;
  }
  return Took::nothing;
}

DfElections::Took DfElections::on_winner(const Place& place, const DfBid& winner, TimePoint now) {
  if (winner.is_infinite()) return Took::nothing;
  if (!winner.is_better_than(own_bid(place))) return on_worse(place, winner, now);
  lose(place, winner, now);
  return Took::action;
}

DfElections::Took DfElections::on_backoff(const Place& place, const DfBid& acting,
                                          const DfBid& offering, Duration interval, TimePoint now) {
  Election& election = place.election;
  const DfBid own = own_bid(place);
  const bool for_us = offering.address == own.address;
  if (acting.is_infinite() || (!for_us && !offering.is_better_than(own)))
    return on_worse(place, acting, now);
  const bool acts = election.state == DfState::win || election.state == DfState::backoff;
  if (for_us && acts && own.is_better_than(acting)) return on_worse(place, acting, now);
  if (election.state != DfState::offer) {
    lose(place, acting, now);
    return Took::action;
  }
  set_df(place, acting, now);
  begin_offer(place, interval + offer_low(), now);
  return Took::action;
}

DfElections::Took DfElections::on_pass(const Place& place, const DfBid& winner, TimePoint now) {
  Election& election = place.election;
  const DfBid own = own_bid(place);
  if (winner.address != own.address) return on_winner(place, winner, now);
  if (election.state == DfState::win || election.state == DfState::backoff) return Took::nothing;
  if (own.is_infinite()) {
    // The one that passed has stopped, and we can not.
    set_df(place, std::nullopt, now);
    begin_offer(place, offer_low(), now);
    return Took::action;
  }
  win(place, now);
  return Took::action;
}

/// Winner, Pass or Backoff that names one who is worse than we.
DfElections::Took DfElections::on_worse(const Place& place, const DfBid& acting, TimePoint now) {
  Election& election = place.election;
  if (own_bid(place).is_infinite()) return Took::nothing;
  switch (election.state) {
    case DfState::offer:
    case DfState::lose:
      set_df(place, acting, now);
      begin_offer(place, offer_low(), now);
      return Took::action;
    case DfState::backoff:
      election.state = DfState::win;
      [[fallthrough]];
    case DfState::win:
      set_timer(place, std::nullopt);
      send(place, wire::PimDfAction::winner, now);
      return Took::action;
  }
  return Took::nothing;
}

// ---- time ----

void DfElections::expire(const Place& place, TimePoint now) {
  Election& election = place.election;
  switch (election.state) {
    case DfState::offer:
      if (election.count < kElectionRobustness) {
        ++election.count;
        send(place, wire::PimDfAction::offer, now);
        set_timer(place, now + offer_low());
      } else if (own_bid(place).is_infinite()) {
        lose(place, std::nullopt, now);
      } else {
        win(place, now);
      }
      return;
    case DfState::win:
      ++election.count;
      send(place, wire::PimDfAction::winner, now);
      if (election.count < kElectionRobustness) set_timer(place, now + offer_low());
      return;
    case DfState::backoff:
      send(place, wire::PimDfAction::pass, now);
      lose(place, election.best, now);
      return;
    case DfState::lose:
      return;
  }
}

// ---- routing and neighbours ----

void DfElections::on_route(const Place& place, const DfRoute& before, TimePoint now) {
  Election& election = place.election;
  const DfBid own = own_bid(place);
  const bool acts = election.state == DfState::win || election.state == DfState::backoff;
  if (acts && own.is_infinite()) {  // 3.5.2.4
    if (election.state == DfState::backoff) {
      send(place, wire::PimDfAction::pass, now);
      lose(place, election.best, now);
      return;
    }
    set_df(place, std::nullopt, now);
    begin_offer(place, offer_low(), now);
    return;
  }
  switch (election.state) {
    case DfState::offer:
      begin_offer(place, offer_low(), now);
      return;
    case DfState::lose: {
      // By the same link but another router: the acting one may be gone (3.5.2.6).
      const bool left =
          own.is_infinite() && place.route.reachable && place.route.neighbour != before.neighbour;
      const bool better = !own.is_infinite() && (!election.df || own.is_better_than(*election.df));
      if (left || better) begin_offer(place, offer_low(), now);
      return;
    }
    case DfState::backoff:
      if (election.best.is_better_than(own)) return;
      election.state = DfState::win;
      [[fallthrough]];
    case DfState::win:
      if (election.df == own) return;
      set_df(place, own, now);
      election.count = 0;
      set_timer(place, now + offer_low());  // 3.5.2.3
      return;
  }
}

void DfElections::on_lost(const Place& place, const IpAddress& address, bool forgets,
                          TimePoint now) {
  Election& election = place.election;
  if (election.state == DfState::backoff && election.best.address == address && forgets) {
    election.state = DfState::win;
    set_timer(place, std::nullopt);
    send(place, wire::PimDfAction::winner, now);
    return;
  }
  if (!election.df || election.df->address != address) return;
  if (forgets) set_df(place, std::nullopt, now);
  begin_offer(place, offer_low(), now);
}

// ---- transitions ----

/// Also restarts what runs: the count begins anew.
void DfElections::begin_offer(const Place& place, Duration wait, TimePoint now) {
  place.election.state = DfState::offer;
  place.election.count = 0;
  set_timer(place, now + wait);
}

void DfElections::lose(const Place& place, const std::optional<DfBid>& df, TimePoint now) {
  place.election.state = DfState::lose;
  set_timer(place, std::nullopt);
  set_df(place, df, now);
}

/// The Winner message goes Election_Robustness times, so that routers which offer nothing hear it.
void DfElections::win(const Place& place, TimePoint now) {
  place.election.state = DfState::win;
  place.election.count = 1;
  set_df(place, own_bid(place), now);
  send(place, wire::PimDfAction::winner, now);
  set_timer(place, now + offer_low());
}

void DfElections::set_df(const Place& place, const std::optional<DfBid>& df, TimePoint now) {
  Election& election = place.election;
  std::optional<IpAddress> address;
  if (df) address = df->address;
  election.df = df;
  if (election.told == address) return;
  election.told = address;
  election.since = now;
  effects_.push(
      DfChanged{place.key.second, place.key.first, address, address == place.link.config.address});
}

void DfElections::send(const Place& place, wire::PimDfAction action, TimePoint now) {
  const Election& election = place.election;
  wire::PimDfElection message{.action = action,
                              .rp = place.key.first.address,
                              .sender = own_bid(place).route,
                              .target = IpAddress::any(place.key.first.address.family()),
                              .target_metric = {},
                              .interval_ms = 0};
  if (action == wire::PimDfAction::backoff || action == wire::PimDfAction::pass) {
    message.target = election.best.address;
    message.target_metric = election.best.route;
  }
  if (action == wire::PimDfAction::backoff)
    message.interval_ms = to_ms(election.due ? *election.due - now : Duration{});
  ++place.link.counters.sent[static_cast<std::size_t>(action)];
  effects_.push(SendOnLink{place.key.second, message});
}

}  // namespace hotpair::mcast::pim
