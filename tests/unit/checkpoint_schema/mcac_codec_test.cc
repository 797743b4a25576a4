#include "tests/unit/checkpoint_schema/codec_fixture.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace mrib = mcast::mrib;

using McacCodec = CodecFixture;

mrib::Reservation reservation(LinkId link) {
  return {{{VrfId(0), group("239.1.1.1"), address("10.0.0.9")}, link, mrib::Direction::out}, 5, 7};
}

TEST_F(McacCodec, golden) {
  const RecordChange change = codec.encode(kScope, reservation(kTrunk)).value();
  EXPECT_EQ(change.key.database, 4);
  EXPECT_EQ(change.key.family, Family::ipv4);
  const std::string key = hex(change.key.key);
  EXPECT_EQ(key.substr(key.size() - 20),
            "ef010101"  // group
            "01"        // a source follows
            "0a000009"  // source
            "01");      // out
  // struct pointer (3 words of data) | cost and connected | order
  EXPECT_EQ(hex(change.value->bytes),
            "0000000002000000"
            "0500000000000000"
            "0700000000000000");
}

TEST_F(McacCodec, round_trip) {
  mrib::Reservation star = reservation(kTrunk);
  star.key.state.source.reset();
  mrib::Reservation six = reservation(kTrunk);
  six.key.state = {VrfId(0), group("ff3e::1"), address("2001:db8::9")};
  six.key.direction = mrib::Direction::in;
  six.connected = true;
  six.cost = 0;
  for (const mrib::Reservation& record : {reservation(kTrunk), star, six}) {
    const auto change = codec.encode(kScope, record).value();
    EXPECT_EQ(std::get<mrib::Reservation>(codec.decode_reservation(kScope, change).value()),
              record);
    const auto gone = codec.encode(kScope, record.key).value();
    EXPECT_EQ(gone.key, change.key);
    EXPECT_EQ(std::get<mrib::ReservationKey>(codec.decode_reservation(kScope, gone).value()),
              record.key);
  }
  const auto local = codec.encode(kWholeNode, reservation(kUplink)).value();
  EXPECT_EQ(std::get<mrib::Reservation>(codec.decode_reservation(kWholeNode, local).value()),
            reservation(kUplink));
  EXPECT_EQ(all_rejects(), 0U);
}

TEST_F(McacCodec, what_could_not_be_read_back_is_refused) {
  EXPECT_FALSE(codec.encode(kScope, reservation(kUplink))) << "not a link of the scope";
  EXPECT_FALSE(codec.encode(kScope, reservation(LinkId{99})));
  mrib::Reservation bad = reservation(kTrunk);
  bad.key.state.group = group("224.0.0.5");
  EXPECT_FALSE(codec.encode(kScope, bad));
  bad = reservation(kTrunk);
  bad.key.state.source = address("2001:db8::1");
  EXPECT_FALSE(codec.encode(kScope, bad));
  bad = reservation(kTrunk);
  bad.order = ~std::uint64_t{0};
  EXPECT_FALSE(codec.encode(kScope, bad));
}

TEST_F(McacCodec, bad_records_are_counted) {
  const RecordChange good = codec.encode(kScope, reservation(kTrunk)).value();
  RecordChange bad = good;
  bad.key.key.push_back(std::byte{0});
  EXPECT_FALSE(codec.decode_reservation(kScope, bad));
  bad = good;
  bad.key.key.back() = std::byte{3};
  EXPECT_FALSE(codec.decode_reservation(kScope, bad)) << "no such direction";
  for (std::size_t length = 0; length < good.key.key.size(); ++length) {
    bad = good;
    bad.key.key.resize(length);
    EXPECT_FALSE(codec.decode_reservation(kScope, bad)) << length;
  }
  EXPECT_EQ(rejects(DecodeReject::bad_key), good.key.key.size() + 2);
  bad = good;
  bad.value->bytes.assign(8, std::byte{0xff});
  EXPECT_FALSE(codec.decode_reservation(kScope, bad));
  bad = good;
  bad.value->bytes[12] = std::byte{1};
  EXPECT_FALSE(codec.decode_reservation(kScope, bad)) << "connected, and goes out";
  bad = good;
  bad.value->bytes[23] = std::byte{0xff};
  EXPECT_FALSE(codec.decode_reservation(kScope, bad)) << "an order that leaves no next one";
  EXPECT_EQ(rejects(DecodeReject::bad_value), 3U);
  bad = good;
  bad.value->schema_version = 2;
  EXPECT_FALSE(codec.decode_reservation(kScope, bad));
  EXPECT_EQ(rejects(DecodeReject::unknown_version), 1U);
  bad = good;
  bad.key.database = 5;
  EXPECT_FALSE(codec.decode_reservation(kScope, bad));
  EXPECT_EQ(rejects(DecodeReject::wrong_database), 1U);
  codec.links().unbind(kTrunk);
  EXPECT_FALSE(codec.decode_reservation(kScope, good));
  EXPECT_EQ(rejects(DecodeReject::unknown_link), 1U);
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
