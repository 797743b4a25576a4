#include <algorithm>
#include <utility>

#include "mcast/pim/pim_neighbours.h"

namespace hotpair::mcast::pim {
namespace {

/// Holdtime of a Hello without the option (RFC 7761 4.3.2, 4.11: Default_Hello_Holdtime).
constexpr std::uint16_t kDefaultHoldtime_s = 105;

bool passes(const LinkConfig& config, const IpAddress& source) {
  return config.neighbour_filter.empty() ||
         std::ranges::any_of(config.neighbour_filter,
                             [&](const IpPrefix& prefix) { return prefix.contains(source); });
}

bool is_own(const LinkConfig& config, const IpAddress& address) {
  return address == config.address ||
         std::ranges::find(config.secondary, address) != config.secondary.end();
}

}  // namespace

std::string_view to_string(HelloIgnored reason) {
  switch (reason) {
    case HelloIgnored::link_down:
      return "link is down";
    case HelloIgnored::wrong_source:
      return "wrong source address";
    case HelloIgnored::own_address:
      return "own address";
    case HelloIgnored::filtered:
      return "not in the neighbor policy";
    case HelloIgnored::no_genid:
      return "no generation ID";
    case HelloIgnored::stranger_bye:
      return "goodbye of a stranger";
    case HelloIgnored::neighbours_max:
      return "too many neighbors";
    case HelloIgnored::secondary_max:
      return "too many secondary addresses";
    case HelloIgnored::bad_secondary:
      return "bad secondary address";
    case HelloIgnored::count_:
      break;
  }
  return "unknown";
}

// ---- Hellos heard (4.3.1, 4.3.2) ----

void Neighbours::on_hello(LinkId id, const IpAddress& source, const wire::PimHello& hello,
                          TimePoint now) {
  Link* link = find(id);
  if (link == nullptr) return;
  ++link->counters.received;
  link->counters.unknown_options += hello.unknown_options;
  if (const auto reason = refuse(*link, source, hello, family_)) return link->ignore(*reason);
  if (hello.holdtime_s == 0) {
    if (!link->neighbours.contains(source)) return link->ignore(HelloIgnored::stranger_bye);
    drop(*link, source, NeighbourGone::goodbye);
  } else {
    learn(*link, source, hello, now);
  }
  settle(*link);
}

std::optional<HelloIgnored> Neighbours::refuse(const Link& link, const IpAddress& source,
                                               const wire::PimHello& hello, Family family) {
  if (link.config.address.is_unspecified()) return HelloIgnored::link_down;
  if (source.family() != family || !wire::is_pim_unicast(source) ||
      (family == Family::ipv6 && !source.is_link_local_unicast()))
    return HelloIgnored::wrong_source;
  if (is_own(link.config, source)) return HelloIgnored::own_address;
  if (!passes(link.config, source)) return HelloIgnored::filtered;
  // A goodbye needs none: whoever it names is gone.
  if (link.config.require_genid && !hello.generation_id && hello.holdtime_s != 0)
    return HelloIgnored::no_genid;
  return std::nullopt;
}

void Neighbours::learn(Link& link, const IpAddress& source, const wire::PimHello& hello,
                       TimePoint now) {
  const LinkId id = link.config.link;
  auto place = link.neighbours.find(source);
  const bool is_new = place == link.neighbours.end();
  if (is_new) {
    if (link.neighbours.size() >= std::min(link.config.neighbours_max, kNeighboursMax)) {
      link.ignore(HelloIgnored::neighbours_max);
      effects_.push(LimitReached{id, source, Limit::neighbours});
      return;
    }
    disown(link, source);  // a Hello from an address tells more than somebody's list
    place = link.neighbours.emplace(source, Neighbour{.up_since = now}).first;
    effects_.push(NeighbourUp{id, source});
  }
  Neighbour& neighbour = place->second;
  // A generation id where there was none is a new control plane as well; one that is not told any
  // more says nothing.
  const bool restarted =
      !is_new && hello.generation_id && hello.generation_id != neighbour.hello.generation_id;
  neighbour.hello = hello;
  neighbour.hello.addresses.reset();
  neighbour.extended = false;
  const std::uint16_t holdtime_s = hello.holdtime_s.value_or(kDefaultHoldtime_s);
  if (holdtime_s == wire::kPimHoldtimeForever)
    neighbour.expires_at.reset();
  else
    neighbour.expires_at = now + std::chrono::seconds(holdtime_s);
  if (restarted) effects_.push(NeighbourRestarted{id, source});
  const std::set<IpAddress> before = neighbour.secondary;
  set_addresses(link, source, neighbour, hello);
  if (!is_new && neighbour.secondary != before)
    effects_.push(NeighbourAddressesChanged{id, source});
  if (is_new || restarted) greet(link, now);
}

// The new neighbour gets a Hello of ours soon; one that is due anyway serves (4.3.1).
void Neighbours::greet(Link& link, TimePoint now) {
  if (!link.hello_at || link.triggered_at) return;
  link.triggered_at = now + entropy_.up_to(kTriggeredHelloDelay);
}

// ---- secondary addresses (4.3.4) ----

void Neighbours::set_addresses(Link& link, const IpAddress& primary, Neighbour& neighbour,
                               const wire::PimHello& hello) {
  std::set<IpAddress> wanted;
  if (hello.addresses) {
    const auto& told = *hello.addresses;
    const std::size_t kept = std::min(told.size(), kSecondaryMax);
    if (told.size() > kept) link.ignore(HelloIgnored::secondary_max, told.size() - kept);
    for (std::size_t i = 0; i < kept; ++i) {
      const IpAddress& address = told[i];
      if (address == primary) continue;
      if (address.family() != family_ || !wire::is_pim_unicast(address) ||
          is_own(link.config, address) || link.neighbours.contains(address))
        link.ignore(HelloIgnored::bad_secondary);
      else
        wanted.insert(address);
    }
  }
  for (const IpAddress& address : neighbour.secondary)
    if (!wanted.contains(address)) link.owners.erase(address);
  for (const IpAddress& address : wanted)
    if (!neighbour.secondary.contains(address)) claim(link, address, primary);
  neighbour.secondary = std::move(wanted);
}

void Neighbours::claim(Link& link, const IpAddress& address, const IpAddress& primary) {
  const auto [place, added] = link.owners.try_emplace(address, primary);
  if (added) return;
  const IpAddress before = std::exchange(place->second, primary);
  link.neighbours.at(before).secondary.erase(address);
  ++link.counters.conflicts;
  effects_.push(AddressConflict{link.config.link, address, before, primary});
  effects_.push(NeighbourAddressesChanged{link.config.link, before});
}

void Neighbours::disown(Link& link, const IpAddress& secondary) {
  const auto found = link.owners.find(secondary);
  if (found == link.owners.end()) return;
  const IpAddress primary = found->second;
  link.owners.erase(found);
  link.neighbours.at(primary).secondary.erase(secondary);
  effects_.push(NeighbourAddressesChanged{link.config.link, primary});
}

// ---- neighbours that go ----

void Neighbours::on_neighbour_bfd_down(LinkId id, const IpAddress& address, TimePoint /*now*/) {
  const auto primary = primary_of(id, address);
  if (!primary) return;
  Link& link = *find(id);
  drop(link, *primary, NeighbourGone::bfd);
  settle(link);
}

void Neighbours::drop(Link& link, const IpAddress& address, NeighbourGone reason) {
  const auto found = link.neighbours.find(address);
  for (const IpAddress& secondary : found->second.secondary) link.owners.erase(secondary);
  // `address` may live in what is erased.
  effects_.push(NeighbourDown{link.config.link, address, reason});
  link.neighbours.erase(found);
}

void Neighbours::drop_all(Link& link, NeighbourGone reason) {
  while (!link.neighbours.empty()) drop(link, link.neighbours.begin()->first, reason);
}

// A changed filter, required option or own address may leave no room for a neighbour.
void Neighbours::drop_unwanted(Link& link) {
  std::vector<IpAddress> gone;
  for (const auto& [address, neighbour] : link.neighbours)
    if (!passes(link.config, address) || is_own(link.config, address) ||
        (link.config.require_genid && !neighbour.hello.generation_id))
      gone.push_back(address);
  for (const IpAddress& address : gone) drop(link, address, NeighbourGone::filtered);
  for (const IpAddress& address : link.config.secondary) disown(link, address);
  disown(link, link.config.address);
}

// ---- designated router (4.3.2) ----

IpAddress Neighbours::elect(const Link& link) const {
  const bool by_priority = std::ranges::all_of(
      link.neighbours, [](const auto& item) { return item.second.hello.dr_priority.has_value(); });
  using Candidate = std::pair<std::uint32_t, IpAddress>;
  std::optional<Candidate> best;
  if (link.hello_at)
    best = Candidate{by_priority ? link.config.dr_priority : 0, link.config.address};
  for (const auto& [address, neighbour] : link.neighbours) {
    const Candidate candidate{by_priority ? *neighbour.hello.dr_priority : 0, address};
    if (!best || *best < candidate) best = candidate;
  }
  return best ? best->second : IpAddress::any(family_);
}

// ---- LAN delays (4.3.3) ----

Neighbours::LanDelay Neighbours::lan_delay(const Link& link) {
  const bool enabled = std::ranges::all_of(link.neighbours, [](const auto& item) {
    return item.second.hello.lan_prune_delay.has_value();
  });
  LanDelay delay;
  if (!enabled) return delay;
  delay.propagation = link.config.propagation_delay;
  delay.override_interval = link.config.override_interval;
  delay.suppression = !link.config.tracking;
  for (const auto& [address, neighbour] : link.neighbours) {
    const wire::PimLanPruneDelay& told = *neighbour.hello.lan_prune_delay;
    delay.propagation =
        std::max<Duration>(delay.propagation, std::chrono::milliseconds(told.propagation_delay_ms));
    delay.override_interval = std::max<Duration>(
        delay.override_interval, std::chrono::milliseconds(told.override_interval_ms));
    delay.suppression = delay.suppression || !told.tracking;
  }
  return delay;
}

}  // namespace hotpair::mcast::pim
