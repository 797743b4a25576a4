#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

/// Asserts: which router forwards a tree onto a link. RFC 7761 4.6.
namespace hotpair::mcast::pim {

enum class AssertState : std::uint8_t { no_info, winner, loser };

/// assert_metric of 4.6.3: the smaller one wins, except that the larger address does.
struct AssertMetric {
  bool rpt = true;  ///< of the shared tree
  wire::PimMetric route{.preference = wire::kPimPreferenceMax, .metric = 0xffffffff};
  IpAddress address;  ///< primary, of the router that asserts

  /// Of an AssertCancel, and of a router that could not assert.
  [[nodiscard]] bool is_infinite() const;
  [[nodiscard]] bool is_better_than(const AssertMetric& other) const;
  friend bool operator==(const AssertMetric&, const AssertMetric&) = default;
};

/// What MRIB knows of a tree on a link; key (S,G) or (*,G). All defaults: nothing.
struct AssertFacts {
  bool could_assert = false;      ///< CouldAssert (4.6.1, 4.6.2)
  bool tracking_desired = false;  ///< AssertTrackingDesired
  bool rpf_interface = false;     ///< the link is RPF_interface(S), of (*,G) RPF_interface(RP(G))
  wire::PimMetric metric;         ///< of the unicast route to S, of (*,G) to the RP
  friend bool operator==(const AssertFacts&, const AssertFacts&) = default;
};

/// Assert state as MRIB needs it. The winner of a link that is lost is RPF' of its tree if the link
/// is the RPF interface (4.1.6). An (S,G) that turns from no_info to loser on RPF_interface(S)
/// while joined sets SPTbit(S,G) (action A6 of 4.6.1).
struct AssertView {
  AssertState state = AssertState::no_info;
  AssertMetric winner;  ///< own or other's; infinite without one
  /// lost_assert (4.6.5): the link leaves the outgoing list. lost_assert(S,G,rpt) is
  /// `state == loser` where the link is not the RPF interface in use.
  bool lost = false;
  friend bool operator==(const AssertView&, const AssertView&) = default;
};

/// The view of a tree on a link differs from the one told before.
struct AssertChanged {
  LinkId link;
  TreeKey key;
  AssertView view;
};
/// Every assert state of the link is gone at once. No effect per tree follows.
struct AssertsFlushed {
  LinkId link;
};
using AssertsEffect = std::variant<SendOnLink, AssertChanged, AssertsFlushed, LimitReached>;

/// Why an Assert or data on a wrong interface changed nothing.
enum class AssertIgnored : std::uint8_t {
  muted,         ///< the link's scope is muted, or the link has no address
  wrong_source,  ///< from ourselves or of another family
  boundary,      ///< of an administrative scope that ends at the link
  no_row,        ///< no row of the state table fits, or the tree is not known here
  entries_max,   ///< facts refused: the link has as many trees as it may
  count_
};
inline constexpr std::size_t kAssertIgnoredCount = static_cast<std::size_t>(AssertIgnored::count_);
[[nodiscard]] std::string_view to_string(AssertIgnored reason);

struct AssertCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t cancels_sent = 0;
  std::array<std::uint64_t, kAssertIgnoredCount> ignored{};
  friend bool operator==(const AssertCounters&, const AssertCounters&) = default;
};

/// The (S,G) and (*,G) assert machines of one family on all links.
///
/// A tree has state on a link only after facts of MRIB said so: no packet makes an entry. The
/// caller lets only neighbours' Asserts in, and has Neighbours::hello_first() before what is sent.
/// Every `address` is a neighbour's primary one. Key fields `rpt` are read by on_data() alone.
class Asserts {
 public:
  Asserts() = default;
  Asserts(const Asserts&) = delete;
  Asserts& operator=(const Asserts&) = delete;

  /// Adds the link or changes it: address, scope and entries_max count here. With another own
  /// address all that was won is asserted again, in slices.
  void set_link(const LinkConfig& config, TimePoint now);
  void remove_link(LinkId link, TimePoint now);
  /// A scope starts muted. Muting flushes its links; facts stay.
  void set_mode(ScopeId scope, LinkMode mode, TimePoint now);

  void set_facts(LinkId link, const TreeKey& key, const AssertFacts& facts, TimePoint now);
  void on_assert(LinkId link, const IpAddress& from, const wire::PimAssert& message, TimePoint now);
  /// A packet of the tree came in on a link it goes out on (4.2). The key is (S,G) if SPTbit(S,G)
  /// is set, else (S,G) with `rpt`: the shared tree's, where the Assert names S.
  void on_data(LinkId link, const TreeKey& key, TimePoint now);
  /// A Join of this tree with our address as upstream neighbour.
  void on_join_received(LinkId link, const TreeKey& key, TimePoint now);
  /// The neighbour went, or restarted with a new generation id. Taken up in slices.
  void on_neighbour_lost(LinkId link, const IpAddress& address, TimePoint now);

