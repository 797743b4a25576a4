#include "ha/config/grammar.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "ha/config/grammar_syntax.h"
#include "platform/base/assert.h"

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kExpectedShown = 12;

bool begins_with(std::string_view word, std::string_view typed) {
  return word.size() >= typed.size() && word.substr(0, typed.size()) == typed;
}

// How well a word fits; lower is better and decides between rows.
enum Score : std::uint8_t { exact = 0, abbreviated = 1, parameter = 2 };

bool is_list(const Element& element) {
  return element.kind == ElementKind::prefixes4 || element.kind == ElementKind::prefixes6;
}

// The rest of a line as it was typed: blanks between words are kept.
std::string rest_of(std::span<const Word> words) {
  std::string text;
  const std::uint32_t start = words.front().column;
  for (const Word& word : words) {
    const std::size_t at = word.column >= start ? word.column - start : 0;
    if (text.size() < at) text.append(at - text.size(), ' ');
    text += word.text;
  }
  return text;
}

}  // namespace

std::vector<Word> split_words(std::string_view line, std::uint32_t column_offset) {
  std::vector<Word> words;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t start = line.find_first_not_of(" \t", at);
    if (start == std::string_view::npos) break;
    at = std::min(line.find_first_of(" \t", start), line.size());
    words.push_back({std::string(line.substr(start, at - start)),
                     static_cast<std::uint32_t>(start) + 1 + column_offset});
  }
  return words;
}

