#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ha/bfd/bfd_table.h"
#include "ha/etrunk/etrunk_session.h"
#include "ha/keeper/core/sent_hellos.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "ha/lacp/lacp_machine.h"
#include "platform/base/effect_queue.h"
#include "platform/base/time.h"

/// The reflexes. Design sections 4, 7 and 8.
namespace hotpair::ha::keeper {

using etrunk::PathId;

/// Gate words that are not an end of lease (design section 7).
inline constexpr std::uint64_t kGateClosed = 0;
inline constexpr std::uint64_t kGateOpen = ~std::uint64_t{0};

/// Sign and send; then on_hello_sent() or on_hello_failed() before the next effect is taken.
struct SendHello {
  EtrunkId etrunk;
  PathId path;
  Hello hello;
};
/// Sign if it has an authentication section, and send; then on_bfd_sent() or on_bfd_failed() before
/// the next effect is taken. Comes also for a session that was just removed.
struct SendBfd {
  bfd::Discriminator session;
  bfd::ControlPacket packet;
};
/// Store the word in the gate map, before any later effect.
struct StoreGate {
  std::uint32_t slot = 0;
  std::uint64_t word = kGateClosed;
};
/// Store the word in the map of trunk words, before any later effect.
struct StoreTrunk {
  std::uint32_t slot = 0;
  std::uint64_t word = 0;  ///< platform/gate/trunk_words.h
};
/// Send the octets to the slow protocols address on the device; on_lacpdu_failed() if they did not
/// leave.
struct SendLacpdu {
  std::string device;
  Bytes bytes;
};
/// Take the device administratively down, or give it back; a device that was not taken down is left
/// as it is. What is down must come back when this process ends or its successor starts.
struct HoldLink {
  std::string device;
  bool down = false;
};
/// Give the message to the daemon if one is welcomed; Refused to whoever is connected.
struct ToDaemon {
  FromKeeper message;
};
/// Read every socket of hellos and BFD until it is empty, feeding on_hello() and on_bfd(); then
/// call on_drained().
struct DrainSockets {};
/// config() changed: open and close sockets, keys and watched devices; report on_carrier() for
/// each.
struct Reconfigured {};
/// bfd_config() changed: open and close sockets.
struct BfdReconfigured {};
/// Send the frame out of the device.
struct Announce {
  std::string device;
  std::string frame;
};
/// Everything was said; end the process.
struct Exit {};
using Effect = std::variant<SendHello, StoreGate, ToDaemon, DrainSockets, Reconfigured, Exit,
                            StoreTrunk, SendLacpdu, SendBfd, BfdReconfigured, HoldLink, Announce>;

/// Why the driver dropped a datagram before it was a hello.
enum class DatagramDrop : std::uint8_t { authentication, malformed };

/// Decides exactly four things: path down, execution of an armed plan, lease, end of grace. All
/// else the daemon decides. Outlives daemons; a daemon that connects takes role and term from here.
class Keeper {
 public:
  struct Identity {
    std::uint32_t pid = 0;
    std::uint64_t session = 0;  ///< random, not 0: one life of this keeper
    std::uint64_t secret = 0;   ///< random, never sent: BFD discriminators and sequences
  };
  Keeper(const Identity& identity, TimePoint now);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// A connection was accepted / ended. The driver refuses a second one.
  void on_daemon_connected(TimePoint now);
  void on_daemon_disconnected(TimePoint now);
  void on_message(const ToKeeper& message, TimePoint now);

  /// An authenticated hello from the socket of that path.
  void on_hello(EtrunkId etrunk, PathId path, const Hello& hello, TimePoint now);
  void on_datagram_dropped(EtrunkId etrunk, PathId path, DatagramDrop reason);
  /// `now`: read before the send, so that a lease never counts from too late.
  void on_hello_sent(EtrunkId etrunk, PathId path, TimePoint now);
  void on_hello_failed(EtrunkId etrunk, PathId path, TimePoint now);
  /// The session that a BFD packet is for, so that the driver checks the digest with its keys;
  /// nullptr: none, on_bfd() counts it.
  [[nodiscard]] const bfd::BfdSession* route_bfd(const bfd::ControlPacket& packet,
                                                 const bfd::Arrival& arrival) const {
    return bfd_.route(packet, arrival);
  }
  void on_bfd(const bfd::ControlPacket& packet, const bfd::Arrival& arrival, TimePoint now);
  void on_bfd_rejected(bfd::PacketReject reason) { bfd_.on_rejected(reason); }
  void on_bfd_sent(bfd::Discriminator session);
  void on_bfd_failed(bfd::Discriminator session);
  /// Carrier of a device; one that does not exist is down.
  void on_carrier(const std::string& device, bool up, TimePoint now);
  /// What came in on a member's device with the slow protocols' ethertype, after the header.
  void on_lacpdu(const std::string& device, ByteSpan payload, TimePoint now);
  void on_lacpdu_failed(const std::string& device);
  void on_timeout(TimePoint now);
  /// DrainSockets was carried out.
  void on_drained(TimePoint now);
  /// SIGTERM: ask the daemon to hand over, then goodbye; without a daemon goodbye at once.
  void on_leave_requested(TimePoint now);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<Effect> poll_effect();

