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
  PimInstance& instance = editor.instance();
  return F == Family::ipv4 ? instance.pim : instance.pim_ipv6;
}

/// False, with a complaint: there is no room for one more.
[[nodiscard]] bool may_open_vrf(Editor& editor, const std::string& name);

/// A row of the system view that names the VPN instance which it is for (IOS).
template <ApplyRow Row>
void in_vrf(Editor& editor, const Values& values) {
  if (!may_open_vrf(editor, values.text("name"))) return;
  editor.vrf = values.text("name");
  Row(editor, values);
  editor.vrf.clear();
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
