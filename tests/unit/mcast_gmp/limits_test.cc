#include <algorithm>
#include <random>

#include "tests/unit/mcast_gmp/rig.h"

namespace hotpair::mcast::gmp::testing {
namespace {

using wire::RecordType;

class Limits : public ::testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Gmp, Limits, ::testing::Values(Family::ipv4, Family::ipv6));

wire::SourceReport join(const Group& group) {
  return {{{RecordType::mode_is_exclude, group, {}}}, 0};
}

// The newest is refused, what is there keeps its service, and room that comes free is used.
TEST_P(Limits, GroupsPerInterface) {
  InterfaceConfig config;
  config.max_groups = 3;
  Rig rig(GetParam(), config);
  for (unsigned n = 1; n <= 5; ++n) rig.hear(join(rig.names.group(n)), rig.names.host(n));
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 3U);
  EXPECT_EQ(rig.views.size(), 3U);
  const auto told = rig.take<LimitReached>();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].limit, Limit::groups_per_interface);
  EXPECT_EQ(told[0].link, kLink);
  EXPECT_EQ(told[0].group, rig.names.group(4));
  EXPECT_EQ(told[0].host, rig.names.host(4));
  EXPECT_EQ(rig.ignored(Ignored::group_limit), 2U);
  rig.hear(join(rig.names.group(2)), rig.names.host(9));
  EXPECT_TRUE(rig.take<LimitReached>().empty());
  rig.run(200s);
  for (unsigned n = 2; n <= 3; ++n) rig.hear(join(rig.names.group(n)), rig.names.host(n));
  rig.run(60s);
  rig.hear(join(rig.names.group(4)), rig.names.host(4));
  EXPECT_EQ(rig.state(rig.names.group(4)), "E(,)");
  EXPECT_EQ(rig.interface().groups_peak, 3U);
}

TEST_P(Limits, SourcesPerGroup) {
  InterfaceConfig config;
  config.max_sources_per_group = 3;
  Rig rig(GetParam(), config);
  rig.say(RecordType::allow_new_sources, "12");
  rig.say(RecordType::allow_new_sources, "3456", 2);
  EXPECT_EQ(rig.state(), "I(123)");
  const auto told = rig.take<LimitReached>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].limit, Limit::sources_per_group);
  EXPECT_EQ(told[0].host, rig.names.host(2));
  EXPECT_EQ(rig.ignored(Ignored::source_limit), 3U);
  rig.say(RecordType::change_to_exclude, "9");
  EXPECT_EQ(rig.state(), "E(,)") << "a block that finds no room forwards more, not less";
  EXPECT_EQ(rig.snapshot(), rig.records);
}

TEST_P(Limits, NeverRecorded) {
  Rig rig(GetParam());
  for (const char* text : {"224.0.0.1", "224.0.0.255", "ff02::1:ff00:1", "ff01::5", "ff12::1"}) {
    const Group group = grp(text);
    if (group.family() == GetParam()) rig.hear(join(group), rig.names.host());
  }
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
  EXPECT_EQ(rig.ignored(Ignored::link_local_group), GetParam() == Family::ipv4 ? 2U : 3U);
}

TEST_P(Limits, SourcesThatAreNone) {
  Rig rig(GetParam());
  wire::SourceReport report = join(rig.names.group());
  report.records[0].type = RecordType::allow_new_sources;
  report.records[0].sources = {rig.names.source(2), rig.names.group().address(),
                               IpAddress::any(GetParam()), rig.names.source(1),
                               rig.names.source(2)};
  report.skipped = 1;
  rig.hear(report, rig.names.host());
  EXPECT_EQ(rig.state(), "I(12)");
  EXPECT_EQ(rig.ignored(Ignored::bad_record), 3U);
}

// A message that would walk long lists again and again is cut off.
TEST_P(Limits, WorkPerMessage) {
  InterfaceConfig config;
  config.max_sources_per_group = kMaxSourcesPerGroup;
  Rig rig(GetParam(), config);
  wire::SourceReport report = join(rig.names.group());
  report.records[0].type = RecordType::mode_is_include;
  for (unsigned i = 0; i < 10'000; ++i) {
    std::array<std::byte, 16> bytes{};
    bytes[0] = std::byte{0x20};
    bytes[2] = static_cast<std::byte>(i >> 8U);
    bytes[3] = static_cast<std::byte>(i & 0xffU);
    report.records[0].sources.push_back(
        *IpAddress::from_bytes(ByteSpan(bytes).first(GetParam() == Family::ipv4 ? 4 : 16)));
  }
  rig.hear(report, rig.names.host());
  const wire::ReportRecord again{RecordType::mode_is_include, rig.names.group(),
                                 {rig.names.source(1)}};
  report.records.assign(1000, again);
  rig.hear(report, rig.names.host());
  EXPECT_GT(rig.ignored(Ignored::work_limit), 900U);
}

