#include "mcast/wire/gmp_body.h"

#include <chrono>

#include "mcast/wire/float_code.h"

namespace hotpair::mcast::wire::body {
namespace {

constexpr std::uint8_t kSuppressBit = 0x08;
constexpr std::uint8_t kRobustnessMask = 0x07;

}  // namespace

//  | Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |
//  |                       Source Address [1..N]                   |
void write_query_tail(ByteWriter& out, const Query& query) {
  const std::uint8_t robustness = query.robustness > kRobustnessMask ? 0 : query.robustness;
  out.u8(static_cast<std::uint8_t>((query.suppress ? kSuppressBit : 0) | robustness));
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(query.query_interval).count();
  out.u8(encode_code8(static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0))));
  out.u16(static_cast<std::uint16_t>(std::min(query.sources.size(), kMaxCount)));
  write_sources(out, query.sources);
}

std::expected<void, Reject> read_query_tail(ByteReader& in, Family family, Query& query) {
  const std::uint8_t flags = in.u8();
  query.suppress = (flags & kSuppressBit) != 0;
  query.robustness = flags & kRobustnessMask;
  query.query_interval = std::chrono::seconds{decode_code8(in.u8())};
  const std::size_t count = in.u16();
  auto sources = read_sources(in, family, count);
  if (!sources) return std::unexpected(sources.error());
  query.sources = std::move(*sources);
  return {};
}

}  // namespace hotpair::mcast::wire::body
