#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "mcast/pim/pim_register_records.h"
#include "mcast/pim/pim_register_show.h"
#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

/// Registers at the DR of a source. RFC 7761 4.4.1; the side of the RP is in pim_register_rp.h.
namespace hotpair::mcast::pim {

inline constexpr Duration kRegisterSuppressionTime = std::chrono::seconds(60);
inline constexpr Duration kRegisterProbeTime = std::chrono::seconds(5);

struct RegisterConfig {
  Duration suppression_time = kRegisterSuppressionTime;
  Duration probe_time = kRegisterProbeTime;
  std::size_t entries_max = 100'000;     ///< (S,G) registered, all VRFs together
  std::uint32_t packets_per_s = 10'000;  ///< of one (S,G) in Registers; 0: no limit
  std::uint32_t burst = 1'000;           ///< packets above an even flow of them
  std::size_t mtu = 1500;                ///< towards RPs whose own is not known
  std::uint32_t errors_per_s = 10;       ///< Packet Too Big, all sources together (RFC 4443 2.4)
};

/// A data packet to the RP of its group. A Border bit is never set (4.9.3).
struct SendRegister {
  VrfId vrf;
  IpAddress source;       ///< outer; unspecified: the node's choice
  IpAddress destination;  ///< RP(G)
  IpAddress data_source;
  Group group;
  std::uint8_t traffic_class = 0;  ///< DSCP and ECN of the packet, for the outer header
  Bytes packet;                    ///< with lowered TTL; never empty

  /// A view into this effect.
  [[nodiscard]] wire::PimRegister message() const {
    return {.source = data_source, .group = group, .packet = packet};
  }
};
/// IPv6: the packet does not fit into the tunnel (4.4.1). To its source, by unicast routing.
struct SendPacketTooBig {
  VrfId vrf;
  IpAddress destination;
  Bytes message;  ///< ICMPv6 from the type on, its checksum zero (RFC 4443 3.2)
};
/// The register tunnel comes into or leaves the outgoing list of (S,G). The RP is no matter there.
struct RegisterTunnelChanged {
  VrfId vrf;
  Group group;
  IpAddress source;
  bool on = false;
};
/// A record to journal, scope 0.
struct RegisterRecordChanged {
  RegisterRecord record;
};
struct RegisterRecordRemoved {
  RegisterKey key;
};
/// entries_max: the source is not registered until it is told again.
struct RegisterLimitReached {
  VrfId vrf;
};
using RegisterEffect =
    std::variant<SendUnicast, SendRegister, SendPacketTooBig, RegisterTunnelChanged,
                 RegisterRecordChanged, RegisterRecordRemoved, RegisterLimitReached>;

/// Why a packet, a Register-Stop or a record changed nothing.
enum class RegisterIgnored : std::uint8_t {
  data_no_state,      ///< of a source that is not registered here, also on a muted link
  data_not_joined,    ///< the tunnel was pruned meanwhile
  data_malformed,     ///< not the whole packet of this source and group
  data_ttl,           ///< TTL or hop limit 1: not forwarded
  data_rate,          ///< above RegisterConfig::packets_per_s
  data_too_large,     ///< no IP packet can carry it
  data_beyond_mtu,    ///< IPv6: does not fit into the tunnel, its source is told
  stop_no_state,      ///< Register-Stop of a source that is not registered here
  stop_wrong_sender,  ///< Register-Stop of another router than the RP
  stop_no_row,        ///< Register-Stop while pruned: no row of the state table
  not_registrable,    ///< a link-local or source-specific group (4.8.1), addresses of two families
  entries_max,
  bad_record,
  count_
};
inline constexpr std::size_t kRegisterIgnoredCount =
    static_cast<std::size_t>(RegisterIgnored::count_);
[[nodiscard]] std::string_view to_string(RegisterIgnored reason);

struct RegisterCounters {
  std::uint64_t registers_sent = 0;       ///< with data
  std::uint64_t null_registers_sent = 0;  ///< probes
  std::uint64_t stops_received = 0;
  std::uint64_t fragmented = 0;          ///< of registers_sent: beyond the MTU towards the RP
  std::uint64_t too_bigs_sent = 0;       ///< Packet Too Big
  std::uint64_t too_bigs_held_back = 0;  ///< above RegisterConfig::errors_per_s
  std::array<std::uint64_t, kRegisterIgnoredCount> ignored{};
};

/// The register tunnels of one family: the per-(S,G) machines of RFC 7761 4.4.1. Sans-IO.
///
/// MRIB says which sources could be registered and hears whether the tunnel is in their outgoing
/// list; it is in state Join alone. Data comes from the plane, packet by packet.
///
/// After a restart or takeover with the same identity records say what was: such a state waits,
/// without timer and tunnel, until set_could_register() confirms it or end_restore() drops it.
class RegisterTunnels {
 public:
  /// `entropy` outlives this.
  explicit RegisterTunnels(Entropy& entropy, const RegisterConfig& config = {})
      : entropy_(entropy), config_(config) {}
  RegisterTunnels(const RegisterTunnels&) = delete;
  RegisterTunnels& operator=(const RegisterTunnels&) = delete;

