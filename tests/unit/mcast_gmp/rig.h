#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcast/gmp/gmp_machine.h"
#include "mcast/gmp/gmp_show.h"

/// A machine with a virtual clock: what it sent, the views it told and the records it announced.
namespace hotpair::mcast::gmp::testing {

using namespace std::chrono_literals;

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
inline Group grp(std::string_view text) { return *Group::parse(text); }

inline const LinkId kLink{7};
inline const ScopeId kScope{1};

/// Settings of an interface whose scope decides who is active.
inline InterfaceConfig scoped() {
  InterfaceConfig config;
  config.scope = kScope;
  return config;
}

/// Names of the two families in the same script: group 1, sources 1 to 9, hosts, routers.
struct Names {
  Family family;
  [[nodiscard]] Group group(unsigned n = 1) const {
    return grp((family == Family::ipv4 ? "225.0.0." : "ff1e::") + hex(n));
  }
  [[nodiscard]] Group ssm_group() const {
    return grp(family == Family::ipv4 ? "232.1.1.1" : "ff3e::8000:1");
  }
  [[nodiscard]] IpAddress source(unsigned n) const {
    return ip((family == Family::ipv4 ? "10.1.1." : "2001:db8::") + hex(n));
  }
  [[nodiscard]] std::vector<IpAddress> sources(std::string_view digits) const {
    std::vector<IpAddress> list;
    for (const char digit : digits) list.push_back(source(static_cast<unsigned>(digit - '0')));
    return list;
  }
  [[nodiscard]] IpAddress host(unsigned n = 1) const {
    return ip((family == Family::ipv4 ? "192.168.0.1" : "fe80::1:") + hex(n));
  }
  /// Addresses of routers, in ascending order; own is router(5).
  [[nodiscard]] IpAddress router(unsigned n) const {
    return ip((family == Family::ipv4 ? "192.168.0." : "fe80::") + hex(n));
  }
  [[nodiscard]] std::uint8_t newest() const { return family == Family::ipv4 ? 3 : 2; }

 private:
  [[nodiscard]] std::string hex(unsigned n) const {
    return family == Family::ipv4 ? std::to_string(n) : to_hex(n);
  }
  static std::string to_hex(unsigned n) {
    std::string text;
    do {
      text.insert(text.begin(), "0123456789abcdef"[n % 16]);
      n /= 16;
    } while (n > 0);
    return text;
  }
};

struct ForwardingView {
  FilterMode mode = FilterMode::include;
  std::vector<IpAddress> sources;
  friend bool operator==(const ForwardingView&, const ForwardingView&) = default;
};
using Views = std::map<std::pair<LinkId, Group>, ForwardingView>;
using Groups = std::map<GroupKey, GroupValue>;
using Sources = std::map<SourceKey, SourceValue>;

struct Records {
  Groups groups;
  Sources sources;
  void apply(const MembershipRecord& record) {
    if (const auto* group = std::get_if<GroupMembership>(&record)) {
      groups.erase(group->key);
      if (group->value) groups.emplace(group->key, *group->value);
    } else {
      const auto& source = std::get<SourceMembership>(record);
      sources.erase(source.key);
      if (source.value) sources.emplace(source.key, *source.value);
    }
  }
  [[nodiscard]] std::vector<MembershipRecord> all() const {
    std::vector<MembershipRecord> list;
    for (const auto& [key, value] : groups) list.push_back(GroupMembership{key, value});
    for (const auto& [key, value] : sources) list.push_back(SourceMembership{key, value});
    return list;
  }
  friend bool operator==(const Records&, const Records&) = default;
};

class Rig {
 public:
  explicit Rig(Family family, InterfaceConfig config = {}, TimePoint start = TimePoint{1000s})
      : names{family}, now(start) {
    config.version = std::min(config.version, names.newest());
    if (config.address.is_unspecified()) config.address = names.router(5);
    settings = config;
    machine.configure(kLink, family, settings, now);
    drain();
  }

  /// The queries sent since the last call, e.g. "general", "Q(G)", "Q(G,12)", "S:Q(G,12)".
  std::string asked() {
    std::string text;
    for (const SendQuery& sent : std::exchange(queries, {})) {
      if (!text.empty()) text += ' ';
      text += describe(sent);
    }
    return text;
  }
  [[nodiscard]] std::string describe(const SendQuery& sent) const {
    if (!sent.query.group) return "general";
    std::string text = sent.query.suppress ? "S:Q(G" : "Q(G";
    if (!sent.query.sources.empty()) text += ',';
    for (const IpAddress& source : sent.query.sources) text += digit(source);
    return text + ")";
  }
  [[nodiscard]] char digit(const IpAddress& source) const {
    for (unsigned n = 1; n < 10; ++n)
      if (names.source(n) == source) return static_cast<char>('0' + n);
    return '?';
  }

