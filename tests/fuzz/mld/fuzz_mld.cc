// Bytes as packets to parser and engine. The first byte configures; see play() for the rest. A
// packet is one byte for the source (fe80::n), one for hop limit and alert, then the message.
#include "mcast/wire/mld.h"
#include "tests/fuzz/igmp/engine.h"

namespace {

using namespace hotpair;
using namespace hotpair::mcast;

void round_trip(const wire::Packet& packet, const wire::MldArrival& arrival) {
  const Bytes encoded = wire::encode_mld(packet.message, arrival.source, arrival.destination);
  const auto again = wire::parse_mld(encoded, arrival,
                                     {.require_router_alert = false, .verify_checksum = true});
  wire::Message expected = packet.message;
  if (auto* report = std::get_if<wire::SourceReport>(&expected)) report->skipped = 0;
  HA_ASSERT(again && again->message == expected);
}

wire::MldArrival read_arrival(ByteReader& in) {
  wire::MldArrival arrival;
  std::array<std::byte, 16> source{std::byte{0xfe}, std::byte{0x80}};
  source[15] = static_cast<std::byte>(in.u8());
  const std::uint8_t flags = in.u8();
  if ((flags & 0x40U) != 0) source[0] = std::byte{0x20};
  arrival.source = *IpAddress::from_bytes(source);
  arrival.destination = wire::all_gmp_routers(Family::ipv6);
  arrival.hop_limit = (flags & 0x80U) != 0 ? 2 : 1;
  arrival.router_alert = (flags & 0x20U) == 0;
  return arrival;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(as_bytes({reinterpret_cast<const char*>(data), size}));
  const std::uint8_t flags = in.u8();
  fuzz::Engine engine(Family::ipv6, flags);
  fuzz::play(engine, in, [&](ByteSpan bytes, std::uint8_t verb) {
    if ((verb & 0x08U) != 0) {
      static_cast<void>(wire::has_mld_router_alert(bytes));
      return;
    }
    ByteReader packet_in(bytes);
    const wire::MldArrival arrival = read_arrival(packet_in);
    const auto packet = wire::parse_mld(
        packet_in.rest(), arrival,
        {.require_router_alert = (verb & 0x10U) != 0, .verify_checksum = (verb & 0x20U) != 0});
    if (!packet) return;
    round_trip(*packet, arrival);
    engine.hear(*packet);
  });
  return 0;
}
