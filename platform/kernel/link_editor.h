#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/kernel/netlink.h"

namespace hotpair::platform::kernel {

/// What an editor has to know of a device before it touches it.
struct LinkDetails {
  Ifindex index;
  std::string name;
  std::string kind;               ///< "veth", "bridge"; empty for hardware
  std::optional<Ifindex> peer;    ///< the other end of a veth pair in this namespace
  std::optional<Ifindex> lower;   ///< the device that a macvlan stands on
  std::optional<Ifindex> master;  ///< the bridge that it is a port of
  bool ethernet = false;
  bool loopback = false;
  bool admin_up = false;
  bool promiscuous = false;  ///< the flag that operators set, IFF_PROMISC
  bool dormant = false;      ///< RFC 2863 operational state "dormant"
  std::uint32_t mtu = 0;
  MacAddress mac;
};

/// IPv4 (RFC 3704): whether packets of unknown sources are taken; `loose` takes what has a way back
/// by any interface (2.4). Linux looks for it in its main table and goes by the stricter of this
/// and what `all` says.
enum class SourceCheck : std::uint8_t { none = 0, loose = 2 };

/// A change of a device; what is not set stays as it is.
struct LinkChange {
  std::optional<bool> admin_up;
  std::optional<bool> promiscuous;
  std::optional<bool> arp;
  std::optional<std::uint32_t> mtu;
  std::optional<MacAddress> mac;
  std::optional<std::string> alias;
  /// RFC 2863: dormant (waits for an event, keeps carrier) or up. The kernel forgets it when the
  /// carrier changes.
  std::optional<bool> dormant;
  /// No IPv6 link-local address of its own.
  bool without_ipv6_address = false;
  /// IPv4 ARP: answers only for addresses of this very device, and asks only with one of them.
  bool own_arp_only = false;
  std::optional<SourceCheck> source_check;
};

/// Makes, changes and removes devices of this network namespace by rtnetlink.
class LinkEditor {
 public:
  [[nodiscard]] static Result<LinkEditor> open();
  /// `not_found` when there is no such device.
  [[nodiscard]] Result<LinkDetails> find(std::string_view name);
  [[nodiscard]] Result<LinkDetails> find(Ifindex index);
  /// Both ends in this namespace. `exists` when one of the names is taken.
  [[nodiscard]] Result<void> create_veth(const std::string& name, const std::string& peer);
  /// A macvlan in private mode, down, with that address. `exists` when the name is taken.
  [[nodiscard]] Result<void> create_macvlan(const std::string& name, Ifindex lower,
                                            const MacAddress& mac);
  [[nodiscard]] Result<void> change(Ifindex index, const LinkChange& change);
  /// Fine when it is gone already. Of a veth pair the other end goes too.
  [[nodiscard]] Result<void> remove(Ifindex index);
  /// Large receive offload loses what a forwarded frame needs: off, if the device has it.
  static void disable_lro(const std::string& name);

 private:
  explicit LinkEditor(NetlinkSocket requests) : requests_(std::move(requests)) {}
  [[nodiscard]] Result<LinkDetails> find(Ifindex index, std::string_view name);
  NetlinkSocket requests_;
};

}  // namespace hotpair::platform::kernel
