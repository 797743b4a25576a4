// The device, its members, and what an operator is told.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/kernel/bpf_load.h"
#include "platform/kernel/link_editor.h"
#include "platform/kernel/link_monitor.h"
#include "tests/unit/platform_kernel_trunk/trunk_lab.h"

namespace hotpair::platform::kernel {
namespace {

using lab::address;
using lab::numbered;
using lab::word_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EthTrunkDeviceTest : public lab::TrunkLab {
 protected:
  LinkDetails link(const std::string& device) const {
    const lab::Inside inside(router_);
    auto editor = LinkEditor::open();
    EXPECT_TRUE(editor);
    auto found = editor->find(device);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? *found : LinkDetails{};
  }
  Result<void> set(const std::vector<std::pair<std::uint32_t, int>>& list) {
    const auto wanted = members(list);
    const lab::Inside inside(router_);
    return end_->trunks->set_members(kSlot, wanted);
  }
  Result<EthTrunkDevice> ensure(const EthTrunkConfig& wanted) {
    const lab::Inside inside(router_);
    return end_->trunks->ensure(wanted);
  }
};

TEST_F(EthTrunkDeviceTest, ComesUpWithCarrierAndItsOwnMac) {
  const LinkDetails trunk = link("Eth-Trunk1");
  const LinkDetails hidden = link("hp-Eth-Trunk1");
  EXPECT_EQ(trunk.peer, hidden.index);
  EXPECT_TRUE(trunk.admin_up);
  EXPECT_TRUE(hidden.admin_up);
  EXPECT_EQ(trunk.mtu, 1500U);
  EXPECT_EQ(trunk.mac.octets[0] & 0x03U, 0x02U) << "locally administered, unicast";
  EXPECT_NE(trunk.mac, link("m0").mac);
  EXPECT_TRUE(link("m0").promiscuous);
  const lab::Inside inside(router_);
  const auto monitor = LinkMonitor::open();
  ASSERT_TRUE(monitor);
  EXPECT_TRUE(monitor->find("Eth-Trunk1")->up());
  EXPECT_THAT(monitor->find("hp-Eth-Trunk1")->addresses, IsEmpty()) << "a wire has no address";
  const auto devices = end_->trunks->devices();
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].slot, kSlot);
  EXPECT_EQ(devices[0].device, trunk.index);
  EXPECT_EQ(devices[0].gate_slot, kGateSlot);
  EXPECT_EQ(devices[0].members.size(), 3U);
}

TEST_F(EthTrunkDeviceTest, EnsureAgainChangesNothing) {
  const LinkDetails before = link("Eth-Trunk1");
  const auto again = ensure(config());
  ASSERT_TRUE(again) << again.error().detail;
  const LinkDetails after = link("Eth-Trunk1");
  EXPECT_EQ(after.index, before.index);
  EXPECT_EQ(after.mac, before.mac);
  EXPECT_EQ(after.mtu, before.mtu);
}

TEST_F(EthTrunkDeviceTest, MacAndMtuAreConfigurable) {
  EthTrunkConfig wanted = config();
  wanted.mac = MacAddress::parse("02:00:00:00:aa:01").value();
  wanted.mtu = 1400;
  ASSERT_TRUE(ensure(wanted));
  EXPECT_EQ(link("Eth-Trunk1").mac, wanted.mac);
  EXPECT_EQ(link("Eth-Trunk1").mtu, 1400U);
  wanted.mac.reset();
  wanted.mtu.reset();
  ASSERT_TRUE(ensure(wanted));
  EXPECT_EQ(link("Eth-Trunk1").mac, MacAddress::parse("02:00:00:00:aa:01").value())
      << "an address stays until another is asked for";
  EXPECT_EQ(link("Eth-Trunk1").mtu, 1500U);
  wanted.mtu = 9000;
  ASSERT_TRUE(ensure(wanted));
  EXPECT_EQ(link("Eth-Trunk1").mtu, 1500U) << "no more than the members allow";
}

