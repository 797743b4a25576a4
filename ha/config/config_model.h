#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ha/config/instance_model.h"
#include "ha/config/interface_name.h"
#include "ha/config/mcac_model.h"
#include "ha/config/pim_model.h"
#include "ha/config/setting.h"
#include "platform/base/address.h"

/// The configuration of one node as plain structs, made by parse_config() and read by everybody.
namespace hotpair::ha::config {

/// Which rank wins the election (design section 7).
enum class PriorityOrder : std::uint8_t { larger, smaller };

/// `security-key {cipher|simple} TEXT`: the bytes of TEXT are the key. `foreign`: TEXT is another
/// vendor's encrypted form (`%^%#…%^%#`), used byte for byte, so both nodes must hold the same
/// text.
struct SecurityKey {
  std::string text;
  bool cipher = true;
  bool foreign = false;
  friend bool operator==(const SecurityKey&, const SecurityKey&) = default;
};

/// `path source A peer B [ bfd-session NAME ]`: one more path to the peer, bound to the interface
/// that has A.
struct PathModel {
  IpAddress source;
  IpAddress peer;
  std::string bfd_session;  ///< empty: none
  friend bool operator==(const PathModel&, const PathModel&) = default;
};

/// `track interface NAME reduced N`: the rank is worse by N while that interface is down.
struct TrackModel {
  std::string interface;
  std::uint8_t reduced = 0;
  friend bool operator==(const TrackModel&, const TrackModel&) = default;
};

/// `authentication-mode …`: both are HMAC-SHA256 here, which covers the whole hello.
enum class HelloAuthentication : std::uint8_t { hmac_sha256, enhanced_hmac_sha256 };

/// View `e-trunk N`. Times carry their unit.
struct EtrunkConfigModel {
  std::uint16_t id = 0;
  SourceLine line;
  Setting<IpAddress> peer;
  Setting<IpAddress> source;
  Setting<std::uint16_t> port{1025};    ///< UDP; 49152 to 65535 is refused
  Setting<std::uint8_t> priority{100};  ///< 1 to 254
  Setting<PriorityOrder> priority_order{PriorityOrder::larger};
  Setting<SecurityKey> security_key;  ///< signs
  Setting<SecurityKey> accept_key;    ///< `security-key accept`: taken as well, while keys change
  Setting<HelloAuthentication> authentication;
  Setting<bool> sequence;                      ///< `sequence enable`; the check is always on
  std::vector<Setting<PathModel>> paths;       ///< beside path 0, by the lower address
  std::vector<Setting<TrackModel>> tracks;     ///< by interface name
  Setting<std::uint8_t> track_rpf_reduced{0};  ///< `track rpf reduced N`; 0: off
  Setting<std::uint32_t> hello_ms{1000};       ///< `timer hello` (x 100 ms) or `timer hello-ms`
  Setting<std::uint16_t> multiplier{20};       ///< `timer hold-on-failure multiplier`
  Setting<std::uint32_t> revert_delay_s{120};  ///< 0 to 3600
  Setting<std::uint32_t> restart_grace_s{10};  ///< design section 4
  Setting<std::string> bfd_session;            ///< of path 0
  friend bool operator==(const EtrunkConfigModel&, const EtrunkConfigModel&) = default;

