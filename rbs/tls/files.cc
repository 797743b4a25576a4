#include "rbs/tls/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/base/descriptor.h"

namespace hotpair::rbs::tls {

namespace {

std::string reason() { return std::strerror(errno); }

/// Messages about one file.
struct Subject {
  std::string_view what;
  const std::filesystem::path& path;
  [[nodiscard]] std::unexpected<Error> error(ErrorCode code, const std::string& text) const {
    return fail(code, fmt::format("{} {}: {}", what, path.native(), text));
  }
};

Result<void> check_file(int fd, const Subject& subject, Privacy privacy, std::size_t bytes_max) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return subject.error(ErrorCode::unavailable, reason());
  if (!S_ISREG(status.st_mode)) return subject.error(ErrorCode::refused, "not a regular file");
  if (privacy == Privacy::secret && status.st_uid != ::geteuid() && status.st_uid != 0)
    return subject.error(
        ErrorCode::refused,
        fmt::format("owned by user {}, expected root or user {}", status.st_uid, ::geteuid()));
  if (privacy == Privacy::secret && (status.st_mode & 077U) != 0)
    return subject.error(ErrorCode::refused,
                         fmt::format("mode {:04o} lets others read it; run chmod 600 {}",
                                     status.st_mode & 07777U, subject.path.native()));
  if (status.st_size > static_cast<off_t>(bytes_max))
    return subject.error(ErrorCode::malformed,
                         fmt::format("{} bytes, at most {}", status.st_size, bytes_max));
  return {};
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(ErrorCode::exhausted, reason());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return fail(ErrorCode::unavailable, reason());
  return {};
}

Result<void> put_in_place(const std::filesystem::path& aside, const std::filesystem::path& path,
                          Existing existing) {
  if (existing == Existing::replace)
    return ::rename(aside.c_str(), path.c_str()) == 0 ? Result<void>{}
                                                      : fail(ErrorCode::unavailable, reason());
  if (::link(aside.c_str(), path.c_str()) == 0) return {};
  return errno == EEXIST ? fail(ErrorCode::exists, "exists already")
                         : fail(ErrorCode::unavailable, reason());
}

}  // namespace

SecretText::~SecretText() { ::explicit_bzero(text.data(), text.size()); }

Result<void> read_file(const std::filesystem::path& path, std::string_view what, Privacy privacy,
                       std::size_t bytes_max, SecretText& into) {
  const Subject subject{what, path};
  // O_NONBLOCK: a FIFO in its place must not stop the caller. A secret is never behind a link.
  const int follow = privacy == Privacy::secret ? O_NOFOLLOW : 0;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow));
  if (!file.valid())
    return subject.error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable, reason());
  if (const Result<void> checked = check_file(file.get(), subject, privacy, bytes_max); !checked)
    return checked;
  into.text.resize(bytes_max + 1);
  std::size_t size = 0;
  while (size < into.text.size()) {
    const ssize_t got = ::read(file.get(), &into.text[size], into.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return subject.error(ErrorCode::unavailable, reason());
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) return subject.error(ErrorCode::malformed, "too long");
  into.text.resize(size);
  return {};
}

Result<void> write_file(const std::filesystem::path& path, std::string_view what,
                        std::string_view text, mode_t mode, Existing existing) {
  const Subject subject{what, path};
  const std::filesystem::path aside = path.native() + ".new";
  ::unlink(aside.c_str());
  const FileDescriptor file(
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.valid()) return subject.error(ErrorCode::unavailable, reason());
  Result<void> written = write_all(file.get(), text);
  // The umask may have narrowed what everybody should read.
  if (written && ::fchmod(file.get(), mode) != 0) written = fail(ErrorCode::unavailable, reason());
  if (written) written = put_in_place(aside, path, existing);
  ::unlink(aside.c_str());
  if (!written) return subject.error(written.error().code, written.error().detail);
  const FileDescriptor folder(::open(path.has_parent_path() ? path.parent_path().c_str() : ".",
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) ::fsync(folder.get());
  return {};
}

}  // namespace hotpair::rbs::tls
