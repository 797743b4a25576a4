#include "ha/node/auto_rp_edge.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ha/node/node.h"
#include "mcast/wire/auto_rp.h"

/// Auto-RP between its packets, the RPs in force, and the flooding of its two groups.
namespace hotpair::ha::node {
namespace {

namespace rp = mcast::rp;
namespace wire = mcast::wire;

constexpr std::uint32_t kMtu = 1500;  ///< of a link that does not say its own

std::vector<Group> dense_groups() {
  std::vector<Group> groups;
  for (const auto kind : {wire::AutoRpKind::announcement, wire::AutoRpKind::discovery})
    groups.push_back(*Group::from(wire::auto_rp_destination(kind)));
  return groups;
}

}  // namespace

/// Not on silent links, nor on loopbacks: what is sent there comes back.
bool Node::carries_auto_rp(const PimFamily& family, const Link& link) {
  return family.auto_rp.config.is_on() && link.settings.vrf == family.vrf && link.facts.present &&
         link.settings.pim_ipv4 && !link.settings.pim_ipv4->link.silent &&
         link.settings.device != "lo";
}

void Node::listen_auto_rp(const PimFamily& family, Link& link) {
  const rp::AutoRpConfig& config = family.auto_rp.config;
  const bool carries = carries_auto_rp(family, link);
  const bool is_agent = config.mapping_agent.has_value();
  // A mapping agent hears the others: the best one alone speaks.
  const std::pair wanted(carries && is_agent, carries && (config.listen || is_agent));
  if (wanted == link.listening_auto_rp) return;
  link.listening_auto_rp = wanted;
  if (wanted.first || wanted.second)
    effects_.push(ListenAutoRp{link.settings.device, wanted.first, wanted.second});
  else
    effects_.push(UnlistenAutoRp{link.settings.device});
}

/// Where it is heard, and where its groups are flooded: to links with PIM neighbours.
void Node::refresh_auto_rp(PimFamily& family, TimePoint now) {
  const mcast::pim::Neighbours& neighbours = family.pim.neighbours();
  std::vector<LinkId> flooded;
  for (auto& [id, link] : links_) {
    if (link.settings.vrf == family.vrf) listen_auto_rp(family, link);
    if (carries_auto_rp(family, link) && neighbours.is_live(id) &&
        neighbours.neighbour_count(id) > 0)
      flooded.push_back(id);
  }
  family.dense = family.auto_rp.config.is_on() ? dense_groups() : std::vector<Group>{};
  mrib_.set_flooding(family.vrf, family.dense, flooded, now);
}

void Node::on_auto_rp(const AutoRpDatagram& datagram, TimePoint now) {
  const Link* link = link_of_device(datagram.device);
  PimFamily* const family = link == nullptr ? nullptr : find_pim(link->settings.vrf, Family::ipv4);
  if (family == nullptr || !carries_auto_rp(*family, *link)) return;
  AutoRpEdge& edge = family->auto_rp;
  const auto message = wire::parse_auto_rp(datagram.payload);
  if (!message)
    ++edge.rejected[static_cast<std::size_t>(message.error())];
  else if (wire::auto_rp_destination(message->kind) != datagram.destination)
    ++edge.wrong_group;
  else
    edge.engine.on_message(link->id, datagram.source, *message, now);
  pump(now);
}

bool Node::pump_auto_rp(PimFamily& family, TimePoint now) {
  if (family.family != Family::ipv4) return false;
  bool progress = std::exchange(family.auto_rp.stale, false);
  if (progress) refresh_auto_rp(family, now);
  while (auto effect = family.auto_rp.engine.poll_effect()) {
    progress = true;
    std::visit([&](auto& one) { handle(family, one, now); }, *effect);
  }
  return progress;
}

/// Out of every live link, also without a neighbour: who comes up may have missed its Hello.
void Node::handle(PimFamily& family, rp::SendAutoRp& send, TimePoint now) {
  static_cast<void>(now);
  const mcast::pim::Neighbours& neighbours = family.pim.neighbours();
  const IpAddress destination = wire::auto_rp_destination(send.message.kind);
  for (const auto& [id, link] : links_) {
    if (!carries_auto_rp(family, link) || !neighbours.is_live(id)) continue;
    const std::uint32_t mtu = link.facts.mtu == 0 ? kMtu : link.facts.mtu;
    for (Bytes& payload : wire::encode_auto_rp(send.message, mtu))
      effects_.push(
          SendAutoRp{link.settings.device, send.source, destination, send.ttl, std::move(payload)});
  }
}

}  // namespace hotpair::ha::node
