#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rbs/tls/context.h"
#include "rbs/tls/stream.h"

namespace hotpair::rbs::tls {

class Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

/// What a connection tells the transport, from Asio handlers only.
class ConnectionEvents {
 public:
  virtual void on_authenticated(const ConnectionPtr& connection, const PeerDescription& peer) = 0;
  virtual void on_data(const ConnectionPtr& connection, ByteSpan bytes) = 0;
  virtual void on_written(const ConnectionPtr& connection, std::size_t bytes) = 0;
  /// The last event of a connection.
  virtual void on_gone(const ConnectionPtr& connection, Failure failure,
                       const std::string& detail) = 0;
  [[nodiscard]] virtual TransportStatistics& counts() = 0;

 protected:
  ~ConnectionEvents() = default;
};

/// One TCP connection from its first SYN to its end. Handlers keep it alive; abandon() silences it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  Connection(Socket socket, const TransportConfig& config, std::shared_ptr<Context> context,
             bool dialled, ConnectionEvents& events);

  /// Binds, connects, authenticates.
  void dial();
  /// Authenticates on an accepted socket.
  void accept();
  [[nodiscard]] bool send(ByteSpan bytes);
  [[nodiscard]] std::size_t sendable() const;
  void pause(bool paused);
  void close();
  /// Ends at once and without an event.
  void abandon();

 private:
  using Error = boost::system::error_code;
  using Stream = boost::asio::ssl::stream<Socket>;

  [[nodiscard]] Error prepare_socket();
  void tune();
  void handshake();
  void on_handshake(const Error& error);
  void read();
  void post_flush();
  void flush();
  void write_slice();
  void on_slice(const Error& error, std::size_t bytes);
  void shut_down();
  void expire_after(Duration duration);
  void finish(Failure failure, const std::string& detail);
  void fail_with(const Error& error);

  TransportConfig config_;
  std::shared_ptr<Context> context_;  // outlives the stream
  bool dialled_;
  ConnectionEvents* events_;  // null once abandoned or gone
  HandshakeNote note_;
  Stream stream_;
  boost::asio::steady_timer deadline_;
  std::vector<std::byte> input_;
  Bytes queue_;             // taken over by send()
  Bytes writing_;           // on its way
  std::size_t written_ = 0;  // of writing_
  std::uint64_t records_ = 0;  // since the last key update
  bool is_connecting_ = false;
  bool is_authenticated_ = false;
  bool is_reading_ = false;
  bool is_paused_ = false;
  bool is_flush_posted_ = false;
  bool is_closing_ = false;
};

/// The Asio form of an address and port.
[[nodiscard]] boost::asio::ip::tcp::endpoint endpoint_of(const IpAddress& address,
                                                         std::uint16_t port);
[[nodiscard]] IpAddress address_of(const boost::asio::ip::address& address);

}  // namespace hotpair::rbs::tls
