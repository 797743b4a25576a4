#include "ha/daemon/plane_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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
constexpr std::size_t kEventsPerWake = 64;
/// A routing daemon changes many routes at once: they are looked at once.
constexpr std::chrono::milliseconds kUnicastQuiet{10};

FileDescriptor take(const std::vector<std::string>& names, std::vector<FileDescriptor>& fds,
                    std::string_view name) {
  for (std::size_t i = 0; i < names.size() && i < fds.size(); ++i)
    if (names[i] == name) return std::move(fds[i]);
  return {};
}

/// How the keeper calls a table: "mroute4", "mroute6@10".
std::string table_name(std::string_view kind, VrfId vrf) {
  return vrf == VrfId{} ? std::string(kind) : fmt::format("{}@{}", kind, vrf.value());
}

/// The VRF of such a name; nullopt: it is none.
std::optional<VrfId> vrf_of(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind) || name.size() <= kind.size() || name[kind.size()] != '@')
    return std::nullopt;
  const std::string_view digits = name.substr(kind.size() + 1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || number == 0)
    return std::nullopt;
  return VrfId{number};
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
  auto icmp_errors = platform::io::IcmpErrorSocket::open();
  if (!icmp_errors) return std::unexpected(icmp_errors.error());
  icmp_errors_.emplace(std::move(*icmp_errors));
  for (const auto& [index, link] : links_->links()) feed(link);
  watches_.emplace_back(loop_, links_->descriptor(), [this] { links_changed(); });
  watches_.emplace_back(loop_, routes_->descriptor(), [this] { routes_changed(); });
  watches_.emplace_back(loop_, routes_->search_descriptor(), [this] { routes_searched(); });
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
  auto plane = kernel::KernelPlanes::create(std::move(*sockets));
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
  auto floating = FloatingLink::open(**gates, *addresses_, (*plane)->rules());
  if (!floating) return std::unexpected(floating.error());
  plane_ = std::move(*plane);
  if (const auto adopted = adopt_vrfs(names, fds); !adopted) return adopted;
  gates_ = std::move(*gates);
  floating_.emplace(std::move(*floating));
  log_(kPlaneOpened, fmt::format("routing tables {}, gates {}", adopt ? "taken over" : "new",
                                 gates_kept ? "taken over" : "new"));
  for (const auto& [vrf, tables] : plane_->planes()) watch_plane(vrf);
  return {};
}

/// Tables of VRFs that an earlier life had, wanted now or not: what is in them and not claimed is
/// removed with the rest.
Result<void> PlaneLink::adopt_vrfs(const std::vector<std::string>& names,
                                   std::vector<FileDescriptor>& fds) {
  for (const std::string& name : names) {
    const std::optional<VrfId> vrf = vrf_of(name, "mroute4");
    if (!vrf) continue;
    FileDescriptor ipv4 = take(names, fds, name);
    FileDescriptor ipv6 = take(names, fds, table_name("mroute6", *vrf));
    if (!ipv4.valid() || !ipv6.valid()) continue;
    auto sockets = kernel::RoutingSockets::adopt(std::move(ipv4), std::move(ipv6), *vrf);
    if (!sockets) return std::unexpected(sockets.error());
    if (const auto added = plane_->add_vrf(std::move(*sockets)); !added) return added;
  }
  return {};
}

void PlaneLink::watch_plane(VrfId vrf) {
  const kernel::RoutingDescriptors sources = plane_->planes().at(vrf)->descriptors();
  watches_.emplace_back(loop_, sources.ipv4, [this, vrf] { plane_events(vrf); });
  watches_.emplace_back(loop_, sources.ipv6, [this, vrf] { plane_events(vrf); });
}

bool PlaneLink::open_vrf(VrfId vrf) {
  if (!plane_ || plane_->has_vrf(vrf)) return false;
  const std::string what = fmt::format("multicast routing table {}", vrf.value());
  auto sockets = kernel::RoutingSockets::open(vrf);
  if (!sockets) {
    node_.on_plane_refused(what, sockets.error(), now());
    return false;
  }
  if (const auto added = plane_->add_vrf(std::move(*sockets)); !added) {
    node_.on_plane_refused(what, added.error(), now());
    return false;
  }
  watch_plane(vrf);
  return true;
}

