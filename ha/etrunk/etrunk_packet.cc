#include "ha/etrunk/etrunk_packet.h"

#include <algorithm>

namespace hotpair::ha::etrunk {
namespace {

constexpr std::uint8_t kTypeHello = 1;
constexpr std::size_t kFixedLength = 76;
constexpr std::size_t kSignedLengthOffset = 6;
constexpr std::uint16_t kTlvSource = 1;
constexpr std::uint16_t kTlvScope = 2;
constexpr std::uint16_t kTlvDetection = 3;
constexpr std::size_t kScopeLength = 24;
constexpr std::size_t kDetectionLength = 8;
constexpr std::uint8_t kFlagFast = 1;
constexpr std::uint8_t kFlagComplete = 1;
constexpr std::uint8_t kFlagAccessUp = 2;
constexpr std::uint8_t kFlagHandedOver = 4;
constexpr std::uint8_t kFlagOffering = 8;
constexpr std::uint8_t kFlagForwarding = 16;

// 0 scope (32), 4 role, 5 flags, 6 opened (16), 8 term counter (64), 16 term node (64).
void put_scope(ByteWriter& writer, const ScopeReport& report) {
  writer.u16(kTlvScope);
  writer.u16(kScopeLength);
  writer.u32(report.scope.value());
  writer.u8(static_cast<std::uint8_t>(report.role));
  unsigned flags = 0;
  if (report.complete) flags |= kFlagComplete;
  if (report.access_up) flags |= kFlagAccessUp;
  if (report.handed_over) flags |= kFlagHandedOver;
  if (report.offering) flags |= kFlagOffering;
  if (report.forwarding) flags |= kFlagForwarding;
  writer.u8(static_cast<std::uint8_t>(flags));
  writer.u16(report.opened);
  writer.u64(report.term.counter);
  writer.u64(report.term.node.value());
}

// 0 detection time in us (32), 4 flags, 5 reserved (24). Left out when there is nothing to say.
bool has_detection(const Hello& hello) { return hello.fast || hello.detect_us != 0; }

void put_detection(ByteWriter& writer, const Hello& hello) {
  writer.u16(kTlvDetection);
  writer.u16(kDetectionLength);
  writer.u32(hello.detect_us);
  writer.u8(hello.fast ? kFlagFast : 0);
  writer.zeros(3);
}

std::optional<HelloReject> get_detection(ByteSpan value, Hello& hello) {
  if (value.size() < kDetectionLength) return HelloReject::bad_tlv;
  ByteReader reader(value);
  hello.detect_us = reader.u32();
  hello.fast = (reader.u8() & kFlagFast) != 0;
  return std::nullopt;
}

std::optional<HelloReject> get_scope(ByteSpan value, Hello& hello) {
  if (value.size() < kScopeLength) return HelloReject::bad_tlv;
  if (hello.scopes.size() == kScopesPerHelloMax) return HelloReject::too_many_scopes;
  ByteReader reader(value);
  ScopeReport report;
  report.scope = ScopeId(reader.u32());
  const std::uint8_t role = reader.u8();
  if (role > static_cast<std::uint8_t>(Role::master)) return HelloReject::bad_scope;
  report.role = static_cast<Role>(role);
  const std::uint8_t flags = reader.u8();
  report.complete = (flags & kFlagComplete) != 0;
  report.access_up = (flags & kFlagAccessUp) != 0;
  report.handed_over = (flags & kFlagHandedOver) != 0;
  report.offering = (flags & kFlagOffering) != 0;
  report.forwarding = (flags & kFlagForwarding) != 0;
  report.opened = reader.u16();
  report.term.counter = reader.u64();
  report.term.node = NodeId(reader.u64());
  hello.scopes.push_back(report);
  return std::nullopt;
}

std::optional<HelloReject> get_tlvs(ByteReader& reader, std::size_t count, Hello& hello) {
  if (count * 4 > reader.remaining()) return HelloReject::bad_tlv;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t type = reader.u16();
    const ByteSpan value = reader.take(reader.u16());
    if (!reader.ok()) return HelloReject::bad_tlv;
    if (type == kTlvSource) {
      const auto source = IpAddress::from_bytes(value);
      if (!source) return HelloReject::bad_tlv;
      hello.source = *source;
    } else if (type == kTlvScope) {
      if (const auto reject = get_scope(value, hello)) return reject;
    } else if (type == kTlvDetection) {
      if (const auto reject = get_detection(value, hello)) return reject;
    }
  }
  return std::nullopt;
}

std::optional<HelloReject> check_frame(ByteSpan datagram) {
  if (datagram.size() < kFixedLength + kHelloMacLength) return HelloReject::too_short;
  if (datagram.size() > kHelloLengthMax) return HelloReject::too_long;
  ByteReader reader(datagram);
  if (reader.u32() != kHelloMagic) return HelloReject::bad_magic;
  if (reader.u8() != kHelloVersion) return HelloReject::bad_version;
  if (reader.u8() != kTypeHello) return HelloReject::bad_type;
  if (reader.u16() != datagram.size() - kHelloMacLength) return HelloReject::bad_length;
  return std::nullopt;
}

std::optional<HelloReject> get_fixed(ByteReader& reader, Hello& hello) {
  hello.etrunk = EtrunkId(reader.u16());
  hello.path = PathId(reader.u8());
  if (hello.path.value() >= kPathsMax) return HelloReject::bad_path;
  const std::uint8_t control = reader.u8();
  if (control > static_cast<std::uint8_t>(ControlState::leaving)) return HelloReject::bad_control;
  hello.control = static_cast<ControlState>(control);
  hello.interval_ms = reader.u32();
  hello.node = NodeId(reader.u64());
  hello.session = reader.u64();
  hello.counter = reader.u64();
  hello.echo = reader.u64();
  hello.echo_counter = reader.u64();
  hello.paths_up = reader.u64();
  hello.multiplier = reader.u16();
  if (hello.interval_ms < kHelloMsMin || hello.interval_ms > kHelloMsMax ||
      hello.multiplier < kMultiplierMin || hello.multiplier > kMultiplierMax) {
    return HelloReject::bad_timer;
  }
  hello.rank = reader.u8();
  const std::uint8_t order = reader.u8();
  if (order > static_cast<std::uint8_t>(PriorityOrder::smaller)) return HelloReject::bad_order;
  hello.order = static_cast<PriorityOrder>(order);
  for (std::uint8_t& octet : hello.system_id.octets) octet = reader.u8();
  return std::nullopt;
}

}  // namespace

