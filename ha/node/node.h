#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/schema/record_codec.h"
#include "ha/node/alarms.h"
#include "ha/node/node_config.h"
#include "ha/node/node_effects.h"
#include "ha/node/node_state.h"
#include "ha/node/pim_family.h"
#include "ha/node/readiness.h"
#include "ha/switchover/history.h"
#include "mcast/gmp/gmp_machine.h"
#include "mcast/mrib/mrib_machine.h"
#include "platform/base/effect_queue.h"

namespace hotpair::ha::node {

/// How long an activation after `handed over` waits for the end of the old journal.
inline constexpr Duration kTailWait = std::chrono::milliseconds(300);
inline constexpr Duration kHeartbeat = std::chrono::milliseconds(500);
/// Between two looks at how routes stand, for the master of a scope.
inline constexpr Duration kStandingPeriod = std::chrono::seconds(1);
/// What is over sooner was no reason to call anybody.
inline constexpr Duration kAlarmHold = std::chrono::seconds(3);

/// A store that answers later is an alarm.
inline constexpr Duration kStoreSlowAfter = std::chrono::seconds(1);

/// What `hotpair wait` waits for.
enum class Condition : std::uint8_t { ready, synced, master };

/// Which scopes to hand over: one, those of an E-Trunk, or all that this node is master of.
struct SwitchoverWish {
  std::optional<ScopeId> scope;
  std::optional<etrunk::EtrunkId> etrunk;
  bool force = false;  ///< no proof that the copies are equal, and what can be waived is
};

/// One node: see DESIGN.md. Inputs in, effects out, one deadline.
class Node {
 public:
  struct Identity {
    NodeId node;
    std::string software;
    std::uint64_t hash_seed = 0;
  };
  Node(const Identity& identity, TimePoint now);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // ---- configuration and facts ----

  /// Makes this the running configuration, live; it has been checked.
  void apply(const NodeConfig& config, TimePoint now);
  /// Facts about a device; before the first apply() for every device that exists.
  void on_device(const DeviceFacts& facts, TimePoint now);
  /// The pair key is there or not; without one no service opens its transport.
  void set_pair_key(bool present, TimePoint now);

  // ---- keeper ----
  void on_keeper_connected(TimePoint now);
  void on_keeper(const keeper::FromKeeper& message, TimePoint now);
  void on_keeper_lost(TimePoint now);

  // ---- store ----
  /// The store could not read which terms this node has reserved.
  void on_terms_lost(const std::string& detail, TimePoint now);
  /// How long the oldest request has waited for its answer; about once a second.
  void on_store_age(Duration oldest, TimePoint now);
  void on_store(checkpoint::StoreReply reply, TimePoint now);

  // ---- transports ----
  /// `key_id`: of the pair key that authenticated it; empty with certificates.
  void on_transport_up(TransportId transport, TimePoint now, const std::string& key_id = {});
  void on_transport_bytes(TransportId transport, ByteSpan bytes, TimePoint now);
  /// This many bytes of SendBytes have left for the kernel.
  void on_transport_sent(TransportId transport, std::size_t bytes, TimePoint now);
  /// `counter`: the transport's word for the failure, counted; empty: not counted.
  void on_transport_down(TransportId transport, const std::string& reason, TimePoint now,
                         const std::string& counter = {});
  /// The stream goes on over a new connection: nothing was lost, the session does not notice.
  void on_transport_renewed(TransportId transport, TimePoint now, const std::string& key_id = {});
  /// A new connection could not be made; the stream goes on over the one in use.
  void on_renewal_failed(TransportId transport, const std::string& reason, TimePoint now,
                         const std::string& counter);
  /// Somebody with the peer's address could not authenticate beside the connection in use.
  void on_connection_refused(TransportId transport, const std::string& reason, TimePoint now,
                             const std::string& counter);
  /// The peer's address connects too often; one more was closed.
  void on_transport_limited(TransportId transport, TimePoint now);

  // ---- credentials ----

