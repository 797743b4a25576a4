#include "ha/keeper/main/link_holds.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "platform/base/descriptor.h"

namespace hotpair::ha::keeper {
namespace {

constexpr std::size_t kFileMax = std::size_t{64} * IFNAMSIZ;

std::unexpected<Error> failed(const char* what) {
  return fail(ErrorCode::unavailable, std::string(what) + ": " + std::strerror(errno));
}

Result<void> set_up(const std::string& device, bool up) {
  const FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return failed("socket");
  ifreq request{};
  if (device.empty() || device.size() >= IFNAMSIZ)
    return fail(ErrorCode::malformed, "no name of a device");
  std::memcpy(request.ifr_name, device.data(), device.size());
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return failed("flags");
  const int flags = request.ifr_flags;
  request.ifr_flags = static_cast<short>(up ? flags | IFF_UP : flags & ~IFF_UP);
  if (request.ifr_flags == flags) return {};
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) return failed(up ? "up" : "down");
  return {};
}

std::string contents_of(const std::string& file) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return {};
  std::array<char, kFileMax> buffer{};
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string{};
}

}  // namespace

LinkHolds::LinkHolds(std::string file) : file_(std::move(file)) {}

LinkHolds::~LinkHolds() {
  if (!worker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  worker_.join();
}

std::vector<std::string> LinkHolds::give_back_left_over() {
  const std::string text = contents_of(file_);
  std::string_view rest = text;
  std::vector<std::string> given;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) continue;
    std::string device(line);
    const auto up = set_up(device, true);
    if (up)
      given.push_back(std::move(device));
    else
      fail_with(device, up.error().detail);
  }
  static_cast<void>(::unlink(file_.c_str()));
  return given;
}

void LinkHolds::hold(const std::string& device) {
  {
    const std::lock_guard lock(mutex_);
    wishes_.push_back({device, true});
  }
  if (!worker_.joinable()) worker_ = std::thread([this] { work(); });
  wake_.notify_one();
}

void LinkHolds::give_back(const std::string& device) {
  if (!worker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    wishes_.push_back({device, false});
  }
  wake_.notify_one();
}

std::vector<LinkHolds::Failure> LinkHolds::take_failures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failures_, {});
}

void LinkHolds::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ending_ || !wishes_.empty(); });
    if (wishes_.empty()) break;
    const Wish wish = std::move(wishes_.front());
    wishes_.pop_front();
    lock.unlock();
    carry_out(wish);
    lock.lock();
  }
  lock.unlock();
  for (const std::string& device : std::set(held_)) carry_out({device, false});
}

// The file names a device before it goes down and until it is up again.
void LinkHolds::carry_out(const Wish& wish) {
  if (wish.down) {
    if (!held_.insert(wish.device).second) return;
    if (const auto written = write_file(); !written) {
      held_.erase(wish.device);
      fail_with(wish.device, written.error().detail);
      return;
    }
    const auto down = set_up(wish.device, false);
    if (down) return;
    fail_with(wish.device, down.error().detail);
  } else if (!held_.contains(wish.device)) {
    return;
  } else if (const auto up = set_up(wish.device, true); !up) {
    fail_with(wish.device, up.error().detail);
    return;  // it stays on file
  }
  held_.erase(wish.device);
  static_cast<void>(write_file());
}

void LinkHolds::fail_with(const std::string& device, const std::string& error) {
  const std::lock_guard lock(mutex_);
  failures_.push_back({device, error});
}

Result<void> LinkHolds::write_file() const {
  if (held_.empty()) {
    static_cast<void>(::unlink(file_.c_str()));
    return {};
  }
  std::string text;
  for (const std::string& device : held_) text += device + "\n";
  const FileDescriptor fd(
      ::open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return failed("list of held devices");
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return failed("list of held devices");
  return {};
}

}  // namespace hotpair::ha::keeper
