#include "mcast/wire/auto_rp.h"

#include <algorithm>
#include <span>
#include <utility>

#include "mcast/wire/pim_types.h"

namespace hotpair::mcast::wire {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderSize = 8;
constexpr std::size_t kMappingSize = 6;
constexpr std::size_t kRangeSize = 6;
constexpr std::size_t kCountMax = 0xff;
constexpr std::size_t kIpUdpSize = 28;
constexpr std::size_t kRpCountOffset = 1;

IpAddress read_address(ByteReader& in) { return IpAddress::v4(in.u32()); }

//  |                          RP Address                           |
//  | Reserved  |PVr|  Group Count  |  group prefixes ...
//  |  Reserved   |N|   Mask Len    |         Group Prefix
std::expected<AutoRpMapping, AutoRpReject> read_mapping(ByteReader& in) {
  if (in.remaining() < kMappingSize) return std::unexpected(AutoRpReject::rp_count);
  AutoRpMapping mapping{.rp = read_address(in),
                        .pim_versions = static_cast<std::uint8_t>(in.u8() & 0x03U),
                        .ranges = {}};
  if (!is_pim_unicast(mapping.rp)) return std::unexpected(AutoRpReject::not_unicast);
  const std::size_t count = in.u8();
  if (count * kRangeSize > in.remaining()) return std::unexpected(AutoRpReject::group_count);
  mapping.ranges.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool negative = (in.u8() & 0x01U) != 0;
    const std::uint8_t mask_length = in.u8();
    mapping.ranges.push_back({read_address(in), mask_length, negative});
  }
  return mapping;
}

/// Fills datagrams one after the other.
class Packer {
 public:
  Packer(const AutoRpMessage& message, std::size_t mtu)
      : room_(std::clamp<std::size_t>(mtu, 68, 65'535) - kIpUdpSize) {
    ByteWriter out(header_);
    out.u8(static_cast<std::uint8_t>((kVersion << 4U) | static_cast<unsigned>(message.kind)));
    out.u8(0);
    out.u16(message.holdtime_s);
    out.u32(0);
    datagrams_.push_back(header_);
  }

  void add(const AutoRpMapping& mapping) {
    std::span<const AutoRpRange> rest = mapping.ranges;
    do {
      const std::size_t smallest = kMappingSize + (rest.empty() ? 0 : kRangeSize);
      if (datagrams_.back().size() + smallest > room_ || mappings_ == kCountMax) next();
      const std::size_t fit = (room_ - datagrams_.back().size() - kMappingSize) / kRangeSize;
      const auto taken = rest.first(std::min({rest.size(), fit, kCountMax}));
      write(mapping, taken);
      rest = rest.subspan(taken.size());
    } while (!rest.empty());
  }

  std::vector<Bytes> take() { return std::move(datagrams_); }

 private:
  void next() {
    datagrams_.push_back(header_);
    mappings_ = 0;
  }

  void write(const AutoRpMapping& mapping, std::span<const AutoRpRange> ranges) {
    ByteWriter out(datagrams_.back());
    out.bytes(mapping.rp.bytes());
    out.u8(mapping.pim_versions & 0x03U);
    out.u8(static_cast<std::uint8_t>(ranges.size()));
    for (const AutoRpRange& range : ranges) {
      out.u8(range.negative ? 1 : 0);
      out.u8(range.mask_length);
      out.bytes(range.address.bytes());
    }
    datagrams_.back()[kRpCountOffset] = static_cast<std::byte>(++mappings_);
  }

  std::size_t room_;
  Bytes header_;
  std::vector<Bytes> datagrams_;
  std::size_t mappings_ = 0;  // in the current datagram
};

}  // namespace

std::string_view to_string(AutoRpReject reject) {
  switch (reject) {
    case AutoRpReject::truncated:
      return "truncated";
    case AutoRpReject::bad_version:
      return "not Auto-RP version 1";
    case AutoRpReject::unknown_type:
      return "unknown type";
    case AutoRpReject::rp_count:
      return "number of RPs beyond the packet";
    case AutoRpReject::group_count:
      return "number of groups beyond the packet";
    case AutoRpReject::not_unicast:
      return "RP is not unicast";
    case AutoRpReject::count_:
      break;
  }
  return "unknown";
}

bool AutoRpRange::is_valid() const {
  return address.is_multicast() && mask_length >= 4 && mask_length <= 32;
}

//  |  Ver  | Type  |   RP Count    |           Holdtime            |
//  |                           Reserved                            |
std::expected<AutoRpMessage, AutoRpReject> parse_auto_rp(ByteSpan payload) {
  if (payload.size() < kHeaderSize) return std::unexpected(AutoRpReject::truncated);
  ByteReader in(payload);
  const std::uint8_t first = in.u8();
  if ((first >> 4U) != kVersion) return std::unexpected(AutoRpReject::bad_version);
  const std::uint8_t kind = first & 0x0fU;
  if (kind != 1 && kind != 2) return std::unexpected(AutoRpReject::unknown_type);
  const std::size_t count = in.u8();
  AutoRpMessage message{
      .kind = static_cast<AutoRpKind>(kind), .holdtime_s = in.u16(), .mappings = {}};
  in.skip(4);
  if (count * kMappingSize > in.remaining()) return std::unexpected(AutoRpReject::rp_count);
  message.mappings.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto mapping = read_mapping(in);
    if (!mapping) return std::unexpected(mapping.error());
    message.mappings.push_back(std::move(*mapping));
  }
  return message;
}

std::vector<Bytes> encode_auto_rp(const AutoRpMessage& message, std::size_t mtu) {
  Packer packer(message, mtu);
  for (const AutoRpMapping& mapping : message.mappings) packer.add(mapping);
  return packer.take();
}

IpAddress auto_rp_destination(AutoRpKind kind) {
  return IpAddress::v4(kind == AutoRpKind::announcement ? 0xe0000127U : 0xe0000128U);
}

}  // namespace hotpair::mcast::wire
