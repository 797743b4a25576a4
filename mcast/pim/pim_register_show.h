#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mcast/pim/pim_register_records.h"

/// Displays of register state, at the DR and at the RP.
namespace hotpair::mcast::pim {

[[nodiscard]] std::string_view to_string(RegisterState state);

/// Which rows a display asks for.
struct RegisterFilter {
  std::optional<VrfId> vrf;
  std::optional<Group> group;
  std::size_t rows_max = 100'000;
};

/// A source that this router registers.
struct RegisterTunnelRow {
  RegisterKey key;
  RegisterState state{};
  IpAddress rp;
  bool remembered = false;        ///< of a record, not yet confirmed by traffic here
  std::optional<Duration> timer;  ///< Register-Stop timer; absent in Join
  std::uint64_t packets = 0;      ///< sent in Registers
  std::uint64_t dropped = 0;      ///< above the rate, too large or with a TTL of 1
};
/// Rows by VRF, group, source.
struct RegisterTunnelModel {
  std::vector<RegisterTunnelRow> rows;
  std::size_t rows_total = 0;  ///< matching rows, also those beyond rows_max
};

/// A source that a DR registers at this router.
struct RegisterSourceRow {
  RegisterKey key;
  IpAddress dr;
  std::uint64_t registers = 0;       ///< with data
  std::uint64_t null_registers = 0;  ///< probes
  std::uint64_t stops = 0;           ///< Register-Stops sent
  Duration since{};                  ///< the last of them was heard
};
/// Rows by VRF, group, source, DR.
struct RegisterSourceModel {
  std::vector<RegisterSourceRow> rows;
  std::size_t rows_total = 0;
};

}  // namespace hotpair::mcast::pim
