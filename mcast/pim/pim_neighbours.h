#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/pim/pim_types.h"
#include "platform/base/effect_queue.h"

/// Hello, neighbours, designated router and LAN delays: RFC 7761 4.3.
namespace hotpair::mcast::pim {

/// How the links of a scope fall silent.
enum class Leaving : std::uint8_t {
  silently,  ///< the peer goes on with the same address, or we are not the one to say it
  goodbye,   ///< separate addresses, planned: a Hello with holdtime 0 (4.3.1)
};

/// Secondary addresses that are kept of one neighbour; more are ignored and counted.
inline constexpr std::size_t kSecondaryMax = 256;
/// LinkConfig::neighbours_max counts up to here.
inline constexpr std::uint32_t kNeighboursMax = 4096;

/// Why a Hello, or a part of one, was not acted on.
enum class HelloIgnored : std::uint8_t {
  link_down,       ///< no own address on the link
  wrong_source,    ///< of another family, or IPv6 and not link-local
  own_address,     ///< from an address of ours: an echo, or a duplicate address
  filtered,        ///< not in the neighbour filter
  no_genid,        ///< no generation id where the link requires one
  stranger_bye,    ///< goodbye of somebody who is no neighbour
  neighbours_max,  ///< the link has as many neighbours as it may
  secondary_max,   ///< counted per address
  bad_secondary,   ///< ours, a neighbour's primary, or no unicast address; counted per address
  count_
};
inline constexpr std::size_t kHelloIgnoredCount = static_cast<std::size_t>(HelloIgnored::count_);
[[nodiscard]] std::string_view to_string(HelloIgnored reason);

/// Of one link since it was set or reset.
struct HelloCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;  ///< goodbyes included
  std::uint64_t conflicts = 0;
  std::uint64_t unknown_options = 0;
  std::array<std::uint64_t, kHelloIgnoredCount> ignored{};
  friend bool operator==(const HelloCounters&, const HelloCounters&) = default;
};

/// A secondary address moved from one neighbour to another, who claimed it last (4.3.4). The driver
/// limits the rate of the message.
struct AddressConflict {
  LinkId link;
  IpAddress address;
  IpAddress before;  ///< primary address of the neighbour that had it
  IpAddress now;
};
/// primary_of() has new answers for this neighbour, which was and stays one.
struct NeighbourAddressesChanged {
  LinkId link;
  IpAddress address;
};
/// propagation_delay(), override_interval() or suppression() of the link have new answers.
struct LanDelayChanged {
  LinkId link;
};

using NeighboursEffect =
    std::variant<SendOnLink, NeighbourUp, NeighbourRestarted, NeighbourDown, DrChanged,
                 LimitReached, AddressConflict, NeighbourAddressesChanged, LanDelayChanged>;

// ---- what `display pim neighbor` and `display pim interface` show ----

struct NeighbourRow {
  LinkId link;
  IpAddress address;
  std::vector<IpAddress> secondary;  ///< sorted
  Duration uptime{};
  std::optional<Duration> expires;  ///< absent: never
  std::uint8_t version = 2;
  std::optional<std::uint32_t> dr_priority;    ///< absent: not told, flag N
  std::optional<std::uint32_t> generation_id;  ///< present: flag G
  std::optional<wire::PimLanPruneDelay> lan_prune_delay;
  bool is_dr = false;          ///< flag DR
  bool bidirectional = false;  ///< flag B
  bool proxy = false;          ///< flag P; no option of RFC 7761 says so
  bool state_refresh = false;  ///< flag S
};

struct PimInterfaceRow {
  LinkId link;
  VrfId vrf;
  IpAddress address;
  std::optional<ScopeId> scope;
  LinkMode mode{};
  IpAddress dr;  ///< unspecified: none
  bool am_dr = false;
  std::uint32_t neighbours = 0;
  std::uint32_t dr_priority = 0;
  std::uint32_t generation_id = 0;
  Duration hello_period{};
  Duration holdtime{};
  std::optional<Duration> next_hello;  ///< periodic; absent: silent
  Duration propagation_delay{};        ///< in force (4.3.3)
  Duration override_interval{};        ///< in force
  bool suppression = true;             ///< join suppression, in force
  bool silent = false;                 ///< LinkConfig::silent
  bool require_genid = false;          ///< LinkConfig::require_genid
  std::size_t join_policy = 0;         ///< lines of LinkConfig::join_policy
  Duration join_prune_period{};
  HelloCounters counters;
};

/// The neighbours of one family on all links. The driver drains poll_effect() after every input
/// and sets its timer to next_deadline(). Whoever sends a Join/Prune or Assert on a link calls
/// hello_first() before.
class Neighbours {
 public:
  Neighbours(Family family, Entropy& entropy);
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  /// Adds the link or changes it. An unspecified address: the interface is down, its neighbours go.
  /// Another address: a new generation id and a Hello at once, which no goodbye of the old one can
  /// precede any more. What else the Hello says changed: it is said at once. A hello period is a
  /// second at least.
  void set_link(const LinkConfig& config, TimePoint now);
  /// PIM ends on the link: goodbye if it was live, and its neighbours go.
  void remove_link(LinkId link, TimePoint now);
  /// A scope starts muted. Live: a new generation id and a Hello at once on each of its links, in
  /// O(links). Muted: `leaving` says whether the links say goodbye before.
  void set_mode(ScopeId scope, LinkMode mode, Leaving leaving, TimePoint now);
  /// Another control plane used this generation id with our address; the next one differs from it.
  void note_generation(LinkId link, std::uint32_t generation_id);

