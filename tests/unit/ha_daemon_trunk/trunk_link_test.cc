// Eth-Trunk devices as the daemon makes them, in a namespace of the test's own.
#include "ha/daemon/trunk_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include "platform/kernel/gate.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::ha::daemon {
namespace {

namespace kernel = platform::kernel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kGate = 2;

FileDescriptor copy(int fd) { return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

class TrunkLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab::privileged()) << "root tests need root";
    inside_.emplace(space_);
    space_.run(
        "ip link add m0 type veth peer name p0 && ip link add m1 type veth peer name p1 && "
        "ip link set p0 up && ip link set p1 up");
    gates_ = kernel::GateTable::create(4).value();
    links_.emplace(kernel::LinkMonitor::open().value());
    start({});
  }
  /// A new life of the daemon.
  void start(kernel::EthTrunks::KeptMaps kept) {
    trunk_link_.emplace(log_);
    const auto opened = trunk_link_->open(gates_->descriptors().words, std::move(kept), *links_);
    ASSERT_TRUE(opened) << opened.error().detail;
  }
  kernel::EthTrunks::KeptMaps kept() const {
    const auto all = trunk_link_->descriptors();
    EXPECT_THAT(all, SizeIs(4));
    return {copy(all[0].second), copy(all[1].second), copy(all[2].second), copy(all[3].second)};
  }
  void configure(std::vector<std::string> members, bool scoped = false) {
    std::vector<WantedTrunk> wanted;
    if (!members.empty()) wanted.push_back({1, "eth-trunk1", scoped, std::move(members)});
    trunk_link_->configure(std::move(wanted), *links_);
    refresh();
  }
  void refresh() {
    ASSERT_TRUE(links_->refresh());
    trunk_link_->links_changed(*links_);
  }
  static bool exists(const char* device) { return ::if_nametoindex(device) != 0; }
  /// What the maps say, read by another object on the same maps.
  std::vector<kernel::EthTrunkDevice> devices() const {
    const auto looker = kernel::EthTrunks::adopt(gates_->descriptors().words, kept());
    EXPECT_TRUE(looker);
    return looker ? (*looker)->devices() : std::vector<kernel::EthTrunkDevice>{};
  }

  lab::Namespace space_;
  std::optional<lab::Inside> inside_;
  platform::io::Log log_{platform::io::LogConfig{}};
  std::unique_ptr<kernel::GateTable> gates_;
  std::optional<kernel::LinkMonitor> links_;
  std::optional<TrunkLink> trunk_link_;
};

TEST_F(TrunkLinkTest, MadeWithItsFirstMemberAndFollowsTheOthers) {
  configure({"m5"});
  EXPECT_FALSE(exists("eth-trunk1")) << "no member exists yet";
  configure({"m5", "m1"});
  ASSERT_TRUE(exists("eth-trunk1"));
  EXPECT_THAT(devices().at(0).members,
              ElementsAre(kernel::EthTrunkMember{1, Ifindex(::if_nametoindex("m1"))}));
  space_.run("ip link add m5 type veth peer name p5");
  refresh();
  EXPECT_THAT(devices().at(0).members,
              ElementsAre(kernel::EthTrunkMember{0, Ifindex(::if_nametoindex("m5"))},
                          kernel::EthTrunkMember{1, Ifindex(::if_nametoindex("m1"))}));
  space_.run("ip link del m1");
  refresh();
  EXPECT_THAT(devices().at(0).members, SizeIs(1));
  space_.run("ip link set m5 mtu 1400");
  refresh();
  EXPECT_EQ(links_->refresh().has_value(), true);
  EXPECT_EQ(links_->find("eth-trunk1")->mtu, 1400U);
  EXPECT_TRUE(trunk_link_->counters(1));
  EXPECT_FALSE(trunk_link_->counters(2));
  configure({});
  EXPECT_FALSE(exists("eth-trunk1"));
  EXPECT_THAT(devices(), IsEmpty());
}

