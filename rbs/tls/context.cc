#include "rbs/tls/context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/system/system_error.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace hotpair::rbs::tls {

namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr std::string_view kSessionContext = "hotpair-rbs";
constexpr const char* kSuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::array<unsigned char, 2> kSuiteOfKey{0x13, 0x01};  // TLS_AES_128_GCM_SHA256
constexpr std::size_t kShownBytesMax = 16U << 10U;  // of certificates that a peer may show
constexpr int kShownMax = 8;
constexpr unsigned kPskExtension = 41;  // pre_shared_key (RFC 8446 4.2.11)

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Where a Context and a HandshakeNote hang: app_data belongs to Asio.
int context_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}
int note_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}
const Context& context_of(SSL* connection) {
  return *static_cast<const Context*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), context_slot()));
}
HandshakeNote* note_of(SSL* connection) {
  return static_cast<HandshakeNote*>(SSL_get_ex_data(connection, note_slot()));
}

/// A TLS 1.3 session that stands for the key (RFC 8446 4.2.11, external PSK), or nullptr.
SSL_SESSION* session_of(SSL* connection, const PairKey& key) {
  SSL_SESSION* session = SSL_SESSION_new();
  if (session == nullptr) return nullptr;
  const SSL_CIPHER* suite = SSL_CIPHER_find(connection, kSuiteOfKey.data());
  const ByteSpan secret = key.secret();
  // The id context must be the SSL_CTX's, else one side or the other refuses the session.
  if (suite != nullptr &&
      SSL_SESSION_set1_master_key(session, reinterpret_cast<const unsigned char*>(secret.data()),
                                  secret.size()) == 1 &&
      SSL_SESSION_set_cipher(session, suite) == 1 &&
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1 &&
      SSL_SESSION_set1_id_context(session, raw(kSessionContext),
                                  static_cast<unsigned>(kSessionContext.size())) == 1)
    return session;
  SSL_SESSION_free(session);
  return nullptr;
}

int use_key(SSL* connection, const EVP_MD* digest, const unsigned char** id, std::size_t* id_length,
            SSL_SESSION** session) {
  *session = nullptr;
  // Without a digest the first ClientHello is made; with another one than ours no key fits.
  if (digest != nullptr && EVP_MD_is_a(digest, "SHA256") != 1) return 1;
  const PairKey& key = context_of(connection).keys()->first();
  *session = session_of(connection, key);
  if (*session == nullptr) return 0;
  *id = raw(key.id());
  *id_length = key.id().size();
  if (HandshakeNote* note = note_of(connection)) note->key_id = key.id();
  return 1;
}

int find_key(SSL* connection, const unsigned char* id, std::size_t id_length,
             SSL_SESSION** session) {
  *session = nullptr;
  const std::string_view name(reinterpret_cast<const char*>(id), id_length);
  const PairKey* key = context_of(connection).keys()->find(name);
  HandshakeNote* note = note_of(connection);
  if (key == nullptr) {
    if (note != nullptr) note->unknown_key = true;
    return 1;
  }
  *session = session_of(connection, *key);
  if (*session == nullptr) return 0;
  if (note != nullptr) note->key_id = key->id();
  return 1;
}

bool harden(SSL_CTX* context) {
  SSL_CTX_clear_options(context, SSL_OP_ALLOW_NO_DHE_KEX);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // No CA is ever loaded here: with pair keys every certificate is refused, with certificates they
  // have a judge of their own.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(context, kSuites) == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_recv_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_session_id_context(context, raw(kSessionContext),
                                        static_cast<unsigned>(kSessionContext.size())) == 1;
}

// ---- certificates ----

/// The alert that tells the peer what is wrong (RFC 8446 6.2) comes from OpenSSL's own code.
int verify_code(Failure failure) {
  switch (failure) {
    case Failure::expired: return X509_V_ERR_CERT_HAS_EXPIRED;
    case Failure::not_yet_valid: return X509_V_ERR_CERT_NOT_YET_VALID;
    case Failure::self_signed: return X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    case Failure::wrong_ca:
    case Failure::intermediate: return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
    case Failure::no_server_use:
    case Failure::no_client_use:
    case Failure::wrong_key_usage:
    case Failure::is_ca: return X509_V_ERR_INVALID_PURPOSE;
    case Failure::revoked: return X509_V_ERR_CERT_REVOKED;
    case Failure::no_name:
    case Failure::wrong_name: return X509_V_ERR_HOSTNAME_MISMATCH;
    default: return X509_V_ERR_CERT_REJECTED;
  }
}