  /// Every certificate in use, with the wall time: alarms 30, 7 and 1 days before the end. Also to
  /// be called as time goes on; an hour between calls is early enough.
  void on_credentials(const std::vector<CredentialFact>& facts, WallTime wall, TimePoint now);
  /// What is wrong with the files of a policy; empty: nothing any more. The old ones stay in use.
  void on_policy(const std::string& policy, const std::string& problem, TimePoint now);

  // ---- multicast ----
  void on_group_message(const GroupMessage& message, TimePoint now);
  void on_pim_packet(const PimDatagram& datagram, TimePoint now);
  void on_auto_rp(const AutoRpDatagram& datagram, TimePoint now);
  void on_plane_event(const fwd::PlaneEvent& event, TimePoint now);
  void on_plane_events(std::span<const fwd::PlaneEvent> events, TimePoint now);
  void on_plane_applied(std::span<const fwd::AppliedChange> results, TimePoint now);
  /// A link or gate could not be set; `vrf` if `what` is none with a name of its own.
  void on_plane_refused(const std::string& what, const Error& error, TimePoint now, VrfId vrf = {});
  void on_read_back(std::span<const fwd::Route> routes, TimePoint now);
  void on_rpf(VrfId vrf, const IpAddress& target, const std::optional<RpfFacts>& facts,
              TimePoint now);
  /// What unicast routing lacks for an interface of a VRF, as an operator would add it; empty:
  /// nothing any more.
  void on_vrf_rules(const std::string& device, const std::string& missing, TimePoint now);
  void on_unicast_changed(TimePoint now);
  void on_route_counters(
      std::span<const std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> counters,
      TimePoint now);

  // ---- operator ----

  /// Ends when the condition holds: ActionEnded with the ticket.
  std::uint64_t wait(Condition condition, Duration timeout, TimePoint now);
  /// Planned switchover; refused with what stands in the way, before anything moves.
  [[nodiscard]] Result<std::uint64_t> switchover(const SwitchoverWish& wish, TimePoint now);
  /// Hands everything over, says goodbye, stops.
  std::uint64_t leave(const std::string& reason, TimePoint now);
  void reset_gmp_counters(Family family);
  void reset_service_counters();

  // ---- driver ----
  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<NodeEffect> poll_effect() { return effects_.poll(); }

  // ---- queries, for displays ----
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const NodeConfig& config() const { return config_; }
  [[nodiscard]] const std::map<ScopeId, std::unique_ptr<Scope>>& scopes() const { return scopes_; }
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Service>>& services() const {
    return services_;
  }
  [[nodiscard]] const std::map<etrunk::EtrunkId, EtrunkState>& etrunks() const { return etrunks_; }
  [[nodiscard]] const std::map<LinkId, Link>& links() const { return links_; }
  [[nodiscard]] const std::map<lacp::TrunkId, TrunkState>& trunks() const { return trunks_; }
  [[nodiscard]] const Link* find_link(std::string_view name) const;
  [[nodiscard]] const mcast::gmp::Machine& gmp() const { return gmp_; }
  [[nodiscard]] const mcast::mrib::Mrib& mrib() const { return mrib_; }
  [[nodiscard]] const mcast::pim::Pim& pim(Family family, VrfId vrf = {}) const {
    return pim_of(vrf, family).pim;
  }
  /// RPs in force, configured and learned.
  [[nodiscard]] const mcast::rp::RpSet& rp_set(Family family, VrfId vrf = {}) const {
    return pim_of(vrf, family).rps;
  }
  /// The group is source-specific, by RFC 4607 or by configuration.
  [[nodiscard]] bool is_ssm(const Group& group, VrfId vrf = {}) const {
    return pim_of(vrf, group.family()).is_ssm(group);
  }
  /// Its engine, messages that did not parse, by reason, and those to the wrong group.
  [[nodiscard]] const AutoRpEdge& auto_rp(VrfId vrf = {}) const {
    return pim_of(vrf, Family::ipv4).auto_rp;
  }
  [[nodiscard]] const mcast::rp::Bsr& bsr(Family family, VrfId vrf = {}) const {
    return pim_of(vrf, family).bsr;
  }
  /// Sources that this node registers, and those that are registered here.
  [[nodiscard]] const mcast::pim::RegisterTunnels& register_tunnels(Family family,
                                                                    VrfId vrf = {}) const {
    return pim_of(vrf, family).tunnels;
  }
  [[nodiscard]] const mcast::pim::RegisterReceiver& register_receiver(Family family,
                                                                      VrfId vrf = {}) const {
    return pim_of(vrf, family).receiver;
  }
  /// The register tunnel of a VRF as a link of routes; absent without PIM.
  [[nodiscard]] std::optional<LinkId> register_link(VrfId vrf = {}) const {
    const auto found = register_links_.find(vrf);
    return found == register_links_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] const Alarms& alarms() const { return alarms_; }
  [[nodiscard]] const switchover::History& history() const { return history_; }
  [[nodiscard]] bool keeper_connected() const { return keeper_up_; }
  [[nodiscard]] bool has_pair_key() const { return pair_key_; }
  [[nodiscard]] const std::optional<keeper::KeeperStatus>& keeper_status() const { return status_; }
  [[nodiscard]] TimePoint keeper_status_at() const { return status_at_; }
  [[nodiscard]] bool holds(Condition condition) const { return missing(condition).empty(); }
  /// What is in the way of the condition, per scope and service; empty: it holds.
  [[nodiscard]] std::vector<Missing> missing(Condition condition) const;
  /// The keeper's newest answer about BFD; nullopt before the first.
  [[nodiscard]] const std::optional<keeper::BfdStatus>& bfd_status() const { return bfd_status_; }
  [[nodiscard]] TimePoint bfd_status_at() const { return bfd_status_at_; }
  /// Of every profile: what a planned switchover would find now.
  [[nodiscard]] std::vector<Readiness> readiness() const;

