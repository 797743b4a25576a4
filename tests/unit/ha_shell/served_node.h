#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "ha/cli/control_desk.h"
#include "ha/daemon/control_server.h"
#include "tests/unit/ha_cli/fake_node.h"
#include "tests/unit/ha_cli/golden.h"

namespace hotpair::ha::daemon::testing {

/// A node behind the real control server on a socket of its own. What takes time (`wait`) goes on
/// until it is cancelled; everything else ends at once.
class ServedNode {
 public:
  explicit ServedNode(const std::string& config_file = "seed003/DeviceA.conf") {
    char name[] = "/tmp/hotpair-shell-XXXXXX";
    directory_ = ::mkdtemp(name);
    node.config = config::parse_config(cli::testing::golden(config_file), config_file).config;
    transactions.start({}, "load " + config_file, instant());
    opened = server_.open(socket());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~ServedNode() {
    boost::asio::post(loop_, [this] { loop_.stop(); });
    thread_.join();
    server_.close();
    std::filesystem::remove_all(directory_);
  }
  ServedNode(const ServedNode&) = delete;
  ServedNode& operator=(const ServedNode&) = delete;

  [[nodiscard]] std::string socket() const { return directory_ + "/control"; }
  [[nodiscard]] std::string directory() const { return directory_; }
  /// What runs now, asked on the node's own thread.
  [[nodiscard]] std::string sysname() {
    std::promise<std::string> answer;
    boost::asio::post(loop_, [&] { answer.set_value(*node.config.sysname); });
    return answer.get_future().get();
  }

  cli::testing::FakeNode node;
  cli::testing::MemoryCommits commits;
  cli::Transactions transactions{node, node, commits};
  Result<void> opened;

 private:
  static cli::Instant instant() {
    return {TimePoint(std::chrono::steady_clock::now().time_since_epoch()), {}, 0};
  }
  cli::Response run(const cli::Request& request, const Caller& caller) {
    auto response =
        desk_.run(request, {caller.role, request.user, caller.uid, caller.connection}, instant());
    const bool waits = !request.line.empty() ? request.line.starts_with("wait")
                                             : !request.argv.empty() && request.argv[0] == "wait";
    if (response.pending && !waits)
      boost::asio::post(loop_, [this, ticket = *response.pending] {
        server_.finish(ticket, [&](const cli::Request& of, const Caller& who) {
          return desk_.finish(of, who.connection, {}, instant());
        });
      });
    return response;
  }

  std::string directory_;
  boost::asio::io_context loop_{1};
  cli::ControlDesk desk_{node, node, transactions};
  ControlServer server_{
      loop_, [this](const auto& request, const auto& caller) { return run(request, caller); },
      [this](std::uint64_t connection) { desk_.closed(connection); }};
  std::thread thread_;
};

}  // namespace hotpair::ha::daemon::testing
