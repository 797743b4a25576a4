#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rbs/tls/certificate.h"
#include "rbs/tls/certificate_rules.h"
#include "rbs/tls/context.h"
#include "rbs/tls/files.h"

/// Certificates with one property wrong, made by OpenSSL's API while the test runs.
namespace hotpair::rbs::tls {

using KeyPair = std::shared_ptr<EVP_PKEY>;
using Cert = std::shared_ptr<X509>;
using std::chrono::hours;

inline KeyPair own_key(EVP_PKEY* key) {
  return {key, [](EVP_PKEY* old) { EVP_PKEY_free(old); }};
}
inline Cert own_cert(X509* cert) {
  return {cert, [](X509* old) { X509_free(old); }};
}
inline KeyPair ec_key() { return own_key(EVP_EC_gen("P-256")); }
inline KeyPair rsa_key(unsigned bits) { return own_key(EVP_RSA_gen(bits)); }

/// The time at which everything here is judged.
inline const WallTime kNow = WallTime(std::chrono::seconds(1'800'000'000));  // 2027-01-15 08:00:00
inline const std::string kUriA = "hotpair:node:DeviceA";
inline const std::string kUriB = "hotpair:node:DeviceB";

/// A key and its certificate.
struct Identity {
  KeyPair key;
  Cert cert;
};

/// What to make; the defaults are right for node B.
struct Recipe {
  std::string name = "DeviceB";
  std::vector<std::string> uris{kUriB};
  std::string basic = "critical,CA:FALSE";
  std::string usage = "critical,digitalSignature";
  std::string extended = "serverAuth,clientAuth";
  Duration from = -hours(24);
  Duration until = hours(24 * 365);
  KeyPair key;  ///< none: a fresh EC key
  const EVP_MD* digest = EVP_sha256();
};
inline Recipe authority_recipe(const std::string& name) {
  Recipe recipe;
  recipe.name = name;
  recipe.uris.clear();
  recipe.basic = "critical,CA:TRUE";
  recipe.usage = "critical,keyCertSign,cRLSign";
  recipe.extended.clear();
  return recipe;
}

inline void add_extension(X509* cert, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

inline void set_time(ASN1_TIME* time, Duration from_now) {
  ASN1_TIME_set(
      time, std::chrono::duration_cast<std::chrono::seconds>((kNow + from_now).time_since_epoch())
                .count());
}

/// `issuer` none: self-signed.
inline Identity make(const Recipe& recipe, const Identity* issuer) {
  static long serial = 1;
  const Identity made{recipe.key ? recipe.key : ec_key(), own_cert(X509_new())};
  X509* cert = made.cert.get();
  X509* ca = issuer != nullptr ? issuer->cert.get() : cert;
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  set_time(X509_getm_notBefore(cert), recipe.from);
  set_time(X509_getm_notAfter(cert), recipe.until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(recipe.name.c_str()), -1, -1,
                             0);
  X509_set_pubkey(cert, made.key.get());
  X509_set_issuer_name(cert, X509_get_subject_name(ca));
  add_extension(cert, ca, NID_subject_key_identifier, "hash");
  add_extension(cert, ca, NID_authority_key_identifier, issuer != nullptr ? "keyid:always" : "");
  add_extension(cert, ca, NID_basic_constraints, recipe.basic);
  add_extension(cert, ca, NID_key_usage, recipe.usage);
  add_extension(cert, ca, NID_ext_key_usage, recipe.extended);
  std::string names;
  for (const std::string& uri : recipe.uris) names += (names.empty() ? "URI:" : ",URI:") + uri;
  add_extension(cert, ca, NID_subject_alt_name, names);
  EVP_PKEY* signing = issuer != nullptr ? issuer->key.get() : made.key.get();
  EXPECT_GT(X509_sign(cert, signing, recipe.digest), 0);
  return made;
}

inline std::string pem(const Cert& cert) {
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), cert.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
inline std::string pem(const KeyPair& key) {
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
/// A list that revokes `revoked`, valid from a day ago until `until`.
inline std::string crl(const Identity& ca, const Cert& revoked, Duration until) {
  const Owned<X509_CRL, X509_CRL_free> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(ca.cert.get()));
  const Owned<ASN1_TIME, ASN1_TIME_free> time(ASN1_TIME_new());
  set_time(time.get(), -hours(24));
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  set_time(time.get(), until);
  X509_CRL_set1_nextUpdate(list.get(), time.get());
  if (revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked.get()));
    set_time(time.get(), -hours(1));
    X509_REVOKED_set_revocationDate(entry, time.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  EXPECT_GT(X509_CRL_sign(list.get(), ca.key.get(), EVP_sha256()), 0);
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(out.get(), list.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// A folder of files that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "certs-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return path_ / name; }
  std::filesystem::path put(const std::string& name, const std::string& text,
                            mode_t mode = 0600) const {
    const auto written = write_file(path(name), "test", text, mode, Existing::replace);
    EXPECT_TRUE(written.has_value());
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

/// A pair with its CA: node A and node B.
class PairOfNodes {
 public:
  PairOfNodes()
      : ca(make(authority_recipe("pair CA"), nullptr)),
        a(make({.name = "DeviceA", .uris = {kUriA}}, &ca)),
        b(make({}, &ca)) {}

  /// Files for `identity`, who expects `peer_uri`.
  [[nodiscard]] CredentialFiles files(const std::string& who, const Identity& identity,
                                      const std::string& peer_uri) const {
    return {.certificate = folder.put(who + ".pem", pem(identity.cert), 0644),
            .key = folder.put(who + ".key", pem(identity.key)),
            .key_kind = EVP_PKEY_is_a(identity.key.get(), "RSA") == 1 ? "rsa" : "ecdsa",
            .trusted_cas = {folder.put("ca.pem", pem(ca.cert), 0644)},
            .crl = {},
            .peer_uri = peer_uri};
  }
  [[nodiscard]] CredentialFiles files_a() const { return files("a", a, kUriB); }
  [[nodiscard]] CredentialFiles files_b() const { return files("b", b, kUriA); }

  Folder folder;
  Identity ca;
  Identity a;
  Identity b;
};

inline std::shared_ptr<Context> context_of_files(const CredentialFiles& files,
                                                 WallTime now = kNow) {
  const auto credentials = Credentials::load(files, now);
  EXPECT_TRUE(credentials.has_value()) << credentials.error().detail;
  return Context::create(*credentials, [now] { return now; }).value();
}

}  // namespace hotpair::rbs::tls
