#include "ha/keeper/core/sent_hellos.h"

#include <gtest/gtest.h>

namespace hotpair::ha::keeper {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kPeer = 7;
constexpr Duration kTimeout = milliseconds(100);

TimePoint at(int ms) { return TimePoint(std::chrono::seconds(1000)) + milliseconds(ms); }

TEST(SentHellos, TheNewestEchoedOneIsTheProof) {
  SentHellos sent;
  EXPECT_FALSE(sent.proof());
  for (int i = 0; i < 5; ++i)
    sent.on_sent({kPeer, 10 + static_cast<std::uint64_t>(i), kTimeout}, at(20 * i));
  sent.on_echo(kPeer, 12);
  ASSERT_TRUE(sent.proof());
  EXPECT_EQ(sent.proof()->sent, at(40));
  EXPECT_EQ(sent.proof()->timeout, kTimeout);
  sent.on_echo(kPeer, 12);
  EXPECT_EQ(sent.proof()->sent, at(40));
  sent.on_echo(kPeer, 99);
  EXPECT_EQ(sent.proof()->sent, at(80));
}

TEST(SentHellos, HellosOfOneInstantAreOne) {
  SentHellos sent;
  for (std::uint64_t path = 0; path < 8; ++path)
    sent.on_sent({kPeer, 1 + path, kTimeout}, at(0) + std::chrono::microseconds(path));
  sent.on_echo(kPeer, 6);
  ASSERT_TRUE(sent.proof());
  EXPECT_EQ(sent.proof()->sent, at(0));
}

TEST(SentHellos, AnEchoOfAnotherSessionOrOfWhatWasNotForItProvesNothing) {
  SentHellos sent;
  sent.on_sent({kPeer, 1, kTimeout}, at(0));
  sent.on_echo(8, 1);
  EXPECT_FALSE(sent.proof());
  sent.on_sent({8, 2, kTimeout}, at(20));  // an answer to someone else
  sent.on_sent({kPeer, 3, kTimeout}, at(40));
  sent.on_echo(kPeer, 2);
  EXPECT_FALSE(sent.proof());
  sent.on_echo(kPeer, 3);
  EXPECT_EQ(sent.proof()->sent, at(40));
}

TEST(SentHellos, AShorterDetectionTimeHoldsFromItsFirstSendOn) {
  SentHellos sent;
  sent.on_sent({kPeer, 1, milliseconds(2000)}, at(0));
  sent.on_echo(kPeer, 1);
  sent.on_sent({kPeer, 2, kTimeout}, at(20));
  EXPECT_EQ(sent.proof()->sent, at(0));
  EXPECT_EQ(sent.proof()->timeout, kTimeout);
  sent.on_sent({kPeer, 3, milliseconds(3000)}, at(40));
  EXPECT_EQ(sent.proof()->timeout, kTimeout);
  sent.on_echo(kPeer, 3);
  EXPECT_EQ(sent.proof()->sent, at(40));
  EXPECT_EQ(sent.proof()->timeout, milliseconds(3000));
}

TEST(SentHellos, KeepsTheNewest) {
  SentHellos sent;
  constexpr std::uint64_t kSends = 10'000;
  for (std::uint64_t i = 1; i <= kSends; ++i)
    sent.on_sent({kPeer, i, kTimeout}, at(20 * static_cast<int>(i)));
  sent.on_echo(kPeer, kSends - 64);
  EXPECT_FALSE(sent.proof());
  for (std::uint64_t i = kSends - 63; i <= kSends; ++i) {
    sent.on_echo(kPeer, i);
    ASSERT_TRUE(sent.proof());
    EXPECT_EQ(sent.proof()->sent, at(20 * static_cast<int>(i)));
  }
}

}  // namespace
}  // namespace hotpair::ha::keeper
