#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ha/keeper/core/keeper.h"

/// Two keepers with a virtual clock, two paths between them, and a stub of each daemon.
namespace hotpair::ha::keeper::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr ScopeId kScope{10};
inline constexpr EtrunkId kEtrunk{1};
inline constexpr Duration kDelay = std::chrono::microseconds(100);

struct Packet {
  TimePoint at;
  std::size_t to = 0;
  std::variant<Hello, bfd::ControlPacket> content;
};

struct Router {
  std::unique_ptr<Keeper> keeper;
  NodeId id;
  std::map<std::uint32_t, std::uint64_t> gates;
  std::vector<FromKeeper> told;
  std::deque<Hello> socket;  // what arrived while the process was stopped
  bool frozen = false;
  bool daemon = false;
  bool exited = false;
  std::optional<TimePoint> heartbeat_at;
  std::array<bool, 2> can_send{true, true};  // per path
  std::array<bool, 2> link{true, true};      // per path, what leaves here arrives
  std::deque<bfd::ControlPacket> bfd_socket;
  bool bfd_link = true;  // BFD that leaves here arrives
  bool bfd_can_send = true;
  std::uint64_t lives = 0;
  std::vector<Effect> journal;  // every effect in order

  template <typename T>
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> found;
    for (const FromKeeper& message : told)
      if (const T* body = std::get_if<T>(&message)) found.push_back(*body);
    return found;
  }
  template <typename T>
  [[nodiscard]] std::optional<T> last() const {
    const auto found = all<T>();
    return found.empty() ? std::nullopt : std::optional<T>(found.back());
  }
};

class Pair {
 public:
  std::array<Router, 2> routers;
  Router& a = routers[0];
  Router& b = routers[1];
  TimePoint now{seconds(1000)};
  std::uint32_t hello_ms = 20;
  std::uint16_t multiplier = 5;
  std::uint32_t grace_ms = 10'000;
  std::size_t path_count = 1;
  std::uint32_t bfd_us = 0;  // interval of a session bound to path 0; 0: none
  bool bfd_keyed = true;
  bool marks = true;      // false: keepers that know no mark of an opened offer, as of old
  Duration overlap{};     // longest time with both gates open
  std::size_t steps = 0;  // effects and packets carried out so far

  virtual ~Pair() = default;
  Pair() {
    a.id = NodeId(0xa);
    b.id = NodeId(0xb);
  }
  [[nodiscard]] std::size_t index(const Router& router) const { return &router == &a ? 0 : 1; }
  Router& peer_of(const Router& router) { return &router == &a ? b : a; }

  void start_keeper(Router& router) {
    ++router.lives;
    const std::uint64_t session = router.id.value() * 1000 + router.lives;
    router.keeper = std::make_unique<Keeper>(
        Keeper::Identity{static_cast<std::uint32_t>(session), session, session}, now);
    router.socket.clear();
    router.bfd_socket.clear();
    router.exited = false;
  }
  /// The process ends; the map of gate words stays as it is.
  void kill_keeper(Router& router) {
    router.keeper.reset();
    router.heartbeat_at.reset();
  }
  virtual Configure configuration(const Router& router) const {
    Configure configure;
    configure.restart_grace_ms = grace_ms;
    EtrunkConfig etrunk;
    etrunk.id = kEtrunk;
    etrunk.hello_ms = hello_ms;
    etrunk.multiplier = multiplier;
    const std::uint32_t own = &router == &a ? 1 : 2;
    for (std::uint32_t n = 0; n < path_count; ++n) {
      etrunk.paths.push_back({etrunk::PathId(static_cast<std::uint8_t>(n)),
                              IpAddress::v4(0x0a000000 + n * 256 + own),
                              IpAddress::v4(0x0a000000 + n * 256 + 3 - own), ""});
    }
    configure.etrunks.push_back(etrunk);
    configure.scopes.push_back({kScope, kEtrunk, 3, {"ge0"}});
    return configure;
  }
  void connect(Router& router) {
    router.daemon = true;
    router.heartbeat_at = now + milliseconds(500);
    router.told.clear();
    router.keeper->on_daemon_connected(now);
    drain(router);
    tell(router, DaemonHello{1, 1, router.id, "test"});
    before_configuration(router);
    tell(router, configuration(router));
    if (bfd_us != 0) tell(router, bfd_configuration(router));
  }
  ConfigureBfd bfd_configuration(const Router& router) const {
    const std::uint32_t own = &router == &a ? 1 : 2;
    BfdSessionConfig config;
    config.session.name = "ab";
    config.session.local = IpAddress::v4(0x0a000000 + own);
    config.session.peer = IpAddress::v4(0x0a000003 - own);
    config.session.min_tx_us = config.session.min_rx_us = bfd_us;
    if (bfd_keyed) config.session.keys = {{1, "secret"}};
    config.paths = {{kEtrunk, etrunk::PathId(0)}};
    return {true, true, {config}};
  }
  void kill_daemon(Router& router) {
    router.daemon = false;
    router.heartbeat_at.reset();
    if (!router.keeper) return;
    router.keeper->on_daemon_disconnected(now);
    drain(router);
  }
  void tell(Router& router, const ToKeeper& message) {
    router.keeper->on_message(message, now);
    drain(router);
  }
  void request_leave(Router& router) {
    router.keeper->on_leave_requested(now);
    drain(router);
  }
  void carrier(Router& router, bool up) {
    router.keeper->on_carrier("ge0", up, now);
    drain(router);
  }
  void set_scope(Router& router, Role role, Term term, GatePosture posture, bool complete = true) {
    tell(router, SetScope{kScope, role, term, posture, complete});
  }
  void arm(Router& router, Term against, Term term, std::vector<Cause> causes) {
    tell(router, Arm{ArmedPlan{kScope, against, term, std::move(causes)}});
  }
  void freeze(Router& router) { router.frozen = true; }
  void thaw(Router& router) { router.frozen = false; }

