#include <fmt/format.h>

#include "ha/bfd/bfd_packet.h"
#include "ha/daemon/live_view.h"

namespace hotpair::ha::daemon {
namespace {

std::vector<std::string> followers_of(const node::Node& node,
                                      const keeper::BfdSessionStatus& status) {
  std::vector<std::string> followers;
  for (const keeper::BfdBinding& path : status.paths)
    followers.push_back(
        fmt::format("e-trunk {} path {}", path.etrunk.value(), unsigned{path.path.value()}));
  for (const auto& [name, service] : node.services())
    if (service->settings.bfd_session == status.config.name)
      followers.push_back("remote-backup-service " + name);
  return followers;
}

}  // namespace

cli::BfdSessionsModel LiveView::bfd_sessions() const {
  cli::BfdSessionsModel model;
  model.connected = node_.keeper_connected();
  if (!node_.bfd_status()) return model;
  const keeper::BfdStatus& status = *node_.bfd_status();
  for (const keeper::BfdSessionStatus& session : status.sessions) {
    cli::BfdSessionRow row{session, {}, followers_of(node_, session)};
    const config::BfdSessionModel* configured = config_.find_bfd_session(session.config.name);
    if (configured != nullptr && configured->interface) row.interface = configured->interface->name;
    model.sessions.push_back(std::move(row));
  }
  model.unknown_session = status.unknown_session;
  for (std::size_t i = 0; i < status.rejects.size(); ++i)
    if (status.rejects[i] != 0 && i < static_cast<std::size_t>(bfd::PacketReject::count))
      model.rejected.emplace_back(bfd::to_string(static_cast<bfd::PacketReject>(i)),
                                  status.rejects[i]);
  return model;
}

}  // namespace hotpair::ha::daemon