  /// Silence after which the peer, which uses the sender's timers, calls this node gone.
  [[nodiscard]] std::uint32_t timeout_ms() const { return *hello_ms * *multiplier; }
};

/// `certificate load pem-cert FILE key-pair KIND key-file FILE`.
struct CertificateLoad {
  std::string certificate;  ///< file; without a leading slash it is in the folder for certificates
  std::string key_kind;     ///< "rsa" or "ecdsa"
  std::string key;          ///< file
  friend bool operator==(const CertificateLoad&, const CertificateLoad&) = default;
};

/// View `ssl policy NAME`: by which certificates a channel is authenticated.
struct SslPolicyModel {
  std::string name;
  SourceLine line;
  Setting<CertificateLoad> certificate;
  std::vector<Setting<std::string>> trusted_cas;  ///< files, sorted
  Setting<std::string> crl;                       ///< file
  Setting<std::string> peer_identity;             ///< SAN URI of the peer's certificate
  friend bool operator==(const SslPolicyModel&, const SslPolicyModel&) = default;
};

/// View `remote-backup-service NAME`.
struct RbsModel {
  std::string name;
  SourceLine line;
  Setting<IpAddress> peer;
  Setting<IpAddress> source;
  Setting<std::uint16_t> port;       ///< TCP
  Setting<std::string> ssl_policy;   ///< not configured: the pair key
  Setting<std::uint16_t> track_bfd;  ///< local discriminator of a BFD session
  friend bool operator==(const RbsModel&, const RbsModel&) = default;
};

enum class ServiceType : std::uint8_t { igmp, mld };

/// `e-trunk N eth-trunk M` in an RBP.
struct RbpTrack {
  std::uint16_t etrunk = 0;
  std::uint16_t eth_trunk = 0;
  friend bool operator==(const RbpTrack&, const RbpTrack&) = default;
};

/// View `remote-backup-profile NAME`.
struct RbpModel {
  std::string name;
  SourceLine line;
  Setting<std::uint32_t> backup_id;            ///< the ScopeId
  Setting<std::string> rbs;                    ///< set together with backup_id
  std::vector<Setting<ServiceType>> services;  ///< ascending, each once
  Setting<bool> peer_backup_hot;
  Setting<RbpTrack> track;
  friend bool operator==(const RbpModel&, const RbpModel&) = default;

