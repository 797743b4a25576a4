#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/message.h"
#include "platform/base/time.h"

namespace hotpair::platform::io {

struct LogConfig {
  LogLevel level = LogLevel::info;
  /// Lines start with the syslog priority ("<6>") instead of a time stamp, for journald.
  bool journal = false;
  int fd = 2;
  /// At most this many lines of one message id in one window; the next line after it says how many
  /// were left out.
  std::uint32_t burst = 10;
  Duration window = std::chrono::seconds(5);
};

/// Writes rows of the message catalogue to one descriptor, rate-limited per id. Never throws and
/// never formats a row below its level. May be used from any thread.
class Log {
 public:
  explicit Log(const LogConfig& config);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  /// Formats the row's text with the values. A text that does not fit its values is written raw
  /// and marked, never thrown.
  template <typename... Args>
  void operator()(const Message& row, const Args&... args) noexcept {
    if (row.level < level()) return;
    write(row, fmt::make_format_args(args...));
  }
  [[nodiscard]] LogLevel level() const noexcept;
  void set_level(LogLevel level) noexcept;
  /// Lines left out by the rate limit since the start.
  [[nodiscard]] std::uint64_t suppressed() const noexcept;
  /// Writes the count of what the rate limit still holds back; call about once a second.
  void flush_suppressed() noexcept;

 private:
  struct State;
  void write(const Message& row, fmt::format_args args) noexcept;
  std::unique_ptr<State> state_;
};

/// "debug", "info", "warning" or "error"; nullopt otherwise.
[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view text);

}  // namespace hotpair::platform::io
