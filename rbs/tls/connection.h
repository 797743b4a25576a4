#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rbs/tls/chunk.h"
#include "rbs/tls/context.h"
#include "rbs/tls/stream.h"

namespace hotpair::rbs::tls {

class Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

/// What a connection tells the transport, from Asio handlers only.
class ConnectionEvents {
 public:
  /// The peer is authenticated and has said hello. A listener answers by Connection::welcome().
  virtual void on_authenticated(const ConnectionPtr& connection, const PeerDescription& peer,
                                const StreamHello& hello) = 0;
  virtual void on_data(const ConnectionPtr& connection, ByteSpan bytes) = 0;
  virtual void on_written(const ConnectionPtr& connection, std::size_t bytes) = 0;
  /// The peer's stream goes on over another connection.
  virtual void on_end(const ConnectionPtr& connection) = 0;
  /// Everything up to our own end() has been handed to TCP.
  virtual void on_ended(const ConnectionPtr& connection) = 0;
  /// The listener asks for another connection.
  virtual void on_renew(const ConnectionPtr& connection) = 0;
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

  /// Binds, connects, authenticates, says `hello`.
  void dial(const StreamHello& hello);
  /// Authenticates on an accepted socket.
  void accept();
  /// The listener's hello; from here on it may send.
  void welcome(const StreamHello& hello);
  [[nodiscard]] bool send(ByteSpan bytes);
  /// Bytes of send() that TCP has not taken yet.
  [[nodiscard]] std::size_t held() const { return held_; }
  [[nodiscard]] bool can_send() const;
  void pause(bool paused);
  void ask_to_renew() { send_control(ChunkType::renew); }
  /// Nothing more is sent over this one; on_ended() follows when all of it has left.
  void end();
  void close();
  /// Ends at once and without an event.
  void abandon();
  [[nodiscard]] const Context& context() const { return *context_; }
  [[nodiscard]] const std::string& key_id() const { return note_.key_id; }

 private:
  using Error = boost::system::error_code;
  using Stream = boost::asio::ssl::stream<Socket>;

  [[nodiscard]] Error prepare_socket();
  void tune();
  void handshake();
  void on_handshake(const Error& error);
  void read();
  void consume();
  void on_chunk(const Chunk& chunk);
  void on_hello(const StreamHello& hello);
  void malformed(const std::string& detail);
  void put(ByteSpan bytes);
  void send_control(ChunkType type);
  void post_flush();
  void flush();
  void write_slice();
  void on_slice(const Error& error, std::size_t bytes);
  void update_keys(std::size_t bytes);
  [[nodiscard]] std::size_t credit_of(std::size_t bytes);
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
  StreamHello hello_;  // what the dialler will say
  PeerDescription peer_;
  std::vector<std::byte> input_;
  ByteSpan unread_;  // of input_, not yet cut into chunks
  ChunkReader chunks_;
  Bytes queue_;                         // chunks taken over by send()
  std::optional<std::size_t> open_at_;  // header of the data chunk at the end of queue_
  std::size_t queue_overhead_ = 0;      // bytes of queue_ that are not the owner's
  Bytes writing_;                       // on its way
  std::size_t writing_overhead_ = 0;    // not yet written
  std::size_t written_ = 0;             // of writing_
  std::size_t held_ = 0;
  std::uint64_t records_ = 0;  // since the last key update
  boost::asio::steady_timer::time_point keys_at_;
  bool is_connecting_ = false;
  bool is_open_ = false;           // TLS is up
  bool is_authenticated_ = false;  // and the peer said hello
  bool is_welcome_ = false;        // and so did we: bytes may go
  bool is_reading_ = false;
  bool is_paused_ = false;
  bool is_flush_posted_ = false;
  bool is_ended_ = false;
  bool is_closing_ = false;
};

/// The Asio form of an address and port.
[[nodiscard]] boost::asio::ip::tcp::endpoint endpoint_of(const IpAddress& address,
                                                         std::uint16_t port);
[[nodiscard]] IpAddress address_of(const boost::asio::ip::address& address);

}  // namespace hotpair::rbs::tls
