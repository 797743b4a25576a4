#include <algorithm>

#include "mcast/pim/pim_assert.h"

// The state tables of RFC 7761 4.6.1, (S,G), and 4.6.2, (*,G), and their actions. They differ in
// which Asserts count: an (S,G) is lost to Asserts without the RPT bit only, a (*,G) hears those
// with it only.
namespace hotpair::mcast::pim {
namespace {

// "Inferior" and "acceptable" of 4.6.1.
bool is_inferior(const AssertMetric& heard, const AssertMetric& mine) {
  return !mine.is_infinite() && mine.is_better_than(heard);
}

bool is_acceptable(const AssertMetric& heard, const AssertMetric& mine) {
  return !heard.is_infinite() && heard.is_better_than(mine);
}

}  // namespace

bool AssertMetric::is_infinite() const { return route == AssertMetric{}.route; }

bool AssertMetric::is_better_than(const AssertMetric& other) const {
  if (rpt != other.rpt) return !rpt;
  if (route.preference != other.route.preference) return route.preference < other.route.preference;
  if (route.metric != other.route.metric) return route.metric < other.route.metric;
  return address > other.address;
}

// my_assert_metric(S,G,I), my_assert_metric(*,G,I) (4.6.3).
AssertMetric Asserts::my_metric(const Place& place) const {
  const IpAddress& own = place.link.config.address;
  const auto of = [&](bool rpt, const AssertFacts& facts) {
    AssertMetric metric{.rpt = rpt, .route = facts.metric, .address = own};
    // The largest preference is that of an AssertCancel.
    metric.route.preference = std::min(metric.route.preference, wire::kPimPreferenceMax - 1);
    return metric;
  };
  if (place.entry.facts.could_assert) return of(!place.key.source, place.entry.facts);
  if (place.key.source) {
    const auto star = place.link.entries.find(TreeKey{.group = place.key.group});
    if (star != place.link.entries.end() && star->second.facts.could_assert)
      return of(true, star->second.facts);
  }
  return AssertMetric{.address = IpAddress::any(own.family())};
}

// ---- Asserts heard ----

Asserts::Took Asserts::receive(const Place& place, const AssertMetric& heard,
                               const IpAddress& mentioned, TimePoint now) {
  switch (place.entry.state()) {
    case AssertState::no_info:
      return receive_as_nobody(place, heard, mentioned, now);
    case AssertState::winner:
      return receive_as_winner(place, heard, mentioned, now);
    case AssertState::loser:
      break;
  }
  return receive_as_loser(place, heard, now);
}

Asserts::Took Asserts::receive_as_nobody(const Place& place, const AssertMetric& heard,
                                         const IpAddress& mentioned, TimePoint now) {
  const AssertFacts& facts = place.entry.facts;
  const AssertMetric mine = my_metric(place);
  const bool of_this_tree = heard.rpt == !place.key.source;
  // To an (S,G) any Assert with the RPT bit is inferior: whoever sent it is to hear of the better.
  if (facts.could_assert && is_inferior(heard, mine)) {
    assert_self(place, mentioned, now);
    return Took::action;
  }
  if (of_this_tree && facts.tracking_desired && is_acceptable(heard, mine)) {
    lose_to(place, heard, now);
    return Took::action;
  }
  return Took::nothing;
}

Asserts::Took Asserts::receive_as_winner(const Place& place, const AssertMetric& heard,
                                         const IpAddress& mentioned, TimePoint now) {
  const AssertMetric mine = my_metric(place);
  if (heard.is_better_than(mine))
    lose_to(place, heard, now);
  else if (is_inferior(heard, mine))
    assert_self(place, mentioned, now);
  else
    return Took::nothing;
  return Took::action;
}

Asserts::Took Asserts::receive_as_loser(const Place& place, const AssertMetric& heard,
                                        TimePoint now) {
  const AssertMetric& winner = place.entry.learned->view.winner;
  const AssertMetric mine = my_metric(place);
  const bool of_this_tree = heard.rpt == !place.key.source;
  const bool from_winner = heard.address == winner.address;
  if (from_winner && (heard.is_infinite() || is_inferior(heard, mine)))
    forget(place);
  else if (heard.is_better_than(winner) ||
           (from_winner && of_this_tree && is_acceptable(heard, mine)))
    lose_to(place, heard, now);
  else
    return Took::nothing;
  return Took::action;
}

// ---- other events ----

Asserts::Took Asserts::take_data(const Place& place, const IpAddress& mentioned, TimePoint now) {
  if (place.entry.state() != AssertState::no_info) return Took::action;
  if (!place.entry.facts.could_assert) return Took::nothing;
  assert_self(place, mentioned, now);
  return Took::action;
}

void Asserts::apply_facts(const Place& place, const AssertFacts& facts) {
  Entry& entry = place.entry;
  const bool left_rpf_interface = entry.facts.rpf_interface && !facts.rpf_interface;
  entry.facts = facts;
  if (entry.state() == AssertState::winner) {
    if (!facts.could_assert)
      cancel(place);
    else
      become(place, AssertState::winner, my_metric(place));
  } else if (entry.state() == AssertState::loser) {
    if (!facts.tracking_desired || left_rpf_interface ||
        my_metric(place).is_better_than(entry.learned->view.winner))
      forget(place);
    else
      become(place, AssertState::loser, AssertMetric{entry.learned->view.winner});
  }
}

void Asserts::expire(const Place& place, TimePoint now) {
  if (place.entry.state() == AssertState::winner)
    assert_self(place, IpAddress::any(place.key.group.family()), now);
  else
    forget(place);
}

// Of a sweep: the neighbour `lost` is gone or restarted, or unspecified, our own address changed.
void Asserts::visit(const Place& place, const IpAddress& lost, TimePoint now) {
  if (!place.entry.learned) return;
  const AssertView& view = place.entry.learned->view;
  if (view.state == AssertState::loser) {
    const bool is_ours = lost.is_unspecified() && my_metric(place).is_better_than(view.winner);
    if (is_ours || view.winner.address == lost) forget(place);
  } else if (view.state == AssertState::winner && lost.is_unspecified()) {
    assert_self(place, lost, now);
  }
}

// ---- actions ----

// A1 and A3: Assert, and a timer that ends before those of the losers.
void Asserts::assert_self(const Place& place, const IpAddress& mentioned, TimePoint now) {
  const AssertMetric mine = my_metric(place);
  send(place, place.key.source.value_or(mentioned), mine);
  ++place.link.counters.sent;
  become(place, AssertState::winner, mine);
  place.entry.learned->deadline = now + kAssertTime - kAssertOverride;
  arm(place);
}

// A4: AssertCancel (4.6.4).
void Asserts::cancel(const Place& place) {
  const IpAddress none = IpAddress::any(place.key.group.family());
  send(place, place.key.source.value_or(none), AssertMetric{.address = none});
  ++place.link.counters.cancels_sent;
  forget(place);
}

// A2 and A6.
void Asserts::lose_to(const Place& place, const AssertMetric& winner, TimePoint now) {
  become(place, AssertState::loser, winner);
  place.entry.learned->deadline = now + kAssertTime;
  arm(place);
}

// A5.
void Asserts::forget(const Place& place) {
  become(place, AssertState::no_info,
         AssertMetric{.address = IpAddress::any(place.key.group.family())});
}

void Asserts::send(const Place& place, const IpAddress& source, const AssertMetric& metric) {
  effects_.push(SendOnLink{
      place.link.config.link,
      wire::PimAssert{
          .group = place.key.group, .source = source, .rpt = metric.rpt, .metric = metric.route}});
}

void Asserts::become(const Place& place, AssertState state, const AssertMetric& winner) {
  Entry& entry = place.entry;
  Link& link = place.link;
  if (!entry.learned) {
    if (state == AssertState::no_info) return;
    entry.learned = std::make_unique<Learned>(Learned{
        .view = {.winner = {.address = IpAddress::any(place.key.group.family())}}, .armed = {}});
  }
  Learned& learned = *entry.learned;
  const AssertView before = learned.view;
  if (before.state == AssertState::loser) {
    const auto counted = link.losers.find(before.winner.address);
    if (--counted->second == 0) link.losers.erase(counted);
  }
  if (state == AssertState::loser) ++link.losers[winner.address];
  link.asserted += (state != AssertState::no_info ? 1 : 0);
  link.asserted -= (before.state != AssertState::no_info ? 1 : 0);
  learned.stamp = next_stamp_++;
  learned.view.state = state;
  learned.view.winner = winner;
  // 4.6.5 compares an (S,G) with what we would assert, whether or not we could.
  const AssertMetric spt{.rpt = false, .route = entry.facts.metric, .address = link.config.address};
  learned.view.lost = state == AssertState::loser && !entry.facts.rpf_interface &&
                      (!place.key.source || winner.is_better_than(spt));
  if (learned.view != before)
    effects_.push(AssertChanged{link.config.link, place.key, learned.view});
}

}  // namespace hotpair::mcast::pim
