#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/unit/ha_cli/golden.h"

/// `hotpair render frr` as a program: files, exit codes, what goes where. No daemon runs.
namespace hotpair::ha::cli {
namespace {

using testing::golden;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RenderProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hotpair-render-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  struct Ended {
    int code = -1;
    std::string out;
    std::string err;
  };
  Ended run(const std::string& words) const {
    const std::string err = (folder_ / "err").string();
    const std::string command = std::string(HOTPAIR_PROGRAM) + " render frr " + words + " 2>" + err;
    Ended ended;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return ended;
    std::array<char, 4096> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
      ended.out.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ostringstream text;
    text << std::ifstream(err).rdbuf();
    ended.err = text.str();
    return ended;
  }

  std::filesystem::path folder_;
};

TEST_F(RenderProgram, ASeedsFile) {
  const std::string seed = std::string(HOTPAIR_SOURCE_DIR) + "/tests/golden/seed003/DeviceA.conf";
  const Ended ended = run(seed + " --strict");
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, golden("seed003/DeviceA.frr.conf"));
  EXPECT_THAT(ended.err, IsEmpty());
}

TEST_F(RenderProgram, PortsAreMapped) {
  const std::string config = file("hotpair.conf", golden("seed004/DeviceB.conf"));
  const Ended ended = run(config + " --ports " + file("ports.conf", "GigabitEthernet0/1/1 ens5\n"));
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("interface ens5\n ipv6 router isis 1\n"));
  EXPECT_EQ(run(config + " --ports /nowhere").code, 1);
  const Ended wrong = run(config + " --ports " + file("wrong.conf", "GigabitEthernet0/1/1 a/b\n"));
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("wrong.conf:1:"));
}

TEST_F(RenderProgram, StrictRefusesWhatHasNoCounterpart) {
  const std::string config = file("hotpair.conf", "#\nospf 1\n vlink-peer 1.1.1.1\n#\nreturn\n");
  const Ended loose = run(config);
  EXPECT_EQ(loose.code, 0);
  EXPECT_THAT(loose.err, HasSubstr("hotpair.conf:3: warning: ospf 1: "));
  EXPECT_THAT(loose.out, HasSubstr("! Not translated:\n"));
  EXPECT_EQ(run("--strict " + config).code, 1);
}

TEST_F(RenderProgram, WrongFilesAndWordsAreRefused) {
  EXPECT_THAT(run("/nowhere").err, HasSubstr("cannot read /nowhere"));
  const Ended broken = run(file("hotpair.conf", "sysnmae A\n"));
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.err, HasSubstr("hotpair.conf:1:1: error: "));
  EXPECT_THAT(broken.out, IsEmpty());
  EXPECT_THAT(run("--stric").err, HasSubstr("expected: render frr [FILE]"));
}

}  // namespace
}  // namespace hotpair::ha::cli
