// `display multicast limit`, in both dialects and as JSON.
#include <gtest/gtest.h>

#include "ha/cli/render_mcac.h"

namespace hotpair::ha::cli {
namespace {

namespace mrib = mcast::mrib;

mrib::LimitedState state(const char* group, bool admitted, std::uint32_t cost) {
  mrib::LimitedState one{.state = {VrfId{0}, Group::parse(group).value(), std::nullopt}};
  one.cost = cost;
  one.admitted = admitted;
  return one;
}

MulticastLimitsModel model() {
  mrib::LimitRow row;
  row.limit = {mrib::LimitKind::out,
               {IpPrefix::parse("239.1.0.0/16").value(), IpPrefix::parse("10.0.0.0/8").value()},
               20,
               80};
  row.in_use = 9;
  row.admitted = 2;
  row.denied = 1;
  row.denied_total = 4;
  row.by_records = true;
  row.states = {state("239.1.1.1", true, 5), state("239.1.1.2", true, 4),
                state("239.1.1.3", false, 30)};
  row.states[0].state.source = IpAddress::parse("10.0.0.1").value();
  row.states[0].direction = mrib::Direction::in;
  row.states[1].unclaimed = true;
  MulticastLimit second{"Eth-Trunk1", row};
  second.row.limit = {mrib::LimitKind::both, {IpPrefix::parse("224.0.0.0/4").value(), {}}, 7, 0};
  second.row.states.clear();
  return {Family::ipv4, {{"Eth-Trunk1", row}, second}};
}

TEST(McacRender, OneRowALimit) {
  EXPECT_EQ(to_text(model(), {}),
            "Interface   Direction  Channels                        In use  Max  Denied  Denied in "
            "all\n"
            "Eth-Trunk1  out        239.1.0.0/16 source 10.0.0.0/8  9       20   1       4\n"
            "Eth-Trunk1  both       224.0.0.0/4                     9       7    1       4\n");
  EXPECT_EQ(to_text(MulticastLimitsModel{}, {}), "No interface has an IPv4 multicast limit.\n");
}

TEST(McacRender, Verbose) {
  const std::string text = to_text(model(), {.verbose = true});
  EXPECT_EQ(text.substr(0, text.find(" Interface", 1)),
            " Interface: Eth-Trunk1\n"
            "     Channels: 239.1.0.0/16 source 10.0.0.0/8\n"
            "     Direction: out\n"
            "     Cost in use: 9 of 20, 2 channels\n"
            "     Threshold: 80 percent\n"
            "     Denied now: 1, in all: 4\n"
            "     Decided by: the master of the profile\n"
            "     (10.0.0.1, 239.1.1.1) in, cost 5, admitted\n"
            "     (*, 239.1.1.2) out, cost 4, reserved\n"
            "     (*, 239.1.1.3) out, cost 30, denied\n");
}

TEST(McacRender, InTheWordsOfIos) {
  EXPECT_EQ(ios_text(model(), {}),
            "Interface Eth-Trunk1\n"
            "  Multicast Access Limits\n"
            "  out acl 239.1.0.0/16 source 10.0.0.0/8 (9 / 20), denied 1, exceeded 4 times\n"
            "  both acl 224.0.0.0/4 (9 / 7), denied 1, exceeded 4 times\n");
  EXPECT_NE(ios_text(model(), {.verbose = true}).find("    (*, 239.1.1.3) out, cost 30, denied\n"),
            std::string::npos);
}

TEST(McacRender, Json) {
  const std::string text = to_json(model()).dump();
  EXPECT_NE(text.find("\"standing\""), std::string::npos);
  for (const char* word : {"admitted", "reserved", "denied", "239.1.0.0/16", "by_records"})
    EXPECT_NE(text.find(word), std::string::npos) << word << text;
}

}  // namespace
}  // namespace hotpair::ha::cli
