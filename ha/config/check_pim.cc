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
      check_view(family);
    }
    return take();
  }

 private:
  void check_interface(const InterfaceModel& interface, Family family);
  void check_holdtime(const PimHelloModel& hello, SourceLine line, const std::string& who);
  void check_view(Family family);
  void check_candidates(const PimModel& pim, Family family, const std::string& who);
  void check_static(Family family, const std::string& who);
  void check_own(const OwnAddress& own, Family family, SourceLine line, const std::string& who);

  const Config& config_;
};

void PimChecker::check_interface(const InterfaceModel& interface, Family family) {
  const PimInterfaceModel& pim = interface.pim_of(family);
  const std::string_view words = family == Family::ipv4 ? "pim" : "pim ipv6";
  const std::string who = "interface " + interface.name.name;
  if (!*pim.sm) {
    PimInterfaceModel nothing;
    nothing.sm = pim.sm;
    if (pim != nothing)
      warn(interface.line,
           fmt::format("{}: '{} …' has no effect without '{} sm'", who, words, words));
    return;
  }
  if (family == Family::ipv4 && interface.ipv4_addresses.empty())
    warn(pim.sm.line, who + ": PIM needs an IPv4 address to speak from");
  if (family == Family::ipv6 && !*interface.ipv6_enable && interface.ipv6_addresses.empty())
    warn(pim.sm.line, who + ": PIM for IPv6 needs 'ipv6 enable'");
  const PimHelloModel hello = in_force(pim.hello, config_.pim_of(family).hello);
  const bool own = pim.hello.hello_s.configured || pim.hello.holdtime_s.configured;
  if (own)
    check_holdtime(hello, (pim.hello.holdtime_s ? hello.holdtime_s.line : hello.hello_s.line),
                   fmt::format("{}: {}", who, words));
}

void PimChecker::check_holdtime(const PimHelloModel& hello, SourceLine line,
                                const std::string& who) {
  if (!hello.holdtime_s || *hello.holdtime_s > *hello.hello_s) return;
  error(line, fmt::format("{} hello-option holdtime {} must be more than the {} s between Hellos, "
                          "or neighbors give this router up",
                          who, *hello.holdtime_s, *hello.hello_s));
}

void PimChecker::check_view(Family family) {
  const PimModel& pim = config_.pim_of(family);
  const std::string who = family == Family::ipv4 ? "pim" : "pim-ipv6";
  check_holdtime(pim.hello, pim.hello.holdtime_s.line, who + ":");
  check_candidates(pim, family, who);
  check_static(family, who);
}

void PimChecker::check_candidates(const PimModel& pim, Family family, const std::string& who) {
  if (pim.c_bsr)
    check_own(pim.c_bsr->address, family, pim.c_bsr.line,
              fmt::format("{}: c-bsr {}", who, pim.c_bsr->address.text()));
  for (const auto& each : pim.c_rps) {
    const std::string candidate = fmt::format("{}: c-rp {}", who, each->address.text());
    check_own(each->address, family, each.line, candidate);
    const auto interval_s = each->interval_s.value_or(
        std::chrono::duration_cast<std::chrono::seconds>(mcast::rp::kCandidateRpPeriod).count());
    if (each->holdtime_s && *each->holdtime_s <= interval_s)
      error(each.line, fmt::format("{}: holdtime {} must be more than the {} s between its "
                                   "advertisements",
                                   candidate, *each->holdtime_s, interval_s));
  }
  for (const auto& each : pim.auto_rp_announce)
    check_own(each->address, family, each.line,
              fmt::format("{}: auto-rp announce {}", who, each->address.text()));
  if (pim.auto_rp_discovery)
    check_own(*pim.auto_rp_discovery, family, pim.auto_rp_discovery.line,
              fmt::format("{}: auto-rp discovery {}", who, pim.auto_rp_discovery->text()));
}

void PimChecker::check_own(const OwnAddress& own, Family family, SourceLine line,
                           const std::string& who) {
  const InterfaceModel* interface = own.interface.empty() ? config_.interface_with(own.address)
                                                          : config_.find_interface(own.interface);
  if (interface == nullptr) {
    error(line, who + (own.interface.empty() ? ": no configured interface has this address"
                                             : ": there is no such interface"));
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
void PimChecker::check_static(Family family, const std::string& who) {
  const StaticRp* preferred = nullptr;
  const StaticRp* plain = nullptr;
  for (const StaticRp& each : config_.static_rps)
    if (each.rp.family() == family) (each.preferred ? preferred : plain) = &each;
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