TEST_F(EthTrunkDeviceTest, MtuFollowsTheSmallestMember) {
  router_.run("ip link set m0 mtu 9000 && ip link set m1 mtu 9000 && ip link set m3 mtu 1300");
  ASSERT_TRUE(set({{0, 0}, {1, 1}}));
  EXPECT_EQ(link("Eth-Trunk1").mtu, 9000U);
  ASSERT_TRUE(set({{0, 0}, {1, 1}, {3, 3}}));
  EXPECT_EQ(link("Eth-Trunk1").mtu, 1300U);
  ASSERT_TRUE(set({}));
  EXPECT_EQ(link("Eth-Trunk1").mtu, 1300U) << "without members it stays";
}

TEST_F(EthTrunkDeviceTest, AReleasedMemberIsAnOrdinaryInterfaceAgain) {
  router_.run("ip link set m2 promisc on");  // not ours: it stays
  ASSERT_TRUE(set({{0, 0}, {1, 1}}));
  ASSERT_TRUE(set({{0, 0}}));
  EXPECT_FALSE(link("m1").promiscuous);
  end_->words->store(kSlot, word_of(kAll, kAll));
  ports_[1]->send(numbered(address("10.1.0.2"), address("10.1.0.1"), 1));
  members_[1]->send(numbered(address("10.1.0.1"), address("10.1.0.2"), 2));
  EXPECT_TRUE(ports_[1]->wait_for([](ByteSpan frame) { return lab::number_of(frame) == 2; }))
      << "no guard any more";
  EXPECT_EQ(trunk_->count("<1>"), 0U);
  EXPECT_EQ(exits_of({numbered(address("10.1.0.1"), address("10.1.0.2"), 0)})[0], 0);
  ASSERT_TRUE(set({{0, 0}, {5, 1}})) << "and may come back at another index";
  end_->words->store(kSlot, word_of(1U << 5U, 1U << 5U));
  EXPECT_EQ(exits_of({numbered(address("10.1.0.1"), address("10.1.0.2"), 0)})[0], 1);
}

TEST_F(EthTrunkDeviceTest, AMemberWhoseDeviceIsGoneLeavesQuietly) {
  router_.run("ip link del m2");
  ASSERT_TRUE(set({{0, 0}, {1, 1}}));
  EXPECT_EQ(end_->trunks->devices()[0].members.size(), 2U);
  std::vector<Bytes> frames;
  for (int n = 0; n < 100; ++n)
    frames.push_back(numbered(address("10.1.0.1"), address("10.1.0.2"), n));
  static_cast<void>(exits_of(frames));
}

TEST_F(EthTrunkDeviceTest, RemovedWithEverythingThatWasOurs) {
  {
    const lab::Inside inside(router_);
    ASSERT_TRUE(end_->trunks->remove(kSlot));
    EXPECT_TRUE(end_->trunks->remove(kSlot)) << "again is fine";
    EXPECT_EQ(::if_nametoindex("Eth-Trunk1"), 0U);
    EXPECT_EQ(::if_nametoindex("hp-Eth-Trunk1"), 0U);
    EXPECT_THAT(end_->trunks->devices(), IsEmpty());
  }
  EXPECT_FALSE(link("m0").promiscuous);
  EXPECT_EQ(counters(), EthTrunkCounters{});
  members_[0]->send(numbered(address("10.1.0.1"), address("10.1.0.2"), 1));
  EXPECT_TRUE(ports_[0]->wait_for([](ByteSpan frame) { return lab::number_of(frame) == 1; }));
  ASSERT_TRUE(ensure(config()));
}

TEST_F(EthTrunkDeviceTest, ADeviceDeletedByOthersIsMadeAgain) {
  router_.run("ip link del Eth-Trunk1");
  const auto made = ensure(config());
  ASSERT_TRUE(made) << made.error().detail;
  end_->open(kAll);
  trunk_ = std::make_unique<lab::Wire>(router_, "Eth-Trunk1");
  static_cast<void>(exits_of({numbered(address("10.1.0.1"), address("10.1.0.2"), 0)}));
}

