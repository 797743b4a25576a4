#include "ha/daemon/control_server.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace hotpair::ha::daemon {
namespace {

using Protocol = boost::asio::local::stream_protocol;

constexpr std::size_t kConnectionsMax = 64;
constexpr mode_t kSocketMode = 0660;

/// The other end's process was in the group, first or additional, when it connected.
bool in_group(int socket, const ucred& credentials, gid_t group) {
  if (credentials.gid == group) return true;
  std::vector<gid_t> groups(64);
  auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) {
    if (errno != ERANGE) return false;
    groups.resize(bytes / sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) return false;
  }
  groups.resize(bytes / sizeof(gid_t));
  return std::ranges::find(groups, group) != groups.end();
}

Caller caller_of(Protocol::socket& socket, const std::string& path) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  Caller caller;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
    return caller;
  caller.uid = credentials.uid;
  caller.pid = credentials.pid;
  struct stat file {};
  if (credentials.uid == 0 || credentials.uid == ::geteuid())
    caller.role = cli::AccessRole::admin;
  else if (::stat(path.c_str(), &file) == 0 &&
           in_group(socket.native_handle(), credentials, file.st_gid))
    caller.role = cli::AccessRole::operate;
  return caller;
}

}  // namespace

/// One operator: reads requests one after the other. While one waits for an action, one more is
/// read at most, unless it cancels the wait.
class ControlServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ControlServer& server, std::uint64_t id, Protocol::socket socket)
      : server_(&server), id_(id), socket_(std::move(socket)) {}

  void read() {
    const bool held = busy() && (next_ || request_.verb == cli::SessionVerb::none);
    if (reading_ || held || server_ == nullptr) return;
    reading_ = true;
    socket_.async_read_some(
        boost::asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
          self->reading_ = false;
          self->on_read(error, bytes);
        });
  }
  void finish(cli::ActionTicket ticket, const Finish& finish) {
    if (server_ == nullptr || !pending_ || *pending_ != ticket) return;
    pending_.reset();
    answer(finish(request_, caller()));
    serve();
  }
  void detach() {
    server_ = nullptr;
    more_.reset();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  void on_read(const boost::system::error_code& error, std::size_t bytes) {
    if (server_ == nullptr) return;
    if (error) {
      drop();
      return;
    }
    splitter_.feed({buffer_.data(), bytes});
    serve();
  }
  [[nodiscard]] Caller caller() {
    Caller made = caller_of(socket_, server_->path_);
    made.connection = id_;
    return made;
  }
  void serve() {
    while (server_ != nullptr) {
      if (next_ && !busy()) {
        handle(*std::exchange(next_, std::nullopt));
        continue;
      }
      if (busy() && (next_ || request_.verb == cli::SessionVerb::none)) break;
      auto document = splitter_.next();
      if (!document) {
        refuse(document.error());
        return;
      }
      if (!*document) break;
      auto request = cli::decode_request(**document);
      if (!request) {
        refuse(request.error());
        return;
      }
      take(std::move(*request));
    }
    read();
  }
  /// An action of the request is not over, or its answer is being written.
  [[nodiscard]] bool busy() const { return pending_ || more_; }
  /// A cancel that comes too late has nothing to end.
  void take(cli::Request request) {
    const bool cancel = request.verb == cli::SessionVerb::cancel;
    if (cancel && !busy()) return;
    if (busy() && !cancel) {
      next_ = std::move(request);
      return;
    }
    pending_.reset();
    more_.reset();
    handle(std::move(request));
  }
  void handle(cli::Request request) {
    request_ = std::move(request);
    answer(server_->handler_(request_, caller()));
  }
  void answer(cli::Response response) {
    pending_ = response.pending;
    more_ = std::move(response.more);
    for (std::string& frame : cli::encode_response(response, more_ != nullptr))
      send(std::move(frame));
    if (more_ && out_.empty()) pull_soon();
  }
  /// The next piece of a long answer, once the one before has left; other work goes on between.
  void pull_soon() {
    boost::asio::post(socket_.get_executor(), [self = shared_from_this()] { self->pull(); });
  }
  void pull() {
    if (server_ == nullptr || !more_ || !out_.empty()) return;
    cli::TextPiece piece = more_->next();
    if (piece.done) more_.reset();
    cli::Response part;
    part.text = std::move(piece.text);
    for (std::string& frame : cli::encode_response(part, more_ != nullptr)) send(std::move(frame));
    if (!more_)
      serve();
    else if (out_.empty())
      pull_soon();
  }
  void refuse(const Error& error) {
    cli::Response response;
    response.error = error;
    response.exit_code = 1;
    closing_ = true;
    answer(std::move(response));
    if (out_.empty()) drop();
  }
  void send(std::string frame) {
    out_.push_back(std::move(frame));
    if (out_.size() == 1) write();
  }
  void write() {
    boost::asio::async_write(socket_, boost::asio::buffer(out_.front()),
                             [self = shared_from_this()](const boost::system::error_code& error,
                                                         std::size_t) { self->on_written(error); });
  }
  void on_written(const boost::system::error_code& error) {
    if (server_ == nullptr) return;
    out_.pop_front();
    if (error || (closing_ && out_.empty())) {
      drop();
      return;
    }
    if (!out_.empty())
      write();
    else if (more_)
      pull();
  }
  void drop() {
    if (server_ == nullptr) return;
    ControlServer& server = *std::exchange(server_, nullptr);
    boost::system::error_code ignored;
    socket_.close(ignored);
    const auto closed = server.closed_;
    const std::uint64_t id = id_;
    server.connections_.erase(id_);
    closed(id);
  }

  ControlServer* server_;
  std::uint64_t id_;
  Protocol::socket socket_;
  std::array<char, 16384> buffer_{};
  cli::FrameSplitter splitter_;
  cli::Request request_;              // the one that is answered
  std::optional<cli::Request> next_;  // came while that one waits
  std::optional<cli::ActionTicket> pending_;
  std::unique_ptr<cli::TextSource> more_;  // of the answer that is being written
  std::deque<std::string> out_;
  bool reading_ = false;
  bool closing_ = false;
};

