#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "checkpoint/schema/record_codec.h"

namespace hotpair::checkpoint::schema {

inline const LinkId kUplink{1};
inline const LinkId kTrunk{2};
inline const ScopeId kScope{17};

inline std::string hex(ByteSpan bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    text += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

inline Group group(const char* text) { return Group::parse(text).value(); }
inline IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
inline IpPrefix prefix(const char* text) { return IpPrefix::parse(text).value(); }

/// An uplink without a scope, and Eth-Trunk1 of backup-id 17.
class CodecFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(codec.links().bind(kUplink, {VrfId(0), "GigabitEthernet0/1/0", std::nullopt}));
    ASSERT_TRUE(codec.links().bind(kTrunk, {VrfId(0), "Eth-Trunk1", TrunkRef{17, 1}}));
  }
  std::uint64_t rejects(DecodeReject reason) const {
    return codec.rejects()[static_cast<std::size_t>(reason)];
  }
  std::uint64_t all_rejects() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : codec.rejects()) sum += count;
    return sum;
  }
  RecordCodec codec;
};

}  // namespace hotpair::checkpoint::schema
