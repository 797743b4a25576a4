#include "rbs/tls/authority.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "rbs/tls/certificate_rules.h"
#include "rbs/tls/files.h"

namespace hotpair::rbs::tls {

namespace {

constexpr std::size_t kNodeNameMax = 63;
constexpr std::size_t kUriMax = 200;
constexpr int kSerialBits = 127;  // positive, and beyond guessing (RFC 5280 4.1.2.2)
/// Clocks of the two nodes may differ a little.
constexpr std::chrono::hours kBackdated{1};

struct Made {
  Owned<EVP_PKEY, EVP_PKEY_free> key;
  Owned<X509, X509_free> certificate;
};

std::unexpected<Error> openssl_failed(std::string_view what) {
  const char* text = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return fail(ErrorCode::unsupported,
              fmt::format("{}: {}", what, text == nullptr ? "refused" : text));
}

std::string pem_of(X509* certificate) {
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!out || PEM_write_bio_X509(out.get(), certificate) != 1) return {};
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<void> write_key(const std::filesystem::path& path, EVP_PKEY* key, Existing existing) {
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_secmem()));
  if (!out || PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_failed("key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return write_file(path, "key file", {data, static_cast<std::size_t>(size)}, 0600, existing);
}

bool add(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::time_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

bool random_serial(X509* certificate) {
  const Owned<BIGNUM, BN_free> number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

/// A fresh key and a certificate for it, not signed yet.
Result<Made> begin(const std::string& name, WallTime now, std::chrono::days life) {
  Made made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  if (!made.key || certificate == nullptr || X509_set_version(certificate, X509_VERSION_3) != 1 ||
      !random_serial(certificate) ||
      ASN1_TIME_set(X509_getm_notBefore(certificate), seconds_of(now - kBackdated)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), seconds_of(now + life)) == nullptr ||
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                 0) != 1 ||
      X509_set_pubkey(certificate, made.key.get()) != 1)
    return openssl_failed("certificate");
  return made;
}

Result<void> sign(const Made& made, X509* issuer, EVP_PKEY* key,
                  std::span<const std::pair<int, std::string>> extensions) {
  X509* certificate = made.certificate.get();
  bool is_ready = X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1;
  for (const auto& [nid, value] : extensions)
    is_ready = is_ready && add(certificate, issuer, nid, value);
  if (!is_ready || X509_sign(certificate, key, EVP_sha256()) <= 0)
    return openssl_failed("certificate");
  return {};
}

Result<Made> load_authority(const std::filesystem::path& folder) {
  SecretText certificate;
  SecretText key;
  if (auto got = read_file(folder / "ca.pem", "CA", Privacy::open, Credentials::kFileBytesMax,
                           certificate);
      !got) {
    if (got.error().code == ErrorCode::not_found)
      return fail(ErrorCode::not_found,
                  fmt::format("there is no CA in {}: run hotpair pair ca init", folder.native()));
    return std::unexpected(got.error());
  }
  if (auto got =
          read_file(folder / "ca.key", "CA key", Privacy::secret, Credentials::kFileBytesMax, key);
      !got)
    return std::unexpected(got.error());
  const auto reading = [](const std::string& text) {
    return Owned<BIO, BIO_free_all>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  };
  Made made;
  made.certificate.reset(
      PEM_read_bio_X509(reading(certificate.text).get(), nullptr, nullptr, nullptr));
  made.key.reset(PEM_read_bio_PrivateKey(
      reading(key.text).get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
  if (!made.certificate || !made.key ||
      X509_check_private_key(made.certificate.get(), made.key.get()) != 1)
    return openssl_failed(fmt::format("the CA in {} is damaged", folder.native()));
  return made;
}

bool is_plain(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
}

Result<void> check_request(const IssueRequest& request, const std::string& uri) {
  const bool plain = !request.node.empty() && request.node.size() <= kNodeNameMax &&
                     request.node.front() != '.' && std::ranges::all_of(request.node, is_plain);
  if (!plain || request.node == "ca")
    return fail(ErrorCode::malformed,
                fmt::format("'{}' cannot name a node's files: up to {} letters, digits, '-', '_' "
                            "and '.', and not 'ca'",
                            request.node, kNodeNameMax));
  // OpenSSL's own text form of extensions has commas and colons of its own.
  const auto is_uri_letter = [](char letter) {
    return is_plain(letter) || std::string_view(":/@?=&%~+").find(letter) != std::string_view::npos;
  };
  if (uri.size() > kUriMax || uri.find(':') == std::string::npos || uri.front() == ':' ||
      !std::ranges::all_of(uri, is_uri_letter))
    return fail(ErrorCode::malformed, fmt::format("'{}' is no URI", uri));
  return {};
}

}  // namespace

std::string default_uri(const std::string& node) { return "hotpair:node:" + node; }

Result<CertificateFacts> create_authority(const std::filesystem::path& folder,
                                          const std::string& name, WallTime now) {
  Result<Made> made = begin(name, now, kAuthorityLife);
  if (!made) return std::unexpected(made.error());
  const std::array<std::pair<int, std::string>, 3> extensions{
      {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
       {NID_key_usage, "critical,keyCertSign,cRLSign"},
       {NID_subject_key_identifier, "hash"}}};
  if (const auto signed_by = sign(*made, made->certificate.get(), made->key.get(), extensions);
      !signed_by)
    return std::unexpected(signed_by.error());
  if (const auto written = write_key(folder / "ca.key", made->key.get(), Existing::keep);
      !written) {
    if (written.error().code != ErrorCode::exists) return std::unexpected(written.error());
    return fail(ErrorCode::exists,
                written.error().detail + "; make another CA in another folder, and let both nodes "
                                         "trust both while the certificates change");
  }
  if (const auto written = write_file(folder / "ca.pem", "CA", pem_of(made->certificate.get()),
                                      0644, Existing::keep);
      !written)
    return std::unexpected(written.error());
  return facts_of(made->certificate.get());
}

Result<CertificateFacts> issue_certificate(const std::filesystem::path& folder,
                                           const IssueRequest& request, WallTime now) {
  const std::string uri = request.uri.empty() ? default_uri(request.node) : request.uri;
  if (const auto checked = check_request(request, uri); !checked)
    return std::unexpected(checked.error());
  Result<Made> ca = load_authority(folder);
  if (!ca) return std::unexpected(ca.error());
  Result<Made> made = begin(request.node, now, request.life);
  if (!made) return std::unexpected(made.error());
  const std::array<std::pair<int, std::string>, 6> extensions{
      {{NID_basic_constraints, "critical,CA:FALSE"},
       {NID_key_usage, "critical,digitalSignature"},
       {NID_ext_key_usage, "serverAuth,clientAuth"},
       {NID_subject_key_identifier, "hash"},
       {NID_authority_key_identifier, "keyid:always"},
       {NID_subject_alt_name, "URI:" + uri}}};
  if (const auto done = sign(*made, ca->certificate.get(), ca->key.get(), extensions); !done)
    return std::unexpected(done.error());
  if (const auto written =
          write_key(folder / (request.node + ".key"), made->key.get(), Existing::replace);
      !written)
    return std::unexpected(written.error());
  if (const auto written = write_file(folder / (request.node + ".pem"), "certificate",
                                      pem_of(made->certificate.get()), 0644, Existing::replace);
      !written)
    return std::unexpected(written.error());
  return facts_of(made->certificate.get());
}

}  // namespace hotpair::rbs::tls
