#include "ha/config/grammar_syntax.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

#include "platform/base/assert.h"

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kStringMax = 255;
constexpr std::size_t kEditWordMax = 64;  // longer words are no typing mistakes

struct TypeName {
  std::string_view text;
  ElementKind kind;
  std::string_view shown;
};
constexpr TypeName kTypeNames[] = {
    {"REST", ElementKind::rest, "TEXT"},
    {"IPV4", ElementKind::ipv4, "X.X.X.X"},
    {"IPV6", ElementKind::ipv6, "X:X::X:X"},
    {"IP", ElementKind::ip, "X.X.X.X|X:X::X:X"},
    {"MASK", ElementKind::mask, "MASK"},
    {"PREFIX4", ElementKind::prefix4, "X.X.X.X/L"},
    {"PREFIX6", ElementKind::prefix6, "X:X::X:X/L"},
    {"PREFIX", ElementKind::prefix, "PREFIX/L"},
    {"PREFIXES4", ElementKind::prefixes4, "X.X.X.X/L"},
    {"PREFIXES6", ElementKind::prefixes6, "X:X::X:X/L"},
    {"MAC", ElementKind::mac, "H-H-H"},
    {"INTERFACE", ElementKind::interface, "INTERFACE"},
};

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Element make_element(std::string_view token) {
  Element element;
  const std::size_t colon = token.find(':');
  element.name = std::string(token.substr(0, colon));
  if (colon == std::string_view::npos) return element;
  const std::string_view type = token.substr(colon + 1);
  if (type.front() == '{') {
    element.kind = ElementKind::choice;
    element.choices = split(type.substr(1, type.size() - 2), '|');
    return element;
  }
  if (type.substr(0, 6) == "STRING") {
    element.kind = ElementKind::string;
    element.max = to_number(type.substr(6)).value_or(kStringMax);
    return element;
  }
  for (const TypeName& each : kTypeNames) {
    if (type != each.text) continue;
    element.kind = each.kind;
    return element;
  }
  const auto bounds = split(type, '-');
  element.kind = ElementKind::number;
  HA_ASSERT(bounds.size() == 2 && to_number(bounds[0]) && to_number(bounds[1]));
  element.min = *to_number(bounds[0]);
  element.max = *to_number(bounds[1]);
  return element;
}

Error bad(const Element& element, std::string_view text) {
  return {ErrorCode::malformed, fmt::format("'{}' is not {}", text, element.shown())};
}

Result<Value> parse_number(const Element& element, std::string_view text) {
  const auto number = to_number(text);
  if (!number) return std::unexpected(bad(element, text));
  if (*number < element.min || *number > element.max)
    return fail(ErrorCode::malformed, fmt::format("'{}' is out of range", text));
  return *number;
}

Result<Value> parse_choice(const Element& element, std::string_view text) {
  std::vector<std::string> fitting;
  for (const std::string& choice : element.choices) {
    if (choice == text) return choice;
    if (choice.compare(0, text.size(), text) == 0) fitting.push_back(choice);
  }
  if (fitting.size() == 1) return fitting.front();
  return std::unexpected(bad(element, text));
}

Result<Value> parse_address(const Element& element, std::string_view text) {
  const auto address = IpAddress::parse(text);
  const bool fits = address && (element.kind == ElementKind::ip ||
                                (element.kind == ElementKind::ipv4) == address->is_v4());
  if (!fits) return std::unexpected(bad(element, text));
  return *address;
}

Result<Value> parse_prefix(const Element& element, std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  const bool has_length = text.find('/') != std::string_view::npos;
  const bool wants_v4 =
      element.kind == ElementKind::prefix4 || element.kind == ElementKind::prefixes4;
  const bool fits = prefix && has_length &&
                    (element.kind == ElementKind::prefix || wants_v4 == prefix->address.is_v4());
  if (!fits) return std::unexpected(bad(element, text));
  return *prefix;
}

