#include "ha/keeper/wire/keeper_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace hotpair::ha::keeper {
namespace {

const Term kTerm{7, NodeId(0x1122334455667788)};
const ArmedPlan kPlan{ScopeId(10), Term{6, NodeId(1)}, kTerm,
                      {Cause::paths_down, Cause::peer_access_lost}};

EtrunkConfig trunk() {
  EtrunkConfig config;
  config.id = EtrunkId(3);
  config.paths.push_back(
      {etrunk::PathId(0), IpAddress::v4(0x0a000001), *IpAddress::parse("2001:db8::1"), "ge0"});
  config.hello_ms = 20;
  config.multiplier = 5;
  config.order = etrunk::PriorityOrder::smaller;
  config.system_id = MacAddress{{1, 2, 3, 4, 5, 6}};
  config.keys = {"secret", std::string("\0\xff", 2)};
  return config;
}

TrunkSetup eth_trunk() {
  TrunkSetup setup;
  setup.lacp.id = lacp::TrunkId(7);
  setup.lacp.system = MacAddress{{6, 5, 4, 3, 2, 1}};
  setup.lacp.key = 305;
  setup.lacp.fast = true;
  setup.lacp.members = {{3, "ge0-1-2", 0x8001, 100}};
  setup.slot = 2;
  setup.scope = ScopeId(10);
  setup.mode = TrunkMode::force_backup;
  return setup;
}

BfdSessionConfig bfd_session() {
  BfdSessionConfig config;
  config.session.name = "ab";
  config.session.local = *IpAddress::parse("2001:db8::1");
  config.session.peer = *IpAddress::parse("2001:db8::2");
  config.session.device = "ge0";
  config.session.multihop = true;
  config.session.ttl_min = 250;
  config.session.local_discriminator = bfd::Discriminator(11);
  config.session.remote_discriminator = bfd::Discriminator(22);
  config.session.min_tx_us = 3'000;
  config.session.min_rx_us = 10'000;
  config.session.multiplier = 5;
  config.session.admin_down = true;
  config.session.keys = {{1, "secret"}, {2, std::string("\0x", 2)}};
  config.paths = {{EtrunkId(3), etrunk::PathId(1)}};
  return config;
}

BfdStatus bfd_status() {
  BfdSessionStatus status;
  status.config = bfd_session().session;
  status.local_discriminator = bfd::Discriminator(11);
  status.remote_discriminator = bfd::Discriminator(0xffffffff);
  status.state = bfd::State::up;
  status.remote_state = bfd::State::init;
  status.diag = bfd::Diag::admin_down;
  status.remote_diag = 31;
  status.remote_multiplier = 3;
  status.remote_demand = status.polling = true;
  status.tx_us = 10'000;
  status.detection_us = 30'000;
  status.sent = 5;
  status.verdicts = {1, 2, 3};
  status.last_reason = bfd::Reason::local_admin_down;
  status.changed_ms = 77;
  status.lateness = {9, 8};
  status.paths = {{EtrunkId(3), etrunk::PathId(0)}};
  return {false, true, {status}, 4, {5, 6}};
}

std::vector<ToKeeper> every_to_keeper() {
  return {
      DaemonHello{1, 4, NodeId(9), "hotpaird 0.1.0"},
      Configure{{trunk()}, {{ScopeId(10), EtrunkId(3), 5, {"ge0", "ge1"}}}, 12'000, {eth_trunk()},
                {{ScopeId(10), "hpf-ge0", {std::string("frame\0", 6), "another"}}}},
      SetScope{ScopeId(10), Role::master, kTerm, GatePosture::leased, true, Cause::alone},
      SetRank{EtrunkId(3), 90},
      Arm{kPlan},
      Disarm{ScopeId(10)},
      Heartbeat{},
      HandoverOpen{ScopeId(10), kTerm, 55},
      HandoverConfirm{ScopeId(10), kTerm},
      HandoverRevoke{ScopeId(10), kTerm},
      HandoverCommit{ScopeId(10), kTerm},
      HandoverAbort{ScopeId(10)},
      Leave{},
      Descriptors{{"mroute4", "gate-words"}},
      AskStatus{},
      HandoverOffer{ScopeId(10), kTerm},
      ConfigureBfd{true, false, {bfd_session()}},
      AskBfd{},
      ResumeTrunks{{{lacp::TrunkId(7), 3, {1, MacAddress{{2, 3, 4, 5, 6, 7}}, 8, 9, 10, 0x3d}}}},
  };
}

ScopeState state() {
  return {ScopeId(10), Role::backup, kTerm, GatePosture::closed,
          false,       true,         kPlan, Cause::election,
          TimePoint(std::chrono::seconds(9)), 12};
}

std::vector<FromKeeper> every_from_keeper() {
  Hello hello;
  hello.etrunk = EtrunkId(3);
  hello.node = NodeId(4);
  hello.paths_up = 3;
  hello.source = *IpAddress::parse("2001:db8::9");
  hello.scopes.push_back({ScopeId(10), Role::master, kTerm, true, false, true, true});
  const TimePoint time{std::chrono::seconds(5)};
  KeeperStatus status{77, 1000, true, false, 3, 400, 2, 99, {state()}, {}, {"mroute6"}};
  status.paths.push_back({EtrunkId(3), etrunk::PathId(1), true, 1, 2, 3, 4, 5, 6});
  lacp::TrunkShow shown{lacp::TrunkId(7), false, true, 1, 1, lacp::MemberIndex{0}, {}};
  lacp::PortShow port;
  port.device = "ge0-1-2";
  port.mux = lacp::MuxState::distributing;
  port.receive = lacp::ReceiveState::current;
  port.actor = {1, MacAddress{{1}}, 2, 3, 4, 0x3d};
  port.last_heard_ms = 40;
  port.counters.mux_changes = 9;
  port.counters.rejected.back() = 8;
  shown.ports.push_back(port);
  return {
      Welcome{1, 77, 0xabc, {state()}, {"mroute4"}},
      Refused{"another daemon is connected"},
      PathChanged{EtrunkId(3), etrunk::PathId(1), false, 120, true},
      PeerHello{hello},
      PeerChanged{EtrunkId(3), true},
      Alone{EtrunkId(3)},
      ScopeChanged{state(), Cause::larger_term, time, time, time},
      HandoverOpened{ScopeId(10), kTerm},
      HandoverCommitted{ScopeId(10), kTerm, 5},
      GateChanged{ScopeId(10), true, Cause::lease_expired},
      AccessChanged{ScopeId(10), false},
      status,
      HandoverOffered{ScopeId(10), kTerm, 8, false},
      LeaveRequested{},
      TrunkStatus{shown, 2, 0x100000001},
      TrunkChanged{lacp::TrunkId(7), true, true, 3, 1},
      BfdChanged{"ab", bfd::Discriminator(11), bfd::State::up, bfd::State::down,
                 bfd::Reason::remote_down, true, time},
      bfd_status(),
      CarrierChanged{ScopeId(10), true, CarrierEnd::operator_up, {"ge0-1-2"}},
  };
}

Bytes frame_of(Bytes message) {
  message.erase(message.begin(), message.begin() + 4);
  return message;
}

std::string hex(ByteSpan bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    text += "0123456789abcdef"[value >> 4U];
    text += "0123456789abcdef"[value & 15U];
  }
  return text;
}

