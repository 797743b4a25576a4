#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "ha/bfd/bfd_packet.h"
#include "ha/bfd/bfd_show.h"
#include "ha/keeper/client/keeper_client.h"
#include "platform/io/clock.h"

// BFD through real sockets: two keepers on loopback addresses of this run, single hop over `lo` and
// multihop, with and without keys.
namespace hotpair::ha::keeper {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// 127.x.y.N, x and y of this process, so that runs beside each other do not meet.
IpAddress loopback(unsigned number) {
  const auto pid = static_cast<unsigned>(::getpid());
  return IpAddress::v4(0x7f000000U | (1 + pid % 250) << 16U | (pid / 250 % 256) << 8U | number);
}

class End {
 public:
  End(const std::filesystem::path& directory, const char* name, unsigned own, unsigned peer)
      : socket_((directory / name).string()), own_(own), peer_(peer) {}
  ~End() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void start() {
    std::string words[] = {HOTPAIR_KEEPER, "--socket", socket_, "--log-level", "error"};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                         words[3].data(), words[4].data(), nullptr};
    ASSERT_EQ(::posix_spawn(&pid_, HOTPAIR_KEEPER, nullptr, nullptr, arguments, environ), 0);
  }
  bool try_connect() {
    auto client = KeeperClient::connect(socket_);
    if (!client) return false;
    client_.emplace(std::move(*client));
    return client_->send(DaemonHello{1, 1, NodeId(own_), "test"}).has_value();
  }
  void disconnect() { client_.reset(); }
  [[nodiscard]] bfd::SessionConfig session(bool multihop, bool keyed) const {
    bfd::SessionConfig config;
    config.name = multihop ? "multi" : "single";
    config.local = loopback(own_);
    config.peer = loopback(peer_);
    config.multihop = multihop;
    if (!multihop) config.device = "lo";
    config.ttl_min = 255;
    config.min_tx_us = config.min_rx_us = 50'000;
    config.multiplier = 10;  // the machine may be busy
    if (keyed) config.keys = {{7, "secret"}};
    return config;
  }
  void configure(const std::vector<bfd::SessionConfig>& sessions) {
    ConfigureBfd configure;
    for (const auto& session : sessions) configure.sessions.push_back({session, {}});
    ASSERT_TRUE(client_->send(configure));
  }
  /// Asks and reads what has come.
  void turn() {
    if (!client_) return;
    static_cast<void>(client_->send(AskBfd{}));
    auto received = client_->receive();
    if (!received) return client_.reset();
    for (Received& one : *received) {
      if (auto* answer = std::get_if<BfdStatus>(&one.message)) status = std::move(*answer);
      if (const auto* change = std::get_if<BfdChanged>(&one.message)) changes.push_back(*change);
    }
  }
  [[nodiscard]] const BfdSessionStatus* find(const std::string& name) const {
    for (const BfdSessionStatus& one : status.sessions)
      if (one.config.name == name) return &one;
    return nullptr;
  }
  [[nodiscard]] bool all_up(std::size_t count) const {
    if (status.sessions.size() != count) return false;
    for (const BfdSessionStatus& one : status.sessions)
      if (one.state != bfd::State::up || one.polling) return false;
    return true;
  }
  [[nodiscard]] std::uint64_t count(const std::string& name, bfd::Verdict verdict) const {
    const auto* one = find(name);
    return one == nullptr ? 0 : one->verdicts.at(static_cast<std::size_t>(verdict));
  }

  BfdStatus status;
  std::vector<BfdChanged> changes;

 private:
  std::string socket_;
  unsigned own_;
  unsigned peer_;
  pid_t pid_ = -1;
  std::optional<KeeperClient> client_;
};

