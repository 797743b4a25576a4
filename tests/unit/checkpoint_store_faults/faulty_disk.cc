#include "tests/unit/checkpoint_store_faults/faulty_disk.h"

#include <linux/limits.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace hotpair::checkpoint::store::test {
namespace {

// Nothing here allocates or locks: the calls come from any thread and any library.
struct Fault {
  std::atomic<bool> armed = false;
  char part[PATH_MAX] = {};
  std::atomic<int> write_error = 0;
  std::atomic<int> sync_error = 0;
  std::atomic<long> delay_ms = 0;
  std::atomic<unsigned long> calls = 0;
};
Fault fault;

bool is_on_it(int fd) {
  if (!fault.armed) return false;
  char link[64];
  char path[PATH_MAX];
  static_cast<void>(std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd));
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return std::strstr(path, fault.part) != nullptr;
}

/// The errno that the call ends with; 0: it goes on to the kernel.
int meet(int fd, bool sync) {
  const int before = errno;
  if (!is_on_it(fd)) {
    errno = before;
    return 0;
  }
  ++fault.calls;
  if (const long ms = fault.delay_ms; ms > 0) {
    timespec time{ms / 1000, ms % 1000 * 1'000'000};
    while (::nanosleep(&time, &time) != 0) {
    }
  }
  errno = before;
  return sync ? fault.sync_error : fault.write_error;
}

}  // namespace

FaultyDisk::FaultyDisk(const std::string& part) {
  static_cast<void>(std::snprintf(fault.part, sizeof fault.part, "%s", part.c_str()));
  fault.write_error = 0;
  fault.sync_error = 0;
  fault.delay_ms = 0;
  fault.calls = 0;
  fault.armed = true;
}
FaultyDisk::~FaultyDisk() { fault.armed = false; }
void FaultyDisk::fail_writes(int error) { fault.write_error = error; }
void FaultyDisk::fail_syncs(int error) { fault.sync_error = error; }
void FaultyDisk::delay(std::chrono::milliseconds time) { fault.delay_ms = time.count(); }
unsigned long FaultyDisk::calls() const { return fault.calls; }

}  // namespace hotpair::checkpoint::store::test

// The program's own symbols come before those of the libraries.
extern "C" {

using hotpair::checkpoint::store::test::meet;

ssize_t write(int fd, const void* data, size_t size) {
  if (const int error = meet(fd, false)) {
    errno = error;
    return -1;
  }
  return ::syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (const int error = meet(fd, false)) {
    errno = error;
    return -1;
  }
  return ::syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t writev(int fd, const iovec* parts, int count) {
  if (const int error = meet(fd, false)) {
    errno = error;
    return -1;
  }
  return ::syscall(SYS_writev, fd, parts, count);
}

int fsync(int fd) {
  if (const int error = meet(fd, true)) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
  if (const int error = meet(fd, true)) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
}
