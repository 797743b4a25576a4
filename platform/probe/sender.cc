#include "platform/probe/sender.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <random>

#include "platform/probe/pacer.h"
#include "platform/probe/probe_packet.h"
#include "platform/probe/probe_sockets.h"

namespace hotpair::platform::probe {
namespace {

constexpr std::size_t batch = 64;
constexpr Duration tick = std::chrono::microseconds(500);  // packets due within one go out together
constexpr int end_rounds = 10;
constexpr Duration end_interval = std::chrono::milliseconds(30);

/// One running sender: socket, pace, counts.
class Sender {
 public:
  Sender(const SendOptions& options, Descriptor socket, Descriptor signals, unsigned ifindex)
      : options_(options), socket_(std::move(socket)), signals_(std::move(signals)) {
    for (const Group& group : options_.common.groups) {
      addresses_.push_back(to_socket_address(group.address(), options_.common.port, ifindex));
      report_.rows.push_back(SentRow{.group = group.address(), .sent = 0, .failed = 0});
    }
    std::random_device random;
    report_.run = (static_cast<std::uint64_t>(random()) << 32U) | random();
    report_.interface = options_.common.interface;
    report_.port = options_.common.port;
    report_.interval = options_.interval;
    report_.size = options_.size;
  }

  SendReport run() {
    report_.started_at = monotonic_now() + std::chrono::milliseconds(1);
    std::optional<std::uint64_t> rounds;
    if (options_.common.duration) {
      const double ratio = static_cast<double>(options_.common.duration->count()) /
                           static_cast<double>(options_.interval.count());
      rounds = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(ratio)));
    }
    Pacer pacer(report_.started_at, options_.interval, groups(), rounds);
    while (!pacer.done(sent_)) {
      const TimePoint now = monotonic_now();
      send_until(pacer.due(now), pacer);
      if (pacer.done(sent_)) break;
      progress(now);
      if (sleep_until(std::max(pacer.due_at(sent_), now + tick))) {
        pacer.finish(sent_);
        send_until(pacer.total(), pacer);
      }
    }
    last_sent_at_ = sent_at_;
    report_.ended_at = monotonic_now();
    send_ends(pacer);
    return report_;
  }

 private:
  [[nodiscard]] std::uint32_t groups() const {
    return static_cast<std::uint32_t>(addresses_.size());
  }

  /// True when a signal asks to stop. Notes a pause if waking took much longer than asked.
  bool sleep_until(TimePoint wake) {
    const Duration wait = std::max(wake - monotonic_now(), Duration::zero());
    const timespec timeout{.tv_sec = wait.count() / 1'000'000'000,
                           .tv_nsec = wait.count() % 1'000'000'000};
    pollfd poll{.fd = signals_.get(), .events = POLLIN, .revents = 0};
    const bool stop = ppoll(&poll, 1, &timeout, nullptr) > 0;
    const Duration late = monotonic_now() - wake;
    if (late > pause_min && report_.pauses.size() < 1000) report_.pauses.push_back({wake, late});
    return stop;
  }

  void send_until(std::uint64_t due, const Pacer& pacer) {
    while (sent_ < due) {
      const std::uint64_t count = std::min<std::uint64_t>(batch, due - sent_);
      sent_at_ = monotonic_now();
      report_.lateness_max = std::max(report_.lateness_max, sent_at_ - pacer.due_at(sent_));
      const std::uint64_t first = sent_;
      send_batch(PacketType::data, first, count, [this](std::uint64_t number) {
        return packet(PacketType::data, number, number / groups(), sent_at_);
      });
      sent_ += count;
    }
  }

  void send_ends(const Pacer& pacer) {
    const std::uint64_t rounds = sent_ / pacer.groups();
    for (int round = 0; round < end_rounds; ++round) {
      for (std::uint64_t first = 0; first < groups(); first += batch) {
        const std::uint64_t count = std::min<std::uint64_t>(batch, groups() - first);
        send_batch(PacketType::end, first, count, [&](std::uint64_t number) {
          return packet(PacketType::end, number, rounds, last_sent_at_);
        });
      }
      if (round + 1 < end_rounds) sleep_plain(end_interval);
    }
  }

  static void sleep_plain(Duration wait) {
    const timespec timeout{.tv_sec = 0, .tv_nsec = wait.count()};
    ppoll(nullptr, 0, &timeout, nullptr);
  }

  Packet packet(PacketType type, std::uint64_t number, std::uint64_t sequence, TimePoint at) const {
    using std::chrono::microseconds;
    const auto interval = std::chrono::duration_cast<microseconds>(options_.interval);
    return Packet{.type = type,
                  .run = report_.run,
                  .group_index = static_cast<std::uint32_t>(number % groups()),
                  .interval_us = static_cast<std::uint32_t>(interval.count()),
                  .sequence = sequence,
                  .sent_at = at};
  }

  template <typename MakePacket>
  void send_batch(PacketType type, std::uint64_t first, std::uint64_t count, MakePacket make) {
    buffer_.clear();
    std::array<mmsghdr, batch> headers{};
    std::array<iovec, batch> vectors{};
    for (std::uint64_t i = 0; i < count; ++i) encode(make(first + i), options_.size, buffer_);
    for (std::uint64_t i = 0; i < count; ++i) {
      SocketAddress& to = addresses_[(first + i) % groups()];
      vectors[i] = {.iov_base = buffer_.data() + i * options_.size, .iov_len = options_.size};
      headers[i].msg_hdr.msg_name = &to.storage;
      headers[i].msg_hdr.msg_namelen = to.length;
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const bool counted = type == PacketType::data;
    std::uint64_t done = 0;
    while (done < count) {
      const int accepted =
          sendmmsg(socket_.get(), &headers[done], static_cast<unsigned>(count - done), 0);
      if (accepted < 0 && errno == EINTR) continue;
      const std::uint64_t taken = accepted > 0 ? static_cast<std::uint64_t>(accepted) : 1;
      for (std::uint64_t i = 0; counted && i < taken; ++i) {
        SentRow& row = report_.rows[(first + done + i) % groups()];
        ++(accepted > 0 ? row.sent : row.failed);
      }
      done += taken;
    }
  }

  void progress(TimePoint now) {
    if (options_.common.quiet || now < progress_at_) return;
    progress_at_ = now + std::chrono::seconds(1);
    fmt::print(stderr, "\rsent {} packets to {} groups ", sent_, groups());
    std::fflush(stderr);
  }

  SendOptions options_;
  Descriptor socket_;
  Descriptor signals_;
  std::vector<SocketAddress> addresses_;
  SendReport report_;
  std::uint64_t sent_ = 0;  // packets of the whole, counted by the pacer
  TimePoint sent_at_;
  TimePoint last_sent_at_;
  TimePoint progress_at_;
  Bytes buffer_;
};

}  // namespace

Result<SendReport> run_sender(const SendOptions& options) {
  Result<Descriptor> signals = open_signals();
  if (!signals) return std::unexpected(signals.error());
  const Result<unsigned> index = interface_index(options.common.interface);
  if (!index) return std::unexpected(index.error());
  const SendSocketOptions socket_options{.family = options.common.groups.front().family(),
                                         .interface = options.common.interface,
                                         .ttl = options.ttl,
                                         .loop = options.loop,
                                         .source = options.source};
  Result<Descriptor> socket = open_send_socket(socket_options);
  if (!socket) return std::unexpected(socket.error());
  if (options.common.realtime) become_realtime();
  Sender sender(options, std::move(*socket), std::move(*signals), *index);
  return sender.run();
}

}  // namespace hotpair::platform::probe