class BfdProcess : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bfd-process-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    a_.emplace(directory_, "a", 1, 2);
    b_.emplace(directory_, "b", 2, 1);
    for (End* end : {&*a_, &*b_}) {
      end->start();
      ASSERT_TRUE(until([&] { return end->try_connect(); }));
    }
  }
  void TearDown() override {
    a_.reset();
    b_.reset();
    std::filesystem::remove_all(directory_);
  }
  template <typename Condition>
  bool until(Condition condition, Duration limit = seconds(30)) {
    const TimePoint end = platform::io::now() + limit;
    while (platform::io::now() < end) {
      a_->turn();
      b_->turn();
      if (condition()) return true;
      ::poll(nullptr, 0, 10);
    }
    return false;
  }
  void bring_up(bool keyed) {
    for (End* end : {&*a_, &*b_})
      end->configure({end->session(false, keyed), end->session(true, keyed)});
    ASSERT_TRUE(until([&] { return a_->all_up(2) && b_->all_up(2); }));
  }
  std::filesystem::path directory_;
  std::optional<End> a_;
  std::optional<End> b_;
};

TEST_F(BfdProcess, SingleHopAndMultihopComeUpWithAndWithoutKeys) {
  bring_up(true);
  for (const char* name : {"single", "multi"}) {
    const BfdSessionStatus* one = a_->find(name);
    ASSERT_NE(one, nullptr);
    EXPECT_EQ(one->tx_us, 50'000U);
    EXPECT_EQ(one->detection_us, 500'000U);
    EXPECT_TRUE(one->remote_control_plane_independent);
    EXPECT_TRUE(one->authenticated);
    EXPECT_EQ(one->send_failures, 0U);
  }
  for (End* end : {&*a_, &*b_})
    end->configure({end->session(false, false), end->session(true, false)});
  EXPECT_TRUE(
      until([&] { return a_->all_up(2) && b_->all_up(2) && !a_->find("multi")->authenticated; }));
}

TEST_F(BfdProcess, SessionsOutliveTheDaemon) {
  bring_up(false);
  a_->disconnect();
  b_->changes.clear();
  EXPECT_FALSE(until([&] { return !b_->changes.empty(); }, seconds(2)));
  ASSERT_TRUE(until([&] { return a_->try_connect(); }));
  EXPECT_TRUE(until([&] { return a_->all_up(2); }));
  EXPECT_EQ(a_->find("single")->times_up, 1U);
}

TEST_F(BfdProcess, TimersChangeAndAdminDownIsTold) {
  bring_up(false);
  auto slower = a_->session(true, false);
  slower.min_tx_us = 200'000;
  a_->configure({a_->session(false, false), slower});
  EXPECT_TRUE(until([&] { return b_->find("multi")->rx_us == 200'000U; }));
  EXPECT_TRUE(until([&] { return a_->find("multi")->tx_us == 200'000U; }));
  slower.admin_down = true;
  a_->configure({a_->session(false, false), slower});
  EXPECT_TRUE(until([&] {
    return !b_->changes.empty() && b_->changes.back().reason == bfd::Reason::remote_admin_down;
  }));
  EXPECT_EQ(b_->find("single")->times_down, 0U);
}

// What comes with another TTL, for no session, or malformed, is counted and changes nothing.
TEST_F(BfdProcess, ForgedPacketsAreCountedByReason) {
  bring_up(false);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(loopback(2).v4_value());
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  sockaddr_in to = from;
  to.sin_addr.s_addr = htonl(loopback(1).v4_value());
  to.sin_port = htons(bfd::kSingleHopPort);
  const auto say = [&](const Bytes& bytes, int ttl) {
    ::setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    EXPECT_EQ(
        ::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
        static_cast<ssize_t>(bytes.size()));
  };
  bfd::ControlPacket down;
  down.state = bfd::State::down;
  down.my_discriminator = a_->find("single")->remote_discriminator;
  down.your_discriminator = a_->find("single")->local_discriminator;
  say(bfd::encode(down), 254);
  down.your_discriminator = bfd::Discriminator(1);
  say(bfd::encode(down), 255);
  say(Bytes(10), 255);
  EXPECT_TRUE(until([&] {
    return a_->count("single", bfd::Verdict::ttl) == 1 && a_->status.unknown_session == 1 &&
           a_->status.rejects.at(static_cast<std::size_t>(bfd::PacketReject::too_short)) == 1;
  }));
  EXPECT_EQ(a_->find("single")->times_down, 0U);
  ::close(fd);
}

}  // namespace
}  // namespace hotpair::ha::keeper
