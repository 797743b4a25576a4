#include "tests/sim/pair/cuts.h"

#include <algorithm>
#include <map>

#include "mcast/wire/igmp.h"
#include "tests/sim/pair/overlap.h"
#include "tests/sim/pair/owner.h"

namespace hotpair::sim {
namespace {

using namespace std::chrono_literals;
namespace node = ha::node;
namespace wire = mcast::wire;
using ha::etrunk::Role;

constexpr std::uint64_t kStepsPerInstant = 200'000;
constexpr unsigned kGroups = 8;
/// Every hello is a step for so long; after it those that say something new.
constexpr Duration kEveryHello = 250ms;
/// Settled means for so long.
constexpr Duration kStays = 300ms;
/// From the end of the fault until the pair is settled.
constexpr Duration kSettles = 14s;
/// Without a fault: the partner's Aggregate_Wait_Time, and what it takes to see the link fall.
constexpr Duration kGapOfTwoIds = ha::lacp::kAggregateWaitTime + 250ms;
/// Without a fault two nodes send for a hello's way.
constexpr Duration kDoubled = 1ms;
/// With one: a node's death is noticed after 100 ms, and partners that act every 100 ms follow.
constexpr Duration kGapOfOneId = 500ms;
/// Of a floating pair: the peer is given up after 100 ms, in which its lease may still run.
constexpr Duration kGapOfOwners = 250ms;
/// A lost LACPDU is made up by the next one, and a keeper that is new at the commit point knows no
/// partner; one that has sent its three LACPDUs of this second answers in the next.
constexpr Duration kNextLacpdu = 1s;

constexpr std::array<std::string_view, kCuts> kNames{
    "frame lost",      "all lost",        "hellos lost",     "LACP lost",
    "channel broken",  "old node dies",   "new node dies",   "old daemon dies",
    "new daemon dies", "old keeper dies", "new keeper dies", "old frozen",
    "new frozen",      "old unplugged",   "new unplugged",   "access device restarts"};

node::NodeConfig configuration(int index, const CutsOptions& options, const TrunkCase& trunk) {
  node::NodeConfig config = config_of(index);
  config.etrunks.front().revert_delay = 300s;
  if (options.floating)
    make_floating(config);
  else
    put_behind_trunk(config, index, trunk);
  return config;
}
/// A floating pair has no device that would tell the nodes apart: the way is made, then broken.
TrunkCase case_of(const CutsOptions& options) {
  TrunkCase trunk = trunk_case(options.seed);
  if (options.floating) trunk.one_id = true;
  return trunk;
}
bool is_of_trunks(Cut cut) { return cut == Cut::lacp_lost || cut == Cut::access_restarts; }

struct Fault {
  std::uint64_t step = 0;
  Cut cut = Cut::frame_lost;
};

/// One planned switchover from A to B.
class Switchover {
 public:
  Switchover(const CutsOptions& options, std::optional<Fault> fault)
      : options_(options),
        trunk_(case_of(options)),
        fault_(fault),
        world_(options.seed),
        network_(world_),
        a_(world_, network_, 0, NodeId{0xa11ce00000000001ULL}, configuration(0, options, trunk_),
           options.bug),
        b_(world_, network_, 1, NodeId{0xb0b0000000000002ULL}, configuration(1, options, trunk_),
           options.bug),
        access_(world_, trunk_.access) {
    world_.set_verbose(options.verbose);
    network_.connect(a_, b_);
    network_.on_crossing = [this](const Crossing& crossing) { return cross(crossing); };
    if (options.floating) return;
    network_.access = &access_;
    access_.connect(a_, b_);
  }

  void play() {
    world_.after(0ms, [this] { a_.start(); });
    world_.after(world_.duration(0ms, 100ms), [this] { b_.start(); });
    world_.after(2s, [this] { report(); });
    if (!settle(a_, "at the start")) return;
    run_for(world_.duration(1s, 2s));
    ask(a_);
    run_for(trunk_.one_id ? 500ms : 4s);
    counting_ = false;
    if (!fault_) clean_ = times();
    if (!fault_) check_clean();
    if (!settle(std::nullopt, fault_ ? "after the cut" : "after the switchover")) return;
    longest_ = times();
    const TimePoint wrong_at = options_.floating ? owners_.wrong_at() : watch_.wrong_at();
    settled_ = std::max(Duration{}, wrong_at - cut_at_);
    if (fault_) check_gap();
    if (!fault_ && master() != &b_) return world_.fail("the switchover was not made");
    // Nothing is left locked: it goes back, or once more.
    SimNode& from = *master();
    ask(from);
    settle(from.index() == 0 ? b_ : a_, "after the next switchover");
  }

