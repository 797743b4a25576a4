#include <cstddef>
#include <cstdint>

#include "ha/etrunk/etrunk_packet.h"
#include "ha/etrunk/etrunk_session.h"
#include "platform/base/assert.h"

// Any datagram is refused with a reason or is a hello that survives a round trip and that the
// session can judge.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpair;
  using namespace hotpair::ha::etrunk;
  const ByteSpan datagram{reinterpret_cast<const std::byte*>(data), size};
  static_cast<void>(mac_part(datagram));
  const auto hello = decode_hello(datagram);
  if (!hello) {
    HA_ASSERT(hello.error() < HelloReject::count);
    return 0;
  }
  Bytes again = encode_hello(*hello);
  again.resize(again.size() + kHelloMacLength);
  const auto second = decode_hello(again);
  HA_ASSERT(second && *second == *hello);

  HelloCounter counter;
  TimePoint now{std::chrono::seconds(1)};
  EtrunkConfig config;
  config.id = hello->etrunk;
  config.paths.push_back({hello->path, IpAddress::v4(1), IpAddress::v4(2), ""});
  EtrunkSession session(config, {NodeId(1), 42}, std::chrono::seconds(10), counter, now);
  for (std::uint64_t step = 0; step < 4; ++step) {
    Hello next = *hello;
    next.counter += step;
    if ((hello->counter & 1U) != 0) next.echo = 42;
    static_cast<void>(session.on_hello(hello->path, next, now));
    session.flush(now);
    now += std::chrono::milliseconds(hello->interval_ms);
    session.on_timeout(now);
    while (session.poll_effect()) {
    }
  }
  return 0;
}
