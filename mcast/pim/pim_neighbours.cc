#include "mcast/pim/pim_neighbours.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace hotpair::mcast::pim {
namespace {

/// One on_timeout() serves at most this many links.
constexpr std::size_t kSliceLinks = 64;
/// And ends when so many effects wait.
constexpr std::size_t kSliceEffects = 8192;
/// A timer that fires so late tells of a pause of this process, during which Hellos may have come.
constexpr Duration kPause = std::chrono::seconds(1);

Duration holdtime_of(const LinkConfig& config) {
  return config.holdtime.value_or(config.hello_period * 7 / 2);
}

// Rounded up and never 0, which would be a goodbye.
std::uint16_t to_holdtime_s(const LinkConfig& config) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(holdtime_of(config)).count();
  const std::int64_t most =
      config.holdtime ? wire::kPimHoldtimeForever : wire::kPimHoldtimeForever - 1;
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 1, most));
}

std::uint16_t to_ms(Duration duration, std::int64_t most) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(ms, 0, most));
}

wire::PimHello hello_of(const LinkConfig& config, std::uint32_t generation) {
  wire::PimHello hello;
  hello.holdtime_s = to_holdtime_s(config);
  hello.lan_prune_delay =
      wire::PimLanPruneDelay{.tracking = config.tracking,
                             .propagation_delay_ms = to_ms(config.propagation_delay, 0x7fff),
                             .override_interval_ms = to_ms(config.override_interval, 0xffff)};
  hello.dr_priority = config.dr_priority;
  hello.generation_id = generation;
  hello.bidirectional = config.bidir;
  if (!config.secondary.empty()) hello.addresses = config.secondary;
  return hello;
}

}  // namespace

Neighbours::Neighbours(Family family, Entropy& entropy) : family_(family), entropy_(entropy) {}

