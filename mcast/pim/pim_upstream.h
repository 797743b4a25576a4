#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "mcast/pim/pim_join_prune_show.h"
#include "mcast/pim/pim_lan.h"
#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

namespace hotpair::mcast::pim {

/// Of one link; joins and prunes are entries of messages.
struct UpstreamCounters {
  std::uint64_t messages_sent = 0;
  std::uint64_t joins_sent = 0;      ///< (S,G,rpt) too
  std::uint64_t prunes_sent = 0;     ///< (S,G,rpt) too
  std::uint64_t rpt_prunes_cut = 0;  ///< that did not fit beside their Join(*,G) (4.9.5.2)
  std::uint64_t heard = 0;           ///< messages of other routers to an upstream neighbour
  std::uint64_t suppressed = 0;      ///< Joins put off because another router sent one
  std::uint64_t overridden = 0;      ///< Joins brought forward because another router pruned
  std::uint64_t work_limit = 0;      ///< entries heard that one message may not ask for
};

/// Join/Prune sent: the upstream machines of RFC 7761 4.5.4 (*,G), 4.5.5 (S,G) and 4.5.6 (S,G,rpt).
/// Sans-IO.
///
/// Messages are made when polled, so what changes several times in one turn is sent once, at most
/// kMessagesPerSlice in kSlice: triggered Joins before Prunes before refreshes. The refreshes of a
/// neighbour fall on common instants, one join_prune_period apart, so that they fill messages.
///
/// Nothing is sent to who said no Hello, nor on a muted link; wishes wait there.
class Upstream {
 public:
  static constexpr Duration kSlice = std::chrono::milliseconds(10);
  static constexpr std::size_t kMessagesPerSlice = 8;

  /// `entropy` outlives this.
  explicit Upstream(Entropy& entropy) : entropy_(entropy) {}
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // ---- configuration and role ----

  /// Adds the link or changes it; a scope that was never activated is a backup.
  void configure(const LinkConfig& config, TimePoint now);
  /// Forgets the link and its neighbours. Wishes for it wait until MRIB changes them.
  void remove_link(LinkId link, TimePoint now);
  /// O(neighbours of the scope's links): all that is wished there is joined, at the pace above.
  void activate(ScopeId scope, TimePoint now);
  /// Nothing is sent any more, no Prune either.
  void deactivate(ScopeId scope, TimePoint now);

  // ---- inputs ----

  /// After a change of the Hellos of the link.
  void set_lan(LinkId link, const LanState& lan);
  /// A Hello came, of a new neighbour or with other addresses: all that waited for one of its
  /// addresses is joined at once. `secondary`: its address list, for next hops that name one.
  void on_neighbour_up(LinkId link, const IpAddress& primary, std::span<const IpAddress> secondary,
                       TimePoint now);
  /// A new generation id: what is joined there is joined again within t_override (4.5.4, 4.5.5).
  void on_neighbour_restarted(LinkId link, const IpAddress& primary, TimePoint now);
  void on_neighbour_down(LinkId link, const IpAddress& primary, TimePoint now);

  /// What MRIB wants now. A repetition changes nothing.
  void on_wish(const UpstreamWish& wish, TimePoint now);
  /// The assert winner of (*,G) or (S,G) on the link, if that is another router: it is RPF' then
  /// (4.1.6). nullopt: there is none any more.
  void on_rpf_prime(LinkId link, const TreeKey& key, const std::optional<IpAddress>& winner,
                    TimePoint now);
  /// A Join/Prune of another router to an upstream neighbour that is not us.
  void on_foreign_join_prune(LinkId link, const wire::PimJoinPrune& message, TimePoint now);

  // ---- driving ----

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<SendOnLink> poll_effect();

  // ---- queries ----

  [[nodiscard]] UpstreamModel show(const JoinPruneFilter& filter, TimePoint now) const;
  [[nodiscard]] std::size_t tree_count() const { return trees_.size() + rpts_.size(); }
  /// nullptr: no such link.
  [[nodiscard]] const UpstreamCounters* counters(LinkId link) const;
  void reset_counters(LinkId link);

