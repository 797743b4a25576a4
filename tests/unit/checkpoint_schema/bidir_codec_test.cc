#include <random>

#include "tests/unit/checkpoint_schema/codec_fixture.h"

// Databases 1 and 9.
namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;
using BidirCodec = CodecFixture;

const IpAddress kRp = address("10.9.9.1");

pim::BidirRouteRecord route() {
  return {VrfId(0), kRp, pim::BidirRouteValue{kUplink, false, address("10.1.1.1"), 110, 20}};
}
pim::RpdfRecord forwarders() { return {VrfId(0), kRp, {kUplink, kTrunk}}; }

TEST_F(BidirCodec, golden) {
  const auto way = codec.encode(route()).value();
  EXPECT_EQ(way.key.database, 1);
  EXPECT_EQ(way.key.family, Family::ipv4);
  EXPECT_EQ(hex(way.key.key), "0a090901");
  const auto set = codec.encode(forwarders()).value();
  EXPECT_EQ(set.key.database, 9);
  EXPECT_EQ(hex(set.key.key), "0a090901");
}

TEST_F(BidirCodec, what_is_written_is_read) {
  for (pim::BidirRouteRecord record : {route(), route(), route()}) {
    EXPECT_EQ(codec.decode_bidir_route(kWholeNode, codec.encode(record).value()).value(), record);
    record.value->link.reset();
    record.value->neighbour.reset();
    record.value->on_link = true;
    EXPECT_EQ(codec.decode_bidir_route(kWholeNode, codec.encode(record).value()).value(), record);
    record.value.reset();
    EXPECT_EQ(codec.decode_bidir_route(kWholeNode, codec.encode(record).value()).value(), record);
  }
  pim::RpdfRecord set = forwarders();
  EXPECT_EQ(codec.decode_rpdf(kWholeNode, codec.encode(set).value()).value(), set);
  set.links.clear();
  const auto gone = codec.encode(set).value();
  EXPECT_FALSE(gone.value) << "no link left: the record goes";
  EXPECT_EQ(codec.decode_rpdf(kWholeNode, gone).value(), set);
  EXPECT_EQ(all_rejects(), 0U);
}

TEST_F(BidirCodec, what_nobody_could_read_is_not_written) {
  pim::BidirRouteRecord six = route();
  six.rp = address("2001:db8::1");
  EXPECT_FALSE(codec.encode(six)) << "IPv4 only";
  pim::RpdfRecord set = forwarders();
  set.links.push_back(LinkId(9));
  EXPECT_FALSE(codec.encode(set)) << "the interface has no name";
}

TEST_F(BidirCodec, rejects_are_counted) {
  auto change = codec.encode(forwarders()).value();
  EXPECT_FALSE(codec.decode_rpdf(kScope, change));
  EXPECT_EQ(rejects(DecodeReject::wrong_scope), 1U);
  EXPECT_FALSE(codec.decode_bidir_route(kWholeNode, change));
  EXPECT_EQ(rejects(DecodeReject::wrong_database), 1U);
  change.key.key.push_back(std::byte{0});
  EXPECT_FALSE(codec.decode_rpdf(kWholeNode, change));
  EXPECT_EQ(rejects(DecodeReject::bad_key), 1U);
  change = codec.encode(forwarders()).value();
  change.value->bytes.resize(change.value->bytes.size() / 16 * 8);
  EXPECT_FALSE(codec.decode_rpdf(kWholeNode, change));
  EXPECT_EQ(rejects(DecodeReject::bad_value), 1U);
}

TEST_F(BidirCodec, changed_bytes_never_pass_unnoticed) {
  std::mt19937 random(7);
  const auto whole = codec.encode(forwarders()).value();
  const auto way = codec.encode(route()).value();
  for (int i = 0; i < 4000; ++i) {
    auto set = whole;
    auto& bytes = set.value->bytes;
    bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    if (const auto read = codec.decode_rpdf(kWholeNode, set)) {
      EXPECT_LE(read->links.size(), pim::kRpdfLinksMax);
    }
    auto one = way;
    auto& value = one.value->bytes;
    value[random() % value.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    if (const auto read = codec.decode_bidir_route(kWholeNode, one)) {
      EXPECT_TRUE(codec.encode(*read));
    }
  }
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