  void hear(const wire::Message& message, const IpAddress& from) {
    machine.on_packet(kLink, from, wire::destination_of(message, names.family), message, now);
    drain();
  }
  void say(wire::RecordType type, std::string_view digits, unsigned host = 1) {
    hear(wire::SourceReport{{{type, names.group(), names.sources(digits)}}, 0}, names.host(host));
  }
  void query(const IpAddress& from, wire::Query message = {}) {
    message.version = settings.version;
    if (message.max_response == Duration{}) message.max_response = 10s;
    hear(message, from);
  }

  /// Runs timers up to `now + span`, deadline by deadline.
  void run(Duration span) {
    const TimePoint end = now + span;
    for (;;) {
      const auto next = machine.next_deadline();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      machine.on_timeout(now);
      drain();
    }
    now = end;
  }

  void restore(const std::vector<MembershipRecord>& list) {
    for (const MembershipRecord& record : list) {
      machine.on_record(record, now);
      drain();
    }
  }
  void activate() {
    machine.activate(kScope, now);
    drain();
  }
  /// Whether the group's packets from this source go out.
  [[nodiscard]] bool forwards(const Group& group, const IpAddress& source) const {
    const auto view = views.find({kLink, group});
    if (view == views.end()) return false;
    const auto& list = view->second.sources;
    const bool found = std::find(list.begin(), list.end(), source) != list.end();
    return found == (view->second.mode == FilterMode::include);
  }

  void drain() {
    while (auto effect = machine.poll_effect()) {
      if (auto* sent = std::get_if<SendQuery>(&*effect)) {
        queries.push_back(*sent);
      } else if (auto* view = std::get_if<MembershipChanged>(&*effect)) {
        views.erase({view->link, view->group});
        if (view->mode == FilterMode::exclude || !view->sources.empty())
          views[{view->link, view->group}] = {view->mode, view->sources};
        ++view_changes;
      } else if (auto* changed = std::get_if<RecordChanged>(&*effect)) {
        records.apply(changed->record);
        emitted.push_back(changed->record);
        ++record_changes;
      } else if (std::holds_alternative<FlushInterface>(*effect)) {
        views.clear();
        records = {};
        ++flushes;
      } else {
        others.push_back(*effect);
      }
    }
  }

  [[nodiscard]] Records snapshot(std::size_t max = 3) const {
    Records taken;
    std::optional<std::uint32_t> cursor = 0;
    while (cursor) {
      const SnapshotSlice slice = machine.snapshot(*cursor, max);
      for (const MembershipRecord& record : slice.records) taken.apply(record);
      cursor = slice.next;
    }
    return taken;
  }

  /// The state of a group as the RFC writes it: "", "I(12)", "E(12,34)": digits of sources.
  [[nodiscard]] std::string state(const Group& group) const {
    const GroupTable table =
        show_groups(machine, {.family = names.family, .link = kLink, .group = group}, now);
    if (table.rows.empty()) return "";
    std::string forwarding;
    std::string blocked;
    for (const SourceRow& row : table.rows[0].sources)
      (row.forwarding ? forwarding : blocked) += digit(row.source);
    if (table.rows[0].mode == FilterMode::include) return "I(" + forwarding + ")" + blocked;
    return "E(" + forwarding + "," + blocked + ")";
  }
  [[nodiscard]] std::string state() const { return state(names.group()); }

  [[nodiscard]] GroupRow row() const {
    const GroupTable table = show_groups(
        machine, {.family = names.family, .link = kLink, .group = names.group()}, now);
    EXPECT_EQ(table.rows.size(), 1U);
    return table.rows.at(0);
  }
  /// Remaining time of source `n` in seconds; -1 when none runs.
  [[nodiscard]] double source_timer(unsigned n) const {
    for (const SourceRow& source : row().sources)
      if (source.source == names.source(n) && source.expires)
        return std::chrono::duration<double>(*source.expires).count();
    return -1;
  }
  [[nodiscard]] double group_timer() const {
    const auto expires = row().expires;
    return expires ? std::chrono::duration<double>(*expires).count() : -1;
  }
  [[nodiscard]] InterfaceRow interface() const {
    return show_interfaces(machine, names.family, now).at(0);
  }
  [[nodiscard]] std::uint64_t ignored(Ignored reason) const {
    return interface().counters.ignored[static_cast<std::size_t>(reason)];
  }
  template <typename T>
  std::vector<T> take() {
    std::vector<T> found;
    for (const Effect& effect : others)
      if (const auto* wanted = std::get_if<T>(&effect)) found.push_back(*wanted);
    others.clear();
    return found;
  }

  Names names;
  InterfaceConfig settings;
  Machine machine{0x1234};
  TimePoint now;
  std::vector<SendQuery> queries;
  std::vector<Effect> others;
  Views views;
  Records records;
  std::vector<MembershipRecord> emitted;  ///< records in the order of their announcement
  int view_changes = 0;
  int record_changes = 0;
  int flushes = 0;
};

}  // namespace hotpair::mcast::gmp::testing
