#include "checkpoint/store/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <vector>

namespace hotpair::checkpoint::store {

namespace fs = std::filesystem;

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error system_error(int number, const fs::path& path, std::string_view what) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG || number == EMFILE ||
                    number == ENFILE;
  return {full ? ErrorCode::exhausted : ErrorCode::unavailable,
          path.string() + ": " + std::string(what) + ": " +
              std::generic_category().message(number)};
}

Result<void> prepare_directory(const fs::path& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(system_error(errno, directory, "cannot make the directory"));
  struct stat info {};
  if (::lstat(directory.c_str(), &info) != 0)
    return std::unexpected(system_error(errno, directory, "cannot look at the directory"));
  if (!S_ISDIR(info.st_mode))
    return fail(ErrorCode::refused, directory.string() + " is not a directory");
  if (info.st_uid != ::geteuid())
    return fail(ErrorCode::refused, directory.string() + " belongs to another user (uid " +
                                        std::to_string(info.st_uid) + ")");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorCode::refused,
                directory.string() + " is writable by others; expected mode 0700");
  if (::access(directory.c_str(), W_OK | X_OK) != 0)
    return std::unexpected(system_error(errno, directory, "cannot write into the directory"));
  return {};
}

std::string file_fault(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? "" : "cannot be looked at";
  if (!S_ISREG(info.st_mode)) return "is not a regular file";
  if (info.st_uid != ::geteuid()) return "belongs to another user";
  if ((info.st_mode & 0077U) != 0) return "is open to other users";
  return "";
}

Result<fs::path> set_aside(const fs::path& path) {
  const std::string prefix = path.filename().string() + ".aside-";
  std::vector<fs::path> kept;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ec))
    if (entry.path().filename().string().starts_with(prefix)) kept.push_back(entry.path());
  std::sort(kept.begin(), kept.end());
  while (kept.size() > 1) {
    fs::remove(kept.front(), ec);
    kept.erase(kept.begin());
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> stamp{};
  const std::size_t length = std::strftime(stamp.data(), stamp.size(), "%Y%m%dT%H%M%S", &utc);
  const std::string millis = std::to_string(1000 + now.tv_nsec / 1'000'000).substr(1);
  fs::path aside = path.parent_path() / (prefix + std::string(stamp.data(), length) + "." + millis);
  if (!kept.empty() && aside <= kept.back()) aside = kept.back().string() + "a";
  if (::rename(path.c_str(), aside.c_str()) != 0)
    return std::unexpected(system_error(errno, path, "cannot set the file aside"));
  return aside;
}

Result<LifeFile> LifeFile::open(const fs::path& path) {
  LifeFile file;
  file.path_ = path;
  file.file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.file_.open()) return std::unexpected(system_error(errno, path, "cannot open"));
  if (::flock(file.file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::unavailable,
                  path.parent_path().string() + ": the store is in use by another process");
    return std::unexpected(system_error(errno, path, "cannot lock"));
  }
  std::array<std::byte, kLifeMarkBytes + 1> bytes{};
  const ssize_t got = ::pread(file.file_.get(), bytes.data(), bytes.size(), 0);
  if (got > 0) {
    if (auto mark = decode_life_mark({bytes.data(), static_cast<std::size_t>(got)}))
      file.previous_ = std::move(*mark);
  }
  return file;
}

Result<void> LifeFile::write(const LifeMark& mark) {
  const Bytes bytes = encode(mark);
  const ssize_t put = ::pwrite(file_.get(), bytes.data(), bytes.size(), 0);
  if (put != static_cast<ssize_t>(bytes.size()))
    return std::unexpected(system_error(put < 0 ? errno : ENOSPC, path_, "cannot write"));
  return {};
}

}  // namespace hotpair::checkpoint::store
