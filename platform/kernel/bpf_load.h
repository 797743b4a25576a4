#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/result.h"

namespace hotpair::platform::kernel {

/// Where the verifier writes; `options` is for a skeleton's open().
struct VerifierLog {
  VerifierLog();
  VerifierLog(const VerifierLog&) = delete;
  VerifierLog& operator=(const VerifierLog&) = delete;
  std::string text;
  bpf_object_open_opts options;
};

/// What decides whether a process may load programs: looked at only to explain a refusal.
struct LoadRights {
  bool bpf = false;                                 ///< CAP_BPF or CAP_SYS_ADMIN is effective
  bool net_admin = false;                           ///< CAP_NET_ADMIN or CAP_SYS_ADMIN is effective
  std::uint64_t memlock_bytes = ~std::uint64_t{0};  ///< soft RLIMIT_MEMLOCK; all ones: no limit
};
[[nodiscard]] LoadRights own_load_rights();

/// The part of a verifier log that says what is wrong: its last lines without the statistics, at
/// most 300 characters.
[[nodiscard]] std::string verifier_reason(std::string_view log);

/// Explains why a BPF object did not load. `what` is "gate" or "Eth-Trunk"; `error` a positive
/// errno. `refused`: a right or a limit, `exhausted`: memory, `unsupported`: this kernel.
[[nodiscard]] Error bpf_load_error(std::string_view what, int error, std::string_view log,
                                   const LoadRights& rights);

/// Malformed unless `fd` is a map of this shape. `what` completes "the kept map of the ...".
[[nodiscard]] Result<void> require_map(int fd, std::string_view what, bpf_map_type type,
                                       std::uint32_t key_bytes, std::uint32_t value_bytes);

}  // namespace hotpair::platform::kernel
