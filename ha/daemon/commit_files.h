#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ha/cli/commit_history.h"

namespace hotpair::ha::daemon {

/// The list of commits as files `<id>.conf` of a directory. They are written by a thread of their
/// own, in order: a slow disk does not hold up the loop.
class CommitFiles final : public cli::CommitStore {
 public:
  /// `failed` is called on the loop with what could not be read or written.
  CommitFiles(std::filesystem::path directory, boost::asio::io_context& loop,
              std::function<void(const std::string&)> failed);
  /// Waits until everything is written.
  ~CommitFiles() override;

  /// The records that can be read; others are reported and left alone.
  [[nodiscard]] std::vector<cli::CommitRecord> load();
  /// Always succeeds; a later failure is reported.
  [[nodiscard]] Result<void> keep(std::uint64_t id, const std::string& text) override;
  void remove(std::uint64_t id) override;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::uint64_t id) const;

  std::filesystem::path directory_;
  boost::asio::io_context& loop_;
  std::function<void(const std::string&)> failed_;
  boost::asio::thread_pool writer_{1};
};

}  // namespace hotpair::ha::daemon
