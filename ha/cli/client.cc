#include "ha/cli/client.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

namespace hotpair::ha::cli {
namespace {

Result<int> connect_once(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::malformed, fmt::format("the path of the socket is too long: {}", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor >= 0 &&
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return descriptor;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (reason == EACCES)
    return fail(ErrorCode::unavailable,
                fmt::format("{} may not be opened: be root or a member of its group", path));
  return fail(ErrorCode::unavailable,
              fmt::format("no daemon answers on {}: {}", path, std::strerror(reason)));
}

std::unexpected<Error> gone() {
  return fail(ErrorCode::disconnected, "the daemon closed the connection before it was done");
}

}  // namespace

Result<Client> Client::connect(const std::string& path, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto descriptor = connect_once(path);
    if (descriptor) return Client(*descriptor);
    if (std::chrono::steady_clock::now() >= end) return std::unexpected(descriptor.error());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Client::~Client() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> Client::send(const Request& request) const {
  const std::string frame = encode_frame(request);
  if (frame.size() > kControlFrameMax) return fail(ErrorCode::exhausted, "the request is too long");
  std::string_view bytes = frame;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return gone();
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Chunk> Client::receive(const std::function<bool()>& interrupted,
                              std::optional<std::chrono::milliseconds> limit) {
  std::array<char, 65536> buffer{};
  while (true) {
    auto document = splitter_.next();
    if (!document) return std::unexpected(document.error());
    if (*document) return decode_chunk(**document);
    pollfd waiting{descriptor_, POLLIN, 0};
    // A caller that blocks SIGINT gets it here and nowhere else, so none is missed.
    sigset_t mask;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask);
    ::sigdelset(&mask, SIGINT);
    const timespec most{limit ? limit->count() / 1000 : 0,
                        limit ? limit->count() % 1000 * 1'000'000 : 0};
    const int ready = ::ppoll(&waiting, 1, limit ? &most : nullptr, &mask);
    if (ready == 0) return fail(ErrorCode::timeout, "the daemon does not answer");
    if (ready < 0 && errno == EINTR) {
      if (interrupted()) return fail(ErrorCode::timeout, "interrupted");
      continue;
    }
    const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return gone();
    splitter_.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace hotpair::ha::cli
