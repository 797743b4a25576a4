#pragma once

#include <expected>
#include <string>
#include <vector>

#include "ha/config/config_model.h"

namespace hotpair::ha::config {

/// One setting that two sides changed in different ways. The lines are as printed, keys masked;
/// empty where a side has none.
struct MergeConflict {
  std::string path;  ///< header of the view; empty in the system view
  std::string base;
  std::string mine;
  std::string theirs;
  friend bool operator==(const MergeConflict&, const MergeConflict&) = default;
};

/// `theirs` with what `mine` changed of `base`, if no setting was changed by both in different
/// ways and no view that one side removed was changed by the other.
[[nodiscard]] std::expected<Config, std::vector<MergeConflict>> merge_config(const Config& base,
                                                                             const Config& mine,
                                                                             const Config& theirs);

/// "interface Eth-Trunk1: 'igmp version 2' here, 'igmp version 1' there".
[[nodiscard]] std::string to_string(const MergeConflict& conflict);

}  // namespace hotpair::ha::config