  [[nodiscard]] bool has_service(ServiceType type) const {
    for (const auto& service : services)
      if (*service == type) return true;
    return false;
  }
};

/// `igmp static-group G [ source S ]`: a group that the interface has without a host.
struct StaticGroup {
  IpAddress group;
  std::optional<IpAddress> source;  ///< absent: any source
  friend auto operator<=>(const StaticGroup&, const StaticGroup&) = default;
};

/// `igmp …` or `mld …` of one interface; defaults are those of RFC 3376 and RFC 3810 section 8/9.
struct GmpSettings {
  Setting<bool> enabled;
  Setting<std::uint8_t> version;                   ///< IGMP 1-3 (default 3), MLD 1-2 (default 2)
  Setting<std::uint16_t> query_interval_s{125};    ///< 1 to 18000
  Setting<std::uint8_t> robustness{2};             ///< 2 to 7
  Setting<std::uint16_t> max_response_ms{10'000};  ///< 100 to 25 500
  /// 100 to 25 500
  Setting<std::uint16_t> last_member_interval_ms{1'000};
  Setting<bool> fast_leave;                ///< `prompt-leave`
  Setting<std::uint32_t> group_limit{0};   ///< 0: the engine's default
  Setting<std::uint32_t> source_limit{0};  ///< per group; 0: the engine's default
  Setting<std::uint32_t> host_limit{0};    ///< groups that one host may bring in; 0: no limit
  std::vector<Setting<StaticGroup>> static_groups;  ///< sorted, each once
  Setting<bool> require_router_alert;
  Setting<bool> subnet_check;  ///< default: on, but off on scope interfaces
  friend bool operator==(const GmpSettings&, const GmpSettings&) = default;
};

/// `mode` of an Eth-Trunk. Only lacp_static has an engine.
enum class TrunkMode : std::uint8_t { manual, lacp_static, lacp_dynamic };
/// `lacp timeout`: what the partner is asked for, 3 s or 90 s.
enum class LacpTimeout : std::uint8_t { slow, fast };
/// `e-trunk mode` of an Eth-Trunk.
enum class EtrunkMode : std::uint8_t { automatic, force_master, force_backup };

/// View `interface NAME`.
struct InterfaceModel {
  InterfaceName name;
  SourceLine line;
  Setting<std::string> description;
  Setting<bool> shutdown;
  Setting<std::string> vrf;  ///< `ip binding vpn-instance NAME`; empty: the public one
  std::vector<Setting<IpPrefix>> ipv4_addresses;  ///< host bits kept; primary first, then sorted
  Setting<bool> ipv6_enable;
  std::vector<Setting<IpPrefix>> ipv6_addresses;  ///< host bits kept, sorted; link-local ones too
  /// `ip address … floating`, `ipv6 address … floating`: sorted, host bits kept.
  std::vector<Setting<IpPrefix>> floating;
  Setting<bool> pim_floating;  ///< `pim identity floating`
  PimInterfaceModel pim;
  PimInterfaceModel pim_ipv6;
  GmpSettings igmp;
  GmpSettings mld;
  std::vector<Setting<IpPrefix>> multicast_boundaries;  ///< sorted, host bits zero
  Setting<std::uint8_t> boundary_scope;                 ///< IPv6, and all smaller scopes; 0: none
  std::vector<Setting<MulticastLimitModel>> multicast_limits;  ///< IPv4 first, in order of match
  Setting<std::uint16_t> etrunk;     ///< E-Trunk that this Eth-Trunk is a member of
  Setting<std::uint16_t> eth_trunk;  ///< Eth-Trunk that this port is a member of
  Setting<std::string> remote_backup_profile;
  Setting<std::uint16_t> lacp_priority{32768};  ///< of a member port; smaller is better
  // Of an Eth-Trunk:
  Setting<TrunkMode> trunk_mode{TrunkMode::manual};
  Setting<LacpTimeout> lacp_timeout{LacpTimeout::slow};
  Setting<std::uint16_t> least_active{1};  ///< links, 1 to 32
  Setting<std::uint16_t> max_active{16};   ///< links, 1 to 32
  Setting<EtrunkMode> etrunk_mode{EtrunkMode::automatic};
  friend bool operator==(const InterfaceModel&, const InterfaceModel&) = default;

  /// The link carries IPv4 (IPv6) multicast and takes a VIF (MIF).
  [[nodiscard]] bool multicast_ipv4() const { return *pim.sm || *igmp.enabled; }
  [[nodiscard]] bool multicast_ipv6() const { return *pim_ipv6.sm || *mld.enabled; }
  [[nodiscard]] const PimInterfaceModel& pim_of(Family family) const {
    return family == Family::ipv4 ? pim : pim_ipv6;
  }
};

/// A line that is understood and has no engine behind it.
struct InactiveLine {
  enum class Kind : std::uint8_t {
    not_active,  ///< its engine comes with a later version
    foreign,     ///< belongs to the unicast routing daemon
  };
  Kind kind = Kind::not_active;
  std::string path;  ///< the header of its view, "interface Eth-Trunk1"; empty in the system view
  std::string rule;  ///< the grammar row that took it
  std::string text;  ///< words joined by one blank
  SourceLine line;
  friend bool operator==(const InactiveLine&, const InactiveLine&) = default;
};

/// Where the lines of a section were written, one each; like SourceLine no part of a comparison.
struct SourceLines {
  std::vector<SourceLine> of;
  friend bool operator==(const SourceLines&, const SourceLines&) { return true; }
};

/// `ospf …`, `isis …` and the like: kept verbatim, for the unicast routing daemon or a later
/// version.
struct ForeignSection {
  InactiveLine::Kind kind = InactiveLine::Kind::foreign;
  std::string rule;  ///< the grammar row that took the header
  std::string header;
  std::vector<std::string> lines;  ///< with their indentation relative to the header
  SourceLines numbers;             ///< of `lines`
  SourceLine line;
  friend bool operator==(const ForeignSection&, const ForeignSection&) = default;
};

/// `authentication-mode met-sha1 key-id N {cipher|plain} TEXT`: the bytes of TEXT are the key.
struct BfdAuthentication {
  std::uint8_t key_id = 0;
  SecurityKey key;
  friend bool operator==(const BfdAuthentication&, const BfdAuthentication&) = default;
};

/// View `bfd NAME bind …`.
struct BfdSessionModel {
  std::string name;
  SourceLine line;
  Setting<IpAddress> peer;
  Setting<IpAddress> source;
  Setting<InterfaceName> interface;  ///< single hop; without it multihop
  Setting<std::uint32_t> local_discriminator;
  Setting<std::uint32_t> remote_discriminator;
  Setting<std::uint32_t> min_tx_ms{1000};  ///< 3 to 20 000
  Setting<std::uint32_t> min_rx_ms{1000};
  Setting<std::uint8_t> multiplier{3};   ///< 1 to 50
  Setting<std::uint8_t> minimum_ttl{1};  ///< multihop only
  Setting<BfdAuthentication> authentication;
  Setting<bool> shutdown;
  friend bool operator==(const BfdSessionModel&, const BfdSessionModel&) = default;

  [[nodiscard]] bool is_multihop() const { return !interface.configured; }
  /// The line that makes it, which is also the header of its view.
  [[nodiscard]] std::string header() const;
};

/// The whole configuration: the public instance, VPN instances, everything else. Lists are sorted
/// by id or name, so that the order of lines does not matter.
struct Config : PimInstance {
  Setting<std::string> sysname{"hotpair"};
  std::vector<EtrunkConfigModel> etrunks;
  Setting<std::uint16_t> lacp_priority{32768};         ///< of the system; smaller is better
  Setting<std::uint16_t> etrunk_lacp_priority{32768};  ///< the same for E-Trunk members
  Setting<MacAddress>
      etrunk_system_id;  ///< `lacp e-trunk system-id`; not configured: the node makes one
  std::vector<SslPolicyModel> ssl_policies;
  std::vector<RbsModel> services;
  std::vector<RbpModel> profiles;
  std::vector<InterfaceModel> interfaces;
  Setting<bool> bfd_enabled;                                 ///< `bfd`
  std::vector<BfdSessionModel> bfd_sessions;                 ///< by name
  std::vector<VrfModel> vrfs;                                ///< by name
  std::vector<Setting<MulticastCostModel>> multicast_costs;  ///< IPv4 first, in order of match
  Setting<std::uint32_t> multicast_limit_rate{1};            ///< denials told a second, IPv4
  Setting<std::uint32_t> multicast_limit_rate_ipv6{1};
  std::vector<InactiveLine> inactive;
  std::vector<ForeignSection> foreign;
  friend bool operator==(const Config&, const Config&) = default;

  [[nodiscard]] const EtrunkConfigModel* find_etrunk(std::uint16_t id) const;
  [[nodiscard]] const SslPolicyModel* find_ssl_policy(std::string_view name) const;
  [[nodiscard]] const RbsModel* find_service(std::string_view name) const;
  [[nodiscard]] const RbpModel* find_profile(std::string_view name) const;
  [[nodiscard]] const BfdSessionModel* find_bfd_session(std::string_view name) const;
  /// By its configured local discriminator.
  [[nodiscard]] const BfdSessionModel* find_bfd_session(std::uint32_t discriminator) const;
  [[nodiscard]] const InterfaceModel* find_interface(std::string_view canonical_name) const;
  /// The interface of a VPN instance that has the address configured; nullptr without one.
  [[nodiscard]] const InterfaceModel* interface_with(const IpAddress& address,
                                                     std::string_view vrf = {}) const;
  /// The configured source, else the first address of its family on the session's interface.
  [[nodiscard]] std::optional<IpAddress> source_of(const BfdSessionModel& session) const;
  [[nodiscard]] const VrfModel* find_vrf(std::string_view name) const;
  /// What counts for multicast of an interface: its VPN instance, or the public one.
  [[nodiscard]] const PimInstance& instance_of(const InterfaceModel& interface) const;
  /// The address itself, or the first of the family on its interface, not a link-local one; nullopt
  /// if there is none.
  [[nodiscard]] std::optional<IpAddress> address_of(const OwnAddress& own, Family family) const;
  /// Interfaces whose view binds the profile, in order.
  [[nodiscard]] std::vector<const InterfaceModel*> interfaces_of(const RbpModel& profile) const;
  /// Ports that are members of the Eth-Trunk, in order.
  [[nodiscard]] std::vector<const InterfaceModel*> members_of(std::uint16_t eth_trunk) const;
};

}  // namespace hotpair::ha::config
