#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "platform/base/result.h"
#include "rbs/tls/pair_key.h"

namespace hotpair::rbs::tls {

/// Both ends of TLS 1.3 with the pair key as external PSK and an ephemeral exchange (RFC 8446 2.2,
/// psk_dhe_ke), and nothing else: no certificate, ticket, early data or older version. Connections
/// keep the context that they were made from, so keys change without dropping one.
class Context {
 public:
  [[nodiscard]] static Result<std::shared_ptr<Context>> create(PairKeys keys);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Dials with the first key.
  [[nodiscard]] boost::asio::ssl::context& client() { return client_; }
  /// Accepts every key.
  [[nodiscard]] boost::asio::ssl::context& server() { return server_; }
  [[nodiscard]] const PairKeys& keys() const { return keys_; }

 private:
  explicit Context(PairKeys keys);
  [[nodiscard]] Result<void> prepare();
  PairKeys keys_;
  boost::asio::ssl::context client_;
  boost::asio::ssl::context server_;
};

/// Why a handshake or a connection failed, as the operator reads it.
enum class Failure : std::uint8_t {
  none,
  wrong_key,         ///< same key id, another secret
  unknown_key,       ///< the peer dials with a key that is not in our file
  no_key,            ///< the peer did not offer a pair key
  certificate,       ///< the peer showed a certificate instead of the pair key: an impostor
  version,           ///< the peer has no TLS 1.3
  not_tls,           ///< what came is not TLS
  rejected,          ///< the peer refused us: usually it has another key
  handshake_timeout, ///< connected, then silent
  refused,           ///< nobody listens
  unreachable,       ///< no route, or no answer
  peer_closed,       ///< an orderly end
  reset,             ///< the connection broke
  replaced,          ///< the peer made a newer connection
  tls_error,         ///< anything else of TLS
  kCount
};
/// A stable sentence per failure: what it is and what to do.
[[nodiscard]] const char* to_string(Failure failure);

/// What the pair-key callbacks saw during one handshake; lives as long as the connection.
struct HandshakeNote {
  std::string key_id;        ///< the key in use
  bool unknown_key = false;  ///< the peer offered a key that is not in our file
};
/// Ties the note to a connection before its handshake.
void attach(SSL* ssl, HandshakeNote& note);

/// Maps an error of a connection to what it means. `note` only before the peer was authenticated.
[[nodiscard]] Failure classify(const boost::system::error_code& error, const HandshakeNote* note);

/// After the handshake: refused unless the peer proved the pair key (the session is the PSK's) over
/// TLS 1.3. The cipher's name otherwise.
[[nodiscard]] Result<std::string> check_authenticated(SSL* ssl, const HandshakeNote& note);

/// Asks for new traffic keys in both directions with the next write (RFC 8446 4.6.3).
[[nodiscard]] bool request_key_update(SSL* ssl);

}  // namespace hotpair::rbs::tls
