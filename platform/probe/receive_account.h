#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/probe/flow_account.h"
#include "platform/probe/probe_report.h"

namespace hotpair::platform::probe {

/// Sorts what a receiver hears into flows, one per (group, sender run): sans-IO.
class ReceiveAccount {
 public:
  struct Config {
    std::vector<Group> groups;  ///< joined, in the order of the report
    ExpectFrom expect_from = ExpectFrom::first_heard;
    std::size_t flows_max = 200000;
  };
  explicit ReceiveAccount(Config config);

  /// One datagram as it came from a socket; what is no probe packet is counted as foreign.
  void on_datagram(const IpAddress& group, const IpAddress& source, ByteSpan bytes,
                   TimePoint received_at);
  /// Something was heard and every sender heard has said that it is over.
  [[nodiscard]] bool all_ended() const { return !flows_.empty() && runs_open_ == 0; }
  /// Totals so far, cheap enough for a progress line.
  [[nodiscard]] LiveCounts live() const;
  /// One row per flow, a row without packets for each group that stayed silent. A sender gives all
  /// its groups equally many packets, so its end heard on one group bounds the others too.
  [[nodiscard]] ReceiveReport report() const;

 private:
  struct Key {
    IpAddress group;
    std::uint64_t run = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<IpAddress>{}(key.group) ^
             static_cast<std::size_t>(key.run * 0x9e3779b97f4a7c15U);
    }
  };
  struct Flow {
    IpAddress source;
    FlowAccount account;
  };
  struct Run {
    bool ended = false;
    std::uint64_t count = 0;
    TimePoint last_sent_at;
  };

  Config config_;
  std::unordered_map<Key, Flow, KeyHash> flows_;
  std::map<std::uint64_t, Run> runs_;
  std::size_t runs_open_ = 0;
  std::uint64_t foreign_ = 0;
  LiveCounts live_;
};

}  // namespace hotpair::platform::probe
