#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mcast/rp/bsr_learned.h"
#include "mcast/rp/bsr_types.h"

namespace hotpair::mcast::rp {

/// What candidate RPs offered to this router as the BSR of a zone (RFC 5059 3.3), from which the
/// RP-Set is made that it tells everybody.
class OfferedRps {
 public:
  enum class Outcome : std::uint8_t {
    same,     ///< a refreshed timer at most
    changed,  ///< the RP-Set is another one now
    refused,  ///< over a limit
  };

  /// One range of an advertisement. Holdtime 0 withdraws.
  struct Offer {
    IpPrefix range;
    IpAddress rp;
    std::uint8_t priority = 0;
    std::uint16_t holdtime_s = 0;
    bool bidir = false;
  };
  Outcome offer(const Offer& offer, std::uint32_t rps_max, TimePoint now);
  /// True if something ended.
  bool expire(TimePoint now);
  /// After a takeover: what everybody was told is taken as offered, for a whole holdtime.
  void seed(const LearnedRps& told, TimePoint now);
  void clear();

  /// The ranges of the next Bootstrap message; those that lost their last RP come without any. A
  /// message has one B bit a range: where candidates differ, those like the best one are told.
  [[nodiscard]] std::vector<wire::PimBootstrapRange> ranges() const;
  /// It was sent: counts down what is told without RPs.
  void on_sent();
  /// No offer ends before; refreshed ones may leave it early, until the next expire().
  [[nodiscard]] std::optional<TimePoint> soonest() const { return soonest_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint8_t priority = 0;
    std::uint16_t holdtime_s = 0;
    bool bidir = false;
    TimePoint expires;
  };
  void withdraw_if_empty(const IpPrefix& range);
  void set_soonest();

  std::map<IpPrefix, std::map<IpAddress, Entry>> ranges_;  // no range is empty
  std::map<IpPrefix, std::uint8_t> withdrawn_;             // messages that still tell of it
  std::size_t size_ = 0;
  std::optional<TimePoint> soonest_;
};

}  // namespace hotpair::mcast::rp
