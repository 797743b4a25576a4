#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mcast/rp/bsr_types.h"
#include "mcast/rp/bsr_zone.h"
#include "mcast/rp/rp_show.h"
#include "platform/base/effect_queue.h"
#include "platform/base/entropy.h"

namespace hotpair::mcast::rp {

/// The Bootstrap mechanism of one family in one VRF (RFC 5059): learns the RP-Set and passes it on,
/// and is candidate BSR, BSR and candidate RP where configured. Sans-IO; see DESIGN.md.
///
/// As standby it keeps what records say, sends nothing and runs no timer.
class Bsr {
 public:
  Bsr(const BsrConfig& config, std::uint64_t seed, TimePoint now, Mode mode = Mode::active);
  Bsr(const Bsr&) = delete;
  Bsr& operator=(const Bsr&) = delete;

  // ---- configuration ----

  /// VRF and family stay. A candidate that goes says so: a BSR with priority 0, an RP with
  /// holdtime 0.
  void configure(const BsrConfig& config, TimePoint now);
  void set_link(const BsrLink& link);
  void remove_link(LinkId link);

  // ---- inputs ----

  /// From a PIM neighbour; the caller has checked that it is one.
  void on_bootstrap(const BootstrapInput& input, TimePoint now);
  /// By unicast to this router.
  void on_candidate_rp(const wire::PimCandidateRp& message, TimePoint now);
  /// The answer to AskBsrRpf; absent: no route, or no PIM neighbour on it.
  void on_rpf(const IpAddress& bsr, const std::optional<RpfPath>& path, TimePoint now);
  /// Unicast routing or a PIM neighbour changed somehow: the way to a BSR is asked for anew when it
  /// speaks.
  void on_unicast_changed();
  /// A new neighbour, or one with a new generation id, that it is on this router to tell: it is the
  /// DR of the link, or would be but for the newcomer (RFC 5059 3.5). After the own Hello.
  void on_new_neighbour(LinkId link, const IpAddress& address);
  /// Ends what is offered here, for a router that goes away for good: messages as for configure().
  void leave(TimePoint now);

  // ---- takeover ----

  /// Standby: a record of the active one. Active: one of the own store before activate(); later it
  /// is ignored. Records of other instances are ignored too.
  void on_record(const RpRecord& record, TimePoint now);
  /// Standby to active. Timers get a whole period, an elected BSR speaks at once, and no No-Forward
  /// message can replace a zone that was restored.
  void activate(TimePoint now);
  /// Takes over what a standby of the same family and VRF was told of zones of which no BSR is
  /// known here: addresses and the master's knowledge move together. Timers get a whole period.
  void adopt(const Bsr& other, TimePoint now);
  /// Up to `max` records from `cursor` (0 to begin).
  [[nodiscard]] RpRecordSlice snapshot(std::size_t cursor, std::size_t max) const;
  [[nodiscard]] Mode mode() const { return mode_; }

  // ---- driving ----

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<BsrEffect> poll_effect() { return effects_.poll(); }

  // ---- queries ----

  /// The mappings in force, all zones.
  [[nodiscard]] std::vector<RpMapping> mappings() const;
  /// The same; zones of which this one knows no BSR are as `other` has them if that knows one.
  [[nodiscard]] std::vector<RpMapping> mappings(const Bsr& other) const;
  [[nodiscard]] std::vector<LearnedRpModel> learned_model(TimePoint now) const;
  [[nodiscard]] BsrInfoModel show(TimePoint now) const;
  [[nodiscard]] const BsrCounters& counters() const { return counters_; }

 private:
  struct Advert {
    std::optional<TimePoint> at;
    std::uint8_t triggered = 0;  // messages that still follow after a backoff (RFC 5059 3.2)
  };
  struct Waiting {
    TimePoint since;
    BootstrapInput input;
  };

