#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ha/cli/commit_history.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_cli/shell_fixture.h"
#include "tests/unit/ha_config/random_config.h"

/// Records of commits, and random work of two operators.
namespace hotpair::ha::cli {
namespace {

using ::testing::HasSubstr;
using testing::MemoryCommits;
using testing::Operator;
using testing::ShellWorld;

CommitRecord record(std::uint64_t id, const std::string& text = "#\nreturn\n") {
  return {id,  WallTime(std::chrono::milliseconds(1'700'000'000'123)), "anna", 1000, "x", "commit",
          text};
}

TEST(CommitRecords, RoundTrip) {
  const CommitRecord made = record(7, "#\nsysname A\n#\nreturn\n");
  const auto read = decode_commit(encode_commit(made));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, made);
  // The file is a configuration too.
  EXPECT_EQ(*config::parse_config(encode_commit(made), "file").config.sysname, "A");
}

TEST(CommitRecords, AFieldIsOneLine) {
  CommitRecord made = record(7);
  made.user = "eve\n# uid 0";
  made.how = std::string(1000, 'x');
  const auto read = decode_commit(encode_commit(made));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->user, "eve # uid 0");
  EXPECT_EQ(read->uid, 1000U);
  EXPECT_EQ(read->how.size(), 256U);
}

TEST(CommitRecords, DamagedOnesAreRefused) {
  const std::string good = encode_commit(record(7));
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(decode_commit(good.substr(0, length)).has_value()) << length;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string text = good;
    text[at] ^= 0x04;
    EXPECT_FALSE(decode_commit(text).has_value()) << at;
  }
  EXPECT_FALSE(decode_commit(good + "sysname B\n").has_value());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto read = decode_commit(text.replace(text.find(from), from.size(), to));
    return read ? "read" : read.error().detail;
  };
  EXPECT_EQ(with("id 7", "id 0"), "not the record of a commit: id");
  EXPECT_EQ(with("id 7", "id 18446744073709551615"), "not the record of a commit: id");
  EXPECT_EQ(with("id 7", "id -7"), "not the record of a commit: id");
  EXPECT_EQ(with("when-ms 1", "when-ms 9999999"), "not the record of a commit: when-ms");
  EXPECT_EQ(with("uid 1000", "uid 99999999999"), "not the record of a commit: uid");
  EXPECT_EQ(with("commit 1\n", "commit 2\n"), "not the record of a commit: first line");
  EXPECT_EQ(with("crc32 ", "crc32 x"), "not the record of a commit: crc32");
  EXPECT_THAT(with("uid 1000", "uid 0"), HasSubstr("damaged or edited"));
}

TEST(CommitHistoryTest, IsBoundedAndGoesOnAfterARestart) {
  MemoryCommits store;
  CommitHistory history(store);
  Result<void> stored;
  for (std::uint64_t i = 1; i <= 60; ++i) EXPECT_EQ(history.add(record(0), stored), i);
  EXPECT_EQ(history.records().size(), CommitHistory::kRecordsMax);
  EXPECT_EQ(store.files.size(), CommitHistory::kRecordsMax);
  EXPECT_EQ(history.records().front().id, 11U);
  std::vector<CommitRecord> read;
  for (const auto& [id, text] : store.files) read.push_back(*decode_commit(text));
  std::ranges::reverse(read);
  read.push_back(read.front());
  CommitHistory again(store);
  again.restore(read);
  EXPECT_EQ(again.records(), history.records());
  EXPECT_EQ(again.add(record(0), stored), 61U);
  EXPECT_EQ(again.before(0)->id, 61U);
  EXPECT_EQ(again.before(49)->id, 12U);
  EXPECT_EQ(again.before(50), nullptr);
}

TEST(CommitHistoryTest, ARecordThatCannotBeKeptIsAWarning) {
  ShellWorld world;
  world.commits.refusal = Error{ErrorCode::exhausted, "disk full"};
  Operator anna(world, 1);
  static_cast<void>(anna.run("system-view"));
  static_cast<void>(anna.run("sysname B"));
  const Response response = anna.run("commit");
  EXPECT_FALSE(response.error.has_value());
  EXPECT_THAT(response.text, HasSubstr("Warning: in force, but not recorded: disk full"));
  EXPECT_EQ(*world.node.config.sysname, "B");
}

TEST(Confirmation, AFailedWayBackIsTriedAgain) {
  ShellWorld world;
  Operator anna(world, 1);
  for (const char* line : {"system-view", "sysname B", "commit confirmed 5"})
    static_cast<void>(anna.run(line));
  world.node.refusal = Error{ErrorCode::unavailable, "not now"};
  world.instant.now += std::chrono::seconds(5);
  EXPECT_THAT(*world.transactions.on_timeout(world.instant), HasSubstr("not now"));
  EXPECT_EQ(*world.node.config.sysname, "B");
  world.node.refusal.reset();
  EXPECT_FALSE(world.transactions.on_timeout(world.instant).has_value());
  world.advance(std::chrono::seconds(10));
  EXPECT_EQ(*world.node.config.sysname, "DeviceA");
  EXPECT_FALSE(world.transactions.next_deadline().has_value());
}

