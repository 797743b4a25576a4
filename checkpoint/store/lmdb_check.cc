// Walks an environment in a child process: LMDB does not check its pages, so a damaged file can
// crash or hang whoever reads it.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "checkpoint/store/files.h"
#include "checkpoint/store/lmdb_env.h"
#include "checkpoint/store/page_check.h"

namespace hotpair::checkpoint::store {
namespace {

enum Verdict : int { kGood = 0, kBadPage = 10, kCannotOpen, kBadTable, kBadEntry, kBadFreeList };

/// The structure first: LMDB may be let loose only on pages that are sound.
bool pages_are_sound(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.open() || ::fstat(file.get(), &info) != 0) return false;
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return true;  // LMDB makes a new environment of it
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (map == MAP_FAILED) return false;
  const bool sound = check_pages({static_cast<const std::byte*>(map), size}).empty();
  ::munmap(map, size);
  return sound;
}

/// Reads every byte of every entry; `plausible` judges the sizes of one.
template <typename Plausible>
bool walk(MDB_txn* txn, MDB_dbi dbi, Plausible&& plausible) {
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn, dbi, &cursor) != 0) return false;
  MDB_val key;
  MDB_val value;
  unsigned sum = 0;
  int rc = 0;
  while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    for (const std::byte byte : to_span(key)) sum += std::to_integer<unsigned>(byte);
    for (const std::byte byte : to_span(value)) sum += std::to_integer<unsigned>(byte);
    if (!plausible(key.mv_size, value.mv_size)) return false;
  }
  volatile unsigned sink = sum;
  static_cast<void>(sink);
  mdb_cursor_close(cursor);
  return rc == MDB_NOTFOUND;
}

/// A put in every table makes LMDB use its free list; the transaction is then dropped.
bool trial_write(MDB_env* env, const Environment::Tables& tables) {
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(env, nullptr, 0, &txn) != 0) return false;
  std::array<std::byte, 12> bytes{};
  for (const MDB_dbi dbi : {tables.records, tables.by_sequence, tables.graves, tables.meta}) {
    MDB_val key = to_val(bytes);
    MDB_val value = to_val(bytes);
    if (const int rc = mdb_put(txn, dbi, &key, &value, 0); rc != 0 && rc != MDB_MAP_FULL)
      return false;
  }
  mdb_txn_abort(txn);
  return true;
}

Verdict check(const std::filesystem::path& path, std::uint64_t map_bytes) {
  if (!pages_are_sound(path)) return kBadPage;
  auto environment = Environment::open(path, map_bytes);
  if (!environment) return kCannotOpen;
  if (!environment->load_scopes()) return kBadTable;
  const Environment::Tables& tables = environment->tables();
  {
    MDB_txn* raw = nullptr;
    if (mdb_txn_begin(environment->get(), nullptr, MDB_RDONLY, &raw) != 0) return kCannotOpen;
    const TxnPtr txn(raw);
    const auto any = [](std::size_t, std::size_t) { return true; };
    const auto sane = [](std::size_t key, std::size_t value) {
      return key <= kRawKeyBytesMax && value <= 2 * kRecordBytesMax;
    };
    constexpr MDB_dbi kFreeList = 0;
    if (!walk(raw, kFreeList, any)) return kBadFreeList;
    for (const MDB_dbi dbi : {tables.records, tables.by_sequence, tables.graves, tables.meta})
      if (!walk(raw, dbi, sane)) return kBadEntry;
  }
  return trial_write(environment->get(), tables) ? kGood : kBadFreeList;
}

[[noreturn]] void run_child(const std::filesystem::path& path, std::uint64_t map_bytes) {
  // Crashes here are expected: no core, no word, no handler of the parent's.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(number, SIG_DFL);
  if (const int null = ::open("/dev/null", O_RDWR); null >= 0) {
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
  }
  ::_exit(check(path, map_bytes));
}

std::string describe(int status) {
  if (WIFSIGNALED(status))
    return "reading it ends with signal " + std::to_string(WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
    case kGood: return "";
    case kCannotOpen: return "it does not open";
    case kBadPage: return "its pages are damaged";
    case kBadTable: return "its meta table is damaged";
    case kBadEntry: return "a table of it does not read to the end";
    case kBadFreeList: return "its list of free pages is damaged";
    default: return "reading it fails";
  }
}

}  // namespace

std::string check_in_helper(const std::filesystem::path& path, std::uint64_t map_bytes,
                            Duration limit) {
  const pid_t child = ::fork();
  if (child < 0) return "no helper process can be started to check it";
  if (child == 0) run_child(path, map_bytes);
  // glibc 2.36 declares pidfd_open() without extern "C".
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  bool ended = false;
  if (handle.open()) {
    pollfd wait{handle.get(), POLLIN, 0};
    const auto limit_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
    ended = ::poll(&wait, 1, static_cast<int>(limit_ms)) == 1;
  }
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return ended ? describe(status) : "reading it does not come to an end";
}

}  // namespace hotpair::checkpoint::store
