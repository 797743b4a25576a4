#include "checkpoint/store/lmdb_env.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace hotpair::checkpoint::store {
namespace {

// No lock file: LMDB writes to it through a map, and on a full disk that is a SIGBUS. The life file
// keeps other processes out, and within this one no read transaction is open across a write.
constexpr unsigned kFlags = MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD | MDB_NOSUBDIR | MDB_NOLOCK;
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "hotpair 1";

}  // namespace

MDB_val to_val(ByteSpan span) {
  // LMDB takes non-const pointers for input too, and does not write through them.
  return {span.size(), const_cast<std::byte*>(span.data())};
}

ByteSpan to_span(const MDB_val& val) {
  return {static_cast<const std::byte*>(val.mv_data), val.mv_size};
}

Error lmdb_error(int code, std::string_view what) {
  const bool full = code == MDB_MAP_FULL || code == MDB_TXN_FULL || code == ENOSPC ||
                    code == EDQUOT || code == EFBIG || code == ENOMEM;
  return {full ? ErrorCode::exhausted : ErrorCode::unavailable,
          std::string(what) + ": " + mdb_strerror(code)};
}

bool is_fatal(int code) {
  return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_PANIC || code == EIO;
}

Result<Environment> Environment::open(const std::filesystem::path& path, std::uint64_t map_bytes) {
  MDB_env* raw = nullptr;
  if (const int rc = mdb_env_create(&raw); rc != 0)
    return std::unexpected(lmdb_error(rc, "cannot make an LMDB environment"));
  Environment environment;
  environment.env_.reset(raw);
  int rc = mdb_env_set_mapsize(raw, map_bytes);
  if (rc == 0) rc = mdb_env_set_maxdbs(raw, 4);
  if (rc == 0) rc = mdb_env_open(raw, path.c_str(), kFlags, 0600);
  if (rc == 0) rc = environment.open_tables();
  if (rc == 0) return environment;
  Error error = lmdb_error(rc, path.string());
  const bool foreign = rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH || rc == MDB_CORRUPTED ||
                       rc == MDB_PAGE_NOTFOUND || rc == MDB_PANIC || rc == MDB_INCOMPATIBLE ||
                       rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE;
  if (foreign) error.code = ErrorCode::malformed;
  return std::unexpected(std::move(error));
}

int Environment::open_tables() {
  MDB_txn* raw = nullptr;
  if (const int rc = mdb_txn_begin(env_.get(), nullptr, 0, &raw); rc != 0) return rc;
  TxnPtr txn(raw);
  for (const auto& [name, dbi] : {std::pair{"records", &tables_.records},
                                  std::pair{"by_seq", &tables_.by_sequence},
                                  std::pair{"graves", &tables_.graves},
                                  std::pair{"meta", &tables_.meta}}) {
    if (const int rc = mdb_dbi_open(raw, name, MDB_CREATE, dbi); rc != 0) return rc;
    unsigned flags = 0;
    if (const int rc = mdb_dbi_flags(raw, *dbi, &flags); rc != 0) return rc;
    if (flags != 0) return MDB_INCOMPATIBLE;
  }
  MDB_val key = to_val(as_bytes(kFormatKey));
  MDB_val value;
  int rc = mdb_get(raw, tables_.meta, &key, &value);
  if (rc == MDB_NOTFOUND) {
    value = to_val(as_bytes(kFormat));
    rc = mdb_put(raw, tables_.meta, &key, &value, 0);
  } else if (rc == 0 && as_text(to_span(value)) != kFormat) {
    rc = MDB_VERSION_MISMATCH;
  }
  if (rc != 0) return rc;
  return mdb_txn_commit(txn.release());
}

Result<ScopeTable> Environment::load_scopes() const {
  MDB_txn* raw = nullptr;
  if (const int rc = mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &raw); rc != 0)
    return std::unexpected(lmdb_error(rc, "cannot read the meta table"));
  const TxnPtr txn(raw);
  MDB_cursor* raw_cursor = nullptr;
  if (const int rc = mdb_cursor_open(raw, tables_.meta, &raw_cursor); rc != 0)
    return std::unexpected(lmdb_error(rc, "cannot read the meta table"));
  const CursorPtr cursor(raw_cursor);
  ScopeTable scopes;
  MDB_val key;
  MDB_val value;
  int rc = 0;
  while ((rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_NEXT)) == 0) {
    if (as_text(to_span(key)) == kFormatKey) continue;
    const auto scope = decode_meta_key(to_span(key));
    auto stored = scope ? decode_scope(*scope, to_span(value)) : std::nullopt;
    if (!stored) return fail(ErrorCode::malformed, "a row of the meta table is damaged");
    for (const auto& [other, state] : scopes)
      if (state.slot == stored->slot)
        return fail(ErrorCode::malformed, "two scopes have the same slot");
    scopes.emplace(*scope, std::move(*stored));
  }
  if (rc != MDB_NOTFOUND) {
    Error error = lmdb_error(rc, "cannot read the meta table");
    if (is_fatal(rc)) error.code = ErrorCode::malformed;
    return std::unexpected(std::move(error));
  }
  return scopes;
}

int Environment::told_apart(int code) const {
  constexpr off_t kProbeBytes = 64 * 1024;
  mdb_filehandle_t file = -1;
  struct stat info {};
  if (code != EIO || mdb_env_get_fd(env_.get(), &file) != 0 || ::fstat(file, &info) != 0)
    return code;
  if (::fallocate(file, 0, info.st_size, kProbeBytes) == 0) {
    static_cast<void>(!::ftruncate(file, info.st_size));
    return code;
  }
  const bool no_room = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return no_room ? errno : code;
}

std::uint64_t Environment::bytes_used() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  if (mdb_env_info(env_.get(), &info) != 0 || mdb_env_stat(env_.get(), &stat) != 0) return 0;
  return (info.me_last_pgno + 1) * std::uint64_t{stat.ms_psize};
}

}  // namespace hotpair::checkpoint::store
