#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>

#include "ha/keeper/client/keeper_client.h"
#include "platform/gate/gate_words.h"
#include "platform/io/clock.h"

// The program itself: two keepers on loopback addresses, each with a stub of its daemon, gate words
// in a memfd of the real layout.
namespace hotpair::ha::keeper {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ScopeId kScope{10};
constexpr EtrunkId kEtrunk{1};
constexpr std::uint32_t kSlot = 2;

class GateMap {
 public:
  GateMap() : fd_(::memfd_create("gate-words", MFD_CLOEXEC)) {
    const std::uint64_t header[2] = {platform::gate::kGateMagic, 8};
    EXPECT_EQ(::ftruncate(fd_.get(), 4096), 0);
    EXPECT_EQ(::pwrite(fd_.get(), header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
    words_.emplace(std::move(*platform::gate::GateWords::map_readable(fd_.get())));
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool open() const {
    return platform::gate::gate_is_open(words_->load(kSlot), platform::io::now());
  }

 private:
  FileDescriptor fd_;
  std::optional<platform::gate::GateWords> words_;
};

/// One router: a keeper process that the test started, and the stub of its daemon.
class Router {
 public:
  Router(const std::filesystem::path& directory, const char* name, std::uint8_t own,
         std::uint8_t peer, std::uint16_t port)
      : socket_((directory / name).string()), own_(own), peer_(peer), port_(port) {}
  ~Router() { kill_keeper(); }

  void start_keeper() {
    std::string program = HOTPAIR_KEEPER;
    std::string words[] = {program, "--socket", socket_, "--log-level", "error"};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                         words[3].data(), words[4].data(), nullptr};
    ASSERT_EQ(::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments, environ), 0);
  }
  void kill_keeper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// Exit code of the keeper, -1 while it runs.
  int exit_code() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  }
  void signal(int number) const { ::kill(pid_, number); }

  bool try_connect() {
    auto client = KeeperClient::connect(socket_);
    if (!client) return false;
    client_.emplace(std::move(*client));
    told.clear();
    say(DaemonHello{1, 1, NodeId(own_), "test"});
    return true;
  }
  void configure() {
    Configure configure;
    EtrunkConfig etrunk;
    etrunk.id = kEtrunk;
    etrunk.port = port_;
    etrunk.hello_ms = 50;
    etrunk.multiplier = 6;
    etrunk.keys = {"key-of-the-pair"};
    etrunk.paths.push_back({etrunk::PathId(0), IpAddress::v4(0x7f000000U + own_),
                            IpAddress::v4(0x7f000000U + peer_), ""});
    configure.etrunks.push_back(etrunk);
    configure.scopes.push_back({kScope, kEtrunk, kSlot, {}});
    configure.restart_grace_ms = 3000;
    say(configure);
    const std::array<int, 1> given{gate.fd()};
    ASSERT_TRUE(client_->send(Descriptors{{"gate-words"}}, given));
  }
  void say(const ToKeeper& message) { ASSERT_TRUE(client_->send(message)); }
  void set_scope(Role role, Term term, GatePosture posture) {
    say(SetScope{kScope, role, term, posture, true});
  }
  /// Reads what is there and keeps the daemon alive.
  void turn() {
    if (!client_) return;
    const TimePoint now = platform::io::now();
    if (now >= beat_at_) {
      beat_at_ = now + milliseconds(300);
      if (!client_->send(Heartbeat{})) client_.reset();
    }
    if (!client_) return;
    auto received = client_->receive();
    if (!received) {
      client_.reset();
      return;
    }
    for (Received& one : *received) {
      for (FileDescriptor& fd : one.fds) fds.push_back(std::move(fd));
      told.push_back(std::move(one.message));
    }
  }
  void kill_daemon() { client_.reset(); }
  [[nodiscard]] bool connected() const { return client_.has_value(); }
  [[nodiscard]] int fd() const { return client_ ? client_->fd() : -1; }
  [[nodiscard]] const std::string& socket() const { return socket_; }
  template <typename T>
  [[nodiscard]] std::optional<T> last() const {
    for (auto it = told.rbegin(); it != told.rend(); ++it)
      if (const T* body = std::get_if<T>(&*it)) return *body;
    return std::nullopt;
  }

  GateMap gate;
  std::vector<FromKeeper> told;
  std::vector<FileDescriptor> fds;

