#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "mcast/gmp/gmp_records.h"
#include "mcast/gmp/gmp_store.h"
#include "mcast/gmp/gmp_types.h"
#include "mcast/wire/gmp_packet.h"
#include "platform/base/effect_queue.h"

namespace hotpair::mcast::gmp {

/// A slice of the state, in no particular order; `next` continues, nullopt: that was all.
struct SnapshotSlice {
  std::vector<MembershipRecord> records;
  std::optional<std::uint32_t> next;
};

/// Group membership of a node, router side: one engine for IGMP and MLD on all interfaces.
///
/// An interface is keyed by (link, family). With a scope, it is a standby until activate(scope): it
/// sends nothing, hears without acting, and its state comes by on_record(). MembershipChanged tells
/// the views either way.
class Machine {
 public:
  /// `hash_seed`: random bits, so that no host can choose groups that collide.
  explicit Machine(std::uint64_t hash_seed = 0);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Adds the interface or changes it, live. A new interface whose address is known starts as
  /// querier with startup queries at once.
  void configure(LinkId link, Family family, const InterfaceConfig& config, TimePoint now);
  /// Forgets the interface and its memberships: FlushInterface. The memory returns in slices.
  void remove(LinkId link, Family family, TimePoint now);
  /// Configured membership for any source or for one source; it never expires. Kept apart from what
  /// hosts report, and in no record: each node applies its own configuration.
  void set_static(LinkId link, const Group& group, const std::optional<IpAddress>& source,
                  bool present, TimePoint now);

  /// Makes the interfaces of the scope active, in O(interfaces): querier and startup queries at
  /// once; timers of replicated entries are raised, lazily, to robustness * startup query interval
  /// + query response interval from now, and interrupted last-member queries are asked again.
  void activate(ScopeId scope, TimePoint now);
  /// Makes them standby: state stays as the replicated state, nothing is sent any more.
  void deactivate(ScopeId scope, TimePoint now);
  [[nodiscard]] Mode mode(ScopeId scope) const;

  /// Feeds one message heard on the link. The family is that of `source`.
  void on_packet(LinkId link, const IpAddress& source, const IpAddress& destination,
                 const wire::Message& message, TimePoint now);
  /// Counts a packet that the parser refused.
  void on_reject(LinkId link, Family family, wire::Reject reason);
  /// Applies one record: of the master on a standby interface, of the own store when restoring on
  /// an active one, where what hosts said since wins. Records may come in any order.
  void on_record(const MembershipRecord& record, TimePoint now);

  /// Unites with the state of an active interface what only a peer knew that was master as well
  /// (a split brain). What it adds is forwarded at once and asked for on the link; it ends like a
  /// membership that was left, if no host answers within the last member query time (RFC 9776 8.8
  /// to 8.10, RFC 9777 9.8 to 9.10), and is an ordinary one if a host does. Beyond
  /// kTentativeAsked groups in that time all hosts are asked instead by `robustness` general
  /// queries, a query response interval apart and within one of now. What is known already lives
  /// until they are over, for the peer's hosts may not have heard the last ones.
  Taken on_tentative(const MembershipRecord& record, TimePoint now);
  [[nodiscard]] Tentative tentative(LinkId link, Family family) const;

  /// Runs what is due at `now`, at most 1000 items; next_deadline() is `now` while more is due.
  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<Effect> poll_effect() { return effects_.poll(); }

  /// About `max` records from `cursor` (0 at first); a group comes with all its sources. What
  /// changes meanwhile is announced by RecordChanged as always.
  [[nodiscard]] SnapshotSlice snapshot(std::uint32_t cursor, std::size_t max) const;

  /// Groups of the interface, dynamic and static.
  [[nodiscard]] std::size_t group_count(LinkId link, Family family) const;
  void reset_counters(LinkId link, Family family);

 private:
  friend class View;  // gmp_show reads
  struct Interface;
  struct Rule;

  // gmp_machine.cc: interfaces and dispatch
  [[nodiscard]] Interface* find(LinkId link, Family family);
  [[nodiscard]] const Interface* find(LinkId link, Family family) const;
  [[nodiscard]] Interface& add(LinkId link, Family family);
  [[nodiscard]] bool is_active(const Interface& interface) const;
  void see(TimePoint now);
  void count(Interface& interface, const wire::Message& message);
  void reclaim(std::size_t& budget);

  // gmp_querier.cc: roles, election, queries sent and heard (RFC 3376 6.6, RFC 3810 7.6)
  void apply_role(Interface& interface, TimePoint now);
  void raise_timers(Interface& interface, TimePoint now);
  void set_role(Interface& interface, QuerierRole role, const IpAddress& querier, TimePoint now);
  void on_message(Interface& interface, const IpAddress& source, const wire::Query& query,
                  TimePoint now);
  void elect(Interface& interface, const IpAddress& source, const wire::Query& query,
             TimePoint now);
  void obey_query(Interface& interface, const wire::Query& query, TimePoint now);
  void obey_source_query(GroupEntry& entry, const wire::Query& query, TimePoint lowered_to);
  void send_general(Interface& interface, TimePoint now);
  void ask_everybody(Interface& interface, TimePoint now);
  void interface_timers(Interface& interface, TimePoint now);
  void query_group(Interface& interface, std::uint32_t index, TimePoint now);
  void mark_source(Interface& interface, GroupEntry& entry, SourceEntry& source, TimePoint now);
  void transmit(Interface& interface, std::uint32_t index, TimePoint now);
  void send_group_query(Interface& interface, const GroupEntry& entry, bool suppress);
  void send_source_query(Interface& interface, const GroupEntry& entry, bool suppress,
                         std::span<const IpAddress> sources);

