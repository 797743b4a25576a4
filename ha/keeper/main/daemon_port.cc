#include "ha/keeper/main/daemon_port.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {

Result<SocketPath> SocketPath::claim(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::refused, "socket path must have 1 to 107 characters");
  std::memcpy(address.sun_path, path.data(), path.size());
  const std::string lock_path = path + ".lock";
  FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid())
    return fail(ErrorCode::unavailable, lock_path + ": " + std::strerror(errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::exists, "another keeper runs on " + path);
  // With the lock held, a socket that is there was left by a keeper that is gone.
  static_cast<void>(::unlink(path.c_str()));
  FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return fail(ErrorCode::exhausted, std::strerror(errno));
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  static_cast<void>(::umask(before));
  if (bound != 0) return fail(ErrorCode::unavailable, path + ": " + std::strerror(error));
  if (::listen(listener.get(), 8) != 0)
    return fail(ErrorCode::unavailable, path + ": " + std::strerror(errno));
  return SocketPath(path, std::move(lock), std::move(listener));
}

SocketPath::~SocketPath() {
  if (listener_.valid()) static_cast<void>(::unlink(path_.c_str()));
}

Result<std::optional<SocketPath::Peer>> SocketPath::accept() {
  FileDescriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) return std::optional<Peer>();
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 ||
      (credentials.uid != 0 && credentials.uid != ::geteuid())) {
    return fail(ErrorCode::refused,
                "user " + std::to_string(credentials.uid) + " may not speak to this keeper");
  }
  return std::optional<Peer>(Peer{std::move(fd), credentials.pid});
}

}  // namespace hotpair::ha::keeper
