#include "platform/io/clock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "platform/base/assert.h"
#include "platform/base/descriptor.h"

namespace hotpair::platform::io {
namespace {

Duration read_clock(clockid_t clock) {
  timespec time{};
  HA_ASSERT(::clock_gettime(clock, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

TimePoint now() { return TimePoint(read_clock(CLOCK_MONOTONIC)); }

TimePoint boot_now() { return TimePoint(read_clock(CLOCK_BOOTTIME)); }

WallTime wall_now() { return WallTime(read_clock(CLOCK_REALTIME)); }

Result<std::string> read_boot_id() {
  constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";
  const FileDescriptor file(::open(kPath, O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const ssize_t size = file.valid() ? ::read(file.get(), text.data(), text.size()) : -1;
  if (size < 36)
    return fail(ErrorCode::unavailable,
                fmt::format("{}: {}", kPath, size < 0 ? std::strerror(errno) : "too short"));
  return std::string(text.data(), 36);
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  ssize_t size = 0;
  do {
    size = ::getrandom(&value, sizeof value, 0);
  } while (size < 0 && errno == EINTR);
  HA_ASSERT(size == static_cast<ssize_t>(sizeof value));  // up to 256 bytes are never cut short
  return value;
}

}  // namespace hotpair::platform::io
