#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/bfd/bfd_show.h"
#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "tests/unit/ha_cli/fake_node.h"

namespace hotpair::ha::cli {
namespace {

using ::testing::HasSubstr;
using testing::ip;

BfdSessionsModel sample() {
  BfdSessionRow up;
  up.interface = "GigabitEthernet0/1/1";
  up.followers = {"e-trunk 1 path 0"};
  keeper::BfdSessionStatus& status = up.status;
  status.config.name = "ab";
  status.config.local = ip("10.0.0.1");
  status.config.peer = ip("10.0.0.2");
  status.config.min_tx_us = status.config.min_rx_us = 10'000;
  status.local_discriminator = bfd::Discriminator(11);
  status.remote_discriminator = bfd::Discriminator(22);
  status.state = status.remote_state = bfd::State::up;
  status.tx_us = 3'500;
  status.detection_us = 30'000;
  status.times_up = 1;
  status.verdicts.assign(static_cast<std::size_t>(bfd::Verdict::count), 0);
  status.verdicts[0] = 100;
  status.verdicts[1] = 4;
  status.lateness = {7, 1};
  BfdSessionRow down;
  down.status.config.name = "loop";
  down.status.config.multihop = true;
  down.status.config.local = ip("2001:db8::1");
  down.status.config.peer = ip("2001:db8::2");
  down.status.local_discriminator = bfd::Discriminator(99'999);
  return {true, {up, down}, 3, {{"bad length", 2}}};
}

TEST(BfdSessions, Table) {
  const std::string rule = std::string(88, '-') + "\n";
  EXPECT_EQ(
      to_text(sample(), {}),
      rule +
          "Local      Remote     PeerIpAddr                State     Type       InterfaceName\n" +
          rule +
          "11         22         10.0.0.2                  Up        S_IP_IF    "
          "GigabitEthernet0/1/1\n"
          "99999      0          2001:DB8::2               Down      S_IP_PEER  -\n" +
          rule +
          "     Total UP/DOWN Session Number : 1/1\n"
          "     Packets for no session : 3\n"
          "     Packets refused (bad length) : 2\n");
}

TEST(BfdSessions, Verbose) {
  const std::string text = to_text(sample(), {.verbose = true});
  EXPECT_THAT(text, HasSubstr("(One Hop) State : Up           Name : ab\n"));
  EXPECT_THAT(text, HasSubstr("Actual Tx Interval (ms): 3.500"));
  EXPECT_THAT(text, HasSubstr("Detect Interval (ms)   : 30\n"));
  EXPECT_THAT(text, HasSubstr("Packets received       : 100\n"));
  EXPECT_THAT(text, HasSubstr("Dropped                : 4 (TTL)\n"));
  EXPECT_THAT(text, HasSubstr("Timer lateness         : <=50us: 7, <=100us: 1\n"));
  EXPECT_THAT(text, HasSubstr("Followed by            : e-trunk 1 path 0\n"));
  EXPECT_THAT(text, HasSubstr("(Multi Hop) State : Down"));
}

TEST(BfdSessions, WithoutAKeeper) {
  EXPECT_EQ(to_text(BfdSessionsModel{}, {}), "The keeper, which runs BFD, is not connected.\n");
}

TEST(BfdSessions, Document) {
  const std::string text = to_json(sample()).dump();
  EXPECT_THAT(text, HasSubstr("\"name\":\"ab\",\"state\":\"Up\",\"multihop\":false"));
  EXPECT_THAT(text, HasSubstr("\"dropped\":{\"TTL\":4}"));
  EXPECT_THAT(text, HasSubstr("\"detection_us\":30000"));
  EXPECT_THAT(text, HasSubstr("\"rejected\":{\"bad length\":2}"));
}

}  // namespace
}  // namespace hotpair::ha::cli
