#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ha/cli/text_source.h"
#include "ha/config/grammar.h"
#include "platform/base/result.h"

namespace re2 {
class RE2;
}

/// `display … | include REGEX | count`: what is done to the lines of an answer.
namespace hotpair::ha::cli {

/// The stages behind a command. Expressions take time linear in the text, whatever they are (RE2),
/// and are bounded in length and memory.
class OutputFilter {
 public:
  static constexpr std::size_t kStagesMax = 8;
  static constexpr std::size_t kPatternMax = 512;

  /// The words behind the first `|`, which is not among them.
  [[nodiscard]] static std::expected<OutputFilter, config::MatchError> parse(
      std::span<const config::Word> words);

  /// What is left of the text, line by line.
  [[nodiscard]] std::string apply(std::string_view text) const;
  [[nodiscard]] bool empty() const { return stages_.empty(); }
  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool no_more() const { return no_more_; }

 private:
  enum class Kind : std::uint8_t { include, exclude, begin, count, json, no_more };
  struct Stage {
    Kind kind;
    std::shared_ptr<const re2::RE2> pattern;
  };
  friend class FilterRun;
  [[nodiscard]] std::optional<config::MatchError> add(std::span<const config::Word> words,
                                                      std::size_t first);
  std::vector<Stage> stages_;
  bool json_ = false;
  bool no_more_ = false;
};

/// The stages at work on a text that comes in pieces.
class FilterRun {
 public:
  explicit FilterRun(OutputFilter filter);
  /// What passes of the lines that are complete with this piece.
  [[nodiscard]] std::string feed(std::string_view piece);
  /// What is left at the end: a last line without an end, counts.
  [[nodiscard]] std::string end();

 private:
  struct Progress {
    bool begun = false;
    std::uint64_t lines = 0;
  };
  [[nodiscard]] bool passes(std::string_view line);

  OutputFilter filter_;
  std::vector<Progress> progress_;  ///< of each stage
  std::string rest_;                ///< a line that is not complete
};
/// A long answer through a filter; no more of it is held than one piece.
[[nodiscard]] std::unique_ptr<TextSource> filtered(std::unique_ptr<TextSource> source,
                                                   OutputFilter filter);

/// Cuts a line at its first `|` that stands alone or begins a word: the words before it, and the
/// words behind it if there is one.
struct SplitLine {
  std::vector<config::Word> command;
  std::optional<std::vector<config::Word>> filter;
};
[[nodiscard]] SplitLine split_filter(std::vector<config::Word> words);

/// The rows of one stage, and their grammar, for help and completion.
[[nodiscard]] std::span<const config::RowSyntax> filter_rows();
[[nodiscard]] const config::Grammar& filter_grammar();
/// The words of the last stage.
[[nodiscard]] std::span<const config::Word> last_stage(std::span<const config::Word> words);

}  // namespace hotpair::ha::cli
