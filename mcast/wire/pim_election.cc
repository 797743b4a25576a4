#include "mcast/wire/pim_election.h"

#include <algorithm>

namespace hotpair::mcast::wire::pim {
namespace {

constexpr std::uint32_t kRptBit = 0x80000000;
constexpr std::size_t kMetricSize = 8;

}  // namespace

//  |              Group Address (Encoded-Group format)             |
//  |             Source Address (Encoded-Unicast format)           |
//  |R|                        Metric Preference                    |
//  |                             Metric                            |
Parsed<PimMessage> parse_assert(ByteSpan body, Family family) {
  ByteReader in(body);
  const auto group = read_group(in, family);
  if (!group) return std::unexpected(group.error());
  const auto source = read_unicast(in, family);
  if (!source) return std::unexpected(source.error());
  if (!source->is_unspecified() && !is_pim_unicast(*source))
    return std::unexpected(PimReject::not_unicast);
  if (in.remaining() < kMetricSize) return std::unexpected(PimReject::truncated);
  PimMetric metric = read_metric(in);
  const bool rpt = (metric.preference & kRptBit) != 0;
  metric.preference &= kPimPreferenceMax;
  return PimAssert{.group = *group, .source = *source, .rpt = rpt, .metric = metric};
}

void write(ByteWriter& out, const PimAssert& message) {
  write_header(out, 5);
  write_range(out, PimGroupRange::single(message.group));
  write_unicast(out, message.source);
  const std::uint32_t preference = std::min(message.metric.preference, kPimPreferenceMax);
  out.u32((message.rpt ? kRptBit : 0) | preference);
  out.u32(message.metric.metric);
}

//  |PIM Ver| Type  |Subtype| Rsvd  |           Checksum            |
//  |             RP Address (Encoded-Unicast format)               |
//  |                  Sender Metric Preference                     |
//  |                       Sender Metric                           |
//  backoff and pass add
//  |        Offering or new winner address (Encoded-Unicast)       |
//  |                     Metric Preference                         |
//  |                           Metric                              |
//  backoff adds
//  |           Interval            |
Parsed<PimMessage> parse_df_election(ByteSpan body, Family family, std::uint8_t flags) {
  const std::uint8_t subtype = flags >> 4U;
  if (subtype < 1 || subtype > 4) return std::unexpected(PimReject::unknown_type);
  PimDfElection message;
  message.action = static_cast<PimDfAction>(subtype);
  message.target = IpAddress::any(family);
  ByteReader in(body);
  const auto rp = read_router(in, family);
  if (!rp) return std::unexpected(rp.error());
  message.rp = *rp;
  if (in.remaining() < kMetricSize) return std::unexpected(PimReject::truncated);
  message.sender = read_metric(in);
  if (subtype < 3) return message;
  const auto target = read_router(in, family);
  if (!target) return std::unexpected(target.error());
  message.target = *target;
  const bool backoff = message.action == PimDfAction::backoff;
  if (in.remaining() < kMetricSize + (backoff ? 2 : 0))
    return std::unexpected(PimReject::truncated);
  message.target_metric = read_metric(in);
  if (backoff) message.interval_ms = in.u16();
  return message;
}

void write(ByteWriter& out, const PimDfElection& message) {
  const auto subtype = static_cast<std::uint8_t>(message.action);
  write_header(out, 10, static_cast<std::uint8_t>(subtype << 4U));
  write_unicast(out, message.rp);
  write_metric(out, message.sender);
  if (message.action != PimDfAction::backoff && message.action != PimDfAction::pass) return;
  write_unicast(out, message.target);
  write_metric(out, message.target_metric);
  if (message.action == PimDfAction::backoff) out.u16(message.interval_ms);
}

}  // namespace hotpair::mcast::wire::pim
