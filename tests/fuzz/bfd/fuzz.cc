#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ha/bfd/bfd_table.h"
#include "platform/base/assert.h"

// The input is a script: a byte that says how and when (TTL, digest, hops, timer), then a datagram
// of up to 63 bytes. Any datagram is refused with a reason or survives a round trip; two sessions
// take all of them and keep their promises.
namespace {

using namespace hotpair;
using namespace hotpair::ha::bfd;

constexpr std::size_t kStepsMax = 64;

SessionConfig config(bool multihop) {
  SessionConfig config;
  config.name = multihop ? "multi" : "single";
  config.local = IpAddress::v4(1);
  config.peer = IpAddress::v4(2);
  config.multihop = multihop;
  config.ttl_min = 250;
  config.local_discriminator = Discriminator(multihop ? 2 : 1);
  config.min_tx_us = config.min_rx_us = 10'000;
  if (multihop) config.keys = {{1, "secret"}};
  return config;
}

void drain(BfdTable& table) {
  std::size_t effects = 0;
  while (auto effect = table.poll_effect()) {
    HA_ASSERT(++effects <= 16);
    const auto* send = std::get_if<SendPacket>(&effect->effect);
    if (send == nullptr) continue;
    HA_ASSERT(!(send->packet.poll && send->packet.final));
    HA_ASSERT(decode(encode(send->packet)).has_value());
    table.on_sent(effect->session);
  }
}

void one_datagram(BfdTable& table, ByteSpan datagram, std::uint8_t how, TimePoint now) {
  const auto packet = decode(datagram);
  if (!packet) {
    HA_ASSERT(packet.error() < PacketReject::count);
    table.on_rejected(packet.error());
    return;
  }
  const auto again = decode(encode(*packet));
  HA_ASSERT(again && *again == *packet);
  static_cast<void>(digest_input(datagram, "secret"));
  Arrival arrival{IpAddress::v4(2), IpAddress::v4(1), 255, (how & 1U) != 0, {}, {}};
  if ((how & 2U) != 0) arrival.ttl = 251;
  if (packet->auth) arrival.digest = (how & 4U) != 0 ? DigestCheck::wrong : DigestCheck::verified;
  table.on_packet(*packet, arrival, now);
  drain(table);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader reader({reinterpret_cast<const std::byte*>(data), size});
  TimePoint now{std::chrono::seconds(1)};
  BfdTable table(1);
  table.configure({config(false), config(true)}, now);
  drain(table);
  for (std::size_t step = 0; step < kStepsMax && reader.remaining() > 0; ++step) {
    const std::uint8_t how = reader.u8();
    const std::size_t length = std::min<std::size_t>(reader.u8() & 0x3fU, reader.remaining());
    one_datagram(table, reader.take(length), how, now);
    const auto due = table.next_deadline();
    if ((how & 8U) != 0 && due) now = std::max(now, *due);
    if ((how & 16U) != 0) now += std::chrono::milliseconds(45);
    table.on_timeout(now);
    drain(table);
    if ((how & 32U) == 0) continue;
    SessionConfig changed = config((how & 64U) != 0);
    changed.min_tx_us = 3'000U * how;
    changed.admin_down = (how & 128U) != 0;
    table.configure({changed, config((how & 64U) == 0)}, now);
    drain(table);
  }
  static_cast<void>(table.views());
  return 0;
}
