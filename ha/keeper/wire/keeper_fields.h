#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <type_traits>

#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/bytes.h"

/// The fields of each message in their order, once for both directions: `fields(io, message)` where
/// `io` is FieldReader or FieldWriter. A later version appends to the end of a list, never inserts,
/// by io.appended(): from an older process they are missing and keep their defaults.
namespace hotpair::ha::keeper {

inline constexpr std::size_t kListMax = 256;
inline constexpr std::size_t kTextMax = 1024;

/// Largest valid number of each enumeration that travels.
template <typename E>
inline constexpr std::uint8_t kLast = 0;
template <>
inline constexpr std::uint8_t kLast<Role> = static_cast<std::uint8_t>(Role::master);
template <>
inline constexpr std::uint8_t kLast<ControlState> =
    static_cast<std::uint8_t>(ControlState::leaving);
template <>
inline constexpr std::uint8_t kLast<etrunk::PriorityOrder> =
    static_cast<std::uint8_t>(etrunk::PriorityOrder::smaller);
template <>
inline constexpr std::uint8_t kLast<GatePosture> = static_cast<std::uint8_t>(GatePosture::open);
template <>
inline constexpr std::uint8_t kLast<bfd::State> = static_cast<std::uint8_t>(bfd::State::up);
template <>
inline constexpr std::uint8_t kLast<bfd::Diag> =
    static_cast<std::uint8_t>(bfd::Diag::reverse_concatenated_path_down);
template <>
inline constexpr std::uint8_t kLast<bfd::Reason> =
    static_cast<std::uint8_t>(bfd::Reason::local_admin_down);
template <>
inline constexpr std::uint8_t kLast<Cause> = static_cast<std::uint8_t>(Cause::lease_expired);
template <>
inline constexpr std::uint8_t kLast<TrunkMode> = static_cast<std::uint8_t>(TrunkMode::force_backup);
template <>
inline constexpr std::uint8_t kLast<CarrierEnd> = static_cast<std::uint8_t>(CarrierEnd::ended);
template <>
inline constexpr std::uint8_t kLast<lacp::Selected> =
    static_cast<std::uint8_t>(lacp::Selected::standby);
template <>
inline constexpr std::uint8_t kLast<lacp::ReceiveState> =
    static_cast<std::uint8_t>(lacp::ReceiveState::current);
template <>
inline constexpr std::uint8_t kLast<lacp::PeriodicState> =
    static_cast<std::uint8_t>(lacp::PeriodicState::periodic_tx);
template <>
inline constexpr std::uint8_t kLast<lacp::MuxState> =
    static_cast<std::uint8_t>(lacp::MuxState::distributing);
template <>
inline constexpr std::uint8_t kLast<lacp::ChurnState> =
    static_cast<std::uint8_t>(lacp::ChurnState::churn);

/// Message numbers that are not a place in the variant (keeper_codec.cc): 40 to 49 and 140 to 149
/// are BFD's, 50 to 59 LACP's.
template <typename Message>
inline constexpr std::uint16_t kNumber = 0;
template <>
inline constexpr std::uint16_t kNumber<TrunkStatus> = 50;
template <>
inline constexpr std::uint16_t kNumber<TrunkChanged> = 51;
template <>
inline constexpr std::uint16_t kNumber<CarrierChanged> = 52;
template <>
inline constexpr std::uint16_t kNumber<ResumeTrunks> = 53;
template <>
inline constexpr std::uint16_t kNumber<ConfigureBfd> = 40;
template <>
inline constexpr std::uint16_t kNumber<AskBfd> = 41;
template <>
inline constexpr std::uint16_t kNumber<BfdChanged> = 140;
template <>
inline constexpr std::uint16_t kNumber<BfdStatus> = 141;

class FieldWriter;
class FieldReader;

// ---- nested structs ----
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, etrunk::ScopeReport>
void fields(Io& io, S& s) {
  io(s.scope, s.role, s.term, s.complete, s.access_up, s.handed_over, s.offering);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Hello>
void fields(Io& io, S& s) {
  io(s.etrunk, s.path, s.node, s.session, s.counter, s.echo, s.echo_counter, s.interval_ms,
     s.multiplier, s.rank, s.order, s.system_id, s.source, s.control, s.paths_up, s.scopes);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, etrunk::PathConfig>
void fields(Io& io, S& s) {
  io(s.path, s.local, s.peer, s.device);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, EtrunkConfig>
void fields(Io& io, S& s) {
  io(s.id, s.port, s.paths, s.hello_ms, s.multiplier, s.priority, s.order, s.system_id, s.keys);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, ScopeConfig>
void fields(Io& io, S& s) {
  io(s.scope, s.etrunk, s.gate_slot, s.access_devices);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, ArmedPlan>
void fields(Io& io, S& s) {
  io(s.scope, s.against, s.term, s.causes);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, ScopeState>
void fields(Io& io, S& s) {
  io(s.scope, s.role, s.term, s.posture, s.gate_open, s.access_up, s.armed);
  io.appended(s.cause);
  io.appended(s.opened_at);
  io.appended(s.announced);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Announcement>
void fields(Io& io, S& s) {
  io(s.scope, s.device, s.frames);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, PathStatus>
void fields(Io& io, S& s) {
  io(s.etrunk, s.path, s.up, s.sent, s.received, s.rejected_auth, s.rejected_other, s.not_echoed,
     s.last_heard_ms);
}

template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, lacp::MemberConfig>
void fields(Io& io, S& s) { io(s.index, s.device, s.port, s.priority); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, lacp::TrunkConfig>
void fields(Io& io, S& s) {
  io(s.id, s.system_priority, s.system, s.key, s.active, s.fast, s.least_active, s.max_active,
     s.members);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, TrunkSetup>
void fields(Io& io, S& s) { io(s.lacp, s.slot, s.scope, s.mode); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, lacp::PortInfo>
void fields(Io& io, S& s) {
  io(s.system_priority, s.system, s.key, s.port_priority, s.port, s.state);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, lacp::PortCounters>
void fields(Io& io, S& s) {
  io(s.lacpdus_sent, s.lacpdus_received, s.markers_received, s.marker_responses_sent,
     s.marker_responses_received, s.send_failures, s.sends_delayed, s.partner_changes,
     s.expirations, s.defaults, s.sync_changes, s.mux_changes, s.actor_churns, s.partner_churns,
     s.rejected);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, lacp::PortShow>
void fields(Io& io, S& s) {
  io(s.index, s.device, s.enabled, s.selected, s.receive, s.periodic, s.mux, s.actor_churn,
     s.partner_churn, s.actor, s.partner, s.partner_version, s.last_heard_ms, s.expires_ms,
     s.counters);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, lacp::TrunkShow>
void fields(Io& io, S& s) {
  io(s.id, s.sync_allowed, s.partner_heard, s.collecting, s.distributing, s.reference, s.ports);
}

// ---- daemon to keeper ----
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, DaemonHello>
void fields(Io& io, S& s) {
  io(s.version_min, s.version_max, s.node, s.software);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Configure>
void fields(Io& io, S& s) {
  io(s.etrunks, s.scopes, s.restart_grace_ms);
  io.appended(s.trunks);
  io.appended(s.announcements);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, SetScope>
void fields(Io& io, S& s) {
  io(s.scope, s.role, s.term, s.posture, s.complete);
  io.appended(s.cause);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, SetRank>
void fields(Io& io, S& s) {
  io(s.etrunk, s.rank);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Arm>
void fields(Io& io, S& s) {
  io(s.plan);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Disarm> ||
           std::same_as<std::remove_const_t<S>, HandoverAbort>
void fields(Io& io, S& s) {
  io(s.scope);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, HandoverOffer> ||
           std::same_as<std::remove_const_t<S>, HandoverConfirm> ||
           std::same_as<std::remove_const_t<S>, HandoverRevoke> ||
           std::same_as<std::remove_const_t<S>, HandoverCommit> ||
           std::same_as<std::remove_const_t<S>, HandoverOpened>
void fields(Io& io, S& s) {
  io(s.scope, s.term);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, HandoverOpen> ||
           std::same_as<std::remove_const_t<S>, HandoverCommitted>
void fields(Io& io, S& s) {
  io(s.scope, s.term, s.hello_counter);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Heartbeat> ||
           std::same_as<std::remove_const_t<S>, Leave> ||
           std::same_as<std::remove_const_t<S>, AskStatus> ||
           std::same_as<std::remove_const_t<S>, LeaveRequested>
void fields(Io& /*io*/, S& /*s*/) {}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Descriptors>
void fields(Io& io, S& s) {
  io(s.names);
}

// ---- keeper to daemon ----
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Welcome>
void fields(Io& io, S& s) {
  io(s.version, s.pid, s.session, s.scopes, s.descriptors);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Refused>
void fields(Io& io, S& s) {
  io(s.reason);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, PathChanged>
void fields(Io& io, S& s) {
  io(s.etrunk, s.path, s.up, s.silent_ms);
  io.appended(s.detected);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, PeerHello>
void fields(Io& io, S& s) {
  io(s.hello);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, PeerChanged>
void fields(Io& io, S& s) {
  io(s.etrunk, s.heard);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, Alone>
void fields(Io& io, S& s) {
  io(s.etrunk);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, ScopeChanged>
void fields(Io& io, S& s) {
  io(s.state, s.cause, s.last_heard, s.decided, s.gate_stored);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, HandoverOffered>
void fields(Io& io, S& s) {
  io(s.scope, s.term, s.hello_counter, s.offered);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, GateChanged>
void fields(Io& io, S& s) {
  io(s.scope, s.open, s.cause);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, AccessChanged>
void fields(Io& io, S& s) {
  io(s.scope, s.up);
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, KeeperStatus>
void fields(Io& io, S& s) {
  io(s.pid, s.uptime_ms, s.realtime, s.locked, s.late_timers, s.worst_late_us, s.daemon_connects,
     s.hello_counter, s.scopes, s.paths, s.descriptors);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, TrunkStatus>
void fields(Io& io, S& s) { io(s.trunk, s.slot, s.word); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, TrunkChanged>
void fields(Io& io, S& s) {
  io(s.trunk, s.sync_allowed, s.partner_heard, s.collecting, s.distributing);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, CarrierChanged>
void fields(Io& io, S& s) { io(s.scope, s.held, s.end, s.devices); }

template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, ResumedMember>
void fields(Io& io, S& s) { io(s.trunk, s.member, s.partner); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, ResumeTrunks>
void fields(Io& io, S& s) { io(s.members); }

// ---- BFD ----
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, bfd::AuthKey>
void fields(Io& io, S& s) { io(s.id, s.secret); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, bfd::SessionConfig>
void fields(Io& io, S& s) {
  io(s.name, s.local, s.peer, s.device, s.multihop, s.ttl_min, s.local_discriminator,
     s.remote_discriminator, s.min_tx_us, s.min_rx_us, s.multiplier, s.admin_down, s.keys);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, BfdBinding>
void fields(Io& io, S& s) { io(s.etrunk, s.path); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, BfdSessionConfig>
void fields(Io& io, S& s) { io(s.session, s.paths); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, BfdSessionStatus>
void fields(Io& io, S& s) {
  io(s.config, s.local_discriminator, s.remote_discriminator, s.state, s.remote_state, s.diag,
     s.remote_diag, s.remote_multiplier, s.remote_demand, s.remote_control_plane_independent,
     s.authenticated, s.polling, s.tx_us, s.rx_us, s.detection_us, s.sent, s.send_failures,
     s.verdicts, s.times_up, s.times_down, s.extensions, s.last_reason, s.changed_ms,
     s.longest_gap_us, s.lateness, s.worst_late_us, s.paths);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, ConfigureBfd>
void fields(Io& io, S& s) { io(s.first, s.last, s.sessions); }
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, AskBfd>
void fields(Io& /*io*/, S& /*s*/) {}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, BfdChanged>
void fields(Io& io, S& s) {
  io(s.name, s.discriminator, s.from, s.state, s.reason, s.authenticated, s.at);
}
template <typename Io, typename S>
requires std::same_as<std::remove_const_t<S>, BfdStatus>
void fields(Io& io, S& s) { io(s.first, s.last, s.sessions, s.unknown_session, s.rejects); }

/// Appends fields to a buffer.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& out) : out_(out), writer_(out) {}
  template <typename... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  /// A field that a later version appended.
  template <typename T>
  void appended(const T& value) {
    put(value);
  }

 private:
  void put(bool value) { writer_.u8(value ? 1 : 0); }
  void put(std::uint8_t value) { writer_.u8(value); }
  void put(std::uint16_t value) { writer_.u16(value); }
  void put(std::uint32_t value) { writer_.u32(value); }
  void put(std::uint64_t value) { writer_.u64(value); }
  template <typename Tag, typename T>
  void put(const Strong<Tag, T>& value) {
    put(value.value());
  }
  template <typename E>
    requires std::is_enum_v<E>
  void put(E value) {
    writer_.u8(static_cast<std::uint8_t>(value));
  }
  void put(const Term& term) { (*this)(term.counter, term.node); }
  void put(TimePoint time) {
    writer_.u64(static_cast<std::uint64_t>(time.time_since_epoch().count()));
  }
  void put(const MacAddress& mac) {
    for (const std::uint8_t octet : mac.octets) writer_.u8(octet);
  }
  void put(const IpAddress& address) {
    writer_.u8(static_cast<std::uint8_t>(address.bytes().size()));
    writer_.bytes(address.bytes());
  }
  void put(const std::string& text) {
    const auto cut = std::string_view(text).substr(0, kTextMax);
    writer_.u16(static_cast<std::uint16_t>(cut.size()));
    writer_.bytes(as_bytes(cut));
  }
  template <std::size_t N>
  void put(const std::array<std::uint64_t, N>& counts) {
    put(static_cast<std::uint16_t>(N));
    for (const std::uint64_t count : counts) put(count);
  }
  template <typename T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <typename T>
  void put(const std::vector<T>& list) {
    const std::size_t count = std::min(list.size(), kListMax);
    writer_.u16(static_cast<std::uint16_t>(count));
    for (std::size_t i = 0; i < count; ++i) put(list[i]);
  }
  /// A nested struct carries its length, so that it can grow.
  template <typename S>
    requires std::is_class_v<S>
  void put(const S& nested) {
    const std::size_t at = out_.size();
    writer_.u16(0);
    fields(*this, nested);
    writer_.patch_u16(at, static_cast<std::uint16_t>(out_.size() - at - 2));
  }

  Bytes& out_;
  ByteWriter writer_;
};

/// Reads fields; ok() is false for good after the first that is short or out of range.
class FieldReader {
 public:
  explicit FieldReader(ByteSpan bytes) : reader_(bytes) {}
  template <typename... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  /// A field that a later version appended; a sender of an earlier one leaves it out.
  template <typename T>
  void appended(T& value) {
    if (ok() && reader_.remaining() > 0) get(value);
  }
  [[nodiscard]] bool ok() const { return good_ && reader_.ok(); }

 private:
  void get(bool& value) { value = reader_.u8() != 0; }
  void get(std::uint8_t& value) { value = reader_.u8(); }
  void get(std::uint16_t& value) { value = reader_.u16(); }
  void get(std::uint32_t& value) { value = reader_.u32(); }
  void get(std::uint64_t& value) { value = reader_.u64(); }
  template <typename Tag, typename T>
  void get(Strong<Tag, T>& value) {
    T number{};
    get(number);
    value = Strong<Tag, T>(number);
  }
  template <typename E>
    requires std::is_enum_v<E>
  void get(E& value) {
    const std::uint8_t number = reader_.u8();
    if (number > kLast<E>) {
      good_ = false;
      return;
    }
    value = static_cast<E>(number);
  }
  void get(Term& term) { (*this)(term.counter, term.node); }
  void get(TimePoint& time) {
    const std::uint64_t ns = reader_.u64();
    if (ns > static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max())) {
      good_ = false;
      return;
    }
    time = TimePoint(Duration(static_cast<Duration::rep>(ns)));
  }
  void get(MacAddress& mac) {
    for (std::uint8_t& octet : mac.octets) octet = reader_.u8();
  }
  void get(IpAddress& address) {
    const auto read = IpAddress::from_bytes(reader_.take(reader_.u8()));
    if (read)
      address = *read;
    else
      good_ = false;
  }
  void get(std::string& text) {
    const std::size_t length = reader_.u16();
    if (length > kTextMax) good_ = false;
    if (good_) text = as_text(reader_.take(length));
  }
  /// The sender's version may know fewer or more of them.
  template <std::size_t N>
  void get(std::array<std::uint64_t, N>& counts) {
    const std::size_t sent = reader_.u16();
    if (sent > kListMax) good_ = false;
    for (std::size_t i = 0; i < sent && ok(); ++i) {
      const std::uint64_t count = reader_.u64();
      if (i < N) counts[i] = count;
    }
  }
  template <typename T>
  void get(std::optional<T>& value) {
    bool present = false;
    get(present);
    value.reset();
    if (present) get(value.emplace());
  }
  /// Every element takes at least one byte, so the count is checked before the loop.
  template <typename T>
  void get(std::vector<T>& list) {
    const std::size_t count = reader_.u16();
    list.clear();
    if (count > kListMax || count > reader_.remaining()) good_ = false;
    for (std::size_t i = 0; i < count && ok(); ++i) get(list.emplace_back());
  }
  template <typename S>
    requires std::is_class_v<S>
  void get(S& nested) {
    FieldReader inner(reader_.take(reader_.u16()));
    fields(inner, nested);
    if (!inner.ok()) good_ = false;
  }

  ByteReader reader_;
  bool good_ = true;
};

}  // namespace hotpair::ha::keeper
