// What routes cost in MRIB alone: memory, new ones, ones told again, a change of unicast routing,
// and a turn in which nothing is due. The plane and the unicast table answer at once and cost next
// to nothing. Trees of hosts on links without PIM, and trees of PIM routers, which are joined
// upstream and have assert facts. Prints one JSON document. Arguments: [--quick | --all].
#include <time.h>

#include "mcast/mrib/mrib_machine.h"
#include "tests/bench/pair/bench_report.h"

namespace {

using namespace hotpair;
using namespace hotpair::mcast::mrib;
using namespace hotpair::bench;
namespace rp = hotpair::mcast::rp;
namespace fwd = hotpair::fwd;

const IpAddress kRp = IpAddress::v4(0x0aff0002U);
const IpAddress kSource = IpAddress::v4(0x0a03000aU);
const LinkId kUp{1};
const LinkId kDown{2};
constexpr std::size_t kIdleTurns = 100'000;

enum class Tree { of_hosts, shared, of_source };
constexpr std::pair<Tree, const char*> kTrees[] = {{Tree::of_hosts, "host_shared_tree"},
                                                   {Tree::shared, "pim_shared_tree"},
                                                   {Tree::of_source, "pim_source_tree"}};

/// Processor time of this thread: the machine is shared.
double processor_seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

double anonymous_bytes() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) give_up("no /proc/self/status");
  char line[256];
  unsigned long kib = 0;
  while (std::fgets(line, sizeof line, status) != nullptr)
    if (std::sscanf(line, "RssAnon: %lu kB", &kib) == 1) break;
  std::fclose(status);
  return static_cast<double>(kib) * 1024;
}

/// Mrib between one uplink and one downlink.
class Rig {
 public:
  explicit Rig(Tree tree) : tree_(tree), mrib_(Config{}, now_) {
    const bool pim = tree != Tree::of_hosts;
    for (const LinkId link : {kUp, kDown})
      mrib_.set_link({.link = link, .vrf = VrfId{0}, .ipv4 = true, .scope = {}, .pim_ipv4 = pim},
                     now_);
    const auto range = IpPrefix::parse("224.0.0.0/4");
    mrib_.set_rps(VrfId{0}, Family::ipv4, rp::RpSet({*rp::make_static_rp(kRp, *range)}), now_);
    settle();
  }
  void want(std::uint32_t number) {
    const bool by_name = tree_ == Tree::of_source;
    Membership membership{by_name ? FilterMode::include : FilterMode::exclude, {}};
    if (by_name) membership.sources.push_back(kSource);
    Origin origin = Origin::hosts;
    if (tree_ == Tree::shared) origin = Origin::shared_tree;
    if (tree_ == Tree::of_source) origin = Origin::source_trees;
    mrib_.on_membership(kDown, *Group::from(IpAddress::v4(0xe1000000U + number)), membership, now_,
                        origin);
    drain();
  }
  void unicast_changes() {
    ++metric_;
    mrib_.on_unicast_changed(now_);
    settle();
  }
  void idle_turn() {
    mrib_.on_timeout(now_);
    if (mrib_.poll_effect() || (mrib_.next_deadline() && *mrib_.next_deadline() <= now_))
      give_up("an idle turn had work");
  }
  void settle() {
    drain();
    while (mrib_.next_deadline() && *mrib_.next_deadline() <= now_) {
      const double began = processor_seconds();
      mrib_.on_timeout(now_);
      longest_slice_ = std::max(longest_slice_, processor_seconds() - began);
      drain();
    }
  }
  [[nodiscard]] std::size_t installed() const { return installed_; }
  [[nodiscard]] std::size_t joined() const { return joined_; }
  [[nodiscard]] double longest_slice() const { return longest_slice_; }

 private:
  void drain() {
    while (auto effect = mrib_.poll_effect())
      std::visit([this](const auto& one) { take(one); }, *effect);
  }
  void take(const PlaneDelta& delta) {
    std::vector<fwd::AppliedChange> applied;
    applied.reserve(delta.changes.size());
    for (const fwd::RouteChange& change : delta.changes) {
      const auto* set = std::get_if<fwd::SetRoute>(&change);
      if (set == nullptr) give_up("a route was removed");
      applied.push_back({set->route.key, {}});
      ++installed_;
    }
    mrib_.on_applied(applied, now_);
  }
  void take(const AskRpf& ask) {
    mrib_.on_rpf(ask.vrf, ask.target,
                 RpfAnswer{.link = kUp, .neighbour = IpAddress::v4(0x0a010101U), .metric = metric_},
                 now_);
  }
  void take(const UpstreamChanged& change) {
    if (change.wish == Wish::join) ++joined_;
  }
  template <typename Other>
  void take(const Other&) {}

  Tree tree_;
  TimePoint now_{std::chrono::seconds{1000}};
  Mrib mrib_;
  std::uint32_t metric_ = 10;
  std::size_t installed_ = 0;
  std::size_t joined_ = 0;
  double longest_slice_ = 0;
};

/// Bytes a tree, new trees/s, trees told again/s, ms of a unicast change, us of its longest slice,
/// ns of an idle turn.
std::vector<double> measure(Tree tree, std::uint32_t count) {
  const double before = anonymous_bytes();
  Rig rig(tree);
  double began = processor_seconds();
  for (std::uint32_t number = 0; number < count; ++number) rig.want(number);
  rig.settle();
  const double made = processor_seconds() - began;
  const double bytes = anonymous_bytes() - before;
  if (rig.installed() != count) give_up("routes are missing");
  if (tree != Tree::of_hosts && rig.joined() != count) give_up("upstream joins are missing");
  began = processor_seconds();
  for (std::uint32_t number = 0; number < count; ++number) rig.want(number);
  const double again = processor_seconds() - began;
  if (rig.installed() != count) give_up("a repetition changed routes");
  began = processor_seconds();
  rig.unicast_changes();
  const double changed = processor_seconds() - began;
  began = processor_seconds();
  for (std::size_t turn = 0; turn < kIdleTurns; ++turn) rig.idle_turn();
  const double idle = processor_seconds() - began;
  return {
      bytes / count,          count / made, count / again, changed * 1e3, rig.longest_slice() * 1e6,
      idle / kIdleTurns * 1e9};
}

}  // namespace

int main(int argc, char** argv) {
  const Size size = size_of(argc, argv);
  const std::uint32_t count = size == Size::quick ? 10'000
                              : size == Size::all ? 1'000'000
                                                  : 100'000;
  const int runs = size == Size::quick ? 1 : 3;
  std::vector<Metric> metrics;
  for (const auto& [tree, name] : kTrees) {
    const std::string prefix = name;
    std::vector<Metric> rows = {
        {prefix + "_memory", "bytes", {}, {}},     {prefix + "_new", "1/s", {}, {}},
        {prefix + "_again", "1/s", {}, {}},        {prefix + "_unicast_change", "ms", {}, {}},
        {prefix + "_longest_slice", "us", {}, {}}, {prefix + "_idle_turn", "ns", {}, {}}};
    for (int run = 0; run < runs; ++run) {
      const auto values = apart([tree, count] { return measure(tree, count); });
      for (std::size_t row = 0; row < rows.size(); ++row) rows[row].values.push_back(values[row]);
    }
    metrics.insert(metrics.end(), rows.begin(), rows.end());
  }
  print_document("mrib_" + short_number(count), metrics);
  return 0;
}
