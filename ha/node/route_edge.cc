#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {

bool Node::pump_mrib(TimePoint now) {
  bool progress = false;
  while (auto effect = mrib_.poll_effect()) {
    progress = true;
    std::visit([&](auto& one) { handle(one, now); }, *effect);
  }
  return progress;
}

void Node::handle(mcast::mrib::PlaneDelta& delta, TimePoint now) {
  static_cast<void>(now);
  effects_.push(ApplyRoutes{std::move(delta.changes)});
}

void Node::handle(mcast::mrib::AskRpf& ask, TimePoint now) {
  static_cast<void>(now);
  effects_.push(AskRpf{ask.target});
}

void Node::handle(mcast::mrib::AskCounters& ask, TimePoint now) {
  static_cast<void>(now);
  effects_.push(AskRouteCounters{std::move(ask.keys)});
}

void Node::handle(mcast::mrib::RecordChanged& change, TimePoint now) {
  if (Scope* scope = find(change.record.scope)) append(*scope, codec_.encode(change.record), now);
}

void Node::handle(mcast::mrib::RecordRemoved& change, TimePoint now) {
  if (Scope* scope = find(change.key.scope)) append(*scope, codec_.encode(change.key), now);
}

/// The gate of a device that the link has left, unless another link has it there by now.
void Node::drop_left_gate(LinkId left) {
  const auto gate = leaving_gates_.extract(left);
  if (!gate) return;
  const Link* link = link_of_device(gate.mapped());
  if (link == nullptr || !link->gated) effects_.push(DetachGate{gate.mapped()});
}

/// The plane forgets the link; what was refused because the link still held its device is tried
/// again. Its gate goes last: nothing is ever forwarded ungated to a scope's link.
void Node::handle(mcast::mrib::LinkReleased& left, TimePoint now) {
  static_cast<void>(now);
  effects_.push(RemovePlaneLink{left.link});
  drop_left_gate(left.link);
  for (const auto& [id, link] : links_) {
    if (!link.in_plane) continue;
    clear(kPlaneRefused, link.settings.device);
    effects_.push(AddPlaneLink{{id, link.settings.device, link.settings.ipv4, link.settings.ipv6}});
  }
}

void Node::on_plane_event(const fwd::PlaneEvent& event, TimePoint now) {
  if (const auto* no_route = std::get_if<fwd::NoRoute>(&event))
    mrib_.on_no_route(*no_route, now);
  else if (const auto* wrong = std::get_if<fwd::WrongInterface>(&event))
    mrib_.on_wrong_interface(*wrong, now);
  else if (const auto* packet = std::get_if<fwd::WholePacket>(&event))
    on_whole_packet(*packet, now);
  else if (const auto* capacity = std::get_if<fwd::CapacityReached>(&event))
    raise(kPlaneRefused, capacity->what, now, capacity->what,
          fmt::format("its limit of {} is reached", capacity->limit));
  pump(now);
}

void Node::on_plane_applied(std::span<const fwd::AppliedChange> results, TimePoint now) {
  mrib_.on_applied(results, now);
  pump(now);
}

void Node::on_plane_refused(const std::string& what, const Error& error, TimePoint now) {
  raise(kPlaneRefused, what, now, what, error.detail);
  pump(now);
}

void Node::on_read_back(std::span<const fwd::Route> routes, TimePoint now) {
  mrib_.on_read_back(routes, now);
  pump(now);
}

void Node::on_rpf(const IpAddress& target, const std::optional<RpfFacts>& facts, TimePoint now) {
  std::optional<mcast::mrib::RpfAnswer> answer;
  if (facts && facts->local)
    answer = mcast::mrib::RpfAnswer{.local = true};
  else if (facts)
    if (const Link* link = link_of_device(facts->device))
      answer = mcast::mrib::RpfAnswer{.link = link->id,
                                      .neighbour = facts->next_hop,
                                      .metric = facts->metric,
                                      .connected = facts->connected,
                                      .preference = facts->preference};
  mrib_.on_rpf(VrfId{0}, target, answer, now);
  answer_bsr(target, facts, now);
  pump(now);
}

void Node::on_unicast_changed(TimePoint now) {
  mrib_.on_unicast_changed(now);
  for (const auto& family : pim_) family->bsr.on_unicast_changed();
  pump(now);
}

void Node::on_route_counters(
    std::span<const std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> counters,
    TimePoint now) {
  mrib_.on_counters(counters, now);
  pump(now);
}

}  // namespace hotpair::ha::node
