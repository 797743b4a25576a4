#include "ha/daemon/plane_link.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "ha/daemon/daemon_messages.h"
#include "platform/io/clock.h"

namespace hotpair::ha::daemon {
namespace {

namespace kernel = platform::kernel;
using platform::io::now;

constexpr std::uint32_t kGateSlots = 256;
constexpr std::size_t kMessagesPerWake = 64;
constexpr std::size_t kEventsPerWake = 256;
/// A routing daemon changes many routes at once: they are looked at once.
constexpr std::chrono::milliseconds kUnicastQuiet{10};

FileDescriptor take(const std::vector<std::string>& names, std::vector<FileDescriptor>& fds,
                    std::string_view name) {
  for (std::size_t i = 0; i < names.size() && i < fds.size(); ++i)
    if (names[i] == name) return std::move(fds[i]);
  return {};
}

}  // namespace

PlaneLink::PlaneLink(boost::asio::io_context& loop, node::Node& node, platform::io::Log& log,
                     std::function<void()> settled)
    : loop_(loop),
      node_(node),
      log_(log),
      settled_(std::move(settled)),
      unicast_timer_(loop),
      trunks_(log) {}

Result<void> PlaneLink::open() {
  auto links = kernel::LinkMonitor::open();
  if (!links) return std::unexpected(links.error());
  links_.emplace(std::move(*links));
  auto addresses = kernel::AddressEditor::open();
  if (!addresses) return std::unexpected(addresses.error());
  addresses_.emplace(std::move(*addresses));
  auto routes = kernel::RouteLookup::open();
  if (!routes) return std::unexpected(routes.error());
  routes_.emplace(std::move(*routes));
  auto groups = platform::io::GroupSocket::open();
  if (!groups) return std::unexpected(groups.error());
  groups_.emplace(std::move(*groups));
  auto pim = platform::io::PimSocket::open();
  if (!pim) return std::unexpected(pim.error());
  pim_.emplace(std::move(*pim));
  for (const auto& [index, link] : links_->links()) feed(link);
  watches_.emplace_back(loop_, links_->descriptor(), [this] { links_changed(); });
  watches_.emplace_back(loop_, routes_->descriptor(), [this] { routes_changed(); });
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    watches_.emplace_back(loop_, groups_->descriptor(family),
                          [this, family] { group_messages(family); });
    watches_.emplace_back(loop_, pim_->descriptor(family), [this, family] { pim_packets(family); });
  }
  return {};
}

Result<void> PlaneLink::open_plane(const std::vector<std::string>& names,
                                   std::vector<FileDescriptor> fds) {
  FileDescriptor ipv4 = take(names, fds, "mroute4");
  FileDescriptor ipv6 = take(names, fds, "mroute6");
  const bool adopt = ipv4.valid() && ipv6.valid();
  auto sockets = adopt ? kernel::RoutingSockets::adopt(std::move(ipv4), std::move(ipv6))
                       : kernel::RoutingSockets::open();
  if (!sockets) return std::unexpected(sockets.error());
  auto plane = kernel::KernelPlane::create(std::move(*sockets));
  if (!plane) return std::unexpected(plane.error());
  FileDescriptor words = take(names, fds, "gate-words");
  FileDescriptor slots = take(names, fds, "gate-slots");
  FileDescriptor counters = take(names, fds, "gate-counters");
  const bool gates_kept = words.valid() && slots.valid() && counters.valid();
  auto gates =
      gates_kept ? kernel::GateTable::adopt(std::move(words), std::move(slots), std::move(counters))
                 : kernel::GateTable::create(kGateSlots);
  if (!gates) return std::unexpected(gates.error());
  kernel::EthTrunks::KeptMaps trunks{take(names, fds, "trunk-words"),
                                     take(names, fds, "trunk-ports"), take(names, fds, "trunk-map"),
                                     take(names, fds, "trunk-counters")};
  // The trunks' programs test the words of this gate table: theirs go with it.
  if (!gates_kept) trunks = {};
  if (const auto opened = trunks_.open((*gates)->descriptors().words, std::move(trunks), *links_);
      !opened)
    return opened;
  plane_ = std::move(*plane);
  gates_ = std::move(*gates);
  log_(kPlaneOpened, fmt::format("routing tables {}, gates {}", adopt ? "taken over" : "new",
                                 gates_kept ? "taken over" : "new"));
  const kernel::RoutingDescriptors sources = plane_->descriptors();
  watches_.emplace_back(loop_, sources.ipv4, [this] { plane_events(); });
  watches_.emplace_back(loop_, sources.ipv6, [this] { plane_events(); });
  return {};
}

