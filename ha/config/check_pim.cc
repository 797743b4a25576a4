#include "ha/config/check_pim.h"

#include <fmt/core.h>

#include <algorithm>

#include "mcast/rp/bsr_types.h"

namespace hotpair::ha::config {
namespace {

class PimChecker : private Findings {
 public:
  PimChecker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config) {}

  Diagnostics run() {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      for (const InterfaceModel& each : config_.interfaces) check_interface(each, family);
      check_view(config_, {}, family);
      for (const VrfModel& each : config_.vrfs) check_view(each, each.name, family);
    }
    return take();
  }

 private:
  void check_interface(const InterfaceModel& interface, Family family);
  void check_silent(const InterfaceModel& interface, const PimInterfaceModel& pim,
                    const std::string& who);
  void check_zones(const PimModel& pim, const std::string& who);
  void check_holdtime(const PimHelloModel& hello, SourceLine line, const std::string& who);
  void check_view(const PimInstance& instance, const std::string& vrf, Family family);
  void check_candidates(const PimModel& pim, Family family, const std::string& who);
  void check_static(const PimInstance& instance, Family family, const std::string& who);
  void check_own(const OwnAddress& own, Family family, SourceLine line, const std::string& who);

  const Config& config_;
  std::string vrf_;  // of the view that is checked
};

void PimChecker::check_interface(const InterfaceModel& interface, Family family) {
  const PimInterfaceModel& pim = interface.pim_of(family);
  const std::string_view words = family == Family::ipv4 ? "pim" : "pim ipv6";
  const std::string who = "interface " + interface.name.name;
  if (!*pim.sm) {
    PimInterfaceModel nothing;
    nothing.sm = pim.sm;
    if (!*pim.bfd.enabled) nothing.bfd = pim.bfd;  // 'bfd interval' is of both families
    if (pim != nothing)
      warn(interface.line,
           fmt::format("{}: '{} …' has no effect without '{} sm'", who, words, words));
    return;
  }
  if (family == Family::ipv4 && interface.ipv4_addresses.empty())
    warn(pim.sm.line, who + ": PIM needs an IPv4 address to speak from");
  if (family == Family::ipv6 && !*interface.ipv6_enable && interface.ipv6_addresses.empty())
    warn(pim.sm.line, who + ": PIM for IPv6 needs 'ipv6 enable'");
  if (*pim.silent) check_silent(interface, pim, fmt::format("{}: '{} ", who, words));
  const PimHelloModel hello =
      in_force(pim.hello, config_.instance_of(interface).pim_of(family).hello);
  const bool own = pim.hello.hello_s.configured || pim.hello.holdtime_s.configured;
  if (own)
    check_holdtime(hello, (pim.hello.holdtime_s ? hello.holdtime_s.line : hello.hello_s.line),
                   fmt::format("{}: {}", who, words));
}

/// What is about neighbours says nothing where there can be none.
void PimChecker::check_silent(const InterfaceModel& interface, const PimInterfaceModel& pim,
                              const std::string& who) {
  const auto useless = [&](SourceLine line, std::string_view what) {
    warn(line, fmt::format("{}{}' has no effect on a silent interface", who, what));
  };
  if (*pim.bfd.enabled) useless(pim.bfd.enabled.line, "bfd enable");
  if (*pim.require_genid) useless(pim.require_genid.line, "require-genid");
  if (!pim.neighbor_policy.empty()) useless(pim.neighbor_policy[0].line, "neighbor-policy");
  if (!pim.join_policy.empty()) useless(pim.join_policy[0].line, "join-policy");
  if (*interface.pim_floating)
    error(pim.silent.line, who + "silent' leaves no PIM whose identity could float");
}

void PimChecker::check_holdtime(const PimHelloModel& hello, SourceLine line,
                                const std::string& who) {
  if (!hello.holdtime_s || *hello.holdtime_s > *hello.hello_s) return;
  error(line, fmt::format("{} hello-option holdtime {} must be more than the {} s between Hellos, "
                          "or neighbors give this router up",
                          who, *hello.holdtime_s, *hello.hello_s));
}

void PimChecker::check_view(const PimInstance& instance, const std::string& vrf, Family family) {
  const PimModel& pim = instance.pim_of(family);
  vrf_ = vrf;
  std::string who = family == Family::ipv4 ? "pim" : "pim-ipv6";
  if (!vrf.empty()) who += " vpn-instance " + vrf;
  check_holdtime(pim.hello, pim.hello.holdtime_s.line, who + ":");
  check_candidates(pim, family, who);
  check_static(instance, family, who);
}

