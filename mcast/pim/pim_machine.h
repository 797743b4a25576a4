#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "mcast/pim/pim_assert.h"
#include "mcast/pim/pim_df.h"
#include "mcast/pim/pim_downstream.h"
#include "mcast/pim/pim_neighbours.h"
#include "mcast/pim/pim_upstream.h"
#include "platform/base/effect_queue.h"

/// PIM-SM of one family: the parts put together. See DESIGN.md.
namespace hotpair::mcast::pim {

/// A link serves no bidirectional groups, or does again: a neighbour does not know them (RFC 5015
/// 3.7.4).
struct BidirRefused {
  LinkId link;
  std::optional<IpAddress> neighbour;  ///< absent: all know them again
};

/// What the engine asks of its driver, and tells it. Views, asserts and records are of MRIB and the
/// journal; the rest is to be sent or logged.
using PimEffect =
    std::variant<SendOnLink, DownstreamView, DownstreamFlushed, AssertChanged, AssertsFlushed,
                 RecordChanged, RecordRemoved, NeighbourUp, NeighbourRestarted, NeighbourDown,
                 DrChanged, AddressConflict, LimitReached, DfChanged, BidirRefused>;

/// Why a well-formed packet was not acted on.
enum class PacketIgnored : std::uint8_t {
  not_enabled,        ///< no PIM of the family on the link
  silent,             ///< the link is silent: hosts only
  wrong_source,       ///< of another family, or a link's message over IPv6 not from a link-local
  wrong_destination,  ///< a link's message by unicast, or another by multicast
  own_address,        ///< our own, come back
  not_neighbour,      ///< from an address that said no Hello
  bidirectional,      ///< DF election: bidirectional PIM is not enabled on the link
  count_
};
inline constexpr std::size_t kPacketIgnoredCount = static_cast<std::size_t>(PacketIgnored::count_);
[[nodiscard]] std::string_view to_string(PacketIgnored reason);

/// Messages of a link by type, in the order of wire::PimMessage, and what was refused.
struct MessageCounters {
  std::array<std::uint64_t, std::variant_size_v<wire::PimMessage>> received{};
  std::array<std::uint64_t, std::variant_size_v<wire::PimMessage>> sent{};
  std::array<std::uint64_t, wire::kPimRejectCount> rejected{};
  std::array<std::uint64_t, kPacketIgnoredCount> ignored{};
};

/// The PIM-SM router of one family (RFC 7761), all VRFs. Hello, Join/Prune and Assert end here;
/// Bootstrap, Register and the like are judged here and go on to whom they concern.
///
/// After every input the driver drains poll_effect() and sets its timer to next_deadline().
class Pim {
 public:
  /// `rps` outlives this.
  Pim(Family family, std::uint64_t seed, const RpDirectory& rps);
  Pim(const Pim&) = delete;
  Pim& operator=(const Pim&) = delete;

  // ---- configuration and role ----

  /// Adds the link or changes it. An unspecified address: the interface is down.
  void set_link(const LinkConfig& config, TimePoint now);
  void remove_link(LinkId link, TimePoint now);
  /// A scope starts muted; its links go live with a Hello of a new generation id.
  void activate(ScopeId scope, TimePoint now);
  /// Its links fall silent; downstream state stays as the replicated one.
  void deactivate(ScopeId scope, Leaving leaving, TimePoint now);
  /// See Neighbours::note_generation().
  void note_generation(LinkId link, std::uint32_t generation_id);

  // ---- inputs ----

  /// A packet that was parsed. True: it is none of Hello, Join/Prune and Assert, came as its kind
  /// must and, if it is a Bootstrap, from a neighbour, so that whom it concerns may have it.
  [[nodiscard]] bool on_packet(LinkId link, const wire::PimPacket& packet, TimePoint now);
  void on_reject(LinkId link, wire::PimReject reason);
  void on_neighbour_bfd_down(LinkId link, const IpAddress& address, TimePoint now);
  /// What MRIB wants of a tree's upstream router.
  void on_wish(const UpstreamWish& wish, TimePoint now);
  /// What MRIB knows of a tree on a link; see Asserts::set_facts().
  void on_assert_facts(LinkId link, const TreeKey& key, const AssertFacts& facts, TimePoint now);
  /// A packet came in on a link that its tree goes out on; see Asserts::on_data().
  void on_data(LinkId link, const TreeKey& key, TimePoint now);
  /// An RP of bidirectional groups, and the way to it; see DfElections.
  bool set_bidir_rp(const DfRp& rp, const DfRoute& route, TimePoint now);
  void remove_bidir_rp(const DfRp& rp, TimePoint now);
  void note_df_acting(const DfRp& rp, LinkId link, TimePoint now);
  /// See Downstream::on_record().
  void on_record(const JoinPruneRecord& record, TimePoint now);
  void on_record_removed(const JoinPruneKey& key, TimePoint now);

