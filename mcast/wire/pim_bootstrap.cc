#include "mcast/wire/pim_bootstrap.h"

#include <algorithm>
#include <span>
#include <utility>

namespace hotpair::mcast::wire {
namespace {

constexpr std::size_t kCountMax = 0xff;
constexpr std::uint8_t kNoForwardBit = 0x80;

std::size_t fixed_size(Family family) { return pim::unicast_size(family) + 4; }
std::size_t range_size(Family family) { return pim::prefix_size(family) + 4; }
std::size_t rp_size(Family family) { return pim::unicast_size(family) + 4; }

template <typename T>
std::span<const T> first_of(const std::vector<T>& items) {
  return std::span(items).first(std::min(items.size(), kCountMax));
}

/// Fills fragments one after the other.
class Fragmenter {
 public:
  Fragmenter(const PimBootstrap& whole, std::size_t mtu)
      : family_(whole.bsr.family()),
        room_(pim::message_room(family_, mtu) - pim::kHeaderSize - fixed_size(family_)),
        empty_(whole) {
    empty_.ranges.clear();
    if (!whole.ranges.empty() && whole.ranges.front().range.scope_zone)
      zone_ = PimBootstrapRange{
          .range = whole.ranges.front().range,
          .rp_count = static_cast<std::uint8_t>(first_of(whole.ranges.front().rps).size()),
          .rps = {}};
    out_.fragments.push_back(empty_);
  }

  void add(const PimBootstrapRange& range) {
    auto rps = first_of(range.rps);
    out_.rps_cut += range.rps.size() - rps.size();
    const auto count = static_cast<std::uint8_t>(rps.size());
    const bool is_zone = zone_ && used_ == 0;
    const std::size_t all = range_size(family_) + rps.size() * rp_size(family_);
    if (used_ + all > room_ && used_ > zone_size_) next(is_zone);
    do {
      // At least one RP, or none if there is none.
      if (used_ + range_size(family_) + (rps.empty() ? 0 : rp_size(family_)) > room_) next(is_zone);
      const std::size_t fit =
          std::min(rps.size(), (room_ - used_ - range_size(family_)) / rp_size(family_));
      put({.range = range.range,
           .rp_count = count,
           .rps = {rps.begin(), rps.begin() + static_cast<std::ptrdiff_t>(fit)}});
      rps = rps.subspan(fit);
    } while (!rps.empty());
  }

  PimBootstrapFragments take() { return std::move(out_); }

 private:
  void put(PimBootstrapRange&& range) {
    used_ += range_size(family_) + range.rps.size() * rp_size(family_);
    out_.fragments.back().ranges.push_back(std::move(range));
  }

  void next(bool is_zone) {
    out_.fragments.push_back(empty_);
    used_ = 0;
    if (zone_ && !is_zone) put(PimBootstrapRange(*zone_));
    zone_size_ = used_;
  }