/// In place of OpenSSL's verification of the chain that the peer showed.
int judge_shown(X509_STORE_CTX* shown, void*) {
  auto* connection = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(shown, SSL_get_ex_data_X509_STORE_CTX_idx()));
  HandshakeNote* note = connection == nullptr ? nullptr : note_of(connection);
  X509* certificate = X509_STORE_CTX_get0_cert(shown);
  if (note == nullptr || certificate == nullptr) return 0;
  std::vector<X509*> further;
  const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(shown);
  for (int i = 0; i < std::min(sk_X509_num(sent), kShownMax); ++i)
    if (X509* one = sk_X509_value(sent, i); one != certificate) further.push_back(one);
  const Context& context = context_of(connection);
  note->verdict = context.credentials()->judge_peer(certificate, further, context.wall_now());
  if (!note->verdict.ok()) {
    X509_STORE_CTX_set_error(shown, verify_code(note->verdict.failure));
    return 0;
  }
  note->certificate = facts_of(certificate);
  X509_STORE_CTX_set_error(shown, X509_V_OK);
  return 1;
}

/// Sees whether the dialler wants to use a pair key.
int look_at_hello(SSL* connection, int*, void*) {
  const unsigned char* body = nullptr;
  std::size_t size = 0;
  if (HandshakeNote* note = note_of(connection))
    note->pair_key_offered =
        SSL_client_hello_get0_ext(connection, kPskExtension, &body, &size) == 1;
  return SSL_CLIENT_HELLO_SUCCESS;
}

// ---- what failures mean ----

/// What the peer's alert says about our certificate; nullptr: it is about something else.
const char* said_of_certificate(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
    case SSL_AD_CERTIFICATE_EXPIRED: return "it says that it is expired or not valid yet";
    case SSL_AD_CERTIFICATE_REVOKED: return "it says that it was revoked";
    case SSL_AD_UNKNOWN_CA: return "it says that it does not trust its issuer";
    case SSL_AD_UNSUPPORTED_CERTIFICATE: return "it says that it is for another use";
    case SSL_AD_BAD_CERTIFICATE: return "it says that it names somebody else or is weak";
    case SSL_AD_CERTIFICATE_UNKNOWN: return "it does not say why";
    case SSL_AD_CERTIFICATE_REQUIRED: return "it says that none was shown";
    default: return nullptr;
  }
}

Failure no_suitable_suite(const HandshakeNote* note) {
  if (note == nullptr) return Failure::tls_error;
  if (note->pair_key_offered) return Failure::pair_key_offered;
  if (note->by_certificate) return Failure::tls_error;
  return note->unknown_key ? Failure::unknown_key : Failure::no_key;
}

/// What the queue of OpenSSL's own errors means.
Failure classify_tls(int reason, const HandshakeNote* note) {
  const bool by_certificate = note != nullptr && note->by_certificate;
  switch (reason) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return by_certificate ? Failure::tls_error : Failure::wrong_key;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return Failure::certificate;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return Failure::no_certificate;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE: return Failure::version;
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_CIPHER: return no_suitable_suite(note);
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_RECORD_TOO_SMALL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
      return note != nullptr ? Failure::not_tls : Failure::tls_error;
    default: break;
  }
  // Alerts of the peer are reasons from 1000 on.
  return note != nullptr && reason > SSL_AD_REASON_OFFSET ? Failure::rejected : Failure::tls_error;
}

/// An end of the handshake that the peer brought about.
Verdict turned_away(const HandshakeNote& note, const std::string& how) {
  if (note.pair_key_offered) return {Failure::pair_key_offered, ""};
  if (!note.by_certificate) return {Failure::rejected, how};
  return {Failure::certificate_refused, how + "; it may be configured with a pair key"};
}

}  // namespace

Context::Context() : client_(ssl::context::tls_client), server_(ssl::context::tls_server) {}
Context::~Context() = default;

Result<std::shared_ptr<Context>> Context::create(PairKeys keys) {
  try {
    std::shared_ptr<Context> context(new Context);
    context->keys_ = std::move(keys);
    if (const Result<void> prepared = context->prepare(); !prepared)
      return std::unexpected(prepared.error());
    return context;
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::unsupported, fmt::format("TLS: {}", error.what()));
  }
}

