#pragma once

#include <chrono>
#include <string>

namespace hotpair::checkpoint::store::test {

/// While it lives, writes to files whose path holds `part` fail or take long, as on a bad disk. The
/// calls write, pwrite, writev, fsync and fdatasync of the whole process, libraries included, go
/// through it; other files are left alone. One at a time.
class FaultyDisk {
 public:
  explicit FaultyDisk(const std::string& part);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// Every write fails with this errno; 0: none does.
  void fail_writes(int error);
  /// Only fsync and fdatasync fail.
  void fail_syncs(int error);
  /// Every write takes so long first.
  void delay(std::chrono::milliseconds time);
  /// Calls that met the disk since the begin, failed ones included.
  [[nodiscard]] unsigned long calls() const;
};

}  // namespace hotpair::checkpoint::store::test
