#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "ha/keeper/main/keeper_messages.h"
#include "ha/keeper/main/keeper_process.h"
#include "platform/io/arguments.h"
#include "platform/io/log.h"

namespace {

using namespace hotpair;
using namespace hotpair::ha::keeper;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitAnotherRuns = 3;

struct Options {
  std::string socket = "/run/hotpair/keeper";
  std::string log_level = "info";
  bool foreground = false;
};

// A log that nobody reads must not stop the reflexes: where stderr is a pipe or a file it is opened
// anew without blocking.
int log_descriptor() {
  const int fd = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC);
  return fd >= 0 ? fd : STDERR_FILENO;
}

FileDescriptor take_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  static_cast<void>(::sigprocmask(SIG_BLOCK, &set, nullptr));
  static_cast<void>(::signal(SIGPIPE, SIG_IGN));
  static_cast<void>(::signal(SIGHUP, SIG_IGN));
  return FileDescriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

int complain(const Error& error) {
  fmt::print(stderr, "hotpair-keeper: {}\n", error.detail);
  return error.code == ErrorCode::exists ? kExitAnotherRuns : kExitFailure;
}

int run(const Options& options, LogLevel level) {
  platform::io::LogConfig log_config;
  log_config.level = level;
  log_config.fd = log_descriptor();
  platform::io::Log log(log_config);
  const FileDescriptor signals = take_signals();
  auto socket = SocketPath::claim(options.socket);
  if (!socket) return complain(socket.error());
  auto links = CarrierWatch::open();
  if (!links) return complain(links.error());
  if (!options.foreground) static_cast<void>(::setsid());
  const Privileges privileges = become_reflex();
  log(messages::kStarted, ::getpid(), options.socket, privileges.realtime, privileges.locked);
  KeeperProcess process(std::move(*socket), std::move(*links), privileges,
                        options.socket + ".held-links", log);
  const auto ended = process.run(signals.get());
  return ended ? 0 : complain(ended.error());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  platform::io::Arguments arguments(
      "hotpair-keeper",
      "The reflexes of hotpair: liveness, gate leases, armed takeovers. It goes on when hotpaird "
      "ends; SIGTERM hands over every scope and leaves.");
  arguments.option("--socket", "PATH", "Unix socket for hotpaird", options.socket);
  arguments.option("--log-level", "LEVEL", "debug, info, warning or error", options.log_level);
  arguments.flag("--foreground", "stay in the session of the caller", options.foreground);
  const auto parsed = arguments.parse(argc, argv);
  if (!parsed) {
    fmt::print(stderr, "hotpair-keeper: {}\n", parsed.error().detail);
    return kExitUsage;
  }
  if (parsed->outcome == platform::io::Arguments::Outcome::shown) {
    fmt::print("{}", parsed->text);
    return 0;
  }
  const auto level = platform::io::parse_log_level(options.log_level);
  if (!level) {
    fmt::print(stderr, "hotpair-keeper: --log-level: '{}' is not debug, info, warning or error\n",
               options.log_level);
    return kExitUsage;
  }
  return run(options, *level);
}