  /// Runs what is due, at most 1000 items.
  void on_timeout(TimePoint now);
  /// A past instant while slices remain.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<AssertsEffect> poll_effect() { return effects_.poll(); }

  [[nodiscard]] AssertView view(LinkId link, const TreeKey& key) const;
  /// Trees of the link with facts, and those of them with a winner.
  [[nodiscard]] std::size_t entry_count(LinkId link) const;
  [[nodiscard]] std::size_t asserted_count(LinkId link) const;
  [[nodiscard]] AssertCounters counters(LinkId link) const;

 private:
  /// What an Assert taught. Few trees have it, each has facts on all its links.
  struct Learned {
    AssertView view;
    std::uint64_t stamp = 0;         // order of what was learned, for sweeps
    TimePoint deadline{};            // Assert Timer
    std::optional<TimePoint> armed;  // as it stands in timers_: at or before the deadline
  };
  struct Entry {
    AssertFacts facts;
    std::uint32_t generation = 0;      // of the link; an older one: no_info
    std::unique_ptr<Learned> learned;  // null: no_info, and no timer

    [[nodiscard]] AssertState state() const {
      return learned ? learned->view.state : AssertState::no_info;
    }
  };
  using Entries = std::map<TreeKey, Entry>;
  struct Link {
    LinkConfig config;
    bool live = false;
    Entries entries;
    std::uint32_t generation = 1;
    std::size_t asserted = 0;
    std::map<IpAddress, std::size_t> losers;  // how many trees are lost to whom
    AssertCounters counters;

    void ignore(AssertIgnored reason) { ++counters.ignored[static_cast<std::size_t>(reason)]; }
  };
  /// One entry of a link together with its place.
  struct Place {
    Link& link;
    const TreeKey& key;
    Entry& entry;
  };
  /// A pass over the entries of a link that were there before `stamp`.
  struct Sweep {
    std::uint64_t stamp = 0;
    std::optional<TreeKey> after;  // the last one done
  };

  // pim_assert.cc: links, entries, slices
  [[nodiscard]] Link* find(LinkId link);
  [[nodiscard]] const Link* find(LinkId link) const;
  [[nodiscard]] std::optional<Place> find(Link& link, const TreeKey& key);
  [[nodiscard]] Link* find_live(LinkId link);
  [[nodiscard]] bool may_live(const LinkConfig& config) const;
  void set_live(Link& link, bool live);
  void flush(Link& link);
  void arm(const Place& place);
  void free_if_idle(const Place& place);
  void run_timer(TimePoint now);
  void run_sweep(std::size_t& budget, TimePoint now);
  void run_graveyard(std::size_t& budget);

  // pim_assert_machine.cc: the state tables
  enum class Took : std::uint8_t { nothing, action };
  [[nodiscard]] Took receive(const Place& place, const AssertMetric& heard,
                             const IpAddress& mentioned, TimePoint now);
  [[nodiscard]] Took receive_as_nobody(const Place& place, const AssertMetric& heard,
                                       const IpAddress& mentioned, TimePoint now);
  [[nodiscard]] Took receive_as_winner(const Place& place, const AssertMetric& heard,
                                       const IpAddress& mentioned, TimePoint now);
  [[nodiscard]] Took receive_as_loser(const Place& place, const AssertMetric& heard, TimePoint now);
  [[nodiscard]] Took take_data(const Place& place, const IpAddress& mentioned, TimePoint now);
  void apply_facts(const Place& place, const AssertFacts& facts);
  void expire(const Place& place, TimePoint now);
  void visit(const Place& place, const IpAddress& lost, TimePoint now);
  [[nodiscard]] AssertMetric my_metric(const Place& place) const;
  void assert_self(const Place& place, const IpAddress& mentioned, TimePoint now);
  void cancel(const Place& place);
  void lose_to(const Place& place, const AssertMetric& winner, TimePoint now);
  void forget(const Place& place);
  void send(const Place& place, const IpAddress& source, const AssertMetric& metric);
  void become(const Place& place, AssertState state, const AssertMetric& winner);

  std::map<LinkId, Link> links_;
  std::map<ScopeId, LinkMode> modes_;
  std::set<std::tuple<TimePoint, LinkId, TreeKey>> timers_;
  std::map<std::pair<LinkId, IpAddress>, Sweep> sweeps_;  // unspecified: own address changed
  std::vector<Entries> graveyard_;                        // of removed links
  std::uint64_t next_stamp_ = 1;
  TimePoint last_now_{};
  EffectQueue<AssertsEffect> effects_;
};

}  // namespace hotpair::mcast::pim
