#include <random>

#include "stranger.h"

namespace hotpair::rbs::tls {
namespace {

/// Numbers in order go both ways the whole time; whatever happens below, none may miss.
class Renewals : public Tls {
 protected:
  /// Sends rising numbers as fast as credit allows, and checks what comes.
  struct Flow {
    void attach(End& end) {
      end.keep = false;
      end.each_credit = [this, &end] { fill(end); };
      end.each_input = [this](ByteSpan bytes) {
        for (const std::byte byte : bytes)
          is_whole = is_whole && byte == static_cast<std::byte>((received++ * 31U) & 0xffU);
      };
      fill(end);
    }
    void fill(End& end) {
      while (sent < limit) {
        Bytes piece(std::min<std::uint64_t>(1 + sent % 4099, limit - sent));
        for (std::size_t i = 0; i < piece.size(); ++i)
          piece[i] = static_cast<std::byte>(((sent + i) * 31U) & 0xffU);
        if (!end.transport->send(piece)) return;
        sent += piece.size();
      }
    }
    std::uint64_t limit = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool is_whole = true;
  };

  void connect(TransportConfig low, TransportConfig high) {
    b = std::make_unique<End>(loop, high, context_with({key(1)}));
    a = std::make_unique<End>(loop, low, context_with({key(1)}));
    ASSERT_TRUE(until([&] { return a->connected == 1 && b->connected == 1; }));
  }
  void flow(std::uint64_t limit) {
    for (auto* one : {&flow_a, &flow_b}) one->limit = limit;
    flow_a.attach(*a);
    flow_b.attach(*b);
  }
  [[nodiscard]] bool everything_arrived() const {
    return flow_a.received == flow_b.limit && flow_b.received == flow_a.limit;
  }
  void expect_undisturbed() const {
    EXPECT_TRUE(flow_a.is_whole && flow_b.is_whole);
    EXPECT_EQ(a->connected, 1);
    EXPECT_EQ(b->connected, 1);
    EXPECT_TRUE(a->closed.empty() && b->closed.empty());
    EXPECT_TRUE(a->failed.empty() && b->failed.empty());
  }

  std::unique_ptr<End> a;
  std::unique_ptr<End> b;
  Flow flow_a;
  Flow flow_b;
};

TEST_F(Renewals, TheStreamGoesOnOverANewConnectionWithoutLosingAByte) {
  connect(lower(), higher());
  flow(24U << 20U);
  for (int i = 1; i <= 8; ++i) {
    const auto context = context_with({key(static_cast<std::uint8_t>(i + 1)), key(1)});
    b->transport->set_context(context);
    a->transport->set_context(context);
    const auto before = flow_b.received;
    a->transport->renew();
    ASSERT_TRUE(until([&] {
      return a->renewed == i && b->renewed == i &&
             (flow_b.received > before + 100'000 || everything_arrived());
    })) << i;
  }
  ASSERT_TRUE(until([&] { return everything_arrived(); }));
  expect_undisturbed();
  EXPECT_EQ(a->peer.key_id, key(9).id());
  EXPECT_EQ(a->transport->key_id_in_use(), key(9).id());
  EXPECT_EQ(a->transport->statistics().renewals, 8U);
  EXPECT_EQ(a->credit, flow_a.limit);
  EXPECT_EQ(a->transport->statistics().bytes_out, flow_a.limit);
}

TEST_F(Renewals, TheListenerAsksTheDialler) {
  connect(lower(), higher());
  flow(4U << 20U);
  b->transport->renew();
  ASSERT_TRUE(until([&] { return a->renewed == 1 && b->renewed == 1; }));
  ASSERT_TRUE(until([&] { return everything_arrived(); }));
  expect_undisturbed();
}

TEST_F(Renewals, ManyAtOnceFromBothEnds) {
  connect(lower(), higher());
  flow(16U << 20U);
  for (int i = 0; i < 5; ++i) {
    a->transport->renew();
    b->transport->renew();
  }
  ASSERT_TRUE(until([&] { return everything_arrived() && a->renewed >= 2; }));
  ASSERT_TRUE(until([&] { return a->renewed == b->renewed; }));
  expect_undisturbed();
}

TEST_F(Renewals, APausedReaderReadsBothConnectionsInOrder) {
  connect(lower(), higher());
  b->transport->pause(true);
  flow(6U << 20U);
  a->transport->renew();
  ASSERT_TRUE(until([&] { return a->renewed == 1 && b->renewed == 1; }));
  const auto before = flow_b.received;
  for (int i = 0; i < 20; ++i) {
    loop.restart();
    loop.run_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(flow_b.received, before) << "paused over both connections";
  b->transport->pause(false);
  ASSERT_TRUE(until([&] { return everything_arrived(); }));
  expect_undisturbed();
}

TEST_F(Renewals, OneThatFailsLeavesTheStreamAsItWas) {
  TransportConfig low = lower();
  low.renew_retry = std::chrono::milliseconds(30);
  connect(low, higher());
  flow(2U << 20U);
  a->transport->set_context(context_with({key(7)}));
  a->transport->renew();
  ASSERT_TRUE(until([&] { return !a->not_renewed.empty() && !b->not_renewed.empty(); }));
  EXPECT_EQ(b->not_renewed.front(), Failure::unknown_key);
  // The listener learns the key; the attempt is repeated by itself.
  b->transport->set_context(context_with({key(7)}));
  ASSERT_TRUE(until([&] { return a->renewed == 1 && b->renewed == 1; }));
  ASSERT_TRUE(until([&] { return everything_arrived(); }));
  expect_undisturbed();
}

TEST_F(Renewals, AListenerThatForgotTheStreamBeginsANewOne) {
  connect(lower(), higher());
  b.reset();
  ASSERT_TRUE(until([&] { return a->closed.size() == 1; }));
  b = std::make_unique<End>(loop, higher(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a->connected == 2 && b->connected == 1; }));
  a->transport->renew();
  ASSERT_TRUE(until([&] { return a->renewed == 1 && b->renewed == 1; }));
}

TEST_F(Renewals, TheDeathOfAnEndInTheMiddleBreaksTheStreamAndItComesBack) {
  connect(lower(), higher());
  flow(64U << 20U);
  a->transport->renew();
  ASSERT_TRUE(until([&] { return a->renewed == 1; }));
  a->each_credit = {};
  b.reset();
  ASSERT_TRUE(until([&] { return a->closed.size() == 1; }));
  b = std::make_unique<End>(loop, higher(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a->connected == 2 && b->connected == 1; }));
  a->each_input = {};
  EXPECT_TRUE(b->transport->send(as_bytes("again")));
  ASSERT_TRUE(until([&] { return a->received >= 5; }));
}

TEST_F(Renewals, AFreshConnectionOfThePeerReplacesOne) {
  connect(lower(), higher());
  End twin(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return twin.connected == 1 && b->connected == 2; }));
  EXPECT_EQ(b->closed.front(), Failure::replaced);
}

