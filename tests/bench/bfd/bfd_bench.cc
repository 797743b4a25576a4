// BFD in the keeper: two keepers on loopback with N sessions at 10 ms x 3 between them. What one
// session costs of a core, memory, lateness of timers, and the idle keeper. Sessions that a core
// carries = 100 % / cost of one, at the largest N that stayed up.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "ha/keeper/client/keeper_client.h"
#include "platform/io/clock.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace ha;
using keeper::BfdStatus;
using std::chrono::seconds;

constexpr std::uint32_t kIntervalUs = 10'000;

class Keeper {
 public:
  Keeper(const std::filesystem::path& directory, const char* name)
      : socket_((directory / name).string()) {
    std::string words[] = {HOTPAIR_KEEPER, "--socket", socket_, "--log-level", "error"};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                         words[3].data(), words[4].data(), nullptr};
    if (::posix_spawn(&pid_, HOTPAIR_KEEPER, nullptr, nullptr, arguments, environ) != 0)
      give_up("no keeper");
    for (int i = 0; i < 500 && !client_; ++i) {
      if (auto client = keeper::KeeperClient::connect(socket_)) client_.emplace(std::move(*client));
      ::poll(nullptr, 0, 10);
    }
    if (!client_ || !client_->send(keeper::DaemonHello{1, 1, NodeId(1), "bench"}))
      give_up("the keeper does not answer");
  }
  ~Keeper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void configure(std::size_t sessions, bool second) {
    keeper::ConfigureBfd part;
    for (std::size_t i = 0; i < sessions; ++i) {
      keeper::BfdSessionConfig config;
      config.session.name = fmt::format("s{}", i);
      const auto low = static_cast<std::uint32_t>(i);
      config.session.local = IpAddress::v4((second ? 0x7f020000U : 0x7f010000U) + 1 + low);
      config.session.peer = IpAddress::v4((second ? 0x7f010000U : 0x7f020000U) + 1 + low);
      config.session.multihop = true;
      config.session.ttl_min = 255;
      config.session.min_tx_us = config.session.min_rx_us = kIntervalUs;
      part.sessions.push_back(config);
      if (part.sessions.size() < keeper::kBfdSessionsPerMessage && i + 1 < sessions) continue;
      part.last = i + 1 == sessions;
      if (!client_->send(part)) give_up("the keeper went away");
      part = {false, true, {}};
      while (client_->wants_write() && client_->flush()) ::poll(nullptr, 0, 1);
    }
  }
  /// Asks for every session and waits for the answer.
  BfdStatus status() {
    if (!client_->send(keeper::AskBfd{})) give_up("the keeper went away");
    BfdStatus all;
    for (int i = 0; i < 2000; ++i) {
      auto received = client_->receive();
      if (!received) give_up("the keeper went away");
      for (keeper::Received& one : *received) {
        auto* part = std::get_if<BfdStatus>(&one.message);
        if (part == nullptr) continue;
        if (part->first) all.sessions.clear();
        all.sessions.insert(all.sessions.end(), part->sessions.begin(), part->sessions.end());
        if (part->last) return all;
      }
      ::poll(nullptr, 0, 5);
    }
    give_up("no status");
  }
  /// CPU time of the process so far, seconds.
  [[nodiscard]] double cpu() const {
    std::ifstream file(fmt::format("/proc/{}/stat", pid_));
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string word;
    double ticks = 0;
    for (int i = 0; i < 13 && fields >> word; ++i)
      if (i >= 11) ticks += std::strtod(word.c_str(), nullptr);
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  [[nodiscard]] double memory_kib() const {
    std::ifstream file(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr);
    return 0;
  }

 private:
  std::string socket_;
  pid_t pid_ = -1;
  std::optional<keeper::KeeperClient> client_;
};

