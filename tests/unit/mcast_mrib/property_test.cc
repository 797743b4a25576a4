#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "mrib_stand.h"

namespace hotpair::mcast::mrib {
namespace {

const std::vector<std::string> kGroups{"225.1.1.1", "225.1.1.2", "232.1.1.1", "ff1e::1", "ff3e::1"};
const std::vector<std::string> kSources4{"10.0.0.1", "10.0.0.2", "10.0.0.3"};
const std::vector<std::string> kSources6{"2001:db8::1", "2001:db8::2", "2001:db8::3"};
const std::vector<std::string> kRps{"5.5.5.5", "6.6.6.6", "2001:db8::5"};
constexpr std::uint32_t kLinks = 5;

constexpr std::uint32_t kPimLinks = 3;  // links 1 to 3 have PIM routers

using Routes = std::map<fwd::RouteKey, std::string>;
using Wishes = std::map<std::pair<Group, std::string>, std::string>;

/// What the inputs say, as plainly as it can be kept, and the routes recomputed from nothing else.
struct Naive {
  struct Link {
    bool ipv4 = false;
    bool ipv6 = false;
  };
  std::map<std::uint32_t, Link> links;
  std::map<std::tuple<std::uint32_t, Group, Origin>, Membership> members;
  std::map<IpAddress, std::optional<std::uint32_t>> unicast;
  std::map<IpAddress, std::optional<std::string>> next_hops;
  std::vector<rp::RpMapping> rps;
  std::set<std::pair<Group, IpAddress>> traffic;

