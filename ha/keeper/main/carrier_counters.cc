#include "ha/keeper/main/carrier_counters.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>

namespace hotpair::ha::keeper {
namespace {

constexpr std::uint64_t kNeverAsked = ~std::uint64_t{0};

std::optional<std::uint64_t> read_number(const FileDescriptor& fd) {
  std::array<char, 32> text;
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  if (got <= 0) return std::nullopt;
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + got, number);
  if (parsed.ec != std::errc{}) return std::nullopt;
  return number;
}

// Attached nowhere; it shows the devices of the caller's network namespace, as /sys may not.
FileDescriptor own_sysfs() {
  const FileDescriptor context(::fsopen("sysfs", FSOPEN_CLOEXEC));
  if (!context.valid() || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return {};
  return FileDescriptor(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
}

}  // namespace

CarrierCounters::CarrierCounters() : sysfs_(own_sysfs()) {
  if (!sysfs_.valid()) sysfs_ = FileDescriptor(::open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

FileDescriptor CarrierCounters::open_file(const std::string& device, const char* file) const {
  // A device's name holds no slash, or the kernel would not have named it so.
  if (device.empty() || device.find('/') != std::string::npos) return {};
  const std::string path = "class/net/" + device + "/" + file;
  return FileDescriptor(::openat(sysfs_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
}

void CarrierCounters::watch(const std::map<std::string, unsigned>& devices) {
  unwatched_.clear();
  std::erase_if(counters_, [&](const auto& entry) {
    const auto wanted = devices.find(entry.first);
    return wanted == devices.end() || wanted->second != entry.second.index;
  });
  for (const auto& [device, index] : devices) {
    if (counters_.contains(device)) continue;
    Counter counter{index, open_file(device, "carrier_changes"), kNeverAsked};
    if (!read_number(counter.fd) || read_number(open_file(device, "ifindex")) != index)
      unwatched_.push_back(device);
    else
      counters_.emplace(device, std::move(counter));
  }
}

std::vector<unsigned> CarrierCounters::poll() {
  std::vector<unsigned> changed;
  for (auto place = counters_.begin(); place != counters_.end();) {
    Counter& counter = place->second;
    const auto value = read_number(counter.fd);
    if (value == counter.value) {
      ++place;
      continue;
    }
    changed.push_back(counter.index);
    if (value) {
      counter.value = *value;
      ++place;
    } else {
      place = counters_.erase(place);  // gone
    }
  }
  return changed;
}

}  // namespace hotpair::ha::keeper