 private:
  struct Waiter {
    std::uint64_t ticket = 0;
    Condition condition{};
    TimePoint until;
  };

  // configuration.cc
  void apply_links(const NodeConfig& config, TimePoint now);
  void apply_link(Link& link, const LinkSettings& settings, TimePoint now);
  void refresh_link(Link& link, TimePoint now);
  void leave_records(const Link& link, TimePoint now);
  void refresh_plane(Link& link, TimePoint now);
  [[nodiscard]] mcast::mrib::LinkConfig route_link(const Link& link) const;
  [[nodiscard]] static fwd::PlaneLink plane_link(const Link& link);
  void refresh_gmp(Link& link, TimePoint now);
  void remove_link(Link& link, TimePoint now);
  void apply_scopes(const NodeConfig& config, TimePoint now);
  void apply_services(const NodeConfig& config, TimePoint now);
  void open_transport(Service& service);
  void acquaint(Scope& scope, TimePoint now);
  [[nodiscard]] role::RoleConfig role_config(const ScopeSettings& settings) const;
  void configure_keeper();
  void check_paths(EtrunkState& state, TimePoint now);
  // rank_edge.cc: tracked interfaces and routes lower the rank
  [[nodiscard]] static std::uint8_t worse_by(const EtrunkSettings& settings, unsigned reduced);
  [[nodiscard]] bool is_link_up(const std::string& name) const;
  void refresh_ranks(TimePoint now);

  // bfd_edge.cc
  void configure_keeper_bfd();
  [[nodiscard]] std::vector<keeper::BfdSessionConfig> bfd_sessions() const;
  [[nodiscard]] bool is_bfd_session(const std::string& name) const;
  void refresh_bfd_neighbours();
  void check_bfd_alarms(TimePoint now);
  [[nodiscard]] bool is_tracked(const keeper::BfdSessionConfig& session) const;
  void handle(const keeper::BfdChanged& message, TimePoint now);
  void handle(const keeper::BfdStatus& message, TimePoint now);
  // keeper_edge.cc: one overload per message of the keeper
  void handle(const keeper::Welcome& message, TimePoint now);
  void handle(const keeper::Refused& message, TimePoint now);
  void handle(const keeper::PathChanged& message, TimePoint now);
  void handle(const keeper::PeerHello& message, TimePoint now);
  void handle(const keeper::PeerChanged& message, TimePoint now);
  void handle(const keeper::Alone& message, TimePoint now);
  void handle(const keeper::ScopeChanged& message, TimePoint now);
  void handle(const keeper::HandoverOpened& message, TimePoint now);
  void handle(const keeper::HandoverCommitted& message, TimePoint now);
  void handle(const keeper::GateChanged& message, TimePoint now);
  void handle(const keeper::AccessChanged& message, TimePoint now);
  void handle(const keeper::KeeperStatus& message, TimePoint now);
  void handle(const keeper::HandoverOffered& message, TimePoint now);
  void handle(const keeper::LeaveRequested& message, TimePoint now);
  void note_keeper_act(Scope& scope, const keeper::ScopeChanged& change, TimePoint now);

