// The same cases against both stores: they answer alike.
#include <algorithm>

#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

const ScopeId kScope{17};

struct OnDisk {
  TempDirectory directory;
  std::unique_ptr<LmdbStore> store = open_lmdb(options_for(directory.path()));
  StoreExecutor& get() { return *store; }
};
struct InMemory {
  MemoryStore store;
  StoreExecutor& get() { return store; }
};

template <typename Where>
class Contract : public ::testing::Test {
 protected:
  StoreExecutor& store() { return where_.get(); }
  Committed put_all(std::vector<SequencedChange> changes, std::uint64_t term = 1) {
    return expect<Committed>(store(), PutChanges{kScope, epoch(term), std::move(changes)});
  }
  ScopeMeta meta(ScopeId scope = kScope) {
    return expect<MetaRead>(store(), ReadMeta{scope}).meta;
  }
  std::vector<Record> records(ScopeId scope = kScope) {
    return expect<RecordSlice>(store(), ScanRecords{scope, {}, {}, 1000, 1U << 20U}).records;
  }
  std::vector<SequencedChange> changes(std::uint64_t after = 0) {
    return expect<ChangeSlice>(store(), ScanChanges{kScope, Sequence(after), 1000, 1U << 20U})
        .changes;
  }

 private:
  Where where_;
};
using Stores = ::testing::Types<OnDisk, InMemory>;
TYPED_TEST_SUITE(Contract, Stores);

TYPED_TEST(Contract, an_unknown_scope_is_empty) {
  EXPECT_EQ(this->meta(), ScopeMeta{});
  EXPECT_TRUE(this->records().empty());
  EXPECT_TRUE(this->changes().empty());
  const auto sums = expect<RangeSums>(this->store(), SumRanges{kScope, {}, {}, 8}).sums;
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0], RangeSum{});
}

TYPED_TEST(Contract, a_put_is_stored_indexed_and_summed) {
  const auto done = this->put_all({put(1, "b", "one"), put(2, "a", "two")});
  EXPECT_EQ(done.last, Sequence(2));
  EXPECT_EQ(this->records(), (std::vector{record("a", "two"), record("b", "one")}));
  EXPECT_EQ(this->changes(), (std::vector{put(1, "b", "one"), put(2, "a", "two")}));
  ASSERT_EQ(done.digests.size(), 1U);
  EXPECT_EQ(done.digests[0].records, 2U);
  EXPECT_EQ(done.digests[0].digest, sum({record("a", "two"), record("b", "one")}));
}

TYPED_TEST(Contract, an_update_moves_the_key_to_the_end) {
  this->put_all({put(1, "a", "one"), put(2, "b", "two"), put(3, "a", "three")});
  EXPECT_EQ(this->changes(), (std::vector{put(2, "b", "two"), put(3, "a", "three")}));
  EXPECT_EQ(this->meta().digests[0].digest, sum({record("a", "three"), record("b", "two")}));
}

TYPED_TEST(Contract, a_deletion_leaves_one_entry_even_when_repeated) {
  this->put_all({put(1, "a", "one"), gone(2, "a"), gone(3, "a"), gone(4, "never-there")});
  EXPECT_TRUE(this->records().empty());
  EXPECT_EQ(this->changes(), (std::vector{gone(3, "a"), gone(4, "never-there")}));
  EXPECT_TRUE(this->meta().digests.empty());
}

TYPED_TEST(Contract, a_key_that_returns_supersedes_its_deletion) {
  this->put_all({put(1, "a", "one"), gone(2, "a"), put(3, "a", "again")});
  EXPECT_EQ(this->changes(), (std::vector{put(3, "a", "again")}));
  EXPECT_EQ(this->records(), (std::vector{record("a", "again")}));
}

TYPED_TEST(Contract, old_sequences_are_ignored_and_gaps_are_fine) {
  this->put_all({put(5, "a", "five"), put(9, "b", "nine")});
  const auto done = this->put_all({put(5, "a", "stale"), put(12, "c", "twelve")});
  EXPECT_EQ(done.last, Sequence(12));
  EXPECT_EQ(this->changes(),
            (std::vector{put(5, "a", "five"), put(9, "b", "nine"), put(12, "c", "twelve")}));
}

TYPED_TEST(Contract, unordered_sequences_are_refused_whole) {
  const auto failed = expect<StoreFailed>(
      this->store(), PutChanges{kScope, epoch(1), {put(2, "a", "x"), put(2, "b", "y")}});
  EXPECT_EQ(failed.error.code, ErrorCode::refused);
  EXPECT_TRUE(this->records().empty());
  EXPECT_EQ(this->meta(), ScopeMeta{});
  expect<StoreFailed>(this->store(), PutChanges{kScope, epoch(1), {put(0, "a", "zero")}});
}

