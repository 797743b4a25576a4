#include "certificate_maker.h"
#include "stranger.h"

namespace hotpair::rbs::tls {
namespace {

/// A certificate with one property wrong, and what must be said of it.
struct Wrong {
  std::string name;
  Failure failure;
  std::string sentence;  ///< a part of it
  Recipe recipe;
  enum class By { pair, stranger_ca, itself, intermediate } issued = By::pair;
  bool shown_in_tls = true;  ///< TLS 1.3 has no signature for the key otherwise
};

std::vector<Wrong> wrong_certificates() {
  const auto with = [](auto change) {
    Recipe recipe;
    change(recipe);
    return recipe;
  };
  using By = Wrong::By;
  return {
      {"expired", Failure::expired, "peer certificate expired on 2027-01-15 07:00:00 UTC",
       with([](Recipe& r) { r.until = -hours(1); })},
      {"not yet valid", Failure::not_yet_valid,
       "peer certificate is not valid before 2027-01-15 09:00:00 UTC; this node's clock says",
       with([](Recipe& r) { r.from = hours(1); })},
      {"wrong CA",
       Failure::wrong_ca,
       "peer certificate was issued by CN = other CA",
       {},
       By::stranger_ca},
      {"self-signed", Failure::self_signed, "peer certificate is self-signed", {}, By::itself},
      {"no SAN", Failure::no_name, "names nobody: no SAN URI",
       with([](Recipe& r) { r.uris.clear(); })},
      {"the other node's SAN", Failure::wrong_name,
       "peer certificate names " + kUriA + ", expected " + kUriB,
       with([](Recipe& r) { r.uris = {kUriA}; })},
      {"both names", Failure::wrong_name, "expected one name", with([](Recipe& r) {
         r.uris = {kUriB, kUriA};
       })},
      {"name with a tail", Failure::wrong_name, "expected " + kUriB,
       with([](Recipe& r) { r.uris = {kUriB + "2"}; })},
      {"no EKU client", Failure::no_client_use, "clientAuth is missing",
       with([](Recipe& r) { r.extended = "serverAuth"; })},
      {"no EKU server", Failure::no_server_use, "serverAuth is missing",
       with([](Recipe& r) { r.extended = "clientAuth"; })},
      {"no EKU at all", Failure::no_server_use, "serverAuth is missing",
       with([](Recipe& r) { r.extended.clear(); })},
      {"EKU any", Failure::no_server_use, "serverAuth is missing",
       with([](Recipe& r) { r.extended = "anyExtendedKeyUsage"; })},
      {"key usage", Failure::wrong_key_usage, "digitalSignature is missing",
       with([](Recipe& r) { r.usage = "critical,keyEncipherment"; })},
      {"RSA 1024", Failure::weak_key, "has a weak key (RSA 1024)",
       with([](Recipe& r) { r.key = rsa_key(1024); })},
      {"EC 192", Failure::weak_key, "has a weak key (EC 192)",
       with([](Recipe& r) { r.key = own_key(EVP_EC_gen("P-192")); }), Wrong::By::pair, false},
      {"SHA-1", Failure::weak_signature, "has a weak signature (ecdsa-with-SHA1)",
       with([](Recipe& r) { r.digest = EVP_sha1(); })},
      {"intermediate",
       Failure::intermediate,
       "was issued by the intermediate CN = between, expected by a CA of the policy itself",
       {},
       By::intermediate},
      {"CA:TRUE", Failure::is_ca, "is that of a CA",
       with([](Recipe& r) { r.basic = "critical,CA:TRUE"; })},
  };
}

class Certificates : public Tls {
 protected:
  Certificates() : other_ca(make(authority_recipe("other CA"), nullptr)) {
    Recipe between = authority_recipe("between");
    between.basic = "critical,CA:TRUE,pathlen:0";
    between_ca = make(between, &pair.ca);
  }

