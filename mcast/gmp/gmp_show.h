#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mcast/gmp/gmp_machine.h"
#include "mcast/gmp/gmp_types.h"

/// Plain models for `display igmp|mld interface` and `display igmp|mld group`.
namespace hotpair::mcast::gmp {

struct InterfaceRow {
  LinkId link;
  std::uint8_t version = 0;
  QuerierRole role{};
  std::optional<ScopeId> scope;
  IpAddress address;                       ///< own
  IpAddress querier;                       ///< who asks; unspecified: nobody known
  std::optional<Duration> querier_expires; ///< other querier present timer
  IpAddress other_querier;                 ///< heard on a scope interface where it does not count
  Duration querier_uptime{};               ///< since the role was taken
  std::optional<Duration> next_query;      ///< general query, when querier
  std::uint8_t robustness = 0;             ///< in force; a non-querier follows the querier
  Duration query_interval{};               ///< in force
  Duration query_response_interval{};
  Duration last_member_query_interval{};
  std::uint8_t last_member_query_count = 0;
  Duration startup_query_interval{};
  std::uint8_t startup_query_count = 0;
  Duration membership_interval{};
  bool fast_leave = false;
  std::uint32_t groups = 0;
  std::uint32_t groups_peak = 0;
  std::uint32_t max_groups = 0;
  std::uint32_t max_groups_per_host = 0;  ///< 0: no limit
  std::uint32_t max_sources_per_group = 0;
  Counters counters;
};

struct SourceRow {
  IpAddress source;
  bool forwarding = false;
  bool is_static = false;
  bool is_dynamic = false;
  std::optional<Duration> expires;  ///< absent: blocked, static, or standby
  std::optional<LastMemberQuery> query;
};

struct GroupRow {
  LinkId link;
  Group group;
  FilterMode mode = FilterMode::include;
  std::uint8_t older_host_version = 0;
  bool is_static = false;
  bool is_dynamic = false;
  bool synced = false;  ///< the interface is standby: state of the master
  IpAddress last_reporter;
  Duration uptime{};
  std::optional<Duration> expires;        ///< group timer; absent: INCLUDE, static, or standby
  std::optional<Duration> version1_host;  ///< older version host present timers
  std::optional<Duration> version2_host;
  std::optional<LastMemberQuery> query;
  std::vector<SourceRow> sources;  ///< sorted
};

/// Which groups to show. A link and a group together are a lookup; anything else reads all entries.
struct GroupFilter {
  Family family = Family::ipv4;
  std::optional<LinkId> link;
  std::optional<std::vector<LinkId>> links;  ///< of these only; sorted
  std::optional<Group> group;
  std::size_t max_rows = 100'000;
};

struct GroupTable {
  std::vector<GroupRow> rows;    ///< sorted by link, then group
  std::size_t total = 0;         ///< matching groups, of which at most max_rows are in `rows`
};

/// The same table in slices: no call does more than about 2000 looks or 50 rows, however many
/// groups there are. What is admitted after its begin is left out, what goes meanwhile is not
/// shown.
class GroupReader {
 public:
  explicit GroupReader(const GroupFilter& filter) : filter_(filter) {}

  struct Slice {
    std::vector<GroupRow> rows;  ///< sorted on by link, then group; none while it still looks
    bool done = false;
  };
  [[nodiscard]] Slice next(const Machine& machine, TimePoint now);
  /// Matching groups, in all and by link; known with the first rows.
  [[nodiscard]] std::size_t total() const { return total_; }
  [[nodiscard]] std::size_t total(LinkId link) const {
    const auto found = totals_.find(link);
    return found == totals_.end() ? 0 : found->second;
  }

 private:
  friend class View;
  using Key = std::pair<LinkId, IpAddress>;
  /// Keys of one slice, sorted, and how many of them were given out.
  struct Run {
    std::vector<Key> keys;
    std::size_t next = 0;
    [[nodiscard]] const Key& head() const { return keys[next]; }
  };
  GroupFilter filter_;
  std::uint32_t cursor_ = 0;
  bool merging_ = false;
  std::size_t total_ = 0;
  std::size_t given_ = 0;
  std::map<LinkId, std::size_t> totals_;
  std::vector<Run> runs_;  ///< while merging: a heap, the smallest head first
};

/// Groups of all interfaces and families, dynamic and static: what a table costs to read.
[[nodiscard]] std::size_t group_total(const Machine& machine);

/// Rows sorted by link.
[[nodiscard]] std::vector<InterfaceRow> show_interfaces(const Machine& machine, Family family,
                                                        TimePoint now);
[[nodiscard]] GroupTable show_groups(const Machine& machine, const GroupFilter& filter,
                                     TimePoint now);

}  // namespace hotpair::mcast::gmp
