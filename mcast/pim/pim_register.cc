#include "mcast/pim/pim_register.h"

#include <algorithm>

#include "mcast/pim/pim_register_packet.h"

namespace hotpair::mcast::pim {
namespace {

constexpr std::size_t kPathsMax = 4096;
/// RFC 8200 5: every link carries this much.
constexpr std::size_t kIpv6MtuMin = 1280;
constexpr std::size_t kErrorBurst = 10;

std::uint16_t bucket_of(Duration time) {
  const auto whole = std::chrono::ceil<std::chrono::seconds>(time).count();
  const auto buckets = (whole + kSuppressionBucket_s - 1) / kSuppressionBucket_s;
  return static_cast<std::uint16_t>(std::min<std::int64_t>(buckets * kSuppressionBucket_s, 0xffff));
}

// 4.8.1: what is source-specific or never routed has no RP.
bool is_registrable(const RegisterKey& key, const IpAddress& rp) {
  return key.source.family() == key.group.family() && rp.family() == key.group.family() &&
         wire::is_pim_unicast(key.source) && wire::is_pim_unicast(rp) &&
         !key.group.is_default_ssm() && !key.group.address().is_link_local_multicast();
}

bool is_known(RegisterState state) {
  return state == RegisterState::join || state == RegisterState::join_pending ||
         state == RegisterState::prune;
}

}  // namespace

// ---- CouldRegister ----

void RegisterTunnels::set_source_address(VrfId vrf, const IpAddress& address) {
  if (address.is_unspecified())
    source_addresses_.erase(vrf);
  else
    source_addresses_.insert_or_assign(vrf, address);
}

void RegisterTunnels::set_could_register(VrfId vrf, const Group& group, const IpAddress& source,
                                         const std::optional<IpAddress>& rp, TimePoint now) {
  last_now_ = now;
  const RegisterKey key{vrf, group, source};
  auto place = entries_.find(key);
  const bool could = rp && is_registrable(key, *rp);
  if (rp && !could) ignore(RegisterIgnored::not_registrable);
  if (!could) {
    if (place != entries_.end()) drop(place);
    return;
  }
  if (place == entries_.end()) {
    place = admit(key);
    if (place == entries_.end()) {
      effects_.push(RegisterLimitReached{vrf});
      return;
    }
    join_anew(place, *rp);
  } else if (place->second.value.rp != *rp) {
    join_anew(place, *rp);
  } else if (!place->second.confirmed) {
    confirm(place, now);
  }
}

RegisterTunnels::Place RegisterTunnels::admit(const RegisterKey& key) {
  if (entries_.size() < config_.entries_max) return entries_.try_emplace(key).first;
  ignore(RegisterIgnored::entries_max);
  return entries_.end();
}

// NoInfo: CouldRegister -> true; any other state: RP changed. The tunnel is one for all RPs, so a
// joined one goes on without a word to MRIB.
void RegisterTunnels::join_anew(Place place, const IpAddress& rp) {
  Entry& entry = place->second;
  const bool was_on = entry.confirmed && entry.value.state == RegisterState::join;
  entry.confirmed = true;
  entry.stamp = next_stamp_++;
  if (!was_on) tell_tunnel(place->first, true);
  become(place, {RegisterState::join, rp}, std::nullopt);
}

// How much of the time of the one before is over is not known. A pruned tunnel is probed within the
// shortest time there is, so the RP hears of the source before it forgets it (4.4.2); an open
// question is asked again, for its answer may have gone to the one before.
void RegisterTunnels::confirm(Place place, TimePoint now) {
  Entry& entry = place->second;
  entry.confirmed = true;
  entry.stamp = next_stamp_++;
  switch (entry.value.state) {
    case RegisterState::join:
      tell_tunnel(place->first, true);
      break;
    case RegisterState::join_pending:
      send_null_register(place);
      arm(place, now + config_.probe_time);
      break;
    case RegisterState::prune: {
      Duration most = config_.suppression_time / 2 - config_.probe_time;
      if (entry.value.suppression_s != 0)
        most = std::min<Duration>(most, std::chrono::seconds(entry.value.suppression_s));
      arm(place, now + entropy_.up_to(most));
      break;
    }
  }
}

void RegisterTunnels::drop(Place place) {
  const RegisterKey key = place->first;
  const bool was_on = place->second.confirmed && place->second.value.state == RegisterState::join;
  arm(place, std::nullopt);
  entries_.erase(place);
  if (was_on) tell_tunnel(key, false);
  effects_.push(RegisterRecordRemoved{key});
}

void RegisterTunnels::become(Place place, const RegisterValue& value,
                             std::optional<TimePoint> timer) {
  place->second.value = value;
  arm(place, timer);
  effects_.push(RegisterRecordChanged{{place->first, value}});
}

void RegisterTunnels::arm(Place place, std::optional<TimePoint> timer) {
  Entry& entry = place->second;
  if (entry.timer) timers_.erase({*entry.timer, place->first});
  entry.timer = timer;
  if (timer) timers_.emplace(*timer, place->first);
}

void RegisterTunnels::tell_tunnel(const RegisterKey& key, bool on) {
  effects_.push(RegisterTunnelChanged{key.vrf, key.group, key.source, on});
}

// ---- packets ----

IpAddress RegisterTunnels::source_address(const RegisterKey& key) const {
  const auto found = source_addresses_.find(key.vrf);
  const Family family = key.group.family();
  return found == source_addresses_.end() || found->second.family() != family
             ? IpAddress::any(family)
             : found->second;
}

void RegisterTunnels::on_data(VrfId vrf, const IpAddress& source, const Group& group, Bytes packet,
                              TimePoint now) {
  last_now_ = now;
  const auto place = entries_.find({vrf, group, source});
  if (place == entries_.end()) return ignore(RegisterIgnored::data_no_state);
  Entry& entry = place->second;
  if (entry.value.state != RegisterState::join) return ignore(RegisterIgnored::data_not_joined);
  const auto prepared = prepare_inner(packet, source, group);
  const auto refuse = [&](RegisterIgnored reason) {
    ++entry.dropped;
    ignore(reason);
  };
  if (!prepared) return refuse(prepared.error());
  if (!within_rate(entry, now)) return refuse(RegisterIgnored::data_rate);
  const std::size_t mtu = path_mtu(entry.value.rp);
  const std::size_t around = prepared->outer_size - packet.size();
  // What fits is at least what every IPv6 link carries; the Register is fragmented then (4.4.1).
  const std::size_t fits = std::max(mtu > around ? mtu - around : 0, kIpv6MtuMin);
  if (source.is_v6() && packet.size() > fits) {
    refuse(RegisterIgnored::data_beyond_mtu);
    return tell_too_big(place->first, fits, std::move(packet), now);
  }
  if (prepared->outer_size > mtu) ++counters_.fragmented;
  ++entry.packets;
  ++counters_.registers_sent;
  effects_.push(SendRegister{.vrf = vrf,
                             .source = source_address(place->first),
                             .destination = entry.value.rp,
                             .data_source = source,
                             .group = group,
                             .traffic_class = prepared->traffic_class,
                             .packet = std::move(packet)});
}

bool RegisterTunnels::within_rate(Entry& entry, TimePoint now) const {
  if (config_.packets_per_s == 0) return true;
  const Duration each = Duration(std::chrono::seconds(1)) / config_.packets_per_s;
  if (entry.even_flow > now + each * config_.burst) return false;
  entry.even_flow = std::max(entry.even_flow, now) + each;
  return true;
}

void RegisterTunnels::set_path_mtu(const IpAddress& rp, std::size_t mtu) {
  const auto known = path_mtus_.find(rp);
  if (known == path_mtus_.end() && path_mtus_.size() >= kPathsMax) path_mtus_.clear();
  path_mtus_.insert_or_assign(rp, mtu);
}

std::size_t RegisterTunnels::path_mtu(const IpAddress& rp) const {
  const auto known = path_mtus_.find(rp);
  return known == path_mtus_.end() ? config_.mtu : known->second;
}

// RFC 4443 2.4 (f): errors are limited, so that a source that does not listen costs little.
void RegisterTunnels::tell_too_big(const RegisterKey& key, std::size_t fits, Bytes packet,
                                   TimePoint now) {
  const Duration each = Duration(std::chrono::seconds(1)) / std::max(config_.errors_per_s, 1U);
  if (config_.errors_per_s == 0 || errors_even_flow_ > now + each * (kErrorBurst - 1)) {
    ++counters_.too_bigs_held_back;
    return;
  }
  errors_even_flow_ = std::max(errors_even_flow_, now) + each;
  ++counters_.too_bigs_sent;
  effects_.push(SendPacketTooBig{
      key.vrf, key.source, packet_too_big(std::move(packet), static_cast<std::uint32_t>(fits))});
}

void RegisterTunnels::send_null_register(Place place) {
  const RegisterKey& key = place->first;
  ++counters_.null_registers_sent;
  effects_.push(SendUnicast{
      key.vrf, source_address(key), place->second.value.rp,
      wire::PimRegister{
          .null_register = true, .source = key.source, .group = key.group, .packet = {}}});
}

// ---- Register-Stop ----

// Uniform from 0.5 to 1.5 of the suppression time, less the probe time (note (*) of 4.4.1).
Duration RegisterTunnels::stop_time() {
  const Duration time =
      config_.suppression_time / 2 + entropy_.up_to(config_.suppression_time) - config_.probe_time;
  return std::max(time, config_.probe_time);
}

void RegisterTunnels::on_register_stop(VrfId vrf, const IpAddress& from,
                                       const wire::PimRegisterStop& message, TimePoint now) {
  last_now_ = now;
  ++counters_.stops_received;
  if (!message.source.is_unspecified()) {
    const auto place = entries_.find({vrf, message.group, message.source});
    if (place == entries_.end()) return ignore(RegisterIgnored::stop_no_state);
    return stop(place, from, now);
  }
  const auto first =
      entries_.lower_bound({vrf, message.group, IpAddress::any(message.group.family())});
  if (first == entries_.end() || first->first.vrf != vrf || first->first.group != message.group)
    return ignore(RegisterIgnored::stop_no_state);
  // What becomes active after it is not meant (4.4.1).
  sweeps_[{vrf, message.group}] = Sweep{.from = from, .stamp = next_stamp_, .after = {}};
}

// A remembered state has no timer yet; confirm() starts it.
void RegisterTunnels::stop(Place place, const IpAddress& from, TimePoint now) {
  Entry& entry = place->second;
  if (from != entry.value.rp) return ignore(RegisterIgnored::stop_wrong_sender);
  if (entry.value.state == RegisterState::prune) return ignore(RegisterIgnored::stop_no_row);
  if (entry.confirmed && entry.value.state == RegisterState::join) tell_tunnel(place->first, false);
  const Duration time = stop_time();
  std::optional<TimePoint> timer;
  if (entry.confirmed) timer = now + time;
  become(place, {RegisterState::prune, entry.value.rp, bucket_of(time)}, timer);
}

void RegisterTunnels::run_sweep(std::size_t& budget, TimePoint now) {
  const auto front = sweeps_.begin();
  const auto& [vrf, group] = front->first;
  Sweep& sweep = front->second;
  auto at = sweep.after ? entries_.upper_bound(*sweep.after)
                        : entries_.lower_bound({vrf, group, IpAddress::any(group.family())});
  const auto is_of_group = [&] {
    return at != entries_.end() && at->first.vrf == vrf && at->first.group == group;
  };
  for (; is_of_group() && budget > 0; ++at, --budget) {
    sweep.after = at->first;
    if (at->second.stamp < sweep.stamp) stop(at, sweep.from, now);
  }
  if (!is_of_group()) sweeps_.erase(front);
}

// ---- records ----

void RegisterTunnels::on_record(const RegisterRecord& record, TimePoint now) {
  last_now_ = now;
  if (!is_known(record.value.state) || !is_registrable(record.key, record.value.rp))
    return ignore(RegisterIgnored::bad_record);
  auto place = entries_.find(record.key);
  if (place == entries_.end()) place = admit(record.key);
  if (place == entries_.end() || place->second.confirmed) return;
  place->second.value = record.value;
  place->second.stamp = next_stamp_++;
}

// The one who sends records removes them itself.
void RegisterTunnels::on_record_removed(const RegisterKey& key, TimePoint now) {
  last_now_ = now;
  const auto place = entries_.find(key);
  if (place != entries_.end() && !place->second.confirmed) entries_.erase(place);
}

void RegisterTunnels::end_restore(TimePoint now) {
  last_now_ = now;
  ending_restore_ = true;
  restore_ended_.reset();
}

void RegisterTunnels::run_end_of_restore(std::size_t& budget) {
  auto at = restore_ended_ ? entries_.upper_bound(*restore_ended_) : entries_.begin();
  for (; at != entries_.end() && budget > 0; --budget) {
    const auto place = at++;
    restore_ended_ = place->first;
    if (!place->second.confirmed) drop(place);
  }
  ending_restore_ = at != entries_.end();
}

RegisterSlice RegisterTunnels::snapshot(const std::optional<RegisterKey>& after,
                                        std::size_t max) const {
  RegisterSlice slice;
  auto at = after ? entries_.upper_bound(*after) : entries_.begin();
  for (; at != entries_.end() && slice.records.size() < max; ++at)
    slice.records.push_back({at->first, at->second.value});
  if (at != entries_.end() && !slice.records.empty()) slice.next = slice.records.back().key;
  return slice;
}

std::optional<RegisterState> RegisterTunnels::state(const RegisterKey& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second.value.state;
}

// ---- time ----

void RegisterTunnels::on_timeout(TimePoint now) {
  last_now_ = now;
  std::size_t budget = kSliceItems;
  // First: what a Register-Stop says that is here already counts before a timer that is due.
  while (budget > 0 && !sweeps_.empty()) run_sweep(budget, now);
  for (; budget > 0 && !timers_.empty() && timers_.begin()->first <= now; --budget) run_timer(now);
  if (budget > 0 && ending_restore_) run_end_of_restore(budget);
}

void RegisterTunnels::run_timer(TimePoint now) {
  const auto place = entries_.find(timers_.begin()->second);
  const IpAddress rp = place->second.value.rp;
  if (place->second.value.state == RegisterState::prune) {
    become(place, {RegisterState::join_pending, rp}, now + config_.probe_time);
    send_null_register(place);
    return;
  }
  tell_tunnel(place->first, true);
  become(place, {RegisterState::join, rp}, std::nullopt);
}

std::optional<TimePoint> RegisterTunnels::next_deadline() const {
  if (!sweeps_.empty() || ending_restore_) return last_now_;
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

}  // namespace hotpair::mcast::pim