  Identity make_wrong(const Wrong& wrong) {
    using By = Wrong::By;
    const Identity* issuer = wrong.issued == By::pair          ? &pair.ca
                             : wrong.issued == By::stranger_ca ? &other_ca
                             : wrong.issued == By::itself      ? nullptr
                                                               : &between_ca;
    return make(wrong.recipe, issuer);
  }
  /// A context of somebody who shows `identity` and asks nothing.
  asio::ssl::context showing(const Identity& identity, asio::ssl::context::method method,
                             bool with_between = false) {
    asio::ssl::context context(method);
    SSL_CTX* native = context.native_handle();
    SSL_CTX_set_security_level(native, 0);
    SSL_CTX_set_mode(native, SSL_MODE_NO_AUTO_CHAIN);
    EXPECT_EQ(SSL_CTX_use_certificate(native, identity.cert.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(native, identity.key.get()), 1);
    if (with_between) {
      EXPECT_EQ(SSL_CTX_add1_chain_cert(native, between_ca.cert.get()), 1);
    }
    return context;
  }
  /// What A says when that client dials it.
  std::string a_hears(asio::ssl::context& client, Failure failure, const CredentialFiles& files) {
    End listener(loop, higher(), context_of_files(files));
    Stranger stranger(loop, kLower, kHigher, port);
    EXPECT_TRUE(stranger.connect());
    stranger.handshake(client, asio::ssl::stream_base::client);
    EXPECT_TRUE(until([&] { return !listener.failed.empty(); }));
    EXPECT_EQ(listener.connected, 0);
    EXPECT_EQ(name_of(listener.failed.front()), name_of(failure)) << listener.detail;
    return describe(listener.failed.front(), listener.detail);
  }
  /// What A says when it dials that server.
  std::string a_dials(asio::ssl::context& server, Failure failure, const CredentialFiles& files) {
    Stranger stranger(loop, kHigher, kLower, port);
    stranger.on_taken = [&] { stranger.handshake(server, asio::ssl::stream_base::server); };
    stranger.listen();
    End dialler(loop, lower(), context_of_files(files));
    EXPECT_TRUE(until([&] { return !dialler.failed.empty(); }));
    EXPECT_EQ(dialler.connected, 0);
    EXPECT_EQ(name_of(dialler.failed.front()), name_of(failure)) << dialler.detail;
    return describe(dialler.failed.front(), dialler.detail);
  }

  PairOfNodes pair;
  Identity other_ca;
  Identity between_ca;
};

TEST_F(Certificates, ThePairConnects) {
  End a(loop, lower(), context_of_files(pair.files_a()));
  End b(loop, higher(), context_of_files(pair.files_b()));
  ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
  ASSERT_TRUE(a.peer.certificate && b.peer.certificate);
  EXPECT_EQ(a.peer.certificate->uri, kUriB);
  EXPECT_EQ(b.peer.certificate->uri, kUriA);
  EXPECT_EQ(b.peer.certificate->subject, "CN = DeviceA");
  EXPECT_EQ(b.peer.certificate->not_after, kNow + hours(24 * 365));
  EXPECT_TRUE(a.peer.key_id.empty());
  EXPECT_TRUE(a.transport->send(as_bytes("over certificates")));
  ASSERT_TRUE(until([&] { return b.received == 17; }));
}

TEST_F(Certificates, RsaOf2048BitsIsGood) {
  pair.b = make({.key = rsa_key(2048)}, &pair.ca);
  End a(loop, lower(), context_of_files(pair.files_a()));
  End b(loop, higher(), context_of_files(pair.files_b()));
  ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
}

TEST_F(Certificates, EachWrongOneHasItsVerdict) {
  const auto credentials = Credentials::load(pair.files_a(), kNow).value();
  EXPECT_TRUE(credentials->judge_peer(pair.b.cert.get(), {}, kNow).ok());
  for (const Wrong& wrong : wrong_certificates()) {
    const Identity shown = make_wrong(wrong);
    std::vector<X509*> further;
    if (wrong.issued == Wrong::By::intermediate) further.push_back(between_ca.cert.get());
    const Verdict verdict = credentials->judge_peer(shown.cert.get(), further, kNow);
    EXPECT_EQ(name_of(verdict.failure), name_of(wrong.failure)) << wrong.name;
    EXPECT_NE(verdict.detail.find(wrong.sentence), std::string::npos) << verdict.detail;
  }
}

TEST_F(Certificates, EachWrongOneIsRefusedByTheListenerWithItsOwnReason) {
  const CredentialFiles files = pair.files_a();
  for (const Wrong& wrong : wrong_certificates()) {
    SCOPED_TRACE(wrong.name);
    if (!wrong.shown_in_tls) continue;
    const Identity shown = make_wrong(wrong);
    asio::ssl::context client =
        showing(shown, asio::ssl::context::tls_client, wrong.issued == Wrong::By::intermediate);
    const std::string said = a_hears(client, wrong.failure, files);
    EXPECT_NE(said.find(wrong.sentence), std::string::npos) << said;
  }
}

TEST_F(Certificates, EachWrongOneIsRefusedByTheDiallerWithItsOwnReason) {
  const CredentialFiles files = pair.files_a();
  for (const Wrong& wrong : wrong_certificates()) {
    SCOPED_TRACE(wrong.name);
    if (!wrong.shown_in_tls) continue;
    const Identity shown = make_wrong(wrong);
    asio::ssl::context server =
        showing(shown, asio::ssl::context::tls_server, wrong.issued == Wrong::By::intermediate);
    const std::string said = a_dials(server, wrong.failure, files);
    EXPECT_NE(said.find(wrong.sentence), std::string::npos) << said;
  }
}

TEST_F(Certificates, ThePeerHearsWhyItsOwnIsRefused) {
  // B's clock is a year and a day late, so A's certificate is expired there.
  const CredentialFiles files_b = pair.files_b();
  const auto credentials = Credentials::load(files_b, kNow);
  ASSERT_TRUE(credentials.has_value());
  const WallTime late = kNow + hours(24 * 366);
  const auto context_b = Context::create(*credentials, [late] { return late; }).value();
  End a(loop, lower(), context_of_files(pair.files_a()));
  End b(loop, higher(), context_b);
  ASSERT_TRUE(until([&] { return a.has_failed(Failure::certificate_refused); }));
  EXPECT_EQ(b.failed.front(), Failure::expired);
  EXPECT_EQ(describe(a.failed.back(), a.detail),
            "the peer refused this node's certificate (it says that it is expired or not valid "
            "yet)");
  EXPECT_EQ(a.connected + b.connected, 0) << "nobody is connected before the verdict is known";
}

TEST_F(Certificates, OnlyTls12) {
  asio::ssl::context client = showing(pair.b, asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(client.native_handle(), TLS1_2_VERSION);
  a_hears(client, Failure::version, pair.files_a());
  asio::ssl::context server = showing(pair.b, asio::ssl::context::tls_server);
  SSL_CTX_set_max_proto_version(server.native_handle(), TLS1_2_VERSION);
  a_dials(server, Failure::version, pair.files_a());
}

TEST_F(Certificates, AClientWithoutACertificate) {
  asio::ssl::context client(asio::ssl::context::tls_client);
  a_hears(client, Failure::no_certificate, pair.files_a());
}

TEST_F(Certificates, APairKeyMeetsCertificates) {
  End b(loop, higher(), context_of_files(pair.files_b()));
  End a(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a.has_failed(Failure::certificate) && !b.failed.empty(); }));
  EXPECT_EQ(b.failed.front(), Failure::pair_key_offered) << b.detail;
  EXPECT_EQ(a.connected + b.connected, 0);
}

TEST_F(Certificates, ACertificateMeetsPairKeys) {
  End b(loop, higher(), context_with({key(1)}));
  End a(loop, lower(), context_of_files(pair.files_a()));
  ASSERT_TRUE(
      until([&] { return a.has_failed(Failure::certificate_refused) && !b.failed.empty(); }));
  EXPECT_EQ(b.failed.front(), Failure::no_key) << b.detail;
  EXPECT_NE(a.detail.find("it may be configured with a pair key"), std::string::npos) << a.detail;
}

TEST_F(Certificates, ARevokedOneAndAListOutOfDate) {
  CredentialFiles files = pair.files_a();
  asio::ssl::context client = showing(pair.b, asio::ssl::context::tls_client);
  files.crl = pair.folder.put("crl.pem", crl(pair.ca, pair.b.cert, hours(24)));
  EXPECT_EQ(a_hears(client, Failure::revoked, files), "peer certificate was revoked");
  // A list that revokes nobody lets the pair connect.
  files.crl = pair.folder.put("crl.pem", crl(pair.ca, nullptr, hours(24)));
  {
    End a(loop, lower(), context_of_files(files));
    End b(loop, higher(), context_of_files(pair.files_b()));
    ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
  }
  files.crl = pair.folder.put("crl.pem", crl(pair.ca, nullptr, -hours(1)));
  const auto stale = Credentials::load(files, kNow);
  ASSERT_FALSE(stale.has_value());
  EXPECT_NE(stale.error().detail.find("the list of revoked certificates cannot be used"),
            std::string::npos)
      << stale.error().detail;
}

TEST_F(Certificates, AForgedSignatureOfACaWithTheSameName) {
  // Same name and key id as the pair's CA, another key.
  Identity forged{ec_key(), pair.ca.cert};
  const Identity shown = make({}, &forged);
  asio::ssl::context client = showing(shown, asio::ssl::context::tls_client);
  const std::string said = a_hears(client, Failure::wrong_ca, pair.files_a());
  EXPECT_NE(said.find("has a forged signature"), std::string::npos) << said;
}

TEST_F(Certificates, TwoCasBesideEachOtherWhileTheCaChanges) {
  CredentialFiles files = pair.files_a();
  files.trusted_cas = {pair.folder.put("both.pem", pem(pair.ca.cert) + pem(other_ca.cert))};
  PairOfNodes next;
  CredentialFiles files_b = pair.files_b();
  const Identity renewed = make({}, &other_ca);
  files_b.certificate = pair.folder.put("b2.pem", pem(renewed.cert));
  files_b.key = pair.folder.put("b2.key", pem(renewed.key));
  files_b.trusted_cas = files.trusted_cas;
  End a(loop, lower(), context_of_files(files));
  End b(loop, higher(), context_of_files(files_b));
  ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
}

}  // namespace
}  // namespace hotpair::rbs::tls