  [[nodiscard]] Outcome outcome() const {
    Outcome outcome;
    outcome.seed = options_.seed;
    outcome.events = world_.events();
    outcome.failures = world_.failures();
    outcome.trace = world_.lines();
    return outcome;
  }
  [[nodiscard]] std::uint64_t steps() const { return step_; }
  [[nodiscard]] const TrunkWatch::Times& clean() const { return clean_; }
  [[nodiscard]] const TrunkWatch::Times& longest() const { return longest_; }
  [[nodiscard]] Duration settled() const { return settled_; }

 private:
  // ---- what is done ----
  void report() {
    for (unsigned number = 0; number < kGroups; ++number) {
      wire::SourceReport message;
      message.records.push_back({wire::RecordType::mode_is_exclude,
                                 *Group::from(IpAddress::v4(0xefff0000U + number)),
                                 {}});
      const Bytes bytes = wire::encode_igmp(message);
      for (SimNode* node : {&a_, &b_})
        node->on_report({node->index() == 0 ? "tr1" : "tr9", IpAddress::v4(0x0a000f64U),
                         wire::all_gmp_routers(Family::ipv4), 1, true, bytes});
    }
    world_.after(1s, [this] { report(); });
  }
  void ask(SimNode& from) {
    asked_at_ = world_.now();
    watch_.reset();
    owners_.reset();
    const auto ticket = from.switchover(!trunk_.one_id);
    if (!ticket)
      return world_.fail("{} refuses a switchover: {}", from.index(), ticket.error().detail);
    world_.trace("{}: operator asks for a switchover", from.index());
    ticket_ = *ticket;
    asked_ = &from;
    if (step_ == 0) counting_ = true;
  }

  // ---- steps ----
  bool cross(const Crossing& crossing) {
    if (!counting_ || !is_step(crossing)) return true;
    const std::uint64_t step = step_++;
    if (options_.verbose) world_.trace("step {}: {} of {}", step, crossing.name, crossing.from);
    if (!fault_ || step != fault_->step) return true;
    world_.trace("step {}, {} of {}: {}", step, crossing.name, crossing.from,
                 to_string(fault_->cut));
    cut_at_ = world_.now();
    cut(crossing);
    const bool frame =
        crossing.what == Crossing::What::hello || crossing.what == Crossing::What::lacpdu;
    return !(frame && (fault_->cut == Cut::frame_lost || fault_->cut == Cut::all_lost));
  }
  bool is_step(const Crossing& crossing) {
    if (crossing.hello == nullptr) return true;
    ha::etrunk::Hello hello = *crossing.hello;
    hello.counter = hello.echo_counter = 0;
    auto& last = said_[{crossing.from, hello.path.value()}];
    const bool news = hello != last;
    last = hello;
    return news || world_.now() < asked_at_ + kEveryHello;
  }
  void hit(const Crossing& crossing, SimNode& node, std::function<void()> act) {
    if (crossing.from == node.index())
      node.doom(std::move(act));
    else
      world_.after(0ms, std::move(act));
  }
  void cut_paths(Duration time) {
    for (int from = 0; from < 2; ++from)
      for (std::uint8_t path = 0; path < 2; ++path) {
        network_.cut(from, path, true);
        world_.after(time, [this, from, path] { network_.cut(from, path, false); });
      }
    over_at_ = world_.now() + time;
  }
  void mute(Duration time) {
    access_.mute = true;
    world_.after(time, [this] { access_.mute = false; });
    over_at_ = std::max(over_at_, world_.now() + time);
  }
  void cut(const Crossing& crossing) {
    over_at_ = world_.now();
    switch (fault_->cut) {
      case Cut::frame_lost:
        if (crossing.what == Crossing::What::stream) network_.break_stream("cut");
        break;
      case Cut::all_lost:
        cut_paths(2s);
        mute(2s);
        network_.break_stream("cut");
        break;
      case Cut::hellos_lost:
        cut_paths(2s);
        break;
      case Cut::lacp_lost:
        mute(4s);
        break;
      case Cut::channel_broken:
        network_.break_stream("cut");
        break;
      case Cut::access_restarts:
        world_.after(0ms, [this] { access_.restart(300ms, false); });
        over_at_ += 300ms;
        break;
      default:
        cut_node(crossing);
    }
  }
  void cut_node(const Crossing& crossing) {
    const auto number =
        static_cast<unsigned>(fault_->cut) - static_cast<unsigned>(Cut::old_node_dies);
    SimNode& node = number % 2 == 0 ? a_ : b_;
    switch (number / 2) {
      case 0:
        hit(crossing, node, [&node] { node.power_off(true); });
        return back(node, 3s);
      case 1:
        hit(crossing, node, [&node] { node.kill_daemon(); });
        return back(node, 500ms);
      case 2:
        hit(crossing, node, [&node] { node.kill_keeper(); });
        return back(node, 50ms);
      case 3:
        world_.after(0ms, [&node] { node.freeze(1s); });
        over_at_ += 1s;
        return;
      default:
        world_.after(0ms, [&node] { node.set_access(false); });
        world_.after(2s, [&node] { node.set_access(true); });
        over_at_ += 2s;
    }
  }
  void back(SimNode& node, Duration after) {
    over_at_ += after;
    world_.after(after, [&node] {
      node.power_on();
      node.start_keeper();
      node.start_daemon();
    });
  }

