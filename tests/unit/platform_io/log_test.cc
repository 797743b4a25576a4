#include "platform/io/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "platform/base/descriptor.h"

namespace hotpair::platform::io {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr Message kPeer{"HA-PEER-0002", LogLevel::warning, "peer {} is silent for {} ms", "", ""};
constexpr Message kDetail{"HA-PEER-0003", LogLevel::debug, "hello {}", "", ""};

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    read_ = FileDescriptor(ends[0]);
    write_ = FileDescriptor(ends[1]);
  }
  LogConfig config() const { return {.fd = write_.get()}; }
  std::string written() const {
    std::string text(65536, '\0');
    const ssize_t size = ::read(read_.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  FileDescriptor read_;
  FileDescriptor write_;
};

TEST_F(LogTest, WritesTimeLevelIdAndText) {
  Log log(config());
  log(kPeer, "10.1.1.2", 300);
  EXPECT_THAT(written(),
              MatchesRegex("20[0-9-]+T[0-9:.]+[+-][0-9:]+ warning HA-PEER-0002 peer 10.1.1.2 is "
                           "silent for 300 ms\n"));
}

TEST_F(LogTest, JournalLinesStartWithThePriority) {
  LogConfig journal = config();
  journal.journal = true;
  Log log(journal);
  log(kPeer, "b", 1);
  EXPECT_EQ(written(), "<4>HA-PEER-0002 peer b is silent for 1 ms\n");
}

TEST_F(LogTest, LevelIsObeyedAndCanChange) {
  Log log(config());
  log(kDetail, 1);
  EXPECT_EQ(written(), "");
  log.set_level(LogLevel::debug);
  log(kDetail, 2);
  EXPECT_THAT(written(), HasSubstr("hello 2"));
  EXPECT_EQ(parse_log_level("error"), LogLevel::error);
  EXPECT_EQ(parse_log_level("loud"), std::nullopt);
}

TEST_F(LogTest, TextThatDoesNotFitItsValuesIsMarkedNotThrown) {
  constexpr Message kMissing{"HA-X-0001", LogLevel::error, "{} and {}", "", ""};
  constexpr Message kWrongType{"HA-X-0002", LogLevel::error, "{:d}", "", ""};
  constexpr Message kBroken{"HA-X-0003", LogLevel::error, "{ oops", "", ""};
  Log log(config());
  log(kMissing, 1);
  log(kWrongType, "text");
  log(kBroken);
  const std::string text = written();
  for (const char* id : {"HA-X-0001 {} and {}", "HA-X-0002 {:d}", "HA-X-0003 { oops"})
    EXPECT_THAT(text, HasSubstr(std::string(id) + " (unformatted: "));
}

TEST_F(LogTest, BytesFromTheWireCannotForgeLines) {
  Log log(config());
  log(kPeer, "x\n<0>forged\x1b[2J", 1);
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  log(kPeer, std::string(100000, 'a'), 1);
  EXPECT_LT(written().size(), 5000U);
}

TEST_F(LogTest, RateLimitIsPerIdAndSaysWhatWasLeftOut) {
  LogConfig limited = config();
  limited.burst = 2;
  limited.window = std::chrono::hours(1);
  Log log(limited);
  for (int i = 0; i < 5; ++i) log(kPeer, "a", i);
  EXPECT_EQ(log.suppressed(), 3U);
  constexpr Message kOther{"HA-PEER-0009", LogLevel::info, "other", "", ""};
  log(kOther);
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("for 1 ms"));
  EXPECT_THAT(text, Not(HasSubstr("for 2 ms")));
  EXPECT_THAT(text, HasSubstr("other"));
}

TEST_F(LogTest, ANewWindowReportsTheOldOne) {
  LogConfig limited = config();
  limited.burst = 1;
  limited.window = Duration(0);  // every line opens a new window
  Log open(limited);
  open(kPeer, "a", 1);
  open(kPeer, "a", 2);
  EXPECT_EQ(open.suppressed(), 0U);
  static_cast<void>(written());
  limited.burst = 0;
  Log shut(limited);
  shut(kPeer, "a", 1);
  shut(kPeer, "a", 2);
  EXPECT_THAT(written(), HasSubstr("HA-PEER-0002 (1 more of these were left out)"));
  shut.flush_suppressed();
  EXPECT_THAT(written(), HasSubstr("(1 more of these were left out)"));
  shut.flush_suppressed();
  EXPECT_EQ(written(), "") << "told once";
}

}  // namespace
}  // namespace hotpair::platform::io
