#pragma once

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
inline constexpr std::uint8_t kLast<Cause> = static_cast<std::uint8_t>(Cause::lease_expired);

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
}
template <typename Io, typename S>
  requires std::same_as<std::remove_const_t<S>, PathStatus>
void fields(Io& io, S& s) {
  io(s.etrunk, s.path, s.up, s.sent, s.received, s.rejected_auth, s.rejected_other, s.not_echoed,
     s.last_heard_ms);
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

/// Appends fields to a buffer.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& out) : out_(out), writer_(out) {}
  template <typename... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
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
