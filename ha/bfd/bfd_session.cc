#include "ha/bfd/bfd_session.h"

#include <algorithm>

namespace hotpair::ha::bfd {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(1);
constexpr std::uint32_t kSequenceWindow = 3;  // times Detect Mult, RFC 5880 6.7.4

Duration microseconds(std::uint32_t us) { return std::chrono::microseconds(us); }

}  // namespace

BfdSession::BfdSession(const SessionConfig& config, const Start& start, TimePoint now)
    : config_(config), start_(start) {
  if (config.admin_down) {
    state_ = State::admin_down;
    diag_ = Diag::admin_down;
  }
  apply_wanted(now);
  send_at_ = now + jittered(tx_interval());
  send(false);
}

void BfdSession::reconfigure(const SessionConfig& config, TimePoint now) {
  const bool keys_changed = config_.keys.empty() != config.keys.empty();
  config_.min_tx_us = config.min_tx_us;
  config_.min_rx_us = config.min_rx_us;
  config_.multiplier = config.multiplier;
  config_.keys = config.keys;
  config_.ttl_min = config.ttl_min;
  if (keys_changed) sequence_known_ = false;
  if (config.admin_down != config_.admin_down) {
    config_.admin_down = config.admin_down;
    if (config.admin_down) {
      shut_down(now);
    } else {
      diag_ = Diag::none;
      change(State::down, Reason::none, true, now);
    }
    return;
  }
  apply_wanted(now);
  reschedule(now);
}

bool BfdSession::is_same_session(const SessionConfig& config) const {
  return config.name == config_.name && config.local == config_.local &&
         config.peer == config_.peer && config.device == config_.device &&
         config.multihop == config_.multihop &&
         config.local_discriminator == config_.local_discriminator &&
         config.remote_discriminator == config_.remote_discriminator;
}

void BfdSession::shut_down(TimePoint now) {
  config_.admin_down = true;
  if (state_ == State::admin_down) return;
  diag_ = Diag::admin_down;
  detect_at_.reset();
  change(State::admin_down, Reason::local_admin_down, true, now);
}

// ---- receiving ----

Verdict BfdSession::on_packet(const ControlPacket& packet, const Arrival& arrival, TimePoint now) {
  const auto refused = refuse(packet, arrival);
  const Verdict verdict = refused.value_or(Verdict::received);
  ++counters_.verdicts[static_cast<std::size_t>(verdict)];
  if (refused) return verdict;
  if (packet.auth) {
    receive_sequence_ = packet.auth->sequence;
    sequence_known_ = true;
  }
  learn(packet, now);
  advance(packet, now);
  if (packet.poll) send(true);
  reschedule(now);
  return verdict;
}

std::optional<Verdict> BfdSession::refuse(const ControlPacket& packet, const Arrival& arrival) {
  if (arrival.multihop != config_.multihop) return Verdict::wrong_hops;
  if (arrival.source != config_.peer || arrival.destination != config_.local ||
      arrival.device != config_.device)
    return Verdict::wrong_address;
  if (arrival.ttl < (config_.multihop ? config_.ttl_min : kSingleHopTtl)) return Verdict::ttl;
  const Discriminator fixed = config_.remote_discriminator;
  if (fixed != Discriminator() && packet.my_discriminator != fixed)
    return Verdict::wrong_remote_discriminator;
  if (const auto refused = refuse_auth(packet, arrival.digest)) return refused;
  if (state_ == State::admin_down) return Verdict::admin_down;
  return std::nullopt;
}

// RFC 5880 6.7.4. The window is as wide as what may have been lost in the peer's detection time.
std::optional<Verdict> BfdSession::refuse_auth(const ControlPacket& packet,
                                               DigestCheck digest) const {
  if (config_.keys.empty())
    return packet.auth ? std::optional(Verdict::auth_unexpected) : std::nullopt;
  if (!packet.auth) return Verdict::auth_missing;
  if (digest == DigestCheck::unknown_key) return Verdict::auth_key;
  if (digest != DigestCheck::verified) return Verdict::auth_digest;
  const std::uint32_t ahead = packet.auth->sequence - receive_sequence_;
  if (sequence_known_ && (ahead == 0 || ahead > kSequenceWindow * packet.detect_mult))
    return Verdict::auth_sequence;
  return std::nullopt;
}

