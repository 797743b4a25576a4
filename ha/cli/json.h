#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "platform/base/result.h"

namespace hotpair::ha::cli {

/// A JSON value. Objects keep the order in which members were added, so that documents are stable.
class Json {
 public:
  using Member = std::pair<std::string, Json>;

  Json() = default;  ///< null
  Json(bool value) : value_(value) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::uint64_t value) : value_(value) {}
  Json(int value) : value_(std::int64_t{value}) {}
  Json(unsigned value) : value_(std::uint64_t{value}) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  /// A value that may be absent: null then.
  template <typename T>
  Json(const std::optional<T>& value) {
    if (value) *this = Json(*value);
  }
  [[nodiscard]] static Json array() { return Json(Value(std::vector<Json>{})); }
  [[nodiscard]] static Json object() { return Json(Value(std::vector<Member>{})); }

  /// Appends to an array.
  Json& push(Json element);
  /// Adds a member to an object; keys are unique by the caller's care.
  Json& set(std::string_view key, Json value);

  /// The member of an object, or nullptr.
  [[nodiscard]] const Json* find(std::string_view key) const;
  [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] std::optional<bool> boolean() const;
  /// A whole number that is not negative.
  [[nodiscard]] std::optional<std::uint64_t> number() const;
  /// The elements of an array, or nullptr.
  [[nodiscard]] const std::vector<Json>* elements() const {
    return std::get_if<std::vector<Json>>(&value_);
  }
  [[nodiscard]] bool is_object() const {
    return std::holds_alternative<std::vector<Member>>(value_);
  }

  /// Text; `indent` blanks a level, negative: one line. Bytes that are no UTF-8 become U+FFFD.
  [[nodiscard]] std::string dump(int indent = -1) const;
  /// Parses one document of at most `depth_max` levels. Malformed says where.
  [[nodiscard]] static Result<Json> parse(std::string_view text, std::size_t depth_max);

 private:
  using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string,
                             std::vector<Json>, std::vector<Member>>;
  explicit Json(Value value) : value_(std::move(value)) {}
  explicit Json(double value) : value_(value) {}
  friend class JsonBuilder;
  void write(std::string& out, int indent, int level) const;
  Value value_;
};

}  // namespace hotpair::ha::cli
