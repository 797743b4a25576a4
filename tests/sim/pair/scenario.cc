#include "tests/sim/pair/scenario.h"

#include <algorithm>
#include <map>
#include <set>

#include "mcast/gmp/gmp_show.h"
#include "mcast/wire/igmp.h"
#include "tests/sim/pair/acked_watch.h"
#include "tests/sim/pair/overlap.h"
#include "tests/sim/pair/trunk.h"

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
namespace node = ha::node;
namespace wire = mcast::wire;
using ha::etrunk::Role;

constexpr ScopeId kScope{10};
constexpr std::uint64_t kStepsPerInstant = 200'000;
constexpr unsigned kGroups = 40;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// Every third seed has no BFD; the others have it with 10 or 20 ms, with a key or without one, and
/// some on one path only, or on one node only.
std::vector<ha::keeper::BfdSessionConfig> bfd_of(int index, std::uint64_t seed,
                                                 const node::EtrunkSettings& etrunk) {
  std::vector<ha::keeper::BfdSessionConfig> sessions;
  if (seed % 3 == 0) return sessions;
  for (const ha::etrunk::PathConfig& path : etrunk.etrunk.paths) {
    if (seed % 11 == 1 && path.path.value() == 1) continue;
    ha::keeper::BfdSessionConfig config;
    config.session.name = "path" + std::to_string(path.path.value());
    config.session.local = path.local;
    config.session.peer = path.peer;
    config.session.device = path.device;
    config.session.min_tx_us = config.session.min_rx_us = seed % 3 == 1 ? 10'000 : 20'000;
    if (seed % 2 == 0) config.session.keys = {{1, "k"}};
    if (seed % 11 != 2 || index == 0) config.paths = {{etrunk.etrunk.id, path.path}};
    sessions.push_back(config);
  }
  return sessions;
}

/// Every other seed is behind an Eth-Trunk, the others on a shared LAN.
std::optional<TrunkCase> trunk_of(std::uint64_t seed) {
  return seed % 2 == 0 ? std::optional(trunk_case(seed / 2)) : std::nullopt;
}

node::NodeConfig config_with_bfd(int index, std::uint64_t seed) {
  node::NodeConfig config = config_of(index);
  if (const auto trunk = trunk_of(seed)) put_behind_trunk(config, index, *trunk);
  config.bfd = bfd_of(index, seed, config.etrunks.front());
  return config;
}

class Scenario {
 public:
  explicit Scenario(const ScenarioOptions& options)
      : options_(options),
        trunk_(trunk_of(options.seed)),
        world_(options.seed),
        network_(world_),
        a_(world_, network_, 0, NodeId{0xa11ce00000000001ULL}, config_with_bfd(0, options.seed),
           options.bug),
        b_(world_, network_, 1, NodeId{0xb0b0000000000002ULL}, config_with_bfd(1, options.seed),
           options.bug),
        access_(world_, trunk_.value_or(TrunkCase{}).access) {
    world_.set_verbose(options.verbose);
    network_.connect(a_, b_);
    if (!trunk_) return;
    network_.access = &access_;
    access_.connect(a_, b_);
  }

  Outcome play() {
    world_.after(0ms, [this] { a_.start(); });
    world_.after(world_.duration(0ms, 500ms), [this] { b_.start(); });
    const TimePoint chaos_end = world_.now() + options_.chaos;
    plan_reports(chaos_end);
    plan_faults();
    run_until(chaos_end);
    make_quiet();
    run_until(chaos_end + options_.quiet);
    check_end();
    Outcome outcome;
    outcome.seed = options_.seed;
    outcome.events = world_.events() + timers_;
    outcome.faults = faults_;
    outcome.acked = network_.records.count();
    outcome.forgotten = acked_.forgotten();
    outcome.failures = world_.failures();
    outcome.trace = world_.lines();
    return outcome;
  }

 private:
  // ---- hosts ----
  static Group group(unsigned number) { return *Group::from(IpAddress::v4(0xefff0000U + number)); }