  // trunk_edge.cc, floating_edge.cc
  void apply_trunks(const NodeConfig& config);
  [[nodiscard]] std::vector<keeper::TrunkSetup> trunk_setups() const;
  void resume_trunks(TimePoint now);
  [[nodiscard]] bool is_trunk(const Link& link) const;
  void handle(const keeper::TrunkStatus& message, TimePoint now);
  void handle(const keeper::TrunkChanged& message, TimePoint now);
  void handle(const keeper::CarrierChanged& message, TimePoint now);
  void refresh_floating(Link& link);
  void remove_floating(Link& link);
  void note_floating_device(const DeviceFacts& facts, TimePoint now);
  [[nodiscard]] std::vector<keeper::Announcement> announcements_of_links() const;
  void add_unrefreshing(const Scope& scope, std::vector<Finding>& findings) const;
  void note_partner(const TrunkSettings& trunk, bool heard, TimePoint now);
  void note_forwarding(const TrunkSettings& trunk, TimePoint now);
  void forget_held_carriers();

  // role_edge.cc
  bool pump_role(Scope& scope, TimePoint now);
  bool pump_handover(Scope& scope, TimePoint now);
  void on_role_changed(Scope& scope, const role::RoleChanged& change, TimePoint now);
  void take(Scope& scope, TimePoint now);
  void activate(Scope& scope, TimePoint now);
  void deactivate(Scope& scope, TimePoint now,
                  mcast::pim::Leaving leaving = mcast::pim::Leaving::silently);
  void begin_story(Scope& scope, const role::RoleChanged& change, TimePoint now);
  void tell_handover(Scope& scope, TimePoint now);
  void phase(const Scope& scope, const std::string& name, TimePoint at);
  [[nodiscard]] Result<void> begin_handover(Scope& scope, TimePoint now, bool force);
  [[nodiscard]] std::vector<IpAddress> peer_addresses() const;
  [[nodiscard]] Readiness readiness(const Scope& scope) const;
  [[nodiscard]] std::string different_systems(const Scope& scope) const;
  void offer(Scope& scope, TimePoint now);
  [[nodiscard]] Result<void> compare_or_offer(Scope& scope, TimePoint now);
  void begin_waiting(Scope& scope, TimePoint now);
  void fail_handover(Scope& scope, const std::string& why, TimePoint now);
  void end_ticket(Scope& scope, const std::string& text, std::optional<Error> error);
  void continue_leaving(TimePoint now);

  // replication_edge.cc
  bool pump_session(Service& service, TimePoint now);
  bool pump_journal(Scope& scope);
  void handle(Service& service, rbs::session::Effect& effect, TimePoint now);
  void handle_stream(Service& service, const rbs::session::Effect& effect, TimePoint now);
  void on_complete(Scope& scope, const rbs::session::ScopeComplete& complete, TimePoint now);
  [[nodiscard]] std::string unacceptable(const Scope& scope, const Term& term) const;
  void deliver(Scope& scope, const std::vector<checkpoint::RecordChange>& changes, TimePoint now);
  void deliver(Scope& scope, const checkpoint::RecordChange& change, TimePoint now);
  void drop_standby(Scope& scope, TimePoint now);
  void on_meta(Scope& scope, const checkpoint::MetaRead& meta, TimePoint now);
  void on_restored_slice(Scope& scope, const checkpoint::RecordSlice& slice, TimePoint now);
  void ask_meta(Scope& scope);
  void finish_restore(Scope& scope, TimePoint now);
  void attach_session(Scope& scope, TimePoint now);
  void append(Scope& scope, checkpoint::RecordChange change, TimePoint now);
  void refill(Scope& scope, TimePoint now);
  void stream_ended(Service& service, const std::string& reason, TimePoint now);

