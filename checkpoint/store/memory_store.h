#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "checkpoint/store/executor.h"
#include "checkpoint/store/store_rules.h"

namespace hotpair::checkpoint::store {

/// The store in memory: same requests, same answers as LmdbStore. For the simulator, for tests, and
/// for a daemon whose disk does not serve. A copy is what a crash would have left at that moment.
class MemoryStore final : public StoreExecutor {
 public:
  MemoryStore() = default;

  [[nodiscard]] std::vector<StoreReply> execute(std::span<const StoreRequest> requests) override;
  /// One request. It never waits and is committed at once.
  [[nodiscard]] StoreReply execute_one(const StoreRequest& request);
  void touch(Duration since_boot) override { last_alive_ = since_boot; }

  /// Last mark that touch() set.
  [[nodiscard]] Duration last_alive() const { return last_alive_; }
  /// What a reboot or a store set aside leaves: no records, only the reserved terms.
  void lose_records() { scopes_.clear(); }
  [[nodiscard]] std::size_t records() const;

 private:
  struct Entry {
    RecordValue value;
    Sequence sequence;  // 0: no index entry
  };
  struct IndexEntry {
    RecordKey key;
    bool tombstone = false;
  };
  struct Scope {
    ScopeState state;
    std::map<RecordKey, Entry> records;
    std::map<Sequence, IndexEntry> by_sequence;
    std::map<RecordKey, Sequence> graves;  // keys whose newest entry is a deletion
  };
  using Body = decltype(StoreReply::body);

  [[nodiscard]] Body run(const PutChanges& put);
  [[nodiscard]] Body run(const ReplaceRange& replace);
  [[nodiscard]] Body run(const PutMeta& put);
  [[nodiscard]] Body run(const ScanRecords& scan) const;
  [[nodiscard]] Body run(const ScanChanges& scan) const;
  [[nodiscard]] Body run(const SumRanges& sum) const;
  [[nodiscard]] Body run(const ReadMeta& read) const;
  [[nodiscard]] Body run(const DropScope& drop);
  [[nodiscard]] Body run(const ReserveTerm& reserve);
  [[nodiscard]] Body run(const RaiseFloor& raise);
  [[nodiscard]] Body committed(ScopeId scope) const;
  static void apply(Scope& scope, const SequencedChange& change);
  static void forget_index(Scope& scope, const RecordKey& key);

  std::map<ScopeId, Scope> scopes_;
  std::map<ScopeId, std::uint64_t> reserved_terms_;
  Duration last_alive_{};
};

}  // namespace hotpair::checkpoint::store