  void report(wire::RecordType type, unsigned number, unsigned host) {
    wire::SourceReport message;
    wire::ReportRecord record{type, group(number), {}};
    message.records.push_back(record);
    const Bytes bytes = wire::encode_igmp(message);
    const IpAddress source = IpAddress::v4(0x0a000f64U + host);
    for (SimNode* node : {&a_, &b_}) {
      if (network_.loss > 0 && world_.chance(network_.loss / 4)) continue;
      const ha::node::GroupMessage arrived{node->index() == 0 ? "tr1" : "tr9",
                                           source,
                                           wire::all_gmp_routers(Family::ipv4),
                                           1,
                                           true,
                                           bytes};
      node->on_report(arrived);
    }
  }
  void plan_reports(TimePoint end) {
    world_.after(world_.duration(5ms, 25ms), [this, end] {
      if (world_.now() >= end) return;
      const auto number = static_cast<unsigned>(world_.number(0, kGroups - 1));
      const auto host = static_cast<unsigned>(world_.number(0, 2));
      if (members_.contains({number, host})) {
        members_.erase({number, host});
        report(wire::RecordType::change_to_include, number, host);
      } else {
        members_.insert({number, host});
        report(wire::RecordType::change_to_exclude, number, host);
      }
      plan_reports(end);
    });
  }
  /// Hosts answer general queries by what they are members of: here, every second.
  void refresh_members() {
    for (const auto& [number, host] : members_)
      report(wire::RecordType::mode_is_exclude, number, host);
    world_.after(1s, [this] { refresh_members(); });
  }

  // ---- faults ----
  SimNode& any() { return world_.chance(0.5) ? a_ : b_; }
  void plan_faults() {
    world_.after(500ms, [this] { refresh_members(); });
    const unsigned count = static_cast<unsigned>(world_.number(10, 16));
    for (unsigned i = 0; i < count; ++i)
      world_.after(world_.duration(2s, options_.chaos - 6s), [this] { fault(); });
  }
  void fault() {
    ++faults_;
    SimNode& node = any();
    const Duration away = world_.duration(10ms, 4s);
    switch (world_.number(0, trunk_ ? 16 : 13)) {
      case 0:
        node.kill_daemon();
        world_.after(away, [&node] { node.start_daemon(); });
        break;
      case 1:
        node.crash_after_effects(static_cast<unsigned>(world_.number(0, 40)));
        break;
      case 2:
        node.kill_keeper();
        world_.after(world_.duration(5ms, 400ms), [&node] { node.start_keeper(); });
        break;
      case 3:
        node.power_off(world_.chance(0.5));
        world_.after(away, [&node] { node.power_on(); });
        break;
      case 4:
        node.freeze(world_.duration(1ms, 3s));
        break;
      case 5: {
        const int from = node.index();
        const auto path = static_cast<std::uint8_t>(world_.number(0, 1));
        world_.trace("path {} of {} cut one way", path, from);
        network_.cut(from, path, true);
        world_.after(away, [this, from, path] { network_.cut(from, path, false); });
        break;
      }
      case 6:
        world_.trace("path 0 cut");
        network_.cut(0, 0, true);
        network_.cut(1, 0, true);
        network_.break_stream("cut");
        world_.after(away, [this] {
          network_.cut(0, 0, false);
          network_.cut(1, 0, false);
        });
        break;
      case 7:
        world_.trace("loss and delay");
        network_.loss = 0.1;
        network_.delay_max = 8ms;
        world_.after(away, [this] {
          network_.loss = 0;
          network_.delay_max = 200us;
        });
        break;
      case 8:
        world_.trace("stream stalled");
        network_.stall(away);
        break;
      case 9:
        node.set_access(false);
        world_.after(away, [&node] { node.set_access(true); });
        break;
      case 10:
        world_.trace("{}: store fails", node.index());
        node.set_store_failing(true);
        world_.after(away, [&node] { node.set_store_failing(false); });
        break;
      case 11:
        plan_switchover(node);
        break;
      case 12:
        world_.trace("every path cut");
        cut_all(0, away);
        cut_all(1, away);
        network_.break_stream("cut");
        break;
      case 13:
        world_.trace("every path of {} cut one way", node.index());
        cut_all(node.index(), away);
        break;
      case 14:
        world_.trace("LACPDUs are lost, one of three");
        access_.loss = 0.33;
        world_.after(away, [this] { access_.loss = 0; });
        break;
      case 15:
        access_.restart(away, world_.chance(0.5));
        break;
      case 16:
        world_.trace("no LACPDU arrives");
        access_.mute = true;
        world_.after(away, [this] { access_.mute = false; });
        break;
    }
  }
  void cut_all(int from, Duration away) {
    for (std::uint8_t path = 0; path < 2; ++path) {
      network_.cut(from, path, true);
      world_.after(away, [this, from, path] { network_.cut(from, path, false); });
    }
  }
  void plan_switchover(SimNode& node) {
    if (!node.daemon_alive() || node.frozen()) return;
    world_.trace("{}: operator asks for a switchover", node.index());
    static_cast<void>(node.switchover(trunk_ && !trunk_->one_id));
  }
  void make_quiet() {
    world_.trace("quiet");
    network_.loss = 0;
    network_.delay_max = 200us;
    access_.loss = 0;
    access_.mute = false;
    for (int from = 0; from < 2; ++from)
      for (std::uint8_t path = 0; path < 2; ++path) network_.cut(from, path, false);
    for (SimNode* node : {&a_, &b_}) {
      node->power_on();
      node->start_keeper();
      node->start_daemon();
      node->set_access(true);
      node->set_store_failing(false);
    }
  }