  [[nodiscard]] const Configure& config() const { return config_; }
  [[nodiscard]] const bfd::BfdTable& bfd() const { return bfd_; }
  /// DaemonHello was accepted: the daemon may be sent what ToDaemon says.
  [[nodiscard]] bool daemon_welcomed() const { return welcomed_; }
  /// Every gate word in force, for a gate map that was adopted just now. Scopes without a SetScope
  /// are left out: a lease that a former keeper wrote goes on until the daemon speaks.
  [[nodiscard]] std::vector<StoreGate> gate_words() const;
  /// Every trunk word in force, for a map that was adopted just now.
  [[nodiscard]] std::vector<StoreTrunk> trunk_words() const;
  [[nodiscard]] KeeperStatus status(TimePoint now) const;
  [[nodiscard]] ControlState control() const { return control_; }

 private:
  /// `expired`: word 0 although the posture is `leased`, until the rule of design 7 lets it reopen.
  enum class Gate : std::uint8_t { closed, open, leased, expired };
  struct CarrierHold {
    std::vector<std::string> devices;
    TimePoint since;
    bool fell = false;  // a device of it was seen without carrier
  };
  struct Scope {
    ScopeConfig config;
    bool known = false;  // SetScope came; before that hellos say nothing of it
    Role role = Role::init;
    Term term;
    Cause cause = Cause::none;  // of the newest change of role
    GatePosture posture = GatePosture::closed;
    bool complete = false;
    bool access_up = true;
    bool handed_over = false;
    std::optional<ArmedPlan> plan;

    Gate gate = Gate::closed;
    std::uint64_t word = kGateClosed;
    bool stored = false;                    // the map holds `word`, not what it was found with
    bool fresh = false;                     // no hello has carried this mastership yet
    bool drained = false;                   // expired: sockets were read empty since
    bool may_reopen = false;                // expired: the rule is met, wait for a lease
    std::optional<TimePoint> silence_from;  // expired: where a detection time of silence starts

    bool was_open = false;                      // as follow_announcements() saw it
    TimePoint opened_at;                        // zero: never
    std::optional<TimePoint> announcing_since;  // while open
    std::size_t announced_times = 0;            // since then
    std::uint64_t announced = 0;                // frames

    std::optional<HandoverOpen> opening;   // new side: gate open, term in no hello yet
    std::uint64_t opened_to = 0;           // the session of the old side's keeper that offered
    std::optional<TimePoint> admitted_at;  // new side: when to look if the partner collects
    TimePoint admitted_from;               // new side: not ready before
    std::optional<Term> granted;           // new side: newest term that was granted to us
    std::optional<Term> offered;           // old side, before the commit point
    bool old_link = false;                 // old side: forwards on until the new one does
    std::optional<Term> burnt;             // old side: an offer that ended without commit
    TimePoint offer_ends{};
    std::optional<CarrierHold> hold;     // old side, two LACP system ids
    std::optional<TimePoint> speaks_by;  // new side likewise: no LACPDU before the old link is down
  };
  struct Session {
    etrunk::EtrunkSession machine;
    std::uint8_t rank = 100;
    SentHellos sent;
    std::array<std::uint64_t, etrunk::kPathsMax> rejected_auth{};
    std::array<std::uint64_t, etrunk::kPathsMax> malformed{};
  };
  struct Trunk {
    TrunkSetup setup;
    lacp::LacpTrunk machine;
    std::uint64_t word = 0;               // as stored
    std::optional<TimePoint> hold_until;  // handed over: the word stays until then
    bool changed = false;                 // since the daemon was told
    /// Taken over from a keeper that was lost: in sync until the scope's gate is settled.
    std::optional<TimePoint> resumed_until;
  };
  struct BoundSession {
    BfdBinding path;
    bfd::Discriminator session;
  };
  enum class Leaving : std::uint8_t { no, asked, gone };