void BfdSession::learn(const ControlPacket& packet, TimePoint now) {
  if (state_ == State::up && counters_.last_received)
    counters_.longest_gap = std::max(counters_.longest_gap, now - *counters_.last_received);
  counters_.last_received = now;
  heard_ = true;
  remote_discriminator_ = packet.my_discriminator;
  remote_state_ = packet.state;
  remote_diag_ = packet.diag;
  remote_multiplier_ = packet.detect_mult;
  remote_min_tx_us_ = packet.desired_min_tx_us;
  remote_min_rx_us_ = packet.required_min_rx_us;
  remote_demand_ = packet.demand;
  remote_independent_ = packet.control_plane_independent;
  if (packet.final && polling_ && poll_sent_) end_poll();
  if (!packet.final) final_may_repeat_ = false;
  extended_ = false;
}

// RFC 5880 6.8.6, the state machine of 6.2.
void BfdSession::advance(const ControlPacket& packet, TimePoint now) {
  const bool proven = packet.auth.has_value();
  const auto fall = [&](Reason reason) {
    diag_ = Diag::neighbor_signaled_down;
    change(State::down, reason, proven, now);
  };
  if (packet.state == State::admin_down) {
    if (state_ != State::down) fall(Reason::remote_admin_down);
  } else if (state_ == State::down) {
    if (packet.state == State::down) change(State::init, Reason::none, proven, now);
    if (packet.state == State::init) change(State::up, Reason::none, proven, now);
  } else if (state_ == State::init) {
    if (packet.state >= State::init) change(State::up, Reason::none, proven, now);
  } else if (state_ == State::up) {
    if (packet.state == State::down) fall(Reason::remote_down);
  }
  apply_wanted(now);
  detect_at_ = now + detection_time();
  sequence_forgotten_at_ = now + 2 * detection_time();
}

void BfdSession::change(State to, Reason reason, bool authenticated, TimePoint now) {
  const State from = state_;
  state_ = to;
  counters_.changed_at = now;
  if (to == State::up) {
    ++counters_.times_up;
    counters_.longest_gap = Duration{};
  }
  if (from == State::up) ++counters_.times_down;
  if (reason != Reason::none) counters_.last_reason = reason;
  apply_wanted(now);
  effects_.push(StateChanged{from, to, reason, authenticated});
  // 6.8.7: what differs from the last packet goes out at once.
  if (sends_periodically()) send_periodic(now);
}

// ---- timers ----

void BfdSession::on_timeout(TimePoint now) {
  check_detection(now);
  if (sequence_forgotten_at_ && *sequence_forgotten_at_ <= now) {
    sequence_known_ = false;
    sequence_forgotten_at_.reset();
  }
  if (!send_at_ || *send_at_ > now) return;
  counters_.lateness.add(now - *send_at_);
  if (sends_periodically()) {
    const TimePoint due = *send_at_;
    send_periodic(now);
    // From the instant it was due, so that lateness does not add up.
    const TimePoint next = due + jittered(tx_interval());
    if (next > now) send_at_ = next;
  } else {
    send_at_.reset();
  }
}

void BfdSession::check_detection(TimePoint now) {
  if (!detect_at_ || *detect_at_ > now) return;
  if (!extended_ && now - *detect_at_ > kLate) {
    extended_ = true;
    ++counters_.extensions;
    detect_at_ = now + rx_interval();
    effects_.push(Drain{});
    return;
  }
  expire(now);
}

// RFC 5880 6.8.4; the peer's values are those of 6.8.1 again, so that a session can come back.
void BfdSession::expire(TimePoint now) {
  detect_at_.reset();
  heard_ = false;
  remote_discriminator_ = Discriminator();
  remote_state_ = State::down;
  remote_min_rx_us_ = 1;
  remote_demand_ = false;
  if (state_ == State::init || state_ == State::up) {
    diag_ = Diag::detection_time_expired;
    change(State::down, Reason::detection_timeout, true, now);
  }
  reschedule(now);
}

BfdSession::Timers BfdSession::wanted() const {
  const std::uint32_t tx = std::clamp(config_.min_tx_us, kIntervalUsMin, kIntervalUsMax);
  const std::uint32_t rx = std::clamp(config_.min_rx_us, kIntervalUsMin, kIntervalUsMax);
  const auto multiplier = std::max<std::uint8_t>(config_.multiplier, 1);
  return {state_ == State::up ? tx : std::max(tx, kSlowIntervalUs), rx, multiplier};
}

// RFC 5880 6.8.3. What could make the peer's detection too short waits for the end of the poll: a
// longer interval of ours, a shorter one of the peer.
void BfdSession::apply_wanted(TimePoint now) {
  const Timers next = wanted();
  if (state_ != State::up) {
    advertised_ = confirmed_ = next;
    tx_in_use_us_ = next.tx_us;
    rx_in_use_us_ = next.rx_us;
    polling_ = false;
    return;
  }
  if (polling_ || final_may_repeat_ || next == advertised_) return;
  advertised_ = next;
  tx_in_use_us_ = std::min(tx_in_use_us_, next.tx_us);
  rx_in_use_us_ = std::max(rx_in_use_us_, next.rx_us);
  polling_ = true;
  poll_sent_ = false;
  if (detect_at_ && counters_.last_received)
    detect_at_ = std::max(*detect_at_, *counters_.last_received + detection_time());
  reschedule(now);
}