TEST_F(Renewals, KeysChangeWithTheHour) {
  TransportConfig low = lower();
  low.key_update_interval = std::chrono::milliseconds(20);
  connect(low, higher());
  for (int i = 1; a->transport->statistics().key_updates < 3; ++i) {
    ASSERT_LT(i, 2000);
    ASSERT_TRUE(a->transport->send(as_bytes("x")));
    ASSERT_TRUE(b->transport->send(as_bytes("y")));
    ASSERT_TRUE(until([&] {
      return b->received == static_cast<std::uint64_t>(i) &&
             a->received == static_cast<std::uint64_t>(i);
    }));
    loop.restart();
    loop.run_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(a->connected, 1);
}

TEST_F(Renewals, HandshakesOfASourceAreLimited) {
  TransportConfig high = higher();
  high.handshake_burst = 2;
  high.handshake_interval = std::chrono::milliseconds(200);
  End listener(loop, high, context_with({key(1)}));
  std::vector<std::unique_ptr<Stranger>> many;
  for (int i = 0; i < 6; ++i) {
    many.push_back(std::make_unique<Stranger>(loop, kLower, kHigher, port));
    ASSERT_TRUE(many.back()->connect());
  }
  ASSERT_TRUE(until([&] { return listener.limited >= 3; }));
  EXPECT_EQ(listener.transport->statistics().handshakes_limited,
            static_cast<std::uint64_t>(listener.limited));
  // Who waits a little is let in.
  End dialler(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return dialler.connected == 1; }));
}

// ---- the layer below ----

Bytes of(std::initializer_list<unsigned> octets) {
  Bytes bytes;
  for (const unsigned octet : octets) bytes.push_back(static_cast<std::byte>(octet));
  return bytes;
}

TEST(Chunks, GoldenHello) {
  EXPECT_EQ(encode(StreamHello{true, 0x0102030405060708}),
            of({0x01, 0x00, 0x00, 0x10,                 // hello, 16 bytes
                'h',  'p',  'r',  'b',                  // magic
                0x01, 0x01, 0x00, 0x00,                 // version 1, continues
                1,    2,    3,    4,    5, 6, 7, 8}));  // connection id
}

TEST(Chunks, AnyCutGivesTheSame) {
  Bytes stream = encode(StreamHello{true, 77});
  const auto add = [&](ByteSpan bytes) { stream.insert(stream.end(), bytes.begin(), bytes.end()); };
  add(chunk_header(ChunkType::data, 5));
  add(as_bytes("hello"));
  add(chunk_header(ChunkType::renew, 0));
  add(chunk_header(ChunkType::data, 1));
  add(as_bytes("!"));
  add(chunk_header(ChunkType::end, 0));
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    ChunkReader reader;
    std::string story;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ByteSpan input = ByteSpan(stream).subspan(at, std::min(piece, stream.size() - at));
      while (true) {
        const auto chunk = reader.next(input);
        ASSERT_TRUE(chunk.has_value());
        if (!*chunk) break;
        if ((*chunk)->type == ChunkType::hello)
          story += "hello" + std::to_string((*chunk)->hello.connection) + " ";
        if ((*chunk)->type == ChunkType::data) story += as_text((*chunk)->body);
        if ((*chunk)->type == ChunkType::renew) story += " renew ";
        if ((*chunk)->type == ChunkType::end) story += " end";
      }
      EXPECT_TRUE(input.empty());
    }
    EXPECT_EQ(story, "hello77 hello renew ! end") << piece;
  }
}

TEST(Chunks, EveryOtherHeaderIsMalformed) {
  for (const Bytes& wrong :
       {of({4, 0, 0, 0}), of({0, 0, 0, 0}), of({1, 0, 0, 15}), of({1, 1, 0, 16}), of({2, 0, 0, 1}),
        of({3, 0, 1, 0}), of({255, 255, 255, 255}),
        of({1, 0, 0, 16, 'H', 'p', 'r', 'b', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
        of({1, 0, 0, 16, 'h', 'p', 'r', 'b', 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
        of({1, 0, 0, 16, 'h', 'p', 'r', 'b', 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
        of({1, 0, 0, 16, 'h', 'p', 'r', 'b', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})}) {
    ChunkReader reader;
    ByteSpan input(wrong);
    EXPECT_FALSE(reader.next(input).has_value());
  }
}

}  // namespace
}  // namespace hotpair::rbs::tls
