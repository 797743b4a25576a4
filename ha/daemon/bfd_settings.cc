#include "ha/daemon/bfd_settings.h"

namespace hotpair::ha::daemon {
namespace {

bfd::SessionConfig session_of(const config::BfdSessionModel& model, const IpAddress& source,
                              const config::PortMap& ports) {
  bfd::SessionConfig session;
  session.name = model.name;
  session.local = source;
  session.peer = *model.peer;
  if (model.interface) session.device = ports.device_of(*model.interface);
  session.multihop = model.is_multihop();
  session.ttl_min = session.multihop ? *model.minimum_ttl : bfd::kSingleHopTtl;
  session.local_discriminator = bfd::Discriminator(*model.local_discriminator);
  session.remote_discriminator = bfd::Discriminator(*model.remote_discriminator);
  session.min_tx_us = *model.min_tx_ms * 1000;
  session.min_rx_us = *model.min_rx_ms * 1000;
  session.multiplier = *model.multiplier;
  session.admin_down = *model.shutdown;
  if (model.authentication)
    session.keys = {{model.authentication->key_id, model.authentication->key.text}};
  return session;
}

std::vector<keeper::BfdBinding> followers(const config::Config& config, const std::string& name) {
  std::vector<keeper::BfdBinding> paths;
  for (const config::EtrunkConfigModel& etrunk : config.etrunks) {
    const etrunk::EtrunkId id{etrunk.id};
    if (etrunk.bfd_session && *etrunk.bfd_session == name) paths.push_back({id, etrunk::PathId{0}});
    std::uint8_t number = 0;
    for (const auto& path : etrunk.paths) {
      if (config.interface_with(path->source) == nullptr) continue;  // refused by the check
      ++number;
      if (path->bfd_session == name) paths.push_back({id, etrunk::PathId{number}});
    }
  }
  return paths;
}

}  // namespace

std::vector<keeper::BfdSessionConfig> bfd_settings(const config::Config& config,
                                                   const config::PortMap& ports) {
  std::vector<keeper::BfdSessionConfig> sessions;
  if (!*config.bfd_enabled) return sessions;
  for (const config::BfdSessionModel& model : config.bfd_sessions)
    if (const auto source = config.source_of(model))
      sessions.push_back({session_of(model, *source, ports), followers(config, model.name)});
  return sessions;
}

}  // namespace hotpair::ha::daemon