TEST(Confirmation, AReloadDecides) {
  ShellWorld world;
  Operator anna(world, 1);
  for (const char* line : {"system-view", "sysname B", "commit confirmed 5"})
    static_cast<void>(anna.run(line));
  world.node.config.sysname.value = "C";
  world.transactions.noted("load file", world.instant);
  world.advance(std::chrono::seconds(60));
  EXPECT_EQ(*world.node.config.sysname, "C");
  EXPECT_EQ(anna.prompt(), "[~B]");
  static_cast<void>(anna.run("#"));
  EXPECT_EQ(anna.prompt(), "[~C]");
}

// Two operators edit, commit, go back and wait, at random.
class RandomWork {
 public:
  explicit RandomWork(unsigned seed) : writer_(seed) {
    for (int i = 1; i <= 2; ++i) {
      people_.push_back(std::make_unique<Operator>(world_, static_cast<std::uint64_t>(i), "anna",
                                                   AccessRole::admin, false));
      static_cast<void>(people_.back()->run("system-view"));
    }
  }
  void steps(unsigned count) {
    for (unsigned i = 0; i < count && !::testing::Test::HasFatalFailure(); ++i) step();
  }
  unsigned commits = 0;
  unsigned rollbacks = 0;

 private:
  void edit(Operator& who) {
    std::istringstream in(writer_.text(3));
    for (std::string line; std::getline(in, line);) static_cast<void>(who.run(line));
    if (writer_.pick(4) == 0) static_cast<void>(who.run("nonsense 1 2 3"));
    static_cast<void>(who.run("#"));
  }
  std::string shown(Operator& who, const char* what) { return who.run(what).text; }

  // What the diff promises is what a commit does.
  void commit(Operator& who, const char* how) {
    const std::string candidate = shown(who, "display configuration candidate");
    const Response diff = who.run("display configuration diff");
    const std::string before = config::print_config(world_.node.config);
    if (!diff.error && candidate.find("security-key") == std::string::npos &&
        diff.text.find("security-key") == std::string::npos) {
      const auto applied = config::parse_config(diff.text, "diff", world_.node.config);
      ASSERT_TRUE(applied.ok());
      EXPECT_EQ(config::print_config(applied.config), candidate);
    }
    const bool changes = who.session().has_changes();
    const Response response = who.run(how);
    const std::string after = config::print_config(world_.node.config);
    if (response.error) {
      EXPECT_EQ(after, before);
      if (writer_.pick(2) == 0) static_cast<void>(who.run("clear configuration candidate"));
      return;
    }
    EXPECT_FALSE(who.session().has_changes());
    if (changes) {
      EXPECT_EQ(after, candidate);
    }
    if (after != before) ++commits;
  }
  void rollback(Operator& who) {
    const std::size_t steps = 1 + writer_.pick(4);
    const CommitRecord* target = world_.transactions.history().before(steps);
    const std::string wanted = target == nullptr ? std::string() : target->text;
    const Response response = who.run("rollback configuration " + std::to_string(steps));
    if (response.error) return;
    EXPECT_EQ(config::print_config(world_.node.config), wanted);
    ++rollbacks;
  }

  void step() {
    Operator& who = *people_[writer_.pick(2)];
    switch (writer_.pick(8)) {
      case 0:
      case 1:
      case 2:
        edit(who);
        break;
      case 3:
        commit(who, "commit");
        break;
      case 4: {
        const bool waits = world_.transactions.pending().has_value();
        const std::string before = config::print_config(world_.node.config);
        commit(who, "commit confirmed 30");
        if (waits || writer_.pick(2) == 0) break;
        world_.advance(std::chrono::seconds(30));
        EXPECT_EQ(config::print_config(world_.node.config), before);
        break;
      }
      case 5:
        rollback(who);
        break;
      case 6:
        world_.advance(std::chrono::seconds(writer_.pick(40)));
        break;
      default:
        static_cast<void>(who.run("commit check"));
    }
    const std::string text = config::print_config(world_.node.config);
    const auto again = config::parse_config(text, "printed");
    ASSERT_TRUE(again.ok()) << text;
    ASSERT_EQ(again.config, world_.node.config) << text;
    const auto& newest = *world_.transactions.history().before(0);
    ASSERT_EQ(newest.text, text);
    ASSERT_EQ(*decode_commit(world_.commits.files[newest.id]), newest);
  }

  config::testing::Writer writer_;
  ShellWorld world_{"sysname A\n"};
  std::vector<std::unique_ptr<Operator>> people_;
};

TEST(Properties, RandomCommits) {
  unsigned commits = 0;
  unsigned rollbacks = 0;
  for (unsigned seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(seed);
    RandomWork work(seed);
    work.steps(40);
    if (HasFatalFailure()) return;
    commits += work.commits;
    rollbacks += work.rollbacks;
  }
  EXPECT_GT(commits, 100U);
  EXPECT_GT(rollbacks, 50U);
}

}  // namespace
}  // namespace hotpair::ha::cli
