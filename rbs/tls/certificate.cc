#include "rbs/tls/certificate.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "rbs/tls/certificate_rules.h"

namespace hotpair::rbs::tls {

namespace {

constexpr int kSecurityBitsMin = 112;  // RSA 2048, SHA-224 (NIST SP 800-57 part 1)

std::string taken(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string name_text(const X509_NAME* name) {
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE) < 0) return {};
  return taken(out.get());
}

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string serial_text(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return hex(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

std::string key_text(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unreadable";
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {}", type == nullptr ? "unknown" : type, EVP_PKEY_get_bits(key));
}

std::string sha256_of(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  return hex(digest, size);
}

WallTime wall_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  // Beyond the year 2262 nanoseconds do not reach; that is late enough for every alarm.
  constexpr std::int64_t kLatest = 9'000'000'000;
  return WallTime(std::chrono::seconds(std::clamp<std::int64_t>(::timegm(&parts), 0, kLatest)));
}

bool issued_by(X509* certificate, X509* issuer) {
  return X509_check_issued(issuer, certificate) == X509_V_OK;
}

// ---- one rule each, in the order in which they are asked ----

using Rule = Verdict (*)(const Judged&);

Verdict refuse(const Judged& about, Failure failure, const std::string& text) {
  return {failure, about.whose + " certificate " + text};
}

Verdict not_self_signed(const Judged& about) {
  if ((X509_get_extension_flags(about.certificate) & EXFLAG_SS) == 0) return {};
  return refuse(about, Failure::self_signed,
                "is self-signed, expected one that the pair's CA issued");
}

Verdict no_authority(const Judged& about) {
  // Not X509_check_ca(): it says no where keyUsage does not allow to sign certificates.
  if ((X509_get_extension_flags(about.certificate) & EXFLAG_CA) == 0) return {};
  return refuse(about, Failure::is_ca, "is that of a CA (basicConstraints CA:TRUE), not of a node");
}

Verdict issued_directly(const Judged& about) {
  const auto is_issuer = [&](X509* ca) { return issued_by(about.certificate, ca); };
  if (std::ranges::any_of(about.cas, is_issuer)) return {};
  if (std::ranges::any_of(about.further, is_issuer))
    return refuse(about, Failure::intermediate,
                  fmt::format("was issued by the intermediate {}, expected by a CA of the policy "
                              "itself",
                              name_text(X509_get_issuer_name(about.certificate))));
  return refuse(about, Failure::wrong_ca,
                fmt::format("was issued by {}, which is not a trusted CA of the policy",
                            name_text(X509_get_issuer_name(about.certificate))));
}

Verdict strong_key(const Judged& about) {
  const EVP_PKEY* key = X509_get0_pubkey(about.certificate);
  if (key != nullptr && EVP_PKEY_get_security_bits(key) >= kSecurityBitsMin) return {};
  return refuse(about, Failure::weak_key,
                fmt::format("has a weak key ({}), expected EC 256 or RSA 2048 at least",
                            key_text(about.certificate)));
}

Verdict strong_signature(const Judged& about) {
  int digest = NID_undef;
  int bits = 0;
  if (X509_get_signature_info(about.certificate, &digest, nullptr, &bits, nullptr) == 1 &&
      bits >= kSecurityBitsMin)
    return {};
  return refuse(about, Failure::weak_signature,
                fmt::format("has a weak signature ({}), expected SHA-256 at least",
                            OBJ_nid2sn(X509_get_signature_nid(about.certificate))));
}

Verdict valid_now(const Judged& about) {
  const WallTime from = wall_of(X509_get0_notBefore(about.certificate));
  const WallTime until = wall_of(X509_get0_notAfter(about.certificate));
  if (about.now < from)
    return refuse(about, Failure::not_yet_valid,
                  fmt::format("is not valid before {}; this node's clock says {}", utc_text(from),
                              utc_text(about.now)));
  if (about.now > until)
    return refuse(about, Failure::expired,
                  fmt::format("expired on {}; this node's clock says {}", utc_text(until),
                              utc_text(about.now)));
  return {};
}

Verdict may_sign(const Judged& about) {
  // Without the extension every use is allowed (RFC 5280 4.2.1.3): all bits are set then.
  if ((X509_get_key_usage(about.certificate) & X509v3_KU_DIGITAL_SIGNATURE) != 0) return {};
  return refuse(about, Failure::wrong_key_usage,
                "may not sign handshakes: key usage digitalSignature is missing");
}

Verdict both_uses(const Judged& about) {
  const std::uint32_t uses = X509_get_extended_key_usage(about.certificate);
  // Absent means "any" to others; a certificate of a pair says both.
  const bool said = (X509_get_extension_flags(about.certificate) & EXFLAG_XKUSAGE) != 0;
  if (!said || (uses & XKU_SSL_SERVER) == 0)
    return refuse(about, Failure::no_server_use,
                  "is not for servers: extended key usage serverAuth is missing");
  if ((uses & XKU_SSL_CLIENT) == 0)
    return refuse(about, Failure::no_client_use,
                  "is not for clients: extended key usage clientAuth is missing");
  return {};
}

Verdict one_name(const Judged& about) {
  const std::vector<std::string> uris = uris_of(about.certificate);
  if (uris.empty()) return refuse(about, Failure::no_name, "names nobody: no SAN URI");
  if (uris.size() > 1)
    return refuse(about, Failure::wrong_name,
                  fmt::format("names {} and {}, expected one name", uris[0], uris[1]));
  if (about.expected_uri != nullptr && uris[0] != *about.expected_uri)
    return refuse(about, Failure::wrong_name,
                  fmt::format("names {}, expected {}", uris[0], *about.expected_uri));
  return {};
}

constexpr Rule kRules[] = {not_self_signed, no_authority,     issued_directly,
                           strong_key,      strong_signature, valid_now,
                           may_sign,        both_uses,        one_name};

/// What OpenSSL's own verification found where the rules above did not.
Verdict translate(const Judged& about, int error, int depth) {
  const char* text = X509_verify_cert_error_string(error);
  const std::string ca = "the CA of " + about.whose + " certificate";
  switch (error) {
    case X509_V_ERR_CERT_REVOKED:
      return refuse(about, Failure::revoked, "was revoked");
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return {Failure::revocation_list,
              fmt::format("{} certificate: the list of revoked certificates cannot be used: {}",
                          about.whose, text)};
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      if (depth > 0) return {Failure::ca_expired, fmt::format("{}: {}", ca, text)};
      break;
    case X509_V_ERR_CA_KEY_TOO_SMALL:
      return {Failure::weak_key, ca + " has a weak key"};
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return refuse(about, Failure::wrong_ca,
                    fmt::format("has a forged signature: {} did not issue it",
                                name_text(X509_get_issuer_name(about.certificate))));
    default:
      break;
  }
  return refuse(about, Failure::bad_certificate, fmt::format("cannot be used: {}", text));
}

/// Signature, validity of the CA and revocation, by OpenSSL; nothing but the policy's CAs is
/// trusted.
Verdict verify_chain(const Judged& about) {
  const Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), about.store, about.certificate, nullptr) != 1)
    return refuse(about, Failure::bad_certificate, "cannot be used: out of memory");
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(
      rules,
      std::chrono::duration_cast<std::chrono::seconds>(about.now.time_since_epoch()).count());
  X509_VERIFY_PARAM_set_depth(rules, 0);
  X509_VERIFY_PARAM_set_auth_level(rules, 2);
  // A CA of the policy is an anchor whoever issued it; a CRL is asked for if there is one.
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE;
  if (about.has_crl) flags |= X509_V_FLAG_CRL_CHECK;
  X509_VERIFY_PARAM_set_flags(rules, flags);
  if (X509_verify_cert(context.get()) == 1) return {};
  return translate(about, X509_STORE_CTX_get_error(context.get()),
                   X509_STORE_CTX_get_error_depth(context.get()));
}

}  // namespace

Verdict judge(const Judged& about) {
  for (const Rule rule : kRules)
    if (Verdict verdict = rule(about); !verdict.ok()) return verdict;
  return verify_chain(about);
}

std::vector<std::string> uris_of(X509* certificate) {
  std::vector<std::string> uris;
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
    std::string uri(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                    static_cast<std::size_t>(ASN1_STRING_length(text)));
    // A zero byte or a line break must not make one name look like another.
    for (char& letter : uri)
      if (letter <= ' ' || letter > '~') letter = '?';
    uris.push_back(std::move(uri));
  }
  return uris;
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.subject = name_text(X509_get_subject_name(certificate));
  facts.issuer = name_text(X509_get_issuer_name(certificate));
  if (const auto uris = uris_of(certificate); !uris.empty()) facts.uri = uris.front();
  facts.serial = serial_text(certificate);
  facts.key = key_text(certificate);
  facts.fingerprint = sha256_of(certificate);
  facts.not_before = wall_of(X509_get0_notBefore(certificate));
  facts.not_after = wall_of(X509_get0_notAfter(certificate));
  return facts;
}

std::string utc_text(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%F %T UTC", &parts) == 0)
    return "an unknown time";
  return text;
}

}  // namespace hotpair::rbs::tls
