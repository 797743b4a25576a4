#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "platform/base/result.h"
#include "platform/base/time.h"
#include "rbs/tls/certificate.h"
#include "rbs/tls/failure.h"
#include "rbs/tls/pair_key.h"

namespace hotpair::rbs::tls {

/// Both ends of TLS 1.3 (RFC 8446), both authenticated, in one of two ways and no other:
///
/// - by the pair key as external PSK with an ephemeral exchange (RFC 8446 2.2, psk_dhe_ke);
/// - by certificates of the pair's own CA.
///
/// No ticket, early data, renegotiation or older version. Connections keep the context that they
/// were made from, so keys and certificates change without dropping one.
class Context {
 public:
  using Clock = std::function<WallTime()>;

  [[nodiscard]] static Result<std::shared_ptr<Context>> create(PairKeys keys);
  /// `clock` tells the wall time that certificates are judged by.
  [[nodiscard]] static Result<std::shared_ptr<Context>> create(
      std::shared_ptr<const Credentials> credentials, Clock clock);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Dials with the first key, or with the certificate.
  [[nodiscard]] boost::asio::ssl::context& client() { return client_; }
  /// Accepts every key, or the certificate of the peer.
  [[nodiscard]] boost::asio::ssl::context& server() { return server_; }
  /// Empty with certificates.
  [[nodiscard]] const std::optional<PairKeys>& keys() const { return keys_; }
  /// nullptr with pair keys.
  [[nodiscard]] const Credentials* credentials() const { return credentials_.get(); }
  [[nodiscard]] WallTime wall_now() const { return clock_(); }

 private:
  Context();
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] bool prepare_keys();
  [[nodiscard]] bool prepare_certificates();
  std::optional<PairKeys> keys_;
  std::shared_ptr<const Credentials> credentials_;
  Clock clock_;
  boost::asio::ssl::context client_;
  boost::asio::ssl::context server_;
};

/// What the callbacks saw during one handshake; lives as long as the connection.
struct HandshakeNote {
  std::string key_id;                           ///< the pair key in use
  bool unknown_key = false;                     ///< the peer offered a key that is not in our file
  bool by_certificate = false;                  ///< this node wants certificates
  bool pair_key_offered = false;                ///< the peer wants to use a pair key
  Verdict verdict;                              ///< on the peer's certificate
  std::optional<CertificateFacts> certificate;  ///< of the peer, once it was accepted
};
/// Ties the note to a connection before its handshake.
void attach(SSL* ssl, HandshakeNote& note);

/// Maps an error of a connection to what it means. `note` only before the peer was authenticated.
[[nodiscard]] Verdict classify(const boost::system::error_code& error, const HandshakeNote* note);

/// After the handshake: refused unless the peer proved the pair key (the session is the PSK's), or
/// showed a certificate that was accepted, over TLS 1.3. The cipher's name otherwise.
[[nodiscard]] Result<std::string> check_authenticated(SSL* ssl, const HandshakeNote& note);

/// Asks for new traffic keys in both directions with the next write (RFC 8446 4.6.3).
[[nodiscard]] bool request_key_update(SSL* ssl);

}  // namespace hotpair::rbs::tls
