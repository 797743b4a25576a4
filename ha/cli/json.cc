#include "ha/cli/json.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "platform/base/assert.h"

namespace hotpair::ha::cli {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if it is none (RFC 3629 4).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  if (first >= 0xe0 && first <= 0xef) length = 3;
  if (first >= 0xf0 && first <= 0xf4) length = 4;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (length == 0 || text.size() < length) return 0;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  return length;
}

void write_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char each = text.front();
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (each == '"' || each == '\\') {
      out += '\\';
      out += each;
    } else if (each == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(each) < 0x20 || each == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(each)));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void new_line(std::string& out, int indent, int level) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent * level), ' ');
}

}  // namespace

// Builds a Json from the parser's events and ends it when it gets too deep.
class JsonBuilder {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  explicit JsonBuilder(std::size_t depth_max) : depth_max_(depth_max) {}
  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(number_integer_t value) { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) { return add(Json(value)); }
  bool number_float(number_float_t value, const string_t&) { return add(Json(value)); }
  bool string(string_t& value) { return add(Json(std::move(value))); }
  bool binary(binary_t&) { return false; }
  bool key(string_t& value) {
    keys_.back() = std::move(value);
    return true;
  }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    error_ = fmt::format("not JSON at byte {}", position);
    return false;
  }
  Result<Json> take() {
    if (!error_.empty()) return fail(ErrorCode::malformed, error_);
    return std::move(root_);
  }

 private:
  bool open(Json container) {
    if (open_.size() >= depth_max_) {
      error_ = fmt::format("more than {} levels", depth_max_);
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return add(std::move(done));
  }
  bool add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object()) {
      open_.back().set(keys_.back(), std::move(value));
    } else {
      open_.back().push(std::move(value));
    }
    return true;
  }

  std::size_t depth_max_;
  Json root_;
  std::vector<Json> open_;
  std::vector<std::string> keys_;
  std::string error_;
};

Json& Json::push(Json element) {
  auto* list = std::get_if<std::vector<Json>>(&value_);
  HA_ASSERT(list != nullptr);
  list->push_back(std::move(element));
  return *this;
}

Json& Json::set(std::string_view key, Json value) {
  auto* members = std::get_if<std::vector<Member>>(&value_);
  HA_ASSERT(members != nullptr);
  members->emplace_back(std::string(key), std::move(value));
  return *this;
}

const Json* Json::find(std::string_view key) const {
  const auto* members = std::get_if<std::vector<Member>>(&value_);
  if (members == nullptr) return nullptr;
  for (const Member& member : *members)
    if (member.first == key) return &member.second;
  return nullptr;
}

std::optional<bool> Json::boolean() const {
  const bool* value = std::get_if<bool>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::uint64_t> Json::number() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
  const auto* value = std::get_if<std::int64_t>(&value_);
  if (value == nullptr || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

void Json::write(std::string& out, int indent, int level) const {
  const auto sequence = [&](const auto& list, char open, char close, auto write_each) {
    out += open;
    bool first = true;
    for (const auto& each : list) {
      if (!first) out += ',';
      first = false;
      new_line(out, indent, level + 1);
      write_each(each);
    }
    if (!first) new_line(out, indent, level);
    out += close;
  };
  if (const auto* flag = std::get_if<bool>(&value_)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&value_)) {
    out += fmt::format("{}", *integer);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value_)) {
    out += fmt::format("{}", *natural);
  } else if (const auto* real = std::get_if<double>(&value_)) {
    out += fmt::format("{}", *real);
  } else if (const auto* text = std::get_if<std::string>(&value_)) {
    write_string(out, *text);
  } else if (const auto* list = std::get_if<std::vector<Json>>(&value_)) {
    sequence(*list, '[', ']', [&](const Json& each) { each.write(out, indent, level + 1); });
  } else if (const auto* members = std::get_if<std::vector<Member>>(&value_)) {
    sequence(*members, '{', '}', [&](const Member& each) {
      write_string(out, each.first);
      out += indent < 0 ? ":" : ": ";
      each.second.write(out, indent, level + 1);
    });
  } else {
    out += "null";
  }
}

std::string Json::dump(int indent) const {
  std::string out;
  write(out, indent, 0);
  return out;
}

Result<Json> Json::parse(std::string_view text, std::size_t depth_max) {
  JsonBuilder builder(depth_max);
  const bool done = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  auto result = builder.take();
  if (!done && result) return fail(ErrorCode::malformed, "not JSON");
  return result;
}

}  // namespace hotpair::ha::cli
