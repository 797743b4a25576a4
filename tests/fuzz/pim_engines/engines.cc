#include "tests/fuzz/pim_engines/engines.h"

#include <algorithm>
#include <variant>

namespace hotpair::fuzz {

using namespace mcast;

namespace {

constexpr std::array kLinks{LinkId(1), LinkId(2), LinkId(3), LinkId(4)};
const ScopeId kFirstScope{1};
const ScopeId kSecondScope{2};

/// Engines tell them in the order of their maps.
std::vector<rp::RpMapping> sorted(std::vector<rp::RpMapping> mappings) {
  std::ranges::sort(mappings);
  return mappings;
}

}  // namespace

Engines::Engines(Family family)
    : family_(family), neighbours_(family, entropy_), upstream_(entropy_) {
  bsr_config_.family = family;
  bsr_config_.rps_max = 16;
  bsr_config_.zones_max = 4;
  auto_config_.listen = true;
  auto_config_.mappings_max = 16;
  auto_config_.agents_max = 4;
  bsr_ = std::make_unique<rp::Bsr>(bsr_config_, 1, now_);
  auto_rp_ = std::make_unique<rp::AutoRp>(auto_config_, now_);
  for (const LinkId link : kLinks) {
    const std::string name = "Ethernet" + std::to_string(link.value());
    const pim::LinkConfig config = link_config(link);
    std::optional<checkpoint::schema::TrunkRef> trunk;
    if (config.scope) trunk = {config.scope->value(), link.value()};
    HA_ASSERT(codec_.links().bind(link, {VrfId{}, name, trunk}));
  }
  new_twins();
  for (const LinkId link : kLinks) add_link(link_config(link));
  drain();
}

std::optional<IpAddress> Engines::rp_of(VrfId, const Group& group) const {
  const auto mapping = rps_.rp_of(group);
  if (mapping) return mapping->rp;
  return group.is_default_ssm() ? std::nullopt : std::optional(Script::rp(family_, 0));
}

pim::LinkConfig Engines::link_config(LinkId link) const {
  pim::LinkConfig config;
  config.link = link;
  config.address = Script::router(family_, 1);
  config.bidir = link != LinkId(2);
  config.neighbours_max = kNeighboursMax;
  config.entries_max = kEntriesMax;
  if (link == LinkId(3)) config.scope = kFirstScope;
  if (link == LinkId(4)) config.scope = kSecondScope;
  return config;
}

bool Engines::may_speak(LinkId link) const {
  const auto found = links_.find(link);
  return found != links_.end() && !found->second.address.is_unspecified() && !is_muted(link);
}

bool Engines::is_muted(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() || (found->second.scope && !live_.contains(*found->second.scope));
}

// ---- links and roles ----

void Engines::add_link(const pim::LinkConfig& config) {
  links_[config.link] = config;
  neighbours_.set_link(config, now_);
  downstream_.configure(config, now_);
  upstream_.configure(config, now_);
  asserts_.set_link(config, now_);
  elections_.set_link(config, now_);
  tell_bsr_link(config.link);
}

void Engines::remove_link(LinkId link) {
  if (may_speak(link)) leaving_.insert(link);
  links_.erase(link);
  neighbours_.remove_link(link, now_);
  downstream_.remove_link(link, now_);
  upstream_.remove_link(link, now_);
  asserts_.remove_link(link, now_);
  elections_.remove_link(link, now_);
  bsr_->remove_link(link);
  bsr_twin_->remove_link(link);
}

void Engines::tell_bsr_link(LinkId link) {
  for (rp::Bsr* bsr : {bsr_.get(), bsr_twin_.get()})
    bsr->set_link({.link = link, .border = false, .muted = !may_speak(link), .boundary = {}});
}

void Engines::set_scope(ScopeId scope, bool live, pim::Leaving leaving) {
  for (const auto& [link, config] : links_)
    if (config.scope == scope && may_speak(link) && leaving == pim::Leaving::goodbye)
      leaving_.insert(link);
  const auto mode = live ? pim::LinkMode::live : pim::LinkMode::muted;
  if (live) {
    live_.insert(scope);
    downstream_.activate(scope, now_);
    upstream_.activate(scope, now_);
  } else {
    live_.erase(scope);
    downstream_.deactivate(scope, now_);
    upstream_.deactivate(scope, now_);
  }
  neighbours_.set_mode(scope, mode, leaving, now_);
  asserts_.set_mode(scope, mode, now_);
  elections_.set_mode(scope, mode, now_);
  for (const auto& [link, config] : links_)
    if (config.scope == scope) tell_bsr_link(link);
}

void Engines::change_role(Script& script) {
  const std::uint8_t how = script.u8();
  set_scope((how & 1U) != 0 ? kFirstScope : kSecondScope, (how & 2U) != 0,
            (how & 4U) != 0 ? pim::Leaving::goodbye : pim::Leaving::silently);
  drain();
}

void Engines::mute_all() {
  for (const ScopeId scope : {kFirstScope, kSecondScope})
    set_scope(scope, false, pim::Leaving::silently);
  drain();
}

void Engines::change_link(Script& script) {
  const LinkId link = script.link();
  const std::uint8_t how = script.u8();
  if ((how & 7U) == 0) {
    remove_link(link);
  } else {
    pim::LinkConfig config = link_config(link);
    config.tracking = (how & 1U) != 0;
    if ((how & 6U) == 6U) config.address = Script::router(family_, (how & 8U) != 0 ? 6 : 0);
    if ((how & 16U) != 0) config.mtu = 256;
    if ((how & 32U) != 0) config.hello_period = std::chrono::seconds(1);
    add_link(config);
  }
  drain();
}

void Engines::change_offers(Script& script) {
  const std::uint8_t how = script.u8();
  bsr_config_.candidate_bsrs.clear();
  bsr_config_.candidate_rps.clear();
  const rp::ScopeZone zone = (how & 1U) != 0 ? rp::ScopeZone(script.range()) : std::nullopt;
  const IpAddress own = Script::rp(family_, 3);
  if ((how & 2U) != 0) bsr_config_.candidate_bsrs.push_back({zone, own, script.u8()});
  if ((how & 4U) != 0) bsr_config_.candidate_rps.push_back({zone, own});
  bsr_->configure(bsr_config_, now_);
  const IpAddress agent = Script::rp(Family::ipv4, 2);
  auto_config_.listen = (how & 8U) == 0;
  auto_config_.mapping_agent = (how & 16U) != 0 ? std::optional(agent) : std::nullopt;
  auto_config_.announced.clear();
  if ((how & 32U) != 0) auto_config_.announced.push_back({agent, {}, {}});
  auto_rp_->configure(auto_config_, now_);
  bsr_twin_->configure(bsr_config_, now_);
  auto_twin_->configure(auto_config_, now_);
  drain();
}

// ---- messages ----

void Engines::hear_pim(Script& script) {
  const LinkId link = script.link();
  const IpAddress from = Script::router(family_, 1 + script.below(6));
  const auto message = read_pim(script);
  if (message) std::visit([&](const auto& one) { hear(link, from, one); }, *message);
  drain();
}

void Engines::hear(LinkId link, const IpAddress& from, const wire::PimHello& message) {
  neighbours_.on_hello(link, from, message, now_);
}

void Engines::hear(LinkId link, const IpAddress& from, const wire::PimJoinPrune& message) {
  if (!neighbours_.is_neighbour(link, from)) return;
  const bool to_us = message.upstream_neighbor == links_.at(link).address;
  const pim::LanState lan{neighbours_.propagation_delay(link), neighbours_.override_interval(link),
                          neighbours_.suppression(link), neighbours_.neighbour_count(link)};
  downstream_.on_join_prune({link, from, to_us, lan}, message, *this, now_);
  if (!to_us) return upstream_.on_foreign_join_prune(link, message, now_);
  for (const wire::PimGroupSet& set : message.groups) {
    const auto group = Group::from(set.group.address);
    for (const wire::PimSource& entry : set.joined)
      if (group && !entry.rpt)
        asserts_.on_join_received(link, {*group, entry.address, false}, now_);
  }
}

void Engines::hear(LinkId link, const IpAddress& from, const wire::PimAssert& message) {
  if (neighbours_.is_neighbour(link, from)) asserts_.on_assert(link, from, message, now_);
}

void Engines::hear(LinkId link, const IpAddress& from, const wire::PimBootstrap& message) {
  if (!neighbours_.is_neighbour(link, from)) return;
  bsr_->on_bootstrap({link, from, message.fragment_tag % 8 == 7, message}, now_);
}

void Engines::hear(LinkId, const IpAddress&, const wire::PimCandidateRp& message) {
  bsr_->on_candidate_rp(message, now_);
}

void Engines::hear(LinkId link, const IpAddress& from, const wire::PimDfElection& message) {
  if (neighbours_.is_neighbour(link, from)) elections_.on_message(link, from, message, now_);
}

void Engines::hear_auto_rp(Script& script) {
  const LinkId link = script.link();
  const IpAddress from = Script::rp(Family::ipv4, script.below(8));
  if (const auto message = read_auto_rp(script)) auto_rp_->on_message(link, from, *message, now_);
  drain();
}

// ---- facts of others ----

void Engines::wish(Script& script) {
  const std::uint8_t how = script.u8();
  pim::UpstreamWish wish{VrfId{},       script.tree(), pim::UpstreamKind::none,
                         script.link(), std::nullopt,  Script::rp(family_, 0)};
  if ((how & 1U) != 0) wish.kind = pim::UpstreamKind::join;
  if ((how & 1U) == 0 && wish.key.rpt && (how & 2U) != 0) wish.kind = pim::UpstreamKind::prune;
  if ((how & 4U) != 0) wish.neighbour = Script::router(family_, 2 + script.below(4));
  upstream_.on_wish(wish, now_);
  drain();
}

void Engines::set_facts(Script& script) {
  const LinkId link = script.link();
  pim::TreeKey tree = script.tree();
  tree.rpt = false;
  const std::uint8_t how = script.u8();
  pim::AssertFacts facts{.could_assert = (how & 1U) != 0,
                         .tracking_desired = (how & 3U) != 0,
                         .rpf_interface = (how & 5U) == 4U,
                         .metric = script.metric()};
  asserts_.set_facts(link, tree, facts, now_);
  drain();
}

void Engines::see_data(Script& script) {
  const LinkId link = script.link();
  asserts_.on_data(link, script.tree(), now_);
  drain();
}

void Engines::take_record(Script& script) {
  const std::uint8_t how = script.u8();
  const pim::JoinPruneKey key{script.link(), script.tree()};
  const pim::JoinPruneRecord record{
      key, {static_cast<pim::JoinPruneState>(how & 3U), script.holdtime_s()}};
  if ((how & 4U) != 0)
    downstream_.on_record_removed(key, now_);
  else
    downstream_.on_record(record, now_);
  drain();
}

void Engines::change_bidir(Script& script) {
  const std::uint8_t how = script.u8();
  const pim::DfRp rp{VrfId{}, Script::rp(family_, how & 3U)};
  pim::DfRoute route{.reachable = (how & 4U) != 0, .link = {}, .neighbour = {}, .metric = {}};
  if ((how & 8U) != 0) route.link = script.link();
  route.on_link = (how & 16U) != 0;
  if ((how & 32U) != 0) route.neighbour = Script::router(family_, 2 + script.below(4));
  route.metric = script.metric();
  if ((how & 192U) == 192U)
    elections_.remove_rp(rp, now_);
  else if ((how & 192U) == 128U)
    elections_.note_acting(rp, script.link(), now_);
  else
    HA_ASSERT(elections_.set_rp(rp, route, now_));
  if ((how & 64U) != 0) elections_.set_usable(script.link(), (how & 1U) != 0, now_);
  drain();
}

void Engines::answer_rpf(Script& script) {
  const std::uint8_t how = script.u8();
  if (how == 0) bsr_->on_unicast_changed();
  if (!asked_.empty()) {
    const IpAddress bsr = asked_.back();
    asked_.pop_back();
    std::optional<rp::RpfPath> path;
    if ((how & 1U) != 0) path = {script.link(), Script::router(family_, 2 + script.below(4))};
    bsr_->on_rpf(bsr, path, now_);
  }
  drain();
}

// ---- time ----

void Engines::run(TimePoint now) {
  now_ = now;
  neighbours_.on_timeout(now_);
  downstream_.on_timeout(now_);
  upstream_.on_timeout(now_);
  asserts_.on_timeout(now_);
  elections_.on_timeout(now_);
  bsr_->on_timeout(now_);
  auto_rp_->on_timeout(now_);
  drain();
}

void Engines::pass(Duration time) { run(now_ + time); }

std::optional<TimePoint> Engines::next_deadline() const {
  std::optional<TimePoint> next = neighbours_.next_deadline();
  next = earliest(next, downstream_.next_deadline());
  next = earliest(next, upstream_.next_deadline());
  next = earliest(next, asserts_.next_deadline());
  next = earliest(next, elections_.next_deadline());
  next = earliest(next, bsr_->next_deadline());
  return earliest(next, auto_rp_->next_deadline());
}

void Engines::pass_to_deadline() {
  const auto due = next_deadline();
  if (!due) return;
  run(std::max(now_, *due));
  for (int slices = 0; next_deadline().value_or(TimePoint::max()) <= now_; ++slices) {
    HA_ASSERT(slices < kSlicesMax);
    run(now_);
  }
}

// ---- effects ----

template <typename Engine, typename Handle>
void take_all(Engine& engine, std::size_t most, Handle&& handle) {
  std::size_t effects = 0;
  while (auto effect = engine.poll_effect()) {
    HA_ASSERT(++effects <= most);
    handle(*effect);
  }
}

void Engines::drain() {
  take_all(neighbours_, kEffectsMax, [this](const auto& effect) { on(effect); });
  take_all(asserts_, kEffectsMax, [this](const auto& effect) { on(effect); });
  take_all(elections_, kEffectsMax, [this](const auto& effect) { on(effect); });
  take_all(downstream_, kEffectsMax, [this](const auto& effect) { on(effect); });
  take_all(upstream_, kEffectsMax,
           [this](const pim::SendOnLink& send) { HA_ASSERT(may_speak(send.link)); });
  take_all(*bsr_, kEffectsMax, [this](const auto& effect) { on(effect); });
  take_all(*auto_rp_, kEffectsMax, [this](const auto& effect) { on(effect); });
  take_all(*bsr_twin_, kEffectsMax, [](const rp::BsrEffect& effect) {
    HA_ASSERT(std::holds_alternative<rp::RpSetChanged>(effect));
  });
  take_all(*auto_twin_, kEffectsMax, [](const rp::AutoRpEffect& effect) {
    HA_ASSERT(std::holds_alternative<rp::RpSetChanged>(effect));
  });
  leaving_.clear();
  check();
}

void Engines::check() {
  for (const LinkId link : kLinks) {
    HA_ASSERT(neighbours_.neighbour_count(link) <= kNeighboursMax);
    HA_ASSERT(downstream_.entry_count(link) <= kEntriesMax);
    HA_ASSERT(asserts_.entry_count(link) <= kEntriesMax);
    HA_ASSERT(asserts_.asserted_count(link) <= asserts_.entry_count(link));
    HA_ASSERT(may_speak(link) || asserts_.asserted_count(link) == 0);
  }
  for (const pim::DfRow& row : elections_.show(now_)) {
    const bool acts = row.state == pim::DfState::win || row.state == pim::DfState::backoff;
    HA_ASSERT(acts == row.self);
    const auto told = forwarders_.find({row.rp, row.link});
    HA_ASSERT(row.self == (told != forwarders_.end() && told->second));
  }
  HA_ASSERT(sorted(bsr_->mappings()) == sorted(bsr_twin_->mappings()));
  HA_ASSERT(sorted(auto_rp_->mappings()) == sorted(auto_twin_->mappings()));
}

void Engines::on(const pim::NeighboursEffect& effect) {
  if (const auto* send = std::get_if<pim::SendOnLink>(&effect)) {
    const auto& hello = std::get<wire::PimHello>(send->message);
    const bool goodbye = hello.holdtime_s == 0 && leaving_.contains(send->link);
    HA_ASSERT(goodbye || may_speak(send->link));
  } else if (const auto* up = std::get_if<pim::NeighbourUp>(&effect)) {
    upstream_.on_neighbour_up(up->link, up->address, {}, now_);
    bsr_->on_new_neighbour(up->link, up->address);
  } else if (const auto* restarted = std::get_if<pim::NeighbourRestarted>(&effect)) {
    upstream_.on_neighbour_restarted(restarted->link, restarted->address, now_);
    asserts_.on_neighbour_lost(restarted->link, restarted->address, now_);
    elections_.on_neighbour_restarted(restarted->link, restarted->address, now_);
    bsr_->on_new_neighbour(restarted->link, restarted->address);
  } else if (const auto* down = std::get_if<pim::NeighbourDown>(&effect)) {
    upstream_.on_neighbour_down(down->link, down->address, now_);
    asserts_.on_neighbour_lost(down->link, down->address, now_);
    elections_.on_neighbour_lost(down->link, down->address, now_);
    bsr_->on_unicast_changed();
  } else if (const auto* delay = std::get_if<pim::LanDelayChanged>(&effect)) {
    const LinkId link = delay->link;
    upstream_.set_lan(link,
                      {neighbours_.propagation_delay(link), neighbours_.override_interval(link),
                       neighbours_.suppression(link), neighbours_.neighbour_count(link)});
  }
}

void Engines::on(const pim::AssertsEffect& effect) {
  if (const auto* send = std::get_if<pim::SendOnLink>(&effect)) {
    HA_ASSERT(may_speak(send->link));
  } else if (const auto* changed = std::get_if<pim::AssertChanged>(&effect)) {
    std::optional<IpAddress> winner;
    if (changed->view.state == pim::AssertState::loser) winner = changed->view.winner.address;
    upstream_.on_rpf_prime(changed->link, changed->key, winner, now_);
  }
}

void Engines::on(const pim::DfEffect& effect) {
  if (const auto* send = std::get_if<pim::SendOnLink>(&effect)) {
    HA_ASSERT(may_speak(send->link) && links_.at(send->link).bidir);
  } else {
    const auto& changed = std::get<pim::DfChanged>(effect);
    HA_ASSERT(!changed.self || changed.df.has_value());
    HA_ASSERT(!changed.df || may_speak(changed.link));
    if (changed.df)
      forwarders_[{changed.rp, changed.link}] = changed.self;
    else
      HA_ASSERT(forwarders_.erase({changed.rp, changed.link}) == 1);
  }
}

template <typename Record>
void Engines::on_record(LinkId link, const Record& record) {
  const auto found = links_.find(link);
  HA_ASSERT(found != links_.end() && !is_muted(link));
  // Without a scope it is the whole node's.
  for (const ScopeId scope : {found->second.scope.value_or(kWholeNode), kWholeNode}) {
    const auto change = codec_.encode(scope, record);
    HA_ASSERT(change);
    const auto back = codec_.decode_join_prune(scope, *change);
    HA_ASSERT(back && std::get<Record>(*back) == record);
  }
}

void Engines::on(const pim::DownstreamEffect& effect) {
  if (const auto* send = std::get_if<pim::SendOnLink>(&effect)) {
    HA_ASSERT(may_speak(send->link));
  } else if (const auto* changed = std::get_if<pim::RecordChanged>(&effect)) {
    on_record(changed->record.key.link, changed->record);
  } else if (const auto* removed = std::get_if<pim::RecordRemoved>(&effect)) {
    on_record(removed->key.link, removed->key);
  }
}

// ---- rendezvous points ----

void Engines::on(const rp::BsrEffect& effect) {
  if (const auto* send = std::get_if<rp::SendBootstrap>(&effect)) {
    for (const LinkId link : send->links) HA_ASSERT(may_speak(link));
  } else if (const auto* answer = std::get_if<rp::SendBootstrapTo>(&effect)) {
    HA_ASSERT(may_speak(answer->link) && answer->message.no_forward);
  } else if (const auto* ask = std::get_if<rp::AskBsrRpf>(&effect)) {
    asked_.push_back(ask->bsr);
    if (asked_.size() > 8) asked_.erase(asked_.begin());
  } else if (const auto* changed = std::get_if<rp::RecordChanged>(&effect)) {
    on_record(changed->record);
  } else if (std::holds_alternative<rp::RpSetChanged>(effect)) {
    refresh_rps();
  }
}

void Engines::on(const rp::AutoRpEffect& effect) {
  if (const auto* changed = std::get_if<rp::RecordChanged>(&effect)) on_record(changed->record);
  if (std::holds_alternative<rp::RpSetChanged>(effect)) refresh_rps();
}

/// Through the bytes of the journal to the twin.
void Engines::on_record(const rp::RpRecord& record) {
  const auto change = codec_.encode(record);
  HA_ASSERT(change);
  const auto back = codec_.decode_rp(kWholeNode, *change);
  HA_ASSERT(back && *back == record);
  bsr_twin_->on_record(*back, now_);
  auto_twin_->on_record(*back, now_);
}

void Engines::refresh_rps() {
  std::vector<rp::RpMapping> all = bsr_->mappings();
  if (family_ == Family::ipv4) std::ranges::copy(auto_rp_->mappings(), std::back_inserter(all));
  rps_ = rp::RpSet(std::move(all));
}

void Engines::new_twins() {
  bsr_twin_ = std::make_unique<rp::Bsr>(bsr_config_, 2, now_, rp::Mode::standby);
  auto_twin_ = std::make_unique<rp::AutoRp>(auto_config_, now_, rp::Mode::standby);
  for (const auto& [link, config] : links_) tell_bsr_link(link);
  const auto copy = [this](const auto& engine) {
    for (std::size_t cursor = 0;;) {
      const rp::RpRecordSlice slice = engine.snapshot(cursor, 3);
      HA_ASSERT(slice.records.size() <= 3);
      for (const rp::RpRecord& record : slice.records) on_record(record);
      if (!slice.next) return;
      HA_ASSERT(*slice.next > cursor);
      cursor = *slice.next;
    }
  };
  copy(*bsr_);
  copy(*auto_rp_);
}

void Engines::take_over_rps() {
  bsr_ = std::move(bsr_twin_);
  auto_rp_ = std::move(auto_twin_);
  asked_.clear();
  new_twins();
  bsr_->activate(now_);
  auto_rp_->activate(now_);
  refresh_rps();
  drain();
}

}  // namespace hotpair::fuzz