std::pair<std::vector<std::string>, std::vector<int>> PlaneLink::descriptors() const {
  if (!plane_) return {};
  const kernel::RoutingDescriptors routing = plane_->descriptors();
  const kernel::GateDescriptors gates = gates_->descriptors();
  std::pair<std::vector<std::string>, std::vector<int>> kept{
      {"mroute4", "mroute6", "gate-words", "gate-slots", "gate-counters"},
      {routing.ipv4, routing.ipv6, gates.words, gates.slots, gates.counters}};
  for (const auto& [name, descriptor] : trunks_.descriptors()) {
    kept.first.push_back(name);
    kept.second.push_back(descriptor);
  }
  return kept;
}

void PlaneLink::configure_trunks(std::vector<WantedTrunk> wanted) {
  trunks_.configure(std::move(wanted), *links_);
}

const kernel::Link* PlaneLink::find(const std::string& device) const {
  return links_->find(device);
}

// ---- facts ----

void PlaneLink::feed(const kernel::Link& link) {
  node::DeviceFacts facts;
  facts.device = link.name;
  facts.present = true;
  facts.up = link.up();
  for (const kernel::InterfaceAddress& address : link.addresses)
    facts.addresses.push_back(address.prefix);
  facts.link_local = link.link_local();
  facts.mtu = link.mtu;
  node_.on_device(facts, now());
}

void PlaneLink::links_changed() {
  const auto events = links_->poll();
  if (!events) return;
  trunks_.links_changed(*links_);
  for (const kernel::LinkEvent& event : *events) {
    if (const auto* gone = std::get_if<kernel::LinkGone>(&event)) {
      node::DeviceFacts facts;
      facts.device = gone->name;
      node_.on_device(facts, now());
    } else if (const auto* changed = std::get_if<kernel::LinkChanged>(&event)) {
      feed(changed->link);
    } else {
      feed(std::get<kernel::AddressesChanged>(event).link);
    }
  }
  settled_();
}

void PlaneLink::routes_changed() {
  if (!routes_->poll_changed() || unicast_pending_) return;
  unicast_pending_ = true;
  unicast_timer_.expires_after(kUnicastQuiet);
  unicast_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    unicast_pending_ = false;
    node_.on_unicast_changed(now());
    settled_();
  });
}

void PlaneLink::group_messages(Family family) {
  for (const platform::io::GroupPacket& packet : groups_->receive(family, kMessagesPerWake)) {
    const kernel::Link* link = links_->find(packet.interface);
    if (link == nullptr) continue;
    node_.on_group_message({link->name, packet.source, packet.destination, packet.hop_limit,
                            packet.router_alert, packet.message},
                           now());
  }
  settled_();
}

void PlaneLink::pim_packets(Family family) {
  for (const platform::io::PimDatagram& packet : pim_->receive(family, kMessagesPerWake)) {
    const kernel::Link* link = links_->find(packet.interface);
    if (link == nullptr) continue;
    node_.on_pim_packet(
        {link->name, packet.source, packet.destination, packet.hop_limit, packet.packet}, now());
  }
  settled_();
}

void PlaneLink::plane_events() {
  for (const fwd::PlaneEvent& event : plane_->poll_events(kEventsPerWake))
    node_.on_plane_event(event, now());
  settled_();
}

// ---- effects ----

void PlaneLink::act(const node::AddPlaneLink& effect) {
  if (!plane_) return;
  if (const auto added = plane_->add_link(effect.link); !added)
    node_.on_plane_refused(
        effect.link.register_tunnel ? "the register tunnel" : effect.link.device, added.error(),
        now());
}

void PlaneLink::act(const node::RemovePlaneLink& effect) {
  if (plane_) static_cast<void>(plane_->remove_link(effect.link));
}

void PlaneLink::act(const node::AttachGate& effect) {
  const kernel::Link* link = find(effect.device);
  if (link == nullptr || !gates_) return;
  if (trunks_.attach_gate(effect.device, effect.slot, *links_)) return;
  if (const auto attached = gates_->attach(link->index, effect.slot); !attached)
    node_.on_plane_refused("the gate of " + effect.device, attached.error(), now());
}

