#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "mcast/mrib/mrib_types.h"
#include "mcast/mrib/slot_pool.h"

// The tables of the MRIB. Compact on purpose: a (*,G) with one member link and one outgoing link
// takes about 150 bytes (tests/unit/mcast_mrib measures it).
namespace hotpair::mcast::mrib {

inline constexpr std::uint32_t kNone = 0xffffffffU;

/// Where a family stands in what is kept for both.
inline std::size_t family_index(Family family) { return family == Family::ipv6 ? 1 : 0; }

/// Lists of links are sorted and name each once.
inline void sort_unique(std::vector<std::uint32_t>& links) {
  std::ranges::sort(links);
  links.erase(std::ranges::unique(links).begin(), links.end());
}

/// Lists of numbers (outgoing links, scopes) kept once each and named by a small id; id 0 is the
/// empty list. A hundred thousand routes have a handful of different lists.
class ListTable {
 public:
  ListTable() { lists_.push_back({{}, 1}); }
  /// The id of the list, with one more reference to it.
  [[nodiscard]] std::uint32_t acquire(std::vector<std::uint32_t> list);
  void release(std::uint32_t id);
  [[nodiscard]] const std::vector<std::uint32_t>& operator[](std::uint32_t id) const {
    return lists_[id].values;
  }

