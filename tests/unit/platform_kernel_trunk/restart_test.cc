// The trunk outlives the process that made it, and a new one takes over without losing a frame.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/unit/platform_kernel_trunk/trunk_lab.h"

namespace hotpair::platform::kernel {
namespace {

using lab::address;
using lab::number_of;
using lab::numbered;
using lab::word_of;

class EthTrunkRestartTest : public lab::TrunkLab {
 protected:
  static constexpr int kBurst = 60;

  static FileDescriptor copy(int fd) { return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
  /// As a keeper holds them for the next daemon.
  EthTrunks::KeptMaps kept() const {
    const EthTrunkDescriptors maps = end_->trunks->descriptors();
    return {copy(maps.words), copy(maps.ports), copy(maps.trunks), copy(maps.counters)};
  }
  /// Takes what has come of a burst into `seen`, by number.
  static void collect(const lab::Wire& wire, std::vector<int>& seen) {
    static_cast<void>(wire.wait_for(
        [&](ByteSpan frame) {
          const std::optional<int> number = number_of(frame);
          if (number && static_cast<std::size_t>(*number) < seen.size())
            ++seen[static_cast<std::size_t>(*number)];
          return false;
        },
        std::chrono::milliseconds(0)));
  }
  /// One burst out of the trunk and one into it by every member; false when a frame is lost.
  bool burst() const {
    std::vector<int> out(kBurst);
    std::vector<int> in(kBurst);
    for (int n = 0; n < kBurst; ++n) {
      trunk_->send(numbered(address("fd01::1"), address("fd01::2"), n));
      ports_[static_cast<std::size_t>(n) % kMembers]->send(
          numbered(address("10.1.0.2"), address("10.1.0.1"), n));
    }
    const auto all_once = [](const std::vector<int>& seen) {
      return std::ranges::all_of(seen, [](int times) { return times == 1; });
    };
    return lab::eventually([&] {
      for (std::size_t port = 0; port < kMembers; ++port) collect(*ports_[port], out);
      collect(*trunk_, in);
      return all_once(out) && all_once(in);
    });
  }
};

TEST_F(EthTrunkRestartTest, AdoptionUnderTrafficLosesNothing) {
  std::atomic<int> bursts = 0;
  std::atomic<int> lost = 0;
  std::jthread traffic([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && lost == 0) {
      if (!burst()) ++lost;
      ++bursts;
    }
  });
  const EthTrunkDevice before = end_->trunks->devices().at(0);
  const EthTrunkCounters count = counters();
  for (int life = 0; life < 25 && lost == 0; ++life) {
    EthTrunks::KeptMaps maps = kept();
    end_->trunks.reset();  // nothing is left of the daemon but filters and the kept maps
    const int seen = bursts;
    EXPECT_TRUE(lab::eventually([&] { return bursts > seen; })) << "traffic without a daemon";
    const lab::Inside inside(router_);
    auto adopted = EthTrunks::adopt(end_->gates->descriptors().words, std::move(maps));
    ASSERT_TRUE(adopted) << adopted.error().detail;
    end_->trunks = std::move(*adopted);
    const auto devices = end_->trunks->devices();
    ASSERT_EQ(devices.size(), 1U);
    EXPECT_EQ(devices[0].members, before.members);
    const auto ensured = end_->trunks->ensure(config());
    ASSERT_TRUE(ensured) << ensured.error().detail;
    EXPECT_EQ(ensured->device, before.device);
  }
  traffic.request_stop();
  traffic.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GE(bursts, 25);
  EXPECT_EQ(end_->trunks->word(kSlot), word_of(kAll, kAll)) << "the keeper's word is untouched";
  EXPECT_EQ(counters().tx_no_member, count.tx_no_member);
  EXPECT_FALSE(end_->trunks->set_members(kSlot, {{0, Ifindex(4000)}}));
}

TEST_F(EthTrunkRestartTest, OtherMembersComeAndGoUnderTraffic) {
  // m0 to m2 carry the traffic; m3 joins and leaves at index 7 all the time.
  std::atomic<int> lost = 0;
  std::atomic<int> bursts = 0;
  std::jthread traffic([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && lost == 0) {
      if (!burst()) ++lost;
      ++bursts;
    }
  });
  const auto without = members({{0, 0}, {1, 1}, {2, 2}});
  const auto with = members({{0, 0}, {1, 1}, {2, 2}, {7, 3}});
  for (int round = 0; round < 25 && lost == 0; ++round) {
    const lab::Inside inside(router_);
    const auto joined = end_->trunks->set_members(kSlot, with);
    EXPECT_TRUE(joined) << joined.error().detail;
    const auto left = end_->trunks->set_members(kSlot, without);
    EXPECT_TRUE(left) << left.error().detail;
  }
  traffic.request_stop();
  traffic.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GT(bursts, 0);
}

TEST_F(EthTrunkRestartTest, ANewTableOverOldDevicesStartsClosedAndTakesThemOver) {
  const EthTrunkDevice before = end_->trunks->devices().at(0);
  end_->trunks.reset();
  end_->words.reset();
  EXPECT_TRUE(burst()) << "keeper and daemon are gone, the programs hold their maps";
  end_.emplace(router_);  // other maps, as after the death of both
  {
    const lab::Inside inside(router_);
    EthTrunkConfig wanted = config();
    wanted.gate_slot.reset();
    const auto made = end_->trunks->ensure(wanted);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->device, before.device) << "the device is kept, with addresses and routes";
    EXPECT_EQ(made->hidden, before.hidden);
  }
  EXPECT_FALSE(offer(numbered(address("10.1.0.1"), address("10.1.0.2"), 0)));
  EXPECT_GE(counters().tx_no_member, 1U);
  end_->words->store(kSlot, word_of(kAll, kAll));
  EXPECT_TRUE(burst());
}

TEST_F(EthTrunkRestartTest, FiltersOutliveAKilledProcess) {
  {
    const lab::Inside inside(router_);
    ASSERT_TRUE(end_->trunks->remove(kSlot));
  }
  const auto wanted = members({{0, 0}, {1, 1}, {2, 2}});
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    router_.enter();
    auto other = EthTrunks::create(end_->gates->descriptors().words, 4);
    bool done = other.has_value();
    if (done) {
      EthTrunkConfig trunk;
      trunk.slot = kSlot;
      trunk.device = "Eth-Trunk1";
      trunk.members = wanted;
      done = (*other)->ensure(trunk).has_value();
      lab::TrunkWordsMapping words((*other)->descriptors().words);
      words.store(kSlot, word_of(kAll, kAll));
    }
    ::kill(::getpid(), done ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  trunk_ = std::make_unique<lab::Wire>(router_, "Eth-Trunk1");
  EXPECT_TRUE(burst());
}

TEST_F(EthTrunkRestartTest, MapsOfAnotherLayoutAreRefused) {
  const lab::Inside inside(router_);
  EXPECT_EQ(end_->words->header(0), 0x68707472756e0001U);
  EXPECT_EQ(end_->words->header(1), 4U);
  const int words = end_->gates->descriptors().words;
  EthTrunks::KeptMaps maps = kept();
  std::swap(maps.ports, maps.words);
  EXPECT_EQ(EthTrunks::adopt(words, std::move(maps)).error().code, ErrorCode::malformed);
  maps = kept();
  maps.words = copy(words);  // an array of words too, of the gates
  const auto other = EthTrunks::adopt(words, std::move(maps));
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().detail, testing::HasSubstr("trunk words have layout"));
  maps = kept();
  maps.trunks = FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(EthTrunks::adopt(words, std::move(maps)).error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace hotpair::platform::kernel
