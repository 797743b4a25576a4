#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ha/config/config_rows.h"

namespace hotpair::ha::config {

/// Changes a configuration line by line: what the file parser and the shell's candidate have in
/// common. A line that is refused changes nothing; the header of an interface that cannot be leaves
/// the view, so that the lines behind it do not change another one.
class LineEditor {
 public:
  /// What a line of the system view does in another view.
  enum class Follow : std::uint8_t {
    stay,            ///< it is an error: the indentation of a file tells the views
    to_system_view,  ///< it leaves the view, as pasted text expects
  };

  explicit LineEditor(Config base) : editor_(std::move(base)) {}

  [[nodiscard]] const Config& config() const { return editor_.config; }
  /// Goes on with another configuration, in the same view if that exists there.
  void rebase(Config base);
  /// The configuration with kept lines in the order in which they are printed.
  [[nodiscard]] Config take();
  [[nodiscard]] View view() const { return editor_.view; }
  /// Header of the view; empty in the system view.
  [[nodiscard]] const std::string& path() const { return editor_.path; }

  /// One line in words (at least one), `undo` or `no` before it or not. Answers what is wrong or
  /// worth knowing, without a file's name.
  [[nodiscard]] Diagnostics line(std::span<const Word> words, SourceLine at, Follow follow);
  /// The last line was the header of an interface that cannot be: what follows was meant for its
  /// view.
  [[nodiscard]] bool header_refused() const { return header_refused_; }
  /// Back to the system view.
  void leave() { editor_.leave(); }

  /// A section that is kept and not read (`ospf 1`) is open: its lines go to keep().
  [[nodiscard]] bool in_section() const { return section_.has_value(); }
  /// Header of the open section.
  [[nodiscard]] const std::string& section() const {
    return editor_.config.foreign[*section_].header;
  }
  /// Appends to the open section, with the indentation relative to its header.
  void keep(std::string text, SourceLine at = {}) {
    ForeignSection& section = editor_.config.foreign[*section_];
    section.lines.push_back(std::move(text));
    section.numbers.of.push_back(at);
  }
  void close_section() { section_.reset(); }
  /// Puts kept lines and sections in the order in which they are printed.
  void sort_kept();

 private:
  void matched(const Match& match);
  void keep_line(const ConfigRow& row, const std::string& text);
  void open_section(const ConfigRow& row, const std::string& header);
  void explain(std::span<const Word> words, const MatchError& error, View view);

  Editor editor_;
  std::optional<std::size_t> section_;  // index of the kept section that is open
  bool header_refused_ = false;
};

/// True for `undo` and `no`, which take a line back.
[[nodiscard]] bool is_undo(const Word& word);

}  // namespace hotpair::ha::config