 private:
  struct List {
    std::vector<std::uint32_t> values;
    std::uint32_t references = 0;
  };
  std::vector<List> lists_;
  std::vector<std::uint32_t> free_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> ids_;
};

enum class RouteKind : std::uint8_t { none, route, negative };
enum class InFlight : std::uint8_t { nothing, set, removal };

/// What the plane was told of one route, and how that went.
struct RouteState {
  TimePoint since{};               // when it was first set, for the uptime
  std::uint32_t incoming = kNone;  // as told
  std::uint32_t outgoing = 0;      // as told, a list id
  std::uint32_t stamp = 0;         // tells a reused slot from the old one
  RouteKind kind = RouteKind::none;
  InFlight in_flight = InFlight::nothing;
  std::uint8_t failures = 0;  // in a row
  bool pending : 1 = false;   // stands in the queue of changes
  bool failed : 1 = false;    // the plane refused it: not installed
  bool again : 1 = false;     // tell it once more although nothing changed
  bool stale : 1 = false;     // adopted, not confirmed
};

/// What a route should be.
struct Want {
  RouteKind kind = RouteKind::none;
  std::uint32_t incoming = kNone;
  std::vector<std::uint32_t> outgoing;  // sorted
  bool named = false;                   // (S,G): some membership names S
  bool receivers = false;               // inherited_olist(S,G) is not empty (RFC 7761 4.1.6)
  bool immediate = false;               // (S,G): immediate_olist is not empty
  bool shared = false;                  // (S,G): inherited_olist(S,G,rpt) is not empty
  bool local = false;                   // hosts of ours want it from the shared tree, or by name
  bool timed = false;                   // a negative that only an upcall asks for
  bool denied = false;                  // a route, but for admission control
};

/// One link's membership of one origin. Void when `generation` is not the link's: the link was
/// flushed since.
struct Member {
  std::uint32_t link = 0;
  std::uint16_t generation = 0;
  Origin origin = Origin::hosts;
  FilterMode mode = FilterMode::include;
  std::unique_ptr<std::vector<IpAddress>> sources;  // sorted; null when empty
};

/// Assert state of a tree on a link. Void when `generation` is not the link's.
struct TreeAssert {
  std::uint32_t link = 0;
  std::uint32_t generation = 0;
  AssertState state;
};
/// Facts of a tree on a link as they were told. Void when `generation` is not the link's.
struct ToldFacts {
  std::uint32_t link = 0;
  std::uint32_t generation = 0;
  bool could_assert = false;
  bool tracking_desired = false;
  bool rpf_interface = false;
  std::uint32_t preference = 0;
  std::uint32_t metric = 0;
  friend bool operator==(const ToldFacts&, const ToldFacts&) = default;
};
/// What few trees have, beside their entries.
struct TreeSide {
  std::vector<TreeAssert> asserts;
  std::vector<ToldFacts> told;  // by link
};

/// A source that this router could register.
struct FirstHop {
  IpAddress rp;         // as told
  bool tunnel = false;  // the register link is joined
};

/// The root of bidirectional groups, and who acts as designated forwarder for it.
struct BidirRp {
  std::uint32_t target = kNone;
  std::map<std::uint32_t, IpAddress> others;  // link -> another router that acts
  std::set<std::uint32_t> ours;               // links on which this router acts
  std::optional<RpfAnswer> told;              // way to it, as BidirRpChanged said
  bool was_told = false;
  bool wanted = false;  // while the RPs in force are read
};

struct GroupEntry {
  Group group;
  VrfId vrf;
  std::vector<Member> members;
  RouteState star;
  std::uint32_t first_source = kNone;
  std::uint32_t source_count = 0;
  std::uint32_t rp_target = kNone;
  std::uint32_t joined = 0;  // way of the upstream join that was told; 0: none
  bool queued = false;       // stands in the queue of groups to evaluate
  bool bidir = false;        // RFC 5015: one tree in both directions, rp_target is its root
};

struct SourceEntry {
  IpAddress source;
  std::uint32_t group = kNone;
  RouteState route;
  std::uint32_t arrived = kNone;  // link of a packet that waits to be judged (RFC 7761 4.2)
  std::uint32_t target = kNone;
  std::uint32_t next_in_group = kNone;
  std::uint32_t previous_in_group = kNone;
  std::uint32_t next_of_target = kNone;
  std::uint32_t previous_of_target = kNone;
  std::uint32_t recorded = 0;  // scopes with a data-driven event, a list id
  std::uint32_t joined = 0;    // way of the upstream join that was told; 0: none
  std::uint32_t pruned = 0;    // the same of the prune off the shared tree
  std::uint32_t spt_way = 0;   // SPTbit (RFC 7761 4.2.2): way by which it came in on its own tree
  TimePoint active_at{};       // traffic was last known to flow
  TimePoint negative_until{};  // meaningful while negative_timed
  std::uint64_t packets = 0;   // as last read
  std::uint64_t bytes = 0;
  std::uint32_t strays = 0;  // packets on a wrong interface, as last read
  DataDrivenKind record_kind = DataDrivenKind::lhr_spt;
  bool by_traffic : 1 = false;      // an upcall made it
  bool counted : 1 = false;         // packets and bytes have been read
  bool negative_timed : 1 = false;  // stands in the queue of negatives
  bool patience_over : 1 = false;   // no RPF answer in time
  bool registered : 1 = false;      // the RP heard of it by Register
  bool keepalive : 1 = false;       // Keepalive Timer runs: by_traffic, and its tree is wanted
  bool elsewhere : 1 = false;       // RFC 5015: another router acted on `arrived` at the time
};

enum class RpfState : std::uint8_t { asked, reachable, unreachable };

/// One address whose unicast route matters: a source or an RP.
struct Target {
  IpAddress address;
  VrfId vrf;
  RpfState state = RpfState::asked;
  RpfAnswer answer;
  std::uint32_t way = 0;      // another number for every other answer, of every target
  std::uint32_t groups = 0;   // (*,G) that follow it
  std::uint32_t sources = 0;  // (S,G) that follow it
  std::uint32_t first_source = kNone;
  std::uint32_t walk = kNone;  // where a walk over its sources stands
  bool walking = false;
  bool to_ask = false;
};

struct GroupKeyView {
  VrfId vrf;
  const Group& group;
};
struct SourceKeyView {
  std::uint32_t group;
  const IpAddress& source;
};
struct TargetKeyView {
  VrfId vrf;
  const IpAddress& address;
};

/// Hash and equality over slots of a pool or a key view: an index costs 5 to 10 bytes an entry.
template <typename Entry, typename View>
struct SlotHash {
  using is_transparent = void;
  const SlotPool<Entry>* pool;
  [[nodiscard]] std::size_t operator()(std::uint32_t slot) const;
  [[nodiscard]] std::size_t operator()(const View& view) const;
};
template <typename Entry, typename View>
struct SlotEqual {
  using is_transparent = void;
  const SlotPool<Entry>* pool;
  [[nodiscard]] bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
  [[nodiscard]] bool operator()(const View& view, std::uint32_t slot) const;
  [[nodiscard]] bool operator()(std::uint32_t slot, const View& view) const {
    return (*this)(view, slot);
  }
};

/// A slot pool with its index by key. The index is cut into parts that grow one by one, so that no
/// single insertion moves more than a 64th of it.
template <typename Entry, typename View>
class IndexedPool {
 public:
  IndexedPool() {
    parts_.reserve(kParts);
    for (std::size_t i = 0; i < kParts; ++i)
      parts_.emplace_back(0, Hash{&pool_}, SlotEqual<Entry, View>{&pool_});
  }
  IndexedPool(const IndexedPool&) = delete;
  IndexedPool& operator=(const IndexedPool&) = delete;

