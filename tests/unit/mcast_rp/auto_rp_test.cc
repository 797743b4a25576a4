#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "bsr_stand.h"
#include "mcast/rp/auto_rp_machine.h"

namespace hotpair::mcast::rp {
namespace {

struct Serving {
  std::string_view rp;
  std::vector<std::string_view> ranges;  // with a leading "-": negative
  std::uint8_t versions = 2;
};

wire::AutoRpMessage message_of(wire::AutoRpKind kind, std::vector<Serving> servings,
                               std::uint16_t holdtime_s = 180) {
  wire::AutoRpMessage message{.kind = kind, .holdtime_s = holdtime_s, .mappings = {}};
  for (const Serving& serving : servings) {
    auto& mapping = message.mappings.emplace_back();
    mapping.rp = ip(serving.rp);
    mapping.pim_versions = serving.versions;
    for (std::string_view text : serving.ranges) {
      const bool negative = text.starts_with("-");
      const IpPrefix range = prefix(text.substr(negative ? 1 : 0));
      mapping.ranges.push_back({range.address, range.length, negative});
    }
  }
  return message;
}

struct Stand {
  explicit Stand(const AutoRpConfig& config, Mode mode = Mode::active)
      : engine(std::make_unique<AutoRp>(config, now, mode)) {
    drain();
  }
  void hear(std::string_view from, const wire::AutoRpMessage& message, std::uint32_t link = 1) {
    engine->on_message(LinkId{link}, ip(from), message, now);
    drain();
  }
  void discovery(std::string_view from, std::vector<Serving> servings,
                 std::uint16_t holdtime_s = 180) {
    hear(from, message_of(wire::AutoRpKind::discovery, std::move(servings), holdtime_s));
  }
  void announcement(std::vector<Serving> servings, std::uint16_t holdtime_s = 180) {
    hear("10.5.5.5", message_of(wire::AutoRpKind::announcement, std::move(servings), holdtime_s));
  }
  void run(Duration time) {
    const TimePoint end = now + time;
    for (auto due = engine->next_deadline(); due && *due <= end; due = engine->next_deadline()) {
      now = std::max(now, *due);
      engine->on_timeout(now);
      drain();
    }
    now = end;
  }
  void drain() {
    while (auto effect = engine->poll_effect()) {
      if (const auto* changed = std::get_if<RecordChanged>(&*effect)) {
        history.push_back(changed->record);
        book.keep(changed->record);
      }
      if (const auto* send = std::get_if<SendAutoRp>(&*effect)) sent.push_back(*send);
      if (std::holds_alternative<RpSetChanged>(*effect)) ++set_changes;
      if (std::holds_alternative<RpLimitReached>(*effect)) ++limits;
    }
  }
  [[nodiscard]] std::string mappings() const {
    std::string text;
    for (const RpMapping& one : engine->mappings())
      text += (text.empty() ? "" : ", ") + one.range.to_string() + " " + (one.negative ? "-" : "") +
              one.rp.to_string();
    return text;
  }
  [[nodiscard]] std::uint64_t ignored(AutoRpIgnored reason) const {
    return engine->counters().of(reason);
  }

