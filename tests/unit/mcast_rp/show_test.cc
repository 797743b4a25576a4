#include "bsr_stand.h"
#include "mcast/rp/rp_show.h"

namespace hotpair::mcast::rp {
namespace {

RpMapping fixed(std::string_view rp, std::string_view groups = "224.0.0.0/4") {
  return make_static_rp(ip(rp), prefix(groups)).value();
}
RpMapping told(std::string_view rp, std::string_view groups, std::uint8_t priority = 0,
               RpSource source = RpSource::bootstrap) {
  return {.range = prefix(groups), .rp = ip(rp), .source = source, .priority = priority};
}

TEST(RpInfo, JoinsStaticAndLearnedRowsWithTheirTimes) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 5, {range_of("225.0.0.0/8", {{"10.0.0.1", 3, 150}})}));
  stand.run(40s);
  std::vector<RpMapping> all = stand.bsr->mappings();
  all.push_back(fixed("2.2.2.2"));
  const std::vector<IpAddress> own{ip("2.2.2.2")};
  const RpInfoModel model = rp_info(RpSet(all), stand.bsr->learned_model(stand.now), own);
  ASSERT_EQ(model.rows.size(), 2U);
  EXPECT_EQ(model.rows[0].mapping.rp, ip("10.0.0.1"));
  EXPECT_EQ(model.rows[0].told_by, ip("10.1.1.1"));
  EXPECT_EQ(model.rows[0].uptime, 40s);
  EXPECT_EQ(model.rows[0].expires, 110s);
  EXPECT_FALSE(model.rows[0].local);
  EXPECT_EQ(model.rows[1].mapping.source, RpSource::configured);
  EXPECT_FALSE(model.rows[1].uptime);
  EXPECT_TRUE(model.rows[1].local);
}

TEST(RpInfo, NamesTheRpOfOneGroup) {
  const RpSet set({fixed("2.2.2.2"), told("10.0.0.1", "225.0.0.0/8")});
  EXPECT_EQ(group_rp(set, Group::parse("225.1.1.1").value()).mapping->source, RpSource::bootstrap);
  EXPECT_FALSE(group_rp(set, Group::parse("232.1.1.1").value()).mapping);
}

TEST(BsrInfo, CountsDownToTheNextMessageOrTheEnd) {
  BsrStand stand(candidate_config());
  stand.run(15s);
  const BsrZoneModel own = stand.zone();
  EXPECT_EQ(own.next_bootstrap, 50s);
  EXPECT_FALSE(own.expires);
  EXPECT_EQ(own.uptime, 10s);
  stand.hear(stand.message("10.1.1.1", 100));
  stand.run(30s);
  EXPECT_EQ(stand.zone().expires, 100s);
  EXPECT_EQ(stand.zone().uptime, 30s);
}

TEST(RpConflicts, NamesRangesWhereStaticAndLearnedDiffer) {
  const std::vector<RpMapping> all{fixed("1.1.1.1"),
                                   fixed("2.2.2.2", "225.1.0.0/16"),
                                   told("10.0.0.1", "225.0.0.0/8"),
                                   told("10.0.0.2", "225.0.0.0/8"),
                                   told("10.0.0.9", "225.0.0.0/8", 7),
                                   told("1.1.1.1", "226.0.0.0/8")};
  const auto conflicts = rp_conflicts(RpSet(all));
  ASSERT_EQ(conflicts.size(), 2U);
  EXPECT_EQ(conflicts[0].range.to_string(), "225.0.0.0/8");
  EXPECT_EQ(conflicts[0].configured, ip("1.1.1.1"));
  EXPECT_EQ(conflicts[0].learned, (std::vector{ip("10.0.0.1"), ip("10.0.0.2")}));
  EXPECT_EQ(conflicts[0].in_force, RpSource::bootstrap);
  EXPECT_EQ(conflicts[1].range.to_string(), "225.1.0.0/16");
  EXPECT_EQ(conflicts[1].configured, ip("2.2.2.2"));
  EXPECT_EQ(conflicts[1].in_force, RpSource::configured);  // the longer range
}

TEST(RpConflicts, ThePreferenceDecidesWhichOneIsInForce) {
  const std::vector<RpMapping> all{fixed("1.1.1.1"),
                                   told("10.0.0.1", "224.0.0.0/4", 0, RpSource::auto_rp)};
  EXPECT_EQ(rp_conflicts(RpSet(all)).at(0).in_force, RpSource::auto_rp);
  EXPECT_EQ(rp_conflicts(RpSet(all, {.static_preferred = true})).at(0).in_force,
            RpSource::configured);
  EXPECT_TRUE(rp_conflicts(RpSet({fixed("1.1.1.1"), told("1.1.1.1", "224.0.0.0/4")})).empty());
  // Of both that are learned, what Auto-RP tells is in force.
  std::vector<RpMapping> both = all;
  both.push_back(told("10.0.0.9", "224.0.0.0/4"));
  EXPECT_EQ(rp_conflicts(RpSet(both)).at(0).learned, std::vector{ip("10.0.0.1")});
  EXPECT_EQ(rp_conflicts(RpSet(both)).at(0).learned_from, RpSource::auto_rp);
}

}  // namespace
}  // namespace hotpair::mcast::rp