 private:
  std::string socket_;
  std::uint8_t own_;
  std::uint8_t peer_;
  std::uint16_t port_;
  pid_t pid_ = -1;
  std::optional<KeeperClient> client_;
  TimePoint beat_at_{};
};

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest()
      : directory_(make_directory()),
        port_(static_cast<std::uint16_t>(20000 + ::getpid() % 20000)) {
    a_.emplace(directory_, "a", 1, 2, port_);
    b_.emplace(directory_, "b", 2, 1, port_);
  }
  ~ProcessTest() override {
    a_.reset();
    b_.reset();
    if (started_ > 0) static_cast<void>(::kill(started_, SIGKILL));
    std::filesystem::remove_all(directory_);
  }
  static std::filesystem::path make_directory() {
    std::string name = "/tmp/hotpair-keeper-test-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  /// Runs both daemons until the condition holds; false after ten seconds.
  bool until(const std::function<bool()>& condition) {
    const TimePoint end = platform::io::now() + seconds(10);
    while (platform::io::now() < end) {
      a_->turn();
      b_->turn();
      if (condition()) return true;
      pollfd waits[2] = {{a_->fd(), POLLIN, 0}, {b_->fd(), POLLIN, 0}};
      static_cast<void>(::poll(waits, 2, 2));
    }
    return false;
  }
  void run_for(Duration span) {
    const TimePoint end = platform::io::now() + span;
    static_cast<void>(until([&] { return platform::io::now() >= end; }));
  }
  void start(Router& router) {
    router.start_keeper();
    ASSERT_TRUE(until([&] { return router.try_connect(); }));
    ASSERT_TRUE(until([&] { return router.last<Welcome>().has_value(); }));
    router.configure();
  }
  /// A master in term 1, B armed with term 2.
  void bring_up() {
    start(*a_);
    start(*b_);
    a_->set_scope(Role::init, Term{}, GatePosture::closed);
    b_->set_scope(Role::init, Term{}, GatePosture::closed);
    const auto heard = [](const Router& router) {
      const auto changed = router.last<PeerChanged>();
      return changed && changed->heard;
    };
    ASSERT_TRUE(until([&] { return heard(*a_) && heard(*b_); }));
    a_->set_scope(Role::master, first_, GatePosture::leased);
    ASSERT_TRUE(until([&] {
      const auto hello = b_->last<PeerHello>();
      return hello && !hello->hello.scopes.empty() && hello->hello.scopes[0].term == first_;
    }));
    b_->set_scope(Role::backup, first_, GatePosture::closed);
    b_->say(Arm{ArmedPlan{kScope, first_, second_,
                          {Cause::paths_down, Cause::peer_control_dead, Cause::peer_leaving}}});
    ASSERT_TRUE(until([&] { return a_->gate.open(); }));
    EXPECT_FALSE(b_->gate.open());
  }
  std::optional<KeeperStatus> ask(Router& router) {
    router.told.clear();
    router.say(AskStatus{});
    static_cast<void>(until([&] { return router.last<KeeperStatus>().has_value(); }));
    return router.last<KeeperStatus>();
  }

  std::filesystem::path directory_;
  pid_t started_ = -1;  // by the client library, not our child
  std::uint16_t port_;
  std::optional<Router> a_;
  std::optional<Router> b_;
  Term first_{1, NodeId(1)};
  Term second_{2, NodeId(2)};
};

TEST_F(ProcessTest, AKilledKeeperIsTakenOverWithinTheTimeout) {
  bring_up();
  const TimePoint killed = platform::io::now();
  a_->kill_keeper();
  a_->kill_daemon();
  ASSERT_TRUE(until([&] { return b_->gate.open(); }));
  EXPECT_LE(platform::io::now() - killed, milliseconds(300 + 150));
  ASSERT_TRUE(until([&] { return b_->last<ScopeChanged>().has_value(); }));
  const auto changed = b_->last<ScopeChanged>();
  EXPECT_EQ(changed->cause, Cause::paths_down);
  EXPECT_EQ(changed->state.term, second_);
  EXPECT_LE(changed->gate_stored - changed->decided, milliseconds(50));
  ASSERT_TRUE(until([&] { return !a_->gate.open(); }));  // by its lease
  const auto status = ask(*b_);
  ASSERT_TRUE(status.has_value());
  EXPECT_GT(status->paths.at(0).sent, 3U);
  EXPECT_GT(status->paths.at(0).received, 1U);
  EXPECT_EQ(status->paths.at(0).rejected_auth, 0U);
}

TEST_F(ProcessTest, ADaemonThatReturnsFindsRoleAndDescriptors) {
  bring_up();
  a_->kill_daemon();
  run_for(milliseconds(600));
  EXPECT_TRUE(a_->gate.open());
  EXPECT_FALSE(b_->gate.open());
  EXPECT_EQ(b_->last<PeerHello>()->hello.control, ControlState::restarting);
  ASSERT_TRUE(a_->try_connect());
  ASSERT_TRUE(until([&] { return a_->last<Welcome>().has_value(); }));
  const auto welcome = a_->last<Welcome>();
  EXPECT_EQ(welcome->scopes.at(0).role, Role::master);
  EXPECT_EQ(welcome->scopes.at(0).term, first_);
  EXPECT_EQ(welcome->descriptors, std::vector<std::string>{"gate-words"});
  ASSERT_EQ(a_->fds.size(), 1U);
  struct stat given {};
  struct stat back {};
  ASSERT_EQ(::fstat(a_->gate.fd(), &given), 0);
  ASSERT_EQ(::fstat(a_->fds[0].get(), &back), 0);
  EXPECT_EQ(given.st_ino, back.st_ino);
  ASSERT_TRUE(until([&] {
    return b_->last<PeerHello>()->hello.control == ControlState::running;
  }));
  EXPECT_TRUE(a_->gate.open());
}

TEST_F(ProcessTest, SigtermAsksTheDaemonWhichLeaves) {
  bring_up();
  a_->signal(SIGTERM);
  ASSERT_TRUE(until([&] { return a_->last<LeaveRequested>().has_value(); }));
  a_->say(Leave{});
  int code = -1;
  ASSERT_TRUE(until([&] { return (code = a_->exit_code()) >= 0; }));
  EXPECT_EQ(code, 0);
  EXPECT_FALSE(a_->gate.open());
  ASSERT_TRUE(until([&] { return b_->gate.open(); }));
  ASSERT_TRUE(until([&] { return b_->last<ScopeChanged>().has_value(); }));
  EXPECT_EQ(b_->last<ScopeChanged>()->cause, Cause::peer_leaving);
}

TEST_F(ProcessTest, AnotherKeyIsNotHeard) {
  start(*a_);
  start(*b_);
  Configure wrong;
  EtrunkConfig etrunk;
  etrunk.id = kEtrunk;
  etrunk.port = port_;
  etrunk.hello_ms = 50;
  etrunk.keys = {"another key"};
  etrunk.paths.push_back(
      {etrunk::PathId(0), IpAddress::v4(0x7f000002U), IpAddress::v4(0x7f000001U), ""});
  wrong.etrunks.push_back(etrunk);
  b_->say(wrong);
  run_for(milliseconds(400));
  const auto status = ask(*a_);
  ASSERT_TRUE(status.has_value());
  EXPECT_GT(status->paths.at(0).rejected_auth, 3U);
  // Rotation: what is signed with any of the keys is taken.
  etrunk.keys = {"another key", "key-of-the-pair"};
  wrong.etrunks[0] = etrunk;
  a_->say(wrong = Configure{{[&] {
                    EtrunkConfig own = etrunk;
                    std::swap(own.paths[0].local, own.paths[0].peer);
                    return own;
                  }()},
                  {},
                  3000});
  ASSERT_TRUE(until([&] {
    const auto changed = a_->last<PeerChanged>();
    return changed && changed->heard;
  }));
}

TEST_F(ProcessTest, OneDaemonAtATimeAndOneKeeperPerSocket) {
  start(*a_);
  auto second = KeeperClient::connect(a_->socket());
  ASSERT_TRUE(second.has_value());
  bool refused = false;
  ASSERT_TRUE(until([&] {
    auto received = second->receive();
    if (!received) return true;
    for (const Received& one : *received)
      refused = refused || std::holds_alternative<Refused>(one.message);
    return refused;
  }));
  EXPECT_TRUE(refused);
  Router rival(directory_, "a", 9, 8, port_);
  rival.start_keeper();
  int code = -1;
  ASSERT_TRUE(until([&] { return (code = rival.exit_code()) >= 0; }));
  EXPECT_EQ(code, 3);
  run_for(milliseconds(50));
  EXPECT_TRUE(a_->connected());
}

TEST_F(ProcessTest, StartedByTheClientItOutlivesItsStarter) {
  ASSERT_TRUE(start_keeper({HOTPAIR_KEEPER, a_->socket(), (directory_ / "log").string(), "info"}));
  ASSERT_TRUE(start_keeper({HOTPAIR_KEEPER, a_->socket(), (directory_ / "log").string(), "info"}));
  ASSERT_TRUE(until([&] { return a_->try_connect(); }));
  ASSERT_TRUE(until([&] { return a_->last<Welcome>().has_value(); }));
  const auto pid = static_cast<pid_t>(a_->last<Welcome>()->pid);
  started_ = pid;
  EXPECT_NE(::getsid(pid), ::getsid(0));
  EXPECT_EQ(::getpgid(pid) == ::getpgid(0), false);
  a_->say(Leave{});
  ASSERT_TRUE(until([&] { return ::kill(pid, 0) != 0 || !a_->connected(); }));
  started_ = -1;
}

TEST_F(ProcessTest, GarbageFromTheDaemonAndTheNetworkIsCounted) {
  start(*a_);
  start(*b_);
  ASSERT_TRUE(until([&] { return a_->last<PeerChanged>().has_value(); }));
  const FileDescriptor udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  b_->kill_keeper();
  const auto bound = [&](std::uint32_t host) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(host);
    return address;
  };
  const sockaddr_in own = bound(0x7f000002U);
  const sockaddr_in peer = bound(0x7f000001U);
  ASSERT_EQ(::bind(udp.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
  for (std::size_t length = 0; length < 3000; length += 100) {
    const Bytes garbage(length, std::byte{0x48});
    static_cast<void>(::sendto(udp.get(), garbage.data(), garbage.size(), 0,
                               reinterpret_cast<const sockaddr*>(&peer), sizeof peer));
  }
  std::optional<KeeperStatus> status;
  ASSERT_TRUE(until([&] {
    status = ask(*a_);
    return status && status->paths.at(0).rejected_other >= 30;
  }));
}

}  // namespace
}  // namespace hotpair::ha::keeper
