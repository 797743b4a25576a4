#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ha/cli/command_rows.h"
#include "ha/cli/json.h"

/// How displays answer: documents, refusals, rows that a command names.
namespace hotpair::ha::cli {

[[nodiscard]] Response refuse(ErrorCode code, std::string detail);
[[nodiscard]] Response document(const Json& json);
/// The parameter `interface` by its canonical name, if the command has it.
[[nodiscard]] std::optional<std::string> interface_of(const Call& call);

/// Keeps the rows with that name; with a name given and nothing left, says so with the nearest one.
template <typename Row, typename NameOf>
[[nodiscard]] std::optional<Response> keep_named(std::vector<Row>& rows,
                                                 const std::optional<std::string>& name,
                                                 std::string_view kind, NameOf name_of_row) {
  if (!name) return std::nullopt;
  std::vector<std::string> known;
  for (const Row& row : rows) known.push_back(name_of_row(row));
  std::erase_if(rows, [&](const Row& row) { return name_of_row(row) != *name; });
  if (!rows.empty()) return std::nullopt;
  std::string detail = fmt::format("there is no {} {}", kind, *name);
  if (const std::string near = config::nearest_word(*name, known); !near.empty())
    detail += fmt::format("; did you mean '{}'?", near);
  return refuse(ErrorCode::not_found, std::move(detail));
}

}  // namespace hotpair::ha::cli
