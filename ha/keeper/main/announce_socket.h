#pragma once

#include <string>
#include <string_view>

#include "platform/base/descriptor.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// Sends whole Ethernet frames out of devices by their names; receives nothing.
class AnnounceSocket {
 public:
  /// A device that was made again since the last time is found by its new index.
  [[nodiscard]] Result<void> send(const std::string& device, std::string_view frame);

 private:
  FileDescriptor fd_;  // opened by the first send
};

}  // namespace hotpair::ha::keeper