  [[nodiscard]] bool has(std::uint32_t link, Family family) const {
    const auto found = links.find(link);
    if (found == links.end()) return false;
    return family == Family::ipv4 ? found->second.ipv4 : found->second.ipv6;
  }
  [[nodiscard]] std::optional<std::uint32_t> rpf(const IpAddress& target) const {
    const auto found = unicast.find(target);
    if (found == unicast.end() || !found->second || !has(*found->second, target.family()))
      return std::nullopt;
    return found->second;
  }
  void drop_members(std::uint32_t link, Family family) {
    std::erase_if(members, [&](const auto& entry) {
      return std::get<0>(entry.first) == link && std::get<1>(entry.first).family() == family;
    });
  }
  void drop_members(std::uint32_t link, Family family, Origin origin) {
    std::erase_if(members, [&](const auto& entry) {
      return std::get<0>(entry.first) == link && std::get<1>(entry.first).family() == family &&
             std::get<2>(entry.first) == origin;
    });
  }
  [[nodiscard]] std::optional<std::uint32_t> rpf_of_rp(const Group& to) const {
    const rp::RpSet set(rps);
    const rp::RpMapping* mapping = set.find(to);
    return mapping == nullptr ? std::nullopt : rpf(mapping->rp);
  }
  [[nodiscard]] std::string way(const IpAddress& target) const {
    const auto link = rpf(target);
    const auto hop = next_hops.find(target);
    if (!link || *link > kPimLinks || hop == next_hops.end() || !hop->second) return "";
    return std::to_string(*link) + " " + *hop->second;
  }
  [[nodiscard]] static std::string text(std::optional<std::uint32_t> in,
                                        const std::set<std::uint32_t>& out) {
    std::string line = (in ? std::to_string(*in) : "?") + ">";
    for (const std::uint32_t link : out)
      line += (line.back() == '>' ? "" : ",") + std::to_string(link);
    return line;
  }
  [[nodiscard]] std::optional<std::string> star(const Group& to) const {
    const rp::RpSet set(rps);
    const rp::RpMapping* mapping = set.find(to);
    const auto in = mapping == nullptr ? std::nullopt : rpf(mapping->rp);
    if (!in) return std::nullopt;
    std::set<std::uint32_t> out;
    for (const auto& [key, membership] : members)
      if (std::get<1>(key) == to && membership.mode == FilterMode::exclude &&
          std::get<0>(key) != *in)
        out.insert(std::get<0>(key));
    if (out.empty()) return std::nullopt;
    return text(in, out);
  }
  [[nodiscard]] std::optional<std::string> source(const Group& to, const IpAddress& from,
                                                  bool has_star) const {
    std::set<std::uint32_t> out;
    bool named = false;
    bool blocked = false;
    bool from_shared = false;
    const auto shared = rpf_of_rp(to);
    for (const auto& [key, membership] : members) {
      const std::uint32_t link = std::get<0>(key);
      if (std::get<1>(key) != to) continue;
      const bool listed = std::ranges::count(membership.sources, from) > 0;
      named |= listed;
      blocked |= listed && membership.mode == FilterMode::exclude;
      if (listed == (membership.mode == FilterMode::include)) out.insert(link);
      from_shared |= !listed && membership.mode == FilterMode::exclude && link != shared;
    }
    const bool made = traffic.contains({to, from});
    if (!named && !made) return std::nullopt;
    auto in = rpf(from);
    if (in && *in <= kPimLinks && has_star && from_shared && *shared <= kPimLinks) in = shared;
    if (in) out.erase(*in);
    if (!in) out.clear();
    if (out.empty() && !made && !(blocked && has_star)) return std::nullopt;
    return text(in, out);
  }
  [[nodiscard]] Routes routes() const {
    Routes all;
    for (const std::string& to : kGroups) {
      const Group key = group(to);
      const auto shared = star(key);
      if (shared) all[{VrfId{0}, key, std::nullopt}] = *shared;
      for (const std::string& from : key.family() == Family::ipv4 ? kSources4 : kSources6)
        if (const auto own = source(key, ip(from), shared.has_value()))
          all[{VrfId{0}, key, ip(from)}] = *own;
    }
    return all;
  }
};

/// JoinDesired and PruneDesired as RFC 7761 4.5.4 to 4.5.6 writes them, SPTbit never set.
Wishes wishes_of(const Naive& naive) {
  Wishes all;
  for (const std::string& name : kGroups) {
    const Group to = group(name);
    const rp::RpSet set(naive.rps);
    const rp::RpMapping* mapping = set.find(to);
    const bool star = naive.star(to).has_value();
    const std::string rp_way = star ? naive.way(mapping->rp) : "";
    const std::string rp = star ? " rp " + mapping->rp.to_string() : "";
    if (!rp_way.empty()) all[{to, "*"}] = "join " + rp_way + rp;
    for (const std::string& from : to.family() == Family::ipv4 ? kSources4 : kSources6) {
      bool immediate = false;
      bool shared = false;
      bool known = naive.traffic.contains({to, ip(from)});
      for (const auto& [key, membership] : naive.members) {
        if (std::get<1>(key) != to) continue;
        const std::uint32_t link = std::get<0>(key);
        const bool listed = std::ranges::count(membership.sources, ip(from)) > 0;
        known |= listed;
        if (membership.mode == FilterMode::include)
          immediate |= listed && link != naive.rpf(ip(from));
        else
          shared |= !listed && link != naive.rpf_of_rp(to);
      }
      const auto route = naive.source(to, ip(from), star);
      const bool active = naive.traffic.contains({to, ip(from)}) && route && route->back() != '>';
      const std::string own = naive.way(ip(from));
      if ((immediate || active) && !own.empty()) all[{to, from}] = "join " + own;
      if (known && !rp_way.empty() && !shared) all[{to, from + "/rpt"}] = "prune " + rp_way + rp;
    }
  }
  return all;
}

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    config_.negative_time = std::chrono::hours(10'000);
    config_.keepalive = std::chrono::hours(10'000);
    config_.retry_max = std::chrono::seconds(2);
    stand_ = std::make_unique<Stand>(config_, &plane_);
    for (std::uint32_t link = 1; link <= kLinks; ++link) set_link(link, true, true);
  }
  void step() {
    switch (pick(10)) {
      case 0: unicast(); break;
      case 1: flush(); break;
      case 2: change_link(); break;
      case 3: rps(); break;
      case 4: refuse(); break;
      case 5: case 6: upcall(); break;
      default: membership(); break;
    }
    if (pick(40) == 0) restart();
    if (pick(3) == 0) stand_->run();  // several inputs in one turn now and then
  }
  void check(const std::string& where) {
    stand_->run();
    stand_->pass(std::chrono::seconds(5));  // refused changes are tried again
    stand_->run();
    Routes found;
    for (const auto& [key, route] : plane_.routes()) found[key] = Stand::text_of(route);
    const Routes wanted = naive_.routes();
    for (const auto& [key, text] : wanted) EXPECT_EQ(found[key], text) << where << name(key);
    for (const auto& [key, text] : found) {
      if (wanted.contains(key)) continue;
      EXPECT_EQ(text, "") << where << name(key);
    }
    Wishes asked;
    for (const auto& [key, change] : stand_->wishes)
      asked[key] = stand_->wish(key.first.address().to_string(), key.second);
    EXPECT_EQ(asked, wishes_of(naive_)) << where;
    ASSERT_TRUE(stand_->mrib.is_settled()) << where;
  }

 private:
  static std::string name(const fwd::RouteKey& key) {
    return " (" + (key.source ? key.source->to_string() : "*") + ", " + key.group.to_string() + ")";
  }
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_()) % below; }
  Origin pick_origin() {
    constexpr std::array kLikely{Origin::hosts, Origin::hosts, Origin::shared_tree,
                                 Origin::source_trees};
    return kLikely[pick(kLikely.size())];
  }
  std::uint32_t pick_link() { return 1 + pick(kLinks); }

