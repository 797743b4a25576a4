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
constexpr Duration kYoungAttempt = std::chrono::seconds(1);

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
        random_(std::random_device{}()),
        renew_timer_(loop),
        handshakes_(config.handshake_burst),
        handshakes_at_(asio::steady_timer::clock_type::now()) {}

  void start() {
    asio::post(loop_, [self = shared_from_this()] { self->begin(); });
  }
  void stop();
  void dial_now();
  void set_context(std::shared_ptr<Context> context) { context_ = std::move(context); }
  void renew();
  void pause(bool paused);
  [[nodiscard]] std::size_t sendable() const;
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

  // one connection after the other
  void begin_stream(const ConnectionPtr& connection, const PeerDescription& peer);
  void try_renew();
  void accept_continuation(const ConnectionPtr& connection, const PeerDescription& peer);
  void switch_to(const ConnectionPtr& connection, std::uint64_t id, const PeerDescription& peer);
  void finish_switch();
  void break_stream(Failure failure, const std::string& detail);
  void renew_after(Duration pause);
  void renewal_failed(Failure failure, const std::string& detail);
  [[nodiscard]] bool may_shake_hands();
  [[nodiscard]] std::uint64_t new_id();

  void on_authenticated(const ConnectionPtr& connection, const PeerDescription& peer,
                        const StreamHello& hello) override;
  void on_data(const ConnectionPtr& connection, ByteSpan bytes) override;
  void on_written(const ConnectionPtr& connection, std::size_t bytes) override;
  void on_end(const ConnectionPtr& connection) override;
  void on_ended(const ConnectionPtr& connection) override;
  void on_renew(const ConnectionPtr& connection) override;
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
  ConnectionPtr current_;  // authenticated; what is sent goes here
  std::uint64_t current_id_ = 0;
  std::vector<ConnectionPtr> pending_;  // not yet authenticated
  ConnectionPtr old_;                   // before current_, until both ends have ended it
  bool old_end_heard_ = false;          // else bytes still come from old_, and current_ waits
  bool old_end_sent_ = false;
  ConnectionPtr candidate_;  // dialler: continues current_ once it is authenticated
  bool early_end_ = false;   // dialler: current_ ended, candidate_ is not welcome yet
  ConnectionPtr waiting_;    // listener: continues current_ once old_ is done
  PeerDescription waiting_peer_;
  bool renew_wanted_ = false;
  bool is_paused_ = false;  // by the owner
  asio::steady_timer renew_timer_;
  double handshakes_ = 0;  // tokens: how many may begin now
  asio::steady_timer::time_point handshakes_at_;
  asio::steady_timer::time_point connected_at_;
  asio::steady_timer::time_point dialled_at_;
  TransportStatistics statistics_;
};

void Transport::Core::stop() {
  events_ = nullptr;
  retry_timer_.cancel();
  renew_timer_.cancel();
  error_code ignored;
  static_cast<void>(acceptor_.close(ignored));
  for (ConnectionPtr* held : {&current_, &old_, &candidate_, &waiting_})
    if (const ConnectionPtr connection = std::exchange(*held, nullptr)) connection->abandon();
  for (const ConnectionPtr& connection : pending_) connection->abandon();
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
  dialled_at_ = asio::steady_timer::clock_type::now();
  connection->dial({});
}

// An attempt under way may hang in a SYN that was lost long ago; a young one may be the answer.
void Transport::Core::dial_now() {
  if (events_ == nullptr || !is_dialler() || current_) return;
  const bool young = asio::steady_timer::clock_type::now() - dialled_at_ < kYoungAttempt;
  if (!pending_.empty() && young) return;
  retry_timer_.cancel();
  retry_ = config_.retry_min;
  for (const ConnectionPtr& connection : std::exchange(pending_, {})) connection->abandon();
  begin();
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
  if (pending_.size() >= config_.handshakes_max || !may_shake_hands()) {
    ++statistics_.handshakes_limited;
    return events_->on_limited();
  }
  const ConnectionPtr connection =
      std::make_shared<Connection>(std::move(socket), config_, context_, false, *this);
  pending_.push_back(connection);
  connection->accept();
}

void Transport::Core::retry_after_pause() {
  // Between half and the whole of the back-off, so that two nodes do not march in step.
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  retry_timer_.expires_after(std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::nano>(static_cast<double>(retry_.count()) * share)));
  retry_ = std::min(retry_ * 2, config_.retry_max);
  retry_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->begin();
  });
}

