#include "ha/config/ports.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "ha/config/grammar.h"

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kDeviceNameMax = 15;  // IFNAMSIZ - 1
constexpr std::size_t kPortsLinesMax = 4'096;

bool is_device_name(std::string_view name) {
  if (name.empty() || name.size() > kDeviceNameMax || name == "." || name == "..") return false;
  return std::none_of(name.begin(), name.end(), [](unsigned char each) {
    return each <= ' ' || each >= 0x7f || each == '/' || each == ':';
  });
}

std::string numbered(std::string_view prefix, const std::string& number) {
  std::string device(prefix);
  for (const char each : number) device += each == '/' ? '-' : each;
  return device;
}

std::string default_device(const InterfaceName& name) {
  switch (name.kind) {
    case InterfaceKind::plain:
      return name.name;
    case InterfaceKind::loopback:
      return "lo";
    case InterfaceKind::eth_trunk:
      return numbered("eth-trunk", name.number);
    case InterfaceKind::null:
      return {};
    case InterfaceKind::ethernet:
      break;
  }
  if (name.type == "GigabitEthernet") return numbered("ge", name.number);
  if (name.type == "Ethernet") return numbered("eth", name.number);
  if (name.type == "XGigabitEthernet") return numbered("xge", name.number);
  if (name.type == "TenGigabitEthernet") return numbered("te", name.number);
  std::string prefix = name.type;
  for (char& each : prefix)
    each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
  return numbered(prefix, name.number);
}

Diagnostic at_word(std::string_view file, std::uint32_t line, const Word& word,
                   std::string message) {
  Diagnostic diagnostic;
  diagnostic.file = std::string(file);
  diagnostic.line = {line};
  diagnostic.column = word.column;
  diagnostic.word = word.text;
  diagnostic.message = std::move(message);
  return diagnostic;
}

struct PortLine {
  InterfaceName name;
  std::string device;
};

// One line: NAME DEVICE, where NAME may be two words.
Result<PortLine> parse_line(const std::vector<Word>& words, std::size_t& bad) {
  const bool split = words.size() == 3 && InterfaceName::is_type_word(words[0].text);
  if (words.size() != 2 && !split) {
    bad = words.size() < 2 ? 0 : 2;
    return fail(ErrorCode::malformed, "a line is 'INTERFACE DEVICE'");
  }
  bad = 0;
  auto name = InterfaceName::parse(split ? words[0].text + words[1].text : words[0].text);
  if (!name) return std::unexpected(name.error());
  bad = words.size() - 1;
  const std::string& device = words.back().text;
  if (!is_device_name(device))
    return fail(ErrorCode::malformed,
                fmt::format("'{}' cannot be a Linux device: 1 to {} characters "
                            "without '/' and ':'",
                            device, kDeviceNameMax));
  return PortLine{std::move(*name), device};
}

}  // namespace

std::string PortMap::device_of(const InterfaceName& name) const {
  const auto found = devices_.find(name.name);
  return found != devices_.end() ? found->second : default_device(name);
}

PortsOutcome parse_ports(std::string_view text, std::string_view file) {
  PortsOutcome outcome;
  std::map<std::string, std::string> owner;  // device -> interface name
  std::uint32_t number = 0;
  while (!text.empty() && outcome.diagnostics.size() < 100) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (++number > kPortsLinesMax) {
      outcome.diagnostics.push_back(at_word(file, number, {}, "too many lines"));
      break;
    }
    line.resize(std::min(line.find('#'), line.size()));
    std::replace(line.begin(), line.end(), '\r', ' ');
    const auto words = split_words(line);
    if (words.empty()) continue;
    std::size_t bad = 0;
    const auto parsed = parse_line(words, bad);
    if (!parsed) {
      outcome.diagnostics.push_back(
          at_word(file, number, words[std::min(bad, words.size() - 1)], parsed.error().detail));
      continue;
    }
    const bool loopback = parsed->name.kind == InterfaceKind::loopback;
    if (!outcome.ports.devices_.emplace(parsed->name.name, parsed->device).second) {
      outcome.diagnostics.push_back(
          at_word(file, number, words[0], fmt::format("{} is mapped already", parsed->name.name)));
      continue;
    }
    const auto [at, fresh] = owner.emplace(parsed->device, parsed->name.name);
    if (!fresh && !(loopback && parsed->device == "lo"))
      outcome.diagnostics.push_back(
          at_word(file, number, words.back(),
                  fmt::format("device {} is that of {} already", parsed->device, at->second)));
  }
  return outcome;
}

Diagnostics check_ports(const Config& config, const PortMap& ports, std::string_view file) {
  Diagnostics found;
  std::map<std::string, std::string> owner;
  for (const InterfaceModel& interface : config.interfaces) {
    if (interface.name.kind == InterfaceKind::null) continue;
    const std::string device = ports.device_of(interface.name);
    std::string message;
    if (!is_device_name(device))
      message = fmt::format("interface {}: '{}' cannot be a Linux device, name one in ports.conf",
                            interface.name.name, device);
    const bool shared = interface.name.kind == InterfaceKind::loopback && device == "lo";
    const auto [at, fresh] = owner.emplace(device, interface.name.name);
    if (!fresh && !shared)
      message = fmt::format("interface {}: device {} is that of {} already", interface.name.name,
                            device, at->second);
    if (message.empty()) continue;
    Diagnostic diagnostic;
    diagnostic.file = std::string(file);
    diagnostic.line = interface.line;
    diagnostic.message = std::move(message);
    found.push_back(std::move(diagnostic));
  }
  return found;
}

}  // namespace hotpair::ha::config
