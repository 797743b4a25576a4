#include "rbs/tls/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <random>
#include <utility>
#include <vector>

#include "rbs/tls/connection.h"

namespace hotpair::rbs::tls {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kBacklog = 16;  // connections are taken at once; this bridges one loop turn

}  // namespace

/// The transport proper. Handlers hold it by shared_ptr; `events_` is null once the owner is gone.
class Transport::Core final : public ConnectionEvents, public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& loop, const TransportConfig& config, std::shared_ptr<Context> context,
       TransportEvents& events)
      : loop_(loop),
        config_(config),
        context_(std::move(context)),
        events_(&events),
        acceptor_(loop),
        retry_timer_(loop),
        retry_(config.retry_min),
        random_(std::random_device{}()) {}

  void start() {
    asio::post(loop_, [self = shared_from_this()] { self->begin(); });
  }
  void stop();
  void set_context(std::shared_ptr<Context> context) { context_ = std::move(context); }
  [[nodiscard]] const ConnectionPtr& current() const { return current_; }
  [[nodiscard]] bool is_dialler() const { return config_.local < config_.peer; }
  [[nodiscard]] const TransportStatistics& statistics() const { return statistics_; }

 private:
  void begin();
  void dial();
  [[nodiscard]] error_code open_acceptor();
  void listen();
  void accept();
  void take(tcp::socket socket);
  void retry_after_pause();
  void report(Failure failure, const std::string& detail);

  void on_authenticated(const ConnectionPtr& connection, const PeerDescription& peer) override;
  void on_data(const ConnectionPtr& connection, ByteSpan bytes) override;
  void on_written(const ConnectionPtr& connection, std::size_t bytes) override;
  void on_gone(const ConnectionPtr& connection, Failure failure,
               const std::string& detail) override;
  [[nodiscard]] TransportStatistics& counts() override { return statistics_; }

  asio::io_context& loop_;
  TransportConfig config_;
  std::shared_ptr<Context> context_;
  TransportEvents* events_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_timer_;
  Duration retry_;
  std::minstd_rand random_;
  ConnectionPtr current_;               // authenticated
  std::vector<ConnectionPtr> pending_;  // not yet authenticated
  asio::steady_timer::time_point connected_at_;
  TransportStatistics statistics_;
};

void Transport::Core::stop() {
  events_ = nullptr;
  retry_timer_.cancel();
  error_code ignored;
  static_cast<void>(acceptor_.close(ignored));
  if (current_) current_->abandon();
  for (const ConnectionPtr& connection : pending_) connection->abandon();
  current_.reset();
  pending_.clear();
}

void Transport::Core::begin() {
  if (events_ == nullptr) return;
  is_dialler() ? dial() : listen();
}

void Transport::Core::dial() {
  if (current_ || !pending_.empty()) return;
  const ConnectionPtr connection =
      std::make_shared<Connection>(tcp::socket(loop_), config_, context_, true, *this);
  pending_.push_back(connection);
  connection->dial();
}

error_code Transport::Core::open_acceptor() {
  const tcp::endpoint local = endpoint_of(config_.local, config_.port);
  error_code error;
  static_cast<void>(acceptor_.open(local.protocol(), error));
  if (!error) static_cast<void>(acceptor_.set_option(tcp::acceptor::reuse_address(true), error));
  if (!error && config_.local.is_v6())
    static_cast<void>(acceptor_.set_option(asio::ip::v6_only(true), error));
  if (!error) static_cast<void>(acceptor_.bind(local, error));
  if (!error) static_cast<void>(acceptor_.listen(kBacklog, error));
  return error;
}

void Transport::Core::listen() {
  if (const error_code error = open_acceptor()) {
    error_code ignored;
    static_cast<void>(acceptor_.close(ignored));
    retry_after_pause();
    return report(Failure::unreachable,
                  fmt::format("cannot listen on {} port {}: {}", config_.local.to_string(),
                              config_.port, error.message()));
  }
  retry_ = config_.retry_min;
  accept();
}

