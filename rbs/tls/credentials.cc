#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "rbs/tls/certificate_rules.h"
#include "rbs/tls/files.h"

namespace hotpair::rbs::tls {

namespace {

std::unexpected<Error> about(const std::filesystem::path& path, std::string_view what,
                             const std::string& text) {
  return fail(ErrorCode::malformed, fmt::format("{} {}: {}", what, path.native(), text));
}

/// How often a PEM block of that kind begins.
std::size_t blocks(std::string_view text, std::string_view kind) {
  const std::string line = fmt::format("-----BEGIN {}-----", kind);
  std::size_t count = 0;
  for (std::size_t at = text.find(line); at != std::string_view::npos;
       at = text.find(line, at + line.size()))
    ++count;
  return count;
}

Owned<BIO, BIO_free_all> reading(std::string_view text) {
  return Owned<BIO, BIO_free_all>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// An encrypted key asks for a passphrase; nobody is there to answer.
int no_passphrase(char*, int, int, void*) { return -1; }

using Certificate = Owned<X509, X509_free>;

Result<std::vector<Certificate>> certificates_in(const std::filesystem::path& path,
                                                 std::string_view what, std::string_view text) {
  std::vector<Certificate> found;
  const std::size_t count = blocks(text, "CERTIFICATE");
  if (count == 0) return about(path, what, "there is no PEM certificate in it");
  const auto memory = reading(text);
  for (std::size_t i = 0; i < count; ++i) {
    Certificate one(PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr));
    if (!one) {
      ERR_clear_error();
      return about(path, what, fmt::format("PEM certificate {} of {} is damaged", i + 1, count));
    }
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace

struct Credentials::Store {
  Certificate certificate;
  Owned<EVP_PKEY, EVP_PKEY_free> key;
  std::vector<Certificate> cas;
  std::vector<X509*> ca_pointers;
  Owned<X509_STORE, X509_STORE_free> anchors{X509_STORE_new()};
  bool has_crl = false;
};

Credentials::Credentials() : store_(std::make_unique<Store>()) {}
Credentials::~Credentials() = default;

X509* Credentials::certificate() const { return store_->certificate.get(); }
EVP_PKEY* Credentials::key() const { return store_->key.get(); }

void Credentials::add_to_digest(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const std::string all = digest_ + std::string(text);
  if (EVP_Digest(all.data(), all.size(), digest, &size, EVP_sha256(), nullptr) != 1) return;
  digest_.assign(reinterpret_cast<const char*>(digest), size);
}

Result<void> Credentials::read_certificate() {
  SecretText file;
  if (auto got = read_file(files_.certificate, "certificate", Privacy::open, kFileBytesMax, file);
      !got)
    return got;
  auto found = certificates_in(files_.certificate, "certificate", file.text);
  if (!found) return std::unexpected(found.error());
  if (found->size() != 1)
    return about(files_.certificate, "certificate",
                 fmt::format("{} certificates in it, expected one: the CA issues it directly",
                             found->size()));
  store_->certificate = std::move(found->front());
  own_ = facts_of(certificate());
  add_to_digest(own_.fingerprint);
  return {};
}

Result<void> Credentials::read_key() {
  SecretText file;
  if (auto got = read_file(files_.key, "key file", Privacy::secret, kFileBytesMax, file); !got)
    return got;
  const std::size_t count = blocks(file.text, "PRIVATE KEY") + blocks(file.text, "EC PRIVATE KEY") +
                            blocks(file.text, "RSA PRIVATE KEY");
  if (blocks(file.text, "ENCRYPTED PRIVATE KEY") > 0 ||
      file.text.find("Proc-Type: 4,ENCRYPTED") != std::string::npos)
    return about(files_.key, "key file", "the key is encrypted; a daemon has nobody to ask");
  if (count != 1)
    return about(files_.key, "key file",
                 fmt::format("{} PEM private keys in it, expected one", count));
  const auto memory = reading(file.text);
  store_->key.reset(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr));
  if (!store_->key) {
    ERR_clear_error();
    return about(files_.key, "key file", "the PEM private key is damaged");
  }
  const bool is_rsa = EVP_PKEY_is_a(key(), "RSA") == 1;
  if (is_rsa != (files_.key_kind == "rsa"))
    return about(files_.key, "key file",
                 fmt::format("it holds a key of kind {}, but the policy says key-pair {}",
                             is_rsa ? "rsa" : "ecdsa", files_.key_kind));
  if (X509_check_private_key(certificate(), key()) != 1) {
    ERR_clear_error();
    return about(
        files_.key, "key file",
        fmt::format("the key does not belong to certificate {}", files_.certificate.native()));
  }
  return {};
}

Result<void> Credentials::read_cas() {
  for (const std::filesystem::path& path : files_.trusted_cas) {
    SecretText file;
    if (auto got = read_file(path, "trusted-ca", Privacy::open, kFileBytesMax, file); !got)
      return got;
    auto found = certificates_in(path, "trusted-ca", file.text);
    if (!found) return std::unexpected(found.error());
    for (Certificate& ca : *found) {
      if (X509_check_ca(ca.get()) == 0)
        return about(path, "trusted-ca",
                     fmt::format("{} is no CA (basicConstraints)", facts_of(ca.get()).subject));
      if (store_->cas.size() == kCasMax)
        return about(path, "trusted-ca", fmt::format("more than {} CAs", kCasMax));
      if (X509_STORE_add_cert(store_->anchors.get(), ca.get()) != 1)
        return about(path, "trusted-ca", "cannot be used");
      cas_.push_back(facts_of(ca.get()));
      add_to_digest(cas_.back().fingerprint);
      store_->ca_pointers.push_back(ca.get());
      store_->cas.push_back(std::move(ca));
    }
  }
  return {};
}

Result<void> Credentials::read_crl() {
  if (!files_.crl) return {};
  SecretText file;
  if (auto got = read_file(*files_.crl, "crl", Privacy::open, kFileBytesMax, file); !got)
    return got;
  const std::size_t count = blocks(file.text, "X509 CRL");
  if (count == 0) return about(*files_.crl, "crl", "there is no PEM list in it");
  const auto memory = reading(file.text);
  for (std::size_t i = 0; i < count; ++i) {
    const Owned<X509_CRL, X509_CRL_free> crl(
        PEM_read_bio_X509_CRL(memory.get(), nullptr, no_passphrase, nullptr));
    if (!crl || X509_STORE_add_crl(store_->anchors.get(), crl.get()) != 1) {
      ERR_clear_error();
      return about(*files_.crl, "crl", fmt::format("PEM list {} of {} is damaged", i + 1, count));
    }
  }
  store_->has_crl = true;
  add_to_digest(file.text);
  return {};
}

Result<void> Credentials::read_all(WallTime now) {
  if (auto read = read_certificate(); !read) return read;
  if (auto read = read_key(); !read) return read;
  if (auto read = read_cas(); !read) return read;
  if (auto read = read_crl(); !read) return read;
  add_to_digest(files_.peer_uri);
  const Verdict verdict = judge({.certificate = certificate(),
                                 .whose = "own",
                                 .further = {},
                                 .cas = store_->ca_pointers,
                                 .store = store_->anchors.get(),
                                 .has_crl = store_->has_crl,
                                 .expected_uri = nullptr,
                                 .now = now});
  if (!verdict.ok())
    return fail(ErrorCode::refused,
                fmt::format("{} ({})", verdict.detail, files_.certificate.native()));
  if (own_.uri == files_.peer_uri)
    return fail(ErrorCode::refused,
                fmt::format("certificate {} names {}, which is the peer: the certificates of the "
                            "two nodes are mixed up",
                            files_.certificate.native(), own_.uri));
  return {};
}

Result<std::shared_ptr<const Credentials>> Credentials::load(const CredentialFiles& files,
                                                             WallTime now) {
  const std::shared_ptr<Credentials> made(new Credentials);
  made->files_ = files;
  if (const Result<void> read = made->read_all(now); !read) return std::unexpected(read.error());
  return made;
}

Verdict Credentials::judge_peer(X509* shown, const std::vector<X509*>& further,
                                WallTime now) const {
  return judge({.certificate = shown,
                .whose = "peer",
                .further = further,
                .cas = store_->ca_pointers,
                .store = store_->anchors.get(),
                .has_crl = store_->has_crl,
                .expected_uri = &files_.peer_uri,
                .now = now});
}

}  // namespace hotpair::rbs::tls
