#include "ha/daemon/commit_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "ha/config/parser.h"
#include "ha/daemon/state_dir.h"

namespace hotpair::ha::daemon {
namespace {

constexpr std::size_t kHeaderBytesMax = 4096;
constexpr std::size_t kFilesMax = 1000;  // more are not looked at

}  // namespace

CommitFiles::CommitFiles(std::filesystem::path directory, boost::asio::io_context& loop,
                         std::function<void(const std::string&)> failed)
    : directory_(std::move(directory)), loop_(loop), failed_(std::move(failed)) {
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
    failed_(fmt::format("cannot make {}: {}", directory_.string(), std::strerror(errno)));
}

CommitFiles::~CommitFiles() { writer_.join(); }

std::filesystem::path CommitFiles::file_of(std::uint64_t id) const {
  return directory_ / fmt::format("{:010}.conf", id);
}

std::vector<cli::CommitRecord> CommitFiles::load() {
  std::vector<cli::CommitRecord> records;
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator each(directory_, error), end; !error && each != end;
       each.increment(error)) {
    if (each->path().extension() != ".conf" || ++count > kFilesMax) continue;
    const auto text = read_file(each->path(), config::kConfigBytesMax + kHeaderBytesMax);
    auto record = text ? cli::decode_commit(*text) : std::unexpected(text.error());
    if (record && file_of(record->id) != each->path())
      record = fail(ErrorCode::malformed, "the id is not that of the file's name");
    if (record)
      records.push_back(std::move(*record));
    else
      failed_(fmt::format("{}: {}", each->path().string(), record.error().detail));
  }
  return records;
}

Result<void> CommitFiles::keep(std::uint64_t id, const std::string& text) {
  boost::asio::post(writer_, [this, path = file_of(id), text] {
    const auto written = replace_file(path, text);
    if (written) return;
    boost::asio::post(loop_, [failed = failed_, why = written.error().detail] { failed(why); });
  });
  return {};
}

void CommitFiles::remove(std::uint64_t id) {
  boost::asio::post(writer_, [path = file_of(id)] { ::unlink(path.c_str()); });
}

}  // namespace hotpair::ha::daemon
