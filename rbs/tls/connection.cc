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

void Connection::dial(const StreamHello& hello) {
  hello_ = hello;
  expire_after(config_.handshake_timeout);
  is_connecting_ = true;
  if (const Error error = prepare_socket()) {
    asio::post(stream_.get_executor(), [self = shared_from_this(), error] {
      self->finish(classify(error, &self->note_).failure,
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
  if (!cipher)
    return finish(note_.by_certificate ? Failure::no_certificate : Failure::no_key,
                  cipher.error().detail);
  Error gone;
  const tcp::endpoint remote = stream_.next_layer().remote_endpoint(gone);
  if (gone) return fail_with(gone);
  peer_ = {address_of(remote.address()), remote.port(), dialled_, note_.key_id, *cipher,
           note_.certificate};
  is_open_ = true;
  keys_at_ = asio::steady_timer::clock_type::now();
  input_.resize(kInputBytes);
  // In TLS 1.3 the listener's verdict on our certificate comes after our own handshake is done; so
  // nobody is authenticated before his hello has come.
  if (dialled_) put(encode(hello_));
  read();
}

// ---- bytes in ----

void Connection::read() {
  if (events_ == nullptr || is_reading_ || is_paused_ || !is_open_ || !unread_.empty()) return;
  is_reading_ = true;
  stream_.async_read_some(
      asio::buffer(input_), [self = shared_from_this()](const Error& error, std::size_t bytes) {
        self->is_reading_ = false;
        if (self->events_ == nullptr) return;
        if (error) return self->fail_with(error);
        self->unread_ = ByteSpan(self->input_).first(bytes);
        self->consume();
      });
}

void Connection::consume() {
  while (events_ != nullptr && !is_paused_ && !unread_.empty()) {
    const Result<std::optional<Chunk>> chunk = chunks_.next(unread_);
    if (!chunk) return malformed(chunk.error().detail);
    if (*chunk) on_chunk(**chunk);
  }
  read();
}

void Connection::on_chunk(const Chunk& chunk) {
  if (!is_authenticated_ && chunk.type != ChunkType::hello) return malformed("no hello");
  switch (chunk.type) {
    case ChunkType::hello: return on_hello(chunk.hello);
    case ChunkType::data: return events_->on_data(shared_from_this(), chunk.body);
    case ChunkType::end: return events_->on_end(shared_from_this());
    case ChunkType::renew: return events_->on_renew(shared_from_this());
  }
}

void Connection::on_hello(const StreamHello& hello) {
  if (is_authenticated_) return malformed("a second hello");
  is_authenticated_ = true;
  is_welcome_ = dialled_;
  deadline_.cancel();
  events_->on_authenticated(shared_from_this(), peer_, hello);
}

void Connection::welcome(const StreamHello& hello) {
  if (events_ == nullptr || is_welcome_) return;
  is_welcome_ = true;
  put(encode(hello));
}

void Connection::malformed(const std::string& detail) { finish(Failure::malformed, detail); }

void Connection::pause(bool paused) {
  is_paused_ = paused;
  if (paused || events_ == nullptr) return;
  if (unread_.empty()) return read();
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->consume(); });
}

// ---- bytes out ----

bool Connection::can_send() const {
  return events_ != nullptr && is_welcome_ && !is_ended_ && !is_closing_;
}

bool Connection::send(ByteSpan bytes) {
  if (!can_send()) return false;
  if (bytes.empty()) return true;
  std::size_t length = open_at_ ? queue_.size() - *open_at_ - kChunkHeaderBytes : 0;
  if (!open_at_ || length + bytes.size() > kChunkBytesMax) {
    open_at_ = queue_.size();
    queue_.resize(queue_.size() + kChunkHeaderBytes);
    queue_overhead_ += kChunkHeaderBytes;
    length = 0;
  }
  queue_.insert(queue_.end(), bytes.begin(), bytes.end());
  std::ranges::copy(chunk_header(ChunkType::data, length + bytes.size()),
                    queue_.begin() + static_cast<std::ptrdiff_t>(*open_at_));
  held_ += bytes.size();
  post_flush();
  return true;
}

void Connection::put(ByteSpan bytes) {
  open_at_.reset();
  queue_.insert(queue_.end(), bytes.begin(), bytes.end());
  queue_overhead_ += bytes.size();
  post_flush();
}

void Connection::send_control(ChunkType type) {
  if (can_send()) put(chunk_header(type, 0));
}

void Connection::end() {
  send_control(ChunkType::end);
  is_ended_ = true;
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
  if (events_ == nullptr || !is_open_ || !writing_.empty()) return;
  if (queue_.empty()) {
    if (is_closing_) return shut_down();
    if (is_ended_) events_->on_ended(shared_from_this());
    return;
  }
  std::swap(queue_, writing_);
  writing_overhead_ = std::exchange(queue_overhead_, 0);
  open_at_.reset();
  written_ = 0;
  if (held_ > 0) ++events_->counts().writes;
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
  update_keys(bytes);
  const std::size_t credit = credit_of(bytes);
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
  if (credit > 0) events_->on_written(shared_from_this(), credit);
}

/// The owner's part of what was written; headers count as the first to go.
std::size_t Connection::credit_of(std::size_t bytes) {
  const std::size_t overhead = std::min(bytes, writing_overhead_);
  writing_overhead_ -= overhead;
  held_ -= bytes - overhead;
  return bytes - overhead;
}

void Connection::update_keys(std::size_t bytes) {
  records_ += (bytes + kRecordBytes - 1) / kRecordBytes;
  const auto now = asio::steady_timer::clock_type::now();
  if (records_ < config_.key_update_records && now - keys_at_ < config_.key_update_interval) return;
  if (!request_key_update(stream_.native_handle())) return;
  records_ = 0;
  keys_at_ = now;
  ++events_->counts().key_updates;
}

// ---- going down ----

void Connection::close() {
  if (events_ == nullptr || is_closing_) return;
  is_closing_ = true;
  expire_after(kCloseTime);
  if (is_welcome_) return post_flush();
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
  const Verdict verdict = classify(error, is_authenticated_ ? nullptr : &note_);
  finish(verdict.failure, verdict.detail);
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
