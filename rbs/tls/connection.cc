#include "rbs/tls/connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace hotpair::rbs::tls {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kInputBytes = 64U << 10U;
constexpr std::size_t kSliceBytes = 256U << 10U;   // credit comes back at this grain
constexpr std::size_t kRecordBytes = 16U << 10U;   // RFC 8446 5.1
constexpr std::size_t kKeptCapacity = 1U << 20U;   // larger buffers go back after a burst
constexpr Duration kCloseTime = std::chrono::seconds(1);

}  // namespace

tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  if (address.is_v4()) return {asio::ip::address_v4(address.v4_value()), port};
  asio::ip::address_v6::bytes_type bytes{};
  std::ranges::transform(address.bytes(), bytes.begin(), [](std::byte byte) {
    return std::to_integer<unsigned char>(byte);
  });
  return {asio::ip::address_v6(bytes), port};
}

IpAddress address_of(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
  const asio::ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
  return IpAddress::from_bytes(std::as_bytes(std::span(bytes))).value();
}

Connection::Connection(Socket socket, const TransportConfig& config,
                       std::shared_ptr<Context> context, bool dialled, ConnectionEvents& events)
    : config_(config),
      context_(std::move(context)),
      dialled_(dialled),
      events_(&events),
      stream_(std::move(socket), dialled ? context_->client() : context_->server()),
      deadline_(stream_.get_executor()) {
  attach(stream_.native_handle(), note_);
}

// ---- coming up ----

Connection::Error Connection::prepare_socket() {
  Socket& socket = stream_.next_layer();
  const tcp::endpoint local = endpoint_of(config_.local, 0);
  Error error;
  static_cast<void>(socket.open(local.protocol(), error));
  if (!error) static_cast<void>(socket.bind(local, error));
  return error;
}

void Connection::dial() {
  expire_after(config_.handshake_timeout);
  is_connecting_ = true;
  if (const Error error = prepare_socket()) {
    asio::post(stream_.get_executor(), [self = shared_from_this(), error] {
      self->finish(classify(error, &self->note_),
                   self->config_.local.to_string() + ": " + error.message());
    });
    return;
  }
  tune();
  stream_.next_layer().async_connect(
      endpoint_of(config_.peer, config_.port), [self = shared_from_this()](const Error& error) {
        if (self->events_ == nullptr) return;
        if (error) return self->fail_with(error);
        self->is_connecting_ = false;
        self->handshake();
      });
}

void Connection::accept() {
  expire_after(config_.handshake_timeout);
  tune();
  handshake();
}

void Connection::tune() {
  Socket& socket = stream_.next_layer();
  Error ignored;
  static_cast<void>(socket.set_option(tcp::no_delay(true), ignored));
  static_cast<void>(socket.set_option(asio::socket_base::keep_alive(true), ignored));
  const int fd = socket.native_handle();
  const auto set = [fd](int option, std::int64_t value) {
    const int number = static_cast<int>(std::clamp<std::int64_t>(value, 1, 1'000'000));
    static_cast<void>(::setsockopt(fd, IPPROTO_TCP, option, &number, sizeof number));
  };
  using std::chrono::duration_cast;
  set(TCP_USER_TIMEOUT, duration_cast<std::chrono::milliseconds>(config_.user_timeout).count());
  const auto quarter = duration_cast<std::chrono::seconds>(config_.user_timeout / 4).count();
  set(TCP_KEEPIDLE, quarter);
  set(TCP_KEEPINTVL, quarter);
  set(TCP_KEEPCNT, 3);
}

void Connection::handshake() {
  stream_.async_handshake(
      dialled_ ? asio::ssl::stream_base::client : asio::ssl::stream_base::server,
      [self = shared_from_this()](const Error& error) { self->on_handshake(error); });
}

void Connection::on_handshake(const Error& error) {
  if (events_ == nullptr) return;
  if (error) return fail_with(error);
  const Result<std::string> cipher = check_authenticated(stream_.native_handle(), note_);
  if (!cipher) return finish(Failure::no_key, cipher.error().detail);
  Error gone;
  const tcp::endpoint remote = stream_.next_layer().remote_endpoint(gone);
  if (gone) return fail_with(gone);
  deadline_.cancel();
  is_authenticated_ = true;
  input_.resize(kInputBytes);
  events_->on_authenticated(
      shared_from_this(),
      {address_of(remote.address()), remote.port(), dialled_, note_.key_id, *cipher});
  read();
}

