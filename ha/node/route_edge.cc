#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {
namespace {

/// The link with an address of this node; none: a loopback.
std::optional<LinkId> home_of(const std::map<LinkId, Link>& links, VrfId vrf,
                              const IpAddress& address) {
  for (const auto& [id, link] : links) {
    if (link.settings.device == "lo" || link.settings.vrf != vrf) continue;
    for (const IpPrefix& present : link.facts.addresses)
      if (present.address == address && present.length < address.bits()) return id;
  }
  return std::nullopt;
}

}  // namespace

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

void Node::handle(mcast::mrib::AskRpf& ask, TimePoint now) { ask_rpf(ask.vrf, ask.target, now); }

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
    effects_.push(AddPlaneLink{plane_link(link)});
  }
}

namespace {

constexpr std::size_t kDoubtfulMax = 1024;
/// Then the kernel tells the next packet.
constexpr Duration kDoubtfulFor = std::chrono::seconds(3);
constexpr Duration kDoubtfulPeriod = std::chrono::milliseconds(100);

/// A packet as the assert machines know it: of the source's own tree, or of the shared one too.
mcast::pim::TreeKey tree_of(const fwd::WrongInterface& event, const mcast::mrib::Mrib& mrib) {
  return {.group = event.group,
          .source = event.source,
          .rpt = !mrib.spt_bit(event.vrf, event.group, event.source)};
}

}  // namespace

bool Node::is_changing_hands(LinkId link, TimePoint now) const {
  const auto found = links_.find(link);
  if (found == links_.end() || !found->second.settings.scope) return false;
  const auto scope = scopes_.find(*found->second.settings.scope);
  return scope != scopes_.end() &&
         (scope->second->handover.under_way() || now < scope->second->both_open_until);
}

void Node::on_plane_event(const fwd::PlaneEvent& event, TimePoint now) {
  on_plane_events({&event, 1}, now);
}

// All first go to MRIB: the packets of a moment often have one source, and its route is asked once.
void Node::on_plane_events(std::span<const fwd::PlaneEvent> events, TimePoint now) {
  for (const fwd::PlaneEvent& event : events) {
    if (const auto* no_route = std::get_if<fwd::NoRoute>(&event)) mrib_.on_no_route(*no_route, now);
    const auto* wrong = std::get_if<fwd::WrongInterface>(&event);
    if (wrong != nullptr && !is_changing_hands(wrong->link, now))
      mrib_.on_wrong_interface(*wrong, now);
  }
  pump(now);  // what they change of CouldAssert counts for these packets (RFC 7761 4.6.1)
  for (const fwd::PlaneEvent& event : events) {
    const auto* wrong = std::get_if<fwd::WrongInterface>(&event);
    if (wrong != nullptr && !is_changing_hands(wrong->link, now)) {
      on_stray(*wrong, now);
    } else if (const auto* packet = std::get_if<fwd::WholePacket>(&event)) {
      on_whole_packet(*packet, now);
    } else if (const auto* capacity = std::get_if<fwd::CapacityReached>(&event)) {
      const std::string what = capacity->what + in_vrf(capacity->vrf);
      raise(kPlaneRefused, what, now, what,
            fmt::format("its limit of {} is reached", capacity->limit));
    }
  }
  pump(now);
}

void Node::on_stray(const fwd::WrongInterface& packet, TimePoint now) {
  const mcast::pim::TreeKey tree = tree_of(packet, mrib_);
  if (PimFamily* family = find_pim(packet.vrf, packet.group.family()))
    family->pim.on_data(packet.link, tree, now);
  // The kernel tells such a packet once in 3 s; the counters may say sooner that this is an
  // outgoing link of the source's own tree, and that packets still come in there.
  if (!tree.rpt || doubtful_.size() >= kDoubtfulMax) return;
  doubtful_.try_emplace({packet.vrf, packet.group, packet.source},
                        DoubtfulPacket{packet, now + kDoubtfulFor, {}});
  doubtful_at_ = earliest(doubtful_at_, now + kDoubtfulPeriod);
}

void Node::on_plane_applied(std::span<const fwd::AppliedChange> results, TimePoint now) {
  mrib_.on_applied(results, now);
  pump(now);
}

void Node::on_plane_refused(const std::string& what, const Error& error, TimePoint now, VrfId vrf) {
  const std::string which = what + in_vrf(vrf);
  raise(kPlaneRefused, which, now, which, error.detail);
  pump(now);
}

void Node::on_read_back(std::span<const fwd::Route> routes, TimePoint now) {
  mrib_.on_read_back(routes, now);
  pump(now);
}

void Node::on_rpf(VrfId vrf, const IpAddress& target, const std::optional<RpfFacts>& facts,
                  TimePoint now) {
  note_rpf(vrf, target, vrf == VrfId{} ? facts : facts_in_vrf(vrf, target, facts), now);
  pump(now);
}

void Node::note_rpf(VrfId vrf, const IpAddress& target, const std::optional<RpfFacts>& facts,
                    TimePoint now) {
  std::optional<mcast::mrib::RpfAnswer> answer;
  if (facts && facts->local)
    answer = mcast::mrib::RpfAnswer{.local = true, .home = home_of(links_, vrf, target)};
  else if (facts)
    if (const Link* link = link_of_device(facts->device))
      answer = mcast::mrib::RpfAnswer{.link = link->id,
                                      .neighbour = facts->next_hop,
                                      .metric = facts->metric,
                                      .connected = facts->connected,
                                      .preference = facts->preference};
  mrib_.on_rpf(vrf, target, answer, now);
  PimFamily* const family = find_pim(vrf, target.family());
  if (family == nullptr) return;
  answer_bsr(*family, target, facts, now);
  note_path(*family, target, facts);
  if (vrf != VrfId{}) note_way(*family, target, facts);
}

void Node::on_unicast_changed(TimePoint now) {
  mrib_.on_unicast_changed(now);
  for (const auto& family : pim_) {
    family->bsr.on_unicast_changed();
    family->ways.device.clear();
  }
  pump(now);
}

void Node::on_route_counters(
    std::span<const std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> counters,
    TimePoint now) {
  mrib_.on_counters(counters, now);
  pump(now);
  for (const auto& [key, values] : counters) judge_doubtful(key, values, now);
  pump(now);
}

void Node::judge_doubtful(const fwd::RouteKey& key, const std::optional<fwd::RouteCounters>& values,
                          TimePoint now) {
  const auto found = doubtful_.find(key);
  if (found == doubtful_.end()) return;
  DoubtfulPacket& doubtful = found->second;
  const mcast::pim::TreeKey tree = tree_of(doubtful.packet, mrib_);
  if (values && (tree.rpt || doubtful.strays == values->wrong_interface)) {
    doubtful.strays = values->wrong_interface;
    return;
  }
  PimFamily* const family = find_pim(key.vrf, key.group.family());
  if (values && family != nullptr) family->pim.on_data(doubtful.packet.link, tree, now);
  doubtful_.erase(found);
}

void Node::ask_doubtful(TimePoint now) {
  if (!doubtful_at_ || *doubtful_at_ > now) return;
  std::erase_if(doubtful_, [&](const auto& one) { return one.second.until <= now; });
  doubtful_at_.reset();
  if (doubtful_.empty()) return;
  doubtful_at_ = now + kDoubtfulPeriod;
  AskRouteCounters ask;
  for (const auto& [key, doubtful] : doubtful_) ask.keys.push_back(key);
  effects_.push(std::move(ask));
}

}  // namespace hotpair::ha::node
