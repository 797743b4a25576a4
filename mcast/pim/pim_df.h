#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

/// Designated forwarder of a link for the RP of bidirectional groups: RFC 5015 3.5.
namespace hotpair::mcast::pim {

// ---- constants of RFC 5015 3.6 ----

inline constexpr Duration kOfferPeriod = std::chrono::milliseconds(100);
inline constexpr Duration kBackoffPeriod = std::chrono::seconds(1);
inline constexpr std::uint32_t kElectionRobustness = 3;

/// RPs of bidirectional groups that elections are held for; more are refused and counted.
inline constexpr std::size_t kBidirRpsMax = 256;

enum class DfState : std::uint8_t {
  offer,    ///< may become the winner
  lose,     ///< another one won, or nobody has a path
  win,      ///< acting, uncontested
  backoff,  ///< acting, another router made a better offer
};
[[nodiscard]] std::string_view to_string(DfState state);

/// What a router bids with; the smaller metric wins, then the larger address (3.5.1).
struct DfBid {
  wire::PimMetric route{.preference = wire::kPimPreferenceMax, .metric = 0xffffffff};
  IpAddress address;  ///< primary

  /// No path to the RP but by the link itself.
  [[nodiscard]] bool is_infinite() const;
  [[nodiscard]] bool is_better_than(const DfBid& other) const;
  friend bool operator==(const DfBid&, const DfBid&) = default;
};

/// How unicast routing reaches an RP. All defaults: not at all.
struct DfRoute {
  bool reachable = false;
  std::optional<LinkId> link;  ///< RPF_interface(RPA); absent: the RP is this router's loopback
  bool on_link = false;        ///< `link` is the RP link: no election there (3.5.1)
  std::optional<IpAddress> neighbour;  ///< next hop
  wire::PimMetric metric;
  friend bool operator==(const DfRoute&, const DfRoute&) = default;
};

struct DfRp {
  VrfId vrf;
  IpAddress address;
  friend auto operator<=>(const DfRp&, const DfRp&) = default;
};

/// The acting designated forwarder of a link changed.
struct DfChanged {
  LinkId link;
  DfRp rp;
  std::optional<IpAddress> df;  ///< primary address; absent: none is known
  bool self = false;            ///< this router
};
using DfEffect = std::variant<SendOnLink, DfChanged>;

/// Why a DF message changed nothing.
enum class DfIgnored : std::uint8_t {
  not_enabled,  ///< no bidirectional PIM on the link, or not all neighbours have it
  muted,        ///< the link's scope is muted, or the link has no address
  unknown_rp,   ///< no bidirectional group has this RP, or the link is its RP link
  own_address,
  no_row,  ///< no row of the state table fits
  rps_max,
  count_
};
inline constexpr std::size_t kDfIgnoredCount = static_cast<std::size_t>(DfIgnored::count_);
struct DfCounters {
  std::uint64_t received = 0;
  std::array<std::uint64_t, 5> sent{};  ///< by PimDfAction, which starts at 1
  std::array<std::uint64_t, kDfIgnoredCount> ignored{};
};

/// One line of `display pim df-info`.
struct DfRow {
  LinkId link;
  DfRp rp;
  IpAddress address;             ///< own, on the link
  std::optional<DfState> state;  ///< absent: no election, the link is the RP link
  std::optional<IpAddress> df;
  bool self = false;
  wire::PimMetric metric;  ///< of the DF
  Duration uptime{};       ///< since this DF acts
};

/// All DF elections of one family. The caller lets only neighbours' messages in, and has
/// Neighbours::hello_first() before what is sent.
class DfElections {
 public:
  explicit DfElections(Entropy& entropy) : entropy_(entropy) {}
  DfElections(const DfElections&) = delete;
  DfElections& operator=(const DfElections&) = delete;

  /// Adds the link or changes it: address, VRF, scope and `bidir` count here.
  void set_link(const LinkConfig& config, TimePoint now);
  void remove_link(LinkId link, TimePoint now);
  /// Whether all neighbours of the link know bidirectional PIM (3.7.4); without, no election.
  void set_usable(LinkId link, bool usable, TimePoint now);
  /// A scope starts muted. Muted: no state and no messages on its links.
  void set_mode(ScopeId scope, LinkMode mode, TimePoint now);

