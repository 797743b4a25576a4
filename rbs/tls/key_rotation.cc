#include "rbs/tls/key_rotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace hotpair::rbs::tls {

namespace {

/// The newest key; of equal times the later one in the file.
std::size_t newest(const std::vector<PairKey>& keys) {
  std::size_t found = 0;
  for (std::size_t i = 1; i < keys.size(); ++i)
    if (keys[i].comment() >= keys[found].comment()) found = i;
  return found;
}

Result<std::vector<PairKey>> stepped(const PairKeys& keys, RotationStep step,
                                     std::string_view stamp) {
  const RotationStage stage = stage_of(keys);
  std::vector<PairKey> list = keys.keys();
  switch (step) {
    case RotationStep::add: {
      if (stage != RotationStage::settled)
        return fail(ErrorCode::refused, fmt::format("a rotation is under way: {}", name_of(stage)));
      // A clock that went back must not make the new key look old.
      if (list.front().comment() >= stamp) list.front().set_comment("");
      Result<PairKey> fresh = PairKey::generate();
      if (!fresh) return std::unexpected(fresh.error());
      fresh->set_comment(stamp);
      list.push_back(std::move(*fresh));
      return list;
    }
    case RotationStep::promote: {
      if (stage != RotationStage::added)
        return fail(ErrorCode::refused,
                    fmt::format("there is no new key to promote: {}", name_of(stage)));
      const auto at = list.begin() + static_cast<std::ptrdiff_t>(newest(list));
      std::rotate(list.begin(), at, at + 1);
      return list;
    }
    case RotationStep::retire:
      if (stage != RotationStage::promoted)
        return fail(ErrorCode::refused,
                    fmt::format("there is no old key to retire: {}", name_of(stage)));
      list.erase(list.begin() + 1, list.end());
      return list;
  }
  return list;
}

}  // namespace

std::string_view name_of(RotationStage stage) {
  switch (stage) {
    case RotationStage::settled:
      return "settled: one key";
    case RotationStage::added:
      return "added: the new key is accepted, the old one is dialled";
    case RotationStage::promoted:
      return "promoted: the new key is dialled, the old one is still accepted";
  }
  return {};
}

RotationStage stage_of(const PairKeys& keys) {
  if (keys.keys().size() == 1) return RotationStage::settled;
  return newest(keys.keys()) == 0 ? RotationStage::promoted : RotationStage::added;
}

Result<PairKeys> rotate(const std::filesystem::path& path, RotationStep step,
                        std::string_view stamp) {
  const Result<PairKeys> keys = PairKeys::load(path);
  if (!keys) return std::unexpected(keys.error());
  Result<std::vector<PairKey>> list = stepped(*keys, step, stamp);
  if (!list) return std::unexpected(list.error());
  Result<PairKeys> next = PairKeys::from(std::move(*list));
  if (!next) return std::unexpected(next.error());
  if (const Result<void> written = next->write(path, Existing::replace); !written)
    return std::unexpected(written.error());
  return next;
}

}  // namespace hotpair::rbs::tls