  /// Running timers stay.
  void configure(const RegisterConfig& config) { config_ = config; }
  /// Outer source of Registers of a VRF; unspecified, as at first: the kernel's choice.
  void set_source_address(VrfId vrf, const IpAddress& address);

  /// The MTU of the way to an RP; of kept ones only the newest few thousand count.
  void set_path_mtu(const IpAddress& rp, std::size_t mtu);

  /// CouldRegister(S,G) of 4.4.1 together with RP(G); nullopt: it is false, or the group has no RP,
  /// or this router is the RP. A repetition changes nothing, another RP joins the tunnel anew.
  void set_could_register(VrfId vrf, const Group& group, const IpAddress& source,
                          const std::optional<IpAddress>& rp, TimePoint now);
  /// A packet left by the register tunnel, as it arrived, from its IP header on.
  void on_data(VrfId vrf, const IpAddress& source, const Group& group, Bytes packet, TimePoint now);
  /// From the RP only. Without source it is for all that is registered of the group now.
  void on_register_stop(VrfId vrf, const IpAddress& from, const wire::PimRegisterStop& message,
                        TimePoint now);

  /// What is known from here wins. Any order.
  void on_record(const RegisterRecord& record, TimePoint now);
  void on_record_removed(const RegisterKey& key, TimePoint now);
  /// All sources that are active have been told: the others are forgotten, in slices.
  void end_restore(TimePoint now);

  /// Runs what is due, at most 1000 items; a spurious call changes nothing.
  void on_timeout(TimePoint now);
  /// A past instant while slices remain.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<RegisterEffect> poll_effect() { return effects_.poll(); }

  /// At most `max` records after `after` (none: from the beginning).
  [[nodiscard]] RegisterSlice snapshot(const std::optional<RegisterKey>& after,
                                       std::size_t max) const;
  [[nodiscard]] RegisterTunnelModel show(const RegisterFilter& filter, TimePoint now) const;
  /// nullopt: NoInfo.
  [[nodiscard]] std::optional<RegisterState> state(const RegisterKey& key) const;
  [[nodiscard]] std::size_t entry_count() const { return entries_.size(); }
  [[nodiscard]] const RegisterCounters& counters() const { return counters_; }
  void reset_counters() { counters_ = {}; }

 private:
  struct Entry {
    RegisterValue value;
    bool confirmed = false;          // false: of a record
    std::uint64_t stamp = 0;         // when the tunnel was joined anew, for wildcard stops
    std::optional<TimePoint> timer;  // Register-Stop timer, as it stands in timers_
    TimePoint even_flow{};           // when the flow so far would be through at the even rate
    std::uint64_t packets = 0;
    std::uint64_t dropped = 0;
  };
  using Entries = std::map<RegisterKey, Entry>;
  using Place = Entries::iterator;
  /// A Register-Stop without source goes through what is older than it.
  struct Sweep {
    IpAddress from;
    std::uint64_t stamp = 0;
    std::optional<RegisterKey> after;
  };

  [[nodiscard]] Place admit(const RegisterKey& key);
  void join_anew(Place place, const IpAddress& rp);
  void confirm(Place place, TimePoint now);
  void stop(Place place, const IpAddress& from, TimePoint now);
  void become(Place place, const RegisterValue& value, std::optional<TimePoint> timer);
  void arm(Place place, std::optional<TimePoint> timer);
  void drop(Place place);
  void send_null_register(Place place);
  [[nodiscard]] bool within_rate(Entry& entry, TimePoint now) const;
  [[nodiscard]] Duration stop_time();
  [[nodiscard]] std::size_t path_mtu(const IpAddress& rp) const;
  void tell_too_big(const RegisterKey& key, std::size_t fits, Bytes packet, TimePoint now);
  [[nodiscard]] IpAddress source_address(const RegisterKey& key) const;
  void tell_tunnel(const RegisterKey& key, bool on);
  void run_timer(TimePoint now);
  void run_sweep(std::size_t& budget, TimePoint now);
  void run_end_of_restore(std::size_t& budget);
  void ignore(RegisterIgnored reason) { ++counters_.ignored[static_cast<std::size_t>(reason)]; }

  Entropy& entropy_;
  RegisterConfig config_;
  std::map<VrfId, IpAddress> source_addresses_;
  std::map<IpAddress, std::size_t> path_mtus_;  // by RP
  TimePoint errors_even_flow_{};                // as Entry::even_flow, of Packet Too Big
  Entries entries_;
  std::set<std::pair<TimePoint, RegisterKey>> timers_;
  std::map<std::pair<VrfId, Group>, Sweep> sweeps_;
  bool ending_restore_ = false;
  std::optional<RegisterKey> restore_ended_;  // up to here
  std::uint64_t next_stamp_ = 1;
  TimePoint last_now_{};
  RegisterCounters counters_;
  EffectQueue<RegisterEffect> effects_;
};

}  // namespace hotpair::mcast::pim