TYPED_TEST(Contract, oversized_keys_and_records_are_refused) {
  const std::string long_key(kKeyBytesMax + 1, 'k');
  const std::string long_value(kRecordBytesMax, 'v');
  expect<StoreFailed>(this->store(), PutChanges{kScope, epoch(1), {put(1, long_key, "v")}});
  expect<StoreFailed>(this->store(), PutChanges{kScope, epoch(1), {put(1, "k", long_value)}});
  expect<StoreFailed>(this->store(), ReplaceRange{kScope, {}, {}, {record("k", long_value)}});
  SequencedChange odd = put(1, "k", "v");
  odd.change.key.family = static_cast<Family>(5);
  expect<StoreFailed>(this->store(), PutChanges{kScope, epoch(1), {odd}});
  this->put_all({put(1, std::string(kKeyBytesMax, 'k'),
                     std::string(kRecordBytesMax - kKeyBytesMax, 'v'))});
  EXPECT_EQ(this->records().size(), 1U);
}

TYPED_TEST(Contract, epochs_make_a_history) {
  this->put_all({put(1, "a", "x"), put(2, "b", "x")}, 1);
  this->put_all({put(3, "c", "x")}, 4);
  this->put_all({}, 6);
  const EpochHistory expected{{epoch(1), Sequence(0)}, {epoch(4), Sequence(2)},
                              {epoch(6), Sequence(3)}};
  EXPECT_EQ(this->meta().history, expected);
  const auto old = expect<StoreFailed>(this->store(),
                                       PutChanges{kScope, epoch(5), {put(4, "d", "x")}});
  EXPECT_EQ(old.error.code, ErrorCode::refused);
  expect<StoreFailed>(this->store(), PutChanges{kScope, epoch(7), {put(3, "d", "x")}});
  EXPECT_EQ(this->meta().history, expected);
}

TYPED_TEST(Contract, the_history_keeps_the_newest_64_epochs) {
  for (std::uint64_t term = 1; term <= kEpochsKept + 6; ++term)
    this->put_all({put(term, "a", "x")}, term);
  const ScopeMeta meta = this->meta();
  ASSERT_EQ(meta.history.size(), kEpochsKept);
  EXPECT_EQ(meta.history.front().epoch, epoch(7));
  EXPECT_EQ(meta.history.back().epoch, epoch(kEpochsKept + 6));
}

TYPED_TEST(Contract, replace_range_tells_what_did_not_come) {
  this->put_all({put(1, "a", "1"), put(2, "b", "2"), put(3, "c", "3"), put(4, "d", "4"),
                 put(5, "e", "5")});
  const auto done = expect<RangeReplaced>(
      this->store(), ReplaceRange{kScope, key("a"), key("d"),
                                  {record("b", "2"), record("bb", "new"), record("d", "other")}});
  EXPECT_EQ(done.removed, (std::vector{key("c")}));
  EXPECT_EQ(this->records(),
            (std::vector{record("a", "1"), record("b", "2"), record("bb", "new"),
                         record("d", "other"), record("e", "5")}));
  // Only what lies outside the range is still in the index.
  EXPECT_EQ(this->changes(), (std::vector{put(1, "a", "1"), put(5, "e", "5")}));
  EXPECT_EQ(done.digests[0].digest,
            sum({record("a", "1"), record("b", "2"), record("bb", "new"), record("d", "other"),
                 record("e", "5")}));
  EXPECT_EQ(this->meta().last, Sequence(5));
}

TYPED_TEST(Contract, replace_without_bounds_replaces_all_databases) {
  this->put_all({put(1, "a", "1", 6), put(2, "b", "2", 16), put(3, "c", "3", 99)});
  const auto done =
      expect<RangeReplaced>(this->store(), ReplaceRange{kScope, {}, {}, {record("b", "2", 16)}});
  EXPECT_EQ(done.removed, (std::vector{key("a", 6), key("c", 99)}));
  ASSERT_EQ(done.digests.size(), 1U);
  EXPECT_EQ(done.digests[0].database, 16);
  EXPECT_TRUE(this->changes().empty());
}

TYPED_TEST(Contract, replace_forgets_deletions_in_its_range_only) {
  this->put_all({put(1, "b", "x"), gone(2, "b"), gone(3, "z")});
  expect<RangeReplaced>(this->store(),
                        ReplaceRange{kScope, {}, key("m"), {record("b", "back")}});
  EXPECT_EQ(this->changes(), (std::vector{gone(3, "z")}));
  EXPECT_EQ(this->records(), (std::vector{record("b", "back")}));
}

