#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/result.h"

namespace hotpair::ha::config {

/// What kind of interface a configured name means. `plain` is a Linux name that is used as it is.
enum class InterfaceKind : std::uint8_t { eth_trunk, ethernet, loopback, null, plain };

/// A configured interface name in its canonical spelling: "Eth-Trunk1", "GigabitEthernet0/1/2",
/// "LoopBack0", "NULL0", or a Linux name. Names are compared by that spelling.
struct InterfaceName {
  InterfaceKind kind = InterfaceKind::plain;
  std::string type;    ///< "GigabitEthernet", "Eth-Trunk", …; empty for plain names
  std::string number;  ///< "0/1/2", "1"; empty for plain names
  std::string name;    ///< canonical, e.g. "GigabitEthernet0/1/2"

  /// Any spelling, case and unique abbreviation of the type, number beside it or after one blank:
  /// "Eth-Trunk 1", "GE0/1/1", "gi0/1/1", "loopback0". Refuses VLAN sub-interfaces (unsupported).
  [[nodiscard]] static Result<InterfaceName> parse(std::string_view text);
  /// True for a word that is a type name alone, so that its number is the next word.
  [[nodiscard]] static bool is_type_word(std::string_view word);
  [[nodiscard]] bool is_eth_trunk() const { return kind == InterfaceKind::eth_trunk; }
  /// The N of "Eth-TrunkN"; 0 for other kinds.
  [[nodiscard]] std::uint16_t eth_trunk_id() const;

  /// Case-insensitive by type, then by the numbers as numbers: 0/1/2 comes before 0/1/10.
  friend std::weak_ordering operator<=>(const InterfaceName& a, const InterfaceName& b);
  friend bool operator==(const InterfaceName& a, const InterfaceName& b) {
    return a.name == b.name;
  }
};

}  // namespace hotpair::ha::config
