#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "ha/lacp/lacp_machine.h"
#include "tests/sim/pair/world.h"

namespace hotpair::sim {

class SimNode;

/// Device and port numbers of the one member link that each node's Eth-Trunk has.
inline constexpr const char* kMemberDevice = "ge1";

struct AccessSettings {
  bool fast = true;  ///< it asks for short timeouts
  /// Its machines run once in a period and speak in every third at most, as those of Linux's bond
  /// (100 ms); zero: they follow every frame, and the links are used some milliseconds later, as
  /// with Open vSwitch.
  Duration period{};
};

/// The switch behind both nodes: the other end of LACP, with one link to each node. Whether two
/// system ids may be attached together is what ha/lacp's own selection says: one at a time, and the
/// one that is attached stays.
class AccessDevice {
 public:
  AccessDevice(World& world, const AccessSettings& settings) : world_(world), settings_(settings) {}
  void connect(SimNode& a, SimNode& b);

  /// A LACPDU of a node.
  void hear(int from, const Bytes& pdu);
  /// The node's keeper sets the link administratively down, or gives it back.
  void hold(int node, bool down);
  /// The machine behind the link went or came.
  void power_changed(int node) { refresh(node); }

  // faults
  void plug(int node, bool plugged);
  /// It is gone for a while; `links`: they keep their carrier, only LACP and forwarding stop.
  void restart(Duration away, bool links);
  double loss = 0;    ///< of LACPDUs, both ways
  bool mute = false;  ///< all of them are lost

  [[nodiscard]] bool linked(int node) const;
  [[nodiscard]] bool held(int node) const { return links_[index(node)].held; }
  /// It forwards what comes from the node / sends the node's share of its hosts' frames there.
  [[nodiscard]] bool collects(int node) const;
  [[nodiscard]] bool distributes(int node) const;

 private:
  struct Link {
    SimNode* node = nullptr;
    bool plugged = true;
    bool held = false;
    bool was_up = false;
    std::optional<Bytes> to_say;  // in the period to come
    TimePoint from_node{};        // when the newest frame arrives; none overtakes another
    TimePoint to_node{};
  };
  static std::size_t index(int node) { return static_cast<std::size_t>(node); }
  void start();
  void refresh(int node);
  void on_link(int node);
  void on_pdu(int from, const Bytes& pdu);
  void tick();
  void drain();
  void take(const ha::lacp::Effect& effect);
  void say(int to, const Bytes& pdu);
  [[nodiscard]] Duration way(TimePoint& newest);
  void arm();
  void use(std::uint32_t collecting, std::uint32_t distributing);

  World& world_;
  AccessSettings settings_;
  std::array<Link, 2> links_;
  std::unique_ptr<ha::lacp::LacpTrunk> lacp_;  // null: gone
  bool lights_ = true;                         // its ends of the links have carrier
  std::uint64_t life_ = 0;                     // events for an older one are void
  std::optional<TimePoint> armed_;
  std::uint64_t ticks_ = 0;
  std::deque<std::pair<int, std::optional<Bytes>>> inbox_;  // of this period; no PDU: look at link
  TimePoint used_from_{};                                   // the newest change of what it uses
  std::uint32_t collecting_ = 0;
  std::uint32_t distributing_ = 0;
};

}  // namespace hotpair::sim
