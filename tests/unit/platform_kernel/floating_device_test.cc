// The device of a floating address: a macvlan that nothing passes while the gate is closed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "platform/kernel/gate.h"
#include "platform/kernel/link_editor.h"
#include "platform/kernel/link_monitor.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::kernel {
namespace {

constexpr std::uint32_t kSlot = 3;
constexpr MacAddress kMac{{0x02, 0x68, 10, 0, 0, 254}};

class FloatingDevice : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab::privileged()) << "root tests need root";
    const lab::Inside inside(net_.router);
    table_ = GateTable::create(8).value();
    words_.emplace(gate::GateWords::map_writable(table_->descriptors().words).value());
    LinkEditor editor = LinkEditor::open().value();
    const Ifindex parent = net_.router_index("r0");
    const auto made = editor.create_macvlan("hpf-r0", parent, kMac);
    ASSERT_TRUE(made) << made.error().detail;
    const LinkDetails details = editor.find("hpf-r0").value();
    EXPECT_EQ(details.kind, "macvlan");
    EXPECT_EQ(details.lower, parent);
    EXPECT_EQ(details.mac, kMac);
    EXPECT_FALSE(details.admin_up);
    index_ = details.index;
    ASSERT_TRUE(table_->attach_owner(index_, kSlot));
    ASSERT_TRUE(editor.change(parent, {.own_arp_only = true}));
    ASSERT_TRUE(editor.change(
        index_,
        {.without_ipv6_address = true, .own_arp_only = true, .source_check = SourceCheck::loose}));
    ASSERT_TRUE(editor.change(index_, {.admin_up = true}));
    AddressEditor addresses = AddressEditor::open().value();
    for (const char* text : {"10.0.0.254/32", "fe80::68/64", "fd00:0::fe/128"}) {
      const auto added = addresses.add_shared(index_, IpPrefix::parse(text).value());
      ASSERT_TRUE(added) << added.error().detail;
    }
  }
  [[nodiscard]] bool answers(const std::string& address) const {
    const lab::Inside inside(net_.hosts);
    return std::system(
               ("ip neigh flush dev h0; ping -c 1 -W 1 " + address + " >/dev/null 2>&1").c_str()) ==
           0;
  }
  [[nodiscard]] bool has_mac(const std::string& address, const std::string& mac) const {
    const lab::Inside inside(net_.hosts);
    return std::system(
               ("ip neigh show " + address + " dev h0 | grep -q 'lladdr " + mac + "'").c_str()) ==
           0;
  }

  lab::Topology net_{1};
  std::unique_ptr<GateTable> table_;
  std::optional<gate::GateWords> words_;
  Ifindex index_;
};

TEST_F(FloatingDevice, AnswersWithItsOwnMacWhileTheGateIsOpen) {
  words_->store(kSlot, gate::kGateOpen);
  for (const char* address : {"10.0.0.254", "fd00:0::fe", "fe80::68%h0"})
    EXPECT_TRUE(lab::eventually([&] { return answers(address); })) << address;
  EXPECT_TRUE(has_mac("fe80::68", "02:68:0a:00:00:fe"));
  ASSERT_TRUE(answers("10.0.0.254"));
  EXPECT_TRUE(has_mac("10.0.0.254", "02:68:0a:00:00:fe"));
  ASSERT_TRUE(answers("10.0.0.1"));
  EXPECT_FALSE(has_mac("10.0.0.1", "02:68:0a:00:00:fe")) << "the interface keeps its own MAC";
}

TEST_F(FloatingDevice, IsSilentWhileTheGateIsClosedAndOneStoreDecides) {
  EXPECT_TRUE(lab::eventually([&] { return answers("10.0.0.1"); })) << "the link works";
  for (const char* address : {"10.0.0.254", "fd00:0::fe", "fe80::68%h0"})
    EXPECT_FALSE(answers(address)) << address;
  words_->store(kSlot, gate::kGateOpen);
  EXPECT_TRUE(answers("10.0.0.254"));
  words_->store(kSlot, gate::kGateClosed);
  EXPECT_FALSE(answers("10.0.0.254")) << "not even by the interface under it";
  EXPECT_TRUE(answers("10.0.0.1"));
}

// A lease that ran out closes by itself, with nobody alive to do it.
TEST_F(FloatingDevice, AnExpiredLeaseSilencesIt) {
  words_->store(kSlot, 1);
  EXPECT_FALSE(answers("10.0.0.254"));
}

}  // namespace
}  // namespace hotpair::platform::kernel
