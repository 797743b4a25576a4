#include <algorithm>
#include <expected>

#include "mcast/rp/bsr_machine.h"

namespace hotpair::mcast::rp {
namespace {

/// The zone a message is about; scoped by a range that is none: a reason.
std::expected<ScopeZone, BsrIgnored> zone_named(const wire::PimBootstrap& message) {
  if (message.ranges.empty() || !message.ranges.front().range.scope_zone) return std::nullopt;
  const wire::PimGroupRange& range = message.ranges.front().range;
  const wire::PimEntryFault fault = wire::fault_of_range(range);
  if (fault != wire::PimEntryFault::none && fault != wire::PimEntryFault::reserved_flags)
    return std::unexpected(BsrIgnored::bad_zone);
  return IpPrefix{range.address, range.mask_length}.network();
}

}  // namespace

void Bsr::on_bootstrap(const BootstrapInput& input, TimePoint now) {
  if (const auto reason = refusal(input)) return ignore(*reason);
  if (input.unicast || input.message.no_forward) {
    if (!is_starting(input, now)) return ignore(BsrIgnored::no_forward);
    accept(input, now);
    settle();
    return;
  }
  const auto path = paths_.find(input.message.bsr);
  if (path != paths_.end()) return check_rpf(input, path->second, now);
  if (waiting_.size() >= kRpfWaitingMax) return ignore(BsrIgnored::rpf_unanswered);
  const bool asked = std::ranges::any_of(waiting_, [&](const Waiting& waiting) {
    return waiting.input.message.bsr == input.message.bsr;
  });
  waiting_.push_back({now, input});
  if (!asked) effects_.push(AskBsrRpf{config_.vrf, input.message.bsr});
}

std::optional<BsrIgnored> Bsr::refusal(const BootstrapInput& input) const {
  if (mode_ == Mode::standby) return BsrIgnored::standby;
  const auto link = links_.find(input.link);
  if (link == links_.end() || link->second.muted) return BsrIgnored::unknown_link;
  if (link->second.border) return BsrIgnored::border;
  const wire::PimBootstrap& message = input.message;
  if (message.bsr.family() != config_.family) return BsrIgnored::family;
  if (!message.ranges.empty() &&
      link->second.boundary.contains(message.ranges.front().range.address))
    return BsrIgnored::border;
  if (std::ranges::any_of(config_.candidate_bsrs, [&](const CandidateBsr& candidate) {
        return candidate.address == message.bsr;
      }))
    return BsrIgnored::own;
  if (!passes(config_.bsr_filter, message.bsr)) return BsrIgnored::filtered;
  return std::nullopt;
}

// RFC 5059 3.1.3. Further fragments of the message that is being taken are part of it.
bool Bsr::is_starting(const BootstrapInput& input, TimePoint now) const {
  if (input.unicast && !config_.accept_unicast) return false;
  const auto id = zone_named(input.message);
  const auto zone = id ? zones_.find(*id) : zones_.end();
  if (zone != zones_.end() && zone->second.heard)
    return zone->second.starting_tag == input.message.fragment_tag && zone->second.bsr &&
           zone->second.bsr->address == input.message.bsr;
  return now <= started_ + kBootstrapPeriod;
}

void Bsr::on_rpf(const IpAddress& bsr, const std::optional<RpfPath>& path, TimePoint now) {
  std::vector<BootstrapInput> inputs;
  for (const Waiting& waiting : waiting_)
    if (waiting.input.message.bsr == bsr) inputs.push_back(waiting.input);
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.input.message.bsr == bsr; });
  for (const BootstrapInput& input : inputs) check_rpf(input, path, now);
  const bool current = std::ranges::any_of(
      zones_, [&](const auto& zone) { return zone.second.bsr && zone.second.bsr->address == bsr; });
  // Without a path the next message asks again: a neighbour may come up without a routing change.
  if (current && path) paths_.insert_or_assign(bsr, path);
}

void Bsr::on_unicast_changed() { paths_.clear(); }

