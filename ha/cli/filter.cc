#include "ha/cli/filter.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace hotpair::ha::cli {
namespace {

using config::MatchError;
using config::Word;

constexpr std::int64_t kPatternMemory = 1 << 20;

// In the order of OutputFilter::Kind.
constexpr std::array kRows{
    config::RowSyntax{0, "include pattern:REST", "Only lines that match"},
    config::RowSyntax{0, "exclude pattern:REST", "Only lines that do not match"},
    config::RowSyntax{0, "begin pattern:REST", "From the first line that matches on"},
    config::RowSyntax{0, "count", "How many lines"},
    config::RowSyntax{0, "json", "As one JSON document"},
    config::RowSyntax{0, "no-more", "Without a stop at the end of each page"},
};

bool is_pipe(const Word& word) { return word.text == "|"; }

}  // namespace

std::span<const config::RowSyntax> filter_rows() { return kRows; }

const config::Grammar& filter_grammar() {
  static const config::Grammar grammar{kRows};
  return grammar;
}

SplitLine split_filter(std::vector<Word> words) {
  SplitLine split;
  for (Word& word : words) {
    if (!word.text.starts_with('|') || (split.command.empty() && !split.filter)) {
      (split.filter ? *split.filter : split.command).push_back(std::move(word));
      continue;
    }
    if (split.filter)
      split.filter->push_back({"|", word.column});
    else
      split.filter.emplace();
    if (word.text.size() > 1) split.filter->push_back({word.text.substr(1), word.column + 1});
  }
  return split;
}

std::span<const Word> last_stage(std::span<const Word> words) {
  for (std::size_t i = words.size(); i > 0; --i)
    if (is_pipe(words[i - 1])) return words.subspan(i);
  return words;
}

std::expected<OutputFilter, MatchError> OutputFilter::parse(std::span<const Word> words) {
  OutputFilter filter;
  std::size_t first = 0;
  while (true) {
    std::size_t end = first;
    while (end < words.size() && !is_pipe(words[end])) ++end;
    if (auto wrong = filter.add(words.subspan(first, end - first), first))
      return std::unexpected(*std::move(wrong));
    if (end == words.size()) return filter;
    first = end + 1;
  }
}

std::optional<MatchError> OutputFilter::add(std::span<const Word> words, std::size_t first) {
  const auto match = filter_grammar().match(0, words);
  if (!match) {
    MatchError error = match.error();
    error.word += first;
    return error;
  }
  if (stages_.size() >= kStagesMax)
    return MatchError{first, fmt::format("more than {} filters", kStagesMax), {}, {}, true};
  Stage stage{static_cast<Kind>(match->row), nullptr};
  json_ = json_ || stage.kind == Kind::json;
  no_more_ = no_more_ || stage.kind == Kind::no_more;
  if (match->values.has("pattern")) {
    const std::string& text = match->values.text("pattern");
    if (text.size() > kPatternMax)
      return MatchError{first + 1,
                        fmt::format("an expression of more than {} characters", kPatternMax),
                        {},
                        {},
                        true};
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kPatternMemory);
    options.set_encoding(RE2::Options::EncodingLatin1);
    stage.pattern = std::make_shared<const RE2>(text, options);
    if (!stage.pattern->ok())
      return MatchError{first + 1,
                        fmt::format("'{}' is no expression: {}", text, stage.pattern->error()),
                        "a regular expression",
                        {},
                        true};
  }
  stages_.push_back(std::move(stage));
  return std::nullopt;
}

std::string OutputFilter::apply(std::string_view text) const {
  FilterRun run(*this);
  std::string out = run.feed(text);
  return out + run.end();
}

FilterRun::FilterRun(OutputFilter filter)
    : filter_(std::move(filter)), progress_(filter_.stages_.size()) {}

bool FilterRun::passes(std::string_view line) {
  using Kind = OutputFilter::Kind;
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    const OutputFilter::Stage& stage = filter_.stages_[i];
    const bool matches =
        stage.pattern != nullptr &&
        RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *stage.pattern);
    if (stage.kind == Kind::include && !matches) return false;
    if (stage.kind == Kind::exclude && matches) return false;
    progress_[i].begun = progress_[i].begun || matches;
    if (stage.kind == Kind::begin && !progress_[i].begun) return false;
    if (stage.kind != Kind::count) continue;
    ++progress_[i].lines;
    return false;
  }
  return true;
}

std::string FilterRun::feed(std::string_view piece) {
  std::string out;
  for (std::size_t end = 0; (end = piece.find('\n')) != std::string_view::npos;
       piece.remove_prefix(end + 1)) {
    std::string_view line = piece.substr(0, end);
    if (!rest_.empty()) line = rest_.append(line);
    if (passes(line)) out.append(line).append("\n");
    rest_.clear();
  }
  rest_.append(piece);
  return out;
}

std::string FilterRun::end() {
  std::string out;
  if (!rest_.empty() && passes(rest_)) out = rest_ + "\n";
  rest_.clear();
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    if (filter_.stages_[i].kind != OutputFilter::Kind::count) continue;
    return out + fmt::format("Total count: {}\n", progress_[i].lines);
  }
  return out;
}

namespace {

class FilteredText final : public TextSource {
 public:
  FilteredText(std::unique_ptr<TextSource> source, OutputFilter filter)
      : source_(std::move(source)), run_(std::move(filter)) {}

  TextPiece next() override {
    TextPiece piece = source_->next();
    piece.text = run_.feed(piece.text);
    if (piece.done) piece.text += run_.end();
    return piece;
  }

 private:
  std::unique_ptr<TextSource> source_;
  FilterRun run_;
};

}  // namespace

std::unique_ptr<TextSource> filtered(std::unique_ptr<TextSource> source, OutputFilter filter) {
  return std::make_unique<FilteredText>(std::move(source), std::move(filter));
}

}  // namespace hotpair::ha::cli
