#include "platform/gate/trunk_words.h"

namespace hotpair::platform::gate {

Result<TrunkWords> TrunkWords::map(int words_fd, bool writable) {
  constexpr WordMap::Layout kLayout{"trunk words", kTrunkMagic, kTrunkSlotsMax};
  auto words = WordMap::map(words_fd, kLayout, writable);
  if (!words) return std::unexpected(words.error());
  return TrunkWords(std::move(*words));
}

}  // namespace hotpair::platform::gate
