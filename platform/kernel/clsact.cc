#include "platform/kernel/clsact.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace hotpair::platform::kernel {
namespace {

Error filter_error(const ClsactFilter& filter, std::string_view step, int error) {
  const ErrorCode code = error == EPERM    ? ErrorCode::refused
                         : error == ENODEV ? ErrorCode::not_found
                         : error == EOPNOTSUPP || error == ENOENT || error == EINVAL
                             ? ErrorCode::unsupported
                             : ErrorCode::unavailable;
  const char* hint = error == EPERM ? " (CAP_NET_ADMIN is needed)"
                     : code == ErrorCode::unsupported
                         ? " (the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF)"
                         : "";
  return {code, fmt::format("interface {}: {} filter, {}: {}{}", filter.interface.value(),
                            filter.what, step, std::strerror(error), hint)};
}

const char* name_of(Direction direction) {
  return direction == Direction::ingress ? "ingress" : "egress";
}

// The library refuses padding that is not zero, which `{}` need not clear: filled in place.
struct TcArguments {
  explicit TcArguments(const ClsactFilter& filter) {
    std::memset(&hook, 0, sizeof hook);
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(filter.interface.value());
    hook.attach_point = filter.direction == Direction::ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    std::memset(&options, 0, sizeof options);
    options.sz = sizeof options;
    options.handle = filter.handle;
    options.priority = kFilterPriority;
  }
  bpf_tc_hook hook;
  bpf_tc_opts options;
};

}  // namespace

Result<void> attach_filter(const ClsactFilter& filter, int program_fd) {
  TcArguments arguments(filter);
  if (const int error = -bpf_tc_hook_create(&arguments.hook); error != 0 && error != EEXIST)
    return std::unexpected(filter_error(filter, "clsact", error));
  arguments.options.prog_fd = program_fd;
  arguments.options.flags = BPF_TC_F_REPLACE;
  if (const int error = -bpf_tc_attach(&arguments.hook, &arguments.options); error != 0)
    return std::unexpected(filter_error(filter, name_of(filter.direction), error));
  return {};
}

Result<void> detach_filter(const ClsactFilter& filter) {
  const TcArguments arguments(filter);
  const int error = -bpf_tc_detach(&arguments.hook, &arguments.options);
  // No such filter, no clsact, no device: what was asked for is so.
  if (error == 0 || error == ENOENT || error == EINVAL || error == ENODEV) return {};
  return std::unexpected(filter_error(filter, name_of(filter.direction), error));
}

}  // namespace hotpair::platform::kernel
