#pragma once

#include <cstddef>
#include <string_view>

namespace hotpair::ha::cli {

/// Prints on a terminal page by page, `---- More ----` between them. Without a page length it
/// only prints.
class Pager {
 public:
  /// `lines` of a page and columns of the terminal; 0 lines: no stops.
  Pager(std::size_t lines, std::size_t columns) : lines_(lines), columns_(columns) {}

  /// Prints; false once the reader wants no more (q or Ctrl-C).
  bool write(std::string_view text);

 private:
  enum class Key : unsigned char { page, line, stop };
  [[nodiscard]] static Key ask();

  std::size_t lines_;
  std::size_t columns_;
  std::size_t shown_ = 0;   // rows since the last stop
  std::size_t column_ = 0;  // within the current row
  bool stopped_ = false;
};

}  // namespace hotpair::ha::cli
