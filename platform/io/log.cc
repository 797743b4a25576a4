#include "platform/io/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "platform/io/clock.h"

namespace hotpair::platform::io {
namespace {

constexpr std::size_t kLineBytesMax = 4096;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// The syslog priority that journald reads from the start of a line (sd-daemon(3)).
int syslog_priority(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return 7;
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
    case LogLevel::error:
      return 3;
  }
  return 3;
}

/// One write(2) per line; a line that cannot be written is lost, nothing waits for a reader.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    static_cast<void>(!::write(fd_, line.data(), line.size()));
  }
  void flush_() override {}
  int fd_;
};

/// Control characters would let bytes from the wire forge lines or move the cursor.
std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(std::min(text.size(), kLineBytesMax));
  for (const char character : text.substr(0, kLineBytesMax)) {
    const auto byte = static_cast<unsigned char>(character);
    clean += byte < 0x20 || byte == 0x7f ? '?' : character;
  }
  if (text.size() > kLineBytesMax) clean += "...";
  return clean;
}

}  // namespace

struct Log::State {
  explicit State(const LogConfig& log_config)
      : config(log_config),
        level(log_config.level),
        logger("hotpair", std::make_shared<DescriptorSink>(log_config.fd)) {
    logger.set_level(spdlog::level::trace);
    logger.set_error_handler([](const std::string&) {});
    logger.set_pattern(config.journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  }

  struct Rate {
    TimePoint window_ends;
    std::uint32_t written = 0;
    std::uint64_t held_back = 0;
    LogLevel level{};
  };

  void line(LogLevel at, std::string_view id, std::string_view text) {
    const std::string body = fmt::format("{} {}", id, printable(text));
    if (config.journal) {
      logger.log(spdlog_level(at), fmt::format("<{}>{}", syslog_priority(at), body));
    } else {
      logger.log(spdlog_level(at), body);
    }
  }

  void tell_held_back(std::string_view id, Rate& rate) {
    if (rate.held_back == 0) return;
    const std::uint64_t count = std::exchange(rate.held_back, 0);
    line(rate.level, id, fmt::format("({} more of these were left out)", count));
  }

  /// True when the row may be written now; opens a new window and reports the old one if needed.
  bool admit(const Message& row, TimePoint now) {
    Rate& rate = rates.try_emplace(std::string(row.id)).first->second;
    rate.level = row.level;
    if (now >= rate.window_ends) {
      tell_held_back(row.id, rate);
      rate.window_ends = now + config.window;
      rate.written = 0;
    }
    if (rate.written < config.burst) {
      ++rate.written;
      return true;
    }
    ++rate.held_back;
    suppressed.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  LogConfig config;
  std::atomic<LogLevel> level;
  std::atomic<std::uint64_t> suppressed = 0;
  std::mutex mutex;
  std::map<std::string, Rate, std::less<>> rates;  // one per row of the catalogue: bounded
  spdlog::logger logger;
};

Log::Log(const LogConfig& config) : state_(std::make_unique<State>(config)) {}
Log::~Log() = default;

LogLevel Log::level() const noexcept { return state_->level.load(std::memory_order_relaxed); }

void Log::set_level(LogLevel level) noexcept {
  state_->level.store(level, std::memory_order_relaxed);
}

std::uint64_t Log::suppressed() const noexcept {
  return state_->suppressed.load(std::memory_order_relaxed);
}

void Log::write(const Message& row, fmt::format_args args) noexcept {
  try {
    const std::lock_guard lock(state_->mutex);
    if (!state_->admit(row, now())) return;
    std::string text;
    try {
      text = fmt::vformat(fmt::string_view(row.text.data(), row.text.size()), args);
    } catch (const std::exception& error) {
      text = fmt::format("{} (unformatted: {})", row.text, error.what());
    }
    state_->line(row.level, row.id, text);
  } catch (...) {
    // Out of memory while logging: the line is lost, the router goes on.
  }
}

void Log::flush_suppressed() noexcept {
  try {
    const std::lock_guard lock(state_->mutex);
    const TimePoint at = now();
    for (auto& [id, rate] : state_->rates) {
      if (at >= rate.window_ends) state_->tell_held_back(id, rate);
    }
  } catch (...) {
    // As in write().
  }
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::debug;
  if (text == "info") return LogLevel::info;
  if (text == "warning") return LogLevel::warning;
  if (text == "error") return LogLevel::error;
  return std::nullopt;
}

}  // namespace hotpair::platform::io