  void handle(const DaemonHello& message, TimePoint now);
  void handle(const Configure& message, TimePoint now);
  void handle(const SetScope& message, TimePoint now);
  void handle(const SetRank& message, TimePoint now);
  void handle(const Arm& message, TimePoint now);
  void handle(const Disarm& message, TimePoint now);
  void handle(const Heartbeat& message, TimePoint now);
  void handle(const HandoverOffer& message, TimePoint now);
  void handle(const HandoverOpen& message, TimePoint now);
  void handle(const HandoverConfirm& message, TimePoint now);
  void handle(const HandoverRevoke& message, TimePoint now);
  void handle(const HandoverCommit& message, TimePoint now);
  void handle(const HandoverAbort& message, TimePoint now);
  void handle(const Leave& message, TimePoint now);
  void handle(const Descriptors& message, TimePoint now);
  void handle(const AskStatus& message, TimePoint now);
  void handle(const ConfigureBfd& message, TimePoint now);
  void handle(const AskBfd& message, TimePoint now);
  void handle(const ResumeTrunks& message, TimePoint now);

  // Every input runs between these two: leases first, decisions and what they say last.
  void begin(TimePoint now);
  void finish(TimePoint now);

  void configure_sessions(TimePoint now);
  void configure_scopes();
  void check_daemon(TimePoint now);
  void daemon_lost(TimePoint now);
  void goodbye(TimePoint now);
  [[nodiscard]] bool is_unacquainted(const Scope& scope) const;
  void await_peer(Scope& scope, TimePoint now);
  void refresh_access(Scope& scope);
  void welcome();
  void pump(EtrunkId id, Session& session);
  void send_reports(TimePoint now);
  void send_now(Scope& scope, TimePoint now);
  void tell(FromKeeper message);
  void tell_outbox();
  void tell_changed(const Scope& scope, Cause cause, TimePoint now);
  void request_drain();

  // keeper_decide.cc
  void obey(EtrunkId id, const Hello& hello, TimePoint now);
  void obey_scope(Scope& scope, const etrunk::ScopeReport& report, const Hello& hello,
                  TimePoint now);
  void give_way(Scope& scope, Term term, TimePoint now);
  void become_master(Scope& scope, Term term, Cause cause, TimePoint now);
  void decide(TimePoint now);
  [[nodiscard]] Cause trigger(const Scope& scope, TimePoint now) const;
  [[nodiscard]] std::optional<TimePoint> waits_for_lease_of_peer(const Scope& scope) const;
  [[nodiscard]] TimePoint lease_of_peer_over(const etrunk::EtrunkSession& machine) const;

  // keeper_bfd.cc
  void bind_bfd();
  void pump_bfd(TimePoint now);
  void pump_bfd_and_decide(TimePoint now);
  void on_bfd_changed(bfd::Discriminator id, const bfd::StateChanged& change, TimePoint now);
  static void judge_path(etrunk::EtrunkSession& machine, PathId path, const BfdChanged& change,
                         TimePoint now);
  void welcome_bfd(TimePoint now);
  [[nodiscard]] const BfdSessionConfig* bfd_config_of(bfd::Discriminator session) const;
  [[nodiscard]] etrunk::Detectors detectors_of(EtrunkId id) const;
  [[nodiscard]] BfdSessionStatus bfd_status_of(const bfd::SessionView& view, TimePoint now) const;

  // keeper_gate.cc
  void apply_posture(Scope& scope, GatePosture posture, TimePoint now);
  void open_leased(Scope& scope, TimePoint now);
  void check_leases(TimePoint now);
  void check_silence(TimePoint now);
  void allow_reopen(EtrunkId id);
  void shorten_long_lease(Scope& scope, TimePoint now);
  void renew_leases(TimePoint now);
  void store(Scope& scope, std::uint64_t word);
  [[nodiscard]] TimePoint lease_end(const Scope& scope, TimePoint now) const;
  [[nodiscard]] Duration silence_needed(const Scope& scope) const;
  [[nodiscard]] Duration dead_span(const etrunk::EtrunkSession& session) const;
  [[nodiscard]] static TimePoint proven_lease_end(const Session& session, TimePoint now);

  // keeper_announce.cc
  static void begin_announcing(Scope& scope, TimePoint now);
  void announce_again(EtrunkId etrunk, TimePoint now);
  void follow_announcements(TimePoint now);
  [[nodiscard]] static std::optional<TimePoint> announcement_due(const Scope& scope);

