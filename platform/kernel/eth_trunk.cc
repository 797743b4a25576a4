// Order matters to packets under way. Coming: port entry, member entry, filters, then the bit in
// `present`. Going: the bit first, then the filters, the entries last. A filter without its entry
// drops.
#include "platform/kernel/eth_trunk.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "platform/kernel/clsact.h"
#include "platform/kernel/eth_trunk_object.h"

namespace hotpair::platform::kernel {
namespace {

constexpr std::string_view kHiddenPrefix = "hp-";
constexpr std::uint32_t kVethMtuMax = 65535;

/// "hp-Eth-Trunk1"; of a long name the end, where the number is.
std::string hidden_name(const std::string& device) {
  const std::size_t room = IFNAMSIZ - 1 - kHiddenPrefix.size();
  return std::string(kHiddenPrefix) + device.substr(device.size() - std::min(device.size(), room));
}

/// Differs from the member's own, which its LACPDUs carry, and is the same after a reboot.
MacAddress trunk_mac(const MacAddress& member) {
  MacAddress mac = member;
  mac.octets[0] = static_cast<std::uint8_t>((mac.octets[0] | 0x02U) ^ 0x40U);
  return mac;
}

Result<void> attach(Ifindex interface, Direction direction, int program) {
  return attach_filter({interface, direction, kTrunkFilterHandle, "Eth-Trunk"}, program);
}

void detach(Ifindex interface) {
  for (const Direction direction : {Direction::ingress, Direction::egress})
    static_cast<void>(detach_filter({interface, direction, kTrunkFilterHandle, "Eth-Trunk"}));
}

EthTrunkDevice describe(std::uint32_t slot, const hotpair_trunk& trunk) {
  EthTrunkDevice device;
  device.slot = slot;
  device.device = Ifindex(trunk.device);
  device.hidden = Ifindex(trunk.hidden);
  if (trunk.gate_slot != HOTPAIR_TRUNK_NO_GATE) device.gate_slot = trunk.gate_slot;
  for (std::uint32_t n = 0; n < kTrunkMembersMax; ++n)
    if (trunk.member[n] != 0) device.members.push_back({n, Ifindex(trunk.member[n])});
  device.least_active_links = trunk.least_active_links;
  return device;
}

Result<void> require_distinct(const std::vector<EthTrunkMember>& sorted) {
  std::vector<Ifindex> interfaces;
  for (std::size_t n = 0; n < sorted.size(); ++n) {
    if (sorted[n].index >= kTrunkMembersMax)
      return fail(ErrorCode::refused,
                  fmt::format("member index {}: an Eth-Trunk has members 0 to {}", sorted[n].index,
                              kTrunkMembersMax - 1));
    if (n > 0 && sorted[n].index == sorted[n - 1].index)
      return fail(ErrorCode::refused,
                  fmt::format("two members have the index {}", sorted[n].index));
    interfaces.push_back(sorted[n].interface);
  }
  std::ranges::sort(interfaces);
  if (const auto twice = std::ranges::adjacent_find(interfaces); twice != interfaces.end())
    return fail(ErrorCode::refused, fmt::format("interface {} is a member twice", twice->value()));
  return {};
}

bool contains(const std::vector<EthTrunkMember>& members, const EthTrunkMember& wanted) {
  return std::ranges::find(members, wanted) != members.end();
}

/// What the members allow, and no more than the configuration does; 0: nothing said.
std::uint32_t mtu_of(const std::vector<LinkDetails>& members, std::uint32_t configured) {
  std::uint32_t mtu = configured;
  for (const LinkDetails& member : members)
    if (mtu == 0 || member.mtu < mtu) mtu = member.mtu;
  return std::min(mtu, kVethMtuMax);
}

}  // namespace

EthTrunks::EthTrunks(std::unique_ptr<TrunkObject> object, LinkEditor links)
    : object_(std::move(object)), links_(std::move(links)) {}
EthTrunks::~EthTrunks() = default;

Result<std::unique_ptr<EthTrunks>> EthTrunks::create(int gate_words_fd, std::uint32_t trunks) {
  auto object = TrunkObject::create(gate_words_fd, trunks);
  if (!object) return std::unexpected(object.error());
  auto links = LinkEditor::open();
  if (!links) return std::unexpected(links.error());
  return std::unique_ptr<EthTrunks>(new EthTrunks(std::move(*object), std::move(*links)));
}

Result<std::unique_ptr<EthTrunks>> EthTrunks::adopt(int gate_words_fd, KeptMaps maps) {
  auto object = TrunkObject::adopt(gate_words_fd, maps);
  if (!object) return std::unexpected(object.error());
  auto links = LinkEditor::open();
  if (!links) return std::unexpected(links.error());
  return std::unique_ptr<EthTrunks>(new EthTrunks(std::move(*object), std::move(*links)));
}

// ---- the device ----

Result<EthTrunkDevice> EthTrunks::ensure(const EthTrunkConfig& config) {
  std::vector<EthTrunkMember> members = config.members;
  std::ranges::sort(members);
  // Everything is judged before anything is made.
  if (const auto judged = judge(config.slot, members); !judged)
    return std::unexpected(judged.error());
  Result<Pair> pair = pair_of(config.device);
  if (!pair) return std::unexpected(pair.error());
  hotpair_trunk trunk = *object_->trunk(config.slot);
  if (trunk.device != 0 && trunk.device != pair->device.index.value()) {
    // The slot's device is gone and was made again, or was another one.
    if (const auto removed = remove(config.slot); !removed) return std::unexpected(removed.error());
    trunk = {};
  }
  trunk.device = pair->device.index.value();
  trunk.hidden = pair->hidden.index.value();
  trunk.gate_slot = config.gate_slot.value_or(HOTPAIR_TRUNK_NO_GATE);
  trunk.least_active_links = config.least_active_links;
  trunk.mtu_max = config.mtu.value_or(0);
  Result<void> done = object_->store(config.slot, trunk);
  if (done) done = join_ends(config.slot, *pair);
  if (done) done = apply_members(config.slot, members, true);
  if (done) done = dress(*pair, config, members);
  if (!done) return std::unexpected(done.error());
  return describe(config.slot, *object_->trunk(config.slot));
}

Result<EthTrunks::Pair> EthTrunks::pair_of(const std::string& device) {
  const std::string hidden = hidden_name(device);
  Result<LinkDetails> found = links_.find(device);
  bool created = false;
  if (!found && found.error().code == ErrorCode::not_found) {
    if (const auto made = links_.create_veth(device, hidden); !made)
      return std::unexpected(made.error());
    created = true;
    found = links_.find(device);
  }
  if (!found) return std::unexpected(found.error());
  Result<LinkDetails> other = links_.find(hidden);
  if (!other || found->kind != "veth" || found->peer != other->index)
    return fail(ErrorCode::exists,
                fmt::format("a device {} exists and is no Eth-Trunk of hotpair (that would be a "
                            "veth whose other end is {} in the same namespace): remove it, or give "
                            "the Eth-Trunk another device in ports.conf",
                            device, hidden));
  return Pair{std::move(*found), std::move(*other), created};
}

/// Programs of the two ends. The hidden end is a wire: no addresses, no ARP, always up.
Result<void> EthTrunks::join_ends(std::uint32_t slot, const Pair& pair) {
  const hotpair_trunk_port self{slot, HOTPAIR_TRUNK_SELF, 0, 0};
  const Ifindex device = pair.device.index;
  const Ifindex hidden = pair.hidden.index;
  Result<void> done = object_->store(device, self);
  if (done) done = object_->store(hidden, self);
  if (done) done = attach(hidden, Direction::egress, object_->guard_program());
  if (done) done = attach(hidden, Direction::ingress, object_->send_program());
  if (done) done = attach(device, Direction::egress, object_->send_program());
  if (!done) return done;
  LinkChange silent;
  silent.without_ipv6_address = true;
  static_cast<void>(links_.change(hidden, silent));  // a kernel without IPv6 has nothing to silence
  LinkChange wire;
  wire.arp = false;
  wire.alias =
      fmt::format("hidden end of {} (hotpair): gives it carrier, keep it up", pair.device.name);
  wire.admin_up = true;
  return links_.change(hidden, wire);
}

/// MAC address and administrative state; the first life only, unless configured.
Result<void> EthTrunks::dress(const Pair& pair, const EthTrunkConfig& config,
                              const std::vector<EthTrunkMember>& members) {
  LinkChange change;
  if (config.mac && *config.mac != pair.device.mac) change.mac = config.mac;
  if (!config.mac && pair.created && !members.empty()) {
    const auto first = links_.find(members.front().interface);
    if (first) change.mac = trunk_mac(first->mac);
  }
  if (pair.created) change.admin_up = true;
  if (!change.mac && !change.admin_up) return {};
  return links_.change(pair.device.index, change);
}

Result<void> EthTrunks::remove(std::uint32_t slot) {
  const std::optional<hotpair_trunk> found = object_->trunk(slot);
  if (!found || found->device == 0) return {};
  Result<void> done = apply_members(slot, {}, false);
  if (!done) return done;
  done = links_.remove(Ifindex(found->device));
  if (!done) return done;
  object_->forget(Ifindex(found->device));
  object_->forget(Ifindex(found->hidden));
  done = object_->store(slot, hotpair_trunk{});
  object_->clear_counters(slot);
  return done;
}

std::vector<EthTrunkDevice> EthTrunks::devices() const {
  std::vector<EthTrunkDevice> found;
  for (std::uint32_t slot = 0; slot < slots(); ++slot)
    if (const auto trunk = object_->trunk(slot); trunk && trunk->device != 0)
      found.push_back(describe(slot, *trunk));
  return found;
}

Result<bool> EthTrunks::update_operational(std::uint32_t slot) {
  const std::optional<hotpair_trunk> trunk = object_->trunk(slot);
  if (!trunk || trunk->device == 0)
    return fail(ErrorCode::not_found, fmt::format("there is no Eth-Trunk in slot {}", slot));
  const Ifindex device(trunk->device);
  Result<LinkDetails> now = links_.find(device);
  if (!now) return std::unexpected(now.error());
  // Those that collect: in a planned handover either side does for a moment without distributing,
  // and a dormant device has no IPv6 routes for what is to be sent next.
  const auto collecting = static_cast<std::uint32_t>(object_->word(slot)) & trunk->present;
  const auto least = std::max(1U, trunk->least_active_links);
  const bool dormant = object_->gate_open(trunk->gate_slot) &&
                       static_cast<std::uint32_t>(std::popcount(collecting)) < least;
  if (dormant == now->dormant) return !dormant;
  LinkChange change;
  change.dormant = dormant;
  if (const auto changed = links_.change(device, change); !changed)
    return std::unexpected(changed.error());
  now = links_.find(device);
  if (!now) return std::unexpected(now.error());
  return !now->dormant;
}

// ---- members ----

Result<void> EthTrunks::set_members(std::uint32_t slot, std::vector<EthTrunkMember> members) {
  std::ranges::sort(members);
  if (const auto judged = judge(slot, members); !judged) return judged;
  if (object_->trunk(slot)->device == 0)
    return fail(ErrorCode::not_found, fmt::format("there is no Eth-Trunk in slot {}", slot));
  return apply_members(slot, members, false);
}

Result<void> EthTrunks::judge(std::uint32_t slot, const std::vector<EthTrunkMember>& members) {
  if (slot >= slots())
    return fail(ErrorCode::refused,
                fmt::format("trunk slot {} does not exist: there are {}", slot, slots()));
  if (const auto distinct = require_distinct(members); !distinct) return distinct;
  for (const EthTrunkMember& member : members) {
    const Result<LinkDetails> link = links_.find(member.interface);
    if (!link) return std::unexpected(link.error());
    if (!link->ethernet || link->loopback)
      return fail(ErrorCode::unsupported,
                  fmt::format("{} is not an Ethernet interface: it cannot be a member of an "
                              "Eth-Trunk",
                              link->name));
    if (link->master)
      return fail(ErrorCode::refused,
                  fmt::format("{} is a port of another device (interface {}): it cannot be a "
                              "member of an Eth-Trunk as well",
                              link->name, link->master->value()));
    const auto port = object_->port(member.interface);
    if (port && port->member == HOTPAIR_TRUNK_SELF)
      return fail(ErrorCode::refused,
                  fmt::format("{} is an Eth-Trunk itself: trunks do not nest", link->name));
    if (port && port->trunk != slot)
      return fail(ErrorCode::refused,
                  fmt::format("{} is a member of the Eth-Trunk in slot {} already", link->name,
                              port->trunk));
  }
  return {};
}

Result<void> EthTrunks::apply_members(std::uint32_t slot,
                                      const std::vector<EthTrunkMember>& members,
                                      bool replace_programs) {
  const EthTrunkDevice before = describe(slot, *object_->trunk(slot));
  std::vector<LinkDetails> links;
  for (const EthTrunkMember& member : members) {
    Result<LinkDetails> link = links_.find(member.interface);
    if (!link) return std::unexpected(link.error());
    links.push_back(std::move(*link));
  }
  const std::uint32_t mtu = mtu_of(links, object_->trunk(slot)->mtu_max);
  // A smaller MTU before a smaller member comes, a larger one after the smallest has gone.
  Result<void> done = set_mtu(before, mtu, true);
  for (const EthTrunkMember& old : before.members)
    if (done && !contains(members, old)) done = release(slot, old);
  for (std::size_t n = 0; n < members.size() && done; ++n) {
    const bool stays = contains(before.members, members[n]);
    if (!stays || replace_programs) done = join(slot, members[n], links[n], stays);
  }
  if (done) done = set_mtu(before, mtu, false);
  return done;
}

Result<void> EthTrunks::set_mtu(const EthTrunkDevice& trunk, std::uint32_t mtu, bool only_lower) {
  if (mtu == 0) return {};
  for (const Ifindex end : {trunk.device, trunk.hidden}) {
    const Result<LinkDetails> now = links_.find(end);
    if (!now)
      return now.error().code == ErrorCode::not_found ? Result<void>{}
                                                      : std::unexpected(now.error());
    if (now->mtu == mtu || (only_lower && now->mtu < mtu)) continue;
    LinkChange change;
    change.mtu = mtu;
    if (const auto changed = links_.change(end, change); !changed) return changed;
  }
  return {};
}

Result<void> EthTrunks::join(std::uint32_t slot, const EthTrunkMember& member,
                             const LinkDetails& link, bool present_already) {
  const auto known = object_->port(member.interface);
  hotpair_trunk_port port{slot, member.index, 0, 0};
  port.promiscuous_by_us = known ? known->promiscuous_by_us : !link.promiscuous;
  Result<void> done = object_->store(member.interface, port);
  hotpair_trunk trunk = *object_->trunk(slot);
  trunk.member[member.index] = member.interface.value();
  if (done) done = object_->store(slot, trunk);
  if (done) done = attach(member.interface, Direction::egress, object_->guard_program());
  if (done) done = attach(member.interface, Direction::ingress, object_->receive_program());
  if (!done) return done;
  LinkChange change;
  if (!link.promiscuous) change.promiscuous = true;  // frames come to the trunk's address
  if (!present_already) change.admin_up = true;
  if (change.promiscuous || change.admin_up) done = links_.change(member.interface, change);
  if (!done) return done;
  LinkEditor::disable_lro(link.name);
  trunk.present |= 1U << member.index;
  return object_->store(slot, trunk);
}

Result<void> EthTrunks::release(std::uint32_t slot, const EthTrunkMember& member) {
  hotpair_trunk trunk = *object_->trunk(slot);
  trunk.present &= ~(1U << member.index);
  Result<void> done = object_->store(slot, trunk);
  if (!done) return done;
  detach(member.interface);
  const auto port = object_->port(member.interface);
  if (port && port->promiscuous_by_us != 0) {
    LinkChange change;
    change.promiscuous = false;
    done = links_.change(member.interface, change);
    if (!done && done.error().code != ErrorCode::not_found) return done;
  }
  object_->forget(member.interface);
  trunk.member[member.index] = 0;
  return object_->store(slot, trunk);
}

std::uint64_t EthTrunks::word(std::uint32_t slot) const { return object_->word(slot); }

Result<EthTrunkCounters> EthTrunks::counters(std::uint32_t slot) const {
  return object_->counters(slot);
}

std::uint32_t EthTrunks::slots() const { return object_->slots(); }

EthTrunkDescriptors EthTrunks::descriptors() const { return object_->descriptors(); }

}  // namespace hotpair::platform::kernel