  Family family_;
  std::size_t room_;  // for group ranges
  PimBootstrap empty_;
  std::optional<PimBootstrapRange> zone_;  // with none of its RPs
  PimBootstrapFragments out_;
  std::size_t used_ = 0;
  std::size_t zone_size_ = 0;  // what the current fragment begins with
};

}  // namespace

PimBootstrapFragments fragment_bootstrap(const PimBootstrap& whole, std::size_t mtu) {
  Fragmenter fragmenter(whole, mtu);
  for (const PimBootstrapRange& range : whole.ranges) fragmenter.add(range);
  return fragmenter.take();
}

std::vector<PimCandidateRp> pack_candidate_rp(const PimCandidateRp& whole, std::size_t mtu) {
  const Family family = whole.rp.family();
  const std::size_t room = pim::message_room(family, mtu) - pim::kHeaderSize - fixed_size(family);
  const std::size_t most = std::min(kCountMax, room / pim::prefix_size(family));
  std::vector<PimCandidateRp> messages;
  std::span<const PimGroupRange> rest = whole.ranges;
  do {
    const auto taken = rest.first(std::min(rest.size(), most));
    messages.push_back({.priority = whole.priority,
                        .holdtime_s = whole.holdtime_s,
                        .rp = whole.rp,
                        .ranges = {taken.begin(), taken.end()}});
    rest = rest.subspan(taken.size());
  } while (!rest.empty());
  return messages;
}

namespace pim {
namespace {

//  |             RP Address (Encoded-Unicast format)               |
//  |          RP Holdtime          |  RP Priority  |   Reserved    |
Parsed<PimBootstrapRp> read_rp(ByteReader& in, Family family) {
  const auto address = read_router(in, family);
  if (!address) return std::unexpected(address.error());
  PimBootstrapRp rp{.address = *address, .holdtime_s = in.u16(), .priority = in.u8()};
  in.skip(1);
  return rp;
}

//  |            Group Address (Encoded-Group format)               |
//  |   RP Count    |  Frag RP Cnt  |           Reserved            |
Parsed<PimBootstrapRange> read_bootstrap_range(ByteReader& in, Family family) {
  const auto range = read_range(in, family);
  if (!range) return std::unexpected(range.error());
  PimBootstrapRange result{.range = *range, .rp_count = in.u8(), .rps = {}};
  const std::size_t here = in.u8();
  in.skip(2);
  if (!in.ok()) return std::unexpected(PimReject::truncated);
  if (here > result.rp_count || here * rp_size(family) > in.remaining())
    return std::unexpected(PimReject::rp_count);
  result.rps.reserve(here);
  for (std::size_t i = 0; i < here; ++i) {
    const auto rp = read_rp(in, family);
    if (!rp) return std::unexpected(rp.error());
    result.rps.push_back(*rp);
  }
  return result;
}

}  // namespace

//  |PIM Ver| Type  |N|  Reserved   |           Checksum            |
//  |         Fragment Tag          | Hash Mask Len | BSR Priority  |
//  |             BSR Address (Encoded-Unicast format)              |
//  |             group ranges to the end of the message            |
Parsed<PimMessage> parse_bootstrap(ByteSpan body, Family family, std::uint8_t flags) {
  ByteReader in(body);
  PimBootstrap message;
  message.no_forward = (flags & kNoForwardBit) != 0;
  message.fragment_tag = in.u16();
  message.hash_mask_length = in.u8();
  message.bsr_priority = in.u8();
  if (!in.ok()) return std::unexpected(PimReject::truncated);
  const auto bsr = read_router(in, family);
  if (!bsr) return std::unexpected(bsr.error());
  message.bsr = *bsr;
  if (message.hash_mask_length > bsr->bits()) return std::unexpected(PimReject::mask_length);
  while (in.remaining() > 0) {
    auto range = read_bootstrap_range(in, family);
    if (!range) return std::unexpected(range.error());
    message.ranges.push_back(std::move(*range));
  }
  return message;
}

void write(ByteWriter& out, const PimBootstrap& message) {
  write_header(out, 4, message.no_forward ? kNoForwardBit : std::uint8_t{0});
  out.u16(message.fragment_tag);
  out.u8(message.hash_mask_length);
  out.u8(message.bsr_priority);
  write_unicast(out, message.bsr);
  for (const PimBootstrapRange& range : message.ranges) {
    const auto rps = first_of(range.rps);
    write_range(out, range.range);
    out.u8(std::max(range.rp_count, static_cast<std::uint8_t>(rps.size())));
    out.u8(static_cast<std::uint8_t>(rps.size()));
    out.u16(0);
    for (const PimBootstrapRp& rp : rps) {
      write_unicast(out, rp.address);
      out.u16(rp.holdtime_s);
      out.u8(rp.priority);
      out.u8(0);
    }
  }
}

//  | Prefix Count  |   Priority    |           Holdtime            |
//  |             RP Address (Encoded-Unicast format)               |
//  |            Group Addresses (Encoded-Group format)             |
Parsed<PimMessage> parse_candidate_rp(ByteSpan body, Family family) {
  ByteReader in(body);
  const std::size_t count = in.u8();
  PimCandidateRp message;
  message.priority = in.u8();
  message.holdtime_s = in.u16();
  if (!in.ok()) return std::unexpected(PimReject::truncated);
  const auto rp = read_router(in, family);
  if (!rp) return std::unexpected(rp.error());
  message.rp = *rp;
  if (count * prefix_size(family) > in.remaining()) return std::unexpected(PimReject::group_count);
  message.ranges.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto range = read_range(in, family);
    if (!range) return std::unexpected(range.error());
    message.ranges.push_back(*range);
  }
  return message;
}

void write(ByteWriter& out, const PimCandidateRp& message) {
  const auto ranges = first_of(message.ranges);
  write_header(out, 8);
  out.u8(static_cast<std::uint8_t>(ranges.size()));
  out.u8(message.priority);
  out.u16(message.holdtime_s);
  write_unicast(out, message.rp);
  for (const PimGroupRange& range : ranges) write_range(out, range);
}

}  // namespace pim
}  // namespace hotpair::mcast::wire
