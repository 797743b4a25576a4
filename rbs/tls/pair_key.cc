#include "rbs/tls/pair_key.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "platform/base/assert.h"
#include "rbs/tls/files.h"

namespace hotpair::rbs::tls {

namespace {

constexpr std::string_view kHeader = "hotpair pair keys 1";
constexpr std::string_view kIdLabel = "hotpair pair key id";

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

std::string hex(ByteSpan bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4U];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

int nibble(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// False unless `text` is exactly 64 hex digits.
bool unhex(std::string_view text, std::array<std::byte, kSecretBytes>& out) {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = nibble(text[2 * i]);
    const int low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

std::string id_of(ByteSpan secret) {
  Bytes input = to_bytes(as_bytes(kIdLabel));
  input.insert(input.end(), secret.begin(), secret.end());
  std::array<std::byte, 32> digest{};
  unsigned length = 0;
  HA_ASSERT(EVP_Digest(input.data(), input.size(), raw(digest.data()), &length, EVP_sha256(),
                       nullptr) == 1);
  OPENSSL_cleanse(input.data(), input.size());
  return hex(ByteSpan(digest).first(8));
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

/// The owner, type and mode of an open pair key file.
}  // namespace

PairKey::PairKey(ByteSpan secret) : id_(id_of(secret)) {
  std::ranges::copy(secret, secret_.begin());
}

PairKey::~PairKey() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

Result<PairKey> PairKey::generate() {
  std::array<std::byte, kSecretBytes> secret{};
  if (RAND_bytes(raw(secret.data()), static_cast<int>(secret.size())) != 1)
    return fail(ErrorCode::unavailable, "the system's random generator gives nothing");
  PairKey key{ByteSpan(secret)};
  OPENSSL_cleanse(secret.data(), secret.size());
  return key;
}

Result<PairKey> PairKey::from_secret(ByteSpan secret) {
  if (secret.size() != kSecretBytes)
    return fail(ErrorCode::malformed, fmt::format("a pair key has {} bytes, not {}", kSecretBytes,
                                                  secret.size()));
  return PairKey{secret};
}

Bytes PairKey::derive(std::string_view purpose) const {
  struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
  };
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  HA_ASSERT(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(kdf.get()));
  HA_ASSERT(context != nullptr);
  std::string digest = "SHA256";
  std::string info = "hotpair " + std::string(purpose);
  std::array<std::byte, kSecretBytes> secret = secret_;
  const std::array<OSSL_PARAM, 4> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  Bytes derived(kSecretBytes);
  const int done =
      EVP_KDF_derive(context.get(), raw(derived.data()), derived.size(), parameters.data());
  OPENSSL_cleanse(secret.data(), secret.size());
  HA_ASSERT(done == 1);
  return derived;
}

Result<PairKeys> PairKeys::from(std::vector<PairKey> keys) {
  if (keys.empty()) return fail(ErrorCode::malformed, "there is no key in it");
  if (keys.size() > kKeysMax)
    return fail(ErrorCode::malformed, fmt::format("more than {} keys", kKeysMax));
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (keys[i] == keys[j])
        return fail(ErrorCode::malformed, fmt::format("key {} stands in it twice", keys[i].id()));
  return PairKeys(std::move(keys));
}

Result<PairKeys> PairKeys::parse(std::string_view text) {
  std::vector<PairKey> keys;
  bool has_header = false;
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = next_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    if (!has_header) {
      if (line != kHeader)
        return fail(ErrorCode::malformed,
                    fmt::format("line {}: expected \"{}\"", number, kHeader));
      has_header = true;
      continue;
    }
    if (!line.starts_with("key "))
      return fail(ErrorCode::malformed, fmt::format("line {}: expected \"key\"", number));
    line.remove_prefix(4);
    std::array<std::byte, kSecretBytes> secret{};
    if (!unhex(line.substr(0, line.find(' ')), secret))
      return fail(ErrorCode::malformed,
                  fmt::format("line {}: expected {} hex digits", number, 2 * kSecretBytes));
    keys.push_back(PairKey::from_secret(secret).value());
    if (const std::size_t blank = line.find(' '); blank != std::string_view::npos)
      keys.back().set_comment(line.substr(blank + 1));
    OPENSSL_cleanse(secret.data(), secret.size());
  }
  if (!has_header)
    return fail(ErrorCode::malformed, fmt::format("line 1: expected \"{}\"", kHeader));
  return from(std::move(keys));
}

Result<PairKeys> PairKeys::load(const std::filesystem::path& path) {
  SecretText secret;
  if (const auto got = read_file(path, "pair key", Privacy::secret, kFileBytesMax, secret); !got) {
    if (got.error().code != ErrorCode::not_found) return std::unexpected(got.error());
    return fail(ErrorCode::not_found, fmt::format("{} ({})", kNoPairKey, path.native()));
  }
  Result<PairKeys> keys = parse(secret.text);
  if (!keys)
    return fail(keys.error().code,
                fmt::format("pair key {}: {}", path.native(), keys.error().detail));
  return keys;
}

Result<PairKeys> PairKeys::create(const std::filesystem::path& path, std::string_view comment) {
  Result<PairKey> key = PairKey::generate();
  if (!key) return std::unexpected(key.error());
  key->set_comment(comment);
  Result<PairKeys> keys = from({*key});
  const Result<void> written = keys->write(path, Existing::keep);
  if (written) return keys;
  if (written.error().code != ErrorCode::exists) return std::unexpected(written.error());
  return fail(ErrorCode::exists, written.error().detail +
                                     "; a new key would cut the pair: 'hotpair pair rotate' "
                                     "changes it without a drop");
}

Result<void> PairKeys::write(const std::filesystem::path& path, Existing existing) const {
  SecretText secret;
  secret.text.reserve(kFileBytesMax);  // no copy of the secrets is left behind by growing
  secret.text += kHeader;
  secret.text += "\n# The secrets of this pair: copy the file to the other node, to nobody else.\n";
  secret.text += "# The first key is dialled with, all are accepted.\n";
  for (const PairKey& key : keys_) {
    secret.text += "# Key id ";
    secret.text += key.id();
    secret.text += "\nkey ";
    for (const std::byte byte : key.secret()) {
      secret.text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4U];
      secret.text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U];
    }
    if (!key.comment().empty()) {
      secret.text += ' ';
      secret.text += key.comment();
    }
    secret.text += '\n';
  }
  return write_file(path, "pair key", secret.text, 0600, existing);
}

void PairKey::set_comment(std::string_view comment) {
  comment_.clear();
  for (const char letter : comment.substr(0, kCommentMax))
    comment_ += letter < ' ' || letter > '~' ? '?' : letter;
}

const PairKey* PairKeys::find(std::string_view id) const {
  const auto found = std::ranges::find(keys_, id, &PairKey::id);
  return found == keys_.end() ? nullptr : &*found;
}

std::vector<Bytes> PairKeys::derive(std::string_view purpose) const {
  std::vector<Bytes> derived;
  for (const PairKey& key : keys_) derived.push_back(key.derive(purpose));
  return derived;
}

}  // namespace hotpair::rbs::tls