  [[nodiscard]] std::uint32_t find(const View& view) const {
    const Part& part = parts_[part_of(Hash{&pool_}(view))];
    const auto found = part.find(view);
    return found == part.end() ? kNone : *found;
  }
  [[nodiscard]] std::uint32_t add(Entry entry) {
    const std::uint32_t slot = pool_.add(std::move(entry));
    parts_[part_of(Hash{&pool_}(slot))].insert(slot);
    return slot;
  }
  void remove(std::uint32_t slot) {
    parts_[part_of(Hash{&pool_}(slot))].erase(slot);
    pool_.remove(slot);
  }
  [[nodiscard]] bool contains(std::uint32_t slot) const { return pool_.contains(slot); }
  [[nodiscard]] Entry& operator[](std::uint32_t slot) { return pool_[slot]; }
  [[nodiscard]] const Entry& operator[](std::uint32_t slot) const { return pool_[slot]; }
  [[nodiscard]] std::size_t size() const { return pool_.size(); }
  [[nodiscard]] std::uint32_t slots() const { return pool_.slots(); }

 private:
  using Hash = SlotHash<Entry, View>;
  using Part = boost::unordered_flat_set<std::uint32_t, Hash, SlotEqual<Entry, View>>;
  static constexpr std::size_t kParts = 64;
  /// Six bits that the parts themselves do not lean on.
  [[nodiscard]] static std::size_t part_of(std::size_t hash) {
    return (std::uint64_t{hash} * 0x9e3779b97f4a7c15ULL) >> 58U;
  }

  SlotPool<Entry> pool_;
  std::vector<Part> parts_;
};

using GroupTable = IndexedPool<GroupEntry, GroupKeyView>;
using SourceTable = IndexedPool<SourceEntry, SourceKeyView>;
using TargetTable = IndexedPool<Target, TargetKeyView>;

/// Tokens per second with a burst of one second.
struct TokenBucket {
  double tokens = 0;
  TimePoint at{};
  bool started = false;
  /// Takes one token if there is one.
  [[nodiscard]] bool take(std::uint32_t per_second, TimePoint now);
};

/// Token buckets of (link, source) pairs in fixed memory: pairs that fall on one slot share it.
class SourceBuckets {
 public:
  SourceBuckets() : buckets_(4096) {}
  [[nodiscard]] bool take(LinkId link, const IpAddress& source, std::uint32_t per_second,
                          TimePoint now);

 private:
  std::vector<TokenBucket> buckets_;
};

}  // namespace hotpair::mcast::mrib
