#include "ha/config/parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "ha/config/line_editor.h"

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kLineBytesMax = 4096;

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
  }
  [[nodiscard]] ParseOutcome take() { return {editor_.take(), std::move(diagnostics_)}; }

 private:
  void feed(const RawLine& line);
  void command(const RawLine& line, const std::vector<Word>& words);
  bool structural(const std::vector<Word>& words);
  bool in_section(const RawLine& line);
  bool in_refused_view(const RawLine& line);
  Diagnostic& complain(const RawLine& line, Severity severity, std::string message);

  std::string_view file_;
  LineEditor editor_;
  Diagnostics diagnostics_;
  std::size_t errors_ = 0;
  bool ended_ = false;
  bool indented_file_ = false;  // the left edge is the system view
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
  if (editor_.in_section() && in_section(line)) return;
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
    const bool undo = words.size() > 1 && is_undo(words[0]);
    const auto rest = std::span(words).subspan(undo ? 1 : 0);
    inside = !config_grammar().match(static_cast<std::uint8_t>(View::system), rest, undo);
  }
  if (!inside) {
    editor_.close_section();
    return false;
  }
  const std::uint32_t deeper = line.indent > section_indent_ ? line.indent - section_indent_ : 1;
  editor_.keep(std::string(deeper, ' ') + std::string(line.text), {line.number});
  return true;
}

// True if the line belongs to the view of an interface that was refused: its header's error says
// all, the lines of the view would only repeat it.
bool FileParser::in_refused_view(const RawLine& line) {
  const bool separator = line.text == "#" || line.text == "!";
  bool inside = line.indent > *refused_view_;
  if (!inside && !indented_file_ && !separator && line.text != "return") {
    const auto words = split_words(line.text);
    const bool undo = words.size() > 1 && is_undo(words[0]);
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

void FileParser::command(const RawLine& line, const std::vector<Word>& words) {
  if (structural(words)) return;
  if (indented_file_ && line.indent == 0) editor_.leave();
  using Follow = LineEditor::Follow;
  const Follow follow = indented_file_ ? Follow::stay : Follow::to_system_view;
  Diagnostics found = editor_.line(words, {line.number}, follow);
  if (editor_.header_refused()) {
    refused_view_ = line.indent;
    found.front().message += "; the lines of its view were skipped";
  }
  for (Diagnostic& each : found) {
    each.file = std::string(file_);
    if (each.severity == Severity::error) ++errors_;
    diagnostics_.push_back(std::move(each));
  }
  if (editor_.in_section()) section_indent_ = line.indent;
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
