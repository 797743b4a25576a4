#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ha/config/interface_name.h"
#include "platform/base/address.h"

/// The grammar engine: typed rows, matched with abbreviations. Configuration lines and display
/// commands are both rows of it; so are `?`, completion and the manual.
namespace hotpair::ha::config {

/// One word of a line with its place.
struct Word {
  std::string text;
  std::uint32_t column = 0;  ///< first is 1
};

/// Splits at blanks and tabs. `column_offset` is what was cut off before the line.
[[nodiscard]] std::vector<Word> split_words(std::string_view line, std::uint32_t column_offset = 0);
/// Words as one text, one blank between.
[[nodiscard]] std::string join_words(std::span<const Word> words);

enum class ElementKind : std::uint8_t {
  keyword,  ///< typed as it is or abbreviated
  choice,   ///< one of several words, `{a|b}`
  number,   ///< `5-100`
  string,   ///< one word, `STRING` or `STRING31` for at most 31 characters
  rest,     ///< everything to the end of the line, byte for byte
  ipv4,
  ipv6,
  ip,
  mask,  ///< a dotted mask or a prefix length
  prefix4,
  prefix6,
  prefix,
  prefixes4,  ///< one prefix or more, each a word
  prefixes6,
  mac,        ///< H-H-H
  interface,  ///< an interface name, in one or two words
};

/// One element of a row's syntax.
struct Element {
  ElementKind kind = ElementKind::keyword;
  std::string name;  ///< of the parameter; the keyword itself for keywords
  std::uint64_t min = 0;
  std::uint64_t max = 0;  ///< of a number; of the length of a string, 0: 255
  std::vector<std::string> choices;

  /// As help shows it: "priority", "<1-254>", "X.X.X.X", "{igmp|mld}".
  [[nodiscard]] std::string shown() const;
};

using Value = std::variant<std::uint64_t, std::string, IpAddress, IpPrefix, std::vector<IpPrefix>,
                           MacAddress, InterfaceName>;

/// The parameters of a matched line by name.
class Values {
 public:
  void add(std::string_view name, Value value) {
    values_.insert_or_assign(std::string(name), std::move(value));
  }
  [[nodiscard]] bool has(std::string_view name) const {
    return values_.find(name) != values_.end();
  }
  template <typename T>
  [[nodiscard]] bool holds(std::string_view name) const {
    const auto found = values_.find(name);
    return found != values_.end() && std::holds_alternative<T>(found->second);
  }
  /// The value of a parameter that the row has, whatever it is; an own invariant.
  [[nodiscard]] const Value& value(std::string_view name) const {
    return values_.find(name)->second;
  }
  /// The value of a parameter that the row has; an own invariant.
  template <typename T>
  [[nodiscard]] const T& get(std::string_view name) const {
    return std::get<T>(values_.find(name)->second);
  }
  [[nodiscard]] std::uint64_t number(std::string_view name) const {
    return get<std::uint64_t>(name);
  }
  [[nodiscard]] const std::string& text(std::string_view name) const {
    return get<std::string>(name);
  }
  [[nodiscard]] const IpAddress& address(std::string_view name) const {
    return get<IpAddress>(name);
  }
  [[nodiscard]] const IpPrefix& prefix(std::string_view name) const { return get<IpPrefix>(name); }
  /// Those of the parameter; none without it.
  [[nodiscard]] std::vector<IpPrefix> prefixes(std::string_view name) const {
    return has(name) ? get<std::vector<IpPrefix>>(name) : std::vector<IpPrefix>{};
  }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

/// What the grammar needs of a row. Syntax: words are keywords, `name:TYPE` is a parameter, `[ … ]`
/// is optional. TYPE: STRING REST IPV4 IPV6 IP MASK PREFIX4 PREFIX6 PREFIX PREFIXES4 PREFIXES6 MAC
/// INTERFACE, `1-254`, `{a|b}`.
struct RowSyntax {
  std::uint8_t view = 0;
  std::string_view syntax;
  std::string_view help;
};

struct Match {
  std::size_t row = 0;  ///< index of the row
  Values values;
  std::string text;  ///< the line with abbreviations written out, one blank between words
};

struct MatchError {
  std::size_t word = 0;  ///< index of the offending word; the number of words if more are needed
  std::string message;
  std::string expected;
  std::string nearest;
  bool at_home = false;  ///< the line belongs here: a value is wrong, or a word too short
};

/// What may come next, for `?` and completion.
struct Candidate {
  std::string shown;
  std::string help;
  bool keyword = false;  ///< can be completed as it is
  std::string name;      ///< of the parameter; the word itself otherwise
  bool shared = false;   ///< one of several rows or choices that `help` stands for
  ElementKind kind = ElementKind::keyword;
  std::string after;  ///< the keyword before it
  friend auto operator<=>(const Candidate&, const Candidate&) = default;
};

class Grammar {
 public:
  /// Compiles the rows. A row that does not compile is an own invariant.
  explicit Grammar(std::span<const RowSyntax> rows);

  /// Matches the words against the rows of a view. Exact keywords win over abbreviations, those
  /// over parameters. `undo`: trailing elements may be left out.
  [[nodiscard]] std::expected<Match, MatchError> match(std::uint8_t view,
                                                       std::span<const Word> words,
                                                       bool undo = false) const;
  /// What may follow the words; the last one is taken as begun if `partial`. "<cr>": complete here.
  [[nodiscard]] std::vector<Candidate> candidates(std::uint8_t view, std::span<const Word> words,
                                                  bool partial) const;

 private:
  struct Pattern {
    std::size_t row = 0;
    std::vector<Element> elements;
  };
  struct Walk;
  [[nodiscard]] Walk walk(const Pattern& pattern, std::span<const Word> words, bool undo) const;
  [[nodiscard]] static std::optional<MatchError> ambiguity(const std::vector<Walk>& walks,
                                                           std::span<const Word> words);
  [[nodiscard]] MatchError explain(const std::vector<Walk>& walks,
                                   std::span<const Word> words) const;
  void compile(std::size_t row, std::string_view syntax);

  std::vector<RowSyntax> rows_;
  std::vector<Pattern> patterns_;
};

/// The nearest of several words by edit distance, or empty when none is near.
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace hotpair::ha::config