  TimePoint now{1000s};
  std::unique_ptr<AutoRp> engine;
  BsrStand book;  // keeps records by key
  std::vector<RpRecord> history;
  std::vector<SendAutoRp> sent;
  int set_changes = 0;
  int limits = 0;
};

const AutoRpConfig kListener{.listen = true};

TEST(AutoRpListener, IsOffUnlessConfigured) {
  Stand stand{AutoRpConfig{}};
  stand.discovery("10.1.1.1", {{"10.0.0.1", {"225.0.0.0/8"}}});
  stand.announcement({{"10.0.0.1", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.ignored(AutoRpIgnored::off), 2U);
  EXPECT_EQ(stand.mappings(), "");
  EXPECT_FALSE(stand.engine->next_deadline());
}

TEST(AutoRpListener, LearnsReplacesAndForgetsMappings) {
  Stand stand(kListener);
  stand.discovery("10.1.1.1",
                  {{"10.0.0.1", {"225.0.0.0/8", "226.1.2.3/8"}}, {"10.0.0.2", {"-239.0.0.0/8"}}});
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1, 226.0.0.0/8 10.0.0.1, 239.0.0.0/8 -10.0.0.2");
  EXPECT_EQ(stand.set_changes, 1);
  EXPECT_EQ(stand.engine->agent(), ip("10.1.1.1"));
  stand.run(100s);
  stand.discovery("10.1.1.1", {{"10.0.0.9", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.set_changes, 2);
  stand.discovery("10.1.1.1", {{"10.0.0.9", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.set_changes, 2);  // a refresh
  stand.run(80s);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.9");
  stand.run(100s);
  EXPECT_EQ(stand.mappings(), "");
  EXPECT_FALSE(stand.engine->agent());
  EXPECT_EQ(stand.book.store, BsrStand().store);
}

TEST(AutoRpListener, BelievesTheHighestAgentWhileItLives) {
  Stand stand(kListener);
  stand.discovery("10.1.1.1", {{"10.0.0.1", {"225.0.0.0/8"}}});
  stand.discovery("10.1.1.2", {{"10.0.0.2", {"225.0.0.0/8"}}});
  stand.discovery("10.1.1.1", {{"10.0.0.1", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.2");
  EXPECT_EQ(stand.ignored(AutoRpIgnored::worse_agent), 1U);
  stand.run(180s);
  stand.discovery("10.1.1.1", {{"10.0.0.1", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1");
}

TEST(AutoRpListener, OfTwoRpsOfARangeTheHigherOneAndNegativeFirst) {
  Stand stand(kListener);
  stand.discovery("10.1.1.1", {{"10.0.0.2", {"225.0.0.0/8"}},
                               {"10.0.0.1", {"225.0.0.0/8", "-226.0.0.0/8"}},
                               {"10.0.0.3", {"226.0.0.0/8"}}});
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.2, 226.0.0.0/8 -10.0.0.1");
}

TEST(AutoRpListener, LeavesOutWhatIsWrong) {
  Stand stand({.listen = true, .agent_filter = {prefix("10.1.0.0/16")}, .mappings_max = 2});
  stand.discovery("10.2.0.1", {{"10.0.0.1", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.ignored(AutoRpIgnored::filtered), 1U);
  stand.discovery("0.0.0.0", {});
  EXPECT_EQ(stand.ignored(AutoRpIgnored::bad_source), 1U);
  auto message = message_of(wire::AutoRpKind::discovery, {{"10.0.0.1", {"10.0.0.0/8"}}});
  message.mappings[0].ranges.push_back({ip("225.0.0.0"), 200, false});
  stand.hear("10.1.0.1", message);
  EXPECT_EQ(stand.ignored(AutoRpIgnored::bad_range), 2U);
  stand.discovery("10.1.0.1", {{"10.0.0.1", {"225.0.0.0/8"}, 1}});
  EXPECT_EQ(stand.ignored(AutoRpIgnored::version_1), 1U);
  EXPECT_EQ(stand.mappings(), "");
  stand.discovery("10.1.0.1", {{"10.0.0.1", {"225.0.0.0/8", "226.0.0.0/8", "227.0.0.0/8"}, 0}});
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1, 226.0.0.0/8 10.0.0.1");
  EXPECT_EQ(stand.ignored(AutoRpIgnored::limit), 1U);
  EXPECT_EQ(stand.limits, 1);
}

TEST(AutoRpListener, HoldtimeZeroIsWithoutEnd) {
  Stand stand(kListener);
  stand.discovery("10.1.1.1", {{"10.0.0.1", {"225.0.0.0/8"}}}, 0);
  stand.run(std::chrono::hours(100));
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1");
  stand.engine->configure({}, stand.now);
  stand.drain();
  EXPECT_EQ(stand.mappings(), "");
  EXPECT_EQ(stand.book.store, BsrStand().store);
}

const AutoRpConfig kAgent{.mapping_agent = ip("10.3.3.3")};

TEST(AutoRpAgent, TellsTheHighestRpOfEveryRange) {
  Stand stand(kAgent);
  stand.announcement({{"10.0.0.1", {"225.0.0.0/8", "226.0.0.0/8"}}});
  ASSERT_EQ(stand.sent.size(), 0U);
  stand.run(1ms);
  ASSERT_EQ(stand.sent.size(), 1U);
  EXPECT_EQ(stand.sent[0].source, ip("10.3.3.3"));
  EXPECT_EQ(stand.sent[0].message.kind, wire::AutoRpKind::discovery);
  EXPECT_EQ(stand.sent[0].message.holdtime_s, 180);
  stand.announcement({{"10.0.0.9", {"225.0.0.0/8"}}});
  stand.run(kAutoRpMinInterval);
  ASSERT_EQ(stand.sent.size(), 2U);
  ASSERT_EQ(stand.sent[1].message.mappings.size(), 2U);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.9, 226.0.0.0/8 10.0.0.1");
  stand.run(60s);
  EXPECT_EQ(stand.sent.size(), 3U);
  stand.announcement({{"10.0.0.1", {"225.0.0.0/8", "226.0.0.0/8"}}});
  stand.run(120s);  // 10.0.0.9 falls silent
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1, 226.0.0.0/8 10.0.0.1");
}

TEST(AutoRpAgent, IsSilentBesideAHigherOne) {
  AutoRpConfig config = kAgent;
  config.listen = true;
  Stand stand(config);
  stand.announcement({{"10.0.0.1", {"225.0.0.0/8"}}});
  stand.discovery("10.4.4.4", {{"10.0.0.2", {"225.0.0.0/8"}}});
  stand.run(100s);
  EXPECT_TRUE(stand.sent.empty());
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.2");
  stand.announcement({{"10.0.0.1", {"225.0.0.0/8"}}});
  stand.run(100s);  // the higher one is gone
  EXPECT_FALSE(stand.sent.empty());
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1");
  stand.discovery("10.3.3.3", {{"10.0.0.7", {"225.0.0.0/8"}}});
  EXPECT_EQ(stand.ignored(AutoRpIgnored::own), 1U);
}

TEST(AutoRpAgent, ACandidateAnnouncesItselfEveryPeriodAlsoToItself) {
  AutoRpConfig config = kAgent;
  config.announced.push_back({.address = ip("10.7.7.7"),
                              .ranges = {prefix("225.0.0.0/8")},
                              .negative_ranges = {prefix("225.1.0.0/16")}});
  Stand stand(config);
  stand.run(121s);
  int announcements = 0;
  for (const SendAutoRp& one : stand.sent)
    if (one.message.kind == wire::AutoRpKind::announcement) {
      ++announcements;
      EXPECT_EQ(one.source, ip("10.7.7.7"));
      ASSERT_EQ(one.message.mappings.at(0).ranges.size(), 2U);
      EXPECT_TRUE(one.message.mappings[0].ranges[1].negative);
    }
  EXPECT_EQ(announcements, 3);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.7.7.7, 225.1.0.0/16 -10.7.7.7");
}

TEST(AutoRpAgent, EachLineHasItsPeriodHoldtimeAndScope) {
  AutoRpConfig config = kAgent;
  config.period = 20s;
  config.holdtime_s = 60;
  config.agent_ttl = 3;
  config.announced = {{.address = ip("10.7.7.7"), .ranges = {}, .negative_ranges = {}},
                      {.address = ip("10.7.7.8"),
                       .ranges = {},
                       .negative_ranges = {},
                       .ttl = 9,
                       .period = 10s,
                       .holdtime_s = 30}};
  Stand stand(config);
  stand.run(59s);
  std::map<std::string, int> times;
  for (const SendAutoRp& one : stand.sent) {
    const bool discovery = one.message.kind == wire::AutoRpKind::discovery;
    const std::string who = discovery ? "agent" : one.source.to_string();
    ++times[who];
    EXPECT_EQ(one.ttl, discovery ? 3 : who == "10.7.7.8" ? 9 : 31);
    EXPECT_EQ(one.message.holdtime_s, discovery ? 60 : who == "10.7.7.8" ? 30 : 180);
  }
  EXPECT_EQ(times["10.7.7.7"], 1);
  EXPECT_EQ(times["10.7.7.8"], 6);
  EXPECT_GE(times["agent"], 3);
}

TEST(AutoRpAgent, WhoComesUpHearsItWithinASecond) {
  AutoRpConfig config = kAgent;
  config.announced.push_back({.address = ip("10.7.7.7"), .ranges = {}, .negative_ranges = {}});
  Stand stand(config);
  stand.run(5s);
  const std::size_t before = stand.sent.size();
  for (int i = 0; i < 100; ++i) stand.engine->on_new_neighbour(stand.now);
  stand.run(1s);
  EXPECT_EQ(stand.sent.size(), before + 2) << "an announcement and a discovery message";
  stand.run(50s);
  EXPECT_EQ(stand.sent.size(), before + 2) << "then the period as ever";
  Stand standby(config, Mode::standby);
  standby.engine->on_new_neighbour(standby.now);
  EXPECT_FALSE(standby.engine->next_deadline());
}

TEST(AutoRpTakeover, ByRecordsEqualsBySnapshotAndTheAgentGoesOn) {
  AutoRpConfig config = kAgent;
  config.listen = true;
  Stand active(config);
  active.discovery("10.2.2.2", {{"10.0.0.5", {"239.0.0.0/8"}}});
  active.announcement({{"10.0.0.1", {"225.0.0.0/8"}}, {"10.0.0.2", {"-226.0.0.0/8"}}});
  active.run(10s);
  Stand by_records(config, Mode::standby);
  for (const RpRecord& record : active.history)
    by_records.engine->on_record(record, by_records.now);
  Stand by_snapshot(config, Mode::standby);
  for (std::optional<std::size_t> cursor = 0; cursor;) {
    const RpRecordSlice slice = active.engine->snapshot(*cursor, 1);
    for (const RpRecord& record : slice.records)
      by_snapshot.engine->on_record(record, by_snapshot.now);
    cursor = slice.next;
  }
  for (Stand* stand : {&by_records, &by_snapshot}) {
    EXPECT_EQ(stand->mappings(), active.mappings());
    EXPECT_FALSE(stand->engine->next_deadline());
    stand->discovery("10.9.9.9", {{"10.0.0.5", {"225.0.0.0/8"}}});
    EXPECT_EQ(stand->ignored(AutoRpIgnored::standby), 1U);
    stand->engine->activate(stand->now);
    stand->run(1ms);
    EXPECT_EQ(stand->mappings(), active.mappings());
    ASSERT_EQ(stand->sent.size(), 1U);
    EXPECT_EQ(stand->sent[0].message.mappings.size(), 2U);
    EXPECT_TRUE(stand->history.empty());  // nothing changed
    stand->run(180s - 2ms);
    EXPECT_EQ(stand->engine->mappings().size(), 2U);
  }
}

TEST(AutoRpProperty, RandomMessagesKeepBoundsAndRecords) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 bits(seed);
    const auto pick = [&](std::uint32_t below) {
      return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(bits);
    };
    AutoRpConfig config{.listen = true, .mappings_max = 10, .agents_max = 3};
    if (pick(2) == 0) config.mapping_agent = ip("10.1.0.3");
    Stand stand(config);
    for (int i = 0; i < 200; ++i) {
      wire::AutoRpMessage message{.kind = wire::AutoRpKind{static_cast<std::uint8_t>(1 + pick(2))},
                                  .holdtime_s = static_cast<std::uint16_t>(30 * pick(5)),
                                  .mappings = {}};
      for (std::uint32_t rps = pick(4); rps > 0; --rps) {
        auto& mapping = message.mappings.emplace_back();
        mapping.rp = IpAddress::v4(0x0a000001U + pick(3));
        mapping.pim_versions = static_cast<std::uint8_t>(pick(4));
        for (std::uint32_t ranges = pick(6); ranges > 0; --ranges)
          mapping.ranges.push_back({IpAddress::v4(0xdf000000U + (pick(20) << 24U)),
                                    static_cast<std::uint8_t>(pick(40)), pick(5) == 0});
      }
      stand.hear("10.1.0." + std::to_string(1 + pick(6)), message, pick(3));
      stand.run(std::chrono::seconds(pick(60)));
      ASSERT_LE(stand.engine->mappings().size(), 10U);
      for (const RpMapping& mapping : stand.engine->mappings()) ASSERT_TRUE(is_valid(mapping));
      BsrStand read;
      for (const RpRecord& record : stand.engine->snapshot(0, 1000).records) read.keep(record);
      ASSERT_EQ(read.store, stand.book.store) << seed << " " << i;
    }
  }
}

TEST(AutoRpAdopt, TakesOverRangesThatHaveNoRpHere) {
  const AutoRpConfig config{.listen = true};
  Stand master(config);
  master.discovery("10.5.5.5", {{"10.1.1.1", {"239.0.0.0/8", "238.0.0.0/8"}}});
  Stand told(config, Mode::standby);
  for (const RpRecord& record : master.history) told.engine->on_record(record, told.now);
  told.drain();
  Stand stand(config);
  stand.discovery("10.5.5.6", {{"10.1.1.2", {"238.0.0.0/8"}}});
  EXPECT_EQ(stand.engine->mappings(*told.engine).size(), 2U);
  stand.engine->adopt(*told.engine, stand.now);
  stand.drain();
  EXPECT_EQ(stand.mappings(), "238.0.0.0/8 10.1.1.2, 239.0.0.0/8 10.1.1.1");
  stand.run(181s);
  EXPECT_EQ(stand.mappings(), "") << "it is not heard of again";
  Stand deaf(AutoRpConfig{});
  EXPECT_TRUE(deaf.engine->mappings(*told.engine).empty());
  deaf.engine->adopt(*told.engine, deaf.now);
  EXPECT_EQ(deaf.mappings(), "") << "it listens to no agent";
}

}  // namespace
}  // namespace hotpair::mcast::rp
