#pragma once

#include <boost/asio/write.hpp>
#include <vector>

#include "tls_stand.h"

namespace hotpair::rbs::tls {

using boost::system::error_code;

/// A connection to or from the transport under test that plays by its own rules.
class Stranger {
 public:
  using Stream = asio::ssl::stream<tcp::socket>;
  Stranger(asio::io_context& loop, const std::string& local, const std::string& peer,
           std::uint16_t port)
      : loop_(loop), local_(local), remote_(asio::ip::make_address(peer), port) {}
  ~Stranger() {
    error_code ignored;
    if (stream_) stream_->next_layer().close(ignored);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  /// Connects, again until somebody listens.
  bool connect() {
    for (int i = 0; i < 1000; ++i) {
      error_code error;
      socket.emplace(loop_);
      socket->open(tcp::v4());
      socket->bind({asio::ip::make_address(local_), 0});
      socket->connect(remote_, error);
      if (!error) return true;
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  /// Listens where the transport will dial, and takes the first connection.
  void listen() {
    acceptor_.emplace(loop_, tcp::endpoint(asio::ip::make_address(local_), remote_.port()));
    acceptor_->async_accept([this](const error_code& error, tcp::socket taken) {
      if (error) return;
      socket.emplace(std::move(taken));
      if (on_taken) on_taken();
    });
  }
  /// Handlers keep the stream: Asio wants it alive until the last of them ran.
  void handshake(asio::ssl::context& context, asio::ssl::stream_base::handshake_type type) {
    stream_ = std::make_shared<Stream>(std::move(*socket), context);
    stream_->async_handshake(type, [stream = stream_](const error_code& error) {
      if (error) return;
      // In TLS 1.3 the verdict of the other end comes with the first read.
      const auto byte = std::make_shared<std::array<char, 1>>();
      stream->async_read_some(asio::buffer(*byte),
                              [stream, byte](const error_code&, std::size_t) {});
    });
  }
  void say(const std::string& text) { asio::write(*socket, asio::buffer(text)); }

  std::optional<tcp::socket> socket;
  std::function<void()> on_taken;

 private:
  asio::io_context& loop_;
  std::string local_;
  tcp::endpoint remote_;
  std::optional<tcp::acceptor> acceptor_;
  std::shared_ptr<Stream> stream_;
};

}  // namespace hotpair::rbs::tls
