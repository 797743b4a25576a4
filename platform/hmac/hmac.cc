#include "platform/hmac/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <string>

#include "platform/base/assert.h"

namespace hotpair::platform::hmac {

namespace {

const unsigned char* data_of(ByteSpan span) {
  static constexpr unsigned char kEmpty = 0;  // OpenSSL takes no null, not even of length 0
  return span.empty() ? &kEmpty : reinterpret_cast<const unsigned char*>(span.data());
}

struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};
struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

}  // namespace

struct HmacSha256::Context {
  std::unique_ptr<EVP_MAC, FreeMac> mac;
  std::unique_ptr<EVP_MAC_CTX, FreeContext> keyed;
};

HmacSha256::HmacSha256(ByteSpan key) : context_(std::make_unique<Context>()) {
  context_->mac.reset(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  HA_ASSERT(context_->mac != nullptr);
  context_->keyed.reset(EVP_MAC_CTX_new(context_->mac.get()));
  HA_ASSERT(context_->keyed != nullptr);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  HA_ASSERT(EVP_MAC_init(context_->keyed.get(), data_of(key), key.size(), parameters.data()) == 1);
}

HmacSha256::~HmacSha256() = default;
HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256& HmacSha256::operator=(HmacSha256&&) noexcept = default;

Tag HmacSha256::sign(ByteSpan message) const {
  EVP_MAC_CTX* keyed = context_->keyed.get();
  Tag tag{};
  std::size_t length = 0;
  // A null key keeps the prepared one.
  HA_ASSERT(EVP_MAC_init(keyed, nullptr, 0, nullptr) == 1);
  HA_ASSERT(EVP_MAC_update(keyed, data_of(message), message.size()) == 1);
  HA_ASSERT(EVP_MAC_final(keyed, reinterpret_cast<unsigned char*>(tag.data()), &length,
                          tag.size()) == 1);
  HA_ASSERT(length == tag.size());
  return tag;
}

bool HmacSha256::verify(ByteSpan message, ByteSpan tag) const {
  return equal_constant_time(sign(message), tag);
}

namespace {

struct FreeDigest {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};
struct FreeDigestContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Sha1::Context {
  std::unique_ptr<EVP_MD, FreeDigest> algorithm;
  std::unique_ptr<EVP_MD_CTX, FreeDigestContext> state;
};

Sha1::Sha1() : context_(std::make_unique<Context>()) {
  context_->algorithm.reset(EVP_MD_fetch(nullptr, "SHA1", nullptr));
  HA_ASSERT(context_->algorithm != nullptr);
  context_->state.reset(EVP_MD_CTX_new());
  HA_ASSERT(context_->state != nullptr);
}

Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

Sha1Digest Sha1::digest(ByteSpan message) const {
  EVP_MD_CTX* state = context_->state.get();
  Sha1Digest digest{};
  unsigned length = 0;
  HA_ASSERT(EVP_DigestInit_ex2(state, context_->algorithm.get(), nullptr) == 1);
  HA_ASSERT(EVP_DigestUpdate(state, data_of(message), message.size()) == 1);
  HA_ASSERT(EVP_DigestFinal_ex(state, reinterpret_cast<unsigned char*>(digest.data()), &length) ==
            1);
  HA_ASSERT(length == digest.size());
  return digest;
}

bool equal_constant_time(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(std::span<std::byte> secret) {
  if (!secret.empty()) OPENSSL_cleanse(secret.data(), secret.size());
}

}  // namespace hotpair::platform::hmac
