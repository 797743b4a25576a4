#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ha/keeper/client/keeper_client.h"
#include "platform/io/readable_watch.h"

namespace hotpair::ha::daemon {

/// The connection to the keeper: connects, starts a keeper if none runs, and does both again when
/// it is lost. Reports to its owner from the loop, never inside a call.
class KeeperLink {
 public:
  struct Events {
    std::function<void()> connected;
    std::function<void(keeper::Received)> received;
    std::function<void(const std::string& why)> lost;
    std::function<void(const std::string& what)> note;
  };
  KeeperLink(boost::asio::io_context& loop, keeper::KeeperStart start, Events events);

  void open();
  /// Dropped while not connected.
  void send(const keeper::ToKeeper& message, std::span<const int> fds = {});
  /// The keeper was told to leave: its end is no loss, and no other one is started.
  void expect_end() { ending_ = true; }
  [[nodiscard]] bool connected() const { return client_.has_value(); }

 private:
  void attempt();
  void readable();
  void watch_writable();
  void lose(const std::string& why);

  boost::asio::io_context& loop_;
  boost::asio::steady_timer retry_;
  keeper::KeeperStart start_;
  Events events_;
  std::optional<keeper::KeeperClient> client_;
  std::optional<platform::io::ReadableWatch> watch_;
  std::unique_ptr<boost::asio::posix::stream_descriptor> writable_;
  bool started_ = false;  ///< a keeper was started for the present attempt
  bool ending_ = false;
  unsigned attempts_ = 0;
};

}  // namespace hotpair::ha::daemon
