// Bytes as packets to parser and engine. The first byte configures; see play() for the rest.
#include "mcast/wire/checksum.h"
#include "mcast/wire/igmp.h"
#include "tests/fuzz/igmp/engine.h"

namespace {

using namespace hotpair;
using namespace hotpair::mcast;

void patch(Bytes& bytes, std::size_t offset, std::uint16_t value) {
  bytes[offset] = static_cast<std::byte>(value >> 8U);
  bytes[offset + 1] = static_cast<std::byte>(value & 0xffU);
}

/// Gives the packet a right total length and IGMP checksum, so that more of them get through.
Bytes repaired(ByteSpan packet) {
  Bytes bytes = to_bytes(packet);
  if (bytes.size() < 28) return bytes;
  const std::size_t header = 4 * (std::to_integer<std::size_t>(bytes[0]) & 15U);
  if (header < 20 || header + 8 > bytes.size()) return bytes;
  patch(bytes, 2, static_cast<std::uint16_t>(bytes.size()));
  patch(bytes, header + 2, 0);
  patch(bytes, header + 2, wire::internet_checksum(ByteSpan(bytes).subspan(header)));
  return bytes;
}

/// What was parsed can be encoded and parsed again with the same result.
void round_trip(const wire::Packet& packet) {
  const auto again = wire::parse_igmp(wire::wrap_igmp(
      wire::encode_igmp(packet.message), packet.source, packet.destination, true));
  wire::Message expected = packet.message;
  if (auto* report = std::get_if<wire::SourceReport>(&expected)) report->skipped = 0;
  if (auto* query = std::get_if<wire::Query>(&expected))
    query->max_response = std::max<Duration>(query->max_response, std::chrono::milliseconds{100});
  HA_ASSERT(again && again->message == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(as_bytes({reinterpret_cast<const char*>(data), size}));
  const std::uint8_t flags = in.u8();
  fuzz::Engine engine(Family::ipv4, flags);
  fuzz::play(engine, in, [&](ByteSpan bytes, std::uint8_t verb) {
    const bool repair = (verb & 0x08U) != 0;
    const wire::IgmpParseOptions options{.require_router_alert = (verb & 0x10U) != 0};
    const auto packet = repair ? wire::parse_igmp(repaired(bytes), options)
                               : wire::parse_igmp(bytes, options);
    if (!packet) return;
    round_trip(*packet);
    engine.hear(*packet);
  });
  return 0;
}
