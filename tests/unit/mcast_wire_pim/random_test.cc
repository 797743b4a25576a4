#include <gtest/gtest.h>

#include <random>

#include "mcast/wire/pim_join_prune.h"
#include "tests/unit/mcast_wire_pim/pim_packets.h"

namespace hotpair::mcast::wire {
namespace {

using testing::ip;

/// Messages with every field at random, from a fixed seed.
class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  Family next_family() { return family_ = number(2) == 0 ? Family::ipv4 : Family::ipv6; }

  PimMessage message() {
    switch (number(8)) {
      case 0:
        return hello();
      case 1:
        return PimRegister{flag(), true, unicast(), group(), {}};
      case 2:
        return PimRegisterStop{group(), flag() ? unicast() : IpAddress::any(family_)};
      case 3:
        return join_prune();
      case 4:
        return bootstrap();
      case 5:
        return PimAssert{group(), unicast(), flag(), {u32() & kPimPreferenceMax, u32()}};
      case 6:
        return PimCandidateRp{u8(), u16(), unicast(), many(&Maker::range)};
      default:
        return df_election();
    }
  }

  IpAddress unicast() {
    if (family_ == Family::ipv4) return IpAddress::v4(0x0a000000U | (u32() & 0xffffffU));
    return address(std::byte{0x20});
  }
  std::uint32_t number(std::uint32_t below) { return random_() % below; }

 private:
  bool flag() { return number(2) == 0; }
  std::uint8_t u8() { return static_cast<std::uint8_t>(random_()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(random_()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(random_()); }

  IpAddress address(std::byte first) {
    Bytes bytes(family_ == Family::ipv4 ? 4 : 16);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(u8());
    bytes[0] = first;
    return *IpAddress::from_bytes(bytes);
  }
  Group group() {
    return *Group::from(address(family_ == Family::ipv4 ? std::byte{0xe1} : std::byte{0xff}));
  }
  template <typename T>
  std::vector<T> many(T (Maker::*make)()) {
    std::vector<T> result;
    for (std::uint32_t i = number(6); i > 0; --i) result.push_back((this->*make)());
    return result;
  }
  PimGroupRange range() {
    return {address(static_cast<std::byte>(u8())), u8(), flag(), flag(),
            static_cast<std::uint8_t>(number(64))};
  }
  PimSource source() {
    return {address(static_cast<std::byte>(u8())), u8(), flag(), flag(), flag(),
            static_cast<std::uint8_t>(number(32))};
  }
  PimGroupSet set() { return {range(), many(&Maker::source), many(&Maker::source)}; }
  PimJoinPrune join_prune() {
    return {address(static_cast<std::byte>(u8())), u16(), many(&Maker::set)};
  }
  PimBootstrapRp rp() { return {unicast(), u16(), u8()}; }
  PimBootstrapRange bootstrap_range() {
    PimBootstrapRange result{range(), 0, many(&Maker::rp)};
    result.rp_count = static_cast<std::uint8_t>(result.rps.size() + number(200));
    return result;
  }
  PimBootstrap bootstrap() {
    const auto hash = static_cast<std::uint8_t>(number(family_ == Family::ipv4 ? 33 : 129));
    return {flag(), u16(), hash, u8(), unicast(), many(&Maker::bootstrap_range)};
  }
  PimHello hello() {
    PimHello hello;
    if (flag()) hello.holdtime_s = u16();
    if (flag()) {
      const auto delay = static_cast<std::uint16_t>(u16() & 0x7fffU);
      hello.lan_prune_delay = PimLanPruneDelay{flag(), delay, u16()};
    }
    if (flag()) hello.dr_priority = u32();
    if (flag()) hello.generation_id = u32();
    if (flag()) hello.state_refresh_s = u8();
    hello.bidirectional = flag();
    if (flag()) hello.addresses = many(&Maker::unicast);
    return hello;
  }
  PimDfElection df_election() {
    PimDfElection message{.action = static_cast<PimDfAction>(1 + number(4)),
                          .rp = unicast(),
                          .sender = {u32(), u32()},
                          .target = IpAddress::any(family_)};
    if (message.action < PimDfAction::backoff) return message;
    message.target = unicast();
    message.target_metric = {u32(), u32()};
    if (message.action == PimDfAction::backoff) message.interval_ms = u16();
    return message;
  }

  std::mt19937 random_;
  Family family_ = Family::ipv4;
};

TEST(PimRandom, RoundTrip) {
  Maker maker(1);
  for (int i = 0; i < 20'000; ++i) {
    const Family family = maker.next_family();
    const PimArrival arrival{maker.unicast(), all_pim_routers(family), 1};
    PimMessage message = maker.message();
    const Bytes pim = encode_pim(message, arrival.source, arrival.destination);
    const auto parsed = parse_pim(pim, arrival);
    ASSERT_TRUE(parsed) << i << ": " << to_string(parsed.error());
    if (auto* made = std::get_if<PimRegister>(&message))  // the dummy header was made
      made->packet = std::get<PimRegister>(parsed->message).packet;
    ASSERT_EQ(parsed->message, message) << i;
    ASSERT_EQ(encode_pim(parsed->message, arrival.source, arrival.destination), pim) << i;
  }
}

// Broken messages with a right checksum: refused or understood, and what was understood is stable.
TEST(PimRandom, BrokenMessages) {
  Maker maker(2);
  std::size_t understood = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Family family = maker.next_family();
    const PimArrival arrival{maker.unicast(), all_pim_routers(family), 1};
    Bytes pim = encode_pim(maker.message(), arrival.source, arrival.destination);
    for (std::uint32_t n = 1 + maker.number(3); n > 0; --n)
      pim[maker.number(static_cast<std::uint32_t>(pim.size()))] =
          static_cast<std::byte>(maker.number(256));
    if (maker.number(2) == 0) pim.resize(maker.number(static_cast<std::uint32_t>(pim.size())) + 1);
    if (pim.size() >= 4) {
      ByteWriter(pim).patch_u16(2, 0);
      const std::uint16_t sum =
          family == Family::ipv4
              ? internet_checksum(pim)
              : pseudo_checksum(arrival.source, arrival.destination, kPimProtocol, pim);
      ByteWriter(pim).patch_u16(2, sum);
    }
    const auto parsed = parse_pim(pim, arrival);
    if (!parsed) continue;
    ++understood;
    PimMessage expected = parsed->message;
    if (auto* hello = std::get_if<PimHello>(&expected)) {
      hello->unknown_options = 0;
      hello->foreign_addresses = 0;
    }
    const Bytes again = encode_pim(expected, arrival.source, arrival.destination);
    const auto reread = parse_pim(again, arrival);
    ASSERT_TRUE(reread) << i << ": " << to_string(reread.error());
    ASSERT_EQ(reread->message, expected) << i;
  }
  EXPECT_GT(understood, 1000U);
}

}  // namespace
}  // namespace hotpair::mcast::wire