  // divergence_edge.cc
  void hear_diverged(Scope& scope, const rbs::session::Diverged& frame, TimePoint now);
  void unite(Scope& scope, const checkpoint::Record& record, TimePoint now);
  void tell_divergence(Scope& scope, TimePoint now);
  [[nodiscard]] mcast::gmp::Tentative tentative(const Scope& scope) const;
  void settle_divergence(Scope& scope, TimePoint now);
  void end_divergence(Scope& scope, TimePoint now);
  void handle_told(const rbs::session::DivergedTold& told);

  // membership_edge.cc
  bool pump_gmp(TimePoint now);
  void handle(mcast::gmp::SendQuery& send, TimePoint now);
  void handle(mcast::gmp::MembershipChanged& change, TimePoint now);
  void handle(mcast::gmp::RecordChanged& change, TimePoint now);
  void handle(mcast::gmp::FlushInterface& flush, TimePoint now);
  void handle(mcast::gmp::LimitReached& limit, TimePoint now);
  void handle(mcast::gmp::QuerierChanged& change, TimePoint now);
  void handle(mcast::gmp::OtherQuerierHeard& other, TimePoint now);
  void handle(mcast::gmp::QueryVersionMismatch& mismatch, TimePoint now);

  // pim_edge.cc
  /// Of the default VRF.
  [[nodiscard]] PimFamily& pim_of(Family family) { return *pim_[family == Family::ipv4 ? 0 : 1]; }
  // vrf_edge.cc
  /// nullptr: the VRF is not configured (any more).
  [[nodiscard]] PimFamily* find_pim(VrfId vrf, Family family);
  /// Of a VRF that is configured: that of a link, for one.
  [[nodiscard]] const PimFamily& pim_of(VrfId vrf, Family family) const;
  [[nodiscard]] PimFamily& pim_of(const Link& link, Family family);
  [[nodiscard]] std::uint64_t pim_seed(VrfId vrf, Family family) const;
  void apply_vrfs(const NodeConfig& config, TimePoint now);
  void drop_family(PimFamily& family, TimePoint now);
  [[nodiscard]] const VrfSettings* find_vrf(VrfId vrf) const;
  [[nodiscard]] const PimSettings& settings_of(const PimFamily& family) const;
  [[nodiscard]] const std::vector<mcast::rp::RpMapping>& static_rps_of(
      const PimFamily& family) const;
  [[nodiscard]] std::string in_vrf(VrfId vrf) const;
  [[nodiscard]] static Result<void> no_such_vrf(VrfId vrf);
  [[nodiscard]] static std::vector<IpPrefix> addresses_of(const Link& link);
  [[nodiscard]] bool is_own_address(VrfId vrf, const IpAddress& address) const;
  [[nodiscard]] std::optional<RpfFacts> facts_in_vrf(VrfId vrf, const IpAddress& target,
                                                     const std::optional<RpfFacts>& facts) const;
  void ask_rpf(VrfId vrf, const IpAddress& target, TimePoint now);
  void note_rpf(VrfId vrf, const IpAddress& target, const std::optional<RpfFacts>& facts,
                TimePoint now);
  void send_by_way(PimFamily& family, const IpAddress& source, const IpAddress& destination,
                   const mcast::wire::PimMessage& message);
  void note_way(PimFamily& family, const IpAddress& target, const std::optional<RpfFacts>& facts);
  void refresh_pim(Link& link, TimePoint now);
  void refresh_pim(const Link& link, PimFamily& family, TimePoint now);
  void remove_pim(Link& link, TimePoint now);
  void set_pim_role(const Scope& scope, bool active, mcast::pim::Leaving leaving, TimePoint now);
  bool pump_pim(TimePoint now);
  void send_on_link(const PimFamily& family, LinkId link, const IpAddress& destination,
                    const mcast::wire::PimMessage& message, TimePoint now);
  [[nodiscard]] std::string link_name(LinkId link) const;
  void greet(PimFamily& family, LinkId link, const IpAddress& neighbour, TimePoint now);
  void handle(PimFamily& family, mcast::pim::SendOnLink& send, TimePoint now);
  void handle(PimFamily& family, mcast::pim::DownstreamView& view, TimePoint now);
  void handle(PimFamily& family, mcast::pim::DownstreamFlushed& flushed, TimePoint now);
  void handle(PimFamily& family, mcast::pim::AssertChanged& changed, TimePoint now);
  void handle(PimFamily& family, mcast::pim::AssertsFlushed& flushed, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RecordChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RecordRemoved& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::NeighbourUp& up, TimePoint now);
  void handle(PimFamily& family, mcast::pim::NeighbourRestarted& restarted, TimePoint now);
  void handle(PimFamily& family, mcast::pim::NeighbourDown& down, TimePoint now);
  void handle(PimFamily& family, mcast::pim::DrChanged& changed, TimePoint now);
  void handle(PimFamily& family, mcast::pim::AddressConflict& conflict, TimePoint now);
  void handle(PimFamily& family, mcast::pim::LimitReached& limit, TimePoint now);
  void handle(mcast::mrib::BidirRpChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::DfChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::BidirRefused& refused, TimePoint now);
  void refill_bidir(Scope& scope, TimePoint now);
  [[nodiscard]] Result<void> deliver_bidir(Scope& scope, const checkpoint::RecordChange& change,
                                           TimePoint now);

