#include <gtest/gtest.h>

#include "mcast/rp/rp_types.h"

namespace hotpair::mcast::rp {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix range(std::string_view text) { return IpPrefix::parse(text).value(); }
Group group(std::string_view text) { return Group::parse(text).value(); }
RpMapping mapping(std::string_view rp, std::optional<std::string_view> groups = std::nullopt) {
  return make_static_rp(ip(rp), groups ? std::optional(range(*groups)) : std::nullopt).value();
}
std::string rp_of(const RpSet& set, std::string_view text) {
  const RpMapping* found = set.find(group(text));
  return found == nullptr ? "none" : found->rp.to_string();
}

TEST(StaticRp, WithoutARangeItServesEveryGroupOfItsFamily) {
  EXPECT_EQ(mapping("5.5.5.5").range.to_string(), "224.0.0.0/4");
  EXPECT_EQ(mapping("2001:db8::5").range.to_string(), "ff00::/8");
  const RpSet set({mapping("5.5.5.5")});
  EXPECT_EQ(rp_of(set, "225.1.1.1"), "5.5.5.5");
  EXPECT_EQ(rp_of(set, "ff1e::1"), "none");
}

TEST(StaticRp, LongestRangeWinsThenHighestAddress) {
  const RpSet set({mapping("1.1.1.1"), mapping("2.2.2.2", "225.0.0.0/8"),
                   mapping("3.3.3.3", "225.1.1.0/24"), mapping("4.4.4.4", "225.1.1.0/24"),
                   mapping("9.9.9.9", "225.1.1.7/32")});
  EXPECT_EQ(rp_of(set, "226.0.0.1"), "1.1.1.1");
  EXPECT_EQ(rp_of(set, "225.2.0.1"), "2.2.2.2");
  EXPECT_EQ(rp_of(set, "225.1.1.1"), "4.4.4.4");
  EXPECT_EQ(rp_of(set, "225.1.1.7"), "9.9.9.9");
}

TEST(StaticRp, SourceSpecificAndLinkLocalGroupsHaveNone) {
  const RpSet set({mapping("1.1.1.1"), mapping("2001:db8::1")});
  EXPECT_EQ(rp_of(set, "232.1.1.1"), "none");
  EXPECT_EQ(rp_of(set, "224.0.0.251"), "none");
  EXPECT_EQ(rp_of(set, "ff3e::8000:1"), "none");
  EXPECT_EQ(rp_of(set, "ff02::fb"), "none");
  EXPECT_EQ(rp_of(set, "ff05::fb"), "2001:db8::1");
}

TEST(StaticRp, HostBitsOfARangeAreDroppedAndDuplicatesCollapse) {
  const RpSet set({mapping("1.1.1.1", "225.1.1.9/24"), mapping("1.1.1.1", "225.1.1.0/24")});
  ASSERT_EQ(set.mappings().size(), 1U);
  EXPECT_EQ(set.mappings()[0].range.to_string(), "225.1.1.0/24");
}

TEST(StaticRp, RefusesWhatCannotServe) {
  for (const char* rp : {"0.0.0.0", "224.0.0.1", "127.0.0.1", "fe80::1", "::1", "169.254.1.1"})
    EXPECT_FALSE(make_static_rp(ip(rp), std::nullopt)) << rp;
  EXPECT_FALSE(make_static_rp(ip("1.1.1.1"), range("ff00::/8")));
  EXPECT_FALSE(make_static_rp(ip("1.1.1.1"), range("10.0.0.0/8")));
  EXPECT_FALSE(make_static_rp(ip("1.1.1.1"), range("224.0.0.0/3")));
  EXPECT_EQ(make_static_rp(ip("1.1.1.1"), range("10.0.0.0/8")).error().detail,
            "static-rp 1.1.1.1: 10.0.0.0/8 is not a range of multicast groups");
}

TEST(StaticRp, AMappingThatDoesNotFitIsDropped) {
  const RpSet set({{range("10.0.0.0/8"), ip("1.1.1.1")}, {range("ff00::/8"), ip("1.1.1.1")}});
  EXPECT_TRUE(set.mappings().empty());
  EXPECT_EQ(set, RpSet());
}

RpMapping learned(std::string_view rp, std::string_view groups, std::uint8_t priority,
                  RpSource source = RpSource::bootstrap) {
  RpMapping result{.range = range(groups), .rp = ip(rp), .source = source, .priority = priority};
  if (source == RpSource::bootstrap) result.hash_mask_length = 30;
  return result;
}

TEST(RpChoice, LongestRangeThenLowestPriorityThenHashThenAddress) {
  const RpSet set({learned("1.1.1.1", "224.0.0.0/4", 0), learned("2.2.2.2", "225.0.0.0/8", 5),
                   learned("3.3.3.3", "225.0.0.0/8", 4)});
  EXPECT_EQ(rp_of(set, "226.1.1.1"), "1.1.1.1");
  EXPECT_EQ(rp_of(set, "225.1.1.1"), "3.3.3.3");  // worse than 1.1.1.1, but of the longer range
  // The table of choice_test: 225.1.1.1 hashes highest at 192.0.2.77, 225.1.1.4 too, and
  // 239.255.255.255 at 10.1.1.1.
  const RpSet hashed({learned("10.1.1.1", "224.0.0.0/4", 7),
                      learned("192.0.2.77", "224.0.0.0/4", 7),
                      learned("203.0.113.254", "224.0.0.0/4", 7)});
  EXPECT_EQ(rp_of(hashed, "225.1.1.1"), "192.0.2.77");
  EXPECT_EQ(rp_of(hashed, "239.255.255.255"), "10.1.1.1");
  // A mapping agent leaves one RP, of two the higher address counts.
  const RpSet agents({learned("10.1.1.1", "224.0.0.0/4", 0, RpSource::auto_rp),
                      learned("10.1.1.2", "224.0.0.0/4", 0, RpSource::auto_rp)});
  EXPECT_EQ(rp_of(agents, "239.255.255.255"), "10.1.1.2");
}

TEST(RpChoice, LearnedBeatsStaticOfTheSameRangeUnlessPreferred) {
  const std::vector<RpMapping> all{mapping("1.1.1.1"), learned("2.2.2.2", "224.0.0.0/4", 200),
                                   learned("3.3.3.3", "224.0.0.0/4", 0, RpSource::auto_rp),
                                   mapping("4.4.4.4", "225.1.1.0/24")};
  EXPECT_EQ(rp_of(RpSet(all), "226.1.1.1"), "3.3.3.3");
  EXPECT_EQ(rp_of(RpSet({all[0], all[1]}), "226.1.1.1"), "2.2.2.2");
  EXPECT_EQ(rp_of(RpSet(all), "225.1.1.1"), "4.4.4.4");  // the longer range first of all
  EXPECT_EQ(rp_of(RpSet(all, {.static_preferred = true}), "226.1.1.1"), "1.1.1.1");
}

TEST(RpChoice, ANegativeRangeHidesShorterOnes) {
  std::vector<RpMapping> all{mapping("1.1.1.1"),
                             learned("2.2.2.2", "239.0.0.0/8", 0, RpSource::auto_rp)};
  all.back().negative = true;
  EXPECT_EQ(rp_of(RpSet(all), "239.1.1.1"), "none");
  EXPECT_EQ(rp_of(RpSet(all), "238.1.1.1"), "1.1.1.1");
}

TEST(RpChoice, AnEmbeddedRpComesBeforeAllElseUnlessSwitchedOff) {
  const std::vector<RpMapping> all{mapping("2001:db8::1", "ff7e::/16")};
  const Group names_rp = group("ff7e:140:2001:db8:beef:feed::1234");
  const auto found = RpSet(all).rp_of(names_rp);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rp.to_string(), "2001:db8:beef:feed::1");
  EXPECT_EQ(found->source, RpSource::embedded);
  EXPECT_EQ(RpSet(all, {.embedded = false}).rp_of(names_rp)->rp.to_string(), "2001:db8::1");
  EXPECT_EQ(RpSet(all).rp_of(group("ff7e:40:2001:db8::1"))->rp.to_string(), "2001:db8::1");
  EXPECT_FALSE(RpSet(all).rp_of(group("ff0e::1")));
  EXPECT_EQ(RpSet().rp_of(names_rp)->rp.to_string(), "2001:db8:beef:feed::1");
}

}  // namespace
}  // namespace hotpair::mcast::rp
