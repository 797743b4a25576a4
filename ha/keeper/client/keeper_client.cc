#include "ha/keeper/client/keeper_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {

Result<KeeperClient> KeeperClient::connect(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::refused, "keeper socket path is longer than 107 characters");
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail(ErrorCode::exhausted, std::strerror(errno));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof address) != 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable;
    return fail(code, socket_path + ": " + std::strerror(errno));
  }
  return KeeperClient(std::move(fd));
}

Result<void> KeeperClient::send(const ToKeeper& message, std::span<const int> fds) {
  const auto* descriptors = std::get_if<Descriptors>(&message);
  if (fds.size() != (descriptors == nullptr ? 0 : descriptors->names.size()))
    return fail(ErrorCode::refused, "one descriptor per name, and only with Descriptors");
  return stream_.send(encode(message), fds);
}

Result<std::vector<Received>> KeeperClient::receive() {
  auto frames = stream_.receive();
  if (!frames) return std::unexpected(frames.error());
  std::vector<Received> received;
  for (const Bytes& frame : *frames) {
    auto message = decode_from_keeper(frame);
    if (!message) {
      ++skipped_;
      continue;
    }
    Received one{std::move(*message), {}};
    if (const auto* welcome = std::get_if<Welcome>(&one.message)) {
      auto fds = stream_.take_fds(welcome->descriptors.size());
      if (!fds) return std::unexpected(fds.error());
      one.fds = std::move(*fds);
    }
    received.push_back(std::move(one));
  }
  return received;
}

}  // namespace hotpair::ha::keeper