  // ---- the clock ----
  void run_until(TimePoint end) {
    while (world_.failures().empty()) {
      std::optional<TimePoint> next = world_.next();
      for (const SimNode* node : {&a_, &b_})
        if (const auto deadline = node->next_deadline()) next = earliest(next, *deadline);
      if (!next || *next > end) break;
      if (*next > world_.now()) steps_ = 0;
      if (++steps_ > kStepsPerInstant) {
        world_.fail("no progress: {} steps in one instant", steps_);
        return;
      }
      overlap_.look(std::max(*next, world_.now()));
      if (trunk_) watch_.look(std::max(*next, world_.now()));
      world_.advance(*next);
      bool ran = world_.run_one();
      for (SimNode* node : {&a_, &b_}) {
        if (ran) break;
        const auto deadline = node->next_deadline();
        if (!deadline || *deadline > world_.now()) continue;
        node->run_timer();
        ++timers_;
        ran = true;
      }
      acked_.look();
      check_acked();
    }
    world_.advance(end);
  }

  // ---- invariants ----
  [[nodiscard]] static checkpoint::ScopeMeta meta_of(SimNode& node) {
    const auto reply = node.store().execute_one({0, checkpoint::ReadMeta{kScope}});
    return std::get<checkpoint::MetaRead>(reply.body).meta;
  }
  /// Once the master counts everything as acknowledged, the peer's store holds exactly that.
  /// (Before, an acknowledged number says nothing of a key that has changed again since.)
  void check_acked() {
    if (!network_.stream_up()) return;
    for (auto [from, to] : {std::pair{&a_, &b_}, std::pair{&b_, &a_}}) {
      const node::Scope* scope = from->scope();
      if (scope == nullptr || !scope->active || !scope->peer_complete) continue;
      // A peer that took over writes a line of its own.
      if (to->scope() == nullptr || to->scope()->role.role() != Role::backup) continue;
      const checkpoint::journal::Journal& journal = scope->journal;
      if (journal.committed() != journal.last() || journal.degraded() || journal.torn()) continue;
      const auto service = from->node()->services().find("service1");
      if (service == from->node()->services().end() || !service->second->up) continue;
      const auto model = service->second->session->show(kScope, world_.now());
      if (!model || model->acked != journal.last()) continue;
      if (meta_of(*from).digests != meta_of(*to).digests)
        world_.fail("{} counts all up to {} as acknowledged, and {} holds something else",
                    from->index(), model->acked.value(), to->index());
    }
  }
  void check_end() {
    if (!world_.failures().empty()) return;
    int masters = 0;
    for (SimNode* node : {&a_, &b_}) {
      const node::Scope* scope = node->scope();
      if (scope == nullptr) {
        world_.fail("{} has no scope", node->index());
        return;
      }
      masters += scope->role.role() == Role::master ? 1 : 0;
    }
    if (masters != 1) {
      world_.fail("{} masters at the end", masters);
      return;
    }
    if (a_.gate_open() == b_.gate_open())
      world_.fail("gates at the end: {} and {}", a_.gate_open(), b_.gate_open());
    for (SimNode* node : {&a_, &b_})
      if (!node->node()->holds(node::Condition::synced))
        world_.fail("{} is not synced at the end", node->index());
    if (trunk_) check_access();
    acked_.look_at_all();
    check_digests();
    check_members();
  }
  void check_access() {
    for (SimNode* node : {&a_, &b_}) {
      if (access_.held(node->index()))
        world_.fail("{} holds its member link down at the end", node->index());
      if (node->scope()->role.role() == Role::master && !watch_.attached_to(*node))
        world_.fail("the access device is not attached to {}, the master", node->index());
    }
  }
  void check_digests() {
    if (meta_of(a_).digests != meta_of(b_).digests) world_.fail("digests differ at the end");
  }
  /// Both nodes know exactly the groups that hosts are members of.
  void check_members() {
    std::set<Group> wanted;
    for (const auto& [number, host] : members_) wanted.insert(group(number));
    for (SimNode* node : {&a_, &b_}) {
      std::set<Group> known;
      mcast::gmp::GroupFilter filter;
      const auto table = mcast::gmp::show_groups(node->node()->gmp(), filter, world_.now());
      for (const auto& row : table.rows) known.insert(row.group);
      for (const Group& one : wanted)
        if (!known.contains(one)) world_.fail("{} lost group {}", node->index(), one.to_string());
      for (const Group& one : known)
        if (!wanted.contains(one))
          world_.fail("{} keeps group {} that nobody wants", node->index(), one.to_string());
    }
  }

