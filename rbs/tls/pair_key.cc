#include "rbs/tls/pair_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "platform/base/assert.h"

namespace hotpair::rbs::tls {

namespace {

constexpr std::string_view kHeader = "hotpair pair keys 1";
constexpr std::string_view kIdLabel = "hotpair pair key id";

/// Closes on leaving; -1 means none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// A text that holds secrets: wiped on leaving.
struct SecretText {
  std::string text;
  SecretText() = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { OPENSSL_cleanse(text.data(), text.size()); }
};

std::string reason() { return std::strerror(errno); }

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
Result<void> check_file(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0)
    return fail(ErrorCode::unavailable, fmt::format("pair key {}: {}", path.native(), reason()));
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::refused, fmt::format("pair key {}: not a regular file", path.native()));
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return fail(ErrorCode::refused,
                fmt::format("pair key {}: owned by user {}, expected root or user {}",
                            path.native(), status.st_uid, ::geteuid()));
  if ((status.st_mode & 077U) != 0)
    return fail(ErrorCode::refused,
                fmt::format("pair key {0}: mode {1:04o} lets others read it; run chmod 600 {0}",
                            path.native(), status.st_mode & 07777U));
  if (status.st_size > static_cast<off_t>(PairKeys::kFileBytesMax))
    return fail(ErrorCode::malformed, fmt::format("pair key {}: {} bytes, at most {}",
                                                  path.native(), status.st_size,
                                                  PairKeys::kFileBytesMax));
  return {};
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(ErrorCode::exhausted, reason());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return fail(ErrorCode::unavailable, reason());
  return {};
}

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
    OPENSSL_cleanse(secret.data(), secret.size());
  }
  if (!has_header)
    return fail(ErrorCode::malformed, fmt::format("line 1: expected \"{}\"", kHeader));
  return from(std::move(keys));
}

Result<PairKeys> PairKeys::load(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO in its place must not stop the caller.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT)
    return fail(ErrorCode::not_found, fmt::format("{} ({})", kNoPairKey, path.native()));
  if (file.get() < 0)
    return fail(ErrorCode::unavailable, fmt::format("pair key {}: {}", path.native(), reason()));
  if (const Result<void> checked = check_file(file.get(), path); !checked)
    return std::unexpected(checked.error());
  SecretText secret;
  secret.text.resize(kFileBytesMax + 1);
  std::size_t size = 0;
  while (size < secret.text.size()) {
    const ssize_t got = ::read(file.get(), &secret.text[size], secret.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorCode::unavailable, fmt::format("pair key {}: {}", path.native(), reason()));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kFileBytesMax)
    return fail(ErrorCode::malformed, fmt::format("pair key {}: too long", path.native()));
  Result<PairKeys> keys = parse(std::string_view(secret.text).substr(0, size));
  if (!keys)
    return fail(keys.error().code,
                fmt::format("pair key {}: {}", path.native(), keys.error().detail));
  return keys;
}

Result<PairKeys> PairKeys::create(const std::filesystem::path& path, std::string_view comment) {
  Result<PairKey> key = PairKey::generate();
  if (!key) return std::unexpected(key.error());
  SecretText secret;
  secret.text.reserve(kFileBytesMax);  // no copy of the secret is left behind by growing
  secret.text += kHeader;
  secret.text += "\n# The secret of this pair: copy the file to the other node, to nobody else.\n";
  secret.text += "# The first key is dialled with, all are accepted. Key id ";
  secret.text += key->id();
  secret.text += "\nkey ";
  for (const std::byte byte : key->secret()) {
    secret.text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4U];
    secret.text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U];
  }
  if (!comment.empty()) {
    secret.text += ' ';
    for (const char letter : comment.substr(0, 80))
      secret.text += letter < ' ' || letter > '~' ? '?' : letter;
  }
  secret.text += '\n';

  // Written aside and linked: there is never half a key in place, and never one overwritten.
  const std::filesystem::path aside = path.native() + ".new";
  ::unlink(aside.c_str());
  const Descriptor file(
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0)
    return fail(ErrorCode::unavailable, fmt::format("pair key {}: {}", path.native(), reason()));
  Result<void> written = write_all(file.get(), secret.text);
  if (written && ::link(aside.c_str(), path.c_str()) != 0)
    written = errno == EEXIST ? fail(ErrorCode::exists,
                                     "exists already; a new key would cut the pair, so move it "
                                     "away first if you mean it")
                              : fail(ErrorCode::unavailable, reason());
  ::unlink(aside.c_str());
  if (!written)
    return fail(written.error().code,
                fmt::format("pair key {}: {}", path.native(), written.error().detail));
  const Descriptor folder(::open(path.has_parent_path() ? path.parent_path().c_str() : ".",
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
  return from({*key});
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
