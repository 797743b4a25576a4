#include "mcast/rp/auto_rp_machine.h"

#include <algorithm>
#include <type_traits>

namespace hotpair::mcast::rp {
namespace {

std::optional<TimePoint> end_of(std::uint16_t holdtime_s, TimePoint now) {
  if (holdtime_s == 0) return std::nullopt;
  return now + std::chrono::seconds(holdtime_s);
}

bool is_due(const std::optional<TimePoint>& at, TimePoint now) { return at && *at <= now; }

}  // namespace

std::string_view to_string(AutoRpIgnored reason) {
  constexpr std::array<std::string_view, kAutoRpIgnoredCount> kTexts{
      "standby",      "not listening",      "bad source",         "own message",
      "filtered",     "not the best agent", "PIM version 1 only", "bad range",
      "limit reached"};
  const auto index = static_cast<std::size_t>(reason);
  return index < kTexts.size() ? kTexts[index] : "unknown";
}

AutoRp::AutoRp(const AutoRpConfig& config, TimePoint now, Mode mode)
    : config_(config), mode_(mode) {
  if (mode_ == Mode::active) configure(config, now);
}

void AutoRp::configure(const AutoRpConfig& config, TimePoint now) {
  const VrfId vrf = config_.vrf;
  config_ = config;
  config_.vrf = vrf;
  if (mode_ == Mode::standby) return;
  if (!config_.mapping_agent) {
    announced_.clear();
    announced_size_ = 0;
  }
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto entry = at++;
    const bool is_own = config_.mapping_agent == entry->second.agent;
    if (!is_own && (!config_.listen || !passes(config_.agent_filter, entry->second.agent)))
      forget(entry);
  }
  for (auto at = agents_.begin(); at != agents_.end();) {
    const auto agent = at++;
    if (config_.listen && passes(config_.agent_filter, agent->first.first)) continue;
    effects_.push(RecordChanged{
        AutoRpAgentRecord{{config_.vrf, agent->first.second, agent->first.first}, std::nullopt}});
    agents_.erase(agent);
  }
  announce_at_.assign(config_.announced.size(), now);
  // A new agent speaks with the first announcement.
  discover_at_.reset();
  if (config_.mapping_agent) discover_at_ = announced_.empty() ? now + config_.period : now;
  settle();
}

void AutoRp::ignore(AutoRpIgnored reason) { ++counters_.ignored[static_cast<std::size_t>(reason)]; }

std::optional<IpAddress> AutoRp::agent() const {
  std::optional<IpAddress> best = config_.mapping_agent;
  for (const auto& [place, agent] : agents_)
    if (!best || place.first > *best) best = place.first;
  return best;
}

bool AutoRp::is_silent() const { return agent() != config_.mapping_agent; }

void AutoRp::on_message(LinkId link, const IpAddress& source, const wire::AutoRpMessage& message,
                        TimePoint now) {
  if (mode_ == Mode::standby) return ignore(AutoRpIgnored::standby);
  const bool discovery = message.kind == wire::AutoRpKind::discovery;
  if (discovery ? !config_.listen : !config_.mapping_agent) return ignore(AutoRpIgnored::off);
  if (!source.is_v4() || !wire::is_pim_unicast(source)) return ignore(AutoRpIgnored::bad_source);
  if (discovery && config_.mapping_agent == source) return ignore(AutoRpIgnored::own);
  if (discovery)
    on_discovery(link, source, message, now);
  else
    on_announcement(message, now);
  settle();
}

void AutoRp::on_discovery(LinkId link, const IpAddress& source, const wire::AutoRpMessage& message,
                          TimePoint now) {
  if (!passes(config_.agent_filter, source)) return ignore(AutoRpIgnored::filtered);
  if (!note_agent(link, source, message.holdtime_s, now)) {
    ignore(AutoRpIgnored::limit);
    effects_.push(RpLimitReached{config_.vrf, Family::ipv4, RpLimit::agents, source});
    return;
  }
  if (agent() != source) return ignore(AutoRpIgnored::worse_agent);
  ++counters_.discoveries_heard;
  Choice choice;
  for (const wire::AutoRpMapping& mapping : message.mappings) {
    if (mapping.pim_versions == 1) {
      ignore(AutoRpIgnored::version_1);
      continue;
    }
    for (const wire::AutoRpRange& range : mapping.ranges) {
      if (!range.is_valid()) {
        ignore(AutoRpIgnored::bad_range);
        continue;
      }
      // Of two RPs of a range the higher one, but a negative one before any other.
      const std::pair wanted{range.negative, mapping.rp};
      auto& best = choice[IpPrefix{range.address, range.mask_length}.network()];
      best = std::max(best, wanted);
    }
  }
  apply(choice, source, message.holdtime_s, now);
}

