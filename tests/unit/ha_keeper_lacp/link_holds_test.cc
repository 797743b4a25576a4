// Devices that are held down come back: asked for, at the end, and after a crash.
#include "ha/keeper/main/link_holds.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "platform/base/descriptor.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::ha::keeper {
namespace {

using namespace std::chrono_literals;

class LinkHoldsTest : public ::testing::Test {
 protected:
  LinkHoldsTest() {
    space.run("ip link add m0 type veth peer name m1; ip link add n0 type veth peer name n1");
    space.run("for d in m0 m1 n1; do ip link set $d up; done");
    inside = std::make_unique<lab::Inside>(space);
    std::string pattern = (std::filesystem::temp_directory_path() / "held-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
  }
  ~LinkHoldsTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  static bool is_up(const char* device) {
    const FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    EXPECT_EQ(::ioctl(fd.get(), SIOCGIFFLAGS, &request), 0) << device;
    return (request.ifr_flags & IFF_UP) != 0;
  }
  static bool comes(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }
  [[nodiscard]] std::string file() const { return directory / "held-links"; }

  lab::Namespace space;
  std::unique_ptr<lab::Inside> inside;
  std::filesystem::path directory;
};

TEST_F(LinkHoldsTest, GoesDownAndComesBack) {
  LinkHolds holds(file());
  EXPECT_TRUE(holds.give_back_left_over().empty());
  holds.hold("m0");
  EXPECT_TRUE(comes([] { return !is_up("m0"); }));
  EXPECT_TRUE(std::filesystem::exists(file()));
  holds.give_back("m0");
  EXPECT_TRUE(comes([&] { return is_up("m0") && !std::filesystem::exists(file()); }));
  EXPECT_TRUE(holds.take_failures().empty());
}

TEST_F(LinkHoldsTest, WhatIsHeldAtTheEndComesBack) {
  {
    LinkHolds holds(file());
    holds.hold("m0");
    holds.hold("m1");
  }
  EXPECT_TRUE(is_up("m0") && is_up("m1"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(LinkHoldsTest, WhatIsNotHeldIsLeftAlone) {
  LinkHolds holds(file());
  holds.hold("m0");
  holds.give_back("n0");  // an operator has it down
  holds.give_back("m0");
  EXPECT_TRUE(comes([&] { return is_up("m0") && !std::filesystem::exists(file()); }));
  EXPECT_FALSE(is_up("n0"));
}

TEST_F(LinkHoldsTest, ADeviceThatIsNotThereIsTold) {
  LinkHolds holds(file());
  holds.hold("none");
  std::vector<LinkHolds::Failure> failures;
  EXPECT_TRUE(comes([&] {
    failures = holds.take_failures();
    return !failures.empty();
  }));
  EXPECT_EQ(failures.at(0).device, "none");
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(file()); }));
}

TEST_F(LinkHoldsTest, ACrashLeavesAListForTheNextLife) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    LinkHolds holds(file());
    holds.hold("m0");
    ::_exit(comes([] { return !is_up("m0"); }) ? 0 : 1);  // no destructor runs
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(is_up("m0"));
  LinkHolds holds(file());
  EXPECT_EQ(holds.give_back_left_over(), std::vector<std::string>{"m0"});
  EXPECT_TRUE(is_up("m0"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(LinkHoldsTest, NonsenseInTheListIsNotFollowed) {
  std::ofstream(file()) << "\nnone\n" << std::string(40, 'x') << "\nn0";
  LinkHolds holds(file());
  EXPECT_EQ(holds.give_back_left_over(), std::vector<std::string>{"n0"});
  EXPECT_EQ(holds.take_failures().size(), 2U);
  EXPECT_TRUE(is_up("n0"));
}

}  // namespace
}  // namespace hotpair::ha::keeper