  // gmp_reports.cc: the state tables (RFC 3376 6.4, RFC 3810 7.4)
  struct HostRecord;
  void on_message(Interface& interface, const IpAddress& source, const wire::GroupReport& report,
                  TimePoint now);
  void on_message(Interface& interface, const IpAddress& source, const wire::Leave& leave,
                  TimePoint now);
  void on_message(Interface& interface, const IpAddress& source, const wire::SourceReport& report,
                  TimePoint now);
  void apply(Interface& interface, const HostRecord& record, TimePoint now);
  [[nodiscard]] std::uint32_t admit(Interface& interface, const HostRecord& record, TimePoint now);
  [[nodiscard]] std::uint32_t admit_group(Interface& interface, const Group& group,
                                          const IpAddress& host, TimePoint now);
  void run_rule(Interface& interface, std::uint32_t index, const HostRecord& record, TimePoint now);
  void merge(Interface& interface, std::uint32_t index, const Rule& rule, const HostRecord& record,
             TimePoint now);
  void act(Interface& interface, GroupEntry& entry, SourceEntry& source, std::uint8_t action,
           TimePoint now);
  void note_older_host(Interface& interface, std::uint32_t index, std::uint8_t version,
                       TimePoint now);

  // gmp_timers.cc: expiry (RFC 3376 6.2.2, 6.3, 6.5)
  void run_group(std::uint32_t index, TimePoint now);
  void expire_sources(Interface& interface, GroupEntry& entry, TimePoint now);
  void expire_group(Interface& interface, GroupEntry& entry, TimePoint now);
  void expire_older_hosts(GroupEntry& entry, TimePoint now);
  void rearm(std::uint32_t index);

  // gmp_restore.cc: records in, takeover
  void restore(Interface& interface, const GroupMembership& record, TimePoint now);
  void restore(Interface& interface, const SourceMembership& record, TimePoint now);
  void restore_live(Interface& interface, std::uint32_t index, const GroupValue& value,
                    TimePoint now);
  void adopt(Interface& interface, std::uint32_t index, TimePoint now);
  void sweep(Interface& interface, std::size_t& budget, TimePoint now);

  // gmp_tentative.cc: what only a peer knew
  [[nodiscard]] Taken unite(Interface& interface, const GroupMembership& record, TimePoint now);
  [[nodiscard]] Taken unite(Interface& interface, const SourceMembership& record, TimePoint now);
  [[nodiscard]] Taken unite_blocked(Interface& interface, const SourceMembership& record,
                                    TimePoint now);
  [[nodiscard]] std::uint32_t admit_tentative(Interface& interface, const Group& group,
                                              const IpAddress& reporter, TimePoint now);
  [[nodiscard]] bool may_ask_each(Interface& interface, const GroupEntry& entry, TimePoint now);
  [[nodiscard]] TimePoint ask_all(Interface& interface, TimePoint now);
  void ask_tentative(Interface& interface, GroupEntry& entry, SourceEntry* source, TimePoint now);
  template <typename Entry>
  [[nodiscard]] Taken keep_known(Interface& interface, Entry& entry, TimePoint now);
  void confirm_all(Interface& interface, TimePoint now);
  enum class Fate : std::uint8_t { confirmed, expired };
  template <typename Entry>
  void end_tentative(Interface& interface, Entry& entry, Fate fate);

  // gmp_entries.cc: entries, views and records
  enum class Commit : std::uint8_t { restored, live };
  [[nodiscard]] std::uint32_t obtain(Interface& interface, const IpAddress& group, TimePoint now);
  /// The place in the list where the source stands, or where it is to be put in.
  [[nodiscard]] std::uint32_t* source_place(GroupEntry& entry, const IpAddress& source);
  SourceEntry& insert_source(GroupEntry& entry, std::uint32_t* place, const IpAddress& source);
  /// Announces what changed in the entry, drops dead sources, and the entry if nothing is left.
  void commit(Interface& interface, std::uint32_t index, Commit kind);
  void normalise(GroupEntry& entry);
  void announce_sources(const Interface& interface, GroupEntry& entry, bool forwarding);
  void drop_dead_sources(GroupEntry& entry);
  void announce_group(const Interface& interface, const GroupEntry& entry);
  void announce_view(const Interface& interface, const GroupEntry& entry);
  void set_reporter(Interface& interface, GroupEntry& entry, const IpAddress& host);
  void charge(Interface& interface, GroupEntry& entry);
  void uncharge(Interface& interface, GroupEntry& entry);
  void release(Interface& interface, std::uint32_t index);
  void release_sources(GroupEntry& entry);
  [[nodiscard]] GroupValue value_of(const Interface& interface, const GroupEntry& entry) const;
  /// As a record: without what this node's configuration lays over it.
  [[nodiscard]] GroupValue record_of(const Interface& interface, const GroupEntry& entry) const;
  [[nodiscard]] SourceValue record_of(const Interface& interface, const SourceEntry& source) const;
  [[nodiscard]] SourceValue value_of(const Interface& interface, const SourceEntry& source) const;

  GroupPool groups_;
  SourcePool sources_;
  TimingWheel wheel_;
  std::vector<std::unique_ptr<Interface>> interfaces_;  // slots; a slot is reused when reclaimed
  std::map<std::pair<LinkId, Family>, std::uint32_t> by_key_;
  std::map<ScopeId, Mode> modes_;
  std::uint64_t hash_seed_;
  std::uint64_t unknown_interface_ = 0;
  std::optional<TimePoint> origin_;
  TimePoint last_now_{};
  EffectQueue<Effect> effects_;
};

}  // namespace hotpair::mcast::gmp
