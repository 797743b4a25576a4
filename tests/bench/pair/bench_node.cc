#include "tests/bench/pair/bench_node.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <utility>

#include "checkpoint/store/lmdb_store.h"
#include "mcast/wire/igmp.h"
#include "platform/base/descriptor.h"
#include "platform/fwd/fake_plane.h"
#include "platform/io/clock.h"
#include "platform/kernel/kernel_plane.h"
#include "rbs/tls/pair_key.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace std::chrono_literals;
using platform::io::now;
namespace fs = std::filesystem;
namespace keeper = ha::keeper;
namespace node = ha::node;
namespace wire = mcast::wire;

constexpr std::uint64_t kUnstoredMax = 65'536;
const Term kFirstTerm{1, NodeId{1}};
const IpAddress kHost = IpAddress::v4(0x0a000f64U);
const IpAddress kSource = IpAddress::v4(0x0a000101U);

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// Two benches may run at once.
std::uint16_t port() { return static_cast<std::uint16_t>(20'000 + ::getpid() % 20'000); }

node::NodeConfig config_of(int index) {
  const bool first = index == 0;
  node::NodeConfig config;
  config.sysname = first ? "A" : "B";
  node::EtrunkSettings etrunk;
  etrunk.etrunk.id = ha::etrunk::EtrunkId{1};
  const IpAddress own = ip(first ? "127.0.0.1" : "127.0.0.2");
  const IpAddress peer = ip(first ? "127.0.0.2" : "127.0.0.1");
  etrunk.etrunk.paths = {{ha::etrunk::PathId{0}, own, peer, {}}};
  etrunk.etrunk.keys = {"k"};
  config.etrunks = {etrunk};
  config.services = {{"service1", own, peer, port()}};
  config.scopes = {{kScope, "profile1", "service1", ha::etrunk::EtrunkId{1}, 1, true, false}};
  node::LinkSettings access;
  access.name = "Eth-Trunk1";
  access.device = kAccess;
  access.ipv4 = true;
  access.scope = kScope;
  access.eth_trunk = 1;
  access.addresses = {*IpPrefix::parse(first ? "10.0.15.1/24" : "10.0.15.3/24")};
  mcast::gmp::InterfaceConfig igmp;
  igmp.max_groups = 16'000'000;
  access.igmp = igmp;
  node::LinkSettings uplink;
  uplink.name = "GigabitEthernet0/1/3";
  uplink.device = kUplink;
  uplink.ipv4 = true;
  uplink.addresses = {*IpPrefix::parse("10.0.12.1/24")};
  config.links = {access, uplink};
  config.static_rps = {*mcast::rp::make_static_rp(ip("2.2.2.2"), std::nullopt)};
  return config;
}

std::set<int> thread_ids() {
  std::set<int> ids;
  for (const auto& entry : fs::directory_iterator("/proc/self/task"))
    ids.insert(std::stoi(entry.path().filename().string()));
  return ids;
}

double processor_us() {
  timespec at{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) * 1e-3;
}

}  // namespace

std::size_t anonymous_rss() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) give_up("no /proc/self/status");
  char line[256];
  std::size_t kib = 0;
  while (std::fgets(line, sizeof line, status) != nullptr)
    if (std::sscanf(line, "RssAnon: %zu kB", &kib) == 1) break;
  std::fclose(status);
  return kib * 1024;
}

double processor_ms(int thread_id) {
  std::FILE* file = std::fopen(fmt::format("/proc/self/task/{}/schedstat", thread_id).c_str(), "r");
  if (file == nullptr) give_up("no processor time of a thread");
  unsigned long long nanoseconds = 0;
  if (std::fscanf(file, "%llu", &nanoseconds) != 1) give_up("no processor time of a thread");
  std::fclose(file);
  return static_cast<double>(nanoseconds) * 1e-6;
}

