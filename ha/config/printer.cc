#include "ha/config/printer.h"

#include <fmt/core.h>

#include "ha/config/config_rows.h"

namespace hotpair::ha::config {
namespace {

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

}  // namespace

std::string print_config(const Config& config, PrintOptions options) {
  std::string text;
  std::string_view group;  // first word of the lines since the last separator, while they may join
  const auto lines = printed_lines(config, options.secrets);
  for (const PrintedLine& line : lines) {
    const bool top = line.path.empty();
    const bool opens = line.header && config_rows()[line.row].print != nullptr;
    if (top) {
      const bool joins = !opens && line.body.empty() && group == first_word(line.text);
      if (!joins) text += "#\n";
      group = opens || !line.body.empty() ? std::string_view{} : first_word(line.text);
    }
    text += (top ? "" : " ") + line.text + "\n";
    for (const std::string& kept : line.body) text += kept + "\n";
  }
  return text + "#\nreturn\n";
}

std::vector<std::string> list_inactive(const Config& config) {
  std::vector<std::string> list;
  for (const PrintedLine& line : printed_lines(config, false)) {
    const RowKind kind = config_rows()[line.row].kind;
    if (kind == RowKind::active) continue;
    const bool foreign = kind == RowKind::foreign || kind == RowKind::section;
    list.push_back(
        fmt::format("{}{}{}: {}{}", line.path, line.path.empty() ? "" : ": ", line.text,
                    foreign ? "for the unicast routing daemon" : "not active in this version",
                    line.line.number == 0 ? "" : fmt::format(" (line {})", line.line.number)));
  }
  return list;
}

}  // namespace hotpair::ha::config
