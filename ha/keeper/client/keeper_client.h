#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ha/keeper/client/message_stream.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// A message from the keeper; `fds` are those of a Welcome, in the order of its names.
struct Received {
  FromKeeper message;
  std::vector<FileDescriptor> fds;
};

/// The daemon's end of the keeper's socket: nonblocking, for the caller's event loop.
class KeeperClient {
 public:
  /// Connects. not_found / unavailable: no keeper listens there.
  [[nodiscard]] static Result<KeeperClient> connect(const std::string& socket_path);

  /// To wait on: readable always, writable while wants_write().
  [[nodiscard]] int fd() const { return stream_.fd(); }
  /// Queues and sends as much as goes. `fds` only with Descriptors, one per name; they are
  /// duplicated by the kernel and stay the caller's. disconnected: the keeper is gone.
  [[nodiscard]] Result<void> send(const ToKeeper& message, std::span<const int> fds = {});
  /// Goes on sending; call when writable.
  [[nodiscard]] Result<void> flush() { return stream_.flush(); }
  [[nodiscard]] bool wants_write() const { return stream_.wants_write(); }
  /// Every whole message that is there; empty when none. disconnected: the keeper is gone.
  [[nodiscard]] Result<std::vector<Received>> receive();
  /// Messages of an unknown number or malformed, skipped.
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  explicit KeeperClient(FileDescriptor fd) : stream_(std::move(fd)) {}

  MessageStream stream_;
  std::uint64_t skipped_ = 0;
};

/// How a keeper is started.
struct KeeperStart {
  std::string program;               ///< path of hotpair-keeper
  std::string socket_path;
  std::string log_file;              ///< empty: inherits stderr
  std::string log_level = "info";
};

/// Starts a keeper that outlives the caller (double fork, own session). If two do this at once one
/// keeper wins the lock of the socket path and the other ends; the caller then connects, with
/// retries of its own. An error only if the program cannot be executed.
[[nodiscard]] Result<void> start_keeper(const KeeperStart& start);

}  // namespace hotpair::ha::keeper
