#include "checkpoint/store/terms_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>

#include "checkpoint/store/files.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hotpair::checkpoint::store {
namespace {

constexpr std::string_view kHeader = "hotpair-terms 1";
constexpr std::size_t kFileBytesMax = 4U << 20U;

std::string checksum_line(std::string_view lines) {
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(lines.data(), lines.size())));
  return "checksum " + std::string(hex.data()) + "\n";
}

/// Takes the next word up to `end` off the front.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at + 1);
  return word;
}

template <typename Number>
std::optional<Number> number(std::optional<std::string_view> word) {
  if (!word) return std::nullopt;
  Number value{};
  const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value);
  if (error != std::errc{} || end != word->data() + word->size()) return std::nullopt;
  return value;
}

Result<void> write_all(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      return std::unexpected(system_error(put < 0 ? errno : ENOSPC, path, "cannot write"));
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

std::string format_terms(const ReservedTerms& terms) {
  std::string text(kHeader);
  text += '\n';
  for (const auto& [scope, counter] : terms)
    text += "scope " + std::to_string(scope.value()) + " term " + std::to_string(counter) + "\n";
  text += checksum_line(text);
  return text;
}

Result<ReservedTerms> parse_terms(std::string_view text) {
  const std::size_t checked = text.rfind("checksum ");
  if (checked == std::string_view::npos ||
      text.substr(checked) != checksum_line(text.substr(0, checked)))
    return fail(ErrorCode::malformed, "the checksum of the reserved terms does not fit");
  std::string_view rest = text.substr(0, checked);
  if (take_until(rest, '\n') != kHeader)
    return fail(ErrorCode::malformed, "reserved terms of an unknown format");
  ReservedTerms terms;
  while (!rest.empty()) {
    const bool scope_word = take_until(rest, ' ') == "scope";
    const auto scope = number<std::uint32_t>(take_until(rest, ' '));
    const bool term_word = take_until(rest, ' ') == "term";
    const auto counter = number<std::uint64_t>(take_until(rest, '\n'));
    if (!scope_word || !scope || !term_word || !counter)
      return fail(ErrorCode::malformed, "a line of the reserved terms does not parse");
    terms[ScopeId(*scope)] = *counter;
  }
  return terms;
}

Result<ReservedTerms> read_terms(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.open()) {
    if (errno == ENOENT) return ReservedTerms{};
    return std::unexpected(system_error(errno, path, "cannot open"));
  }
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(errno, path, "cannot read"));
    if (got == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > kFileBytesMax)
      return fail(ErrorCode::malformed, path.string() + " is too long");
  }
  return parse_terms(text);
}

Result<void> write_terms(const std::filesystem::path& path, const ReservedTerms& terms) {
  const std::filesystem::path temporary = path.string() + ".new";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.open()) return std::unexpected(system_error(errno, temporary, "cannot open"));
    if (auto put = write_all(file.get(), format_terms(terms), temporary); !put) return put;
    if (::fsync(file.get()) != 0)
      return std::unexpected(system_error(errno, temporary, "cannot sync"));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return std::unexpected(system_error(errno, path, "cannot rename into place"));
  const Descriptor directory(
      ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.open() || ::fsync(directory.get()) != 0)
    return std::unexpected(system_error(errno, path.parent_path(), "cannot sync"));
  return {};
}

}  // namespace hotpair::checkpoint::store