  void set_link(std::uint32_t link, bool ipv4, bool ipv6) {
    static_cast<void>(
        plane_.add_link({LinkId{link}, "d" + std::to_string(link), true, true}));
    naive_.links[link] = {ipv4, ipv6};
    if (!ipv4) naive_.drop_members(link, Family::ipv4);
    if (!ipv6) naive_.drop_members(link, Family::ipv6);
    const bool pim = link <= kPimLinks;
    stand_->mrib.set_link({LinkId{link}, VrfId{0}, ipv4, ipv6, std::nullopt, pim, pim},
                          stand_->now);
  }
  void change_link() {
    const std::uint32_t link = pick_link();
    if (pick(3) > 0) {
      set_link(link, pick(4) > 0, pick(4) > 0);
      return;
    }
    naive_.links.erase(link);
    naive_.drop_members(link, Family::ipv4);
    naive_.drop_members(link, Family::ipv6);
    stand_->mrib.remove_link(LinkId{link}, stand_->now);
  }
  void unicast() {
    for (const auto* list : {&kSources4, &kSources6, &kRps})
      for (const std::string& target : *list) {
        if (pick(3) > 0) continue;
        std::optional<std::uint32_t> link;
        if (pick(5) > 0) link = pick_link();
        std::optional<std::string> hop;
        if (pick(4) > 0) hop = "10.0.0." + std::to_string(100 + pick(2));
        naive_.unicast[ip(target)] = link;
        naive_.next_hops[ip(target)] = hop;
        stand_->unicast(target, link, hop);
      }
    stand_->mrib.on_unicast_changed(stand_->now);
  }
  void flush() {
    const std::uint32_t link = pick_link();
    const Family family = pick(2) == 0 ? Family::ipv4 : Family::ipv6;
    const Origin origin = pick_origin();
    naive_.drop_members(link, family, origin);
    stand_->mrib.on_flush(LinkId{link}, family, stand_->now, origin);
  }
  void rps() {
    naive_.rps.clear();
    if (pick(4) > 0) naive_.rps.push_back(rp::make_static_rp(ip(kRps[pick(2)]), {}).value());
    if (pick(4) > 0)
      naive_.rps.push_back(
          rp::make_static_rp(ip(kRps[pick(2)]), IpPrefix::parse("225.1.1.2/32").value()).value());
    if (pick(4) > 0) naive_.rps.push_back(rp::make_static_rp(ip(kRps[2]), {}).value());
    stand_->set_rps(naive_.rps);
  }
  void membership() {
    const std::uint32_t link = pick_link();
    const Group to = group(kGroups[pick(static_cast<std::uint32_t>(kGroups.size()))]);
    Membership wanted{pick(2) == 0 ? FilterMode::include : FilterMode::exclude, {}};
    for (const std::string& source : to.family() == Family::ipv4 ? kSources4 : kSources6)
      if (pick(3) == 0) wanted.sources.push_back(ip(source));
    const Origin origin = pick_origin();
    stand_->mrib.on_membership(LinkId{link}, to, wanted, stand_->now, origin);
    if (!naive_.has(link, to.family())) return;
    naive_.members.erase({link, to, origin});
    if (wanted.mode == FilterMode::exclude || !wanted.sources.empty())
      naive_.members[{link, to, origin}] = wanted;
  }
  void upcall() {
    const std::uint32_t link = pick_link();
    const Group to = group(kGroups[pick(static_cast<std::uint32_t>(kGroups.size()))]);
    const IpAddress from = ip((to.family() == Family::ipv4 ? kSources4 : kSources6)[pick(3)]);
    stand_->mrib.on_no_route({VrfId{0}, LinkId{link}, from, to}, stand_->now);
    if (naive_.has(link, to.family())) naive_.traffic.insert({to, from});
  }
  void refuse() {
    const Routes wanted = naive_.routes();
    if (wanted.empty()) return;
    auto victim = wanted.begin();
    std::advance(victim, pick(static_cast<std::uint32_t>(wanted.size())));
    plane_.fail_route(victim->first, {ErrorCode::unavailable, "busy"}, 1);
  }
  /// The process ends and a new one takes the plane over; meanwhile nothing may shrink.
  void restart() {
    stand_->run();
    stand_->pass(std::chrono::seconds(5));
    stand_->run();
    const auto old = plane_.routes();
    auto next = std::make_unique<Stand>(config_, &plane_);
    next->now = stand_->now;
    stand_ = std::move(next);
    for (const auto& [target, link] : naive_.unicast)
      stand_->unicast(target.to_string(), link, naive_.next_hops[target]);
    for (const auto& [link, families] : naive_.links)
      stand_->mrib.set_link({LinkId{link}, VrfId{0}, families.ipv4, families.ipv6, std::nullopt,
                             link <= kPimLinks, link <= kPimLinks},
                            stand_->now);
    stand_->mrib.on_read_back(plane_.read_back().value(), stand_->now);
    stand_->run();
    for (const auto& [key, route] : old)
      if (key.source) naive_.traffic.insert({key.group, *key.source});
    for (const auto& [key, membership] : naive_.members) {
      const auto& [link, to, origin] = key;
      stand_->mrib.on_membership(LinkId{link}, to, membership, stand_->now, origin);
      stand_->run();
    }
    stand_->set_rps(naive_.rps);
    stand_->run();
    for (const auto& [key, route] : old) expect_not_shrunk(key, route);
    stand_->mrib.end_hold(std::chrono::seconds(1), stand_->now);
    stand_->pass(std::chrono::seconds(1));
    naive_.traffic.clear();
    for (const auto& [key, route] : old)
      if (key.source) naive_.traffic.insert({key.group, *key.source});
  }
  void expect_not_shrunk(const fwd::RouteKey& key, const fwd::Route& old) {
    const auto found = plane_.routes().find(key);
    ASSERT_NE(found, plane_.routes().end()) << name(key);
    for (const LinkId link : old.outgoing)
      EXPECT_TRUE(std::ranges::count(found->second.outgoing, link) > 0 ||
                  found->second.incoming == link)
          << name(key);
  }

  std::mt19937 random_;
  Config config_;
  fwd::FakePlane plane_;
  Naive naive_;
  std::unique_ptr<Stand> stand_;
};

TEST(Property, InstalledRoutesEqualANaiveRecomputation) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    World world(seed);
    for (int step = 0; step < 120; ++step) {
      world.step();
      if (step % 4 == 3)
        world.check("seed " + std::to_string(seed) + " step " + std::to_string(step));
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hotpair::mcast::mrib
