#include "ha/config/check_bfd.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "ha/config/config_rows.h"

namespace hotpair::ha::config {
namespace {

constexpr std::uint32_t kShortDetectionMs = 60;  // pauses of 2 to 45 ms are common on VMs

class BfdChecker : private Findings {
 public:
  BfdChecker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config) {}

  Diagnostics run() {
    for (const BfdSessionModel& each : config_.bfd_sessions) check_session(each);
    check_unique();
    for (const EtrunkConfigModel& each : config_.etrunks) check_etrunk(each);
    for (const RbsModel& each : config_.services) {
      if (each.track_bfd && config_.find_bfd_session(*each.track_bfd) == nullptr)
        error(each.track_bfd.line,
              fmt::format("remote-backup-service {}: no bfd session has 'discriminator local {}'",
                          each.name, *each.track_bfd));
    }
    return take();
  }

 private:
  void check_session(const BfdSessionModel& session);
  void check_safety(const BfdSessionModel& session, const std::string& who);
  void check_unique();
  void check_etrunk(const EtrunkConfigModel& etrunk);
  void check_follows(const std::string& session, SourceLine line, const std::string& who);

  const Config& config_;
};

void BfdChecker::check_session(const BfdSessionModel& session) {
  const std::string who = "bfd " + session.name;
  if (!*config_.bfd_enabled)
    warn(session.line, who + ": not active without 'bfd' in the system view");
  const IpAddress& peer = *session.peer;
  if (peer.is_multicast() || peer.is_unspecified())
    error(session.line, fmt::format("{}: {} cannot be a peer", who, shown(peer)));
  if (session.is_multihop() && peer.is_link_local_unicast())
    error(session.line, who + ": a link-local peer needs an 'interface'");
  if (session.interface && config_.find_interface(session.interface->name) == nullptr)
    warn(session.line, fmt::format("{}: there is no interface {}", who, session.interface->name));
  const auto source = config_.source_of(session);
  if (!source)
    error(session.line, who + ": no source address; add 'source-ip X.X.X.X' (or 'source-ipv6 …')");
  else if (*source == peer)
    error(session.line, who + ": peer and source are the same address");
  check_safety(session, who);
}

void BfdChecker::check_safety(const BfdSessionModel& session, const std::string& who) {
  const std::uint32_t detection =
      std::max(*session.min_tx_ms, *session.min_rx_ms) * *session.multiplier;
  if (detection < kShortDetectionMs)
    warn(session.line, fmt::format("{}: a detection time of {} ms takes ordinary pauses of a "
                                   "machine for a death",
                                   who, detection));
  if (session.is_multihop() && !session.authentication && *session.minimum_ttl == 1)
    warn(session.line, who +
                           ": multihop without authentication and 'minimum-ttl': whoever can "
                           "send packets here can forge them");
  if (!session.is_multihop() && session.minimum_ttl)
    warn(session.minimum_ttl.line, who + ": a single hop always wants TTL 255");
}

void BfdChecker::check_unique() {
  std::map<std::uint32_t, const BfdSessionModel*> discriminators;
  std::map<std::tuple<IpAddress, IpAddress, std::string>, const BfdSessionModel*> addresses;
  for (const BfdSessionModel& session : config_.bfd_sessions) {
    if (session.local_discriminator) {
      const auto [at, fresh] = discriminators.emplace(*session.local_discriminator, &session);
      if (!fresh)
        error(session.local_discriminator.line,
              fmt::format("bfd {}: discriminator {} is that of {} already", session.name,
                          *session.local_discriminator, at->second->name));
    }
    const auto source = config_.source_of(session);
    if (!source) continue;
    const std::string device = session.interface ? session.interface->name : "";
    const auto [at, fresh] =
        addresses.emplace(std::tuple(*source, *session.peer, device), &session);
    if (!fresh)
      error(session.line, fmt::format("bfd {}: {} has the same addresses already", session.name,
                                      at->second->name));
  }
}

void BfdChecker::check_follows(const std::string& session, SourceLine line,
                               const std::string& who) {
  if (config_.find_bfd_session(session) == nullptr)
    error(line, fmt::format("{}: there is no bfd session {}", who, session));
}

void BfdChecker::check_etrunk(const EtrunkConfigModel& etrunk) {
  const std::string who = fmt::format("e-trunk {}", etrunk.id);
  if (etrunk.bfd_session) check_follows(*etrunk.bfd_session, etrunk.bfd_session.line, who);
  for (const auto& path : etrunk.paths)
    if (!path->bfd_session.empty()) check_follows(path->bfd_session, path.line, who);
}

}  // namespace

Diagnostics check_bfd(const Config& config, const CheckContext& context) {
  return BfdChecker(config, context).run();
}

}  // namespace hotpair::ha::config
