#pragma once

#include <optional>

#include "mcast/pim/pim_types.h"
#include "mcast/wire/auto_rp.h"
#include "mcast/wire/pim_message.h"

/// Inputs out of the script: few addresses and groups, so that they meet, and messages that are
/// well-formed before some of their octets are changed.
namespace hotpair::fuzz {

/// Reads choices; past its end they are all zero.
class Script {
 public:
  Script(ByteSpan bytes, Family family) : in_(bytes), family_(family) {}

  [[nodiscard]] bool more() const { return in_.remaining() > 0; }
  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] std::uint8_t u8() { return in_.u8(); }
  [[nodiscard]] std::size_t below(std::size_t end) { return in_.u8() % end; }
  [[nodiscard]] bool flag() { return (in_.u8() & 1U) != 0; }
  [[nodiscard]] ByteSpan take(std::size_t most) {
    return in_.take(std::min<std::size_t>(most, in_.remaining()));
  }

  [[nodiscard]] LinkId link() { return LinkId(static_cast<std::uint32_t>(1 + below(4))); }
  /// A router of a link; the first is this one, 0 is unspecified.
  [[nodiscard]] IpAddress router() { return router(family_, below(7)); }
  [[nodiscard]] static IpAddress router(Family family, std::size_t number);
  [[nodiscard]] IpAddress source() { return source(family_, below(4)); }
  [[nodiscard]] static IpAddress source(Family family, std::size_t number);
  [[nodiscard]] IpAddress rp() { return rp(family_, below(4)); }
  [[nodiscard]] static IpAddress rp(Family family, std::size_t number);
  [[nodiscard]] Group group();
  [[nodiscard]] mcast::pim::TreeKey tree();
  [[nodiscard]] IpPrefix range();
  [[nodiscard]] std::uint16_t holdtime_s();
  [[nodiscard]] mcast::wire::PimMetric metric();

 private:
  ByteReader in_;
  Family family_;
};

/// As a neighbour's packet; nullopt: what the changes made of it does not parse.
[[nodiscard]] std::optional<mcast::wire::PimMessage> read_pim(Script& script);
[[nodiscard]] std::optional<mcast::wire::AutoRpMessage> read_auto_rp(Script& script);

}  // namespace hotpair::fuzz
