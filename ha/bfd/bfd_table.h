#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ha/bfd/bfd_session.h"

namespace hotpair::ha::bfd {

/// Configured local discriminators are 1 to this; those that are chosen lie above.
inline constexpr std::uint32_t kConfiguredDiscriminatorMax = 16'384;

/// Every session of a system: whose a packet is (RFC 5880 6.3), and which timer is next.
class BfdTable {
 public:
  /// `seed`: random; discriminators, sequence numbers and jitter come of it.
  explicit BfdTable(std::uint64_t seed) : seed_(seed) {}

  /// One session's effect. `session` names it also when it has been removed meanwhile.
  struct Effect {
    Discriminator session;
    SessionEffect effect;
  };

  /// The whole configuration. What stays keeps its state; what goes says AdminDown once. Of two
  /// with the same name, discriminator or addresses the first counts.
  void configure(const std::vector<SessionConfig>& configs, TimePoint now);
  /// Only the first half of configure(): removes what is not wanted any more.
  void retire(const std::vector<SessionConfig>& configs, TimePoint now);
  /// The session that a packet is for, nullptr if there is none: by Your Discriminator, or by
  /// addresses, device and hops where that is 0.
  [[nodiscard]] const BfdSession* route(const ControlPacket& packet, const Arrival& arrival) const;
  /// The digest was looked at; a packet for no session is counted.
  void on_packet(const ControlPacket& packet, const Arrival& arrival, TimePoint now);
  void on_rejected(PacketReject reason) { ++rejects_[static_cast<std::size_t>(reason)]; }
  void on_sent(Discriminator session);
  void on_send_failed(Discriminator session);
  void on_timeout(TimePoint now);
  /// AdminDown everywhere: the process leaves.
  void shut_down(TimePoint now);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<Effect> poll_effect();
  [[nodiscard]] bool has_effects() const { return !effects_.empty(); }

  [[nodiscard]] const BfdSession* find(Discriminator session) const;
  [[nodiscard]] const BfdSession* find(const std::string& name) const;
  /// In the order of the configuration.
  [[nodiscard]] std::vector<SessionView> views() const;
  [[nodiscard]] const std::vector<Discriminator>& ids() const { return order_; }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] std::uint64_t unknown_session() const { return unknown_session_; }
  [[nodiscard]] std::uint64_t rejects(PacketReject reason) const {
    return rejects_[static_cast<std::size_t>(reason)];
  }

 private:
  struct Entry {
    BfdSession session;
    std::optional<TimePoint> due;  // as it stands in due_
  };
  void add(const SessionConfig& config, TimePoint now);
  void collect(Discriminator id, Entry& entry);
  [[nodiscard]] bool is_taken(const SessionConfig& config) const;
  [[nodiscard]] std::uint64_t random();

  std::uint64_t seed_;
  std::unordered_map<Discriminator, Entry> entries_;
  std::vector<Discriminator> order_;
  std::set<std::pair<TimePoint, Discriminator>> due_;
  std::deque<Effect> effects_;
  std::array<std::uint64_t, static_cast<std::size_t>(PacketReject::count)> rejects_{};
  std::uint64_t unknown_session_ = 0;
};

}  // namespace hotpair::ha::bfd
