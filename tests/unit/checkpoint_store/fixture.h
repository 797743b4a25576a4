#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <variant>

#include "checkpoint/record/digest.h"
#include "checkpoint/store/lmdb_store.h"
#include "checkpoint/store/memory_store.h"

namespace hotpair::checkpoint::store::test {

/// A directory of its own, removed at the end.
class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "hotpair-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline StoreOptions options_for(const std::filesystem::path& directory) {
  StoreOptions options;
  options.directory = directory;
  options.map_bytes = std::uint64_t{256} << 20U;
  options.boot_id = "boot-1";
  options.node = NodeId(7);
  options.since_boot = std::chrono::seconds(1000);
  return options;
}

inline std::unique_ptr<LmdbStore> open_lmdb(const StoreOptions& options) {
  auto store = LmdbStore::open(options);
  EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().detail);
  return store ? std::move(*store) : nullptr;
}

inline Bytes text_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

inline RecordKey key(std::string_view name, std::uint8_t database = 16) {
  return {database, VrfId(0), Family::ipv4, text_bytes(name)};
}
inline RecordValue value(std::string_view text) { return {1, text_bytes(text)}; }
inline Record record(std::string_view name, std::string_view text, std::uint8_t database = 16) {
  return {key(name, database), value(text)};
}
inline SequencedChange put(std::uint64_t sequence, std::string_view name, std::string_view text,
                           std::uint8_t database = 16) {
  return {Sequence(sequence), {key(name, database), value(text)}};
}
inline SequencedChange gone(std::uint64_t sequence, std::string_view name,
                            std::uint8_t database = 16) {
  return {Sequence(sequence), {key(name, database), std::nullopt}};
}
inline Epoch epoch(std::uint64_t counter, std::uint32_t restarts = 0) {
  return {{counter, NodeId(1)}, restarts};
}

template <typename Body>
StoreReply ask(StoreExecutor& store, Body body, RequestId id = 1) {
  const StoreRequest request{id, std::move(body)};
  auto replies = store.execute({&request, 1});
  EXPECT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies.front().id, id);
  return std::move(replies.front());
}
/// The reply's body, which must be of the given kind.
template <typename Kind, typename Body>
Kind expect(StoreExecutor& store, Body body) {
  StoreReply reply = ask(store, std::move(body));
  if (const auto* failed = std::get_if<StoreFailed>(&reply.body);
      failed && !std::is_same_v<Kind, StoreFailed>)
    ADD_FAILURE() << failed->error.detail;
  EXPECT_TRUE(std::holds_alternative<Kind>(reply.body)) << reply.body.index();
  auto* kind = std::get_if<Kind>(&reply.body);
  return kind ? std::move(*kind) : Kind{};
}

inline Digest sum(std::initializer_list<Record> records) {
  Digest digest;
  for (const Record& one : records) digest = add(digest, digest_of(one.key, one.value));
  return digest;
}


}  // namespace hotpair::checkpoint::store::test
