#include "ha/config/parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "ha/config/config_rows.h"

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kSectionsMax = 1'000;
constexpr std::size_t kInactiveLinesMax = 2'000;

struct RawLine {
  std::string_view text;  // without indentation and trailing blanks
  std::uint32_t number = 0;
  std::uint32_t indent = 0;  // relative to the least of the file
  std::uint32_t column = 0;  // what was cut off in front
};

bool is_blank(char each) { return each == ' ' || each == '\t' || each == '\r'; }

std::vector<RawLine> split_lines(std::string_view text) {
  std::vector<RawLine> lines;
  std::uint32_t number = 0;
  std::optional<std::uint32_t> least;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    std::uint32_t indent = 0;
    while (!line.empty() && is_blank(line.front())) {
      line.remove_prefix(1);
      ++indent;
    }
    if (line.empty()) continue;
    least = std::min(least.value_or(indent), indent);
    lines.push_back({line, number, indent, indent});
  }
  for (RawLine& line : lines) line.indent -= least.value_or(0);
  return lines;
}

// The walk over one file.
class FileParser {
 public:
  FileParser(std::string_view file, Config base) : file_(file), editor_(std::move(base)) {}

  void run(const std::vector<RawLine>& lines) {
    indented_file_ =
        std::any_of(lines.begin(), lines.end(), [](const RawLine& l) { return l.indent > 0; });
    for (const RawLine& line : lines) {
      if (ended_) {
        complain(line, Severity::warning, "text after 'return' is ignored");
        break;
      }
      if (errors_ >= kConfigErrorsMax) {
        complain(line, Severity::error, "too many errors, the rest was not read");
        break;
      }
      feed(line);
    }
    sort_kept();
  }
  [[nodiscard]] ParseOutcome take() { return {std::move(editor_.config), std::move(diagnostics_)}; }

 private:
  void feed(const RawLine& line);
  void command(const RawLine& line, std::vector<Word> words);
  bool structural(const std::vector<Word>& words);
  void matched(const RawLine& line, const std::vector<Word>& words, const Match& match);
  void keep_line(const RawLine& line, const ConfigRow& row, const std::string& text);
  void open_section(const RawLine& line, const ConfigRow& row, const std::string& header);
  bool in_section(const RawLine& line);
  bool in_refused_view(const RawLine& line);
  void explain(const RawLine& line, const std::vector<Word>& words, const MatchError& error,
               View view);
  Diagnostic& complain(const RawLine& line, Severity severity, std::string message);
  void sort_kept();

  std::string_view file_;
  Editor editor_;
  Diagnostics diagnostics_;
  std::size_t errors_ = 0;
  bool ended_ = false;
  bool indented_file_ = false;          // the left edge is the system view
  std::optional<std::size_t> section_;  // index of the kept section that is open
  std::uint32_t section_indent_ = 0;
  std::optional<std::uint32_t> refused_view_;  // an interface that cannot be: its header's indent
};

Diagnostic& FileParser::complain(const RawLine& line, Severity severity, std::string message) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.file = std::string(file_);
  diagnostic.line = {line.number};
  diagnostic.message = std::move(message);
  diagnostics_.push_back(std::move(diagnostic));
  if (severity == Severity::error) ++errors_;
  return diagnostics_.back();
}

void FileParser::feed(const RawLine& line) {
  if (line.text.size() > kLineBytesMax) {
    complain(line, Severity::error,
             fmt::format("the line is longer than {} characters", kLineBytesMax));
    return;
  }
  for (std::size_t i = 0; i < line.text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line.text[i]);
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') continue;
    complain(line, Severity::error,
             fmt::format("the line holds a control character (0x{:02x})", byte))
        .column = line.column + static_cast<std::uint32_t>(i) + 1;
    return;
  }
  if (section_ && in_section(line)) return;
  if (refused_view_ && in_refused_view(line)) return;
  if (line.text == "#" || line.text == "!") {
    if (line.indent == 0) editor_.leave();
    return;
  }
  if (line.text.starts_with("# ") || line.text.starts_with("! ")) return;  // a comment
  command(line, split_words(line.text, line.column));
}

