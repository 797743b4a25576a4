#include <algorithm>
#include <set>

#include "ha/node/floating.h"
#include "ha/node/link_address.h"
#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {

void Node::apply(const NodeConfig& config, TimePoint now) {
  const bool first = !configured_;
  config_ = config;
  configured_ = true;
  std::map<etrunk::EtrunkId, EtrunkState> etrunks;
  for (const EtrunkSettings& settings : config.etrunks) {
    EtrunkState state;
    state.rank = settings.etrunk.priority;
    if (const auto old = etrunks_.find(settings.etrunk.id); old != etrunks_.end())
      state = std::move(old->second);
    state.settings = settings;
    etrunks.emplace(settings.etrunk.id, std::move(state));
  }
  for (auto& [id, gone] : etrunks_) {
    if (etrunks.contains(id)) continue;
    gone.settings.etrunk.paths.clear();
    check_paths(gone, now);
  }
  etrunks_ = std::move(etrunks);
  apply_vrfs(config, now);
  apply_pim(config, now);
  apply_services(config, now);
  apply_scopes(config, now);
  apply_links(config, now);
  apply_trunks(config);
  configure_keeper();
  for (const ScopeId fresh : fresh_scopes_) acquaint(*find(fresh), now);
  fresh_scopes_.clear();
  for (auto& [id, state] : etrunks_) check_paths(state, now);
  refresh_ranks(now);
  std::erase_if(bfd_, [&](const auto& known) {
    return std::ranges::none_of(config.bfd, [&](const keeper::BfdSessionConfig& session) {
      return session.session.name == known.first;
    });
  });
  check_bfd_alarms(now);
  if (first) effects_.push(ReadBackRoutes{});
  pump(now);
}

void Node::apply_services(const NodeConfig& config, TimePoint now) {
  std::set<std::string> wanted;
  for (const ServiceSettings& settings : config.services) {
    wanted.insert(settings.name);
    auto& service = services_[settings.name];
    const bool fresh = !service;
    if (fresh) {
      service = std::make_unique<Service>();
      service->transport = TransportId{next_transport_++};
      rbs::session::SessionConfig session;
      session.node = identity_.node;
      session.software = identity_.software;
      for (const auto& database : checkpoint::kDatabases)
        session.schemas.push_back({static_cast<std::uint8_t>(database.id),
                                   checkpoint::schema::kSchemaVersion,
                                   checkpoint::schema::kSchemaVersion});
      session.united_databases = {
          static_cast<std::uint8_t>(checkpoint::DatabaseId::igmp_membership),
          static_cast<std::uint8_t>(checkpoint::DatabaseId::mld_membership)};
      service->session = std::make_unique<rbs::session::ReplicationSession>(session, ids_);
    }
    const bool changed = fresh || service->settings != settings;
    service->settings = settings;
    const bool usable = pair_key_ || !settings.ssl_policy.empty();
    if (changed && usable) open_transport(*service);
    if (!usable) {
      service->last_error = "no pair key: run hotpair pair init";
      raise(kServiceDown, settings.name, now, settings.name, service->last_error);
    } else if (fresh) {
      raise_if_it_lasts(kServiceDown, settings.name, now, settings.name, "not connected yet");
    }
  }
  for (auto place = services_.begin(); place != services_.end();) {
    if (wanted.contains(place->first)) {
      ++place;
      continue;
    }
    place->second->session->close("the service was removed", now);
    while (pump_session(*place->second, now)) {
    }
    effects_.push(RemoveTransport{place->second->transport});
    clear(kServiceDown, place->first);
    clear(kRenewalFailed, place->first);
    place = services_.erase(place);
  }
}

void Node::open_transport(Service& service) {
  const ServiceSettings& settings = service.settings;
  effects_.push(OpenTransport{service.transport, settings.name, settings.local, settings.peer,
                              settings.port, settings.ssl_policy});
}

void Node::set_pair_key(bool present, TimePoint now) {
  if (pair_key_ == present) return;
  pair_key_ = present;
  for (const auto& [name, service] : services_) {
    if (!present || !service->settings.ssl_policy.empty()) continue;
    service->last_error.clear();
    open_transport(*service);
  }
  pump(now);
}

