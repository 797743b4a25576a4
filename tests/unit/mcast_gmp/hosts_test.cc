// Random hosts on a link, each with its own filters, answering queries as RFC 3376 5 says, and
// takeovers at any moment: nobody who wants a source is ever without it, and once it is quiet the
// router forwards exactly what is wanted.
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "tests/unit/mcast_gmp/rig.h"

namespace hotpair::mcast::gmp::testing {
namespace {

using wire::RecordType;
constexpr unsigned kHosts = 4;
constexpr unsigned kGroups = 3;
constexpr unsigned kSources = 5;
constexpr unsigned kUnnamed = 9;

struct Filter {
  FilterMode mode = FilterMode::include;
  std::set<unsigned> sources;
  [[nodiscard]] bool wants(unsigned source) const {
    return sources.contains(source) == (mode == FilterMode::include);
  }
};

std::set<unsigned> minus(const std::set<unsigned>& a, const std::set<unsigned>& b) {
  std::set<unsigned> rest;
  for (const unsigned x : a)
    if (!b.contains(x)) rest.insert(x);
  return rest;
}

struct Answer {
  TimePoint at;
  unsigned host;
  unsigned group;
  std::set<unsigned> sources;  ///< of a group-and-source-specific query
};

class Segment {
 public:
  Segment(Family family, std::uint64_t seed) : random_(seed), family_(family) {
    router_ = std::make_unique<Rig>(family, scoped());
    router_->activate();
    standby_ = std::make_unique<Rig>(family, scoped());
    after_input();
  }

  void run(Duration span) {
    const TimePoint end = router_->now + span;
    for (;;) {
      std::optional<TimePoint> next = router_->machine.next_deadline();
      const auto answer = std::min_element(answers_.begin(), answers_.end(),
                                           [](auto& a, auto& b) { return a.at < b.at; });
      if (answer != answers_.end()) next = earliest(next, answer->at);
      if (!next || *next > end) break;
      router_->now = std::max(router_->now, *next);
      if (answer != answers_.end() && answer->at <= router_->now) {
        const Answer due = *answer;
        answers_.erase(answer);
        reply(due);
      } else {
        router_->machine.on_timeout(router_->now);
        router_->drain();
      }
      after_input();
    }
    router_->now = end;
  }

  void change() {
    Filter& filter = filters_[pick(kHosts)][pick(kGroups)];
    const auto position = static_cast<std::size_t>(&filter - &filters_[0][0]);
    Filter next;
    next.mode = pick(2) == 0 ? FilterMode::include : FilterMode::exclude;
    for (unsigned s = 1; s <= kSources; ++s)
      if (pick(3) == 0) next.sources.insert(s);
    if (pick(3) == 0) next = Filter{};  // leaves
    set(filter, next, static_cast<unsigned>(position / kGroups),
        static_cast<unsigned>(position % kGroups));
  }

  void leave_all() {
    for (unsigned host = 0; host < kHosts; ++host)
      for (unsigned group = 0; group < kGroups; ++group)
        set(filters_[host][group], Filter{}, host, group);
  }

  void take_over() {
    std::unique_ptr<Rig> successor = std::move(standby_);
    if (pick(2) == 0) {
      successor = std::make_unique<Rig>(family_, scoped(), router_->now);
      successor->restore(router_->snapshot(2).all());
    }
    successor->now = router_->now;
    ASSERT_EQ(successor->views, router_->views);
    successor->activate();
    standby_ = std::make_unique<Rig>(family_, scoped(), router_->now);
    standby_->restore(successor->snapshot().all());
    router_ = std::move(successor);
    after_input();
  }

  void expect_exact() const {
    for (unsigned group = 0; group < kGroups; ++group)
      for (const unsigned source : {1U, 2U, 3U, 4U, 5U, kUnnamed})
        EXPECT_EQ(forwards(group, source), wanted(group, source)) << group << ' ' << source;
  }
  [[nodiscard]] const Rig& router() const { return *router_; }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

