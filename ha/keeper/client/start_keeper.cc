#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "ha/keeper/client/keeper_client.h"

namespace hotpair::ha::keeper {
namespace {

// In the grandchild: nothing but async-signal-safe calls, the caller may have threads.
[[noreturn]] void become_keeper(char* const* arguments, const char* log_file, int error_pipe) {
  sigset_t none;
  sigemptyset(&none);
  static_cast<void>(::sigprocmask(SIG_SETMASK, &none, nullptr));
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    static_cast<void>(::dup2(null, 0));
    static_cast<void>(::dup2(null, 1));
  }
  if (log_file != nullptr) {
    const int log = ::open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (log >= 0) static_cast<void>(::dup2(log, 2));
  }
  static_cast<void>(::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
  static_cast<void>(::execv(arguments[0], arguments));
  const int error = errno;
  static_cast<void>(!::write(error_pipe, &error, sizeof error));
  ::_exit(127);
}

}  // namespace

Result<void> start_keeper(const KeeperStart& start) {
  std::vector<std::string> words{start.program, "--socket", start.socket_path, "--log-level",
                                 start.log_level};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const char* log_file = start.log_file.empty() ? nullptr : start.log_file.c_str();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorCode::exhausted, std::strerror(errno));
  FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail(ErrorCode::exhausted, std::strerror(errno));
  if (child == 0) {
    static_cast<void>(::setsid());
    const pid_t grandchild = ::fork();
    if (grandchild == 0) become_keeper(arguments.data(), log_file, writer.get());
    ::_exit(grandchild < 0 ? 1 : 0);
  }
  writer.reset();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  int error = 0;
  const ssize_t got = ::read(reader.get(), &error, sizeof error);  // end of file: it was executed
  if (got == static_cast<ssize_t>(sizeof error))
    return fail(ErrorCode::unavailable, start.program + ": " + std::strerror(error));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(ErrorCode::exhausted, "the keeper could not be forked");
  return {};
}

}  // namespace hotpair::ha::keeper