role::RoleConfig Node::role_config(const ScopeSettings& settings) const {
  role::RoleConfig config;
  config.scope = settings.scope;
  config.node = identity_.node;
  config.etrunk = settings.etrunk;
  const auto found = etrunks_.find(settings.etrunk);
  if (found != etrunks_.end()) {
    const EtrunkSettings& etrunk = found->second.settings;
    config.rank = found->second.rank;
    config.lowered = !found->second.lowered_by.empty();
    config.order = etrunk.etrunk.order;
    config.system_id = etrunk.etrunk.system_id;
    if (!etrunk.etrunk.paths.empty()) config.source = etrunk.etrunk.paths.front().local;
    config.revert_delay = etrunk.revert_delay;
  }
  return config;
}

void Node::apply_scopes(const NodeConfig& config, TimePoint now) {
  std::vector<ScopeSettings> wanted{ScopeSettings{.scope = kWholeNode, .name = {}}};
  wanted.insert(wanted.end(), config.scopes.begin(), config.scopes.end());
  std::set<ScopeId> ids;
  for (const ScopeSettings& settings : wanted) {
    ids.insert(settings.scope);
    auto& scope = scopes_[settings.scope];
    if (!scope) {
      scope = std::make_unique<Scope>(settings.scope, role_config(settings), ids_, now);
      if (settings.scope != kWholeNode) {
        const auto [slot, fresh] = slots_.try_emplace(settings.scope, next_slot_);
        if (fresh) ++next_slot_;
        scope->gate_slot = slot->second;
        mrib_.set_scope_mode(settings.scope, mcast::mrib::ScopeMode::standby, now);
      }
      scope->settings = settings;
      ask_meta(*scope);
      if (keeper_up_) fresh_scopes_.push_back(settings.scope);
      continue;
    }
    const bool moved = scope->settings.service != settings.service;
    if (moved)
      if (Service* old = service_of(*scope)) old->session->remove_scope(scope->id, now);
    scope->settings = settings;
    scope->role.configure(role_config(settings), now);
    if (moved && scope->life == Scope::Life::ready) attach_session(*scope, now);
  }
  for (auto place = scopes_.begin(); place != scopes_.end();) {
    if (ids.contains(place->first)) {
      ++place;
      continue;
    }
    Scope& scope = *place->second;
    deactivate(scope, now);
    if (Service* service = service_of(scope)) service->session->remove_scope(scope.id, now);
    effects_.push(AskStore{{ids_.next(), checkpoint::DropScope{scope.id}}});
    mrib_.remove_scope(scope.id, now);
    clear(kIncomplete, std::to_string(scope.id.value()));
    const bool pair = scope.id == kFloatingPair;
    place = scopes_.erase(place);
    if (pair) forget_shared_rps(now);
  }
}

/// A scope that is configured while the keeper is connected has missed what the keeper said.
void Node::acquaint(Scope& scope, TimePoint now) {
  if (scope.id == kWholeNode) return;
  scope.role.on_keeper(std::nullopt, now);
  const auto found = etrunks_.find(scope.settings.etrunk);
  if (found == etrunks_.end()) return;
  if (found->second.heard && found->second.peer)
    scope.role.on_peer_hello(*found->second.peer, now);
  else if (found->second.alone)
    scope.role.on_alone(now);
}

void Node::apply_links(const NodeConfig& config, TimePoint now) {
  std::set<LinkId> wanted;
  // In another VRF it is another link. The old one goes first: they have their device in common.
  for (auto place = links_.begin(); place != links_.end();) {
    const auto moved = [&](const LinkSettings& settings) {
      return settings.name == place->second.settings.name &&
             settings.vrf != place->second.settings.vrf;
    };
    if (std::ranges::any_of(config.links, moved)) {
      leave_records(place->second, now);
      remove_link(place->second, now);
      place = links_.erase(place);
    } else {
      ++place;
    }
  }
  for (const LinkSettings& settings : config.links) {
    const auto [id, fresh] =
        link_ids_.try_emplace({settings.name, settings.vrf}, LinkId{next_link_});
    if (fresh) ++next_link_;
    wanted.insert(id->second);
    Link& link = links_[id->second];
    link.id = id->second;
    apply_link(link, settings, now);
  }
  for (auto place = links_.begin(); place != links_.end();) {
    if (wanted.contains(place->first)) {
      ++place;
      continue;
    }
    remove_link(place->second, now);
    place = links_.erase(place);
  }
}

