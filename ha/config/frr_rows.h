#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ha/config/grammar.h"

/// Which line of a foreign section becomes which line of FRR.
namespace hotpair::ha::config {

class FrrWriter;

/// Where a line stands.
enum class FrrView : std::uint8_t { system, ospf, ospf_area, ospfv3, ospfv3_area, isis, interface };

/// One line. Either `frr` is its counterpart, with `{name}` for parameters (`{area}`: of the open
/// area), or `write` knows more. `frr` empty without `write`: understood, FRR does so anyway.
struct FrrRow {
  FrrView view;
  std::string_view syntax;
  std::string_view frr;
  void (*write)(FrrWriter& writer, const Values& values) = nullptr;
};

[[nodiscard]] std::span<const FrrRow> frr_rows();
[[nodiscard]] const Grammar& frr_grammar();

}  // namespace hotpair::ha::config
