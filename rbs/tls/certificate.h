#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/result.h"
#include "platform/base/time.h"
#include "rbs/tls/failure.h"

// OpenSSL's types, by name only.
using X509 = struct x509_st;
using EVP_PKEY = struct evp_pkey_st;

namespace hotpair::rbs::tls {

/// What a certificate says, for displays and alarms.
struct CertificateFacts {
  std::string subject;  ///< "CN = DeviceA"
  std::string issuer;
  std::string uri;          ///< SAN URI; of a CA empty
  std::string serial;       ///< hex digits
  std::string key;          ///< "EC 256", "RSA 2048"
  std::string fingerprint;  ///< SHA-256, hex digits
  WallTime not_before;
  WallTime not_after;
  friend bool operator==(const CertificateFacts&, const CertificateFacts&) = default;
};

/// Where the credentials of one `ssl policy` are.
struct CredentialFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::string key_kind;  ///< "rsa" or "ecdsa"
  std::vector<std::filesystem::path> trusted_cas;
  std::optional<std::filesystem::path> crl;
  std::string peer_uri;  ///< whom the peer's certificate must name
};

struct Verdict {
  Failure failure = Failure::none;
  std::string detail;  ///< the whole sentence
  [[nodiscard]] bool ok() const { return failure == Failure::none; }
};

/// The credentials of one policy, read and checked. Never changes once loaded; rotation is another
/// object. A certificate, own or peer's, must be issued directly by one of the trusted CAs (several
/// may stand beside each other while the CA changes), be valid now, have a key of 112 bits of
/// security or more and such a signature, keyUsage digitalSignature, both extended key usages, not
/// be a CA, and name exactly one SAN URI (RFC 5280 4.2.1). The system's CAs are never consulted.
class Credentials {
 public:
  static constexpr std::size_t kFileBytesMax = 64U << 10U;
  static constexpr std::size_t kCasMax = 8;

  /// Reads the files and checks them as the peer would check them. The key file must be a secret.
  [[nodiscard]] static Result<std::shared_ptr<const Credentials>> load(const CredentialFiles& files,
                                                                       WallTime now);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  [[nodiscard]] const CertificateFacts& own() const { return own_; }
  [[nodiscard]] const std::vector<CertificateFacts>& cas() const { return cas_; }
  [[nodiscard]] const std::string& peer_uri() const { return files_.peer_uri; }
  /// Changes whenever any of the files says something else.
  [[nodiscard]] const std::string& digest() const { return digest_; }
  [[nodiscard]] X509* certificate() const;
  [[nodiscard]] EVP_PKEY* key() const;

  /// Whether the peer may be who shows `shown`, followed by `further` certificates, at `now`.
  [[nodiscard]] Verdict judge_peer(X509* shown, const std::vector<X509*>& further,
                                   WallTime now) const;

 private:
  struct Store;
  Credentials();
  [[nodiscard]] Result<void> read_certificate();
  [[nodiscard]] Result<void> read_key();
  [[nodiscard]] Result<void> read_cas();
  [[nodiscard]] Result<void> read_crl();
  [[nodiscard]] Result<void> read_all(WallTime now);
  void add_to_digest(std::string_view text);

  CredentialFiles files_;
  std::unique_ptr<Store> store_;
  CertificateFacts own_;
  std::vector<CertificateFacts> cas_;
  std::string digest_;
};

/// Subject, names, key and validity of a certificate.
[[nodiscard]] CertificateFacts facts_of(X509* certificate);
/// "2026-11-21 08:00:00 UTC"
[[nodiscard]] std::string utc_text(WallTime time);

}  // namespace hotpair::rbs::tls
