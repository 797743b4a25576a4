#include "tests/unit/checkpoint_schema/codec_fixture.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;

using MdtCodec = CodecFixture;

constexpr VrfId kVrf{3};

pim::MdtTunnelRecord tunnel() {
  return {{kVrf, group("239.1.1.1")},
          {address("1.1.1.1"), IpPrefix::parse("239.2.0.0/24").value(), 100}};
}
pim::MdtDataRecord data() {
  return {{kVrf, group("225.1.1.1"), address("10.0.0.9")}, group("239.2.0.7")};
}

TEST_F(MdtCodec, golden) {
  const RecordChange change = codec.encode(tunnel()).value();
  EXPECT_EQ(change.key.database, 8);
  EXPECT_EQ(change.key.vrf, kVrf);
  EXPECT_EQ(hex(change.key.key), "ef010101");
  const RecordChange moved = codec.encode(data()).value();
  EXPECT_EQ(moved.key.database, 5);
  EXPECT_EQ(hex(moved.key.key),
            "e1010101"
            "0a000009");
  // struct pointer (no data, 1 pointer) | list of 4 bytes | group
  EXPECT_EQ(hex(moved.value->bytes),
            "0000000000000100"
            "0100000022000000"
            "ef02000700000000");
}

TEST_F(MdtCodec, round_trip) {
  pim::MdtTunnelRecord plain = tunnel();
  plain.value.data_groups.reset();
  plain.value.threshold_kbps = 0;
  for (const pim::MdtTunnelRecord& record : {tunnel(), plain}) {
    const auto change = codec.encode(record).value();
    EXPECT_EQ(std::get<pim::MdtTunnelRecord>(codec.decode_mdt_tunnel(kWholeNode, change).value()),
              record);
  }
  const auto gone = codec.encode(tunnel().key).value();
  EXPECT_EQ(std::get<pim::MdtTunnelKey>(codec.decode_mdt_tunnel(kWholeNode, gone).value()),
            tunnel().key);
  EXPECT_EQ(std::get<pim::MdtDataRecord>(
                codec.decode_mdt_data(kWholeNode, codec.encode(data()).value()).value()),
            data());
  EXPECT_EQ(std::get<pim::MdtDataKey>(
                codec.decode_mdt_data(kWholeNode, codec.encode(data().key).value()).value()),
            data().key);
  EXPECT_EQ(all_rejects(), 0U);
}

TEST_F(MdtCodec, what_could_not_be_read_back_is_refused) {
  EXPECT_FALSE(codec.encode(pim::MdtTunnelKey{kVrf, group("224.0.0.5")}));
  EXPECT_FALSE(codec.encode(pim::MdtTunnelKey{kVrf, group("ff1e::1")}));
  pim::MdtTunnelRecord bad = tunnel();
  bad.value.source = address("2001:db8::1");
  EXPECT_FALSE(codec.encode(bad));
  bad = tunnel();
  bad.value.data_groups = IpPrefix::parse("10.0.0.0/8").value();
  EXPECT_FALSE(codec.encode(bad));
  pim::MdtDataRecord moved = data();
  moved.data_group = group("224.0.0.5");
  EXPECT_FALSE(codec.encode(moved));
  EXPECT_FALSE(codec.encode(pim::MdtDataKey{kVrf, group("225.1.1.1"), address("2001:db8::9")}));
}

TEST_F(MdtCodec, what_does_not_fit_is_rejected) {
  const RecordChange good = codec.encode(tunnel()).value();
  EXPECT_FALSE(codec.decode_mdt_tunnel(kScope, good));
  EXPECT_EQ(rejects(DecodeReject::wrong_scope), 1U);
  EXPECT_FALSE(codec.decode_mdt_data(kWholeNode, good));
  EXPECT_EQ(rejects(DecodeReject::wrong_database), 1U);
  RecordChange bad = good;
  bad.key.key.push_back(std::byte{0});
  EXPECT_FALSE(codec.decode_mdt_tunnel(kWholeNode, bad));
  bad.key.key.resize(3);
  EXPECT_FALSE(codec.decode_mdt_tunnel(kWholeNode, bad));
  const RecordChange moved = codec.encode(data()).value();
  bad = moved;
  bad.key.key.resize(7);
  EXPECT_FALSE(codec.decode_mdt_data(kWholeNode, bad));
  EXPECT_EQ(rejects(DecodeReject::bad_key), 3U);
  for (const RecordChange& whole : {good, moved})
    for (std::size_t size = 0; size < whole.value->bytes.size(); ++size) {
      bad = whole;
      bad.value->bytes.resize(size);
      EXPECT_FALSE(codec.decode_mdt_tunnel(kWholeNode, bad)) << size;
      EXPECT_FALSE(codec.decode_mdt_data(kWholeNode, bad)) << size;
    }
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
