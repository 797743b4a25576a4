#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "mcast/mrib/mrib_machine.h"
#include "platform/fwd/fake_plane.h"

namespace hotpair::mcast::mrib {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Group group(std::string_view text) { return Group::parse(text).value(); }

/// A Mrib with everything around it: a virtual clock, a FakePlane that applies its deltas, a
/// unicast table that answers its questions, and a journal of data-driven events.
class Stand {
 public:
  using FactsKey = std::tuple<std::uint32_t, std::string, std::string>;

  explicit Stand(const Config& config = {}, fwd::FakePlane* plane = nullptr)
      : plane_(plane == nullptr ? own_ : *plane), mrib(config, now) {}

  /// Link 1, 2, … in both families; odd numbers by habit uplinks, even ones in scope 1.
  void add_link(std::uint32_t number, std::optional<ScopeId> scope = std::nullopt) {
    static_cast<void>(plane_.add_link({LinkId{number}, "d" + std::to_string(number), true, true}));
    mrib.set_link({LinkId{number}, VrfId{0}, true, true, scope}, now);
    run();
  }
  /// What the assert machine was told: "could track rpf", of these what holds.
  [[nodiscard]] std::string facts(std::uint32_t link, const std::string& to,
                                  const std::string& source = "*") const {
    const auto found = told_facts.find({link, to, source});
    return found == told_facts.end() ? "" : text_of(found->second);
  }
  [[nodiscard]] static std::string text_of(const AssertFactsChanged& facts) {
    return text_of(facts.could_assert, facts.tracking_desired, facts.rpf_interface);
  }
  [[nodiscard]] static std::string text_of(bool could, bool track, bool is_rpf) {
    std::string text = could ? "could " : "";
    text += track ? "track " : "";
    text += is_rpf ? "rpf " : "";
    if (!text.empty()) text.pop_back();
    return text;
  }
  void asserted(std::uint32_t link, std::string_view to, std::optional<std::string_view> source,
                const AssertState& state) {
    mrib.on_assert(LinkId{link}, group(to), source ? std::optional(ip(*source)) : std::nullopt,
                   state, now);
    run();
  }
  void wrong_interface(std::uint32_t link, std::string_view source, std::string_view to) {
    mrib.on_wrong_interface({VrfId{0}, LinkId{link}, ip(source), group(to)}, now);
    run();
  }
  /// The same with PIM routers on it.
  void add_pim_link(std::uint32_t number) {
    static_cast<void>(plane_.add_link({LinkId{number}, "d" + std::to_string(number), true, true}));
    mrib.set_link({LinkId{number}, VrfId{0}, true, true, std::nullopt, true, true}, now);
    run();
  }
  void unicast(std::string_view target, std::optional<std::uint32_t> link,
               std::optional<std::string_view> next_hop = std::nullopt) {
    routes_[ip(target)] = link;
    connected_.erase(ip(target));
    locals_.erase(ip(target));
    next_hops_[ip(target)] = next_hop ? std::optional(ip(*next_hop)) : std::nullopt;
  }
  /// The target is this router.
  void local(std::string_view target) {
    unicast(target, 0);
    locals_.insert(ip(target));
  }
  /// The source is on the link itself.
  void connect(std::string_view target, std::uint32_t link) {
    unicast(target, link);
    connected_.insert(ip(target));
  }
  void unicast_changed() {
    mrib.on_unicast_changed(now);
    run();
  }
  void member(std::uint32_t link, std::string_view to, FilterMode mode,
              const std::vector<std::string>& sources = {}, Origin origin = Origin::hosts) {
    Membership membership{mode, {}};
    for (const std::string& source : sources) membership.sources.push_back(ip(source));
    mrib.on_membership(LinkId{link}, group(to), membership, now, origin);
    run();
  }
  void leave(std::uint32_t link, std::string_view to, Origin origin = Origin::hosts) {
    member(link, to, FilterMode::include, {}, origin);
  }
  /// What routers upstream are asked for: "join 3 10.0.3.1", with "rp 5.5.5.5" where one is named.
  /// `source`: "*", an address, or with "/rpt" behind it.
  [[nodiscard]] std::string wish(std::string_view to, const std::string& source) const {
    const auto found = wishes.find({group(to), source});
    if (found == wishes.end()) return "";
    const UpstreamChanged& one = found->second;
    std::string text = one.wish == Wish::join ? "join " : "prune ";
    text += std::to_string(one.link.value()) + " " + one.neighbour.to_string();
    if (!one.rp.is_unspecified()) text += " rp " + one.rp.to_string();
    return text;
  }
  void set_rps(const std::vector<rp::RpMapping>& mappings) {
    for (const Family family : {Family::ipv4, Family::ipv6})
      mrib.set_rps(VrfId{0}, family, rp::RpSet(mappings), now);
  }
  void rp(std::string_view address, std::string_view range = "224.0.0.0/4") {
    rps_.push_back(rp::make_static_rp(ip(address), IpPrefix::parse(range).value()).value());
    set_rps(rps_);
    run();
  }
  /// A packet arrives at the plane; upcalls go to the Mrib. The links that it left by.
  std::string packet(std::uint32_t link, std::string_view source, std::string_view to) {
    const std::vector<LinkId> out = plane_.receive(VrfId{0}, LinkId{link}, ip(source), group(to));
    while (const std::optional<fwd::PlaneEvent> event = plane_.poll_event()) {
      if (const auto* no_route = std::get_if<fwd::NoRoute>(&*event))
        mrib.on_no_route(*no_route, now);
      if (const auto* wrong = std::get_if<fwd::WrongInterface>(&*event))
        mrib.on_wrong_interface(*wrong, now);
    }
    run();
    std::string text;
    for (const LinkId left : out) text += (text.empty() ? "" : " ") + std::to_string(left.value());
    return text;
  }
  /// Drains effects, answers them, and runs slices until nothing is due.
  void run() {
    for (int round = 0;; ++round) {
      drain();
      const std::optional<TimePoint> next = mrib.next_deadline();
      if (!next || *next > now) return;
      HA_ASSERT(round < 100'000);
      mrib.on_timeout(now);
      ++slices;
    }
  }
  /// Drains what is there without running slices.
  void drain() {
    while (std::optional<Effect> effect = mrib.poll_effect())
      std::visit([this](auto& body) { on(body); }, *effect);
  }
  /// Lets time pass, stopping at every deadline on the way.
  void pass(Duration duration) {
    const TimePoint end = now + duration;
    while (true) {
      const std::optional<TimePoint> next = mrib.next_deadline();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      mrib.on_timeout(now);
      drain();
    }
    now = end;
  }
  /// "1>2,4" for a route, "1>" or "?>" for a negative one, "" for none.
  [[nodiscard]] std::string route(std::string_view to,
                                  std::optional<std::string_view> source = std::nullopt) const {
    const fwd::RouteKey key{VrfId{0}, group(to),
                            source ? std::optional(ip(*source)) : std::nullopt};
    const auto found = plane_.routes().find(key);
    return found == plane_.routes().end() ? "" : text_of(found->second);
  }
  [[nodiscard]] static std::string text_of(const fwd::Route& route) {
    std::string text = route.incoming ? std::to_string(route.incoming->value()) : "?";
    text += '>';
    for (std::size_t i = 0; i < route.outgoing.size(); ++i)
      text += (i == 0 ? "" : ",") + std::to_string(route.outgoing[i].value());
    return text;
  }
  [[nodiscard]] std::uint64_t counted(Count what) const {
    return mrib.counters()[static_cast<std::size_t>(what)];
  }

 private:
  void on(PlaneDelta& delta) {
    HA_ASSERT(!delta.changes.empty() && delta.changes.size() <= kDeltaMax);
    mrib.on_applied(plane_.apply(delta.changes), now);
  }
  void on(AskRpf& question) {
    ++asked;
    if (silent) return;
    const auto found = routes_.find(question.target);
    std::optional<RpfAnswer> answer;
    if (found != routes_.end() && found->second)
      answer = RpfAnswer{LinkId{*found->second}, next_hops_[question.target], metric,
                         connected_.contains(question.target), locals_.contains(question.target)};
    mrib.on_rpf(question.vrf, question.target, answer, now);
  }
  void on(AskCounters& question) {
    const auto values = plane_.counters(question.keys);
    std::vector<std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> answer;
    for (std::size_t i = 0; i < values.size(); ++i)
      answer.emplace_back(question.keys[i], values[i]);
    mrib.on_counters(answer, now);
  }
  // The plane refuses this while a route still names the link.
  void on(LinkReleased& left) {
    released.push_back(left.link);
    HA_ASSERT(plane_.remove_link(left.link).has_value());
  }
  void on(RecordChanged& change) { journal.push_back(change.record); }
  void on(RecordRemoved& removal) {
    std::erase_if(journal, [&](const DataDrivenEvent& record) {
      return DataDrivenKey{record.scope, record.vrf, record.group, record.source} == removal.key;
    });
  }

  void on(UpstreamChanged& change) {
    std::string source = change.source ? change.source->to_string() : "*";
    if (change.rpt) source += "/rpt";
    if (change.wish == Wish::none)
      wishes.erase({change.group, source});
    else
      wishes.insert_or_assign({change.group, source}, change);
  }

  void on(ReservationChanged& change) {
    reservations.insert_or_assign(change.record.key, change.record);
  }
  void on(ReservationRemoved& removal) { HA_ASSERT(reservations.erase(removal.key) == 1); }
  void on(LimitDenied& denial) { denials.push_back(denial); }
  void on(LimitThreshold& reached) { thresholds.push_back(reached); }
  void on(BidirRpChanged& change) {
    if (change.gone)
      bidir_rps.erase(change.rp);
    else
      bidir_rps[change.rp] = change.way;
  }
  void on(RegisterChanged& change) {
    if (change.could_register)
      registering.insert_or_assign({change.group, change.source}, change.rp);
    else
      HA_ASSERT(registering.erase({change.group, change.source}) == 1);
  }
  void on(AssertFactsChanged& change) {
    const FactsKey key{change.link.value(), change.group.to_string(),
                       change.source ? change.source->to_string() : "*"};
    if (change.could_assert || change.tracking_desired)
      told_facts.insert_or_assign(key, change);
    else
      HA_ASSERT(told_facts.erase(key) == 1);
    if (!told_facts.contains(key)) ended_facts.push_back(key);
  }

  fwd::FakePlane own_;
  fwd::FakePlane& plane_;
  std::map<IpAddress, std::optional<std::uint32_t>> routes_;
  std::map<IpAddress, std::optional<IpAddress>> next_hops_;
  std::set<IpAddress> connected_;
  std::set<IpAddress> locals_;
  std::vector<rp::RpMapping> rps_;

 public:
  TimePoint now{std::chrono::hours(1)};
  Mrib mrib;
  std::vector<DataDrivenEvent> journal;
  std::map<ReservationKey, Reservation> reservations;
  std::vector<LimitDenied> denials;
  std::vector<LimitThreshold> thresholds;
  std::map<std::pair<Group, std::string>, UpstreamChanged> wishes;  ///< in force
  std::vector<LinkId> released;
  std::size_t slices = 0;
  std::size_t asked = 0;
  std::map<FactsKey, AssertFactsChanged> told_facts;  ///< in force
  std::map<IpAddress, std::optional<RpfAnswer>> bidir_rps;
  std::map<std::pair<Group, IpAddress>, IpAddress> registering;  ///< could register, to which RP
  std::vector<FactsKey> ended_facts;
  std::uint32_t metric = 0;  ///< of every unicast route
  bool silent = false;       ///< RPF questions are not answered

  [[nodiscard]] fwd::FakePlane& plane() { return plane_; }
};

}  // namespace hotpair::mcast::mrib