  // ---- the clock ----
  void run_for(Duration time) { run_until(world_.now() + time); }
  void run_until(TimePoint end) {
    while (world_.failures().empty()) {
      std::optional<TimePoint> next = world_.next();
      for (const SimNode* node : {&a_, &b_})
        if (const auto deadline = node->next_deadline()) next = earliest(next, *deadline);
      const TimePoint until = std::min(end, std::max(next.value_or(end), world_.now()));
      overlap_.look(until);
      if (options_.floating)
        owners_.look(until);
      else
        watch_.look(until);
      if (!next || *next > end) break;
      if (*next > world_.now()) instant_ = 0;
      if (++instant_ > kStepsPerInstant) return world_.fail("no progress");
      world_.advance(*next);
      if (!world_.run_one()) run_timers();
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
  /// With one id the way is made before the other one is broken; with two the partner waits.
  [[nodiscard]] const TrunkWatch::Times& times() const {
    return options_.floating ? owners_.times() : watch_.times();
  }
  void check_clean() {
    const TrunkWatch::Times& times = this->times();
    const Duration gap = trunk_.one_id ? Duration{} : kGapOfTwoIds;
    if (times.dark > gap || times.lost > gap + trunk_.access.period)
      world_.fail("no way for {} us, frames of hosts lost for {} us", times.dark / 1us,
                  times.lost / 1us);
    if (times.doubled > kDoubled) world_.fail("two ways for {} us", times.doubled / 1us);
  }
  /// One id, and the fault is short or leaves the other node alone.
  void check_gap() {
    const Cut cut = fault_->cut;
    const bool longer = cut == Cut::all_lost || cut == Cut::hellos_lost || cut == Cut::lacp_lost ||
                        cut == Cut::access_restarts;
    const bool next =
        cut == Cut::frame_lost || cut == Cut::old_keeper_dies || cut == Cut::new_keeper_dies;
    Duration gap = next ? kGapOfOneId + kNextLacpdu : kGapOfOneId;
    if (options_.floating) gap = kGapOfOwners;
    if (trunk_.one_id && !longer && longest_.dark > gap)
      world_.fail("no way for {} us", longest_.dark / 1us);
  }
  [[nodiscard]] SimNode* master() {
    SimNode* found = nullptr;
    for (SimNode* node : {&a_, &b_}) {
      const node::Scope* scope = node->scope();
      if (scope == nullptr || scope->role.role() != Role::master) continue;
      if (found != nullptr) return nullptr;
      found = node;
    }
    return found;
  }
  /// What is not as it shall be; empty: all is.
  [[nodiscard]] std::string unsettled() {
    for (SimNode* node : {&a_, &b_}) {
      if (!node->keeper_alive() || !node->daemon_alive() || node->frozen()) return "a death";
      const node::Scope* scope = node->scope();
      if (scope == nullptr) return "no scope";
      if (scope->handover.under_way() || scope->check_until) return "a handover is under way";
      if (scope->carrier_held || (!options_.floating && access_.held(node->index())))
        return "a link is held down";
      if (!node->node()->holds(node::Condition::synced)) return "not synced";
    }
    SimNode* master = this->master();
    if (master == nullptr) return "not one master";
    SimNode& backup = master == &a_ ? b_ : a_;
    if (!master->gate_open()) return "the master's gate is closed";
    if (backup.gate_open() || backup.trunk_word() != 0) return "the backup is open";
    if (options_.floating && !owners_.owned_by(*master))
      return "the LAN heard of the other one last";
    if (!options_.floating && !watch_.attached_to(*master))
      return "the access device is not attached to the master";
    for (const node::Readiness& ready : master->node()->readiness())
      if (const std::string why = ready.blockers(!trunk_.one_id); !why.empty()) return why;
    if (asked_ != nullptr && asked_->daemon_alive() && ticket_ &&
        !asked_->ended().contains(ticket_) && !asked_died())
      return "the operator waits";
    return {};
  }
  [[nodiscard]] bool asked_died() const {
    return fault_ && (fault_->cut == Cut::old_node_dies || fault_->cut == Cut::old_daemon_dies);
  }
  bool settle(std::optional<std::reference_wrapper<SimNode>> wanted, std::string_view when) {
    const TimePoint from = std::max(world_.now(), over_at_);
    std::string why;
    std::optional<TimePoint> since;
    while (world_.failures().empty()) {
      why = world_.now() < over_at_ ? "a fault" : unsettled();
      if (why.empty() && wanted && master() != &wanted->get()) why = "the wrong master";
      if (!why.empty()) since.reset();
      if (why.empty() && !since) since = world_.now();
      if (since && *since + kStays <= world_.now()) return true;
      if (from + kSettles <= world_.now()) {
        world_.fail("not settled {}: {}", when, why);
        return false;
      }
      run_for(20ms);
    }
    return false;
  }

  CutsOptions options_;
  TrunkCase trunk_;
  std::optional<Fault> fault_;
  World world_;
  Network network_;
  SimNode a_;
  SimNode b_;
  AccessDevice access_;
  bool counting_ = false;
  std::uint64_t step_ = 0;
  std::uint64_t instant_ = 0;
  std::uint64_t ticket_ = 0;
  SimNode* asked_ = nullptr;
  TimePoint asked_at_{};
  TimePoint cut_at_{};
  TimePoint over_at_{};
  std::map<std::pair<int, std::uint8_t>, ha::etrunk::Hello> said_;
  TrunkWatch::Times clean_;
  TrunkWatch::Times longest_;
  Duration settled_{};
  OverlapWatch overlap_{world_, network_, a_, b_};
  TrunkWatch watch_{world_, access_, a_, b_};
  OwnerWatch owners_{world_, a_, b_};
};

}  // namespace

std::string_view to_string(Cut cut) { return kNames.at(static_cast<std::size_t>(cut)); }

CutsOutcome play_cuts(const CutsOptions& options) {
  CutsOutcome all;
  Switchover clean(options, std::nullopt);
  clean.play();
  all.worst = clean.outcome();
  all.events = all.worst.events;
  all.clean = clean.clean();
  all.steps = clean.steps();
  if (!all.worst.ok()) return all;
  const std::uint64_t pairs = all.steps * kCuts;
  for (std::uint64_t pair = options.seed % options.every; pair < pairs; pair += options.every) {
    if (options.only && pair != *options.only) continue;
    const Fault fault{pair / kCuts, static_cast<Cut>(pair % kCuts)};
    if (options.floating && is_of_trunks(fault.cut)) continue;
    Switchover run(options, fault);
    run.play();
    Outcome outcome = run.outcome();
    ++all.runs;
    all.events += outcome.events;
    if (!outcome.ok()) {
      for (std::string& each : outcome.failures)
        each += fmt::format(" (step {} of {}, {}: --only {})", fault.step, all.steps,
                            to_string(fault.cut), pair);
      all.worst = std::move(outcome);
      return all;
    }
    TrunkWatch::Times& longest = all.longest.at(pair % kCuts);
    longest.dark = std::max(longest.dark, run.longest().dark);
    longest.doubled = std::max(longest.doubled, run.longest().doubled);
    longest.lost = std::max(longest.lost, run.longest().lost);
    Duration& settled = all.settled.at(pair % kCuts);
    settled = std::max(settled, run.settled());
  }
  return all;
}

}  // namespace hotpair::sim
