#include "mcast/gmp/gmp_machine.h"

#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {
namespace {

constexpr std::size_t kEffectLimit = 262'144;

Duration at_least(Duration value, Duration floor) { return std::max(value, floor); }

InterfaceConfig sanitised(InterfaceConfig config, Family family) {
  using namespace std::chrono_literals;
  const int newest = family == Family::ipv4 ? 3 : 2;
  config.version = static_cast<std::uint8_t>(std::clamp<int>(config.version, 1, newest));
  config.robustness = std::max<std::uint8_t>(config.robustness, 1);
  config.query_interval = at_least(config.query_interval, 1s);
  config.query_response_interval = at_least(config.query_response_interval, 100ms);
  config.last_member_query_interval = at_least(config.last_member_query_interval, 100ms);
  if (config.last_member_query_count)
    config.last_member_query_count = std::max<std::uint8_t>(*config.last_member_query_count, 1);
  if (config.startup_query_interval)
    config.startup_query_interval = at_least(*config.startup_query_interval, 100ms);
  if (config.startup_query_count)
    config.startup_query_count = std::max<std::uint8_t>(*config.startup_query_count, 1);
  config.max_sources_per_group = std::min(config.max_sources_per_group, kMaxSourcesPerGroup);
  if (config.address.family() != family) config.address = IpAddress::any(family);
  return config;
}

}  // namespace

bool Machine::Interface::is_ssm(const Group& group) const {
  if (config.ssm_ranges.empty()) return group.is_default_ssm();
  return std::any_of(config.ssm_ranges.begin(), config.ssm_ranges.end(),
                     [&group](const IpPrefix& range) { return range.contains(group.address()); });
}

bool Machine::Interface::is_on_link(const IpAddress& source) const {
  if (!config.check_source_subnet || family == Family::ipv6 || source.is_unspecified()) return true;
  return std::any_of(config.subnets.begin(), config.subnets.end(),
                     [&source](const IpPrefix& subnet) { return subnet.contains(source); });
}

Machine::Machine(std::uint64_t hash_seed) : hash_seed_(hash_seed), effects_(kEffectLimit) {}
Machine::~Machine() = default;

Machine::Interface* Machine::find(LinkId link, Family family) {
  const auto it = by_key_.find({link, family});
  return it == by_key_.end() ? nullptr : interfaces_[it->second].get();
}

const Machine::Interface* Machine::find(LinkId link, Family family) const {
  const auto it = by_key_.find({link, family});
  return it == by_key_.end() ? nullptr : interfaces_[it->second].get();
}

Machine::Interface& Machine::add(LinkId link, Family family) {
  auto free = std::find(interfaces_.begin(), interfaces_.end(), nullptr);
  if (free == interfaces_.end()) free = interfaces_.insert(free, nullptr);
  const auto slot = static_cast<std::uint32_t>(free - interfaces_.begin());
  *free = std::make_unique<Interface>(link, family, slot, hash_seed_);
  by_key_[{link, family}] = slot;
  return **free;
}

Mode Machine::mode(ScopeId scope) const {
  const auto it = modes_.find(scope);
  return it == modes_.end() ? Mode::standby : it->second;
}

bool Machine::is_active(const Interface& interface) const {
  return !interface.config.scope || mode(*interface.config.scope) == Mode::active;
}

void Machine::see(TimePoint now) {
  if (!origin_) origin_ = now;
  last_now_ = now;
}

void Machine::configure(LinkId link, Family family, const InterfaceConfig& config, TimePoint now) {
  see(now);
  Interface* interface = find(link, family);
  const bool is_new = interface == nullptr;
  if (is_new) interface = &add(link, family);
  const InterfaceConfig before = interface->config;
  interface->config = sanitised(config, family);
  const InterfaceConfig& after = interface->config;
  const bool active = is_active(*interface);
  const bool was_active = interface->role != QuerierRole::standby;
  if (is_new || interface->role == QuerierRole::querier || !active) {
    interface->robustness = after.robustness;
    interface->query_interval = after.query_interval;
  }
  if (is_new || active != was_active || before.address != after.address ||
      before.version != after.version || before.scope != after.scope) {
    apply_role(*interface, now);
  } else if (interface->query_at != kNever) {
    interface->query_at = std::min(interface->query_at, now + after.query_interval);
  }
}

void Machine::remove(LinkId link, Family family, TimePoint now) {
  see(now);
  Interface* interface = find(link, family);
  if (interface == nullptr) return;
  by_key_.erase({link, family});
  interface->dead = true;
  interface->query_at = interface->other_querier_until = interface->confirm_at = kNever;
  interface->sweep_bucket = kNone;
  effects_.push(FlushInterface{link, family});
}

