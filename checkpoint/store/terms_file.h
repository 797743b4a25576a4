#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::checkpoint::store {

/// Largest term counter that was reserved, by scope.
using ReservedTerms = std::map<ScopeId, std::uint64_t>;

/// A few lines of text, the last one a checksum over the others:
/// `hotpair-terms 1`, then `scope 17 term 4711` each, then `checksum 0123456789abcdef`.
[[nodiscard]] std::string format_terms(const ReservedTerms& terms);
[[nodiscard]] Result<ReservedTerms> parse_terms(std::string_view text);

/// An absent file holds no terms.
[[nodiscard]] Result<ReservedTerms> read_terms(const std::filesystem::path& path);
/// Temp file, fsync, rename, fsync of the directory. An error means that nothing may rely on it.
[[nodiscard]] Result<void> write_terms(const std::filesystem::path& path,
                                       const ReservedTerms& terms);

}  // namespace hotpair::checkpoint::store
