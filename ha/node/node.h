#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/journal/journal.h"
#include "checkpoint/schema/record_codec.h"
#include "ha/node/alarms.h"
#include "ha/node/divergence.h"
#include "ha/node/node_config.h"
#include "ha/node/node_effects.h"
#include "ha/node/pim_family.h"
#include "ha/node/readiness.h"
#include "ha/role/role_machine.h"
#include "ha/switchover/handover.h"
#include "ha/switchover/history.h"
#include "mcast/gmp/gmp_machine.h"
#include "mcast/mrib/mrib_machine.h"
#include "platform/base/effect_queue.h"
#include "rbs/session/replication_session.h"
#include "rbs/wire/frame_codec.h"

namespace hotpair::ha::node {

/// How long an activation after `handed over` waits for the end of the old journal.
inline constexpr Duration kTailWait = std::chrono::milliseconds(300);
inline constexpr Duration kHeartbeat = std::chrono::milliseconds(500);
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

/// One interface of the configuration, with what the kernel says of its device.
struct Link {
  LinkId id;
  LinkSettings settings;
  DeviceFacts facts;
  bool in_plane = false;
  bool gated = false;
  bool listening = false;
  std::pair<bool, bool> listening_pim;  ///< IPv4, IPv6
  std::vector<StaticGroup> static_groups;  ///< as given to the membership engine
};

/// One RBS: a session and the stream below it.
struct Service {
  TransportId transport;
  ServiceSettings settings;
  std::unique_ptr<rbs::session::ReplicationSession> session;
  rbs::wire::FrameReader reader;
  bool stream_up = false;
  bool up = false;
  bool dropped = false;  ///< by us; the transport has yet to say that it is gone
  bool peer_left = false;  ///< it said goodbye and has not come back
  std::string last_error;
  std::optional<TimePoint> last_up;
  std::uint64_t connects = 0;
  std::uint64_t disconnects = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::string key_id;          ///< of the connection in use; empty with certificates
  std::uint64_t renewals = 0;  ///< the stream went on over a new connection
  std::uint64_t limited = 0;   ///< connections of the peer's address that came too often
  /// Failed handshakes and connections by the transport's word for why; those words are few.
  std::map<std::string, std::uint64_t> failures;
};

/// One scope of this node: an RBP, or the whole node.
struct Scope {
  enum class Life : std::uint8_t { asking, restoring, ready };
  Scope(ScopeId scope, const role::RoleConfig& role_config, checkpoint::journal::RequestIds& ids,
        TimePoint now)
      : id(scope), role(role_config, now), handover(scope), journal(scope, {}, ids) {}

  ScopeId id;
  ScopeSettings settings;
  role::RoleMachine role;
  switchover::Handover handover;
  checkpoint::journal::Journal journal;
  Life life = Life::asking;
  std::uint64_t restored = 0;
  std::uint32_t gate_slot = 0;
  bool gate_open = false;
  bool access_up = true;
  bool active = false;                  ///< engines write its records
  bool peer_complete = false;           ///< as master: the peer's copy
  std::optional<TimePoint> take_at;     ///< handed over to us; waiting for the journal's tail
  bool tail_in = false;                 ///< HandoverDone came before the keeper's word
  std::optional<std::uint32_t> refill;  ///< cursor of a snapshot that refills the store
  std::uint64_t story = 0;
  TimePoint story_began;
  TimePoint handover_asked;  ///< a planned one: unless forced, its digests are compared first
  std::optional<switchover::HandoverEnded>
      done_handover;                     ///< as old side, the newest that was done
  std::optional<std::uint64_t> ticket;   ///< operator's switchover
  std::optional<TimePoint> carrier_held;  ///< as old side between two LACP system ids, since then
  bool awaits_partner = false;  ///< as master beside another system id: its partner is not here yet
  std::optional<Divergence> divergence;  ///< as master: of a peer's line that ended
  std::optional<TimePoint> check_until;  ///< a planned handover waits for equal digests
};

/// What the keeper said of an E-Trunk.
struct EtrunkState {
  EtrunkSettings settings;
  bool heard = false;
  bool alone = false;
  bool same_id = false;  ///< who is heard has this node's id
  std::map<std::uint8_t, bool> path_up;
  std::set<std::string> alarmed_paths;  ///< subjects of kPathDown
  std::uint8_t rank = 100;              ///< priority less what tracking took off
  std::vector<std::string> lowered_by;  ///< what took it off, in words
  bool detected = false;                ///< the last path that went down was given up by BFD
  std::optional<etrunk::Hello> peer;

