#include "ha/daemon/state_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string>

#include "platform/base/descriptor.h"

namespace hotpair::ha::daemon {
namespace {

std::unexpected<Error> system_error(const std::string& what) {
  return fail(ErrorCode::unavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

Result<void> write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write " + name);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    const auto code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable;
    return fail(code, fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  }
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read " + path.string());
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > bytes_max)
      return fail(ErrorCode::refused,
                  fmt::format("{} is larger than {} bytes", path.string(), bytes_max));
  }
}

Result<void> replace_file(const std::filesystem::path& path, const std::string& text) {
  mode_t mode = 0640;
  struct stat old {};
  if (::stat(path.c_str(), &old) == 0) mode = old.st_mode & 0777U;
  std::string temporary = path.string() + ".XXXXXX";
  const FileDescriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return system_error("cannot write beside " + path.string());
  auto written = write_all(fd.get(), text, temporary);
  if (written && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0))
    written = system_error("cannot write " + temporary);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = system_error("cannot replace " + path.string());
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Result<NodeId> open_state_dir(const std::filesystem::path& directory, std::uint64_t random) {
  // Only the last part is this program's own; what leads to it gets the usual rights.
  std::error_code ignored;
  std::filesystem::create_directories(directory.parent_path(), ignored);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("cannot make the state directory " + directory.string());
  const std::filesystem::path file = directory / "node-id";
  const auto text = read_file(file, 64);
  if (!text && text.error().code != ErrorCode::not_found) return std::unexpected(text.error());
  if (text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value, 16);
    if (error != std::errc{} || end != text->data() + 16 || value == 0)
      return fail(
          ErrorCode::malformed,
          fmt::format("{} does not hold a node id of 16 hexadecimal digits", file.string()));
    return NodeId{value};
  }
  const NodeId node{random | 1U};
  if (const auto written = replace_file(file, fmt::format("{:016x}\n", node.value())); !written)
    return std::unexpected(written.error());
  return node;
}

}  // namespace hotpair::ha::daemon