// ---- bytes ----

void Connection::read() {
  if (events_ == nullptr || is_reading_ || is_paused_ || !is_authenticated_) return;
  is_reading_ = true;
  stream_.async_read_some(asio::buffer(input_), [self = shared_from_this()](const Error& error,
                                                                           std::size_t bytes) {
    self->is_reading_ = false;
    if (self->events_ == nullptr) return;
    if (error) return self->fail_with(error);
    self->events_->on_data(self, ByteSpan(self->input_).first(bytes));
    self->read();
  });
}

void Connection::pause(bool paused) {
  is_paused_ = paused;
  if (!paused) read();
}

std::size_t Connection::sendable() const {
  if (events_ == nullptr || !is_authenticated_ || is_closing_) return 0;
  const std::size_t held = queue_.size() + writing_.size() - written_;
  return held < config_.outgoing_max ? config_.outgoing_max - held : 0;
}

bool Connection::send(ByteSpan bytes) {
  if (bytes.size() > sendable()) return false;
  queue_.insert(queue_.end(), bytes.begin(), bytes.end());
  post_flush();
  return true;
}

void Connection::post_flush() {
  if (is_flush_posted_) return;
  is_flush_posted_ = true;
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->is_flush_posted_ = false;
    self->flush();
  });
}

void Connection::flush() {
  if (events_ == nullptr || !is_authenticated_ || !writing_.empty()) return;
  if (queue_.empty()) {
    if (is_closing_) shut_down();
    return;
  }
  std::swap(queue_, writing_);
  written_ = 0;
  ++events_->counts().writes;
  write_slice();
}

void Connection::write_slice() {
  const std::size_t size = std::min(kSliceBytes, writing_.size() - written_);
  asio::async_write(
      stream_, asio::buffer(writing_.data() + written_, size),
      [self = shared_from_this()](const Error& error, std::size_t bytes) {
        self->on_slice(error, bytes);
      });
}

void Connection::on_slice(const Error& error, std::size_t bytes) {
  if (events_ == nullptr) return;
  if (error) return fail_with(error);
  written_ += bytes;
  records_ += (bytes + kRecordBytes - 1) / kRecordBytes;
  if (records_ >= config_.key_update_records && request_key_update(stream_.native_handle())) {
    records_ = 0;
    ++events_->counts().key_updates;
  }
  if (written_ < writing_.size()) {
    write_slice();
  } else {
    written_ = 0;
    if (writing_.capacity() > kKeptCapacity)
      writing_ = {};
    else
      writing_.clear();
    post_flush();
  }
  events_->on_written(shared_from_this(), bytes);
}

// ---- going down ----

void Connection::close() {
  if (events_ == nullptr || is_closing_) return;
  is_closing_ = true;
  expire_after(kCloseTime);
  if (is_authenticated_) return post_flush();
  asio::post(stream_.get_executor(),
             [self = shared_from_this()] { self->finish(Failure::none, ""); });
}

void Connection::shut_down() {
  stream_.async_shutdown([self = shared_from_this()](const Error&) {
    self->finish(Failure::none, "");
  });
}

void Connection::expire_after(Duration duration) {
  deadline_.expires_after(duration);
  deadline_.async_wait([self = shared_from_this()](const Error& error) {
    if (error) return;
    if (self->is_closing_) return self->finish(Failure::none, "");
    // A timer that had fired already when it was cancelled.
    if (self->is_authenticated_) return;
    if (self->is_connecting_) return self->finish(Failure::unreachable, "no answer");
    self->finish(Failure::handshake_timeout, "connected, then silent");
  });
}

void Connection::fail_with(const Error& error) {
  // Whatever ends a connection that is being closed, it is we who closed it.
  if (is_closing_) return finish(Failure::none, "");
  finish(classify(error, is_authenticated_ ? nullptr : &note_), error.message());
}

void Connection::finish(Failure failure, const std::string& detail) {
  ConnectionEvents* const events = events_;
  if (events == nullptr) return;
  const ConnectionPtr self = shared_from_this();
  abandon();
  events->on_gone(self, failure, detail);
}

void Connection::abandon() {
  events_ = nullptr;
  deadline_.cancel();
  Error ignored;
  static_cast<void>(stream_.next_layer().close(ignored));
}

}  // namespace hotpair::rbs::tls