 private:
  [[nodiscard]] bool wanted(unsigned group, unsigned source) const {
    return std::any_of(std::begin(filters_), std::end(filters_),
                       [&](const auto& host) { return host[group].wants(source); });
  }
  [[nodiscard]] bool forwards(unsigned group, unsigned source) const {
    return router_->forwards(router_->names.group(group + 1), router_->names.source(source));
  }
  void report(RecordType type, unsigned group, const std::set<unsigned>& sources, unsigned host) {
    wire::ReportRecord record{type, router_->names.group(group + 1), {}};
    for (const unsigned s : sources) record.sources.push_back(router_->names.source(s));
    router_->hear(wire::SourceReport{{record}, 0}, router_->names.host(host + 1));
  }

  // RFC 3376 5.1: what a host says when its filter changes.
  void set(Filter& filter, const Filter& next, unsigned host, unsigned group) {
    const Filter before = std::exchange(filter, next);
    if (before.mode == next.mode) {
      auto allow = minus(next.sources, before.sources);
      auto block = minus(before.sources, next.sources);
      if (next.mode == FilterMode::exclude) std::swap(allow, block);
      if (!allow.empty()) report(RecordType::allow_new_sources, group, allow, host);
      if (!block.empty()) report(RecordType::block_old_sources, group, block, host);
    } else {
      report(next.mode == FilterMode::exclude ? RecordType::change_to_exclude
                                              : RecordType::change_to_include,
             group, next.sources, host);
    }
    after_input();
  }

  // RFC 3376 5.2: what a host answers.
  void reply(const Answer& answer) {
    const Filter& filter = filters_[answer.host][answer.group];
    const bool includes = filter.mode == FilterMode::include;
    if (includes && filter.sources.empty()) return;
    if (answer.sources.empty()) {
      report(includes ? RecordType::mode_is_include : RecordType::mode_is_exclude, answer.group,
             filter.sources, answer.host);
      return;
    }
    std::set<unsigned> asked;
    for (const unsigned s : answer.sources)
      if (filter.wants(s)) asked.insert(s);
    if (!asked.empty())
      report(RecordType::mode_is_include, answer.group, asked, answer.host);
  }

  void after_input() {
    for (const SendQuery& sent : std::exchange(router_->queries, {})) hear(sent);
    standby_->now = router_->now;
    standby_->restore(std::exchange(router_->emitted, {}));
    ASSERT_EQ(standby_->views, router_->views);
    for (unsigned group = 0; group < kGroups; ++group)
      for (const unsigned source : {1U, 2U, 3U, 4U, 5U, kUnnamed})
        ASSERT_TRUE(!wanted(group, source) || forwards(group, source)) << group << ' ' << source;
  }

  void hear(const SendQuery& sent) {
    for (unsigned host = 0; host < kHosts; ++host)
      for (unsigned group = 0; group < kGroups; ++group) {
        if (sent.query.group && *sent.query.group != router_->names.group(group + 1)) continue;
        Answer answer{router_->now + Duration{random_() % static_cast<std::uint64_t>(
                                                             sent.query.max_response.count())},
                      host, group, {}};
        for (unsigned s = 1; s <= kSources; ++s)
          if (std::find(sent.query.sources.begin(), sent.query.sources.end(),
                        router_->names.source(s)) != sent.query.sources.end())
            answer.sources.insert(s);
        answers_.push_back(answer);
      }
  }

  std::mt19937_64 random_;
  Family family_;
  std::unique_ptr<Rig> router_;
  std::unique_ptr<Rig> standby_;
  Filter filters_[kHosts][kGroups];
  std::vector<Answer> answers_;
};

class Hosts : public ::testing::TestWithParam<std::tuple<Family, int>> {};

TEST_P(Hosts, NobodyIsEverWithout) {
  const auto [family, seed] = GetParam();
  Segment segment(family, static_cast<std::uint64_t>(seed));
  for (int step = 0; step < 150 && !HasFatalFailure(); ++step) {
    segment.change();
    const Duration spans[] = {0s, 300ms, 1500ms, 20s, 200s};
    segment.run(spans[segment.pick(5)]);
    if (segment.pick(4) == 0) segment.take_over();
  }
  segment.run(700s);
  segment.expect_exact();
  segment.leave_all();
  segment.run(300s);
  EXPECT_TRUE(segment.router().views.empty());
  EXPECT_EQ(segment.router().machine.group_count(kLink, family), 0U);
}

INSTANTIATE_TEST_SUITE_P(Gmp, Hosts,
                         ::testing::Combine(::testing::Values(Family::ipv4, Family::ipv6),
                                            ::testing::Range(1, 11)));

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