// A dotted mask of ones then zeros, or a length.
Result<Value> parse_mask(const Element& element, std::string_view text) {
  if (const auto length = to_number(text); length && *length <= 32) return *length;
  const auto address = IpAddress::parse(text);
  if (!address || !address->is_v4()) return std::unexpected(bad(element, text));
  const std::uint32_t bits = address->v4_value();
  const auto ones = static_cast<unsigned>(std::countl_one(bits));
  if (ones < 32 && (bits << ones) != 0) {
    return fail(ErrorCode::malformed, fmt::format("'{}' is not a contiguous mask", text));
  }
  return std::uint64_t{ones};
}

std::vector<std::vector<Element>> compile_tokens(std::span<const std::string> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] != "[") continue;
    std::size_t close = i + 1;
    for (int depth = 1; close < tokens.size(); ++close) {
      if (tokens[close] == "[") ++depth;
      if (tokens[close] == "]" && --depth == 0) break;
    }
    HA_ASSERT(close < tokens.size());
    std::vector<std::string> without(tokens.begin(),
                                     tokens.begin() + static_cast<std::ptrdiff_t>(i));
    std::vector<std::string> with = without;
    const auto inner = tokens.subspan(i + 1, close - i - 1);
    const auto after = tokens.subspan(close + 1);
    with.insert(with.end(), inner.begin(), inner.end());
    with.insert(with.end(), after.begin(), after.end());
    without.insert(without.end(), after.begin(), after.end());
    auto patterns = compile_tokens(without);
    for (auto& each : compile_tokens(with)) patterns.push_back(std::move(each));
    return patterns;
  }
  std::vector<Element> elements;
  for (const std::string& token : tokens) elements.push_back(make_element(token));
  return {std::move(elements)};
}

}  // namespace

std::string Element::shown() const {
  switch (kind) {
    case ElementKind::keyword:
      return name;
    case ElementKind::number:
      return fmt::format("<{}-{}>", min, max);
    case ElementKind::string:
      return fmt::format("STRING<1-{}>", max);
    case ElementKind::choice: {
      std::string text;
      for (const std::string& choice : choices) text += (text.empty() ? "" : "|") + choice;
      return "{" + text + "}";
    }
    default:
      break;
  }
  for (const TypeName& each : kTypeNames)
    if (each.kind == kind) return std::string(each.shown);
  return name;
}

std::vector<std::vector<Element>> compile_syntax(std::string_view syntax) {
  std::vector<std::string> tokens;
  for (const Word& word : split_words(syntax)) tokens.push_back(word.text);
  HA_ASSERT(!tokens.empty());
  return compile_tokens(tokens);
}

std::string plain_syntax(std::string_view syntax) {
  std::string text;
  for (const Word& word : split_words(syntax)) {
    const bool bracket = word.text == "[" || word.text == "]";
    text += (text.empty() ? "" : " ") + (bracket ? word.text : make_element(word.text).shown());
  }
  return text;
}

Result<Value> parse_parameter(const Element& element, const std::string& text) {
  switch (element.kind) {
    case ElementKind::choice:
      return parse_choice(element, text);
    case ElementKind::number:
      return parse_number(element, text);
    case ElementKind::ipv4:
    case ElementKind::ipv6:
    case ElementKind::ip:
      return parse_address(element, text);
    case ElementKind::mask:
      return parse_mask(element, text);
    case ElementKind::prefix4:
    case ElementKind::prefix6:
    case ElementKind::prefix:
    case ElementKind::prefixes4:
    case ElementKind::prefixes6:
      return parse_prefix(element, text);
    case ElementKind::mac: {
      const auto mac = MacAddress::parse(text);
      if (!mac) return std::unexpected(bad(element, text));
      return *mac;
    }
    case ElementKind::interface: {
      const auto name = InterfaceName::parse(text);
      if (!name) return std::unexpected(name.error());
      return *name;
    }
    case ElementKind::string:
      if (text.size() > element.max)
        return fail(ErrorCode::malformed, fmt::format("'{}' is too long", text));
      return text;
    case ElementKind::keyword:
    case ElementKind::rest:
      break;
  }
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > kEditWordMax || b.size() > kEditWordMax) return limit;
  const std::size_t longer = std::max(a.size(), b.size());
  if (longer - std::min(a.size(), b.size()) >= limit) return limit;
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return table[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return std::min(at(a.size(), b.size()), limit);
}

}  // namespace hotpair::ha::config