void Transport::Core::report(Failure failure, const std::string& detail) {
  ++statistics_.failures[static_cast<std::size_t>(failure)];
  if (events_ != nullptr) events_->on_failed(failure, detail);
}

/// A token per interval, some in a row: a peer that comes back is not kept out.
bool Transport::Core::may_shake_hands() {
  const auto now = asio::steady_timer::clock_type::now();
  const std::chrono::duration<double> passed = now - handshakes_at_;
  handshakes_at_ = now;
  handshakes_ = std::min<double>(
      config_.handshake_burst,
      handshakes_ + passed / std::chrono::duration<double>(config_.handshake_interval));
  if (handshakes_ < 1) return false;
  handshakes_ -= 1;
  return true;
}

std::uint64_t Transport::Core::new_id() {
  std::random_device source;
  return (std::uint64_t{source()} << 32U) | source();
}

void Transport::Core::on_authenticated(const ConnectionPtr& connection, const PeerDescription& peer,
                                       const StreamHello& hello) {
  std::erase(pending_, connection);
  if (is_dialler()) {
    const bool was_candidate = connection == candidate_;
    if (was_candidate) candidate_.reset();
    if (was_candidate && hello.continues) return switch_to(connection, hello.connection, peer);
    current_id_ = hello.connection;
    return begin_stream(connection, peer);
  }
  if (hello.continues && current_ && hello.connection == current_id_) {
    if (!old_) return accept_continuation(connection, peer);
    // The switch before this one is not over on our side.
    if (waiting_) waiting_->abandon();
    waiting_ = connection;
    waiting_peer_ = peer;
    return connection->pause(true);
  }
  connection->welcome({false, current_id_ = new_id()});
  begin_stream(connection, peer);
}

/// A stream of its own; whatever there was before is over.
void Transport::Core::begin_stream(const ConnectionPtr& connection, const PeerDescription& peer) {
  if (current_) {
    // The peer came back and knows nothing of the old connection.
    break_stream(Failure::replaced, "");
    if (events_ == nullptr) return connection->abandon();
  }
  current_ = connection;
  is_paused_ = false;
  connected_at_ = asio::steady_timer::clock_type::now();
  ++statistics_.connections;
  events_->on_connected(peer);
}

// ---- one connection after the other ----

void Transport::Core::renew() {
  if (!current_) return;
  if (!is_dialler()) return current_->ask_to_renew();
  renew_wanted_ = true;
  asio::post(loop_, [self = shared_from_this()] { self->try_renew(); });
}

void Transport::Core::try_renew() {
  if (events_ == nullptr || !renew_wanted_ || !current_ || old_ || candidate_) return;
  renew_wanted_ = false;
  renew_timer_.cancel();
  candidate_ = std::make_shared<Connection>(tcp::socket(loop_), config_, context_, true, *this);
  pending_.push_back(candidate_);
  candidate_->dial({true, current_id_});
}

void Transport::Core::on_renew(const ConnectionPtr& connection) {
  // One that came over the old connection was meant for credentials newer than the new connection.
  if (!is_dialler() || (connection != current_ && connection != old_)) return;
  renew_wanted_ = true;
  // Nobody makes this node shake hands all the time.
  if (!may_shake_hands()) return renew_after(config_.handshake_interval);
  try_renew();
}

void Transport::Core::renew_after(Duration pause) {
  renew_timer_.expires_after(pause);
  renew_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error) return;
    self->renew_wanted_ = true;
    self->try_renew();
  });
}

void Transport::Core::accept_continuation(const ConnectionPtr& connection,
                                          const PeerDescription& peer) {
  const std::uint64_t id = new_id();
  connection->welcome({true, id});
  switch_to(connection, id, peer);
}

/// From here on we send over the new connection. What the peer sends over the old one comes first.
void Transport::Core::switch_to(const ConnectionPtr& connection, std::uint64_t id,
                                const PeerDescription& peer) {
  old_ = std::exchange(current_, connection);
  current_id_ = id;
  old_end_sent_ = false;
  old_end_heard_ = std::exchange(early_end_, false);
  current_->pause(!old_end_heard_ || is_paused_);
  old_->end();
  ++statistics_.renewals;
  events_->on_renewed(peer);
}