Workspace::Workspace() {
  std::string name = (fs::temp_directory_path() / "hotpair-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) give_up("no temporary directory");
  path_ = name;
  if (const auto made = rbs::tls::PairKeys::create(key_file(), "bench"); !made)
    give_up(made.error().detail);
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

BenchNode::BenchNode(int index, const Workspace& workspace, PlaneKind plane)
    : index_(index), id_(static_cast<std::uint64_t>(index) + 1) {
  const TimePoint at = now();
  node_ = std::make_unique<node::Node>(
      node::Node::Identity{id_, "bench", platform::io::random_u64()}, at);
  channels_ = std::make_unique<ha::daemon::ChannelLink>(loop_);
  if (const auto keys = channels_->load_keys(workspace.key_file()); !keys)
    give_up(keys.error().detail);
  channels_->attach(*node_, [this] { settle(); });
  open_store(workspace);
  open_plane(plane);
}

BenchNode::~BenchNode() {
  stopping_ = true;
  loop_.stop();
  if (thread_.joinable()) thread_.join();
  static_cast<void>(store_->stop());
}

void BenchNode::open_store(const Workspace& workspace) {
  checkpoint::store::StoreOptions options;
  store_directory_ = workspace.path() / ("store" + std::to_string(index_));
  options.directory = store_directory_;
  options.boot_id = "bench";
  options.node = id_;
  options.since_boot = platform::io::boot_now().time_since_epoch();
  auto store = checkpoint::store::LmdbStore::open(options);
  if (!store) give_up(store.error().detail);
  const std::set<int> before = thread_ids();
  store_ = std::make_unique<checkpoint::store::StoreThread>(std::move(*store));
  for (const int id : thread_ids())
    if (!before.contains(id)) store_thread_id_ = id;
  store_watch_.emplace(loop_, store_->event_fd(), [this] {
    for (checkpoint::StoreReply& reply : store_->drain()) replies_.push_back(std::move(reply));
    take_replies();
  });
}

/// As the daemon does: for about a millisecond, then what is left waits behind other work.
void BenchNode::take_replies() {
  const TimePoint end = now() + 1ms;
  while (!replies_.empty()) {
    node_->on_store(std::move(replies_.front()), now());
    replies_.pop_front();
    settle();
    if (now() < end || replies_.empty()) continue;
    boost::asio::post(loop_, [this] { take_replies(); });
    return;
  }
}

/// The kernel's plane is one of a network namespace of its own, which lives as long as the plane.
/// Links are added while this thread is in it; the channel's sockets are made outside.
void BenchNode::open_plane(PlaneKind kind) {
  const FileDescriptor home(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (kind == PlaneKind::memory) {
    plane_ = std::make_unique<fwd::FakePlane>();
  } else {
    if (::unshare(CLONE_NEWNET) != 0) give_up("needs root: no network namespace of its own");
    if (std::system("ip link add tr1 type veth peer name h0 && ip link set tr1 up && "
                    "ip link add up0 type veth peer name h1 && ip link set up0 up") != 0)
      give_up("veth pairs cannot be made");
    auto sockets = platform::kernel::RoutingSockets::open();
    if (!sockets) give_up(sockets.error().detail);
    auto plane = platform::kernel::KernelPlane::create(std::move(*sockets));
    if (!plane) give_up(plane.error().detail);
    plane_ = std::move(*plane);
  }
  const node::NodeConfig config = config_of(index_);
  for (const node::LinkSettings& link : config.links)
    node_->on_device({link.device, true, true, link.addresses, std::nullopt}, now());
  node_->apply(config, now());
  keeper::ScopeState state;
  state.scope = kScope;
  state.role = index_ == 0 ? ha::etrunk::Role::master : ha::etrunk::Role::backup;
  state.term = kFirstTerm;
  state.gate_open = index_ == 0;
  keeper::Welcome welcome;
  welcome.scopes = {state};
  node_->on_keeper(welcome, now());
  settle();
  if (kind == PlaneKind::kernel && ::setns(home.get(), CLONE_NEWNET) != 0)
    give_up("cannot go back to the network namespace of the start");
}

void BenchNode::start() {
  thread_ = std::thread([this] {
    loop_thread_id_ = ::gettid();
    ::pthread_setname_np(::pthread_self(), index_ == 0 ? "bench-master" : "bench-backup");
    loop();
  });
}

void BenchNode::loop() {
  const auto work = boost::asio::make_work_guard(loop_);
  while (!stopping_) {
    const double before = processor_us();
    loop_.run_one();
    const double spent = processor_us() - before;
    if (spent > longest_turn_us_) longest_turn_us_ = spent;
  }
}

void BenchNode::connect() {
  run([this] { node_->set_pair_key(true, now()); });
}

void BenchNode::report(std::uint32_t n, bool any_source) {
  const Group group = *Group::from(IpAddress::v4(0xe1000000U + n));
  wire::SourceReport message;
  if (any_source)
    message.records.push_back({wire::RecordType::mode_is_exclude, group, {}});
  else
    message.records.push_back({wire::RecordType::mode_is_include, group, {kSource}});
  const Bytes bytes = wire::encode_igmp(message);
  node_->on_group_message(
      {std::string(kAccess), kHost, wire::all_gmp_routers(Family::ipv4), 1, true, bytes}, now());
}

void BenchNode::listen(platform::io::GroupSocket& socket, std::function<void(ByteSpan)> heard) {
  group_watch_.emplace(
      loop_, socket.descriptor(Family::ipv4), [this, &socket, heard = std::move(heard)] {
        for (const platform::io::GroupPacket& packet : socket.receive(Family::ipv4)) {
          node_->on_group_message({std::string(kAccess), packet.source, packet.destination,
                                   packet.hop_limit, packet.router_alert, packet.message},
                                  now());
          heard(packet.message);
        }
        settle();
      });
}

void BenchNode::fill(std::uint32_t count, bool any_source) {
  while (run([this] { return !scope().active; })) std::this_thread::sleep_for(1ms);
  const auto unstored = [this] {
    const auto& journal = scope().journal;
    return journal.last().value() - journal.committed().value();
  };
  for (std::uint32_t begin = 0; begin < count; begin += 256) {
    // Faster than the store for long, the journal would give up its window and begin anew.
    while (run(unstored) > kUnstoredMax) std::this_thread::sleep_for(1ms);
    run([&] {
      for (std::uint32_t n = begin; n < std::min(count, begin + 256); ++n) {
        report(n, any_source);
        settle();
      }
    });
  }
  while (run([this] { return scope().journal.committed() < scope().journal.last(); }))
    std::this_thread::sleep_for(1ms);
  if (run([this] { return groups(); }) != count) give_up("the master did not take every report");
}

std::size_t BenchNode::groups() const {
  const node::Link* link = node_->find_link("Eth-Trunk1");
  return link == nullptr ? 0 : node_->gmp().group_count(link->id, Family::ipv4);
}

Sequence BenchNode::acked() const {
  const auto model = node_->services().at("service1")->session->show(kScope, now());
  return model ? model->acked : Sequence{};
}

std::uint64_t BenchNode::bytes_received() const {
  return node_->services().at("service1")->bytes_received;
}

std::size_t BenchNode::store_bytes() const {
  std::size_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(store_directory_))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

// ---- the loop, as the daemon has it ----

void BenchNode::settle() {
  while (auto effect = node_->poll_effect()) act(*effect);
  settled();
  set_timer();
}

void BenchNode::set_timer() {
  const auto deadline = node_->next_deadline();
  if (!deadline) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(std::chrono::steady_clock::time_point(deadline->time_since_epoch()));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    node_->on_timeout(now());
    settle();
  });
}

void BenchNode::act(node::NodeEffect& effect) {
  if (auto* ask = std::get_if<node::AskStore>(&effect)) {
    store_->submit(std::move(ask->request));
  } else if (const auto* send = std::get_if<node::SendBytes>(&effect)) {
    channels_->send(send->transport, send->bytes);
  } else if (const auto* open = std::get_if<node::OpenTransport>(&effect)) {
    channels_->open(*open);
  } else if (const auto* drop = std::get_if<node::DropConnection>(&effect)) {
    fmt::print(stderr, "node {}: connection dropped: {}\n", index_, drop->reason);
    channels_->drop(drop->transport);
  } else if (const auto* pause = std::get_if<node::PauseReading>(&effect)) {
    channels_->pause(pause->transport, pause->paused);
  } else if (const auto* add = std::get_if<node::AddPlaneLink>(&effect)) {
    if (const auto added = plane_->add_link(add->link); !added) give_up(added.error().detail);
  } else if (const auto* routes = std::get_if<node::ApplyRoutes>(&effect)) {
    const auto applied = plane_->apply(routes->changes);
    for (std::size_t i = 0; i < applied.size(); ++i) {
      if (applied[i].error) give_up(applied[i].error->detail);
      routes_ += std::holds_alternative<fwd::SetRoute>(routes->changes[i]) ? 1U : -1ULL;
    }
    node_->on_plane_applied(applied, now());
  } else if (std::holds_alternative<node::ReadBackRoutes>(effect)) {
    if (const auto back = plane_->read_back()) node_->on_read_back(*back, now());
  } else if (const auto* rpf = std::get_if<node::AskRpf>(&effect)) {
    node_->on_rpf(rpf->vrf, rpf->target,
                  node::RpfFacts{std::string(kUplink), std::nullopt, 0, false}, now());
  } else if (const auto* counters = std::get_if<node::AskRouteCounters>(&effect)) {
    std::vector<std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> answer;
    const auto values = plane_->counters(counters->keys);
    for (std::size_t i = 0; i < values.size(); ++i)
      answer.emplace_back(counters->keys[i], values[i]);
    node_->on_route_counters(answer, now());
  } else if (std::holds_alternative<node::SendGroupMessage>(effect)) {
    if (query_sent_ == TimePoint{}) query_sent_ = now();
  }
}

BenchPair::BenchPair(PlaneKind plane) : master(0, workspace, plane), backup(1, workspace, plane) {}

void BenchPair::sync(std::uint32_t groups) {
  backup.start();
  backup.connect();
  master.connect();
  const TimePoint give_up_at = now() + 300s;
  while (backup.run([&] {
    return !backup.scope().role.complete() || backup.groups() < groups || backup.routes() < groups;
  })) {
    if (now() > give_up_at) give_up("the backup's copy does not become complete");
    std::this_thread::sleep_for(2ms);
  }
  while (master.run([&] { return !master.scope().peer_complete; }))
    std::this_thread::sleep_for(1ms);
}

}  // namespace hotpair::bench