void PimChecker::check_candidates(const PimModel& pim, Family family, const std::string& who) {
  if (pim.c_bsr)
    check_own(pim.c_bsr->address, family, pim.c_bsr.line,
              fmt::format("{}: c-bsr {}", who, pim.c_bsr->address.text()));
  check_zones(pim, who);
  const auto bootstrap_s =
      std::chrono::duration_cast<std::chrono::seconds>(mcast::rp::kBootstrapPeriod).count();
  for (const auto& each : pim.c_rps) {
    const std::string candidate = fmt::format("{}: c-rp {}", who, each->address.text());
    check_own(each->address, family, each.line, candidate);
    const auto interval_s = each->interval_s.value_or(
        std::chrono::duration_cast<std::chrono::seconds>(mcast::rp::kCandidateRpPeriod).count());
    if (each->holdtime_s && *each->holdtime_s <= interval_s)
      error(each.line, fmt::format("{}: holdtime {} must be more than the {} s between its "
                                   "advertisements",
                                   candidate, *each->holdtime_s, interval_s));
    else if (each->holdtime_s && *each->holdtime_s <= bootstrap_s)
      warn(each.line,
           fmt::format(
               "{}: with holdtime {} routers forget it between two bootstrap messages, which "
               "are {} s apart",
               candidate, *each->holdtime_s, bootstrap_s));
    if (each->bidir && !*pim.bidir)
      warn(each.line,
           fmt::format("{}: without 'bidir-pim enable' this router does not forward its groups",
                       candidate));
  }
  for (const auto& each : pim.auto_rp_announce)
    check_own(each->address, family, each.line,
              fmt::format("{}: auto-rp announce {}", who, each->address.text()));
  if (pim.auto_rp_discovery)
    check_own(pim.auto_rp_discovery->address, family, pim.auto_rp_discovery.line,
              fmt::format("{}: auto-rp discovery {}", who, pim.auto_rp_discovery->address.text()));
}

void PimChecker::check_zones(const PimModel& pim, const std::string& who) {
  if (pim.zone_bsrs.empty()) return;
  const SourceLine line = pim.zone_bsrs.front().line;
  if (!*pim.admin_scope) warn(line, who + ": without 'c-bsr admin-scope' this line has no effect");
  if (!pim.c_bsr)
    warn(line, who + ": without 'c-bsr ADDRESS' this router is no bootstrap router of any scope");
}

void PimChecker::check_own(const OwnAddress& own, Family family, SourceLine line,
                           const std::string& who) {
  const InterfaceModel* interface = own.interface.empty()
                                        ? config_.interface_with(own.address, vrf_)
                                        : config_.find_interface(own.interface);
  if (interface == nullptr) {
    const std::string of = vrf_.empty() ? std::string() : " of VPN instance " + vrf_;
    error(line, who + (own.interface.empty()
                           ? fmt::format(": no configured interface{} has this address", of)
                           : ": there is no such interface"));
    return;
  }
  if (*interface->vrf != vrf_) {
    error(line, fmt::format("{}: {} belongs to {}", who, interface->name.name,
                            interface->vrf ? "VPN instance " + *interface->vrf
                                           : std::string("the public instance")));
    return;
  }
  if (!config_.address_of(own, family)) {
    error(line, fmt::format("{}: {} has no {} address that others can reach", who,
                            interface->name.name, family == Family::ipv4 ? "IPv4" : "IPv6"));
    return;
  }
  if (!*interface->pim_of(family).sm)
    warn(line, fmt::format("{}: there is no '{} sm' on {}", who,
                           family == Family::ipv4 ? "pim" : "pim ipv6", interface->name.name));
}

/// The choice of an RP knows one rule for all static RPs of a family.
void PimChecker::check_static(const PimInstance& instance, Family family, const std::string& who) {
  const StaticRp* preferred = nullptr;
  const StaticRp* plain = nullptr;
  for (const StaticRp& each : instance.static_rps)
    if (each.rp.family() == family) (each.preferred ? preferred : plain) = &each;
  const bool enabled = *instance.pim_of(family).bidir;
  for (const StaticRp& each : instance.static_rps)
    if (each.rp.family() == family && each.bidir && !enabled)
      warn(each.line, fmt::format("{}: 'bidir' of static-rp {} has no effect without 'bidir-pim "
                                  "enable': its groups are not forwarded",
                                  who, each.rp.to_upper_string()));
  if (preferred != nullptr && plain != nullptr)
    warn(preferred->line,
         fmt::format("{}: 'preferred' of static-rp {} counts for static-rp {} too", who,
                     preferred->rp.to_upper_string(), plain->rp.to_upper_string()));
}

}  // namespace

Diagnostics check_pim(const Config& config, const CheckContext& context) {
  return PimChecker(config, context).run();
}

}  // namespace hotpair::ha::config
