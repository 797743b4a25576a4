#include "mcast/gmp/gmp_show.h"

#include <algorithm>
#include <utility>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {
namespace {

std::optional<Duration> until(TimePoint at, TimePoint now) {
  if (at == kNever || at <= now) return std::nullopt;
  return at - now;
}

}  // namespace

/// Reads the machine for the models.
class View {
 public:
  explicit View(const Machine& machine) : machine_(machine) {}

  [[nodiscard]] std::vector<InterfaceRow> interfaces(Family family, TimePoint now) const {
    std::vector<InterfaceRow> rows;
    for (const auto& [key, slot] : machine_.by_key_)
      if (key.second == family) rows.push_back(row(*machine_.interfaces_[slot], now));
    return rows;
  }

  [[nodiscard]] GroupTable groups(const GroupFilter& filter, TimePoint now) const {
    std::vector<std::uint32_t> found;
    const Machine::Interface* only =
        filter.link ? machine_.find(*filter.link, filter.family) : nullptr;
    if (filter.link && filter.group) {
      const std::uint32_t index =
          only == nullptr ? kNone : only->index.find(machine_.groups_, filter.group->address());
      if (index != kNone) found.push_back(index);
    } else {
      for (std::uint32_t i = 0; i < machine_.groups_.end(); ++i)
        if (matches(machine_.groups_[i], filter)) found.push_back(i);
    }
    GroupTable table;
    table.total = found.size();
    const auto last =
        found.begin() + static_cast<std::ptrdiff_t>(std::min(found.size(), filter.max_rows));
    std::partial_sort(found.begin(), last, found.end(),
                      [this](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    for (auto it = found.begin(); it != last; ++it)
      table.rows.push_back(row(machine_.groups_[*it], now));
    return table;
  }

  [[nodiscard]] std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& [key, slot] : machine_.by_key_)
      sum += machine_.interfaces_[slot]->index.size();
    return sum;
  }

  /// The next entries' keys become a sorted run; false when all were looked at.
  bool look(GroupReader& reader) const {
    GroupReader::Run run;
    const std::uint32_t end = machine_.groups_.end();
    for (std::size_t n = 0; n < kLooks && reader.cursor_ < end; ++n, ++reader.cursor_) {
      if (!matches(machine_.groups_[reader.cursor_], reader.filter_)) continue;
      run.keys.push_back(key(reader.cursor_));
      ++reader.totals_[run.keys.back().first];
    }
    reader.total_ += run.keys.size();
    std::sort(run.keys.begin(), run.keys.end());
    if (!run.keys.empty()) reader.runs_.push_back(std::move(run));
    return reader.cursor_ < end;
  }

  void merge(GroupReader& reader, std::vector<GroupRow>& rows, TimePoint now) const {
    const auto later = [](const GroupReader::Run& a, const GroupReader::Run& b) {
      return b.head() < a.head();
    };
    if (!std::exchange(reader.merging_, true))
      std::make_heap(reader.runs_.begin(), reader.runs_.end(), later);
    for (std::size_t n = 0; n < kRows && !reader.runs_.empty(); ++n) {
      if (reader.given_ == reader.filter_.max_rows) {
        reader.runs_.clear();
        return;
      }
      std::pop_heap(reader.runs_.begin(), reader.runs_.end(), later);
      GroupReader::Run& run = reader.runs_.back();
      const auto [link, group] = run.head();
      if (++run.next == run.keys.size())
        reader.runs_.pop_back();
      else
        std::push_heap(reader.runs_.begin(), reader.runs_.end(), later);
      const Machine::Interface* interface = machine_.find(link, group.family());
      const std::uint32_t index =
          interface == nullptr ? kNone : interface->index.find(machine_.groups_, group);
      if (index == kNone) continue;
      rows.push_back(row(machine_.groups_[index], now));
      ++reader.given_;
    }
  }

 private:
  static constexpr std::size_t kLooks = 2048;
  static constexpr std::size_t kRows = 50;

  [[nodiscard]] std::pair<LinkId, IpAddress> key(std::uint32_t index) const {
    const GroupEntry& entry = machine_.groups_[index];
    return {machine_.interfaces_[entry.interface]->link, entry.group};
  }

