#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "ha/bfd/bfd_packet.h"
#include "ha/bfd/bfd_show.h"
#include "ha/bfd/bfd_types.h"
#include "platform/base/effect_queue.h"
#include "platform/base/time.h"

namespace hotpair::ha::bfd {

/// What the driver found when it looked at the digest of a packet.
enum class DigestCheck : std::uint8_t {
  none,  ///< the packet has no authentication section
  verified,
  wrong,
  unknown_key,
};

/// How a packet came in.
struct Arrival {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;  ///< or hop limit
  bool multihop = false;
  std::string_view device = {};  ///< that the receiving socket is bound to
  DigestCheck digest = DigestCheck::none;
};

/// Effects. After SendPacket the driver calls on_sent() or on_send_failed() before the next input.
struct SendPacket {
  ControlPacket packet;  ///< with `auth`: the digest is still to be made, with the first key
};
struct StateChanged {
  State from = State::down;
  State to = State::down;
  Reason reason = Reason::none;
  bool authenticated = false;  ///< the packet that caused it proved the key; own timers: true
};
/// The own timer was late: read the sockets empty before the next on_timeout().
struct Drain {};
using SessionEffect = std::variant<SendPacket, StateChanged, Drain>;

/// One session in asynchronous mode, active role. RFC 5880 6.8; the peer's demand mode is honoured.
///
/// A timer that is more than 1 ms late does not blame the peer: the sockets are drained and the
/// detection time is prolonged once by one interval of the peer (design 4).
class BfdSession {
 public:
  struct Start {
    Discriminator discriminator;      ///< unique on this system, not 0
    std::uint32_t auth_sequence = 0;  ///< random
    std::uint64_t jitter_seed = 0;    ///< random
  };
  BfdSession(const SessionConfig& config, const Start& start, TimePoint now);

  /// New timers, keys, admin state take effect without losing the session; everything else of the
  /// configuration stays as it was at the start.
  void reconfigure(const SessionConfig& config, TimePoint now);
  /// A packet whose Your Discriminator, or addresses, name this session.
  Verdict on_packet(const ControlPacket& packet, const Arrival& arrival, TimePoint now);
  /// The packet of the newest SendPacket left / did not leave.
  void on_sent();
  void on_send_failed();
  void on_timeout(TimePoint now);
  /// AdminDown for good, with one packet that says so: the session is about to be removed.
  void shut_down(TimePoint now);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<SessionEffect> poll_effect();

  [[nodiscard]] const SessionConfig& config() const { return config_; }
  [[nodiscard]] Discriminator discriminator() const { return start_.discriminator; }
  /// The addresses, the device, hops and discriminators are those of `config`.
  [[nodiscard]] bool is_same_session(const SessionConfig& config) const;
  [[nodiscard]] State state() const { return state_; }
  /// The longer one of the own detection time and of what the peer may apply to this session.
  [[nodiscard]] Duration longer_detection_time() const;
  [[nodiscard]] SessionView view() const;

 private:
  /// What a packet says of the own timers.
  struct Timers {
    std::uint32_t tx_us = kSlowIntervalUs;
    std::uint32_t rx_us = kSlowIntervalUs;
    std::uint8_t multiplier = 3;
    friend bool operator==(const Timers&, const Timers&) = default;
  };

  [[nodiscard]] std::optional<Verdict> refuse(const ControlPacket& packet, const Arrival& arrival);
  [[nodiscard]] std::optional<Verdict> refuse_auth(const ControlPacket& packet,
                                                   DigestCheck digest) const;
  void learn(const ControlPacket& packet, TimePoint now);
  void advance(const ControlPacket& packet, TimePoint now);
  void change(State to, Reason reason, bool authenticated, TimePoint now);
  void expire(TimePoint now);
  [[nodiscard]] Timers wanted() const;
  void apply_wanted(TimePoint now);
  void end_poll();
  void check_detection(TimePoint now);
  void send_periodic(TimePoint now);
  void send(bool final);
  void reschedule(TimePoint now);
  [[nodiscard]] bool sends_periodically() const;
  [[nodiscard]] Duration tx_interval() const;
  [[nodiscard]] Duration rx_interval() const;
  [[nodiscard]] Duration detection_time() const;
  [[nodiscard]] Duration peer_detection(const Timers& timers) const;
  [[nodiscard]] Duration jittered(Duration interval);

  SessionConfig config_;
  Start start_;
  State state_ = State::down;
  Diag diag_ = Diag::none;

  Timers advertised_;  // in every packet
  Timers confirmed_;   // as the last Final found them; the same as advertised_ if none
  std::uint32_t tx_in_use_us_ = kSlowIntervalUs;
  std::uint32_t rx_in_use_us_ = kSlowIntervalUs;
  bool polling_ = false;
  bool poll_sent_ = false;
  bool final_may_repeat_ = false;  // no packet without Final since the last poll ended

  bool heard_ = false;  // the fields below came from the peer
  Discriminator remote_discriminator_;
  State remote_state_ = State::down;
  std::uint8_t remote_diag_ = 0;
  std::uint8_t remote_multiplier_ = 0;
  std::uint32_t remote_min_tx_us_ = 0;
  std::uint32_t remote_min_rx_us_ = 1;  // RFC 5880 6.8.1
  bool remote_demand_ = false;
  bool remote_independent_ = false;

  std::uint32_t receive_sequence_ = 0;
  bool sequence_known_ = false;
  std::optional<TimePoint> sequence_forgotten_at_;

  std::optional<TimePoint> detect_at_;
  bool extended_ = false;
  std::optional<TimePoint> send_at_;
  std::optional<TimePoint> sent_at_;  // newest periodic transmission

  SessionView counters_;  // only its counters are kept here
  EffectQueue<SessionEffect> effects_{64};
};

}  // namespace hotpair::ha::bfd
