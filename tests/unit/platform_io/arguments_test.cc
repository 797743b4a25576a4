#include "platform/io/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotpair::platform::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

struct Program {
  std::string config = "/etc/x.conf";
  std::optional<std::string> boot_id;
  std::uint64_t rate = 100;
  bool check = false;
  Words commands;
  Arguments arguments{"hotpaird", "the brain"};
  Program() {
    arguments.option("--config", "FILE", "configuration file", config);
    arguments.option("--boot-id", "ID", "boot id to use", boot_id);
    arguments.option("--rate", "N", "packets per second", rate, 1, 1000);
    arguments.option("-c,--command", "TEXT", "run this", commands);
    arguments.flag("--check", "check and leave", check);
  }
};

TEST(ArgumentsTest, WritesTargetsAndKeepsDefaults) {
  Program program;
  const auto parsed = program.arguments.parse(
      Words{"--boot-id", "abc", "--check", "-c", "one two", "--command", "three", "--rate=7"});
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_EQ(parsed->outcome, Arguments::Outcome::run);
  EXPECT_EQ(program.config, "/etc/x.conf");
  EXPECT_EQ(program.boot_id, "abc");
  EXPECT_TRUE(program.check);
  EXPECT_EQ(program.rate, 7U);
  EXPECT_THAT(program.commands, ElementsAre("one two", "three"));
}

TEST(ArgumentsTest, ReadsArgv) {
  Program program;
  const char* const argv[] = {"hotpaird", "--config", "a.conf"};
  ASSERT_TRUE(program.arguments.parse(3, argv));
  EXPECT_EQ(program.config, "a.conf");
  EXPECT_EQ(program.boot_id, std::nullopt);
}

TEST(ArgumentsTest, NamesTheWrongWord) {
  for (const Words& words : {Words{"--cofig", "x"}, Words{"--rate", "1001"}, Words{"--rate", "x"},
                             Words{"--config"}, Words{"stray"}}) {
    Program program;
    const auto parsed = program.arguments.parse(words);
    ASSERT_FALSE(parsed) << words.front();
    EXPECT_EQ(parsed.error().code, ErrorCode::malformed);
    EXPECT_THAT(parsed.error().detail, HasSubstr(words.front() == "stray" ? "stray" : words[0]));
  }
}

TEST(ArgumentsTest, HelpAndVersionAreShown) {
  Program program;
  const auto help = program.arguments.parse(Words{"--help"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->outcome, Arguments::Outcome::shown);
  EXPECT_THAT(help->text, HasSubstr("--config FILE"));
  EXPECT_THAT(help->text, HasSubstr("[/etc/x.conf]"));
  EXPECT_EQ(help->text, program.arguments.usage());
  Program again;
  const auto version = again.arguments.parse(Words{"--version"});
  ASSERT_TRUE(version);
  EXPECT_THAT(version->text, HasSubstr("hotpaird " HOTPAIR_VERSION));
}

TEST(ArgumentsTest, PositionalsAreRequiredOrNot) {
  std::string verb;
  Words files;
  Arguments arguments("tool", "x");
  arguments.positional("verb", "what to do", verb);
  arguments.positional("files", "with what", files);
  ASSERT_TRUE(arguments.parse(Words{"send", "a", "b"}));
  EXPECT_EQ(verb, "send");
  EXPECT_THAT(files, ElementsAre("a", "b"));
  EXPECT_FALSE(arguments.parse(Words{}));
}

TEST(ArgumentsTest, RestTakesEverythingFromTheFirstWord) {
  bool json = false;
  Words command;
  Arguments shell("hotpair", "operator shell");
  shell.flag("--json", "as JSON", json);
  shell.rest(command);
  ASSERT_TRUE(shell.parse(Words{"--json", "display", "igmp", "group", "--x", "--json"}));
  EXPECT_TRUE(json);
  EXPECT_THAT(command, ElementsAre("display", "igmp", "group", "--x", "--json"));
  ASSERT_TRUE(shell.parse(Words{}));
  EXPECT_THAT(command, IsEmpty());
}

}  // namespace
}  // namespace hotpair::platform::io
