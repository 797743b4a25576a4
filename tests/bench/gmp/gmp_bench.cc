// How fast the membership engine takes reports, and what a million memberships cost. Prints one
// JSON document. Arguments: [--quick | --all | memberships [runs]].
#include <fmt/format.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mcast/gmp/gmp_machine.h"
#include "mcast/wire/igmp.h"

namespace {

using namespace hotpair;
using namespace hotpair::mcast;
using Wall = std::chrono::steady_clock;

const LinkId kLink{1};
const ScopeId kScope{1};
const IpAddress kHost = IpAddress::v4(0x0a000001U);
const IpAddress kSource = IpAddress::v4(0x0a000101U);
const TimePoint kStart{std::chrono::seconds{1}};

Group group(std::uint32_t n) { return *Group::from(IpAddress::v4(0xe1000000U + n)); }
double seconds_since(Wall::time_point start) {
  return std::chrono::duration<double>(Wall::now() - start).count();
}

/// Processor time of this thread: a slice is not longer because another process ran.
double processor_seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

gmp::InterfaceConfig config(bool scoped) {
  gmp::InterfaceConfig config;
  config.max_groups = 16'000'000;
  config.address = IpAddress::v4(0x0a000005U);
  if (scoped) config.scope = kScope;
  return config;
}

std::size_t drain(gmp::Machine& machine) {
  std::size_t effects = 0;
  while (machine.poll_effect()) ++effects;
  return effects;
}

wire::SourceReport report(std::uint32_t n, bool any_source) {
  if (any_source) return {{{wire::RecordType::mode_is_exclude, group(n), {}}}, 0};
  return {{{wire::RecordType::mode_is_include, group(n), {kSource}}}, 0};
}

void fill(gmp::Machine& machine, std::uint32_t count, bool any_source) {
  for (std::uint32_t n = 0; n < count; ++n) {
    machine.on_packet(kLink, kHost, kHost, report(n, any_source), kStart);
    drain(machine);
  }
}

std::size_t anonymous_rss() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) return 0;
  char line[256];
  std::size_t kib = 0;
  while (std::fgets(line, sizeof line, status) != nullptr)
    if (std::sscanf(line, "RssAnon: %zu kB", &kib) == 1) break;
  std::fclose(status);
  return kib * 1024;
}

double memory(std::uint32_t count, bool any_source) {
  gmp::Machine machine(7);
  machine.configure(kLink, Family::ipv4, config(false), kStart);
  drain(machine);
  const std::size_t before = anonymous_rss();
  fill(machine, count, any_source);
  return static_cast<double>(anonymous_rss() - before) / count;
}

double joins(std::uint32_t count) {
  gmp::Machine machine(7);
  machine.configure(kLink, Family::ipv4, config(false), kStart);
  const auto start = Wall::now();
  fill(machine, count, false);
  return count / seconds_since(start);
}

/// Refreshing reports as bytes from the wire, in scattered order, with the timers run as due.
double refreshes(std::uint32_t count) {
  gmp::Machine machine(7);
  machine.configure(kLink, Family::ipv4, config(false), kStart);
  fill(machine, count, false);
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < 4096; ++i)
    packets.push_back(wire::wrap_igmp(wire::encode_igmp(report((i * 2654435761U) % count, false)),
                                      kHost, wire::all_gmp_routers(Family::ipv4), true));
  TimePoint now = kStart;
  constexpr std::uint32_t kReports = 2'000'000;
  const auto start = Wall::now();
  for (std::uint32_t i = 0; i < kReports; ++i) {
    const auto packet = wire::parse_igmp(packets[i % packets.size()]);
    machine.on_packet(kLink, packet->source, packet->destination, packet->message, now);
    drain(machine);
    now += std::chrono::microseconds{50};
    if (const auto due = machine.next_deadline(); due && *due <= now) {
      machine.on_timeout(now);
      drain(machine);
    }
  }
  return kReports / seconds_since(start);
}

struct Takeover {
  double records_per_second;
  double activate_us;
  double sweep_ms;
  double longest_slice_us;
};

