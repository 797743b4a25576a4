#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ha/cli/models.h"

/// How values are written in every display and document.
namespace hotpair::ha::cli {

/// "2018-05-29 03:21:36" in the local time given by the offset.
[[nodiscard]] std::string date_of(WallTime time, std::int32_t utc_offset_s);
/// RFC 3339 in UTC with ms, for JSON.
[[nodiscard]] std::string rfc3339(WallTime time);
/// "00:02:04", from a day on "3d02h".
[[nodiscard]] std::string clock_of(Duration duration);
[[nodiscard]] std::string clock_or_off(const std::optional<Duration>& duration);
/// Whole ms, for JSON.
[[nodiscard]] std::int64_t ms_of(Duration duration);
/// "2.5", to a millisecond.
[[nodiscard]] std::string seconds_of(Duration duration);

[[nodiscard]] std::string_view word_of(etrunk::Role role);  ///< "init", "backup", "master"
[[nodiscard]] std::string_view word_of(etrunk::ControlState state);
[[nodiscard]] std::string_view word_of(etrunk::PriorityOrder order);
[[nodiscard]] std::string_view word_of(keeper::Cause cause);
[[nodiscard]] std::string_view word_of(keeper::GatePosture posture);
[[nodiscard]] std::string_view word_of(mcast::gmp::QuerierRole role);
[[nodiscard]] std::string_view word_of(mcast::gmp::Ignored reason);
[[nodiscard]] std::string_view word_of(mcast::wire::Reject reason);
[[nodiscard]] std::string_view word_of(mcast::gmp::FilterMode mode);
[[nodiscard]] std::string_view word_of(DigestState state);
/// "igmp" or "MLD", as the seeds spell them.
[[nodiscard]] std::string_view word_of(config::ServiceType type);
/// With the first letter in capitals: "Master".
[[nodiscard]] std::string capital(std::string_view word);
[[nodiscard]] std::string hex_of(NodeId node);
/// IPv6 in capitals, as the seeds print it.
[[nodiscard]] std::string shown(const IpAddress& address);

/// A line of configuration without its key: keys are not for terminals.
[[nodiscard]] std::string masked(const std::string& line);

/// Columns as wide as their widest cell, two blanks apart; no blanks at line ends.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hotpair::ha::cli
