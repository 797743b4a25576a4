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

  Pair();
  virtual ~Pair();
  [[nodiscard]] std::size_t index(const Router& router) const { return &router == &a ? 0 : 1; }
  Router& peer_of(const Router& router) { return &router == &a ? b : a; }

  void start_keeper(Router& router);
  /// The process ends; the map of gate words stays as it is.
  void kill_keeper(Router& router);
  virtual Configure configuration(const Router& router) const;
  void connect(Router& router);
  [[nodiscard]] ConfigureBfd bfd_configuration(const Router& router) const;
  void kill_daemon(Router& router);
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
  void run_until(TimePoint end);
  /// One router takes everything that is due for it.
  void step();

  /// A is master in term 1, B backup and armed with term 2 against it; both leased and synced.
  void bring_up(const std::vector<Cause>& causes = {Cause::paths_down, Cause::peer_access_lost,
                                                    Cause::peer_control_dead,
                                                    Cause::peer_leaving});
  [[nodiscard]] static Term term(std::uint64_t counter, const Router& router) {
    return {counter, router.id};
  }

  /// A packet to the router's session as if from its peer; with the key where there is one.
  void give_bfd(Router& router, const bfd::ControlPacket& packet);
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
  void drain(Router& router);

 private:
  [[nodiscard]] std::optional<TimePoint> next_event() const;
  void advance(TimePoint to);
  void deliver();
  void read_socket(Router& router);
  void transmit(Router& router, const SendHello& send);

  void transmit(Router& router, const SendBfd& send);

  std::vector<Packet> wire_;
  Duration overlap_run_{};
};

}  // namespace hotpair::ha::keeper::test
