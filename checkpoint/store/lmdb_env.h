#pragma once

#include <lmdb.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string_view>

#include "checkpoint/store/store_codec.h"
#include "platform/base/result.h"
#include "platform/base/time.h"

/// Thin owners around LMDB's C handles. Codes stay LMDB's until a request is answered.
namespace hotpair::checkpoint::store {

using ScopeTable = std::map<ScopeId, StoredScope>;

[[nodiscard]] MDB_val to_val(ByteSpan span);
[[nodiscard]] ByteSpan to_span(const MDB_val& val);
/// Full disk or map: `exhausted`; anything else: `unavailable`.
[[nodiscard]] Error lmdb_error(int code, std::string_view what);
/// The environment itself is damaged, or a write was lost: it cannot be trusted any more.
[[nodiscard]] bool is_fatal(int code);

struct EnvCloser {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
struct CursorCloser {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
struct TxnAborter {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using CursorPtr = std::unique_ptr<MDB_cursor, CursorCloser>;
using TxnPtr = std::unique_ptr<MDB_txn, TxnAborter>;

/// One open environment with its tables.
class Environment {
 public:
  struct Tables {
    MDB_dbi records = 0;
    MDB_dbi by_sequence = 0;
    MDB_dbi graves = 0;
    MDB_dbi meta = 0;
  };
  /// Opens or makes the file. `malformed`: what is there is not a store of this format.
  [[nodiscard]] static Result<Environment> open(const std::filesystem::path& path,
                                                std::uint64_t map_bytes);
  [[nodiscard]] MDB_env* get() const { return env_.get(); }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  /// Every scope's meta; `malformed` if one is damaged.
  [[nodiscard]] Result<ScopeTable> load_scopes() const;
  /// Bytes of the map that are in use or on the free list.
  [[nodiscard]] std::uint64_t bytes_used() const;
  /// LMDB calls a write that was cut short EIO, whatever cut it. ENOSPC, EDQUOT or EFBIG if the
  /// file cannot grow now; else `code`.
  [[nodiscard]] int told_apart(int code) const;

 private:
  [[nodiscard]] int open_tables();

  std::unique_ptr<MDB_env, EnvCloser> env_;
  Tables tables_;
};

/// Opens and walks the whole file in a child process that may crash or hang in our place. The file
/// must not be open in this one. An empty string if all is well, else what went wrong.
[[nodiscard]] std::string check_in_helper(const std::filesystem::path& path,
                                          std::uint64_t map_bytes, Duration limit);

}  // namespace hotpair::checkpoint::store