TEST(OnLink, ForeignSourceIsRefusedWhenChecked) {
  InterfaceConfig config;
  config.check_source_subnet = true;
  config.subnets = {*IpPrefix::parse("192.168.0.5/24")};
  Rig rig(Family::ipv4, config);
  rig.hear(join(rig.names.group()), ip("10.9.9.9"));
  EXPECT_EQ(rig.state(), "");
  EXPECT_EQ(rig.ignored(Ignored::off_subnet), 1U);
  rig.hear(join(rig.names.group()), ip("0.0.0.0"));  // RFC 3376 4.2.13
  EXPECT_EQ(rig.state(), "E(,)");
}

// Hosts behind an access device sit in one node's subnet only.
TEST(OnLink, OffByDefault) {
  Rig rig(Family::ipv4);
  rig.hear(join(rig.names.group()), ip("10.9.9.9"));
  EXPECT_EQ(rig.state(), "E(,)");
}

TEST(Counters, CountAndReset) {
  Rig rig(Family::ipv4);
  rig.hear(wire::GroupReport{1, rig.names.group()}, rig.names.host());
  rig.hear(wire::GroupReport{2, rig.names.group()}, rig.names.host());
  rig.hear(wire::Leave{rig.names.group()}, rig.names.host());
  rig.say(RecordType::mode_is_exclude, "");
  rig.query(rig.names.router(9));
  rig.machine.on_reject(kLink, Family::ipv4, wire::Reject::bad_checksum);
  rig.machine.on_reject(LinkId{99}, Family::ipv4, wire::Reject::bad_checksum);
  const Counters counters = rig.interface().counters;
  EXPECT_EQ(counters.reports, (std::array<std::uint64_t, 3>{1, 1, 1}));
  EXPECT_EQ(counters.queries, (std::array<std::uint64_t, 3>{0, 0, 1}));
  EXPECT_EQ(counters.leaves, 1U);
  EXPECT_EQ(counters.sent_general, 1U);
  EXPECT_EQ(counters.rejects[static_cast<std::size_t>(wire::Reject::bad_checksum)], 1U);
  rig.machine.reset_counters(kLink, Family::ipv4);
  EXPECT_EQ(rig.interface().counters.leaves, 0U);
}

TEST(Config, ForbiddenValuesAreRaised) {
  InterfaceConfig config;
  config.version = 9;
  config.robustness = 0;
  config.query_interval = 0s;
  config.query_response_interval = 0s;
  config.last_member_query_interval = 0s;
  config.last_member_query_count = 0;
  config.startup_query_interval = 0s;
  config.startup_query_count = 0;
  config.address = ip("fe80::1");
  Machine machine;
  machine.configure(kLink, Family::ipv6, config, TimePoint{1s});
  const InterfaceRow row = show_interfaces(machine, Family::ipv6, TimePoint{1s}).at(0);
  EXPECT_EQ(row.version, 2);
  EXPECT_EQ(row.robustness, 1);
  EXPECT_EQ(row.query_interval, Duration{1s});
  EXPECT_EQ(row.last_member_query_count, 1);
  EXPECT_EQ(row.membership_interval, Duration{1100ms});
  EXPECT_EQ(row.startup_query_count, 1);
}

TEST_P(Limits, ConfigurationChangesLive) {
  Rig rig(GetParam());
  rig.say(RecordType::mode_is_exclude, "");
  rig.run(32s);
  static_cast<void>(rig.asked());
  rig.settings.query_interval = 10s;
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.drain();
  EXPECT_EQ(rig.asked(), "");
  rig.run(10s);
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.state(), "E(,)");
  rig.settings.address = rig.names.router(7);
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.drain();
  EXPECT_EQ(rig.asked(), "general");
  EXPECT_EQ(rig.interface().querier, rig.names.router(7));
}

