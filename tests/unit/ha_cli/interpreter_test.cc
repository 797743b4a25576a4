#include "ha/cli/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/command_rows.h"
#include "ha/cli/json.h"
#include "ha/config/grammar_syntax.h"
#include "tests/unit/ha_cli/fake_node.h"
#include "tests/unit/ha_cli/golden.h"

namespace hotpair::ha::cli {
namespace {

using ::testing::ElementsAre;
using testing::FakeNode;
using testing::golden;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Interpreter : public ::testing::Test {
 protected:
  Response run(const std::string& line, AccessRole role = AccessRole::admin) {
    Request request;
    for (const auto& word : config::split_words(line)) request.argv.push_back(word.text);
    request.json = json;
    request.input = input;
    return CommandInterpreter(node, node, transactions).run(request, {role, "anna", 1000, 0}, {});
  }
  std::string refused(const std::string& line, AccessRole role = AccessRole::admin) {
    const Response response = run(line, role);
    EXPECT_EQ(response.exit_code, 1) << line;
    return response.error ? response.error->detail : "not refused";
  }

  FakeNode node;
  testing::MemoryCommits commits;
  Transactions transactions{node, node, commits};
  bool json = false;
  std::optional<InputFile> input;
};

TEST_F(Interpreter, SeedsCommandGivesTheSeedsOutput) {
  EXPECT_EQ(run("display remote-backup-profile profile1").text,
            golden("seed003/DeviceA.display-remote-backup-profile.txt"));
  EXPECT_EQ(run("display remote-backup-service service1").text,
            golden("seed003/DeviceA.display-remote-backup-service.txt"));
  EXPECT_EQ(run("show remote-backup-service").text, run("dis remote-backup-s").text);
}

TEST_F(Interpreter, UnknownNames) {
  EXPECT_THAT(refused("display remote-backup-profile profil1"),
              HasSubstr("did you mean 'profile1'?"));
  EXPECT_EQ(run("display remote-backup-profile profil1").error->code, ErrorCode::not_found);
  EXPECT_THAT(refused("display e-trunk 3"), HasSubstr("there is no e-trunk 3"));
}

TEST_F(Interpreter, MistakesAreExplained) {
  EXPECT_THAT(refused("display alrm active"), HasSubstr("did you mean 'alarm'?"));
  EXPECT_THAT(refused("display alrm active"), HasSubstr("column 9"));
  EXPECT_THAT(refused("display"), HasSubstr("incomplete"));
  EXPECT_THAT(refused(""), HasSubstr("'help' lists them"));
  EXPECT_THAT(refused("display igmp"), HasSubstr("group"));
  EXPECT_THAT(refused("display igmp group 10.0.0.1"), HasSubstr("not a multicast group"));
  EXPECT_THAT(refused("wait ready --timeout 0"), HasSubstr("<1-86400>"));
  EXPECT_THAT(refused("pair init"), HasSubstr("itself"));
  EXPECT_THAT(refused("s"), HasSubstr("s"));
}

TEST_F(Interpreter, QuestionMark) {
  EXPECT_THAT(run("?").text, HasSubstr("  display "));
  EXPECT_THAT(run("display igmp ?").text, HasSubstr("  group "));
  EXPECT_THAT(run("sh xyz?").error->detail, HasSubstr("nothing can follow"));
  EXPECT_THAT(run("display a?").text, HasSubstr("alarm"));
  EXPECT_THAT(run("display a?").text, Not(HasSubstr("keeper")));
  EXPECT_THAT(run("display igmp group ?").text, HasSubstr("<cr>"));
}

TEST_F(Interpreter, HelpIsOfTheWordThatMayFollow) {
  EXPECT_THAT(run("?").text, HasSubstr("Show the state of this node\n"));
  EXPECT_THAT(run("?").text, HasSubstr("Hand mastership to the peer, planned\n"));
  EXPECT_THAT(run("display ?").text, HasSubstr("IPv4 group membership\n"));
  EXPECT_THAT(run("display ?").text, HasSubstr("Each change of master as one story\n"));
  EXPECT_THAT(run("display igmp group ?").text, HasSubstr("Only this interface\n"));
  EXPECT_THAT(run("wait ?").text, HasSubstr("Both nodes hold the same\n"));
  EXPECT_THAT(run("apply x ?").text, HasSubstr("Show what the file would change\n"));
  for (const CommandRow& row : command_rows())
    EXPECT_THAT(run(std::string(row.syntax.substr(0, row.syntax.find(' '))) + "?").text,
                Not(IsEmpty()));
}

TEST_F(Interpreter, AnUnknownInterfaceIsNotAnEmptyList) {
  node.interface_model.interfaces.push_back({"Eth-Trunk1", true, {}});
  EXPECT_EQ(run("display igmp group interface Eth-Trunk1").text, "No IGMP group.\n");
  EXPECT_THAT(refused("display igmp group interface Eth-Trunk2"),
              HasSubstr("there is no interface with IGMP Eth-Trunk2; did you mean 'Eth-Trunk1'?"));
}

TEST_F(Interpreter, OnlyWhatChangesSomethingIsMarkedSo) {
  EXPECT_FALSE(run("display version").changes);
  EXPECT_FALSE(run("wait ready").changes);
  EXPECT_TRUE(run("reset igmp counters").changes);
  EXPECT_TRUE(run("switchover").changes);
  EXPECT_FALSE(run("switchover", AccessRole::view).changes);
  input = InputFile{"new.conf", golden("seed003/DeviceA.conf")};
  EXPECT_FALSE(run("apply new.conf --dry-run").changes);
  EXPECT_TRUE(run("apply new.conf").changes);
}

TEST_F(Interpreter, ARefusedFileIsOneDocument) {
  json = true;
  input = InputFile{"new.conf", "sysname A\ne-trunk 1\n priorty 3\n"};
  const auto document = Json::parse(run("apply new.conf").text, 8);
  ASSERT_TRUE(document.has_value());
  ASSERT_NE(document->find("error"), nullptr);
  EXPECT_EQ(*document->find("error")->find("text")->string(),
            "new.conf: 1 error, nothing was changed");
  EXPECT_EQ(document->find("diagnostics")->elements()->size(), 1U);
}

TEST_F(Interpreter, QueriesCarryWhatWasAsked) {
  node.interface_model.interfaces.push_back({"Eth-Trunk1", true, {}});
  EXPECT_EQ(run("display mld group FF0E::1 interface Eth-Trunk 1 verbose").exit_code, 0);
  EXPECT_EQ(node.asked_groups.family, Family::ipv6);
  EXPECT_EQ(node.asked_groups.group->to_string(), "ff0e::1");
  EXPECT_EQ(*node.asked_groups.interface, "Eth-Trunk1");
  EXPECT_EQ(run("display multicast forwarding-table 225.1.1.1 source 10.0.0.1").exit_code, 0);
  EXPECT_EQ(node.asked_routes.group->to_string(), "225.1.1.1");
  EXPECT_EQ(node.asked_routes.source->to_string(), "10.0.0.1");
  EXPECT_EQ(run("display multicast ipv6 forwarding-table").exit_code, 0);
  EXPECT_EQ(node.asked_routes.family, Family::ipv6);
}

TEST_F(Interpreter, ActionsStartAndEndLater) {
  const Response response = run("switchover backup-id 10");
  EXPECT_EQ(response.pending, ActionTicket{1});
  EXPECT_EQ(run("switchover").pending, ActionTicket{2});
  EXPECT_EQ(run("switchover e-trunk 3 force").pending, ActionTicket{3});
  EXPECT_EQ(run("switchover all").pending, ActionTicket{4});
  EXPECT_TRUE(run("wait synced --timeout 7").pending.has_value());
  EXPECT_TRUE(run("wait master").pending.has_value());
  EXPECT_TRUE(run("leave").pending.has_value());
  EXPECT_FALSE(run("reset igmp counters").pending.has_value());
  EXPECT_FALSE(run("clear mld counters").pending.has_value());
  EXPECT_THAT(node.done, ElementsAre("switchover 10", "switchover all",
                                     "switchover e-trunk 3 force", "switchover all", "wait 1 7",
                                     "wait 2 60", "leave", "reset 0", "reset 1"));
  const CommandInterpreter interpreter(node, node, transactions);
  const Response good = interpreter.finish({}, {std::nullopt, {"scope 10: backup now"}});
  EXPECT_EQ(good.text, "scope 10: backup now\n");
  EXPECT_EQ(good.exit_code, 0);
  const Response bad = interpreter.finish({}, {Error{ErrorCode::timeout, "not within 7 s"}, {}});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.error->code, ErrorCode::timeout);
}

TEST_F(Interpreter, AWaitThatTimedOutSaysWhatIsMissing) {
  const CommandInterpreter interpreter(node, node, transactions);
  const ActionOutcome outcome{Error{ErrorCode::timeout, "the condition did not come in time"},
                              {},
                              {{"RBS rbs1", "no pair key"}, {"scope 2", "bulk 40 % received"}}};
  const Response text = interpreter.finish({}, outcome);
  EXPECT_EQ(text.text, "RBS rbs1: no pair key\nscope 2: bulk 40 % received\n");
  EXPECT_EQ(text.exit_code, 1);
  Request request;
  request.json = true;
  const Response document = interpreter.finish(request, outcome);
  const auto parsed = Json::parse(document.text, 8);
  ASSERT_TRUE(parsed.has_value());
  ASSERT_NE(parsed->find("missing"), nullptr);
  EXPECT_EQ(parsed->find("missing")->dump(),
            R"([{"subject":"RBS rbs1","text":"no pair key"},)"
            R"({"subject":"scope 2","text":"bulk 40 % received"}])");
}

TEST_F(Interpreter, ARefusedActionIsARefusedCommand) {
  node.refusal = Error{ErrorCode::refused, "the peer is not in sync"};
  for (const char* line : {"switchover", "leave", "save", "wait ready", "reset igmp counters"})
    EXPECT_EQ(refused(line), "the peer is not in sync") << line;
}

TEST_F(Interpreter, RightsAreChecked) {
  EXPECT_THAT(refused("switchover", AccessRole::view), HasSubstr("needs the right 'operate'"));
  EXPECT_THAT(refused("apply x", AccessRole::operate), HasSubstr("needs the right 'admin'"));
  EXPECT_THAT(refused("save", AccessRole::operate), HasSubstr("'admin'"));
  EXPECT_THAT(node.done, IsEmpty());
  EXPECT_EQ(run("display version", AccessRole::view).exit_code, 0);
}

TEST_F(Interpreter, ApplyIsAllOrNothing) {
  input = InputFile{"new.conf", "sysname A\ne-trunk 1\n priorty 3\n"};
  Response response = run("apply new.conf");
  EXPECT_EQ(response.error->detail, "new.conf: 1 error, nothing was changed");
  EXPECT_THAT(response.text, HasSubstr("new.conf:3:2: error: 'priorty'"));
  input->text = "e-trunk 1\n";  // parses, but breaks a rule of commit
  EXPECT_THAT(run("apply new.conf").text, HasSubstr("e-trunk 1: no peer"));
  EXPECT_FALSE(node.applied.has_value());
  input->text = golden("seed003/DeviceA.conf");
  response = run("apply new.conf");
  EXPECT_TRUE(response.pending.has_value());
  EXPECT_THAT(response.text, HasSubstr("security-key cipher ******"));
  EXPECT_THAT(response.text, Not(HasSubstr("VQE")));
  ASSERT_TRUE(node.applied.has_value());
  EXPECT_EQ(*node.applied->sysname, "DeviceA");
  input.reset();
  EXPECT_THAT(refused("apply new.conf"), HasSubstr("without the text"));
}

TEST_F(Interpreter, DryRunShowsTheChangesOnly) {
  node.config = config::parse_config(golden("seed003/DeviceA.conf"), "a").config;
  std::string text = golden("seed003/DeviceA.conf");
  input = InputFile{"new.conf", text};
  EXPECT_THAT(run("apply new.conf --dry-run", AccessRole::operate).text,
              HasSubstr("No changes.\n"));
  EXPECT_FALSE(run("apply new.conf").pending.has_value());  // nothing to do
  input->text.replace(text.find("sysname DeviceA"), 15, "sysname DeviceX");
  EXPECT_THAT(run("apply new.conf --dry-run").text, HasSubstr("\nsysname DeviceX\n"));
  json = true;
  const auto document = Json::parse(run("apply new.conf --dry-run").text, 8);
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->find("changes")->elements()->size(), 1U);
  EXPECT_FALSE(node.applied.has_value());
}

