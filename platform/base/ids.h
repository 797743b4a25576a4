#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "platform/base/strong.h"

namespace hotpair {

/// A configured interface of this node: a dense number given by the node when the configuration
/// names the interface first. It never crosses to the peer or the disk.
using LinkId = Strong<struct LinkIdTag, std::uint32_t>;
/// A kernel interface index; only adapters know it.
using Ifindex = Strong<struct IfindexTag, std::uint32_t>;
/// The routing table a route lives in; 0 is the public one.
using VrfId = Strong<struct VrfIdTag, std::uint32_t>;
/// The unit of mastership and replication: the backup-id of an RBP, or 0 for the whole node.
using ScopeId = Strong<struct ScopeIdTag, std::uint32_t>;
/// 64 random bits, made once in the state directory.
using NodeId = Strong<struct NodeIdTag, std::uint64_t>;
/// Position in the journal of a scope: the first record ever has 1, 0 is "nothing yet". It goes on
/// across epochs, so (epoch, sequence) names a point on one line of history.
using Sequence = Strong<struct SequenceTag, std::uint64_t>;

inline constexpr ScopeId kWholeNode{0};

/// A mastership: compared by counter, then by node. Raised by every new master; (0, 0) is "never".
struct Term {
  std::uint64_t counter = 0;
  NodeId node;
  friend auto operator<=>(const Term&, const Term&) = default;
};

/// One life of a master's journal.
struct Epoch {
  Term term;
  std::uint32_t restarts = 0;
  friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

/// "17.3f0c…": the counter and the first 16 bits of the node id, for logs and displays.
[[nodiscard]] std::string to_string(const Term& term);
[[nodiscard]] std::string to_string(const Epoch& epoch);

}  // namespace hotpair
