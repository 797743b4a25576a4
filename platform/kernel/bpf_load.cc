#include "platform/kernel/bpf_load.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace hotpair::platform::kernel {
namespace {

constexpr std::size_t kVerifierLogBytes = 64 * 1024;
constexpr std::size_t kReasonBytes = 300;
constexpr std::size_t kReasonLines = 2;

#ifndef CAP_BPF
#define CAP_BPF 39
#endif

std::string refusal(std::string_view what, const LoadRights& rights) {
  if (!rights.bpf || !rights.net_admin)
    return fmt::format(
        "the {} program was not allowed to load: {} missing; CAP_BPF and "
        "CAP_NET_ADMIN (or root) are needed",
        what,
        rights.bpf         ? "CAP_NET_ADMIN is"
        : rights.net_admin ? "CAP_BPF is"
                           : "CAP_BPF and CAP_NET_ADMIN are");
  if (rights.memlock_bytes != ~std::uint64_t{0})
    return fmt::format(
        "the {} program was not allowed to load: kernels before 5.11 charge maps to locked memory, "
        "and RLIMIT_MEMLOCK is {} bytes (LimitMEMLOCK=infinity in the unit lifts it)",
        what, rights.memlock_bytes);
  return fmt::format(
      "the {} program was not allowed to load although the capabilities are there: a security "
      "module, kernel lockdown or a container forbids bpf()",
      what);
}

}  // namespace

LoadRights own_load_rights() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  LoadRights rights;
  if (::syscall(SYS_capget, &header, data.data()) == 0) {
    const auto has = [&](unsigned capability) {
      return (data[capability / 32].effective >> (capability % 32) & 1U) != 0;
    };
    rights.bpf = has(CAP_BPF) || has(CAP_SYS_ADMIN);
    rights.net_admin = has(CAP_NET_ADMIN) || has(CAP_SYS_ADMIN);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    rights.memlock_bytes = limit.rlim_cur;
  return rights;
}

VerifierLog::VerifierLog() : text(kVerifierLogBytes, '\0') {
  libbpf_set_print(nullptr);                 // reasons travel in our own errors
  std::memset(&options, 0, sizeof options);  // the library refuses padding that is not zero
  options.sz = sizeof options;
  options.kernel_log_buf = text.data();
  options.kernel_log_size = text.size();
}

std::string verifier_reason(std::string_view log) {
  log = log.substr(0, log.find('\0'));
  std::vector<std::string_view> lines;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    const bool statistics = line.starts_with("processed ") || line.starts_with("verification time");
    if (!line.empty() && !statistics) lines.push_back(line);
  }
  std::string reason;
  const std::size_t first = lines.size() - std::min(lines.size(), kReasonLines);
  for (std::size_t at = first; at < lines.size(); ++at) {
    if (!reason.empty()) reason += " | ";
    reason += lines[at];
  }
  if (reason.size() > kReasonBytes) reason = "..." + reason.substr(reason.size() - kReasonBytes);
  return reason;
}

Error bpf_load_error(std::string_view what, int error, std::string_view log,
                     const LoadRights& rights) {
  std::string reason = verifier_reason(log);
  if (!reason.empty()) reason = "; the verifier says: " + reason;
  // A rejected program is EACCES or EINVAL with a log, a missing right EPERM without.
  if (error == EPERM || (error == EACCES && reason.empty()))
    return {ErrorCode::refused, refusal(what, rights)};
  if (error == ENOMEM || error == E2BIG)
    return {ErrorCode::exhausted,
            fmt::format("no memory for the {} maps: {}", what, std::strerror(error))};
  if (error == EINVAL || error == EACCES || error == ENOSYS || error == EOPNOTSUPP)
    return {ErrorCode::unsupported,
            fmt::format("this kernel does not accept the {} program (5.8 or newer with "
                        "CONFIG_BPF_SYSCALL is needed): {}{}",
                        what, std::strerror(error), reason)};
  return {ErrorCode::unavailable,
          fmt::format("the {} program did not load: {}{}", what, std::strerror(error), reason)};
}

Result<void> require_map(int fd, std::string_view what, bpf_map_type type, std::uint32_t key_bytes,
                         std::uint32_t value_bytes) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
    return fail(ErrorCode::malformed, fmt::format("the kept descriptor of the {} is no map: {}",
                                                  what, std::strerror(errno)));
  if (info.type != static_cast<std::uint32_t>(type) || info.key_size != key_bytes ||
      info.value_size != value_bytes)
    return fail(ErrorCode::malformed,
                fmt::format("the kept map of the {} has another layout", what));
  return {};
}

}  // namespace hotpair::platform::kernel
