#include "bsr_stand.h"

// Databases 0 and 2: a standby goes on where the active one was.
namespace hotpair::mcast::rp {
namespace {

/// A standby that read every record of `active`, one by one as they were written.
BsrStand standby_of(const BsrStand& active, const BsrConfig& config) {
  BsrStand standby(config, Mode::standby);
  standby.now = active.now;
  for (const RpRecord& record : active.history) standby.bsr->on_record(record, standby.now);
  standby.drain();
  return standby;
}

/// One that was filled from a snapshot in slices.
BsrStand restored_from(const BsrStand& active, const BsrConfig& config) {
  BsrStand standby(config, Mode::standby);
  standby.now = active.now;
  std::optional<std::size_t> cursor = 0;
  while (cursor) {
    const RpRecordSlice slice = active.bsr->snapshot(*cursor, 2);
    EXPECT_LE(slice.records.size(), 2U);
    for (const RpRecord& record : slice.records) standby.bsr->on_record(record, standby.now);
    cursor = slice.next;
  }
  standby.drain();
  return standby;
}

/// What can be seen of an engine, times included.
std::string picture(BsrStand& stand) {
  std::string text = stand.mappings();
  for (const BsrZoneModel& row : stand.bsr->show(stand.now).zones) {
    text +=
        "|" + (row.zone ? row.zone->to_string() : "domain") + " " +
        std::string(to_string(row.state)) + " " +
        (row.bsr ? row.bsr->address.to_string() + "/" + std::to_string(row.bsr->priority) : "-") +
        " m" + std::to_string(row.hash_mask_length) + " o" + std::to_string(row.offers);
    if (row.expires) text += " e" + std::to_string(row.expires->count());
    if (row.next_bootstrap) text += " n" + std::to_string(row.next_bootstrap->count());
  }
  for (const LearnedRpModel& one : stand.bsr->learned_model(stand.now))
    text += " x" + (one.expires ? std::to_string(one.expires->count()) : "-");
  const auto slice = stand.bsr->snapshot(0, 10'000);
  text += " r" + std::to_string(slice.records.size());
  return text;
}

struct Scenario {
  const char* name;
  BsrConfig config;
  std::vector<std::function<void(BsrStand&)>> steps;
};

std::vector<Scenario> scenarios() {
  BsrConfig both = candidate_config();
  both.candidate_rps.push_back({.address = ip("10.7.7.7")});
  const auto wait = [](Duration time) { return [time](BsrStand& stand) { stand.run(time); }; };
  const auto bsr = [](std::string_view from, std::uint8_t priority,
                      std::vector<wire::PimBootstrapRange> ranges) {
    return [=](BsrStand& stand) { stand.hear(stand.message(from, priority, ranges)); };
  };
  return {
      {"a router that learns",
       {},
       {bsr("10.1.1.1", 5, {range_of("225.0.0.0/8", {{"10.0.0.1"}, {"10.0.0.2", 7, 90}})}),
        wait(61s), bsr("10.1.1.1", 5, {range_of("226.0.0.0/8", {{"10.0.0.3"}})}),
        bsr("10.1.1.1", 5, {range_of("239.0.0.0/8", {{"10.0.0.3"}}, std::nullopt, true)}),
        wait(80s), bsr("10.1.1.2", 5, {range_of("226.0.0.0/8", {})}), wait(200s), wait(1300s)}},
      {"a BSR",
       both,
       {wait(6s), [](BsrStand& stand) { stand.offer("10.0.0.1", 3, 150, {"225.0.0.0/8"}); },
        wait(10s), wait(55s),
        [](BsrStand& stand) { stand.offer("10.0.0.1", 3, 0, {"225.0.0.0/8"}); }, wait(5s)}},
      {"a candidate that loses and wins",
       both,
       {wait(2s), bsr("10.1.1.1", 80, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}), wait(131s),
        wait(20s), bsr("10.1.1.1", 80, {range_of("225.0.0.0/8", {{"10.0.0.2"}})}),
        bsr("10.1.1.1", 1, {})}},
  };
}

TEST(BsrTakeover, StandbyByRecordsEqualsRestoredFromSnapshotAfterEveryStep) {
  for (const Scenario& scenario : scenarios()) {
    BsrStand active(scenario.config);
    for (std::size_t step = 0; step < scenario.steps.size(); ++step) {
      scenario.steps[step](active);
      BsrStand standby = standby_of(active, scenario.config);
      BsrStand restored = restored_from(active, scenario.config);
      EXPECT_EQ(standby.mappings(), active.mappings()) << scenario.name << " " << step;
      EXPECT_FALSE(standby.bsr->next_deadline());
      standby.bsr->activate(standby.now);
      standby.drain();
      restored.bsr->activate(restored.now);
      restored.drain();
      EXPECT_EQ(standby.mappings(), active.mappings()) << scenario.name << " " << step;
      EXPECT_EQ(picture(standby), picture(restored)) << scenario.name << " " << step;
      EXPECT_EQ(standby.zone().bsr, active.zone().bsr) << scenario.name << " " << step;
    }
  }
}

TEST(BsrTakeover, RecordsOfTheActiveOneMatchItsSnapshotAfterEveryStep) {
  for (const Scenario& scenario : scenarios()) {
    BsrStand active(scenario.config);
    for (std::size_t step = 0; step < scenario.steps.size(); ++step) {
      scenario.steps[step](active);
      BsrStand read;
      for (const RpRecord& record : active.bsr->snapshot(0, 10'000).records) read.keep(record);
      EXPECT_EQ(read.store, active.store) << scenario.name << " " << step;
    }
  }
}

TEST(BsrTakeover, AnElectedBsrSpeaksAtOnceAndKeepsWhatWasOffered) {
  BsrStand active(candidate_config());
  active.run(6s);
  active.offer("10.0.0.1", 3, 150, {"225.0.0.0/8"});
  active.run(10s);
  BsrStand standby = standby_of(active, candidate_config());
  standby.effects.clear();
  standby.bsr->activate(standby.now);
  standby.drain();
  EXPECT_EQ(standby.zone().state, BsrState::elected);
  const auto sent = standby.take<SendBootstrap>();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].message.ranges.size(), 1U);
  EXPECT_TRUE(standby.take<RpSetChanged>().empty());
  standby.run(149s);
  EXPECT_EQ(standby.zone().offers, 1U);
  standby.run(1s);
  EXPECT_EQ(standby.zone().offers, 0U);  // the candidate RP is gone after all
}

TEST(BsrTakeover, NoForwardCannotReplaceWhatWasRestored) {
  BsrStand active;
  active.hear(active.message("10.1.1.1", 5, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  BsrStand standby = standby_of(active, {});
  standby.bsr->activate(standby.now);
  for (const bool unicast : {false, true})
    standby.hear_at_start(standby.message("10.1.1.9", 9, {range_of("225.0.0.0/8", {{"10.6.6.6"}})}),
                          unicast);
  EXPECT_EQ(standby.ignored(BsrIgnored::no_forward), 2U);
  EXPECT_EQ(standby.mappings(), "225.0.0.0/8 10.0.0.1(192)");
  // One that restored nothing is a starting router like any other.
  BsrStand empty({}, Mode::standby);
  empty.bsr->activate(empty.now);
  empty.hear_at_start(empty.message("10.1.1.9", 9), true);
  EXPECT_EQ(empty.zone().bsr->address, ip("10.1.1.9"));
}

TEST(BsrTakeover, ANewNeighbourIsToldFromTheRestoredCache) {
  BsrStand active;
  active.hear(active.message("10.1.1.1", 5, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}, 3));
  active.hear(active.message("10.1.1.1", 5, {range_of("226.0.0.0/8", {{"10.0.0.1"}})}, 3));
  BsrStand standby = standby_of(active, {});
  standby.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  standby.drain();
  EXPECT_TRUE(standby.take<SendBootstrapTo>().empty());  // a standby is silent
  standby.bsr->activate(standby.now);
  standby.bsr->on_new_neighbour(LinkId{2}, ip("10.0.2.2"));
  standby.drain();
  EXPECT_EQ(standby.take<SendBootstrapTo>().size(), 2U);
}

TEST(BsrTakeover, AStandbySendsNothingAndHearsNothing) {
  BsrStand standby(candidate_config(), Mode::standby);
  standby.hear(standby.message("10.1.1.1", 5));
  standby.offer("10.0.0.1", 3, 150, {"225.0.0.0/8"});
  standby.run(1000s);
  EXPECT_EQ(standby.ignored(BsrIgnored::standby), 2U);
  EXPECT_TRUE(standby.effects.empty());
}

TEST(BsrTakeover, RecordsThatMakeNoSenseAreLeftOut) {
  BsrStand standby({.rps_max = 2, .zones_max = 2}, Mode::standby);
  const auto put = [&](RpRecord record) {
    standby.bsr->on_record(record, standby.now);
    standby.drain();
  };
  const auto mapping = [](std::uint32_t vrf, ScopeZone zone, std::string_view range,
                          std::string_view rp) {
    return RpMappingRecord{{VrfId{vrf}, RpSource::bootstrap, zone, prefix(range), ip(rp)},
                           RpMappingValue{.priority = 1, .holdtime_s = 150}};
  };
  put(mapping(1, {}, "225.0.0.0/8", "10.0.0.1"));     // another VRF
  put(mapping(0, {}, "10.0.0.0/8", "10.0.0.1"));      // no group range
  put(mapping(0, {}, "225.0.0.0/8", "2001:db8::1"));  // another family
  put(BsrFragmentRecord{{{VrfId{0}, Family::ipv4, {}}, 9999}, wire::PimBootstrap{}});
  put(BsrZoneRecord{{VrfId{0}, Family::ipv4, {}},
                    BsrZoneValue{BsrState::candidate, BsrWeight{1, ip("2001:db8::1")}, 30}});
  EXPECT_FALSE(standby.zone().bsr);
  for (int i = 1; i < 20; ++i) {
    put(BsrZoneRecord{{VrfId{0}, Family::ipv4, prefix("239." + std::to_string(i) + ".0.0/16")},
                      BsrZoneValue{BsrState::elected, std::nullopt, 255}});
    put(mapping(0, {}, "225.0.0.0/8", "10.0.0." + std::to_string(i)));
  }
  EXPECT_EQ(standby.zone().mappings, 8U);
  EXPECT_EQ(standby.bsr->show(standby.now).zones.size(), 8U);
  standby.bsr->activate(standby.now);
  standby.drain();
  standby.run(2000s);
  EXPECT_EQ(standby.bsr->show(standby.now).zones.size(), 1U);
}

// ---- an active one beside a standby that knows another master's records ----

TEST(BsrAdopt, TakesOverWhatItKnowsNothingOf) {
  BsrStand master;
  master.hear(master.message("10.9.0.1", 7, {range_of("239.0.0.0/8", {{"10.1.1.1"}})}));
  const BsrStand told = standby_of(master, {});
  BsrStand stand;
  stand.now = master.now;
  EXPECT_EQ(RpSet(stand.bsr->mappings(*told.bsr)).mappings().size(), 1U) << "used beside it";
  stand.bsr->adopt(*told.bsr, stand.now);
  stand.drain();
  EXPECT_EQ(stand.mappings(), master.mappings());
  EXPECT_EQ(stand.zone().state, BsrState::accept_preferred);
  EXPECT_EQ(stand.zone().bsr->address, ip("10.9.0.1"));
  EXPECT_EQ(stand.store, master.store) << "what it took over is in its own records";
  EXPECT_EQ(stand.take<BsrChanged>().size(), 1U);
  EXPECT_EQ(stand.take<RpSetChanged>().size(), 1U);
  stand.run(129s);
  EXPECT_EQ(stand.mappings(), master.mappings());
  stand.run(2s);
  EXPECT_EQ(stand.zone().state, BsrState::accept_any);
  stand.run(151s);
  EXPECT_EQ(stand.mappings(), "");
}

TEST(BsrAdopt, KeepsWhatItHeardItself) {
  BsrStand master;
  master.hear(master.message("10.9.0.1", 7, {range_of("239.0.0.0/8", {{"10.1.1.1"}})}));
  const BsrStand told = standby_of(master, {});
  BsrStand stand;
  stand.hear(stand.message("10.9.0.2", 1, {range_of("238.0.0.0/8", {{"10.1.1.2"}})}));
  const std::string own = stand.mappings();
  EXPECT_EQ(stand.bsr->mappings(*told.bsr), stand.bsr->mappings());
  stand.bsr->adopt(*told.bsr, stand.now);
  stand.drain();
  EXPECT_EQ(stand.mappings(), own);
  EXPECT_EQ(stand.zone().bsr->address, ip("10.9.0.2"));
}

// The master was the BSR: with another address it is one that was heard, with ours it goes on.
TEST(BsrAdopt, AnElectedBsrGoesOnOnlyUnderItsAddress) {
  const BsrConfig config = candidate_config();
  BsrStand master(config);
  master.run(131s);
  ASSERT_EQ(master.zone().state, BsrState::elected);
  const BsrStand told = standby_of(master, config);
  BsrStand other;
  other.now = master.now;
  other.bsr->adopt(*told.bsr, other.now);
  other.drain();
  EXPECT_EQ(other.zone().state, BsrState::accept_preferred);
  BsrStand same(config);
  same.now = master.now;
  same.bsr->adopt(*told.bsr, same.now);
  same.drain();
  EXPECT_EQ(same.zone().state, BsrState::elected);
  EXPECT_FALSE(same.take<SendBootstrap>().empty()) << "it speaks at once";
}

}  // namespace
}  // namespace hotpair::mcast::rp
