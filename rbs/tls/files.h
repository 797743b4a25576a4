#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "platform/base/result.h"

/// Files with keys and certificates in them.
namespace hotpair::rbs::tls {

/// A text that may hold secrets: wiped on leaving.
struct SecretText {
  std::string text;
  SecretText() = default;
  explicit SecretText(std::string taken) : text(std::move(taken)) {}
  SecretText(SecretText&&) = delete;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText();
};

enum class Privacy : std::uint8_t {
  open,    ///< anybody may read it
  secret,  ///< mode 0600 or narrower, owned by the caller or root
};

/// Reads a regular file of at most `bytes_max` into `into`. `what` begins each message, e.g. "pair
/// key". A missing file is not_found.
[[nodiscard]] Result<void> read_file(const std::filesystem::path& path, std::string_view what,
                                     Privacy privacy, std::size_t bytes_max, SecretText& into);

enum class Existing : std::uint8_t {
  keep,     ///< `exists` when there is a file already
  replace,  ///< the old one until the new one is whole
};

/// Writes a file all or nothing, with this mode from its first moment.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view what,
                                      std::string_view text, mode_t mode, Existing existing);

}  // namespace hotpair::rbs::tls