TEST_F(EthTrunkDeviceTest, TwoTrunksDoNotMix) {
  ASSERT_TRUE(set({{0, 0}, {1, 1}}));
  EthTrunkConfig second = config();
  second.slot = 2;
  second.device = "Eth-Trunk20";
  second.members = members({{0, 2}, {1, 3}});
  ASSERT_TRUE(ensure(second));
  end_->words->store(kSlot, word_of(0, 0));
  end_->words->store(2, word_of(3, 1));
  const lab::Wire other(router_, "Eth-Trunk20");
  other.send(numbered(address("10.1.0.1"), address("10.1.0.2"), 7));
  EXPECT_TRUE(ports_[2]->wait_for([](ByteSpan frame) { return lab::number_of(frame) == 7; }));
  ports_[3]->send(numbered(address("10.1.0.2"), address("10.1.0.1"), 8));
  EXPECT_TRUE(other.wait_for([](ByteSpan frame) { return lab::number_of(frame) == 8; }));
  EXPECT_EQ(trunk_->count("<8>"), 0U);
  second.members = members({{0, 0}});
  const auto stolen = ensure(second);
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().detail, "m0 is a member of the Eth-Trunk in slot 1 already");
}

TEST_F(EthTrunkDeviceTest, DormantBelowLeastActiveLinksButNeverWithoutCarrier) {
  EthTrunkConfig wanted = config();
  wanted.least_active_links = 2;
  ASSERT_TRUE(ensure(wanted));
  router_.run("ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev Eth-Trunk1 nud reachable");
  const lab::Inside inside(router_);
  ASSERT_TRUE(lab::eventually([&] { return end_->trunks->update_operational(kSlot).value(); }));
  end_->words->store(kSlot, word_of(0b001, 0b001));
  ASSERT_TRUE(lab::eventually([&] { return !end_->trunks->update_operational(kSlot).value(); }));
  EXPECT_TRUE(link("Eth-Trunk1").dormant);
  const auto monitor = LinkMonitor::open();
  EXPECT_TRUE(monitor->find("Eth-Trunk1")->carrier);
  router_.run("ip neigh show dev Eth-Trunk1 | grep -q 10.1.0.9");
  router_.run("ip route show dev Eth-Trunk1 | grep 10.1.0.0/24 | grep -qv linkdown");
  static_cast<void>(exits_of({numbered(address("10.1.0.1"), address("10.1.0.2"), 0)}));
  end_->gate_words->store(kGateSlot, gate::kGateClosed);
  EXPECT_EQ(end_->trunks->update_operational(kSlot), true) << "a backup stays up";
  EXPECT_FALSE(link("Eth-Trunk1").dormant);
  end_->gate_words->store(kGateSlot, gate::kGateOpen);
  EXPECT_EQ(end_->trunks->update_operational(kSlot), false);
  end_->words->store(kSlot, word_of(0b101, 0b101));
  EXPECT_EQ(end_->trunks->update_operational(kSlot), true);
  EXPECT_EQ(end_->trunks->update_operational(0).error().code, ErrorCode::not_found);
}

