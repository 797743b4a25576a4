#include "tests/fuzz/pim_engines/messages.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mcast/wire/checksum.h"

namespace hotpair::fuzz {
namespace {

using namespace mcast::wire;

IpAddress numbered(Family family, std::uint32_t v4, std::array<std::uint8_t, 4> v6,
                   std::size_t number) {
  if (family == Family::ipv4) return IpAddress::v4(v4 + static_cast<std::uint32_t>(number));
  std::array<std::byte, 16> bytes{};
  for (std::size_t i = 0; i < v6.size(); ++i) bytes[i] = std::byte{v6[i]};
  bytes[15] = static_cast<std::byte>(number);
  return *IpAddress::from_bytes(bytes);
}

PimMessage hello(Script& script) {
  PimHello hello;
  const std::uint8_t options = script.u8();
  if ((options & 1U) != 0) hello.holdtime_s = script.holdtime_s();
  if ((options & 2U) != 0) hello.dr_priority = script.u8();
  if ((options & 4U) != 0) hello.generation_id = script.below(3);
  if ((options & 8U) != 0)
    hello.lan_prune_delay =
        PimLanPruneDelay{script.flag(), script.u8(), static_cast<std::uint16_t>(script.u8() * 16U)};
  if ((options & 16U) != 0) hello.addresses.emplace({script.router(), script.source()});
  return hello;
}

PimMessage join_prune(Script& script) {
  PimJoinPrune message{script.router(), script.holdtime_s(), {}};
  for (std::size_t groups = script.below(4); groups > 0; --groups) {
    PimGroupSet set{PimGroupRange::single(script.group()), {}, {}};
    for (std::size_t entries = script.below(6); entries > 0; --entries) {
      const std::uint8_t how = script.u8();
      PimSource entry = PimSource::source(script.source());
      if ((how & 6U) == 2U) entry = PimSource::source_rpt(script.source());
      if ((how & 6U) == 4U) entry = PimSource::shared_tree(script.rp());
      ((how & 1U) != 0 ? set.joined : set.pruned).push_back(entry);
    }
    message.groups.push_back(std::move(set));
  }
  return message;
}

PimMessage assertion(Script& script) {
  PimAssert message{script.group(), IpAddress::any(script.family()), script.flag(),
                    script.metric()};
  if (script.flag()) message.source = script.source();
  return message;
}

PimGroupRange range_of(Script& script) {
  const IpPrefix range = script.range();
  return {.address = range.address, .mask_length = range.length};
}

PimMessage bootstrap(Script& script) {
  const std::uint8_t how = script.u8();
  PimBootstrap message{.no_forward = (how & 1U) != 0,
                       .fragment_tag = script.u8(),
                       .hash_mask_length = 30,
                       .bsr_priority = script.u8(),
                       .bsr = script.rp(),
                       .ranges = {}};
  for (std::size_t ranges = script.below(4); ranges > 0; --ranges) {
    PimBootstrapRange range{.range = range_of(script), .rp_count = 0, .rps = {}};
    range.range.scope_zone = (how & 2U) != 0 && message.ranges.empty();
    for (std::size_t rps = script.below(4); rps > 0; --rps)
      range.rps.push_back({script.rp(), script.holdtime_s(), script.u8()});
    range.rp_count = static_cast<std::uint8_t>(range.rps.size() + ((how >> 2U) & 1U));
    message.ranges.push_back(std::move(range));
  }
  return message;
}

PimMessage candidate_rp(Script& script) {
  PimCandidateRp message{script.u8(), script.holdtime_s(), script.rp(), {}};
  for (std::size_t ranges = script.below(4); ranges > 0; --ranges)
    message.ranges.push_back(range_of(script));
  return message;
}

PimMessage df_election(Script& script) {
  const std::uint8_t how = script.u8();
  return PimDfElection{.action = static_cast<PimDfAction>(1 + (how & 3U)),
                       .rp = Script::rp(script.family(), (how >> 2U) & 3U),
                       .sender = script.metric(),
                       .target = Script::router(script.family(), 1 + script.below(6)),
                       .target_metric = script.metric(),
                       .interval_ms = script.u8()};
}

PimMessage made(Script& script) {
  switch (script.below(6)) {
    case 0:
      return hello(script);
    case 1:
      return assertion(script);
    case 2:
      return bootstrap(script);
    case 3:
      return candidate_rp(script);
    case 4:
      return df_election(script);
    default:
      return join_prune(script);
  }
}

void change(Bytes& bytes, Script& script) {
  for (std::size_t edits = script.below(16) / 4; edits > 0 && !bytes.empty(); --edits) {
    const std::size_t at = script.u8() % bytes.size();
    bytes[at] ^= static_cast<std::byte>(script.u8());
  }
}

}  // namespace

IpAddress Script::router(Family family, std::size_t number) {
  if (number == 0) return IpAddress::any(family);
  return numbered(family, 0x0a000000U, {0xfe, 0x80, 0, 0}, number);
}
IpAddress Script::source(Family family, std::size_t number) {
  return numbered(family, 0xc0000201U, {0x20, 0x01, 0x0d, 0xb8}, number + 1);
}
IpAddress Script::rp(Family family, std::size_t number) {
  return numbered(family, 0x0a090901U, {0x20, 0x01, 0x0d, 0xb9}, number + 1);
}

Group Script::group() {
  const std::size_t number = below(8);
  std::uint32_t v4 = 0xe1010100U;
  std::array<std::uint8_t, 4> v6{0xff, 0x0e, 0, 0};
  if (number == 6) {
    v4 = 0xe8010100U;  // source-specific
    v6 = {0xff, 0x3e, 0, 0};
  } else if (number == 7) {
    v4 = 0xe0000000U;  // link-local
    v6 = {0xff, 0x02, 0, 0};
  }
  return *Group::from(numbered(family_, v4, v6, number));
}

mcast::pim::TreeKey Script::tree() {
  const std::uint8_t how = u8();
  mcast::pim::TreeKey key{group(), std::nullopt, false};
  if ((how & 1U) == 0) return key;
  key.source = source();
  key.rpt = (how & 2U) != 0;
  return key;
}

IpPrefix Script::range() {
  const Group base = group();
  constexpr std::array<std::uint8_t, 4> kLengths{8, 16, 24, 32};
  return IpPrefix{base.address(), kLengths[below(4)]}.network();
}

std::uint16_t Script::holdtime_s() {
  constexpr std::array<std::uint16_t, 6> kTimes{210, 1, 0, 0xffff, 60, 150};
  return kTimes[below(6)];
}

PimMetric Script::metric() {
  const std::uint8_t which = u8();
  if (which == 255) return {kPimPreferenceMax, 0xffffffff};
  return {which & 3U, (which >> 2U) & 3U};
}

std::optional<PimMessage> read_pim(Script& script) {
  const PimArrival arrival{Script::router(script.family(), 2), all_pim_routers(script.family()), 1};
  Bytes pim = encode_pim(made(script), arrival.source, arrival.destination);
  change(pim, script);
  ByteWriter(pim).patch_u16(2, 0);
  ByteWriter(pim).patch_u16(
      2, arrival.source.is_v4()
             ? internet_checksum(pim)
             : pseudo_checksum(arrival.source, arrival.destination, kPimProtocol, pim));
  auto parsed = parse_pim(pim, arrival);
  // A Register is a view of octets that end here, and no engine of these takes one.
  if (!parsed || std::holds_alternative<PimRegister>(parsed->message)) return std::nullopt;
  return std::move(parsed->message);
}

std::optional<AutoRpMessage> read_auto_rp(Script& script) {
  AutoRpMessage message;
  message.kind = script.flag() ? AutoRpKind::discovery : AutoRpKind::announcement;
  message.holdtime_s = script.holdtime_s();
  for (std::size_t rps = 1 + script.below(3); rps > 0; --rps) {
    AutoRpMapping mapping{.rp = Script::rp(Family::ipv4, script.below(4))};
    mapping.pim_versions = static_cast<std::uint8_t>(1 + script.below(3));
    for (std::size_t ranges = 1 + script.below(3); ranges > 0; --ranges) {
      AutoRpRange range;
      range.address = IpAddress::v4(0xe1000000U + (std::uint32_t{script.u8()} << 16U));
      range.mask_length = static_cast<std::uint8_t>(16U - 8U * script.below(2));
      range.negative = script.below(8) == 7;
      mapping.ranges.push_back(range);
    }
    message.mappings.push_back(std::move(mapping));
  }
  for (Bytes& datagram : encode_auto_rp(message, 1500)) {
    change(datagram, script);
    if (auto parsed = parse_auto_rp(datagram)) return std::move(*parsed);
  }
  return std::nullopt;
}

}  // namespace hotpair::fuzz
