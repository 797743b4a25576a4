#include "ha/cli/render_commands.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>

#include "ha/config/frr.h"
#include "ha/config/parser.h"
#include "ha/config/ports.h"
#include "platform/base/result.h"

namespace hotpair::ha::cli {
namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr const char* kExpected = "expected: render frr [FILE] [--ports FILE] [--strict]";

struct Asked {
  std::string config;
  std::string ports;
  bool ports_named = false;
  bool strict = false;
};

Result<Asked> read_words(const RenderOptions& defaults, const std::vector<std::string>& words) {
  Asked asked{defaults.config, defaults.ports};
  if (words.size() < 2 || words[1] != "frr") return fail(ErrorCode::malformed, kExpected);
  bool named = false;
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "--strict") {
      asked.strict = true;
    } else if (words[i] == "--ports" && i + 1 < words.size()) {
      asked.ports = words[++i];
      asked.ports_named = true;
    } else if (words[i].starts_with("--") || named) {
      return fail(ErrorCode::malformed,
                  fmt::format("'{}' is one too many or not known; {}", words[i], kExpected));
    } else {
      asked.config = words[i];
      named = true;
    }
  }
  return asked;
}

Result<std::string> read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file)
    return fail(ErrorCode::not_found,
                fmt::format("cannot read {}: {}", name, std::strerror(errno)));
  std::string text(config::kConfigBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;  // one byte too many is refused by the parser
}

int refused(const std::string& text) {
  std::cerr << "hotpair: " << text << "\n";
  return kRefused;
}

void print(const config::Diagnostics& diagnostics, config::Severity least) {
  for (const config::Diagnostic& each : diagnostics)
    if (each.severity >= least) std::cerr << config::to_string(each) << "\n";
}

int render_frr(const Asked& asked) {
  const auto text = read_file(asked.config);
  if (!text) return refused(text.error().detail);
  const auto parsed = config::parse_config(*text, asked.config);
  print(parsed.diagnostics, config::Severity::error);
  if (!parsed.ok()) return kRefused;
  auto mapped = read_file(asked.ports);
  if (!mapped && asked.ports_named) return refused(mapped.error().detail);
  const auto ports = config::parse_ports(mapped.value_or(std::string()), asked.ports);
  print(ports.diagnostics, config::Severity::error);
  if (!ports.ok()) return kRefused;
  const auto made = config::render_frr(parsed.config, ports.ports, asked.config);
  std::cout << made.text << std::flush;
  print(made.untranslated, config::Severity::warning);
  return asked.strict && !made.untranslated.empty() ? kRefused : kDone;
}

}  // namespace

int run_render(const RenderOptions& defaults, const std::vector<std::string>& words) {
  const auto asked = read_words(defaults, words);
  return asked ? render_frr(*asked) : refused(asked.error().detail);
}

}  // namespace hotpair::ha::cli
