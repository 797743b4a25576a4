#pragma once

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::platform::io {

/// Sends ICMPv6 errors (RFC 4443) of this node by unicast routing; receives nothing.
class IcmpErrorSocket {
 public:
  [[nodiscard]] static Result<IcmpErrorSocket> open();
  /// A message from its type on; the kernel sets the checksum. `source` unspecified: its choice.
  [[nodiscard]] Result<void> send(const IpAddress& source, const IpAddress& destination,
                                  ByteSpan message, Ifindex via = Ifindex(0));

 private:
  FileDescriptor socket_;
};

}  // namespace hotpair::platform::io