TEST_F(Interpreter, ConfigurationHidesKeysFromThoseWhoMayOnlyLook) {
  node.config = config::parse_config(golden("seed003/DeviceA.conf"), "a").config;
  EXPECT_THAT(run("display current-configuration").text, HasSubstr("VQE"));
  EXPECT_THAT(run("display current-configuration", AccessRole::operate).text,
              HasSubstr("cipher ******"));
  EXPECT_THAT(run("display current-configuration inactive").text,
              HasSubstr("ospf 1: for the unicast routing daemon (line 49)\n"));
  EXPECT_TRUE(run("save").pending.has_value());
}

// Every display gives text, and with --json one document.
TEST_F(Interpreter, EveryDisplayInBothForms) {
  const std::string any = "STRING<1-31>";
  node.config = config::parse_config("ip vpn-instance red\n route-table 10\n", "a").config;
  for (const CommandRow& row : display_rows()) {
    std::string line = config::plain_syntax(row.syntax);
    line = line.substr(0, line.find(" ["));
    if (const auto at = line.find(any); at != std::string::npos)
      line.replace(at, any.size(), "red");
    json = false;
    const Response text = run(line, AccessRole::view);
    EXPECT_EQ(text.exit_code, 0) << line;
    json = true;
    const Response document = run(line, AccessRole::view);
    const auto parsed = Json::parse(document.text, 16);
    ASSERT_TRUE(parsed.has_value()) << line << document.text;
    EXPECT_TRUE(parsed->is_object()) << line;
  }
}

