#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/mrib/mrib_records.h"
#include "platform/base/address.h"
#include "platform/base/effect_queue.h"
#include "platform/base/ids.h"

/// Multicast call admission control: which states of the forwarding plane may use a link, by
/// configured costs and limits. It decides about forwarding alone, never about membership or joins.
namespace hotpair::mcast::mrib {

/// Stands in place of an access list. (*,G) has no source: only a range of all sources matches it.
struct ChannelRange {
  IpPrefix groups;
  std::optional<IpPrefix> sources;  ///< absent: all
  [[nodiscard]] bool matches(const StateKey& state) const;
  friend bool operator==(const ChannelRange&, const ChannelRange&) = default;
};

/// Which states of a link a limit accounts.
enum class LimitKind : std::uint8_t {
  both,       ///< `rpf` and `out`
  connected,  ///< (S,G) that come in by the link, S directly connected
  rpf,        ///< states that come in by the link
  out,        ///< states that go out of the link
};

/// One rule of a link and family; the first that matches a state decides.
struct Limit {
  LimitKind kind = LimitKind::both;
  ChannelRange channels;
  std::uint32_t max = 0;             ///< sum of costs
  std::uint8_t threshold_percent{};  ///< of `max`, told when reached; 0: never
  friend bool operator==(const Limit&, const Limit&) = default;
};

/// The cost of the states of a range; the first that matches counts, without one it is 1.
struct ChannelCost {
  ChannelRange channels;
  std::uint32_t cost = 1;
  friend bool operator==(const ChannelCost&, const ChannelCost&) = default;
};

/// What counts for all links of a family.
struct AdmissionSettings {
  std::vector<ChannelCost> costs;
  std::uint32_t denials_per_s = 1;  ///< told at most; 0: none
  friend bool operator==(const AdmissionSettings&, const AdmissionSettings&) = default;
};

/// What a state wants of a link.
struct Ask {
  LinkId link;
  Direction direction = Direction::out;
  bool connected = false;   ///< `in`: the source is directly connected
  bool forwarding = false;  ///< the plane forwards it there already
};

// ---- effects ----

struct ReservationChanged {
  Reservation record;
};
struct ReservationRemoved {
  ReservationKey key;
};
/// A state was denied: told once, until it is admitted or no longer wants the link.
struct LimitDenied {
  ReservationKey key;
  std::uint32_t cost = 0;
  std::uint64_t in_use = 0;
  std::uint32_t max = 0;
  std::uint64_t suppressed = 0;  ///< not told since the last one, by Mrib::set_limit_rate()
};
/// The account of a limit reached its threshold; told again after it fell below.
struct LimitThreshold {
  LinkId link;
  Family family = Family::ipv4;
  Limit limit;
  std::uint64_t in_use = 0;
};
using AdmissionEffect =
    std::variant<ReservationChanged, ReservationRemoved, LimitDenied, LimitThreshold>;

// ---- models ----

struct LimitedState {
  StateKey state;
  Direction direction = Direction::out;
  std::uint32_t cost = 0;
  std::uint64_t order = 0;  ///< of admission; of a denied one, its place in the queue
  bool admitted = false;
  bool unclaimed = false;  ///< reserved by a record, no state here wants it (yet)
};
struct LimitRow {
  LinkId link;
  Family family = Family::ipv4;
  Limit limit;
  std::uint64_t in_use = 0;        ///< sum of the costs of those admitted
  std::uint64_t admitted = 0;      ///< states
  std::uint64_t denied = 0;        ///< states, now
  std::uint64_t denied_total = 0;  ///< since the limit was configured
  bool by_records = false;         ///< the scope's master decides, its records say
  std::vector<LimitedState> states;
};

/// The accounts. A state asks for its links with update(); an admitted one keeps its place until it
/// leaves, whatever becomes of the limit. Those denied wait, and are admitted oldest first as far
/// as they fit, by admit(). On a link that follows records, what is admitted is what they say.
/// Sans-IO; effects come out of poll_effect().
class Admission {
 public:
  /// Records and states beyond are ignored, and denied.
  static constexpr std::size_t kEntriesMax = 200'000;

  // ---- configuration ----

  /// The rules of a link, the first that matches counts; begins a change.
  void set_limits(LinkId link, Family family, const std::vector<Limit>& limits);
  /// Of all links; begins a change.
  void set_costs(Family family, const std::vector<ChannelCost>& costs);
  /// While a change of rules lasts, states are matched anew by update(): those that are forwarded
  /// keep their place whatever the account says, others wait for end_change().
  [[nodiscard]] bool is_changing() const { return changing_; }
  void end_change();
  /// The records of the link's master say who is admitted; not so: this node does.
  void set_following(LinkId link, bool following);
  /// While records are restored none but theirs are admitted.
  void set_restoring(bool restoring);
  /// The link is gone, with its reservations; its limits stay.
  void forget(LinkId link);
  /// Reservations of a link that follows records are dropped: all of them come anew.
  void drop_records(LinkId link);

