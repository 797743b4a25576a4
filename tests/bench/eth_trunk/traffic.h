#pragma once

#include <string>

#include "platform/base/descriptor.h"

namespace hotpair::bench {

/// A network namespace without a name, gone with its last descriptor.
class Space {
 public:
  Space();
  void enter() const;
  /// Runs a shell command inside; a failure ends the bench.
  void run(const std::string& command) const;
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  /// IPv4 packets that have reached the IP layer here (InReceives of /proc/net/snmp).
  [[nodiscard]] double packets_in() const;

 private:
  FileDescriptor fd_;
};

/// Multicast as fast as one thread can send it from `device`, UDP with 64 bytes of payload to 16
/// groups; answers the packets a second that `to` has received.
[[nodiscard]] double packets_per_second(const Space& from, const std::string& device,
                                        const Space& to, double seconds);

}  // namespace hotpair::bench
