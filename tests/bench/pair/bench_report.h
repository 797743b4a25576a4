#pragma once

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hotpair::bench {

/// How much a bench does: --quick, nothing, --all.
enum class Size { quick, normal, all };

[[noreturn]] inline void give_up(std::string_view what) {
  fmt::print(stderr, "bench: {}\n", what);
  std::exit(2);
}

inline Size size_of(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc <= 2 && option.empty()) return Size::normal;
  if (argc == 2 && option == "--quick") return Size::quick;
  if (argc == 2 && option == "--all") return Size::all;
  give_up("usage: [--quick | --all]");
}

/// "10k", "1m".
inline std::string short_number(std::size_t count) {
  if (count >= 1'000'000) return fmt::format("{}m", count / 1'000'000);
  return count >= 1000 ? fmt::format("{}k", count / 1000) : fmt::format("{}", count);
}

inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

struct Metric {
  std::string name;
  std::string unit;
  std::vector<double> values;    ///< one a run
  std::vector<double> baseline;  ///< the machine's own limit in the same runs, where there is one
};

inline std::string json(const Metric& metric) {
  const auto [low, high] = std::ranges::minmax(metric.values);
  const double median = quantile(metric.values, 0.5);
  std::string text =
      fmt::format(R"({{"name":"{}","unit":"{}","median":{:.1f},"min":{:.1f},"max":{:.1f},"n":{})",
                  metric.name, metric.unit, median, low, high, metric.values.size());
  if (!metric.baseline.empty()) {
    const double baseline = quantile(metric.baseline, 0.5);
    text += fmt::format(R"(,"baseline":{:.1f},"ratio":{:.2f})", baseline, median / baseline);
  }
  return text + "}";
}

inline void print_document(std::string_view bench, const std::vector<Metric>& metrics) {
  std::string rows;
  for (const Metric& metric : metrics)
    if (!metric.values.empty()) rows += (rows.empty() ? "" : ",\n  ") + json(metric);
  fmt::print("{{\"bench\":\"{}\",\"metrics\":[\n  {}]}}\n", bench, rows);
}

/// Measures in a child process, so that memory begins clean and nothing of an earlier run is warm.
inline std::vector<double> apart(const std::function<std::vector<double>()>& measure) {
  int ends[2];
  if (::pipe(ends) != 0) give_up("no pipe");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    const std::vector<double> result = measure();
    const std::size_t bytes = result.size() * sizeof(double);
    ::_exit(::write(ends[1], result.data(), bytes) == static_cast<ssize_t>(bytes) ? 0 : 1);
  }
  ::close(ends[1]);
  std::vector<double> result;
  double value = 0;
  while (::read(ends[0], &value, sizeof value) == static_cast<ssize_t>(sizeof value))
    result.push_back(value);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) give_up("a measurement failed");
  return result;
}

}  // namespace hotpair::bench
