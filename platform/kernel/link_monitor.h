#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/kernel/netlink.h"

namespace hotpair::platform::kernel {

/// IFA_PROTO of every address that hotpair adds; only these are ever removed.
inline constexpr std::uint8_t kAddressProtocol = 0x68;

struct InterfaceAddress {
  IpPrefix prefix;
  bool ours = false;       ///< carries kAddressProtocol
  bool tentative = false;  ///< duplicate address detection is running or has failed
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// A network interface as the kernel shows it.
struct Link {
  Ifindex index;
  std::string name;
  bool admin_up = false;
  bool carrier = false;  ///< IFF_LOWER_UP
  bool loopback = false;
  std::uint32_t mtu = 0;
  MacAddress mac;
  std::vector<InterfaceAddress> addresses;  ///< sorted by prefix
  /// Can carry packets: administratively up and with carrier.
  [[nodiscard]] bool up() const { return admin_up && carrier; }
  /// The first usable fe80:: address, the source of MLD and PIM.
  [[nodiscard]] std::optional<IpAddress> link_local() const;
  friend bool operator==(const Link&, const Link&) = default;
};

/// The link appeared or something of it other than its addresses changed.
struct LinkChanged {
  Link link;
};
/// The link is gone from this namespace.
struct LinkGone {
  Ifindex index;
  std::string name;
};
/// The address list of the link changed.
struct AddressesChanged {
  Link link;
};
using LinkEvent = std::variant<LinkChanged, LinkGone, AddressesChanged>;

/// Follows links and addresses of this network namespace by rtnetlink.
class LinkMonitor {
 public:
  /// Subscribes, then reads everything, so that nothing is missed in between.
  [[nodiscard]] static Result<LinkMonitor> open();

  /// Readable when poll() has work.
  [[nodiscard]] int descriptor() const { return events_.descriptor(); }
  /// Reads at most `max` datagrams and answers what changed. After an overrun everything is read
  /// again and the differences are answered: nothing is lost but the intermediate states.
  [[nodiscard]] Result<std::vector<LinkEvent>> poll(std::size_t max = 64);
  /// Reads everything again and answers the differences.
  [[nodiscard]] Result<std::vector<LinkEvent>> refresh();

  [[nodiscard]] const std::map<Ifindex, Link>& links() const { return links_; }
  [[nodiscard]] const Link* find(std::string_view name) const;
  [[nodiscard]] const Link* find(Ifindex index) const;
  /// Notifications lost by the kernel and made good by a full read.
  [[nodiscard]] std::uint64_t overruns() const { return overruns_; }

 private:
  LinkMonitor(NetlinkSocket events, NetlinkSocket requests)
      : events_(std::move(events)), requests_(std::move(requests)) {}
  NetlinkSocket events_;
  NetlinkSocket requests_;
  std::map<Ifindex, Link> links_;
  std::uint64_t overruns_ = 0;
  bool resync_needed_ = false;
};

enum class AddressAdded { added, present };

/// Adds and removes interface addresses; touches only addresses with kAddressProtocol.
class AddressEditor {
 public:
  [[nodiscard]] static Result<AddressEditor> open();
  /// `present` when the interface has the address already, whoever added it. IPv6 addresses of a
  /// loopback interface are added without duplicate address detection.
  [[nodiscard]] Result<AddressAdded> add(Ifindex interface, const IpPrefix& prefix);
  /// The same without duplicate address detection, for an address that others have too.
  [[nodiscard]] Result<AddressAdded> add_shared(Ifindex interface, const IpPrefix& prefix);
  /// Removes an address of ours. `refused` when another program added it, `not_found` when absent.
  [[nodiscard]] Result<void> remove(Ifindex interface, const IpPrefix& prefix);

 private:
  explicit AddressEditor(NetlinkSocket requests) : requests_(std::move(requests)) {}
  [[nodiscard]] Result<Link> interface_of(Ifindex interface);
  [[nodiscard]] Result<AddressAdded> add(const Link& link, const IpPrefix& prefix, bool skip_dad);
  NetlinkSocket requests_;
};

}  // namespace hotpair::platform::kernel