void PlaneLink::act(const node::DetachGate& effect) {
  if (trunks_.detach_gate(effect.device, *links_)) return;
  const kernel::Link* link = find(effect.device);
  if (link != nullptr && gates_) static_cast<void>(gates_->detach(link->index));
}

void PlaneLink::act(const node::AddAddress& effect) {
  const kernel::Link* link = find(effect.device);
  if (link == nullptr) return;
  if (const auto added = addresses_->add(link->index, effect.address); !added)
    log_(kAddress, effect.address.to_string(), effect.device, added.error().detail);
}

void PlaneLink::act(const node::RemoveAddress& effect) {
  const kernel::Link* link = find(effect.device);
  if (link == nullptr) return;
  const auto removed = addresses_->remove(link->index, effect.address);
  if (!removed && removed.error().code == ErrorCode::unavailable)
    log_(kAddress, effect.address.to_string(), effect.device, removed.error().detail);
}

void PlaneLink::act(const node::ListenGroups& effect) {
  const kernel::Link* link = find(effect.device);
  if (link == nullptr) return;
  if (const auto added = groups_->add_interface(link->index, effect.ipv4, effect.ipv6); !added)
    node_.on_plane_refused("IGMP and MLD on " + effect.device, added.error(), now());
}

void PlaneLink::act(const node::UnlistenGroups& effect) {
  if (const kernel::Link* link = find(effect.device)) groups_->remove_interface(link->index);
}

void PlaneLink::act(const node::SendGroupMessage& effect) {
  const kernel::Link* link = find(effect.device);
  if (link == nullptr || !link->up()) return;
  if (const auto sent =
          groups_->send(link->index, effect.source, effect.destination, effect.message);
      !sent)
    log_(kSendFailed, effect.device, sent.error().detail);
}

void PlaneLink::act(const node::ListenPim& effect) {
  const kernel::Link* link = find(effect.device);
  if (link == nullptr) return;
  if (const auto added = pim_->add_interface(link->index, effect.ipv4, effect.ipv6); !added)
    node_.on_plane_refused("PIM on " + effect.device, added.error(), now());
}

void PlaneLink::act(const node::UnlistenPim& effect) {
  if (const kernel::Link* link = find(effect.device)) pim_->remove_interface(link->index);
}

void PlaneLink::act(const node::SendPim& effect) {
  Ifindex out{0};
  if (!effect.device.empty()) {
    const kernel::Link* link = find(effect.device);
    if (link == nullptr || !link->up()) return;
    out = link->index;
  }
  if (const auto sent = pim_->send(out, effect.source, effect.destination, effect.message); !sent)
    log_(kSendFailed, effect.device, sent.error().detail);
}

void PlaneLink::act(const node::ApplyRoutes& effect) {
  node_.on_plane_applied(plane_->apply(effect.changes), now());
}

void PlaneLink::act(const node::ReadBackRoutes& effect) {
  static_cast<void>(effect);
  auto routes = plane_->read_back();
  plane_->remove_unclaimed_links();
  if (routes) node_.on_read_back(*routes, now());
}

void PlaneLink::act(const node::AskRpf& effect) {
  std::optional<node::RpfFacts> facts;
  if (const auto route = routes_->lookup(effect.target); route && route->local)
    facts = node::RpfFacts{.device = {}, .local = true};
  else if (route)
    if (const kernel::Link* link = links_->find(route->interface))
      facts = node::RpfFacts{.device = link->name,
                             .next_hop = route->next_hop,
                             .metric = route->metric,
                             .connected = route->connected(),
                             .preference = route->preference};
  node_.on_rpf(effect.target, facts, now());
}

std::vector<std::optional<fwd::RouteCounters>> PlaneLink::counters(
    std::span<const fwd::RouteKey> keys) {
  if (plane_ == nullptr) return {};
  return plane_->counters(keys);
}

void PlaneLink::act(const node::AskRouteCounters& effect) {
  const auto counters = plane_->counters(effect.keys);
  std::vector<std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> answer;
  for (std::size_t i = 0; i < effect.keys.size(); ++i)
    answer.emplace_back(effect.keys[i], counters[i]);
  node_.on_route_counters(answer, now());
}

}  // namespace hotpair::ha::daemon
