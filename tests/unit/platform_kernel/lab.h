#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"

namespace hotpair::lab {

/// A network namespace without a name: it is gone when the last descriptor is, also after a crash.
class Namespace {
 public:
  Namespace();
  void enter() const;
  /// Runs a shell command inside; a failure fails the test.
  void run(const std::string& command) const;
  /// Waits until every device with a carrier also sends: the kernel's link watch starts its queue a
  /// moment later, and until then a frame is dropped without a word.
  void settle() const;
  [[nodiscard]] int descriptor() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

/// Enters a namespace and comes back at the end of the scope.
class Inside {
 public:
  explicit Inside(const Namespace& space);
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  FileDescriptor before_;
};

/// Raw frames in and out of one interface of one namespace.
class Wire {
 public:
  Wire(const Namespace& space, const std::string& device);
  void send(ByteSpan frame) const;
  /// The first frame that `matches`, waiting at most `patience`.
  [[nodiscard]] std::optional<Bytes> wait_for(
      const std::function<bool(ByteSpan)>& matches,
      std::chrono::milliseconds patience = std::chrono::seconds(10)) const;
  /// Frames that have arrived by now and contain `marker`.
  [[nodiscard]] std::size_t count(std::string_view marker) const;

 private:
  FileDescriptor fd_;
};

/// A router namespace with devices r0, r1, r2 and, at the other ends, a namespace of hosts with
/// h0, h1, h2. Router 10.0.N.1/24 and fd00:N::1/64, hosts .2 and ::2. Silent ends have no address
/// and no IPv6, so that what goes over the links is what the test sends.
enum class Ends : std::uint8_t { speaking, silent };
struct Topology {
  explicit Topology(int links = 3, Ends ends = Ends::speaking);
  Namespace router;
  Namespace hosts;
  [[nodiscard]] Ifindex router_index(const std::string& device) const;
};

/// Polls until true; false after ten seconds.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

/// True when the test may make namespaces; root tests fail without.
[[nodiscard]] bool privileged();

[[nodiscard]] Bytes hex(std::string_view text);
[[nodiscard]] bool contains(ByteSpan frame, std::string_view marker);
/// Ethernet, IPv4 or IPv6 and UDP; the multicast MAC follows from a multicast destination.
[[nodiscard]] Bytes udp_frame(const IpAddress& source, const IpAddress& destination,
                              std::string_view payload, std::uint8_t hop_limit = 16);
/// Ethernet and IPv4 with the given protocol and options; header checksum set.
[[nodiscard]] Bytes ipv4_frame(const IpAddress& source, const IpAddress& destination,
                               std::uint8_t protocol, ByteSpan payload, ByteSpan options = {},
                               std::uint8_t ttl = 1);
/// Ethernet and IPv6; `payload` starts with `next`.
[[nodiscard]] Bytes ipv6_frame(const IpAddress& source, const IpAddress& destination,
                               std::uint8_t next, ByteSpan payload, std::uint8_t hop_limit = 1);
/// IGMPv2 report with router alert, to the group itself.
[[nodiscard]] Bytes igmpv2_report(const IpAddress& source, const IpAddress& group,
                                  bool router_alert = true);
/// MLD message of a type behind a hop-by-hop router alert, to the group itself.
[[nodiscard]] Bytes mld_message(std::uint8_t type, const IpAddress& source, const IpAddress& group);
/// Puts an 802.1Q tag behind the MAC addresses.
[[nodiscard]] Bytes tagged(const Bytes& frame, std::uint16_t vlan);

}  // namespace hotpair::lab
