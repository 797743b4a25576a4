#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ha/config/config_rows.h"

/// What rows of PIM share.
namespace hotpair::ha::config {

/// View pim or pim-ipv6 of the configuration that is edited.
template <Family F>
[[nodiscard]] PimModel& pim_of(Editor& editor) {
  return F == Family::ipv4 ? editor.config.pim : editor.config.pim_ipv6;
}

/// 224.0.0.0/4 or ff00::/8.
[[nodiscard]] IpPrefix all_groups(Family family);

/// Group ranges of the parameter, sorted, host bits zero, each once. A range that is not multicast
/// is refused: nullopt.
[[nodiscard]] std::optional<std::vector<IpPrefix>> group_ranges(Editor& editor,
                                                                const Values& values,
                                                                std::string_view parameter);

/// Adds the prefixes of the parameter to the list, which stays sorted; `undo` takes them out, or
/// all without the parameter.
void change_prefixes(Editor& editor, std::vector<Setting<IpPrefix>>& list, const Values& values,
                     std::string_view parameter);

/// An address (`address`) or an interface (`interface`) of this router. What cannot be either is
/// refused: nullopt.
[[nodiscard]] std::optional<OwnAddress> own_address(Editor& editor, const Values& values);

/// " WORDS A B C"; nothing without a range.
[[nodiscard]] std::string ranges_text(std::string_view words, const std::vector<IpPrefix>& ranges);

}  // namespace hotpair::ha::config
