#pragma once

#include <filesystem>

#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::ha::daemon {

/// Makes the state directory (0700) if it is missing and reads the node id, or makes it once from
/// `random`. A damaged id file is an error: a new id would make this node a stranger to its peer.
[[nodiscard]] Result<NodeId> open_state_dir(const std::filesystem::path& directory,
                                            std::uint64_t random);

/// Replaces a file's contents, all or nothing: temporary file, fsync, rename. Keeps the old mode;
/// a new file is 0640.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, const std::string& text);

/// A whole text file of at most `bytes_max`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t bytes_max);

}  // namespace hotpair::ha::daemon
