#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <string>
#include <variant>

#include "platform/probe/options.h"
#include "platform/probe/probe_report.h"
#include "platform/probe/receiver.h"
#include "platform/probe/sender.h"

namespace hotpair::platform::probe {
namespace {

bool write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && written;
}

template <typename Report>
int publish(const Report& report, const CommonOptions& options) {
  if (options.json_file == "-") {
    fmt::print("{}", to_json(report));
  } else if (!options.json_file.empty() && !write_file(options.json_file, to_json(report))) {
    fmt::print(stderr, "hotpair-probe: cannot write {}\n", options.json_file);
    return 1;
  }
  if (!options.quiet && options.json_file != "-") {
    fmt::print("{}", to_text(report, options.every_group));
  }
  return 0;
}

int failed(const Error& error) {
  fmt::print(stderr, "hotpair-probe: {}\n", error.detail);
  return 1;
}

int run(const HelpOptions& options) {
  fmt::print("{}", options.text);
  return 0;
}

int run(const SendOptions& options) {
  const Result<SendReport> report = run_sender(options);
  return report ? publish(*report, options.common) : failed(report.error());
}

int run(const ReceiveOptions& options) {
  const Result<ReceiveReport> report = run_receiver(options);
  if (!report) return failed(report.error());
  if (const int code = publish(*report, options.common); code != 0) return code;
  const FlowTotal& total = report->total;
  const bool clean = total.lost + total.duplicates + total.silent + total.unended == 0;
  return options.strict && !clean ? 3 : 0;
}

int main_of(std::span<char* const> arguments) {
  const Result<Options> options = parse_options(arguments);
  if (!options) {
    fmt::print(stderr, "hotpair-probe: {}\n(hotpair-probe --help tells all options)\n",
               options.error().detail);
    return 2;
  }
  return std::visit([](const auto& parsed) { return run(parsed); }, *options);
}

}  // namespace
}  // namespace hotpair::platform::probe

int main(int argc, char** argv) {
  return hotpair::platform::probe::main_of(
      std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
}
