#include "platform/fwd/fake_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotpair::fwd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr LinkId kUp{1};
constexpr LinkId kDown{2};
constexpr LinkId kOther{3};
constexpr VrfId kVrf{0};

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Group group(std::string_view text) { return Group::parse(text).value(); }

RouteKey sg() { return {kVrf, group("232.1.1.1"), address("10.0.0.9")}; }
RouteKey star_g() { return {kVrf, group("232.1.1.1"), std::nullopt}; }
Route route(const RouteKey& key) { return {key, kUp, {kDown}}; }

class FakePlaneTest : public testing::Test {
 protected:
  FakePlaneTest() { add_links(plane_); }
  static void add_links(FakePlane& plane) {
    for (const LinkId link : {kUp, kDown, kOther})
      EXPECT_TRUE(plane.add_link({link, "dev" + std::to_string(link.value()), true, true}));
  }
  static std::optional<Error> change(FakePlane& plane, const RouteChange& change) {
    const std::vector<AppliedChange> applied = plane.apply(std::span(&change, 1));
    EXPECT_THAT(applied, SizeIs(1));
    return applied.front().error;
  }
  std::vector<LinkId> packet(LinkId in) {
    return plane_.receive(kVrf, in, address("10.0.0.9"), group("232.1.1.1"));
  }
  FakePlane plane_;
};

TEST_F(FakePlaneTest, ForwardsBySourceBeforeStarG) {
  ASSERT_FALSE(change(plane_, SetRoute{{star_g(), kUp, {kDown, kOther}}}));
  EXPECT_THAT(packet(kUp), ElementsAre(kDown, kOther));
  ASSERT_FALSE(change(plane_, SetRoute{route(sg())}));
  EXPECT_THAT(packet(kUp), ElementsAre(kDown));
  const std::vector<RouteKey> keys{sg(), star_g(), {kVrf, group("239.0.0.1"), std::nullopt}};
  const auto counted = plane_.counters(keys);
  ASSERT_THAT(counted, SizeIs(3));
  EXPECT_EQ(counted[0], (RouteCounters{1, 100, 0}));
  EXPECT_EQ(counted[1], (RouteCounters{1, 100, 0}));
  EXPECT_EQ(counted[2], std::nullopt);
}

TEST_F(FakePlaneTest, UnknownGroupRaisesNoRouteAndNegativeRouteSilencesIt) {
  EXPECT_THAT(packet(kUp), IsEmpty());
  const std::optional<PlaneEvent> event = plane_.poll_event();
  ASSERT_TRUE(event && std::holds_alternative<NoRoute>(*event));
  EXPECT_EQ(std::get<NoRoute>(*event).link, kUp);
  ASSERT_FALSE(change(plane_, SetRoute{{sg(), std::nullopt, {}}}));
  EXPECT_THAT(packet(kUp), IsEmpty());
  EXPECT_FALSE(plane_.poll_event());
}

TEST_F(FakePlaneTest, WrongInterfaceIsRaisedForAnyOtherLinkOfASource) {
  ASSERT_FALSE(change(plane_, SetRoute{route(sg())}));
  for (const LinkId in : {kOther, kDown}) {
    EXPECT_THAT(packet(in), IsEmpty());
    const std::optional<PlaneEvent> event = plane_.poll_event();
    ASSERT_TRUE(event && std::holds_alternative<WrongInterface>(*event));
    EXPECT_EQ(std::get<WrongInterface>(*event).link, in);
  }
}

TEST_F(FakePlaneTest, TheRegisterTunnelTellsWholePackets) {
  constexpr LinkId kTunnel{9};
  ASSERT_TRUE(plane_.add_link({kTunnel, "", true, true, true}));
  EXPECT_EQ(plane_.add_link({LinkId{10}, "", true, true, true}).error().code, ErrorCode::exists);
  ASSERT_FALSE(change(plane_, SetRoute{{sg(), kUp, {kDown, kTunnel}}}));
  EXPECT_THAT(
      plane_.receive(kVrf, kUp, address("10.0.0.9"), group("232.1.1.1"), as_bytes("packet")),
      ElementsAre(kDown));
  const std::optional<PlaneEvent> event = plane_.poll_event();
  ASSERT_TRUE(event && std::holds_alternative<WholePacket>(*event));
  EXPECT_EQ(std::get<WholePacket>(*event).link, kTunnel);
  EXPECT_EQ(as_text(std::get<WholePacket>(*event).packet), "packet");
  ASSERT_FALSE(change(plane_, SetRoute{{sg(), kTunnel, {kDown}}}));
  EXPECT_THAT(packet(kTunnel), ElementsAre(kDown)) << "what Registers brought";
}