  [[nodiscard]] bool open(const Router& router) const {
    const auto it = router.gates.find(3);
    return it != router.gates.end() &&
           it->second > static_cast<std::uint64_t>(now.time_since_epoch().count());
  }
  [[nodiscard]] std::uint64_t word(const Router& router) const {
    const auto it = router.gates.find(3);
    return it == router.gates.end() ? 0 : it->second;
  }
  [[nodiscard]] Duration lease(const Router& router) const {
    return Duration(static_cast<std::int64_t>(word(router))) - now.time_since_epoch();
  }
  [[nodiscard]] ScopeState state(const Router& router) const {
    return router.keeper->status(now).scopes.at(0);
  }

  void run_for(Duration span) { run_until(now + span); }
  void run_until(TimePoint end) {
    while (true) {
      const auto due = next_event();
      if (!due || *due > end) break;
      advance(std::max(now, *due));
      step();
    }
    advance(end);
  }
  /// One router takes everything that is due for it.
  void step() {
    other_step();
    deliver();
    for (Router& router : routers) {
      if (!router.keeper || router.frozen || router.exited) continue;
      if (router.heartbeat_at && *router.heartbeat_at <= now) {
        router.heartbeat_at = now + milliseconds(500);
        router.keeper->on_message(Heartbeat{}, now);
        drain(router);
      }
      const auto due = router.keeper->next_deadline();
      if (due && *due <= now) {
        router.keeper->on_timeout(now);
        drain(router);
      }
      read_socket(router);
    }
  }

  /// A is master in term 1, B backup and armed with term 2 against it; both leased and synced.
  void bring_up(const std::vector<Cause>& causes = {Cause::paths_down, Cause::peer_access_lost,
                                                    Cause::peer_control_dead,
                                                    Cause::peer_leaving}) {
    for (Router& router : routers) {
      start_keeper(router);
      connect(router);
      set_scope(router, Role::init, Term{}, GatePosture::closed, false);
    }
    run_for(milliseconds(3 * hello_ms));
    set_scope(a, Role::master, term(1, a), GatePosture::leased);
    run_for(milliseconds(2 * hello_ms));
    if (bfd_us != 0) run_for(seconds(3));
    set_scope(b, Role::backup, term(1, a), GatePosture::closed);
    arm(b, term(1, a), term(2, b), causes);
    run_for(milliseconds(3 * hello_ms + 7));
  }
  [[nodiscard]] static Term term(std::uint64_t counter, const Router& router) {
    return {counter, router.id};
  }

  /// A packet to the router's session as if from its peer; with the key where there is one.
  void give_bfd(Router& router, const bfd::ControlPacket& packet) {
    const std::uint32_t own = &router == &a ? 1 : 2;
    const bfd::Arrival arrival{IpAddress::v4(0x0a000003 - own),
                               IpAddress::v4(0x0a000000 + own),
                               255,
                               false,
                               {},
                               packet.auth ? bfd::DigestCheck::verified : bfd::DigestCheck::none};
    router.keeper->on_bfd(packet, arrival, now);
    drain(router);
  }
  [[nodiscard]] bfd::State bfd_state(const Router& router) const {
    return router.keeper->bfd().views().at(0).state;
  }

