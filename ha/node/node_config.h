#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ha/etrunk/etrunk_types.h"
#include "ha/keeper/wire/keeper_bfd.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "ha/node/floating_pair.h"
#include "mcast/gmp/gmp_types.h"
#include "mcast/mrib/mrib_types.h"
#include "mcast/pim/pim_types.h"
#include "mcast/rp/auto_rp_types.h"
#include "mcast/rp/bsr_types.h"
#include "mcast/rp/rp_types.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// What a node runs, as plain values: made from the operator's configuration by ha/config, or by
/// the simulator. Consistent by the time it comes here.
namespace hotpair::ha::node {

/// The rank is worse by `reduced` while the interface is down.
struct RankTrack {
  std::string interface;
  std::uint8_t reduced = 0;
  friend bool operator==(const RankTrack&, const RankTrack&) = default;
};

struct EtrunkSettings {
  etrunk::EtrunkConfig etrunk;
  Duration revert_delay = std::chrono::seconds(120);
  std::vector<RankTrack> tracks;
  std::uint8_t rpf_reduced = 0;  ///< while a source or RP in use has no unicast route; 0: off
  friend bool operator==(const EtrunkSettings&, const EtrunkSettings&) = default;
};

/// One replication channel: an RBS.
struct ServiceSettings {
  std::string name;
  IpAddress local;
  IpAddress peer;
  std::uint16_t port = 0;
  std::string ssl_policy;        ///< certificates; empty: the pair key
  std::string bfd_session = {};  ///< whose loss ends the connection; empty: none
  friend bool operator==(const ServiceSettings&, const ServiceSettings&) = default;
};

/// One RBP.
struct ScopeSettings {
  ScopeId scope;        ///< its backup-id
  std::string name;     ///< the profile
  std::string service;  ///< its RBS; the channel it is mirrored over
  etrunk::EtrunkId etrunk;
  std::uint16_t eth_trunk = 0;
  bool igmp = false;  ///< service types: what is mirrored
  bool mld = false;
  friend bool operator==(const ScopeSettings&, const ScopeSettings&) = default;
};

/// A group that an interface has without a host: for any source, or for one.
struct StaticGroup {
  Group group;
  std::optional<IpAddress> source;
  friend auto operator<=>(const StaticGroup&, const StaticGroup&) = default;
};

/// `pim sm` of an interface, one family.
/// BFD with each PIM neighbour of a link.
struct PimBfd {
  std::uint32_t min_tx_us = 1'000'000;
  std::uint32_t min_rx_us = 1'000'000;
  std::uint8_t multiplier = 3;
  friend bool operator==(const PimBfd&, const PimBfd&) = default;
};

struct PimLinkSettings {
  /// As configured; the node fills in link, VRF, scope, addresses and MTU.
  mcast::pim::LinkConfig link;
  bool bsr_border = false;  ///< `pim bsr-boundary`
  std::optional<PimBfd> bfd;
  friend bool operator==(const PimLinkSettings&, const PimLinkSettings&) = default;
};

/// PIM of the node, one family.
struct PimSettings {
  mcast::rp::RpRules rp_rules;
  mcast::rp::BsrConfig bsr;
  mcast::rp::AutoRpConfig auto_rp;  ///< IPv4 only
  mcast::mrib::SptPolicy spt;
  std::vector<IpPrefix> ssm_ranges;       ///< beside 232/8 and ff3x::/32
  std::vector<IpPrefix> register_filter;  ///< sources whose Registers an RP takes; empty: all
  friend bool operator==(const PimSettings&, const PimSettings&) = default;
};

/// One VRF beside the default one: a Linux routing table and the multicast ones of its number.
struct VrfSettings {
  VrfId vrf;         ///< the number of the tables, the same on both nodes
  std::string name;  ///< "red"
  PimSettings pim_ipv4;
  PimSettings pim_ipv6;
  std::vector<mcast::rp::RpMapping> static_rps;  ///< of both families
  friend bool operator==(const VrfSettings&, const VrfSettings&) = default;
};

/// One configured interface.
struct LinkSettings {
  std::string name;    ///< canonical, "Eth-Trunk1"
  std::string device;  ///< Linux device
  VrfId vrf = {};      ///< one of NodeConfig::vrfs, or the default one
  bool shutdown = false;
  bool ipv4 = false;  ///< carries IPv4 multicast: a VIF
  bool ipv6 = false;  ///< carries IPv6 multicast: a MIF
  std::optional<ScopeId> scope;
  std::uint16_t eth_trunk = 0;  ///< number of an Eth-Trunk; names the link in records of a scope
  std::vector<IpPrefix> addresses;
  std::vector<IpPrefix> floating;  ///< whose owner is who is active in `scope`
  bool pim_floating = false;       ///< PIM speaks from those; `scope` is kFloatingPair
  std::optional<mcast::gmp::InterfaceConfig> igmp;
  std::optional<mcast::gmp::InterfaceConfig> mld;
  std::vector<StaticGroup> static_groups;   ///< of families that are enabled
  std::optional<PimLinkSettings> pim_ipv4;  ///< absent: no PIM of the family
  std::optional<PimLinkSettings> pim_ipv6;
  mcast::wire::ScopeBoundary boundary;  ///< administrative scopes that end here
  /// Admission control; the first limit that matches a state decides.
  std::vector<mcast::mrib::Limit> limits_ipv4;
  std::vector<mcast::mrib::Limit> limits_ipv6;
};

/// One Eth-Trunk whose LACP the keeper runs: it has `mode lacp-static` and is not a device that the
/// operator made (named in ports.conf).
struct TrunkSettings {
  std::string name;        ///< "Eth-Trunk1"
  std::string device;      ///< Linux device of the aggregate
  std::uint32_t slot = 0;  ///< of its trunk word
  lacp::TrunkConfig lacp;
  std::vector<std::string> member_names;  ///< "GigabitEthernet0/1/2", beside lacp.members
  std::optional<ScopeId> scope;
  keeper::TrunkMode mode = keeper::TrunkMode::automatic;
  friend bool operator==(const TrunkSettings&, const TrunkSettings&) = default;
};

struct NodeConfig {
  std::string sysname = "hotpair";
  std::vector<EtrunkSettings> etrunks;
  std::vector<ServiceSettings> services;
  std::vector<ScopeSettings> scopes;
  std::vector<LinkSettings> links;
  std::vector<TrunkSettings> trunks;
  // Of the default VRF:
  std::vector<mcast::rp::RpMapping> static_rps;
  PimSettings pim_ipv4;
  PimSettings pim_ipv6;
  std::vector<VrfSettings> vrfs;  ///< the others
  mcast::mrib::AdmissionSettings admission_ipv4;
  mcast::mrib::AdmissionSettings admission_ipv6;
  std::vector<keeper::BfdSessionConfig> bfd;
  MacAddress system_id;
  Duration restart_grace = std::chrono::seconds(10);
};

}  // namespace hotpair::ha::node
