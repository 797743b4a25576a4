#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ha/cli/control_protocol.h"
#include "ha/cli/interpreter.h"
#include "platform/base/result.h"

namespace hotpair::ha::daemon {

/// Who is at the other end of the operator's socket.
struct Caller {
  std::uint64_t connection = 0;  ///< of this server, never twice the same; a session belongs to it
  std::uint32_t uid = 0;
  std::int32_t pid = 0;
  cli::AccessRole role = cli::AccessRole::view;
};

/// The operator's Unix socket: requests in, answers out, many connections. Rights come from the
/// socket's peer credentials, looked up for every request: root and the daemon's own user are
/// admin, members of the socket's group may operate, others look.
class ControlServer {
 public:
  /// Runs a request; a pending response is finished later by its ticket.
  using Handler = std::function<cli::Response(const cli::Request&, const Caller&)>;

  using Closed = std::function<void(std::uint64_t connection)>;
  /// The end of an action as an answer to the request that began it.
  using Finish = std::function<cli::Response(const cli::Request&, const Caller&)>;

  ControlServer(boost::asio::io_context& loop, Handler handler, Closed closed);
  ~ControlServer();

  /// Listens. Replaces a socket that nobody answers on; `exists` if another daemon does.
  [[nodiscard]] Result<void> open(const std::string& path);
  /// The end of a deferred action; `finish` makes the response of the request that waits.
  void finish(cli::ActionTicket ticket, const Finish& finish);
  /// Removes the socket's file.
  void close();

 private:
  class Connection;
  void accept();

  boost::asio::io_context& loop_;
  Handler handler_;
  Closed closed_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
};

}  // namespace hotpair::ha::daemon