void Node::apply_link(Link& link, const LinkSettings& settings, TimePoint now) {
  for (const IpPrefix& address : link.settings.addresses)
    if (std::ranges::find(settings.addresses, address) == settings.addresses.end())
      effects_.push(RemoveAddress{link.settings.device, address});
  if (!link.settings.device.empty() && link.settings.device != settings.device)
    remove_link(link, now);
  if (!link.settings.device.empty() && link.settings.scope != settings.scope)
    leave_records(link, now);
  if (link.gated && link.settings.scope != settings.scope) {
    effects_.push(DetachGate{link.settings.device});
    link.gated = false;
  }
  codec_.links().unbind(link.id);
  link.settings = settings;
  checkpoint::schema::LinkName name{settings.vrf, settings.name, std::nullopt};
  if (settings.scope == kFloatingPair)
    name.trunk = checkpoint::schema::TrunkRef{settings.scope->value(),
                                              floating_number(settings.floating, settings.vrf)};
  else if (settings.scope)
    name.trunk = checkpoint::schema::TrunkRef{settings.scope->value(), settings.eth_trunk};
  if (const auto bound = codec_.links().bind(link.id, name); !bound)
    raise(kPlaneRefused, settings.name, now, settings.name, bound.error().detail);
  const auto facts = devices_.find(settings.device);
  link.facts = facts == devices_.end() ? DeviceFacts{settings.device} : facts->second;
  refresh_link(link, now);
}

/// The link's records belong to another scope from here on: a snapshot of what is left.
void Node::leave_records(const Link& link, TimePoint now) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Scope* scope = record_scope(link.id, family);
    if (scope == nullptr || !scope->journal.writing()) continue;
    scope->journal.reset(now);
    scope->refill = 0;
  }
}

void Node::on_device(const DeviceFacts& facts, TimePoint now) {
  devices_[facts.device] = facts;
  if (Link* link = link_of_device(facts.device)) {
    if (!facts.present) {
      link->in_plane = link->gated = link->listening = false;
      link->listening_pim = link->listening_auto_rp = {false, false};
    }
    link->facts = facts;
    refresh_link(*link, now);
    refresh_ranks(now);
  }
  note_floating_device(facts, now);
  pump(now);
}

void Node::refresh_link(Link& link, TimePoint now) {
  if (link.facts.present)
    for (const IpPrefix& address : link.settings.addresses)
      if (std::ranges::find(link.facts.addresses, address) == link.facts.addresses.end())
        effects_.push(AddAddress{link.settings.device, address});
  refresh_plane(link, now);
  refresh_floating(link);
  refresh_gmp(link, now);
  refresh_pim(link, now);
}

void Node::refresh_plane(Link& link, TimePoint now) {
  const LinkSettings& settings = link.settings;
  const bool routed = settings.ipv4 || settings.ipv6;
  const bool wanted = link.facts.present && routed;
  // The gate comes first: a scope's link never forwards ungated.
  if (settings.scope && link.facts.present && !link.gated) {
    effects_.push(AttachGate{settings.device, slots_.at(*settings.scope)});
    link.gated = true;
  }
  if (wanted) drop_left_gate(link.id);  // used again before it was released
  if (wanted) effects_.push(AddPlaneLink{plane_link(link)});
  if (routed)  // without its device it keeps its memberships for the device's return
    mrib_.set_link(route_link(link), now);
  else
    mrib_.remove_link(link.id, now);  // and from the plane when it is released
  refresh_limits(link, now);
  if (wanted && !link.in_plane) mrib_.on_unicast_changed(now);
  link.in_plane = wanted;
  const bool listen = link.facts.present && (settings.igmp || settings.mld);
  if (listen && !link.listening)
    effects_.push(ListenGroups{link.id, settings.device, settings.igmp.has_value(),
                               settings.mld.has_value()});
  else if (!listen && link.listening)
    effects_.push(UnlistenGroups{settings.device});
  link.listening = listen;
}

