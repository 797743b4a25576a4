#include "tests/unit/checkpoint_schema/codec_fixture.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;

using RegisterCodec = CodecFixture;

pim::RegisterKey key4() { return {VrfId{0}, group("225.1.1.1"), address("10.0.0.9")}; }
pim::RegisterKey key6() { return {VrfId{0}, group("ff3e:1::2"), address("2001:db8::9")}; }
pim::RegisterRecord pruned() {
  return {key4(), {pim::RegisterState::prune, address("5.5.5.5"), 60}};
}

TEST_F(RegisterCodec, golden) {
  const RecordChange change = codec.encode(pruned()).value();
  EXPECT_EQ(change.key.database, 10);
  EXPECT_EQ(change.key.family, Family::ipv4);
  EXPECT_EQ(hex(change.key.key),
            "e1010101"
            "0a000009");
  EXPECT_EQ(change.value->schema_version, 1);
  // struct pointer (1 data word, 1 pointer) | state 3, suppression 60 s | list of 4 bytes | RP
  EXPECT_EQ(hex(change.value->bytes),
            "0000000001000100"
            "03003c0000000000"
            "0100000022000000"
            "0505050500000000");
}

TEST_F(RegisterCodec, round_trip) {
  for (const pim::RegisterRecord& record :
       {pruned(), pim::RegisterRecord{key6(), {pim::RegisterState::join, address("2001:db8::5")}},
        pim::RegisterRecord{key4(), {pim::RegisterState::join_pending, address("5.5.5.5")}}}) {
    const auto change = codec.encode(record).value();
    EXPECT_EQ(std::get<pim::RegisterRecord>(codec.decode_register(kWholeNode, change).value()),
              record);
    const auto gone = codec.encode(record.key).value();
    EXPECT_EQ(std::get<pim::RegisterKey>(codec.decode_register(kWholeNode, gone).value()),
              record.key);
  }
  EXPECT_EQ(all_rejects(), 0U);
}

TEST_F(RegisterCodec, what_could_not_be_read_back_is_refused) {
  EXPECT_FALSE(codec.encode(pim::RegisterKey{VrfId{0}, group("225.1.1.1"), address("::1")}));
  EXPECT_FALSE(codec.encode(pim::RegisterKey{VrfId{0}, group("224.0.0.9"), address("10.0.0.9")}));
  EXPECT_FALSE(codec.encode(
      pim::RegisterRecord{key4(), {pim::RegisterState::join, address("2001:db8::5")}}));
  EXPECT_FALSE(codec.encode(
      pim::RegisterRecord{key4(), {static_cast<pim::RegisterState>(4), address("5.5.5.5")}}));
  EXPECT_FALSE(
      codec.encode(pim::RegisterRecord{key4(), {pim::RegisterState::join, address("5.5.5.5"), 9}}));
}

TEST_F(RegisterCodec, what_does_not_fit_is_rejected) {
  const RecordChange good = codec.encode(pruned()).value();
  EXPECT_FALSE(codec.decode_register(kScope, good));
  EXPECT_EQ(rejects(DecodeReject::wrong_scope), 1U);
  RecordChange bad = good;
  bad.key.database = 7;
  EXPECT_FALSE(codec.decode_register(kWholeNode, bad));
  EXPECT_EQ(rejects(DecodeReject::wrong_database), 1U);
  bad = good;
  bad.key.key.push_back(std::byte{0});
  EXPECT_FALSE(codec.decode_register(kWholeNode, bad));
  bad.key.key.resize(7);
  EXPECT_FALSE(codec.decode_register(kWholeNode, bad));
  EXPECT_EQ(rejects(DecodeReject::bad_key), 2U);
  for (std::size_t size = 0; size < good.value->bytes.size(); ++size) {
    bad = good;
    bad.value->bytes.resize(size);
    EXPECT_FALSE(codec.decode_register(kWholeNode, bad)) << size;
  }
  bad = good;
  bad.value->bytes[8] = std::byte{9};  // state
  EXPECT_FALSE(codec.decode_register(kWholeNode, bad));
  bad = good;
  bad.value->schema_version = 2;
  EXPECT_FALSE(codec.decode_register(kWholeNode, bad));
  EXPECT_EQ(rejects(DecodeReject::unknown_version), 1U);
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
