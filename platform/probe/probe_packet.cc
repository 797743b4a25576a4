#include "platform/probe/probe_packet.h"

namespace hotpair::platform::probe {
namespace {

constexpr std::uint32_t magic = 0x48505242;  // "HPRB"
constexpr std::uint8_t version = 1;

}  // namespace

void encode(const Packet& packet, std::size_t size, Bytes& out) {
  ByteWriter writer(out);
  const std::size_t begin = writer.size();
  writer.u32(magic);
  writer.u8(version);
  writer.u8(static_cast<std::uint8_t>(packet.type));
  writer.u16(0);
  writer.u64(packet.run);
  writer.u32(packet.group_index);
  writer.u32(packet.interval_us);
  writer.u64(packet.sequence);
  writer.u64(static_cast<std::uint64_t>(packet.sent_at.time_since_epoch().count()));
  const std::size_t written = writer.size() - begin;
  if (written < size) writer.zeros(size - written);
}

Result<Packet> decode(ByteSpan bytes) {
  ByteReader reader(bytes);
  if (reader.u32() != magic || !reader.ok()) return fail(ErrorCode::malformed, "no probe packet");
  if (reader.u8() != version) return fail(ErrorCode::malformed, "unknown probe version");
  const std::uint8_t type = reader.u8();
  if (type != 1 && type != 2) return fail(ErrorCode::malformed, "unknown probe packet type");
  reader.skip(2);
  Packet packet;
  packet.type = static_cast<PacketType>(type);
  packet.run = reader.u64();
  packet.group_index = reader.u32();
  packet.interval_us = reader.u32();
  packet.sequence = reader.u64();
  const std::uint64_t sent = reader.u64();
  if (!reader.ok()) return fail(ErrorCode::malformed, "probe packet is cut short");
  if (packet.sequence > sequence_max) return fail(ErrorCode::malformed, "sequence out of range");
  if (sent > static_cast<std::uint64_t>(INT64_MAX)) {
    return fail(ErrorCode::malformed, "send time out of range");
  }
  packet.sent_at = TimePoint(Duration(static_cast<Duration::rep>(sent)));
  return packet;
}

}  // namespace hotpair::platform::probe
