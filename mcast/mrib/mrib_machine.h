#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "mcast/mrib/mrib_admission.h"
#include "mcast/mrib/mrib_records.h"
#include "mcast/mrib/mrib_show.h"
#include "mcast/mrib/mrib_tables.h"
#include "mcast/mrib/mrib_types.h"
#include "mcast/rp/rp_types.h"
#include "platform/base/effect_queue.h"
#include "platform/fwd/forwarding_plane.h"

namespace hotpair::mcast::mrib {

/// The multicast routes of one node: turns memberships, RPF answers, static RPs and packets without
/// a route into (S,G) and (*,G) of the forwarding plane. Sans-IO; see DESIGN.md for the rules.
///
/// Roles do not matter to routes: a backup has the same ones behind a closed gate. After every
/// input the driver drains poll_effect() and sets its timer to next_deadline().
class Mrib {
 public:
  Mrib(const Config& config, TimePoint now);
  Mrib(const Mrib&) = delete;
  Mrib& operator=(const Mrib&) = delete;

  // ---- configuration ----

  /// Adds a link or changes it. A family switched off forgets its memberships. A link that goes
  /// away leaves its routes as by remove_link(), LinkReleased included, and has them again when it
  /// returns.
  void set_link(const LinkConfig& link, TimePoint now);
  /// Forgets the link. Its routes leave the plane in slices, under a hold after it; then comes
  /// LinkReleased, unless the link was set again.
  void remove_link(LinkId link, TimePoint now);
  /// The RPs in force of a family in a VRF. (*,G) exist only for groups that one covers.
  void set_rps(VrfId vrf, Family family, rp::RpSet set, TimePoint now);
  /// The link, set before by set_link() without PIM, by which decapsulated Registers come in and
  /// packets leave to be registered. RPF interface of an RP that is this router.
  void set_register_link(VrfId vrf, Family family, std::optional<LinkId> link, TimePoint now);
  /// When sources of PIM's shared trees are joined; `never` until it is set. Else, where hosts or
  /// the RP are, the (*,G) is not given to the plane: its upcalls show the sources.
  void set_spt_policy(Family family, const SptPolicy& policy, TimePoint now, VrfId vrf = {});
  /// Groups without (*,G), beside 232/8 and ff3x::/32 which always are (RFC 4607).
  void set_ssm_ranges(Family family, std::vector<IpPrefix> ranges, TimePoint now, VrfId vrf = {});
  /// Dense groups: the packets of each source, RPF checked, go to all of `links` but the one that
  /// they come in by. Such a group has no RP here, nothing of it is joined upstream or registered.
  /// Links that are set anew (set_link() after remove_link()) have to be told again.
  void set_flooding(VrfId vrf, const std::vector<Group>& groups, const std::vector<LinkId>& links,
                    TimePoint now);
  /// Sources that Registers may bring; empty: all. Packets of others that come out of Registers
  /// are not forwarded: their routes never have the register link as incoming.
  void set_register_filter(Family family, std::vector<IpPrefix> sources, TimePoint now,
                           VrfId vrf = {});
  /// Admission control of a link; order matters, the first limit that matches a state decides.
  void set_limits(LinkId link, Family family, const std::vector<Limit>& limits, TimePoint now);
  void set_costs(Family family, const std::vector<ChannelCost>& costs, TimePoint now);
  /// LimitDenied at most so often a second; 0: never.
  void set_limit_rate(Family family, std::uint32_t per_second);
  /// A scope exists and who writes its records: the master does. `standby` is what a scope starts
  /// as; activation takes over the records at once, in O(1).
  void set_scope_mode(ScopeId scope, ScopeMode mode, TimePoint now);
  /// Forgets the scope and its records.
  void remove_scope(ScopeId scope, TimePoint now);

  // ---- inputs ----