Result<std::shared_ptr<Context>> Context::create(std::shared_ptr<const Credentials> credentials,
                                                 Clock clock) {
  try {
    std::shared_ptr<Context> context(new Context);
    context->credentials_ = std::move(credentials);
    context->clock_ = std::move(clock);
    if (const Result<void> prepared = context->prepare(); !prepared)
      return std::unexpected(prepared.error());
    return context;
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::unsupported, fmt::format("TLS: {}", error.what()));
  }
}

Result<void> Context::prepare() {
  bool is_ready = true;
  for (SSL_CTX* context : {client_.native_handle(), server_.native_handle()})
    is_ready = is_ready && harden(context) &&
               SSL_CTX_set_ex_data(context, context_slot(), this) == 1;
  is_ready = is_ready && (keys_ ? prepare_keys() : prepare_certificates());
  if (is_ready) return {};
  const char* text = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return fail(ErrorCode::unsupported, fmt::format("TLS 1.3 with {}: {}",
                                                  keys_ ? "a pair key" : "certificates",
                                                  text == nullptr ? "refused" : text));
}

bool Context::prepare_keys() {
  SSL_CTX_set_psk_use_session_callback(client_.native_handle(), use_key);
  SSL_CTX_set_psk_find_session_callback(server_.native_handle(), find_key);
  return true;
}

bool Context::prepare_certificates() {
  for (SSL_CTX* context : {client_.native_handle(), server_.native_handle()}) {
    if (SSL_CTX_use_certificate(context, credentials_->certificate()) != 1 ||
        SSL_CTX_use_PrivateKey(context, credentials_->key()) != 1)
      return false;
    SSL_CTX_set_cert_verify_callback(context, judge_shown, nullptr);
    SSL_CTX_set_max_cert_list(context, kShownBytesMax);
    // Nothing is sent along with the certificate: the CA is known to the peer or of no use.
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  }
  SSL_CTX_set_client_hello_cb(server_.native_handle(), look_at_hello, nullptr);
  return true;
}

void attach(SSL* connection, HandshakeNote& note) {
  note.by_certificate = context_of(connection).credentials() != nullptr;
  static_cast<void>(SSL_set_ex_data(connection, note_slot(), &note));
}

Verdict classify(const error_code& error, const HandshakeNote* note) {
  namespace asio = boost::asio;
  if (!error) return {};
  if (note != nullptr && !note->verdict.ok()) return note->verdict;
  const std::string text = error.message();
  if (error == asio::error::connection_refused) return {Failure::refused, text};
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable ||
      error == asio::error::network_down || error == asio::error::timed_out ||
      error == boost::system::errc::address_not_available)
    return {Failure::unreachable, text};
  if (error.category() == asio::error::get_ssl_category()) {
    const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
    if (const char* said = said_of_certificate(reason);
        said != nullptr && note != nullptr && note->by_certificate && !note->pair_key_offered)
      return {Failure::certificate_refused, said};
    const Failure failure = classify_tls(reason, note);
    return failure == Failure::rejected ? turned_away(*note, text) : Verdict{failure, text};
  }
  const bool is_end = error == asio::error::eof || error == ssl::error::stream_truncated;
  if (note != nullptr && is_end) return turned_away(*note, text);
  return {error == asio::error::eof ? Failure::peer_closed : Failure::reset, text};
}

Result<std::string> check_authenticated(SSL* connection, const HandshakeNote& note) {
  if (SSL_version(connection) != TLS1_3_VERSION)
    return fail(ErrorCode::refused, "the connection is not TLS 1.3");
  const bool reused = SSL_session_reused(connection) == 1;
  if (note.by_certificate) {
    if (reused || !note.certificate || SSL_get0_peer_certificate(connection) == nullptr)
      return fail(ErrorCode::refused, "the peer did not prove a certificate");
  } else if (!reused || note.key_id.empty()) {
    return fail(ErrorCode::refused, "the peer did not prove the pair key");
  }
  return std::string(SSL_get_cipher_name(connection));
}

bool request_key_update(SSL* connection) {
  return SSL_key_update(connection, SSL_KEY_UPDATE_REQUESTED) == 1;
}

}  // namespace hotpair::rbs::tls