void BfdSession::end_poll() {
  polling_ = false;
  final_may_repeat_ = true;
  confirmed_ = advertised_;
  tx_in_use_us_ = advertised_.tx_us;
  rx_in_use_us_ = advertised_.rx_us;
}

Duration BfdSession::tx_interval() const {
  return microseconds(std::max(tx_in_use_us_, remote_min_rx_us_));
}

Duration BfdSession::rx_interval() const {
  return microseconds(std::max(rx_in_use_us_, remote_min_tx_us_));
}

Duration BfdSession::detection_time() const { return rx_interval() * remote_multiplier_; }

Duration BfdSession::longer_detection_time() const {
  return std::max({detection_time(), peer_detection(advertised_), peer_detection(confirmed_)});
}

Duration BfdSession::peer_detection(const Timers& timers) const {
  return microseconds(std::max(timers.tx_us, remote_min_rx_us_)) * timers.multiplier;
}

// RFC 5880 6.8.7: 0 to 25 % off, with Detect Mult 1 10 to 25 %.
Duration BfdSession::jittered(Duration interval) {
  start_.jitter_seed += 0x9e3779b97f4a7c15ULL;
  std::uint64_t bits = start_.jitter_seed;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebULL;
  bits ^= bits >> 31U;
  const std::int64_t least = advertised_.multiplier == 1 ? 100 : 0;
  const std::int64_t permille =
      least + static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(251 - least));
  return interval - interval * permille / 1000;
}

// ---- sending ----

// RFC 5880 6.8.7. The peer in demand mode needs packets only during a poll.
bool BfdSession::sends_periodically() const {
  if (remote_min_rx_us_ == 0) return false;
  const bool quiet = remote_demand_ && state_ == State::up && remote_state_ == State::up;
  return !quiet || polling_;
}

void BfdSession::send_periodic(TimePoint now) {
  send(false);
  sent_at_ = now;
  send_at_ = now + jittered(tx_interval());
}

// A shorter interval is honoured at once (6.8.3); one that ceased starts again.
void BfdSession::reschedule(TimePoint now) {
  if (!sends_periodically()) {
    send_at_.reset();
    return;
  }
  const TimePoint latest = std::max(now, sent_at_.value_or(now) + tx_interval());
  if (!send_at_ || *send_at_ > latest)
    send_at_ = std::max(now, sent_at_.value_or(now) + jittered(tx_interval()));
}

void BfdSession::send(bool final) {
  ControlPacket packet;
  packet.diag = static_cast<std::uint8_t>(diag_);
  packet.state = state_;
  packet.poll = polling_ && !final;
  packet.final = final;
  packet.control_plane_independent = true;
  packet.detect_mult = advertised_.multiplier;
  packet.my_discriminator = start_.discriminator;
  packet.your_discriminator = remote_discriminator_;
  packet.desired_min_tx_us = advertised_.tx_us;
  packet.required_min_rx_us = advertised_.rx_us;
  if (!config_.keys.empty())
    packet.auth = AuthSection{config_.keys.front().id, ++start_.auth_sequence, {}};
  if (packet.poll) poll_sent_ = true;
  effects_.push(SendPacket{packet});
}

void BfdSession::on_sent() { ++counters_.sent; }

void BfdSession::on_send_failed() { ++counters_.send_failures; }

// ---- outside ----

std::optional<TimePoint> BfdSession::next_deadline() const {
  return earliest(earliest(send_at_, detect_at_), sequence_forgotten_at_);
}

// Not inline: g++ 12 at -O2 warns of the variant's bytes in a caller's optional.
std::optional<SessionEffect> BfdSession::poll_effect() { return effects_.poll(); }

SessionView BfdSession::view() const {
  SessionView view = counters_;
  view.config = config_;
  view.config.keys.clear();
  view.local_discriminator = start_.discriminator;
  view.remote_discriminator = remote_discriminator_;
  view.state = state_;
  view.remote_state = remote_state_;
  view.diag = diag_;
  view.remote_diag = remote_diag_;
  view.remote_multiplier = remote_multiplier_;
  view.remote_demand = remote_demand_;
  view.remote_control_plane_independent = remote_independent_;
  view.authenticated = !config_.keys.empty();
  view.polling = polling_;
  view.tx_interval = tx_interval();
  view.rx_interval = rx_interval();
  view.detection_time = heard_ ? detection_time() : Duration{};
  return view;
}

}  // namespace hotpair::ha::bfd
