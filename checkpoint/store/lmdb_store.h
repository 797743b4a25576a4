#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/store/executor.h"
#include "checkpoint/store/life_mark.h"

namespace hotpair::checkpoint::store {

enum class CheckPolicy {
  automatic,  ///< in a helper process once two starts in a row have ended badly
  always,
  never,
};

struct StoreOptions {
  std::filesystem::path directory;  ///< made with mode 0700 if missing; its parent must exist
  std::uint64_t map_bytes = std::uint64_t{64} << 30U;  ///< sparse; the most that can be stored
  std::string boot_id;
  NodeId node;
  Duration since_boot{};  ///< CLOCK_BOOTTIME now
  Duration membership_interval = std::chrono::seconds(260);  ///< RFC 3376 8.4 with its defaults
  CheckPolicy check = CheckPolicy::automatic;
  bool discard = false;  ///< start cold: set aside what is there
};

/// What open() found and did; for log, alarm and display.
struct OpenReport {
  enum class Outcome { fresh, restored, set_aside };
  Outcome outcome = Outcome::fresh;
  RestoreVerdict verdict = RestoreVerdict::usable;
  std::string reason;            ///< why it was set aside, for the operator; else empty
  std::filesystem::path aside;   ///< where the old file is now
  std::uint32_t unclean_starts = 0;
  bool checked = false;          ///< a helper process walked the file first
  bool terms_lost = false;  ///< the file of reserved terms was damaged and is set aside: an alarm
  std::filesystem::path terms_aside;  ///< where it is now
};

/// Counters since open().
struct StoreCounters {
  std::uint64_t commits = 0;
  std::uint64_t commits_failed = 0;
  std::uint64_t requests_failed = 0;
  std::uint64_t bad_records = 0;  ///< dropped since their checksum did not fit
  std::uint64_t bad_index_entries = 0;
  std::uint64_t bytes_used = 0;   ///< of the map, as of the last commit
  std::uint64_t alive_mark_failures = 0;
};

/// The LMDB store. Not thread-safe; one thread owns it (StoreThread). It survives a killed process
/// (the page cache holds what was committed), not a power cut: after a reboot it begins empty.
/// Terms alone are fsynced.
class LmdbStore final : public StoreExecutor {
 public:
  /// Fails only if the directory does not serve (owner, mode, read-only, in use by another
  /// process); a file that is too old, of another boot or damaged is set aside and a fresh one
  /// begun.
  [[nodiscard]] static Result<std::unique_ptr<LmdbStore>> open(const StoreOptions& options);
  /// Closes in order: marks the store clean.
  ~LmdbStore() override;
  LmdbStore(const LmdbStore&) = delete;
  LmdbStore& operator=(const LmdbStore&) = delete;

  [[nodiscard]] std::vector<StoreReply> execute(std::span<const StoreRequest> requests) override;
  void touch(Duration since_boot) override;

  [[nodiscard]] const OpenReport& open_report() const;
  [[nodiscard]] const StoreCounters& counters() const;
  /// Closes without the clean mark, as a killed process would.
  void abandon();

 private:
  struct Parts;
  explicit LmdbStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hotpair::checkpoint::store
