#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mcast/rp/bsr_types.h"

namespace hotpair::mcast::rp {

/// The RP-Set of one zone as Bootstrap messages told it, with the timers of its mappings
/// (RFC 5059 3.1.5 "Store RP-Set", 3.4). Ranges are replaced as a whole once all their RPs came,
/// over fragments of one tag of one BSR; ranges that are not mentioned stay until they expire.
class LearnedRps {
 public:
  struct Entry {
    IpAddress rp;
    std::uint8_t priority = 0;
    std::uint16_t holdtime_s = 0;
    bool bidir = false;
    TimePoint since;
    TimePoint expires;
  };
  /// What became of one mapping; no value: gone.
  struct Change {
    IpPrefix range;
    IpAddress rp;
    std::optional<RpMappingValue> value;
  };
  /// What was left out of a message.
  struct Refused {
    std::uint32_t bad_ranges = 0;
    std::uint32_t bidirectional = 0;
    std::uint32_t over_limit = 0;
  };

  LearnedRps(const ScopeZone& zone, std::uint32_t rps_max) : zone_(zone), rps_max_(rps_max) {}
  void set_limit(std::uint32_t rps_max) { rps_max_ = rps_max; }

  /// Takes one fragment.
  Refused add(const wire::PimBootstrap& fragment, TimePoint now);
  /// Drops what was begun and not completed.
  void forget_partial();
  /// Every mapping lives its whole holdtime from now on: the BSR is lost (RFC 5059 3.1.5 "Refresh
  /// RP-Set"), or this router took over.
  void refresh(TimePoint now);
  void expire(TimePoint now);
  /// As a record says it, without a timer until refresh().
  void restore(const IpPrefix& range, const IpAddress& rp,
               const std::optional<RpMappingValue>& value, TimePoint now);
  /// Takes over all that another one has, each mapping for its whole holdtime; told as changes.
  void adopt(const LearnedRps& other, TimePoint now);
  /// Everything at once; told as changes.
  void clear();

  /// What changed since the last call, in order.
  [[nodiscard]] std::vector<Change> take_changes();
  /// The end of the mapping that ends first.
  [[nodiscard]] std::optional<TimePoint> soonest() const { return soonest_; }
  [[nodiscard]] const std::map<IpPrefix, std::vector<Entry>>& ranges() const { return ranges_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Partial {
    std::uint8_t expected = 0;
    std::vector<Entry> entries;
  };
  void add_range(const wire::PimBootstrapRange& range, Refused& refused, TimePoint now);
  void replace(const IpPrefix& range, const std::vector<Entry>& entries, Refused& refused,
               TimePoint now);
  void note(const IpPrefix& range, const Entry& entry, bool gone);
  void set_soonest();

  ScopeZone zone_;
  std::uint32_t rps_max_;
  std::map<IpPrefix, std::vector<Entry>> ranges_;  // entries by address; no range is empty
  std::size_t size_ = 0;                           // entries of all ranges
  std::map<IpPrefix, Partial> partial_;
  std::size_t partial_size_ = 0;  // ranges and entries in partial_
  std::uint16_t tag_ = 0;         // of partial_
  IpAddress bsr_;                 // of partial_
  std::vector<Change> changes_;
  std::optional<TimePoint> soonest_;
};

}  // namespace hotpair::mcast::rp
