#pragma once

#include <cstdint>
#include <optional>

#include "platform/base/address.h"
#include "platform/base/ids.h"

/// What is checkpointed of multicast VPNs (RFC 6037): databases 5 and 8, IPv4. Tunnels themselves
/// are not in this version: nothing here makes such records, those of a peer or an earlier store
/// are kept and mirrored.
namespace hotpair::mcast::pim {

/// The default MDT of a VRF.
struct MdtTunnelKey {
  VrfId vrf;
  Group default_group;
  friend auto operator<=>(const MdtTunnelKey&, const MdtTunnelKey&) = default;
};
struct MdtTunnelValue {
  IpAddress source;                     ///< of the packets that this router sends into it
  std::optional<IpPrefix> data_groups;  ///< range that data MDTs are taken from; absent: none
  std::uint32_t threshold_kbps = 0;     ///< rate of a source above which it gets one; 0: at once
  friend bool operator==(const MdtTunnelValue&, const MdtTunnelValue&) = default;
};
struct MdtTunnelRecord {
  MdtTunnelKey key;
  MdtTunnelValue value;
  friend bool operator==(const MdtTunnelRecord&, const MdtTunnelRecord&) = default;
};

/// A customer's (S,G) that has a data MDT.
struct MdtDataKey {
  VrfId vrf;
  Group group;
  IpAddress source;
  friend auto operator<=>(const MdtDataKey&, const MdtDataKey&) = default;
};
struct MdtDataRecord {
  MdtDataKey key;
  Group data_group;
  friend bool operator==(const MdtDataRecord&, const MdtDataRecord&) = default;
};

}  // namespace hotpair::mcast::pim
