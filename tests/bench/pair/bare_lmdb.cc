#include "tests/bench/pair/bare_lmdb.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "platform/io/clock.h"
#include "tests/bench/pair/bench_node.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

constexpr std::uint32_t kTransaction = 4096;

void must(int code) {
  if (code != 0) give_up(mdb_strerror(code));
}

}  // namespace

BareLmdb::BareLmdb(const std::filesystem::path& file) {
  must(mdb_env_create(&env_));
  must(mdb_env_set_mapsize(env_, std::size_t{1} << 34U));
  must(mdb_env_open(env_, file.c_str(), MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOLOCK | MDB_NORDAHEAD,
                    0600));
  MDB_txn* txn = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &txn));
  must(mdb_dbi_open(txn, nullptr, 0, &dbi_));
  must(mdb_txn_commit(txn));
}

BareLmdb::~BareLmdb() { mdb_env_close(env_); }

void BareLmdb::put(std::uint32_t first, std::uint32_t count) {
  MDB_txn* txn = nullptr;
  MDB_cursor* cursor = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &txn));
  must(mdb_cursor_open(txn, dbi_, &cursor));
  for (std::uint32_t n = first; n < first + count; ++n) {
    std::array<std::uint8_t, 22> key{};
    for (unsigned i = 0; i < 4; ++i)
      key[17 + i] = static_cast<std::uint8_t>((0xe1000000U + n) >> (24 - 8 * i));
    std::array<std::uint8_t, 46> value{};
    value[20] = static_cast<std::uint8_t>(n);
    MDB_val k{key.size(), key.data()};
    MDB_val v{value.size(), value.data()};
    must(mdb_cursor_put(cursor, &k, &v, 0));
  }
  mdb_cursor_close(cursor);
  must(mdb_txn_commit(txn));
}

double bare_lmdb(std::uint32_t count) {
  const Workspace workspace;
  BareLmdb store(workspace.path() / "bare.mdb");
  const TimePoint start = platform::io::now();
  for (std::uint32_t done = 0; done < count; done += kTransaction)
    store.put(done, std::min(kTransaction, count - done));
  return std::chrono::duration<double, std::milli>(platform::io::now() - start).count();
}

}  // namespace hotpair::bench