  // ---- driving ----

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// Join/Prune messages come after all else: what one turn of the driver wishes of a neighbour, in
  /// any number of inputs, fills messages together (RFC 7761 4.9.5).
  [[nodiscard]] std::optional<PimEffect> poll_effect();

  // ---- queries ----

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] const Neighbours& neighbours() const { return neighbours_; }
  /// Records of database 18, in slices.
  [[nodiscard]] JoinPruneSlice snapshot(const std::optional<JoinPruneKey>& after,
                                        std::size_t max) const {
    return downstream_.snapshot(after, max);
  }
  [[nodiscard]] std::vector<NeighbourRow> show_neighbours(TimePoint now) const {
    return neighbours_.show_neighbours(now);
  }
  [[nodiscard]] std::vector<PimInterfaceRow> show_interfaces(TimePoint now) const {
    return neighbours_.show_interfaces(now);
  }
  [[nodiscard]] DownstreamModel show_downstream(const JoinPruneFilter& filter,
                                                TimePoint now) const {
    return downstream_.show(filter, now);
  }
  [[nodiscard]] UpstreamModel show_upstream(const JoinPruneFilter& filter, TimePoint now) const {
    return upstream_.show(filter, now);
  }
  [[nodiscard]] AssertView assert_view(LinkId link, const TreeKey& key) const {
    return asserts_.view(link, key);
  }
  [[nodiscard]] std::vector<DfRow> show_df(TimePoint now) const { return elections_.show(now); }
  [[nodiscard]] DfCounters df_counters(LinkId link) const { return elections_.counters(link); }
  [[nodiscard]] AssertCounters assert_counters(LinkId link) const {
    return asserts_.counters(link);
  }
  /// nullptr: no such link.
  [[nodiscard]] const DownstreamCounters* downstream_counters(LinkId link) const {
    return downstream_.counters(link);
  }
  [[nodiscard]] const UpstreamCounters* upstream_counters(LinkId link) const {
    return upstream_.counters(link);
  }
  /// Of a link; of one without PIM: all zero.
  [[nodiscard]] MessageCounters message_counters(LinkId link) const;
  /// Trees that an upstream router is asked for.
  [[nodiscard]] std::size_t upstream_count() const { return upstream_.tree_count(); }
  /// Somebody else is about to send on the link: see Neighbours::hello_first().
  void hello_first(LinkId link, TimePoint now);
  /// A message of ours that somebody else sends on a link, for the counters.
  void note_sent(LinkId link, const wire::PimMessage& message);
  void reset_counters();

 private:
  struct Link {
    LinkConfig config;
    MessageCounters counters;
    std::set<TreeKey> lost;  ///< trees whose assert winner the upstream part was told
    std::optional<IpAddress> without_bidir;  ///< as told by BidirRefused
  };

  [[nodiscard]] std::optional<PacketIgnored> refusal(LinkId link, const Link& state,
                                                     const wire::PimPacket& packet) const;
  [[nodiscard]] static bool is_own(const LinkConfig& config, const IpAddress& address);
  [[nodiscard]] LanState lan_of(LinkId link) const;
  void on_join_prune(const Link& link, const wire::PimPacket& packet,
                     const wire::PimJoinPrune& message, TimePoint now);

  void on_hello(LinkId link, const IpAddress& source, const wire::PimHello& hello, TimePoint now);
  void check_bidir(LinkId link, TimePoint now);
  // Effects of the parts, moved on until all are quiet; Join/Prune messages wait to be polled.
  void settle(TimePoint now);
  void send_join_prunes();
  bool settle_neighbours(TimePoint now);
  void take(const SendOnLink& send, TimePoint now);
  void take(const NeighbourUp& up, TimePoint now);
  void take(const NeighbourRestarted& restarted, TimePoint now);
  void take(const NeighbourDown& down, TimePoint now);
  void take(const NeighbourAddressesChanged& changed, TimePoint now);
  void take(const LanDelayChanged& changed, TimePoint now);
  void take(const AssertChanged& changed, TimePoint now);
  void take(const AssertsFlushed& flushed, TimePoint now);
  template <typename Told>
  void take(const Told& told, TimePoint now);

  Family family_;
  Entropy entropy_;
  const RpDirectory& rps_;
  Neighbours neighbours_;
  Downstream downstream_;
  Upstream upstream_;
  Asserts asserts_;
  DfElections elections_;
  std::map<LinkId, Link> links_;
  TimePoint now_{};  ///< of the last input
  EffectQueue<PimEffect> effects_{1U << 20U};
};

}  // namespace hotpair::mcast::pim