std::string join_words(std::span<const Word> words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

std::string nearest_word(std::string_view word, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = word.size() <= 3 ? 2 : 1 + word.size() / 3 + 1;  // exclusive bound
  for (const std::string& each : known) {
    const std::size_t distance = edit_distance(word, each, best_distance);
    if (distance < best_distance) {
      best_distance = distance;
      best = each;
    }
  }
  return best;
}

// One attempt to lay the words over one pattern.
struct Grammar::Walk {
  enum class End : std::uint8_t { complete, incomplete, failed };
  const Pattern* pattern = nullptr;
  End end = End::failed;
  std::size_t word = 0;     // words taken; the offending one if failed
  std::size_t element = 0;  // elements taken
  std::vector<std::uint8_t> scores;
  std::string error;  // of a parameter that did not parse
  std::string text;   // what was taken, abbreviations written out
  Values values;

  void took(std::string_view what) {
    if (!text.empty()) text += ' ';
    text += what;
  }

  // Prefixes up to a word that cannot be one: no keyword has a slash.
  bool take_prefixes(const Element& wanted, std::span<const Word> words) {
    std::vector<IpPrefix> list;
    const std::size_t first = word;
    while (word < words.size() &&
           (word == first || words[word].text.find('/') != std::string::npos)) {
      auto value = parse_parameter(wanted, words[word].text);
      if (!value) {
        error = value.error().detail;
        return false;
      }
      list.push_back(std::get<IpPrefix>(*value));
      ++word;
    }
    scores.push_back(Score::parameter);
    took(join_words(words.subspan(first, word - first)));
    values.add(wanted.name, std::move(list));
    return true;
  }

  // Elements that were left out contain a keyword (undo only).
  [[nodiscard]] bool rest_has_keyword() const {
    return std::any_of(pattern->elements.begin() + static_cast<std::ptrdiff_t>(element),
                       pattern->elements.end(),
                       [](const Element& each) { return each.kind == ElementKind::keyword; });
  }
};

Grammar::Grammar(std::span<const RowSyntax> rows) : rows_(rows.begin(), rows.end()) {
  for (std::size_t row = 0; row < rows_.size(); ++row) compile(row, rows_[row].syntax);
}

void Grammar::compile(std::size_t row, std::string_view syntax) {
  for (auto& elements : compile_syntax(syntax)) patterns_.push_back({row, std::move(elements)});
}

Grammar::Walk Grammar::walk(const Pattern& pattern, std::span<const Word> words, bool undo) const {
  Walk walk;
  walk.pattern = &pattern;
  while (walk.element < pattern.elements.size()) {
    if (walk.word == words.size()) {
      const bool enough = undo && walk.element > 0;
      walk.end = enough ? Walk::End::complete : Walk::End::incomplete;
      return walk;
    }
    const Element& element = pattern.elements[walk.element];
    const std::string& typed = words[walk.word].text;
    if (element.kind == ElementKind::keyword) {
      if (!begins_with(element.name, typed)) return walk;
      walk.scores.push_back(element.name == typed ? Score::exact : Score::abbreviated);
      walk.took(element.name);
      ++walk.word;
    } else if (is_list(element)) {
      if (!walk.take_prefixes(element, words)) return walk;
    } else if (element.kind == ElementKind::rest) {
      walk.values.add(element.name, rest_of(words.subspan(walk.word)));
      walk.took(join_words(words.subspan(walk.word)));
      walk.scores.push_back(Score::parameter);
      walk.word = words.size();
    } else {
      std::string text = typed;
      std::size_t taken = 1;
      const bool split = element.kind == ElementKind::interface && walk.word + 1 < words.size() &&
                         InterfaceName::is_type_word(typed) &&
                         words[walk.word + 1].text.find_first_of("0123456789") == 0;
      if (split) {
        text += words[walk.word + 1].text;
        taken = 2;
      }
      auto value = parse_parameter(element, text);
      if (!value) {
        walk.error = value.error().detail;
        return walk;
      }
      if (element.kind == ElementKind::choice) {
        const std::string& chosen = std::get<std::string>(*value);
        walk.scores.push_back(chosen == typed ? Score::exact : Score::abbreviated);
        walk.took(chosen);
      } else {
        walk.scores.push_back(Score::parameter);
        walk.took(text);
      }
      walk.values.add(element.name, std::move(*value));
      walk.word += taken;
    }
    ++walk.element;
  }
  walk.end = walk.word == words.size() ? Walk::End::complete : Walk::End::failed;
  return walk;
}

std::expected<Match, MatchError> Grammar::match(std::uint8_t view, std::span<const Word> words,
                                                bool undo) const {
  // Patterns whose first keyword does not fit matter only when none fits.
  std::vector<Walk> walks;
  std::vector<const Walk*> complete;
  const auto fits = [&](const Pattern& pattern) {
    const Element& first = pattern.elements.front();
    return words.empty() || first.kind != ElementKind::keyword ||
           begins_with(first.name, words.front().text);
  };
  for (const Pattern& pattern : patterns_)
    if (rows_[pattern.row].view == view && fits(pattern))
      walks.push_back(walk(pattern, words, undo));
  if (walks.empty()) {
    for (const Pattern& pattern : patterns_)
      if (rows_[pattern.row].view == view) walks.push_back(walk(pattern, words, undo));
  }
  for (const Walk& each : walks)
    if (each.end == Walk::End::complete) complete.push_back(&each);
  if (complete.empty()) return std::unexpected(explain(walks, words));

  const auto best = [](const Walk* a, const Walk* b) {
    if (a->scores != b->scores) return a->scores < b->scores;
    return a->rest_has_keyword() < b->rest_has_keyword();
  };
  const Walk* chosen = *std::min_element(complete.begin(), complete.end(), best);
  std::set<std::string> rivals;
  for (const Walk* each : complete) {
    if (best(chosen, each) || each->pattern->row == chosen->pattern->row) continue;
    // Same keywords so far and nothing but parameters left out: the first row stands for all.
    bool same = !each->rest_has_keyword();
    for (std::size_t i = 0; i < std::min(each->element, chosen->element); ++i)
      same = same && (each->pattern->elements[i].kind != ElementKind::keyword ||
                      each->pattern->elements[i].name == chosen->pattern->elements[i].name);
    if (!same) rivals.insert(std::string(rows_[each->pattern->row].syntax));
  }
  if (!rivals.empty()) {
    rivals.insert(std::string(rows_[chosen->pattern->row].syntax));
    std::string list;
    for (const std::string& rival : rivals)
      list += (list.empty() ? "" : ", ") + plain_syntax(rival);
    const std::size_t at = words.empty() ? 0 : words.size() - 1;
    return std::unexpected(MatchError{
        at, fmt::format("'{}' is ambiguous", join_words(words)), "one of: " + list, {}, true});
  }
  return Match{chosen->pattern->row, chosen->values, chosen->text};
}

// The first word that was abbreviated to more than one keyword, if the walks part there.
std::optional<MatchError> Grammar::ambiguity(const std::vector<Walk>& walks,
                                             std::span<const Word> words) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    std::set<std::string> meant;
    for (const Walk& each : walks) {
      if (at >= each.element) return std::nullopt;
      const Element& element = each.pattern->elements[at];
      if (element.kind != ElementKind::keyword) return std::nullopt;
      meant.insert(element.name);
    }
    if (meant.size() < 2) continue;
    std::string list;
    for (const std::string& each : meant) list += (list.empty() ? "" : ", ") + each;
    return MatchError{
        at, fmt::format("'{}' is ambiguous", words[at].text), "one of: " + list, {}, true};
  }
  return std::nullopt;
}

