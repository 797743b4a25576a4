#pragma once

#include "platform/base/bytes.h"

namespace hotpair::platform::kernel {

/// Finishes the UDP checksum of an IP packet that the kernel told whole. A sender on this machine
/// (a virtual interface) leaves it to a card, with the sum of the pseudo header in its place; the
/// kernel does not finish it for an event. A right checksum and anything else stay as they are.
void finish_checksum(Bytes& packet);

}  // namespace hotpair::platform::kernel
