#include <gtest/gtest.h>

#include "mrib_stand.h"

// The RP that takes Registers of some sources only: the kernel takes the packets out of all. Link 3
// leads to sources, routers want the group on 4, 9 is the register link.
namespace hotpair::mcast::mrib {
namespace {

using std::chrono::seconds;

const std::string kGroup = "225.1.1.1";
const std::string kGood = "10.9.0.1";
const std::string kBad = "10.8.0.1";

class RegisterFilterTest : public testing::Test {
 protected:
  RegisterFilterTest() {
    for (const std::uint32_t link : {3U, 4U}) stand.add_pim_link(link);
    stand.add_link(9);
    stand.local("5.5.5.5");
    stand.unicast(kGood, 3, "10.0.3.1");
    stand.unicast(kBad, 3, "10.0.3.1");
    stand.rp("5.5.5.5");
    stand.mrib.set_register_link(VrfId{0}, Family::ipv4, LinkId{9}, stand.now);
    stand.run();
  }
  void filter(std::string_view sources) {
    stand.mrib.set_register_filter(Family::ipv4, {IpPrefix::parse(sources).value()}, stand.now);
    stand.run();
  }
  void join() { stand.member(4, kGroup, FilterMode::exclude, {}, Origin::shared_tree); }
  /// A decapsulated Register of the source, twice: what the second one leaves by.
  std::string decapsulated(const std::string& source) {
    static_cast<void>(stand.packet(9, source, kGroup));
    return stand.packet(9, source, kGroup);
  }
  fwd::FakePlane plane;
  Stand stand{{}, &plane};
};

TEST_F(RegisterFilterTest, WithoutAFilterEverySourceComesByRegisters) {
  join();
  EXPECT_EQ(decapsulated(kBad), "4");
}

TEST_F(RegisterFilterTest, ARefusedSourceGetsANegativeRoute) {
  filter("10.9.0.0/16");
  join();
  EXPECT_EQ(decapsulated(kGood), "4");
  EXPECT_EQ(decapsulated(kBad), "");
  EXPECT_EQ(stand.route(kGroup, kBad), "3>");
  EXPECT_EQ(stand.wish(kGroup, kBad), "") << "nor is its tree joined";
}

TEST_F(RegisterFilterTest, ItHoldsWhateverTheSptPolicySays) {
  stand.mrib.set_spt_policy(Family::ipv4, {}, stand.now);
  filter("10.9.0.0/16");
  join();
  EXPECT_EQ(decapsulated(kBad), "");
  EXPECT_EQ(stand.route(kGroup, kBad), "3>");
  stand.mrib.set_spt_policy(Family::ipv4, {.never = true}, stand.now);
  stand.run();
  EXPECT_EQ(decapsulated(kBad), "");
  EXPECT_EQ(stand.route(kGroup), "") << "the (*,G) would let it through";
}

TEST_F(RegisterFilterTest, AFilterStopsWhatRuns) {
  join();
  EXPECT_EQ(decapsulated(kBad), "4");
  filter("10.9.0.0/16");
  EXPECT_EQ(stand.packet(9, kBad, kGroup), "");
  stand.mrib.set_register_filter(Family::ipv4, {}, stand.now);
  stand.run();
  EXPECT_EQ(decapsulated(kBad), "4");
}

// The policy is about Registers: who joins the source's own tree gets it by that.
TEST_F(RegisterFilterTest, ItsOwnTreeIsNotRefused) {
  filter("10.9.0.0/16");
  stand.member(4, kGroup, FilterMode::include, {kBad}, Origin::source_trees);
  EXPECT_EQ(stand.wish(kGroup, kBad), "join 3 10.0.3.1");
  EXPECT_EQ(stand.packet(9, kBad, kGroup), "");
  EXPECT_EQ(stand.packet(3, kBad, kGroup), "4");
}

// The same where the group is source-specific: it has no RP, so nothing of it comes by Registers.
TEST_F(RegisterFilterTest, ASourceSpecificGroupNeverComesByRegisters) {
  stand.mrib.set_ssm_ranges(Family::ipv4, {IpPrefix::parse("225.1.0.0/16").value()}, stand.now);
  stand.run();
  stand.member(4, kGroup, FilterMode::include, {kGood}, Origin::source_trees);
  EXPECT_EQ(decapsulated(kGood), "");
  EXPECT_EQ(stand.packet(3, kGood, kGroup), "4");
}

}  // namespace
}  // namespace hotpair::mcast::mrib