TYPED_TEST(Contract, replace_checks_order_and_bounds) {
  const auto refused = [this](ReplaceRange replace) {
    expect<StoreFailed>(this->store(), std::move(replace));
  };
  refused({kScope, {}, {}, {record("b", "x"), record("a", "x")}});
  refused({kScope, {}, {}, {record("a", "x"), record("a", "x")}});
  refused({kScope, key("a"), {}, {record("a", "x")}});
  refused({kScope, {}, key("a"), {record("b", "x")}});
  refused({kScope, key("b"), key("a"), {}});
  EXPECT_EQ(this->meta(), ScopeMeta{});
}

TYPED_TEST(Contract, a_change_after_bulk_enters_the_index) {
  expect<RangeReplaced>(this->store(),
                        ReplaceRange{kScope, {}, {}, {record("a", "1"), record("b", "2")}});
  expect<Committed>(this->store(),
                    PutMeta{kScope, {{{epoch(3), Sequence(0)}}, Sequence(40), Sequence(40), false,
                                     {}}});
  this->put_all({put(41, "a", "newer"), gone(42, "b")}, 3);
  EXPECT_EQ(this->changes(40), (std::vector{put(41, "a", "newer"), gone(42, "b")}));
  EXPECT_EQ(this->meta().floor, Sequence(40));
}

TYPED_TEST(Contract, put_meta_keeps_digests_and_forgets_the_tail) {
  this->put_all({put(1, "a", "1"), put(2, "b", "2"), gone(3, "c"), put(4, "d", "4")});
  const auto digests = this->meta().digests;
  const ScopeMeta lower{{{epoch(2), Sequence(1)}}, Sequence(2), Sequence(1), true, {}};
  expect<Committed>(this->store(), PutMeta{kScope, lower});
  ScopeMeta expected = lower;
  expected.digests = digests;
  EXPECT_EQ(this->meta(), expected);
  EXPECT_EQ(this->changes(), (std::vector{put(1, "a", "1"), put(2, "b", "2")}));
  // The sequences are free again, and the records that had them are moved as usual.
  this->put_all({put(3, "x", "new"), put(4, "d", "again")}, 2);
  EXPECT_EQ(this->changes(2), (std::vector{put(3, "x", "new"), put(4, "d", "again")}));
}

TYPED_TEST(Contract, put_meta_checks_its_history) {
  const ScopeMeta falling{{{epoch(2), Sequence(0)}, {epoch(1), Sequence(1)}}, {}, {}, false, {}};
  expect<StoreFailed>(this->store(), PutMeta{kScope, falling});
  ScopeMeta many;
  for (std::uint64_t i = 0; i <= kEpochsKept; ++i) many.history.push_back({epoch(i), Sequence(i)});
  expect<StoreFailed>(this->store(), PutMeta{kScope, many});
}

TYPED_TEST(Contract, scans_stop_at_their_limits_and_go_on_after) {
  this->put_all({put(1, "a", "1"), put(2, "b", "2"), put(3, "c", "3")});
  auto slice = expect<RecordSlice>(this->store(), ScanRecords{kScope, {}, {}, 2, 1U << 20U});
  EXPECT_EQ(slice.records, (std::vector{record("a", "1"), record("b", "2")}));
  EXPECT_FALSE(slice.done);
  slice = expect<RecordSlice>(this->store(), ScanRecords{kScope, key("b"), {}, 2, 1U << 20U});
  EXPECT_EQ(slice.records, (std::vector{record("c", "3")}));
  EXPECT_TRUE(slice.done);
  slice = expect<RecordSlice>(this->store(), ScanRecords{kScope, key("aa"), key("b"), 5, 1000});
  EXPECT_EQ(slice.records, (std::vector{record("b", "2")}));
  EXPECT_TRUE(slice.done);
  slice = expect<RecordSlice>(this->store(), ScanRecords{kScope, {}, {}, 0, 0});
  EXPECT_EQ(slice.records.size(), 1U);
  auto changes = expect<ChangeSlice>(this->store(), ScanChanges{kScope, Sequence(0), 1000, 1});
  EXPECT_EQ(changes.changes.size(), 1U);
  EXPECT_FALSE(changes.done);
  changes = expect<ChangeSlice>(this->store(), ScanChanges{kScope, Sequence(2), 1, 1});
  EXPECT_EQ(changes.changes.size(), 1U);
  EXPECT_TRUE(changes.done);
}

TYPED_TEST(Contract, scopes_do_not_see_each_other) {
  const ScopeId other{3};
  this->put_all({put(1, "a", "1")});
  expect<Committed>(this->store(), PutChanges{other, epoch(1), {put(1, "a", "other")}});
  expect<RangeReplaced>(this->store(), ReplaceRange{kScope, {}, {}, {}});
  EXPECT_TRUE(this->records().empty());
  EXPECT_EQ(this->records(other), (std::vector{record("a", "other")}));
  expect<Committed>(this->store(), DropScope{other});
  EXPECT_TRUE(this->records(other).empty());
  EXPECT_EQ(this->meta(other), ScopeMeta{});
  expect<Committed>(this->store(), PutChanges{ScopeId(99), epoch(1), {put(1, "n", "new")}});
  EXPECT_EQ(this->records(ScopeId(99)), (std::vector{record("n", "new")}));
}

