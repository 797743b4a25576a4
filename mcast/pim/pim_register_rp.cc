#include "mcast/pim/pim_register_rp.h"

#include <algorithm>

namespace hotpair::mcast::pim {

// packet_arrives_on_rp_tunnel() of 4.4.2, without the packet: that is the kernel's.
void RegisterReceiver::on_register(const RegisterArrival& arrival, const wire::PimRegister& message,
                                   const RpDirectory& rps, const TreeFacts& trees, TimePoint now) {
  ++(message.null_register ? counters_.null_registers : counters_.registers);
  if (message.border) ++counters_.borders;
  const auto refused = refusal(arrival, message, rps);
  if (refused) ++counters_.refused[static_cast<std::size_t>(*refused)];
  if (refused == RegisterRefused::bad_address) return;
  const RegisterKey key{arrival.vrf, message.group, message.source};
  Entry& entry = hear({key, arrival.from}, message.null_register, now);
  if (refused) return send_stop(arrival, message, entry, now);
  const bool spt_bit = trees.spt_bit(key.vrf, key.group, key.source);
  const bool stop =
      spt_bit || (config_.switch_to_spt && !trees.has_receivers(key.vrf, key.group, key.source));
  if (stop) send_stop(arrival, message, entry, now);
  if (!spt_bit && !config_.switch_to_spt) return;
  const Duration keepalive =
      stop ? std::max(kKeepalivePeriod, config_.rp_keepalive_period) : kKeepalivePeriod;
  tell_source(key, entry, keepalive, now);
}

std::optional<RegisterRefused> RegisterReceiver::refusal(const RegisterArrival& arrival,
                                                         const wire::PimRegister& message,
                                                         const RpDirectory& rps) const {
  const Family family = message.group.family();
  if (arrival.from.family() != family || arrival.destination.family() != family ||
      message.source.family() != family || !wire::is_pim_unicast(arrival.from) ||
      !wire::is_pim_unicast(arrival.destination) || !wire::is_pim_unicast(message.source))
    return RegisterRefused::bad_address;
  if (message.group.is_default_ssm() || message.group.address().is_link_local_multicast())
    return RegisterRefused::not_routable;
  const std::optional<IpAddress> rp = rps.rp_of(arrival.vrf, message.group);
  if (!rp) return RegisterRefused::rp_unknown;
  // The destination is ours: equal to the RP's address it says that we are the RP as well.
  if (*rp != arrival.destination) return RegisterRefused::not_rp;
  if (!permits(message.source)) return RegisterRefused::filtered;
  return std::nullopt;
}

bool RegisterReceiver::permits(const IpAddress& source) const {
  const auto contains = [&](const IpPrefix& prefix) { return prefix.contains(source); };
  return config_.sources.empty() || std::ranges::any_of(config_.sources, contains);
}

RegisterReceiver::Entry& RegisterReceiver::hear(const Key& key, bool null_register, TimePoint now) {
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= config_.entries_max && !entries_.empty()) {
      const auto oldest = timers_.extract(timers_.begin());
      entries_.erase(oldest.value().second);
      ++counters_.evicted;
    }
    found = entries_.try_emplace(key).first;
    found->second.armed = now + config_.rp_keepalive_period;
    timers_.emplace(found->second.armed, key);
  }
  Entry& entry = found->second;
  entry.heard_at = now;
  ++(null_register ? entry.null_registers : entry.registers);
  return entry;
}

// 4.9.4: from the address that the Register was sent to.
void RegisterReceiver::send_stop(const RegisterArrival& arrival, const wire::PimRegister& message,
                                 Entry& entry, TimePoint now) {
  if (entry.stop_at && now < *entry.stop_at) {
    ++counters_.stops_held_back;
    return;
  }
  entry.stop_at = now + config_.pace;
  ++entry.stops;
  ++counters_.stops_sent;
  effects_.push(
      SendUnicast{arrival.vrf, arrival.destination, arrival.from,
                  wire::PimRegisterStop{.group = message.group, .source = message.source}});
}

void RegisterReceiver::tell_source(const RegisterKey& key, Entry& entry, Duration keepalive,
                                   TimePoint now) {
  if (entry.told_at && now < *entry.told_at && keepalive <= entry.keepalive) return;
  entry.told_at = now + config_.pace;
  entry.keepalive = keepalive;
  effects_.push(RegisterSource{key.vrf, key.group, key.source, keepalive});
}

void RegisterReceiver::on_timeout(TimePoint now) {
  for (std::size_t budget = kSliceItems;
       budget > 0 && !timers_.empty() && timers_.begin()->first <= now; --budget) {
    const auto timer = timers_.extract(timers_.begin());
    const auto found = entries_.find(timer.value().second);
    Entry& entry = found->second;
    entry.armed = entry.heard_at + config_.rp_keepalive_period;
    if (entry.armed > now)
      timers_.emplace(entry.armed, found->first);
    else
      entries_.erase(found);
  }
}

std::optional<TimePoint> RegisterReceiver::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

}  // namespace hotpair::mcast::pim
