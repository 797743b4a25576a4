#include "tests/sim/pair/split.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "mcast/gmp/gmp_show.h"
#include "mcast/wire/igmp.h"
#include "tests/sim/pair/overlap.h"

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
namespace node = ha::node;
namespace wire = mcast::wire;
using ha::etrunk::Role;

constexpr unsigned kGroups = 60;
constexpr unsigned kHosts = 12;
constexpr std::uint64_t kStepsPerInstant = 200'000;
constexpr Duration kSettled = 35s;  // after the heal: every host was asked, every timer has ended

Group group(unsigned number) { return *Group::from(IpAddress::v4(0xefff0000U + number)); }
IpAddress host_address(unsigned host) { return IpAddress::v4(0x0a000f64U + host); }

class Split {
 public:
  Split(std::uint64_t seed, bool verbose)
      : seed_(seed),
        world_(seed),
        network_(world_),
        a_(world_, network_, 0, NodeId{0xa11ce00000000001ULL}, config_of(0), Bug::none),
        b_(world_, network_, 1, NodeId{0xb0b0000000000002ULL}, config_of(1), Bug::none) {
    world_.set_verbose(verbose);
    network_.connect(a_, b_);
    network_.on_query = [this](int from, const node::SendGroupMessage& query) {
      hear(from, query);
    };
    for (unsigned host = 0; host < kHosts; ++host)
      side_.push_back(static_cast<int>(world_.number(0, 1)));
  }

  Outcome play() {
    world_.after(0ms, [this] { a_.start(); });
    world_.after(world_.duration(0ms, 300ms), [this] { b_.start(); });
    run_until(world_.now() + 8s);
    change_members(world_.number(5, 40));
    run_until(world_.now() + 1s);
    cut();
    const TimePoint heal_at = world_.now() + world_.duration(500ms, 25s);
    while (world_.now() < heal_at && world_.failures().empty()) {
      if (world_.chance(0.9)) change_members(world_.number(0, 6));
      run_until(std::min(heal_at, world_.now() + world_.duration(50ms, 1500ms)));
    }
    heal();
    run_until(healed_at_ + kEndsWithin);
    check_ended();
    run_until(healed_at_ + kSettled);
    check_end();
    Outcome outcome;
    outcome.seed = seed_;
    outcome.events = world_.events();
    outcome.faults = 1 + (crashed_ ? 1 : 0);
    outcome.longest_gap = longest_gap_;
    outcome.united = united_;
    outcome.failures = world_.failures();
    outcome.trace = world_.lines();
    return outcome;
  }

