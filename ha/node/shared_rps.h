#pragma once

#include <cstddef>
#include <optional>

#include "mcast/rp/auto_rp_machine.h"
#include "mcast/rp/bsr_machine.h"
#include "mcast/rp/rp_records.h"

namespace hotpair::ha::node {

/// Every record of an engine of RP information, for `take`.
template <typename Engine, typename Take>
void for_each_record(const Engine& engine, Take take) {
  constexpr std::size_t kSlice = 4096;
  for (std::optional<std::size_t> cursor = 0; cursor;) {
    const mcast::rp::RpRecordSlice slice = engine.snapshot(*cursor, kSlice);
    for (const mcast::rp::RpRecord& record : slice.records) take(record);
    cursor = slice.next;
  }
}

/// What the master of the floating pair has learned of RPs, as its records say it, one family of
/// one VRF. Used beside this node's own engines, where those know nothing: a muted link hears no
/// Bootstrap message, and the interfaces that float may be the only way to the BSR.
struct SharedRps {
  SharedRps(VrfId vrf, Family family)
      : bsr({.vrf = vrf, .family = family}, 0, TimePoint{}, mcast::rp::Mode::standby),
        auto_rp({.vrf = vrf}, TimePoint{}, mcast::rp::Mode::standby) {}

  mcast::rp::Bsr bsr;
  mcast::rp::AutoRp auto_rp;  ///< IPv4 only
};

}  // namespace hotpair::ha::node
