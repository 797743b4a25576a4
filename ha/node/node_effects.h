#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "checkpoint/record/store_port.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/base/message.h"
#include "platform/base/time.h"
#include "platform/fwd/forwarding_plane.h"

/// What a node asks of the world: one struct per act of an adapter, in the order of acting.
namespace hotpair::ha::node {

/// The transport of one RBS.
using TransportId = Strong<struct TransportIdTag, std::uint32_t>;

// ---- keeper ----
struct SendToKeeper {
  keeper::ToKeeper message;
};

// ---- store: answered by on_store() ----
struct AskStore {
  checkpoint::StoreRequest request;
};

// ---- transport ----
/// Begin (or change) the channel of an RBS: the lower address dials, the higher one listens.
struct OpenTransport {
  TransportId transport;
  std::string name;
  IpAddress local;
  IpAddress peer;
  std::uint16_t port = 0;
  std::string ssl_policy;  ///< empty: authenticated by the pair key
};
/// The RBS is no longer configured.
struct RemoveTransport {
  TransportId transport;
};
/// The peer is heard again: try now, if there is no connection.
struct DialNow {
  TransportId transport;
};
/// End the connection; the transport reconnects by itself, with back-off.
struct DropConnection {
  TransportId transport;
  std::string reason;
};
struct SendBytes {
  TransportId transport;
  Bytes bytes;
};
/// Stop or go on reading from the peer.
struct PauseReading {
  TransportId transport;
  bool paused = false;
};

// ---- links and plane ----
/// The VRF's multicast routing tables are to be there; before its first AddPlaneLink.
struct AddVrf {
  VrfId vrf;
};
struct AddPlaneLink {
  fwd::PlaneLink link;
};
struct RemovePlaneLink {
  LinkId link;
};
/// Put the gate of a slot on the device; both survive this process.
struct AttachGate {
  std::string device;
  std::uint32_t slot = 0;
};
struct DetachGate {
  std::string device;
};
/// Add the address if it is missing, marked as ours.
struct AddAddress {
  std::string device;
  IpPrefix address;
};
/// Remove it if it is ours.
struct RemoveAddress {
  std::string device;
  IpPrefix address;
};
/// A device over `parent` with that MAC and those addresses alone, through which nothing passes
/// while the gate of the slot is closed; taken over if it is there. Its unicast is that of `vrf`.
struct SetFloating {
  std::string device;
  std::string parent;
  MacAddress mac;
  std::uint32_t slot = 0;
  std::vector<IpPrefix> addresses;
  VrfId vrf = {};
  friend bool operator==(const SetFloating&, const SetFloating&) = default;
};
struct RemoveFloating {
  std::string device;
};
/// Hear IGMP or MLD on the device.
struct ListenGroups {
  LinkId link;
  std::string device;
  bool ipv4 = false;
  bool ipv6 = false;
};
struct UnlistenGroups {
  std::string device;
};
/// An IGMP or MLD message, checksum set; TTL or hop limit 1, router alert.
struct SendGroupMessage {
  std::string device;
  IpAddress source;
  IpAddress destination;
  Bytes message;
};
/// Hear PIM on the device, of these families.
struct ListenPim {
  std::string device;
  bool ipv4 = false;
  bool ipv6 = false;
};
struct UnlistenPim {
  std::string device;
};
/// A PIM message, checksum set: to ALL-PIM-ROUTERS or a neighbour with TTL 1 out of the device, or,
/// without a device, to a router by unicast routing. In a VRF unicast leaves by the device that its
/// routes say, `via`: by it Linux finds the table.
struct SendPim {
  std::string device;
  IpAddress source;
  IpAddress destination;
  Bytes message;
  std::string via = {};
};
/// An ICMPv6 error from its type on, to a source by unicast routing; the kernel's choice of source.
struct SendIcmpError {
  IpAddress destination;
  Bytes message;
  std::string via = {};  ///< as of SendPim
};
/// Hear Auto-RP on the device: what candidates announce, what mapping agents tell.
struct ListenAutoRp {
  std::string device;
  bool announcements = false;
  bool discoveries = false;
};
struct UnlistenAutoRp {
  std::string device;
};
/// The payload of an Auto-RP message (UDP port 496) out of the device.
struct SendAutoRp {
  std::string device;
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;
  Bytes payload;
};
/// Answered by on_plane_applied() before any other input.
struct ApplyRoutes {
  std::vector<fwd::RouteChange> changes;
};
/// Read every route back, once at start: answered by on_read_back().
struct ReadBackRoutes {};
/// Answered by on_rpf(), at once or later.
struct AskRpf {
  VrfId vrf;
  IpAddress target;
};
/// Answered by on_route_counters().
struct AskRouteCounters {
  std::vector<fwd::RouteKey> keys;
};

// ---- operator ----
struct WriteLog {
  const Message* message = nullptr;
  std::string text;  ///< formatted
};
/// What a condition that did not come true still lacks.
struct Missing {
  std::string subject;  ///< "scope 2", "RBS rbs1", "keeper"
  std::string text;     ///< "no peer heard"
  friend bool operator==(const Missing&, const Missing&) = default;
};
/// A deferred action of the operator ended; `error` empty: done.
struct ActionEnded {
  std::uint64_t ticket = 0;
  std::string text;
  std::optional<Error> error;
  std::vector<Missing> missing;  ///< only of a wait that timed out
};
/// Everything was handed over and goodbye said: the process ends.
struct Stop {};

using NodeEffect =
    std::variant<SendToKeeper, AskStore, OpenTransport, RemoveTransport, DialNow, DropConnection,
                 SendBytes, PauseReading, AddVrf, AddPlaneLink, RemovePlaneLink, AttachGate,
                 DetachGate, AddAddress, RemoveAddress, SetFloating, RemoveFloating, ListenGroups,
                 UnlistenGroups, SendGroupMessage, ListenPim, UnlistenPim, SendPim, SendIcmpError,
                 ListenAutoRp, UnlistenAutoRp, SendAutoRp, ApplyRoutes, ReadBackRoutes, AskRpf,
                 AskRouteCounters, WriteLog, ActionEnded, Stop>;

// ---- facts that come in ----

/// A Linux device as the kernel shows it; the node knows devices by name only.
struct DeviceFacts {
  std::string device;
  bool present = false;
  bool up = false;  ///< administratively up and carrier
  std::vector<IpPrefix> addresses;
  std::optional<IpAddress> link_local;
  std::uint32_t mtu = 0;  ///< 0: not known
  friend bool operator==(const DeviceFacts&, const DeviceFacts&) = default;
};

/// An IGMP or MLD message as it came, lengths and checksums verified.
struct GroupMessage {
  std::string device;
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 0;
  bool router_alert = false;
  ByteSpan message;
};

/// A PIM packet as the kernel hands it out; nothing in it is checked.
struct PimDatagram {
  std::string device;
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 0;  ///< IPv6
  ByteSpan packet;             ///< IPv4: from the IP header on; IPv6: from the PIM header on
};

/// The payload of a UDP packet to port 496 of a group of Auto-RP, IPv4.
struct AutoRpDatagram {
  std::string device;
  IpAddress source;
  IpAddress destination;
  ByteSpan payload;
};

/// A certificate that somebody has to replace in time.
struct CredentialFact {
  std::string subject;  ///< "ssl policy p1: own certificate hotpair:node:A"; one fact each
  WallTime not_after;
  friend bool operator==(const CredentialFact&, const CredentialFact&) = default;
};

/// The kernel's unicast route to a target, by device.
struct RpfFacts {
  std::string device;
  std::optional<IpAddress> next_hop;
  std::uint32_t metric = 0;
  bool connected = false;
  bool local = false;              ///< the target is an address of this node; nothing else counts
  std::uint32_t preference = 0;    ///< administrative distance
  std::uint8_t prefix_length = 0;  ///< of the route, in a VRF
};

}  // namespace hotpair::ha::node