TEST_F(Interpreter, AnInstanceIsShownAloneOrAllAreOneAfterTheOther) {
  node.config = config::parse_config(
                    "ip vpn-instance red\n route-table 10\n#\nip vpn-instance blue\n"
                    " route-table 20\n",
                    "a")
                    .config;
  EXPECT_THAT(run("display pim neighbor").text, HasSubstr("VPN-Instance: public net\n"));
  EXPECT_THAT(run("display pim vpn-instance red neighbor").text, HasSubstr("VPN-Instance: red\n"));
  EXPECT_THAT(run("display igmp vpn-instance red group").text, HasSubstr("No IGMP group."));
  node.interface_model.interfaces.emplace_back();
  EXPECT_THAT(run("display mld vpn-instance red interface").text,
              HasSubstr("Interface information of VPN-Instance: red\n"));
  EXPECT_THAT(refused("display pim vpn-instance green neighbor"),
              HasSubstr("there is no VPN instance green"));
  const std::string all = run("display pim all-instance neighbor").text;
  const auto begin = all.find("public net");
  EXPECT_LT(begin, all.find("blue"));
  EXPECT_LT(all.find("blue"), all.find("red"));
  json = true;
  EXPECT_THAT(run("show ip pim vrf red neighbor").text, HasSubstr("\"vrf\": \"red\""));
  EXPECT_THAT(run("display pim neighbor").text, HasSubstr("\"vrf\": null"));
  const auto document = Json::parse(run("display pim all-instance neighbor").text, 16);
  ASSERT_TRUE(document.has_value());
  EXPECT_THAT(document->dump(), HasSubstr("\"instances\":[{"));
}