 private:
  using Key = std::pair<VrfId, TreeKey>;
  using RouterKey = std::pair<LinkId, IpAddress>;  ///< link, next hop as routing names it
  struct Router;
  /// A tree to be joined; or an (S,G,rpt) that is to be pruned, was, or is to be overridden.
  struct Tree {
    UpstreamKind kind = UpstreamKind::none;
    LinkId link;
    std::optional<IpAddress> neighbour;
    IpAddress rp;
    Router* router = nullptr;  ///< RPF'; of (S,G,rpt): set while `due` is
    bool by_assert = false;    ///< RPF' is an assert winner
    std::uint32_t told = 0;    ///< Router::epoch when it last heard this tree's Join or Prune(rpt)
    std::uint32_t batch = 0;   ///< which of Router::batches it stands in while `due` is set
    TimePoint due = kUnset;    ///< JT; of (S,G,rpt): OT
  };
  using Trees = std::map<Key, Tree>;
  struct Due {
    TimePoint at;
    const Key* key;
    Tree* tree;
    friend bool operator<(const Due& a, const Due& b) {
      return a.at != b.at ? a.at < b.at : *a.key < *b.key;
    }
  };
  using DueSet = std::set<Due>;
  /// When, Prunes only, who.
  using Turn = std::tuple<TimePoint, bool, RouterKey>;
  /// An upstream router as routing or an assert names it.
  struct Router {
    RouterKey key;
    std::optional<IpAddress> primary;  ///< known by its Hello
    std::uint32_t epoch = 1;           ///< raised when it lost what it was told
    /// By JT. The newest is where trees are put; older ones are due at `refresh_at` at the latest.
    std::map<std::uint32_t, DueSet> batches{{0, {}}};
    TimePoint refresh_at = kUnset;
    std::map<Key, IpAddress> prunes;  ///< to be sent, with the RP of a (*,G)
    std::size_t trees = 0;
    TimePoint phase{};         ///< an instant of refresh
    std::optional<Turn> turn;  ///< in turns_
  };
  struct Link {
    LinkConfig config;
    LanState lan;
    std::map<IpAddress, std::vector<IpAddress>> neighbours;  ///< primary to secondary addresses
    UpstreamCounters counters;
  };
  struct Message;
  struct Hearing;

  static constexpr TimePoint kUnset = TimePoint::max();
  static constexpr TimePoint kAtOnce = TimePoint::min();

  // pim_upstream.cc: wishes, neighbours, links
  void leave(Trees::iterator tree);
  void move(const Key& key, Tree& tree, const std::optional<IpAddress>& target, bool by_assert);
  void change_rpf_prime(const Key& key, Tree& tree, const std::optional<IpAddress>& target);
  void on_rpt_wish(const UpstreamWish& wish);
  void override_rpt(const Key& key, Tree& star, TimePoint at);
  void drop_rpt(Trees::iterator place);
  void release_rpts(const Key& star);
  [[nodiscard]] const IpAddress* winner_of(LinkId link, const TreeKey& key) const;
  [[nodiscard]] std::optional<IpAddress> rpf_prime(const Key& key, const Tree& tree) const;
  [[nodiscard]] bool is_told(const Tree& tree) const;
  [[nodiscard]] Tree* star_of(const Key& key);
  [[nodiscard]] bool is_live(const Link& link) const;
  [[nodiscard]] bool can_hear(const Router& router) const;
  [[nodiscard]] std::vector<Router*> routers_of(LinkId link);
  void resolve(Router& router, const std::optional<IpAddress>& primary);

  // pim_upstream_heard.cc: messages of others
  void see_join(Hearing& hearing, const Key& key);
  void see_prune(Hearing& hearing, const Key& key);
  void see_prune_of_group(Hearing& hearing, const Key& star);
  void see_rpt_join(Hearing& hearing, const Key& key);
  void see_rpt_prune(Hearing& hearing, const Key& key);

  // pim_upstream_send.cc: timers and messages
  [[nodiscard]] Router& router_for(const RouterKey& key);
  void set_due(const Key& key, Tree& tree, TimePoint at);
  void clear_due(const Key& key, Tree& tree);
  void take_out(const Key& key, Tree& tree);
  [[nodiscard]] static TimePoint due_of(const Tree& tree);
  void refresh(Router& router, TimePoint at);
  [[nodiscard]] TimePoint next_round(const Router& router) const;
  [[nodiscard]] std::optional<Due> next_due(const Router& router) const;
  void schedule(Router& router);
  void release_router(RouterKey key);
  void send_to(Router& router);
  [[nodiscard]] bool add(Message& message, Router& router, const Due& due);
  [[nodiscard]] bool add_shared_tree(Message& message, Router& router, const Due& due);
  [[nodiscard]] bool add_rpt(Message& message, const Router& router, const Due& due);
  void add_prunes(Message& message, Router& router);
  [[nodiscard]] std::vector<IpAddress> pruned_off(const Key& star, const Tree& tree) const;

  Entropy& entropy_;
  Trees trees_;              ///< (*,G) and (S,G)
  Trees rpts_;               ///< (S,G,rpt)
  std::size_t passing_ = 0;  ///< of them those that are not to be pruned: they wait for a Join
  std::map<LinkId, Link> links_;
  std::map<RouterKey, Router> routers_;
  std::map<std::pair<LinkId, TreeKey>, IpAddress> winners_;
  std::set<ScopeId> active_scopes_;
  std::set<Turn> turns_;
  TimePoint now_{};
  TimePoint slice_{};           ///< begin of the slice
  std::size_t slice_sent_ = 0;  ///< messages in it
  EffectQueue<SendOnLink> effects_;
};

}  // namespace hotpair::mcast::pim