const Neighbours::Link* Neighbours::find(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

Neighbours::Link* Neighbours::find(LinkId link) {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

bool Neighbours::may_send(const Link& link) const {
  if (link.config.address.is_unspecified() || link.config.silent) return false;
  if (!link.config.scope) return true;
  const auto mode = modes_.find(*link.config.scope);
  return mode != modes_.end() && mode->second == LinkMode::live;
}

// ---- links and modes ----

void Neighbours::set_link(const LinkConfig& wanted, TimePoint now) {
  LinkConfig config = wanted;
  config.hello_period = std::max<Duration>(config.hello_period, std::chrono::seconds(1));
  const auto [place, added] = links_.try_emplace(config.link);
  Link& link = place->second;
  if (added) {
    link.config = config;
    link.dr = IpAddress::any(family_);
    if (may_send(link)) start(link, now + entropy_.up_to(kTriggeredHelloDelay));
  } else if (link.config != config) {
    change_link(link, config, now);
  }
  settle(link);
}

void Neighbours::change_link(Link& link, const LinkConfig& config, TimePoint now) {
  const LinkConfig before = std::exchange(link.config, config);
  const bool was_live = link.hello_at.has_value();
  if (before.vrf != config.vrf || config.address.is_unspecified() || config.silent)
    drop_all(link, NeighbourGone::interface_down);
  drop_unwanted(link);
  if (!may_send(link)) {
    // Neither a lost address nor a change of configuration is a planned handover.
    if (was_live) stop(link, Leaving::silently);
    return;
  }
  if (!was_live) return start(link, now + entropy_.up_to(kTriggeredHelloDelay));
  link.hello_at = std::min(*link.hello_at, now + config.hello_period);
  if (before.address != config.address || before.vrf != config.vrf) {
    start(link, now + config.hello_period);
    send_hello(link);
  } else if (hello_of(before, 0) != hello_of(config, 0)) {
    send_hello(link);
  }
}

void Neighbours::remove_link(LinkId id, TimePoint /*now*/) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  Link& link = found->second;
  if (link.hello_at) stop(link, Leaving::goodbye);
  drop_all(link, NeighbourGone::interface_down);
  link.config.address = IpAddress::any(family_);
  settle(link);
  if (link.due) agenda_.erase({*link.due, id});
  links_.erase(found);
}

void Neighbours::set_mode(ScopeId scope, LinkMode mode, Leaving leaving, TimePoint now) {
  const auto known = modes_.try_emplace(scope, LinkMode::muted).first;
  if (std::exchange(known->second, mode) == mode) return;
  for (auto& [id, link] : links_) {
    if (link.config.scope != scope) continue;
    if (mode == LinkMode::muted) {
      if (link.hello_at) stop(link, leaving);
    } else if (may_send(link)) {
      start(link, now + link.config.hello_period);
      send_hello(link);
    }
    settle(link);
  }
}

void Neighbours::note_generation(LinkId id, std::uint32_t generation_id) {
  if (Link* link = find(id); link != nullptr && !link->hello_at) link->generation = generation_id;
}

// PIM starts on the link (4.3.1): a generation id that differs from the last.
void Neighbours::start(Link& link, TimePoint first_hello) {
  std::uint32_t generation = 0;
  do {
    generation = static_cast<std::uint32_t>(entropy_.next());
  } while (link.generation == generation);
  link.generation = generation;
  link.said_hello = false;
  link.triggered_at.reset();
  link.hello_at = first_hello;
}

void Neighbours::stop(Link& link, Leaving leaving) {
  if (leaving == Leaving::goodbye && link.said_hello) {
    wire::PimHello goodbye = hello_of(link.config, link.generation.value_or(0));
    goodbye.holdtime_s = 0;
    send(link, std::move(goodbye));
  }
  link.hello_at.reset();
  link.triggered_at.reset();
  link.said_hello = false;
}

// ---- Hellos sent ----

void Neighbours::send_hello(Link& link) {
  send(link, hello_of(link.config, link.generation.value_or(0)));
  link.said_hello = true;
  link.triggered_at.reset();
}

void Neighbours::send(Link& link, wire::PimHello hello) {
  ++link.counters.sent;
  effects_.push(SendOnLink{link.config.link, std::move(hello)});
}

void Neighbours::hello_first(LinkId id, TimePoint now) {
  Link* link = find(id);
  if (link == nullptr || !link->hello_at) return;
  if (link->said_hello && !link->triggered_at) return;
  send_hello(*link);
  // Who hears it must not wait longer for the next than its holdtime allows.
  link->hello_at = std::min(*link->hello_at, now + link->config.hello_period);
  settle(*link);
}

std::optional<IpAddress> Neighbours::without_bidir(LinkId id) const {
  const Link* link = find(id);
  if (link == nullptr) return std::nullopt;
  for (const auto& [address, neighbour] : link->neighbours)
    if (!neighbour.hello.bidirectional) return address;
  return std::nullopt;
}

// ---- timers ----

void Neighbours::on_timeout(TimePoint now) {
  for (std::size_t served = 0; served < kSliceLinks; ++served) {
    if (agenda_.empty() || agenda_.begin()->first > now || effects_.size() > kSliceEffects) return;
    Link& link = links_.at(agenda_.begin()->second);
    if (link.hello_at && *link.hello_at <= now) {
      send_hello(link);
      // A period from when it was due, unless that is over as well.
      const TimePoint next = *link.hello_at + link.config.hello_period;
      link.hello_at = next > now ? next : now + link.config.hello_period;
    }
    if (link.triggered_at && *link.triggered_at <= now) {
      send_hello(link);
      if (link.hello_at) link.hello_at = std::min(*link.hello_at, now + link.config.hello_period);
    }
    expire(link, now);
    settle(link);
  }
}

void Neighbours::expire(Link& link, TimePoint now) {
  std::vector<IpAddress> gone;
  for (auto& [address, neighbour] : link.neighbours) {
    if (!neighbour.expires_at || *neighbour.expires_at > now) continue;
    if (now - *neighbour.expires_at >= kPause && !neighbour.extended) {
      neighbour.extended = true;
      neighbour.expires_at = now + link.config.hello_period;
    } else {
      gone.push_back(address);
    }
  }
  for (const IpAddress& address : gone) drop(link, address, NeighbourGone::expired);
}

std::optional<TimePoint> Neighbours::next_deadline() const {
  if (agenda_.empty()) return std::nullopt;
  return agenda_.begin()->first;
}

void Neighbours::settle(Link& link) {
  const LinkId id = link.config.link;
  if (const LanDelay delay = lan_delay(link); delay != link.delay) {
    link.delay = delay;
    effects_.push(LanDelayChanged{id});
  }
  if (const IpAddress dr = elect(link); dr != link.dr) {
    const IpAddress before = std::exchange(link.dr, dr);
    effects_.push(DrChanged{id, before, dr, dr == link.config.address && !dr.is_unspecified()});
  }
  std::optional<TimePoint> due = earliest(link.hello_at, link.triggered_at);
  for (const auto& [address, neighbour] : link.neighbours)
    due = earliest(due, neighbour.expires_at);
  if (due == link.due) return;
  if (link.due) agenda_.erase({*link.due, id});
  if (due) agenda_.emplace(*due, id);
  link.due = due;
}

// ---- queries ----

bool Neighbours::is_live(LinkId id) const {
  const Link* link = find(id);
  return link != nullptr && link->hello_at.has_value();
}

bool Neighbours::is_neighbour(LinkId id, const IpAddress& address) const {
  const Link* link = find(id);
  return link != nullptr && link->neighbours.contains(address);
}

std::optional<IpAddress> Neighbours::primary_of(LinkId id, const IpAddress& address) const {
  const Link* link = find(id);
  if (link == nullptr) return std::nullopt;
  if (link->neighbours.contains(address)) return address;
  const auto owner = link->owners.find(address);
  if (owner == link->owners.end()) return std::nullopt;
  return owner->second;
}

std::vector<IpAddress> Neighbours::addresses(LinkId id) const {
  std::vector<IpAddress> all;
  if (const Link* link = find(id))
    for (const auto& [address, neighbour] : link->neighbours) all.push_back(address);
  return all;
}

std::vector<IpAddress> Neighbours::secondary_of(LinkId id, const IpAddress& address) const {
  const Link* link = find(id);
  if (link == nullptr) return {};
  const auto found = link->neighbours.find(address);
  if (found == link->neighbours.end()) return {};
  return {found->second.secondary.begin(), found->second.secondary.end()};
}

std::size_t Neighbours::neighbour_count(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? 0 : link->neighbours.size();
}

IpAddress Neighbours::dr(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? IpAddress::any(family_) : link->dr;
}

bool Neighbours::am_dr(LinkId id) const {
  const Link* link = find(id);
  return link != nullptr && link->hello_at && link->dr == link->config.address;
}

Duration Neighbours::propagation_delay(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? kPropagationDelay : link->delay.propagation;
}

Duration Neighbours::override_interval(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? kOverrideInterval : link->delay.override_interval;
}

bool Neighbours::suppression(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr || link->delay.suppression;
}

Duration Neighbours::t_override(LinkId id, Entropy& entropy) const {
  return entropy.up_to(override_interval(id));
}

std::optional<std::uint32_t> Neighbours::generation_id(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? std::nullopt : link->generation;
}

// ---- what displays show ----

std::vector<NeighbourRow> Neighbours::show_neighbours(TimePoint now) const {
  std::vector<NeighbourRow> rows;
  for (const auto& [id, link] : links_) {
    for (const auto& [address, neighbour] : link.neighbours) {
      NeighbourRow& row = rows.emplace_back();
      row.link = id;
      row.address = address;
      row.secondary.assign(neighbour.secondary.begin(), neighbour.secondary.end());
      row.uptime = now - neighbour.up_since;
      if (neighbour.expires_at)
        row.expires = std::max(*neighbour.expires_at - now, Duration::zero());
      row.dr_priority = neighbour.hello.dr_priority;
      row.generation_id = neighbour.hello.generation_id;
      row.lan_prune_delay = neighbour.hello.lan_prune_delay;
      row.is_dr = link.dr == address;
      row.bidirectional = neighbour.hello.bidirectional;
      row.state_refresh = neighbour.hello.state_refresh_s.has_value();
    }
  }
  return rows;
}

std::vector<PimInterfaceRow> Neighbours::show_interfaces(TimePoint now) const {
  std::vector<PimInterfaceRow> rows;
  for (const auto& [id, link] : links_) {
    PimInterfaceRow& row = rows.emplace_back();
    row.link = id;
    row.vrf = link.config.vrf;
    row.address = link.config.address;
    row.scope = link.config.scope;
    row.mode = link.hello_at ? LinkMode::live : LinkMode::muted;
    row.dr = link.dr;
    row.am_dr = am_dr(id);
    row.neighbours = static_cast<std::uint32_t>(link.neighbours.size());
    row.dr_priority = link.config.dr_priority;
    row.generation_id = link.generation.value_or(0);
    row.hello_period = link.config.hello_period;
    row.holdtime = std::chrono::seconds(to_holdtime_s(link.config));
    if (link.hello_at) row.next_hello = std::max(*link.hello_at - now, Duration::zero());
    row.propagation_delay = link.delay.propagation;
    row.override_interval = link.delay.override_interval;
    row.suppression = link.delay.suppression;
    row.join_prune_period = link.config.join_prune_period;
    row.silent = link.config.silent;
    row.require_genid = link.config.require_genid;
    row.join_policy = link.config.join_policy.size();
    row.counters = link.counters;
  }
  return rows;
}

void Neighbours::reset_counters(LinkId id) {
  if (Link* link = find(id); link != nullptr) link->counters = {};
}

}  // namespace hotpair::mcast::pim
