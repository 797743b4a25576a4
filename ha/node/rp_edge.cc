#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"
#include "mcast/rp/rp_messages.h"
#include "mcast/wire/pim_message.h"

/// RP information between PIM's packets, unicast routing and MRIB.
namespace hotpair::ha::node {
namespace {

namespace rp = mcast::rp;

std::string shown(const rp::ScopeZone& zone) { return zone ? zone->to_string() : "the domain"; }
std::string shown(const std::optional<IpAddress>& bsr) { return bsr ? bsr->to_string() : "none"; }
std::string_view shown(rp::RpLimit limit) {
  switch (limit) {
    case rp::RpLimit::mappings:
      return "RP mappings";
    case rp::RpLimit::candidates:
      return "candidate RPs";
    case rp::RpLimit::zones:
      return "scope zones";
    case rp::RpLimit::agents:
      return "mapping agents";
  }
  return "entries";
}

}  // namespace

void Node::apply_pim(const NodeConfig& config, TimePoint now) {
  apply_admission(config, now);
  for (const auto& family : pim_) {
    const PimSettings& settings = settings_of(*family);
    rp::BsrConfig bsr = settings.bsr;
    bsr.vrf = family->vrf;
    bsr.family = family->family;
    family->bsr.configure(bsr, now);
    family->receiver.configure(
        {.sources = settings.register_filter, .switch_to_spt = !settings.spt.never});
    mrib_.set_spt_policy(family->family, settings.spt, now, family->vrf);
    mrib_.set_ssm_ranges(family->family, settings.ssm_ranges, now, family->vrf);
    mrib_.set_register_filter(family->family, settings.register_filter, now, family->vrf);
    family->ssm_ranges = settings.ssm_ranges;
    AutoRpEdge& auto_rp = family->auto_rp;
    if (auto_rp.config != settings.auto_rp) {  // given again it would speak at once
      auto_rp.config = settings.auto_rp;
      auto_rp.engine.configure(auto_rp.config, now);
    }
    auto_rp.stale = true;
    refresh_rps(*family, now);
  }
  apply_register_link(VrfId{}, config, now);
  for (const VrfSettings& vrf : config.vrfs) apply_register_link(vrf.vrf, config, now);
}

/// Configured and learned RPs together; MRIB has those of both families.
void Node::refresh_rps(PimFamily& family, TimePoint now) {
  const SharedRps* shared = shared_rps(family);
  const rp::AutoRp& auto_rp = family.auto_rp.engine;
  std::vector<rp::RpMapping> mappings =
      shared != nullptr ? family.bsr.mappings(shared->bsr) : family.bsr.mappings();
  for (const rp::RpMapping& mapping :
       shared != nullptr ? auto_rp.mappings(shared->auto_rp) : auto_rp.mappings())
    mappings.push_back(mapping);
  for (const rp::RpMapping& mapping : static_rps_of(family))
    if (mapping.rp.family() == family.family) mappings.push_back(mapping);
  rp::RpSet set(std::move(mappings), settings_of(family).rp_rules);
  const auto conflicts = rp::rp_conflicts(set);
  std::set<std::string> alarmed;
  for (const rp::RpConflict& conflict : conflicts) {
    const std::string range = conflict.range.to_string() + in_vrf(family.vrf);
    alarmed.insert(range);
    raise(rp::kRpConflictMessage, range, now, range, conflict.configured.to_string(),
          conflict.learned.front().to_string(), rp::to_string(conflict.in_force));
  }
  for (const std::string& range : std::exchange(family.conflicts, alarmed))
    if (!alarmed.contains(range)) clear(rp::kRpConflictMessage, range);
  if (set == family.rps) return;
  family.rps = std::move(set);
  mrib_.set_rps(family.vrf, family.family, family.rps, now);
}

void Node::on_rp_packet(PimFamily& family, LinkId link, const mcast::wire::PimPacket& packet,
                        TimePoint now) {
  if (const auto* bootstrap = std::get_if<mcast::wire::PimBootstrap>(&packet.message))
    family.bsr.on_bootstrap({link, packet.source, !packet.destination.is_multicast(), *bootstrap},
                            now);
  else if (const auto* candidate = std::get_if<mcast::wire::PimCandidateRp>(&packet.message))
    family.bsr.on_candidate_rp(*candidate, now);
  else
    on_register_packet(family, packet, now);
}

/// The answer to AskRpf, if it was asked for a BSR.
void Node::answer_bsr(PimFamily& family, const IpAddress& target,
                      const std::optional<RpfFacts>& facts, TimePoint now) {
  if (family.asked.erase(target) == 0) return;
  std::optional<rp::RpfPath> path;
  if (facts)
    if (const Link* link = link_of_device(facts->device))
      if (const auto primary =
              family.pim.neighbours().primary_of(link->id, facts->next_hop.value_or(target)))
        path = rp::RpfPath{link->id, *primary};
  family.bsr.on_rpf(target, path, now);
}

bool Node::pump_rp(PimFamily& family, TimePoint now) {
  bool progress = false;
  while (family.shared->bsr.poll_effect()) progress = true;  // only that its RP-Set changed
  while (family.shared->auto_rp.poll_effect()) progress = true;
  if (progress) refresh_rps(family, now);  // once for all records of a turn
  while (auto effect = family.bsr.poll_effect()) {
    progress = true;
    std::visit([&](auto& one) { handle(family, one, now); }, *effect);
  }
  return progress;
}

void Node::handle(PimFamily& family, rp::SendBootstrap& send, TimePoint now) {
  const IpAddress all = mcast::wire::all_pim_routers(family.family);
  for (const LinkId link : send.links) {
    send_on_link(family, link, all, send.message, now);
    family.pim.note_sent(link, send.message);
  }
}

/// To a new neighbour, which takes it only after our Hello (RFC 5059 3.5).
void Node::handle(PimFamily& family, rp::SendBootstrapTo& send, TimePoint now) {
  family.pim.hello_first(send.link, now);
  while (auto effect = family.pim.poll_effect())
    std::visit([&](auto& one) { handle(family, one, now); }, *effect);
  send_on_link(family, send.link,
               send.destination.value_or(mcast::wire::all_pim_routers(family.family)), send.message,
               now);
  family.pim.note_sent(send.link, send.message);
}

void Node::handle(PimFamily& family, rp::SendCandidateRp& send, TimePoint now) {
  static_cast<void>(now);
  send_unicast(family, send.source, send.destination, send.message);
}

void Node::handle(PimFamily& family, rp::AskBsrRpf& ask, TimePoint now) {
  family.asked.insert(ask.bsr);
  ask_rpf(family.vrf, ask.bsr, now);
}

void Node::handle(PimFamily& family, rp::RpSetChanged& change, TimePoint now) {
  static_cast<void>(change);
  refresh_rps(family, now);
}

void Node::handle(PimFamily& family, rp::BsrChanged& change, TimePoint now) {
  refresh_rps(family, now);  // of a zone without one the floating pair's knowledge counts
  const std::string zone = shown(change.zone) + in_vrf(family.vrf);
  if (change.now)
    log(rp::kBsrChangedMessage, zone, shown(change.now), shown(change.before));
  else
    log(rp::kBsrLostMessage, zone, shown(change.before));
}

void Node::handle(PimFamily& family, rp::RpLimitReached& limit, TimePoint now) {
  static_cast<void>(now);
  log(rp::kRpLimitMessage, std::string(shown(limit.limit)) + in_vrf(family.vrf),
      limit.from.to_string());
}

}  // namespace hotpair::ha::node