// Removal is one effect; the entries go in slices, and the same key may be used at once.
TEST_P(Limits, RemoveInterface) {
  Rig rig(GetParam());
  for (unsigned n = 1; n <= 3000; ++n) {
    const auto group =
        GetParam() == Family::ipv4
            ? *Group::from(IpAddress::v4(0xe1000000U + n))
            : grp("ff1e::" + std::to_string(n));
    const wire::ReportRecord record{RecordType::allow_new_sources, group, rig.names.sources("12")};
    rig.hear(wire::SourceReport{{record}, 0}, rig.names.host());
  }
  rig.machine.remove(kLink, GetParam(), rig.now);
  rig.machine.remove(kLink, GetParam(), rig.now);
  const int changes = rig.record_changes + rig.view_changes;
  rig.drain();
  EXPECT_EQ(rig.flushes, 1);
  EXPECT_EQ(rig.record_changes + rig.view_changes, changes);
  EXPECT_EQ(rig.snapshot(), Records{});
  rig.machine.configure(kLink, GetParam(), rig.settings, rig.now);
  rig.drain();
  EXPECT_EQ(rig.state(), "");
  rig.say(RecordType::mode_is_exclude, "1");
  int slices = 0;
  while (rig.machine.next_deadline() && *rig.machine.next_deadline() <= rig.now) {
    rig.machine.on_timeout(rig.now);
    rig.drain();
    ++slices;
  }
  EXPECT_GE(slices, 6);
  EXPECT_LT(slices, 30);
  EXPECT_EQ(rig.state(), "E(,1)");
  EXPECT_EQ(rig.snapshot(), rig.records);
  rig.run(260s);
  EXPECT_EQ(rig.state(), "");
}

TEST_P(Limits, StaticMemberships) {
  Rig rig(GetParam());
  const auto view = [&rig] { return rig.views[{kLink, rig.names.group()}]; };
  rig.machine.set_static(kLink, rig.names.group(), rig.names.source(1), true, rig.now);
  rig.drain();
  EXPECT_EQ(view(), (ForwardingView{FilterMode::include, rig.names.sources("1")}));
  rig.run(1000s);
  EXPECT_EQ(view(), (ForwardingView{FilterMode::include, rig.names.sources("1")}));
  rig.say(RecordType::mode_is_exclude, "12");
  EXPECT_EQ(view(), (ForwardingView{FilterMode::exclude, rig.names.sources("2")}));
  rig.machine.set_static(kLink, rig.names.group(), std::nullopt, true, rig.now);
  rig.drain();
  EXPECT_EQ(view(), (ForwardingView{FilterMode::exclude, {}}));
  EXPECT_EQ(rig.snapshot(), rig.records);
  rig.run(300s);
  EXPECT_EQ(view(), (ForwardingView{FilterMode::exclude, {}}));
  EXPECT_FALSE(rig.row().is_dynamic);
  rig.machine.set_static(kLink, rig.names.group(), std::nullopt, false, rig.now);
  rig.drain();
  EXPECT_EQ(view(), (ForwardingView{FilterMode::include, rig.names.sources("1")}));
  rig.machine.set_static(kLink, rig.names.group(), rig.names.source(1), false, rig.now);
  rig.drain();
  EXPECT_TRUE(rig.views.empty() || view() == ForwardingView{});
  EXPECT_EQ(rig.records, Records{});
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
}

TEST_P(Limits, StaticMembershipsAreNoRecords) {
  Rig rig(GetParam());
  rig.machine.set_static(kLink, rig.names.group(), std::nullopt, true, rig.now);
  rig.machine.set_static(kLink, rig.names.group(2), rig.names.source(1), true, rig.now);
  rig.drain();
  EXPECT_EQ(rig.record_changes, 0);
  EXPECT_EQ(rig.snapshot(), Records{});
  EXPECT_TRUE(rig.row().is_static);
  // What hosts say of the same groups is one, as if nothing were configured.
  rig.say(RecordType::allow_new_sources, "1");
  ASSERT_EQ(rig.records.groups.size(), 1U);
  EXPECT_FALSE(rig.records.groups.begin()->second.is_static);
  EXPECT_EQ(rig.snapshot(), rig.records);
  rig.run(300s);
  EXPECT_EQ(rig.records, Records{});
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 2U);
}

InterfaceConfig with_host_limit(std::uint32_t limit) {
  InterfaceConfig config;
  config.max_groups_per_host = limit;
  return config;
}