Takeover takeover(std::uint32_t count) {
  gmp::Machine machine(7);
  machine.configure(kLink, Family::ipv4, config(true), kStart);
  drain(machine);
  Takeover result{};
  auto start = Wall::now();
  for (std::uint32_t n = 0; n < count; ++n) {
    const gmp::GroupValue included{.mode = gmp::FilterMode::include, .is_dynamic = true};
    const gmp::SourceValue forwarded{.forwarding = true, .is_dynamic = true};
    machine.on_record(gmp::GroupMembership{{kLink, group(n)}, included}, kStart);
    machine.on_record(gmp::SourceMembership{{kLink, group(n), kSource}, forwarded}, kStart);
    drain(machine);
  }
  result.records_per_second = 2.0 * count / seconds_since(start);
  start = Wall::now();
  machine.activate(kScope, kStart);
  drain(machine);
  result.activate_us = seconds_since(start) * 1e6;
  const auto sweep = Wall::now();
  while (machine.next_deadline() && *machine.next_deadline() <= kStart) {
    const double began = processor_seconds();
    machine.on_timeout(kStart);
    const double spent = processor_seconds() - began;
    result.longest_slice_us = std::max(result.longest_slice_us, spent * 1e6);
    drain(machine);
  }
  result.sweep_ms = seconds_since(sweep) * 1e3;
  return result;
}

/// Runs in a child of its own, so that memory is measured from a clean start.
std::vector<double> apart(std::size_t values, const std::function<std::vector<double>()>& measure) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    const std::vector<double> result = measure();
    const auto size = static_cast<ssize_t>(values * sizeof(double));
    _exit(write(ends[1], result.data(), values * sizeof(double)) == size ? 0 : 1);
  }
  close(ends[1]);
  std::vector<double> result(values, -1);
  if (read(ends[0], result.data(), values * sizeof(double)) < 0) result.assign(values, -1);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) {
    std::fputs("a measurement failed\n", stderr);
    std::exit(1);
  }
  return result;
}

std::string metric(const char* name, const char* unit, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return fmt::format(
      R"({{"name":"{}","unit":"{}","median":{:.1f},"min":{:.1f},"max":{:.1f},"n":{}}})", name, unit,
      values[values.size() / 2], values.front(), values.back(), values.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  std::uint32_t count = option == "--quick" ? 100'000 : 1'000'000;
  int runs = option == "--quick" ? 1 : option == "--all" ? 5 : 3;
  if (!option.empty() && !option.starts_with("--")) {
    count = static_cast<std::uint32_t>(std::atoi(argv[1]));
    if (argc > 2) runs = std::atoi(argv[2]);
  } else if (argc > 2 || (!option.empty() && option != "--quick" && option != "--all")) {
    count = 0;
  }
  if (count == 0 || count > 10'000'000 || runs < 1) {
    std::fputs("usage: bench_gmp [--quick | --all | memberships up to 10000000 [runs]]\n", stderr);
    return 2;
  }
  std::vector<std::vector<double>> columns(9);
  for (int run = 0; run < runs; ++run) {
    std::vector<double> row = apart(1, [count] {
      return std::vector<double>{memory(count, false)};
    });
    row.push_back(apart(1, [count] { return std::vector<double>{memory(count, true)}; })[0]);
    row.push_back(apart(1, [count] { return std::vector<double>{joins(count)}; })[0]);
    row.push_back(apart(1, [count] {
      return std::vector<double>{refreshes(std::min<std::uint32_t>(count, 100'000))};
    })[0]);
    row.push_back(apart(1, [count] { return std::vector<double>{refreshes(count)}; })[0]);
    const auto taken = apart(4, [count] {
      const Takeover result = takeover(count);
      return std::vector<double>{result.records_per_second, result.activate_us, result.sweep_ms,
                                 result.longest_slice_us};
    });
    row.insert(row.end(), taken.begin(), taken.end());
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].push_back(row[i]);
  }
  const std::pair<const char*, const char*> names[] = {
      {"memory_per_group_with_one_source", "bytes"},
      {"memory_per_any_source_group", "bytes"},
      {"new_groups", "1/s"},
      {"reports_parsed_and_processed_100k_groups", "1/s"},
      {"reports_parsed_and_processed", "1/s"},
      {"records_applied_to_standby", "1/s"},
      {"activate", "us"},
      {"sweep_after_activate", "ms"},
      {"longest_slice_processor_time", "us"},
  };
  std::string metrics;
  for (std::size_t i = 0; i < columns.size(); ++i)
    metrics += (i == 0 ? "" : ",") + metric(names[i].first, names[i].second, columns[i]);
  fmt::print("{{\"bench\":\"gmp\",\"memberships\":{},\"metrics\":[{}]}}\n", count, metrics);
  return 0;
}