bool AutoRp::note_agent(LinkId link, const IpAddress& agent, std::uint16_t holdtime_s,
                        TimePoint now) {
  const AgentPlace place{agent, link};
  const auto found = agents_.find(place);
  if (found == agents_.end() && agents_.size() >= config_.agents_max) return false;
  if (found == agents_.end() || found->second.holdtime_s != holdtime_s)
    effects_.push(
        RecordChanged{AutoRpAgentRecord{{config_.vrf, link, agent}, AutoRpAgentValue{holdtime_s}}});
  agents_[place] = {holdtime_s, end_of(holdtime_s, now)};
  return true;
}

void AutoRp::apply(const Choice& choice, const IpAddress& agent, std::uint16_t holdtime_s,
                   TimePoint now) {
  bool limited = false;
  for (const auto& [range, wanted] : choice) {
    auto found = entries_.find(range);
    const Entry fresh{.rp = wanted.second,
                      .negative = wanted.first,
                      .holdtime_s = holdtime_s,
                      .agent = agent,
                      .since = now,
                      .expires = end_of(holdtime_s, now)};
    if (found == entries_.end() && entries_.size() >= config_.mappings_max) {
      ignore(AutoRpIgnored::limit);
      limited = true;
      continue;
    }
    if (found != entries_.end() && found->second.rp != fresh.rp) {
      forget(found);
      found = entries_.end();
    }
    if (found == entries_.end()) {
      tell(range, entries_.emplace(range, fresh).first->second, false);
      continue;
    }
    Entry& entry = found->second;
    const bool same = entry.negative == fresh.negative && entry.holdtime_s == fresh.holdtime_s &&
                      entry.agent == fresh.agent;
    const TimePoint since = entry.since;
    entry = fresh;
    entry.since = since;
    if (!same) tell(range, entry, false);
  }
  if (limited) effects_.push(RpLimitReached{config_.vrf, Family::ipv4, RpLimit::mappings, agent});
}

void AutoRp::forget(std::map<IpPrefix, Entry>::iterator entry) {
  tell(entry->first, entry->second, true);
  entries_.erase(entry);
}

void AutoRp::tell(const IpPrefix& range, const Entry& entry, bool gone) {
  changed_ = true;
  RpMappingRecord record{{config_.vrf, RpSource::auto_rp, std::nullopt, range, entry.rp}, {}};
  if (!gone)
    record.value = RpMappingValue{.priority = 0,
                                  .holdtime_s = entry.holdtime_s,
                                  .negative = entry.negative,
                                  .told_by = entry.agent};
  effects_.push(RecordChanged{std::move(record)});
}

void AutoRp::settle() {
  if (!std::exchange(changed_, false)) return;
  effects_.push(RpSetChanged{config_.vrf, Family::ipv4});
}

void AutoRp::expire(TimePoint now) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto entry = at++;
    if (is_due(entry->second.expires, now)) forget(entry);
  }
  for (auto at = agents_.begin(); at != agents_.end();) {
    const auto agent = at++;
    if (!is_due(agent->second.expires, now)) continue;
    effects_.push(RecordChanged{
        AutoRpAgentRecord{{config_.vrf, agent->first.second, agent->first.first}, std::nullopt}});
    agents_.erase(agent);
  }
}

void AutoRp::on_timeout(TimePoint now) {
  if (mode_ == Mode::standby) return;
  expire(now);
  if (expire_announcements(now)) discover_when_allowed(now);
  announce(now);
  if (is_due(discover_at_, now)) discover(now);
  settle();
}

std::optional<TimePoint> AutoRp::next_deadline() const {
  if (mode_ == Mode::standby) return std::nullopt;
  std::optional<TimePoint> next = discover_at_;
  for (const TimePoint at : announce_at_) next = earliest(next, at);
  for (const auto& [range, entry] : entries_) next = earliest(next, entry.expires);
  for (const auto& [place, agent] : agents_) next = earliest(next, agent.expires);
  for (const auto& [range, rps] : announced_)
    for (const auto& [rp, announcement] : rps) next = earliest(next, announcement.expires);
  return next;
}

// ---- takeover ----

void AutoRp::on_record(const RpRecord& record, TimePoint now) {
  if (mode_ != Mode::standby) return;
  if (const auto* mapping = std::get_if<RpMappingRecord>(&record)) restore(*mapping, now);
  if (const auto* agent = std::get_if<AutoRpAgentRecord>(&record)) restore(*agent);
  settle();
}