const char* to_string(HelloReject reason) {
  switch (reason) {
    case HelloReject::too_short: return "too short";
    case HelloReject::too_long: return "too long";
    case HelloReject::bad_magic: return "bad magic";
    case HelloReject::bad_version: return "bad version";
    case HelloReject::bad_type: return "bad type";
    case HelloReject::bad_length: return "bad length";
    case HelloReject::bad_path: return "bad path";
    case HelloReject::bad_control: return "bad control state";
    case HelloReject::bad_timer: return "bad timer";
    case HelloReject::bad_order: return "bad priority order";
    case HelloReject::bad_tlv: return "bad TLV";
    case HelloReject::bad_scope: return "bad scope";
    case HelloReject::too_many_scopes: return "too many scopes";
    case HelloReject::count: break;
  }
  return "unknown";
}

Bytes encode_hello(const Hello& hello) {
  const std::size_t scopes = std::min(hello.scopes.size(), kScopesPerHelloMax);
  Bytes out;
  out.reserve(kFixedLength + 20 + scopes * (kScopeLength + 4) + kHelloMacLength);
  ByteWriter writer(out);
  writer.u32(kHelloMagic);
  writer.u8(kHelloVersion);
  writer.u8(kTypeHello);
  writer.u16(0);
  writer.u16(hello.etrunk.value());
  writer.u8(hello.path.value());
  writer.u8(static_cast<std::uint8_t>(hello.control));
  writer.u32(hello.interval_ms);
  writer.u64(hello.node.value());
  writer.u64(hello.session);
  writer.u64(hello.counter);
  writer.u64(hello.echo);
  writer.u64(hello.echo_counter);
  writer.u64(hello.paths_up);
  writer.u16(hello.multiplier);
  writer.u8(hello.rank);
  writer.u8(static_cast<std::uint8_t>(hello.order));
  for (const std::uint8_t octet : hello.system_id.octets) writer.u8(octet);
  writer.u16(static_cast<std::uint16_t>(scopes + 1 + (has_detection(hello) ? 1 : 0)));
  writer.u16(kTlvSource);
  writer.u16(static_cast<std::uint16_t>(hello.source.bytes().size()));
  writer.bytes(hello.source.bytes());
  for (std::size_t i = 0; i < scopes; ++i) put_scope(writer, hello.scopes[i]);
  if (has_detection(hello)) put_detection(writer, hello);
  writer.patch_u16(kSignedLengthOffset, static_cast<std::uint16_t>(out.size()));
  return out;
}

std::expected<Hello, HelloReject> decode_hello(ByteSpan datagram) {
  if (const auto reject = check_frame(datagram)) return std::unexpected(*reject);
  ByteReader reader(signed_part(datagram));
  reader.skip(8);
  Hello hello;
  if (const auto reject = get_fixed(reader, hello)) return std::unexpected(*reject);
  const std::size_t count = reader.u16();
  if (const auto reject = get_tlvs(reader, count, hello)) return std::unexpected(*reject);
  return hello;
}

ByteSpan signed_part(ByteSpan datagram) {
  if (datagram.size() < kHelloMacLength) return {};
  return datagram.first(datagram.size() - kHelloMacLength);
}

ByteSpan mac_part(ByteSpan datagram) {
  if (datagram.size() < kHelloMacLength) return {};
  return datagram.last(kHelloMacLength);
}

}  // namespace hotpair::ha::etrunk
