#include "ha/keeper/main/keeper_process.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ha/keeper/main/keeper_messages.h"
#include "ha/switchover/history.h"
#include "platform/io/clock.h"

namespace hotpair::ha::keeper {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(1);
constexpr int kEventsMax = 32;

std::uint64_t new_session() {
  std::uint64_t session = 0;
  while (session == 0) session = platform::io::random_u64();
  return session;
}

}  // namespace

KeeperProcess::KeeperProcess(SocketPath socket, CarrierWatch links, Privileges privileges,
                             std::string held_links, platform::io::Log& log)
    : listener_(std::move(socket)),
      links_(std::move(links)),
      privileges_(privileges),
      log_(log),
      keeper_({static_cast<std::uint32_t>(::getpid()), new_session(), platform::io::random_u64()},
              platform::io::now()),
      bfd_sockets_([this](int fd) { watch_bfd(fd); },
                   [this](const std::string& which, const std::string& error) {
                     log_(messages::kBfdSocketFailed, which, error);
                   }),
      retry_at_(platform::io::now()),
      holds_(std::move(held_links)) {}

bool KeeperProcess::watch(int fd, unsigned events, bool modify) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_.get(), modify ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0;
}

Result<void> KeeperProcess::prepare(int signals) {
  signals_ = signals;
  epoll_ = FileDescriptor(::epoll_create1(EPOLL_CLOEXEC));
  timer_ = FileDescriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!epoll_.valid() || !timer_.valid()) return fail(ErrorCode::exhausted, std::strerror(errno));
  for (const int fd : {signals_, timer_.get(), listener_.fd(), links_.fd()})
    if (!watch(fd, EPOLLIN)) return fail(ErrorCode::exhausted, std::strerror(errno));
  return {};
}

Result<void> KeeperProcess::run(int signals) {
  if (const auto ready = prepare(signals); !ready) return ready;
  for (const std::string& device : holds_.give_back_left_over())
    log_(messages::kHeldLink, device, "set up again: a former keeper ended while it was held down");
  static_cast<void>(links_.read());
  notify_service_manager("READY=1");
  while (!done_) turn();
  notify_service_manager("STOPPING=1");
  return {};
}

void KeeperProcess::set_timer() {
  std::optional<TimePoint> due = keeper_.next_deadline();
  if (retry_) due = earliest(due, retry_at_);
  if (counters_.watching()) due = earliest(due, polled_at_ + kCarrierPoll);
  itimerspec setting{};
  if (due) {
    const auto ns = std::max<Duration::rep>(due->time_since_epoch().count(), 1);
    setting.it_value.tv_sec = ns / 1'000'000'000;
    setting.it_value.tv_nsec = ns % 1'000'000'000;
  }
  static_cast<void>(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr));
}

void KeeperProcess::turn() {
  set_timer();
  const std::optional<TimePoint> due = keeper_.next_deadline();
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, -1);
  const TimePoint woke = platform::io::now();
  if (due && woke - *due > kLate) {
    ++late_timers_;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(woke - *due).count();
    worst_late_us_ = std::max(worst_late_us_,
                              static_cast<std::uint32_t>(std::min<Duration::rep>(us, UINT32_MAX)));
  }
  // BFD, hellos and LACPDUs before timers, so that nobody is blamed for what is in our own socket;
  // the daemon last.
  for (int e = 0; e < count; ++e) read_bfd(events[static_cast<std::size_t>(e)].data.fd);
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    for (int e = 0; e < count; ++e) {
      const auto& socket = sockets_[i].socket;
      if (socket && socket->fd() == events[static_cast<std::size_t>(e)].data.fd)
        read_hellos(*socket, i);
    }
  }
  for (const Member& member : members_) {
    for (int e = 0; e < count; ++e)
      if (member.socket && member.socket->fd() == events[static_cast<std::size_t>(e)].data.fd)
        read_lacpdus(*member.socket);
  }
  run_timers(platform::io::now());
  for (int e = 0; e < count && !done_; ++e) dispatch(events[static_cast<std::size_t>(e)].data.fd);
}

void KeeperProcess::run_timers(TimePoint at) {
  const auto due = keeper_.next_deadline();
  poll_carriers(at);  // before the hellos, so that they tell of it
  if (due && *due <= at) {
    keeper_.on_timeout(at);
    drain();
  }
  if (retry_ && retry_at_ <= at) open_missing();
  log_held_links();
}

void KeeperProcess::dispatch(int fd) {
  if (fd == timer_.get()) {
    std::uint64_t expirations = 0;
    static_cast<void>(!::read(fd, &expirations, sizeof expirations));
  } else if (fd == links_.fd()) {
    read_links();
  } else if (fd == listener_.fd()) {
    accept_daemon();
  } else if (fd == signals_) {
    on_signal();
  } else if (daemon_ && fd == daemon_->fd()) {
    read_daemon();
  }
}

void KeeperProcess::on_signal() {
  signalfd_siginfo info{};
  if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
  log_(messages::kLeaving, daemon_ ? "asked the daemon to hand over" : "no daemon, goodbye");
  keeper_.on_leave_requested(platform::io::now());
  drain();
}

// ---- effects ----

// Inputs given while effects are carried out add effects at the end of the same queue.
void KeeperProcess::drain() {
  if (draining_) return;
  draining_ = true;
  while (auto effect = keeper_.poll_effect())
    std::visit([this](auto& body) { carry_out(body); }, *effect);
  draining_ = false;
}

