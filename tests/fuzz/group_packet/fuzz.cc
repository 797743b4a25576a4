// The first octet chooses the family, the rest is one packet from its IP header on.
#include <cstdint>

#include "platform/base/assert.h"
#include "platform/io/group_socket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const hotpair::Family family =
      (data[0] & 1U) != 0 ? hotpair::Family::ipv6 : hotpair::Family::ipv4;
  const hotpair::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto parsed = hotpair::platform::io::parse_group_packet(family, bytes.subspan(1));
  if (const auto* packet = std::get_if<hotpair::platform::io::GroupPacket>(&parsed)) {
    HA_ASSERT(!packet->message.empty() && packet->message.size() < size);
    HA_ASSERT(packet->source.family() == family && packet->destination.family() == family);
  }
  return 0;
}
