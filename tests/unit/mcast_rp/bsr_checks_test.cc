#include "bsr_stand.h"

// RFC 5059 3.1.3: which messages are looked at, and 3.5: what a new neighbour is told.
namespace hotpair::mcast::rp {
namespace {

std::vector<wire::PimBootstrapRange> some() { return {range_of("225.0.0.0/8", {{"10.0.0.1"}})}; }

TEST(Checks313, OnlyTheRpfNeighbourTowardsTheBsrIsHeard) {
  BsrStand stand;
  stand.bsr->on_bootstrap({.link = LinkId{2},
                           .source = ip("10.0.1.1"),
                           .message = stand.message("10.1.1.1", 1, some())},
                          stand.now);
  stand.drain();
  stand.bsr->on_bootstrap({.link = LinkId{1},
                           .source = ip("10.0.1.2"),
                           .message = stand.message("10.1.1.1", 1, some())},
                          stand.now);
  stand.drain();
  EXPECT_EQ(stand.ignored(BsrIgnored::rpf), 2U);
  EXPECT_EQ(stand.mappings(), "");
  stand.hear(stand.message("10.1.1.1", 1, some()));
  EXPECT_NE(stand.mappings(), "");
  EXPECT_EQ(stand.ignored(BsrIgnored::rpf), 2U);
}

TEST(Checks313, TheWayToTheBsrIsAskedOnceUntilRoutingChanges) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1));
  stand.hear(stand.message("10.1.1.1", 1));
  EXPECT_EQ(stand.asked.size(), 1U);
  stand.bsr->on_unicast_changed();
  stand.hear(stand.message("10.1.1.1", 1));
  EXPECT_EQ(stand.asked.size(), 2U);
}

TEST(Checks313, MessagesWaitForTheAnswerInBoundsAndTime) {
  BsrStand stand;
  stand.answers = false;
  stand.hear(stand.message("10.1.1.1", 1, some(), 7));
  stand.hear(stand.message("10.1.1.1", 1, {range_of("226.0.0.0/8", {{"10.0.0.2"}})}, 7));
  EXPECT_EQ(stand.asked.size(), 1U);
  stand.bsr->on_rpf(ip("10.1.1.1"), RpfPath{LinkId{1}, ip("10.0.1.1")}, stand.now);
  stand.drain();
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(192), 226.0.0.0/8 10.0.0.2(192)");
  for (int i = 0; i < 100; ++i) stand.hear(stand.message("10.1.1.2", 1));
  EXPECT_EQ(stand.ignored(BsrIgnored::rpf_unanswered), 100 - kRpfWaitingMax);
  stand.run(kRpfPatience);
  EXPECT_EQ(stand.ignored(BsrIgnored::rpf_unanswered), 100U);
  stand.bsr->on_rpf(ip("10.1.1.2"), RpfPath{LinkId{1}, ip("10.0.1.1")}, stand.now);
  EXPECT_EQ(stand.zone().bsr->address, ip("10.1.1.1"));
}

TEST(Checks313, WithoutARouteAMessageIsDroppedAndTheNextOneAsksAgain) {
  BsrStand stand;
  stand.answers = false;
  stand.hear(stand.message("10.1.1.1", 1, some()));
  stand.bsr->on_rpf(ip("10.1.1.1"), std::nullopt, stand.now);
  EXPECT_EQ(stand.ignored(BsrIgnored::rpf), 1U);
  stand.answers = true;
  stand.hear(stand.message("10.1.1.1", 1, some()));
  EXPECT_NE(stand.mappings(), "");
}

TEST(Checks313, BordersMutedLinksAndFiltersStopAMessage) {
  BsrStand stand({.bsr_filter = {prefix("10.1.0.0/16")}});
  stand.hear(stand.message("10.2.1.1", 1));
  EXPECT_EQ(stand.ignored(BsrIgnored::filtered), 1U);
  stand.bsr->set_link({.link = LinkId{2}, .border = true});
  stand.bsr->set_link({.link = LinkId{3}, .muted = true});
  stand.hear(stand.message("10.1.1.1", 1));
  EXPECT_EQ(stand.take<SendBootstrap>().at(0).links, std::vector{LinkId{1}});
  stand.bsr->set_link({.link = LinkId{1}, .border = true});
  stand.hear(stand.message("10.1.1.1", 1));
  EXPECT_EQ(stand.ignored(BsrIgnored::border), 1U);
  stand.bsr->set_link({.link = LinkId{1}, .muted = true});
  stand.hear(stand.message("10.1.1.1", 1));
  stand.bsr->remove_link(LinkId{1});
  stand.hear(stand.message("10.1.1.1", 1));
  EXPECT_EQ(stand.ignored(BsrIgnored::unknown_link), 2U);
  stand.hear(stand.message("2001:db8::1", 1));
  EXPECT_EQ(stand.ignored(BsrIgnored::unknown_link), 3U);
}

TEST(Checks313, OwnMessagesAndTheOtherFamilyAreNotHeard) {
  BsrStand stand(candidate_config());
  stand.hear(stand.message("10.9.9.9", 255));
  EXPECT_EQ(stand.ignored(BsrIgnored::own), 1U);
  stand.hear(stand.message("2001:db8::1", 1));
  EXPECT_EQ(stand.ignored(BsrIgnored::family), 1U);
}

