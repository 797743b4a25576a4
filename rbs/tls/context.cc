#include "rbs/tls/context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/system/system_error.hpp>
#include <string_view>
#include <utility>

namespace hotpair::rbs::tls {

namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr std::string_view kSessionContext = "hotpair-rbs";
constexpr const char* kSuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::array<unsigned char, 2> kSuiteOfKey{0x13, 0x01};  // TLS_AES_128_GCM_SHA256

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
  const PairKey& key = context_of(connection).keys().first();
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
  const PairKey* key = context_of(connection).keys().find(name);
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
  // No CA is ever loaded: whoever shows a certificate instead of the pair key is refused.
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

/// What the queue of OpenSSL's own errors means.
Failure classify_tls(int reason, const HandshakeNote* note) {
  switch (reason) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR: return Failure::wrong_key;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return Failure::certificate;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE: return Failure::version;
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_CIPHER:
      return note != nullptr && note->unknown_key ? Failure::unknown_key : Failure::no_key;
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

}  // namespace

Context::Context(PairKeys keys)
    : keys_(std::move(keys)), client_(ssl::context::tls_client), server_(ssl::context::tls_server) {
}
Context::~Context() = default;

Result<std::shared_ptr<Context>> Context::create(PairKeys keys) {
  try {
    std::shared_ptr<Context> context(new Context(std::move(keys)));
    if (const Result<void> prepared = context->prepare(); !prepared)
      return std::unexpected(prepared.error());
    return context;
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::unsupported, fmt::format("TLS: {}", error.what()));
  }
}

Result<void> Context::prepare() {
  for (SSL_CTX* context : {client_.native_handle(), server_.native_handle()}) {
    if (harden(context) && SSL_CTX_set_ex_data(context, context_slot(), this) == 1) continue;
    const unsigned long error = ERR_get_error();
    const char* text = ERR_reason_error_string(error);
    return fail(ErrorCode::unsupported,
                fmt::format("TLS 1.3 with a pair key: {}", text == nullptr ? "refused" : text));
  }
  SSL_CTX_set_psk_use_session_callback(client_.native_handle(), use_key);
  SSL_CTX_set_psk_find_session_callback(server_.native_handle(), find_key);
  return {};
}

void attach(SSL* connection, HandshakeNote& note) {
  static_cast<void>(SSL_set_ex_data(connection, note_slot(), &note));
}

Failure classify(const error_code& error, const HandshakeNote* note) {
  namespace asio = boost::asio;
  if (!error) return Failure::none;
  if (error == asio::error::connection_refused) return Failure::refused;
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable ||
      error == asio::error::network_down || error == asio::error::timed_out ||
      error == boost::system::errc::address_not_available)
    return Failure::unreachable;
  if (error.category() == asio::error::get_ssl_category())
    return classify_tls(ERR_GET_REASON(static_cast<unsigned long>(error.value())), note);
  const bool is_end = error == asio::error::eof || error == ssl::error::stream_truncated;
  if (note != nullptr && is_end) return Failure::rejected;
  return error == asio::error::eof ? Failure::peer_closed : Failure::reset;
}

Result<std::string> check_authenticated(SSL* connection, const HandshakeNote& note) {
  if (SSL_version(connection) != TLS1_3_VERSION)
    return fail(ErrorCode::refused, "the connection is not TLS 1.3");
  if (SSL_session_reused(connection) != 1 || note.key_id.empty())
    return fail(ErrorCode::refused, "the peer did not prove the pair key");
  return std::string(SSL_get_cipher_name(connection));
}

bool request_key_update(SSL* connection) {
  return SSL_key_update(connection, SSL_KEY_UPDATE_REQUESTED) == 1;
}

const char* to_string(Failure failure) {
  switch (failure) {
    case Failure::none: return "closed by this node";
    case Failure::wrong_key: return "wrong pair key: copy the file from one node to the other";
    case Failure::unknown_key: return "the peer uses a pair key that is not in this node's file";
    case Failure::no_key: return "the peer did not offer a pair key";
    case Failure::certificate: return "the peer showed a certificate instead of the pair key";
    case Failure::version: return "the peer does not speak TLS 1.3";
    case Failure::not_tls: return "the peer does not speak TLS";
    case Failure::rejected: return "the peer refused: most likely its pair key is another one";
    case Failure::handshake_timeout: return "the peer did not answer in time";
    case Failure::refused: return "connection refused: hotpaird does not listen at the peer";
    case Failure::unreachable: return "the peer's address or this node's own is not reachable";
    case Failure::peer_closed: return "closed by the peer";
    case Failure::reset: return "connection lost";
    case Failure::replaced: return "replaced by a newer connection of the peer";
    case Failure::tls_error: return "TLS error";
    case Failure::kCount: break;
  }
  return "unknown";
}

}  // namespace hotpair::rbs::tls
