#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mcast/rp/bsr_learned.h"
#include "mcast/rp/bsr_offered.h"
#include "mcast/rp/bsr_types.h"

namespace hotpair::mcast::rp {

/// The fragments of the last Bootstrap message of a zone, for new neighbours (RFC 5059 3.5).
class BootstrapCache {
 public:
  /// Fragments beyond these are not kept; a record of one stays below its limit.
  static constexpr std::size_t kFragmentsMax = 64;
  static constexpr std::size_t kFragmentBytesMax = 16 * 1024;

  /// False if it was too much to be kept. A message that says what the last one said changes no
  /// slot.
  bool add(const wire::PimBootstrap& fragment);
  void restore(std::uint16_t index, const std::optional<wire::PimBootstrap>& fragment);
  void clear();

  /// The message as far as it came, with one tag.
  [[nodiscard]] std::vector<wire::PimBootstrap> message() const;
  /// Slots that changed since the last call; no value: gone.
  [[nodiscard]] std::map<std::uint16_t, std::optional<wire::PimBootstrap>> take_changes();
  [[nodiscard]] const std::vector<wire::PimBootstrap>& slots() const { return slots_; }

 private:
  void cut(std::size_t size);

  std::vector<wire::PimBootstrap> slots_;
  std::size_t filled_ = 0;  // slots of the current message; the rest is of the one before
  std::uint16_t tag_ = 0;   // of the current message
  std::map<std::uint16_t, std::optional<wire::PimBootstrap>> changes_;
};

/// State of one zone, RFC 5059 2.
struct BsrZone {
  BsrZone(const ScopeZone& id, std::uint32_t rps_max) : zone(id), learned(id, rps_max) {}

  ScopeZone zone;
  BsrState state = BsrState::accept_any;
  std::optional<CandidateBsr> candidate;
  std::optional<BsrWeight> bsr;  // current BSR
  std::uint8_t hash_mask_length = 0;
  std::optional<TimePoint> bootstrap_timer;
  std::optional<TimePoint> zone_timer;    // Scope-Zone Expiry Timer
  std::optional<TimePoint> originate_at;  // a triggered message waits for BS_Min_Interval
  std::optional<TimePoint> originated;    // last own message
  std::uint16_t tag = 0;                  // of own messages
  bool heard = false;                     // a message was accepted since start, or a record says so
  std::optional<std::uint16_t> starting_tag;  // of the No-Forward message that is being taken
  TimePoint bsr_since;
  LearnedRps learned;
  OfferedRps offered;
  BootstrapCache cache;
  std::optional<BsrZoneValue> recorded;
  std::uint8_t told_hash_mask_length = 0;

  [[nodiscard]] BsrWeight own() const { return {candidate->priority, candidate->address}; }
  [[nodiscard]] BsrZoneValue value() const { return {state, bsr, hash_mask_length}; }
};

}  // namespace hotpair::mcast::rp
