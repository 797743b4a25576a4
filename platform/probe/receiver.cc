#include "platform/probe/receiver.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "platform/probe/probe_sockets.h"
#include "platform/probe/receive_account.h"

namespace hotpair::platform::probe {
namespace {

constexpr Duration wait_max = std::chrono::milliseconds(5);
constexpr Duration linger = std::chrono::milliseconds(400);  // longer than a sender repeats its end

/// One running receiver: sockets, account, progress.
class Receiver {
 public:
  Receiver(const ReceiveOptions& options, JoinedSockets sockets, Descriptor signals,
           Descriptor epoll)
      : options_(options),
        sockets_(std::move(sockets)),
        signals_(std::move(signals)),
        epoll_(std::move(epoll)),
        account_({.groups = options.common.groups, .expect_from = options.expect_from}) {
    watch(signals_.get());
    for (const Descriptor& socket : sockets_.sockets()) watch(socket.get());
  }

  ReceiveReport run() {
    const TimePoint started_at = monotonic_now();
    TimePoint woke_at = started_at;
    TimePoint now = started_at;
    while (!over(now, started_at)) {
      std::array<epoll_event, 64> events{};
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(),
                                   static_cast<int>(wait_max / std::chrono::milliseconds(1)));
      now = monotonic_now();
      if (now - woke_at > wait_max + pause_min) note_pause(woke_at, now);
      woke_at = now;
      bool stop = false;
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_.get()) {
          stop = true;
        } else {
          drain(fd);
        }
      }
      if (stop) break;
      progress(now, started_at);
    }
    for (const Descriptor& socket : sockets_.sockets()) drain(socket.get());
    return finish(started_at);
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  [[nodiscard]] bool over(TimePoint now, TimePoint started_at) {
    if (options_.common.duration && now - started_at >= *options_.common.duration) return true;
    if (!options_.until_end || !account_.all_ended()) {
      ended_at_.reset();
      return false;
    }
    if (!ended_at_) ended_at_ = now;
    return now - *ended_at_ >= linger;
  }

  void note_pause(TimePoint begin, TimePoint end) {
    if (pauses_.size() < 1000) pauses_.push_back({begin, end - begin});
  }

  void drain(int socket) {
    for (int rounds = 0; rounds < 64; ++rounds) {
      const std::span<const Datagram> datagrams = reader_.read(socket);
      for (const Datagram& datagram : datagrams) {
        account_.on_datagram(datagram.group, datagram.source, datagram.payload,
                             datagram.received_at);
        if (datagram.overflow) overflow_[socket] = *datagram.overflow;
      }
      if (datagrams.size() < BatchReader::batch) return;
    }
  }

  ReceiveReport finish(TimePoint started_at) {
    if (!options_.common.quiet) fmt::print(stderr, "\n");
    ReceiveReport report = account_.report();
    report.interface = options_.common.interface;
    report.port = options_.common.port;
    report.started_at = started_at;
    report.ended_at = monotonic_now();
    report.pauses = std::move(pauses_);
    for (const auto& [socket, dropped] : overflow_) report.socket_dropped += dropped;
    return report;
  }

  void progress(TimePoint now, TimePoint started_at) {
    if (options_.common.quiet || now < progress_at_) return;
    progress_at_ = now + std::chrono::seconds(1);
    const LiveCounts live = account_.live();
    fmt::print(stderr, "\r{:6.0f} s: {} streams of {} groups, {} packets, {} lost, {} duplicates ",
               std::chrono::duration<double>(now - started_at).count(), live.flows,
               options_.common.groups.size(), live.arrived, live.lost, live.duplicates);
    std::fflush(stderr);
  }

  ReceiveOptions options_;
  JoinedSockets sockets_;
  Descriptor signals_;
  Descriptor epoll_;
  ReceiveAccount account_;
  BatchReader reader_;
  std::map<int, std::uint64_t> overflow_;  // the kernel's count, per socket
  std::vector<Pause> pauses_;
  std::optional<TimePoint> ended_at_;
  TimePoint progress_at_;
};

Result<void> write_ready(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return fail(ErrorCode::unavailable, "cannot write " + path);
  fmt::print(file, "ready\n");
  std::fclose(file);
  return {};
}

}  // namespace

Result<ReceiveReport> run_receiver(const ReceiveOptions& options) {
  Result<Descriptor> signals = open_signals();
  if (!signals) return std::unexpected(signals.error());
  Result<JoinedSockets> sockets = JoinedSockets::open({.groups = options.common.groups,
                                                       .sources = options.sources,
                                                       .interface = options.common.interface,
                                                       .port = options.common.port});
  if (!sockets) return std::unexpected(sockets.error());
  Descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return fail(ErrorCode::unavailable, "epoll_create1 failed");
  if (options.common.realtime) become_realtime();
  Receiver receiver(options, std::move(*sockets), std::move(*signals), std::move(epoll));
  if (!options.ready_file.empty()) {
    const Result<void> ready = write_ready(options.ready_file);
    if (!ready) return std::unexpected(ready.error());
  }
  return receiver.run();
}

}  // namespace hotpair::platform::probe
