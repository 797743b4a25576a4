#include "platform/fwd/fake_plane.h"

#include <fmt/format.h>

#include <algorithm>

namespace hotpair::fwd {
namespace {

const RouteKey& key_of(const RouteChange& change) {
  if (const auto* set = std::get_if<SetRoute>(&change)) return set->route.key;
  return std::get<RemoveRoute>(change).key;
}

}  // namespace

Result<void> FakePlane::add_link(const PlaneLink& link) {
  if (const auto failure = link_failures_.find(link.link); failure != link_failures_.end())
    return std::unexpected(failure->second);
  if (!links_.contains(link.link) && links_.size() >= options_.link_limit) {
    events_.emplace_back(CapacityReached{"vif", options_.link_limit});
    return fail(ErrorCode::exhausted, fmt::format("{}: the plane holds at most {} links",
                                                  link.device, options_.link_limit));
  }
  if (const auto tunnel = register_tunnel(); link.register_tunnel && tunnel && *tunnel != link.link)
    return fail(ErrorCode::exists, "the plane has a register tunnel already");
  links_.insert_or_assign(link.link, link);
  return {};
}

std::optional<LinkId> FakePlane::register_tunnel() const {
  const auto found =
      std::ranges::find_if(links_, [](const auto& entry) { return entry.second.register_tunnel; });
  if (found == links_.end()) return std::nullopt;
  return found->first;
}

Result<void> FakePlane::remove_link(LinkId link) {
  const auto found = links_.find(link);
  if (found == links_.end())
    return fail(ErrorCode::not_found, fmt::format("link {} is not in the plane", link.value()));
  const auto names_link = [link](const auto& entry) {
    const Route& route = entry.second;
    return route.incoming == link || std::ranges::binary_search(route.outgoing, link);
  };
  const auto user = std::ranges::find_if(accepted_, names_link);
  if (user != accepted_.end())
    return fail(ErrorCode::refused,
                fmt::format("{}: a route of group {} still names the link", found->second.device,
                            user->first.group.to_string()));
  links_.erase(found);
  return {};
}

std::vector<AppliedChange> FakePlane::apply(std::span<const RouteChange> delta) {
  ++apply_calls_;
  changes_ += delta.size();
  std::vector<AppliedChange> applied;
  applied.reserve(delta.size());
  for (const RouteChange& change : delta) {
    std::optional<Error> error = refuse(change);
    if (!error) accept(change);
    applied.push_back({key_of(change), std::move(error)});
  }
  return applied;
}

std::optional<Error> FakePlane::refuse(const RouteChange& change) {
  if (fail_all_) return fail_all_;
  const RouteKey& key = key_of(change);
  if (const auto found = failures_.find(key); found != failures_.end()) {
    Error error = found->second.error;
    if (--found->second.times == 0) failures_.erase(found);
    return error;
  }
  const auto* set = std::get_if<SetRoute>(&change);
  if (set == nullptr) {
    if (accepted_.contains(key)) return std::nullopt;
    return Error{ErrorCode::not_found, "no such route"};
  }
  if (std::optional<Error> error = check_route(set->route)) return error;
  if (!accepted_.contains(key) && accepted_.size() >= options_.route_limit) {
    events_.emplace_back(CapacityReached{"mfc", options_.route_limit});
    return Error{ErrorCode::exhausted, "the route table is full"};
  }
  return std::nullopt;
}

std::optional<Error> FakePlane::check_route(const Route& route) const {
  const bool ipv4 = route.key.group.family() == Family::ipv4;
  const auto usable = [this, ipv4](LinkId link) {
    const auto found = links_.find(link);
    return found != links_.end() && (ipv4 ? found->second.ipv4 : found->second.ipv6);
  };
  if (route.key.source && route.key.source->family() != route.key.group.family())
    return Error{ErrorCode::refused, "source and group are of different families"};
  if (!route.incoming && !route.outgoing.empty())
    return Error{ErrorCode::refused, "a route with outgoing links needs an incoming one"};
  if (route.incoming && !usable(*route.incoming))
    return Error{ErrorCode::refused, "the incoming link is not in the plane"};
  if (!std::ranges::all_of(route.outgoing, usable))
    return Error{ErrorCode::refused, "an outgoing link is not in the plane"};
  return std::nullopt;
}

void FakePlane::accept(const RouteChange& change) {
  if (const auto* set = std::get_if<SetRoute>(&change)) {
    accepted_.insert_or_assign(set->route.key, set->route);
  } else {
    accepted_.erase(key_of(change));
  }
  if (options_.deferred) {
    waiting_.push_back(change);
  } else {
    activate(change);
  }
}

void FakePlane::activate(const RouteChange& change) {
  if (const auto* set = std::get_if<SetRoute>(&change)) {
    active_.insert_or_assign(set->route.key, set->route);
    counters_.try_emplace(set->route.key);
  } else {
    active_.erase(key_of(change));
    counters_.erase(key_of(change));
  }
}

std::size_t FakePlane::settle(std::size_t count) {
  for (; count > 0 && !waiting_.empty(); --count) {
    activate(waiting_.front());
    waiting_.pop_front();
  }
  return waiting_.size();
}

Result<std::vector<Route>> FakePlane::read_back() {
  if (fail_read_back_) return std::unexpected(*fail_read_back_);
  std::vector<Route> routes;
  routes.reserve(accepted_.size());
  for (const auto& [key, route] : accepted_) routes.push_back(route);
  return routes;
}

std::vector<std::optional<RouteCounters>> FakePlane::counters(std::span<const RouteKey> keys) {
  std::vector<std::optional<RouteCounters>> answers;
  answers.reserve(keys.size());
  for (const RouteKey& key : keys) {
    const auto found = counters_.find(key);
    if (found == counters_.end()) {
      answers.emplace_back(std::nullopt);
    } else {
      answers.emplace_back(found->second);
    }
  }
  return answers;
}

void FakePlane::fail_route(const RouteKey& key, Error error, std::size_t times) {
  if (times == 0) {
    failures_.erase(key);
  } else {
    failures_.insert_or_assign(key, Failure{std::move(error), times});
  }
}

void FakePlane::fail_link(LinkId link, std::optional<Error> error) {
  if (error) {
    link_failures_.insert_or_assign(link, std::move(*error));
  } else {
    link_failures_.erase(link);
  }
}

const Route* FakePlane::match(VrfId vrf, LinkId in, const IpAddress& source,
                              const Group& group) const {
  if (const auto found = active_.find(RouteKey{vrf, group, source}); found != active_.end())
    return &found->second;
  const auto found = active_.find(RouteKey{vrf, group, std::nullopt});
  if (found == active_.end()) return nullptr;
  const Route& route = found->second;
  const bool member = route.incoming == in || std::ranges::binary_search(route.outgoing, in);
  return member ? &route : nullptr;
}

std::vector<LinkId> FakePlane::receive(VrfId vrf, LinkId in, const IpAddress& source,
                                       const Group& group, ByteSpan packet) {
  if (!links_.contains(in)) return {};
  const Route* route = match(vrf, in, source, group);
  if (route == nullptr) {
    events_.emplace_back(NoRoute{vrf, in, source, group});
    return {};
  }
  RouteCounters& counter = counters_[route->key];
  ++counter.packets;
  counter.bytes += 100;
  if (route->incoming != in) {
    ++counter.wrong_interface;
    // A negative route without incoming link has no wrong one.
    if (route->incoming) events_.emplace_back(WrongInterface{vrf, in, source, group});
    return {};
  }
  std::vector<LinkId> leaves_by = route->outgoing;
  if (const auto tunnel = register_tunnel(); tunnel && std::erase(leaves_by, *tunnel) > 0)
    events_.emplace_back(WholePacket{vrf, *tunnel, source, group, to_bytes(packet)});
  return leaves_by;
}

std::optional<PlaneEvent> FakePlane::poll_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<PlaneEvent> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

}  // namespace hotpair::fwd
