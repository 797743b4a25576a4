#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/journal/journal.h"
#include "ha/node/divergence.h"
#include "ha/node/node_config.h"
#include "ha/node/node_effects.h"
#include "ha/role/role_machine.h"
#include "ha/switchover/handover.h"
#include "rbs/session/replication_session.h"
#include "rbs/wire/frame_codec.h"

/// What a node knows of each of its links, services, scopes, E-Trunks and Eth-Trunks.
namespace hotpair::ha::node {

/// One interface of the configuration, with what the kernel says of its device.
struct Link {
  LinkId id;
  LinkSettings settings;
  DeviceFacts facts;
  std::optional<SetFloating> floating;  ///< as asked for
  DeviceFacts floating_facts;           ///< of the device that holds the floating addresses
  bool in_plane = false;
  bool gated = false;
  bool listening = false;
  std::pair<bool, bool> listening_pim;      ///< IPv4, IPv6
  std::pair<bool, bool> listening_auto_rp;  ///< announcements, discoveries
  std::vector<StaticGroup> static_groups;   ///< as given to the membership engine
};

/// A packet that came in on an outgoing link of a route, while packets of the source's own tree are
/// not known to come in: whether an Assert answers it is not known yet (RFC 7761 4.6.1).
struct DoubtfulPacket {
  fwd::WrongInterface packet;
  TimePoint until;
  std::optional<std::uint64_t> strays;  ///< of its route, as last read
};

/// One RBS: a session and the stream below it.
struct Service {
  TransportId transport;
  ServiceSettings settings;
  std::unique_ptr<rbs::session::ReplicationSession> session;
  rbs::wire::FrameReader reader;
  bool stream_up = false;
  bool up = false;
  bool dropped = false;        ///< by us; the transport has yet to say that it is gone
  bool peer_left = false;      ///< it said goodbye and has not come back
  std::uint16_t protocol = 0;  ///< agreed with the peer; of the newest session
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
      : id(scope),
        role(role_config, now),
        handover(scope),
        journal(scope,
                scope == kWholeNode ? checkpoint::journal::JournalConfig::unread()
                                    : checkpoint::journal::JournalConfig{},
                ids) {}

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
  TimePoint handover_asked;   ///< a planned one: unless forced, its digests are compared first
  TimePoint both_open_until;  ///< after one that was done: until the old gate has closed too
  std::optional<switchover::HandoverEnded>
      done_handover;                      ///< as old side, the newest that was done
  std::optional<std::uint64_t> ticket;    ///< operator's switchover
  std::optional<TimePoint> carrier_held;  ///< as old side between two LACP system ids, since then
  bool awaits_partner = false;  ///< as master beside another system id: its partner is not here yet
  std::optional<Divergence> divergence;  ///< as master: of a peer's line that ended
  bool forced = false;                   ///< the newest planned one: digests are not compared
  std::optional<TimePoint> begin_at;     ///< a planned handover waits until one gate is closed
  std::optional<TimePoint> check_until;  ///< a planned handover waits for equal digests
  std::optional<rbs::session::RouteStanding> told_standing;  ///< as backup: as the peer knows it
  std::optional<rbs::session::RouteStanding>
      peer_standing;  ///< as master: how the backup's routes stand

  /// A planned handover was asked for and is not offered yet.
  [[nodiscard]] bool is_preparing() const { return begin_at || check_until; }
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

}  // namespace hotpair::ha::node
