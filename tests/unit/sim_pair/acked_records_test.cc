#include "tests/sim/pair/acked_records.h"

#include <gtest/gtest.h>

// The simulator's oracle of "nothing acknowledged is lost" sees what it is there for.
namespace hotpair::sim {
namespace {

using checkpoint::Record;
using checkpoint::RecordKey;
using checkpoint::RecordValue;

const Epoch kFirst{Term{1, NodeId{0xa}}, 0};
const Epoch kSecond{Term{2, NodeId{0xb}}, 0};
const checkpoint::EpochHistory kLine{{kFirst, Sequence{0}}};

RecordKey key(std::uint8_t name) { return {16, VrfId{0}, Family::ipv4, {std::byte{name}}}; }
RecordValue value(std::uint8_t number) { return {1, {std::byte{number}}}; }

class Oracle : public ::testing::Test {
 protected:
  void write(const Epoch& epoch, std::uint64_t sequence, std::uint8_t name,
             std::optional<RecordValue> to) {
    records.written(epoch, {Sequence{sequence}, {key(name), std::move(to)}});
  }
  [[nodiscard]] bool whole(const AckedRecords::Held& held) const {
    return !records.missing(held).has_value();
  }
  AckedRecords records;
};

// The mutation "acknowledges one too many": the peer has only the first.
TEST_F(Oracle, OneTooManyIsSeen) {
  write(kFirst, 1, 'a', value(1));
  write(kFirst, 2, 'b', value(1));
  const AckedRecords::Held peer{{key('a'), value(1)}};
  records.acked(kLine, Sequence{1});
  EXPECT_TRUE(whole(peer));
  records.acked(kLine, Sequence{2});
  EXPECT_FALSE(whole(peer));
  EXPECT_EQ(records.count(), 2U);
}

TEST_F(Oracle, AnAcknowledgedDeletionMustNotComeBack) {
  write(kFirst, 1, 'a', value(1));
  records.acked(kLine, Sequence{1});
  write(kFirst, 2, 'a', std::nullopt);
  EXPECT_TRUE(whole({{key('a'), value(1)}}));
  EXPECT_TRUE(whole({}));
  records.acked(kLine, Sequence{2});
  EXPECT_FALSE(whole({{key('a'), value(1)}}));
  EXPECT_TRUE(whole({}));
}

TEST_F(Oracle, ANewerValueIsAsGoodAnOlderOneIsNot) {
  write(kFirst, 1, 'a', value(1));
  write(kFirst, 2, 'a', value(2));
  records.acked(kLine, Sequence{2});
  write(kFirst, 3, 'a', value(3));
  EXPECT_FALSE(whole({{key('a'), value(1)}}));
  EXPECT_TRUE(whole({{key('a'), value(2)}}));
  EXPECT_TRUE(whole({{key('a'), value(3)}}));
  EXPECT_FALSE(whole({{key('a'), value(4)}}));
}

// The queue holds one entry a key: the number passes a change that was never sent.
TEST_F(Oracle, AKeyThatChangedAgainIsOwedInItsOlderValue) {
  write(kFirst, 1, 'a', value(1));
  records.acked(kLine, Sequence{1});
  write(kFirst, 2, 'a', value(2));
  write(kFirst, 3, 'a', value(3));
  records.acked(kLine, Sequence{2});
  EXPECT_TRUE(whole({{key('a'), value(1)}}));
  EXPECT_FALSE(whole({}));
  records.acked(kLine, Sequence{3});
  EXPECT_FALSE(whole({{key('a'), value(1)}}));
}

// The tail of a dead epoch has numbers that the next master acknowledges for its own changes.
TEST_F(Oracle, ATailThatIsNotOnTheLineIsNotOwed) {
  write(kFirst, 1, 'a', value(1));
  write(kFirst, 2, 'b', value(1));
  write(kSecond, 2, 'c', value(1));
  records.acked({{kFirst, Sequence{0}}, {kSecond, Sequence{1}}}, Sequence{2});
  EXPECT_TRUE(whole({{key('a'), value(1)}, {key('c'), value(1)}}));
  EXPECT_FALSE(whole({{key('a'), value(1)}, {key('b'), value(1)}}));
}

TEST_F(Oracle, WhatFaultsTookFromBothIsNotOwed) {
  write(kFirst, 1, 'a', value(1));
  records.acked(kLine, Sequence{1});
  EXPECT_FALSE(whole({}));
  records.forget();
  EXPECT_TRUE(whole({}));
}

}  // namespace
}  // namespace hotpair::sim
