#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "ha/lacp/lacp_port.h"
#include "ha/lacp/lacp_show.h"
#include "platform/base/bytes.h"
#include "platform/base/effect_queue.h"
#include "platform/base/time.h"

/// One aggregate of one node, sans-IO. IEEE 802.1AX-2014 6.4.
namespace hotpair::ha::lacp {

/// Send the octets to 01-80-C2-00-00-02, ethertype 0x8809, on the member's device.
struct SendPdu {
  MemberIndex member = 0;
  Bytes bytes;
};
/// The members that collect or distribute are others now; comes before the LACPDUs that say so.
struct MasksChanged {
  std::uint32_t collecting = 0;
  std::uint32_t distributing = 0;
};
/// The first member has its partner, or the last one lost it (link down, timed out, or the partner
/// does not hear this end).
struct PartnerChanged {
  bool heard = false;
};
/// Mux state, receive state or selection of a member changed.
struct PortChanged {
  MemberIndex member = 0;
  bool enabled = false;
  Selected selected = Selected::unselected;
  ReceiveState receive = ReceiveState::initialize;
  MuxState mux = MuxState::detached;
};
using Effect = std::variant<SendPdu, MasksChanged, PartnerChanged, PortChanged>;

/// The ports of one Eth-Trunk, their machines and the selection logic. A trunk is one aggregator:
/// membership is configured, so selection only decides which members use it.
class LacpTrunk {
 public:
  /// `sync_allowed` false: the backup of an E-Trunk. Members over kMembersMax, with an index twice
  /// or port number 0 are left out.
  LacpTrunk(const TrunkConfig& config, bool sync_allowed, TimePoint now);

  /// Changes what differs; members that stay keep their state as far as it still holds.
  /// Another machine spoke for this member until a moment ago, distributed, and was not missed yet:
  /// the partner is as it was last heard, for one more timeout from now. Only before the first
  /// set_enabled() of the member, with synchronization allowed.
  void resume(MemberIndex member, const PortInfo& partner, TimePoint now);
  void reconfigure(const TrunkConfig& config, TimePoint now);
  /// Whether members may be in sync. False: every member shows Synchronization = 0 and stops
  /// collecting at once, learns its partner and waits with its aggregate wait over; true: in the
  /// same step all that could be in sync are, and say so.
  void set_sync_allowed(bool allowed, TimePoint now);
  /// Silent: hears the partner and sends nothing. For the backup of an E-Trunk whose system id
  /// differs from the master's: a partner keeps the system that it attached first.
  void set_silent(bool silent, TimePoint now);
  /// Carrier of a member (port_enabled).
  void set_enabled(MemberIndex member, bool enabled, TimePoint now);
  /// What came in on the member with ethertype 0x8809, after the Ethernet header.
  void on_pdu(MemberIndex member, ByteSpan payload, TimePoint now);
  /// The newest PDU of the member did not leave.
  void on_send_failed(MemberIndex member);
  /// Runs due timers. A spurious call changes nothing.
  void on_timeout(TimePoint now);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<Effect> poll_effect() { return effects_.poll(); }

  [[nodiscard]] const TrunkConfig& config() const { return config_; }
  [[nodiscard]] bool sync_allowed() const { return sync_allowed_; }
  [[nodiscard]] std::uint32_t collecting() const { return collecting_; }
  [[nodiscard]] std::uint32_t distributing() const { return distributing_; }
  /// At least one member's partner was heard within its timeout, and hears this end.
  [[nodiscard]] bool partner_heard() const { return partner_heard_; }
  /// A member has its partner, both ways, or is in the first 3 s of its life or after a silence.
  /// Silent: a member has carrier; a partner that hears nobody may speak every 30 s only.
  [[nodiscard]] bool has_access() const;
  [[nodiscard]] TrunkShow show(TimePoint now) const;

 private:
  void build_ports();
  void run(TimePoint now);
  void select();
  [[nodiscard]] std::optional<MemberIndex> choose_reference() const;
  [[nodiscard]] bool ready() const;
  [[nodiscard]] Duration wait() const;
  void handle(Port& port, const Lacpdu& pdu, TimePoint now);
  void handle(Port& port, const Marker& marker, TimePoint now);
  [[nodiscard]] PortInfo actor_of(const MemberConfig& member) const;
  void report();

  TrunkConfig config_;
  bool sync_allowed_;
  bool silent_ = false;
  bool was_silent_ = false;  // since it last collected
  std::map<MemberIndex, Port> ports_;
  std::optional<MemberIndex> reference_;
  std::uint32_t collecting_ = 0;
  std::uint32_t distributing_ = 0;
  bool partner_heard_ = false;
  std::map<MemberIndex, PortChanged> reported_;
  EffectQueue<Effect> effects_;
};

}  // namespace hotpair::ha::lacp
