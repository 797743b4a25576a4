#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mcast/gmp/gmp_machine.h"
#include "mcast/gmp/gmp_show.h"
#include "platform/base/assert.h"

/// A script of packets, pauses, takeovers and restarts against the engine, with a standby that gets
/// every record. Broken invariants abort.
namespace hotpair::mcast::fuzz {

using gmp::FilterMode;
using Views = std::map<Group, std::pair<FilterMode, std::vector<IpAddress>>>;
using Groups = std::map<gmp::GroupKey, gmp::GroupValue>;
using Sources = std::map<gmp::SourceKey, gmp::SourceValue>;

inline const LinkId kLink{1};
inline const ScopeId kScope{1};

struct Node {
  explicit Node(Family of, const gmp::InterfaceConfig& config, TimePoint now) : family(of) {
    machine.configure(kLink, family, config, now);
    drain();
  }
  void drain() {
    while (auto effect = machine.poll_effect()) {
      if (const auto* view = std::get_if<gmp::MembershipChanged>(&*effect)) {
        views.erase(view->group);
        if (view->mode == FilterMode::exclude || !view->sources.empty())
          views[view->group] = {view->mode, view->sources};
      } else if (const auto* changed = std::get_if<gmp::RecordChanged>(&*effect)) {
        apply(changed->record);
        emitted.push_back(changed->record);
      } else if (const auto* sent = std::get_if<gmp::SendQuery>(&*effect)) {
        HA_ASSERT(active);
        HA_ASSERT(!sent->query.group || sent->query.group->address() == sent->destination);
      }
    }
  }
  void apply(const gmp::MembershipRecord& record) { apply(record, groups, sources); }
  static void apply(const gmp::MembershipRecord& record, Groups& groups, Sources& sources) {
    if (const auto* group = std::get_if<gmp::GroupMembership>(&record)) {
      groups.erase(group->key);
      if (group->value) groups.emplace(group->key, *group->value);
    } else {
      const auto& source = std::get<gmp::SourceMembership>(record);
      sources.erase(source.key);
      if (source.value) sources.emplace(source.key, *source.value);
    }
  }
  /// The records of the snapshot are those that were announced.
  std::vector<gmp::MembershipRecord> snapshot(std::size_t slice) const {
    std::vector<gmp::MembershipRecord> all;
    std::optional<std::uint32_t> cursor = 0;
    while (cursor) {
      auto part = machine.snapshot(*cursor, slice);
      all.insert(all.end(), part.records.begin(), part.records.end());
      cursor = part.next;
    }
    return all;
  }
  void check_snapshot(std::size_t slice) const {
    Groups all_groups;
    Sources all_sources;
    for (const auto& record : snapshot(slice)) apply(record, all_groups, all_sources);
    HA_ASSERT(all_groups == groups && all_sources == sources);
  }

  Family family;
  gmp::Machine machine{42};
  Views views;
  Groups groups;
  Sources sources;
  std::vector<gmp::MembershipRecord> emitted;
  bool active = true;
};

class Engine {
 public:
  Engine(Family family, std::uint8_t flags) : family_(family) {
    config_.version = static_cast<std::uint8_t>(1 + flags % 3);
    if ((flags & 0x04U) != 0) config_.version = 3;
    config_.fast_leave = (flags & 0x08U) != 0;
    config_.scope = kScope;
    config_.max_groups = 6;
    config_.max_sources_per_group = (flags & 0x10U) != 0 ? 4 : 64;
    config_.address = *IpAddress::parse(family == Family::ipv4 ? "10.0.0.5" : "fe80::5");
    master_ = std::make_unique<Node>(family, config_, now_);
    master_->machine.activate(kScope, now_);
    master_->drain();
    plain_ = config_;
    plain_.scope.reset();
    router_ = std::make_unique<Node>(family, plain_, now_);
    standby_ = new_standby();
  }