void Transport::Core::accept() {
  acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (self->events_ == nullptr) return;
    if (!error) {
      self->take(std::move(socket));
      if (self->events_ != nullptr) self->accept();
      return;
    }
    // Out of descriptors, most likely: open anew after a pause.
    error_code ignored;
    static_cast<void>(self->acceptor_.close(ignored));
    self->retry_after_pause();
    self->report(Failure::reset, "accept: " + error.message());
  });
}

void Transport::Core::take(tcp::socket socket) {
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;
  if (address_of(remote.address()) != config_.peer) {
    ++statistics_.foreign_peers;
    return;
  }
  if (pending_.size() >= config_.handshakes_max) {
    ++statistics_.handshakes_limited;
    return;
  }
  const ConnectionPtr connection =
      std::make_shared<Connection>(std::move(socket), config_, context_, false, *this);
  pending_.push_back(connection);
  connection->accept();
}

void Transport::Core::retry_after_pause() {
  // Between half and the whole of the back-off, so that two nodes do not march in step.
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  retry_timer_.expires_after(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(
          static_cast<double>(retry_.count()) * share)));
  retry_ = std::min(retry_ * 2, config_.retry_max);
  retry_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->begin();
  });
}

void Transport::Core::report(Failure failure, const std::string& detail) {
  ++statistics_.failures[static_cast<std::size_t>(failure)];
  if (events_ != nullptr) events_->on_failed(failure, detail);
}

void Transport::Core::on_authenticated(const ConnectionPtr& connection,
                                       const PeerDescription& peer) {
  std::erase(pending_, connection);
  if (const ConnectionPtr old = std::exchange(current_, nullptr)) {
    // The peer came back and knows nothing of the old connection.
    old->abandon();
    ++statistics_.failures[static_cast<std::size_t>(Failure::replaced)];
    events_->on_closed(Failure::replaced, "");
    if (events_ == nullptr) return connection->abandon();
  }
  current_ = connection;
  connected_at_ = asio::steady_timer::clock_type::now();
  ++statistics_.connections;
  events_->on_connected(peer);
}

void Transport::Core::on_data(const ConnectionPtr&, ByteSpan bytes) {
  statistics_.bytes_in += bytes.size();
  events_->on_bytes(bytes);
}

void Transport::Core::on_written(const ConnectionPtr&, std::size_t bytes) {
  statistics_.bytes_out += bytes;
  events_->on_sendable(bytes);
}

void Transport::Core::on_gone(const ConnectionPtr& connection, Failure failure,
                              const std::string& detail) {
  const bool was_current = connection == current_;
  if (was_current) {
    current_.reset();
    // A connection that lived shows that the peer is well; one that fell at once does not.
    if (asio::steady_timer::clock_type::now() - connected_at_ >= config_.retry_max)
      retry_ = config_.retry_min;
  }
  std::erase(pending_, connection);
  if (is_dialler()) retry_after_pause();
  if (!was_current) return report(failure, detail);
  ++statistics_.failures[static_cast<std::size_t>(failure)];
  events_->on_closed(failure, detail);
}

// ---- the owner's handle ----

Transport::Transport(asio::io_context& loop, const TransportConfig& config,
                     std::shared_ptr<Context> context, TransportEvents& events)
    : core_(std::make_shared<Core>(loop, config, std::move(context), events)) {}
Transport::~Transport() { core_->stop(); }

void Transport::start() { core_->start(); }
void Transport::set_context(std::shared_ptr<Context> context) {
  core_->set_context(std::move(context));
}
bool Transport::send(ByteSpan bytes) { return core_->current() && core_->current()->send(bytes); }
std::size_t Transport::sendable() const {
  return core_->current() ? core_->current()->sendable() : 0;
}
void Transport::pause(bool paused) {
  if (core_->current()) core_->current()->pause(paused);
}
void Transport::close() {
  if (core_->current()) core_->current()->close();
}
bool Transport::is_connected() const { return core_->current() != nullptr; }
bool Transport::is_dialler() const { return core_->is_dialler(); }
const TransportStatistics& Transport::statistics() const { return core_->statistics(); }

}  // namespace hotpair::rbs::tls