TEST_P(Limits, OneHostMayBringInSoManyGroups) {
  Rig rig(GetParam(), with_host_limit(2));
  for (unsigned n = 1; n <= 4; ++n) rig.hear(join(rig.names.group(n)), rig.names.host(1));
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 2U);
  EXPECT_EQ(rig.ignored(Ignored::host_limit), 2U);
  const auto told = rig.take<LimitReached>();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].limit, Limit::groups_per_host);
  EXPECT_EQ(told[0].link, kLink);
  EXPECT_EQ(told[0].host, rig.names.host(1));
  EXPECT_EQ(told[0].group, rig.names.group(3));
  // Others go on, and a group that is there already costs nothing.
  rig.hear(join(rig.names.group(3)), rig.names.host(2));
  rig.hear(join(rig.names.group(3)), rig.names.host(1));
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 3U);
  EXPECT_EQ(rig.ignored(Ignored::host_limit), 2U);
  // When its groups end it may have others.
  rig.run(300s);
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
  rig.hear(join(rig.names.group(4)), rig.names.host(1));
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 1U);
}

TEST_P(Limits, AGroupIsChargedToWhoChangedItLast) {
  Rig rig(GetParam(), with_host_limit(1));
  rig.say(RecordType::allow_new_sources, "1", 1);
  rig.say(RecordType::change_to_exclude, "", 2);  // host 2 holds it from here on
  rig.hear(join(rig.names.group(2)), rig.names.host(2));
  EXPECT_EQ(rig.ignored(Ignored::host_limit), 1U);
  rig.hear(join(rig.names.group(3)), rig.names.host(1));
  EXPECT_EQ(rig.machine.group_count(kLink, GetParam()), 2U);
}

TEST_P(Limits, TheHostLimitOutlivesATakeover) {
  Rig master(GetParam(), with_host_limit(2));
  for (unsigned n = 1; n <= 2; ++n) master.hear(join(master.names.group(n)), master.names.host(1));
  InterfaceConfig config = scoped();
  config.max_groups_per_host = 2;
  Rig backup(GetParam(), config);
  backup.restore(master.records.all());
  backup.activate();
  backup.hear(join(backup.names.group(3)), backup.names.host(1));
  EXPECT_EQ(backup.ignored(Ignored::host_limit), 1U);
  backup.hear(join(backup.names.group(3)), backup.names.host(2));
  EXPECT_EQ(backup.machine.group_count(kLink, GetParam()), 3U);
  backup.run(300s);  // nobody confirms: all of them end, and their charges with them
  for (unsigned n = 4; n <= 6; ++n) backup.hear(join(backup.names.group(n)), backup.names.host(1));
  EXPECT_EQ(backup.ignored(Ignored::host_limit), 2U);
}

// Random reports, leaves, expiry, static groups and records: no host ever brings in more than its
// limit, and the charges are what a count over all groups says.
TEST_P(Limits, ChargesAreTheGroupsOfEachHost) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::minstd_rand random(seed);
    const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
    Rig rig(GetParam(), with_host_limit(3));
    for (int step = 0; step < 400; ++step) {
      const Group group = rig.names.group(1 + pick(12));
      const IpAddress host = rig.names.host(1 + pick(4));
      const auto type = static_cast<RecordType>(1 + pick(6));
      const bool was_there = !rig.state(group).empty();
      const auto held = [&](const IpAddress& who) {
        std::size_t count = 0;
        for (const GroupRow& row : show_groups(rig.machine, {.family = GetParam()}, rig.now).rows)
          count += row.is_dynamic && row.last_reporter == who ? 1U : 0U;
        return count;
      };
      const std::size_t before = held(host);
      switch (pick(5)) {
        case 0:
          rig.machine.set_static(kLink, rig.names.group(13 + pick(2)), std::nullopt, pick(2) == 0,
                                 rig.now);
          rig.drain();
          break;
        case 1:
          rig.run(std::chrono::seconds(pick(120)));
          break;
        default:
          rig.hear(
              wire::SourceReport{{{type, group, rig.names.sources(pick(2) == 0 ? "" : "12")}}, 0},
              host);
          if (!was_there && before >= 3) {
            ASSERT_TRUE(rig.state(group).empty()) << seed << " step " << step;
          }
          if (!was_there && before < 3 && (type == RecordType::change_to_exclude)) {
            ASSERT_FALSE(rig.state(group).empty()) << seed << " step " << step;
          }
      }
      ASSERT_EQ(rig.snapshot(), rig.records) << seed << " step " << step;
    }
    rig.run(1000s);
    for (unsigned n = 13; n <= 14; ++n)
      rig.machine.set_static(kLink, rig.names.group(n), std::nullopt, false, rig.now);
    rig.drain();
    ASSERT_EQ(rig.machine.group_count(kLink, GetParam()), 0U);
    // Nothing is left over: every host may bring in its three again.
    for (unsigned host = 1; host <= 4; ++host)
      for (unsigned n = 0; n < 3; ++n)
        rig.hear(join(rig.names.group(20 + 3 * host + n)), rig.names.host(host));
    ASSERT_EQ(rig.machine.group_count(kLink, GetParam()), 12U) << seed;
  }
}

