#include "ha/cli/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/json.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_cli/shell_fixture.h"

namespace hotpair::ha::cli {
namespace {

using testing::golden;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Operator;
using testing::ShellWorld;

class Session : public ::testing::Test {
 protected:
  std::string refused(Operator& who, const std::string& line) {
    const Response response = who.run(line);
    EXPECT_EQ(response.exit_code, 1) << line;
    return response.error ? response.error->detail : "not refused";
  }
  void all(Operator& who, std::initializer_list<const char*> lines) {
    for (const char* line : lines) {
      const Response response = who.run(line);
      EXPECT_FALSE(response.error.has_value()) << line << ": " << response.error->detail;
    }
  }
  ShellWorld world{golden("seed003/DeviceA.conf")};
  Operator anna{world, 1};
};

TEST_F(Session, PromptsOfEveryView) {
  EXPECT_EQ(anna.prompt(), "<DeviceA>");
  all(anna, {"system-view"});
  EXPECT_EQ(anna.prompt(), "[~DeviceA]");
  all(anna, {"remote-backup-profile profile1"});
  EXPECT_EQ(anna.prompt(), "[~DeviceA-rm-backup-prf-profile1]");
  all(anna, {"quit", "remote-backup-service service1"});
  EXPECT_EQ(anna.prompt(), "[~DeviceA-rm-backup-srv-service1]");
  all(anna, {"e-trunk 1", "priority 3"});
  EXPECT_EQ(anna.prompt(), "[*DeviceA-e-trunk-1]");
  all(anna, {"interface Eth-Trunk 1", "exit", "pim"});
  EXPECT_EQ(anna.prompt(), "[*DeviceA-pim]");
  all(anna, {"pim-ipv6"});
  EXPECT_EQ(anna.prompt(), "[*DeviceA-pim6]");
  all(anna, {"ssl policy pair"});
  EXPECT_EQ(anna.prompt(), "[*DeviceA-ssl-policy-pair]");
  all(anna, {"ospf 1"});
  EXPECT_EQ(anna.prompt(), "[*DeviceA-ospf-1]");
  all(anna, {"end"});
  EXPECT_EQ(anna.prompt(), "<DeviceA>");
}

TEST_F(Session, ALongTableGoesThroughTheFilterPieceByPiece) {
  world.node.long_table = [] { return std::make_unique<testing::LongTable>(1000); };
  const auto drained = [&](const std::string& line) {
    Response response = anna.run(line);
    std::string text = response.text;
    EXPECT_TRUE(response.more) << line;
    for (int i = 0; i < 1000 && response.more; ++i) {
      TextPiece piece = response.more->next();
      EXPECT_LT(piece.text.size(), 4096U);
      text += piece.text;
      if (piece.done) return text;
    }
    return std::string("endless");
  };
  const std::string all = drained("display igmp group");
  EXPECT_EQ(std::ranges::count(all, '\n'), 1000 + 4);
  EXPECT_EQ(drained("display igmp group | count"), "Total count: 1004\n");
  EXPECT_EQ(drained("show igmp group | include 225.0.2.3 | count"), "Total count: 11\n");
  EXPECT_THAT(drained("display igmp group | json"), ::testing::HasSubstr("\"225.0.3.231\""));
}

// What follows a refused interface must not change the view that is open.
TEST_F(Session, AnInterfaceThatCannotBeIsNotEntered) {
  for (const char* line : {"system-view", "interface GE0/1/1"}) static_cast<void>(anna.run(line));
  const Response response = anna.run("interface GE0/1/1.5");
  ASSERT_TRUE(response.error.has_value());
  EXPECT_EQ(response.error->detail,
            "'GE0/1/1.5' is a VLAN sub-interface, which this version does not support; use the "
            "main interface");
  EXPECT_EQ(response.column, 11U);
  EXPECT_EQ(anna.prompt(), "[~DeviceA]");
}

TEST_F(Session, AValueThatComesBackIsNoChange) {
  all(anna, {"system-view", "e-trunk 1", "priority 3"});
  EXPECT_TRUE(anna.session().has_changes());
  all(anna, {"undo priority"});
  EXPECT_FALSE(anna.session().has_changes());
  EXPECT_EQ(anna.prompt(), "[~DeviceA-e-trunk-1]");
}

TEST_F(Session, RightsAreLookedAtForEveryLine) {
  Operator guest(world, 2, "guest", AccessRole::view);
  EXPECT_THAT(refused(guest, "system-view"), HasSubstr("needs the right 'admin'"));
  EXPECT_THAT(refused(guest, "configure terminal"), HasSubstr("needs the right 'admin'"));
  EXPECT_THAT(refused(guest, "commit"), HasSubstr("needs the right 'admin'"));
  EXPECT_THAT(refused(guest, "rollback configuration"), HasSubstr("needs the right 'admin'"));
  EXPECT_THAT(refused(guest, "configuration exclusive"), HasSubstr("needs the right 'admin'"));
  EXPECT_THAT(refused(guest, "reset igmp counters"), HasSubstr("needs the right 'operate'"));
  EXPECT_THAT(guest.run("display configuration candidate").text, HasSubstr("cipher ******"));
  EXPECT_THAT(guest.run("display version").text, Not(HasSubstr("Error")));
  // An admin in the middle of his work who is none any more.
  all(anna, {"system-view", "sysname B"});
  Request request;
  request.verb = SessionVerb::line;
  request.line = "sysname C";
  ShellSession session(world.node, world.node, world.transactions, {AccessRole::admin, "x", 5, 9});
  request.line = "system-view";
  EXPECT_FALSE(session.run(request, {AccessRole::admin, "x", 5, 9}, world.instant).error);
  for (const char* line : {"sysname C", "commit", "ospf 1"}) {
    request.line = line;
    EXPECT_TRUE(session.run(request, {AccessRole::operate, "x", 5, 9}, world.instant).error)
        << line;
  }
  EXPECT_FALSE(session.has_changes());
}

TEST_F(Session, ARefusedCommitChangesNothing) {
  const std::string before = config::print_config(world.node.config);
  all(anna, {"system-view", "e-trunk 1", "undo peer-address"});
  const Response check = anna.run("commit check");
  EXPECT_EQ(check.exit_code, 1);
  const Response response = anna.run("commit");
  EXPECT_EQ(response.exit_code, 1);
  EXPECT_THAT(response.error->detail, HasSubstr("nothing was changed"));
  EXPECT_THAT(response.text, HasSubstr("Error: "));
  EXPECT_EQ(config::print_config(world.node.config), before);
  EXPECT_TRUE(world.node.done.empty());
  EXPECT_EQ(world.transactions.history().records().size(), 1U);
  EXPECT_EQ(anna.prompt(), "[*DeviceA-e-trunk-1]");
  // What the node refuses is refused as well.
  all(anna, {"clear configuration candidate", "sysname B"});
  world.node.refusal = Error{ErrorCode::refused, "no port for Eth-Trunk1"};
  EXPECT_THAT(refused(anna, "commit"), HasSubstr("no port"));
  EXPECT_EQ(world.transactions.history().records().size(), 1U);
}

TEST_F(Session, OneCommitIsOneApply) {
  all(anna, {"system-view", "sysname B", "e-trunk 1", "priority 3", "commit"});
  EXPECT_THAT(world.node.done, ::testing::ElementsAre("apply"));
  all(anna, {"commit"});  // nothing to do
  EXPECT_THAT(world.node.done, ::testing::ElementsAre("apply"));
  EXPECT_EQ(world.commits.files.size(), 2U);
  EXPECT_THAT(world.commits.files[2], HasSubstr("# user anna\n"));
}

TEST_F(Session, LeavingWarnsOnce) {
  all(anna, {"system-view", "sysname B", "return"});
  EXPECT_THAT(refused(anna, "quit"), HasSubstr("not committed"));
  EXPECT_FALSE(anna.run("display version").session->ended);
  EXPECT_THAT(refused(anna, "quit"), HasSubstr("not committed"));
  EXPECT_TRUE(anna.run("quit").session->ended);
}

TEST_F(Session, ASessionThatEndsGivesUpItsLock) {
  Operator ben(world, 2, "ben");
  {
    Operator carl(world, 3, "carl");
    all(carl, {"configuration exclusive", "configuration exclusive"});
    all(ben, {"system-view", "sysname B"});
    EXPECT_THAT(refused(ben, "commit"), HasSubstr("locked by carl (uid 1003)"));
    EXPECT_THAT(refused(ben, "undo configuration exclusive"), HasSubstr("does not hold"));
  }
  all(ben, {"commit"});
  EXPECT_EQ(*world.node.config.sysname, "B");
}

TEST_F(Session, HostileLines) {
  EXPECT_THAT(refused(anna, std::string(5000, 'x')), HasSubstr("longer than"));
  const Response response = anna.run("display \x1b[2J");
  EXPECT_EQ(response.column, 9U);
  for (const char* line :
       {"", "   ", "#", "!", "# a comment", "| include x", "|", "do", "undo", "no", "do do do",
        "display |", "?", "x?", "undo ?", "do ?", "display | ?"}) {
    static_cast<void>(anna.run(line));
    static_cast<void>(anna.ask(SessionVerb::complete, line));
    static_cast<void>(anna.ask(SessionVerb::help, line));
  }
  all(anna, {"system-view"});
  for (const char* line :
       {"|", "do", "undo", "no", "do do do", "undo |", "?", "x?", "do ?", "no ?"}) {
    static_cast<void>(anna.run(line));
    static_cast<void>(anna.ask(SessionVerb::complete, line));
    static_cast<void>(anna.ask(SessionVerb::help, line));
  }
  EXPECT_FALSE(anna.session().has_changes());
}

TEST_F(Session, TheCandidateIsBounded) {
  Operator ben(world, 2, "ben");
  all(ben, {"system-view"});
  for (std::size_t i = 0; i < ShellSession::kCandidateLinesMax; ++i)
    ASSERT_FALSE(ben.run(i % 2 == 0 ? "sysname A" : "sysname B").error.has_value());
  EXPECT_THAT(refused(ben, "sysname C"), HasSubstr("too many lines"));
  all(ben, {"commit", "sysname C"});
}

TEST_F(Session, CompletionNamesWhatExists) {
  all(anna, {"system-view"});
  const auto words = [&](const std::string& text) {
    std::vector<std::string> list;
    const auto answer = anna.ask(SessionVerb::complete, text);
    for (const Completion& each : answer.completion->completions)
      if (each.insert) list.push_back(each.word);
    return list;
  };
  using ::testing::Contains;
  using ::testing::ElementsAre;
  EXPECT_THAT(words("undo remote-backup-profile "), ElementsAre("profile1"));
  EXPECT_THAT(words("interface eth"), ElementsAre("Eth-Trunk1"));
  EXPECT_THAT(words("display remote-backup-service "), Contains("service1"));
  EXPECT_THAT(words("e-trunk "), ElementsAre("1"));
  all(anna, {"remote-backup-profile night", "quit"});
  EXPECT_THAT(words("remote-backup-profile n"), ElementsAre("night"));  // of the candidate
  mcast::gmp::GroupRow row{LinkId(1), *Group::from(testing::ip("225.1.1.1"))};
  world.node.group_model.groups.push_back({"Eth-Trunk1", testing::ip("10.0.15.1"), row});
  EXPECT_THAT(words("display igmp group 2"), ElementsAre("225.1.1.1"));
}

TEST_F(Session, ASavedConfigurationIsNoUnconfirmedOne) {
  all(anna, {"system-view", "sysname B", "commit confirmed 60", "return"});
  EXPECT_THAT(refused(anna, "save"), HasSubstr("Decide about it"));
  EXPECT_THAT(refused(anna, "copy running-config startup-config"), HasSubstr("Decide about it"));
  all(anna, {"commit", "save"});
}

TEST_F(Session, AFileFromTheShell) {
  Request request;
  request.verb = SessionVerb::line;
  request.line = "apply new.conf";
  request.input = InputFile{"new.conf", golden("seed003/DeviceB.conf")};
  ShellSession session(world.node, world.node, world.transactions, {AccessRole::admin, "x", 5, 9});
  const Response response = session.run(request, {AccessRole::admin, "x", 5, 9}, world.instant);
  EXPECT_FALSE(response.error) << response.error->detail;
  EXPECT_EQ(*world.node.config.sysname, "DeviceB");
  EXPECT_EQ(world.transactions.history().before(0)->how, "apply new.conf");
  EXPECT_EQ(session.prompt(), "<DeviceB>");
}

TEST_F(Session, JsonIsOneDocument) {
  anna.json = true;
  for (const char* line : {"display configuration commit list", "display version",
                           "display configuration commit changes 1"})
    EXPECT_TRUE(Json::parse(anna.run(line).text, 8).has_value()) << line;
}

}  // namespace
}  // namespace hotpair::ha::cli