ControlServer::ControlServer(boost::asio::io_context& loop, Handler handler, Closed closed)
    : loop_(loop), handler_(std::move(handler)), closed_(std::move(closed)), acceptor_(loop) {}

ControlServer::~ControlServer() {
  for (const auto& [id, connection] : connections_) connection->detach();
}

Result<void> ControlServer::open(const std::string& path) {
  path_ = path;
  boost::system::error_code error;
  Protocol::socket probe(loop_);
  probe.connect(Protocol::endpoint(path), error);
  if (!error) return fail(ErrorCode::exists, "another hotpaird answers on " + path);
  ::unlink(path.c_str());
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  acceptor_.open(Protocol(), error);
  if (!error) acceptor_.bind(Protocol::endpoint(path), error);
  if (!error) acceptor_.listen(16, error);
  if (error)
    return fail(ErrorCode::unavailable, "cannot listen on " + path + ": " + error.message());
  // Whoever may enter the directory as a member of its group may ask.
  struct stat directory {};
  if (::stat(std::filesystem::path(path).parent_path().c_str(), &directory) == 0) {
    // Without the right to do so the group is the daemon's own.
    [[maybe_unused]] const int done =
        ::chown(path.c_str(), static_cast<uid_t>(-1), directory.st_gid);
  }
  ::chmod(path.c_str(), kSocketMode);
  accept();
  return {};
}

void ControlServer::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, Protocol::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!error && connections_.size() < kConnectionsMax) {
      const std::uint64_t id = next_++;
      const auto connection = std::make_shared<Connection>(*this, id, std::move(socket));
      connections_.emplace(id, connection);
      connection->read();
    }
    accept();
  });
}

void ControlServer::finish(cli::ActionTicket ticket, const Finish& finish) {
  const auto connections = connections_;
  for (const auto& [id, connection] : connections) connection->finish(ticket, finish);
}

void ControlServer::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace hotpair::ha::daemon