TEST(KeeperCodec, EveryMessageRoundTrips) {
  const auto to_keeper = every_to_keeper();
  ASSERT_EQ(to_keeper.size(), std::variant_size_v<ToKeeper>);
  for (std::size_t i = 0; i < to_keeper.size(); ++i) {
    ASSERT_EQ(to_keeper[i].index(), i);
    const auto decoded = decode_to_keeper(frame_of(encode(to_keeper[i])));
    ASSERT_TRUE(decoded.has_value()) << i;
    EXPECT_EQ(*decoded, to_keeper[i]) << i;
  }
  const auto from_keeper = every_from_keeper();
  ASSERT_EQ(from_keeper.size(), std::variant_size_v<FromKeeper>);
  for (std::size_t i = 0; i < from_keeper.size(); ++i) {
    ASSERT_EQ(from_keeper[i].index(), i);
    const auto decoded = decode_from_keeper(frame_of(encode(from_keeper[i])));
    ASSERT_TRUE(decoded.has_value()) << i;
    EXPECT_EQ(*decoded, from_keeper[i]) << i;
  }
}

// Version 1 for ever: length, number, fields.
TEST(KeeperCodec, GoldenBytes) {
  const std::string term = "0000000000000007" "1122334455667788";
  EXPECT_EQ(hex(encode(ToKeeper(Heartbeat{}))), "00000002" "0007");
  EXPECT_EQ(hex(encode(ToKeeper(DaemonHello{1, 1, NodeId(9), "x"}))),
            "00000011" "0001" "0001" "0001" "0000000000000009" "0001" "78");
  EXPECT_EQ(hex(encode(ToKeeper(SetScope{ScopeId(10), Role::master, kTerm, GatePosture::leased,
                                         true, Cause::peer_leaving}))),
            "0000001a"
            "0003"
            "0000000a"
            "02" +
                term +
                "01"
                "01"
                "04");
  EXPECT_EQ(hex(encode(ToKeeper(Arm{kPlan}))),
            "0000002c" "0005" "0028" "0000000a" "0000000000000006" "0000000000000001" + term +
                "0002" "01" "02");
  EXPECT_EQ(hex(encode(ToKeeper(HandoverOpen{ScopeId(10), kTerm, 55}))),
            "0000001e" "0008" "0000000a" + term + "0000000000000037");
  EXPECT_EQ(hex(encode(FromKeeper(GateChanged{ScopeId(10), false, Cause::lease_expired}))),
            "00000008" "006e" "0000000a" "00" "09");
  EXPECT_EQ(
      hex(encode(FromKeeper(Welcome{1,
                                    2,
                                    3,
                                    {ScopeState{ScopeId(10), Role::master, kTerm, GatePosture::open,
                                                true, false, std::nullopt, Cause::alone}},
                                    {"a"}}))),
      "00000043"
      "0065"
      "0001"
      "00000002"
      "0000000000000003"
      "0001"
      "002a"
      "0000000a"
      "02" +
          term +
          "02"
          "01"
          "00"
          "00"
          "08"
          "0000000000000000"
          "0000000000000000"
          "0001"
          "0001"
          "61");
}

