#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::ha::cli {

/// One configuration that was in force, and how it came to be.
struct CommitRecord {
  std::uint64_t id = 0;  ///< counts up, first is 1
  WallTime when;
  std::string user;   ///< as the caller names himself
  std::uint32_t uid;  ///< as the kernel names him
  std::string label;  ///< may be empty
  std::string how;    ///< "commit", "apply new.conf", "rollback to 3", …
  std::string text;   ///< the configuration as print_config() gives it
  friend bool operator==(const CommitRecord&, const CommitRecord&) = default;
};

/// A record as a file: comment lines, then the configuration, so that it can be read as one.
[[nodiscard]] std::string encode_commit(const CommitRecord& record);
/// Malformed with what is wrong, a checksum included; the configuration is not looked at.
[[nodiscard]] Result<CommitRecord> decode_commit(std::string_view text);

/// Where records are kept: one file each in the state directory.
class CommitStore {
 public:
  virtual ~CommitStore() = default;
  [[nodiscard]] virtual Result<void> keep(std::uint64_t id, const std::string& text) = 0;
  virtual void remove(std::uint64_t id) = 0;
};

/// The newest configurations, oldest first.
class CommitHistory {
 public:
  static constexpr std::size_t kRecordsMax = 50;

  explicit CommitHistory(CommitStore& store) : store_(store) {}

  /// Takes records of an earlier life, in any order; what is beyond the limit is removed.
  void restore(std::vector<CommitRecord> records);
  /// Adds a record under the next id and answers that id. An error is of the store: the record
  /// is held in memory nevertheless.
  [[nodiscard]] std::uint64_t add(CommitRecord record, Result<void>& stored);

  [[nodiscard]] const std::deque<CommitRecord>& records() const { return records_; }
  [[nodiscard]] const CommitRecord* find(std::uint64_t id) const;
  /// The record `steps` before the newest one; nullptr when there is none.
  [[nodiscard]] const CommitRecord* before(std::size_t steps) const;

 private:
  void drop_oldest();

  CommitStore& store_;
  std::deque<CommitRecord> records_;
  std::uint64_t next_id_ = 1;
};

}  // namespace hotpair::ha::cli