void KeeperProcess::carry_out(SendHello& effect) {
  TimePoint at = platform::io::now();
  const auto sent = send_hello(effect, at);
  std::string error = sent ? std::string() : sent.error().detail;
  if (sent) {
    keeper_.on_hello_sent(effect.etrunk, effect.path, at);
  } else {
    keeper_.on_hello_failed(effect.etrunk, effect.path, at);
  }
  const auto trunk = trunks_.find(effect.etrunk);
  if (trunk == trunks_.end()) return;
  std::string& last = trunk->second.last_error[effect.path.value()];
  if (!error.empty() && error != last)
    log_(messages::kHelloFailed, effect.etrunk.value(), effect.path.value(), error);
  last = std::move(error);
}

void KeeperProcess::carry_out(StoreGate& effect) {
  if (!gate_words_) return;
  if (effect.slot >= gate_words_->slots()) {
    log_(messages::kGateMap, fmt::format("slot {} is not in the map", effect.slot));
    return;
  }
  gate_words_->store(effect.slot, effect.word);
  stored_at_[effect.slot] = platform::io::now();
}

void KeeperProcess::carry_out(ToDaemon& effect) {
  complete(effect.message);
  log_event(effect.message);
  send_to_daemon(effect.message);
}

void KeeperProcess::carry_out(DrainSockets& /*effect*/) {
  for (const int fd : bfd_sockets_.fds()) read_bfd(fd);
  for (std::size_t i = 0; i < sockets_.size(); ++i)
    if (sockets_[i].socket) read_hellos(*sockets_[i].socket, i);
  keeper_.on_drained(platform::io::now());
}

void KeeperProcess::carry_out(Reconfigured& /*effect*/) {
  configure_sockets();
  configure_lacp();
  static_cast<void>(links_.read());
  report_links();
}

void KeeperProcess::carry_out(Announce& effect) {
  const auto sent = announcer_.send(effect.device, effect.frame);
  const std::string error = sent ? std::string() : sent.error().detail;
  if (!sent && announce_errors_[effect.device] != error)
    log_(messages::kAnnounceFailed, effect.device, error);
  if (sent)
    announce_errors_.erase(effect.device);
  else
    announce_errors_[effect.device] = error;
}

void KeeperProcess::carry_out(Exit& /*effect*/) { done_ = true; }

// What only the driver knows.
void KeeperProcess::complete(FromKeeper& message) const {
  if (auto* status = std::get_if<KeeperStatus>(&message)) {
    status->realtime = privileges_.realtime;
    status->locked = privileges_.locked;
    status->late_timers = late_timers_;
    status->worst_late_us = worst_late_us_;
  } else if (auto* changed = std::get_if<ScopeChanged>(&message)) {
    for (const ScopeConfig& scope : keeper_.config().scopes) {
      const auto stored = stored_at_.find(scope.gate_slot);
      if (scope.scope == changed->state.scope && stored != stored_at_.end())
        changed->gate_stored = stored->second;
    }
  }
}

void KeeperProcess::log_event(const FromKeeper& message) {
  if (const auto* path = std::get_if<PathChanged>(&message)) {
    Message row = messages::kPath;
    if (path->up) row.level = LogLevel::info;
    log_(row, path->etrunk.value(), path->path.value(),
         path->up ? std::string("up") : fmt::format("down, silent for {} ms", path->silent_ms));
  } else if (const auto* scope = std::get_if<ScopeChanged>(&message)) {
    log_(messages::kScopeChanged, scope->state.scope.value(),
         switchover::to_string(scope->state.role), to_string(scope->state.term),
         scope->state.gate_open ? "open" : "closed", switchover::to_string(scope->cause));
  } else if (const auto* gate = std::get_if<GateChanged>(&message)) {
    log_(messages::kGate, gate->scope.value(), gate->open ? "open" : "closed",
         switchover::to_string(gate->cause));
  } else if (const auto* access = std::get_if<AccessChanged>(&message)) {
    log_(messages::kAccess, access->scope.value(), access->up ? "up" : "down");
  } else if (const auto* trunk = std::get_if<TrunkChanged>(&message)) {
    log_(messages::kTrunk, trunk->trunk.value(), trunk->partner_heard ? "heard" : "lost",
         trunk->sync_allowed ? "allowed" : "not allowed", trunk->collecting, trunk->distributing);
  } else if (const auto* bfd_change = std::get_if<BfdChanged>(&message)) {
    if (bfd_change->from != bfd_change->state)
      log_(messages::kBfdSession, bfd_change->name, bfd::to_string(bfd_change->from),
           bfd::to_string(bfd_change->state), bfd::to_string(bfd_change->reason),
           bfd_change->authenticated ? ", proven" : "");
  } else if (const auto* carrier = std::get_if<CarrierChanged>(&message)) {
    for (const std::string& device : carrier->devices)
      log_(messages::kHeldLink, device,
           carrier->held ? std::string("carrier dropped: the LACP system ids differ")
                         : "carrier given back: " + switchover::to_string(carrier->end));
  } else if (const auto* alone = std::get_if<Alone>(&message)) {
    log_(messages::kAlone, alone->etrunk.value());
  }
}

}  // namespace hotpair::ha::keeper
