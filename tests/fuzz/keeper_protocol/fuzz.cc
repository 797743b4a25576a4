#include <cstddef>
#include <cstdint>

#include "ha/keeper/core/keeper.h"
#include "ha/keeper/wire/keeper_codec.h"
#include "platform/base/assert.h"

// Any stream of bytes on the keeper's socket: messages are understood or refused, what is
// understood survives a round trip, and the core carries it out whatever it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpair;
  using namespace hotpair::ha::keeper;
  FrameBuffer buffer;
  buffer.append({reinterpret_cast<const std::byte*>(data), size});
  TimePoint now{std::chrono::seconds(1)};
  Keeper keeper({1, 42}, now);
  keeper.on_daemon_connected(now);
  keeper.on_message(DaemonHello{1, 1, NodeId(7), "fuzz"}, now);
  while (true) {
    const auto frame = buffer.next();
    if (!frame || !*frame) break;
    if (const auto told = decode_from_keeper(**frame)) {
      const Bytes again = encode(*told);
      HA_ASSERT(decode_from_keeper(ByteSpan(again).subspan(4)) == *told);
    }
    const auto message = decode_to_keeper(**frame);
    if (!message) continue;
    const Bytes again = encode(*message);
    HA_ASSERT(decode_to_keeper(ByteSpan(again).subspan(4)) == *message);
    keeper.on_message(*message, now);
    while (auto effect = keeper.poll_effect()) {
      if (const auto* send = std::get_if<SendHello>(&*effect))
        keeper.on_hello_sent(send->etrunk, send->path, now);
      else if (std::holds_alternative<DrainSockets>(*effect))
        keeper.on_drained(now);
    }
    now += std::chrono::milliseconds(700);
    keeper.on_timeout(now);
  }
  while (keeper.poll_effect()) {
  }
  return 0;
}
