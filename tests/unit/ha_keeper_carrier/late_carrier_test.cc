#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "ha/keeper/main/carrier_counters.h"
#include "ha/keeper/main/carrier_watch.h"

namespace hotpair::ha::keeper {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// In a network namespace of its own, without a name: it is gone with this process. A bridge
/// loses its carrier with its last port, and of that the kernel's link watch tells with its next
/// batch, as of an Ethernet port.
class LateCarrier : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root"; }
  static void run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void SetUp() override {
    run("ip link add br9 type bridge");
    run("ip link add v0 type veth peer name v1");
    run("ip link set v0 master br9");
    for (const char* device : {"br9", "v0", "v1"})
      run(std::string("ip link set ") + device + " up");
    ASSERT_TRUE(waited_for(true, 5s));
  }
  void TearDown() override {
    run("ip link del br9");
    run("ip link del v0");
  }
  /// By netlink alone; the kernel tells when it likes, so it is asked until it has.
  bool waited_for(bool up, steady_clock::duration patience) {
    const auto end = steady_clock::now() + patience;
    while (steady_clock::now() < end) {
      static_cast<void>(links.read());
      if (const auto* link = links.find("br9"); link != nullptr && link->up == up) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }
  /// By polls as the keeper makes them, for less than the second that the link watch may take.
  bool polled_for(bool up) {
    const auto end = steady_clock::now() + 300ms;
    while (steady_clock::now() < end) {
      poll();
      if (links.find("br9")->up == up) return true;
      std::this_thread::sleep_for(10ms);  // the keeper's interval
    }
    return false;
  }
  void poll() {
    for (const unsigned index : counters.poll()) links.ask(index);
    static_cast<void>(links.read());
  }

  CarrierWatch links = std::move(*CarrierWatch::open());
  CarrierCounters counters;
};

TEST_F(LateCarrier, IsSeenByTheNextPoll) {
  counters.watch({{"br9", links.find("br9")->index}});
  EXPECT_TRUE(counters.unwatched().empty());
  poll();
  EXPECT_TRUE(links.find("br9")->up);
  EXPECT_TRUE(counters.poll().empty());
  // The second change within a second is the one that the kernel keeps to itself.
  run("ip link set v1 down; ip link set v1 up");
  ASSERT_TRUE(waited_for(true, 5s));
  run("ip link set v1 down");
  static_cast<void>(links.read());
  RecordProperty("up_without_poll", links.find("br9")->up ? "yes" : "no");
  EXPECT_TRUE(polled_for(false));
  run("ip link set v1 up");
  EXPECT_TRUE(waited_for(true, 5s));
}

TEST_F(LateCarrier, FollowsADeviceThatIsReplaced) {
  const unsigned index = links.find("br9")->index;
  counters.watch({{"br9", index}, {"no-such-device", 77}});
  ASSERT_EQ(counters.unwatched(), std::vector<std::string>{"no-such-device"});
  EXPECT_EQ(counters.poll(), std::vector<unsigned>{index});
  run("ip link del br9");
  EXPECT_EQ(counters.poll(), std::vector<unsigned>{index});
  EXPECT_TRUE(counters.poll().empty());
  run("ip link add br9 type bridge");
  // By its old index it is another device.
  counters.watch({{"br9", index}});
  EXPECT_EQ(counters.unwatched(), std::vector<std::string>{"br9"});
  counters.watch({{"br9", ::if_nametoindex("br9")}});
  EXPECT_TRUE(counters.unwatched().empty());
}

TEST_F(LateCarrier, APollIsCheap) {
  counters.watch({{"br9", links.find("br9")->index}});
  poll();
  constexpr int kPolls = 20'000;
  const auto begin = steady_clock::now();
  for (int i = 0; i < kPolls; ++i) ASSERT_TRUE(counters.poll().empty());
  const auto ns = std::chrono::nanoseconds(steady_clock::now() - begin).count() / kPolls;
  RecordProperty("ns_per_poll", std::to_string(ns));
  std::cout << "one poll of one device: " << ns << " ns\n";
  EXPECT_LT(ns, 100'000);  // a hundredth of the time between two, on a busy machine
}

}  // namespace
}  // namespace hotpair::ha::keeper