  // register_edge.cc
  void apply_register_link(VrfId vrf, const NodeConfig& config, TimePoint now);
  [[nodiscard]] IpAddress unicast_source(VrfId vrf, Family family) const;
  void note_path(PimFamily& family, const IpAddress& target, const std::optional<RpfFacts>& facts);
  void settle_registers(TimePoint now);
  void on_whole_packet(const fwd::WholePacket& event, TimePoint now);
  void on_register_packet(PimFamily& family, const mcast::wire::PimPacket& packet, TimePoint now);
  bool pump_register(PimFamily& family, TimePoint now);
  void send_unicast(PimFamily& family, const IpAddress& source, const IpAddress& destination,
                    const mcast::wire::PimMessage& message);
  void handle(PimFamily& family, mcast::pim::SendUnicast& send, TimePoint now);
  void handle(PimFamily& family, mcast::pim::SendRegister& send, TimePoint now);
  void handle(PimFamily& family, mcast::pim::SendPacketTooBig& send, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterTunnelChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterSource& source, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterRecordChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterRecordRemoved& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterLimitReached& limit, TimePoint now);

  // pim_records_edge.cc
  void note_identity(const PimFamily& family, const Link& link, const IpAddress& source,
                     const mcast::wire::PimHello& hello, TimePoint now);
  [[nodiscard]] Scope& identity_scope(const Link& link);
  void refill_pim(Scope& scope, TimePoint now);
  [[nodiscard]] Result<void> deliver_join_prune(Scope& scope,
                                                const checkpoint::RecordChange& change,
                                                TimePoint now);
  [[nodiscard]] Result<void> deliver_rp(Scope& scope, const checkpoint::RecordChange& change,
                                        TimePoint now);
  [[nodiscard]] Result<void> deliver_register(Scope& scope, const checkpoint::RecordChange& change,
                                              TimePoint now);
  void refill_registers(Scope& scope, const PimFamily& family, TimePoint now);
  [[nodiscard]] Result<void> deliver_identity(Scope& scope, const checkpoint::RecordChange& change);

  // rp_edge.cc
  void apply_pim(const NodeConfig& config, TimePoint now);
  void refresh_rps(PimFamily& family, TimePoint now);
  void on_rp_packet(PimFamily& family, LinkId link, const mcast::wire::PimPacket& packet,
                    TimePoint now);
  void answer_bsr(PimFamily& family, const IpAddress& target, const std::optional<RpfFacts>& facts,
                  TimePoint now);
  bool pump_rp(PimFamily& family, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendBootstrap& send, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendBootstrapTo& send, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendCandidateRp& send, TimePoint now);
  void handle(PimFamily& family, mcast::rp::AskBsrRpf& ask, TimePoint now);
  void handle(PimFamily& family, mcast::rp::RpSetChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::rp::RecordChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::rp::BsrChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::rp::RpLimitReached& limit, TimePoint now);

