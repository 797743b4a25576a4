#pragma once

#include <set>
#include <vector>

#include "checkpoint/record/store_port.h"
#include "checkpoint/store/lmdb_env.h"
#include "checkpoint/store/lmdb_write.h"

namespace hotpair::checkpoint::store {

/// What reading met that does not fit its checksum; a write has to drop it.
struct Suspects {
  std::set<ScopeId> scopes;          ///< hold damaged records
  std::vector<Bytes> index_entries;  ///< keys of entries that are damaged or lead nowhere
  [[nodiscard]] bool empty() const { return scopes.empty() && index_entries.empty(); }
};

/// Runs reads in short transactions: one is renewed for each request and never stays open after, so
/// no page is pinned and no lock table is needed.
class Reader {
 public:
  Reader(const Environment& environment, const ScopeTable& scopes)
      : environment_(environment), scopes_(scopes) {}

  /// LMDB's code; `reply` is set if it is 0. `reserved_term` is for ReadMeta.
  [[nodiscard]] int execute(const StoreRequest& request, std::uint64_t reserved_term,
                            ReplyBody& reply);
  [[nodiscard]] Suspects& suspects() { return suspects_; }

 private:
  struct Range;
  int run(const ScanRecords& scan, ReplyBody& reply);
  int run(const ScanChanges& scan, ReplyBody& reply);
  int run(const SumRanges& sum, ReplyBody& reply);
  int run(const ReadMeta& read, ReplyBody& reply);
  template <typename Other>
  int run(const Other& request, ReplyBody& reply);

  int open_cursor(MDB_dbi dbi, CursorPtr& cursor);
  int first(MDB_cursor* cursor, Range& range);
  int next(MDB_cursor* cursor, Range& range, MDB_cursor_op op);
  int read_change(Slot slot, ByteSpan key, ByteSpan value, std::optional<SequencedChange>& out);
  [[nodiscard]] const StoredScope* find(ScopeId scope) const;

  const Environment& environment_;
  const ScopeTable& scopes_;
  TxnPtr txn_;
  std::uint64_t reserved_term_ = 0;
  Suspects suspects_;
};

}  // namespace hotpair::checkpoint::store