TEST(Checks313, NoForwardIsHeardOnlyWhileStarting) {
  for (const bool unicast : {false, true}) {
    BsrStand stand;
    stand.hear_at_start(stand.message("10.1.1.1", 1, some()), unicast);
    EXPECT_EQ(stand.zone().state, BsrState::accept_preferred);
    EXPECT_TRUE(stand.asked.empty());
    EXPECT_TRUE(stand.take<SendBootstrap>().empty());
    stand.hear_at_start(stand.message("10.1.1.2", 2), unicast);
    EXPECT_EQ(stand.ignored(BsrIgnored::no_forward), 1U);

    BsrStand late;
    late.run(kBootstrapPeriod + 1s);
    late.hear_at_start(late.message("10.1.1.1", 1, some()), unicast);
    EXPECT_EQ(late.ignored(BsrIgnored::no_forward), 1U);

    BsrStand heard;
    heard.hear(heard.message("10.1.1.1", 1));
    heard.hear_at_start(heard.message("10.1.1.1", 1, some()), unicast);
    EXPECT_EQ(heard.ignored(BsrIgnored::no_forward), 1U);
  }
}

TEST(Checks313, AllFragmentsOfTheFirstNoForwardMessageAreTaken) {
  BsrStand stand;
  stand.hear_at_start(stand.message("10.1.1.1", 1, some(), 9), true);
  stand.hear_at_start(stand.message("10.1.1.1", 1, {range_of("226.0.0.0/8", {{"10.0.0.2"}})}, 9),
                      true);
  stand.hear_at_start(stand.message("10.1.1.2", 1, {range_of("227.0.0.0/8", {{"10.0.0.2"}})}, 9),
                      true);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(192), 226.0.0.0/8 10.0.0.2(192)");
}

TEST(Checks313, UnicastCanBeSwitchedOff) {
  BsrStand stand({.accept_unicast = false});
  stand.hear_at_start(stand.message("10.1.1.1", 1, some()), true);
  EXPECT_EQ(stand.ignored(BsrIgnored::no_forward), 1U);
  stand.hear_at_start(stand.message("10.1.1.1", 1, some()), false);
  EXPECT_NE(stand.mappings(), "");
}

TEST(NewNeighbour35, GetsTheLastMessageWithNoForward) {
  BsrStand stand;
  stand.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  stand.drain();
  EXPECT_TRUE(stand.take<SendBootstrapTo>().empty());
  stand.hear(stand.message("10.1.1.1", 1, some(), 5));
  stand.hear(stand.message("10.1.1.1", 1, {range_of("226.0.0.0/8", {{"10.0.0.2"}})}, 5));
  stand.hear(stand.message("10.1.1.1", 1, {range_of("226.0.0.0/8", {{"10.0.0.2"}})}, 5));
  stand.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  stand.drain();
  const auto sent = stand.take<SendBootstrapTo>();
  ASSERT_EQ(sent.size(), 2U);  // the fragment that came twice once
  for (const SendBootstrapTo& one : sent) {
    EXPECT_EQ(one.link, LinkId{2});
    EXPECT_EQ(one.destination, ip("10.0.2.2"));
    EXPECT_TRUE(one.message.no_forward);
    EXPECT_EQ(one.message.fragment_tag, 5);
  }
}

TEST(NewNeighbour35, IsToldByMulticastIfSoConfiguredAndNeverAcrossABorder) {
  BsrStand stand({.answer_by_unicast = false});
  stand.hear(stand.message("10.1.1.1", 1, some()));
  stand.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  stand.drain();
  EXPECT_FALSE(stand.take<SendBootstrapTo>().at(0).destination);
  stand.bsr->set_link({.link = LinkId{2}, .border = true});
  stand.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  stand.drain();
  EXPECT_TRUE(stand.take<SendBootstrapTo>().empty());
}

TEST(NewNeighbour35, IsNotToldOfABsrThatIsGone) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1, some()));
  stand.run(kBootstrapTimeout);
  stand.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  stand.drain();
  EXPECT_TRUE(stand.take<SendBootstrapTo>().empty());
  EXPECT_TRUE(std::get<2>(stand.store).empty());
}

TEST(NewNeighbour35, ATailOfAnOlderMessageIsNotSent) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1, some(), 5));
  stand.hear(stand.message("10.1.1.1", 1, {range_of("226.0.0.0/8", {{"10.0.0.2"}})}, 5));
  stand.hear(stand.message("10.1.1.1", 1, some(), 6));
  stand.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  stand.drain();
  EXPECT_EQ(stand.take<SendBootstrapTo>().size(), 1U);
  EXPECT_EQ(std::get<2>(stand.store).size(), 2U);  // the second may yet come
  stand.hear(stand.message("10.1.1.1", 1, some(), 7));
  EXPECT_EQ(std::get<2>(stand.store).size(), 1U);
}

}  // namespace
}  // namespace hotpair::mcast::rp
