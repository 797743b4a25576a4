#include <bit>
#include <cstddef>
#include <cstdint>

#include "ha/lacp/lacp_machine.h"
#include "platform/base/assert.h"

namespace {

using namespace hotpair;
using namespace hotpair::ha::lacp;

void drain(LacpTrunk& trunk, std::uint64_t& sent) {
  while (const auto effect = trunk.poll_effect()) {
    const auto* send = std::get_if<SendPdu>(&*effect);
    if (send == nullptr) continue;
    ++sent;
    HA_ASSERT(send->bytes.size() == kPduLength && decode_pdu(send->bytes).has_value());
  }
  HA_ASSERT((trunk.distributing() & ~trunk.collecting()) == 0);
  HA_ASSERT(trunk.sync_allowed() || trunk.collecting() == 0);
  HA_ASSERT(std::popcount(trunk.collecting()) <= int{trunk.config().max_active});
}

}  // namespace

// First the whole input as one PDU: refused with a reason, or a round trip. Then as a script for an
// aggregate of three members: PDUs that are near the truth, links, time, takeovers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan input{reinterpret_cast<const std::byte*>(data), size};
  const auto pdu = decode_pdu(input);
  if (!pdu) {
    HA_ASSERT(pdu.error() < PduReject::count);
  } else if (const auto* lacpdu = std::get_if<Lacpdu>(&*pdu)) {
    HA_ASSERT(std::get<Lacpdu>(*decode_pdu(encode_pdu(*lacpdu))) == *lacpdu);
  } else {
    const auto& marker = std::get<Marker>(*pdu);
    HA_ASSERT(std::get<Marker>(*decode_pdu(encode_pdu(marker))) == marker);
  }

  TrunkConfig config;
  config.id = TrunkId{1};
  config.system = MacAddress{{0, 1, 2, 3, 4, 5}};
  config.key = 305;
  config.max_active = 2;
  for (std::uint8_t i = 0; i < 3; ++i)
    config.members.push_back({i, "ge", static_cast<std::uint16_t>(i + 1), 32768});
  TimePoint now{std::chrono::seconds(1000)};
  const TimePoint start = now;
  LacpTrunk trunk(config, true, now);
  std::uint64_t sent = 0;
  std::uint64_t markers = 0;
  ByteReader reader(input);
  while (reader.remaining() >= 2) {
    const std::uint8_t what = reader.u8();
    const std::uint8_t value = reader.u8();
    const auto member = static_cast<MemberIndex>(what >> 6U);
    switch (what & 7U) {
      case 0:
        trunk.set_enabled(member, (value & 1U) != 0, now);
        break;
      case 1:
        trunk.set_sync_allowed((value & 1U) != 0, now);
        break;
      case 2:
        trunk.on_pdu(member, reader.take(std::min<std::size_t>(reader.remaining(), 110)), now);
        break;
      case 3:
        ++markers;
        trunk.on_pdu(member, encode_pdu(Marker{false, 1, {}, value}), now);
        break;
      case 4:
        config.fast = (value & 1U) != 0;
        config.least_active = value & 3U;
        config.key = static_cast<std::uint16_t>(300 + (value >> 4U));
        trunk.reconfigure(config, now);
        break;
      case 5: {
        Lacpdu near{1, {1, MacAddress{{9}}, 9, 1, member, value}, {}, 0};
        for (const PortShow& port : trunk.show(now).ports)
          if (port.index == member) near.partner = port.actor;
        trunk.on_pdu(member, encode_pdu(near), now);
        break;
      }
      default:
        now += std::chrono::milliseconds(value * 17);
        trunk.on_timeout(now);
        break;
    }
    drain(trunk, sent);
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - start).count();
  HA_ASSERT(sent <= 9U * (static_cast<std::uint64_t>(seconds) + 1) + markers);
  return 0;
}
