#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/pim/pim_join_prune_show.h"
#include "mcast/pim/pim_lan.h"
#include "mcast/pim/pim_records.h"
#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

namespace hotpair::mcast::pim {

/// RP(G): which RP a group has here (RFC 7761 4.7).
class RpDirectory {
 public:
  RpDirectory() = default;
  RpDirectory(const RpDirectory&) = delete;
  RpDirectory& operator=(const RpDirectory&) = delete;
  virtual ~RpDirectory() = default;
  [[nodiscard]] virtual std::optional<IpAddress> rp_of(VrfId vrf, const Group& group) const = 0;
};

/// Why an entry of a well-formed message, or a record, was not acted on.
enum class DownstreamIgnored : std::uint8_t {
  rp_mismatch,       ///< Join(*,G) for another RP than ours (4.5.1)
  rp_unknown,        ///< Join(*,G) of a group without RP
  ssm_range,         ///< (*,G) or (S,G,rpt) of a source-specific group (4.8.1)
  link_local_group,  ///< never routed
  policy,            ///< not in the join policy of the link
  boundary,          ///< of an administrative scope that ends at the link
  entries_limit,     ///< LinkConfig::entries_max reached
  bad_record,        ///< a record whose state does not fit its key
  count_
};
inline constexpr std::size_t kDownstreamIgnoredCount =
    static_cast<std::size_t>(DownstreamIgnored::count_);
[[nodiscard]] std::string_view to_string(DownstreamIgnored reason);

/// Of one link. `faults` counts entries; those with unknown flags are processed all the same.
struct DownstreamCounters {
  std::uint64_t messages = 0;    ///< heard, whatever became of them
  std::uint64_t muted = 0;       ///< heard as a backup: changed nothing
  std::uint64_t not_for_us = 0;  ///< to another upstream neighbour
  std::uint64_t echoes = 0;      ///< PruneEcho entries sent
  std::array<std::uint64_t, wire::kPimEntryFaultCount> faults{};
  std::array<std::uint64_t, kDownstreamIgnoredCount> ignored{};
};

/// How a Join/Prune came. The sender is a neighbour: who said no Hello was refused before.
struct JoinPruneArrival {
  LinkId link;
  IpAddress from;
  bool upstream_is_us = false;  ///< its upstream neighbour is an address of ours on the link
  LanState lan;
};

/// A record to journal: of a link with a scope while that is active, of others always.
struct RecordChanged {
  JoinPruneRecord record;
};
struct RecordRemoved {
  JoinPruneKey key;
};
/// Everything of the link is gone at once: drop its views and records. Nothing per entry follows.
struct DownstreamFlushed {
  LinkId link;
};
using DownstreamEffect = std::variant<SendOnLink, DownstreamView, RecordChanged, RecordRemoved,
                                      DownstreamFlushed, LimitReached>;

/// Join/Prune received: the downstream machines per link of RFC 7761 4.5.1 (*,G), 4.5.2 (S,G) and
/// 4.5.3 (S,G,rpt). Sans-IO.
///
/// A link whose scope is not active is muted: messages are counted, state comes by records and has
/// no timers. After every input the driver drains poll_effect() and sets its timer.
class Downstream {
 public:
  Downstream();
  ~Downstream();
  Downstream(const Downstream&) = delete;
  Downstream& operator=(const Downstream&) = delete;

  // ---- configuration and role ----

  /// Adds the link or changes it; a scope that was never activated is a backup.
  void configure(const LinkConfig& config, TimePoint now);
  /// Forgets the link: DownstreamFlushed. The memory returns in slices.
  void remove_link(LinkId link, TimePoint now);
  /// O(links). Replicated state gets its timers lazily, on first touch or by a sweep in slices: its
  /// full holdtime from now, for the routers of the link have yet to learn that their Joins go to
  /// this router, and a pending prune its whole delay, for an override may have been lost.
  void activate(ScopeId scope, TimePoint now);
  /// State stays as the replicated state, timers stop.
  void deactivate(ScopeId scope, TimePoint now);

  // ---- inputs ----

  void on_join_prune(const JoinPruneArrival& arrival, const wire::PimJoinPrune& message,
                     const RpDirectory& rps, TimePoint now);
  /// Of the master on a muted link; of the own store when restoring on an active one, where what
  /// routers said since wins. Any order.
  void on_record(const JoinPruneRecord& record, TimePoint now);
  void on_record_removed(const JoinPruneKey& key, TimePoint now);

  // ---- driving ----

  /// Runs what is due, at most 1000 items; a spurious call changes nothing.
  void on_timeout(TimePoint now);
  /// A past instant while slices remain.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// What to send, then the records and after them the views that changed, each once.
  [[nodiscard]] std::optional<DownstreamEffect> poll_effect();

  // ---- queries ----

  /// Records of all links, at most `max`, after `after` (none: from the beginning).
  [[nodiscard]] JoinPruneSlice snapshot(const std::optional<JoinPruneKey>& after,
                                        std::size_t max) const;
  [[nodiscard]] DownstreamModel show(const JoinPruneFilter& filter, TimePoint now) const;
  [[nodiscard]] std::size_t entry_count(LinkId link) const;
  /// nullptr: no such link.
  [[nodiscard]] const DownstreamCounters* counters(LinkId link) const;
  void reset_counters(LinkId link);

 private:
  struct Entry;
  struct Link;
  struct Reading;
  using Entries = std::map<TreeKey, Entry>;
  using Place = Entries::iterator;

  // pim_downstream.cc: messages and timers
  [[nodiscard]] Link* find(LinkId link) const;
  [[nodiscard]] bool is_muted(const Link& link) const;
  void read_set(Reading& reading, const wire::PimGroupSet& set);
  void read_source(Reading& reading, const Group& group, const wire::PimSource& source, bool join);
  [[nodiscard]] bool accepts_shared_tree(Reading& reading, const Group& group, const IpAddress& rp);
  [[nodiscard]] Place admit(Reading& reading, const TreeKey& key);
  void join(Reading& reading, const TreeKey& key);
  void prune(Reading& reading, const TreeKey& key, const IpAddress& rp);
  void join_rpt(Reading& reading, const TreeKey& key);
  void prune_rpt(Reading& reading, const TreeKey& key);
  void begin_shared_tree(Reading& reading, const Group& group);
  void end_of_message(Reading& reading, const Group& group);
  void expire(Link& link, Place place, TimePoint now);
  void send_echoes(Link& link);

  // pim_downstream_records.cc: settling, views, records, takeover
  /// Tells what changed about the entry, arms its timer, and drops it if nothing is left.
  void settle(Link& link, Place place);
  void arm(Link& link, Place place);
  void drop(Link& link, Place place);
  void announce(Link& link, Place place);
  [[nodiscard]] DownstreamView view_of(LinkId id, const Group& group) const;
  void start_sweep(Link& link, TimePoint now);
  void adopt(Link& link, Place place, TimePoint now);
  void sweep(Link& link, std::size_t& budget, TimePoint now);
  void reclaim(std::size_t& budget);

  std::map<LinkId, std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Link>> removed_;
  std::set<ScopeId> active_scopes_;
  // Not in the queue: one message may change as many as a link has.
  std::map<JoinPruneKey, std::optional<JoinPruneValue>> changed_records_;
  std::set<std::pair<LinkId, Group>> changed_views_;
  EffectQueue<DownstreamEffect> effects_;
};

}  // namespace hotpair::mcast::pim
