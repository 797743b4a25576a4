#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "checkpoint/store/life_mark.h"
#include "platform/base/bytes.h"
#include "platform/base/result.h"

namespace hotpair::checkpoint::store {

/// An owned file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The sentence for an errno: "PATH: cannot write: No space left on device".
[[nodiscard]] Error system_error(int number, const std::filesystem::path& path,
                                 std::string_view what);

/// Makes the directory (0700) if it is missing; it must be ours and writable by us alone.
[[nodiscard]] Result<void> prepare_directory(const std::filesystem::path& directory);
/// Whether a file that exists is regular, ours, and closed to others; an empty string if so.
[[nodiscard]] std::string file_fault(const std::filesystem::path& path);

/// Renames to `<path>.aside-<UTC time>` and keeps the newest two of its kind.
[[nodiscard]] Result<std::filesystem::path> set_aside(const std::filesystem::path& path);

/// The life mark: a file of 128 bytes, written in place and locked while in use.
class LifeFile {
 public:
  /// `unavailable` if another process holds it.
  [[nodiscard]] static Result<LifeFile> open(const std::filesystem::path& path);
  /// The mark that was there, if it was whole.
  [[nodiscard]] const std::optional<LifeMark>& previous() const { return previous_; }
  [[nodiscard]] Result<void> write(const LifeMark& mark);

 private:
  std::filesystem::path path_;
  Descriptor file_;
  std::optional<LifeMark> previous_;
};

}  // namespace hotpair::checkpoint::store
