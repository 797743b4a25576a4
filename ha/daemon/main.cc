#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "ha/config/printer.h"
#include "ha/daemon/daemon.h"
#include "platform/io/arguments.h"
#include "platform/io/log.h"

namespace hotpair::ha::daemon {
namespace {

/// hotpair-keeper stands beside this program, in the build tree as when installed.
std::string keeper_beside_this() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "hotpair-keeper" : (self.parent_path() / "hotpair-keeper").string();
}

/// Both gates are open while the two brains pass a handover on, so this one goes before ordinary
/// work of the machine. Another nice value was somebody's choice; without the privilege it stays 0.
void prefer_this_process() {
  constexpr int kNice = -15;
  if (::getpriority(PRIO_PROCESS, 0) == 0) static_cast<void>(::setpriority(PRIO_PROCESS, 0, kNice));
}

/// A warning that the list of inactive lines repeats.
bool listed_below(const config::Diagnostic& diagnostic) {
  return diagnostic.severity == config::Severity::warning &&
         diagnostic.message.ends_with("is not active in this version");
}

/// --check: every finding, then what is kept without an engine. 0 when it may be used.
int check(const DaemonOptions& options) {
  const auto keys = ChannelLink::check_keys(options.pair_key);
  const auto loaded = load(options, {keys.has_value(), true});
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().detail);
    return 1;
  }
  const auto inactive = config::list_inactive(loaded->config);
  for (const auto& diagnostic : loaded->diagnostics)
    if (!listed_below(diagnostic)) fmt::print("{}\n", to_string(diagnostic));
  // Without a file the rules have said so for each service; a file that cannot be used says why.
  if (!loaded->config.services.empty() && !keys && std::filesystem::exists(options.pair_key))
    fmt::print("{}\n", keys.error().detail);
  if (!inactive.empty()) fmt::print("not active in this version:\n");
  for (const std::string& line : inactive) fmt::print("  {}\n", line);
  fmt::print("{}: {}\n", options.config, loaded->ok() ? "ok" : "refused");
  return loaded->ok() ? 0 : 1;
}

int run(int argc, char** argv) {
  DaemonOptions options;
  options.keeper_program = keeper_beside_this();
  std::string level = "info";
  bool only_check = false;
  bool journal = false;
  platform::io::Arguments arguments("hotpaird", "the brain of one node of a hotpair");
  arguments.option("--config", "FILE", "configuration file", options.config);
  arguments.option("--ports", "FILE", "interface names and their Linux devices", options.ports);
  arguments.option("--state-dir", "DIR", "node id, terms and store", options.state_dir);
  arguments.option("--control", "SOCK", "the operator's socket", options.control);
  arguments.option("--keeper", "SOCK", "the keeper's socket", options.keeper);
  arguments.option("--keeper-program", "FILE", "hotpair-keeper", options.keeper_program);
  arguments.option("--pair-key", "FILE", "keys shared with the peer", options.pair_key);
  arguments.option("--tls-dir", "DIR", "certificates and keys without a path", options.tls_dir);
  arguments.option("--boot-id", "ID", "instead of the kernel's; for rehearsals", options.boot_id);
  arguments.option("--log-level", "LEVEL", "debug, info, warning or error", level);
  arguments.flag("--journal", "log lines for journald", journal);
  arguments.flag("--check", "check the configuration and leave", only_check);
  const auto parsed = arguments.parse(argc, argv);
  if (!parsed) {
    fmt::print(stderr, "hotpaird: {}\n", parsed.error().detail);
    return 2;
  }
  if (parsed->outcome == platform::io::Arguments::Outcome::shown) {
    fmt::print("{}", parsed->text);
    return 0;
  }
  const auto log_level = platform::io::parse_log_level(level);
  if (!log_level) {
    fmt::print(stderr, "hotpaird: '{}' is no log level; debug, info, warning or error\n", level);
    return 2;
  }
  if (only_check) return check(options);
  prefer_this_process();
  platform::io::LogConfig log_config;
  log_config.level = *log_level;
  log_config.journal = journal;
  platform::io::Log log(log_config);
  // A limit of file size is an error of the write, as a full disk is.
  ::signal(SIGXFSZ, SIG_IGN);
  Daemon daemon(options, log);
  return daemon.run();
}

}  // namespace
}  // namespace hotpair::ha::daemon

int main(int argc, char** argv) { return hotpair::ha::daemon::run(argc, argv); }