TEST_P(Limits, ShowSortsAndCuts) {
  Rig rig(GetParam());
  for (const unsigned n : {5U, 2U, 9U, 1U}) rig.hear(join(rig.names.group(n)), rig.names.host());
  const GroupTable table =
      show_groups(rig.machine, {.family = GetParam(), .max_rows = 3}, rig.now + 5s);
  EXPECT_EQ(table.total, 4U);
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0].group, rig.names.group(1));
  EXPECT_EQ(table.rows[2].group, rig.names.group(5));
  EXPECT_EQ(table.rows[0].uptime, Duration{5s});
  EXPECT_EQ(table.rows[0].expires, Duration{255s});
  EXPECT_EQ(table.rows[0].last_reporter, rig.names.host());
}

TEST_P(Limits, TheReaderShowsInSlicesWhatShowGroupsShows) {
  Rig rig(GetParam());
  const LinkId second{3};
  rig.machine.configure(second, GetParam(), rig.settings, rig.now);
  rig.drain();
  std::vector<unsigned> numbers(5000);
  for (unsigned n = 0; n < numbers.size(); ++n) numbers[n] = n;
  std::shuffle(numbers.begin(), numbers.end(), std::minstd_rand(7));
  const auto group = [&](Family family, unsigned n) {
    return family == Family::ipv4
               ? grp("225." + std::to_string(n / 250) + ".0." + std::to_string(n % 250))
               : rig.names.group(n);
  };
  for (const unsigned n : numbers) {
    const auto message = join(group(GetParam(), n));
    rig.machine.on_packet(n % 3 == 0 ? second : kLink, rig.names.host(),
                          wire::destination_of(message, GetParam()), message, rig.now);
    rig.drain();
  }
  EXPECT_EQ(group_total(rig.machine), 5000U);
  for (const std::size_t max : {std::size_t{100'000}, std::size_t{120}}) {
    const GroupFilter filter{.family = GetParam(), .max_rows = max};
    const GroupTable whole = show_groups(rig.machine, filter, rig.now);
    GroupReader reader(filter);
    std::vector<GroupRow> rows;
    std::size_t calls = 0;
    for (bool done = false; !done; ++calls) {
      auto slice = reader.next(rig.machine, rig.now);
      ASSERT_LE(slice.rows.size(), 50U);
      done = slice.done;
      for (auto& row : slice.rows) rows.push_back(std::move(row));
    }
    ASSERT_EQ(rows.size(), whole.rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i].link, whole.rows[i].link);
      ASSERT_EQ(rows[i].group, whole.rows[i].group);
    }
    EXPECT_EQ(reader.total(), whole.total);
    EXPECT_EQ(reader.total(second), 1667U);
    EXPECT_GE(calls, 2 + rows.size() / 50);
  }
}

TEST_P(Limits, TheReaderSkipsWhatGoesMeanwhile) {
  Rig rig(GetParam());
  for (unsigned n = 1; n <= 100; ++n) rig.hear(join(rig.names.group(n)), rig.names.host());
  GroupReader reader({.family = GetParam()});
  std::size_t rows = 0;
  auto slice = reader.next(rig.machine, rig.now);
  rows += slice.rows.size();
  rig.machine.remove(kLink, GetParam(), rig.now);
  rig.drain();
  while (!slice.done) {
    slice = reader.next(rig.machine, rig.now);
    rows += slice.rows.size();
  }
  EXPECT_EQ(rows, 50U);
  EXPECT_EQ(reader.total(), 100U);
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
