#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hotpair::rbs::tls {

/// Why a handshake or a connection failed, as the operator reads it.
enum class Failure : std::uint8_t {
  none,
  wrong_key,            ///< same key id, another secret
  unknown_key,          ///< the peer dials with a key that is not in our file
  no_key,               ///< the peer did not offer a pair key
  certificate,          ///< the peer showed a certificate instead of the pair key: an impostor
  version,              ///< the peer has no TLS 1.3
  not_tls,              ///< what came is not TLS
  rejected,             ///< the peer refused us: usually it has another key
  handshake_timeout,    ///< connected, then silent
  refused,              ///< nobody listens
  unreachable,          ///< no route, or no answer
  peer_closed,          ///< an orderly end
  reset,                ///< the connection broke
  replaced,             ///< the peer made a newer connection
  tls_error,            ///< anything else of TLS
  malformed,            ///< authenticated, but what it says is no stream of ours
  pair_key_offered,     ///< the peer dials with a pair key; certificates are configured here
  no_certificate,       ///< the peer showed none
  certificate_refused,  ///< the peer did not accept ours
  // What is wrong with the peer's certificate; the detail names values.
  expired,
  not_yet_valid,
  wrong_ca,  ///< not issued by a CA of the policy
  self_signed,
  intermediate,     ///< issued through another certificate, not by the CA itself
  no_name,          ///< no SAN URI
  wrong_name,       ///< a SAN URI, of somebody else
  no_server_use,    ///< EKU serverAuth is missing
  no_client_use,    ///< EKU clientAuth is missing
  wrong_key_usage,  ///< keyUsage without digitalSignature
  weak_key,
  weak_signature,
  is_ca,  ///< basicConstraints CA:TRUE
  revoked,
  revocation_list,  ///< the CRL itself is out of date or not the CA's
  ca_expired,       ///< the CA's own certificate is not valid now
  bad_certificate,  ///< anything else
  kCount
};
/// A stable sentence per failure: what it is and what to do.
[[nodiscard]] const char* to_string(Failure failure);
/// A stable word per failure, for counters: "wrong-key".
[[nodiscard]] std::string_view name_of(Failure failure);
/// The sentence with its values: of a certificate the detail is the sentence, else it is added.
[[nodiscard]] std::string describe(Failure failure, const std::string& detail);

}  // namespace hotpair::rbs::tls
