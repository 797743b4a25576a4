#include "ha/config/interface_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <vector>

namespace hotpair::ha::config {
namespace {

struct TypeRow {
  std::string_view type;
  InterfaceKind kind;
  std::size_t shortest;  ///< fewest characters that abbreviate it
};

constexpr std::array kTypes{
    TypeRow{"Eth-Trunk", InterfaceKind::eth_trunk, 5},
    TypeRow{"GigabitEthernet", InterfaceKind::ethernet, 2},
    TypeRow{"Ethernet", InterfaceKind::ethernet, 8},
    TypeRow{"XGigabitEthernet", InterfaceKind::ethernet, 2},
    TypeRow{"TenGigabitEthernet", InterfaceKind::ethernet, 2},
    TypeRow{"10GE", InterfaceKind::ethernet, 4},
    TypeRow{"25GE", InterfaceKind::ethernet, 4},
    TypeRow{"40GE", InterfaceKind::ethernet, 4},
    TypeRow{"50GE", InterfaceKind::ethernet, 4},
    TypeRow{"100GE", InterfaceKind::ethernet, 5},
    TypeRow{"200GE", InterfaceKind::ethernet, 5},
    TypeRow{"400GE", InterfaceKind::ethernet, 5},
    TypeRow{"LoopBack", InterfaceKind::loopback, 3},
    TypeRow{"NULL", InterfaceKind::null, 4},
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& each : result)
    each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
  return result;
}

bool is_digit(char each) { return each >= '0' && each <= '9'; }

const TypeRow* find_type(std::string_view word) {
  if (word.empty()) return nullptr;
  const std::string typed = lower(word);
  if (typed == "ge") return &kTypes[1];
  for (const TypeRow& row : kTypes) {
    const std::string name = lower(row.type);
    if (typed.size() >= row.shortest && name.compare(0, typed.size(), typed) == 0) return &row;
  }
  return nullptr;
}

// Where the number begins: after the type. A type may begin with digits ("100GE").
std::size_t number_start(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at])) ++at;
  while (at < text.size() && !is_digit(text[at])) ++at;
  return at;
}

std::vector<std::uint32_t> numbers_of(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  while (!text.empty()) {
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{}) return numbers;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return numbers;
}

// "0/1/2": one to four groups of one to four digits.
bool is_number(std::string_view text) {
  std::size_t digits = 0;
  std::size_t groups = 1;
  for (const char each : text) {
    if (is_digit(each) && ++digits <= 4) continue;
    if (each != '/' || digits == 0 || ++groups > 4) return false;
    digits = 0;
  }
  return digits > 0 && digits <= 4;
}

// Without leading zeros, so that one interface has one name.
std::string canonical_number(std::string_view text) {
  std::string result;
  for (const std::uint32_t number : numbers_of(text))
    result += fmt::format("{}{}", result.empty() ? "" : "/", number);
  return result;
}

bool is_device_name(std::string_view text) {
  if (text.empty() || text.size() > 15 || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char each) {
    return std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '-' || each == '_' ||
           each == '.' || each == '@';
  });
}

}  // namespace

bool InterfaceName::is_type_word(std::string_view word) {
  const TypeRow* row = find_type(word);
  return row != nullptr && (!is_digit(word.back()));
}

std::uint16_t InterfaceName::eth_trunk_id() const {
  if (!is_eth_trunk()) return 0;
  const auto numbers = numbers_of(number);
  return numbers.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(numbers.front());
}

Result<InterfaceName> InterfaceName::parse(std::string_view text) {
  std::string joined;
  for (const char each : text)
    if (each != ' ') joined += each;
  const std::size_t start = number_start(joined);
  const std::string_view whole = joined;
  const TypeRow* row = find_type(whole.substr(0, start));
  if (row != nullptr && start < whole.size()) {
    std::string_view number = whole.substr(start);
    if (const std::size_t dot = number.find('.');
        dot != std::string_view::npos && is_number(number.substr(0, dot))) {
      return fail(ErrorCode::unsupported,
                  fmt::format("'{}' is a VLAN sub-interface, which this version does not support; "
                              "use the main interface",
                              text));
    }
    if (is_number(number)) {
      std::string canonical = canonical_number(number);
      const bool one_group = canonical.find('/') == std::string::npos;
      const bool ethernet = row->kind == InterfaceKind::ethernet;
      const bool spelled_out = start == row->type.size();
      if (one_group ? (!ethernet || spelled_out) : ethernet) {
        std::string name = std::string(row->type) + canonical;
        return InterfaceName{row->kind, std::string(row->type), std::move(canonical),
                             std::move(name)};
      }
    }
  }
  if (!is_device_name(whole) || joined.size() != text.size()) {
    return fail(ErrorCode::malformed, fmt::format("'{}' is not an interface name", text));
  }
  if (const std::size_t dot = whole.rfind('.'); dot != std::string_view::npos) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("'{}' is a VLAN sub-interface, which this version does not support; use "
                    "the main interface",
                    text));
  }
  return InterfaceName{InterfaceKind::plain, {}, {}, joined};
}

std::weak_ordering operator<=>(const InterfaceName& a, const InterfaceName& b) {
  if (const auto order = a.kind <=> b.kind; order != 0) return order;
  if (const auto order = a.type <=> b.type; order != 0) return order;
  const auto left = numbers_of(a.number);
  const auto right = numbers_of(b.number);
  if (const auto order = std::lexicographical_compare_three_way(left.begin(), left.end(),
                                                                right.begin(), right.end());
      order != 0) {
    return order;
  }
  return a.name <=> b.name;
}

}  // namespace hotpair::ha::config
