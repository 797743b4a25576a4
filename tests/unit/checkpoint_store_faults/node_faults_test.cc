#include <gmock/gmock.h>

#include "mcast/wire/checksum.h"
#include "tests/unit/checkpoint_store/fixture.h"
#include "tests/unit/checkpoint_store_faults/faulty_disk.h"
#include "tests/unit/ha_node/node_stand.h"

/// What a node over the real store says and does while its disk fails.
namespace hotpair::checkpoint::store::test {
namespace {

using namespace std::chrono_literals;
using ha::node::testing::kScope;
using ha::node::testing::NodeStand;
using ::testing::HasSubstr;

ha::node::NodeConfig with_access_link() {
  ha::node::NodeConfig config = NodeStand::configuration();
  ha::node::LinkSettings link;
  link.name = "Eth-Trunk1";
  link.device = "et1";
  link.ipv4 = true;
  link.scope = kScope;
  link.eth_trunk = 1;
  link.igmp = mcast::gmp::InterfaceConfig{};
  link.igmp->require_router_alert = false;
  config.links = {link};
  return config;
}

struct Master : NodeStand {
  explicit Master(StoreExecutor& on_disk) : NodeStand(Key::absent, with_access_link(), &on_disk) {
    node.on_device({"et1", true, true, {{IpAddress::v4(0x0a010001), 24}}, {}}, now);
    settle();
    connect_keeper();
    keeper(ha::keeper::Alone{ha::node::testing::kTrunk});
  }
  /// A host joins 225.1.1.`n`, by IGMPv2.
  void join(unsigned n) {
    Bytes report{std::byte{0x16}, std::byte{0}, std::byte{0}, std::byte{0},
                 std::byte{225},  std::byte{1}, std::byte{1}, static_cast<std::byte>(n)};
    const std::uint16_t sum = mcast::wire::internet_checksum(report);
    report[2] = static_cast<std::byte>(sum >> 8U);
    report[3] = static_cast<std::byte>(sum & 0xffU);
    const IpAddress group = IpAddress::v4(0xe1010100U + n);
    node.on_group_message({"et1", IpAddress::v4(0x0a010002), group, 1, true, report}, now);
    settle();
  }
  [[nodiscard]] std::size_t groups() const {
    return node.gmp().group_count(node.find_link("Eth-Trunk1")->id, Family::ipv4);
  }
  [[nodiscard]] std::string alarm_text(std::string_view id) const {
    for (const auto& alarm : node.alarms().active())
      if (alarm.message->id == id) return alarm.text;
    return {};
  }
};

std::size_t stored(StoreExecutor& store) {
  return expect<RecordSlice>(store, ScanRecords{kScope, {}, {}, 1000, 1U << 20U}).records.size();
}

TEST(NodeFaults, AFullDiskIsAnAlarmWithItsReasonAndHealsAlone) {
  TempDirectory directory;
  const auto store = open_lmdb(options_for(directory.path()));
  Master master(*store);
  ASSERT_EQ(master.scope().role.role(), ha::role::Role::master);
  master.join(1);
  ASSERT_EQ(master.groups(), 1U);
  ASSERT_EQ(stored(*store), 1U);
  {
    FaultyDisk disk("store.mdb");
    disk.fail_writes(ENOSPC);
    for (unsigned n = 2; n <= 50; ++n) master.join(n);
    master.run(2s);
    EXPECT_THAT(master.alarm_text("HA-NODE-0006"), HasSubstr("No space left on device"));
    EXPECT_TRUE(master.scope().journal.degraded());
    EXPECT_GT(master.scope().journal.store_failures(), 0U);
    EXPECT_EQ(master.groups(), 50U);  // service goes on
  }
  master.run(5s);
  EXPECT_FALSE(master.has_alarm("HA-NODE-0006"));
  EXPECT_FALSE(master.scope().journal.degraded());
  EXPECT_EQ(stored(*store), 50U);
}

TEST(NodeFaults, AnInputOutputErrorIsAnAlarmUntilTheRestart) {
  TempDirectory directory;
  const auto store = open_lmdb(options_for(directory.path()));
  Master master(*store);
  master.join(1);
  {
    FaultyDisk disk("store.mdb");
    disk.fail_writes(EIO);
    master.join(2);
    master.run(1s);
  }
  master.run(5s);
  EXPECT_THAT(master.alarm_text("HA-NODE-0006"), HasSubstr("Input/output error"));
  EXPECT_TRUE(master.scope().journal.degraded());
  master.join(3);
  EXPECT_EQ(master.groups(), 3U);
  EXPECT_EQ(master.scope().role.role(), ha::role::Role::master);
}

TEST(NodeFaults, ASlowStoreIsAnAlarmThatEnds) {
  TempDirectory directory;
  const auto store = open_lmdb(options_for(directory.path()));
  Master master(*store);
  master.node.on_store_age(999ms, master.now);
  EXPECT_FALSE(master.has_alarm("HA-NODE-0032"));
  master.node.on_store_age(1500ms, master.now);
  EXPECT_THAT(master.alarm_text("HA-NODE-0032"), HasSubstr("1500 ms"));
  master.node.on_store_age(0ms, master.now);
  EXPECT_FALSE(master.has_alarm("HA-NODE-0032"));
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
