#include "ha/cli/commit_history.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace hotpair::ha::cli {
namespace {

constexpr std::string_view kMagic = "# hotpair commit 1\n";
constexpr std::size_t kFieldMax = 256;

// One line, whatever the caller put into it.
std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kFieldMax));
  for (char& each : out)
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7f) each = ' ';
  return out;
}

template <typename T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// CRC-32 (IEEE 802.3 3.2.9), of what follows it in the file.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char each : bytes) {
    crc ^= static_cast<unsigned char>(each);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

// Takes "# key value\n" off the front.
std::optional<std::string_view> take_field(std::string_view& text, std::string_view key) {
  const std::string begin = fmt::format("# {} ", key);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(begin)) return std::nullopt;
  const std::string_view value = text.substr(begin.size(), end - begin.size());
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string encode_commit(const CommitRecord& record) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(record.when.time_since_epoch());
  const std::string body = fmt::format(
      "# id {}\n# when-ms {}\n# uid {}\n# user {}\n# label {}\n# how {}\n{}", record.id, ms.count(),
      record.uid, one_line(record.user), one_line(record.label), one_line(record.how), record.text);
  return fmt::format("{}# crc32 {}\n{}", kMagic, crc32(body), body);
}

Result<CommitRecord> decode_commit(std::string_view text) {
  const auto bad = [](std::string_view what) {
    return fail(ErrorCode::malformed, fmt::format("not the record of a commit: {}", what));
  };
  if (!text.starts_with(kMagic)) return bad("first line");
  text.remove_prefix(kMagic.size());
  const auto crc = number_of<std::uint32_t>(take_field(text, "crc32").value_or(""));
  if (!crc) return bad("crc32");
  const bool whole = crc32(text) == *crc;
  CommitRecord record;
  const auto id = number_of<std::uint64_t>(take_field(text, "id").value_or(""));
  if (!id || *id == 0 || *id == std::numeric_limits<std::uint64_t>::max()) return bad("id");
  record.id = *id;
  const auto ms = number_of<std::int64_t>(take_field(text, "when-ms").value_or(""));
  constexpr std::int64_t kLatestMs = 253'402'300'800'000;  // the year 10000
  if (!ms || *ms < 0 || *ms >= kLatestMs) return bad("when-ms");
  record.when = WallTime(std::chrono::milliseconds(*ms));
  const auto uid = number_of<std::uint32_t>(take_field(text, "uid").value_or(""));
  if (!uid) return bad("uid");
  record.uid = *uid;
  for (const auto& [key, field] : {std::pair{"user", &CommitRecord::user},
                                   {"label", &CommitRecord::label},
                                   {"how", &CommitRecord::how}}) {
    const auto value = take_field(text, key);
    if (!value || value->size() > kFieldMax) return bad(key);
    record.*field = std::string(*value);
  }
  if (!whole) return bad("it was damaged or edited, the crc32 differs");
  record.text = std::string(text);
  return record;
}

void CommitHistory::drop_oldest() {
  store_.remove(records_.front().id);
  records_.pop_front();
}

void CommitHistory::restore(std::vector<CommitRecord> records) {
  const auto by_id = [](const CommitRecord& a, const CommitRecord& b) { return a.id < b.id; };
  std::sort(records.begin(), records.end(), by_id);
  for (CommitRecord& each : records) {
    if (each.id < next_id_) continue;  // twice the same
    next_id_ = each.id + 1;
    records_.push_back(std::move(each));
  }
  while (records_.size() > kRecordsMax) drop_oldest();
}

std::uint64_t CommitHistory::add(CommitRecord record, Result<void>& stored) {
  record.id = next_id_++;
  record.user = one_line(record.user);
  record.label = one_line(record.label);
  record.how = one_line(record.how);
  stored = store_.keep(record.id, encode_commit(record));
  records_.push_back(std::move(record));
  while (records_.size() > kRecordsMax) drop_oldest();
  return next_id_ - 1;
}

const CommitRecord* CommitHistory::find(std::uint64_t id) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const CommitRecord& each) { return each.id == id; });
  return found == records_.end() ? nullptr : &*found;
}

const CommitRecord* CommitHistory::before(std::size_t steps) const {
  return steps < records_.size() ? &records_[records_.size() - 1 - steps] : nullptr;
}

}  // namespace hotpair::ha::cli
