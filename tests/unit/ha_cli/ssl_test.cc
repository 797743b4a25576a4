#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/interpreter.h"
#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "ha/config/grammar.h"
#include "tests/unit/ha_cli/fake_node.h"

/// `display ssl policy`, `reload`, and files at commit.
namespace hotpair::ha::cli {
namespace {

using std::chrono::days;
using testing::FakeNode;
using ::testing::HasSubstr;

const WallTime kNow = WallTime(std::chrono::seconds(1'800'000'000));  // 2027-01-15 08:00:00

SslPoliciesModel policies() {
  SslPolicy policy;
  policy.name = "pair";
  policy.peer_identity = "hotpair:node:DeviceB";
  policy.services = {"service1"};
  policy.certificates = {
      {"own", "CN = DeviceA", "CN = CA", "hotpair:node:DeviceA", "0a", "EC 256", "beef",
       kNow - days(1), kNow + days(20)},
      {"ca", "CN = CA", "CN = CA", "", "01", "EC 256", "cafe", kNow - days(1), kNow + days(3000)},
      {"peer", "CN = DeviceB", "CN = CA", "hotpair:node:DeviceB", "0b", "EC 256", "f00d",
       kNow - days(9), kNow - days(1)}};
  return {{policy}, kNow};
}

TEST(SslPolicyDisplay, Text) {
  EXPECT_EQ(to_text(policies()),
            "SSL Policy Name : pair\n"
            "  Used by       : service1\n"
            "  Peer identity : hotpair:node:DeviceB\n"
            "  This node's certificate\n"
            "    Subject     : CN = DeviceA\n"
            "    SAN URI     : hotpair:node:DeviceA\n"
            "    Issuer      : CN = CA\n"
            "    Key         : EC 256\n"
            "    Serial      : 0a\n"
            "    SHA-256     : beef\n"
            "    Valid from  : 2027-01-14 08:00:00 UTC\n"
            "    Valid until : 2027-02-04 08:00:00 UTC (20 days left)\n"
            "  Trusted CA\n"
            "    Subject     : CN = CA\n"
            "    Issuer      : CN = CA\n"
            "    Key         : EC 256\n"
            "    Serial      : 01\n"
            "    SHA-256     : cafe\n"
            "    Valid from  : 2027-01-14 08:00:00 UTC\n"
            "    Valid until : 2035-04-03 08:00:00 UTC (3000 days left)\n"
            "  Certificate that the peer showed\n"
            "    Subject     : CN = DeviceB\n"
            "    SAN URI     : hotpair:node:DeviceB\n"
            "    Issuer      : CN = CA\n"
            "    Key         : EC 256\n"
            "    Serial      : 0b\n"
            "    SHA-256     : f00d\n"
            "    Valid from  : 2027-01-06 08:00:00 UTC\n"
            "    Valid until : 2027-01-14 08:00:00 UTC (expired)\n");
  EXPECT_EQ(to_text(SslPoliciesModel{}), "No ssl policy is configured.\n");
  SslPoliciesModel broken = policies();
  broken.policies[0].problem = "key file a.key: mode 0644 lets others read it";
  EXPECT_THAT(to_text(broken), HasSubstr("  Last-Error    : key file a.key: mode 0644"));
}

TEST(SslPolicyDisplay, Json) {
  const std::string text = to_json(policies()).dump();
  EXPECT_THAT(text, HasSubstr("{\"ssl_policies\":[{\"name\":\"pair\",\"peer_identity\":"
                              "\"hotpair:node:DeviceB\",\"last_error\":null,\"services\":"
                              "[\"service1\"],\"certificates\":[{\"whose\":\"own\","));
  EXPECT_THAT(text, HasSubstr("\"not_after\":\"2027-02-04T08:00:00.000Z\",\"days_left\":20}"));
}

class SslCommands : public ::testing::Test {
 protected:
  Response run(const std::string& line, AccessRole role = AccessRole::admin) {
    Request request;
    for (const auto& word : config::split_words(line)) request.argv.push_back(word.text);
    request.input = input;
    return CommandInterpreter(node, node, transactions).run(request, {role, "anna", 1000, 0}, {});
  }
  FakeNode node;
  testing::MemoryCommits commits;
  Transactions transactions{node, node, commits};
  std::optional<InputFile> input;
};

TEST_F(SslCommands, DisplayByName) {
  node.ssl_model = policies();
  EXPECT_EQ(run("display ssl policy pair", AccessRole::view).text, to_text(policies()));
  const Response none = run("display ssl policy par");
  ASSERT_TRUE(none.error.has_value());
  EXPECT_EQ(none.error->detail, "there is no ssl policy par; did you mean 'pair'?");
}

TEST_F(SslCommands, ReloadNeedsTheRight) {
  EXPECT_TRUE(run("reload", AccessRole::operate).error.has_value());
  EXPECT_TRUE(node.done.empty());
  EXPECT_TRUE(run("reload").pending.has_value());
  EXPECT_EQ(node.done, std::vector<std::string>{"reload"});
}

TEST_F(SslCommands, ApplyLooksAtTheFiles) {
  input = InputFile{"new.conf",
                    "ssl policy p\n certificate load pem-cert a.pem key-pair ecdsa key-file a.key\n"
                    " trusted-ca load pem-ca ca.pem\n peer-identity hotpair:node:B\n#\n"
                    "remote-backup-service s\n peer 3.3.3.3 source 1.1.1.1 port 1025\n"
                    " ssl-policy p\n"};
  node.ssl_problem = "own certificate expired on 2026-01-01 00:00:00 UTC";
  const Response refused = run("apply new.conf");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.text, HasSubstr("error: ssl policy p: own certificate expired on 2026"));
  EXPECT_FALSE(node.applied.has_value());
  node.ssl_problem.clear();
  EXPECT_TRUE(run("apply new.conf").pending.has_value());
  ASSERT_TRUE(node.applied.has_value());
  EXPECT_EQ(*node.applied->services.front().ssl_policy, "p");
}

}  // namespace
}  // namespace hotpair::ha::cli
