#pragma once

#include <expected>
#include <string>
#include <utility>

namespace hotpair {

/// What a caller can do about an error.
enum class ErrorCode {
  malformed,     ///< bytes or text do not parse: count, drop, say where
  refused,       ///< understood and not allowed: a limit, a rule, a missing right
  not_found,     ///< the named thing does not exist
  exists,        ///< the named thing exists already
  unavailable,   ///< the environment does not serve now: retry or degrade
  exhausted,     ///< disk full, table full, out of descriptors
  unsupported,   ///< this build or kernel cannot do it
  disconnected,  ///< the other end is gone
  timeout,       ///< no answer in time
};

/// An error with the sentence that an operator reads: what, where, and what was expected.
struct Error {
  ErrorCode code{};
  std::string detail;
};

template <typename T>
using Result = std::expected<T, Error>;

/// `return fail(ErrorCode::refused, "...");` from any function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return std::unexpected(Error{code, std::move(detail)});
}

}  // namespace hotpair