void Machine::activate(ScopeId scope, TimePoint now) {
  see(now);
  modes_[scope] = Mode::active;
  for (const auto& interface : interfaces_)
    if (interface && !interface->dead && interface->config.scope == scope &&
        interface->role == QuerierRole::standby)
      apply_role(*interface, now);
}

void Machine::deactivate(ScopeId scope, TimePoint now) {
  see(now);
  modes_[scope] = Mode::standby;
  for (const auto& interface : interfaces_)
    if (interface && !interface->dead && interface->config.scope == scope &&
        interface->role != QuerierRole::standby)
      apply_role(*interface, now);
}

void Machine::count(Interface& interface, const wire::Message& message) {
  Counters& counters = interface.counters;
  const auto version_index = [](std::uint8_t version) {
    return static_cast<std::size_t>(std::clamp<int>(version, 1, 3) - 1);
  };
  if (const auto* query = std::get_if<wire::Query>(&message)) {
    ++counters.queries[version_index(query->version)];
  } else if (const auto* report = std::get_if<wire::GroupReport>(&message)) {
    ++counters.reports[version_index(report->version)];
  } else if (std::holds_alternative<wire::Leave>(message)) {
    ++counters.leaves;
  } else {
    ++counters.reports[version_index(interface.newest_version())];
  }
}

void Machine::on_packet(LinkId link, const IpAddress& source, const IpAddress& /*destination*/,
                        const wire::Message& message, TimePoint now) {
  see(now);
  Interface* interface = find(link, source.family());
  if (interface == nullptr) {
    ++unknown_interface_;
    return;
  }
  count(*interface, message);
  if (interface->role == QuerierRole::standby) return interface->ignore(Ignored::standby);
  if (!interface->is_on_link(source)) return interface->ignore(Ignored::off_subnet);
  std::visit([&](const auto& m) { on_message(*interface, source, m, now); }, message);
}

void Machine::on_reject(LinkId link, Family family, wire::Reject reason) {
  Interface* interface = find(link, family);
  if (interface == nullptr || reason >= wire::Reject::count_) return;
  ++interface->counters.rejects[static_cast<std::size_t>(reason)];
}

void Machine::on_record(const MembershipRecord& record, TimePoint now) {
  see(now);
  std::visit(
      [&](const auto& r) {
        Interface* interface = find(r.key.link, r.key.group.family());
        if (interface == nullptr) {
          ++unknown_interface_;
          return;
        }
        restore(*interface, r, now);
      },
      record);
}

void Machine::reclaim(std::size_t& budget) {
  for (auto& interface : interfaces_) {
    if (!interface || !interface->dead) continue;
    GroupIndex& index = interface->index;
    while (interface->reclaim_bucket < index.buckets() && budget > 0) {
      const std::uint32_t entry = index.first_in(interface->reclaim_bucket);
      if (entry == kNone) {
        ++interface->reclaim_bucket;
      } else {
        budget -= std::min<std::size_t>(budget, groups_[entry].source_count / 8);
        release(*interface, entry);
      }
      budget -= std::min<std::size_t>(budget, 1);
    }
    if (index.size() > 0 || interface->reclaim_bucket < index.buckets()) return;
    interface.reset();
  }
}

void Machine::on_timeout(TimePoint now) {
  see(now);
  for (const auto& interface : interfaces_)
    if (interface && !interface->dead) interface_timers(*interface, now);
  std::size_t background = kSliceItems / 2;
  reclaim(background);
  for (const auto& interface : interfaces_)
    if (interface && interface->sweep_bucket != kNone) sweep(*interface, background, now);
  std::size_t budget = kSliceItems / 2;
  while (effects_.size() < kSliceEffects) {
    const std::uint32_t index = wheel_.take_due(groups_, now, budget);
    if (index == kNone) break;
    budget -= std::min<std::size_t>(budget, groups_[index].source_count / 8);
    run_group(index, now);
  }
}

std::optional<TimePoint> Machine::next_deadline() const {
  std::optional<TimePoint> next = wheel_.next_deadline();
  for (const auto& interface : interfaces_) {
    if (!interface) continue;
    if (interface->dead || interface->sweep_bucket != kNone) next = earliest(next, last_now_);
    const TimePoint at =
        std::min({interface->query_at, interface->other_querier_until, interface->confirm_at});
    if (at != kNever) next = earliest(next, at);
  }
  return next;
}

std::size_t Machine::group_count(LinkId link, Family family) const {
  const Interface* interface = find(link, family);
  return interface == nullptr ? 0 : interface->index.size();
}

void Machine::reset_counters(LinkId link, Family family) {
  if (Interface* interface = find(link, family)) interface->counters = Counters{};
}

}  // namespace hotpair::mcast::gmp
