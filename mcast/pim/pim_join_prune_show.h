#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mcast/pim/pim_types.h"

/// Displays of Join/Prune state, downstream and upstream.
namespace hotpair::mcast::pim {

/// States of RFC 7761 4.5.1 to 4.5.3. Those ending in `_tmp` last while a message is processed.
enum class DownstreamState : std::uint8_t {
  no_info,
  join,
  prune_pending,
  prune,              ///< (S,G,rpt) only, as what follows
  prune_tmp,          ///< a Join(*,G) is in the message being processed
  prune_pending_tmp,  ///< the same
};
[[nodiscard]] std::string_view to_string(DownstreamState state);

/// States of RFC 7761 4.5.4 to 4.5.6, and why a wanted tree may be in none of them.
enum class UpstreamState : std::uint8_t {
  not_joined,  ///< nothing wanted; (S,G,rpt): the group is not joined
  joined,
  waiting,  ///< wanted, but its router said no Hello yet or the link is muted
  direct,   ///< wanted, and the source or RP is on the link: no router to tell
  pruned,
  not_pruned,
};
[[nodiscard]] std::string_view to_string(UpstreamState state);

/// Which rows a display asks for.
struct JoinPruneFilter {
  std::optional<VrfId> vrf;  ///< upstream only
  std::optional<LinkId> link;
  std::optional<Group> group;
  std::size_t rows_max = 100'000;
};

struct DownstreamRow {
  LinkId link;
  TreeKey key;
  DownstreamState state{};
  std::optional<Duration> expires;        ///< ET; absent: never, or the link is muted
  std::optional<Duration> prune_pending;  ///< PPT
};
/// Rows by link, then group, then (*,G) before sources.
struct DownstreamModel {
  std::vector<DownstreamRow> rows;
  std::size_t rows_total = 0;  ///< matching rows, also those beyond rows_max
};

struct UpstreamRow {
  VrfId vrf;
  TreeKey key;
  UpstreamState state{};
  LinkId link;                         ///< RPF interface
  std::optional<IpAddress> neighbour;  ///< RPF', the primary address if it said Hello
  bool by_assert = false;              ///< RPF' is the winner of an assert
  std::optional<Duration> timer;       ///< JT; (S,G,rpt): OT
};
/// Rows by VRF, then group, then (*,G) before sources; (S,G,rpt) after those.
struct UpstreamModel {
  std::vector<UpstreamRow> rows;
  std::size_t rows_total = 0;
};

}  // namespace hotpair::mcast::pim