  /// What a link's hosts, or its routers, want of a group now. INCLUDE{} removes. Local and synced
  /// alike.
  void on_membership(LinkId link, const Group& group, const Membership& membership, TimePoint now,
                     Origin origin = Origin::hosts);
  /// Every membership of the link, family and origin is gone.
  void on_flush(LinkId link, Family family, TimePoint now, Origin origin = Origin::hosts);
  /// The plane has no route for a packet. Answered by a route or a negative route, at the latest
  /// after Config::rpf_patience, or ignored and counted.
  void on_no_route(const fwd::NoRoute& event, TimePoint now);
  /// A packet of a known (S,G) came in on another link: counted, and the RPF asked again. On the
  /// source's own tree it is the first one: the route turns to it (RFC 7761 4.2.2, SPTbit).
  void on_wrong_interface(const fwd::WrongInterface& event, TimePoint now);
  /// What the assert machine says of (*,G) or (S,G) on a link now. Of a tree that is not known here
  /// it is nothing.
  void on_assert(LinkId link, const Group& group, const std::optional<IpAddress>& source,
                 const AssertState& state, TimePoint now);
  /// Who acts as designated forwarder of a link for an RP of bidirectional groups (RFC 5015 3.5):
  /// another router, or `self`; neither: nobody.
  void on_df(VrfId vrf, const IpAddress& rp, LinkId link, const std::optional<IpAddress>& df,
             bool self, TimePoint now);
  /// Every assert state of the link and family is gone.
  void on_asserts_flushed(LinkId link, Family family, TimePoint now);
  /// The packets of a source that could be registered go to the register link as well, while on.
  void set_register_tunnel(VrfId vrf, const Group& group, const IpAddress& source, bool on,
                           TimePoint now);
  /// At the RP: a Register of the source came. Its Keepalive Timer starts, longer than
  /// RP_Keepalive_Period (RFC 7761 4.4.2): its tree is joined while somebody wants it.
  void on_register_source(VrfId vrf, const Group& group, const IpAddress& source, TimePoint now);
  /// The answer to AskRpf; nullopt: no route to the target.
  void on_rpf(VrfId vrf, const IpAddress& target, const std::optional<RpfAnswer>& answer,
              TimePoint now);
  /// Unicast routing changed somehow: every target is asked again, in slices.
  void on_unicast_changed(TimePoint now);
  /// The results of a PlaneDelta, in its order. A refused change is tried again with back-off.
  void on_applied(std::span<const fwd::AppliedChange> results, TimePoint now);
  /// The answer to AskCounters, with the keys in its order; nullopt: the plane has no such route.
  void on_counters(
      std::span<const std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> counters,
      TimePoint now);
  /// A data-driven event of a standby scope's master, or of the own store.
  void on_record(const DataDrivenEvent& record, TimePoint now);
  void on_record_removed(const DataDrivenKey& key, TimePoint now);
  /// A reservation of a standby scope's master or, while records are restored, of the own store.
  void on_reservation(const Reservation& record, TimePoint now);
  void on_reservation_removed(const ReservationKey& key, TimePoint now);
  /// All reservations of a link whose scope is standby come anew.
  void drop_reservations(LinkId link, TimePoint now);

  // ---- adoption and hold-off ----

  /// Nothing is deleted or narrowed in the plane from here to end_hold(): routes may only grow.
  void begin_hold(TimePoint now);
  /// Routes found in the plane at start, in portions of up to 1000; implies begin_hold(). An (S,G)
  /// is taken as made by traffic. Links that are unknown by then are left out.
  void on_read_back(std::span<const fwd::Route> routes, TimePoint now);
  /// The end of restoring: `hold_off` later everything not wanted leaves the plane, in slices.
  void end_hold(Duration hold_off, TimePoint now);
  [[nodiscard]] bool is_held() const { return held_; }

  // ---- driving ----

  /// Runs one bounded slice of what is due. A spurious call changes nothing.
  void on_timeout(TimePoint now);
  /// Earliest instant at which on_timeout() has work; a past instant while slices remain.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// Takes the next effect: records, then questions, then PlaneDeltas that are made here, so that
  /// what changed several times in one turn is told once.
  [[nodiscard]] std::optional<Effect> poll_effect();
  /// No slice of background work is left and nothing waits to be told to the plane.
  [[nodiscard]] bool is_settled() const;

