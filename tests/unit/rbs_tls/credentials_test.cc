#include <gtest/gtest.h>

#include "certificate_maker.h"

namespace hotpair::rbs::tls {
namespace {

class CredentialFilesTest : public testing::Test {
 protected:
  /// What is said of these files; empty: they are good.
  static std::string said_of(const CredentialFiles& files, WallTime now = kNow) {
    const auto loaded = Credentials::load(files, now);
    return loaded ? std::string() : loaded.error().detail;
  }
  void expect(const CredentialFiles& files, const std::string& part, WallTime now = kNow) const {
    const std::string said = said_of(files, now);
    EXPECT_NE(said.find(part), std::string::npos) << said << "\nexpected: " << part;
  }
  PairOfNodes pair;
};

TEST_F(CredentialFilesTest, GoodOnesSayWhatTheyAre) {
  const auto loaded = Credentials::load(pair.files_a(), kNow);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().detail;
  EXPECT_EQ((*loaded)->own().uri, kUriA);
  EXPECT_EQ((*loaded)->own().issuer, "CN = pair CA");
  EXPECT_EQ((*loaded)->own().key, "EC 256");
  EXPECT_EQ(utc_text((*loaded)->own().not_after), "2028-01-15 08:00:00 UTC");
  ASSERT_EQ((*loaded)->cas().size(), 1U);
  EXPECT_EQ((*loaded)->cas().front().subject, "CN = pair CA");
}

TEST_F(CredentialFilesTest, TheDigestTellsWhetherAnythingChanged) {
  const auto first = Credentials::load(pair.files_a(), kNow).value();
  EXPECT_EQ(Credentials::load(pair.files_a(), kNow).value()->digest(), first->digest());
  pair.a = make({.name = "DeviceA", .uris = {kUriA}}, &pair.ca);
  EXPECT_NE(Credentials::load(pair.files_a(), kNow).value()->digest(), first->digest());
}

TEST_F(CredentialFilesTest, MissingFiles) {
  for (const char* which : {"certificate", "key file", "trusted-ca"}) {
    CredentialFiles files = pair.files_a();
    const auto nowhere = pair.folder.path("nowhere");
    if (std::string(which) == "certificate") files.certificate = nowhere;
    if (std::string(which) == "key file") files.key = nowhere;
    if (std::string(which) == "trusted-ca") files.trusted_cas = {nowhere};
    expect(files, std::string(which) + " " + nowhere.native() + ": No such file or directory");
  }
}

TEST_F(CredentialFilesTest, AKeyThatOthersMayRead) {
  CredentialFiles files = pair.files_a();
  files.key = pair.folder.put("a.key", pem(pair.a.key), 0640);
  expect(files, "mode 0640 lets others read it; run chmod 600");
}

TEST_F(CredentialFilesTest, TheKeyOfAnother) {
  CredentialFiles files = pair.files_a();
  files.key = pair.folder.put("a.key", pem(pair.b.key));
  expect(files, "the key does not belong to certificate");
}

TEST_F(CredentialFilesTest, TheKindOfTheKeyIsCompared) {
  CredentialFiles files = pair.files_a();
  files.key_kind = "rsa";
  expect(files, "it holds a key of kind ecdsa, but the policy says key-pair rsa");
}

TEST_F(CredentialFilesTest, EmptyDamagedAndSeveral) {
  CredentialFiles files = pair.files_a();
  files.certificate = pair.folder.put("c.pem", "");
  expect(files, "there is no PEM certificate in it");
  files.certificate = pair.folder.put("c.pem", pem(pair.a.cert) + pem(pair.ca.cert));
  expect(files, "2 certificates in it, expected one");
  std::string damaged = pem(pair.a.cert);
  damaged[damaged.size() / 2] = '!';
  files.certificate = pair.folder.put("c.pem", damaged);
  expect(files, "PEM certificate 1 of 1 is damaged");

  files = pair.files_a();
  files.key = pair.folder.put("k.pem", "nothing");
  expect(files, "0 PEM private keys in it, expected one");
  files.key = pair.folder.put("k.pem", pem(pair.a.key) + pem(pair.b.key));
  expect(files, "2 PEM private keys in it, expected one");
  files.key = pair.folder.put("k.pem",
                              "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n"
                              "-----END ENCRYPTED PRIVATE KEY-----\n");
  expect(files, "the key is encrypted");

  files = pair.files_a();
  files.trusted_cas = {pair.folder.put("x.pem", pem(pair.b.cert))};
  expect(files, "CN = DeviceB is no CA");
  files.trusted_cas = {pair.folder.put("x.pem", std::string(70'000, 'x'))};
  expect(files, "70000 bytes, at most 65536");
  files = pair.files_a();
  files.crl = pair.folder.put("crl.pem", "");
  expect(files, "there is no PEM list in it");
}

TEST_F(CredentialFilesTest, TheOwnCertificateIsJudgedAsThePeerWill) {
  expect(pair.files_a(), "own certificate expired on 2028-01-15 08:00:00 UTC",
         kNow + hours(24 * 366));
  pair.a = make({.name = "DeviceA", .uris = {}}, &pair.ca);
  expect(pair.files_a(), "own certificate names nobody");
  pair.a = make({.name = "DeviceA", .uris = {kUriA}, .extended = "serverAuth"}, &pair.ca);
  expect(pair.files_a(), "own certificate is not for clients");
  pair.a = make({.name = "DeviceA", .uris = {kUriB}}, &pair.ca);
  expect(pair.files_a(), "which is the peer: the certificates of the two nodes are mixed up");
}

TEST_F(CredentialFilesTest, AnExpiredCa) {
  Recipe recipe = authority_recipe("pair CA");
  recipe.until = hours(1);
  pair.ca = make(recipe, nullptr);
  pair.a = make({.name = "DeviceA", .uris = {kUriA}}, &pair.ca);
  EXPECT_EQ(said_of(pair.files_a()), "");
  expect(pair.files_a(), "the CA of own certificate: certificate has expired", kNow + hours(2));
}

TEST(CertificateNames, BytesThatAreNotPrintableAreShownAsQuestionMarks) {
  const Identity ca = make(authority_recipe("CA"), nullptr);
  Recipe recipe;
  recipe.uris = {"hotpair:node:A\x01"};
  const Identity made = make(recipe, &ca);
  EXPECT_EQ(facts_of(made.cert.get()).uri, "hotpair:node:A?");
}

}  // namespace
}  // namespace hotpair::rbs::tls
