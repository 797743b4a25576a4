#include "platform/gate/gate_words.h"

namespace hotpair::platform::gate {
namespace {

constexpr WordMap::Layout kLayout{"gate words", kGateMagic, kGateSlotsMax};

}  // namespace

GateWord lease_until(TimePoint end) {
  const auto ns = end.time_since_epoch().count();
  return ns > 0 ? static_cast<GateWord>(ns) : kGateClosed;
}

bool gate_is_open(GateWord word, TimePoint now) {
  return word == kGateOpen || word > static_cast<GateWord>(now.time_since_epoch().count());
}

Result<GateWords> GateWords::map(int words_fd, bool writable) {
  auto words = WordMap::map(words_fd, kLayout, writable);
  if (!words) return std::unexpected(words.error());
  return GateWords(std::move(*words));
}

}  // namespace hotpair::platform::gate