 protected:
  /// What a daemon says to a keeper between Welcome and Configure.
  virtual void before_configuration(Router& /*router*/) {}
  /// What else takes part: sees every effect, has timers of its own.
  virtual void on_effect(Router& /*router*/, const Effect& /*effect*/) {}
  [[nodiscard]] virtual std::optional<TimePoint> other_deadline() const { return std::nullopt; }
  virtual void other_step() {}
  void drain(Router& router) {
    while (router.keeper) {
      auto effect = router.keeper->poll_effect();
      if (!effect) break;
      ++steps;
      router.journal.push_back(*effect);
      on_effect(router, *effect);
      if (auto* send = std::get_if<SendHello>(&*effect)) {
        transmit(router, *send);
      } else if (auto* packet = std::get_if<SendBfd>(&*effect)) {
        transmit(router, *packet);
      } else if (auto* gate = std::get_if<StoreGate>(&*effect)) {
        router.gates[gate->slot] = gate->word;
      } else if (auto* message = std::get_if<ToDaemon>(&*effect)) {
        if (router.daemon) router.told.push_back(message->message);
      } else if (std::holds_alternative<DrainSockets>(*effect)) {
        read_socket(router);
        router.keeper->on_drained(now);
      } else if (std::holds_alternative<Exit>(*effect)) {
        router.exited = true;
      }
    }
  }

 private:
  [[nodiscard]] std::optional<TimePoint> next_event() const {
    std::optional<TimePoint> due = other_deadline();
    for (const Packet& packet : wire_) due = earliest(due, packet.at);
    for (const Router& router : routers) {
      if (!router.keeper || router.frozen || router.exited) continue;
      due = earliest(due, router.heartbeat_at);
      due = earliest(due, router.keeper->next_deadline());
      if (!router.socket.empty() || !router.bfd_socket.empty()) due = now;
    }
    return due;
  }
  void advance(TimePoint to) {
    const auto end_of = [&](const Router& router) {
      const std::uint64_t value = word(router);
      return value == kGateOpen ? to : TimePoint(Duration(static_cast<std::int64_t>(value)));
    };
    const TimePoint both = std::min({end_of(a), end_of(b), to});
    if (both > now) {
      overlap_run_ += both - now;
      overlap = std::max(overlap, overlap_run_);
    }
    if (both < to) overlap_run_ = Duration{};
    now = to;
  }
  void deliver() {
    std::vector<Packet> due;
    std::erase_if(wire_, [&](const Packet& packet) {
      if (packet.at > now) return false;
      due.push_back(packet);
      return true;
    });
    for (Packet& packet : due) {
      ++steps;
      Router& to = routers[packet.to];
      if (!to.keeper) continue;
      if (const Hello* hello = std::get_if<Hello>(&packet.content))
        to.socket.push_back(*hello);
      else
        to.bfd_socket.push_back(std::get<bfd::ControlPacket>(packet.content));
    }
  }
  void read_socket(Router& router) {
    while (router.keeper && !router.exited && !router.bfd_socket.empty()) {
      const bfd::ControlPacket packet = router.bfd_socket.front();
      router.bfd_socket.pop_front();
      give_bfd(router, packet);
    }
    while (router.keeper && !router.exited && !router.socket.empty()) {
      const Hello hello = router.socket.front();
      router.socket.pop_front();
      router.keeper->on_hello(hello.etrunk, hello.path, hello, now);
      drain(router);
    }
  }
  void transmit(Router& router, const SendHello& send) {
    const std::size_t path = send.path.value();
    if (!router.can_send[path]) {
      router.keeper->on_hello_failed(send.etrunk, send.path, now);
      return;
    }
    Hello hello = send.hello;
    if (!marks)
      for (etrunk::ScopeReport& report : hello.scopes) report.opened = 0;
    if (router.link[path]) wire_.push_back({now + kDelay, 1 - index(router), std::move(hello)});
    router.keeper->on_hello_sent(send.etrunk, send.path, now);
  }

  void transmit(Router& router, const SendBfd& send) {
    if (!router.bfd_can_send) {
      router.keeper->on_bfd_failed(send.session);
      return;
    }
    if (router.bfd_link) wire_.push_back({now + kDelay, 1 - index(router), send.packet});
    router.keeper->on_bfd_sent(send.session);
  }

  std::vector<Packet> wire_;
  Duration overlap_run_{};
};

}  // namespace hotpair::ha::keeper::test
