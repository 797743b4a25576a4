#include "platform/kernel/gate.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>

#include "platform/kernel/kernel_plane.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::kernel {
namespace {

using gate::GateWords;
using gate::kGateClosed;
using gate::kGateOpen;
using lab::hex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kSlot = 3;
constexpr LinkId kUp{1};
constexpr LinkId kDown{2};

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Group group(std::string_view text) { return Group::parse(text).value(); }

TimePoint monotonic_now() {
  timespec time{};
  EXPECT_EQ(::clock_gettime(CLOCK_MONOTONIC, &time), 0);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

/// The gate sits on r1, where the receivers are; the source is on r0.
class GateTest : public testing::Test {
 protected:
  explicit GateTest(lab::Ends ends = lab::Ends::speaking) : net_(2, ends) {}
  void SetUp() override {
    ASSERT_TRUE(lab::privileged()) << "root tests need root";
    const lab::Inside inside(net_.router);
    auto table = GateTable::create(8);
    ASSERT_TRUE(table) << table.error().detail;
    table_ = std::move(*table);
    auto words = GateWords::map_writable(table_->descriptors().words);
    ASSERT_TRUE(words) << words.error().detail;
    words_.emplace(std::move(*words));
    const Result<void> attached = table_->attach(net_.router_index("r1"), kSlot);
    ASSERT_TRUE(attached) << attached.error().detail;
  }

  /// Real routes of both families from r0 to r1.
  std::unique_ptr<KernelPlane> forward() const {
    const lab::Inside inside(net_.router);
    auto plane = KernelPlane::create(RoutingSockets::open().value()).value();
    EXPECT_TRUE(plane->add_link({kUp, "r0", true, true}));
    EXPECT_TRUE(plane->add_link({kDown, "r1", true, true}));
    const std::vector<fwd::RouteChange> delta{
        fwd::SetRoute{{{VrfId{}, group("239.1.1.1"), address("10.0.0.2")}, kUp, {kDown}}},
        fwd::SetRoute{{{VrfId{}, group("ff1e::1"), address("fd00:0::2")}, kUp, {kDown}}}};
    for (const auto& applied : plane->apply(delta)) EXPECT_EQ(applied.error, std::nullopt);
    return plane;
  }
  void send_stream(std::string_view marker) const {
    source_.send(lab::udp_frame(address("10.0.0.2"), address("239.1.1.1"), marker));
    source_.send(lab::udp_frame(address("fd00:0::2"), address("ff1e::1"), marker));
  }
  GateCounters counters() const { return table_->counters(kSlot).value(); }
  /// Sends one frame towards r1 and tells what the ingress program did with it.
  bool passes_ingress(const Bytes& frame) const {
    const GateCounters before = counters();
    down_.send(frame);
    EXPECT_TRUE(lab::eventually([&] {
      const GateCounters now = counters();
      return now.ingress_passed + now.ingress_dropped >
             before.ingress_passed + before.ingress_dropped;
    }));
    const GateCounters now = counters();
    EXPECT_EQ(now.ingress_passed + now.ingress_dropped,
              before.ingress_passed + before.ingress_dropped + 1);
    return now.ingress_passed > before.ingress_passed;
  }

  lab::Topology net_;
  lab::Wire source_{net_.hosts, "h0"};
  lab::Wire down_{net_.hosts, "h1"};
  std::unique_ptr<GateTable> table_;
  std::optional<GateWords> words_;
};

/// Every packet that is counted is the test's own.
struct SilentGateTest : GateTest {
  SilentGateTest() : GateTest(lab::Ends::silent) {}
};

bool is(ByteSpan frame, std::string_view marker) { return lab::contains(frame, marker); }

TEST_F(GateTest, StartsClosedAndOneStoreOpensForwardingOfBothFamilies) {
  const auto plane = forward();
  EXPECT_EQ(table_->word(kSlot), kGateClosed);
  send_stream("while closed");
  ASSERT_TRUE(lab::eventually([&] { return counters().egress_dropped >= 2; }));
  EXPECT_EQ(down_.count("while closed"), 0U);
  words_->store(kSlot, kGateOpen);
  EXPECT_EQ(table_->word(kSlot), kGateOpen) << "the table sees the keeper's store";
  send_stream("while open");
  EXPECT_TRUE(
      down_.wait_for([](ByteSpan f) { return is(f, "while open") && f[12] == std::byte{8}; }));
  EXPECT_TRUE(
      down_.wait_for([](ByteSpan f) { return is(f, "while open") && f[12] == std::byte{0x86}; }));
  words_->store(kSlot, kGateClosed);
  send_stream("closed again");
  ASSERT_TRUE(lab::eventually([&] { return counters().egress_dropped >= 4; }));
  EXPECT_EQ(down_.count("closed again"), 0U);
}

TEST_F(GateTest, LeaseClosesByItself) {
  const auto plane = forward();
  words_->store(kSlot, gate::lease_until(monotonic_now() + std::chrono::hours(1)));
  send_stream("in lease");
  EXPECT_TRUE(down_.wait_for([](ByteSpan frame) { return is(frame, "in lease"); }));
  const TimePoint end = monotonic_now() + std::chrono::milliseconds(30);
  words_->store(kSlot, gate::lease_until(end));
  ASSERT_TRUE(lab::eventually([&] { return monotonic_now() > end; }));
  EXPECT_FALSE(gate::gate_is_open(table_->word(kSlot), monotonic_now()));
  send_stream("expired");
  ASSERT_TRUE(lab::eventually([&] { return counters().egress_dropped >= 2; }));
  EXPECT_EQ(down_.count("expired"), 0U);
}

TEST_F(GateTest, OwnPingsOwnMulticastAndArpPassWhileClosed) {
  net_.router.run("ping -c 1 -W 3 10.0.1.2 >/dev/null");
  net_.router.run("ping -6 -c 1 -W 3 fd00:1::2 >/dev/null");
  net_.hosts.run("ping -c 1 -W 3 10.0.1.1 >/dev/null");
  net_.router.run("ping -c 1 -W 1 -I r1 239.7.7.7 -p 6f776e >/dev/null; true");
  EXPECT_TRUE(down_.wait_for([](ByteSpan frame) { return is(frame, "ownown"); }))
      << "a node's own multicast is not forwarded multicast";
  EXPECT_EQ(counters().egress_dropped, 0U);
}

TEST_F(GateTest, ForwardedUnicastPassesWhileClosed) {
  net_.router.run("echo 1 > /proc/sys/net/ipv4/ip_forward");
  net_.hosts.run("ip route add 10.9.0.0/16 via 10.0.0.1");
  net_.router.run(
      "ip route add 10.9.0.0/16 dev r1 && "
      "ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev r1");
  net_.hosts.run("ping -c 1 -W 1 -I h0 10.9.0.9 -p 756e69 >/dev/null; true");
  EXPECT_TRUE(down_.wait_for([](ByteSpan frame) { return is(frame, "uniuni"); }));
}

TEST_F(SilentGateTest, ClosedIngressPassesControlAndDropsData) {
  const lab::Inside inside(net_.router);
  const IpAddress host = address("10.0.1.2");
  const IpAddress host6 = address("fe80::2");
  const Bytes message = hex("1122334455667788");
  EXPECT_TRUE(passes_ingress(lab::igmpv2_report(host, address("239.1.1.1"))));
  EXPECT_TRUE(passes_ingress(lab::igmpv2_report(host, address("239.1.1.1"), false)));
  EXPECT_TRUE(passes_ingress(lab::ipv4_frame(host, address("239.1.1.1"), 103, message)));
  EXPECT_TRUE(passes_ingress(lab::ipv4_frame(host, address("224.0.0.5"), 89, message)));
  EXPECT_TRUE(passes_ingress(lab::udp_frame(host, address("224.0.0.251"), "link-local")));
  EXPECT_TRUE(passes_ingress(lab::udp_frame(host, address("10.0.1.1"), "unicast")));
  EXPECT_FALSE(passes_ingress(lab::udp_frame(host, address("239.1.1.1"), "data")));
  EXPECT_FALSE(passes_ingress(lab::udp_frame(host, address("224.0.1.1"), "data")));
  for (const std::uint8_t type : std::to_array<std::uint8_t>({130, 131, 132, 143}))
    EXPECT_TRUE(passes_ingress(lab::mld_message(type, host6, address("ff1e::1")))) << int{type};
  for (const std::uint8_t type : std::to_array<std::uint8_t>({128, 129, 133, 142, 144}))
    EXPECT_FALSE(passes_ingress(lab::mld_message(type, host6, address("ff1e::1")))) << int{type};
  EXPECT_TRUE(passes_ingress(lab::ipv6_frame(host6, address("ff1e::1"), 103, message)));
  EXPECT_TRUE(passes_ingress(lab::udp_frame(host6, address("ff02::fb"), "link-local")));
  EXPECT_TRUE(passes_ingress(lab::udp_frame(host6, address("ff11::1"), "interface-local")));
  EXPECT_TRUE(passes_ingress(lab::udp_frame(host6, address("fd00:1::1"), "unicast")));
  EXPECT_FALSE(passes_ingress(lab::udp_frame(host6, address("ff1e::1"), "data")));
  EXPECT_FALSE(passes_ingress(lab::udp_frame(host6, address("ff05::1"), "site")));
  EXPECT_FALSE(passes_ingress(lab::ipv6_frame(host6, address("ff1e::1"), 58, hex("83000000"))))
      << "MLD only behind a hop-by-hop header";
}

TEST_F(SilentGateTest, OtherEthertypesTagsAndUnreadableHeaders) {
  const lab::Inside inside(net_.router);
  const Bytes data = lab::udp_frame(address("10.0.1.2"), address("239.1.1.1"), "data");
  const Bytes data6 = lab::udp_frame(address("fe80::2"), address("ff1e::1"), "data");
  const Bytes report = lab::igmpv2_report(address("10.0.1.2"), address("239.1.1.1"));
  EXPECT_TRUE(passes_ingress(hex("01005e010101 020000000002 0806 0001080006040001")));
  EXPECT_TRUE(passes_ingress(hex("0180c2000002 020000000002 8809 0101")));
  EXPECT_FALSE(passes_ingress(lab::tagged(data, 100)));
  EXPECT_FALSE(passes_ingress(lab::tagged(data6, 100)));
  // The kernel takes the outer tag off before the programs run; the inner one is skipped by ours.
  EXPECT_FALSE(passes_ingress(lab::tagged(lab::tagged(data, 100), 200)));
  EXPECT_TRUE(passes_ingress(lab::tagged(lab::tagged(report, 100), 200)));
  EXPECT_FALSE(passes_ingress(hex("01005e010101 020000000002 8100 0064 8100 00c8")))
      << "tag cut short";
  EXPECT_TRUE(passes_ingress(lab::tagged(report, 100)));
  EXPECT_TRUE(passes_ingress(
      lab::tagged(lab::mld_message(131, address("fe80::2"), address("ff1e::1")), 100)));
  const auto cut = [](const Bytes& frame, std::size_t size) {
    return Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
  };
  EXPECT_FALSE(passes_ingress(cut(report, 14 + 19))) << "IPv4 header cut short";
  EXPECT_FALSE(passes_ingress(cut(data6, 14 + 39))) << "IPv6 header cut short";
  EXPECT_FALSE(passes_ingress(
      cut(lab::mld_message(131, address("fe80::2"), address("ff1e::1")), 14 + 40 + 8)))
      << "the hop-by-hop header ends the packet";
  Bytes wrong = report;
  wrong[14] = std::byte{0x55};
  EXPECT_FALSE(passes_ingress(wrong)) << "version 5";
  wrong[14] = std::byte{0x44};
  EXPECT_FALSE(passes_ingress(wrong)) << "header length 4";
  words_->store(kSlot, kGateOpen);
  EXPECT_TRUE(passes_ingress(cut(report, 14 + 19))) << "open passes everything";
  EXPECT_TRUE(passes_ingress(data));
}

TEST_F(GateTest, FiltersOutliveTheProcessThatAttachedThem) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    net_.router.enter();
    auto other = GateTable::create(1);
    const bool done = other && (*other)->attach(net_.router_index("r0"), 0);
    ::kill(::getpid(), done ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  const auto plane = forward();
  words_->store(kSlot, kGateOpen);
  // r0 carries the dead process's closed gate: data from the source does not get in.
  send_stream("through a dead gate");
  const lab::Inside inside(net_.router);
  EXPECT_FALSE(down_.wait_for([](ByteSpan frame) { return is(frame, "through a dead gate"); },
                              std::chrono::milliseconds(200)));
  ASSERT_TRUE(table_->attach(net_.router_index("r0"), kSlot)) << "replaced in place";
  send_stream("through ours");
  EXPECT_TRUE(down_.wait_for([](ByteSpan frame) { return is(frame, "through ours"); }));
}

TEST_F(SilentGateTest, AdoptedTableSharesWordsSlotsAndCounters) {
  const lab::Inside inside(net_.router);
  const Bytes data = lab::udp_frame(address("10.0.1.2"), address("239.1.1.1"), "data");
  EXPECT_FALSE(passes_ingress(data));
  const GateCounters before = counters();
  const GateDescriptors old = table_->descriptors();
  auto adopted = GateTable::adopt(FileDescriptor(::fcntl(old.words, F_DUPFD_CLOEXEC, 0)),
                                  FileDescriptor(::fcntl(old.slots, F_DUPFD_CLOEXEC, 0)),
                                  FileDescriptor(::fcntl(old.counters, F_DUPFD_CLOEXEC, 0)));
  ASSERT_TRUE(adopted) << adopted.error().detail;
  table_ = std::move(*adopted);  // the first table is gone, its filter is not
  EXPECT_EQ(table_->slots(), 8U);
  EXPECT_EQ(counters(), before);
  const Ifindex r1 = net_.router_index("r1");
  EXPECT_THAT(table_->attachments(), ElementsAre(GateAttachment{r1, kSlot}));
  EXPECT_FALSE(passes_ingress(data)) << "between adoption and attach the old program works on";
  ASSERT_TRUE(table_->attach(r1, kSlot));
  EXPECT_FALSE(passes_ingress(data));
  words_->store(kSlot, kGateOpen);
  EXPECT_TRUE(passes_ingress(data)) << "the keeper's mapping is the same map";
}

TEST_F(GateTest, DetachTakesTheGateOff) {
  const auto plane = forward();
  {
    const lab::Inside inside(net_.router);
    ASSERT_TRUE(table_->detach(net_.router_index("r1")));
    EXPECT_TRUE(table_->detach(net_.router_index("r1"))) << "again is fine";
    EXPECT_TRUE(table_->detach(Ifindex(4000))) << "so is a device that is gone";
    EXPECT_THAT(table_->attachments(), IsEmpty());
  }
  send_stream("ungated");
  EXPECT_TRUE(down_.wait_for([](ByteSpan frame) { return is(frame, "ungated"); }));
}

TEST_F(GateTest, ErrorsSayWhatIsWrong) {
  const lab::Inside inside(net_.router);
  EXPECT_EQ(table_->attach(net_.router_index("r0"), 8).error().code, ErrorCode::refused);
  EXPECT_EQ(table_->attach(Ifindex(4000), 0).error().code, ErrorCode::not_found);
  EXPECT_EQ(table_->attach(net_.router_index("lo"), 0).error().code, ErrorCode::unsupported);
  EXPECT_EQ(GateTable::create(0).error().code, ErrorCode::refused);
  EXPECT_EQ(table_->counters(8).error().code, ErrorCode::not_found);
  const GateDescriptors old = table_->descriptors();
  const auto swapped = GateTable::adopt(FileDescriptor(::fcntl(old.slots, F_DUPFD_CLOEXEC, 0)),
                                        FileDescriptor(::fcntl(old.words, F_DUPFD_CLOEXEC, 0)),
                                        FileDescriptor(::fcntl(old.counters, F_DUPFD_CLOEXEC, 0)));
  EXPECT_EQ(swapped.error().code, ErrorCode::malformed);
  const auto no_words = GateWords::map_writable(old.slots);
  EXPECT_FALSE(no_words);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setuid(65534) != 0) ::_exit(2);
    const auto denied = GateTable::create(1);
    ::_exit(!denied && denied.error().code == ErrorCode::refused &&
                    denied.error().detail.find("CAP_BPF") != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(GateWordTest, LeaseArithmetic) {
  const TimePoint at(std::chrono::nanoseconds(1000));
  EXPECT_EQ(gate::lease_until(at), 1000U);
  EXPECT_EQ(gate::lease_until(TimePoint(std::chrono::nanoseconds(-5))), kGateClosed);
  EXPECT_FALSE(gate::gate_is_open(kGateClosed, at));
  EXPECT_FALSE(gate::gate_is_open(1000, at)) << "the end itself is closed";
  EXPECT_TRUE(gate::gate_is_open(1001, at));
  EXPECT_TRUE(gate::gate_is_open(kGateOpen, at));
}

TEST(GateWordTest, AnotherLayoutIsRefused) {
  const FileDescriptor file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file.valid());
  ASSERT_EQ(::ftruncate(file.get(), 65536), 0);
  EXPECT_EQ(GateWords::map_readable(file.get()).error().code, ErrorCode::malformed);
  const std::uint64_t next_version = gate::kGateMagic + 1;
  ASSERT_EQ(::pwrite(file.get(), &next_version, 8, 0), 8);
  EXPECT_EQ(GateWords::map_readable(file.get()).error().code, ErrorCode::malformed);
  const std::uint64_t magic = gate::kGateMagic;
  const std::uint64_t slots = gate::kGateSlotsMax + 1;
  ASSERT_EQ(::pwrite(file.get(), &magic, 8, 0), 8);
  ASSERT_EQ(::pwrite(file.get(), &slots, 8, 8), 8);
  EXPECT_EQ(GateWords::map_readable(file.get()).error().code, ErrorCode::malformed);
  const std::uint64_t few = 4;
  ASSERT_EQ(::pwrite(file.get(), &few, 8, 8), 8);
  auto words = GateWords::map_writable(file.get());
  ASSERT_TRUE(words);
  words->store(2, 77);
  GateWords moved = std::move(*words);
  EXPECT_EQ(moved.load(2), 77U);
  EXPECT_EQ(moved.slots(), 4U);
}

}  // namespace
}  // namespace hotpair::platform::kernel
