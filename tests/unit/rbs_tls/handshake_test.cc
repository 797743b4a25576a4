#include <openssl/evp.h>
#include <openssl/x509.h>

#include "stranger.h"

namespace hotpair::rbs::tls {
namespace {

/// A context of somebody else, with a fresh self-signed certificate.
void give_certificate(SSL_CTX* context) {
  EVP_PKEY* pair = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("hotpair"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, pair);
  X509_sign(certificate, pair, EVP_sha256());
  ASSERT_EQ(SSL_CTX_use_certificate(context, certificate), 1);
  ASSERT_EQ(SSL_CTX_use_PrivateKey(context, pair), 1);
  X509_free(certificate);
  EVP_PKEY_free(pair);
}

class Handshake : public Tls {
 protected:
  /// A client of `context` meets the listener; the listener's failures afterwards.
  std::vector<Failure> client_meets_listener(asio::ssl::context& context) {
    End listener(loop, higher(), context_with({key(1)}));
    Stranger stranger(loop, kLower, kHigher, port);
    EXPECT_TRUE(stranger.connect());
    stranger.handshake(context, asio::ssl::stream_base::client);
    EXPECT_TRUE(until([&] { return !listener.failed.empty(); }));
    EXPECT_EQ(listener.connected, 0);
    return listener.failed;
  }
  /// The dialler meets a server of `context`.
  std::vector<Failure> dialler_meets_server(asio::ssl::context& context) {
    Stranger stranger(loop, kHigher, kLower, port);
    stranger.on_taken = [&] { stranger.handshake(context, asio::ssl::stream_base::server); };
    stranger.listen();
    End dialler(loop, lower(), context_with({key(1)}));
    EXPECT_TRUE(until([&] { return !dialler.failed.empty(); }));
    EXPECT_EQ(dialler.connected, 0);
    return {dialler.failed.front()};
  }
  using One = std::vector<Failure>;
};

TEST_F(Handshake, GoodKey) {
  End a(loop, lower(), context_with({key(1)}));
  End b(loop, higher(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
  EXPECT_TRUE(a.transport->is_dialler());
  EXPECT_FALSE(b.transport->is_dialler());
  EXPECT_TRUE(a.peer.dialled);
  EXPECT_FALSE(b.peer.dialled);
  EXPECT_EQ(a.peer.address.to_string(), kHigher);
  EXPECT_EQ(b.peer.address.to_string(), kLower);
  EXPECT_EQ(a.peer.key_id, key(1).id());
  EXPECT_EQ(b.peer.key_id, key(1).id());
  EXPECT_EQ(a.peer.cipher, "TLS_AES_128_GCM_SHA256");
}

TEST_F(Handshake, AnotherKey) {
  End a(loop, lower(), context_with({key(1)}));
  End b(loop, higher(), context_with({key(2)}));
  ASSERT_TRUE(until([&] { return a.has_failed(Failure::rejected) && !b.failed.empty(); }));
  EXPECT_EQ(b.failed.front(), Failure::unknown_key);
  EXPECT_EQ(a.connected + b.connected, 0);
  EXPECT_GE(b.transport->statistics().failures[static_cast<std::size_t>(Failure::unknown_key)], 1U);
}

/// Uses the id of key 1 with a secret of its own.
int forge(SSL* connection, const EVP_MD*, const unsigned char** id, std::size_t* length,
          SSL_SESSION** session) {
  static const std::string name = key(1).id();
  const std::array<unsigned char, 2> suite{0x13, 0x01};
  const std::array<unsigned char, 32> secret{};
  *session = SSL_SESSION_new();
  SSL_SESSION_set1_master_key(*session, secret.data(), secret.size());
  SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(connection, suite.data()));
  SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
  *id = reinterpret_cast<const unsigned char*>(name.data());
  *length = name.size();
  return 1;
}

TEST_F(Handshake, TheRightIdWithAnotherSecret) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_psk_use_session_callback(context.native_handle(), forge);
  EXPECT_EQ(client_meets_listener(context), One{Failure::wrong_key});
}

TEST_F(Handshake, AClientWithoutAKey) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  EXPECT_EQ(client_meets_listener(context), One{Failure::no_key});
}

TEST_F(Handshake, AnImpostorWithACertificateDials) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  give_certificate(context.native_handle());
  EXPECT_EQ(client_meets_listener(context), One{Failure::no_key});
}

TEST_F(Handshake, AnImpostorWithACertificateListens) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  give_certificate(context.native_handle());
  EXPECT_EQ(dialler_meets_server(context), One{Failure::certificate});
}

