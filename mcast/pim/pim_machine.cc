#include "mcast/pim/pim_machine.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace hotpair::mcast::pim {
namespace {

std::optional<TimePoint> earlier(const std::optional<TimePoint>& a,
                                 const std::optional<TimePoint>& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

/// The tree that an entry of a Join names: (*,G), (S,G) or (S,G,rpt).
TreeKey key_of(const Group& group, const wire::PimSource& source) {
  TreeKey key{.group = group};
  if (source.wildcard) return key;
  key.source = source.address;
  key.rpt = source.rpt;
  return key;
}

}  // namespace

std::string_view to_string(PacketIgnored reason) {
  switch (reason) {
    case PacketIgnored::not_enabled:
      return "PIM is not enabled";
    case PacketIgnored::silent:
      return "interface is silent";
    case PacketIgnored::wrong_source:
      return "wrong source address";
    case PacketIgnored::wrong_destination:
      return "wrong destination address";
    case PacketIgnored::own_address:
      return "own address";
    case PacketIgnored::not_neighbour:
      return "not from a neighbor";
    case PacketIgnored::bidirectional:
      return "bidirectional PIM";
    case PacketIgnored::count_:
      break;
  }
  return "unknown";
}

Pim::Pim(Family family, std::uint64_t seed, const RpDirectory& rps)
    : family_(family),
      entropy_(seed),
      rps_(rps),
      neighbours_(family, entropy_),
      upstream_(entropy_),
      elections_(entropy_) {}

// ---- configuration and role ----

void Pim::set_link(const LinkConfig& config, TimePoint now) {
  const auto known = links_.find(config.link);
  if (known != links_.end() && known->second.config.silent != config.silent)
    remove_link(config.link, now);  // one life ends, with a goodbye
  send_join_prunes();               // what was wished on the link as it was
  links_[config.link].config = config;
  neighbours_.set_link(config, now);
  if (config.silent) return settle(now);  // no other part knows the link
  asserts_.set_link(config, now);
  elections_.set_link(config, now);
  check_bidir(config.link, now);
  downstream_.configure(config, now);
  upstream_.configure(config, now);
  upstream_.set_lan(config.link, lan_of(config.link));
  settle(now);
}

void Pim::remove_link(LinkId link, TimePoint now) {
  if (!links_.contains(link)) return;
  send_join_prunes();  // while somebody there hears it
  neighbours_.remove_link(link, now);
  settle(now);  // its neighbours go while the other parts know the link
  asserts_.remove_link(link, now);
  elections_.remove_link(link, now);
  downstream_.remove_link(link, now);
  settle(now);
  upstream_.remove_link(link, now);
  settle(now);
  links_.erase(link);
}

// The Hello goes before all else that the links of the scope say (RFC 7761 4.3.1).
void Pim::activate(ScopeId scope, TimePoint now) {
  neighbours_.set_mode(scope, LinkMode::live, Leaving::silently, now);
  asserts_.set_mode(scope, LinkMode::live, now);
  elections_.set_mode(scope, LinkMode::live, now);
  downstream_.activate(scope, now);
  upstream_.activate(scope, now);
  settle(now);
}

void Pim::deactivate(ScopeId scope, Leaving leaving, TimePoint now) {
  send_join_prunes();  // while somebody there hears it
  upstream_.deactivate(scope, now);
  downstream_.deactivate(scope, now);
  asserts_.set_mode(scope, LinkMode::muted, now);
  elections_.set_mode(scope, LinkMode::muted, now);
  neighbours_.set_mode(scope, LinkMode::muted, leaving, now);
  settle(now);
}

void Pim::note_generation(LinkId link, std::uint32_t generation_id) {
  neighbours_.note_generation(link, generation_id);
}

// ---- inputs ----

bool Pim::is_own(const LinkConfig& config, const IpAddress& address) {
  return address == config.address ||
         std::ranges::find(config.secondary, address) != config.secondary.end();
}

std::optional<PacketIgnored> Pim::refusal(LinkId link, const Link& state,
                                          const wire::PimPacket& packet) const {
  if (state.config.silent) return PacketIgnored::silent;
  if (packet.source.family() != family_) return PacketIgnored::wrong_source;
  if (is_own(state.config, packet.source)) return PacketIgnored::own_address;
  if (std::holds_alternative<wire::PimDfElection>(packet.message) && !state.config.bidir)
    return PacketIgnored::bidirectional;
  const bool by_link = packet.destination == wire::all_pim_routers(family_);
  const wire::PimDelivery delivery = wire::delivery_of(packet.message);
  if ((delivery == wire::PimDelivery::link && !by_link) ||
      (delivery != wire::PimDelivery::link && packet.destination.is_multicast() && !by_link) ||
      (delivery == wire::PimDelivery::unicast && by_link))
    return PacketIgnored::wrong_destination;
  if (delivery == wire::PimDelivery::unicast) return std::nullopt;
  if (family_ == Family::ipv6 && !packet.source.is_link_local_unicast())
    return PacketIgnored::wrong_source;
  if (!std::holds_alternative<wire::PimHello>(packet.message) &&
      !neighbours_.is_neighbour(link, packet.source))
    return PacketIgnored::not_neighbour;
  return std::nullopt;
}

bool Pim::on_packet(LinkId id, const wire::PimPacket& packet, TimePoint now) {
  const auto found = links_.find(id);
  if (found == links_.end()) return false;
  Link& link = found->second;
  ++link.counters.received[packet.message.index()];
  if (const auto reason = refusal(id, link, packet)) {
    ++link.counters.ignored[static_cast<std::size_t>(*reason)];
    return false;
  }
  if (const auto* hello = std::get_if<wire::PimHello>(&packet.message))
    on_hello(id, packet.source, *hello, now);
  else if (const auto* join_prune = std::get_if<wire::PimJoinPrune>(&packet.message))
    on_join_prune(link, packet, *join_prune, now);
  else if (const auto* assertion = std::get_if<wire::PimAssert>(&packet.message))
    asserts_.on_assert(id, packet.source, *assertion, now);
  else if (const auto* election = std::get_if<wire::PimDfElection>(&packet.message))
    elections_.on_message(id, packet.source, *election, now);
  else
    return true;
  settle(now);
  return false;
}

void Pim::on_hello(LinkId id, const IpAddress& source, const wire::PimHello& hello, TimePoint now) {
  neighbours_.on_hello(id, source, hello, now);
  check_bidir(id, now);
}

/// One neighbour that does not know bidirectional PIM would forward on its own, or not at all.
void Pim::check_bidir(LinkId id, TimePoint now) {
  Link& link = links_.at(id);
  const auto without = link.config.bidir ? neighbours_.without_bidir(id) : std::nullopt;
  elections_.set_usable(id, !without, now);
  if (link.without_bidir.has_value() != without.has_value())
    effects_.push(BidirRefused{id, without});
  link.without_bidir = without;
}

bool Pim::set_bidir_rp(const DfRp& rp, const DfRoute& route, TimePoint now) {
  const bool taken = elections_.set_rp(rp, route, now);
  settle(now);
  return taken;
}

void Pim::remove_bidir_rp(const DfRp& rp, TimePoint now) {
  elections_.remove_rp(rp, now);
  settle(now);
}

void Pim::note_df_acting(const DfRp& rp, LinkId link, TimePoint now) {
  elections_.note_acting(rp, link, now);
  settle(now);
}

void Pim::on_reject(LinkId link, wire::PimReject reason) {
  const auto found = links_.find(link);
  if (found != links_.end()) ++found->second.counters.rejected[static_cast<std::size_t>(reason)];
}

void Pim::on_join_prune(const Link& link, const wire::PimPacket& packet,
                        const wire::PimJoinPrune& message, TimePoint now) {
  const LinkId id = link.config.link;
  const bool ours = is_own(link.config, message.upstream_neighbor);
  downstream_.on_join_prune({id, packet.source, ours, lan_of(id)}, message, rps_, now);
  if (!ours) {
    upstream_.on_foreign_join_prune(id, message, now);
    return;
  }
  for (const wire::PimGroupSet& set : message.groups)
    if (const auto group = Group::from(set.group.address))
      for (const wire::PimSource& source : set.joined)
        asserts_.on_join_received(id, key_of(*group, source), now);
}

void Pim::on_neighbour_bfd_down(LinkId link, const IpAddress& address, TimePoint now) {
  neighbours_.on_neighbour_bfd_down(link, address, now);
  settle(now);
}

void Pim::on_wish(const UpstreamWish& wish, TimePoint now) {
  upstream_.on_wish(wish, now);
  settle(now);
}

void Pim::on_assert_facts(LinkId link, const TreeKey& key, const AssertFacts& facts,
                          TimePoint now) {
  asserts_.set_facts(link, key, facts, now);
  settle(now);
}

void Pim::on_data(LinkId link, const TreeKey& key, TimePoint now) {
  asserts_.on_data(link, key, now);
  settle(now);
}

void Pim::on_record(const JoinPruneRecord& record, TimePoint now) {
  downstream_.on_record(record, now);
  settle(now);
}

void Pim::on_record_removed(const JoinPruneKey& key, TimePoint now) {
  downstream_.on_record_removed(key, now);
  settle(now);
}

// ---- driving ----

void Pim::on_timeout(TimePoint now) {
  neighbours_.on_timeout(now);
  asserts_.on_timeout(now);
  elections_.on_timeout(now);
  downstream_.on_timeout(now);
  upstream_.on_timeout(now);
  settle(now);
}

std::optional<TimePoint> Pim::next_deadline() const {
  const auto next = earlier(earlier(neighbours_.next_deadline(), asserts_.next_deadline()),
                            earlier(downstream_.next_deadline(), upstream_.next_deadline()));
  return earlier(next, elections_.next_deadline());
}

void Pim::settle(TimePoint now) {
  now_ = now;
  bool progress = true;
  while (progress) {
    progress = settle_neighbours(now);
    while (auto effect = asserts_.poll_effect()) {
      progress = true;
      std::visit([&](const auto& one) { take(one, now); }, *effect);
    }
    while (auto effect = elections_.poll_effect()) {
      progress = true;
      std::visit([&](const auto& one) { take(one, now); }, *effect);
    }
    while (auto effect = downstream_.poll_effect()) {
      progress = true;
      std::visit([&](const auto& one) { take(one, now); }, *effect);
    }
  }
}

void Pim::send_join_prunes() {
  while (auto send = upstream_.poll_effect()) take(*send, now_);
}

std::optional<PimEffect> Pim::poll_effect() {
  if (effects_.empty()) send_join_prunes();
  return effects_.poll();
}

bool Pim::settle_neighbours(TimePoint now) {
  bool progress = false;
  while (auto effect = neighbours_.poll_effect()) {
    progress = true;
    std::visit(
        [&](const auto& one) {
          using Told = std::decay_t<decltype(one)>;
          if constexpr (std::is_same_v<Told, SendOnLink>) {
            note_sent(one.link, one.message);
            effects_.push(one);
          } else {
            take(one, now);
          }
        },
        *effect);
  }
  return progress;
}

/// Of the other parts: nobody takes a Join/Prune or an Assert of ours before our Hello (4.3.1).
void Pim::take(const SendOnLink& send, TimePoint now) {
  neighbours_.hello_first(send.link, now);
  static_cast<void>(settle_neighbours(now));
  note_sent(send.link, send.message);
  effects_.push(send);
}

void Pim::take(const NeighbourUp& up, TimePoint now) {
  upstream_.set_lan(up.link, lan_of(up.link));
  upstream_.on_neighbour_up(up.link, up.address, neighbours_.secondary_of(up.link, up.address),
                            now);
  elections_.on_neighbour_up(up.link, now);
  effects_.push(up);
}

void Pim::take(const NeighbourRestarted& restarted, TimePoint now) {
  asserts_.on_neighbour_lost(restarted.link, restarted.address, now);
  elections_.on_neighbour_restarted(restarted.link, restarted.address, now);
  upstream_.on_neighbour_restarted(restarted.link, restarted.address, now);
  effects_.push(restarted);
}

void Pim::take(const NeighbourDown& down, TimePoint now) {
  asserts_.on_neighbour_lost(down.link, down.address, now);
  elections_.on_neighbour_lost(down.link, down.address, now);
  check_bidir(down.link, now);
  upstream_.on_neighbour_down(down.link, down.address, now);
  upstream_.set_lan(down.link, lan_of(down.link));
  effects_.push(down);
}

void Pim::take(const NeighbourAddressesChanged& changed, TimePoint now) {
  upstream_.on_neighbour_up(changed.link, changed.address,
                            neighbours_.secondary_of(changed.link, changed.address), now);
}

void Pim::take(const LanDelayChanged& changed, TimePoint now) {
  static_cast<void>(now);
  upstream_.set_lan(changed.link, lan_of(changed.link));
}

/// The winner of a link that is lost is who this router joins there (RPF', 4.1.6).
void Pim::take(const AssertChanged& changed, TimePoint now) {
  const auto found = links_.find(changed.link);
  if (found != links_.end()) {
    const bool lost = changed.view.state == AssertState::loser;
    const bool was_lost = found->second.lost.contains(changed.key);
    if (lost) {
      found->second.lost.insert(changed.key);
      upstream_.on_rpf_prime(changed.link, changed.key, changed.view.winner.address, now);
    } else if (was_lost) {
      found->second.lost.erase(changed.key);
      upstream_.on_rpf_prime(changed.link, changed.key, std::nullopt, now);
    }
  }
  effects_.push(changed);
}

void Pim::take(const AssertsFlushed& flushed, TimePoint now) {
  const auto found = links_.find(flushed.link);
  if (found != links_.end())
    for (const TreeKey& key : std::exchange(found->second.lost, {}))
      upstream_.on_rpf_prime(flushed.link, key, std::nullopt, now);
  effects_.push(flushed);
}

template <typename Told>
void Pim::take(const Told& told, TimePoint now) {
  static_cast<void>(now);
  effects_.push(told);
}

// ---- queries ----

LanState Pim::lan_of(LinkId link) const {
  return {neighbours_.propagation_delay(link), neighbours_.override_interval(link),
          neighbours_.suppression(link), neighbours_.neighbour_count(link)};
}

MessageCounters Pim::message_counters(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? MessageCounters{} : found->second.counters;
}

void Pim::hello_first(LinkId link, TimePoint now) {
  neighbours_.hello_first(link, now);
  settle(now);
}

void Pim::note_sent(LinkId link, const wire::PimMessage& message) {
  const auto found = links_.find(link);
  if (found != links_.end()) ++found->second.counters.sent[message.index()];
}

void Pim::reset_counters() {
  for (auto& [id, link] : links_) {
    link.counters = {};
    neighbours_.reset_counters(id);
    downstream_.reset_counters(id);
    upstream_.reset_counters(id);
    elections_.reset_counters(id);
  }
}

}  // namespace hotpair::mcast::pim