struct Sum {
  std::size_t up = 0;
  std::uint64_t downs = 0;
  std::uint64_t worst_late_us = 0;
};
Sum sum(const BfdStatus& status) {
  Sum sum;
  for (const keeper::BfdSessionStatus& one : status.sessions) {
    sum.up += one.state == bfd::State::up ? 1 : 0;
    sum.downs += one.times_down;
    sum.worst_late_us = std::max(sum.worst_late_us, one.worst_late_us);
  }
  return sum;
}

struct Load {
  Metric core{"", "% of a core per session", {}, {}};
  Metric carried{"", "sessions", {}, {}};
  Metric memory{"", "KiB", {}, {}};
  Metric late{"", "us", {}, {}};
  Metric downs{"", "count", {}, {}};
};

double measure(Keeper& keeper, Duration span, const std::function<void()>& meanwhile) {
  const double before = keeper.cpu();
  const TimePoint start = platform::io::now();
  while (platform::io::now() - start < span) {
    ::poll(nullptr, 0, 500);
    meanwhile();
  }
  const double wall = std::chrono::duration<double>(platform::io::now() - start).count();
  return (keeper.cpu() - before) / wall;
}

// Not all up: the metrics of this number are left out.
void run(std::size_t sessions, Duration span, Load& load) {
  char name[] = "/tmp/bench-bfd-XXXXXX";
  if (::mkdtemp(name) == nullptr) give_up("no directory");
  {
    Keeper a(name, "a");
    Keeper b(name, "b");
    a.configure(sessions, false);
    b.configure(sessions, true);
    bool up = false;
    for (int i = 0; i < 60 && !up; ++i) {
      ::poll(nullptr, 0, 500);
      up = sum(a.status()).up == sessions && sum(b.status()).up == sessions;
    }
    if (up) {
      const std::uint64_t downs = sum(a.status()).downs;
      // Once a second, as the daemon does twice; that is part of the cost.
      const double core = measure(a, span, [&] { static_cast<void>(b.status()); });
      const Sum after = sum(a.status());
      const double each = 100 * core / static_cast<double>(sessions);
      load.core.values.push_back(each);
      load.carried.values.push_back(100 / each);
      load.memory.values.push_back(a.memory_kib());
      load.late.values.push_back(static_cast<double>(after.worst_late_us));
      load.downs.values.push_back(static_cast<double>(after.downs - downs));
    }
  }
  std::filesystem::remove_all(name);
}

void idle(Duration span, Metric& core, Metric& memory) {
  char name[] = "/tmp/bench-bfd-XXXXXX";
  if (::mkdtemp(name) == nullptr) give_up("no directory");
  {
    Keeper a(name, "a");
    core.values.push_back(100 * measure(a, span, [] {}));
    memory.values.push_back(a.memory_kib());
  }
  std::filesystem::remove_all(name);
}

int main_of(Size size) {
  const int runs = size == Size::all ? 5 : size == Size::normal ? 3 : 1;
  const Duration span = size == Size::quick ? seconds(3) : seconds(10);
  std::vector<Metric> metrics;
  Metric idle_core{"idle keeper: CPU", "% of a core", {}, {}};
  Metric idle_memory{"idle keeper: resident memory", "KiB", {}, {}};
  for (int i = 0; i < runs; ++i) idle(span, idle_core, idle_memory);
  metrics.push_back(idle_core);
  metrics.push_back(idle_memory);
  for (const std::size_t sessions : {std::size_t{10}, std::size_t{100}, std::size_t{300}}) {
    Load load;
    for (int i = 0; i < runs; ++i) run(sessions, span, load);
    const std::string what = fmt::format("{} sessions at 10 ms: ", sessions);
    load.core.name = what + "CPU";
    load.carried.name = what + "one core carries";
    load.memory.name = what + "memory";
    load.late.name = what + "worst timer lateness";
    load.downs.name = what + "sessions lost";
    for (const Metric& metric : {load.core, load.carried, load.memory, load.late, load.downs})
      metrics.push_back(metric);
  }
  print_document("bfd", metrics);
  return 0;
}

}  // namespace
}  // namespace hotpair::bench

int main(int argc, char** argv) {
  return hotpair::bench::main_of(hotpair::bench::size_of(argc, argv));
}