 private:
  // ---- hosts ----
  [[nodiscard]] bool reaches(int node, unsigned host) const {
    return !divided_ || side_[host] == node;
  }
  void report(wire::RecordType type, unsigned number, unsigned host) {
    wire::SourceReport message;
    message.records.push_back({type, group(number), {}});
    const Bytes bytes = wire::encode_igmp(message);
    for (SimNode* node : {&a_, &b_})
      if (reaches(node->index(), host))
        node->on_report({node->index() == 0 ? "tr1" : "tr9", host_address(host),
                         wire::all_gmp_routers(Family::ipv4), 1, true, bytes});
  }
  void change_members(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto number = static_cast<unsigned>(world_.number(0, kGroups - 1));
      const auto host = static_cast<unsigned>(world_.number(0, kHosts - 1));
      const bool leaves = members_.erase({number, host}) == 1;
      if (!leaves) members_.insert({number, host});
      report(leaves ? wire::RecordType::change_to_include : wire::RecordType::change_to_exclude,
             number, host);
    }
  }
  /// Hosts that a query reaches answer at a random time within what it gives them.
  void hear(int from, const node::SendGroupMessage& sent) {
    const auto packet =
        wire::parse_igmp_message(sent.message, {sent.source, sent.destination, 1, true}, {true});
    if (!packet) return world_.fail("{} asked with a query that does not parse", from);
    const auto* query = std::get_if<wire::Query>(&packet->message);
    if (query == nullptr) return;
    for (unsigned host = 0; host < kHosts; ++host) {
      if (!reaches(from, host)) continue;
      for (unsigned number = 0; number < kGroups; ++number) {
        if (query->group && *query->group != group(number)) continue;
        if (!members_.contains({number, host})) continue;
        world_.after(world_.duration(1ms, query->max_response - 5ms), [this, number, host] {
          if (members_.contains({number, host}))
            report(wire::RecordType::mode_is_exclude, number, host);
        });
      }
    }
  }

  // ---- the split ----
  void cut() {
    world_.trace("divided");
    divided_ = true;
    for (int from = 0; from < 2; ++from)
      for (std::uint8_t path = 0; path < 2; ++path) network_.cut(from, path, true);
    if (world_.chance(0.5)) network_.break_stream("cut");
  }
  void heal() {
    for (SimNode* node : {&a_, &b_}) {
      const node::Scope* scope = node->scope();
      if (scope != nullptr && scope->role.role() == Role::master && node->gate_open())
        knew_[static_cast<std::size_t>(node->index())] = known(*node);
    }
    healed_at_ = world_.now();
    world_.trace("healed");
    divided_ = false;
    for (int from = 0; from < 2; ++from)
      for (std::uint8_t path = 0; path < 2; ++path) network_.cut(from, path, false);
    if (!world_.chance(0.3)) return;
    crashed_ = true;
    world_.after(world_.duration(0ms, 150ms), [this] {
      (world_.chance(0.5) ? a_ : b_)
          .crash_after_effects(static_cast<unsigned>(world_.number(0, 60)));
    });
  }

  // ---- the clock ----
  void run_until(TimePoint end) {
    while (world_.failures().empty()) {
      std::optional<TimePoint> next = world_.next();
      for (const SimNode* node : {&a_, &b_})
        if (const auto deadline = node->next_deadline()) next = earliest(next, *deadline);
      if (!next || *next > end) break;
      if (*next > world_.now()) steps_ = 0;
      if (++steps_ > kStepsPerInstant) return world_.fail("no progress: {} steps", steps_);
      overlap_.look(std::max(*next, world_.now()));
      world_.advance(*next);
      if (!world_.run_one()) run_timers();
      if (healed_at_ != TimePoint{}) watch();
    }
    world_.advance(end);
  }
  void run_timers() {
    for (SimNode* node : {&a_, &b_}) {
      const auto deadline = node->next_deadline();
      if (!deadline || *deadline > world_.now()) continue;
      node->run_timer();
      return;
    }
  }

  // ---- invariants ----
  [[nodiscard]] std::set<Group> known(SimNode& node) const {
    std::set<Group> groups;
    if (node.node() == nullptr) return groups;
    for (const auto& row : mcast::gmp::show_groups(node.node()->gmp(), {}, world_.now()).rows)
      groups.insert(row.group);
    return groups;
  }
  [[nodiscard]] std::set<Group> wanted() const {
    std::set<Group> groups;
    for (const auto& [number, host] : members_) groups.insert(group(number));
    return groups;
  }
  /// Members that a forwarding node knew when it healed have their stream all along.
  void watch() {
    if (world_.now() < looked_at_ + (world_.now() < healed_at_ + 1s ? 1ms : 100ms)) return;
    looked_at_ = world_.now();
    std::set<Group> served;
    for (SimNode* node : {&a_, &b_})
      if (node->gate_open()) served.merge(known(*node));
    for (const Group& one : wanted()) {
      if (!knew_[0].contains(one) && !knew_[1].contains(one)) continue;
      if (served.contains(one)) {
        unserved_.erase(one);
        continue;
      }
      const auto since = unserved_.try_emplace(one, world_.now()).first->second;
      if (crashed_) continue;  // whoever dies takes its word along: then the hosts are asked
      longest_gap_ = std::max(longest_gap_, world_.now() - since);
      if (world_.now() - since > kHealGap)
        world_.fail("{} has no stream since {} ms", one.to_string(), (world_.now() - since) / 1ms);
    }
  }
  void check_ended() {
    if (!world_.failures().empty()) return;
    for (const std::string& line : world_.lines())
      if (line.find("HA-NODE-0050") != std::string::npos) ++united_;
    if (crashed_ || knew_[0].empty() || knew_[1].empty()) return;
    for (SimNode* node : {&a_, &b_}) {
      if (!node->gate_open()) continue;
      // The larger term is B's: A's own word is what is tentative.
      for (const Group& one : known(*node))
        if (!knew_[1].contains(one) && !wanted().contains(one))
          world_.fail("{}: {}, which nobody wants, outlives its confirmation", node->index(),
                      one.to_string());
    }
  }
  void check_end() {
    if (!world_.failures().empty()) return;
    for (SimNode* node : {&a_, &b_}) {
      if (node->node() == nullptr || !node->node()->holds(node::Condition::synced))
        return world_.fail("{} is not synced at the end", node->index());
      const std::set<Group> groups = known(*node);
      for (const Group& one : wanted())
        if (!groups.contains(one)) world_.fail("{} lost {}", node->index(), one.to_string());
      for (const Group& one : groups)
        if (!wanted().contains(one)) world_.fail("{} keeps {}", node->index(), one.to_string());
    }
  }

  std::uint64_t seed_;
  World world_;
  Network network_;
  SimNode a_;
  SimNode b_;
  std::vector<int> side_;  // of each host, while the LAN is divided
  bool divided_ = false;
  bool crashed_ = false;
  TimePoint healed_at_{};
  TimePoint looked_at_{};
  std::set<std::pair<unsigned, unsigned>> members_;  // group, host
  std::array<std::set<Group>, 2> knew_;              // by node, when it healed
  std::map<Group, TimePoint> unserved_;
  Duration longest_gap_{};
  std::uint64_t united_ = 0;
  std::uint64_t steps_ = 0;
  OverlapWatch overlap_{world_, network_, a_, b_};
};

}  // namespace

Outcome play_split(std::uint64_t seed, bool verbose) { return Split(seed, verbose).play(); }

}  // namespace hotpair::sim