/// Without PIM, on a silent link and on one of a scope, this node serves the hosts; else if it is
/// the DR.
mcast::mrib::LinkConfig Node::route_link(const Link& link) const {
  const LinkSettings& settings = link.settings;
  mcast::mrib::LinkConfig config{.link = link.id, .vrf = settings.vrf};
  config.ipv4 = settings.ipv4;
  config.ipv6 = settings.ipv6;
  config.scope = settings.scope;
  config.pim_ipv4 = settings.pim_ipv4 && !settings.pim_ipv4->link.silent;
  config.pim_ipv6 = settings.pim_ipv6 && !settings.pim_ipv6->link.silent;
  const auto serves = [&](Family family, bool pim) {
    const mcast::pim::Neighbours& neighbours = pim_of(settings.vrf, family).pim.neighbours();
    return !pim || neighbours.dr(link.id).is_unspecified() || neighbours.am_dr(link.id);
  };
  config.serves_hosts_ipv4 = serves(Family::ipv4, config.pim_ipv4);
  config.serves_hosts_ipv6 = serves(Family::ipv6, config.pim_ipv6);
  config.away = !link.facts.present;
  config.boundary = settings.boundary;
  return config;
}

fwd::PlaneLink Node::plane_link(const Link& link) {
  const LinkSettings& settings = link.settings;
  return {.link = link.id,
          .device = settings.device,
          .ipv4 = settings.ipv4,
          .ipv6 = settings.ipv6,
          .vrf = settings.vrf};
}

void Node::refresh_gmp(Link& link, TimePoint now) {
  const auto configure = [&](Family family,
                             const std::optional<mcast::gmp::InterfaceConfig>& settings) {
    if (!settings) {
      gmp_.remove(link.id, family, now);
      return;
    }
    mcast::gmp::InterfaceConfig config = *settings;
    config.scope = link.settings.scope;
    config.address = link.settings.shutdown ? IpAddress::any(family) : link_address(link, family);
    config.subnets.clear();
    for (const IpPrefix& address : link.facts.addresses)
      if (address.address.family() == family) config.subnets.push_back(address.network());
    gmp_.configure(link.id, family, config, now);
  };
  configure(Family::ipv4, link.settings.igmp);
  configure(Family::ipv6, link.settings.mld);
  const auto& wanted = link.settings.static_groups;
  for (const StaticGroup& old : link.static_groups)
    if (std::ranges::find(wanted, old) == wanted.end())
      gmp_.set_static(link.id, old.group, old.source, false, now);
  for (const StaticGroup& each : wanted)
    gmp_.set_static(link.id, each.group, each.source, true, now);
  link.static_groups = wanted;
}

void Node::remove_link(Link& link, TimePoint now) {
  gmp_.remove(link.id, Family::ipv4, now);
  gmp_.remove(link.id, Family::ipv6, now);
  remove_pim(link, now);
  remove_floating(link);
  mrib_.remove_link(link.id, now);
  for (const Family family : {Family::ipv4, Family::ipv6})
    mrib_.set_limits(link.id, family, {}, now);
  if (link.listening) effects_.push(UnlistenGroups{link.settings.device});
  if (link.gated && link.in_plane)
    leaving_gates_[link.id] = link.settings.device;
  else if (link.gated)
    effects_.push(DetachGate{link.settings.device});
  for (const IpPrefix& address : link.settings.addresses)
    effects_.push(RemoveAddress{link.settings.device, address});
  codec_.links().unbind(link.id);
  link.in_plane = link.gated = link.listening = false;
}

void Node::configure_keeper() {
  if (!keeper_up_) return;
  keeper::Configure message;
  for (const auto& [id, state] : etrunks_) message.etrunks.push_back(state.settings.etrunk);
  for (const auto& [id, scope] : scopes_) {
    if (id == kWholeNode) continue;
    keeper::ScopeConfig config{id, scope->settings.etrunk, scope->gate_slot, {}};
    for (const auto& [link_id, link] : links_)
      if (link.settings.scope == id && !is_trunk(link))
        config.access_devices.push_back(link.settings.device);
    message.scopes.push_back(std::move(config));
  }
  message.trunks = trunk_setups();
  message.announcements = announcements_of_links();
  message.restart_grace_ms = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(config_.restart_grace).count());
  effects_.push(SendToKeeper{message});
  // A keeper that outlived a daemon may hold the rank of that life.
  for (const auto& [id, state] : etrunks_)
    effects_.push(SendToKeeper{keeper::SetRank{id, state.rank}});
  configure_keeper_bfd();
}

}  // namespace hotpair::ha::node
