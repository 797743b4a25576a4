#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"
#include "mcast/rp/rp_messages.h"
#include "mcast/wire/pim_message.h"
#include "platform/base/assert.h"

/// VRFs beside the default one: PIM of each, and the ways of unicast in it.
namespace hotpair::ha::node {
namespace {

// Of one VRF and family: destinations whose way is known, those that are asked for, and messages
// to each of those.
constexpr std::size_t kWaysMax = 4096;
constexpr std::size_t kAskedMax = 256;
constexpr std::size_t kParkedMax = 8;

}  // namespace

// ---- which there are ----

PimFamily* Node::find_pim(VrfId vrf, Family family) {
  const auto found = std::ranges::find_if(pim_, [&](const std::unique_ptr<PimFamily>& each) {
    return each->vrf == vrf && each->family == family;
  });
  return found == pim_.end() ? nullptr : found->get();
}

const PimFamily& Node::pim_of(VrfId vrf, Family family) const {
  const auto found = std::ranges::find_if(pim_, [&](const std::unique_ptr<PimFamily>& each) {
    return each->vrf == vrf && each->family == family;
  });
  HA_ASSERT(found != pim_.end());
  return **found;
}

PimFamily& Node::pim_of(const Link& link, Family family) {
  PimFamily* const found = find_pim(link.settings.vrf, family);
  HA_ASSERT(found != nullptr);
  return *found;
}

const VrfSettings* Node::find_vrf(VrfId vrf) const {
  const auto found = std::ranges::find(config_.vrfs, vrf, &VrfSettings::vrf);
  return found == config_.vrfs.end() ? nullptr : &*found;
}

/// Other random bits for each engine than what hash tables are seeded with.
std::uint64_t Node::pim_seed(VrfId vrf, Family family) const {
  const std::uint64_t seed =
      (identity_.hash_seed ^ identity_.node.value()) * 2 + (family == Family::ipv4 ? 0 : 1);
  return seed + vrf.value() * std::uint64_t{0x9e37'79b9'7f4a'7c15};
}

const PimSettings& Node::settings_of(const PimFamily& family) const {
  const VrfSettings* vrf = find_vrf(family.vrf);
  if (vrf == nullptr) return family.family == Family::ipv4 ? config_.pim_ipv4 : config_.pim_ipv6;
  return family.family == Family::ipv4 ? vrf->pim_ipv4 : vrf->pim_ipv6;
}

const std::vector<mcast::rp::RpMapping>& Node::static_rps_of(const PimFamily& family) const {
  const VrfSettings* vrf = find_vrf(family.vrf);
  return vrf == nullptr ? config_.static_rps : vrf->static_rps;
}

/// " in VPN instance red", for messages, which all name a VRF by this; nothing for the default one.
std::string Node::in_vrf(VrfId vrf) const {
  if (vrf == VrfId{}) return {};
  const auto found = vrf_names_.find(vrf);
  return found == vrf_names_.end() ? fmt::format(" in routing table {}", vrf.value())
                                   : " in VPN instance " + found->second;
}

Result<void> Node::no_such_vrf(VrfId vrf) {
  return fail(ErrorCode::not_found,
              fmt::format("routing table {} is that of no VPN instance here", vrf.value()));
}

void Node::apply_vrfs(const NodeConfig& config, TimePoint now) {
  for (const VrfSettings& vrf : config.vrfs) {
    effects_.push(AddVrf{vrf.vrf});
    vrf_names_.insert_or_assign(vrf.vrf, vrf.name);
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      if (find_pim(vrf.vrf, family) != nullptr) continue;
      PimFamily& made = *pim_.emplace_back(
          std::make_unique<PimFamily>(vrf.vrf, family, pim_seed(vrf.vrf, family), mrib_, now));
      const Scope* whole = find(kWholeNode);
      if (whole == nullptr || !whole->active) continue;
      made.bsr.activate(now);
      made.auto_rp.engine.activate(now);
    }
  }
  const auto is_gone = [&](const std::unique_ptr<PimFamily>& family) {
    return family->vrf != VrfId{} && find_vrf(family->vrf) == nullptr;
  };
  for (const auto& family : pim_)
    if (is_gone(family)) drop_family(*family, now);
  std::erase_if(pim_, is_gone);
  std::erase_if(vrf_names_, [&](const auto& name) { return find_vrf(name.first) == nullptr; });
}

/// Its links leave with goodbyes, its trees lose their RPs, its alarms end.
void Node::drop_family(PimFamily& family, TimePoint now) {
  for (auto place = links_.begin(); place != links_.end();) {
    if (place->second.settings.vrf != family.vrf) {
      ++place;
      continue;
    }
    leave_records(place->second, now);
    remove_link(place->second, now);
    place = links_.erase(place);
  }
  if (family.family == Family::ipv4) mrib_.set_flooding(family.vrf, {}, {}, now);
  mrib_.set_rps(family.vrf, family.family, {}, now);
  mrib_.set_register_link(family.vrf, family.family, std::nullopt, now);
  if (const auto link = register_link(family.vrf)) mrib_.remove_link(*link, now);
  for (const std::string& range : family.conflicts) clear(mcast::rp::kRpConflictMessage, range);
  pump_pim(now);
}

// ---- addresses ----

/// The device lo is that of all loopbacks: each has what its view says.
std::vector<IpPrefix> Node::addresses_of(const Link& link) {
  const bool loopback = link.settings.device == "lo";
  return loopback && !link.settings.addresses.empty() ? link.settings.addresses
                                                      : link.facts.addresses;
}

bool Node::is_own_address(VrfId vrf, const IpAddress& address) const {
  return std::ranges::any_of(links_, [&](const auto& each) {
    const Link& link = each.second;
    const auto has = [&](const std::vector<IpPrefix>& addresses) {
      return std::ranges::count(addresses, address, &IpPrefix::address) != 0;
    };
    return link.settings.vrf == vrf && link.facts.present &&
           (has(addresses_of(link)) || has(link.floating_facts.addresses));
  });
}

/// The routes of a VRF's table, and the subnets of its interfaces: where the operator has not put
/// them there, Linux keeps them in the main table.
std::optional<RpfFacts> Node::facts_in_vrf(VrfId vrf, const IpAddress& target,
                                           const std::optional<RpfFacts>& facts) const {
  std::optional<RpfFacts> best = facts;
  for (const auto& [id, link] : links_) {
    if (link.settings.vrf != vrf || !link.facts.up || link.settings.device == "lo") continue;
    for (const IpPrefix& subnet : link.facts.addresses) {
      if (subnet.length == subnet.address.bits() || !subnet.contains(target)) continue;
      if (best && best->prefix_length > subnet.length) continue;
      best = RpfFacts{
          .device = link.settings.device, .connected = true, .prefix_length = subnet.length};
    }
  }
  return best;
}

// ---- ways ----

void Node::ask_rpf(VrfId vrf, const IpAddress& target, TimePoint now) {
  if (vrf != VrfId{} && is_own_address(vrf, target))
    note_rpf(vrf, target, RpfFacts{.device = {}, .local = true}, now);
  else
    effects_.push(AskRpf{vrf, target});
}

/// Out of the interface that the VRF's routes say: by it Linux finds the table again. The first
/// messages to a router wait for that answer.
void Node::send_by_way(PimFamily& family, const IpAddress& source, const IpAddress& destination,
                       const mcast::wire::PimMessage& message) {
  UnicastWays& ways = family.ways;
  if (const auto way = ways.device.find(destination); way != ways.device.end()) {
    effects_.push(SendPim{{},
                          source,
                          destination,
                          mcast::wire::encode_pim(message, source, destination),
                          way->second});
    return;
  }
  const bool asked = ways.waiting.contains(destination);
  if (!asked && ways.waiting.size() >= kAskedMax) {
    ++ways.dropped;
    return;
  }
  auto& parked = ways.waiting[destination];
  if (parked.size() < kParkedMax)
    parked.push_back({source, message});
  else
    ++ways.dropped;
  if (!asked) effects_.push(AskRpf{family.vrf, destination});
}

void Node::note_way(PimFamily& family, const IpAddress& target,
                    const std::optional<RpfFacts>& facts) {
  UnicastWays& ways = family.ways;
  auto waiting = ways.waiting.extract(target);
  if (!waiting) return;
  if (!facts || facts->local) {
    ways.dropped += waiting.mapped().size();
    return;
  }
  if (ways.device.size() >= kWaysMax) ways.device.clear();
  ways.device.insert_or_assign(target, facts->device);
  for (const UnicastWays::Parked& each : waiting.mapped())
    send_by_way(family, each.source, target, each.message);
}

void Node::on_vrf_rules(const std::string& device, const std::string& missing, TimePoint now) {
  const Link* link = link_of_device(device);
  if (missing.empty() || link == nullptr)
    clear(kVrfRules, device);
  else
    raise(kVrfRules, device, now, link_name(link->id), missing);
  pump(now);
}

}  // namespace hotpair::ha::node