  // bsr_machine.cc
  void ignore(BsrIgnored reason, std::uint64_t times = 1);
  BsrZone& zone_of(const ScopeZone& id);
  [[nodiscard]] const CandidateBsr* configured(const ScopeZone& id) const;
  void set_candidate(const ScopeZone& id, TimePoint now);
  void begin_candidate(BsrZone& zone, TimePoint now);
  void end_candidate(BsrZone& zone, TimePoint now);
  void set_bsr(BsrZone& zone, const std::optional<BsrWeight>& bsr, TimePoint now);
  void on_bootstrap_timer(BsrZone& zone, TimePoint now);
  void expire_zones(TimePoint now);
  void tell_limit(RpLimit limit, const IpAddress& from);
  /// Tells what the input changed: records first, then the RP-Set.
  void settle();
  void settle(BsrZone& zone, bool& changed);

  // bsr_receive.cc
  [[nodiscard]] std::optional<BsrIgnored> refusal(const BootstrapInput& input) const;
  [[nodiscard]] bool is_starting(const BootstrapInput& input, TimePoint now) const;
  void check_rpf(const BootstrapInput& input, const std::optional<RpfPath>& path, TimePoint now);
  void accept(const BootstrapInput& input, TimePoint now);
  [[nodiscard]] bool is_preferred(const BsrZone& zone, const BsrWeight& weight) const;
  void on_unpreferred(BsrZone& zone, const BootstrapInput& input, TimePoint now);
  void take(BsrZone& zone, const BootstrapInput& input, TimePoint now);
  void store(BsrZone& zone, const wire::PimBootstrap& message, TimePoint now);
  void expire_waiting(TimePoint now);

  // bsr_send.cc
  [[nodiscard]] std::vector<LinkId> links_for(const ScopeZone& zone) const;
  void forward(const BsrZone& zone, const BootstrapInput& input);
  void originate(BsrZone& zone, TimePoint now);
  void originate_when_allowed(BsrZone& zone, TimePoint now);
  void send_own(BsrZone& zone, std::uint8_t priority, TimePoint now);
  /// Of the candidate's ranges what is offered in the zone.
  [[nodiscard]] std::vector<IpPrefix> ranges_in(const ScopeZone& zone, const CandidateRp& rp) const;
  void schedule_adverts(const BsrZone& zone, bool new_bsr, TimePoint now);
  void withdraw_adverts(const BsrConfig& before, TimePoint now);
  void run_adverts(TimePoint now);
  void move_offers(const BsrZone& zone, TimePoint now);
  void advertise(const BsrZone& zone, const CandidateRp& rp, TimePoint now);
  void send_advert(const BsrZone& zone, const CandidateRp& rp, const std::vector<IpPrefix>& ranges,
                   std::uint16_t holdtime_s, TimePoint now);
  void offer(const wire::PimCandidateRp& message, TimePoint now);
  [[nodiscard]] std::size_t smallest_mtu() const;
  [[nodiscard]] BsrZone* elected_zone(const IpPrefix& range, bool scoped);

  // bsr_restore.cc
  void restore(const RpMappingRecord& record, TimePoint now);
  void restore(const BsrZoneRecord& record, TimePoint now);
  void restore(const BsrFragmentRecord& record, TimePoint now);
  void restore(const AutoRpAgentRecord&, TimePoint) {}
  [[nodiscard]] bool is_mine(const BsrZoneKey& key) const;
  void resume(BsrZone& zone, TimePoint now);
  void adopt(BsrZone& zone, const BsrZone& theirs, TimePoint now);
  [[nodiscard]] bool lacks(const BsrZone& theirs) const;

  BsrConfig config_;
  Entropy entropy_;
  TimePoint started_;
  Mode mode_;
  std::map<ScopeZone, BsrZone> zones_;
  std::map<LinkId, BsrLink> links_;
  // By place in config_.candidate_rps, and zone.
  std::map<std::pair<std::size_t, ScopeZone>, Advert> adverts_;
  std::map<IpAddress, std::optional<RpfPath>> paths_;  // to current BSRs
  std::deque<Waiting> waiting_;                        // for an RPF answer, by time
  BsrCounters counters_;
  EffectQueue<BsrEffect> effects_;
};

}  // namespace hotpair::mcast::rp