  void on_hello(LinkId link, const IpAddress& source, const wire::PimHello& hello, TimePoint now);
  /// `address`: any of the neighbour's.
  void on_neighbour_bfd_down(LinkId link, const IpAddress& address, TimePoint now);
  /// A Join/Prune or Assert goes out on the link: if our first Hello, or one that a new neighbour
  /// waits for, is still due, it goes now (4.3.1). The periodic one keeps its time.
  void hello_first(LinkId link, TimePoint now);

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<NeighboursEffect> poll_effect() { return effects_.poll(); }

  /// True if the link is known, has an address and its scope, if any, is live.
  [[nodiscard]] bool is_live(LinkId link) const;
  /// By primary address.
  [[nodiscard]] bool is_neighbour(LinkId link, const IpAddress& address) const;
  /// The primary address of the neighbour that has this one (4.3.4); absent: no neighbour has.
  [[nodiscard]] std::optional<IpAddress> primary_of(LinkId link, const IpAddress& address) const;
  /// The primary addresses of the link's neighbours, sorted.
  [[nodiscard]] std::vector<IpAddress> addresses(LinkId link) const;
  /// The address list of the neighbour with this primary address, sorted.
  [[nodiscard]] std::vector<IpAddress> secondary_of(LinkId link, const IpAddress& address) const;
  [[nodiscard]] std::size_t neighbour_count(LinkId link) const;
  /// The first neighbour whose Hello has no Bidirectional Capable option (RFC 5015 3.7.4).
  [[nodiscard]] std::optional<IpAddress> without_bidir(LinkId link) const;
  /// The designated router (4.3.2); unspecified: nobody. A muted router is not a candidate.
  [[nodiscard]] IpAddress dr(LinkId link) const;
  [[nodiscard]] bool am_dr(LinkId link) const;
  /// 4.3.3: the largest that anybody says, if every neighbour says something; else the default.
  [[nodiscard]] Duration propagation_delay(LinkId link) const;
  [[nodiscard]] Duration override_interval(LinkId link) const;
  /// Join suppression: off only if we and every neighbour can do without.
  [[nodiscard]] bool suppression(LinkId link) const;
  /// t_override of 4.11: random from 0 to the override interval.
  [[nodiscard]] Duration t_override(LinkId link, Entropy& entropy) const;
  /// Of our Hellos on the link since PIM started there; absent: it did not yet.
  [[nodiscard]] std::optional<std::uint32_t> generation_id(LinkId link) const;

  /// Sorted by link, then address.
  [[nodiscard]] std::vector<NeighbourRow> show_neighbours(TimePoint now) const;
  [[nodiscard]] std::vector<PimInterfaceRow> show_interfaces(TimePoint now) const;
  void reset_counters(LinkId link);

 private:
  struct Neighbour {
    TimePoint up_since{};
    std::optional<TimePoint> expires_at;  // none: never
    bool extended = false;                // once, because this process was paused
    wire::PimHello hello;                 // newest; its address list is in `secondary`
    std::set<IpAddress> secondary;
  };
  /// What 4.3.3 makes of everybody's options.
  struct LanDelay {
    Duration propagation = kPropagationDelay;
    Duration override_interval = kOverrideInterval;
    bool suppression = true;
    friend bool operator==(const LanDelay&, const LanDelay&) = default;
  };
  struct Link {
    LinkConfig config;
    std::map<IpAddress, Neighbour> neighbours;  // by primary address
    std::map<IpAddress, IpAddress> owners;      // secondary -> primary address
    std::optional<std::uint32_t> generation;
    std::optional<TimePoint> hello_at;      // periodic; none while silent
    std::optional<TimePoint> triggered_at;  // answer to a new neighbour
    bool said_hello = false;                // with this address and generation
    IpAddress dr;
    LanDelay delay;
    std::optional<TimePoint> due;  // as it stands in agenda_
    HelloCounters counters;

    void ignore(HelloIgnored reason, std::uint64_t count = 1) {
      counters.ignored[static_cast<std::size_t>(reason)] += count;
    }
  };

  // pim_neighbours.cc: links and modes, Hellos sent, timers
  [[nodiscard]] const Link* find(LinkId link) const;
  [[nodiscard]] Link* find(LinkId link);
  [[nodiscard]] bool may_send(const Link& link) const;
  void change_link(Link& link, const LinkConfig& config, TimePoint now);
  void start(Link& link, TimePoint first_hello);
  void stop(Link& link, Leaving leaving);
  void send_hello(Link& link);
  void send(Link& link, wire::PimHello hello);
  void expire(Link& link, TimePoint now);
  void drop_unwanted(Link& link);
  /// After every input: election, delays, agenda.
  void settle(Link& link);

  // pim_neighbours_hello.cc: Hellos heard, who is designated router, delays
  [[nodiscard]] static std::optional<HelloIgnored> refuse(const Link& link, const IpAddress& source,
                                                          const wire::PimHello& hello,
                                                          Family family);
  void learn(Link& link, const IpAddress& source, const wire::PimHello& hello, TimePoint now);
  void set_addresses(Link& link, const IpAddress& primary, Neighbour& neighbour,
                     const wire::PimHello& hello);
  void claim(Link& link, const IpAddress& address, const IpAddress& primary);
  void disown(Link& link, const IpAddress& secondary);
  void greet(Link& link, TimePoint now);
  void drop(Link& link, const IpAddress& address, NeighbourGone reason);
  void drop_all(Link& link, NeighbourGone reason);
  [[nodiscard]] IpAddress elect(const Link& link) const;
  [[nodiscard]] static LanDelay lan_delay(const Link& link);

  Family family_;
  Entropy& entropy_;
  std::map<LinkId, Link> links_;
  std::map<ScopeId, LinkMode> modes_;
  std::set<std::pair<TimePoint, LinkId>> agenda_;  // at most one entry per link
  EffectQueue<NeighboursEffect> effects_;
};

}  // namespace hotpair::mcast::pim
