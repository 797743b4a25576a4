#include <cstring>
#include <random>

#include "tls_stand.h"

namespace hotpair::rbs::tls {
namespace {

class Streams : public Tls {
 protected:
  void connect(const TransportConfig& low, const TransportConfig& high) {
    b = std::make_unique<End>(loop, high, context_with({key(1)}));
    a = std::make_unique<End>(loop, low, context_with({key(1)}));
    ASSERT_TRUE(until([&] { return a->connected == 1 && b->connected == 1; }));
  }
  std::unique_ptr<End> a;
  std::unique_ptr<End> b;
};

TEST_F(Streams, BytesGoBothWays) {
  connect(lower(), higher());
  EXPECT_TRUE(a->transport->send(as_bytes("ping")));
  EXPECT_TRUE(b->transport->send(as_bytes("pong!")));
  ASSERT_TRUE(until([&] { return a->received == 5 && b->received == 4; }));
  EXPECT_EQ(as_text(b->input), "ping");
  EXPECT_EQ(as_text(a->input), "pong!");
  ASSERT_TRUE(until([&] { return a->credit == 4; }));
}

TEST_F(Streams, NothingHappensInsideACallOfTheOwner) {
  connect(lower(), higher());
  const std::string before = a->story;
  EXPECT_TRUE(a->transport->send(as_bytes("x")));
  a->transport->pause(true);
  a->transport->pause(false);
  a->transport->close();
  EXPECT_EQ(a->story, before);
  EXPECT_EQ(a->credit, 0U);
  EXPECT_FALSE(a->transport->send(as_bytes("y"))) << "closing";
  ASSERT_TRUE(until([&] { return a->story == "connected closed "; }));
}

TEST_F(Streams, SmallSendsOfOneTurnAreOneWrite) {
  connect(lower(), higher());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(a->transport->send(as_bytes("0123456789")));
  ASSERT_TRUE(until([&] { return b->received == 5000; }));
  EXPECT_EQ(a->transport->statistics().writes, 1U);
}

TEST_F(Streams, SixtyFourMebibytesInRandomPiecesArriveIntact) {
  TransportConfig low = lower();
  low.key_update_records = 200;
  connect(low, higher());
  constexpr std::size_t kTotal = 64U << 20U;
  std::mt19937 pieces(7);
  std::mt19937_64 sent_values(11);
  std::mt19937_64 expected_values(11);
  Bytes pending;
  std::size_t sent = 0;
  const auto fill = [&] {
    while (sent < kTotal) {
      if (pending.empty()) {
        const std::size_t size = std::min<std::size_t>(8 * (1 + pieces() % 12'000), kTotal - sent);
        pending.resize(size);
        for (std::size_t i = 0; i < size; i += 8) {
          const std::uint64_t value = sent_values();
          std::memcpy(&pending[i], &value, 8);
        }
      }
      if (!a->transport->send(pending)) return;
      sent += pending.size();
      pending.clear();
    }
  };
  Bytes rest;
  bool is_equal = true;
  b->keep = false;
  b->each_input = [&](ByteSpan bytes) {
    rest.insert(rest.end(), bytes.begin(), bytes.end());
    std::size_t used = 0;
    for (; used + 8 <= rest.size(); used += 8) {
      const std::uint64_t value = expected_values();
      is_equal = is_equal && std::memcmp(&rest[used], &value, 8) == 0;
    }
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(used));
  };
  a->each_credit = fill;
  fill();
  ASSERT_TRUE(until([&] { return b->received == kTotal; }));
  EXPECT_TRUE(is_equal);
  EXPECT_EQ(a->transport->statistics().bytes_out, kTotal);
  EXPECT_GE(a->transport->statistics().key_updates, 10U);
  EXPECT_LE(b->largest, 64U << 10U);
  EXPECT_TRUE(b->transport->send(as_bytes("thanks"))) << "new keys both ways";
  ASSERT_TRUE(until([&] { return a->received == 6; }));
}

TEST_F(Streams, ASlowReaderHoldsTheSenderBackInBoundedMemory) {
  TransportConfig low = lower();
  low.outgoing_max = 1U << 20U;
  connect(low, higher());
  b->transport->pause(true);
  const Bytes piece(10'000, std::byte{5});
  std::uint64_t taken = 0;
  std::uint64_t seen = 0;
  // Until TCP's own buffers are full too: no credit although the loop runs.
  for (int idle = 0; idle < 20;) {
    while (a->transport->send(piece)) taken += piece.size();
    EXPECT_LE(a->transport->sendable(), piece.size());
    loop.restart();
    loop.run_for(std::chrono::milliseconds(10));
    idle = a->credit == seen ? idle + 1 : 0;
    seen = a->credit;
  }
  EXPECT_LE(taken - a->credit, low.outgoing_max);
  EXPECT_LE(b->received, 64U << 10U) << "at most what was being read when it paused";
  b->keep = false;
  b->transport->pause(false);
  ASSERT_TRUE(until([&] { return b->received == taken; }));
  EXPECT_EQ(a->credit, taken);
  EXPECT_EQ(a->transport->sendable(), low.outgoing_max);
}

TEST_F(Streams, APieceThatNeverFitsIsRefusedWhole) {
  TransportConfig low = lower();
  low.outgoing_max = 1000;
  connect(low, higher());
  EXPECT_FALSE(a->transport->send(Bytes(1001)));
  EXPECT_TRUE(a->transport->send(Bytes(1000)));
  EXPECT_FALSE(a->transport->send(Bytes(1)));
  ASSERT_TRUE(until([&] { return b->received == 1000; }));
}

TEST_F(Streams, CloseSendsWhatIsQueued) {
  connect(lower(), higher());
  const Bytes bytes(3U << 20U, std::byte{1});
  ASSERT_TRUE(a->transport->send(bytes));
  a->transport->close();
  ASSERT_TRUE(until([&] { return !a->closed.empty() && !b->closed.empty(); }));
  EXPECT_EQ(b->received, bytes.size());
  EXPECT_EQ(a->closed.front(), Failure::none);
  EXPECT_EQ(b->closed.front(), Failure::peer_closed);
  ASSERT_TRUE(until([&] { return a->connected == 2 && b->connected == 2; }));
}

TEST_F(Streams, TheDiallerComesBackAfterThePeerWasGone) {
  connect(lower(), higher());
  b.reset();
  ASSERT_TRUE(until([&] { return a->closed.size() == 1 && a->failed.size() >= 3; }));
  EXPECT_EQ(a->failed.back(), Failure::refused);
  EXPECT_FALSE(a->transport->is_connected());
  EXPECT_FALSE(a->transport->send(as_bytes("x")));
  b = std::make_unique<End>(loop, higher(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a->connected == 2 && b->connected == 1; }));
}

TEST_F(Streams, ADiallerThatIsToldDoesNotWaitForItsBackOff) {
  TransportConfig low = lower();
  low.retry_min = low.retry_max = std::chrono::hours(1);
  a = std::make_unique<End>(loop, low, context_with({key(1)}));
  ASSERT_TRUE(until([&] { return !a->failed.empty(); }));  // nobody listens
  b = std::make_unique<End>(loop, higher(), context_with({key(1)}));
  bool turned = false;
  asio::post(loop, [&] { turned = true; });
  ASSERT_TRUE(until([&] { return turned; }));
  b->transport->dial_now();  // a listener has nothing to dial
  a->transport->dial_now();
  a->transport->dial_now();  // one attempt is under way
  ASSERT_TRUE(until([&] { return a->connected == 1 && b->connected == 1; }));
  a->transport->dial_now();
  EXPECT_TRUE(a->transport->send(as_bytes("ping")));
  ASSERT_TRUE(until([&] { return b->received == 4; }));
  EXPECT_EQ(a->connected, 1);
}

TEST_F(Streams, TheNewestConnectionOfThePeerWins) {
  connect(lower(), higher());
  // The peer rebooted: it dials anew while its old connection looks alive here.
  End again(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return again.connected == 1 && b->connected == 2; }));
  EXPECT_EQ(b->story, "connected closed connected ");
  EXPECT_EQ(b->closed, std::vector<Failure>{Failure::replaced});
  a.reset();
  EXPECT_TRUE(b->transport->send(as_bytes("to the new one")));
  ASSERT_TRUE(until([&] { return again.received == 14; }));
}

TEST_F(Streams, TheOwnerMayEndItInsideAnyEvent) {
  connect(lower(), higher());
  b->each_input = [&](ByteSpan) { b->transport.reset(); };
  EXPECT_TRUE(a->transport->send(as_bytes("end")));
  a->each_close = [&] { a->transport.reset(); };
  ASSERT_TRUE(until([&] { return !a->transport && !b->transport; }));
  loop.restart();
  loop.run();  // no handler is left waiting
  EXPECT_EQ(a->connected, 1);
}

TEST_F(Streams, EndsWhileDialling) {
  auto dialler = std::make_unique<End>(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return !dialler->failed.empty(); }));
  dialler.reset();
  loop.restart();
  loop.run();
  SUCCEED();
}

}  // namespace
}  // namespace hotpair::rbs::tls
