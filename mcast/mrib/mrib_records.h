#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"

namespace hotpair::mcast::mrib {

/// Why an (S,G) exists although no neighbour and no host asked for it by name.
enum class DataDrivenKind : std::uint8_t {
  fhr = 1,      ///< first hop: a directly connected source is active (PIM)
  lhr_spt = 2,  ///< last hop: traffic of a joined group arrived, switched to the source's tree
};

/// Checkpoint database 6, "Data-driven event". Everything is key but the kind. It never carries an
/// incoming interface: the receiver computes its own RPF.
struct DataDrivenEvent {
  ScopeId scope;
  VrfId vrf;
  Group group;
  IpAddress source;
  DataDrivenKind kind = DataDrivenKind::lhr_spt;
  friend auto operator<=>(const DataDrivenEvent&, const DataDrivenEvent&) = default;
};

/// Names one such record, for its removal.
struct DataDrivenKey {
  ScopeId scope;
  VrfId vrf;
  Group group;
  IpAddress source;
  friend auto operator<=>(const DataDrivenKey&, const DataDrivenKey&) = default;
};

/// One slice of snapshot(): records and where to go on; no `next` means the end.
struct DataDrivenSlice {
  std::vector<DataDrivenEvent> records;
  std::optional<std::uint32_t> next;
};

/// On which side of a link a state is accounted by admission control.
enum class Direction : std::uint8_t {
  out = 1,  ///< the link is an outgoing one of the state
  in = 2,   ///< the link is its incoming one
};

/// A state of the forwarding plane: (S,G), or (*,G) without a source.
struct StateKey {
  VrfId vrf;
  Group group;
  std::optional<IpAddress> source;
  friend auto operator<=>(const StateKey&, const StateKey&) = default;
};

/// Names a record of checkpoint database 4, "MCAC Reservation". Ordered by state.
struct ReservationKey {
  StateKey state;
  LinkId link;
  Direction direction = Direction::out;
  friend auto operator<=>(const ReservationKey&, const ReservationKey&) = default;
};

/// What a state was admitted with. `order` counts the admissions of its master.
struct Reservation {
  ReservationKey key;
  std::uint32_t cost = 1;
  std::uint64_t order = 0;
  bool connected = false;  ///< `in`: the source was directly connected
  friend auto operator<=>(const Reservation&, const Reservation&) = default;
};

}  // namespace hotpair::mcast::mrib
