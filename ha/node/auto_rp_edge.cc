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
bool Node::carries_auto_rp(const Link& link) const {
  return auto_rp_.config.is_on() && link.facts.present && link.settings.pim_ipv4 &&
         link.settings.vrf == VrfId{} && !link.settings.pim_ipv4->link.silent &&
         link.settings.device != "lo";
}

void Node::listen_auto_rp(Link& link) {
  const bool carries = carries_auto_rp(link);
  const bool is_agent = auto_rp_.config.mapping_agent.has_value();
  // A mapping agent hears the others: the best one alone speaks.
  const std::pair wanted(carries && is_agent, carries && (auto_rp_.config.listen || is_agent));
  if (wanted == link.listening_auto_rp) return;
  link.listening_auto_rp = wanted;
  if (wanted.first || wanted.second)
    effects_.push(ListenAutoRp{link.settings.device, wanted.first, wanted.second});
  else
    effects_.push(UnlistenAutoRp{link.settings.device});
}

/// Where it is heard, and where its groups are flooded: to links with PIM neighbours.
void Node::refresh_auto_rp(TimePoint now) {
  PimFamily& family = pim_of(Family::ipv4);
  const mcast::pim::Neighbours& neighbours = family.pim.neighbours();
  std::vector<LinkId> flooded;
  for (auto& [id, link] : links_) {
    listen_auto_rp(link);
    if (carries_auto_rp(link) && neighbours.is_live(id) && neighbours.neighbour_count(id) > 0)
      flooded.push_back(id);
  }
  family.dense = auto_rp_.config.is_on() ? dense_groups() : std::vector<Group>{};
  mrib_.set_flooding(VrfId{0}, family.dense, flooded, now);
}

void Node::on_auto_rp(const AutoRpDatagram& datagram, TimePoint now) {
  const Link* link = link_of_device(datagram.device);
  if (link == nullptr || !carries_auto_rp(*link)) return;
  const auto message = wire::parse_auto_rp(datagram.payload);
  if (!message)
    ++auto_rp_.rejected[static_cast<std::size_t>(message.error())];
  else if (wire::auto_rp_destination(message->kind) != datagram.destination)
    ++auto_rp_.wrong_group;
  else
    auto_rp_.engine.on_message(link->id, datagram.source, *message, now);
  pump(now);
}

bool Node::pump_auto_rp(TimePoint now) {
  bool progress = std::exchange(auto_rp_.stale, false);
  if (progress) refresh_auto_rp(now);
  PimFamily& family = pim_of(Family::ipv4);
  while (auto effect = auto_rp_.engine.poll_effect()) {
    progress = true;
    std::visit(
        [&](auto& one) {
          if constexpr (requires { handle(one, now); })
            handle(one, now);
          else
            handle(family, one, now);
        },
        *effect);
  }
  return progress;
}

/// Out of every live link, also without a neighbour: who comes up may have missed its Hello.
void Node::handle(rp::SendAutoRp& send, TimePoint now) {
  static_cast<void>(now);
  const mcast::pim::Neighbours& neighbours = pim_of(Family::ipv4).pim.neighbours();
  const IpAddress destination = wire::auto_rp_destination(send.message.kind);
  for (const auto& [id, link] : links_) {
    if (!carries_auto_rp(link) || !neighbours.is_live(id)) continue;
    const std::uint32_t mtu = link.facts.mtu == 0 ? kMtu : link.facts.mtu;
    for (Bytes& payload : wire::encode_auto_rp(send.message, mtu))
      effects_.push(
          SendAutoRp{link.settings.device, send.source, destination, send.ttl, std::move(payload)});
  }
}

}  // namespace hotpair::ha::node
