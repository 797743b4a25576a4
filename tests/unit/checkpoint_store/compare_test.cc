// Random requests to both stores: every answer is the same. The one on disk is reopened now and
// then, as after a killed process.
#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>

#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

std::string text(const RecordKey& key) {
  return fmt::format("{}/{}/{}/{}", key.database, key.vrf.value(),
                     static_cast<unsigned>(key.family), as_text(key.key));
}
std::string text(const std::vector<DatabaseDigest>& digests) {
  std::string out;
  for (const auto& d : digests)
    out += fmt::format(" [{} n={} {:016x}{:016x}]", d.database, d.records, d.digest.high,
                       d.digest.low);
  return out;
}
std::string text(const RecordValue& value) {
  return fmt::format("v{}:{}", value.schema_version, as_text(value.bytes));
}

struct Describe {
  std::string operator()(const Committed& c) const {
    return fmt::format("committed {} last {}{}", c.scope.value(), c.last.value(), text(c.digests));
  }
  std::string operator()(const RangeReplaced& r) const {
    std::string out = fmt::format("replaced {}{} removed", r.scope.value(), text(r.digests));
    for (const auto& key : r.removed) out += " " + text(key);
    return out;
  }
  std::string operator()(const RecordSlice& s) const {
    std::string out = fmt::format("records {} done {}", s.scope.value(), s.done);
    for (const auto& one : s.records) out += " " + text(one.key) + "=" + text(one.value);
    return out;
  }
  std::string operator()(const ChangeSlice& s) const {
    std::string out = fmt::format("changes {} done {}", s.scope.value(), s.done);
    for (const auto& one : s.changes)
      out += fmt::format(" {}:{}={}", one.sequence.value(), text(one.change.key),
                         one.change.value ? text(*one.change.value) : "gone");
    return out;
  }
  std::string operator()(const RangeSums& s) const {
    std::string out = fmt::format("sums {}", s.scope.value());
    for (const auto& one : s.sums)
      out += fmt::format(" ({} n={} {:016x}{:016x})", one.through ? text(*one.through) : "end",
                         one.records, one.digest.high, one.digest.low);
    return out;
  }
  std::string operator()(const MetaRead& m) const {
    std::string out =
        fmt::format("meta {} last {} floor {} incomplete {} term {}", m.scope.value(),
                    m.meta.last.value(), m.meta.floor.value(), m.meta.incomplete, m.reserved_term);
    for (const auto& start : m.meta.history)
      out += fmt::format(" {}@{}", to_string(start.epoch), start.begins_after.value());
    return out + text(m.meta.digests);
  }
  std::string operator()(const StoreFailed& f) const {
    return fmt::format("failed {} {}: {}", f.scope.value(), static_cast<int>(f.error.code),
                       f.error.detail);
  }
};

