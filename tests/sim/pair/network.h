#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ha/bfd/bfd_packet.h"
#include "ha/etrunk/etrunk_types.h"
#include "ha/node/node_effects.h"
#include "tests/sim/pair/acked_records.h"
#include "tests/sim/pair/world.h"

namespace hotpair::sim {

class SimNode;

/// A BFD packet between two nodes, as it comes out of a socket.
struct BfdDatagram {
  std::uint8_t path = 0;
  ha::bfd::ControlPacket packet;
};
/// A LACPDU, as it comes out of the socket of a member link.
struct SlowPdu {
  Bytes bytes;
};
using Datagram = std::variant<ha::etrunk::Hello, BfdDatagram, SlowPdu>;

/// One step of what happens between the processes, before it has any effect. A cut falls here.
struct Crossing {
  enum class What : std::uint8_t {
    hello,
    lacpdu,
    stream,
    local,  ///< between a daemon and its keeper
    act,    ///< a gate word, a trunk word, a link that is held
  };
  static constexpr int kAccess = -1;  ///< `from`: the access device
  What what = What::hello;
  int from = 0;
  std::string_view name;
  const ha::etrunk::Hello* hello = nullptr;
};

class AccessDevice;

/// What the two nodes share: paths, stream, access LAN or access device.
class Network {
 public:
  explicit Network(World& world) : world_(world) {}
  void connect(SimNode& a, SimNode& b) { ends_ = {&a, &b}; }

  // hellos and BFD
  void hello(int from, const ha::etrunk::Hello& hello);
  void bfd(int from, const BfdDatagram& datagram);
  /// Cuts one direction of a path.
  void cut(int from, std::uint8_t path, bool cut) { cut_[{from, path}] = cut; }
  /// No path works in one direction at least.
  [[nodiscard]] bool all_cut() const;
  /// How much later the newest hello was sent than the newest that came through, in the worse
  /// direction.
  [[nodiscard]] Duration unheard() const;

  // stream
  void dial();
  void send(int from, const Bytes& bytes);
  void break_stream(const std::string& why);
  void set_paused(int end, bool paused);
  void stall(Duration time);
  [[nodiscard]] bool stream_up() const { return up_; }

  /// Terms in which a new side's gate was opened before the commit point of a handover.
  std::set<Term> opened;
  AckedRecords records;
  /// Hears what a node asks on the access LAN, if set.
  std::function<void(int from, const ha::node::SendGroupMessage&)> on_query;
  /// Sees every crossing, if set; false: a frame is lost.
  std::function<bool(const Crossing&)> on_crossing;
  /// Behind both nodes; null: a shared LAN.
  AccessDevice* access = nullptr;
  /// Terms that an old side has given away, as a hello of it said.
  std::set<Term> given;
  [[nodiscard]] bool crosses(const Crossing& crossing) const {
    return !on_crossing || on_crossing(crossing);
  }
  double loss = 0;
  Duration delay_max = std::chrono::microseconds(200);

 private:
  void pump(int to);
  void deliver(int from, const Datagram& datagram);
  [[nodiscard]] bool cut(int from, std::uint8_t path) const;

  World& world_;
  std::vector<SimNode*> ends_;
  std::map<std::pair<int, std::uint8_t>, bool> cut_;
  TimePoint sent_[2]{};     // newest hello of each end
  TimePoint arrived_[2]{};  // when the newest one that came through was sent
  bool up_ = false;
  std::uint64_t life_ = 0;  // of the stream; events of an older one are void
  std::uint64_t dialling_ = 0;
  TimePoint stalled_until_{};
  struct Direction {
    std::deque<Bytes> waiting;
    bool paused = false;
    bool scheduled = false;
  };
  Direction directions_[2];  // by receiver
};

}  // namespace hotpair::sim
