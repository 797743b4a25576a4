#include "ha/cli/words.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace hotpair::ha::cli {
namespace {

struct Civil {
  std::chrono::year_month_day day;
  std::int64_t seconds = 0;  // of the day
  std::int64_t ms = 0;
};

Civil civil_of(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const auto rest = time - day;
  Civil civil;
  civil.day = std::chrono::year_month_day(day);
  civil.seconds = std::chrono::duration_cast<std::chrono::seconds>(rest).count();
  civil.ms = std::chrono::duration_cast<std::chrono::milliseconds>(rest).count() % 1000;
  return civil;
}

std::string written(const Civil& civil, char between) {
  return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", static_cast<int>(civil.day.year()),
                     static_cast<unsigned>(civil.day.month()),
                     static_cast<unsigned>(civil.day.day()), between, civil.seconds / 3600,
                     civil.seconds / 60 % 60, civil.seconds % 60);
}

// The word of an enumerator out of a table in its order; never out of bounds.
template <std::size_t Count, typename Enum>
std::string_view pick(const std::array<std::string_view, Count>& words, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < Count ? words[index] : "unknown";
}

}  // namespace

std::string date_of(WallTime time, std::int32_t utc_offset_s) {
  return written(civil_of(time + std::chrono::seconds(utc_offset_s)), ' ');
}

std::string rfc3339(WallTime time) {
  const Civil civil = civil_of(time);
  return fmt::format("{}.{:03}Z", written(civil, 'T'), civil.ms);
}

std::string clock_of(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds >= 86'400) return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
  const auto shown_seconds = std::max<std::int64_t>(seconds, 0);
  return fmt::format("{:02}:{:02}:{:02}", shown_seconds / 3600, shown_seconds / 60 % 60,
                     shown_seconds % 60);
}

std::string clock_or_off(const std::optional<Duration>& duration) {
  return duration ? clock_of(*duration) : "off";
}

std::int64_t ms_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string seconds_of(Duration duration) {
  return fmt::format("{:g}", static_cast<double>(ms_of(duration)) / 1000.0);
}

std::string_view word_of(etrunk::Role role) {
  return pick(std::array<std::string_view, 3>{"init", "backup", "master"}, role);
}
std::string_view word_of(etrunk::ControlState state) {
  return pick(std::array<std::string_view, 4>{"running", "restarting", "dead", "leaving"}, state);
}
std::string_view word_of(etrunk::PriorityOrder order) {
  return pick(std::array<std::string_view, 2>{"larger", "smaller"}, order);
}
std::string_view word_of(keeper::Cause cause) {
  return pick(std::array<std::string_view, 10>{"none", "all paths down", "peer access lost",
                                               "peer control dead", "peer leaving", "election",
                                               "handover", "larger term", "alone", "lease expired"},
              cause);
}
std::string_view word_of(keeper::GatePosture posture) {
  return pick(std::array<std::string_view, 3>{"closed", "leased", "open"}, posture);
}
std::string_view word_of(mcast::gmp::QuerierRole role) {
  return pick(std::array<std::string_view, 4>{"no address", "standby", "querier", "non-querier"},
              role);
}
std::string_view word_of(mcast::gmp::Ignored reason) {
  return pick(
      std::array<std::string_view, 13>{"standby", "link-local group", "ssm range", "off subnet",
                                       "own query", "unspecified querier", "newer version",
                                       "older host present", "group limit", "source limit",
                                       "bad record", "work limit", "host limit"},
      reason);
}
std::string_view word_of(mcast::wire::Reject reason) {
  return pick(std::array<std::string_view, 15>{"truncated", "bad ip version", "bad header length",
                                               "bad total length", "fragment", "not igmp",
                                               "bad ttl", "no router alert", "bad checksum",
                                               "unknown type", "bad query length", "source count",
                                               "record count", "group not multicast", "bad source"},
              reason);
}
std::string_view word_of(mcast::gmp::FilterMode mode) {
  return mode == mcast::gmp::FilterMode::include ? "include" : "exclude";
}
std::string_view word_of(DigestState state) {
  return pick(std::array<std::string_view, 3>{"not compared", "equal", "different"}, state);
}
std::string_view word_of(config::ServiceType type) {
  return type == config::ServiceType::igmp ? "igmp" : "MLD";
}

std::string capital(std::string_view word) {
  std::string text(word);
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string hex_of(NodeId node) { return fmt::format("{:016x}", node.value()); }
std::string shown(const IpAddress& address) { return address.to_upper_string(); }

std::string masked(const std::string& line) {
  const std::size_t at = line.find("security-key ");
  if (at == std::string::npos) return line;
  for (const std::string_view form : {" cipher ", " simple "})
    if (const std::size_t found = line.find(form, at); found != std::string::npos)
      return line.substr(0, found + form.size()) + "******";
  const std::size_t key = line.find(' ', at + 13);
  return key == std::string::npos ? line : line.substr(0, key) + " ******";
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace hotpair::ha::cli