TEST_F(EthTrunkDeviceTest, RefusalsSayWhatIsWrongAndChangeNothing) {
  router_.run(
      "ip link add br0 type bridge && ip link set m3 master br0 && "
      "ip link add other0 type veth peer name other1");
  const auto refused = [&](const EthTrunkConfig& wanted) {
    const auto made = ensure(wanted);
    EXPECT_FALSE(made);
    return made ? std::string{} : made.error().detail;
  };
  EthTrunkConfig wanted = config();
  wanted.members = members({{0, 0}, {1, 3}});
  EXPECT_THAT(refused(wanted), HasSubstr("m3 is a port of another device"));
  wanted.members = {{0, index_of("lo")}};
  EXPECT_THAT(refused(wanted), HasSubstr("lo is not an Ethernet interface"));
  wanted.members = {{0, index_of("Eth-Trunk1")}};
  EXPECT_THAT(refused(wanted), HasSubstr("trunks do not nest"));
  wanted.members = members({{0, 0}, {0, 1}});
  EXPECT_EQ(refused(wanted), "two members have the index 0");
  wanted.members = members({{0, 0}, {1, 0}});
  EXPECT_THAT(refused(wanted), HasSubstr("is a member twice"));
  wanted.members = members({{32, 0}});
  EXPECT_EQ(refused(wanted), "member index 32: an Eth-Trunk has members 0 to 31");
  wanted.members = {{0, Ifindex(4000)}};
  EXPECT_EQ(refused(wanted), "interface 4000 does not exist");
  wanted = config();
  wanted.slot = 4;
  EXPECT_EQ(refused(wanted), "trunk slot 4 does not exist: there are 4");
  wanted = config();
  wanted.slot = 2;
  wanted.members.clear();
  wanted.device = "other0";
  EXPECT_THAT(refused(wanted), HasSubstr("other0 exists and is no Eth-Trunk of hotpair"));
  wanted.device = "a-name-of-more-than-15";
  EXPECT_THAT(refused(wanted), HasSubstr("cannot be the name of a device"));
  EXPECT_EQ(end_->trunks->devices().size(), 1U);
  EXPECT_EQ(end_->trunks->devices()[0].members.size(), 3U);
  static_cast<void>(exits_of({numbered(address("10.1.0.1"), address("10.1.0.2"), 0)}));
  EXPECT_EQ(end_->trunks->set_members(2, {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(end_->trunks->counters(9).error().code, ErrorCode::not_found);
}

TEST_F(EthTrunkDeviceTest, WithoutRightsTheMissingOneIsNamed) {
  const int words = end_->gates->descriptors().words;
  EXPECT_EQ(EthTrunks::create(words, 0).error().code, ErrorCode::refused);
  EXPECT_EQ(EthTrunks::create(end_->gates->descriptors().slots, 4).error().code,
            ErrorCode::malformed);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setuid(65534) != 0) ::_exit(2);
    const auto denied = EthTrunks::create(words, 4);
    ::_exit(!denied && denied.error().code == ErrorCode::refused &&
                    denied.error().detail.find("CAP_BPF and CAP_NET_ADMIN are missing") !=
                        std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(BpfLoadErrorTest, NamesTheRightTheLimitOrTheVerifiersReason) {
  const LoadRights all{true, true, ~std::uint64_t{0}};
  const Error capability = bpf_load_error("gate", EPERM, "", {false, true, 0});
  EXPECT_EQ(capability.code, ErrorCode::refused);
  EXPECT_THAT(capability.detail, HasSubstr("CAP_BPF is missing"));
  const Error limit = bpf_load_error("Eth-Trunk", EPERM, "", {true, true, 65536});
  EXPECT_THAT(limit.detail, HasSubstr("RLIMIT_MEMLOCK is 65536 bytes"));
  EXPECT_THAT(bpf_load_error("gate", EPERM, "", all).detail, HasSubstr("lockdown"));
  const std::string log =
      "0: R1=ctx()\n; u32 x = y; @ f.c:3\n3: (61) r0 = *(u32 *)(r1 +900)\n"
      "invalid bpf_context access off=900 size=4\nprocessed 4 insns (limit 1000000) max_states\n";
  const Error verifier = bpf_load_error("gate", EACCES, log, all);
  EXPECT_EQ(verifier.code, ErrorCode::unsupported);
  EXPECT_THAT(verifier.detail,
              HasSubstr("the verifier says: 3: (61) r0 = *(u32 *)(r1 +900) | invalid bpf_context "
                        "access off=900 size=4"));
  EXPECT_LE(verifier_reason(std::string(5000, 'x')).size(), 303U);
  EXPECT_EQ(verifier_reason(std::string("\0\0\0", 3)), "");
  EXPECT_EQ(bpf_load_error("gate", ENOMEM, "", all).code, ErrorCode::exhausted);
  EXPECT_EQ(bpf_load_error("gate", EIO, "", all).code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace hotpair::platform::kernel