  // standing_edge.cc
  void tell_standings(TimePoint now);
  void forget_standings(const Service& service);
  static void forget_standing(Scope& scope);
  void add_standing(const Scope& scope, Readiness& found) const;

  // shared_rps_edge.cc
  [[nodiscard]] const SharedRps* shared_rps(const PimFamily& family) const;
  void share_rp(const mcast::rp::RpRecord& record, TimePoint now);
  void share_rps(const PimFamily& family, TimePoint now);
  void restore_shared_rp(const mcast::rp::RpRecord& record, TimePoint now);
  void forget_shared_rps(TimePoint now);
  void adopt_shared_rps(TimePoint now);
  void leave_shared_rps(TimePoint now);

  // auto_rp_edge.cc
  void refresh_auto_rp(PimFamily& family, TimePoint now);
  void listen_auto_rp(const PimFamily& family, Link& link);
  [[nodiscard]] static bool carries_auto_rp(const PimFamily& family, const Link& link);
  bool pump_auto_rp(PimFamily& family, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendAutoRp& send, TimePoint now);

  // route_edge.cc
  bool pump_mrib(TimePoint now);
  void handle(mcast::mrib::PlaneDelta& delta, TimePoint now);
  void handle(mcast::mrib::AskRpf& ask, TimePoint now);
  void handle(mcast::mrib::AskCounters& ask, TimePoint now);
  void handle(mcast::mrib::RecordChanged& change, TimePoint now);
  void handle(mcast::mrib::RecordRemoved& change, TimePoint now);
  void handle(mcast::mrib::LinkReleased& left, TimePoint now);
  void handle(mcast::mrib::UpstreamChanged& change, TimePoint now);
  void handle(mcast::mrib::AssertFactsChanged& change, TimePoint now);
  void handle(mcast::mrib::RegisterChanged& change, TimePoint now);
  void drop_left_gate(LinkId left);
  /// Both nodes forward to the link for a moment: what comes in there is the peer's copy.
  [[nodiscard]] bool is_changing_hands(LinkId link, TimePoint now) const;
  void on_stray(const fwd::WrongInterface& packet, TimePoint now);
  void judge_doubtful(const fwd::RouteKey& key, const std::optional<fwd::RouteCounters>& values,
                      TimePoint now);
  void ask_doubtful(TimePoint now);

  // mcac_edge.cc: admission control
  void apply_admission(const NodeConfig& config, TimePoint now);
  void refresh_limits(const Link& link, TimePoint now);
  void handle(mcast::mrib::ReservationChanged& change, TimePoint now);
  void handle(mcast::mrib::ReservationRemoved& removal, TimePoint now);
  void handle(mcast::mrib::LimitDenied& denied, TimePoint now);
  void handle(mcast::mrib::LimitThreshold& reached, TimePoint now);
  void refill_reservations(Scope& scope, TimePoint now);
  [[nodiscard]] Result<void> deliver_reservation(Scope& scope,
                                                 const checkpoint::RecordChange& change,
                                                 TimePoint now);
  [[nodiscard]] Scope* record_scope(LinkId link, Family family);

  [[nodiscard]] static bool peer_ready(const Scope& scope);
  // waiting.cc
  [[nodiscard]] std::string missing_role(const Scope& scope) const;
  [[nodiscard]] std::string missing_copy(const Scope& scope) const;

  void pump(TimePoint now);
  void settle_waiters(TimePoint now);
  Scope* find(ScopeId scope);
  Service* service_of(const Scope& scope);
  void dial_again(etrunk::EtrunkId etrunk);
  Service* find(TransportId transport);
  Link* link_of_device(std::string_view device);
  template <typename... Args>
  void log(const Message& message, Args&&... args);
  template <typename... Args>
  void raise(const Message& message, const std::string& subject, TimePoint now, Args&&... args);
  template <typename... Args>
  void raise_if_it_lasts(const Message& message, const std::string& subject, TimePoint now,
                         Args&&... args);
  void clear(const Message& message, const std::string& subject);