void Transport::Core::on_end(const ConnectionPtr& connection) {
  // Nothing more comes over it but its end, which the peer may make before our own writes have
  // come back to us; it means nothing.
  connection->pause(true);
  if (connection == old_ && !old_end_heard_) {
    old_end_heard_ = true;
    current_->pause(is_paused_);
    return finish_switch();
  }
  if (connection == current_ && candidate_ && !early_end_) {
    early_end_ = true;
    return;
  }
  break_stream(Failure::malformed, "an end without another connection");
}

void Transport::Core::on_ended(const ConnectionPtr& connection) {
  if (connection != old_) return;
  old_end_sent_ = true;
  finish_switch();
}

void Transport::Core::finish_switch() {
  if (!old_ || !old_end_heard_ || !old_end_sent_) return;
  old_->abandon();
  old_.reset();
  if (const ConnectionPtr next = std::exchange(waiting_, nullptr)) {
    next->pause(false);
    return accept_continuation(next, waiting_peer_);
  }
  if (is_dialler()) try_renew();
}

/// The bytes of the stream are no longer all in order: every connection of it goes.
void Transport::Core::break_stream(Failure failure, const std::string& detail) {
  for (ConnectionPtr* held : {&current_, &old_, &candidate_, &waiting_}) {
    const ConnectionPtr connection = std::exchange(*held, nullptr);
    if (!connection) continue;
    std::erase(pending_, connection);
    connection->abandon();
  }
  renew_wanted_ = early_end_ = false;
  renew_timer_.cancel();
  // A connection that lived shows that the peer is well; one that fell at once does not.
  if (asio::steady_timer::clock_type::now() - connected_at_ >= config_.retry_max)
    retry_ = config_.retry_min;
  ++statistics_.failures[static_cast<std::size_t>(failure)];
  if (is_dialler() && failure != Failure::replaced) retry_after_pause();
  events_->on_closed(failure, detail);
}

void Transport::Core::renewal_failed(Failure failure, const std::string& detail) {
  ++statistics_.failures[static_cast<std::size_t>(failure)];
  renew_after(config_.renew_retry);
  events_->on_renewal_failed(failure, detail);
}

void Transport::Core::pause(bool paused) {
  is_paused_ = paused;
  if (early_end_) return;  // switch_to() sees to it
  const bool from_old = old_ && !old_end_heard_;
  if (const ConnectionPtr& read = from_old ? old_ : current_) read->pause(paused);
}

std::size_t Transport::Core::sendable() const {
  if (!current_ || !current_->can_send()) return 0;
  const std::size_t held = current_->held() + (old_ ? old_->held() : 0);
  return held < config_.outgoing_max ? config_.outgoing_max - held : 0;
}

// ---- bytes and ends ----

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
  std::erase(pending_, connection);
  if (connection == current_ || connection == old_) return break_stream(failure, detail);
  if (connection == waiting_) return waiting_.reset();
  if (connection == candidate_) {
    candidate_.reset();
    if (early_end_) return break_stream(failure, detail);
    return renewal_failed(failure, detail);
  }
  if (is_dialler()) retry_after_pause();
  if (!is_dialler() && current_) {
    // Most likely the dialler's attempt to renew; whoever it was, the stream goes on.
    ++statistics_.failures[static_cast<std::size_t>(failure)];
    return events_->on_renewal_failed(failure, detail);
  }
  report(failure, detail);
}

// ---- the owner's handle ----

Transport::Transport(asio::io_context& loop, const TransportConfig& config,
                     std::shared_ptr<Context> context, TransportEvents& events)
    : core_(std::make_shared<Core>(loop, config, std::move(context), events)) {}
Transport::~Transport() { core_->stop(); }

void Transport::start() { core_->start(); }
void Transport::dial_now() { core_->dial_now(); }
void Transport::set_context(std::shared_ptr<Context> context) {
  core_->set_context(std::move(context));
}
void Transport::renew() { core_->renew(); }
bool Transport::send(ByteSpan bytes) {
  return core_->current() && bytes.size() <= core_->sendable() && core_->current()->send(bytes);
}
std::size_t Transport::sendable() const { return core_->sendable(); }
void Transport::pause(bool paused) { core_->pause(paused); }
std::string Transport::key_id_in_use() const {
  return core_->current() ? core_->current()->key_id() : std::string();
}
void Transport::close() {
  if (core_->current()) core_->current()->close();
}
bool Transport::is_connected() const { return core_->current() != nullptr; }
bool Transport::is_dialler() const { return core_->is_dialler(); }
const TransportStatistics& Transport::statistics() const { return core_->statistics(); }

}  // namespace hotpair::rbs::tls
