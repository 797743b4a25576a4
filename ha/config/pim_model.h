#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ha/config/setting.h"
#include "platform/base/address.h"

/// PIM as configured: of an interface, and of the views pim and pim-ipv6.
namespace hotpair::ha::config {

/// An address of this router, by itself or by the interface that has it.
struct OwnAddress {
  IpAddress address;      ///< unspecified: the interface names it
  std::string interface;  ///< canonical name, or empty
  friend bool operator==(const OwnAddress&, const OwnAddress&) = default;

  /// As it is written, IPv6 in capitals.
  [[nodiscard]] std::string text() const {
    return interface.empty() ? address.to_upper_string() : interface;
  }
};

/// `hello-option …` and `timer …`: of an interface, or in view pim what counts for those that do
/// not say it themselves. Ranges are those of the rows; defaults those of RFC 7761 4.11.
struct PimHelloModel {
  Setting<std::uint32_t> dr_priority{1};
  Setting<std::uint16_t> holdtime_s{105};  ///< not configured: 3.5 x hello_s; 65535: for ever
  Setting<std::uint16_t> lan_delay_ms{500};
  Setting<std::uint16_t> override_interval_ms{2500};
  Setting<bool> neighbor_tracking;
  Setting<std::uint16_t> hello_s{30};
  Setting<std::uint16_t> join_prune_s{60};
  friend bool operator==(const PimHelloModel&, const PimHelloModel&) = default;
};

/// BFD with every PIM neighbor of an interface.
struct PimBfdModel {
  Setting<bool> enabled;
  Setting<std::uint32_t> min_tx_ms{1000};  ///< 3 to 20 000
  Setting<std::uint32_t> min_rx_ms{1000};  ///< 3 to 20 000
  Setting<std::uint8_t> multiplier{3};     ///< 1 to 50
  friend bool operator==(const PimBfdModel&, const PimBfdModel&) = default;
};

/// `join-policy group G [ source S ]`: what the routers of an interface may join.
struct JoinPolicyModel {
  IpPrefix groups;
  std::optional<IpPrefix> sources;
  friend auto operator<=>(const JoinPolicyModel&, const JoinPolicyModel&) = default;
};

/// `pim …` or `pim ipv6 …` of one interface.
struct PimInterfaceModel {
  Setting<bool> sm;
  Setting<bool> silent;  ///< no PIM is spoken or heard there; hosts and sources are served
  PimBfdModel bfd;
  PimHelloModel hello;
  std::vector<Setting<IpPrefix>> neighbor_policy;     ///< sorted; empty: everybody
  Setting<bool> require_genid;                        ///< no neighbor without a generation id
  std::vector<Setting<JoinPolicyModel>> join_policy;  ///< sorted; empty: everything
  Setting<bool> bsr_boundary;
  friend bool operator==(const PimInterfaceModel&, const PimInterfaceModel&) = default;
};

/// `c-bsr A [ hash-length N ] [ priority N ]`.
struct CandidateBsrModel {
  OwnAddress address;
  std::optional<std::uint8_t> hash_length;
  std::optional<std::uint8_t> priority;
  friend bool operator==(const CandidateBsrModel&, const CandidateBsrModel&) = default;
};

/// `c-bsr global …`, `c-bsr group G …`, `c-bsr scope N …`: as BSR of one zone; what is not said
/// here is as `c-bsr A` has it.
struct ZoneBsrModel {
  std::optional<IpPrefix> zone;  ///< absent: the whole domain
  std::optional<std::uint8_t> hash_length;
  std::optional<std::uint8_t> priority;
  friend bool operator==(const ZoneBsrModel&, const ZoneBsrModel&) = default;
};

/// `c-rp A [ group-policy G … ] [ priority N ] [ holdtime N ] [ advertisement-interval N ] [ bidir
/// ]`.
struct CandidateRpModel {
  OwnAddress address;
  std::vector<IpPrefix> groups;  ///< sorted, host bits zero; empty: all
  std::optional<std::uint8_t> priority;
  std::optional<std::uint16_t> holdtime_s;
  std::optional<std::uint16_t> interval_s;
  bool bidir = false;  ///< IPv4
  friend bool operator==(const CandidateRpModel&, const CandidateRpModel&) = default;
};

/// `spt-switch-threshold {infinity|KBPS}`.
struct SptThreshold {
  bool infinity = false;
  std::uint32_t kbps = 0;  ///< of a source; 0: its first packet
  friend bool operator==(const SptThreshold&, const SptThreshold&) = default;
};

/// `auto-rp announce A [ group-policy G … ] [ scope N ] [ interval N ]`.
struct AutoRpAnnounceModel {
  OwnAddress address;
  std::vector<IpPrefix> groups;       ///< sorted, host bits zero; empty: all
  std::optional<std::uint8_t> scope;  ///< TTL
  std::optional<std::uint16_t> interval_s;
  friend bool operator==(const AutoRpAnnounceModel&, const AutoRpAnnounceModel&) = default;
};

/// `auto-rp discovery A [ scope N ] [ interval N ]`.
struct AutoRpDiscoveryModel {
  OwnAddress address;
  std::optional<std::uint8_t> scope;  ///< TTL
  std::optional<std::uint16_t> interval_s;
  friend bool operator==(const AutoRpDiscoveryModel&, const AutoRpDiscoveryModel&) = default;
};

/// View pim or pim-ipv6; static RPs and SSM ranges stand in Config.
struct PimModel {
  Setting<CandidateBsrModel> c_bsr;
  Setting<bool> admin_scope;                       ///< `c-bsr admin-scope`: zone_bsrs are in force
  std::vector<Setting<ZoneBsrModel>> zone_bsrs;    ///< sorted by zone
  std::vector<Setting<CandidateRpModel>> c_rps;    ///< by the text of the address
  std::vector<Setting<IpPrefix>> bsr_policy;       ///< who may be BSR; empty: everybody
  std::vector<Setting<IpPrefix>> crp_policy;       ///< who may be RP; empty: everybody
  std::vector<Setting<IpPrefix>> register_policy;  ///< sources; empty: all
  Setting<SptThreshold> spt;
  Setting<bool> bidir;                                         ///< `bidir-pim enable`, IPv4 only
  Setting<bool> embedded_rp{true};                             ///< IPv6 only
  Setting<bool> auto_rp_listening;                             ///< IPv4 only, as what follows
  std::vector<Setting<AutoRpAnnounceModel>> auto_rp_announce;  ///< by the text of the address
  Setting<AutoRpDiscoveryModel> auto_rp_discovery;
  PimHelloModel hello;
  friend bool operator==(const PimModel&, const PimModel&) = default;
};

/// What counts on an interface: its own settings, else those of the view, else the defaults.
[[nodiscard]] PimHelloModel in_force(const PimHelloModel& interface, const PimHelloModel& view);

}  // namespace hotpair::ha::config