// True if the line belongs to the open section, which is kept and not read.
bool FileParser::in_section(const RawLine& line) {
  const bool separator = line.text == "#" || line.text == "!";
  bool inside = line.indent > section_indent_;
  if (!inside && !indented_file_ && !separator && line.text != "return") {
    // The section goes on until a line of the system view.
    const auto words = split_words(line.text);
    const bool undo = words.size() > 1 && (words[0].text == "undo" || words[0].text == "no");
    const auto rest = std::span(words).subspan(undo ? 1 : 0);
    inside = !config_grammar().match(static_cast<std::uint8_t>(View::system), rest, undo);
  }
  if (!inside) {
    section_.reset();
    return false;
  }
  const std::uint32_t deeper = line.indent > section_indent_ ? line.indent - section_indent_ : 1;
  editor_.config.foreign[*section_].lines.push_back(std::string(deeper, ' ') +
                                                    std::string(line.text));
  return true;
}

// True if the line belongs to the view of an interface that was refused: its header's error says
// all, the lines of the view would only repeat it.
bool FileParser::in_refused_view(const RawLine& line) {
  const bool separator = line.text == "#" || line.text == "!";
  bool inside = line.indent > *refused_view_;
  if (!inside && !indented_file_ && !separator && line.text != "return") {
    const auto words = split_words(line.text);
    const bool undo = words.size() > 1 && (words[0].text == "undo" || words[0].text == "no");
    const auto rest = std::span(words).subspan(undo ? 1 : 0);
    const auto fits = [&](View view) {
      return config_grammar().match(static_cast<std::uint8_t>(view), rest, undo).has_value();
    };
    inside = fits(View::interface) || !fits(View::system);
  }
  if (!inside) refused_view_.reset();
  return inside;
}

// Lines that only move between views.
bool FileParser::structural(const std::vector<Word>& words) {
  const std::string& first = words.front().text;
  if (words.size() == 1 && (first == "return" || first == "end")) {
    ended_ = true;
    return true;
  }
  if (words.size() == 1 && (first == "quit" || first == "exit")) {
    editor_.leave();
    return true;
  }
  return false;
}

void FileParser::command(const RawLine& line, std::vector<Word> words) {
  if (structural(words)) return;
  editor_.undo = words.size() > 1 && (words.front().text == "undo" || words.front().text == "no");
  if (editor_.undo) words.erase(words.begin());
  editor_.line = {line.number};

  if (indented_file_ && line.indent == 0) editor_.leave();
  const View here = editor_.view;
  const Grammar& grammar = config_grammar();
  auto found = grammar.match(static_cast<std::uint8_t>(here), words, editor_.undo);
  if (!found && here != View::system && !indented_file_) {
    auto above = grammar.match(static_cast<std::uint8_t>(View::system), words, editor_.undo);
    if (above) {
      editor_.leave();
      found = std::move(above);
    }
  }
  if (!found) {
    explain(line, words, found.error(), here);
    return;
  }
  matched(line, words, *found);
}

void FileParser::matched(const RawLine& line, const std::vector<Word>& words, const Match& match) {
  const ConfigRow& row = config_rows()[match.row];
  const std::string& text = match.text;
  switch (row.kind) {
    case RowKind::not_active:
    case RowKind::foreign:
      keep_line(line, row, text);
      return;
    case RowKind::section:
    case RowKind::later_section:
      open_section(line, row, text);
      return;
    case RowKind::active:
    case RowKind::partly:
      break;
  }
  editor_.complaints.clear();
  const bool needs_name = editor_.undo && row.syntax.find("name:") != std::string_view::npos &&
                          editor_.view == View::system && !match.values.has("name");
  const bool needs_id = editor_.undo && row.syntax == "e-trunk id:1-1024" &&
                        editor_.view == View::system && !match.values.has("id");
  if ((needs_name && row.apply != nullptr && row.multi) || needs_id) {
    complain(line, Severity::error, fmt::format("'undo {}' must say which one", text));
    return;
  }
  row.apply(editor_, match.values);
  for (Diagnostic& complaint : editor_.complaints) {
    Diagnostic& made = complain(line, complaint.severity, std::move(complaint.message));
    made.column = words.front().column;
  }
}