void AutoRp::restore(const RpMappingRecord& record, TimePoint now) {
  const RpMappingKey& key = record.key;
  if (key.vrf != config_.vrf || key.source != RpSource::auto_rp || !key.rp.is_v4() ||
      !is_valid({.range = key.range, .rp = key.rp}))
    return;
  const auto found = entries_.find(key.range);
  if (!record.value) {
    if (found == entries_.end() || found->second.rp != key.rp) return;
    entries_.erase(found);
    changed_ = true;
    return;
  }
  if (found == entries_.end() && entries_.size() >= kRestoredFactor * config_.mappings_max) return;
  entries_[key.range] = {.rp = key.rp,
                         .negative = record.value->negative,
                         .holdtime_s = record.value->holdtime_s,
                         .agent = record.value->told_by,
                         .since = now,
                         .expires = std::nullopt};
  changed_ = true;
}

void AutoRp::restore(const AutoRpAgentRecord& record) {
  if (record.key.vrf != config_.vrf) return;
  const AgentPlace place{record.key.agent, record.key.link};
  if (!record.value)
    agents_.erase(place);
  else if (agents_.contains(place) || agents_.size() < kRestoredFactor * config_.agents_max)
    agents_[place] = {record.value->holdtime_s, std::nullopt};
}

void AutoRp::activate(TimePoint now) {
  if (mode_ == Mode::active) return;
  mode_ = Mode::active;
  for (auto& [range, entry] : entries_) {
    entry.expires = end_of(entry.holdtime_s, now);
    // What the former self told as mapping agent is taken as announced.
    if (config_.mapping_agent != entry.agent) continue;
    announced_[range][entry.rp] = {entry.negative, entry.holdtime_s, entry.expires};
    ++announced_size_;
  }
  for (auto& [place, agent] : agents_) agent.expires = end_of(agent.holdtime_s, now);
  configure(AutoRpConfig(config_), now);
}

bool AutoRp::lacks(const IpPrefix& range) const {
  return (config_.listen || config_.mapping_agent) && !entries_.contains(range);
}

void AutoRp::adopt(const AutoRp& other, TimePoint now) {
  if (mode_ != Mode::active) return;
  for (const auto& [range, theirs] : other.entries_) {
    if (!lacks(range) || entries_.size() >= config_.mappings_max) continue;
    Entry& entry = entries_.emplace(range, theirs).first->second;
    entry.since = now;
    entry.expires = end_of(entry.holdtime_s, now);
    tell(range, entry, false);
  }
  settle();
}

RpRecordSlice AutoRp::snapshot(std::size_t cursor, std::size_t max) const {
  RpRecordSlice slice;
  std::size_t index = 0;
  const auto put = [&](RpRecord record) {
    if (index++ < cursor) return;
    if (slice.records.size() < max)
      slice.records.push_back(std::move(record));
    else if (!slice.next)
      slice.next = cursor + max;
  };
  for (const auto& [range, entry] : entries_)
    put(RpMappingRecord{{config_.vrf, RpSource::auto_rp, std::nullopt, range, entry.rp},
                        RpMappingValue{.priority = 0,
                                       .holdtime_s = entry.holdtime_s,
                                       .negative = entry.negative,
                                       .told_by = entry.agent}});
  for (const auto& [place, agent] : agents_)
    put(AutoRpAgentRecord{{config_.vrf, place.second, place.first},
                          AutoRpAgentValue{agent.holdtime_s}});
  return slice;
}

// ---- queries ----

std::vector<RpMapping> AutoRp::mappings() const {
  std::vector<RpMapping> result;
  for (const auto& [range, entry] : entries_) result.push_back(mapping_of(range, entry));
  return result;
}

std::vector<RpMapping> AutoRp::mappings(const AutoRp& other) const {
  std::vector<RpMapping> result = mappings();
  for (const auto& [range, entry] : other.entries_)
    if (lacks(range)) result.push_back(mapping_of(range, entry));
  return result;
}

RpMapping AutoRp::mapping_of(const IpPrefix& range, const Entry& entry) {
  return {.range = range,
          .rp = entry.rp,
          .source = RpSource::auto_rp,
          .holdtime = std::chrono::seconds(entry.holdtime_s),
          .negative = entry.negative};
}

std::vector<LearnedRpModel> AutoRp::learned_model(TimePoint now) const {
  std::vector<LearnedRpModel> result;
  const std::vector<RpMapping> flat = mappings();
  auto mapping = flat.begin();
  for (const auto& [range, entry] : entries_) {
    LearnedRpModel& model = result.emplace_back();
    model.mapping = *mapping++;
    model.told_by = entry.agent;
    model.uptime = now - entry.since;
    if (entry.expires) model.expires = *entry.expires - now;
  }
  return result;
}

}  // namespace hotpair::mcast::rp