  [[nodiscard]] bool is_up(const etrunk::PathConfig& path) const {
    const auto known = path_up.find(path.path.value());
    return known != path_up.end() && known->second;
  }
  /// One path is configured, or the peer is heard on one of several.
  [[nodiscard]] bool has_single_path() const;
};

/// What the keeper said of an Eth-Trunk.
struct TrunkState {
  TrunkSettings settings;
  std::optional<keeper::TrunkStatus> status;
  /// Of a keeper that was lost, and when: for the one that takes its place.
  std::optional<keeper::TrunkStatus> lost;
  TimePoint lost_at;
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
  void on_plane_event(const fwd::PlaneEvent& event, TimePoint now);
  void on_plane_applied(std::span<const fwd::AppliedChange> results, TimePoint now);
  /// A link or gate could not be set.
  void on_plane_refused(const std::string& what, const Error& error, TimePoint now);
  void on_read_back(std::span<const fwd::Route> routes, TimePoint now);
  void on_rpf(const IpAddress& target, const std::optional<RpfFacts>& facts, TimePoint now);
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
  [[nodiscard]] const mcast::pim::Pim& pim(Family family) const { return pim_of(family).pim; }
  /// RPs in force, configured and learned.
  [[nodiscard]] const mcast::rp::RpSet& rp_set(Family family) const { return pim_of(family).rps; }
  [[nodiscard]] const mcast::rp::Bsr& bsr(Family family) const { return pim_of(family).bsr; }
  /// Sources that this node registers, and those that are registered here.
  [[nodiscard]] const mcast::pim::RegisterTunnels& register_tunnels(Family family) const {
    return pim_of(family).tunnels;
  }
  [[nodiscard]] const mcast::pim::RegisterReceiver& register_receiver(Family family) const {
    return pim_of(family).receiver;
  }
  /// The register tunnel as a link of routes; absent without PIM.
  [[nodiscard]] std::optional<LinkId> register_link() const { return register_link_; }
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
  void refresh_plane(Link& link, TimePoint now);
  [[nodiscard]] mcast::mrib::LinkConfig route_link(const Link& link) const;
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

  // trunk_edge.cc
  void apply_trunks(const NodeConfig& config);
  [[nodiscard]] std::vector<keeper::TrunkSetup> trunk_setups() const;
  void resume_trunks(TimePoint now);
  [[nodiscard]] bool is_trunk(const Link& link) const;
  void handle(const keeper::TrunkStatus& message, TimePoint now);
  void handle(const keeper::TrunkChanged& message, TimePoint now);
  void handle(const keeper::CarrierChanged& message, TimePoint now);
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
  [[nodiscard]] Readiness readiness(const Scope& scope) const;
  [[nodiscard]] std::string different_systems(const Scope& scope) const;
  void offer(Scope& scope, TimePoint now);
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
  [[nodiscard]] PimFamily& pim_of(Family family) { return *pim_[family == Family::ipv4 ? 0 : 1]; }
  [[nodiscard]] const PimFamily& pim_of(Family family) const {
    return *pim_[family == Family::ipv4 ? 0 : 1];
  }
  void refresh_pim(Link& link, TimePoint now);
  void refresh_pim(const Link& link, PimFamily& family, TimePoint now);
  void remove_pim(Link& link, TimePoint now);
  void set_pim_role(const Scope& scope, bool active, mcast::pim::Leaving leaving, TimePoint now);
  bool pump_pim(TimePoint now);
  void send_on_link(const PimFamily& family, LinkId link, const IpAddress& destination,
                    const mcast::wire::PimMessage& message, TimePoint now);
  [[nodiscard]] std::string link_name(LinkId link) const;
  void greet(PimFamily& family, LinkId link, const IpAddress& neighbour);
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