TYPED_TEST(Contract, raising_the_floor_drops_old_deletions_alone) {
  this->put_all({put(1, "a", "1"), gone(2, "b"), gone(3, "c"), put(4, "d", "4"), gone(5, "e")});
  expect<Committed>(this->store(), RaiseFloor{kScope, Sequence(3)});
  EXPECT_EQ(this->meta().floor, Sequence(3));
  EXPECT_EQ(this->changes(), (std::vector{put(1, "a", "1"), put(4, "d", "4"), gone(5, "e")}));
  expect<Committed>(this->store(), RaiseFloor{kScope, Sequence(1)});
  EXPECT_EQ(this->meta().floor, Sequence(3));
  expect<Committed>(this->store(), RaiseFloor{kScope, Sequence(1000)});
  EXPECT_EQ(this->meta().floor, Sequence(5));
  EXPECT_EQ(this->changes(), (std::vector{put(1, "a", "1"), put(4, "d", "4")}));
}

TYPED_TEST(Contract, one_raise_does_bounded_work) {
  std::vector<SequencedChange> many;
  const std::uint64_t count = kSweepEntriesMax + 100;
  for (std::uint64_t i = 1; i <= count; ++i) many.push_back(gone(i, "k" + std::to_string(i)));
  this->put_all(std::move(many));
  expect<Committed>(this->store(), RaiseFloor{kScope, Sequence(count)});
  EXPECT_EQ(this->changes().size(), 100U);
  expect<Committed>(this->store(), RaiseFloor{kScope, Sequence(count)});
  EXPECT_TRUE(this->changes().empty());
}

TYPED_TEST(Contract, sums_divide_the_range_evenly) {
  std::vector<SequencedChange> many;
  for (std::uint64_t i = 1; i <= 100; ++i)
    many.push_back(put(i, std::to_string(1000 + i), "v" + std::to_string(i)));
  const auto done = this->put_all(std::move(many));
  const auto sums = expect<RangeSums>(this->store(), SumRanges{kScope, {}, {}, 8}).sums;
  ASSERT_EQ(sums.size(), 7U);  // of 16, the last of 4
  Digest digest;
  std::uint64_t count = 0;
  for (const RangeSum& one : sums) {
    digest = add(digest, one.digest);
    count += one.records;
  }
  EXPECT_EQ(digest, done.digests[0].digest);
  EXPECT_EQ(count, 100U);
  EXPECT_EQ(sums[0].records, 16U);
  EXPECT_EQ(sums[0].through, key("1016"));
  EXPECT_FALSE(sums.back().through.has_value());
  const auto part =
      expect<RangeSums>(this->store(), SumRanges{kScope, key("1016"), key("1020"), 2}).sums;
  ASSERT_EQ(part.size(), 2U);
  EXPECT_EQ(part[0].through, key("1018"));
  EXPECT_EQ(part[1].through, key("1020"));
}

TYPED_TEST(Contract, reserved_terms_only_rise_and_outlive_the_scope) {
  expect<Committed>(this->store(), ReserveTerm{kScope, 70});
  expect<Committed>(this->store(), ReserveTerm{kScope, 64});
  expect<Committed>(this->store(), DropScope{kScope});
  EXPECT_EQ(expect<MetaRead>(this->store(), ReadMeta{kScope}).reserved_term, 70U);
  EXPECT_EQ(expect<MetaRead>(this->store(), ReadMeta{ScopeId(1)}).reserved_term, 0U);
}

TYPED_TEST(Contract, a_batch_is_answered_in_order_and_a_bad_one_fails_alone) {
  const std::vector<StoreRequest> requests{
      {11, PutChanges{kScope, epoch(1), {put(1, "a", "1")}}},
      {12, PutChanges{kScope, epoch(1), {put(3, "b", "2"), put(2, "c", "3")}}},
      {13, ReadMeta{kScope}},
      {14, ReserveTerm{kScope, 5}},
      {15, PutChanges{kScope, epoch(1), {put(4, "d", "4")}}},
  };
  const auto replies = this->store().execute(requests);
  ASSERT_EQ(replies.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(replies[i].id, 11 + i);
  EXPECT_EQ(std::get<Committed>(replies[0].body).last, Sequence(1));
  EXPECT_TRUE(std::holds_alternative<StoreFailed>(replies[1].body));
  EXPECT_EQ(std::get<MetaRead>(replies[2].body).meta.last, Sequence(1));
  EXPECT_EQ(std::get<Committed>(replies[4].body).last, Sequence(4));
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
