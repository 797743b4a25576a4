#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/mcast_wire_pim/pim_packets.h"

namespace hotpair::mcast::wire {
namespace {

using testing::golden;
using testing::grp;
using testing::ip;
using testing::parse_packet;

struct Golden {
  const char* name;
  PimMessage message;
  bool encodes = true;  ///< the encoder makes the very same bytes
};

PimGroupRange range(std::string_view address, std::uint8_t mask_length) {
  return {.address = ip(address), .mask_length = mask_length};
}

PimHello hello_v4() {
  return {.holdtime_s = 105,
          .lan_prune_delay = PimLanPruneDelay{true, 500, 2500},
          .dr_priority = 1,
          .generation_id = 0xdeadbeef,
          .state_refresh_s = 60,
          .bidirectional = true,
          .addresses = std::vector{ip("10.0.1.1"), ip("10.0.2.1")}};
}

// The inner packets are taken out of the files: a Register carries what it was given.
PimRegister data_register(const char* file, std::size_t inner_offset) {
  static std::map<std::string, Bytes> kept;
  const Bytes& packet = kept.try_emplace(file, golden(file)).first->second;
  const bool v6 = testing::is_ipv6(packet);
  return {.source = v6 ? ip("2001:db8:1::5") : ip("10.1.0.5"),
          .group = v6 ? grp("ff1e::123") : grp("225.1.2.3"),
          .packet = ByteSpan(packet).subspan(inner_offset)};
}

PimRegister null_register(PimRegister message) {
  message.null_register = true;
  return message;
}

PimRegister border_register(PimRegister message) {
  message.border = true;
  return message;
}

PimJoinPrune join_prune_v4() {
  return {
      .upstream_neighbor = ip("10.0.0.2"),
      .holdtime_s = 210,
      .groups = {{PimGroupRange::single(grp("225.1.2.3")),
                  {PimSource::shared_tree(ip("10.9.9.9"))},
                  {PimSource::source_rpt(ip("10.1.0.5")), PimSource::source_rpt(ip("10.1.0.6"))}},
                 {PimGroupRange::single(grp("232.1.1.1")),
                  {PimSource::source(ip("10.1.0.7"))},
                  {PimSource::source(ip("10.1.0.8"))}}}};
}

PimJoinPrune join_prune_v6() {
  return {.upstream_neighbor = ip("fe80::2"),
          .holdtime_s = kPimHoldtimeForever,
          .groups = {{PimGroupRange::single(grp("ff1e::123")),
                      {PimSource::shared_tree(ip("2001:db8::9"))},
                      {PimSource::source_rpt(ip("2001:db8:1::5"))}}}};
}

PimBootstrap bootstrap_v4() {
  PimGroupRange bidirectional = range("225.0.0.0", 8);
  bidirectional.bidirectional = true;
  return {.no_forward = true,
          .fragment_tag = 0x1234,
          .hash_mask_length = 30,
          .bsr_priority = 64,
          .bsr = ip("10.9.9.1"),
          .ranges = {
              {range("224.0.0.0", 4), 2, {{ip("10.9.9.9"), 150, 192}, {ip("10.9.9.10"), 150, 0}}},
              {bidirectional, 3, {{ip("10.9.9.9"), 150, 10}}}}};
}

PimBootstrap bootstrap_v6() {
  PimGroupRange zone = range("ff05::", 16);
  zone.scope_zone = true;
  return {.fragment_tag = 0xbeef,
          .hash_mask_length = 126,
          .bsr = ip("2001:db8::1"),
          .ranges = {{zone, 0, {}}}};
}

PimCandidateRp candidate_rp_v4() {
  PimGroupRange bidirectional = range("226.0.0.0", 8);
  bidirectional.bidirectional = true;
  return {.priority = 192,
          .holdtime_s = 150,
          .rp = ip("10.9.9.9"),
          .ranges = {range("225.0.0.0", 8), bidirectional}};
}

PimDfElection df(PimDfAction action) {
  return {.action = action, .rp = ip("10.9.9.9"), .sender = {110, 20}, .target = ip("0.0.0.0")};
}

std::vector<Golden> elections() {
  PimDfElection backoff = df(PimDfAction::backoff);
  backoff.target = ip("10.0.0.3");
  backoff.target_metric = {110, 10};
  backoff.interval_ms = 1000;
  const PimDfElection pass{.action = PimDfAction::pass,
                           .rp = ip("2001:db8::9"),
                           .sender = {0xffffffff, 0xffffffff},
                           .target = ip("fe80::3"),
                           .target_metric = {110, 10}};
  return {
      {"assert-v4", PimAssert{grp("225.1.2.3"), ip("0.0.0.0"), true, {110, 20}}},
      {"assert-v6",
       PimAssert{grp("ff1e::123"), ip("2001:db8:1::5"), false, {kPimPreferenceMax, 0xffffffff}}},
      {"df-offer-v4", df(PimDfAction::offer)},
      {"df-winner-v4", df(PimDfAction::winner)},
      {"df-backoff-v4", backoff},
      {"df-pass-v6", pass},
  };
}

// Caught from FRR's pimd, which sends a second address list with a link-local address of IPv6 and
// no checksum in the dummy header.
std::vector<Golden> from_frr() {
  return {
      {"frr-hello-v4",
       PimHello{.holdtime_s = 105,
                .lan_prune_delay = PimLanPruneDelay{false, 500, 2500},
                .dr_priority = 1,
                .generation_id = 0x4e9c525c,
                .addresses = std::vector{ip("10.0.1.1")},
                .foreign_addresses = 1},
       false},
      {"frr-register-v4", data_register("frr-register-v4", 28)},
      {"frr-null-register-v4", null_register(data_register("frr-null-register-v4", 28))},
      {"frr-register-stop-v4", PimRegisterStop{grp("225.1.2.3"), ip("10.1.0.5")}},
      {"frr-join-prune-v4",
       PimJoinPrune{
           ip("10.0.0.1"),
           210,
           {{PimGroupRange::single(grp("225.1.2.3")), {PimSource::source(ip("10.1.0.5"))}, {}},
            {PimGroupRange::single(grp("226.1.2.3")),
             {PimSource::shared_tree(ip("10.0.0.1"))},
             {}}}}},
  };
}

std::vector<Golden> goldens() {
  std::vector<Golden> all = elections();
  const std::vector<Golden> others{
      {"hello-v4", hello_v4()},
      {"hello-v6", PimHello{.holdtime_s = 0, .addresses = std::vector{ip("2001:db8::1")}}},
      {"register-v4", border_register(data_register("register-v4", 28))},
      {"register-whole-checksum-v4", data_register("register-whole-checksum-v4", 28), false},
      {"register-v6", data_register("register-v6", 48)},
      {"null-register-v4", null_register(data_register("null-register-v4", 28))},
      {"null-register-v6", null_register(data_register("null-register-v6", 48))},
      {"register-stop-v4", PimRegisterStop{grp("225.1.2.3"), ip("10.1.0.5")}},
      {"register-stop-v6", PimRegisterStop{grp("ff1e::123"), ip("::")}},
      {"join-prune-v4", join_prune_v4()},
      {"join-prune-v6", join_prune_v6()},
      {"bootstrap-v4", bootstrap_v4()},
      {"bootstrap-v6", bootstrap_v6()},
      {"candidate-rp-v4", candidate_rp_v4()},
      {"candidate-rp-v6", PimCandidateRp{0, 150, ip("2001:db8::9"), {}}},
      {"scapy-hello-v4", PimHello{.holdtime_s = 105,
                                  .lan_prune_delay = PimLanPruneDelay{false, 500, 2500},
                                  .dr_priority = 7,
                                  .generation_id = 0x12345678}},
      {"scapy-join-prune-v4",
       PimJoinPrune{
           ip("10.0.0.2"),
           210,
           {{PimGroupRange::single(grp("225.1.2.3")),
             {PimSource::shared_tree(ip("10.9.9.9"))},
             {PimSource::source_rpt(ip("10.1.0.5"))}},
            {PimGroupRange::single(grp("232.1.1.1")), {PimSource::source(ip("10.1.0.7"))}, {}}}}},
  };
  all.insert(all.end(), others.begin(), others.end());
  const std::vector<Golden> caught = from_frr();
  all.insert(all.end(), caught.begin(), caught.end());
  return all;
}

std::string test_name(const ::testing::TestParamInfo<Golden>& info) {
  std::string name = info.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

class PimGolden : public ::testing::TestWithParam<Golden> {
 protected:
  const Bytes packet_ = golden(GetParam().name);
};
INSTANTIATE_TEST_SUITE_P(Wire, PimGolden, ::testing::ValuesIn(goldens()), test_name);

TEST_P(PimGolden, Parses) {
  ASSERT_FALSE(packet_.empty());
  const auto parsed = parse_packet(packet_);
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->message, GetParam().message);
  const bool unicast = delivery_of(parsed->message) == PimDelivery::unicast;
  EXPECT_EQ(parsed->ttl, unicast ? 64 : 1);
  EXPECT_EQ(parsed->destination.is_multicast(), !unicast);
  if (!unicast) EXPECT_EQ(parsed->destination, all_pim_routers(parsed->source.family()));
}

TEST_P(PimGolden, Encodes) {
  const auto parsed = parse_packet(packet_);
  ASSERT_TRUE(parsed);
  const Bytes pim = encode_pim(GetParam().message, parsed->source, parsed->destination);
  const std::size_t header = testing::is_ipv6(packet_) ? 40 : 20;
  const Bytes expected(packet_.begin() + static_cast<std::ptrdiff_t>(header), packet_.end());
  EXPECT_EQ(pim == expected, GetParam().encodes);
}

TEST_P(PimGolden, EveryPrefixIsRefused) {
  const std::size_t header = testing::is_ipv6(packet_) ? 40 : 0;
  for (std::size_t length = header; length < packet_.size(); ++length) {
    const Bytes prefix(packet_.begin(), packet_.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(parse_packet(prefix)) << length;
  }
}

// A flipped bit anywhere in the PIM message is seen, but behind what a Register's checksum covers.
TEST_P(PimGolden, EveryFlippedBitIsRefused) {
  const std::size_t header = testing::is_ipv6(packet_) ? 40 : 20;
  const bool is_register = std::holds_alternative<PimRegister>(GetParam().message);
  const std::size_t end = is_register && GetParam().encodes ? header + 8 : packet_.size();
  for (std::size_t bit = header * 8; bit < end * 8; ++bit) {
    Bytes flipped = packet_;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(parse_packet(flipped)) << bit;
  }
}

// To send a Null-Register source and group are enough; its dummy header comes with checksums.
TEST(PimNullRegister, IsMadeFromSourceAndGroup) {
  for (const char* name : {"null-register-v4", "null-register-v6"}) {
    const Bytes packet = golden(name);
    const auto parsed = parse_packet(packet);
    ASSERT_TRUE(parsed);
    PimRegister message = std::get<PimRegister>(parsed->message);
    const std::size_t header = testing::is_ipv6(packet) ? 40 : 20;
    message.packet = {};
    EXPECT_EQ(encode_pim(message, parsed->source, parsed->destination),
              Bytes(packet.begin() + static_cast<std::ptrdiff_t>(header), packet.end()));
  }
}

TEST(PimRegister, WholeChecksumIsAcceptedInIpv6) {
  Bytes packet = golden("register-v6");
  const PimArrival arrival = testing::arrival_v6(packet);
  for (const std::size_t counted : {packet.size() - 40, std::size_t{8}}) {
    Bytes pim(packet.begin() + 40, packet.end());
    ByteWriter(pim).patch_u16(2, 0);
    ByteWriter(pim).patch_u16(
        2, pseudo_checksum(arrival.source, arrival.destination, kPimProtocol, pim, counted));
    EXPECT_TRUE(parse_pim(pim, arrival)) << counted;
  }
}

// Every file of the folder is in a test: those of Auto-RP in auto_rp_test.cc.
TEST(PimGoldenFolder, HasNoUnusedFile) {
  std::set<std::string> used;
  for (const Golden& each : goldens()) used.insert(each.name);
  for (const auto& entry : std::filesystem::directory_iterator(testing::golden_folder())) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".hex" || name.starts_with("auto-rp-")) continue;
    EXPECT_TRUE(used.contains(name)) << name;
  }
}

TEST(PimDestinations, AreTheWellKnownGroups) {
  EXPECT_EQ(all_pim_routers(Family::ipv4), ip("224.0.0.13"));
  EXPECT_EQ(all_pim_routers(Family::ipv6), ip("ff02::d"));
  EXPECT_EQ(delivery_of(PimHello{}), PimDelivery::link);
  EXPECT_EQ(delivery_of(PimJoinPrune{}), PimDelivery::link);
  EXPECT_EQ(delivery_of(PimBootstrap{}), PimDelivery::either);
  EXPECT_EQ(delivery_of(PimCandidateRp{}), PimDelivery::unicast);
  EXPECT_EQ(delivery_of(PimRegisterStop{grp("225.1.1.1"), {}}), PimDelivery::unicast);
}

}  // namespace
}  // namespace hotpair::mcast::wire
