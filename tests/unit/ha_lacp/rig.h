#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "ha/lacp/lacp_machine.h"

/// One aggregate against hand-made LACPDUs, and two aggregates on a virtual wire.
namespace hotpair::ha::lacp::testing {

using namespace std::chrono_literals;

inline const MacAddress kOurs{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x55}};
inline const MacAddress kTheirs{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x60}};

inline TrunkConfig trunk_config(const MacAddress& system, std::size_t members,
                                std::uint16_t first_port = 1) {
  TrunkConfig config;
  config.id = TrunkId{1};
  config.system = system;
  config.key = 305;
  for (std::size_t i = 0; i < members; ++i)
    config.members.push_back({static_cast<MemberIndex>(i), "ge" + std::to_string(i),
                              static_cast<std::uint16_t>(first_port + i), 32768});
  return config;
}

/// What one LACPDU said, for expectations: the state octet of its actor and of its partner.
struct Said {
  MemberIndex member = 0;
  TimePoint at;
  Lacpdu pdu;
};

/// An aggregate with a clock; the test is its partner.
class Rig {
 public:
  TimePoint now{1000s};
  LacpTrunk trunk;
  std::vector<Said> said;
  std::vector<Marker> markers;
  std::vector<MasksChanged> masks;
  std::vector<bool> partner;
  /// What the partner says of itself on member n; the test changes it.
  std::array<PortInfo, kMembersMax> peer{};

  explicit Rig(std::size_t members = 1, bool allowed = true)
      : Rig(trunk_config(kOurs, members), allowed) {}
  explicit Rig(const TrunkConfig& config, bool allowed = true)
      : trunk(config, allowed, TimePoint{1000s}) {
    for (std::size_t i = 0; i < kMembersMax; ++i)
      peer[i] = {32768,
                 kTheirs,
                 9,
                 32768,
                 static_cast<std::uint16_t>(i + 1),
                 kStateActivity | kStateAggregation};
    take();
  }
  void link(MemberIndex member, bool up = true) {
    trunk.set_enabled(member, up, now);
    take();
  }
  /// A LACPDU that mirrors what we are now and shows the partner with these bits set.
  void hear(MemberIndex member, std::uint8_t bits = 0) {
    Lacpdu pdu;
    pdu.actor = peer[member];
    pdu.actor.state = static_cast<std::uint8_t>(pdu.actor.state | bits);
    pdu.partner = port(member).actor;
    hear(member, pdu);
  }
  void hear(MemberIndex member, const Lacpdu& pdu) { hear(member, encode_pdu(pdu)); }
  void hear(MemberIndex member, const Bytes& bytes) {
    trunk.on_pdu(member, bytes, now);
    take();
  }
  void allow(bool allowed) {
    trunk.set_sync_allowed(allowed, now);
    take();
  }
  void run(Duration span) {
    const TimePoint end = now + span;
    while (const auto due = trunk.next_deadline()) {
      if (*due > end) break;
      now = std::max(now, *due);
      trunk.on_timeout(now);
      take();
    }
    now = end;
  }
  [[nodiscard]] PortShow port(MemberIndex member = 0) const {
    for (PortShow& row : trunk.show(now).ports)
      if (row.index == member) return std::move(row);
    ADD_FAILURE() << "no member " << int{member};
    return {};
  }
  /// The LACPDUs since the last call.
  std::vector<Said> told() { return std::exchange(said, {}); }
  /// Link up, partner heard, in sync with it, collecting and distributing.
  void bring_up(MemberIndex member = 0) {
    link(member);
    hear(member, kStateSynchronization);
    run(kAggregateWaitTime);
    hear(member, kStateSynchronization | kStateCollecting | kStateDistributing);
  }

 private:
  void take() {
    while (auto effect = trunk.poll_effect()) {
      if (const auto* send = std::get_if<SendPdu>(&*effect)) {
        const auto pdu = decode_pdu(send->bytes);
        ASSERT_TRUE(pdu.has_value());
        if (const auto* lacpdu = std::get_if<Lacpdu>(&*pdu))
          said.push_back({send->member, now, *lacpdu});
        else
          markers.push_back(std::get<Marker>(*pdu));
      } else if (const auto* changed = std::get_if<MasksChanged>(&*effect)) {
        masks.push_back(*changed);
      } else if (const auto* heard = std::get_if<PartnerChanged>(&*effect)) {
        partner.push_back(heard->heard);
      }
    }
  }
};

