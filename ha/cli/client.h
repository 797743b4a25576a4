#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ha/cli/control_protocol.h"
#include "platform/base/result.h"

namespace hotpair::ha::cli {

/// One connection of `hotpair` to the daemon's socket; requests and answers alternate.
class Client {
 public:
  /// Unavailable with the reason. Tries again until `patience` is over.
  [[nodiscard]] static Result<Client> connect(const std::string& path,
                                              std::chrono::seconds patience);
  ~Client();
  Client(Client&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), splitter_(std::move(other.splitter_)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;

  /// Sends a frame; exhausted if it is longer than the daemon takes.
  [[nodiscard]] Result<void> send(const Request& request) const;
  /// The next chunk of the answer. `interrupted` is asked whenever a signal came and ends the wait
  /// with ErrorCode::timeout if it says so, as the time limit does.
  [[nodiscard]] Result<Chunk> receive(const std::function<bool()>& interrupted,
                                      std::optional<std::chrono::milliseconds> limit);

 private:
  explicit Client(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  FrameSplitter splitter_;
};

}  // namespace hotpair::ha::cli
