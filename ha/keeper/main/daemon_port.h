#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ha/keeper/client/message_stream.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// The socket path with its lock: who holds `PATH.lock` is the keeper of that path.
class SocketPath {
 public:
  /// exists: another keeper runs.
  [[nodiscard]] static Result<SocketPath> claim(const std::string& path);
  SocketPath(SocketPath&&) noexcept = default;
  ~SocketPath();

  [[nodiscard]] int fd() const { return listener_.get(); }
  struct Peer {
    FileDescriptor fd;
    pid_t pid = 0;
  };
  /// The next connection whose user may speak to us (root, or our own); refused: another user.
  /// nullopt: none is waiting.
  [[nodiscard]] Result<std::optional<Peer>> accept();

 private:
  SocketPath(std::string path, FileDescriptor lock, FileDescriptor listener)
      : path_(std::move(path)), lock_(std::move(lock)), listener_(std::move(listener)) {}
  std::string path_;
  FileDescriptor lock_;
  FileDescriptor listener_;
};

/// Descriptors in safe keeping, by name.
class KeptDescriptors {
 public:
  void keep(const std::string& name, FileDescriptor fd) { kept_[name] = std::move(fd); }
  /// -1: not kept.
  [[nodiscard]] int find(const std::string& name) const {
    const auto it = kept_.find(name);
    return it == kept_.end() ? -1 : it->second.get();
  }

 private:
  std::map<std::string, FileDescriptor> kept_;
};

}  // namespace hotpair::ha::keeper