MatchError Grammar::explain(const std::vector<Walk>& walks, std::span<const Word> words) const {
  std::size_t furthest = 0;
  for (const Walk& each : walks) furthest = std::max(furthest, each.word);
  std::optional<std::vector<std::uint8_t>> best;
  for (const Walk& each : walks)
    if (each.word == furthest && (!best || each.scores < *best)) best = each.scores;

  std::vector<Walk> fitting;
  for (const Walk& each : walks)
    if (each.word == furthest && each.scores == *best) fitting.push_back(each);
  if (auto unclear = ambiguity(fitting, words)) return *std::move(unclear);

  std::vector<std::string> shown;
  std::vector<std::string> keywords;
  std::string error;
  for (const Walk& each : walks) {
    if (each.word != furthest || each.scores != *best) continue;
    if (each.element == each.pattern->elements.size()) {
      shown.emplace_back("the end of the line");
      continue;
    }
    const Element& element = each.pattern->elements[each.element];
    shown.push_back(element.shown());
    if (element.kind == ElementKind::keyword) keywords.push_back(element.name);
    for (const std::string& choice : element.choices) keywords.push_back(choice);
    if (error.empty()) error = each.error;
  }
  std::sort(shown.begin(), shown.end());
  shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
  const bool many = shown.size() > kExpectedShown;
  const bool only_one = shown.size() == 1;
  if (many) shown.resize(kExpectedShown);
  MatchError result;
  result.word = furthest;
  for (const std::string& each : shown)
    result.expected += (result.expected.empty() ? "" : ", ") + each;
  if (many) result.expected += ", …";
  if (!only_one && !shown.empty()) result.expected = "one of: " + result.expected;
  if (furthest >= words.size()) {
    result.message = "the line is incomplete";
    return result;
  }
  const std::string& word = words[furthest].text;
  result.nearest = nearest_word(word, keywords);
  result.at_home = !error.empty() && keywords.empty();
  result.message = result.at_home ? error : fmt::format("'{}' is not understood here", word);
  return result;
}

std::vector<Candidate> Grammar::candidates(std::uint8_t view, std::span<const Word> words,
                                           bool partial) const {
  const bool begun = partial && !words.empty();
  const auto whole = begun ? words.first(words.size() - 1) : words;
  const std::string typed = begun ? words.back().text : std::string();
  std::set<Candidate> found;
  for (const Pattern& pattern : patterns_) {
    if (rows_[pattern.row].view != view) continue;
    const Walk each = walk(pattern, whole, false);
    Candidate next;
    next.help = std::string(rows_[pattern.row].help);
    if (each.end == Walk::End::complete && !begun) {
      next.shown = "<cr>";
      found.insert(std::move(next));
      continue;
    }
    if (each.end != Walk::End::incomplete) continue;
    const Element& element = pattern.elements[each.element];
    next.kind = element.kind;
    for (std::size_t i = 0; i < each.element; ++i)
      if (pattern.elements[i].kind == ElementKind::keyword) next.after = pattern.elements[i].name;
    if (element.kind == ElementKind::choice) {
      next.keyword = next.shared = true;
      for (const std::string& choice : element.choices) {
        next.shown = next.name = choice;
        if (begins_with(choice, typed)) found.insert(next);
      }
      continue;
    }
    next.shown = element.shown();
    next.name = element.name;
    next.keyword = element.kind == ElementKind::keyword;
    if (!next.keyword || begins_with(element.name, typed)) found.insert(std::move(next));
  }
  // A word that several rows share is listed once.
  std::vector<Candidate> list;
  for (const Candidate& each : found) {
    if (list.empty() || list.back().shown != each.shown)
      list.push_back(each);
    else
      list.back().shared = true;
  }
  return list;
}

}  // namespace hotpair::ha::config
