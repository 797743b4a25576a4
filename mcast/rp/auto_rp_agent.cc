#include <algorithm>

#include "mcast/rp/auto_rp_machine.h"

// Mapping agent and candidate RP of Auto-RP.
namespace hotpair::mcast::rp {
namespace {

constexpr std::uint8_t kPimVersion2 = 0x02;

}  // namespace

void AutoRp::on_announcement(const wire::AutoRpMessage& message, TimePoint now) {
  ++counters_.announcements_heard;
  bool changed = false;
  bool limited = false;
  for (const wire::AutoRpMapping& mapping : message.mappings) {
    if (!passes(config_.rp_filter, mapping.rp) || mapping.pim_versions == 1) {
      ignore(mapping.pim_versions == 1 ? AutoRpIgnored::version_1 : AutoRpIgnored::filtered);
      continue;
    }
    for (const wire::AutoRpRange& range : mapping.ranges) {
      if (!range.is_valid()) {
        ignore(AutoRpIgnored::bad_range);
        continue;
      }
      const IpPrefix prefix = IpPrefix{range.address, range.mask_length}.network();
      const auto found = announced_.find(prefix);
      const bool known = found != announced_.end() && found->second.contains(mapping.rp);
      if (!known && announced_size_ >= config_.mappings_max) {
        limited = true;
        ignore(AutoRpIgnored::limit);
        continue;
      }
      Announcement& one = announced_[prefix][mapping.rp];
      changed = changed || !known || one.negative != range.negative;
      one = {range.negative, message.holdtime_s,
             message.holdtime_s == 0
                 ? std::nullopt
                 : std::optional(now + std::chrono::seconds(message.holdtime_s))};
      if (!known) ++announced_size_;
    }
  }
  if (limited)
    effects_.push(RpLimitReached{config_.vrf, Family::ipv4, RpLimit::candidates,
                                 message.mappings.front().rp});
  if (changed) discover_when_allowed(now);
}

bool AutoRp::expire_announcements(TimePoint now) {
  std::size_t gone = 0;
  for (auto& [range, rps] : announced_)
    gone += std::erase_if(
        rps, [&](const auto& one) { return one.second.expires && *one.second.expires <= now; });
  if (gone == 0) return false;
  announced_size_ -= gone;
  std::erase_if(announced_, [](const auto& range) { return range.second.empty(); });
  return true;
}

// Of the RPs that announced a range the highest address; a negative one before any other.
AutoRp::Choice AutoRp::chosen() const {
  Choice choice;
  for (const auto& [range, rps] : announced_)
    for (const auto& [rp, one] : rps) {
      auto& best = choice[range];
      best = std::max(best, std::pair{one.negative, rp});
    }
  return choice;
}

void AutoRp::announce(TimePoint now) {
  for (std::size_t i = 0; i < announce_at_.size(); ++i) {
    if (announce_at_[i] > now) continue;
    const AnnouncedRp& rp = config_.announced[i];
    announce_at_[i] = now + rp.period;
    wire::AutoRpMessage message{.kind = wire::AutoRpKind::announcement,
                                .holdtime_s = rp.holdtime_s,
                                .mappings = {{rp.address, kPimVersion2, {}}}};
    std::vector<wire::AutoRpRange>& ranges = message.mappings.front().ranges;
    const auto add = [&](const IpPrefix& range, bool negative) {
      ranges.push_back({range.network().address, range.length, negative});
    };
    for (const IpPrefix& range : rp.ranges) add(range, false);
    if (rp.ranges.empty()) add(all_groups(Family::ipv4), false);
    for (const IpPrefix& range : rp.negative_ranges) add(range, true);
    ++counters_.announcements_sent;
    effects_.push(SendAutoRp{config_.vrf, rp.address, rp.ttl, message});
    // The own group membership does not bring it back.
    if (config_.mapping_agent) on_announcement(message, now);
  }
}

void AutoRp::on_new_neighbour(TimePoint now) {
  if (mode_ == Mode::standby) return;
  for (TimePoint& at : announce_at_) at = std::min(at, now + kAutoRpMinInterval);
  if (config_.mapping_agent && discover_at_)
    discover_at_ = std::min(*discover_at_, now + kAutoRpMinInterval);
}

void AutoRp::discover(TimePoint now) {
  discover_at_ = now + config_.period;
  const Choice choice = chosen();
  if (is_silent() || choice.empty()) return;
  discovered_ = now;
  wire::AutoRpMessage message{
      .kind = wire::AutoRpKind::discovery, .holdtime_s = config_.holdtime_s, .mappings = {}};
  std::map<IpAddress, std::vector<wire::AutoRpRange>> by_rp;
  for (const auto& [range, best] : choice)
    by_rp[best.second].push_back({range.address, range.length, best.first});
  for (auto& [rp, ranges] : by_rp)
    message.mappings.push_back({rp, kPimVersion2, std::move(ranges)});
  ++counters_.discoveries_sent;
  effects_.push(
      SendAutoRp{config_.vrf, *config_.mapping_agent, config_.agent_ttl, std::move(message)});
  // Others keep a range that is no longer told until it expires; so does this router.
  apply(choice, *config_.mapping_agent, config_.holdtime_s, now);
}

void AutoRp::discover_when_allowed(TimePoint now) {
  discover_at_ = discovered_ ? std::max(now, *discovered_ + kAutoRpMinInterval) : now;
}

}  // namespace hotpair::mcast::rp