  ScenarioOptions options_;
  std::optional<TrunkCase> trunk_;
  World world_;
  Network network_;
  SimNode a_;
  SimNode b_;
  AccessDevice access_;  // of scenarios behind an Eth-Trunk
  std::set<std::pair<unsigned, unsigned>> members_;
  std::uint64_t faults_ = 0;
  std::uint64_t timers_ = 0;
  std::uint64_t steps_ = 0;
  OverlapWatch overlap_{world_, network_, a_, b_};
  TrunkWatch watch_{world_, access_, a_, b_};
  AckedWatch acked_{world_, network_, a_, b_};
};

}  // namespace

node::NodeConfig config_of(int index) {
  const bool a = index == 0;
  node::NodeConfig config;
  config.sysname = a ? "A" : "B";
  node::EtrunkSettings etrunk;
  etrunk.etrunk.id = ha::etrunk::EtrunkId{1};
  etrunk.etrunk.paths = {
      {ha::etrunk::PathId{0}, ip(a ? "1.1.1.1" : "3.3.3.3"), ip(a ? "3.3.3.3" : "1.1.1.1"), {}},
      {ha::etrunk::PathId{1}, ip(a ? "10.0.1.1" : "10.0.1.3"), ip(a ? "10.0.1.3" : "10.0.1.1"),
       "p1"}};
  etrunk.etrunk.hello_ms = 20;
  etrunk.etrunk.multiplier = 5;
  etrunk.etrunk.priority = a ? 120 : 100;
  etrunk.etrunk.system_id = *MacAddress::parse(a ? "0000-0000-0001" : "0000-0000-0002");
  etrunk.etrunk.keys = {"k"};
  etrunk.revert_delay = 5s;
  config.etrunks = {etrunk};
  config.restart_grace = 3s;
  config.services = {{"service1", etrunk.etrunk.paths[0].local, etrunk.etrunk.paths[0].peer, 1025}};
  config.scopes = {{kScope, "profile1", "service1", ha::etrunk::EtrunkId{1}, 1, true, false}};
  node::LinkSettings access;
  access.name = "Eth-Trunk1";
  access.device = a ? "tr1" : "tr9";
  access.ipv4 = true;
  access.scope = kScope;
  access.eth_trunk = 1;
  access.addresses = {*IpPrefix::parse(a ? "10.0.15.1/24" : "10.0.35.3/24")};
  mcast::gmp::InterfaceConfig igmp;
  igmp.query_interval = 10s;
  igmp.query_response_interval = 2s;
  access.igmp = igmp;
  node::LinkSettings uplink;
  uplink.name = "GigabitEthernet0/1/3";
  uplink.device = "up0";
  uplink.ipv4 = true;
  uplink.addresses = {*IpPrefix::parse(a ? "10.0.12.1/24" : "10.0.23.3/24")};
  if (a)
    config.links = {access, uplink};
  else
    config.links = {uplink, access};
  config.static_rps = {*mcast::rp::make_static_rp(ip("2.2.2.2"), std::nullopt)};
  return config;
}

Outcome play(const ScenarioOptions& options) { return Scenario(options).play(); }

}  // namespace hotpair::sim
