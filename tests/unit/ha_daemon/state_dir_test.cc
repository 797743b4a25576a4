#include "ha/daemon/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "platform/base/ids.h"

namespace hotpair::ha::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::TempDir;

/// A directory of this test alone, gone at its end.
class StateDir : public ::testing::Test {
 protected:
  StateDir() {
    std::string name = TempDir() + "state-dir-XXXXXX";
    root = ::mkdtemp(name.data());
  }
  ~StateDir() override {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  std::filesystem::path root;
};

TEST_F(StateDir, TheNodeIdIsMadeOnceWithWhatLeadsToIt) {
  const auto directory = root / "a" / "b";
  const auto made = open_state_dir(directory, 0x1234);
  ASSERT_TRUE(made.has_value()) << made.error().detail;
  EXPECT_EQ(made->value(), 0x1235U);  // never zero
  const auto again = open_state_dir(directory, 0x9999);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, *made);
  struct stat found {};
  ASSERT_EQ(::stat(directory.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST_F(StateDir, ADamagedIdIsAnErrorAndStays) {
  ASSERT_TRUE(replace_file(root / "node-id", "nonsense\n").has_value());
  const auto opened = open_state_dir(root, 1);
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().detail, HasSubstr("16 hexadecimal digits"));
  EXPECT_EQ(read_file(root / "node-id", 64), "nonsense\n");
}

TEST_F(StateDir, FilesAreReplacedWholeAndKeepTheirMode) {
  const auto file = root / "hotpair.conf";
  ASSERT_TRUE(replace_file(file, "one\n").has_value());
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  ASSERT_TRUE(replace_file(file, "two\n").has_value());
  EXPECT_EQ(read_file(file, 64), "two\n");
  struct stat found {};
  ASSERT_EQ(::stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_FALSE(replace_file(root / "none" / "file", "x").has_value());
  EXPECT_EQ(read_file(file, 2).error().code, ErrorCode::refused);
  EXPECT_EQ(read_file(root / "none", 2).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace hotpair::ha::daemon