TEST_F(Interpreter, MulticastBoundaries) {
  EXPECT_EQ(run("display multicast boundary").text,
            "No interface has an IPv4 multicast boundary.\n");
  node.boundaries_model.boundaries = {{"Eth-Trunk1", "239.1.0.0/16"},
                                      {"GigabitEthernet0/1/1", "239.0.0.0/10"}};
  EXPECT_EQ(run("display multicast boundary").text,
            "Boundary      Interface\n"
            "239.1.0.0/16  Eth-Trunk1\n"
            "239.0.0.0/10  GigabitEthernet0/1/1\n");
  EXPECT_EQ(run("display multicast boundary Eth-Trunk1").text,
            "Boundary      Interface\n239.1.0.0/16  Eth-Trunk1\n");
  EXPECT_THAT(refused("display multicast boundary Eth-Trunk9"), HasSubstr("multicast boundary"));
  json = true;
  EXPECT_THAT(run("show multicast ipv6 boundary").text, HasSubstr("\"family\": \"ipv6\""));
  EXPECT_THAT(run("display multicast boundary").text, HasSubstr("\"boundary\": \"239.1.0.0/16\""));
}

TEST_F(Interpreter, HelpAndManualListEveryRow) {
  for (const CommandRow& row : command_rows()) {
    EXPECT_THAT(help_text(), HasSubstr(config::plain_syntax(row.syntax) + "\n"));
    EXPECT_FALSE(row.help.empty());
  }
  EXPECT_EQ(run("help").text, help_text());
  EXPECT_THAT(manual_page(), HasSubstr(".TH HOTPAIR 1\n"));
  EXPECT_THAT(manual_page(), HasSubstr(".B peer\\-backup hot\n"));
  json = true;
  EXPECT_TRUE(Json::parse(run("help").text, 8).has_value());
  EXPECT_TRUE(Json::parse(run("display ?").text, 8).has_value());
}

}  // namespace
}  // namespace hotpair::ha::cli
