#pragma once

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "ha/bfd/bfd_session.h"

/// Two sessions over a link with a virtual clock, and one session against packets made by hand.
namespace hotpair::ha::bfd::testing {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

inline SessionConfig session_config(std::uint32_t own, std::uint32_t other) {
  SessionConfig config;
  config.name = "s" + std::to_string(own);
  config.local = IpAddress::v4(0x0a000000 + own);
  config.peer = IpAddress::v4(0x0a000000 + other);
  config.device = "eth0";
  config.min_tx_us = config.min_rx_us = 10'000;
  return config;
}

/// One session; the test is its peer, 10.0.0.2 with discriminator 22.
class Single {
 public:
  TimePoint now{seconds(1000)};
  std::vector<ControlPacket> sent;
  std::vector<TimePoint> sent_at;
  std::vector<StateChanged> changes;
  std::size_t drains = 0;
  bool can_send = true;
  BfdSession session;

  explicit Single(const SessionConfig& config = session_config(1, 2), std::uint64_t seed = 7)
      : session(config, {Discriminator(11), 0xfffffffe, seed}, now) {
    drain();
  }
  [[nodiscard]] ControlPacket packet(State state, bool known = true) const {
    ControlPacket packet;
    packet.state = state;
    packet.my_discriminator = Discriminator(22);
    if (known) packet.your_discriminator = Discriminator(11);
    packet.desired_min_tx_us = packet.required_min_rx_us = 10'000;
    return packet;
  }
  [[nodiscard]] Arrival arrival() const {
    const SessionConfig& config = session.config();
    return {config.peer, config.local, 255, config.multihop, config.device, DigestCheck::none};
  }
  Verdict hear(const ControlPacket& packet) { return hear(packet, arrival()); }
  Verdict hear(const ControlPacket& packet, const Arrival& how) {
    const Verdict verdict = session.on_packet(packet, how, now);
    drain();
    return verdict;
  }
  void bring_up() {
    hear(packet(State::down, false));
    hear(packet(State::init));
    ControlPacket final = packet(State::up);
    final.final = true;
    hear(final);
    hear(packet(State::up));
    ASSERT_EQ(session.state(), State::up);
    sent.clear();
    sent_at.clear();
    changes.clear();
  }
  /// Timers fire exactly when they are due.
  void run(Duration span) {
    const TimePoint end = now + span;
    while (true) {
      const auto due = session.next_deadline();
      if (!due || *due > end) break;
      now = std::max(now, *due);
      session.on_timeout(now);
      drain();
    }
    now = end;
  }
  /// A pause: nothing runs until then.
  void wake_after(Duration span) {
    now += span;
    session.on_timeout(now);
    drain();
  }
  void drain() {
    while (auto effect = session.poll_effect()) {
      if (const auto* send = std::get_if<SendPacket>(&*effect)) {
        sent.push_back(send->packet);
        sent_at.push_back(now);
        if (can_send)
          session.on_sent();
        else
          session.on_send_failed();
      } else if (const auto* change = std::get_if<StateChanged>(&*effect)) {
        changes.push_back(*change);
      } else {
        ++drains;
      }
    }
  }
};

/// Two sessions, 100 us apart.
class Link {
 public:
  struct End {
    std::optional<BfdSession> session;
    std::vector<StateChanged> changes;
    std::vector<ControlPacket> sent;
    bool frozen = false;
    bool cut = false;  // what leaves here is lost
    std::vector<ControlPacket> socket;
  };
  std::array<End, 2> ends;
  TimePoint now{seconds(1000)};

  Link(const SessionConfig& a, const SessionConfig& b) {
    ends[0].session.emplace(a, BfdSession::Start{Discriminator(11), 5, 1}, now);
    ends[1].session.emplace(b, BfdSession::Start{Discriminator(22), 9, 2}, now);
    for (std::size_t i = 0; i < 2; ++i) drain(i);
  }
  [[nodiscard]] BfdSession& a() { return *ends[0].session; }
  [[nodiscard]] BfdSession& b() { return *ends[1].session; }
  void reconfigure(std::size_t end, const SessionConfig& config) {
    ends[end].session->reconfigure(config, now);
    drain(end);
  }
  void run(Duration span) {
    const TimePoint end = now + span;
    while (true) {
      std::optional<TimePoint> due;
      for (const Flight& flight : wire_) due = earliest(due, flight.at);
      for (const End& side : ends) {
        if (side.frozen) continue;
        due = earliest(due, side.socket.empty() ? side.session->next_deadline() : now);
      }
      if (!due || *due > end) break;
      now = std::max(now, *due);
      deliver();
      for (std::size_t i = 0; i < 2; ++i) {
        if (ends[i].frozen) continue;
        read(i);
        const auto timer = ends[i].session->next_deadline();
        if (!timer || *timer > now) continue;
        ends[i].session->on_timeout(now);
        drain(i);
      }
    }
    now = end;
  }

 private:
  struct Flight {
    TimePoint at;
    std::size_t to;
    ControlPacket packet;
  };
  void deliver() {
    std::erase_if(wire_, [&](const Flight& flight) {
      if (flight.at > now) return false;
      ends[flight.to].socket.push_back(flight.packet);
      return true;
    });
  }
  void read(std::size_t i) {
    std::vector<ControlPacket> packets;
    packets.swap(ends[i].socket);
    const SessionConfig& config = ends[i].session->config();
    for (const ControlPacket& packet : packets) {
      const auto digest = packet.auth ? DigestCheck::verified : DigestCheck::none;
      static_cast<void>(ends[i].session->on_packet(
          packet, {config.peer, config.local, 255, config.multihop, config.device, digest}, now));
      drain(i);
    }
  }
  void drain(std::size_t i) {
    while (auto effect = ends[i].session->poll_effect()) {
      if (const auto* send = std::get_if<SendPacket>(&*effect)) {
        if (!ends[i].cut) wire_.push_back({now + 100us, 1 - i, send->packet});
        ends[i].sent.push_back(send->packet);
        ends[i].session->on_sent();
      } else if (const auto* change = std::get_if<StateChanged>(&*effect)) {
        ends[i].changes.push_back(*change);
      } else {
        read(i);
      }
    }
  }
  std::vector<Flight> wire_;
};

}  // namespace hotpair::ha::bfd::testing