  [[nodiscard]] bool matches(const GroupEntry& entry, const GroupFilter& filter) const {
    if (entry.interface == kNone) return false;
    const Machine::Interface& interface = *machine_.interfaces_[entry.interface];
    return !interface.dead && interface.family == filter.family &&
           (!filter.link || interface.link == *filter.link) &&
           (!filter.links || std::ranges::binary_search(*filter.links, interface.link)) &&
           (!filter.group || filter.group->address() == entry.group);
  }

  [[nodiscard]] static InterfaceRow row(const Machine::Interface& interface, TimePoint now) {
    InterfaceRow row;
    row.link = interface.link;
    row.version = interface.config.version;
    row.role = interface.role;
    row.scope = interface.config.scope;
    row.address = interface.config.address;
    row.querier = interface.querier;
    row.querier_expires = until(interface.other_querier_until, now);
    row.other_querier = interface.other_querier;
    row.querier_uptime = now - interface.role_since;
    row.next_query = until(interface.query_at, now);
    row.robustness = interface.robustness;
    row.query_interval = interface.query_interval;
    row.query_response_interval = interface.config.query_response_interval;
    row.last_member_query_interval = interface.config.last_member_query_interval;
    row.last_member_query_count = interface.last_member_count();
    row.startup_query_interval = interface.startup_interval();
    row.startup_query_count = interface.startup_count();
    row.membership_interval = interface.membership_interval();
    row.fast_leave = interface.config.fast_leave;
    row.groups = interface.index.size();
    row.groups_peak = interface.peak;
    row.max_groups = interface.config.max_groups;
    row.max_groups_per_host = interface.config.max_groups_per_host;
    row.max_sources_per_group = interface.config.max_sources_per_group;
    row.counters = interface.counters;
    return row;
  }

  [[nodiscard]] GroupRow row(const GroupEntry& entry, TimePoint now) const {
    const Machine::Interface& interface = *machine_.interfaces_[entry.interface];
    const bool synced = interface.role == QuerierRole::standby;
    const bool stale = entry.generation != interface.generation;
    const auto expires = [&](TimePoint at) {
      return synced ? std::nullopt : until(stale ? interface.floor : at, now);
    };
    const GroupValue value = machine_.value_of(interface, entry);
    GroupRow row{.link = interface.link, .group = *Group::from(entry.group)};
    row.mode = entry.is_static ? FilterMode::exclude : value.mode;
    row.older_host_version = value.older_host_version;
    row.is_static = value.is_static;
    row.is_dynamic = value.is_dynamic;
    row.synced = synced;
    row.last_reporter = value.last_reporter;
    row.uptime = now - *machine_.origin_ - std::chrono::seconds{entry.created_s};
    row.uptime = std::max(row.uptime, Duration::zero());
    if (excludes(entry)) row.expires = expires(entry.expiry);
    if (entry.older_version == 1) row.version1_host = expires(entry.version1_until);
    if (entry.older_version != 0 && entry.version2_until > now)
      row.version2_host = expires(entry.version2_until);
    row.query = value.query;
    for (std::uint32_t i = entry.first_source; i != kNone; i = machine_.sources_[i].next) {
      const SourceEntry& source = machine_.sources_[i];
      const SourceValue shown = machine_.value_of(interface, source);
      SourceRow& added = row.sources.emplace_back();
      added.source = source.address;
      added.forwarding = shown.forwarding;
      added.is_static = shown.is_static;
      added.is_dynamic = shown.is_dynamic;
      if (source.is_dynamic && source.forwarding) added.expires = expires(source.expiry);
      added.query = shown.query;
    }
    return row;
  }

  const Machine& machine_;
};

std::vector<InterfaceRow> show_interfaces(const Machine& machine, Family family, TimePoint now) {
  return View(machine).interfaces(family, now);
}

std::size_t group_total(const Machine& machine) { return View(machine).total(); }

GroupReader::Slice GroupReader::next(const Machine& machine, TimePoint now) {
  const View view(machine);
  Slice slice;
  if (!merging_ && view.look(*this)) return slice;
  view.merge(*this, slice.rows, now);
  slice.done = runs_.empty();
  return slice;
}

GroupTable show_groups(const Machine& machine, const GroupFilter& filter, TimePoint now) {
  return View(machine).groups(filter, now);
}

}  // namespace hotpair::mcast::gmp
