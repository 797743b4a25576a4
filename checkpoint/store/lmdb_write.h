#pragma once

#include <map>
#include <optional>
#include <vector>

#include "checkpoint/record/store_port.h"
#include "checkpoint/store/lmdb_env.h"

namespace hotpair::checkpoint::store {

using ReplyBody = decltype(StoreReply::body);

/// What a write found damaged and dropped.
struct Damage {
  std::uint64_t records = 0;
  std::uint64_t index_entries = 0;
};

/// One write transaction over any number of requests. The scopes as committed are copied when they
/// are first touched, so dropping the object leaves everything as it was.
class WriteBatch {
 public:
  WriteBatch(const Environment& environment, const ScopeTable& scopes);
  ~WriteBatch();
  WriteBatch(const WriteBatch&) = delete;
  WriteBatch& operator=(const WriteBatch&) = delete;

  // All return LMDB's code; after anything but 0 the batch can only be dropped.
  [[nodiscard]] int begin();
  [[nodiscard]] int execute(const StoreRequest& request, ReplyBody& reply);
  /// Drops damaged records of a scope and counts its digests anew.
  [[nodiscard]] int recount(ScopeId scope);
  [[nodiscard]] int drop_index_entry(ByteSpan index_key);
  /// Writes the meta of touched scopes, commits, and brings `scopes` up to date.
  [[nodiscard]] int commit(ScopeTable& scopes);
  [[nodiscard]] const Damage& damage() const { return damage_; }

 private:
  struct Existing;  // the record under the cursor while a range is replaced

  StoredScope* find(ScopeId scope);
  /// Finds or makes; nullptr when no slot is left.
  StoredScope* obtain(ScopeId scope);
  [[nodiscard]] bool has_highest_slot(Slot slot) const;

  int run(const PutChanges& put, ReplyBody& reply);
  int run(const ReplaceRange& replace, ReplyBody& reply);
  int run(const PutMeta& put, ReplyBody& reply);
  int run(const DropScope& drop, ReplyBody& reply);
  int run(const RaiseFloor& raise, ReplyBody& reply);
  template <typename Other>
  int run(const Other& request, ReplyBody& reply);

  int apply(StoredScope& scope, const SequencedChange& change, bool append);
  int forget_old(StoredScope& scope, const RecordKey& key, ByteSpan raw, bool erase);
  int put_index(Slot slot, const SequencedChange& change, ByteSpan raw, bool append);
  int put_record(ByteSpan raw, Sequence sequence, const RecordValue& value);
  int drop_sequence(Slot slot, Sequence sequence);
  int dig_up(Slot slot, ByteSpan raw);

  int seek(MDB_cursor* cursor, Slot slot, const std::optional<RecordKey>& after, Existing& at);
  int advance(MDB_cursor* cursor, Existing& at, MDB_cursor_op op);
  int remove_existing(StoredScope& scope, Existing& at, std::vector<RecordKey>* removed);
  int replace_existing(StoredScope& scope, Existing& at, const Record& record);
  int clear_graves(Slot slot, const ReplaceRange& replace);
  int truncate_index(StoredScope& scope, Sequence last);
  int sweep(StoredScope& scope);
  int erase_slot(MDB_dbi dbi, Slot slot);

  const Environment& environment_;
  const ScopeTable& committed_;
  std::map<ScopeId, std::optional<StoredScope>> touched_;  // nullopt: dropped
  bool recount_needed_ = false;  // the request met a damaged record
  TxnPtr txn_;
  MDB_cursor* records_ = nullptr;  // closed by the transaction
  Bytes buffer_;
  Damage damage_;
};

/// An empty reply of the kind that a committed write gets.
[[nodiscard]] ReplyBody committed_reply(ScopeId scope, const StoredScope* stored);

}  // namespace hotpair::checkpoint::store