/// Requests with few keys, so that they meet each other often.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  StoreRequest next(RequestId id) {
    switch (pick(12)) {
      case 0: case 1: case 2: case 3: return {id, put()};
      case 4: case 5: return {id, replace()};
      case 6: return {id, ScanRecords{scope(), bound(), bound(), number(9), number(300)}};
      case 7: return {id, ScanChanges{scope(), Sequence(pick(last_ + 3)), number(9), number(300)}};
      case 8: return {id, SumRanges{scope(), bound(), bound(), number(6)}};
      case 9: return {id, ReadMeta{scope()}};
      case 10: return {id, RaiseFloor{scope(), Sequence(pick(last_ + 2))}};
      default: break;
    }
    if (pick(4) == 0) return {id, DropScope{scope()}};
    if (pick(2) == 0) return {id, ReserveTerm{scope(), pick(1000)}};
    const Sequence last(pick(last_ + 5));
    return {id, PutMeta{scope(), {{{epoch(1 + pick(term_ + 1)), Sequence(pick(last_ + 1))}}, last,
                                  Sequence(pick(last.value() + 1)), pick(2) == 0, {}}}};
  }

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

 private:
  std::uint32_t number(std::uint64_t below) { return static_cast<std::uint32_t>(pick(below)); }
  ScopeId scope() { return ScopeId(number(3)); }
  RecordKey any_key() {
    RecordKey key;
    key.database = pick(3) == 0 ? 6 : 16;
    key.vrf = VrfId(number(2));
    key.family = pick(2) == 0 ? Family::ipv4 : Family::ipv6;
    const std::uint64_t size = pick(4);
    for (std::uint64_t i = 0; i < size; ++i)
      key.key.push_back(static_cast<std::byte>("ab\xff"[pick(3)]));
    return key;
  }
  std::optional<RecordKey> bound() {
    if (pick(3) == 0) return std::nullopt;
    return any_key();
  }
  RecordValue any_value() {
    return {static_cast<std::uint16_t>(pick(2)), text_bytes(std::to_string(pick(5)))};
  }
  PutChanges put() {
    if (pick(10) == 0) ++term_;
    PutChanges put{scope(), epoch(pick(15) == 0 ? 1 : term_), {}};
    std::uint64_t sequence = last_ + 1 - std::min<std::uint64_t>(last_, pick(3));
    const std::uint64_t count = pick(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      RecordChange change{any_key(), std::nullopt};
      if (pick(3) != 0) change.value = any_value();
      put.changes.push_back({Sequence(sequence), std::move(change)});
      sequence += 1 + pick(pick(20) == 0 ? 1 : 3);
    }
    last_ = std::max(last_, sequence - 1);
    return put;
  }
  ReplaceRange replace() {
    ReplaceRange replace{scope(), bound(), bound(), {}};
    if (replace.after && replace.through && *replace.through < *replace.after && pick(8) != 0)
      std::swap(replace.after, replace.through);
    std::set<RecordKey> keys;
    const std::uint64_t count = pick(12);
    for (std::uint64_t i = 0; i < count; ++i) keys.insert(any_key());
    for (const RecordKey& key : keys) {
      const bool inside = (!replace.after || *replace.after < key) &&
                          (!replace.through || key <= *replace.through);
      if (inside || pick(60) == 0) replace.records.push_back({key, any_value()});
    }
    return replace;
  }

  std::mt19937_64 random_;
  std::uint64_t last_ = 0;
  std::uint64_t term_ = 1;
};

class Compare : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Compare, both_stores_answer_alike) {
  const TempDirectory directory;
  const StoreOptions options = options_for(directory.path());
  auto disk = open_lmdb(options);
  ASSERT_TRUE(disk);
  MemoryStore memory;
  Generator generator(GetParam());
  RequestId id = 0;
  std::size_t failed = 0;
  for (int round = 0; round < 150; ++round) {
    std::vector<StoreRequest> batch;
    const std::uint64_t size = 1 + generator.pick(12);
    for (std::uint64_t i = 0; i < size; ++i) batch.push_back(generator.next(++id));
    const auto on_disk = disk->execute(batch);
    const auto in_memory = memory.execute(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ASSERT_EQ(on_disk[i].id, in_memory[i].id);
      ASSERT_EQ(std::visit(Describe{}, on_disk[i].body), std::visit(Describe{}, in_memory[i].body))
          << "round " << round << " request " << i << " kind " << batch[i].body.index();
      failed += std::holds_alternative<StoreFailed>(on_disk[i].body) ? 1U : 0U;
    }
    if (generator.pick(20) == 0) {
      disk->abandon();
      disk = open_lmdb(options);
      ASSERT_TRUE(disk);
      ASSERT_EQ(disk->open_report().outcome, OpenReport::Outcome::restored);
    }
  }
  EXPECT_LT(failed, id / 4) << "the generator makes too many requests that are refused";
  EXPECT_EQ(disk->counters().bad_records, 0U);
  EXPECT_EQ(disk->counters().bad_index_entries, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Compare, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace hotpair::checkpoint::store::test
