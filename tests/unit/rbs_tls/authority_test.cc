#include "rbs/tls/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "certificate_maker.h"
#include "rbs/tls/key_rotation.h"

namespace hotpair::rbs::tls {
namespace {

class AuthorityTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path at(const std::string& name) const {
    return folder.path(name);
  }
  [[nodiscard]] mode_t mode(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat(at(name).c_str(), &status), 0) << name;
    return status.st_mode & 0777U;
  }
  [[nodiscard]] CredentialFiles files(const std::string& node, const std::string& peer) const {
    return {.certificate = at(node + ".pem"),
            .key = at(node + ".key"),
            .key_kind = "ecdsa",
            .trusted_cas = {at("ca.pem")},
            .crl = {},
            .peer_uri = default_uri(peer)};
  }
  [[nodiscard]] std::filesystem::path root() const { return at("").parent_path(); }
  Folder folder;
};

TEST_F(AuthorityTest, WhatItIssuesIsGoodForBothNodes) {
  const auto ca = create_authority(root(), "lab CA", kNow);
  ASSERT_TRUE(ca.has_value()) << ca.error().detail;
  EXPECT_EQ(ca->subject, "CN = lab CA");
  for (const char* node : {"DeviceA", "DeviceB"}) {
    const auto made = issue_certificate(root(), {.node = node, .uri = {}}, kNow);
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_EQ(made->uri, default_uri(node));
    EXPECT_EQ(made->not_after, kNow + kCertificateLife);
    EXPECT_EQ(made->issuer, "CN = lab CA");
  }
  EXPECT_EQ(mode("ca.key"), 0600U);
  EXPECT_EQ(mode("DeviceA.key"), 0600U);
  EXPECT_EQ(mode("DeviceA.pem"), 0644U);
  const auto a = Credentials::load(files("DeviceA", "DeviceB"), kNow);
  const auto b = Credentials::load(files("DeviceB", "DeviceA"), kNow);
  ASSERT_TRUE(a.has_value()) << a.error().detail;
  ASSERT_TRUE(b.has_value()) << b.error().detail;
  EXPECT_TRUE((*a)->judge_peer((*b)->certificate(), {}, kNow).ok());
  EXPECT_TRUE((*b)->judge_peer((*a)->certificate(), {}, kNow).ok());
  EXPECT_EQ((*a)->judge_peer((*a)->certificate(), {}, kNow).failure, Failure::wrong_name);
}

TEST_F(AuthorityTest, ACaIsNotOverwrittenAndACertificateIs) {
  ASSERT_TRUE(create_authority(root(), "CA", kNow).has_value());
  const auto again = create_authority(root(), "CA", kNow);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::exists);
  const auto first = issue_certificate(root(), {.node = "A", .uri = {}}, kNow);
  const auto second = issue_certificate(root(), {.node = "A", .uri = {}}, kNow);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->serial, second->serial);
  EXPECT_TRUE(Credentials::load(files("A", "B"), kNow).has_value());
}

TEST_F(AuthorityTest, WhatIsRefused) {
  const auto nobody = issue_certificate(root(), {.node = "A", .uri = {}}, kNow);
  ASSERT_FALSE(nobody.has_value());
  EXPECT_NE(nobody.error().detail.find("run hotpair pair ca init"), std::string::npos);
  ASSERT_TRUE(create_authority(root(), "CA", kNow).has_value());
  for (const char* node : {"", "../x", "a b", ".hidden", "ca", "x/y"})
    EXPECT_FALSE(issue_certificate(root(), {.node = node, .uri = {}}, kNow).has_value()) << node;
  for (const char* uri : {"no-colon", ":x", "a:b,DNS:evil", "a:b\n", "a:b c"})
    EXPECT_FALSE(issue_certificate(root(), {.node = "A", .uri = uri}, kNow).has_value()) << uri;
}

// ---- pair keys ----

class Rotation : public testing::Test {
 protected:
  Rotation() : file(folder.path("pair.key")) {
    first = PairKeys::create(file, "2026-11-21T08:00:00Z").value().first().id();
  }
  [[nodiscard]] std::vector<std::string> ids() const {
    std::vector<std::string> list;
    const PairKeys keys = PairKeys::load(file).value();
    for (const PairKey& key : keys.keys()) list.push_back(key.id());
    return list;
  }
  Folder folder;
  std::filesystem::path file;
  std::string first;
};

TEST_F(Rotation, ThreeSteps) {
  EXPECT_EQ(stage_of(PairKeys::load(file).value()), RotationStage::settled);
  ASSERT_TRUE(rotate(file, RotationStep::add, "2026-11-22T08:00:00Z").has_value());
  ASSERT_EQ(ids().size(), 2U);
  EXPECT_EQ(ids()[0], first);
  const std::string fresh = ids()[1];
  EXPECT_EQ(stage_of(PairKeys::load(file).value()), RotationStage::added);
  ASSERT_TRUE(rotate(file, RotationStep::promote, "").has_value());
  EXPECT_EQ(ids(), (std::vector{fresh, first}));
  EXPECT_EQ(stage_of(PairKeys::load(file).value()), RotationStage::promoted);
  ASSERT_TRUE(rotate(file, RotationStep::retire, "").has_value());
  EXPECT_EQ(ids(), (std::vector{fresh}));
  EXPECT_EQ(PairKeys::load(file).value().first().comment(), "2026-11-22T08:00:00Z");
}

TEST_F(Rotation, NoStepOutOfOrder) {
  EXPECT_FALSE(rotate(file, RotationStep::promote, "x").has_value());
  EXPECT_FALSE(rotate(file, RotationStep::retire, "x").has_value());
  ASSERT_TRUE(rotate(file, RotationStep::add, "2026-11-22T08:00:00Z").has_value());
  EXPECT_FALSE(rotate(file, RotationStep::add, "2026-11-23T08:00:00Z").has_value());
  EXPECT_FALSE(rotate(file, RotationStep::retire, "x").has_value());
  ASSERT_TRUE(rotate(file, RotationStep::promote, "").has_value());
  EXPECT_FALSE(rotate(file, RotationStep::promote, "").has_value());
}

TEST_F(Rotation, AClockThatWentBackDoesNotMakeTheNewKeyOld) {
  ASSERT_TRUE(rotate(file, RotationStep::add, "1970-01-01T00:00:00Z").has_value());
  EXPECT_EQ(stage_of(PairKeys::load(file).value()), RotationStage::added);
  const std::string fresh = ids()[1];
  ASSERT_TRUE(rotate(file, RotationStep::promote, "").has_value());
  EXPECT_EQ(ids()[0], fresh);
}

}  // namespace
}  // namespace hotpair::rbs::tls