  // ---- inputs ----

  /// What the state wants of links now; nothing: it is gone. Anything else of it is released. One
  /// that is denied its incoming link asks for no outgoing one.
  void update(const StateKey& state, std::span<const Ask> asks);
  /// False: over kEntriesMax, or the link is this node's own to decide.
  [[nodiscard]] bool on_record(const Reservation& record);
  void on_record_removed(const ReservationKey& key);
  /// Releases what records reserved and nobody asked for, on links that do not follow records.
  void release_unclaimed(std::size_t& budget);

  // ---- driving ----

  /// Looks at up to `budget` states that wait where something was freed.
  void admit(std::size_t& budget);
  [[nodiscard]] bool has_work() const;
  /// A state whose admission changed other than by its own update(): to be evaluated anew.
  [[nodiscard]] std::optional<StateKey> poll_changed();
  [[nodiscard]] std::optional<AdmissionEffect> poll_effect() { return effects_.poll(); }

  // ---- queries ----

  /// No limit and no record: nothing is ever denied.
  [[nodiscard]] bool is_idle() const { return limited_.empty() && entries_.empty(); }
  /// The state may use the link that way. Of a link without a limit for it, always.
  [[nodiscard]] bool admits(const StateKey& state, LinkId link, Direction direction,
                            bool connected) const;
  /// An admitted (*,G) out of the link covers its source: it is admitted there, wanted, and the
  /// source would be accounted by the same limit.
  [[nodiscard]] bool covers(const StateKey& source, LinkId link) const;
  /// Something that the state wants is denied.
  [[nodiscard]] bool denies(const StateKey& state) const;
  /// Reservations after `after` (absent: from the start), up to `max` entries looked at.
  struct Slice {
    std::vector<Reservation> records;
    std::optional<ReservationKey> next;
  };
  [[nodiscard]] Slice snapshot(const std::optional<ReservationKey>& after, std::size_t max) const;
  [[nodiscard]] std::vector<LimitRow> show(Family family, bool with_states) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry;
  using Entries = std::map<ReservationKey, Entry>;
  struct Account {
    LinkId link;
    Family family = Family::ipv4;
    Limit limit;
    std::uint64_t in_use = 0;
    std::uint64_t admitted = 0;
    std::uint64_t denied_total = 0;
    std::map<std::uint64_t, Entries::iterator> waiting;  // by place in the queue
    std::uint64_t look_from = 0;                         // where admit() goes on
    bool warned = false;
    bool configured = true;  // else it goes with its last entry
  };
  using Accounts = std::map<std::uint32_t, Account>;  // by a number that is never used again
  static constexpr std::uint32_t kNoAccount = 0xffffffffU;
  struct Entry {
    std::uint32_t account = kNoAccount;
    std::uint32_t cost = 1;
    std::uint64_t order = 0;  // of admission; while it waits, its place in the queue
    bool connected = false;
    bool admitted = false;
    bool claimed = false;  // a state of this node asks for it
    bool told = false;     // its denial was counted
  };
  using LinkFamily = std::pair<LinkId, Family>;

  [[nodiscard]] bool follows(LinkId link) const { return restoring_ || following_.contains(link); }
  [[nodiscard]] std::uint32_t account_for(const StateKey& state, LinkId link, Direction direction,
                                          bool connected) const;
  [[nodiscard]] std::uint32_t cost_of(const StateKey& state) const;
  void ask(const StateKey& state, const Ask& ask);
  void rematch(Entries::iterator at, std::uint32_t account);
  void recost(Entries::iterator at);
  void decide(Entries::iterator at, bool keeps);
  void debit(Entries::iterator at);
  void release(Entries::iterator at);
  void take_place(Entries::iterator at);
  void wait(Entries::iterator at);
  void deny(Entries::iterator at);
  void leave(Entries::iterator at);
  Entries::iterator erase(Entries::iterator at);
  void freed(std::uint32_t number);
  void look_again(std::optional<LinkId> link);
  void check_threshold(Account& account);
  void tell(Entries::iterator at);
  void admit_some(std::uint32_t number, std::size_t& budget);
  [[nodiscard]] LimitedState model_of(Entries::const_iterator at) const;

  std::map<LinkFamily, std::vector<std::uint32_t>> limited_;  // accounts in order of rules
  Accounts accounts_;
  std::array<std::vector<ChannelCost>, 2> costs_;
  Entries entries_;
  std::set<ReservationKey> unclaimed_;
  std::set<LinkId> following_;
  std::set<std::uint32_t> dirty_;  // accounts where somebody who waits may fit
  std::deque<StateKey> changed_;
  EffectQueue<AdmissionEffect> effects_;
  std::uint32_t next_account_ = 0;
  std::uint64_t next_order_ = 1;
  std::uint64_t next_place_ = 1;
  bool changing_ = false;
  bool restoring_ = false;
};

}  // namespace hotpair::mcast::mrib
