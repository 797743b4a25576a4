#include <algorithm>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "mcast/pim/pim_messages.h"

/// Bidirectional groups between unicast routing, the elections of PIM, MRIB and the journal.
namespace hotpair::ha::node {
namespace {

namespace pim = mcast::pim;

pim::BidirRouteValue value_of(const mcast::mrib::RpfAnswer& way) {
  pim::BidirRouteValue value;
  if (way.local) {
    value.link = way.home;
    value.on_link = way.home.has_value();
    return value;
  }
  value.link = way.link;
  value.on_link = way.connected;
  if (!way.connected) value.neighbour = way.neighbour;
  value.preference = way.preference;
  value.metric = way.metric;
  return value;
}

pim::DfRoute route_of(const pim::BidirRouteValue& value) {
  return {.reachable = true,
          .link = value.link,
          .on_link = value.on_link,
          .neighbour = value.neighbour,
          .metric = {value.preference, value.metric}};
}

pim::RpdfRecord forwarders_of(const PimFamily& family, const IpAddress& rp) {
  pim::RpdfRecord record{family.vrf, rp, {}};
  for (const auto& [of, link] : family.acting)
    if (of == rp) record.links.push_back(link);
  return record;
}

}  // namespace

void Node::handle(mcast::mrib::BidirRpChanged& change, TimePoint now) {
  PimFamily* const found = find_pim(change.vrf, change.rp.family());
  if (found == nullptr) return;
  PimFamily& family = *found;
  const pim::DfRp rp{change.vrf, change.rp};
  pim::BidirRouteRecord record{change.vrf, change.rp, std::nullopt};
  if (change.way) record.value = value_of(*change.way);
  if (change.gone) {
    family.pim.remove_bidir_rp(rp, now);
  } else if (!family.pim.set_bidir_rp(rp, record.value ? route_of(*record.value) : pim::DfRoute{},
                                      now)) {
    log(pim::kPimLimitMessage, "bidirectional RPs", "the node" + in_vrf(change.vrf),
        change.rp.to_string());
    return;
  }
  const auto known = family.bidir_ways.find(change.rp);
  const bool is_known = known != family.bidir_ways.end();
  if (is_known == record.value.has_value() && (!is_known || known->second == *record.value)) return;
  if (record.value)
    family.bidir_ways.insert_or_assign(change.rp, *record.value);
  else
    family.bidir_ways.erase(change.rp);
  if (auto encoded = codec_.encode(record)) append(*find(kWholeNode), std::move(*encoded), now);
}

void Node::handle(PimFamily& family, pim::DfChanged& change, TimePoint now) {
  auto& acting = family.forwarders[change.rp.address];
  const auto shown = [](const std::optional<IpAddress>& df) {
    return df ? df->to_string() : std::string("nobody");
  };
  std::optional<IpAddress> before;
  if (const auto found = acting.find(change.link); found != acting.end()) before = found->second;
  const auto own = family.acting.find({change.rp.address, change.link});
  const bool was_ours = own != family.acting.end();
  if (change.df)
    acting.insert_or_assign(change.link, *change.df);
  else
    acting.erase(change.link);
  if (acting.empty()) family.forwarders.erase(change.rp.address);
  if (was_ours && !change.self) family.acting.erase(own);
  if (change.self) family.acting.insert({change.rp.address, change.link});
  log(pim::kDfChangedMessage, link_name(change.link), change.rp.address.to_string(),
      shown(change.df), shown(before));
  mrib_.on_df(change.rp.vrf, change.rp.address, change.link, change.df, change.self, now);
  if (was_ours == change.self) return;
  if (auto encoded = codec_.encode(forwarders_of(family, change.rp.address)))
    append(*find(kWholeNode), std::move(*encoded), now);
}

void Node::handle(PimFamily& family, pim::BidirRefused& refused, TimePoint now) {
  if (!refused.neighbour) {
    // Under the name that it was raised with: a VPN instance may have another one by now.
    if (const auto raised = family.without_bidir.extract(refused.link))
      clear(pim::kBidirRefusedMessage, raised.mapped());
    return;
  }
  const std::string link = link_name(refused.link);
  family.without_bidir.insert_or_assign(refused.link, link);
  raise(pim::kBidirRefusedMessage, link, now, link, refused.neighbour->to_string());
}

/// Into a journal that was reset.
void Node::refill_bidir(Scope& scope, TimePoint now) {
  for (const auto& family : pim_) {
    std::set<IpAddress> acted;
    for (const auto& [rp, link] : family->acting) acted.insert(rp);
    for (const auto& [rp, value] : family->bidir_ways)
      if (auto encoded = codec_.encode(pim::BidirRouteRecord{family->vrf, rp, value}))
        append(scope, std::move(*encoded), now);
    for (const IpAddress& rp : acted)
      if (auto encoded = codec_.encode(forwarders_of(*family, rp)))
        append(scope, std::move(*encoded), now);
  }
}

/// What an earlier control plane of this node knew: its elections go on as won.
Result<void> Node::deliver_bidir(Scope& scope, const checkpoint::RecordChange& change,
                                 TimePoint now) {
  using checkpoint::DatabaseId;
  PimFamily* const found = find_pim(change.key.vrf, Family::ipv4);
  if (found == nullptr) return no_such_vrf(change.key.vrf);
  PimFamily& family = *found;
  if (change.key.database == static_cast<std::uint8_t>(DatabaseId::rpdf)) {
    const auto record = codec_.decode_rpdf(scope.id, change);
    if (!record) return std::unexpected(record.error());
    for (const LinkId link : record->links)
      family.pim.note_df_acting({record->vrf, record->rp}, link, now);
    return {};
  }
  const auto record = codec_.decode_bidir_route(scope.id, change);
  if (!record) return std::unexpected(record.error());
  const bool is_rp = std::ranges::any_of(family.rps.mappings(), [&](const auto& mapping) {
    return mapping.bidir && mapping.rp == record->rp;
  });
  // Unicast routing's own word goes before it.
  if (is_rp && record->value && !family.bidir_ways.contains(record->rp))
    static_cast<void>(
        family.pim.set_bidir_rp({record->vrf, record->rp}, route_of(*record->value), now));
  return {};
}

}  // namespace hotpair::ha::node
