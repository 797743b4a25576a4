#include "ha/config/diff.h"

#include <algorithm>
#include <map>
#include <set>

#include "ha/config/config_rows.h"

namespace hotpair::ha::config {
namespace {

// The lines of one view; the system view has an empty header.
struct Section {
  std::string header;
  std::vector<PrintedLine> lines;
};

// Views in printing order; foreign sections stay lines of the system view.
std::vector<Section> sections_of(const Config& config) {
  std::vector<Section> sections(1);
  for (PrintedLine& line : printed_lines(config, true)) {
    if (line.header && config_rows()[line.row].print != nullptr) {
      sections.push_back({line.text, {}});
    } else {
      (line.path.empty() ? sections.front() : sections.back()).lines.push_back(std::move(line));
    }
  }
  return sections;
}

const Section* find_section(const std::vector<Section>& sections, const std::string& header) {
  for (const Section& section : sections)
    if (section.header == header) return &section;
  return nullptr;
}

bool contains(const std::vector<PrintedLine>& lines, const PrintedLine& wanted) {
  return std::any_of(lines.begin(), lines.end(), [&](const PrintedLine& each) {
    return each.text == wanted.text && each.row == wanted.row && each.body == wanted.body;
  });
}

std::string undo_of(const std::string& text) {
  return text.starts_with("undo ") ? text.substr(5) : "undo " + text;
}

// What changes within one view, undo lines first.
std::vector<std::string> changes(const Section& from, const Section& to) {
  std::set<std::size_t> set_again;  // rows with one value each that get another one
  for (const PrintedLine& line : to.lines)
    if (!config_rows()[line.row].multi && !contains(from.lines, line)) set_again.insert(line.row);
  std::vector<std::string> list;
  for (const PrintedLine& line : from.lines)
    if (!contains(to.lines, line) && !set_again.contains(line.row))
      list.push_back(undo_of(line.text));
  for (const PrintedLine& line : to.lines) {
    if (contains(from.lines, line)) continue;
    list.push_back(line.text);
    for (const std::string& kept : line.body) list.push_back(kept);
    if (!line.body.empty()) list.emplace_back("#");
  }
  return list;
}

}  // namespace

std::vector<std::string> diff_config(const Config& from, const Config& to) {
  const auto before = sections_of(from);
  const auto after = sections_of(to);
  std::vector<std::string> lines;
  for (const Section& section : before)
    if (find_section(after, section.header) == nullptr) lines.push_back(undo_of(section.header));
  for (const Section& section : after) {
    const Section* old = find_section(before, section.header);
    const auto changed = changes(old == nullptr ? Section{} : *old, section);
    if (section.header.empty()) {
      lines.insert(lines.end(), changed.begin(), changed.end());
      continue;
    }
    if (old != nullptr && changed.empty()) continue;
    lines.push_back(section.header);
    for (const std::string& line : changed) lines.push_back(" " + line);
    lines.emplace_back("#");
  }
  return lines;
}

}  // namespace hotpair::ha::config
