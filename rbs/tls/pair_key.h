#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/base/result.h"
#include "rbs/tls/files.h"

namespace hotpair::rbs::tls {

inline constexpr std::size_t kSecretBytes = 32;

/// One shared secret of the pair, 256 bits from the system's generator. Wiped when it goes.
class PairKey {
 public:
  /// Makes a new secret.
  [[nodiscard]] static Result<PairKey> generate();
  /// 32 bytes; anything else is malformed.
  [[nodiscard]] static Result<PairKey> from_secret(ByteSpan secret);
  PairKey(const PairKey&) = default;
  PairKey& operator=(const PairKey&) = default;
  ~PairKey();

  /// The name that is sent in the clear: the first 8 bytes of SHA-256("hotpair pair key id" and the
  /// secret) as 16 hex digits. Shown in displays; it tells nothing about the secret.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] ByteSpan secret() const { return secret_; }
  /// 32 bytes for another purpose (RFC 5869, HKDF-SHA256, `purpose` as info), e.g. "etrunk".
  [[nodiscard]] Bytes derive(std::string_view purpose) const;
  /// What stands behind the key in its file, e.g. the time it was made. Printable ASCII.
  static constexpr std::size_t kCommentMax = 80;
  [[nodiscard]] const std::string& comment() const { return comment_; }
  void set_comment(std::string_view comment);
  friend bool operator==(const PairKey& a, const PairKey& b) { return a.id_ == b.id_; }

 private:
  explicit PairKey(ByteSpan secret);
  std::array<std::byte, kSecretBytes> secret_{};
  std::string id_;
  std::string comment_;
};

/// The pair key file in order: the first key is dialled with, all are accepted. Never empty once
/// loaded.
///
///     hotpair pair keys 1
///     # Copy this file to the other node; keep it secret.
///     key 64-HEX-DIGITS 2026-11-21
class PairKeys {
 public:
  static constexpr std::size_t kKeysMax = 8;
  static constexpr std::size_t kFileBytesMax = 4096;

  /// The keys in order; refused when empty, more than kKeysMax, or the same key twice.
  [[nodiscard]] static Result<PairKeys> from(std::vector<PairKey> keys);
  /// Parses the text of a file; the error names the line, never its contents.
  [[nodiscard]] static Result<PairKeys> parse(std::string_view text);
  /// Reads the file: it must be regular, of mode 0600 or narrower and owned by the caller or root.
  /// A missing file is not_found: "no pair key: run hotpair pair init".
  [[nodiscard]] static Result<PairKeys> load(const std::filesystem::path& path);
  /// Makes the file (mode 0600 from its first moment) with one new key. `exists` when there is one:
  /// overwriting a key cuts the pair. `comment` stands behind the key, e.g. the date.
  [[nodiscard]] static Result<PairKeys> create(const std::filesystem::path& path,
                                               std::string_view comment);

  /// Writes the file all or nothing, mode 0600 from its first moment.
  [[nodiscard]] Result<void> write(const std::filesystem::path& path, Existing existing) const;

  [[nodiscard]] const std::vector<PairKey>& keys() const { return keys_; }
  [[nodiscard]] const PairKey& first() const { return keys_.front(); }
  /// The key with that id, or nullptr.
  [[nodiscard]] const PairKey* find(std::string_view id) const;
  /// derive(purpose) of every key in order: sign with the first, accept all.
  [[nodiscard]] std::vector<Bytes> derive(std::string_view purpose) const;
  friend bool operator==(const PairKeys&, const PairKeys&) = default;

 private:
  explicit PairKeys(std::vector<PairKey> keys) : keys_(std::move(keys)) {}
  std::vector<PairKey> keys_;
};

/// What every user of the pair key says when there is none.
inline constexpr std::string_view kNoPairKey = "no pair key: run hotpair pair init";

}  // namespace hotpair::rbs::tls