TEST_F(Handshake, OnlyTls12) {
  asio::ssl::context client(asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(client.native_handle(), TLS1_2_VERSION);
  EXPECT_EQ(client_meets_listener(client), One{Failure::version});
  asio::ssl::context server(asio::ssl::context::tls_server);
  give_certificate(server.native_handle());
  SSL_CTX_set_max_proto_version(server.native_handle(), TLS1_2_VERSION);
  EXPECT_EQ(dialler_meets_server(server), One{Failure::version});
}

TEST_F(Handshake, PlainTextGarbage) {
  for (const char* text : {"GET / HTTP/1.1\r\n\r\n", "hello router, this is no TLS at all\n",
                           "\x16\x03\x01\xff\xff\x01\x01\x01\x01\x01\x01\x01"}) {
    End listener(loop, higher(), context_with({key(1)}));
    Stranger stranger(loop, kLower, kHigher, port);
    ASSERT_TRUE(stranger.connect());
    stranger.say(text);
    ASSERT_TRUE(until([&] { return !listener.failed.empty(); }));
    EXPECT_EQ(listener.failed, One{Failure::not_tls}) << text;
  }
  Stranger server(loop, kHigher, kLower, port);
  server.on_taken = [&] { server.say("220 mail ready for you today\r\n"); };
  server.listen();
  End dialler(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return !dialler.failed.empty(); }));
  EXPECT_EQ(dialler.failed.front(), Failure::not_tls);
}

TEST_F(Handshake, ASilentPeerTimesOut) {
  TransportConfig config = higher();
  config.handshake_timeout = std::chrono::milliseconds(100);
  End listener(loop, config, context_with({key(1)}));
  Stranger client(loop, kLower, kHigher, port);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(until([&] { return !listener.failed.empty(); }));
  EXPECT_EQ(listener.failed, One{Failure::handshake_timeout});
  listener.transport.reset();

  Stranger server(loop, kHigher, kLower, port);
  server.listen();
  config = lower();
  config.handshake_timeout = std::chrono::milliseconds(100);
  End dialler(loop, config, context_with({key(1)}));
  ASSERT_TRUE(until([&] { return !dialler.failed.empty(); }));
  EXPECT_EQ(dialler.failed.front(), Failure::handshake_timeout);
}

TEST_F(Handshake, SilentPeersAreLimitedAndDoNotKeepTheRightOneOut) {
  TransportConfig config = higher();
  config.handshakes_max = 3;
  config.handshake_timeout = std::chrono::milliseconds(300);
  End listener(loop, config, context_with({key(1)}));
  std::vector<std::unique_ptr<Stranger>> silent;
  for (int i = 0; i < 5; ++i) {
    silent.push_back(std::make_unique<Stranger>(loop, kLower, kHigher, port));
    ASSERT_TRUE(silent.back()->connect());
  }
  ASSERT_TRUE(until([&] { return listener.transport->statistics().handshakes_limited == 2; }));
  End dialler(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return listener.connected == 1 && listener.failed.size() == 3; }));
}

TEST_F(Handshake, OnlyThePeersAddressGetsAsFarAsTls) {
  End listener(loop, higher(), context_with({key(1)}));
  Stranger stranger(loop, "127.0.0.3", kHigher, port);
  ASSERT_TRUE(stranger.connect());
  ASSERT_TRUE(until([&] { return listener.transport->statistics().foreign_peers == 1; }));
  EXPECT_TRUE(listener.failed.empty());
}

TEST_F(Handshake, NobodyListens) {
  End dialler(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return dialler.failed.size() >= 3; }));
  EXPECT_EQ(dialler.failed.front(), Failure::refused);
}

TEST_F(Handshake, AnAddressThatThisNodeDoesNotHave) {
  End dialler(loop, config("203.0.113.77", "203.0.113.78"), context_with({key(1)}));
  End listener(loop, config("203.0.113.78", "203.0.113.77"), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return dialler.failed.size() >= 2 && listener.failed.size() >= 2; }))
      << dialler.failed.size() << ' ' << listener.failed.size() << ' ' << dialler.connected;
  EXPECT_EQ(dialler.failed.front(), Failure::unreachable);
  EXPECT_EQ(listener.failed.front(), Failure::unreachable);
  EXPECT_TRUE(listener.detail.starts_with("cannot listen on 203.0.113.78 port"));
}

TEST_F(Handshake, RotationDropsNothing) {
  End b(loop, higher(), context_with({key(1)}));
  End a(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
  b.transport->set_context(context_with({key(2), key(1)}));
  a.transport->set_context(context_with({key(2), key(1)}));
  ASSERT_TRUE(a.transport->send(as_bytes("still here")));
  ASSERT_TRUE(until([&] { return b.received == 10; }));
  EXPECT_TRUE(a.closed.empty());
  a.transport->close();
  ASSERT_TRUE(until([&] { return a.connected == 2 && b.connected == 2; }));
  EXPECT_EQ(a.peer.key_id, key(2).id());
}

TEST_F(Handshake, AServerListAcceptsAPeerThatDialsTheOldKey) {
  End b(loop, higher(), context_with({key(2), key(1)}));
  End a(loop, lower(), context_with({key(1)}));
  ASSERT_TRUE(until([&] { return a.connected == 1 && b.connected == 1; }));
  EXPECT_EQ(b.peer.key_id, key(1).id());
}

TEST(FailureText, EveryFailureHasOne) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Failure::kCount); ++i)
    EXPECT_STRNE(to_string(static_cast<Failure>(i)), "unknown") << i;
}

}  // namespace
}  // namespace hotpair::rbs::tls
