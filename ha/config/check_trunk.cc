#include <fmt/core.h>

#include "ha/config/check.h"

/// Rules of Eth-Trunks: LACP, their members, what an E-Trunk asks of them.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kMembersMax = 32;  // bits of a trunk word

class TrunkChecker : private Findings {
 public:
  TrunkChecker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config) {}

  Diagnostics run() {
    for (const InterfaceModel& interface : config_.interfaces) {
      if (interface.name.is_eth_trunk())
        check_trunk(interface);
      else if (interface.lacp_priority && !interface.eth_trunk)
        warn(interface.lacp_priority.line,
             fmt::format("interface {}: 'lacp priority' counts only for a member of an Eth-Trunk",
                         interface.name.name));
    }
    check_system();
    return take();
  }

 private:
  void check_trunk(const InterfaceModel& trunk);
  void check_mode(const InterfaceModel& trunk, const std::string& who);
  void check_etrunk_mode(const InterfaceModel& trunk, const std::string& who);
  void check_system();

  const Config& config_;
};

void TrunkChecker::check_trunk(const InterfaceModel& trunk) {
  const std::string who = "interface " + trunk.name.name;
  const auto members = config_.members_of(trunk.name.eth_trunk_id());
  if (members.size() > kMembersMax)
    error(members[kMembersMax]->eth_trunk.line,
          fmt::format("{}: more than {} members", who, kMembersMax));
  if (*trunk.least_active > *trunk.max_active)
    error(trunk.least_active.line,
          fmt::format("{}: 'least active-linknumber {}' is more than 'max active-linknumber {}'",
                      who, *trunk.least_active, *trunk.max_active));
  if (trunk.least_active && !members.empty() && *trunk.least_active > members.size())
    warn(trunk.least_active.line,
         fmt::format("{}: it needs {} links and has {} members, so it stays down", who,
                     *trunk.least_active, members.size()));
  check_mode(trunk, who);
  check_etrunk_mode(trunk, who);
}

void TrunkChecker::check_mode(const InterfaceModel& trunk, const std::string& who) {
  const auto members = config_.members_of(trunk.name.eth_trunk_id());
  if (*trunk.trunk_mode == TrunkMode::lacp_static) {
    if (members.empty())
      warn(trunk.trunk_mode.line, fmt::format("{}: no port is a member: 'eth-trunk {}' on a port",
                                              who, trunk.name.eth_trunk_id()));
    return;
  }
  if (trunk.trunk_mode)
    warn(trunk.trunk_mode.line,
         who + ": only 'mode lacp-static' is active in this version, its members do not forward");
  else if (!members.empty())
    warn(trunk.line, who + ": without 'mode lacp-static' its members do not forward");
}

void TrunkChecker::check_etrunk_mode(const InterfaceModel& trunk, const std::string& who) {
  if (!trunk.etrunk_mode) return;
  if (!trunk.etrunk)
    warn(trunk.etrunk_mode.line, who + ": 'e-trunk mode' without 'e-trunk N' changes nothing");
  if (*trunk.etrunk_mode == EtrunkMode::force_master)
    warn(trunk.etrunk_mode.line,
         who +
             ": 'force-master' takes 'e-trunk mode force-backup' on the peer: nobody forwards "
             "beside a peer that is master");
}

void TrunkChecker::check_system() {
  for (const InterfaceModel& trunk : config_.interfaces) {
    if (!trunk.etrunk || *trunk.trunk_mode != TrunkMode::lacp_static) continue;
    if (!config_.etrunk_system_id)
      warn(trunk.etrunk.line,
           fmt::format("interface {}: without 'lacp e-trunk system-id', the same on both nodes, "
                       "the access device aggregates with one of them only",
                       trunk.name.name));
    if (config_.lacp_priority && !config_.etrunk_lacp_priority)
      warn(config_.lacp_priority.line,
           fmt::format("'lacp priority' does not count for {}, a member of an E-Trunk: set "
                       "'lacp e-trunk priority'",
                       trunk.name.name));
    return;  // once
  }
}

}  // namespace

Diagnostics check_trunks(const Config& config, const CheckContext& context) {
  return TrunkChecker(config, context).run();
}

}  // namespace hotpair::ha::config
