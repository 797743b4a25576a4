#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/pim/pim_downstream.h"
#include "mcast/pim/pim_register_show.h"
#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

/// Registers at the RP of a group. RFC 7761 4.4.2; the side of the DR is in pim_register.h.
namespace hotpair::mcast::pim {

/// Keepalive_Period (4.11).
inline constexpr Duration kKeepalivePeriod = std::chrono::seconds(210);

struct RegisterReceiverConfig {
  std::vector<IpPrefix> sources;  ///< who may be registered; empty: everybody
  bool switch_to_spt = true;      ///< SwitchToSptDesired(S,G) of the RP (4.2.1)
  /// RP_Keepalive_Period, 3 x Register_Suppression_Time + Register_Probe_Time (4.11); what counts
  /// after a Register-Stop is the larger one of it and Keepalive_Period.
  Duration rp_keepalive_period = std::chrono::seconds(185);
  /// A Register-Stop to one DR for one source, and a RegisterSource, at most once in this time.
  Duration pace = std::chrono::seconds(1);
  std::size_t entries_max = 100'000;  ///< (S,G) and DR; the longest silent one makes room
};

/// What MRIB knows of the trees of a source.
class TreeFacts {
 public:
  TreeFacts() = default;
  TreeFacts(const TreeFacts&) = delete;
  TreeFacts& operator=(const TreeFacts&) = delete;
  virtual ~TreeFacts() = default;
  /// SPTbit(S,G) (4.2.2).
  [[nodiscard]] virtual bool spt_bit(VrfId vrf, const Group& group,
                                     const IpAddress& source) const = 0;
  /// inherited_olist(S,G) is not empty (4.1.6).
  [[nodiscard]] virtual bool has_receivers(VrfId vrf, const Group& group,
                                           const IpAddress& source) const = 0;
};

/// How a Register came.
struct RegisterArrival {
  VrfId vrf;
  IpAddress from;         ///< outer source: the DR
  IpAddress destination;  ///< outer destination, an address of this router
};

/// A registered source is active: KeepaliveTimer(S,G) is to run at least `keepalive` from now. It
/// makes (S,G) if there is none: JoinDesired(S,G) follows from it where there are receivers.
struct RegisterSource {
  VrfId vrf;
  Group group;
  IpAddress source;
  Duration keepalive{};
};
using RegisterReceiverEffect = std::variant<SendUnicast, RegisterSource>;

/// Why a Register was not taken. All but the first are answered with a Register-Stop.
enum class RegisterRefused : std::uint8_t {
  bad_address,   ///< outer addresses that are no unicast ones of the group's family
  not_routable,  ///< a source-specific (4.8.1) or link-local group
  filtered,      ///< not among RegisterReceiverConfig::sources
  rp_unknown,    ///< no RP here for the group
  not_rp,        ///< sent to another address than that of the RP
  count_
};
inline constexpr std::size_t kRegisterRefusedCount =
    static_cast<std::size_t>(RegisterRefused::count_);
[[nodiscard]] std::string_view to_string(RegisterRefused reason);

struct RegisterReceiverCounters {
  std::uint64_t registers = 0;       ///< heard, with data
  std::uint64_t null_registers = 0;  ///< heard
  std::uint64_t borders = 0;  ///< of both: with the Border bit, which has no meaning any more
  std::uint64_t stops_sent = 0;
  std::uint64_t stops_held_back = 0;  ///< within RegisterReceiverConfig::pace
  std::uint64_t evicted = 0;          ///< entries that made room
  std::array<std::uint64_t, kRegisterRefusedCount> refused{};
};

/// Registers received, of one family. Sans-IO.
///
/// The kernel takes the packets out of Registers and forwards them by the route of the register
/// tunnel; here is what the RP answers and what MRIB learns. An entry is memory of a pace and of
/// counts: it goes when nothing was heard for rp_keepalive_period, and losing it harms nobody.
class RegisterReceiver {
 public:
  explicit RegisterReceiver(RegisterReceiverConfig config = {}) : config_(std::move(config)) {}
  RegisterReceiver(const RegisterReceiver&) = delete;
  RegisterReceiver& operator=(const RegisterReceiver&) = delete;

  void configure(RegisterReceiverConfig config) { config_ = std::move(config); }

  void on_register(const RegisterArrival& arrival, const wire::PimRegister& message,
                   const RpDirectory& rps, const TreeFacts& trees, TimePoint now);

  /// The source may be registered here. MRIB has the same filter: a packet that came out of a
  /// Register of another source gets a negative route.
  [[nodiscard]] bool permits(const IpAddress& source) const;

  /// Forgets what is due, at most 1000 entries.
  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<RegisterReceiverEffect> poll_effect() { return effects_.poll(); }

  [[nodiscard]] RegisterSourceModel show(const RegisterFilter& filter, TimePoint now) const;
  [[nodiscard]] std::size_t entry_count() const { return entries_.size(); }
  [[nodiscard]] const RegisterReceiverCounters& counters() const { return counters_; }
  void reset_counters() { counters_ = {}; }

 private:
  struct Key {
    RegisterKey source;
    IpAddress dr;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Entry {
    TimePoint heard_at{};
    TimePoint armed{};                 // as it stands in timers_: at or before it is due
    std::optional<TimePoint> stop_at;  // earliest instant of the next Register-Stop
    std::optional<TimePoint> told_at;  // earliest instant of the next RegisterSource
    Duration keepalive{};              // as told last
    std::uint64_t registers = 0;
    std::uint64_t null_registers = 0;
    std::uint64_t stops = 0;
  };

  [[nodiscard]] Entry& hear(const Key& key, bool null_register, TimePoint now);
  [[nodiscard]] std::optional<RegisterRefused> refusal(const RegisterArrival& arrival,
                                                       const wire::PimRegister& message,
                                                       const RpDirectory& rps) const;
  void send_stop(const RegisterArrival& arrival, const wire::PimRegister& message, Entry& entry,
                 TimePoint now);
  void tell_source(const RegisterKey& key, Entry& entry, Duration keepalive, TimePoint now);

  RegisterReceiverConfig config_;
  std::map<Key, Entry> entries_;
  std::set<std::pair<TimePoint, Key>> timers_;
  RegisterReceiverCounters counters_;
  EffectQueue<RegisterReceiverEffect> effects_;
};

}  // namespace hotpair::mcast::pim