TEST_F(TrunkLinkTest, AScopesTrunkIsClosedUntilItsGateIsKnown) {
  configure({"m0"}, true);
  ASSERT_TRUE(devices().at(0).gate_slot);
  EXPECT_GE(*devices().at(0).gate_slot, gates_->slots()) << "a slot that does not exist is closed";
  EXPECT_TRUE(trunk_link_->attach_gate("eth-trunk1", kGate, *links_));
  EXPECT_EQ(devices().at(0).gate_slot, kGate);
  EXPECT_FALSE(trunk_link_->attach_gate("m1", kGate, *links_)) << "an ordinary interface";
  EXPECT_TRUE(trunk_link_->detach_gate("eth-trunk1", *links_));
  EXPECT_GE(*devices().at(0).gate_slot, gates_->slots());
  configure({"m0"}, false);
  EXPECT_EQ(devices().at(0).gate_slot, std::nullopt);
}

TEST_F(TrunkLinkTest, ANewLifeKeepsSlotsIndexesAndGate) {
  configure({"m0", "m1"}, true);
  ASSERT_TRUE(trunk_link_->attach_gate("eth-trunk1", kGate, *links_));
  configure({"m1"}, true);
  const auto plan = trunk_link_->plan();
  EXPECT_THAT(plan.at(0).members, ElementsAre(PlannedMember{1, "m1"}));
  const unsigned device = ::if_nametoindex("eth-trunk1");
  auto maps = kept();
  start(std::move(maps));
  configure({"m0", "m1"}, true);
  EXPECT_EQ(::if_nametoindex("eth-trunk1"), device);
  EXPECT_THAT(trunk_link_->plan().at(0).members,
              ElementsAre(PlannedMember{0, "m0"}, PlannedMember{1, "m1"}));
  EXPECT_EQ(devices().at(0).gate_slot, kGate) << "open as before, until the node says otherwise";
  maps = kept();
  start(std::move(maps));
  configure({});
  EXPECT_FALSE(exists("eth-trunk1")) << "what is not configured any more goes";
}

TEST_F(TrunkLinkTest, AMemberMovesFromOneTrunkToAnother) {
  trunk_link_->configure({{1, "eth-trunk1", false, {"m0", "m1"}}}, *links_);
  refresh();
  trunk_link_->configure({{1, "eth-trunk1", false, {"m0"}}, {2, "a-trunk2", false, {"m1"}}},
                         *links_);
  refresh();
  ASSERT_THAT(devices(), SizeIs(2));
  EXPECT_THAT(devices()[0].members, SizeIs(1));
  EXPECT_THAT(devices()[1].members, SizeIs(1));
  trunk_link_->configure({{1, "eth-trunk1", false, {"m1"}}, {2, "a-trunk2", false, {"m0"}}},
                         *links_);
  refresh();
  EXPECT_EQ(devices()[0].members[0].interface, Ifindex(::if_nametoindex("m1")));
  EXPECT_EQ(devices()[1].members[0].interface, Ifindex(::if_nametoindex("m0")));
}

TEST_F(TrunkLinkTest, ADeviceOfOthersStaysAnOrdinaryInterface) {
  space_.run("ip link add eth-trunk1 type bridge");
  refresh();
  configure({"m0"}, true);
  EXPECT_FALSE(trunk_link_->attach_gate("eth-trunk1", kGate, *links_));
  EXPECT_FALSE(trunk_link_->counters(1));
  EXPECT_THAT(devices(), IsEmpty());
  space_.run("ip link del eth-trunk1");
  refresh();
  refresh();
  EXPECT_TRUE(trunk_link_->attach_gate("eth-trunk1", kGate, *links_)) << "now it can be made";
}

TEST_F(TrunkLinkTest, ADeletedTrunkComesBack) {
  configure({"m0"}, true);
  ASSERT_TRUE(trunk_link_->attach_gate("eth-trunk1", kGate, *links_));
  space_.run("ip link del eth-trunk1");
  refresh();
  ASSERT_TRUE(exists("eth-trunk1"));
  EXPECT_EQ(devices().at(0).gate_slot, kGate);
  trunk_link_->update_operational();
}

}  // namespace
}  // namespace hotpair::ha::daemon
