#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "platform/base/time.h"
#include "platform/io/group_socket.h"

namespace hotpair::bench {

/// An access LAN: a veth pair between a network namespace that the calling thread moves into, for
/// the node, and one of the hosts.
class ReportLan {
 public:
  /// Before any other thread begins: they all are to live in the node's namespace. Needs root.
  ReportLan();
  /// The node's socket, which hears IGMP on its end of the LAN.
  [[nodiscard]] platform::io::GroupSocket& node() { return node_; }
  /// A host's IGMPv3 reports, any source, for groups `first` and on: one each at its time, `rate` a
  /// second, whether or not those before were heard. `sent_at[i]` is the time just before report i
  /// was given to the kernel, which has it in the node's socket when the call returns.
  void send(std::uint32_t first, std::uint32_t rate, std::vector<std::atomic<TimePoint>>& sent_at);

 private:
  platform::io::GroupSocket node_;
  platform::io::GroupSocket host_;
  Ifindex host_link_;
};

/// The group number of such a report, from its message.
[[nodiscard]] std::uint32_t group_number(ByteSpan message);

/// Until then the thread sleeps.
void sleep_until(TimePoint time);

}  // namespace hotpair::bench