  Identity identity_;
  NodeConfig config_;
  bool configured_ = false;
  std::set<std::string> credentials_;  ///< subjects of the facts heard last
  bool pair_key_ = false;
  bool keeper_up_ = false;
  bool leaving_ = false;
  bool restore_done_ = false;
  std::uint64_t leave_ticket_ = 0;
  std::optional<TimePoint> leave_until_;
  std::optional<TimePoint> heartbeat_at_;
  TimePoint standings_at_{};  ///< earliest next look, at a heartbeat
  std::optional<keeper::KeeperStatus> status_;
  TimePoint status_at_;
  std::map<std::string, keeper::BfdChanged> bfd_;  // newest word of each session
  struct BfdNeighbour {
    LinkId link;
    bfd::SessionConfig session;
    friend bool operator==(const BfdNeighbour&, const BfdNeighbour&) = default;
  };
  std::map<std::string, BfdNeighbour> bfd_neighbours_;  // PIM's, by name of the session
  bool bfd_stale_ = false;  // a neighbour came or went, or whether BFD is wanted with it
  std::vector<std::string> bfd_alarms_;  // sessions with an alarm
  std::optional<keeper::BfdStatus> bfd_status_;
  keeper::BfdStatus bfd_incoming_;  // parts of an answer, until the last
  TimePoint bfd_status_at_;
  bool bfd_told_ = false;  // the keeper was told of sessions
  std::uint64_t next_ticket_ = 1;
  std::vector<Waiter> waiters_;

  /// A frame on its way through the transport: bytes not yet sent, and its cost to the session.
  struct QueuedFrame {
    std::size_t bytes = 0;
    std::size_t cost = 0;
  };
  std::map<TransportId, std::deque<QueuedFrame>> frames_;

  checkpoint::journal::RequestIds ids_;
  std::map<checkpoint::RequestId, ScopeId> own_requests_;
  std::map<checkpoint::RequestId, std::uint64_t> reservations_;
  checkpoint::schema::RecordCodec codec_;
  mcast::gmp::Machine gmp_;
  mcast::mrib::Mrib mrib_;
  std::vector<std::unique_ptr<PimFamily>> pim_;  // IPv4, IPv6 of the default VRF, then the others
  std::map<fwd::RouteKey, DoubtfulPacket> doubtful_;
  std::optional<TimePoint> doubtful_at_;  // their counters are to be read
  bool registers_restored_ = false;       // records of register tunnels wait for their sources
  /// As journalled: database 7.
  std::map<mcast::pim::IdentityKey, std::optional<mcast::pim::IdentityValue>> identities_;
  std::map<ScopeId, std::unique_ptr<Scope>> scopes_;
  std::map<std::string, std::unique_ptr<Service>> services_;
  std::map<etrunk::EtrunkId, EtrunkState> etrunks_;
  std::map<LinkId, Link> links_;
  std::map<LinkId, std::string> leaving_gates_;  // devices whose gate goes with their last route
  std::map<std::pair<std::string, VrfId>, LinkId> link_ids_;  // by interface name, for good
  std::map<std::string, DeviceFacts> devices_;
  std::uint32_t next_link_ = 1;
  std::map<VrfId, LinkId> register_links_;  // the register tunnels, for good
  std::map<VrfId, std::string> vrf_names_;  // for messages; a VRF that goes keeps it to its end
  std::uint32_t next_transport_ = 1;
  std::uint32_t next_slot_ = 0;
  std::map<ScopeId, std::uint32_t> slots_;  // by scope, for good
  std::map<lacp::TrunkId, TrunkState> trunks_;
  std::vector<ScopeId> fresh_scopes_;  // configured by the present apply()
  Alarms alarms_;
  switchover::History history_;
  EffectQueue<NodeEffect> effects_{1U << 20U};
};

}  // namespace hotpair::ha::node