  void hear(const wire::Packet& packet) {
    for (Node* node : {master_.get(), router_.get()}) {
      node->machine.on_packet(kLink, packet.source, packet.destination, packet.message, now_);
      node->drain();
    }
    follow();
  }
  void wait(Duration span) {
    const TimePoint end = now_ + span;
    for (int turn = 0;; ++turn) {
      HA_ASSERT(turn < 20'000);
      const auto next =
          earliest(master_->machine.next_deadline(), router_->machine.next_deadline());
      if (!next || *next > end) break;
      now_ = std::max(now_, *next);
      master_->machine.on_timeout(now_);
      master_->drain();
      router_->machine.on_timeout(now_);
      router_->drain();
    }
    now_ = end;
    follow();
  }
  void take_over(bool from_snapshot) {
    std::unique_ptr<Node> successor = std::move(standby_);
    if (from_snapshot) {
      successor = new_standby();
      for (const auto& record : master_->snapshot(3)) restore(*successor, record);
    }
    HA_ASSERT(successor->views == master_->views);
    successor->active = true;
    successor->groups = master_->groups;
    successor->sources = master_->sources;
    successor->machine.activate(kScope, now_);
    successor->drain();
    HA_ASSERT(successor->views == master_->views);
    master_ = std::move(successor);
    standby_ = new_standby();
    for (const auto& record : master_->snapshot(5)) restore(*standby_, record);
    follow();
  }
  /// The router without a peer restarts and gets its own store back.
  void restart() {
    auto again = std::make_unique<Node>(family_, plain_, now_);
    again->groups = router_->groups;
    again->sources = router_->sources;
    for (const auto& record : router_->snapshot(2)) restore(*again, record);
    HA_ASSERT(again->views == router_->views);
    router_ = std::move(again);
    follow();
  }
  void show() const {
    static_cast<void>(gmp::show_interfaces(master_->machine, family_, now_));
    const auto table = gmp::show_groups(master_->machine, {.family = family_}, now_);
    HA_ASSERT(table.rows.size() <= config_.max_groups);
    for (const auto& row : table.rows)
      HA_ASSERT(row.sources.size() <= config_.max_sources_per_group);
  }
  void finish() {
    // Longer intervals make fewer queries on the way; timers that run are not changed by them.
    for (gmp::InterfaceConfig* config : {&config_, &plain_}) {
      config->query_interval = std::chrono::hours{10};
      config->startup_query_interval = std::chrono::seconds{30};
    }
    master_->machine.configure(kLink, family_, config_, now_);
    master_->drain();
    router_->machine.configure(kLink, family_, plain_, now_);
    router_->drain();
    wait(std::chrono::hours{100});
    HA_ASSERT(master_->views.empty() && master_->groups.empty() && master_->sources.empty());
    HA_ASSERT(router_->views.empty() && router_->groups.empty() && router_->sources.empty());
    master_->machine.remove(kLink, family_, now_);
    master_->machine.on_timeout(now_);
    HA_ASSERT(!master_->machine.next_deadline());
  }

 private:
  static void restore(Node& node, const gmp::MembershipRecord& record, TimePoint now) {
    node.machine.on_record(record, now);
    node.drain();
  }
  void restore(Node& node, const gmp::MembershipRecord& record) const {
    restore(node, record, now_);
  }
  std::unique_ptr<Node> new_standby() {
    auto node = std::make_unique<Node>(family_, config_, now_);
    node->active = false;
    return node;
  }
  void follow() {
    for (const auto& record : std::exchange(master_->emitted, {})) restore(*standby_, record);
    HA_ASSERT(standby_->views == master_->views);
    master_->check_snapshot(2);
    router_->check_snapshot(1000);
  }

  Family family_;
  gmp::InterfaceConfig config_;
  gmp::InterfaceConfig plain_;
  TimePoint now_{std::chrono::hours{1}};
  std::unique_ptr<Node> master_;   // of a scope
  std::unique_ptr<Node> standby_;  // its peer
  std::unique_ptr<Node> router_;   // on an interface without a scope
};

/// Plays `rest`: one byte says what, a packet follows with its length in two bytes.
template <typename Hear>
void play(Engine& engine, ByteReader& in, Hear hear) {
  for (int step = 0; step < 64 && in.remaining() > 0; ++step) {
    const std::uint8_t verb = in.u8();
    switch (verb & 0x07U) {
      case 0: engine.wait(std::chrono::milliseconds{250} * (verb >> 3U)); break;
      case 1: engine.wait(std::chrono::seconds{10} * (verb >> 3U)); break;
      case 2: engine.take_over((verb & 0x08U) != 0); break;
      case 3: engine.restart(); break;
      case 4: engine.show(); break;
      default: {
        const std::size_t length = std::min<std::size_t>(in.u16(), in.remaining());
        hear(in.take(length), verb);
      }
    }
  }
  engine.finish();
}

}  // namespace hotpair::mcast::fuzz