  // keeper_lacp.cc
  void configure_trunks(TimePoint now);
  void follow_gates(TimePoint now);
  void set_carrier(const std::string& device, bool up, TimePoint now);
  void pump(Trunk& trunk, TimePoint now);
  void store(Trunk& trunk, TimePoint now);
  void check_trunks(TimePoint now);
  void tell_trunks();
  void add_trunk(const TrunkSetup& wanted, TimePoint now);
  void end_resumption(Trunk& trunk, TimePoint now);
  void close_after_partner_moved(Scope& scope, TimePoint now);
  [[nodiscard]] bool behind_trunk(const Scope& scope) const;
  [[nodiscard]] bool partner_collects(const Scope& scope) const;
  [[nodiscard]] std::uint32_t sends_on(const Trunk& trunk) const;
  void end_opening(Scope& scope);
  void end_old_link(Scope& scope);
  [[nodiscard]] bool may_sync(const Trunk& trunk) const;
  [[nodiscard]] bool must_be_silent(const Trunk& trunk) const;
  [[nodiscard]] std::optional<bool> trunk_access(const Scope& scope) const;
  [[nodiscard]] std::optional<TimePoint> trunk_deadline() const;
  [[nodiscard]] TrunkStatus status_of(const Trunk& trunk, TimePoint now) const;

  // keeper_carrier.cc
  [[nodiscard]] bool unlike_systems(const Scope& scope) const;
  [[nodiscard]] bool forwards(const Scope& scope) const;
  void drop_carrier(Scope& scope, TimePoint now);
  void give_carrier_back(Scope& scope, CarrierEnd end);
  void check_carriers(TimePoint now);
  void watch_held(const std::string& device, bool up);
  [[nodiscard]] std::optional<CarrierEnd> end_of_hold(const Scope& scope, TimePoint now) const;
  void check_silence_of_new(Scope& scope, TimePoint now);
  [[nodiscard]] std::optional<TimePoint> carrier_deadline(const Scope& scope) const;

  // keeper_handover.cc
  void end_offer(Scope& scope);
  void say_opened(Scope& scope, TimePoint now);
  static std::uint16_t mark_of_opened(const Scope& scope);
  void check_offer(Scope& scope, const etrunk::ScopeReport& report, TimePoint now);
  void check_offers(TimePoint now);
  void check_admitted(TimePoint now);
  void revoke(Scope& scope, TimePoint now);
  void check_opening(Scope& scope, const etrunk::ScopeReport& report, const Hello& hello,
                     TimePoint now);

  [[nodiscard]] Scope* find(ScopeId id);
  [[nodiscard]] Scope* find_known(ScopeId id);
  [[nodiscard]] const Session* session_of(const Scope& scope) const;
  [[nodiscard]] Session* session_of(const Scope& scope);
  [[nodiscard]] Duration grace() const {
    return std::chrono::milliseconds(config_.restart_grace_ms);
  }
  [[nodiscard]] static ScopeState state_of(const Scope& scope);

  Identity identity_;
  TimePoint started_;
  NodeId node_;
  Configure config_;
  etrunk::HelloCounter counter_;
  SentHellos::Sending sending_;  // the newest hello that the driver was given
  std::map<EtrunkId, Session> sessions_;
  std::map<ScopeId, Scope> scopes_;
  std::map<lacp::TrunkId, Trunk> trunks_;
  std::map<std::string, bool> carriers_;
  std::vector<std::string> descriptors_;
  bfd::BfdTable bfd_;
  std::vector<BfdSessionConfig> bfd_config_;
  std::unordered_map<bfd::Discriminator, std::size_t> bfd_index_;  // into bfd_config_
  std::vector<BoundSession> bfd_bound_;                            // those that paths follow
  std::vector<BfdSessionConfig> bfd_incoming_;  // parts of a configuration, until the last

  bool connected_ = false;
  bool welcomed_ = false;
  std::uint64_t daemon_connects_ = 0;
  ControlState control_ = ControlState::restarting;
  std::optional<TimePoint> heartbeat_due_;  // set while the daemon runs
  bool heartbeat_extended_ = false;
  std::vector<ResumedMember> resumed_;   // until Configure takes them
  std::optional<TimePoint> grace_ends_;  // set while `restarting`
  Leaving leaving_ = Leaving::no;
  TimePoint leave_at_{};
  bool draining_ = false;

  std::vector<FromKeeper> outbox_;  // told after gates and hellos of the same input
  EffectQueue<Effect> effects_;
};

}  // namespace hotpair::ha::keeper