  // ---- queries ----

  /// The data-driven events of a scope, up to `max` slots from `cursor` (0 to begin).
  [[nodiscard]] DataDrivenSlice snapshot(ScopeId scope, std::uint32_t cursor,
                                         std::size_t max) const;
  /// `closed`: the scopes whose gate is closed on this node.
  [[nodiscard]] RouteTableModel show(const RouteFilter& filter, std::span<const ScopeId> closed,
                                     TimePoint now) const;
  [[nodiscard]] StatisticsModel statistics() const;
  /// `peer`: the addresses by which the other node of the pair may be a next hop. Walks over all
  /// sources and RPs in use.
  [[nodiscard]] StandingModel standing(std::span<const IpAddress> peer) const;
  /// SPTbit(S,G): its packets come by its own tree (RFC 7761 4.2.2).
  [[nodiscard]] bool spt_bit(VrfId vrf, const Group& group, const IpAddress& source) const;
  /// inherited_olist(S,G) is not empty (4.1.6).
  [[nodiscard]] bool has_receivers(VrfId vrf, const Group& group, const IpAddress& source) const;
  /// Sources and RPs in use that the unicast routing has no way to.
  [[nodiscard]] std::size_t unreachable() const { return unreachable_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const Admission& admission() const { return admission_; }

 private:
  struct LinkState {
    LinkConfig config;
    bool known = false;
    [[nodiscard]] bool carries() const { return known && !config.away; }
    /// Per family and origin; a member of an older one is void.
    std::array<std::array<std::uint16_t, kOrigins>, 2> generation{};
    std::array<std::uint32_t, 2> asserts{};  // per family: assert state of an older one is void
    std::array<std::uint32_t, 2> facts{};    // and facts told to an earlier life of its PIM
    TokenBucket upcalls;
  };
  struct ScopeState {
    ScopeMode mode = ScopeMode::standby;
    TimePoint activated_at{};
  };
  /// A route in a queue; void when the entry's stamp is another by now.
  struct RouteRef {
    std::uint32_t slot = kNone;
    std::uint32_t stamp = 0;
    bool star = false;
  };
  struct TimedRef {
    TimePoint due;
    RouteRef route;
  };
  /// The shared tree of a group, as its sources need it.
  struct SharedTree {
    std::uint32_t link = kNone;  // RPF_interface(RP(G))
    bool wanted = false;         // JoinDesired(*,G)
    bool pim = false;            // joined by PIM, or the RP is here
    bool split = false;          // kept from the plane: upcalls show its sources
    bool hasty = false;          // its sources are joined at their first packet
  };
  /// Assert state of a group and a source on a link (RFC 7761 4.6.5).
  struct LinkAsserts {
    bool lost_star = false;    // lost_assert(*,G,I)
    bool ours_star = false;    // AssertWinner(*,G,I) == me
    bool lost_source = false;  // lost_assert(S,G,I)
    bool ours_source = false;  // AssertWinner(S,G,I) == me
    bool lost_rpt = false;     // lost_assert(S,G,rpt,I)
  };
  /// What one membership adds to the sets of 4.1.6 for a source.
  struct Share {
    bool listed = false;
    bool in_shared =
        false;            // joins(*,G) (-) prunes(S,G,rpt), pim_include(*,G) (-) pim_exclude(S,G)
    bool in_own = false;  // joins(S,G), pim_include(S,G)
  };
  /// A source with what its sets are made of.
  struct SourceView {
    const SourceEntry& entry;
    const GroupEntry& group;
    Family family;
    SharedTree tree;
    std::uint32_t own = kNone;            // RPF_interface(S)
    const TreeSide* star_side = nullptr;  // null: no assert state
    const TreeSide* source_side = nullptr;
  };

  // mrib_machine.cc: inputs
  void count(Count what) { ++counters_[static_cast<std::size_t>(what)]; }
  /// The link if it is set with the family, away or not.
  [[nodiscard]] const LinkState* known_link(LinkId link, Family family) const;
  /// The same, if it is not away.
  [[nodiscard]] const LinkState* link_for(LinkId link, Family family) const;
  [[nodiscard]] LinkState& link_slot(LinkId link);
  void void_members(LinkState& link, Family family);
  void begin_leaving(LinkId link, TimePoint now);
  void count_pim(const LinkState& before, LinkState& after, Family family);
  void set_member(GroupEntry& entry, const LinkState& link, Origin origin, Membership membership);
  [[nodiscard]] bool admit_upcall(const fwd::NoRoute& event, TimePoint now);
  [[nodiscard]] bool make_room(TimePoint now);
  [[nodiscard]] bool evict_negative(TimePoint now);
  void adopt(const fwd::Route& route, TimePoint now);

  // mrib_entries.cc: groups, sources and targets come and go
  [[nodiscard]] std::uint32_t find_source(VrfId vrf, const Group& group,
                                          const IpAddress& source) const;
  [[nodiscard]] std::uint32_t group_of(VrfId vrf, const Group& group);
  [[nodiscard]] std::uint32_t source_of(std::uint32_t group, const IpAddress& source);
  [[nodiscard]] std::uint32_t target_of(VrfId vrf, const IpAddress& address);
  void free_group_if_idle(std::uint32_t slot);
  /// True if it was freed.
  bool free_source_if_idle(std::uint32_t slot);
  void free_target_if_unused(std::uint32_t slot);
  void assign_rp(std::uint32_t slot);
  void name_sources(std::uint32_t slot);
  void set_traffic(SourceEntry& entry, bool by_traffic);
  void set_outgoing(RouteState& state, const std::vector<std::uint32_t>& outgoing);
  void prune_members(GroupEntry& entry);
  void ask(std::uint32_t target);

  // mrib_evaluate.cc: what a route should be
  /// Administrative scope: nothing of the group passes the link.
  [[nodiscard]] bool is_bounded(std::uint32_t link, const Group& group) const;
  /// Where the member's link carries routes of the group.
  [[nodiscard]] const LinkState* current_link(const Member& member, const Group& group) const;
  [[nodiscard]] bool is_void(const Member& member, Family family) const;
  [[nodiscard]] std::uint32_t rpf_link(std::uint32_t target, const Group& group) const;
  [[nodiscard]] Want want_star(std::uint32_t slot) const;
  [[nodiscard]] Want star_tree(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t shared_link(std::uint32_t rp_target, const Group& group) const;
  /// The (*,G) as the plane is to have it.
  [[nodiscard]] Want plane_star(std::uint32_t slot, Want star) const;
  [[nodiscard]] Want plane_source(std::uint32_t slot, Want want) const;
  [[nodiscard]] SharedTree shared_tree(std::uint32_t group, const Want& star) const;
  [[nodiscard]] SourceView view_of(std::uint32_t slot, const SharedTree& tree) const;
  [[nodiscard]] Share share_of(const Member& member, const LinkState& link, const SourceView& view,
                               const LinkAsserts& asserts) const;
  void add_member(const Member& member, const SourceView& view, Want& want, bool& blocked) const;
  [[nodiscard]] Want want_source(std::uint32_t slot, const SharedTree& tree) const;
  [[nodiscard]] Want held(Want want, const RouteState& state, Family family) const;
  [[nodiscard]] bool differs(const Want& want, const RouteState& state) const;
  /// Star and sources; frees what is no longer needed, the group too.
  void evaluate_group(std::uint32_t slot, TimePoint now);
  void evaluate_star(std::uint32_t slot, const Want& star);
  [[nodiscard]] bool is_pim(std::uint32_t link, Family family) const;
  [[nodiscard]] bool on_spt(const SourceEntry& entry) const;
  /// One source and, when it goes, its group.
  void evaluate_source(std::uint32_t slot, TimePoint now);
  /// One source of a group that stays.
  void evaluate_source_of(std::uint32_t slot, const SharedTree& tree, TimePoint now);
  void settle(const Want& want, RouteState& state, const RouteRef& ref);
  void time_negative(std::uint32_t slot, bool timed, TimePoint now);
  /// True if the entry's records changed in a way that its route may depend on.
  bool update_records(SourceEntry& entry, const Want& want);
  [[nodiscard]] std::vector<std::uint32_t> wanted_records(const SourceEntry& entry,
                                                          const Want& want) const;

  // mrib_upstream.cc: what the routers upstream are to do
  enum class Towards : bool { source, rp };
  [[nodiscard]] std::optional<IpAddress> next_hop(std::uint32_t target, Towards towards) const;
  [[nodiscard]] std::uint32_t way_of(std::uint32_t target, const Group& group,
                                     Towards towards) const;
  void tell_upstream(std::uint32_t& told, std::uint32_t way, std::uint32_t target,
                     UpstreamChanged change);
  void wish_star(GroupEntry& entry, const Want& star);
  void wish_source(std::uint32_t slot, const SharedTree& tree, const Want& want, const Want& told);
  [[nodiscard]] bool is_silent(const SourceEntry& entry, TimePoint now) const;
  [[nodiscard]] std::optional<ScopeId> standby_scope(const RouteState& route) const;
  [[nodiscard]] bool keeps_alive(const SourceEntry& entry, const SharedTree& tree) const;
  [[nodiscard]] bool join_desired(const SourceEntry& entry, const SharedTree& tree,
                                  const Want& want) const;
  [[nodiscard]] std::optional<IpAddress> rpf_prime(std::uint32_t target, Towards towards,
                                                   const Group& group, const TreeSide* side) const;
  [[nodiscard]] bool knows_both_ways(const SourceEntry& entry) const;
  void switch_to_spt(SourceEntry& entry, const SharedTree& tree, const Want& want);
  void judge_upcall(SourceEntry& entry, const SharedTree& tree);
  /// True if the packet on `link` set SPTbit.
  bool judge_packet(std::uint32_t slot, std::uint32_t link, const SharedTree& tree);

  // mrib_bidir.cc: RFC 5015
  void refresh_bidir_rps(VrfId vrf, Family family);
  void tell_bidir_rp(VrfId vrf, const IpAddress& rp);
  [[nodiscard]] const BidirRp* bidir_rp(const GroupEntry& entry) const;
  [[nodiscard]] std::uint32_t bidir_upstream(const BidirRp& rp, const Group& group) const;
  [[nodiscard]] Want bidir_star(std::uint32_t slot) const;
  [[nodiscard]] Want bidir_source(std::uint32_t slot) const;
  void wish_bidir(GroupEntry& entry, const Want& star);
  [[nodiscard]] bool is_elsewhere(const GroupEntry& group, std::uint32_t link) const;
  [[nodiscard]] bool must_be_seen_anew(const SourceEntry& entry) const;
  void note_arrival(std::uint32_t slot, std::uint32_t link, TimePoint now);

  // mrib_register.cc: first hop and RP
  [[nodiscard]] SptPolicy spt_policy(VrfId vrf, Family family) const;
  [[nodiscard]] std::span<const IpPrefix> register_filter(VrfId vrf, Family family) const;
  [[nodiscard]] std::uint32_t register_link(VrfId vrf, Family family) const;
  [[nodiscard]] bool is_beside_source(const SourceEntry& entry) const;
  [[nodiscard]] bool is_first_hop(const SourceEntry& entry) const;
  [[nodiscard]] bool awaits_first_packet(const SourceEntry& entry) const;
  [[nodiscard]] bool serves_sources(const LinkConfig& link, Family family) const;
  [[nodiscard]] bool could_register(const SourceEntry& entry) const;
  [[nodiscard]] bool is_kept(const SourceEntry& entry) const;
  /// What comes of the source out of Registers is not taken.
  [[nodiscard]] bool is_refused(const SourceView& view) const;
  void tell_register(std::uint32_t slot);

  // mrib_flooding.cc: dense groups
  [[nodiscard]] bool is_flooded(const GroupEntry& entry) const;

  // mrib_asserts.cc: what the assert machine says and is told
  [[nodiscard]] const TreeSide* side_of(std::uint32_t slot, bool star) const;
  void drop_side(std::uint32_t slot, bool star);
  [[nodiscard]] const AssertState* assert_of(const TreeSide* side, const LinkState& link,
                                             Family family) const;
  [[nodiscard]] LinkAsserts asserts_on(const LinkState& link, const SourceView& view) const;
  [[nodiscard]] bool may_track(std::uint32_t slot, bool star, Family family) const;
  void tell_star_facts(std::uint32_t slot, const Want& star);
  void tell_source_facts(std::uint32_t slot, const SharedTree& tree, const Want& want);
  void tell_facts(std::uint32_t slot, bool star, std::vector<ToldFacts> facts);
  void tell_fact(std::uint32_t slot, bool star, const ToldFacts& facts);

  // mrib_plane.cc: telling the plane
  [[nodiscard]] RouteState* state_of(const RouteRef& ref);
  [[nodiscard]] std::optional<RouteRef> ref_of(const fwd::RouteKey& key) const;
  [[nodiscard]] fwd::RouteKey key_of(const RouteRef& ref) const;
  [[nodiscard]] Want effective_want(const RouteRef& ref);
  void enqueue(RouteState& state, const RouteRef& ref);
  void free_if_idle(const RouteRef& ref);
  [[nodiscard]] std::optional<PlaneDelta> next_delta();
  void tell(const RouteRef& ref, PlaneDelta& delta);
  void on_result(const RouteRef& ref, const fwd::AppliedChange& result, TimePoint now);
  void on_counter(std::uint32_t slot, const std::optional<fwd::RouteCounters>& counters,
                  TimePoint now);
  /// SwitchToSptDesired of a threshold.
  [[nodiscard]] bool is_fast(std::uint32_t slot, std::uint64_t bytes, TimePoint now) const;
  [[nodiscard]] Duration counter_interval() const;
  [[nodiscard]] TimePoint last_activity(const SourceEntry& entry) const;

  // mrib_work.cc: slices
  void run_timers(std::size_t& budget, TimePoint now);
  void run_asks(std::size_t& budget);
  void run_groups(std::size_t& budget, TimePoint now);
  void run_targets(std::size_t& budget, TimePoint now);
  void run_sweep(std::size_t& budget, TimePoint now);
  void run_counters(std::size_t& budget, TimePoint now);
  [[nodiscard]] bool has_work() const;

  // mrib_links.cc: removed links whose routes are still in the plane
  void run_leaving(std::size_t& budget, TimePoint now);
  [[nodiscard]] bool names_leaving(const RouteState& state) const;
  [[nodiscard]] bool group_names_leaving(const GroupEntry& entry, std::size_t& budget) const;

  // mrib_limits.cc: admission control
  void follow_records(LinkId link);
  [[nodiscard]] StateKey state_key(std::uint32_t slot, bool star) const;
  [[nodiscard]] bool comes_in_connected(std::uint32_t slot, const Want& want) const;
  void reserve_star(std::uint32_t slot, const Want& star);
  void reserve_source(std::uint32_t slot, const Want& want);
  void reserve(const StateKey& state, const Want& want, const RouteState& told, bool connected);
  void release_reservations(std::uint32_t slot, bool star);
  [[nodiscard]] Want limited(const StateKey& state, Want want, bool connected) const;
  /// True if something changed: effects, routes.
  bool settle_admission();
  void run_admission(std::size_t& budget, TimePoint now);
  void evaluate_state(const StateKey& state);

  // mrib_show.cc
  [[nodiscard]] std::vector<OutgoingModel> outgoing_of(std::span<const std::uint32_t> links,
                                                       std::span<const ScopeId> closed) const;
  [[nodiscard]] std::optional<RouteModel> star_model(std::uint32_t slot, const RouteFilter& filter,
                                                     std::span<const ScopeId> closed,
                                                     TimePoint now) const;
  [[nodiscard]] RouteModel model_of(const GroupEntry& entry, const RouteState& state,
                                    std::uint32_t target, std::span<const ScopeId> closed,
                                    TimePoint now) const;

  Config config_;
  TimePoint last_now_;
  GroupTable groups_;
  SourceTable sources_;
  TargetTable targets_;
  ListTable lists_;
  std::vector<LinkState> links_;  // by LinkId
  std::map<std::pair<VrfId, Family>, rp::RpSet> rps_;
  std::map<std::pair<VrfId, IpAddress>, BidirRp> bidir_rps_;
  std::map<ScopeId, ScopeState> scopes_;
  SourceBuckets source_buckets_;
  using VrfFamily = std::pair<VrfId, Family>;
  std::map<VrfFamily, SptPolicy> spt_policies_;  // absent: never
  std::map<VrfFamily, std::vector<IpPrefix>> ssm_ranges_;
  std::map<VrfFamily, std::vector<IpPrefix>> register_filters_;
  std::map<std::pair<VrfId, Group>, std::set<LinkId>> flooded_;  // dense groups: where to
  std::map<std::pair<VrfId, Family>, LinkId> register_links_;
  std::map<std::uint32_t, FirstHop> first_hops_;  // by source slot: told that it could register
  TimePoint counted_at_{};                        // the latest round of counters began
  TimePoint counted_before_{};                    // and the one before it
  std::map<std::pair<std::uint32_t, bool>, TreeSide> sides_;  // by slot and whether of (*,G)
  std::array<std::uint32_t, 2> pim_links_{};                  // per family
  Admission admission_;
  std::array<std::uint32_t, 2> limit_rates_{1, 1};
  std::array<TokenBucket, 2> limit_buckets_;
  std::array<std::uint64_t, 2> limit_suppressed_{};
  bool admission_waits_ = false;           // the turn had its slice, the rest is on_timeout()'s
  std::optional<TimePoint> unclaimed_at_;  // reservations that nobody claimed are released
  std::uint32_t next_stamp_ = 1;
  std::uint32_t next_way_ = 1;

  EffectQueue<Effect> effects_;     // records and counter questions
  std::deque<std::uint32_t> asks_;  // targets to ask for, each at most once
  std::deque<RouteRef> pending_;    // routes to tell, each at most once
  std::deque<TimedRef> negatives_;  // by time: all live equally long
  std::deque<TimedRef> patience_;   // upcalls that wait for an RPF answer, by time
  std::multimap<TimePoint, RouteRef> retries_;
  std::deque<std::uint32_t> group_work_;   // groups with many sources to evaluate
  std::uint32_t group_cursor_ = kNone;     // next source of group_work_.front()
  bool group_started_ = false;             // a pass over its sources runs
  bool group_again_ = false;               // and another must follow
  std::deque<std::uint32_t> target_work_;  // targets whose sources to evaluate
  SlotWalk sweep_;                         // evaluates all groups
  SlotWalk reask_;                         // asks for all targets
  std::set<std::uint32_t> leaving_;        // removed links that routes in the plane may name
  std::uint32_t leaving_cursor_ = kNone;   // over all groups, kNone between passes
  TimePoint leaving_at_{};                 // next pass
  std::uint32_t counter_cursor_ = kNone;   // over all sources, kNone between rounds
  std::optional<TimePoint> counters_at_;
  std::optional<TimePoint> hold_until_;
  bool held_ = false;

  std::size_t data_driven_ = 0;                   // sources with by_traffic
  std::size_t negative_ = 0;                      // sources with negative_timed
  std::map<ScopeId, std::size_t> silent_;         // StandingModel, of the latest whole round
  std::map<ScopeId, std::size_t> silent_so_far_;  // of the round under way
  std::size_t unreachable_ = 0;                   // targets without a unicast route
  Counters counters_{};
};

}  // namespace hotpair::mcast::mrib
