#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ha/config/grammar.h"
#include "platform/base/result.h"

/// The parts of the grammar engine that know syntax strings and parameter types.
namespace hotpair::ha::config {

/// The patterns that a row's syntax stands for, one per combination of its optional parts.
[[nodiscard]] std::vector<std::vector<Element>> compile_syntax(std::string_view syntax);
/// The syntax as an operator reads it: "priority <1-254>".
[[nodiscard]] std::string plain_syntax(std::string_view syntax);
/// Makes the value of a parameter out of one word.
[[nodiscard]] Result<Value> parse_parameter(const Element& element, const std::string& text);
/// Edits (insert, delete, replace, swap neighbours) between two words; `limit` when that many or
/// more.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

}  // namespace hotpair::ha::config
