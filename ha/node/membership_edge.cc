#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"
#include "mcast/wire/igmp.h"
#include "mcast/wire/mld.h"

namespace hotpair::ha::node {
namespace {

mcast::mrib::Membership to_mrib(mcast::gmp::MembershipChanged& change) {
  return {change.mode == mcast::gmp::FilterMode::exclude ? mcast::mrib::FilterMode::exclude
                                                         : mcast::mrib::FilterMode::include,
          std::move(change.sources)};
}

std::string_view to_string(mcast::gmp::Limit limit) {
  switch (limit) {
    case mcast::gmp::Limit::groups_per_interface:
      return "groups per interface";
    case mcast::gmp::Limit::sources_per_group:
      return "sources per group";
    case mcast::gmp::Limit::groups_per_host:
      return "groups per host";
  }
  return "limit";
}

}  // namespace

/// Where the memberships of an interface are journalled: its RBP if that backs up the family, else
/// the whole node.
Scope* Node::record_scope(LinkId link, Family family) {
  const auto found = links_.find(link);
  if (found == links_.end()) return nullptr;
  if (const auto& scope_id = found->second.settings.scope) {
    Scope* scope = find(*scope_id);
    if (scope != nullptr && (family == Family::ipv4 ? scope->settings.igmp : scope->settings.mld))
      return scope;
  }
  return find(kWholeNode);
}

void Node::on_group_message(const GroupMessage& message, TimePoint now) {
  const Link* link = link_of_device(message.device);
  if (link == nullptr) return;
  const Family family = message.source.family();
  const auto& settings = family == Family::ipv4 ? link->settings.igmp : link->settings.mld;
  if (!settings) return;
  std::expected<mcast::wire::Packet, mcast::wire::Reject> packet =
      std::unexpected(mcast::wire::Reject::unknown_type);
  if (family == Family::ipv4) {
    packet = mcast::wire::parse_igmp_message(
        message.message,
        {message.source, message.destination, message.hop_limit, message.router_alert},
        {settings->require_router_alert});
  } else {
    packet = mcast::wire::parse_mld(
        message.message,
        {message.source, message.destination, message.hop_limit, message.router_alert},
        {settings->require_router_alert, false});
  }
  if (packet)
    gmp_.on_packet(link->id, packet->source, packet->destination, packet->message, now);
  else
    gmp_.on_reject(link->id, family, packet.error());
  pump(now);
}

bool Node::pump_gmp(TimePoint now) {
  bool progress = false;
  while (auto effect = gmp_.poll_effect()) {
    progress = true;
    std::visit([&](auto& one) { handle(one, now); }, *effect);
  }
  return progress;
}

void Node::handle(mcast::gmp::SendQuery& send, TimePoint now) {
  static_cast<void>(now);
  const auto link = links_.find(send.link);
  if (link == links_.end() || !link->second.facts.present) return;
  SendGroupMessage message{
      link->second.settings.device, IpAddress::any(send.family), send.destination, {}};
  if (send.family == Family::ipv4) {
    for (const IpPrefix& address : link->second.settings.addresses)
      if (address.address.is_v4()) {
        message.source = address.address;
        break;
      }
    message.message = mcast::wire::encode_igmp(send.query);
  } else {
    if (!link->second.facts.link_local) return;
    message.source = *link->second.facts.link_local;
    message.message = mcast::wire::encode_mld(send.query, message.source, send.destination);
  }
  effects_.push(std::move(message));
}

void Node::handle(mcast::gmp::MembershipChanged& change, TimePoint now) {
  mrib_.on_membership(change.link, change.group, to_mrib(change), now);
}

void Node::handle(mcast::gmp::RecordChanged& change, TimePoint now) {
  const auto link = std::visit([](const auto& one) { return one.key.link; }, change.record);
  const auto family =
      std::visit([](const auto& one) { return one.key.group.family(); }, change.record);
  Scope* scope = record_scope(link, family);
  if (scope == nullptr) return;
  if (auto record = codec_.encode(scope->id, change.record))
    append(*scope, std::move(*record), now);
}

void Node::handle(mcast::gmp::FlushInterface& flush, TimePoint now) {
  mrib_.on_flush(flush.link, flush.family, now);
  // Its records go with a fresh snapshot of what is left.
  Scope* scope = record_scope(flush.link, flush.family);
  if (scope == nullptr || !scope->journal.writing()) return;
  scope->journal.reset(now);
  scope->refill = 0;
}

void Node::handle(mcast::gmp::LimitReached& limit, TimePoint now) {
  static_cast<void>(now);
  if (!links_.contains(limit.link)) return;
  log(kGroupLimit, link_name(limit.link), limit.group.to_string(), limit.host.to_string(),
      to_string(limit.limit));
}

void Node::handle(mcast::gmp::QuerierChanged& change, TimePoint now) {
  static_cast<void>(change);
  static_cast<void>(now);
}

void Node::handle(mcast::gmp::OtherQuerierHeard& other, TimePoint now) {
  static_cast<void>(now);
  if (links_.contains(other.link))
    log(kOtherQuerier, other.address.to_string(), link_name(other.link));
}

void Node::handle(mcast::gmp::QueryVersionMismatch& mismatch, TimePoint now) {
  static_cast<void>(now);
  if (links_.contains(mismatch.link))
    log(kQueryVersion, mismatch.address.to_string(), mismatch.heard, link_name(mismatch.link),
        mismatch.configured);
}

}  // namespace hotpair::ha::node
