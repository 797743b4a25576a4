#include "tests/unit/mcast_pim_machine/lan_stand.h"

/// What one turn of the driver wishes fills messages (RFC 7761 4.9.5), whatever makes it wish.
namespace hotpair::mcast::pim::testing {
namespace {

constexpr unsigned kGroups = 100;
// A set of one source is 20 bytes: 8 for the group, 4 for the counts, 8 for the source. IPv4
// header, PIM header and the head of the message leave room for 73 of them in 1500 bytes.
constexpr std::size_t kSetsOfOne = (1500 - 20 - 4 - 10) / 20;

TreeKey tree(unsigned number, bool shared) {
  const Group group = *Group::from(*IpAddress::parse("225.1.2." + std::to_string(number)));
  return {.group = group, .source = shared ? std::nullopt : std::optional(kSource)};
}

struct Sent {
  std::vector<std::size_t> sets;  ///< of each message
  std::size_t joins = 0;
  std::size_t prunes = 0;
};

/// What the router has to say now, before anybody answers.
Sent poll(Pim& pim) {
  Sent sent;
  while (auto effect = pim.poll_effect()) {
    const auto* send = std::get_if<SendOnLink>(&*effect);
    const auto* message =
        send == nullptr ? nullptr : std::get_if<wire::PimJoinPrune>(&send->message);
    if (message == nullptr) continue;
    sent.sets.push_back(message->groups.size());
    for (const wire::PimGroupSet& set : message->groups) {
      sent.joins += set.joined.size();
      sent.prunes += set.pruned.size();
    }
  }
  return sent;
}

class PimPacking : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    lan.add(1, {1});
    lan.add(2, {1});
    lan.pass(35s);
  }
  Pim& pim() { return lan.at(1).pim; }
  void wish_all(UpstreamKind kind) {
    for (unsigned number = 0; number < kGroups; ++number)
      pim().on_wish({.vrf = VrfId{0},
                     .key = tree(number, GetParam()),
                     .kind = kind,
                     .link = LinkId{1},
                     .neighbour = lan.address(2, 1),
                     .rp = kRp},
                    lan.now);
  }
  LanStand lan;
};

const std::vector<std::size_t> kTwoMessages = {kSetsOfOne, kGroups - kSetsOfOne};

TEST_P(PimPacking, TriggeredJoinsOfOneTurnFillMessages) {
  wish_all(UpstreamKind::join);
  const Sent sent = poll(pim());
  EXPECT_EQ(sent.sets, kTwoMessages);
  EXPECT_EQ(sent.joins, kGroups);
  EXPECT_EQ(sent.prunes, 0U);
}

TEST_P(PimPacking, TriggeredPrunesOfOneTurnFillMessages) {
  wish_all(UpstreamKind::join);
  lan.pass(1s);
  wish_all(UpstreamKind::none);
  const Sent sent = poll(pim());
  EXPECT_EQ(sent.sets, kTwoMessages);
  EXPECT_EQ(sent.prunes, kGroups);
  EXPECT_EQ(sent.joins, 0U);
}

TEST_P(PimPacking, JoinsAndPrunesOfOneTurnShareAMessage) {
  const auto wish = [&](unsigned number, UpstreamKind kind) {
    pim().on_wish({.vrf = VrfId{0},
                   .key = tree(number, GetParam()),
                   .kind = kind,
                   .link = LinkId{1},
                   .neighbour = lan.address(2, 1),
                   .rp = kRp},
                  lan.now);
  };
  wish(1, UpstreamKind::join);
  wish(2, UpstreamKind::join);
  lan.pass(1s);
  wish(3, UpstreamKind::join);
  wish(1, UpstreamKind::none);
  wish(2, UpstreamKind::none);
  const Sent sent = poll(pim());
  EXPECT_EQ(sent.sets, std::vector<std::size_t>{3});
  EXPECT_EQ(sent.joins, 1U);
  EXPECT_EQ(sent.prunes, 2U);
}

TEST_P(PimPacking, AWishTakenBackInItsTurnIsNotTold) {
  wish_all(UpstreamKind::join);
  wish_all(UpstreamKind::none);
  EXPECT_TRUE(poll(pim()).sets.empty());
}

// The link goes in the turn in which the trees went: the neighbour must learn of it all the same.
TEST_P(PimPacking, PrunesLeaveBeforeTheLinkOrItsAddressDoes) {
  wish_all(UpstreamKind::join);
  lan.pass(1s);
  wish_all(UpstreamKind::none);
  pim().remove_link(LinkId{1}, lan.now);
  const Sent removed = poll(pim());
  EXPECT_EQ(removed.prunes, kGroups);

  lan.add(3, {1});
  lan.pass(35s);
  const auto wish = [&](UpstreamKind kind) {
    lan.at(3).pim.on_wish({.vrf = VrfId{0},
                           .key = tree(1, GetParam()),
                           .kind = kind,
                           .link = LinkId{1},
                           .neighbour = lan.address(2, 1),
                           .rp = kRp},
                          lan.now);
  };
  wish(UpstreamKind::join);
  lan.pass(1s);
  wish(UpstreamKind::none);
  LinkConfig down = lan.link(3, 1);
  down.address = IpAddress::any(Family::ipv4);
  lan.at(3).pim.set_link(down, lan.now);
  EXPECT_EQ(poll(lan.at(3).pim).prunes, 1U);
}

INSTANTIATE_TEST_SUITE_P(Trees, PimPacking, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "star" : "source"; });

}  // namespace
}  // namespace hotpair::mcast::pim::testing
