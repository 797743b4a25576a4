#pragma once

#include <deque>
#include <limits>
#include <map>

#include "platform/fwd/forwarding_plane.h"

namespace hotpair::fwd {

/// A forwarding plane in memory, for unit tests and the simulator: it obeys the contract of
/// ForwardingPlane, forwards single packets on request, and fails where it is told to.
///
/// The object stands for the hardware: it outlives the engine that programs it, so a simulated
/// restart keeps the FakePlane and calls read_back().
class FakePlane final : public ForwardingPlane {
 public:
  struct Options {
    std::size_t link_limit = 32;
    std::size_t route_limit = std::numeric_limits<std::size_t>::max();
    /// Changes are answered as applied but forward only after settle(), as a slow ASIC does.
    bool deferred = false;
  };
  FakePlane() = default;
  explicit FakePlane(const Options& options) : options_(options) {}

  [[nodiscard]] Result<void> add_link(const PlaneLink& link) override;
  [[nodiscard]] Result<void> remove_link(LinkId link) override;
  [[nodiscard]] std::vector<AppliedChange> apply(std::span<const RouteChange> delta) override;
  [[nodiscard]] Result<std::vector<Route>> read_back() override;
  [[nodiscard]] std::vector<std::optional<RouteCounters>> counters(
      std::span<const RouteKey> keys) override;

  /// The next `times` changes of this key answer `error` and change nothing.
  void fail_route(const RouteKey& key, Error error, std::size_t times = 1);
  /// Every change answers `error` until it is cleared with nullopt.
  void fail_all(std::optional<Error> error) { fail_all_ = std::move(error); }
  /// add_link of this link answers `error` until it is cleared with nullopt.
  void fail_link(LinkId link, std::optional<Error> error);
  /// read_back() answers `error` until it is cleared with nullopt.
  void fail_read_back(std::optional<Error> error) { fail_read_back_ = std::move(error); }

  /// Makes up to `count` deferred changes forward, oldest first; answers how many are left.
  std::size_t settle(std::size_t count = std::numeric_limits<std::size_t>::max());

  /// One packet arrives on `in`: answers the links that it leaves by, sorted. Updates counters and
  /// raises NoRoute or WrongInterface as the kernel does, but each time: (S,G) before (*,G), a
  /// (*,G) takes packets from its incoming link. An outgoing register tunnel raises WholePacket
  /// with the packet given and is no part of the answer.
  std::vector<LinkId> receive(VrfId vrf, LinkId in, const IpAddress& source, const Group& group,
                              ByteSpan packet = {});
  /// Takes the oldest event, or nullopt when drained.
  [[nodiscard]] std::optional<PlaneEvent> poll_event();

  /// What forwards now, by key (without deferred changes).
  [[nodiscard]] const std::map<RouteKey, Route>& routes() const { return active_; }
  [[nodiscard]] const std::map<LinkId, PlaneLink>& links() const { return links_; }
  /// Calls of apply() and changes in them, for tests that count work.
  [[nodiscard]] std::size_t apply_calls() const { return apply_calls_; }
  [[nodiscard]] std::size_t changes() const { return changes_; }

 private:
  struct Failure {
    Error error;
    std::size_t times = 0;
  };
  std::optional<Error> refuse(const RouteChange& change);
  std::optional<Error> check_route(const Route& route) const;
  void accept(const RouteChange& change);
  void activate(const RouteChange& change);
  [[nodiscard]] std::optional<LinkId> register_tunnel() const;
  const Route* match(VrfId vrf, LinkId in, const IpAddress& source, const Group& group) const;

  Options options_;
  std::map<LinkId, PlaneLink> links_;
  std::map<RouteKey, Route> accepted_;  // what callers were told
  std::map<RouteKey, Route> active_;    // what forwards
  std::map<RouteKey, RouteCounters> counters_;
  std::deque<RouteChange> waiting_;  // deferred, oldest first
  std::deque<PlaneEvent> events_;
  std::map<RouteKey, Failure> failures_;
  std::map<LinkId, Error> link_failures_;
  std::optional<Error> fail_all_;
  std::optional<Error> fail_read_back_;
  std::size_t apply_calls_ = 0;
  std::size_t changes_ = 0;
};

}  // namespace hotpair::fwd
