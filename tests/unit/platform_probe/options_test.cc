#include "platform/probe/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "platform/probe/group_range.h"

namespace hotpair::platform::probe {
namespace {

Result<Options> parse(std::vector<std::string> words) {
  std::vector<char*> arguments;
  std::ranges::transform(words, std::back_inserter(arguments),
                         [](std::string& w) { return w.data(); });
  return parse_options(arguments);
}

std::string error_of(const std::vector<std::string>& words) {
  const Result<Options> options = parse(words);
  return options ? "accepted" : options.error().detail;
}

TEST(GroupRange, FormsAndOrder) {
  const auto groups = parse_groups("239.1.1.254+3,239.2.0.1-239.2.0.2,239.3.0.1");
  ASSERT_TRUE(groups);
  std::string all;
  for (const Group& group : *groups) all += group.to_string() + " ";
  EXPECT_EQ(all, "239.1.1.254 239.1.1.255 239.1.2.0 239.2.0.1 239.2.0.2 239.3.0.1 ");
  const auto v6 = parse_groups("ff1e::1:fffe-ff1e::2:1");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->size(), 4U);
  EXPECT_EQ(v6->back().to_string(), "ff1e::2:1");
}

TEST(GroupRange, Refusals) {
  for (const char* text :
       {"", "10.0.0.1", "239.1.1.1+0", "239.1.1.1+x", "239.1.1.1+65537", "239.1.1.2-239.1.1.1",
        "239.1.1.1-ff1e::1", "239.1.1.1,ff1e::1", "239.1.1.1,239.1.1.1", "239.255.255.255+2,",
        "225.0.0.0-239.255.255.255", "239.255.255.254+9"}) {
    EXPECT_FALSE(parse_groups(text)) << text;
  }
  EXPECT_EQ(parse_groups("239.255.255.254+2")->size(), 2U);
}

TEST(Options, SendDefaultsAndValues) {
  const auto options = parse({"send", "--group", "239.1.1.1+200", "--interface", "ge0-1-1"});
  ASSERT_TRUE(options);
  const auto& send = std::get<SendOptions>(*options);
  EXPECT_EQ(send.common.groups.size(), 200U);
  EXPECT_EQ(send.common.port, 5000);
  EXPECT_EQ(send.interval, std::chrono::milliseconds(20));
  EXPECT_EQ(send.ttl, 16);
  EXPECT_FALSE(send.common.duration);
  const auto full = parse({"send", "--group=ff1e::1", "--interface=x", "--rate=1000", "--duration",
                           "2.5", "--size", "1000", "--ttl=3", "--source=2001:db8::1", "--loop",
                           "--port=6000", "--json=-", "--quiet", "--no-realtime"});
  ASSERT_TRUE(full);
  const auto& other = std::get<SendOptions>(*full);
  EXPECT_EQ(other.interval, std::chrono::milliseconds(1));
  EXPECT_EQ(other.common.duration, std::chrono::milliseconds(2500));
  EXPECT_EQ(other.source->to_string(), "2001:db8::1");
  EXPECT_TRUE(other.loop && other.common.quiet && !other.common.realtime);
}

TEST(Options, ReceiveValues) {
  const auto options = parse({"receive", "--group", "232.1.1.1", "--interface", "x",
                              "--source-list", "10.0.5.10,10.0.5.11", "--expect-from", "start",
                              "--until-end", "--strict", "--ready-file", "/tmp/r"});
  ASSERT_TRUE(options);
  const auto& receive = std::get<ReceiveOptions>(*options);
  EXPECT_EQ(receive.sources.size(), 2U);
  EXPECT_EQ(receive.expect_from, ExpectFrom::start);
  EXPECT_TRUE(receive.until_end && receive.strict);
}

TEST(Options, ErrorsNameTheWord) {
  EXPECT_EQ(error_of({}), "say 'send' or 'receive'");
  EXPECT_EQ(error_of({"sent"}), "unknown command 'sent': say 'send' or 'receive'");
  EXPECT_EQ(error_of({"send", "--interface", "x"}), "--group is missing");
  EXPECT_EQ(error_of({"send", "--group", "239.1.1.1"}), "--interface is missing");
  EXPECT_EQ(error_of({"send", "--strict"}), "unknown option '--strict'");
  EXPECT_EQ(error_of({"send", "--loop=1"}), "--loop takes no value");
  EXPECT_EQ(error_of({"send", "--rate"}), "--rate wants a value");
  EXPECT_EQ(error_of({"send", "--group=239.1.1.1", "--group=239.1.1.2"}), "--group is given twice");
  EXPECT_EQ(error_of({"send", "--group=239.1.1.1", "--interface=x", "--port=0"}),
            "--port wants a number from 1 to 65535, not '0'");
  EXPECT_EQ(error_of({"send", "--group=239.1.1.1", "--interface=x", "--size=50.5"}),
            "--size wants a whole number");
  EXPECT_EQ(
      error_of({"receive", "--group=239.1.1.1", "--interface=x", "--source-list=2001:db8::1"}),
      "--source-list: 2001:db8::1 cannot be a source of these groups");
}

}  // namespace
}  // namespace hotpair::platform::probe