  // register_edge.cc
  void apply_register_link(const NodeConfig& config, TimePoint now);
  [[nodiscard]] IpAddress unicast_source(Family family) const;
  void on_whole_packet(const fwd::WholePacket& event, TimePoint now);
  void on_register_packet(PimFamily& family, const mcast::wire::PimPacket& packet, TimePoint now);
  bool pump_register(PimFamily& family, TimePoint now);
  void send_unicast(const IpAddress& source, const IpAddress& destination,
                    const mcast::wire::PimMessage& message);
  void handle(PimFamily& family, mcast::pim::SendUnicast& send, TimePoint now);
  void handle(PimFamily& family, mcast::pim::SendRegister& send, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterTunnelChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterSource& source, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterRecordChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterRecordRemoved& change, TimePoint now);
  void handle(PimFamily& family, mcast::pim::RegisterLimitReached& limit, TimePoint now);

  // pim_records_edge.cc
  void note_identity(const PimFamily& family, const Link& link, const IpAddress& source,
                     const mcast::wire::PimHello& hello, TimePoint now);
  void refill_pim(Scope& scope, TimePoint now);
  [[nodiscard]] Result<void> deliver_join_prune(Scope& scope,
                                                const checkpoint::RecordChange& change,
                                                TimePoint now);
  [[nodiscard]] Result<void> deliver_rp(Scope& scope, const checkpoint::RecordChange& change,
                                        TimePoint now);
  [[nodiscard]] Result<void> deliver_identity(Scope& scope,
                                              const checkpoint::RecordChange& change);

  // rp_edge.cc
  void apply_pim(const NodeConfig& config, TimePoint now);
  void refresh_rps(PimFamily& family, TimePoint now);
  void on_rp_packet(PimFamily& family, LinkId link, const mcast::wire::PimPacket& packet,
                    TimePoint now);
  void answer_bsr(const IpAddress& target, const std::optional<RpfFacts>& facts, TimePoint now);
  bool pump_rp(PimFamily& family, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendBootstrap& send, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendBootstrapTo& send, TimePoint now);
  void handle(PimFamily& family, mcast::rp::SendCandidateRp& send, TimePoint now);
  void handle(PimFamily& family, mcast::rp::AskBsrRpf& ask, TimePoint now);
  void handle(PimFamily& family, mcast::rp::RpSetChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::rp::RecordChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::rp::BsrChanged& change, TimePoint now);
  void handle(PimFamily& family, mcast::rp::RpLimitReached& limit, TimePoint now);

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
  std::optional<keeper::KeeperStatus> status_;
  TimePoint status_at_;
  std::map<std::string, keeper::BfdChanged> bfd_;  // newest word of each session
  std::vector<std::string> bfd_alarms_;            // sessions with an alarm
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
  std::array<std::unique_ptr<PimFamily>, 2> pim_;  // IPv4, IPv6
  /// As journalled: database 7.
  std::map<mcast::pim::IdentityKey, std::optional<mcast::pim::IdentityValue>> identities_;
  std::map<ScopeId, std::unique_ptr<Scope>> scopes_;
  std::map<std::string, std::unique_ptr<Service>> services_;
  std::map<etrunk::EtrunkId, EtrunkState> etrunks_;
  std::map<LinkId, Link> links_;
  std::map<LinkId, std::string> leaving_gates_;  // devices whose gate goes with their last route
  std::map<std::string, LinkId> link_ids_;  // by interface name, for good
  std::map<std::string, DeviceFacts> devices_;
  std::uint32_t next_link_ = 1;
  std::optional<LinkId> register_link_;  // the register tunnel, for good
  std::uint32_t next_transport_ = 1;
  std::uint32_t next_slot_ = 0;
  std::map<ScopeId, std::uint32_t> slots_;  // by scope, for good
  std::map<lacp::TrunkId, TrunkState> trunks_;
  std::vector<ScopeId> fresh_scopes_;       // configured by the present apply()
  Alarms alarms_;
  switchover::History history_;
  EffectQueue<NodeEffect> effects_{1U << 20U};
};

}  // namespace hotpair::ha::node