TEST_F(FakePlaneTest, RefusesWhatThePlaneCannotHold) {
  EXPECT_EQ(change(plane_, RemoveRoute{sg()})->code, ErrorCode::not_found);
  EXPECT_EQ(change(plane_, SetRoute{{sg(), LinkId{77}, {kDown}}})->code, ErrorCode::refused);
  EXPECT_EQ(change(plane_, SetRoute{{sg(), kUp, {LinkId{77}}}})->code, ErrorCode::refused);
  EXPECT_EQ(change(plane_, SetRoute{{sg(), std::nullopt, {kDown}}})->code, ErrorCode::refused);
  const RouteKey mixed{kVrf, group("ff1e::1"), address("10.0.0.9")};
  EXPECT_EQ(change(plane_, SetRoute{route(mixed)})->code, ErrorCode::refused);
  EXPECT_THAT(plane_.routes(), IsEmpty());
}

TEST_F(FakePlaneTest, LinkInUseIsNotRemoved) {
  ASSERT_FALSE(change(plane_, SetRoute{route(sg())}));
  EXPECT_EQ(plane_.remove_link(kDown).error().code, ErrorCode::refused);
  ASSERT_FALSE(change(plane_, RemoveRoute{sg()}));
  EXPECT_TRUE(plane_.remove_link(kDown));
  EXPECT_EQ(plane_.remove_link(kDown).error().code, ErrorCode::not_found);
}

TEST_F(FakePlaneTest, CapacityIsAnErrorAndAnEvent) {
  FakePlane small({.link_limit = 3, .route_limit = 1});
  add_links(small);
  EXPECT_EQ(small.add_link({LinkId{4}, "dev4", true, true}).error().code, ErrorCode::exhausted);
  EXPECT_TRUE(small.add_link({kUp, "renamed", true, false})) << "a known link is changed in place";
  EXPECT_EQ(small.links().at(kUp).device, "renamed");
  ASSERT_FALSE(change(small, SetRoute{route(sg())}));
  EXPECT_EQ(change(small, SetRoute{route(star_g())})->code, ErrorCode::exhausted);
  EXPECT_FALSE(change(small, SetRoute{route(sg())})) << "a replacement needs no room";
  const auto first = small.poll_event();
  const auto second = small.poll_event();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(std::get<CapacityReached>(*first).what, "vif");
  EXPECT_EQ(std::get<CapacityReached>(*second).what, "mfc");
}

TEST_F(FakePlaneTest, InjectedFailuresAnswerItemByItem) {
  plane_.fail_route(sg(), {ErrorCode::unavailable, "injected"}, 2);
  const std::vector<RouteChange> delta{SetRoute{route(sg())}, SetRoute{route(star_g())},
                                       SetRoute{route(sg())}, SetRoute{route(sg())}};
  const auto applied = plane_.apply(delta);
  ASSERT_THAT(applied, SizeIs(4));
  EXPECT_EQ(applied[0].error->detail, "injected");
  EXPECT_FALSE(applied[1].error);
  EXPECT_TRUE(applied[2].error);
  EXPECT_FALSE(applied[3].error);
  plane_.fail_all(Error{ErrorCode::exhausted, "full"});
  EXPECT_EQ(change(plane_, RemoveRoute{sg()})->code, ErrorCode::exhausted);
  EXPECT_THAT(plane_.routes(), SizeIs(2));
  plane_.fail_link(kUp, Error{ErrorCode::unavailable, "down"});
  EXPECT_FALSE(plane_.add_link({kUp, "dev1", true, true}));
  plane_.fail_link(kUp, std::nullopt);
  EXPECT_TRUE(plane_.add_link({kUp, "dev1", true, true}));
}

TEST_F(FakePlaneTest, DeferredChangesForwardAfterSettle) {
  FakePlane slow({.deferred = true});
  add_links(slow);
  ASSERT_FALSE(change(slow, SetRoute{route(sg())}));
  ASSERT_FALSE(change(slow, SetRoute{route(star_g())}));
  EXPECT_THAT(slow.routes(), IsEmpty());
  EXPECT_THAT(slow.read_back().value(), SizeIs(2)) << "accepted is what the caller was told";
  EXPECT_EQ(slow.settle(1), 1U);
  EXPECT_TRUE(slow.routes().contains(sg()));
  EXPECT_EQ(slow.settle(), 0U);
  EXPECT_THAT(slow.routes(), SizeIs(2));
}

TEST_F(FakePlaneTest, ReadBackSurvivesTheCaller) {
  ASSERT_FALSE(change(plane_, SetRoute{route(sg())}));
  EXPECT_THAT(plane_.read_back().value(), ElementsAre(route(sg())));
  plane_.fail_read_back(Error{ErrorCode::unavailable, "busy"});
  EXPECT_FALSE(plane_.read_back());
}

}  // namespace
}  // namespace hotpair::fwd