/// Two or three aggregates whose members are wired to each other, 100 us apart.
class Wire {
 public:
  struct End {
    std::size_t trunk = 0;
    MemberIndex member = 0;
    friend auto operator<=>(const End&, const End&) = default;
  };
  TimePoint now{1000s};
  std::vector<std::unique_ptr<LacpTrunk>> trunks;
  std::set<End> deaf;                             // what comes to this end is lost
  std::function<bool(const End&)> loses;          // any other loss, asked per frame
  std::vector<std::pair<TimePoint, End>> frames;  // every LACPDU that was sent

  std::size_t add(const TrunkConfig& config, bool allowed = true) {
    trunks.push_back(std::make_unique<LacpTrunk>(config, allowed, now));
    return trunks.size() - 1;
  }
  void connect(const End& a, const End& b) {
    links_.push_back({a, b});
    carrier(a, true);
    carrier(b, true);
  }
  /// Both ends lose carrier.
  void cut(const End& end, bool up = false) {
    carrier(end, up);
    carrier(peer_of(end), up);
  }
  void restart(std::size_t trunk, const TrunkConfig& config) {
    trunks[trunk] = std::make_unique<LacpTrunk>(config, true, now);
    for (const auto& [a, b] : links_) {
      if (a.trunk == trunk) carrier(a, true);
      if (b.trunk == trunk) carrier(b, true);
    }
  }
  void allow(std::size_t trunk, bool allowed) {
    trunks[trunk]->set_sync_allowed(allowed, now);
    take(trunk);
  }
  void run(Duration span) {
    const TimePoint end = now + span;
    while (true) {
      std::optional<TimePoint> due;
      for (const Flight& flight : wire_) due = earliest(due, flight.at);
      for (const auto& trunk : trunks) due = earliest(due, trunk->next_deadline());
      if (!due || *due > end) break;
      now = std::max(now, *due);
      deliver();
      for (std::size_t i = 0; i < trunks.size(); ++i) {
        trunks[i]->on_timeout(now);
        take(i);
      }
    }
    now = end;
  }
  [[nodiscard]] PortShow port(const End& end) const {
    for (PortShow& row : trunks[end.trunk]->show(now).ports)
      if (row.index == end.member) return std::move(row);
    ADD_FAILURE() << "no such end";
    return {};
  }
  [[nodiscard]] bool forwards(const End& end) const {
    const PortShow row = port(end);
    return row.mux == MuxState::distributing;
  }

 private:
  struct Flight {
    TimePoint at;
    End to;
    Bytes bytes;
  };
  [[nodiscard]] End peer_of(const End& end) const {
    for (const auto& [a, b] : links_) {
      if (a == end) return b;
      if (b == end) return a;
    }
    return end;
  }
  void carrier(const End& end, bool up) {
    trunks[end.trunk]->set_enabled(end.member, up, now);
    take(end.trunk);
  }
  void take(std::size_t trunk) {
    while (auto effect = trunks[trunk]->poll_effect()) {
      auto* send = std::get_if<SendPdu>(&*effect);
      if (send == nullptr) continue;
      const End from{trunk, send->member};
      const End to = peer_of(from);
      frames.emplace_back(now, from);
      if (to == from || deaf.contains(to) || (loses && loses(to))) continue;
      wire_.push_back({now + 100us, to, std::move(send->bytes)});
    }
  }
  void deliver() {
    std::vector<Flight> due;
    std::erase_if(wire_, [&](Flight& flight) {
      if (flight.at > now) return false;
      due.push_back(std::move(flight));
      return true;
    });
    for (const Flight& flight : due) {
      trunks[flight.to.trunk]->on_pdu(flight.to.member, flight.bytes, now);
      take(flight.to.trunk);
    }
  }
  std::vector<std::pair<End, End>> links_;
  std::vector<Flight> wire_;
};

}  // namespace hotpair::ha::lacp::testing