std::pair<std::vector<std::string>, std::vector<int>> PlaneLink::descriptors() const {
  if (!plane_) return {};
  const kernel::GateDescriptors gates = gates_->descriptors();
  std::pair<std::vector<std::string>, std::vector<int>> kept{
      {"gate-words", "gate-slots", "gate-counters"}, {gates.words, gates.slots, gates.counters}};
  for (const auto& [vrf, tables] : plane_->planes()) {
    const kernel::RoutingDescriptors routing = tables->descriptors();
    kept.first.push_back(table_name("mroute4", vrf));
    kept.second.push_back(routing.ipv4);
    kept.first.push_back(table_name("mroute6", vrf));
    kept.second.push_back(routing.ipv6);
  }
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
  if (floating_)
    for (const std::string& device : floating_->missing(*links_))
      note_floating(device, floating_->set(device, *links_));
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

void PlaneLink::routes_searched() {
  for (const auto& [vrf, target, route] : routes_->poll_searched())
    node_.on_rpf(vrf, target, facts_of(route), now());
  settled_();
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

void PlaneLink::plane_events(VrfId vrf) {
  node_.on_plane_events(plane_->poll_events(vrf, kEventsPerWake), now());
  settled_();
}

// ---- effects ----

void PlaneLink::act(const node::AddPlaneLink& effect) {
  if (!plane_) return;
  if (const auto added = plane_->add_link(effect.link); !added) {
    if (effect.link.register_tunnel)
      node_.on_plane_refused("the register tunnel", added.error(), now(), effect.link.vrf);
    else
      node_.on_plane_refused(effect.link.device, added.error(), now());
  }
  if (effect.link.vrf == VrfId{} || effect.link.register_tunnel) return;
  vrf_links_.insert_or_assign(effect.link.link, effect.link);
  check_rules();
}

void PlaneLink::act(const node::RemovePlaneLink& effect) {
  if (plane_) static_cast<void>(plane_->remove_link(effect.link));
  if (const auto gone = vrf_links_.extract(effect.link))
    node_.on_vrf_rules(gone.mapped().device, {}, now());
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

void PlaneLink::note_floating(const std::string& device, const Result<void>& done) {
  if (!done) node_.on_plane_refused("floating addresses on " + device, done.error(), now());
  const FloatingLink::Made* made = floating_->find(device);
  if (made != nullptr && made->index) pim_->set_alias(*made->index, made->parent);
}

void PlaneLink::act(const node::SetFloating& effect) {
  floating_->want(effect);
  note_floating(effect.device, floating_->set(effect.device, *links_));
}

void PlaneLink::act(const node::RemoveFloating& effect) {
  const FloatingLink::Made* made = floating_->find(effect.device);
  if (made != nullptr && made->index) pim_->set_alias(*made->index, std::nullopt);
  if (const auto done = floating_->remove(effect.device); !done)
    node_.on_plane_refused("floating addresses on " + effect.device, done.error(), now());
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
  Ifindex via{0};
  if (const kernel::Link* link = effect.via.empty() ? nullptr : find(effect.via)) via = link->index;
  if (const auto sent = pim_->send(out, effect.source, effect.destination, effect.message, via);
      !sent)
    log_(kSendFailed, effect.device.empty() ? effect.via : effect.device, sent.error().detail);
}

void PlaneLink::act(const node::ApplyRoutes& effect) {
  node_.on_plane_applied(plane_->apply(effect.changes), now());
}

void PlaneLink::act(const node::ReadBackRoutes& effect) {
  static_cast<void>(effect);
  auto routes = plane_->read_back();
  plane_->remove_unclaimed_links();
  for (const std::string& device : floating_->remove_left_over(*links_)) log_(kLeftOver, device);
  if (routes) node_.on_read_back(*routes, now());
}

std::optional<node::RpfFacts> PlaneLink::facts_of(
    const std::optional<kernel::UnicastRoute>& route) const {
  if (!route) return std::nullopt;
  if (route->local) return node::RpfFacts{.device = {}, .local = true};
  const kernel::Link* link = links_->find(route->interface);
  if (link == nullptr) return std::nullopt;
  return node::RpfFacts{.device = link->name,
                        .next_hop = route->next_hop,
                        .metric = route->metric,
                        .connected = route->connected(),
                        .preference = route->preference,
                        .prefix_length = route->prefix_length};
}

void PlaneLink::act(const node::AskRpf& effect) {
  if (effect.vrf != VrfId{}) {
    routes_->search(effect.vrf, effect.target);
    return;
  }
  const auto route = routes_->lookup(effect.target);
  if (route)
    node_.on_rpf(effect.vrf, effect.target, facts_of(*route), now());
  else if (effect.target.is_v6() && route.error().code == ErrorCode::not_found)
    routes_->search(effect.target);  // the kernel may be wrong about it
  else
    node_.on_rpf(effect.vrf, effect.target, std::nullopt, now());
}

namespace {

/// The first rule that an interface of a VRF lacks, as an operator would add it; empty: none. The
/// router itself sends by `oif`, packets that it forwards go by `iif`. VRF devices have rules of
/// their own, which name no interface.
std::string missing_rule(const std::vector<kernel::InterfaceRule>& rules,
                         const fwd::PlaneLink& link, Family family) {
  for (const bool outgoing : {false, true}) {
    const kernel::InterfaceRule wanted{link.device, link.vrf.value(), outgoing};
    if (std::ranges::find(rules, wanted) == rules.end())
      return fmt::format("ip {}rule add {} {} lookup {}", family == Family::ipv4 ? "" : "-6 ",
                         outgoing ? "oif" : "iif", link.device, link.vrf.value());
  }
  return {};
}

}  // namespace

void PlaneLink::check_rules() {
  if (!plane_ || vrf_links_.empty()) return;
  const auto ipv4 = plane_->rules().unicast(Family::ipv4);
  const auto ipv6 = plane_->rules().unicast(Family::ipv6);
  if (!ipv4 || !ipv6) return;
  for (const auto& [id, link] : vrf_links_) {
    std::string missing;
    if (link.ipv4) missing = missing_rule(*ipv4, link, Family::ipv4);
    if (link.ipv6 && missing.empty()) missing = missing_rule(*ipv6, link, Family::ipv6);
    node_.on_vrf_rules(link.device, missing, now());
  }
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
