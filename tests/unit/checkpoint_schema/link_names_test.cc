#include "checkpoint/schema/link_names.h"

#include <gtest/gtest.h>

namespace hotpair::checkpoint::schema {
namespace {

TEST(LinkNames, both_ways) {
  LinkNames names;
  ASSERT_TRUE(names.bind(LinkId(1), {VrfId(0), "GigabitEthernet0/1/0", std::nullopt}));
  ASSERT_TRUE(names.bind(LinkId(2), {VrfId(3), "Eth-Trunk1", TrunkRef{17, 1}}));
  EXPECT_EQ(names.find("GigabitEthernet0/1/0"), LinkId(1));
  EXPECT_EQ(names.find(TrunkRef{17, 1}), LinkId(2));
  EXPECT_FALSE(names.find(TrunkRef{18, 1}));
  EXPECT_FALSE(names.find("Eth-Trunk2"));
  ASSERT_NE(names.name_of(LinkId(2)), nullptr);
  EXPECT_EQ(names.name_of(LinkId(2))->vrf, VrfId(3));
  EXPECT_EQ(names.name_of(LinkId(9)), nullptr);
}

TEST(LinkNames, a_new_binding_replaces_the_old_one) {
  LinkNames names;
  ASSERT_TRUE(names.bind(LinkId(2), {VrfId(0), "Eth-Trunk1", TrunkRef{17, 1}}));
  ASSERT_TRUE(names.bind(LinkId(2), {VrfId(0), "Eth-Trunk1", TrunkRef{18, 1}}));
  EXPECT_FALSE(names.find(TrunkRef{17, 1}));
  EXPECT_EQ(names.find(TrunkRef{18, 1}), LinkId(2));
  names.unbind(LinkId(2));
  names.unbind(LinkId(2));
  EXPECT_FALSE(names.find(TrunkRef{18, 1}));
  EXPECT_FALSE(names.find("Eth-Trunk1"));
}

TEST(LinkNames, one_name_is_one_interface) {
  LinkNames names;
  ASSERT_TRUE(names.bind(LinkId(1), {VrfId(0), "a", TrunkRef{17, 1}}));
  EXPECT_EQ(names.bind(LinkId(2), {VrfId(0), "a", std::nullopt}).error().code, ErrorCode::exists);
  EXPECT_EQ(names.bind(LinkId(2), {VrfId(0), "b", TrunkRef{17, 1}}).error().code,
            ErrorCode::exists);
  EXPECT_EQ(names.name_of(LinkId(2)), nullptr);
  EXPECT_EQ(names.bind(LinkId(2), {VrfId(0), "", std::nullopt}).error().code, ErrorCode::refused);
  EXPECT_FALSE(names.bind(LinkId(2), {VrfId(0), std::string(65, 'x'), std::nullopt}));
}

}  // namespace
}  // namespace hotpair::checkpoint::schema
