#pragma once

#include <lmdb.h>

#include <cstdint>
#include <filesystem>

namespace hotpair::bench {

/// LMDB alone, with the options, keys and values of a stored IGMP membership (22 and 46 bytes).
class BareLmdb {
 public:
  explicit BareLmdb(const std::filesystem::path& file);
  ~BareLmdb();
  BareLmdb(const BareLmdb&) = delete;
  BareLmdb& operator=(const BareLmdb&) = delete;
  /// Records `first` to `first` + `count` - 1 in one transaction, committed.
  void put(std::uint32_t first, std::uint32_t count);

 private:
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};

/// Milliseconds for `count` sorted records, 4096 in a transaction.
[[nodiscard]] double bare_lmdb(std::uint32_t count);

}  // namespace hotpair::bench
