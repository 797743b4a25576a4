#include "platform/kernel/kernel_planes.h"

#include <fmt/format.h>

#include <algorithm>

#include "platform/kernel/vif_list.h"

namespace hotpair::platform::kernel {
namespace {

const fwd::RouteKey& key_of(const fwd::RouteChange& change) {
  const auto* set = std::get_if<fwd::SetRoute>(&change);
  return set != nullptr ? set->route.key : std::get<fwd::RemoveRoute>(change).key;
}

std::string device_of(const fwd::PlaneLink& link, Family family) {
  return link.register_tunnel ? register_device(link.vrf, family) : link.device;
}

bool carries(const fwd::PlaneLink& link, Family family) {
  return family == Family::ipv4 ? link.ipv4 : link.ipv6;
}

}  // namespace

Result<std::unique_ptr<KernelPlanes>> KernelPlanes::create(RoutingSockets sockets) {
  Result<RoutingRules> rules = RoutingRules::open();
  if (!rules) return std::unexpected(rules.error());
  std::unique_ptr<KernelPlanes> planes(new KernelPlanes(std::move(*rules)));
  if (const Result<void> added = planes->add_vrf(std::move(sockets)); !added)
    return std::unexpected(added.error());
  return planes;
}

Result<void> KernelPlanes::add_vrf(RoutingSockets sockets) {
  const VrfId vrf = sockets.vrf();
  auto plane = KernelPlane::create(std::move(sockets));
  if (!plane) return std::unexpected(plane.error());
  planes_.insert_or_assign(vrf, std::move(*plane));
  return {};
}

void KernelPlanes::remove_vrf(VrfId vrf) {
  for (auto place = links_.begin(); place != links_.end();) {
    const LinkId link = place->first;
    const bool inside = place->second.vrf == vrf;
    ++place;
    if (inside) static_cast<void>(remove_link(link));
  }
  planes_.erase(vrf);
}

Result<void> KernelPlanes::set_rules(const fwd::PlaneLink& link) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::string device = device_of(link, family);
    const Result<void> done = carries(link, family) ? rules_.add(device, link.vrf, family)
                                                    : rules_.remove(device, link.vrf, family);
    if (!done) return done;
  }
  return {};
}

void KernelPlanes::drop_rules(LinkId link) {
  const auto found = links_.extract(link);
  if (!found || found.mapped().vrf == VrfId{}) return;
  for (const Family family : {Family::ipv4, Family::ipv6})
    static_cast<void>(rules_.remove(device_of(found.mapped(), family), found.mapped().vrf, family));
}

Result<void> KernelPlanes::add_link(const fwd::PlaneLink& link) {
  const auto plane = planes_.find(link.vrf);
  if (plane == planes_.end())
    return fail(ErrorCode::not_found,
                fmt::format("there is no multicast routing table {}", link.vrf.value()));
  const auto known = links_.find(link.link);
  if (known != links_.end() && known->second.vrf != link.vrf)
    static_cast<void>(remove_link(link.link));
  else if (known != links_.end() && known->second.device != link.device)
    drop_rules(link.link);
  // The VIF comes first: by the rule alone packets would find a table that does not know them.
  if (const Result<void> added = plane->second->add_link(link); !added) return added;
  links_.insert_or_assign(link.link, link);
  return link.vrf == VrfId{} ? Result<void>{} : set_rules(link);
}

Result<void> KernelPlanes::remove_link(LinkId link) {
  const auto known = links_.find(link);
  const auto plane = known == links_.end() ? planes_.end() : planes_.find(known->second.vrf);
  drop_rules(link);
  if (plane != planes_.end()) return plane->second->remove_link(link);
  return fail(ErrorCode::not_found, fmt::format("link {} is not in the plane", link.value()));
}

std::vector<fwd::AppliedChange> KernelPlanes::apply(std::span<const fwd::RouteChange> delta) {
  std::vector<fwd::AppliedChange> applied;
  applied.reserve(delta.size());
  // Runs of one VRF, so that what is of one stays a batch.
  while (!delta.empty()) {
    const VrfId vrf = key_of(delta.front()).vrf;
    std::size_t count = 1;
    while (count < delta.size() && key_of(delta[count]).vrf == vrf) ++count;
    const auto plane = planes_.find(vrf);
    if (plane == planes_.end()) {
      for (const fwd::RouteChange& change : delta.first(count))
        applied.push_back({key_of(change),
                           Error{ErrorCode::not_found, fmt::format("there is no multicast routing "
                                                                   "table {}",
                                                                   vrf.value())}});
    } else {
      for (fwd::AppliedChange& each : plane->second->apply(delta.first(count)))
        applied.push_back(std::move(each));
    }
    delta = delta.subspan(count);
  }
  return applied;
}

Result<std::vector<fwd::Route>> KernelPlanes::read_back() {
  std::vector<fwd::Route> routes;
  for (const auto& [vrf, plane] : planes_) {
    auto part = plane->read_back();
    if (!part) return part;
    routes.insert(routes.end(), std::make_move_iterator(part->begin()),
                  std::make_move_iterator(part->end()));
  }
  return routes;
}

std::vector<std::optional<fwd::RouteCounters>> KernelPlanes::counters(
    std::span<const fwd::RouteKey> keys) {
  std::vector<std::optional<fwd::RouteCounters>> answers;
  answers.reserve(keys.size());
  while (!keys.empty()) {
    const VrfId vrf = keys.front().vrf;
    const auto other = [&](const fwd::RouteKey& key) { return key.vrf != vrf; };
    const auto count = static_cast<std::size_t>(std::ranges::find_if(keys, other) - keys.begin());
    const auto plane = planes_.find(vrf);
    if (plane == planes_.end()) {
      answers.resize(answers.size() + count);
    } else {
      const auto part = plane->second->counters(keys.first(count));
      answers.insert(answers.end(), part.begin(), part.end());
    }
    keys = keys.subspan(count);
  }
  return answers;
}

std::vector<fwd::PlaneEvent> KernelPlanes::poll_events(VrfId vrf, std::size_t max) {
  const auto plane = planes_.find(vrf);
  return plane == planes_.end() ? std::vector<fwd::PlaneEvent>{} : plane->second->poll_events(max);
}

std::size_t KernelPlanes::remove_unclaimed_links() {
  std::size_t removed = rules_.remove_unclaimed();
  for (const auto& [vrf, plane] : planes_) removed += plane->remove_unclaimed_links();
  return removed;
}

}  // namespace hotpair::platform::kernel