void FileParser::keep_line(const RawLine& line, const ConfigRow& row, const std::string& text) {
  auto& kept = editor_.config.inactive;
  std::erase_if(kept, [&](const InactiveLine& each) {
    const bool same_row = each.path == editor_.path && each.rule == row.syntax;
    return same_row &&
           (!row.multi || each.text == text || (editor_.undo && each.text.starts_with(text)));
  });
  if (editor_.undo) return;
  if (kept.size() >= kInactiveLinesMax) {
    complain(line, Severity::error,
             fmt::format("more than {} lines without an engine", kInactiveLinesMax));
    return;
  }
  InactiveLine made;
  made.kind =
      row.kind == RowKind::foreign ? InactiveLine::Kind::foreign : InactiveLine::Kind::not_active;
  made.path = editor_.path;
  made.rule = std::string(row.syntax);
  made.text = text;
  made.line = {line.number};
  kept.push_back(std::move(made));
}

void FileParser::open_section(const RawLine& line, const ConfigRow& row,
                              const std::string& header) {
  auto& sections = editor_.config.foreign;
  const auto found =
      std::find_if(sections.begin(), sections.end(),
                   [&](const ForeignSection& each) { return each.header == header; });
  if (editor_.undo) {
    if (found != sections.end()) sections.erase(found);
    return;
  }
  editor_.leave();
  section_indent_ = line.indent;
  if (found != sections.end()) {
    section_ = static_cast<std::size_t>(found - sections.begin());
    return;
  }
  if (sections.size() >= kSectionsMax) {
    complain(line, Severity::error,
             fmt::format("more than {} sections of other programs", kSectionsMax));
    return;
  }
  section_ = sections.size();
  ForeignSection made;
  made.kind =
      row.kind == RowKind::section ? InactiveLine::Kind::foreign : InactiveLine::Kind::not_active;
  made.rule = std::string(row.syntax);
  made.header = header;
  made.line = {line.number};
  sections.push_back(std::move(made));
}

void FileParser::explain(const RawLine& line, const std::vector<Word>& words,
                         const MatchError& error, View view) {
  const bool header = error.at_home && words.size() > 1 && words[0].text.size() > 2 &&
                      std::string_view("interface").starts_with(words[0].text) && !editor_.undo;
  if (header) refused_view_ = line.indent;
  std::string message = error.message + (header ? "; the lines of its view were skipped"
                                                : fmt::format(" in view {}", name_of(view)));
  Diagnostic& made = complain(line, Severity::error, std::move(message));
  if (!header) made.expected = error.expected;
  made.nearest = error.nearest;
  if (error.word < words.size()) {
    made.word = words[error.word].text;
    made.column = words[error.word].column;
  } else {
    const Word& last = words.back();
    made.column = last.column + static_cast<std::uint32_t>(last.text.size());
  }
  if (error.at_home) return;
  for (const View other : {View::etrunk, View::ssl_policy, View::service, View::profile,
                           View::interface, View::pim, View::pim_ipv6}) {
    if (other == view ||
        !config_grammar().match(static_cast<std::uint8_t>(other), words, editor_.undo))
      continue;
    made.message += fmt::format(" (it belongs to view {})", name_of(other));
    return;
  }
}

void FileParser::sort_kept() {
  auto& inactive = editor_.config.inactive;
  std::sort(inactive.begin(), inactive.end(), [](const InactiveLine& a, const InactiveLine& b) {
    return std::tie(a.path, a.rule, a.text) < std::tie(b.path, b.rule, b.text);
  });
  auto& foreign = editor_.config.foreign;
  std::sort(foreign.begin(), foreign.end(), [](const ForeignSection& a, const ForeignSection& b) {
    return std::tie(a.rule, a.header) < std::tie(b.rule, b.header);
  });
}

ParseOutcome refused(FileParser& parser, std::string_view file, std::size_t max,
                     std::string_view what) {
  ParseOutcome outcome = parser.take();
  Diagnostic diagnostic;
  diagnostic.file = std::string(file);
  diagnostic.message = fmt::format("the file has more than {} {}", max, what);
  outcome.diagnostics.push_back(std::move(diagnostic));
  return outcome;
}

}  // namespace

ParseOutcome parse_config(std::string_view text, std::string_view file, Config base) {
  FileParser parser(file, std::move(base));
  if (text.size() > kConfigBytesMax) return refused(parser, file, kConfigBytesMax, "bytes");
  const auto lines = split_lines(text);
  if (lines.size() > kConfigLinesMax) return refused(parser, file, kConfigLinesMax, "lines");
  parser.run(lines);
  return parser.take();
}

}  // namespace hotpair::ha::config
