#include "rbs/tls/failure.h"

#include <array>
#include <cstddef>

namespace hotpair::rbs::tls {

namespace {

struct Row {
  Failure failure;
  std::string_view name;
  const char* text;
};

constexpr std::array kRows{
    Row{Failure::none, "none", "closed by this node"},
    Row{Failure::wrong_key, "wrong-key",
        "wrong pair key: copy the file from one node to the other"},
    Row{Failure::unknown_key, "unknown-key",
        "the peer uses a pair key that is not in this node's file"},
    Row{Failure::no_key, "no-key", "the peer did not offer a pair key"},
    Row{Failure::certificate, "certificate-instead-of-key",
        "the peer showed a certificate instead of the pair key"},
    Row{Failure::version, "tls-version", "the peer does not speak TLS 1.3"},
    Row{Failure::not_tls, "not-tls", "the peer does not speak TLS"},
    Row{Failure::rejected, "rejected", "the peer refused: most likely its pair key is another one"},
    Row{Failure::handshake_timeout, "handshake-timeout", "the peer did not answer in time"},
    Row{Failure::refused, "connection-refused",
        "connection refused: hotpaird does not listen at the peer"},
    Row{Failure::unreachable, "unreachable",
        "the peer's address or this node's own is not reachable"},
    Row{Failure::peer_closed, "closed-by-peer", "closed by the peer"},
    Row{Failure::reset, "connection-lost", "connection lost"},
    Row{Failure::replaced, "replaced", "replaced by a newer connection of the peer"},
    Row{Failure::tls_error, "tls-error", "TLS error"},
    Row{Failure::malformed, "malformed-stream",
        "malformed: what the peer says is no stream of hotpair"},
    Row{Failure::pair_key_offered, "key-instead-of-certificate",
        "the peer dials with a pair key, but an ssl-policy is configured here"},
    Row{Failure::no_certificate, "no-certificate", "the peer showed no certificate"},
    Row{Failure::certificate_refused, "certificate-refused-by-peer",
        "the peer refused this node's certificate"},
    Row{Failure::expired, "certificate-expired", "peer certificate expired"},
    Row{Failure::not_yet_valid, "certificate-not-yet-valid", "peer certificate is not valid yet"},
    Row{Failure::wrong_ca, "certificate-wrong-ca",
        "peer certificate was not issued by a trusted CA of the ssl policy"},
    Row{Failure::self_signed, "certificate-self-signed", "peer certificate is self-signed"},
    Row{Failure::intermediate, "certificate-intermediate",
        "peer certificate was issued by an intermediate, not by the pair's CA itself"},
    Row{Failure::no_name, "certificate-no-name", "peer certificate names nobody: no SAN URI"},
    Row{Failure::wrong_name, "certificate-wrong-name", "peer certificate names somebody else"},
    Row{Failure::no_server_use, "certificate-no-server-use",
        "peer certificate is not for servers: extended key usage serverAuth is missing"},
    Row{Failure::no_client_use, "certificate-no-client-use",
        "peer certificate is not for clients: extended key usage clientAuth is missing"},
    Row{Failure::wrong_key_usage, "certificate-key-usage",
        "peer certificate may not sign handshakes: key usage digitalSignature is missing"},
    Row{Failure::weak_key, "certificate-weak-key", "peer certificate has a weak key"},
    Row{Failure::weak_signature, "certificate-weak-signature",
        "peer certificate has a weak signature"},
    Row{Failure::is_ca, "certificate-is-ca", "peer certificate is that of a CA, not of a node"},
    Row{Failure::revoked, "certificate-revoked", "peer certificate was revoked"},
    Row{Failure::revocation_list, "revocation-list",
        "the list of revoked certificates cannot be used"},
    Row{Failure::ca_expired, "ca-expired", "the CA's own certificate is not valid now"},
    Row{Failure::bad_certificate, "certificate-bad", "peer certificate cannot be used"}};

static_assert(kRows.size() == static_cast<std::size_t>(Failure::kCount));

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].failure) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

const char* to_string(Failure failure) {
  return failure < Failure::kCount ? kRows[static_cast<std::size_t>(failure)].text : "unknown";
}

std::string_view name_of(Failure failure) {
  return failure < Failure::kCount ? kRows[static_cast<std::size_t>(failure)].name : "unknown";
}

std::string describe(Failure failure, const std::string& detail) {
  if (detail.empty()) return to_string(failure);
  if (failure >= Failure::expired) return detail;
  return std::string(to_string(failure)) + " (" + detail + ")";
}

}  // namespace hotpair::rbs::tls