void Bsr::check_rpf(const BootstrapInput& input, const std::optional<RpfPath>& path,
                    TimePoint now) {
  if (path != RpfPath{input.link, input.source}) return ignore(BsrIgnored::rpf);
  accept(input, now);
  settle();
}

void Bsr::expire_waiting(TimePoint now) {
  while (!waiting_.empty() && waiting_.front().since + kRpfPatience <= now) {
    waiting_.pop_front();
    ignore(BsrIgnored::rpf_unanswered);
  }
}

void Bsr::accept(const BootstrapInput& input, TimePoint now) {
  const auto id = zone_named(input.message);
  if (!id) return ignore(id.error());
  if (!zones_.contains(*id) && zones_.size() >= config_.zones_max) {
    ignore(BsrIgnored::zone_limit);
    tell_limit(RpLimit::zones, input.source);
    return;
  }
  BsrZone& zone = zone_of(*id);
  if (is_preferred(zone, {input.message.bsr_priority, input.message.bsr}))
    take(zone, input, now);
  else
    on_unpreferred(zone, input, now);
}

// RFC 5059 3.1.4, "Receive Preferred BSM".
bool Bsr::is_preferred(const BsrZone& zone, const BsrWeight& weight) const {
  switch (zone.state) {
    case BsrState::no_info:
    case BsrState::accept_any:
      return true;
    case BsrState::accept_preferred:
      return weight >= *zone.bsr || weight.address == zone.bsr->address;
    case BsrState::candidate:
      return weight >= *zone.bsr || (weight.address == zone.bsr->address && weight >= zone.own());
    case BsrState::pending:
    case BsrState::elected:
      return weight >= zone.own();
  }
  return false;
}

// RFC 5059 3.1.1, the columns "Receive Non-preferred BSM" and "... from Elected BSR".
void Bsr::on_unpreferred(BsrZone& zone, const BootstrapInput& input, TimePoint now) {
  if (zone.state == BsrState::candidate && input.message.bsr == zone.bsr->address) {
    forward(zone, input);
    zone.bsr->priority = input.message.bsr_priority;
    zone.state = BsrState::pending;
    zone.bootstrap_timer = now + override_delay(zone.own(), zone.bsr);
  } else if (zone.state == BsrState::pending) {
    forward(zone, input);
  } else {
    ignore(BsrIgnored::not_preferred);
    if (zone.state == BsrState::elected) originate_when_allowed(zone, now);
  }
}

void Bsr::take(BsrZone& zone, const BootstrapInput& input, TimePoint now) {
  const wire::PimBootstrap& message = input.message;
  ++counters_.bootstraps_heard;
  forward(zone, input);
  if (zone.state == BsrState::elected) {
    zone.offered.clear();
    zone.originate_at.reset();
  }
  const bool refresh = input.unicast || message.no_forward;
  zone.heard = true;
  zone.starting_tag = refresh ? std::optional(message.fragment_tag) : std::nullopt;
  zone.state = zone.candidate ? BsrState::candidate : BsrState::accept_preferred;
  zone.hash_mask_length = message.hash_mask_length;
  set_bsr(zone, BsrWeight{message.bsr_priority, message.bsr}, now);
  store(zone, message, now);
  zone.bootstrap_timer = now + kBootstrapTimeout;
  if (zone.zone && !zone.candidate) zone.zone_timer = now + kZoneTimeout;
}

void Bsr::store(BsrZone& zone, const wire::PimBootstrap& message, TimePoint now) {
  const LearnedRps::Refused refused = zone.learned.add(message, now);
  ignore(BsrIgnored::bad_range, refused.bad_ranges);
  ignore(BsrIgnored::bidirectional, refused.bidirectional);
  ignore(BsrIgnored::mapping_limit, refused.over_limit);
  if (refused.over_limit != 0) tell_limit(RpLimit::mappings, message.bsr);
  if (!zone.cache.add(message)) ignore(BsrIgnored::cache_limit);
}

}  // namespace hotpair::mcast::rp