// LACP's numbers are fixed: 50 to 59.
TEST(KeeperCodec, NumbersOfLacp) {
  EXPECT_EQ(hex(encode(FromKeeper(TrunkChanged{lacp::TrunkId(7), true, false, 3, 1}))),
            "0000000e"
            "0033"
            "0007"
            "01"
            "00"
            "00000003"
            "00000001");
  EXPECT_EQ(hex(encode(FromKeeper(TrunkStatus{}))).substr(8, 4), "0032");
  EXPECT_EQ(hex(encode(FromKeeper(CarrierChanged{}))).substr(8, 4), "0034");
}

/// How long frames of older processes are, which know nothing of what was appended since.
std::vector<std::size_t> older_lengths(const ToKeeper& message) {
  const std::size_t length = frame_of(encode(message)).size();
  if (std::holds_alternative<SetScope>(message)) return {length - 1};  // the cause
  if (const auto* configure = std::get_if<Configure>(&message)) {
    Configure without = *configure;
    without.announcements.clear();
    const std::size_t second = frame_of(encode(ToKeeper(without))).size() - 2;  // the count of none
    without.trunks.clear();
    return {frame_of(encode(ToKeeper(without))).size() - 4, second};
  }
  return {length};
}

TEST(KeeperCodec, EveryTruncationIsMalformed) {
  for (const ToKeeper& message : every_to_keeper()) {
    const Bytes frame = frame_of(encode(message));
    const auto older = older_lengths(message);
    for (const std::size_t length : older)
      EXPECT_TRUE(decode_to_keeper(ByteSpan(frame).first(length)).has_value()) << length;
    for (std::size_t length = 0; length < frame.size(); ++length) {
      if (std::ranges::find(older, length) != older.end()) continue;
      const auto decoded = decode_to_keeper(ByteSpan(frame).first(length));
      ASSERT_FALSE(decoded.has_value());
      EXPECT_EQ(decoded.error(), MessageReject::malformed);
    }
  }
}

// An old keeper serves a new daemon, and the other way round: what it does not send is default.
TEST(KeeperCodec, MessagesOfTheFirstVersionAreRead) {
  Bytes scope = frame_of(encode(ToKeeper(
      SetScope{ScopeId(10), Role::master, kTerm, GatePosture::leased, true, Cause::alone})));
  scope.pop_back();
  const auto set = decode_to_keeper(scope);
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(*set, ToKeeper(SetScope{ScopeId(10), Role::master, kTerm, GatePosture::leased, true}));
  Bytes changed =
      frame_of(encode(FromKeeper(ScopeChanged{{ScopeId(10), Role::master, kTerm}, Cause::alone})));
  // The nested state: its length is at 2, its last 17 bytes were appended: cause, when its gate
  // opened, what was announced.
  constexpr std::size_t kAppended = 17;
  const std::size_t length = std::to_integer<std::size_t>(changed[3]);
  changed[3] = static_cast<std::byte>(length - kAppended);
  const auto begin = changed.begin() + static_cast<std::ptrdiff_t>(4 + length - kAppended);
  changed.erase(begin, begin + kAppended);
  const auto state = decode_from_keeper(changed);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(*state, FromKeeper(ScopeChanged{{ScopeId(10), Role::master, kTerm}, Cause::alone}));
}

