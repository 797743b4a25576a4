#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"
#include "platform/gate/gate_words.h"

namespace hotpair::platform::kernel {

/// Borrowed descriptors of the gate maps, to be passed to the keeper by SCM_RIGHTS. The keeper uses
/// `words`; it holds the others only so that a new daemon can adopt them.
struct GateDescriptors {
  int words = -1;     ///< array, mmapable: header and one 64-bit word per slot
  int slots = -1;     ///< hash: ifindex -> slot
  int counters = -1;  ///< per-CPU array by slot
};

/// Packets seen by the gate programs of one slot, since the maps were made.
struct GateCounters {
  std::uint64_t ingress_passed = 0;
  std::uint64_t ingress_dropped = 0;
  std::uint64_t egress_passed = 0;
  std::uint64_t egress_dropped = 0;
  friend bool operator==(const GateCounters&, const GateCounters&) = default;
};

struct GateAttachment {
  Ifindex interface;
  std::uint32_t slot = 0;
  friend auto operator<=>(const GateAttachment&, const GateAttachment&) = default;
};

/// The gate programs and their maps. Programs are attached as clsact filters, never links, so they
/// and the maps outlive this object and its process; nothing is detached by the destructor.
class GateTable {
 public:
  /// Makes new maps, all words closed, and loads the programs.
  [[nodiscard]] static Result<std::unique_ptr<GateTable>> create(std::uint32_t slots);
  /// Takes over maps made by an earlier process and loads this build's programs on them;
  /// attach() then replaces the older program in place.
  [[nodiscard]] static Result<std::unique_ptr<GateTable>> adopt(FileDescriptor words,
                                                                FileDescriptor slots,
                                                                FileDescriptor counters);
  GateTable(const GateTable&) = delete;
  GateTable& operator=(const GateTable&) = delete;
  ~GateTable();

  /// Puts the gate on an Ethernet interface. Attaching again replaces program and slot.
  [[nodiscard]] Result<void> attach(Ifindex interface, std::uint32_t slot);
  /// The same for a device that has only addresses which follow the scope: closed, nothing passes.
  [[nodiscard]] Result<void> attach_owner(Ifindex interface, std::uint32_t slot);
  /// Takes the gate off; packets pass as if it had never been there. Fine if it was not attached.
  [[nodiscard]] Result<void> detach(Ifindex interface);
  /// Interfaces with a slot, sorted; also those whose device is gone.
  [[nodiscard]] std::vector<GateAttachment> attachments() const;

  [[nodiscard]] gate::GateWord word(std::uint32_t slot) const;
  [[nodiscard]] Result<GateCounters> counters(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t slots() const;
  [[nodiscard]] GateDescriptors descriptors() const;

 private:
  struct State;
  [[nodiscard]] Result<void> attach(Ifindex interface, std::uint32_t slot, int ingress, int egress);
  explicit GateTable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hotpair::platform::kernel
