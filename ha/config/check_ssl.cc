#include "ha/config/check_ssl.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace hotpair::ha::config {
namespace {

class SslChecker : private Findings {
 public:
  SslChecker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config), context_(context) {}

  Diagnostics run() {
    for (const RbsModel& each : config_.services) check_service(each);
    for (const SslPolicyModel& each : config_.ssl_policies) check_policy(each);
    return take();
  }

 private:
  void check_service(const RbsModel& service) {
    if (!service.ssl_policy || config_.find_ssl_policy(*service.ssl_policy) != nullptr) return;
    add(Severity::error, service.ssl_policy.line,
        fmt::format("remote-backup-service {}: there is no ssl policy {}", service.name,
                    *service.ssl_policy));
  }

  void check_policy(const SslPolicyModel& policy) {
    const std::string who = "ssl policy " + policy.name;
    const bool used = std::ranges::any_of(config_.services, [&](const RbsModel& each) {
      return each.ssl_policy && *each.ssl_policy == policy.name;
    });
    if (!used) add(Severity::warning, policy.line, who + ": no remote-backup-service uses it");
    const Severity missing = used ? Severity::error : Severity::warning;
    bool complete = true;
    const auto require = [&](bool there, const char* line) {
      if (there) return;
      complete = false;
      add(missing, policy.line, fmt::format("{}: no '{}'", who, line));
    };
    require(policy.certificate.configured,
            "certificate load pem-cert FILE key-pair {rsa|ecdsa} key-file FILE");
    require(!policy.trusted_cas.empty(), "trusted-ca load pem-ca FILE");
    require(policy.peer_identity.configured,
            "peer-identity URI', which says whom the peer's certificate must name; as in "
            "'peer-identity hotpair:node:NAME");
    if (!complete || !context_.policy_problem) return;
    if (const std::string problem = context_.policy_problem(policy); !problem.empty())
      add(used && context_.files_must_be_good ? Severity::error : Severity::warning, policy.line,
          who + ": " + problem);
  }

  const Config& config_;
  const CheckContext& context_;
};

}  // namespace

Diagnostics check_ssl(const Config& config, const CheckContext& context) {
  return SslChecker(config, context).run();
}

}  // namespace hotpair::ha::config
