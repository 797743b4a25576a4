#include "ha/config/merge.h"

#include <fmt/core.h>

#include <map>
#include <set>
#include <tuple>

#include "ha/config/config_rows.h"
#include "ha/config/diff.h"
#include "ha/config/parser.h"

namespace hotpair::ha::config {
namespace {

// What names a setting: its view, its row and, where several lines may stand beside each other,
// the line. Headers of views are settings of the system view.
struct Key {
  std::string path;
  std::size_t row = 0;
  std::string text;
  friend auto operator<=>(const Key&, const Key&) = default;
};

struct Entry {
  std::string text;
  std::vector<std::string> body;
  std::string masked;
  friend bool operator==(const Entry& a, const Entry& b) {
    return a.text == b.text && a.body == b.body;
  }
};

using Settings = std::map<Key, Entry>;

Settings settings_of(const Config& config) {
  Settings settings;
  const auto lines = printed_lines(config, true);
  const auto masked = printed_lines(config, false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const PrintedLine& line = lines[i];
    const bool one = !line.header && !config_rows()[line.row].multi;
    settings.emplace(Key{line.path, line.row, one ? std::string() : line.text},
                     Entry{line.text, line.body, masked[i].text});
  }
  return settings;
}

const Entry* entry_of(const Settings& settings, const Key& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? nullptr : &found->second;
}

bool same(const Entry* a, const Entry* b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

std::set<Key> changed(const Settings& from, const Settings& to) {
  std::set<Key> keys;
  for (const auto& [key, entry] : from)
    if (!same(&entry, entry_of(to, key))) keys.insert(key);
  for (const auto& [key, entry] : to)
    if (entry_of(from, key) == nullptr) keys.insert(key);
  return keys;
}

std::string text_of(const Entry* entry) { return entry == nullptr ? std::string() : entry->masked; }

// Views that `to` does not have any more.
std::set<std::string> removed_views(const Settings& from, const Settings& to) {
  std::set<std::string> before;
  std::set<std::string> after;
  for (const auto& [key, entry] : from) before.insert(key.path);
  for (const auto& [key, entry] : to) {
    after.insert(key.path);
    if (key.path.empty()) after.insert(entry.text);
  }
  std::erase_if(before, [&](const std::string& path) { return after.contains(path); });
  return before;
}

class Merge {
 public:
  Merge(const Config& base, const Config& mine, const Config& theirs)
      : base_(settings_of(base)), mine_(settings_of(mine)), theirs_(settings_of(theirs)) {}

  [[nodiscard]] std::vector<MergeConflict> conflicts() const {
    std::vector<MergeConflict> list;
    const auto my_keys = changed(base_, mine_);
    const auto their_keys = changed(base_, theirs_);
    for (const Key& key : my_keys)
      if (their_keys.contains(key) && !same(entry_of(mine_, key), entry_of(theirs_, key)))
        list.push_back(conflict(key));
    touched(removed_views(base_, mine_), their_keys, my_keys, list);
    touched(removed_views(base_, theirs_), my_keys, their_keys, list);
    return list;
  }

  // Settings that did not come out as the side that changed them has them: two rows set the same.
  [[nodiscard]] std::vector<MergeConflict> lost(const Config& merged_config) const {
    std::vector<MergeConflict> list;
    const Settings merged = settings_of(merged_config);
    for (const Key& key : changed(base_, mine_))
      if (!same(entry_of(mine_, key), entry_of(merged, key))) list.push_back(conflict(key));
    for (const Key& key : changed(base_, theirs_))
      if (!same(entry_of(theirs_, key), entry_of(merged, key))) list.push_back(conflict(key));
    return list;
  }

 private:
  [[nodiscard]] MergeConflict conflict(const Key& key) const {
    return {key.path, text_of(entry_of(base_, key)), text_of(entry_of(mine_, key)),
            text_of(entry_of(theirs_, key))};
  }
  // One side removed the view, the other changed a setting in it that the first did not.
  void touched(const std::set<std::string>& removed, const std::set<Key>& keys,
               const std::set<Key>& others, std::vector<MergeConflict>& list) const {
    for (const Key& key : keys)
      if (removed.contains(key.path) && !others.contains(key)) list.push_back(conflict(key));
  }

  Settings base_;
  Settings mine_;
  Settings theirs_;
};

}  // namespace

std::string to_string(const MergeConflict& conflict) {
  const auto shown = [](const std::string& text) {
    return text.empty() ? std::string("nothing") : "'" + text + "'";
  };
  return fmt::format("{}{} here, {} there", conflict.path.empty() ? "" : conflict.path + ": ",
                     shown(conflict.mine), shown(conflict.theirs));
}

std::expected<Config, std::vector<MergeConflict>> merge_config(const Config& base,
                                                               const Config& mine,
                                                               const Config& theirs) {
  if (base == theirs) return mine;
  if (base == mine) return theirs;
  const Merge merge(base, mine, theirs);
  if (auto conflicts = merge.conflicts(); !conflicts.empty())
    return std::unexpected(std::move(conflicts));
  std::string lines;
  for (const std::string& line : diff_config(base, mine)) lines += line + "\n";
  ParseOutcome merged = parse_config(lines, "merge", theirs);
  if (!merged.ok()) {
    std::vector<MergeConflict> refused;
    for (const Diagnostic& each : merged.diagnostics)
      if (each.severity == Severity::error) refused.push_back({{}, {}, to_string(each), {}});
    return std::unexpected(std::move(refused));
  }
  if (auto lost = merge.lost(merged.config); !lost.empty()) return std::unexpected(std::move(lost));
  return std::move(merged.config);
}

}  // namespace hotpair::ha::config