  /// An RP of bidirectional groups and the way to it. False: refused, kBidirRpsMax is reached.
  bool set_rp(const DfRp& rp, const DfRoute& route, TimePoint now);
  void remove_rp(const DfRp& rp, TimePoint now);
  /// An earlier control plane of this router, with the same addresses, acted on the link: its
  /// election begins as won, or is won at once while nobody else is known to act.
  void note_acting(const DfRp& rp, LinkId link, TimePoint now);

  void on_message(LinkId link, const IpAddress& from, const wire::PimDfElection& message,
                  TimePoint now);
  /// Who acts says so again: the newcomer heard nothing so far, and may act itself (the end of a
  /// time when the two did not hear each other).
  void on_neighbour_up(LinkId link, TimePoint now);
  void on_neighbour_lost(LinkId link, const IpAddress& address, TimePoint now);
  /// A new generation id: it may not know any more that it acts.
  void on_neighbour_restarted(LinkId link, const IpAddress& address, TimePoint now);

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<DfEffect> poll_effect() { return effects_.poll(); }

  /// Sorted by RP, then link.
  [[nodiscard]] std::vector<DfRow> show(TimePoint now) const;
  [[nodiscard]] DfCounters counters(LinkId link) const;
  void reset_counters(LinkId link);

 private:
  struct Election {
    DfState state = DfState::offer;
    std::optional<DfBid> df;                   // acting, as known; ourselves in win and backoff
    DfBid best;                                // backoff: the best offer
    std::uint32_t count = 0;                   // messages sent in a row
    std::optional<TimePoint> due;              // DF Timer, as it stands in timers_
    TimePoint since{};                         // of the acting one
    std::optional<IpAddress> told;             // df as MRIB knows it
    std::optional<wire::PimMetric> announced;  // with which we won
  };
  using Key = std::pair<DfRp, LinkId>;
  struct Link {
    LinkConfig config;
    bool usable = true;
    DfCounters counters;
    void ignore(DfIgnored reason) { ++counters.ignored[static_cast<std::size_t>(reason)]; }
  };
  /// An election with its surroundings.
  struct Place {
    const Key& key;
    Link& link;
    const DfRoute& route;
    Election& election;
  };

  // pim_df.cc: links, RPs, timers
  [[nodiscard]] bool is_live(const Link& link) const;
  [[nodiscard]] bool elects(const Link& link, const DfRp& rp, const DfRoute& route) const;
  /// Elections begin and end as the link, the mode and the RPs say.
  void refresh(const DfRp& rp, Link& link, TimePoint now);
  void refresh_link(Link& link, TimePoint now);
  void begin(const Key& key, TimePoint now);
  void end(const Key& key);
  [[nodiscard]] std::optional<Place> find(const DfRp& rp, LinkId link);
  void set_timer(const Place& place, std::optional<TimePoint> due);

  // pim_df_machine.cc: the state tables
  enum class Took : std::uint8_t { nothing, action };
  [[nodiscard]] DfBid own_bid(const Place& place) const;
  [[nodiscard]] Duration offer_low();
  [[nodiscard]] Took on_offer(const Place& place, const DfBid& bid, TimePoint now);
  [[nodiscard]] Took on_winner(const Place& place, const DfBid& winner, TimePoint now);
  [[nodiscard]] Took on_backoff(const Place& place, const DfBid& acting, const DfBid& offering,
                                Duration interval, TimePoint now);
  [[nodiscard]] Took on_pass(const Place& place, const DfBid& winner, TimePoint now);
  [[nodiscard]] Took on_worse(const Place& place, const DfBid& acting, TimePoint now);
  void expire(const Place& place, TimePoint now);
  void on_route(const Place& place, const DfRoute& before, TimePoint now);
  void on_lost(const Place& place, const IpAddress& address, bool forgets, TimePoint now);
  void begin_offer(const Place& place, Duration wait, TimePoint now);
  void lose(const Place& place, const std::optional<DfBid>& df, TimePoint now);
  void win(const Place& place, TimePoint now);
  void set_df(const Place& place, const std::optional<DfBid>& df, TimePoint now);
  void send(const Place& place, wire::PimDfAction action, TimePoint now);

  Entropy& entropy_;
  std::map<LinkId, Link> links_;
  std::map<ScopeId, LinkMode> modes_;
  std::map<DfRp, DfRoute> rps_;
  std::map<Key, Election> elections_;
  std::set<Key> acted_;  // by an earlier control plane
  std::set<std::tuple<TimePoint, DfRp, LinkId>> timers_;
  EffectQueue<DfEffect> effects_;
};

}  // namespace hotpair::mcast::pim
