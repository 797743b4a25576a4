// RFC 5880 6.2 (state machine), 6.8.6 (its steps), 6.8.4 (expiry), 6.8.16 (administrative control).
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

constexpr auto AdminDown = State::admin_down;
constexpr auto Down = State::down;
constexpr auto Init = State::init;
constexpr auto Up = State::up;

/// `heard` none: the detection timer.
struct Row {
  State from;
  std::optional<State> heard;
  State to;
  Diag diag;
  Reason reason;
};

// 6.2, the figure, arrow by arrow; 6.8.6 for the diagnostics.
const Row kRows[] = {
    {Down, AdminDown, Down, Diag::none, Reason::none},
    {Down, Down, Init, Diag::none, Reason::none},
    {Down, Init, Up, Diag::none, Reason::none},
    {Down, Up, Down, Diag::none, Reason::none},
    {Down, std::nullopt, Down, Diag::none, Reason::none},
    {Init, AdminDown, Down, Diag::neighbor_signaled_down, Reason::remote_admin_down},
    {Init, Down, Init, Diag::none, Reason::none},
    {Init, Init, Up, Diag::none, Reason::none},
    {Init, Up, Up, Diag::none, Reason::none},
    {Init, std::nullopt, Down, Diag::detection_time_expired, Reason::detection_timeout},
    {Up, AdminDown, Down, Diag::neighbor_signaled_down, Reason::remote_admin_down},
    {Up, Down, Down, Diag::neighbor_signaled_down, Reason::remote_down},
    {Up, Init, Up, Diag::none, Reason::none},
    {Up, Up, Up, Diag::none, Reason::none},
    {Up, std::nullopt, Down, Diag::detection_time_expired, Reason::detection_timeout},
};

TEST(Rfc5880_6_2, EveryArrowOfTheStateMachine) {
  for (const Row& row : kRows) {
    Single one;
    if (row.from == Init || row.from == Up) one.hear(one.packet(Down, false));
    if (row.from == Up) one.hear(one.packet(Up));
    ASSERT_EQ(one.session.state(), row.from);
    one.changes.clear();
    const auto label = std::string(to_string(row.from)) + " hears " +
                       (row.heard ? to_string(*row.heard) : "nothing");
    if (row.heard) {
      EXPECT_EQ(one.hear(one.packet(*row.heard)), Verdict::received) << label;
    } else {
      one.run(10s);
    }
    EXPECT_EQ(one.session.state(), row.to) << label;
    EXPECT_EQ(one.session.view().diag, row.diag) << label;
    ASSERT_EQ(one.changes.size(), row.from == row.to ? 0U : 1U) << label;
    EXPECT_TRUE(one.changes.empty() || one.changes[0].reason == row.reason) << label;
  }
}

TEST(Rfc5880_6_2, ThreeWayHandshakeBetweenTwo) {
  Link link(session_config(1, 2), session_config(2, 1));
  link.run(3s);
  EXPECT_EQ(link.a().state(), Up);
  EXPECT_EQ(link.b().state(), Up);
  EXPECT_EQ(link.a().view().remote_discriminator, Discriminator(22));
  EXPECT_EQ(link.b().view().remote_discriminator, Discriminator(11));
  EXPECT_EQ(link.a().view().times_up, 1U);
}

TEST(Rfc5880_6_2, OneDirectionLostTakesBothDown) {
  Link link(session_config(1, 2), session_config(2, 1));
  link.run(3s);
  link.ends[0].cut = true;  // b hears nothing more
  link.ends[0].changes.clear();
  link.ends[1].changes.clear();
  link.run(50ms);
  ASSERT_EQ(link.ends[1].changes.size(), 1U);
  EXPECT_EQ(link.ends[1].changes[0].reason, Reason::detection_timeout);
  ASSERT_EQ(link.ends[0].changes.size(), 1U);
  EXPECT_EQ(link.ends[0].changes[0].reason, Reason::remote_down);
  link.ends[0].cut = false;
  link.run(5s);
  EXPECT_EQ(link.a().state(), Up);
  EXPECT_EQ(link.b().state(), Up);
}

// 6.8.1: what was learned of the peer is forgotten with it, and the session comes back.
TEST(Rfc5880_6_8_1, ADetectionTimeOfSilenceForgetsTheDiscriminator) {
  Single one;
  one.bring_up();
  EXPECT_EQ(one.session.view().remote_discriminator, Discriminator(22));
  one.run(40ms);
  EXPECT_EQ(one.session.view().remote_discriminator, Discriminator());
  EXPECT_EQ(one.sent.back().your_discriminator, Discriminator());
  one.hear(one.packet(Down, false));
  one.hear(one.packet(Init));
  EXPECT_EQ(one.session.state(), Up);
}

TEST(Rfc5880_6_8_1, TheDiscriminatorIsForgottenInStateDownToo) {
  Single one;
  one.hear(one.packet(AdminDown, false));
  EXPECT_EQ(one.session.view().remote_discriminator, Discriminator(22));
  one.run(10s);
  EXPECT_EQ(one.session.view().remote_discriminator, Discriminator());
}

// 6.8.16: AdminDown, diag 7, and packets go on so that the peer learns of it.
TEST(Rfc5880_6_8_16, AdministrativeDownAndUp) {
  Single one;
  one.bring_up();
  SessionConfig config = one.session.config();
  config.admin_down = true;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_EQ(one.session.state(), AdminDown);
  ASSERT_EQ(one.sent.size(), 1U);  // at once
  EXPECT_EQ(one.sent[0].state, AdminDown);
  EXPECT_EQ(one.sent[0].diag, 7);
  EXPECT_EQ(one.changes.back().reason, Reason::local_admin_down);
  EXPECT_EQ(one.hear(one.packet(Down)), Verdict::admin_down);
  one.run(3s);
  EXPECT_GE(one.sent.size(), 3U);
  EXPECT_EQ(one.session.state(), AdminDown);
  config.admin_down = false;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_EQ(one.session.state(), Down);
  EXPECT_EQ(one.sent.back().diag, 0);
  one.hear(one.packet(Down));
  EXPECT_EQ(one.session.state(), Init);
}

TEST(Rfc5880_6_8_16, ThePeerOfAnAdminDownSessionDoesNotBlameThePath) {
  Link link(session_config(1, 2), session_config(2, 1));
  link.run(3s);
  SessionConfig config = session_config(1, 2);
  config.admin_down = true;
  link.ends[1].changes.clear();
  link.reconfigure(0, config);
  link.run(10s);
  ASSERT_EQ(link.ends[1].changes.size(), 1U);
  EXPECT_EQ(link.ends[1].changes[0].reason, Reason::remote_admin_down);
  config.admin_down = false;
  link.reconfigure(0, config);
  link.run(5s);
  EXPECT_EQ(link.b().state(), Up);
}

TEST(Rfc5880_6_8_16, ASessionMadeShutDownStaysSo) {
  SessionConfig config = session_config(1, 2);
  config.admin_down = true;
  Single one(config);
  EXPECT_EQ(one.sent.front().state, AdminDown);
  one.run(5s);
  EXPECT_EQ(one.session.state(), AdminDown);
  EXPECT_TRUE(one.changes.empty());
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