TEST(KeeperCodec, FieldsOfALaterVersionAreNotRead) {
  for (const FromKeeper& message : every_from_keeper()) {
    Bytes frame = frame_of(encode(message));
    frame.resize(frame.size() + 9, std::byte{1});
    ASSERT_TRUE(decode_from_keeper(frame).has_value());
    EXPECT_EQ(*decode_from_keeper(frame), message);
  }
}

// Numbers of BFD are its own, for ever.
TEST(KeeperCodec, BfdHasItsNumbers) {
  EXPECT_EQ(hex(encode(ToKeeper(AskBfd{}))),
            "00000002"
            "0029");
  EXPECT_EQ(hex(encode(ToKeeper(ConfigureBfd{}))),
            "00000006"
            "0028"
            "01"
            "01"
            "0000");
  EXPECT_EQ(hex(encode(FromKeeper(BfdStatus{}))),
            "00000010"
            "008d"
            "01"
            "01"
            "0000"
            "0000000000000000"
            "0000");
  EXPECT_EQ(hex(encode(FromKeeper(BfdChanged{}))).substr(8, 4), "008c");
}

TEST(KeeperCodec, AnEarlierSenderLeavesOutWhatWasAppended) {
  Bytes frame =
      frame_of(encode(FromKeeper(PathChanged{EtrunkId(3), etrunk::PathId(1), false, 120, true})));
  frame.pop_back();
  const auto decoded = decode_from_keeper(frame);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded, FromKeeper(PathChanged{EtrunkId(3), etrunk::PathId(1), false, 120, false}));
}

TEST(KeeperCodec, UnknownNumbersAreToldApart) {
  Bytes frame = frame_of(encode(ToKeeper(Heartbeat{})));
  for (const unsigned number : {0U, 17U, 42U, 49U, 60U, 100U, 101U, 0xffffU}) {
    frame[0] = static_cast<std::byte>(number >> 8U);
    frame[1] = static_cast<std::byte>(number & 0xffU);
    ASSERT_FALSE(decode_to_keeper(frame).has_value());
    EXPECT_EQ(decode_to_keeper(frame).error(), MessageReject::unknown_number);
  }
}

TEST(KeeperCodec, EnumerationsAndCountsAreBounded) {
  Bytes frame = frame_of(encode(ToKeeper(
      SetScope{ScopeId(10), Role::master, kTerm, GatePosture::leased, true})));
  frame[6] = std::byte{3};  // role
  EXPECT_EQ(decode_to_keeper(frame).error(), MessageReject::malformed);
  Bytes names = frame_of(encode(ToKeeper(Descriptors{{"a"}})));
  names[2] = std::byte{0xff};  // count
  EXPECT_EQ(decode_to_keeper(names).error(), MessageReject::malformed);
  Descriptors many;
  many.names.resize(300, "x");
  const auto cut = decode_to_keeper(frame_of(encode(ToKeeper(many))));
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(std::get<Descriptors>(*cut).names.size(), 256U);
}

TEST(KeeperCodec, FramesAreCutFromAStreamOfAnyPieces) {
  Bytes stream;
  for (const ToKeeper& message : every_to_keeper()) {
    const Bytes bytes = encode(message);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  const std::size_t whole = stream.size();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{100}, whole}) {
    FrameBuffer buffer;
    std::vector<ToKeeper> read;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      buffer.append(ByteSpan(stream).subspan(at, std::min(piece, stream.size() - at)));
      while (true) {
        const auto frame = buffer.next();
        ASSERT_TRUE(frame.has_value());
        if (!*frame) break;
        read.push_back(*decode_to_keeper(**frame));
      }
    }
    EXPECT_EQ(read, every_to_keeper());
    EXPECT_EQ(buffer.buffered(), 0U);
  }
}

TEST(KeeperCodec, ALengthOverTheLimitEndsTheStream) {
  FrameBuffer buffer;
  const Bytes bytes(4, std::byte{0x7f});
  buffer.append(bytes);
  EXPECT_FALSE(buffer.next().has_value());
}

}  // namespace
}  // namespace hotpair::ha::keeper
