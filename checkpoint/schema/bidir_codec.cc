#include <utility>

#include "checkpoint/schema/record_codec.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"

/// Bidirectional groups: databases 1 and 9. Keys are the four octets of the RP.
namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;

constexpr std::string_view kRoute = "route to a bidirectional RP";
constexpr std::string_view kRpdf = "forwarder set of a bidirectional RP";

Result<RecordChange> change_of(DatabaseId database, VrfId vrf, const IpAddress& rp) {
  if (!rp.is_v4() || !mcast::wire::is_pim_unicast(rp))
    return fail(ErrorCode::refused, rp.to_string() + " is no rendezvous point of IPv4 groups");
  return RecordChange{{static_cast<std::uint8_t>(database), vrf, Family::ipv4,
                       Bytes(rp.bytes().begin(), rp.bytes().end())},
                      std::nullopt};
}

}  // namespace

Result<RecordChange> RecordCodec::encode(const pim::BidirRouteRecord& record) const {
  auto change = change_of(DatabaseId::bidir_rp_route, record.vrf, record.rp);
  if (!change || !record.value) return change;
  const pim::BidirRouteValue& value = *record.value;
  Bytes link;
  if (value.link) {
    auto key = link_key(kWholeNode, *value.link);
    if (!key) return std::unexpected(key.error());
    link = std::move(*key);
  }
  using Root = values::BidirRoute;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                if (!link.empty()) builder.setLink(data_of(link));
                                builder.setOnLink(value.on_link);
                                if (value.neighbour)
                                  builder.setNeighbour(data_of(value.neighbour->bytes()));
                                builder.setPreference(value.preference);
                                builder.setMetric(value.metric);
                              })};
  return change;
}

Result<RecordChange> RecordCodec::encode(const pim::RpdfRecord& record) const {
  auto change = change_of(DatabaseId::rpdf, record.vrf, record.rp);
  if (!change || record.links.empty()) return change;
  if (record.links.size() > pim::kRpdfLinksMax)
    return fail(ErrorCode::refused, "more interfaces than a record of forwarders names");
  std::vector<Bytes> links;
  for (const LinkId link : record.links) {
    auto key = link_key(kWholeNode, link);
    if (!key) return std::unexpected(key.error());
    links.push_back(std::move(*key));
  }
  using Root = values::Rpdf;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                auto list = builder.initLinks(static_cast<unsigned>(links.size()));
                                for (unsigned i = 0; i < list.size(); ++i)
                                  list.set(i, data_of(links[i]));
                              })};
  return change;
}

Result<IpAddress> RecordCodec::read_bidir_rp(ScopeId scope, const RecordChange& change,
                                             DatabaseId database, std::string_view what) {
  if (const auto checked = check(change, database, what); !checked)
    return std::unexpected(checked.error());
  if (const auto checked = check_whole_node(scope, what); !checked)
    return std::unexpected(checked.error());
  const auto rp = IpAddress::from_bytes(change.key.key);
  if (change.key.family != Family::ipv4 || !rp || !rp->is_v4() || !mcast::wire::is_pim_unicast(*rp))
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of a bidirectional RP");
  return *rp;
}

Result<pim::BidirRouteRecord> RecordCodec::decode_bidir_route(ScopeId scope,
                                                              const RecordChange& change) {
  const auto rp = read_bidir_rp(scope, change, DatabaseId::bidir_rp_route, kRoute);
  if (!rp) return std::unexpected(rp.error());
  pim::BidirRouteRecord record{change.key.vrf, *rp, std::nullopt};
  if (!change.value) return record;
  using Root = values::BidirRoute;
  bool unknown_link = false;
  const auto value = read_segment<Root>(
      change.value->bytes, [&](Root::Reader root) -> std::optional<pim::BidirRouteValue> {
        pim::BidirRouteValue read{.on_link = root.getOnLink(),
                                  .preference = root.getPreference(),
                                  .metric = root.getMetric()};
        if (root.getLink().size() > 0) {
          ByteReader reader(span_of(root.getLink()));
          bool well_formed = false;
          read.link = read_link(kWholeNode, change.key.vrf, reader, well_formed);
          if (!well_formed || reader.remaining() != 0) return std::nullopt;
          unknown_link = !read.link;
        }
        const auto neighbour = address_of(Family::ipv4, root.getNeighbour());
        if (!neighbour) return std::nullopt;
        if (!neighbour->is_unspecified()) read.neighbour = *neighbour;
        return read;
      });
  if (!value) return reject(DecodeReject::bad_value, ErrorCode::malformed, std::string(kRoute));
  if (unknown_link)
    return reject(DecodeReject::unknown_link, ErrorCode::not_found,
                  "route by an interface that is not known here");
  record.value = *value;
  return record;
}

Result<pim::RpdfRecord> RecordCodec::decode_rpdf(ScopeId scope, const RecordChange& change) {
  const auto rp = read_bidir_rp(scope, change, DatabaseId::rpdf, kRpdf);
  if (!rp) return std::unexpected(rp.error());
  pim::RpdfRecord record{change.key.vrf, *rp, {}};
  if (!change.value) return record;
  using Root = values::Rpdf;
  const auto links = read_segment<Root>(
      change.value->bytes, [&](Root::Reader root) -> std::optional<std::vector<LinkId>> {
        std::vector<LinkId> read;
        const auto list = root.getLinks();
        if (list.size() == 0 || list.size() > pim::kRpdfLinksMax) return std::nullopt;
        for (const auto& each : list) {
          ByteReader reader(span_of(each));
          bool well_formed = false;
          const auto link = read_link(kWholeNode, change.key.vrf, reader, well_formed);
          if (!well_formed || reader.remaining() != 0) return std::nullopt;
          if (link) read.push_back(*link);
        }
        return read;
      });
  if (!links) return reject(DecodeReject::bad_value, ErrorCode::malformed, std::string(kRpdf));
  record.links = *links;
  return record;
}

}  // namespace hotpair::checkpoint::schema
